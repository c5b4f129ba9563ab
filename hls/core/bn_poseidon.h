/* Pieces of Poseidon over BN254's Fr, for synthesis: the S-box, and sums of products with what is
 * added to them. hls/include/bn_poseidon_layout.h says how the rounds are made of them; which
 * values meet when is the kernel's business.
 *
 * Bounds, in multiples of the modulus r, 5.29 of which are 2^256. A sum of products: 1 + 2^-23. A
 * summand: a constant, below 1, or one of enter's sums, below 2 + 2^-23. So what goes into an S-box
 * is below 3.01, and what comes out: squared 2.72, again 2.40, times the first 2.37. */
#ifndef ZKP_HLS_CORE_BN_POSEIDON_H
#define ZKP_HLS_CORE_BN_POSEIDON_H

#include "hls/core/bn_fr.h"

/* r = a^5 / 2^1024, Montgomery's a^5 for a in Montgomery form; below 3.01 r, below 2.37 r. */
static inline void hls_bn_poseidon_pow5(hls_bn *r, const hls_bn *a)
{
    hls_bn square, fourth;

    HLS_INLINE()
    hls_fr_sqr_loose(&square, a);
    hls_fr_sqr_loose(&fourth, &square);
    hls_fr_mul_loose(r, &fourth, HLS_FAULTY(98, a, &square));
}

/* Three words of Goldilocks elements, any, as one number: g0 + 2^64 g1 + 2^128 g2 of their
 * canonical values. */
static inline void hls_bn_poseidon_pack(hls_bn *r, const uint64_t g[3])
{
    HLS_INLINE()
    /* II=1, unrolled: three comparisons */
    HLS_LOOP(pack_words)
    for (unsigned i = 0; i < 3; i++) {
        uint64_t p = UINT64_C(0xffffffff00000001);
        uint64_t w = HLS_FAULTY(99, g[i] >= p, g[i] > p) ? g[i] - p : g[i];

        HLS_UNROLL()
        r->l[2 * i] = (uint32_t)w;
        r->l[2 * i + 1] = (uint32_t)(w >> 32);
    }
    r->l[6] = 0;
    r->l[7] = 0;
}

#endif
