/** Hexadecimal text. Freestanding. Any thread. */
#ifndef ZKP_DRIVER_BASE_HEX_H
#define ZKP_DRIVER_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Writes 2 * len lower-case digits, no prefix, no NUL. */
void p_hex_encode(char *out, const uint8_t *bytes, size_t len);

/** Reads exactly 2 * len digits of either case; false (out undefined) if text_len differs or a
 * digit is wrong. */
bool p_hex_decode(uint8_t *out, size_t len, const char *text, size_t text_len);

/** Skips an optional "0x" or "0X": returns 2 or 0. */
size_t p_hex_prefix(const char *text, size_t text_len);

/** A big-endian number of at most 2 * len digits (at least one), left-padded with zeros. */
bool p_hex_decode_padded(uint8_t *out, size_t len, const char *text, size_t text_len);

#endif
