/** What snarkjs 0.7 computes with 64 bytes that are no point.
 *
 * It hashes H of a domain of 2^15 rows and more in chunks of 2^14 points, one point too many; in a
 * file of powers of tau that has no more powers than the domain, that point is what follows the
 * section in the file. The hash, by which `snarkjs zkey verify` recognises a circuit, depends on
 * it, so that it has to be the same here: additions modulo q as its code makes them for numbers
 * that are not below q, where they are not additions modulo q any more. */
#ifndef ZKP_HOST_GROTH16_BEYOND_H
#define ZKP_HOST_GROTH16_BEYOND_H

#include "driver/field/bn_curve.h"

/** "bytes - b" as an affine point of canonical coordinates. b is a point, not infinity. */
void groth16_beyond(bn_g1 *r, const uint8_t bytes[64], const bn_g1 *b);

#endif
