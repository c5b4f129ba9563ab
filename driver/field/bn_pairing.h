/** The pairing of BN254 (EIP-197): optimal ate, e: G1 x G2 -> the elements of order r of Fp12.
 *
 * What a verifier calls is bn_pairing_check; the parts are there for their tests. No allocation;
 * the time depends on how many points are infinity. Any thread. */
#ifndef ZKP_DRIVER_FIELD_BN_PAIRING_H
#define ZKP_DRIVER_FIELD_BN_PAIRING_H

#include "driver/field/bn_curve.h"
#include "driver/field/bn_fp12.h"

/** Whether the product of the e(p[i], q[i]) is 1, in *one. n = 0: it is. Returns false, and *one is
 * false, if coordinates are not canonical or a point is not on its curve or not in the group of
 * order r. Infinity is allowed: its factor is 1. */
bool bn_pairing_check(bool *one, const bn_g1 *p, const bn_g2 *q, size_t n);

/** The product of the Miller functions. The points are in their groups. */
void bn_pairing_miller(bn_fp12 *r, const bn_g1 *p, const bn_g2 *q, size_t n);

/** a^((p^12 - 1) / r); a is not 0 (0 for 0). */
void bn_pairing_final(bn_fp12 *r, const bn_fp12 *a);

#endif
