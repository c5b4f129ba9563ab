/* BN254's prime fields in Montgomery form (times 2^256), for synthesis: eight limbs of 32 bits, the
 * lowest first. Words in memory are the same as the driver's four words of 64 bits.
 *
 * "Canonical" is below the modulus p, "any limbs" any number below 2^256; each function says what
 * it takes and returns. 2^253 < p < 2^254 for both fields. Outputs come first and may be inputs.
 * The hls_bn_ functions take the modulus; as HLS_BN_FP and HLS_BN_FR are constant, they become
 * circuits for one modulus where they are inlined. */
#ifndef ZKP_HLS_CORE_BN_H
#define ZKP_HLS_CORE_BN_H

#include "hls/include/bn_limbs.h"
#include "hls/include/hls_fault.h"
#include "hls/include/hls_language.h"
#include "hls/include/hls_pragma.h"

#define HLS_BN_LIMBS 8

typedef struct hls_bn {
    uint32_t l[HLS_BN_LIMBS];
} hls_bn;

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

/* r = a - p if that is not negative, else a: a below 2 p, canonical. */
static inline void hls_bn_reduce_once(hls_bn *r, const hls_bn *a,
                                      HLS_TABLE uint32_t p[HLS_BN_LIMBS])
{
    uint32_t d[HLS_BN_LIMBS];
    uint64_t borrow = 0;

    HLS_INLINE()
    HLS_REGISTERS(d)
    /* II=1, unrolled: a carry chain of 256 bits, which the tool may cut into stages */
    HLS_LOOP(reduce_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint64_t t = (uint64_t)a->l[i] - p[i] - borrow;

        HLS_UNROLL()
        d[i] = (uint32_t)t;
        borrow = t >> 63;
    }
    /* II=1, unrolled: a multiplexer */
    HLS_LOOP(reduce_select)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        r->l[i] = HLS_FAULTY(31, borrow != 0, 1) ? a->l[i] : d[i];
    }
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
    hls_bn_reduce_once(r, &s, p);
}

/* r = a - b; canonical, canonical. */
static inline void hls_bn_sub(hls_bn *r, const hls_bn *a, const hls_bn *b,
                              HLS_TABLE uint32_t p[HLS_BN_LIMBS])
{
    hls_bn d;
    uint64_t borrow = 0, carry = 0;

    HLS_INLINE()
    HLS_REGISTERS(d.l)
    /* II=1, unrolled: a carry chain */
    HLS_LOOP(sub_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint64_t t = (uint64_t)a->l[i] - b->l[i] - borrow;

        HLS_UNROLL()
        d.l[i] = (uint32_t)t;
        borrow = t >> 63;
    }
    /* II=1, unrolled: a second chain, for a negative difference; its last carry is the borrow's end
     */
    HLS_LOOP(sub_back)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint64_t t = (uint64_t)d.l[i] + (borrow ? HLS_FAULTY(33, p[i], p[i] & ~1U) : 0) + carry;

        HLS_UNROLL()
        r->l[i] = (uint32_t)t;
        carry = t >> 32;
    }
}

/* r = a b / 2^256 mod p: one factor canonical, the other any limbs; canonical.
 *
 * Products of limbs go into columns of 32 bits without a carry between them. A column gets at most
 * eight low and eight high halves of a b, as many of m p, and the carry of the column before: below
 * 32 * 2^32 + 2^7 < 2^38. The reduction clears eight columns from below with multiples m 2^(32 i)
 * p; the rest is (a b + m p) / 2^256 < p + p, so one subtraction is enough. */
static inline void hls_bn_mul(hls_bn *r, const hls_bn *a, const hls_bn *b,
                              HLS_TABLE uint32_t p[HLS_BN_LIMBS], uint32_t neg_inv)
{
    uint64_t t[2 * HLS_BN_LIMBS];
    hls_bn s;

    HLS_INLINE()
    HLS_REGISTERS(t)
    HLS_REGISTERS(s.l)
    /* II=1, unrolled: registers */
    HLS_LOOP(mul_clear)
    for (unsigned k = 0; k < 2 * HLS_BN_LIMBS; k++) {
        HLS_UNROLL()
        t[k] = 0;
    }
    /* II=1 of the caller, unrolled: 64 independent products. A caller with few DSPs that keeps this
     * loop rolled gets II=1 a row of eight, since rows meet only in additions */
    HLS_LOOP(mul_rows)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        /* II=1, unrolled: eight products a row */
        HLS_LOOP(mul_row)
        for (unsigned j = 0; j < HLS_BN_LIMBS; j++) {
            uint64_t product = (uint64_t)a->l[i] * b->l[j];

            HLS_UNROLL()
            t[i + j] += (uint32_t)product;
            t[i + j + 1] += product >> 32;
        }
    }
    /* II=1 of the caller, unrolled: feed-forward. Rolled, its II would be two products and two
     * additions, because m needs the column that the row before has just carried into */
    HLS_LOOP(redc_rows)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint32_t m = (uint32_t)t[i] * HLS_FAULTY(34, neg_inv, neg_inv + 2);

        HLS_UNROLL()
        /* II=1, unrolled: eight products a row */
        HLS_LOOP(redc_row)
        for (unsigned j = 0; j < HLS_BN_LIMBS; j++) {
            uint64_t product = (uint64_t)m * p[j];

            HLS_UNROLL()
            t[i + j] += (uint32_t)product;
            t[i + j + 1] += product >> 32;
        }
        t[i + 1] += HLS_FAULTY(35, t[i] >> 32, t[i] >> 32 & 15);
    }
    /* II=1, unrolled: a carry chain; the top column is below 2^31 after it */
    HLS_LOOP(mul_carry)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        s.l[i] = (uint32_t)t[HLS_BN_LIMBS + i];
        if (i + 1 < HLS_BN_LIMBS)
            t[HLS_BN_LIMBS + i + 1] += HLS_FAULTY(36, t[HLS_BN_LIMBS + i] >> 32, 0);
    }
    hls_bn_reduce_once(r, &s, p);
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
    hls_bn_mul(r, a, b, HLS_BN_FP, HLS_BN_FP_NEG_INV);
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
    hls_bn_mul(r, a, b, HLS_BN_FR, HLS_BN_FR_NEG_INV);
}

#endif
