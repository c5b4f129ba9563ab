#include "driver/field/bn_curve.h"

#include <string.h>

#define E bn_fp
#define EF(name) bn_fp_##name
#define A bn_g1
#define X bn_g1x
#define AF(name) bn_g1_##name
#define XF(name) bn_g1x_##name
#define B_INIT BN_G1_B_INIT
#include "driver/field/bn254_group_impl.h"
#undef E
#undef EF
#undef A
#undef X
#undef AF
#undef XF
#undef B_INIT

#define E bn_fp2
#define EF(name) bn_fp2_##name
#define A bn_g2
#define X bn_g2x
#define AF(name) bn_g2_##name
#define XF(name) bn_g2x_##name
#define B_INIT BN_G2_B_INIT
#include "driver/field/bn254_group_impl.h"
#undef E
#undef EF
#undef A
#undef X
#undef AF
#undef XF
#undef B_INIT

bool bn_g1_set_words(bn_g1 *r, const uint64_t w[8])
{
    bn_g1 a;

    memcpy(&a, w, sizeof(a));
    if (!(bn_fp_is_canonical(&a.x) && bn_fp_is_canonical(&a.y)) || !bn_g1_on_curve(&a))
        return false;
    *r = a;
    return true;
}

bool bn_g2_set_words(bn_g2 *r, const uint64_t w[16])
{
    bn_g2 a;

    memcpy(&a, w, sizeof(a));
    if (!(bn_fp2_is_canonical(&a.x) && bn_fp2_is_canonical(&a.y)) || !bn_g2_on_curve(&a))
        return false;
    *r = a;
    return true;
}

void bn_g1_generator(bn_g1 *r)
{
    static const bn_g1 g = BN_G1_GENERATOR_INIT;

    *r = g;
}

void bn_g2_generator(bn_g2 *r)
{
    static const bn_g2 g = BN_G2_GENERATOR_INIT;

    *r = g;
}

void bn_g2_psi(bn_g2 *r, const bn_g2 *a)
{
    static const bn_fp2 cx = BN_FROBENIUS1_2_INIT, cy = BN_FROBENIUS1_3_INIT;
    bn_fp2 t;

    bn_fp2_conj(&t, &a->x);
    bn_fp2_mul(&r->x, &t, &cx);
    bn_fp2_conj(&t, &a->y);
    bn_fp2_mul(&r->y, &t, &cy);
}

/* the same for a projective point: Frobenius also acts on ZZ and ZZZ */
static void g2x_psi(bn_g2x *r, const bn_g2x *a)
{
    bn_g2 t = {a->x, a->y};

    bn_g2_psi(&t, &t);
    r->x = t.x;
    r->y = t.y;
    bn_fp2_conj(&r->zz, &a->zz);
    bn_fp2_conj(&r->zzz, &a->zzz);
}

/* (x + 1) a + psi(x a) + psi^2(x a) = psi^3(2 x a), as in El Housni, Guillevic, Piellard: Co-factor
 * clearing and subgroup membership testing on pairing-friendly curves (2022). On the curve's points
 * psi^2 - t psi + p = 0; the resultant of the two polynomials annihilates a, and so does the
 * curve's order; their greatest common divisor is r (scripts/gen-bn254.py asserts it), whose square
 * does not divide the order. */
bool bn_g2_in_subgroup_var(const bn_g2 *a)
{
    static const uint64_t x = BN_X;
    bn_g2x xa, s, t;

    bn_g2x_set_zero(&xa);
    for (int i = 62; i >= 0; i--) {
        bn_g2x_dbl(&xa, &xa);
        if (x >> i & 1)
            bn_g2x_add_affine(&xa, &xa, a);
    }
    bn_g2x_add_affine(&s, &xa, a);
    g2x_psi(&t, &xa);
    bn_g2x_add(&s, &s, &t);
    g2x_psi(&t, &t);
    bn_g2x_add(&s, &s, &t);
    g2x_psi(&t, &t);
    bn_g2x_dbl(&t, &t);
    return bn_g2x_eq(&s, &t);
}

/* r = (k c + 2^255) / 2^256 rounded down, modulo 2^128; k 4 words, c n <= 3 words */
static bn254_u128 scaled(const uint64_t k[4], const uint64_t *c, int n)
{
    uint64_t t[8] = {0, 0, 0, UINT64_C(1) << 63, 0, 0, 0, 0};

    for (int i = 0; i < n; i++) {
        uint64_t carry = 0;

        for (int j = 0; j < 4; j++)
            t[i + j] = bn254_mac(t[i + j], c[i], k[j], &carry);
        for (int j = i + 4; j < 8; j++)
            t[j] = bn254_mac(t[j], 0, 0, &carry);
    }
    return (bn254_u128)t[5] << 64 | t[4];
}

/* The vectors v1 = (a1, -b1), v2 = (a2, b2) are a basis of the pairs (a, b) with a + b lambda = 0
 * mod r, a1 b2 + a2 b1 = r, all four positive. With the exact fractions y1 = k b2 / r, y2 = k b1 /
 * r is y1 v1 + y2 v2 = (k, 0); so for integers c1, c2
 *
 *     (k0, k1) = (k, 0) - c1 v1 - c2 v2 = (y1 - c1) v1 + (y2 - c2) v2
 *
 * has k0 + k1 lambda = k mod r. C1, C2 are 2^256 b2 / r, 2^256 b1 / r rounded to the nearest
 * integer, off by 1/2 at most, so k C / 2^256 is off by k / 2^257 < 1/2; rounding it adds 1/2 at
 * most: |y - c| < 1. Hence |k0| < a1 + a2 < 2^127 and |k1| < b1 + b2 < 2^127 (gen-bn254.py asserts
 * both), and it is enough to compute modulo 2^128, with the top bit as the sign. */
void bn_glv_split(bn_glv *r, const uint64_t k[4])
{
    static const uint64_t c1_words[3] = BN_GLV_C1, c2_words[2] = BN_GLV_C2;
    static const uint64_t a1_words[2] = BN_GLV_A1, b1_words[1] = BN_GLV_B1;
    static const uint64_t a2_words[1] = BN_GLV_A2, b2_words[2] = BN_GLV_B2;
    bn254_u128 a1 = (bn254_u128)a1_words[1] << 64 | a1_words[0], b1 = b1_words[0];
    bn254_u128 b2 = (bn254_u128)b2_words[1] << 64 | b2_words[0], a2 = a2_words[0];
    bn254_u128 c1 = scaled(k, c1_words, 3), c2 = scaled(k, c2_words, 2), part[2];

    part[0] = ((bn254_u128)k[1] << 64 | k[0]) - c1 * a1 - c2 * a2;
    part[1] = c1 * b1 - c2 * b2;
    for (int i = 0; i < 2; i++) {
        bn254_u128 mask = -(part[i] >> 127), magnitude = (part[i] ^ mask) - mask;

        r->neg[i] = part[i] >> 127;
        r->k[i][0] = (uint64_t)magnitude;
        r->k[i][1] = (uint64_t)(magnitude >> 64);
    }
}
