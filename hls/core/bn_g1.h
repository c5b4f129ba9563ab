/* Points of BN254's G1, y^2 = x^3 + 3 over Fp, for the buckets of a multi-scalar multiplication.
 *
 * Affine (x, y), infinity is all zeros. Projective "XYZZ": x = X / ZZ, y = Y / ZZZ, ZZ^3 = ZZZ^2,
 * infinity is ZZ = 0 (Explicit-Formulas Database, shortw-xyzz, 2008 Sutherland). Coordinates are
 * canonical in Montgomery form and come from points of the curve; whatever they are, nothing is
 * read or written elsewhere. Outputs come first and may be inputs.
 *
 * Additions are one straight pipe that selects at the end, so they start each cycle (II=1) in a
 * pipelined caller. Infinity is a selection, opposite points give ZZ = 0 by themselves; only equal
 * points need another formula. It has the same products but for one square, in another order of
 * inputs, so a pipe does both: hls_g1_pipe takes a flag and doubles instead, at the price of
 * multiplexers. Its caller sends equal points through it a second time, since whether they are
 * equal is known late; hls_g1_add_all has the one product more instead, for a pipe where time
 * counts less than what comes back.
 *
 * For callers without pipes, hls_g1_add_affine and hls_g1_add return 1 for equal points and leave r
 * alone: then the doubling is due. The return value must be looked at. */
#ifndef ZKP_HLS_CORE_BN_G1_H
#define ZKP_HLS_CORE_BN_G1_H

#include "hls/core/bn.h"

typedef struct hls_g1_affine {
    hls_bn x, y;
} hls_g1_affine;

typedef struct hls_g1_xyzz {
    hls_bn x, y, zz, zzz;
} hls_g1_xyzz;

/* r = infinity. */
static inline void hls_g1_set_zero(hls_g1_xyzz *r)
{
    HLS_INLINE()
    /* II=1, unrolled: registers */
    HLS_LOOP(zero_point)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        r->x.l[i] = r->y.l[i] = r->zz.l[i] = r->zzz.l[i] = 0;
    }
}

/* r = a. */
static inline void hls_g1_set(hls_g1_xyzz *r, const hls_g1_affine *a)
{
    int none = hls_bn_is_zero(&a->x) && hls_bn_is_zero(&a->y);

    HLS_INLINE()
    r->x = a->x;
    r->y = a->y;
    /* II=1, unrolled: a multiplexer of constants */
    HLS_LOOP(set_ones)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        r->zz.l[i] = r->zzz.l[i] = none ? 0 : HLS_BN_FP_ONE[i];
    }
}

/* The end of every addition. (u1, s1) and (u2, s2) are the points over one denominator, whose
 * square and cube are zz and zzz: r = their sum, two squares and six products, seven reductions. If
 * twice, r = 2 (u1, s1), for which u2 is u1^2; s2 is not looked at. Canonical, all. */
static inline void hls_g1_join(hls_g1_xyzz *r, const hls_bn *u1, const hls_bn *s1, const hls_bn *u2,
                               const hls_bn *s2, const hls_bn *zz, const hls_bn *zzz, int twice)
{
    hls_bn zero = {{0, 0, 0, 0, 0, 0, 0, 0}}, p, d, pp, ppp, q, t;
    hls_bn_wide sum, more;

    HLS_INLINE()
    /* p = u2 - u1 and d = s2 - s1, or 2 s1 and 3 u1^2: the slope is d / p */
    hls_fp_add(&t, u2, u2);
    hls_fp_add(&p, s1, s1);
    hls_fp_add(&d, &t, HLS_FAULTY(41, u2, &t));
    if (!twice) {
        hls_fp_sub(&p, u2, u1);
        hls_fp_sub(&d, s2, s1);
    }
    hls_fp_sqr(&pp, &p);
    hls_fp_mul_canonical(&ppp, &p, &pp);
    hls_fp_mul_canonical(&q, u1, &pp);
    hls_fp_sqr(&t, &d);
    if (!twice)
        hls_fp_sub(&t, &t, &ppp);
    hls_fp_sub(&t, &t, &q);
    hls_fp_sub(&r->x, &t, &q);
    /* y = d (q - x) - s1 ppp, two products reduced as one */
    hls_fp_sub(&q, &q, &r->x);
    hls_fp_sub(&t, &zero, s1);
    hls_bn_product(&sum, &d, &q);
    hls_bn_product(&more, &t, &ppp);
    hls_bn_accumulate(&sum, &more);
    hls_fp_reduce(&r->y, &sum, 2);
    hls_fp_mul_canonical(&r->zz, zz, &pp);
    hls_fp_mul_canonical(&r->zzz, zzz, HLS_FAULTY(43, &ppp, &pp));
}

/* What hls_g1_pipe and hls_g1_join make of the multipliers. */
#define HLS_G1_PIPE_PRODUCTS 8
#define HLS_G1_PIPE_SQUARES 2
#define HLS_G1_PIPE_REDUCTIONS 9
#define HLS_G1_ADD_ALL_PRODUCTS 12
#define HLS_G1_ADD_ALL_SQUARES 3
#define HLS_G1_ADD_ALL_REDUCTIONS 14

/* One trip through the pipe of mixed additions: r = a + b, b affine; or r = 2 b, and a is not
 * looked at, if twice. Returns 1 for a = b that is not infinity, and r means nothing: then the next
 * trip has to be with twice. */
static inline int hls_g1_pipe(hls_g1_xyzz *r, const hls_g1_xyzz *a, const hls_g1_affine *b,
                              int twice)
{
    hls_bn u2, s2;
    hls_g1_xyzz alone, base, sum;
    int b_zero = hls_bn_is_zero(&b->x) && hls_bn_is_zero(&b->y);
    int a_zero = hls_bn_is_zero(&a->zz), same;

    HLS_NO_INLINE()
    HLS_PIPELINE(1)
    hls_g1_set(&alone, b);
    base = twice ? alone : *a;
    hls_fp_mul_canonical(&u2, &b->x, twice ? &b->x : &base.zz);
    hls_fp_mul_canonical(&s2, &b->y, &base.zzz);
    same = hls_bn_equal(&u2, &base.x) && hls_bn_equal(&s2, &base.y);
    hls_g1_join(&sum, &base.x, &base.y, &u2, &s2, &base.zz, &base.zzz, twice);
    if (twice) {
        *r = sum;
        return 0;
    }
    *r = b_zero ? *a : HLS_FAULTY(44, a_zero, 0) ? alone : sum;
    return HLS_FAULTY(45, same, 0) && !a_zero && !b_zero;
}

/* r = a + b, b affine, and 0; or 1, and r untouched, if both are the same point (not infinity):
 * then hls_g1_dbl_affine(r, b) is due. */
static inline int hls_g1_add_affine(hls_g1_xyzz *r, const hls_g1_xyzz *a, const hls_g1_affine *b)
{
    hls_g1_xyzz sum;

    HLS_INLINE()
    if (hls_g1_pipe(&sum, a, b, 0))
        return 1;
    *r = sum;
    return 0;
}

/* r = 2 b of an affine point. Infinity stays infinity by ZZ = 0; the group has odd order, so no
 * other point has y = 0. */
static inline void hls_g1_dbl_affine(hls_g1_xyzz *r, const hls_g1_affine *b)
{
    hls_g1_xyzz unused;

    HLS_INLINE()
    hls_g1_set_zero(&unused);
    (void)hls_g1_pipe(r, &unused, b, 1);
}

/* r = 2 a: nine products. */
static inline void hls_g1_dbl(hls_g1_xyzz *r, const hls_g1_xyzz *a)
{
    hls_g1_xyzz sum;
    hls_bn square;

    HLS_INLINE()
    hls_fp_sqr(&square, &a->x);
    hls_g1_join(&sum, &a->x, &a->y, &square, &a->y, &a->zz, HLS_FAULTY(42, &a->zzz, &a->zz), 1);
    *r = sum;
}

/* Both points over one denominator: (u1, s1, zz, zzz) is a, (u2, s2) is b. Returns whether they are
 * equal, which means nothing if one is infinity. Six products. */
static inline int hls_g1_meet(hls_g1_xyzz *u1, hls_bn *u2, hls_bn *s2, const hls_g1_xyzz *a,
                              const hls_g1_xyzz *b)
{
    HLS_INLINE()
    hls_fp_mul_canonical(&u1->x, &a->x, &b->zz);
    hls_fp_mul_canonical(u2, &b->x, &a->zz);
    hls_fp_mul_canonical(&u1->y, &a->y, &b->zzz);
    hls_fp_mul_canonical(s2, &b->y, &a->zzz);
    hls_fp_mul_canonical(&u1->zz, &a->zz, &b->zz);
    hls_fp_mul_canonical(&u1->zzz, &a->zzz, &b->zzz);
    return hls_bn_equal(&u1->x, u2) && hls_bn_equal(&u1->y, s2);
}

/* r = a + b, and 0; or 1, and r untouched, if both are the same point (not infinity): then
 * hls_g1_dbl(r, a) is due. Fourteen products. */
static inline int hls_g1_add(hls_g1_xyzz *r, const hls_g1_xyzz *a, const hls_g1_xyzz *b)
{
    hls_bn u2, s2;
    hls_g1_xyzz u1, sum;
    int a_zero = hls_bn_is_zero(&a->zz), b_zero = hls_bn_is_zero(&b->zz), same;

    HLS_INLINE()
    same = hls_g1_meet(&u1, &u2, &s2, a, b);
    hls_g1_join(&sum, &u1.x, &u1.y, &u2, &s2, &u1.zz, &u1.zzz, 0);
    if (b_zero)
        *r = *a;
    else if (a_zero)
        *r = HLS_FAULTY(46, *b, *a);
    else if (HLS_FAULTY(47, same, 0))
        return 1;
    else
        *r = sum;
    return 0;
}

/* r = a + b, every case: twelve products and three squares. */
static inline void hls_g1_add_all(hls_g1_xyzz *r, const hls_g1_xyzz *a, const hls_g1_xyzz *b)
{
    hls_bn u2, s2, square;
    hls_g1_xyzz u1, sum;
    int same;

    HLS_INLINE()
    same = hls_g1_meet(&u1, &u2, &s2, a, b);
    hls_fp_sqr(&square, &u1.x);
    if (HLS_FAULTY(110, same, 0))
        u2 = square;
    hls_g1_join(&sum, &u1.x, &u1.y, &u2, &s2, &u1.zz, &u1.zzz, same);
    if (hls_bn_is_zero(&b->zz))
        sum = *a;
    else if (hls_bn_is_zero(&a->zz))
        sum = *b;
    *r = sum;
}

#endif
