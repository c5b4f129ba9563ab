/* gl_merkle of kernel_abi.h: Poseidon-Goldilocks sponges, trees, and permutations. */
#include "hls/include/kernel_ports.h"

#include "hls/core/gl_poseidon.h"
#include "hls/core/rows.h"

#define DIGEST 4

HLS_TOP_ROWS(src, a)
HLS_TOP_ROWS(tree, a)
void gl_merkle(HLS_GL_MERKLE_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    uint32_t stages = op == HLS_NODES ? (levels < log_leaves ? levels : log_leaves) : 1;
    uint64_t from = op == HLS_ABSORB ? src_row : tree_row, to = tree_row;

    HLS_INTERFACE_ROWS(src, a)
    HLS_INTERFACE_ROWS(tree, a)
    HLS_INTERFACE_NUMBER(op)
    HLS_INTERFACE_NUMBER(flags)
    HLS_INTERFACE_NUMBER(log_leaves)
    HLS_INTERFACE_NUMBER(levels)
    HLS_INTERFACE_NUMBER(src_row)
    HLS_INTERFACE_NUMBER(tree_row)
    HLS_INTERFACE_CONTROL()

    /* II: a level needs all of the one before; stages <= levels <= log_leaves */
    HLS_LOOP(stages)
    for (uint32_t stage = 0; stage < stages; stage++) {
        uint32_t log_count = op == HLS_NODES ? log_leaves - 1 - stage : log_leaves;
        uint64_t count = op == HLS_PERMUTE ? log_leaves : (uint64_t)1 << (log_count & 63);
        hls_row row = {{0}}, other = {{0}};

        /* digests of the level that is read: two a row */
        if (op == HLS_NODES)
            to = from + count;
        /* II=1: permutations of a level do not depend on each other; count is the argument's */
        HLS_LOOP(permutations)
        for (uint64_t i = 0; i < count; i++) {
            uint64_t state[HLS_GL_POSEIDON_WIDTH];
            unsigned half = (unsigned)(i % 2) * DIGEST;

            if (op == HLS_ABSORB) {
                hls_rows_read(HLS_PASS_ROWS(src), from + i, &row);
                if (half == 0 && !(flags & HLS_FIRST))
                    hls_rows_read(HLS_PASS_ROWS(tree), to + i / 2, &other);
            } else if (op == HLS_NODES) {
                hls_rows_read(HLS_PASS_ROWS(tree), from + i, &row);
            } else {
                hls_rows_read(HLS_PASS_ROWS(tree), from + 2 * i, &row);
                hls_rows_read(HLS_PASS_ROWS(tree), from + 2 * i + 1, &other);
            }
            /* II=1, unrolled: wires */
            HLS_LOOP(rate)
            for (unsigned k = 0; k < HLS_ROW_WORDS; k++) {
                HLS_UNROLL()
                state[k] = row.w[k];
            }
            /* II=1, unrolled: wires */
            HLS_LOOP(capacity)
            for (unsigned k = 0; k < DIGEST; k++) {
                HLS_UNROLL()
                if (op == HLS_PERMUTE)
                    state[HLS_ROW_WORDS + k] = other.w[k];
                else if (op == HLS_ABSORB && !(flags & HLS_FIRST))
                    state[HLS_ROW_WORDS + k] = other.w[half + k];
                else
                    state[HLS_ROW_WORDS + k] = op == HLS_ABSORB && k == 0;
            }
            hls_gl_poseidon_permute(state);
            if (op == HLS_PERMUTE) {
                /* II=1, unrolled: wires */
                HLS_LOOP(out_rate)
                for (unsigned k = 0; k < HLS_ROW_WORDS; k++) {
                    HLS_UNROLL()
                    row.w[k] = state[k];
                }
                /* II=1, unrolled: wires */
                HLS_LOOP(out_capacity)
                for (unsigned k = 0; k < DIGEST; k++) {
                    HLS_UNROLL()
                    other.w[k] = state[HLS_ROW_WORDS + k];
                }
                hls_rows_write(HLS_PASS_ROWS(tree), from + 2 * i, &row);
                hls_rows_write(HLS_PASS_ROWS(tree), from + 2 * i + 1, &other);
            } else {
                unsigned first = op == HLS_ABSORB && !(flags & HLS_LAST) ? HLS_ROW_WORDS : 0;

                /* II=1, unrolled: wires */
                HLS_LOOP(out_digest)
                for (unsigned k = 0; k < DIGEST; k++) {
                    HLS_UNROLL()
                    other.w[half + k] = state[first + k];
                    if (count == 1)
                        other.w[DIGEST + k] = 0;
                }
                if (half != 0 || count == 1)
                    hls_rows_write(HLS_PASS_ROWS(tree), to + i / 2, &other);
            }
        }
        from = to;
    }
}
