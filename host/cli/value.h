/** Numbers, byte strings and JSON fields as the files of test vectors write them.
 *
 *  Errors name the field. Any thread. */
#ifndef ZKP_HOST_CLI_VALUE_H
#define ZKP_HOST_CLI_VALUE_H

#include "driver/base/err.h"
#include "host/executor/types.h"

#include <jansson.h>

/** "0x" + 64 digits + NUL. */
#define VALUE_HEX_BYTES 67

/** Reads decimal digits, or hexadecimal digits after 0x; false if it is anything else, or 2^256 and
 *  above. "0x" is 0, as some files have it. */
bool value_parse(u256 *out, const char *text);
u256 value_from_be(const uint8_t *bytes, size_t len); /**< len <= 32 */
void value_to_be(uint8_t out[32], const u256 *x);
/** 0x and 64 digits; returns out. */
char *value_hex(char out[VALUE_HEX_BYTES], const u256 *x);
/** 0x and as few digits as possible; returns out. */
char *value_hex_short(char out[VALUE_HEX_BYTES], const u256 *x);
/** 0x and two digits a byte; out has 2 * len + 3 bytes; returns out. */
char *value_hex_bytes(char *out, const uint8_t *bytes, size_t len);

/** The text of a JSON integer or string as a number. what is the name for the error. */
p_status value_json_number(u256 *out, const json_t *value, const char *what, p_err *err);
/** Field `name` of an object, which must be there. */
p_status value_json_field(u256 *out, const json_t *object, const char *name, p_err *err);
/** The same, below 2^64. */
p_status value_json_u64(uint64_t *out, const json_t *object, const char *name, p_err *err);
/** A string of hexadecimal digits with or without 0x, as bytes. *out is malloc'ed (never NULL on
 *  success). An odd number of digits is an error. */
p_status value_json_bytes(uint8_t **out, size_t *len, const json_t *value, const char *what,
                          p_err *err);
/** An address: 0x + 40 digits. */
p_status value_text_address(exec_address *out, const char *text, const char *what, p_err *err);
p_status value_json_address(exec_address *out, const json_t *object, const char *name, p_err *err);

#endif
