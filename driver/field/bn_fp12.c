#include "driver/field/bn_fp12.h"

void bn_fp6_add(bn_fp6 *r, const bn_fp6 *a, const bn_fp6 *b)
{
    for (int i = 0; i < 3; i++)
        bn_fp2_add(&r->c[i], &a->c[i], &b->c[i]);
}

void bn_fp6_sub(bn_fp6 *r, const bn_fp6 *a, const bn_fp6 *b)
{
    for (int i = 0; i < 3; i++)
        bn_fp2_sub(&r->c[i], &a->c[i], &b->c[i]);
}

void bn_fp6_neg(bn_fp6 *r, const bn_fp6 *a)
{
    for (int i = 0; i < 3; i++)
        bn_fp2_neg(&r->c[i], &a->c[i]);
}

/* (a + b)(c + d) - s - t */
static void fp2_cross(bn_fp2 *r, const bn_fp2 *a, const bn_fp2 *b, const bn_fp2 *c, const bn_fp2 *d,
                      const bn_fp2 *s, const bn_fp2 *t)
{
    bn_fp2 x, y;

    bn_fp2_add(&x, a, b);
    bn_fp2_add(&y, c, d);
    bn_fp2_mul(&x, &x, &y);
    bn_fp2_sub(&x, &x, s);
    bn_fp2_sub(r, &x, t);
}

/* six products instead of nine (Karatsuba) */
void bn_fp6_mul(bn_fp6 *r, const bn_fp6 *a, const bn_fp6 *b)
{
    bn_fp2 t0, t1, t2, x0, x1, x2;

    bn_fp2_mul(&t0, &a->c[0], &b->c[0]);
    bn_fp2_mul(&t1, &a->c[1], &b->c[1]);
    bn_fp2_mul(&t2, &a->c[2], &b->c[2]);
    fp2_cross(&x0, &a->c[1], &a->c[2], &b->c[1], &b->c[2], &t1, &t2);
    fp2_cross(&x1, &a->c[0], &a->c[1], &b->c[0], &b->c[1], &t0, &t1);
    fp2_cross(&x2, &a->c[0], &a->c[2], &b->c[0], &b->c[2], &t0, &t2);
    bn_fp2_mul_xi(&x0, &x0);
    bn_fp2_add(&r->c[0], &x0, &t0);
    bn_fp2_mul_xi(&t2, &t2);
    bn_fp2_add(&r->c[1], &x1, &t2);
    bn_fp2_add(&r->c[2], &x2, &t1);
}

/* r = a (b0 + b1 v) */
static void fp6_mul_01(bn_fp6 *r, const bn_fp6 *a, const bn_fp2 *b0, const bn_fp2 *b1)
{
    bn_fp2 t0, t1, x0, x1, x2;

    bn_fp2_mul(&t0, &a->c[0], b0);
    bn_fp2_mul(&t1, &a->c[1], b1);
    fp2_cross(&x1, &a->c[0], &a->c[1], b0, b1, &t0, &t1);
    bn_fp2_mul(&x0, &a->c[2], b1);
    bn_fp2_mul_xi(&x0, &x0);
    bn_fp2_mul(&x2, &a->c[2], b0);
    bn_fp2_add(&r->c[0], &x0, &t0);
    r->c[1] = x1;
    bn_fp2_add(&r->c[2], &x2, &t1);
}

/* r = a v */
static void fp6_mul_v(bn_fp6 *r, const bn_fp6 *a)
{
    bn_fp2 t;

    bn_fp2_mul_xi(&t, &a->c[2]);
    r->c[2] = a->c[1];
    r->c[1] = a->c[0];
    r->c[0] = t;
}

/* by the adjugate: a (d0 + d1 v + d2 v^2) = n in Fp2 */
void bn_fp6_inv(bn_fp6 *r, const bn_fp6 *a)
{
    bn_fp2 d0, d1, d2, n, t;

    bn_fp2_sqr(&d0, &a->c[0]);
    bn_fp2_mul(&t, &a->c[1], &a->c[2]);
    bn_fp2_mul_xi(&t, &t);
    bn_fp2_sub(&d0, &d0, &t);
    bn_fp2_sqr(&d1, &a->c[2]);
    bn_fp2_mul_xi(&d1, &d1);
    bn_fp2_mul(&t, &a->c[0], &a->c[1]);
    bn_fp2_sub(&d1, &d1, &t);
    bn_fp2_sqr(&d2, &a->c[1]);
    bn_fp2_mul(&t, &a->c[0], &a->c[2]);
    bn_fp2_sub(&d2, &d2, &t);
    bn_fp2_mul(&n, &a->c[1], &d2);
    bn_fp2_mul(&t, &a->c[2], &d1);
    bn_fp2_add(&n, &n, &t);
    bn_fp2_mul_xi(&n, &n);
    bn_fp2_mul(&t, &a->c[0], &d0);
    bn_fp2_add(&n, &n, &t);
    bn_fp2_inv(&n, &n);
    bn_fp2_mul(&r->c[0], &d0, &n);
    bn_fp2_mul(&r->c[1], &d1, &n);
    bn_fp2_mul(&r->c[2], &d2, &n);
}

void bn_fp12_set_one(bn_fp12 *r)
{
    for (int i = 0; i < 6; i++)
        bn_fp2_set_zero(&r->c[i % 2].c[i / 2]);
    bn_fp2_set_one(&r->c[0].c[0]);
}

bool bn_fp12_eq(const bn_fp12 *a, const bn_fp12 *b)
{
    int same = 1;

    for (int i = 0; i < 6; i++)
        same &= bn_fp2_eq(&a->c[i % 2].c[i / 2], &b->c[i % 2].c[i / 2]);
    return same;
}

void bn_fp12_mul(bn_fp12 *r, const bn_fp12 *a, const bn_fp12 *b)
{
    bn_fp6 t0, t1, s, t;

    bn_fp6_mul(&t0, &a->c[0], &b->c[0]);
    bn_fp6_mul(&t1, &a->c[1], &b->c[1]);
    bn_fp6_add(&s, &a->c[0], &a->c[1]);
    bn_fp6_add(&t, &b->c[0], &b->c[1]);
    bn_fp6_mul(&s, &s, &t);
    bn_fp6_sub(&s, &s, &t0);
    bn_fp6_sub(&r->c[1], &s, &t1);
    fp6_mul_v(&t1, &t1);
    bn_fp6_add(&r->c[0], &t0, &t1);
}

/* (a0 + a1)(a0 + v a1) - (1 + v) a0 a1 + 2 a0 a1 w */
void bn_fp12_sqr(bn_fp12 *r, const bn_fp12 *a)
{
    bn_fp6 m, s, t;

    bn_fp6_mul(&m, &a->c[0], &a->c[1]);
    fp6_mul_v(&t, &a->c[1]);
    bn_fp6_add(&t, &t, &a->c[0]);
    bn_fp6_add(&s, &a->c[0], &a->c[1]);
    bn_fp6_mul(&s, &s, &t);
    bn_fp6_sub(&s, &s, &m);
    fp6_mul_v(&t, &m);
    bn_fp6_sub(&r->c[0], &s, &t);
    bn_fp6_add(&r->c[1], &m, &m);
}

void bn_fp12_mul_line(bn_fp12 *r, const bn_fp12 *a, const bn_fp2 *l0, const bn_fp2 *l1,
                      const bn_fp2 *l3)
{
    bn_fp6 t0, t1, s;
    bn_fp2 l;

    for (int i = 0; i < 3; i++)
        bn_fp2_mul(&t0.c[i], &a->c[0].c[i], l0);
    fp6_mul_01(&t1, &a->c[1], l1, l3);
    bn_fp2_add(&l, l0, l1);
    bn_fp6_add(&s, &a->c[0], &a->c[1]);
    fp6_mul_01(&s, &s, &l, l3);
    bn_fp6_sub(&s, &s, &t0);
    bn_fp6_sub(&r->c[1], &s, &t1);
    fp6_mul_v(&t1, &t1);
    bn_fp6_add(&r->c[0], &t0, &t1);
}

void bn_fp12_inv(bn_fp12 *r, const bn_fp12 *a)
{
    bn_fp6 n, t;

    bn_fp6_mul(&n, &a->c[0], &a->c[0]);
    bn_fp6_mul(&t, &a->c[1], &a->c[1]);
    fp6_mul_v(&t, &t);
    bn_fp6_sub(&n, &n, &t); /* a0^2 - v a1^2, the norm to Fp6 */
    bn_fp6_inv(&n, &n);
    bn_fp6_mul(&r->c[0], &a->c[0], &n);
    bn_fp6_neg(&n, &n);
    bn_fp6_mul(&r->c[1], &a->c[1], &n);
}

void bn_fp12_conj(bn_fp12 *r, const bn_fp12 *a)
{
    r->c[0] = a->c[0];
    bn_fp6_neg(&r->c[1], &a->c[1]);
}

void bn_fp12_frobenius(bn_fp12 *r, const bn_fp12 *a, unsigned k)
{
    static const bn_fp2 first[5] = {BN_FROBENIUS1_1_INIT, BN_FROBENIUS1_2_INIT,
                                    BN_FROBENIUS1_3_INIT, BN_FROBENIUS1_4_INIT,
                                    BN_FROBENIUS1_5_INIT};
    static const bn_fp second[5] = {BN_FROBENIUS2_1_INIT, BN_FROBENIUS2_2_INIT,
                                    BN_FROBENIUS2_3_INIT, BN_FROBENIUS2_4_INIT,
                                    BN_FROBENIUS2_5_INIT};
    static const bn_fp2 third[5] = {BN_FROBENIUS3_1_INIT, BN_FROBENIUS3_2_INIT,
                                    BN_FROBENIUS3_3_INIT, BN_FROBENIUS3_4_INIT,
                                    BN_FROBENIUS3_5_INIT};

    for (int i = 0; i < 6; i++) {
        bn_fp2 t = a->c[i % 2].c[i / 2];

        if (k == 2) {
            if (i > 0)
                bn_fp2_mul_fp(&t, &t, &second[i - 1]);
        } else {
            bn_fp2_conj(&t, &t);
            if (i > 0)
                bn_fp2_mul(&t, &t, k == 1 ? &first[i - 1] : &third[i - 1]);
        }
        r->c[i % 2].c[i / 2] = t;
    }
}

/* (s, t) = (a + b y)^2 with y^2 = 9 + u */
static void fp4_sqr(bn_fp2 *s, bn_fp2 *t, const bn_fp2 *a, const bn_fp2 *b)
{
    bn_fp2 a2, b2, x;

    bn_fp2_sqr(&a2, a);
    bn_fp2_sqr(&b2, b);
    bn_fp2_add(&x, a, b);
    bn_fp2_sqr(&x, &x);
    bn_fp2_sub(&x, &x, &a2);
    bn_fp2_sub(t, &x, &b2);
    bn_fp2_mul_xi(&b2, &b2);
    bn_fp2_add(s, &a2, &b2);
}

/* r = 3 t - 2 z and r = 3 t + 2 z */
static void three_minus(bn_fp2 *r, const bn_fp2 *t, const bn_fp2 *z)
{
    bn_fp2 x;

    bn_fp2_sub(&x, t, z);
    bn_fp2_dbl(&x, &x);
    bn_fp2_add(r, &x, t);
}

static void three_plus(bn_fp2 *r, const bn_fp2 *t, const bn_fp2 *z)
{
    bn_fp2 x;

    bn_fp2_add(&x, t, z);
    bn_fp2_dbl(&x, &x);
    bn_fp2_add(r, &x, t);
}

/* Granger and Scott: Faster squaring in the cyclotomic subgroup of sixth degree extensions (2010)
 */
void bn_fp12_sqr_cyclotomic(bn_fp12 *r, const bn_fp12 *a)
{
    const bn_fp6 *x = &a->c[0], *y = &a->c[1];
    bn_fp2 s0, t0, s1, t1, s2, t2;

    fp4_sqr(&s0, &t0, &x->c[0], &y->c[1]);
    fp4_sqr(&s1, &t1, &y->c[0], &x->c[2]);
    fp4_sqr(&s2, &t2, &x->c[1], &y->c[2]);
    bn_fp2_mul_xi(&t2, &t2);
    three_minus(&r->c[0].c[0], &s0, &x->c[0]);
    three_minus(&r->c[0].c[1], &s1, &x->c[1]);
    three_minus(&r->c[0].c[2], &s2, &x->c[2]);
    three_plus(&r->c[1].c[0], &t2, &y->c[0]);
    three_plus(&r->c[1].c[1], &t0, &y->c[1]);
    three_plus(&r->c[1].c[2], &t1, &y->c[2]);
}

void bn_fp12_pow_x_cyclotomic(bn_fp12 *r, const bn_fp12 *a)
{
    static const uint64_t x = BN_X;
    bn_fp12 base = *a, t = *a; /* the highest bit is 62 */

    for (int i = 61; i >= 0; i--) {
        bn_fp12_sqr_cyclotomic(&t, &t);
        if (x >> i & 1)
            bn_fp12_mul(&t, &t, &base);
    }
    *r = t;
}
