/** The groups of BN254: G1 on y^2 = x^3 + 3 over Fp and G2 on y^2 = x^3 + 3 / (9 + u) over Fp2,
 * both of prime order r.
 *
 * bn_g1, bn_g2: affine, infinity is all zeros, coordinates canonical in Montgomery form: in memory
 * the 8 and 16 words of driver.h. bn_g1x, bn_g2x: projective; bn254_group.h says how, and has the
 * inline functions, for either group: bn_g1_is_zero, eq, neg; bn_g1x_set_zero, is_zero, set (from
 * affine), neg, dbl, dbl_affine, add_affine, sub_affine, add, eq, get (to affine). They are meant
 * for points of the curve and give some point for other coordinates, in bounds and in finite time.
 *
 * Outputs come first and may be the inputs. Scalars are four plain little-endian words. Functions
 * branch on special cases (infinity, equal points); _var functions also on the scalar. Any thread.
 */
#ifndef ZKP_DRIVER_FIELD_BN_CURVE_H
#define ZKP_DRIVER_FIELD_BN_CURVE_H

#include "driver/field/bn_fp.h"
#include "driver/field/bn_fp2.h"
#include "driver/field/bn_fr.h"

#define E bn_fp
#define EF(name) bn_fp_##name
#define A bn_g1
#define X bn_g1x
#define AF(name) bn_g1_##name
#define XF(name) bn_g1x_##name
#include "driver/field/bn254_group.h"
#undef E
#undef EF
#undef A
#undef X
#undef AF
#undef XF

#define E bn_fp2
#define EF(name) bn_fp2_##name
#define A bn_g2
#define X bn_g2x
#define AF(name) bn_g2_##name
#define XF(name) bn_g2x_##name
#include "driver/field/bn254_group.h"
#undef E
#undef EF
#undef A
#undef X
#undef AF
#undef XF

_Static_assert(sizeof(bn_g1) == 64 && sizeof(bn_g2) == 128, "driver.h's points");

/** Reads a point of driver.h's layout; false, and r untouched, if a coordinate is not canonical or
 * the point is neither on the curve nor infinity. */
bool bn_g1_set_words(bn_g1 *r, const uint64_t w[8]);
bool bn_g2_set_words(bn_g2 *r, const uint64_t w[16]);

/** Whether the coordinates satisfy the equation, or are infinity's. */
bool bn_g1_on_curve(const bn_g1 *a);
bool bn_g2_on_curve(const bn_g2 *a);

/** Whether a point of the curve is in the group of order r (G1 is the whole curve). */
bool bn_g2_in_subgroup_var(const bn_g2 *a);

/** The generators of EIP-197. */
void bn_g1_generator(bn_g1 *r);
void bn_g2_generator(bn_g2 *r);

/** r = k a, k any four words: 4-bit windows. For points outside of G2's group of order r, too. */
void bn_g1_mul_var(bn_g1x *r, const bn_g1 *a, const uint64_t k[4]);
void bn_g2_mul_var(bn_g2x *r, const bn_g2 *a, const uint64_t k[4]);

/** The same by the endomorphism, twice as fast; a is in the group of order r. */
void bn_g1_mul_glv_var(bn_g1x *r, const bn_g1 *a, const uint64_t k[4]);
void bn_g2_mul_glv_var(bn_g2x *r, const bn_g2 *a, const uint64_t k[4]);

/** To affine with one inversion; scratch: 2 n elements. a stays. */
void bn_g1x_get_batch(bn_g1 *r, const bn_g1x *a, bn_fp *scratch, size_t n);
void bn_g2x_get_batch(bn_g2 *r, const bn_g2x *a, bn_fp2 *scratch, size_t n);

/* ---- the endomorphism: lambda a = (beta x, y), lambda^2 + lambda + 1 = 0 mod r ---- */

/** r = lambda a; infinity stays. G2: a is in the group of order r. */
static inline void bn_g1_endo(bn_g1 *r, const bn_g1 *a)
{
    static const bn_fp beta = BN_G1_BETA_INIT;

    bn_fp_mul(&r->x, &a->x, &beta);
    r->y = a->y;
}

static inline void bn_g2_endo(bn_g2 *r, const bn_g2 *a)
{
    static const bn_fp beta = BN_G2_BETA_INIT;

    bn_fp2_mul_fp(&r->x, &a->x, &beta);
    r->y = a->y;
}

/** k = (-1)^neg[0] k0 + (-1)^neg[1] k1 lambda mod r, magnitudes of two words. */
typedef struct bn_glv {
    uint64_t k[2][2];
    bool neg[2];
} bn_glv;

/** Splits a scalar. For every k < 2^256 the magnitudes are below 2^127: the top bit is clear, so
 * that signed windows need no further digit. No branch on k. bn_curve.c has the proof. */
void bn_glv_split(bn_glv *r, const uint64_t k[4]);

/** Untwist, Frobenius, twist: (conj(x) (9+u)^((p-1)/3), conj(y) (9+u)^((p-1)/2)), which multiplies
 * the group of order r by p, that is 6 x^2 mod r. */
void bn_g2_psi(bn_g2 *r, const bn_g2 *a);

#endif
