/** Fp2 = Fp[u] / (u^2 + 1) of BN254, the field of G2's coordinates.
 *
 * Conventions of bn_fp.h: canonical Montgomery forms in and out, outputs first, aliasing allowed,
 * no branch on values except in _var functions. */
#ifndef ZKP_DRIVER_FIELD_BN_FP2_H
#define ZKP_DRIVER_FIELD_BN_FP2_H

#include "driver/field/bn_fp.h"

/** c0 + c1 u */
typedef struct bn_fp2 {
    bn_fp c0, c1;
} bn_fp2;

static inline void bn_fp2_set_zero(bn_fp2 *r)
{
    bn_fp_set_zero(&r->c0);
    bn_fp_set_zero(&r->c1);
}

static inline void bn_fp2_set_one(bn_fp2 *r)
{
    bn_fp_set_one(&r->c0);
    bn_fp_set_zero(&r->c1);
}

static inline bool bn_fp2_is_zero(const bn_fp2 *a)
{
    return (int)bn_fp_is_zero(&a->c0) & bn_fp_is_zero(&a->c1);
}

static inline bool bn_fp2_eq(const bn_fp2 *a, const bn_fp2 *b)
{
    return (int)bn_fp_eq(&a->c0, &b->c0) & bn_fp_eq(&a->c1, &b->c1);
}

static inline bool bn_fp2_is_canonical(const bn_fp2 *a)
{
    return (int)bn_fp_is_canonical(&a->c0) & bn_fp_is_canonical(&a->c1);
}

static inline void bn_fp2_cmov(bn_fp2 *r, const bn_fp2 *a, bool take)
{
    bn_fp_cmov(&r->c0, &a->c0, take);
    bn_fp_cmov(&r->c1, &a->c1, take);
}

static inline void bn_fp2_add(bn_fp2 *r, const bn_fp2 *a, const bn_fp2 *b)
{
    bn_fp_add(&r->c0, &a->c0, &b->c0);
    bn_fp_add(&r->c1, &a->c1, &b->c1);
}

static inline void bn_fp2_sub(bn_fp2 *r, const bn_fp2 *a, const bn_fp2 *b)
{
    bn_fp_sub(&r->c0, &a->c0, &b->c0);
    bn_fp_sub(&r->c1, &a->c1, &b->c1);
}

static inline void bn_fp2_neg(bn_fp2 *r, const bn_fp2 *a)
{
    bn_fp_neg(&r->c0, &a->c0);
    bn_fp_neg(&r->c1, &a->c1);
}

static inline void bn_fp2_dbl(bn_fp2 *r, const bn_fp2 *a)
{
    bn_fp_dbl(&r->c0, &a->c0);
    bn_fp_dbl(&r->c1, &a->c1);
}

static inline void bn_fp2_half(bn_fp2 *r, const bn_fp2 *a)
{
    bn_fp_half(&r->c0, &a->c0);
    bn_fp_half(&r->c1, &a->c1);
}

/** The conjugate c0 - c1 u, which is also a^p. */
static inline void bn_fp2_conj(bn_fp2 *r, const bn_fp2 *a)
{
    r->c0 = a->c0;
    bn_fp_neg(&r->c1, &a->c1);
}

/** Three products, two reductions: the differences are taken before reducing. */
static inline void bn_fp2_mul(bn_fp2 *r, const bn_fp2 *a, const bn_fp2 *b)
{
    bn_fp_wide t0, t1, t2;
    bn_fp s, t;

    bn_fp_add_lazy(&s, &a->c0, &a->c1); /* below 2 p each, so t2 < 4 p^2 */
    bn_fp_add_lazy(&t, &b->c0, &b->c1);
    bn_fp_wide_mul(&t0, &a->c0, &b->c0);
    bn_fp_wide_mul(&t1, &a->c1, &b->c1);
    bn_fp_wide_mul(&t2, &s, &t);
    bn_fp_wide_sub_exact(&t2, &t0);
    bn_fp_wide_sub_exact(&t2, &t1); /* a0 b1 + a1 b0 < 2 p^2 */
    bn_fp_wide_sub(&t0, &t1);       /* below 2^256 p, all that the one subtraction needs */
    bn_fp_wide_reduce5(&r->c0, &t0);
    bn_fp_wide_reduce5(&r->c1, &t2);
}

/** (a0 + a1)(a0 - a1) + 2 a0 a1 u */
static inline void bn_fp2_sqr(bn_fp2 *r, const bn_fp2 *a)
{
    bn_fp s, d, t;

    bn_fp_add_lazy(&s, &a->c0, &a->c1); /* below 2 p, which mul allows */
    bn_fp_sub(&d, &a->c0, &a->c1);
    bn_fp_add_lazy(&t, &a->c0, &a->c0);
    bn_fp_mul(&r->c1, &t, &a->c1);
    bn_fp_mul(&r->c0, &s, &d);
}

static inline void bn_fp2_mul_fp(bn_fp2 *r, const bn_fp2 *a, const bn_fp *b)
{
    bn_fp t = *b; /* b may be part of r */

    bn_fp_mul(&r->c0, &a->c0, &t);
    bn_fp_mul(&r->c1, &a->c1, &t);
}

/** r = a (9 + u), the constant of the tower: (9 a0 - a1) + (a0 + 9 a1) u. */
static inline void bn_fp2_mul_xi(bn_fp2 *r, const bn_fp2 *a)
{
    bn_fp2 t;

    bn_fp2_dbl(&t, a);
    bn_fp2_dbl(&t, &t);
    bn_fp2_dbl(&t, &t);
    bn_fp2_add(&t, &t, a);
    bn_fp_sub(&t.c0, &t.c0, &a->c1);
    bn_fp_add(&t.c1, &t.c1, &a->c0);
    *r = t;
}

/* ---- out of line ---- */

/** a^-1, and 0 for 0. */
void bn_fp2_inv(bn_fp2 *r, const bn_fp2 *a);

/** Inverts n elements in place with one inversion; zeros stay. scratch: n elements. Timing depends
 * on which are zero. */
void bn_fp2_inv_batch(bn_fp2 *a, bn_fp2 *scratch, size_t n);

/** A square root; false, and r untouched, if there is none. Which of the two is not specified.
 * Timing depends on a. */
bool bn_fp2_sqrt_var(bn_fp2 *r, const bn_fp2 *a);

#endif
