/* Passes of fr_ntt: the same steps as gl_lde.cl, one element of BN254 Fr instead of a row.
 *
 * roots: omega^e for e < 4096 and then omega^(4096 e), omega of order 2^24, in Montgomery form. */
#include "driver/opencl/kernels/bn_rows.h"

static inline void ocl_fr_root(hls_bn *r, __global const hls_row *roots, uint32_t e)
{
    hls_bn low, high;

    ocl_bn_load(&low, ocl_bn_const_at(roots, 0, e % OCL_ROOTS));
    ocl_bn_load(&high, ocl_bn_const_at(roots, OCL_ROOTS / 2, e / OCL_ROOTS));
    hls_fr_mul(r, &low, &high);
}

/* r = r base^e. */
static inline void ocl_fr_power(hls_bn *r, const hls_bn *base, uint32_t e)
{
    hls_bn square = *base;

    for (; e != 0; e >>= 1) {
        if (e & 1)
            hls_fr_mul(r, r, &square);
        hls_fr_mul(&square, &square, &square);
    }
}

/* base and factor: four words each, Montgomery form. */
__kernel void ocl_fr_pass(__global const hls_row *src, __global hls_row *dst,
                          __global const hls_row *roots, uint64_t src_row, uint64_t dst_row,
                          uint32_t log_n, uint32_t log_l, uint32_t radix_log2, uint32_t flags,
                          uint64_t base_0, uint64_t base_1, uint64_t base_2, uint64_t base_3,
                          uint64_t factor_0, uint64_t factor_1, uint64_t factor_2,
                          uint64_t factor_3)
{
    hls_bn tile[1 << OCL_FR_MAX_RADIX_LOG2], scale, scale_step;
    uint32_t radix = 1u << radix_log2, step = 1u << (log_n - radix_log2);
    uint32_t i = (uint32_t)get_global_id(0);
    uint32_t k = i & ((1u << log_l) - 1);
    uint32_t unit = k << (HLS_FR_NTT_MAX_LOG2 - log_l - radix_log2);
    uint32_t inverse = flags & OCL_INVERSE, mask = (1u << HLS_FR_NTT_MAX_LOG2) - 1;

    if (i >= step)
        return;
    for (uint32_t c = 0; c < HLS_BN_LIMBS; c++)
        scale_step.l[c] = HLS_BN_FR_ONE[c];
    if (flags & (OCL_SCALE_IN | OCL_SCALE_OUT)) {
        hls_bn base;

        ocl_bn_set(&base, base_0, base_1, base_2, base_3);
        ocl_bn_set(&scale, factor_0, factor_1, factor_2, factor_3);
        ocl_fr_power(&scale, &base, i);
        ocl_fr_power(&scale_step, &base, step);
    }
    for (uint32_t t = 0; t < radix; t++) {
        hls_bn x;

        ocl_bn_load(&x, ocl_bn_const_at(src, src_row, i + (uint64_t)t * step));
        if (flags & OCL_SCALE_IN) {
            hls_fr_mul(&x, &x, &scale);
            hls_fr_mul(&scale, &scale, &scale_step);
        } else if (k != 0) {
            uint32_t e = unit * t & mask;
            hls_bn w;

            ocl_fr_root(&w, roots, inverse ? (0 - e) & mask : e);
            hls_fr_mul(&x, &x, &w);
        }
        tile[t] = x;
    }
    /* decimation in frequency: natural in, bit-reversed out */
    for (uint32_t span_log2 = radix_log2; span_log2-- > 0;) {
        uint32_t span = 1u << span_log2;
        for (uint32_t j = 0; j < span; j++) {
            uint32_t e = j << (OCL_ROOTS_LOG2 - 1 - span_log2);
            hls_bn w;

            ocl_bn_load(
                &w, ocl_bn_const_at(roots, OCL_ROOTS / 2, inverse ? (0 - e) & (OCL_ROOTS - 1) : e));
            for (uint32_t at = j; at < radix; at += 2 * span) {
                hls_bn sum, difference;

                hls_fr_add(&sum, &tile[at], &tile[at + span]);
                hls_fr_sub(&difference, &tile[at], &tile[at + span]);
                tile[at] = sum;
                hls_fr_mul(&tile[at + span], &difference, &w);
            }
        }
    }
    uint64_t out = k + ((uint64_t)(i >> log_l) << (log_l + radix_log2));
    for (uint32_t q = 0; q < radix; q++) {
        uint32_t from = 0;
        for (uint32_t b = 0; b < radix_log2; b++)
            from |= (q >> b & 1) << (radix_log2 - 1 - b);
        if (flags & OCL_SCALE_OUT) {
            hls_fr_mul(&tile[from], &tile[from], &scale);
            hls_fr_mul(&scale, &scale, &scale_step);
        }
        ocl_bn_store(ocl_bn_at(dst, dst_row, out + ((uint64_t)q << log_l)), &tile[from]);
    }
    if (log_n == 0)
        for (uint32_t c = 4; c < HLS_ROW_WORDS; c++)
            dst[dst_row].w[c] = 0;
}
