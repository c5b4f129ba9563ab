/** snarkjs' JSON files: proof.json, public.json, verification_key.json.
 *
 * Coordinates and values are decimal strings; points are projective with z = "1", or "0" for
 * infinity; an element of Fp2 is [c0, c1]. Reading refuses what it does not know: another protocol,
 * another curve (a file that names none is of this one), numbers that are not below their modulus
 * or not written plainly, points that are not in their groups. Every error names file and place. */
#ifndef ZKP_HOST_GROTH16_JSON_H
#define ZKP_HOST_GROTH16_JSON_H

#include "host/groth16/verify.h"

#include <jansson.h>

#define GROTH16_DECIMAL_BYTES 80 /**< of a number below 2^256, with its NUL */

/** Four words as a decimal number. */
void groth16_decimal(const uint64_t words[4], char out[GROTH16_DECIMAL_BYTES]);
/** The number back; false if text is no plain decimal number (no sign, no leading zeros) below
 * 2^256. */
bool groth16_from_decimal(const char *text, uint64_t words[4]);

/** The caller's to release; NULL without memory. */
json_t *groth16_proof_json(const groth16_proof *proof);
json_t *groth16_public_json(const uint64_t *values, uint32_t count); /**< count * 4 words */
json_t *groth16_vk_json(const groth16_vk *vk);

p_status groth16_proof_read(const char *path, groth16_proof *out, p_err *err);

/** *values: count * 4 words, below r each; the caller's to free. */
p_status groth16_public_read(const char *path, uint64_t **values, uint32_t *count, p_err *err);

/** Free it with groth16_vk_free, also after a failure. */
p_status groth16_vk_read(const char *path, groth16_vk *out, p_err *err);
void groth16_vk_free(groth16_vk *vk);

/** The same from memory; name is for error texts. */
p_status groth16_proof_parse(const char *name, const char *text, size_t length, groth16_proof *out,
                             p_err *err);
p_status groth16_public_parse(const char *name, const char *text, size_t length, uint64_t **values,
                              uint32_t *count, p_err *err);
p_status groth16_vk_parse(const char *name, const char *text, size_t length, groth16_vk *out,
                          p_err *err);

#endif
