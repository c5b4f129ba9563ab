#include "driver/field/bn_fp2.h"

void bn_fp2_inv(bn_fp2 *r, const bn_fp2 *a)
{
    bn_fp n, t;

    bn_fp_sqr(&n, &a->c0);
    bn_fp_sqr(&t, &a->c1);
    bn_fp_add(&n, &n, &t); /* the norm; 0 for 0 only, -1 is no square */
    bn_fp_inv(&n, &n);
    bn_fp_mul(&r->c0, &a->c0, &n);
    bn_fp_neg(&n, &n);
    bn_fp_mul(&r->c1, &a->c1, &n);
}

void bn_fp2_inv_batch(bn_fp2 *a, bn_fp2 *scratch, size_t n)
{
    bn_fp2 product, inverse;

    bn_fp2_set_one(&product);
    for (size_t i = 0; i < n; i++) {
        scratch[i] = product; /* of all before i that are not 0 */
        if (!bn_fp2_is_zero(&a[i]))
            bn_fp2_mul(&product, &product, &a[i]);
    }
    bn_fp2_inv(&inverse, &product);
    for (size_t i = n; i-- > 0;) {
        bn_fp2 t = a[i];

        if (bn_fp2_is_zero(&t))
            continue;
        bn_fp2_mul(&a[i], &inverse, &scratch[i]);
        bn_fp2_mul(&inverse, &inverse, &t);
    }
}

/* A root x + y u has x^2 - y^2 = a0, 2 x y = a1 and x^2 + y^2 = s, the root of the norm: so x^2 is
 * (a0 + s) / 2 or (a0 - s) / 2; the product of these two is -(a1 / 2)^2, hence exactly one of them
 * is a square where a1 is not 0. */
bool bn_fp2_sqrt_var(bn_fp2 *r, const bn_fp2 *a)
{
    static const bn_fp half = BN_FP_HALF_INIT;
    bn_fp s, t, x, y;

    if (bn_fp_is_zero(&a->c1)) { /* a root of a0 or u times one of -a0: one of them is a square */
        bn_fp zero;

        bn_fp_set_zero(&zero);
        bn_fp_neg(&t, &a->c0);
        if (bn_fp_sqrt_var(&x, &a->c0)) {
            r->c0 = x;
            r->c1 = zero;
        } else {
            (void)bn_fp_sqrt_var(&y, &t);
            r->c0 = zero;
            r->c1 = y;
        }
        return true;
    }
    bn_fp_sqr(&s, &a->c0);
    bn_fp_sqr(&t, &a->c1);
    bn_fp_add(&s, &s, &t);
    if (!bn_fp_sqrt_var(&s, &s))
        return false;
    bn_fp_add(&t, &a->c0, &s);
    bn_fp_mul(&t, &t, &half);
    if (!bn_fp_sqrt_var(&x, &t)) {
        bn_fp_sub(&t, &a->c0, &s);
        bn_fp_mul(&t, &t, &half);
        if (!bn_fp_sqrt_var(&x, &t))
            return false;
    }
    bn_fp_inv(&t, &x); /* x is not 0: y would have to be, and a1 with it */
    bn_fp_mul(&t, &t, &half);
    bn_fp_mul(&r->c1, &a->c1, &t);
    r->c0 = x;
    return true;
}
