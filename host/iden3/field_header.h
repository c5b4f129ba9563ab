/** What the headers of iden3's formats say of a prime: its length in bytes and its value. Both
 * primes of BN254, nothing else, are taken. */
#ifndef ZKP_HOST_IDEN3_FIELD_HEADER_H
#define ZKP_HOST_IDEN3_FIELD_HEADER_H

#include "host/iden3/binfile.h"

#define FIELD_HEADER_BYTES 36

/** The primes as the formats hold them: r of the scalars, q of the coordinates. */
extern const uint8_t FIELD_HEADER_R[FIELD_HEADER_BYTES - 4], FIELD_HEADER_Q[FIELD_HEADER_BYTES - 4];

/** Reads a length and a prime at the cursor; P_EUNSUPPORTED if it is another than expected (name:
 * "r" or "q", for the error). */
p_status field_header_next(binfile_cursor *c, const uint8_t expected[FIELD_HEADER_BYTES - 4],
                           const char *name, p_err *err);

/** Appends a length and a prime. */
p_status field_header_append(binfile_writer *w, const uint8_t prime[FIELD_HEADER_BYTES - 4],
                             p_err *err);

#endif
