/* Passes of gl_lde: a transform of 2^log_n rows is a few passes of radix 2^radix_log2, each a
 * Stockham step, so that the order is natural before and after.
 *
 * Before a pass, place k + l j has frequency k of the transform of length l of the rows j, j + n/l,
 * j + 2 n/l, ...; l is the product of the radices so far. A work item takes the R rows i + t n/R, i
 * = k + l j, with their twiddles omega_(l R)^(t k), transforms them, and writes frequency k + l q
 * of length l R to place k + l R j + l q. Only in a pass that ends a transform (l R = n) a work
 * item writes where it has read, so only that one works in place.
 *
 * roots: omega^e for e < 4096 and then omega^(4096 e), omega of order 2^24 = OCL_ROOTS^2. */
#include "driver/opencl/kernels/common.h"
#include "hls/core/gl_ntt.h"

/* omega^e, e < 2^24. */
static inline uint64_t ocl_gl_root(__global const uint64_t *roots, uint32_t e)
{
    return hls_gl_mul(roots[e % OCL_ROOTS], roots[OCL_ROOTS + e / OCL_ROOTS]);
}

static inline uint64_t ocl_gl_power(uint64_t base, uint32_t e)
{
    uint64_t power = 1;

    for (; e != 0; e >>= 1) {
        if (e & 1)
            power = hls_gl_mul(power, base);
        base = hls_gl_mul(base, base);
    }
    return power;
}

/* in_rows: rows beyond are zeros and are not read (first pass of an extension). */
__kernel void ocl_gl_pass(__global const hls_row *src, __global hls_row *dst,
                          __global const uint64_t *roots, uint64_t src_row, uint64_t dst_row,
                          uint64_t in_rows, uint32_t log_n, uint32_t log_l, uint32_t radix_log2,
                          uint32_t flags, uint64_t base, uint64_t factor)
{
    uint64_t tile[1 << OCL_GL_MAX_RADIX_LOG2][HLS_GL_LANES];
    uint32_t radix = 1u << radix_log2, step = 1u << (log_n - radix_log2);
    uint32_t i = (uint32_t)get_global_id(0);
    uint32_t k = i & ((1u << log_l) - 1);
    uint32_t unit = k << (HLS_GL_LDE_MAX_LOG2 - log_l - radix_log2);
    uint32_t inverse = flags & OCL_INVERSE, mask = (1u << HLS_GL_LDE_MAX_LOG2) - 1;
    uint64_t scale = 1, scale_step = 1;

    if (i >= step)
        return;
    if (flags & (OCL_SCALE_IN | OCL_SCALE_OUT)) {
        scale = hls_gl_mul(factor, ocl_gl_power(base, i));
        scale_step = ocl_gl_power(base, step);
    }
    for (uint32_t t = 0; t < radix; t++) {
        uint64_t row = i + (uint64_t)t * step;
        uint32_t e = unit * t & mask;
        uint64_t w = flags & OCL_SCALE_IN ? scale
                     : k == 0             ? 1
                                          : ocl_gl_root(roots, inverse ? (0 - e) & mask : e);

        if (row < in_rows) {
            uint64_t line[HLS_GL_LANES];
            for (uint32_t c = 0; c < HLS_GL_LANES; c++)
                line[c] = src[src_row + row].w[c];
            hls_gl_ntt_scale(line, w);
            for (uint32_t c = 0; c < HLS_GL_LANES; c++)
                tile[t][c] = line[c];
        } else {
            for (uint32_t c = 0; c < HLS_GL_LANES; c++)
                tile[t][c] = 0;
        }
        scale = flags & OCL_SCALE_IN ? hls_gl_mul(scale, scale_step) : scale;
    }
    /* decimation in frequency: natural in, bit-reversed out */
    for (uint32_t span_log2 = radix_log2; span_log2-- > 0;) {
        uint32_t span = 1u << span_log2;
        for (uint32_t j = 0; j < span; j++) {
            uint32_t e = j << (OCL_ROOTS_LOG2 - 1 - span_log2);
            uint64_t w = roots[OCL_ROOTS + (inverse ? (0 - e) & (OCL_ROOTS - 1) : e)];
            for (uint32_t at = j; at < radix; at += 2 * span)
                hls_gl_ntt_dif(tile[at], tile[at + span], w);
        }
    }
    uint64_t out = dst_row + k + ((uint64_t)(i >> log_l) << (log_l + radix_log2));
    for (uint32_t q = 0; q < radix; q++) {
        uint32_t from = 0;
        for (uint32_t b = 0; b < radix_log2; b++)
            from |= (q >> b & 1) << (radix_log2 - 1 - b);
        if (flags & OCL_SCALE_OUT) {
            hls_gl_ntt_scale(tile[from], scale);
            scale = hls_gl_mul(scale, scale_step);
        }
        for (uint32_t c = 0; c < HLS_GL_LANES; c++)
            dst[out + ((uint64_t)q << log_l)].w[c] = tile[from][c];
    }
}
