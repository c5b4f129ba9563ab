#include "host/iden3/field_header.h"

#include "driver/field/bn254_constants.h"

#include <inttypes.h>
#include <string.h>

#define PRIME_BYTES (FIELD_HEADER_BYTES - 4)
#define WORD_BYTES(w)                                                                              \
    (uint8_t)(w), (uint8_t)((w) >> 8), (uint8_t)((w) >> 16), (uint8_t)((w) >> 24),                 \
        (uint8_t)((w) >> 32), (uint8_t)((w) >> 40), (uint8_t)((w) >> 48), (uint8_t)((w) >> 56)

const uint8_t FIELD_HEADER_R[PRIME_BYTES] = {WORD_BYTES(BN_FR_P0), WORD_BYTES(BN_FR_P1),
                                             WORD_BYTES(BN_FR_P2), WORD_BYTES(BN_FR_P3)};
const uint8_t FIELD_HEADER_Q[PRIME_BYTES] = {WORD_BYTES(BN_FP_P0), WORD_BYTES(BN_FP_P1),
                                             WORD_BYTES(BN_FP_P2), WORD_BYTES(BN_FP_P3)};

p_status field_header_next(binfile_cursor *c, const uint8_t expected[PRIME_BYTES], const char *name,
                           p_err *err)
{
    uint64_t at = c->at;
    uint32_t bytes;
    const uint8_t *prime;
    p_status s = binfile_next_u32(c, &bytes, err);

    if (s == P_OK && bytes != PRIME_BYTES)
        return p_err_set(err, P_EUNSUPPORTED,
                         "%s: section %" PRIu32 ", offset %" PRIu64 ": the prime %s has %" PRIu32
                         " bytes; expected BN254's, which has %d",
                         c->file->path, c->section->type, c->section->offset + at, name, bytes,
                         PRIME_BYTES);
    if (s == P_OK)
        s = binfile_next(c, PRIME_BYTES, &prime, err);
    if (s == P_OK && memcmp(prime, expected, PRIME_BYTES) != 0)
        return p_err_set(err, P_EUNSUPPORTED,
                         "%s: section %" PRIu32 ", offset %" PRIu64
                         ": the prime %s is not BN254's (bn128 in circom); other curves are not "
                         "supported",
                         c->file->path, c->section->type, c->section->offset + at, name);
    return s;
}

p_status field_header_append(binfile_writer *w, const uint8_t prime[PRIME_BYTES], p_err *err)
{
    p_status s = binfile_append_u32(w, PRIME_BYTES, err);

    return s == P_OK ? binfile_append(w, prime, PRIME_BYTES, err) : s;
}
