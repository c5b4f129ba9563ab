/* Elements of BN254 in rows, two a row (kernel_abi.h), for synthesis: wires. */
#ifndef ZKP_HLS_CORE_BN_ROWS_H
#define ZKP_HLS_CORE_BN_ROWS_H

#include "hls/core/bn.h"
#include "hls/include/kernel_abi.h"

/* r = element at, 0 or 1, of a row; any words. */
static inline void hls_bn_from_row(hls_bn *r, const hls_row *row, uint32_t at)
{
    HLS_INLINE()
    /* II=1, unrolled: wires */
    HLS_LOOP(row_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        r->l[i] = (uint32_t)(row->w[4 * at + i / 2] >> 32 * (i % 2));
    }
}

/* and back; the other element stays. */
static inline void hls_bn_to_row(hls_row *row, uint32_t at, const hls_bn *a)
{
    HLS_INLINE()
    /* II=1, unrolled: wires */
    HLS_LOOP(limb_words)
    for (unsigned i = 0; i < HLS_BN_LIMBS / 2; i++) {
        HLS_UNROLL()
        row->w[4 * at + i] = hls_bn_word(a, i);
    }
}

#endif
