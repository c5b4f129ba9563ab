/* BN254's prime fields in Montgomery form (times 2^256), for synthesis. bn_mul.h has the types,
 * says what is canonical, and has products without reduction for sums of them.
 *
 * Each function says what it takes and returns. Outputs come first and may be inputs. The hls_bn_
 * functions take the modulus; as HLS_BN_FP and HLS_BN_FR are constant, they become circuits for one
 * modulus where they are inlined. */
#ifndef ZKP_HLS_CORE_BN_H
#define ZKP_HLS_CORE_BN_H

#include "hls/core/bn_mul.h"

/* 1 if a = 0, else 0; any limbs. */
static inline int hls_bn_is_zero(const hls_bn *a)
{
    uint32_t bits = 0;

    HLS_INLINE()
    /* II=1, unrolled: one OR of 256 bits */
    HLS_LOOP(zero_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        bits |= a->l[i];
    }
    return bits == 0;
}

/* 1 if a = b, else 0; any limbs. */
static inline int hls_bn_equal(const hls_bn *a, const hls_bn *b)
{
    uint32_t bits = 0;

    HLS_INLINE()
    /* II=1, unrolled: a comparison of 256 bits */
    HLS_LOOP(equal_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        bits |= a->l[i] ^ b->l[i];
    }
    return bits == 0;
}

/* r = a + b; canonical, canonical. The sum is below 2^255: it does not carry out. */
static inline void hls_bn_add(hls_bn *r, const hls_bn *a, const hls_bn *b,
                              HLS_TABLE uint32_t p[HLS_BN_LIMBS])
{
    hls_bn s;
    uint64_t carry = 0;

    HLS_INLINE()
    HLS_REGISTERS(s.l)
    /* II=1, unrolled: a carry chain, as above */
    HLS_LOOP(add_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint64_t t = (uint64_t)a->l[i] + b->l[i] + carry;

        HLS_UNROLL()
        s.l[i] = (uint32_t)t;
        carry = HLS_FAULTY(32, t >> 32, i == 3 ? 0 : t >> 32);
    }
    hls_bn_reduce_once(r, &s, p, 0);
}

/* r = a - b; canonical, canonical. */
static inline void hls_bn_sub(hls_bn *r, const hls_bn *a, const hls_bn *b,
                              HLS_TABLE uint32_t p[HLS_BN_LIMBS])
{
    hls_bn d;
    uint64_t carry = 1, back = 0;

    HLS_INLINE()
    HLS_REGISTERS(d.l)
    /* II=1, unrolled: a carry chain, of the complement and 1 */
    HLS_LOOP(sub_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint64_t t = (uint64_t)a->l[i] + (b->l[i] ^ UINT32_C(0xffffffff)) + carry;

        HLS_UNROLL()
        d.l[i] = (uint32_t)t;
        carry = t >> 32;
    }
    /* II=1, unrolled: a second chain, for a negative difference (no carry): its own last carry ends
     * it */
    HLS_LOOP(sub_back)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint64_t t = (uint64_t)d.l[i] + (carry ? 0 : HLS_FAULTY(33, p[i], p[i] & ~1U)) + back;

        HLS_UNROLL()
        r->l[i] = (uint32_t)t;
        back = t >> 32;
    }
}

/* r = a b / 2^256 mod p: one factor canonical, the other any limbs; canonical. */
static inline void hls_bn_mul(hls_bn *r, const hls_bn *a, const hls_bn *b,
                              HLS_TABLE uint32_t p[HLS_BN_LIMBS],
                              HLS_TABLE uint32_t step[HLS_BN_LIMBS], uint64_t neg_inv)
{
    hls_bn_wide t;

    HLS_INLINE()
    hls_bn_product(&t, a, b);
    hls_bn_reduce(r, &t, p, step, neg_inv, HLS_BN_ANY_FACTOR);
}

/* ---- Fp, the coordinates, and Fr, the scalars: canonical, canonical ---- */

static inline void hls_fp_add(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    HLS_INLINE()
    hls_bn_add(r, a, b, HLS_BN_FP);
}

static inline void hls_fp_sub(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    HLS_INLINE()
    hls_bn_sub(r, a, b, HLS_BN_FP);
}

static inline void hls_fp_mul(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    HLS_INLINE()
    hls_bn_mul(r, a, b, HLS_BN_FP, HLS_BN_FP_STEP, HLS_BN_FP_NEG_INV);
}

/* The same of two canonical numbers, for one subtraction less. */
static inline void hls_fp_mul_canonical(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    hls_bn_wide t;

    HLS_INLINE()
    hls_bn_product(&t, a, b);
    hls_bn_reduce(r, &t, HLS_BN_FP, HLS_BN_FP_STEP, HLS_BN_FP_NEG_INV, 1);
}

/* r = a^2 / 2^256: canonical, canonical */
static inline void hls_fp_sqr(hls_bn *r, const hls_bn *a)
{
    hls_bn_wide t;

    HLS_INLINE()
    hls_bn_square(&t, a);
    hls_bn_reduce(r, &t, HLS_BN_FP, HLS_BN_FP_STEP, HLS_BN_FP_NEG_INV, 1);
}

/* r = t / 2^256 of a sum of at most `most` products of canonical numbers (bn_mul.h); canonical */
static inline void hls_fp_reduce(hls_bn *r, const hls_bn_wide *t, unsigned most)
{
    HLS_INLINE()
    hls_bn_reduce(r, t, HLS_BN_FP, HLS_BN_FP_STEP, HLS_BN_FP_NEG_INV, most);
}

static inline void hls_fr_add(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    HLS_INLINE()
    hls_bn_add(r, a, b, HLS_BN_FR);
}

static inline void hls_fr_sub(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    HLS_INLINE()
    hls_bn_sub(r, a, b, HLS_BN_FR);
}

static inline void hls_fr_mul(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    HLS_INLINE()
    hls_bn_mul(r, a, b, HLS_BN_FR, HLS_BN_FR_STEP, HLS_BN_FR_NEG_INV);
}

/* r = a^2 / 2^256: canonical, canonical */
static inline void hls_fr_sqr(hls_bn *r, const hls_bn *a)
{
    hls_bn_wide t;

    HLS_INLINE()
    hls_bn_square(&t, a);
    hls_bn_reduce(r, &t, HLS_BN_FR, HLS_BN_FR_STEP, HLS_BN_FR_NEG_INV, 1);
}

/* r = t / 2^256 of a sum of at most `most` products of canonical numbers (bn_mul.h); canonical */
static inline void hls_fr_reduce(hls_bn *r, const hls_bn_wide *t, unsigned most)
{
    HLS_INLINE()
    hls_bn_reduce(r, t, HLS_BN_FR, HLS_BN_FR_STEP, HLS_BN_FR_NEG_INV, most);
}

#endif
