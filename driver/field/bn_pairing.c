#include "driver/field/bn_pairing.h"

/* how many pairs share the squarings of one Miller loop */
#define GROUP 8

/* (x, y) = (X / Z, Y / Z) */
typedef struct projective {
    bn_fp2 x, y, z;
} projective;

/* The point (x, y) of the twist is (x w^2, y w^3) on the curve, so the line through points of the
 * twist with slope k has the slope k w there, and at P = (xp, yp) of G1 the value
 *
 *     yp - k xp w + (k x - y) w^3.
 *
 * The steps return it times an element of Fp2, which the final exponentiation maps to 1. */

/* a = 2 a; the line is the tangent: 2 Y Z yp - 3 X^2 xp w + (3 X^3 / Z - 2 Y^2) w^3 with the sign
 * changed, where 3 X^3 / Z = 3 Y^2 - 3 b Z^2. */
static void double_step(bn_fp12 *f, projective *a, const bn_g1 *p)
{
    static const bn_fp2 b = BN_G2_B_INIT;
    bn_fp2 xy, y2, z2, e, e3, g, h, l0, l1, l3, t;

    bn_fp2_mul(&xy, &a->x, &a->y);
    bn_fp2_half(&xy, &xy);
    bn_fp2_sqr(&y2, &a->y);
    bn_fp2_sqr(&z2, &a->z);
    bn_fp2_mul(&t, &z2, &b);
    bn_fp2_dbl(&e, &t);
    bn_fp2_add(&e, &e, &t); /* 3 b Z^2 */
    bn_fp2_dbl(&e3, &e);
    bn_fp2_add(&e3, &e3, &e);
    bn_fp2_add(&g, &y2, &e3);
    bn_fp2_half(&g, &g);
    bn_fp2_add(&h, &a->y, &a->z);
    bn_fp2_sqr(&h, &h);
    bn_fp2_sub(&h, &h, &y2);
    bn_fp2_sub(&h, &h, &z2); /* 2 Y Z */
    bn_fp2_sub(&l3, &e, &y2);
    bn_fp2_sqr(&t, &a->x);
    bn_fp2_dbl(&l1, &t);
    bn_fp2_add(&l1, &l1, &t);
    bn_fp2_mul_fp(&l1, &l1, &p->x);
    bn_fp2_neg(&l0, &h);
    bn_fp2_mul_fp(&l0, &l0, &p->y);

    bn_fp2_sub(&t, &y2, &e3);
    bn_fp2_mul(&a->x, &xy, &t);
    bn_fp2_sqr(&e, &e);
    bn_fp2_dbl(&t, &e);
    bn_fp2_add(&t, &t, &e);
    bn_fp2_sqr(&g, &g);
    bn_fp2_sub(&a->y, &g, &t);
    bn_fp2_mul(&a->z, &y2, &h);
    bn_fp12_mul_line(f, f, &l0, &l1, &l3);
}

/* a = a + q, a is neither q nor -q; k = o / l, and the line is l yp - o xp w + (o x - l y) w^3 */
static void add_step(bn_fp12 *f, projective *a, const bn_g2 *q, const bn_g1 *p)
{
    bn_fp2 o, l, c, d, e, g, h, l0, l1, l3, t;

    bn_fp2_mul(&t, &q->y, &a->z);
    bn_fp2_sub(&o, &a->y, &t);
    bn_fp2_mul(&t, &q->x, &a->z);
    bn_fp2_sub(&l, &a->x, &t);
    bn_fp2_mul_fp(&l0, &l, &p->y);
    bn_fp2_neg(&l1, &o);
    bn_fp2_mul_fp(&l1, &l1, &p->x);
    bn_fp2_mul(&l3, &o, &q->x);
    bn_fp2_mul(&t, &l, &q->y);
    bn_fp2_sub(&l3, &l3, &t);

    bn_fp2_sqr(&c, &o);
    bn_fp2_sqr(&d, &l);
    bn_fp2_mul(&e, &d, &l);
    bn_fp2_mul(&c, &c, &a->z);
    bn_fp2_mul(&g, &a->x, &d);
    bn_fp2_add(&h, &e, &c);
    bn_fp2_sub(&h, &h, &g);
    bn_fp2_sub(&h, &h, &g);
    bn_fp2_mul(&a->x, &l, &h);
    bn_fp2_sub(&g, &g, &h);
    bn_fp2_mul(&g, &g, &o);
    bn_fp2_mul(&t, &e, &a->y);
    bn_fp2_sub(&a->y, &g, &t);
    bn_fp2_mul(&a->z, &e, &a->z);
    bn_fp12_mul_line(f, f, &l0, &l1, &l3);
}

/* The multiples of q that occur are, up to sign, the prefixes of 6 x + 2 and then p and p^2 modulo
 * r: all different and not 0 modulo r, which is what add_step needs. */
static void miller_group(bn_fp12 *f, const bn_g1 *const *p, const bn_g2 *const *q, size_t n)
{
    static const int8_t digits[] = BN_ATE_LOOP; /* of 6 x + 2, the highest first: 1, 0, -1 */
    projective a[GROUP];
    bn_g2 minus[GROUP];

    bn_fp12_set_one(f);
    for (size_t i = 0; i < n; i++) {
        a[i].x = q[i]->x;
        a[i].y = q[i]->y;
        bn_fp2_set_one(&a[i].z);
        bn_g2_neg(&minus[i], q[i]);
    }
    for (size_t k = 1; k < sizeof(digits); k++) {
        bn_fp12_sqr(f, f);
        for (size_t i = 0; i < n; i++) {
            double_step(f, &a[i], p[i]);
            if (digits[k] != 0)
                add_step(f, &a[i], digits[k] > 0 ? q[i] : &minus[i], p[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        bn_g2 t;

        bn_g2_psi(&t, q[i]);
        add_step(f, &a[i], &t, p[i]);
        bn_g2_psi(&t, &t);
        bn_g2_neg(&t, &t);
        add_step(f, &a[i], &t, p[i]);
    }
}

void bn_pairing_miller(bn_fp12 *r, const bn_g1 *p, const bn_g2 *q, size_t n)
{
    const bn_g1 *ps[GROUP];
    const bn_g2 *qs[GROUP];
    bn_fp12 product, f;
    size_t count = 0;

    bn_fp12_set_one(&product);
    for (size_t i = 0; i < n; i++) {
        if (!bn_g1_is_zero(&p[i]) && !bn_g2_is_zero(&q[i])) {
            ps[count] = &p[i];
            qs[count++] = &q[i];
        }
        if (count == GROUP || (i + 1 == n && count > 0)) {
            miller_group(&f, ps, qs, count);
            bn_fp12_mul(&product, &product, &f);
            count = 0;
        }
    }
    *r = product;
}

/* The last factor, (p^4 - p^2 + 1) / r, is
 *
 *     p^3 + (6 x^2 + 1) p^2 - (36 x^3 + 18 x^2 + 12 x - 1) p - (36 x^3 + 30 x^2 + 18 x + 2);
 *
 * as y0 y1^2 y2^6 y3^12 y4^18 y5^30 y6^36 it takes 13 products and 4 squares: Scott, Benger,
 * Charlemagne, Dominguez Perez, Kachisa: On the final exponentiation for calculating pairings
 * (2009). */
void bn_pairing_final(bn_fp12 *r, const bn_fp12 *a)
{
    bn_fp12 f, fx, fx2, fx3, y0, y1, y2, y3, y4, y5, y6, s, t;

    bn_fp12_inv(&t, a);
    bn_fp12_conj(&f, a);
    bn_fp12_mul(&f, &f, &t); /* p^6 - 1 */
    bn_fp12_frobenius(&t, &f, 2);
    bn_fp12_mul(&f, &f, &t); /* p^2 + 1 */

    bn_fp12_pow_x_cyclotomic(&fx, &f);
    bn_fp12_pow_x_cyclotomic(&fx2, &fx);
    bn_fp12_pow_x_cyclotomic(&fx3, &fx2);
    bn_fp12_frobenius(&y0, &f, 1);
    bn_fp12_frobenius(&t, &f, 2);
    bn_fp12_mul(&y0, &y0, &t);
    bn_fp12_frobenius(&t, &f, 3);
    bn_fp12_mul(&y0, &y0, &t);
    bn_fp12_conj(&y1, &f);
    bn_fp12_frobenius(&y2, &fx2, 2);
    bn_fp12_frobenius(&y3, &fx, 1);
    bn_fp12_conj(&y3, &y3);
    bn_fp12_frobenius(&t, &fx2, 1);
    bn_fp12_mul(&y4, &fx, &t);
    bn_fp12_conj(&y4, &y4);
    bn_fp12_conj(&y5, &fx2);
    bn_fp12_frobenius(&t, &fx3, 1);
    bn_fp12_mul(&y6, &fx3, &t);
    bn_fp12_conj(&y6, &y6);

    bn_fp12_sqr_cyclotomic(&s, &y6);
    bn_fp12_mul(&s, &s, &y4);
    bn_fp12_mul(&s, &s, &y5); /* y4 y5 y6^2 */
    bn_fp12_mul(&t, &y3, &y5);
    bn_fp12_mul(&t, &t, &s); /* y3 y4 y5^2 y6^2 */
    bn_fp12_mul(&s, &s, &y2);
    bn_fp12_sqr_cyclotomic(&t, &t);
    bn_fp12_mul(&t, &t, &s);
    bn_fp12_sqr_cyclotomic(&t, &t); /* y2^2 y3^4 y4^6 y5^10 y6^12 */
    bn_fp12_mul(&s, &t, &y1);
    bn_fp12_mul(&t, &t, &y0);
    bn_fp12_sqr_cyclotomic(&s, &s);
    bn_fp12_mul(r, &s, &t);
}

bool bn_pairing_check(bool *one, const bn_g1 *p, const bn_g2 *q, size_t n)
{
    bn_fp12 f, unit;

    *one = false;
    for (size_t i = 0; i < n; i++)
        if (!bn_fp_is_canonical(&p[i].x) || !bn_fp_is_canonical(&p[i].y) ||
            !bn_fp2_is_canonical(&q[i].x) || !bn_fp2_is_canonical(&q[i].y) ||
            !bn_g1_on_curve(&p[i]) || !bn_g2_on_curve(&q[i]) || !bn_g2_in_subgroup_var(&q[i]))
            return false;
    bn_pairing_miller(&f, p, q, n);
    bn_pairing_final(&f, &f);
    bn_fp12_set_one(&unit);
    *one = bn_fp12_eq(&f, &unit);
    return true;
}
