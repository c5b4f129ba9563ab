/* Elements of BN254 in rows: four 64-bit words, two elements a row. Needs hls/core/bn.h before. */
#ifndef ZKP_DRIVER_OPENCL_KERNELS_BN_ROWS_H
#define ZKP_DRIVER_OPENCL_KERNELS_BN_ROWS_H

#include "driver/opencl/kernels/common.h"
#include "hls/core/bn.h"

/* The element of words w[0 .. 3]. */
static inline void ocl_bn_load(hls_bn *r, __global const uint64_t *w)
{
    for (uint32_t i = 0; i < 4; i++) {
        r->l[2 * i] = (uint32_t)w[i];
        r->l[2 * i + 1] = (uint32_t)(w[i] >> 32);
    }
}

static inline void ocl_bn_set(hls_bn *r, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
    uint64_t w[4] = {w0, w1, w2, w3};

    for (uint32_t i = 0; i < 4; i++) {
        r->l[2 * i] = (uint32_t)w[i];
        r->l[2 * i + 1] = (uint32_t)(w[i] >> 32);
    }
}

static inline void ocl_bn_store(__global uint64_t *w, const hls_bn *a)
{
    for (uint32_t i = 0; i < 4; i++)
        w[i] = (uint64_t)a->l[2 * i + 1] << 32 | a->l[2 * i];
}

/* Number index of those that start at row first. */
static inline __global uint64_t *ocl_bn_at(__global hls_row *rows, uint64_t first, uint64_t index)
{
    return rows[first + index / 2].w + index % 2 * 4;
}

static inline __global const uint64_t *ocl_bn_const_at(__global const hls_row *rows, uint64_t first,
                                                       uint64_t index)
{
    return rows[first + index / 2].w + index % 2 * 4;
}

#endif
