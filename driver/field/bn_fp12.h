/** The tower of BN254 above Fp2: Fp6 = Fp2[v] / (v^3 - (9 + u)) and Fp12 = Fp6[w] / (w^2 - v),
 * where pairings take their values.
 *
 * Conventions of bn_fp.h: canonical Montgomery forms in and out, outputs first, aliasing allowed.
 * No branch on values. Any thread. */
#ifndef ZKP_DRIVER_FIELD_BN_FP12_H
#define ZKP_DRIVER_FIELD_BN_FP12_H

#include "driver/field/bn_fp2.h"

/** c[0] + c[1] v + c[2] v^2 */
typedef struct bn_fp6 {
    bn_fp2 c[3];
} bn_fp6;

/** c[0] + c[1] w: the coefficient of w^i is c[i % 2].c[i / 2] */
typedef struct bn_fp12 {
    bn_fp6 c[2];
} bn_fp12;

void bn_fp6_add(bn_fp6 *r, const bn_fp6 *a, const bn_fp6 *b);
void bn_fp6_sub(bn_fp6 *r, const bn_fp6 *a, const bn_fp6 *b);
void bn_fp6_neg(bn_fp6 *r, const bn_fp6 *a);
void bn_fp6_mul(bn_fp6 *r, const bn_fp6 *a, const bn_fp6 *b);
/** a^-1, and 0 for 0. */
void bn_fp6_inv(bn_fp6 *r, const bn_fp6 *a);

void bn_fp12_set_one(bn_fp12 *r);
bool bn_fp12_eq(const bn_fp12 *a, const bn_fp12 *b);
void bn_fp12_mul(bn_fp12 *r, const bn_fp12 *a, const bn_fp12 *b);
void bn_fp12_sqr(bn_fp12 *r, const bn_fp12 *a);
/** r = a (l0 + l1 w + l3 w^3): what the line through two points is. */
void bn_fp12_mul_line(bn_fp12 *r, const bn_fp12 *a, const bn_fp2 *l0, const bn_fp2 *l1,
                      const bn_fp2 *l3);
/** a^-1, and 0 for 0. */
void bn_fp12_inv(bn_fp12 *r, const bn_fp12 *a);
/** c[0] - c[1] w, which is a^(p^6). */
void bn_fp12_conj(bn_fp12 *r, const bn_fp12 *a);
/** a^(p^k), k = 1, 2 or 3 (any other: as 3). */
void bn_fp12_frobenius(bn_fp12 *r, const bn_fp12 *a, unsigned k);

/** a^2, and a^x with the curve's parameter x, for a of order dividing p^4 - p^2 + 1 (what the first
 * two steps of the final exponentiation leave), where a^-1 is bn_fp12_conj. */
void bn_fp12_sqr_cyclotomic(bn_fp12 *r, const bn_fp12 *a);
void bn_fp12_pow_x_cyclotomic(bn_fp12 *r, const bn_fp12 *a);

#endif
