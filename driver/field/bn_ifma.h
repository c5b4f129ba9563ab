/** Eight elements of BN254's Fp or Fr at once, one a lane: AVX-512 IFMA.
 *
 * Private to the files that are compiled for it (suffix _ifma.c); elsewhere this header is empty.
 * Which field is an argument: &bn8_fp or &bn8_fr, which the compiler folds. Montgomery form is with
 * 2^260 here: it differs from that of bn_fp and bn_fr (2^256) by a factor of 16, which the loads
 * named _x16 put in for nothing and bn8_div16 takes out cheaply.
 *
 * Ranges. Throughout p is the modulus; 84 p < 2^260 < 85 p and 5 p < 2^256 < 6 p.
 *   normal:    every limb in 0 .. 2^52-1, so the value is in 0 .. 2^260-1. What multiplies must be
 *              normal. What a function returns is normal unless it is said to be loose.
 *   loose:     limbs are signed 64-bit numbers, |limb| < 2^62, value in 0 .. 2^260-1. Sums and
 *              differences of a few normal or loose values are loose as long as the value is not
 *              negative; bn8_carry makes them normal.
 *   canonical: normal and below p.
 * Bounds on values are multiples of p and add up as the comments say: nothing reduces by itself.
 * bn8_reduce brings anything below 1.022 p, bn8_canon to canonical.
 *
 * Arguments: out first, then in, then the field; outputs may be the same objects as inputs. Time
 * does not depend on the values. */
#ifndef ZKP_DRIVER_FIELD_BN_IFMA_H
#define ZKP_DRIVER_FIELD_BN_IFMA_H

#if defined(__x86_64__) && defined(__AVX512IFMA__) && defined(__AVX512DQ__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* Everything is inlined, or the vectors would go through memory; but what sanitizers make of that
 * takes compilers minutes. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BN8_SANITIZED 1
#endif
#endif
#if defined(BN8_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BN8_INLINE static __attribute__((noinline, unused))
#else
#define BN8_INLINE static inline __attribute__((always_inline))
#endif

/** Eight elements: lane i of l[j] is limb j (weight 2^(52 j)) of element i. May be kept in memory
 * as it is (320 bytes). */
typedef struct bn8 {
    __m512i l[5];
} bn8;

/** The columns of sums of products, not reduced: column j has weight 2^(52 j). */
typedef struct bn8w {
    __m512i c[10];
} bn8w;

/** Of one modulus p, each number in all eight lanes. */
typedef struct bn8_field {
    uint64_t m[5][8];          /**< (k p + 1) / 2^52 < p */
    uint64_t p[5][8];          /**< p */
    uint64_t minus_p[5][8];    /**< 2^260 - p */
    uint64_t one[5][8];        /**< 2^260 mod p: one in Montgomery form */
    uint64_t r2[5][8];         /**< 2^520 mod p: what takes a number to Montgomery form */
    uint64_t shifted[7][5][8]; /**< p << s */
    uint64_t k[8];             /**< -1/p mod 2^52; below 0.127 * 2^52 for both fields */
    uint64_t mu[8];            /**< floor(2^293 / p) */
} __attribute__((aligned(64))) bn8_field;

#include "driver/field/bn_ifma_constants.h"

/* ---- constants, masks, selection ---- */

BN8_INLINE __m512i bn8_row(const uint64_t row[8])
{
    return _mm512_load_si512((const void *)row);
}

BN8_INLINE __m512i bn8_mask52(void)
{
    return _mm512_set1_epi64((1LL << 52) - 1);
}

/** A constant of a bn8_field, such as f->one, as an element. */
BN8_INLINE void bn8_constant(bn8 *r, const uint64_t rows[5][8])
{
    for (int j = 0; j < 5; j++)
        r->l[j] = bn8_row(rows[j]);
}

BN8_INLINE void bn8_zero(bn8 *r)
{
    for (int j = 0; j < 5; j++)
        r->l[j] = _mm512_setzero_si512();
}

/** Lane i of r is that of yes where bit i of mask is set, else of no. Any limbs. */
BN8_INLINE void bn8_select(bn8 *r, __mmask8 mask, const bn8 *yes, const bn8 *no)
{
    for (int j = 0; j < 5; j++)
        r->l[j] = _mm512_mask_mov_epi64(no->l[j], mask, yes->l[j]);
}

/** Lanes whose five limbs are all 0. For "is 0 modulo p" a must be
 * canonical. */
BN8_INLINE __mmask8 bn8_is_zero(const bn8 *a)
{
    __m512i x = _mm512_or_si512(_mm512_or_si512(a->l[0], a->l[1]), a->l[2]);

    x = _mm512_or_si512(_mm512_or_si512(a->l[3], a->l[4]), x);
    return _mm512_testn_epi64_mask(x, x);
}

/* ---- sums ---- */

/** loose to normal (the same value). An arithmetic shift moves borrows as well as carries; the top
 * limb is not cut, and not negative since the value is not. */
BN8_INLINE void bn8_carry(bn8 *r, const bn8 *a)
{
    const __m512i mask = bn8_mask52();
    __m512i t0 = a->l[0], t1 = a->l[1], t2 = a->l[2], t3 = a->l[3], t4 = a->l[4];

    t1 = _mm512_add_epi64(t1, _mm512_srai_epi64(t0, 52));
    t2 = _mm512_add_epi64(t2, _mm512_srai_epi64(t1, 52));
    t3 = _mm512_add_epi64(t3, _mm512_srai_epi64(t2, 52));
    t4 = _mm512_add_epi64(t4, _mm512_srai_epi64(t3, 52));
    r->l[0] = _mm512_and_si512(t0, mask);
    r->l[1] = _mm512_and_si512(t1, mask);
    r->l[2] = _mm512_and_si512(t2, mask);
    r->l[3] = _mm512_and_si512(t3, mask);
    r->l[4] = t4;
}

/** Limb by limb a + b: loose. */
BN8_INLINE void bn8_add_loose(bn8 *r, const bn8 *a, const bn8 *b)
{
    for (int j = 0; j < 5; j++)
        r->l[j] = _mm512_add_epi64(a->l[j], b->l[j]);
}

/** Limb by limb a - b: loose once something is added that makes the value positive, such as
 * bn8_add_p. */
BN8_INLINE void bn8_sub_loose(bn8 *r, const bn8 *a, const bn8 *b)
{
    for (int j = 0; j < 5; j++)
        r->l[j] = _mm512_sub_epi64(a->l[j], b->l[j]);
}

/** Limb by limb a + 2^s p, s = 0 .. 6: loose. */
BN8_INLINE void bn8_add_p(bn8 *r, const bn8 *a, unsigned s, const bn8_field *f)
{
    for (int j = 0; j < 5; j++)
        r->l[j] = _mm512_add_epi64(a->l[j], bn8_row(f->shifted[s][j]));
}

/** a + b; loose in, normal out, a + b < 2^260. */
BN8_INLINE void bn8_add(bn8 *r, const bn8 *a, const bn8 *b)
{
    bn8_add_loose(r, a, b);
    bn8_carry(r, r);
}

/** 2 a; loose in, normal out, 2 a < 2^260. */
BN8_INLINE void bn8_dbl(bn8 *r, const bn8 *a)
{
    bn8_add_loose(r, a, a);
    bn8_carry(r, r);
}

/** a - b + 2^s p, s = 0 .. 6; loose in, normal out, b <= 2^s p (+ a), the result < 2^260. */
BN8_INLINE void bn8_sub(bn8 *r, const bn8 *a, const bn8 *b, unsigned s, const bn8_field *f)
{
    bn8_sub_loose(r, a, b);
    bn8_add_p(r, r, s, f);
    bn8_carry(r, r);
}

/** 2^s p - a, s = 0 .. 6; loose in, normal out, a <= 2^s p. */
BN8_INLINE void bn8_neg(bn8 *r, const bn8 *a, unsigned s, const bn8_field *f)
{
    for (int j = 0; j < 5; j++)
        r->l[j] = _mm512_sub_epi64(bn8_row(f->shifted[s][j]), a->l[j]);
    bn8_carry(r, r);
}

/* ---- reduction of values ---- */

/** a - 2^s p where that is not negative, else a; loose in, normal out. From below 2^(s+1) p to
 * below 2^s p. */
BN8_INLINE void bn8_sub_if(bn8 *r, const bn8 *a, unsigned s, const bn8_field *f)
{
    bn8 whole, less;

    bn8_carry(&whole, a);
    for (int j = 0; j < 5; j++)
        less.l[j] = _mm512_sub_epi64(whole.l[j], bn8_row(f->shifted[s][j]));
    bn8_carry(&less, &less); /* the sign of the difference is that of its top limb */
    bn8_select(r, _mm512_movepi64_mask(less.l[4]), &whole, &less);
}

/** The same residue below 1.022 p; normal in and out, any value.
 *
 * q = floor(floor(a / 2^248) mu / 2^45) is at most a / p, as every rounding is down, and more than
 * a / p - 1.022: cutting a loses 2^248 / p < 0.021, cutting mu (relatively 2^-39) times at most 85
 * next to nothing, the last one less than 1. So a - q p is in 0 .. 1.022 p; it is computed modulo
 * 2^260 as a + q (2^260 - p), whose limbs stay below 2^53. The generator of the constants checks
 * the numbers. */
BN8_INLINE void bn8_reduce(bn8 *r, const bn8 *a, const bn8_field *f)
{
    const __m512i zero = _mm512_setzero_si512();
    const __m512i q = _mm512_srli_epi64(
        _mm512_madd52lo_epu64(zero, _mm512_srli_epi64(a->l[4], 40), bn8_row(f->mu)), 45);
    bn8 t;

    for (int j = 0; j < 5; j++)
        t.l[j] = _mm512_madd52lo_epu64(a->l[j], q, bn8_row(f->minus_p[j]));
    for (int j = 0; j < 4; j++)
        t.l[j + 1] = _mm512_madd52hi_epu64(t.l[j + 1], q, bn8_row(f->minus_p[j]));
    bn8_carry(&t, &t);
    t.l[4] = _mm512_and_si512(t.l[4], bn8_mask52());
    *r = t;
}

/** The canonical residue; normal in, any value. */
BN8_INLINE void bn8_canon(bn8 *r, const bn8 *a, const bn8_field *f)
{
    bn8_reduce(r, a, f);
    bn8_sub_if(r, r, 0, f);
}

/* ---- products ---- */

/* The columns of a b are sums of the low and high halves of the 25 products of limbs. Each row of
 * products writes five neighbouring columns with low halves, then five with high ones: at least
 * four instructions between two on the same column, which is the latency of one. */
#define BN8_LO(c, x, y) ((c) = _mm512_madd52lo_epu64(c, x, y))
#define BN8_HI(c, x, y) ((c) = _mm512_madd52hi_epu64(c, x, y))
#define BN8_MAC_ROW(w, i, x, y0, y1, y2, y3, y4)                                                   \
    do {                                                                                           \
        const __m512i bn8_x = (x);                                                                 \
        BN8_LO((w).c[(i)], bn8_x, y0);                                                             \
        BN8_LO((w).c[(i) + 1], bn8_x, y1);                                                         \
        BN8_LO((w).c[(i) + 2], bn8_x, y2);                                                         \
        BN8_LO((w).c[(i) + 3], bn8_x, y3);                                                         \
        BN8_LO((w).c[(i) + 4], bn8_x, y4);                                                         \
        BN8_HI((w).c[(i) + 1], bn8_x, y0);                                                         \
        BN8_HI((w).c[(i) + 2], bn8_x, y1);                                                         \
        BN8_HI((w).c[(i) + 3], bn8_x, y2);                                                         \
        BN8_HI((w).c[(i) + 4], bn8_x, y3);                                                         \
        BN8_HI((w).c[(i) + 5], bn8_x, y4);                                                         \
    } while (0)

BN8_INLINE void bn8w_zero(bn8w *w)
{
    for (int j = 0; j < 10; j++)
        w->c[j] = _mm512_setzero_si512();
}

/** w += a b; a and b normal. A column grows by less than 9 * 2^52: at most 100 products or squares
 * in one sum, so that columns stay below 2^62. */
BN8_INLINE void bn8w_mac(bn8w *w, const bn8 *a, const bn8 *b)
{
    bn8w t = *w;
    const bn8 x = *a, y = *b;

    BN8_MAC_ROW(t, 0, x.l[0], y.l[0], y.l[1], y.l[2], y.l[3], y.l[4]);
    BN8_MAC_ROW(t, 1, x.l[1], y.l[0], y.l[1], y.l[2], y.l[3], y.l[4]);
    BN8_MAC_ROW(t, 2, x.l[2], y.l[0], y.l[1], y.l[2], y.l[3], y.l[4]);
    BN8_MAC_ROW(t, 3, x.l[3], y.l[0], y.l[1], y.l[2], y.l[3], y.l[4]);
    BN8_MAC_ROW(t, 4, x.l[4], y.l[0], y.l[1], y.l[2], y.l[3], y.l[4]);
    *w = t;
}

/** w = a b; a and b normal. */
BN8_INLINE void bn8w_mul(bn8w *w, const bn8 *a, const bn8 *b)
{
    bn8w t;

    bn8w_zero(&t);
    bn8w_mac(&t, a, b);
    *w = t;
}

/** w = a^2; a normal: the products of different limbs once and doubled. */
BN8_INLINE void bn8w_sqr(bn8w *w, const bn8 *a)
{
    const bn8 x = *a;
    bn8w t;

    bn8w_zero(&t);
    BN8_LO(t.c[1], x.l[0], x.l[1]);
    BN8_LO(t.c[2], x.l[0], x.l[2]);
    BN8_LO(t.c[3], x.l[0], x.l[3]);
    BN8_LO(t.c[4], x.l[0], x.l[4]);
    BN8_LO(t.c[5], x.l[1], x.l[4]);
    BN8_LO(t.c[6], x.l[2], x.l[4]);
    BN8_LO(t.c[7], x.l[3], x.l[4]);
    BN8_HI(t.c[2], x.l[0], x.l[1]);
    BN8_HI(t.c[3], x.l[0], x.l[2]);
    BN8_HI(t.c[4], x.l[0], x.l[3]);
    BN8_HI(t.c[5], x.l[0], x.l[4]);
    BN8_HI(t.c[6], x.l[1], x.l[4]);
    BN8_HI(t.c[7], x.l[2], x.l[4]);
    BN8_HI(t.c[8], x.l[3], x.l[4]);
    BN8_LO(t.c[3], x.l[1], x.l[2]);
    BN8_LO(t.c[4], x.l[1], x.l[3]);
    BN8_LO(t.c[5], x.l[2], x.l[3]);
    BN8_HI(t.c[6], x.l[2], x.l[3]);
    BN8_HI(t.c[4], x.l[1], x.l[2]);
    BN8_HI(t.c[5], x.l[1], x.l[3]);
    t.c[1] = _mm512_add_epi64(t.c[1], t.c[1]);
    t.c[2] = _mm512_add_epi64(t.c[2], t.c[2]);
    t.c[3] = _mm512_add_epi64(t.c[3], t.c[3]);
    t.c[7] = _mm512_add_epi64(t.c[7], t.c[7]);
    t.c[8] = _mm512_add_epi64(t.c[8], t.c[8]);
    t.c[6] = _mm512_add_epi64(t.c[6], t.c[6]);
    t.c[4] = _mm512_add_epi64(t.c[4], t.c[4]);
    t.c[5] = _mm512_add_epi64(t.c[5], t.c[5]);
    BN8_LO(t.c[0], x.l[0], x.l[0]);
    BN8_HI(t.c[1], x.l[0], x.l[0]);
    BN8_LO(t.c[2], x.l[1], x.l[1]);
    BN8_HI(t.c[3], x.l[1], x.l[1]);
    BN8_LO(t.c[4], x.l[2], x.l[2]);
    BN8_HI(t.c[5], x.l[2], x.l[2]);
    BN8_LO(t.c[6], x.l[3], x.l[3]);
    BN8_HI(t.c[7], x.l[3], x.l[3]);
    BN8_LO(t.c[8], x.l[4], x.l[4]);
    BN8_HI(t.c[9], x.l[4], x.l[4]);
    *w = t;
}

/** r = w / 2^260 modulo p, loose. For w >= 0 with columns 0..8 in 0 .. 2^62 - 2^56:
 *
 *     r < w / 2^260 + 1.127 p, which must be below 2^260.
 *
 * Four times a column is cleared by adding q k p, q = the column modulo 2^52: since
 * k p = 2^52 m - 1, the column keeps only what is above 52 bits, which is carried, and q m is added
 * one column up. So q needs no multiplication and the next column is ready after one multiply-add.
 * These four add less than 2^208 k p to w. The fifth time the usual way: q = column * k, and column
 * + low half of q p is a multiple of 2^52, that is the column rounded up to one. So in all
 * r < (w + 2^208 k p) / 2^260 + p, and k < 0.127 * 2^52. A column grows by less than 11 * 2^52. */
BN8_INLINE void bn8w_redc_loose(bn8 *r, const bn8w *w, const bn8_field *f)
{
    const __m512i m0 = bn8_row(f->m[0]), m1 = bn8_row(f->m[1]), m2 = bn8_row(f->m[2]);
    const __m512i m3 = bn8_row(f->m[3]), m4 = bn8_row(f->m[4]);
    __m512i q;
    bn8w t = *w;

#define BN8_REDC_ROW(i)                                                                            \
    do {                                                                                           \
        t.c[(i) + 1] = _mm512_add_epi64(t.c[(i) + 1], _mm512_srli_epi64(t.c[i], 52));              \
        BN8_MAC_ROW(t, (i) + 1, t.c[i], m0, m1, m2, m3, m4);                                       \
    } while (0)
    BN8_REDC_ROW(0);
    BN8_REDC_ROW(1);
    BN8_REDC_ROW(2);
    BN8_REDC_ROW(3);
#undef BN8_REDC_ROW
    q = _mm512_madd52lo_epu64(_mm512_setzero_si512(), t.c[4], bn8_row(f->k));
    t.c[5] =
        _mm512_add_epi64(t.c[5], _mm512_srli_epi64(_mm512_add_epi64(t.c[4], bn8_mask52()), 52));
    BN8_LO(t.c[5], q, bn8_row(f->p[1]));
    BN8_LO(t.c[6], q, bn8_row(f->p[2]));
    BN8_LO(t.c[7], q, bn8_row(f->p[3]));
    BN8_LO(t.c[8], q, bn8_row(f->p[4]));
    BN8_HI(t.c[5], q, bn8_row(f->p[0]));
    BN8_HI(t.c[6], q, bn8_row(f->p[1]));
    BN8_HI(t.c[7], q, bn8_row(f->p[2]));
    BN8_HI(t.c[8], q, bn8_row(f->p[3]));
    BN8_HI(t.c[9], q, bn8_row(f->p[4]));
    for (int j = 0; j < 5; j++)
        r->l[j] = t.c[j + 5];
}

/** The same, normal. */
BN8_INLINE void bn8w_redc(bn8 *r, const bn8w *w, const bn8_field *f)
{
    bn8w_redc_loose(r, w, f);
    bn8_carry(r, r);
}

/** r = a b / 2^260 modulo p; normal in, loose out with limbs in 0 .. 2^58. With a < x p and b < y p
 * (x <= 64 or y <= 64)
 *
 *     r < (x y / 84 + 1.127) p: below 2 p as long as x y <= 73.
 */
BN8_INLINE void bn8_mul_loose(bn8 *r, const bn8 *a, const bn8 *b, const bn8_field *f)
{
    bn8w w;

    bn8w_mul(&w, a, b);
    bn8w_redc_loose(r, &w, f);
}

/** The same, normal out. */
BN8_INLINE void bn8_mul(bn8 *r, const bn8 *a, const bn8 *b, const bn8_field *f)
{
    bn8_mul_loose(r, a, b, f);
    bn8_carry(r, r);
}

/** r = a^2 / 2^260 modulo p, bounds as for bn8_mul; loose, and normal. */
BN8_INLINE void bn8_sqr_loose(bn8 *r, const bn8 *a, const bn8_field *f)
{
    bn8w w;

    bn8w_sqr(&w, a);
    bn8w_redc_loose(r, &w, f);
}

BN8_INLINE void bn8_sqr(bn8 *r, const bn8 *a, const bn8_field *f)
{
    bn8_sqr_loose(r, a, f);
    bn8_carry(r, r);
}

/* ---- forms ---- */

/** A number (normal, any) to Montgomery form with 2^260: below 2.13 p, below 1.2 p if a < 5 p. */
BN8_INLINE void bn8_to_mont(bn8 *r, const bn8 *a, const bn8_field *f)
{
    bn8 r2;

    bn8_constant(&r2, f->r2);
    bn8_mul(r, a, &r2, f);
}

/** a / 2^260, a normal: out of Montgomery form, canonical. (Below 1.127 p + 1 before.) */
BN8_INLINE void bn8_from_mont(bn8 *r, const bn8 *a, const bn8_field *f)
{
    bn8w w;

    for (int j = 0; j < 5; j++) {
        w.c[j] = a->l[j];
        w.c[j + 5] = _mm512_setzero_si512();
    }
    bn8w_redc_loose(r, &w, f);
    bn8_sub_if(r, r, 0, f);
}

/** a / 16 modulo p, a normal: from Montgomery form with 2^260 to the one with 2^256. For a < x p
 * the result is below (x + 15) / 16 p: bn8_sub_if makes it canonical if a < 17 p.
 *
 * q = (-a / p) mod 16 = (a k) mod 16 makes a + q p a multiple of 16. */
BN8_INLINE void bn8_div16(bn8 *r, const bn8 *a, const bn8_field *f)
{
    const __m512i q =
        _mm512_and_si512(_mm512_madd52lo_epu64(_mm512_setzero_si512(), a->l[0], bn8_row(f->k)),
                         _mm512_set1_epi64(15));
    bn8 t = *a;

    for (int j = 0; j < 5; j++)
        BN8_LO(t.l[j], q, bn8_row(f->p[j]));
    for (int j = 0; j < 4; j++)
        BN8_HI(t.l[j + 1], q, bn8_row(f->p[j]));
    bn8_carry(&t, &t);
    for (int j = 0; j < 4; j++)
        r->l[j] =
            _mm512_or_si512(_mm512_srli_epi64(t.l[j], 4),
                            _mm512_and_si512(_mm512_slli_epi64(t.l[j + 1], 48), bn8_mask52()));
    r->l[4] = _mm512_srli_epi64(t.l[4], 4);
}

/* ---- memory ---- */

/* Rows of two elements each (four words an element) to rows of one word of all eight, and back. */
BN8_INLINE void bn8_transpose_in(__m512i w[4], __m512i e01, __m512i e23, __m512i e45, __m512i e67)
{
    const __m512i even = _mm512_set_epi64(14, 10, 6, 2, 12, 8, 4, 0);
    const __m512i odd = _mm512_set_epi64(15, 11, 7, 3, 13, 9, 5, 1);
    /* words 0 of four elements, then words 2; words 1, then 3 */
    const __m512i a = _mm512_permutex2var_epi64(e01, even, e23);
    const __m512i b = _mm512_permutex2var_epi64(e45, even, e67);
    const __m512i c = _mm512_permutex2var_epi64(e01, odd, e23);
    const __m512i d = _mm512_permutex2var_epi64(e45, odd, e67);

    w[0] = _mm512_shuffle_i64x2(a, b, 0x44);
    w[2] = _mm512_shuffle_i64x2(a, b, 0xee);
    w[1] = _mm512_shuffle_i64x2(c, d, 0x44);
    w[3] = _mm512_shuffle_i64x2(c, d, 0xee);
}

BN8_INLINE void bn8_transpose_out(__m512i e[4], const __m512i w[4])
{
    const __m512i first = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    const __m512i second = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
    const __m512i low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    const __m512i high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    /* pairs of words 0 and 1 of elements 0..3 and 4..7; pairs of words 2 and 3 */
    const __m512i a = _mm512_permutex2var_epi64(w[0], first, w[1]);
    const __m512i b = _mm512_permutex2var_epi64(w[2], first, w[3]);
    const __m512i c = _mm512_permutex2var_epi64(w[0], second, w[1]);
    const __m512i d = _mm512_permutex2var_epi64(w[2], second, w[3]);

    e[0] = _mm512_permutex2var_epi64(a, low, b);
    e[1] = _mm512_permutex2var_epi64(a, high, b);
    e[2] = _mm512_permutex2var_epi64(c, low, d);
    e[3] = _mm512_permutex2var_epi64(c, high, d);
}

/** Four rows of 64-bit words to limbs. */
BN8_INLINE void bn8_from_words(bn8 *r, const __m512i w[4])
{
    const __m512i mask = bn8_mask52();
    const __m512i w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];

    /* 0xa8: (a | b) & c */
    r->l[0] = _mm512_and_si512(w0, mask);
    r->l[1] =
        _mm512_ternarylogic_epi64(_mm512_srli_epi64(w0, 52), _mm512_slli_epi64(w1, 12), mask, 0xa8);
    r->l[2] =
        _mm512_ternarylogic_epi64(_mm512_srli_epi64(w1, 40), _mm512_slli_epi64(w2, 24), mask, 0xa8);
    r->l[3] =
        _mm512_ternarylogic_epi64(_mm512_srli_epi64(w2, 28), _mm512_slli_epi64(w3, 36), mask, 0xa8);
    r->l[4] = _mm512_srli_epi64(w3, 16);
}

/** The same times 16. */
BN8_INLINE void bn8_from_words_x16(bn8 *r, const __m512i w[4])
{
    const __m512i mask = bn8_mask52();
    const __m512i w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];

    r->l[0] = _mm512_and_si512(_mm512_slli_epi64(w0, 4), mask);
    r->l[1] =
        _mm512_ternarylogic_epi64(_mm512_srli_epi64(w0, 48), _mm512_slli_epi64(w1, 16), mask, 0xa8);
    r->l[2] =
        _mm512_ternarylogic_epi64(_mm512_srli_epi64(w1, 36), _mm512_slli_epi64(w2, 28), mask, 0xa8);
    r->l[3] =
        _mm512_ternarylogic_epi64(_mm512_srli_epi64(w2, 24), _mm512_slli_epi64(w3, 40), mask, 0xa8);
    r->l[4] = _mm512_srli_epi64(w3, 12);
}

/** Limbs to words; a normal and below 2^256. */
BN8_INLINE void bn8_to_words(__m512i w[4], const bn8 *a)
{
    const __m512i l0 = a->l[0], l1 = a->l[1], l2 = a->l[2], l3 = a->l[3], l4 = a->l[4];

    w[0] = _mm512_or_si512(l0, _mm512_slli_epi64(l1, 52));
    w[1] = _mm512_or_si512(_mm512_srli_epi64(l1, 12), _mm512_slli_epi64(l2, 40));
    w[2] = _mm512_or_si512(_mm512_srli_epi64(l2, 24), _mm512_slli_epi64(l3, 28));
    w[3] = _mm512_or_si512(_mm512_srli_epi64(l3, 36), _mm512_slli_epi64(l4, 16));
}

/** Lane i from a[4 i] .. a[4 i + 3]: normal, the same number (any below 2^256). */
BN8_INLINE void bn8_load(bn8 *r, const uint64_t *a)
{
    __m512i w[4];

    bn8_transpose_in(
        w, _mm512_loadu_si512((const void *)a), _mm512_loadu_si512((const void *)(a + 8)),
        _mm512_loadu_si512((const void *)(a + 16)), _mm512_loadu_si512((const void *)(a + 24)));
    bn8_from_words(r, w);
}

/** The same times 16: from Montgomery form with 2^256 to the one with 2^260. From below x p to
 * below 16 x p. */
BN8_INLINE void bn8_load_x16(bn8 *r, const uint64_t *a)
{
    __m512i w[4];

    bn8_transpose_in(
        w, _mm512_loadu_si512((const void *)a), _mm512_loadu_si512((const void *)(a + 8)),
        _mm512_loadu_si512((const void *)(a + 16)), _mm512_loadu_si512((const void *)(a + 24)));
    bn8_from_words_x16(r, w);
}

BN8_INLINE __m512i bn8_pair(const uint64_t *a, const uint64_t *b)
{
    return _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(const void *)a)),
        _mm256_loadu_si256((const __m256i *)(const void *)b), 1);
}

/** Lane i from the four words at a[i] (any alignment of a word), and times 16. */
BN8_INLINE void bn8_gather(bn8 *r, const uint64_t *const a[8])
{
    __m512i w[4];

    bn8_transpose_in(w, bn8_pair(a[0], a[1]), bn8_pair(a[2], a[3]), bn8_pair(a[4], a[5]),
                     bn8_pair(a[6], a[7]));
    bn8_from_words(r, w);
}

BN8_INLINE void bn8_gather_x16(bn8 *r, const uint64_t *const a[8])
{
    __m512i w[4];

    bn8_transpose_in(w, bn8_pair(a[0], a[1]), bn8_pair(a[2], a[3]), bn8_pair(a[4], a[5]),
                     bn8_pair(a[6], a[7]));
    bn8_from_words_x16(r, w);
}

/** Lane i to r[4 i] .. r[4 i + 3]; a normal and below 2^256 (so below 5 p will do). */
BN8_INLINE void bn8_store(uint64_t *r, const bn8 *a)
{
    __m512i w[4], e[4];

    bn8_to_words(w, a);
    bn8_transpose_out(e, w);
    for (int i = 0; i < 4; i++)
        _mm512_storeu_si512((void *)(r + 8 * i), e[i]);
}

/** Lane i to the four words at r[i], lane 0 first: of equal addresses the last lane stays. */
BN8_INLINE void bn8_scatter(uint64_t *const r[8], const bn8 *a)
{
    __m512i w[4], e[4];

    bn8_to_words(w, a);
    bn8_transpose_out(e, w);
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(void *)r[2 * i], _mm512_castsi512_si256(e[i]));
        _mm256_storeu_si256((__m256i *)(void *)r[2 * i + 1], _mm512_extracti64x4_epi64(e[i], 1));
    }
}

#endif
#endif
