/* bn_poseidon, one work item a state. hls/include/bn_poseidon_layout.h says how the rounds go and
 * what the table holds. */
#include "driver/opencl/kernels/bn_rows.h"
#include "hls/core/bn_poseidon.h"
#include "hls/include/bn_poseidon_layout.h"

#define OCL_MAX_T HLS_BN_POSEIDON_MAX_WIDTH
#define OCL_HALF_ROUNDS 4

/* r = sum of values[i] times element first + i of the table; below r (1 + 2^-23). */
static void ocl_bn_dot(hls_bn *r, __global const hls_row *table, uint32_t first,
                       const hls_bn *values, uint32_t count)
{
    hls_fr_sum sum;

    hls_fr_sum_clear(&sum);
    for (uint32_t i = 0; i < count; i++) {
        hls_bn factor;

        ocl_bn_load(&factor, ocl_bn_const_at(table, 0, first + i));
        hls_fr_sum_add(&sum, &values[i], &factor);
    }
    hls_fr_sum_reduce(r, &sum);
}

static void ocl_bn_add_entry(hls_bn *r, __global const hls_row *table, uint32_t index)
{
    hls_bn summand;

    ocl_bn_load(&summand, ocl_bn_const_at(table, 0, index));
    hls_fr_add_loose(r, r, &summand);
}

/* One permutation; only the first outputs elements are made, canonical. */
static void ocl_bn_permute(hls_bn state[OCL_MAX_T], __global const hls_row *table, uint32_t t,
                           uint32_t montgomery, uint32_t outputs)
{
    hls_bn box[OCL_MAX_T], values[2 * HLS_BN_POSEIDON_MAX_PARTIAL];
    hls_bn_poseidon_layout at;
    uint32_t partial = HLS_BN_POSEIDON_PARTIAL[t], window = 2 * t - 1;

    hls_bn_poseidon_lay_out(&at, t);
    for (uint32_t i = 0; i < t; i++)
        ocl_bn_add_entry(&state[i], table, (montgomery ? at.first : at.first_in) + i);
    for (uint32_t round = 0; round < 2 * OCL_HALF_ROUNDS; round++) {
        bool enters = round == OCL_HALF_ROUNDS - 1, last = round == 2 * OCL_HALF_ROUNDS - 1;
        uint32_t matrix = at.matrix;
        uint32_t summands = at.full + t * (round < OCL_HALF_ROUNDS ? round : round - 1);

        if (round == 0 && !montgomery)
            matrix = at.matrix_in;
        if (last && !montgomery)
            matrix = at.matrix_out;
        if (enters) {
            matrix = at.enter;
            summands = at.entered;
        }
        for (uint32_t i = 0; i < t; i++)
            hls_bn_poseidon_pow5(&box[i], &state[i]);
        for (uint32_t i = 0; i < (last ? outputs : t); i++) {
            ocl_bn_dot(&state[i], table, matrix + i * t, box, t);
            if (last)
                hls_bn_reduce_once(&state[i], &state[i], HLS_BN_FR, 0);
            else
                ocl_bn_add_entry(&state[i], table, summands + i);
        }
        if (!enters)
            continue;
        values[0] = state[0];
        for (uint32_t q = 0; q < partial; q++) {
            uint32_t length = min(2 * q + 1, window);
            hls_bn *next = &values[2 * q + 2];

            hls_bn_poseidon_pow5(&values[2 * q + 1], &values[2 * q]);
            if (q + 1 == partial)
                break;
            ocl_bn_dot(next, table, at.step + window - length, next - length, length);
            if (q < t - 1)
                hls_fr_add_loose(next, next, &state[q + 1]);
            else
                ocl_bn_add_entry(next, table, at.steps + q - t + 1);
        }
        for (uint32_t i = 0; i < t; i++) {
            ocl_bn_dot(&state[i], table, at.leave + i * window, &values[2 * partial - window],
                       window);
            ocl_bn_add_entry(&state[i], table, at.left + i);
        }
    }
}

static void ocl_bn_absorb(hls_bn state[OCL_MAX_T], __global const hls_row *src, uint64_t src_row,
                          uint64_t src_stride, uint32_t columns, uint32_t t)
{
    for (uint32_t i = 0; i < t - 1; i++) {
        uint64_t words[3];

        for (uint32_t k = 0; k < 3; k++) {
            uint32_t c = 3 * i + k;

            words[k] = c < columns
                           ? src[src_row + c / HLS_ROW_WORDS * src_stride].w[c % HLS_ROW_WORDS]
                           : 0;
        }
        hls_bn_poseidon_pack(&state[i + 1], words);
    }
}

__kernel void ocl_bn_poseidon(__global const hls_row *src, __global const hls_row *table,
                              __global hls_row *dst, uint32_t op, uint32_t flags, uint32_t t,
                              uint32_t columns, uint32_t count, uint64_t src_row,
                              uint64_t src_stride, uint64_t table_row, uint64_t dst_row)
{
    uint32_t s = (uint32_t)get_global_id(0), outputs = op == HLS_PERMUTE ? t : 1;
    uint32_t montgomery = op == HLS_PERMUTE && (flags & HLS_MONTGOMERY);
    hls_bn state[OCL_MAX_T];

    if (s >= count)
        return;
    ocl_bn_set(&state[0], op == HLS_ABSORB, 0, 0, 0);
    if (op == HLS_ABSORB) {
        if (!(flags & HLS_FIRST))
            ocl_bn_load(&state[0], ocl_bn_at(dst, dst_row, s));
        ocl_bn_absorb(state, src, src_row + s, src_stride, columns, t);
    } else if (op == HLS_NODES) {
        for (uint32_t i = 1; i < t; i++)
            ocl_bn_load(&state[i], ocl_bn_const_at(src, src_row, (uint64_t)s * (t - 1) + i - 1));
    } else {
        for (uint32_t i = 0; i < t; i++)
            ocl_bn_load(&state[i], ocl_bn_at(dst, dst_row, (uint64_t)s * t + i));
    }
    ocl_bn_permute(state, table + table_row, t, montgomery, outputs);
    for (uint32_t i = 0; i < outputs; i++) {
        uint64_t element = (uint64_t)s * outputs + i;

        ocl_bn_store(ocl_bn_at(dst, dst_row, element), &state[i]);
        if (element % 2 == 0 && element + 1 == (uint64_t)count * outputs)
            for (uint32_t k = 4; k < HLS_ROW_WORDS; k++)
                dst[dst_row + element / 2].w[k] = 0;
    }
}
