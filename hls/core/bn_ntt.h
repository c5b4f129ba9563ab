/* Butterflies of the transforms over BN254's Fr, for synthesis.
 *
 * Transforms with a shift, y[k] = f(s w^k), need no multiplications by powers of s: with f(z) =
 * e(z^2) + z o(z^2) the shift only changes the twiddles, z = s w^k in the last layer, its squares
 * in the one before, and so on. So in a transform of m = 2^l elements with shift s, layer i = 0 ..
 * l-1 (blocks of 2^(i+1)) has the twiddles s^(2^(l-1-i)) w_(2^(i+1))^j, j < 2^i: m - 1 of them in
 * all. The inverse is the transposed network with the inverse root: the same twiddles, layers in
 * reverse, and a half in every butterfly instead of 1/m at the end. */
#ifndef ZKP_HLS_CORE_BN_NTT_H
#define ZKP_HLS_CORE_BN_NTT_H

#include "hls/core/bn_fr.h"

/* r = a b / 2^256, for a b / 2^256 < r (one factor canonical, the other any limbs); canonical. */
static inline void hls_bn_ntt_mul(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    hls_bn t;

    HLS_INLINE()
    hls_fr_mul_loose(&t, a, b);
    hls_bn_reduce_once(r, &t, HLS_BN_FR, 0);
}

/* The same in rounds, for what is made once a run. */
static inline void hls_bn_ntt_mul_slow(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    hls_bn t;

    HLS_INLINE()
    hls_fr_mul_rounds(&t, a, b);
    hls_bn_reduce_once(r, &t, HLS_BN_FR, 0);
}

/* r = a / 2; canonical, canonical. An odd a becomes even with r, below 2^255. */
static inline void hls_bn_ntt_half(hls_bn *r, const hls_bn *a)
{
    uint32_t odd = a->l[0] & 1;
    uint64_t carry = 0;
    hls_bn s;

    HLS_INLINE()
    HLS_REGISTERS(s.l)
    /* II=1, unrolled: a carry chain */
    HLS_LOOP(half_add)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        carry += (uint64_t)a->l[i] + (odd ? HLS_BN_FR[i] : 0);
        s.l[i] = (uint32_t)carry;
        carry >>= 32;
    }
    /* II=1, unrolled: wires */
    HLS_LOOP(half_shift)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint32_t above = i + 1 < HLS_BN_LIMBS ? s.l[i + 1] : HLS_FAULTY(85, 0, 1);

        HLS_UNROLL()
        r->l[i] = s.l[i] >> 1 | above << 31;
    }
}

/* One butterfly of either network; canonical, canonical. inverse = 0, decimation in time: (a, b) <-
 * (a + b w, a - b w); inverse = 1, decimation in frequency: (a, b) <- ((a + b) / 2, w (a - b) / 2).
 * One multiplier serves both. */
static inline void hls_bn_ntt_butterfly(hls_bn *a, hls_bn *b, const hls_bn *w, uint32_t inverse)
{
    hls_bn sum = *a, factor = *b, product;

    HLS_INLINE()
    if (inverse) {
        hls_fr_add(&sum, a, b);
        hls_fr_sub(&factor, a, b);
        hls_bn_ntt_half(&sum, &sum);
        hls_bn_ntt_half(&factor, HLS_FAULTY(86, &factor, b));
    }
    hls_bn_ntt_mul(&product, &factor, w);
    if (inverse) {
        *a = sum;
        *b = product;
    } else {
        hls_fr_sub(b, a, &product);
        hls_fr_add(a, a, HLS_FAULTY(87, &product, &factor));
    }
}

#endif
