/* gl_lde of kernel_abi.h: transforms of a block of eight Goldilocks columns. */
#include "hls/include/kernel_ports.h"

#include "hls/core/gl_ntt.h"
#include "hls/core/rows.h"

/* 7^((p-1)/2^32) */
#define ROOT_32 UINT64_C(0x185629dcda58878c)
#define HALF UINT64_C(0x7fffffff80000001)

static inline uint64_t power(uint64_t a, uint64_t e)
{
    uint64_t result = 1;

    /* II = latency of two products: runs once for a pass */
    HLS_LOOP(power)
    for (unsigned i = 0; i < 64; i++) {
        result = (e >> i & 1) ? hls_gl_mul(result, a) : result;
        a = hls_gl_mul(a, a);
    }
    return result;
}

static inline uint64_t reversed(uint64_t i, uint32_t bits)
{
    uint64_t r = 0;

    /* II=1, unrolled: wires */
    HLS_LOOP(reverse)
    for (uint32_t k = 0; k < HLS_GL_LDE_MAX_LOG2; k++) {
        HLS_UNROLL()
        r |= k < bits ? (i >> k & 1) << (bits - 1 - k) : 0;
    }
    return r;
}

static inline void transform(HLS_PARAM_ROWS(tmp), uint64_t tmp_row, uint32_t log_n, int inverse)
{
    /* II: a layer needs all of the one before; log_n <= HLS_GL_LDE_MAX_LOG2 */
    HLS_LOOP(layers)
    for (uint32_t layer = 0; layer < log_n; layer++) {
        uint64_t half = (uint64_t)1 << (log_n - 1 - layer);
        uint64_t root = power(ROOT_32, (uint64_t)1 << (32 - (log_n - layer)));
        uint64_t step = inverse ? power(root, HLS_GL_P - 2) : root, w = 1;

        /* II=1: rows do not depend on each other; 2^(log_n-1) butterflies */
        HLS_LOOP(butterflies)
        for (uint64_t i = 0; i < (uint64_t)1 << (log_n - 1); i++) {
            uint64_t at = tmp_row + 2 * (i - i % half) + i % half;
            hls_row a, b;

            if (i % half == 0)
                w = 1;
            hls_rows_read(HLS_PASS_ROWS(tmp), at, &a);
            hls_rows_read(HLS_PASS_ROWS(tmp), at + half, &b);
            hls_gl_ntt_dif(a.w, b.w, w);
            hls_rows_write(HLS_PASS_ROWS(tmp), at, &a);
            hls_rows_write(HLS_PASS_ROWS(tmp), at + half, &b);
            w = hls_gl_mul(w, step);
        }
    }
}

HLS_TOP_ROWS(src, a)
HLS_TOP_ROWS(tmp, b)
HLS_TOP_ROWS(dst, a)
void gl_lde(HLS_GL_LDE_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    HLS_INTERFACE_ROWS(src, a)
    HLS_INTERFACE_ROWS(tmp, b)
    HLS_INTERFACE_ROWS(dst, a)
    HLS_INTERFACE_NUMBER(mode)
    HLS_INTERFACE_NUMBER(log_in)
    HLS_INTERFACE_NUMBER(log_out)
    HLS_INTERFACE_NUMBER(src_row)
    HLS_INTERFACE_NUMBER(tmp_row)
    HLS_INTERFACE_NUMBER(dst_row)
    HLS_INTERFACE_NUMBER(scale)
    HLS_INTERFACE_CONTROL()

    if (log_out > HLS_GL_LDE_MAX_LOG2 || log_in > log_out)
        return;
    /* II: the second transform needs all of the first */
    HLS_LOOP(rounds)
    for (unsigned round = 0; round < 2; round++) {
        int inverse = round == 0;
        int first = round == 0 || mode == HLS_FORWARD || mode == HLS_EXTEND_COEFFICIENTS;
        uint32_t log_n = inverse ? log_in : log_out;
        uint64_t rows = (uint64_t)1 << log_n, given = (uint64_t)1 << log_in;
        uint64_t before = inverse ? 1 : scale, after = mode == HLS_INVERSE ? scale : 1, w = 1;

        if (inverse ? mode != HLS_INVERSE && mode != HLS_EXTEND : mode == HLS_INVERSE)
            continue;
        /* II=1: rows do not depend on each other; rows <= 2^HLS_GL_LDE_MAX_LOG2 */
        HLS_LOOP(in)
        for (uint64_t i = 0; i < rows; i++) {
            hls_row row = {{0}};

            if (i < given && first)
                hls_rows_read(HLS_PASS_ROWS(src), src_row + i, &row);
            else if (i < given)
                hls_rows_read(HLS_PASS_ROWS(dst), dst_row + i, &row);
            hls_gl_ntt_scale(row.w, w);
            hls_rows_write(HLS_PASS_ROWS(tmp), tmp_row + i, &row);
            w = hls_gl_mul(w, before);
        }
        transform(HLS_PASS_ROWS(tmp), tmp_row, log_n, inverse);
        w = inverse ? power(HALF, log_n) : 1;
        /* II=1: as above */
        HLS_LOOP(out)
        for (uint64_t i = 0; i < rows; i++) {
            hls_row row;

            hls_rows_read(HLS_PASS_ROWS(tmp), tmp_row + reversed(i, log_n), &row);
            hls_gl_ntt_scale(row.w, w);
            hls_rows_write(HLS_PASS_ROWS(dst), dst_row + i, &row);
            w = hls_gl_mul(w, after);
        }
    }
}
