/* Points of BN254's G1, y^2 = x^3 + 3 over Fp, for the buckets of a multi-scalar multiplication.
 *
 * Affine (x, y), infinity is all zeros. Projective "XYZZ": x = X / ZZ, y = Y / ZZZ, ZZ^3 = ZZZ^2,
 * infinity is ZZ = 0 (Explicit-Formulas Database, shortw-xyzz, 2008 Sutherland). Coordinates are
 * canonical in Montgomery form and come from points of the curve; whatever they are, nothing is
 * read or written elsewhere. Outputs come first and may be inputs.
 *
 * Additions are one straight pipe that selects at the end, so they start each cycle (II=1) in a
 * pipelined caller. Infinity is a selection, opposite points give ZZ = 0 by themselves; only equal
 * points need another formula. Two additions in one pipe would cost nine products more for a case
 * that random buckets do not meet, so hls_g1_add_affine and hls_g1_add return 1 for it and leave r
 * alone, and the kernel calls the doubling, on one slow unit. The return value must be looked at.
 */
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

/* r = (x, y) with ZZ = zz, ZZZ = zzz doubled: nine products. Infinity stays infinity by ZZ = 0; the
 * group has odd order, so no other point has y = 0. */
static inline void hls_g1_dbl(hls_g1_xyzz *r, const hls_g1_xyzz *a)
{
    hls_bn u, v, w, s, m, t, x;

    HLS_INLINE()
    hls_fp_add(&u, &a->y, &a->y);
    hls_fp_mul(&v, &u, &u);
    hls_fp_mul(&w, &u, &v);
    hls_fp_mul(&s, &a->x, &v);
    hls_fp_mul(&t, &a->x, &a->x);
    hls_fp_add(&m, &t, &t);
    hls_fp_add(&m, &m, HLS_FAULTY(41, &t, &m));
    hls_fp_mul(&t, &m, &m);
    hls_fp_sub(&t, &t, &s);
    hls_fp_sub(&x, &t, &s);
    hls_fp_sub(&s, &s, &x);
    hls_fp_mul(&t, &m, &s);
    hls_fp_mul(&u, &w, &a->y);
    r->x = x;
    hls_fp_sub(&r->y, &t, &u);
    hls_fp_mul(&r->zz, &v, &a->zz);
    hls_fp_mul(&r->zzz, HLS_FAULTY(42, &w, &v), &a->zzz);
}

/* 2 a of an affine point: the same with ZZ = ZZZ = 1, seven products. */
static inline void hls_g1_dbl_affine(hls_g1_xyzz *r, const hls_g1_affine *a)
{
    hls_bn u, v, w, s, m, t, x;

    HLS_INLINE()
    hls_fp_add(&u, &a->y, &a->y);
    hls_fp_mul(&v, &u, &u);
    hls_fp_mul(&w, &u, &v);
    hls_fp_mul(&s, &a->x, &v);
    hls_fp_mul(&t, &a->x, &a->x);
    hls_fp_add(&m, &t, &t);
    hls_fp_add(&m, &m, &t);
    hls_fp_mul(&t, &m, &m);
    hls_fp_sub(&t, &t, &s);
    hls_fp_sub(&x, &t, &s);
    hls_fp_sub(&s, &s, &x);
    hls_fp_mul(&t, &m, &s);
    hls_fp_mul(&u, &w, &a->y);
    r->x = x;
    hls_fp_sub(&r->y, &t, &u);
    r->zz = v;
    r->zzz = w;
}

/* The common half of both additions: (u1, s1) and (u2, s2) are the two points over one denominator,
 * zz and zzz the product of their denominators (of a's alone for an affine b). Writes the sum to r;
 * returns 1 if the points are equal. Eight products. */
static inline int hls_g1_join(hls_g1_xyzz *r, const hls_bn *u1, const hls_bn *s1, const hls_bn *u2,
                              const hls_bn *s2, const hls_bn *zz, const hls_bn *zzz)
{
    hls_bn p, q, d, pp, ppp, t, v;

    HLS_INLINE()
    hls_fp_sub(&p, u2, u1);
    hls_fp_sub(&d, s2, s1);
    hls_fp_mul(&pp, &p, &p);
    hls_fp_mul(&ppp, &p, &pp);
    hls_fp_mul(&q, u1, &pp);
    hls_fp_mul(&t, &d, &d);
    hls_fp_sub(&t, &t, &ppp);
    hls_fp_sub(&t, &t, &q);
    hls_fp_sub(&r->x, &t, &q);
    hls_fp_sub(&q, &q, &r->x);
    hls_fp_mul(&t, &d, &q);
    hls_fp_mul(&v, s1, &ppp);
    hls_fp_sub(&r->y, &t, &v);
    hls_fp_mul(&r->zz, zz, &pp);
    hls_fp_mul(&r->zzz, zzz, HLS_FAULTY(43, &ppp, &pp));
    return hls_bn_is_zero(&p) && hls_bn_is_zero(&d);
}

/* r = a + b, b affine, and 0; or 1, and r untouched, if both are the same point (not infinity):
 * then hls_g1_dbl_affine(r, b) is due. Ten products. */
static inline int hls_g1_add_affine(hls_g1_xyzz *r, const hls_g1_xyzz *a, const hls_g1_affine *b)
{
    hls_bn u2, s2;
    hls_g1_xyzz sum, alone;
    int b_zero = hls_bn_is_zero(&b->x) && hls_bn_is_zero(&b->y);
    int a_zero = hls_bn_is_zero(&a->zz), same;

    HLS_INLINE()
    hls_fp_mul(&u2, &b->x, &a->zz);
    hls_fp_mul(&s2, &b->y, &a->zzz);
    same = hls_g1_join(&sum, &a->x, &a->y, &u2, &s2, &a->zz, &a->zzz);
    hls_g1_set(&alone, b);
    if (b_zero)
        *r = *a;
    else if (a_zero)
        *r = HLS_FAULTY(44, alone, sum);
    else if (HLS_FAULTY(45, same, 0))
        return 1;
    else
        *r = sum;
    return 0;
}

/* r = a + b, and 0; or 1, and r untouched, if both are the same point (not infinity): then
 * hls_g1_dbl(r, a) is due. Fourteen products. */
static inline int hls_g1_add(hls_g1_xyzz *r, const hls_g1_xyzz *a, const hls_g1_xyzz *b)
{
    hls_bn u1, u2, s1, s2, zz, zzz;
    hls_g1_xyzz sum;
    int a_zero = hls_bn_is_zero(&a->zz), b_zero = hls_bn_is_zero(&b->zz), same;

    HLS_INLINE()
    hls_fp_mul(&u1, &a->x, &b->zz);
    hls_fp_mul(&u2, &b->x, &a->zz);
    hls_fp_mul(&s1, &a->y, &b->zzz);
    hls_fp_mul(&s2, &b->y, &a->zzz);
    hls_fp_mul(&zz, &a->zz, &b->zz);
    hls_fp_mul(&zzz, &a->zzz, &b->zzz);
    same = hls_g1_join(&sum, &u1, &s1, &u2, &s2, &zz, &zzz);
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

#endif
