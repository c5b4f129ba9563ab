/** Lagrange's polynomials of the domains of Fr, at one place. */
#ifndef ZKP_HOST_GROTH16_LAGRANGE_H
#define ZKP_HOST_GROTH16_LAGRANGE_H

#include "driver/field/bn_fr.h"

/** The root of unity of order 2^log2 (0 .. 28), driver.h's numbering. */
void groth16_root(bn_fr *r, unsigned log2);

/** out[i] = the value at tau of the polynomial over the 2^log2 roots of unity (log2 <= 28) that is
 * 1 at number first + i step and 0 at the others. Also if tau is one of them. */
void groth16_lagrange(const bn_fr *tau, unsigned log2, uint64_t first, uint64_t step, bn_fr *out,
                      size_t count);

#endif
