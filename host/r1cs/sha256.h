/** SHA-256 (FIPS 180-4) of a string of known length, bit by bit. About 25,000 constraints for each
 * block of 64 bytes. */
#ifndef ZKP_HOST_R1CS_SHA256_H
#define ZKP_HOST_R1CS_SHA256_H

#include "host/r1cs/builder.h"

#define R1CS_SHA256_BITS 256
#define R1CS_SHA256_MAX_BYTES ((uint64_t)1 << 20)

/** in: 8 * bytes bits, known to be boolean, in the order of the string: the highest bit of the
 * first byte first; at most R1CS_SHA256_MAX_BYTES bytes. out: the digest's bits in the same order,
 * so that the digest as a big-endian number has out[0] as its highest bit. */
void r1cs_sha256(r1cs_builder *b, const r1cs_lc *in, uint64_t bytes, r1cs_lc out[R1CS_SHA256_BITS]);

#endif
