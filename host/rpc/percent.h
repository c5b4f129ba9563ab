/** Percent-encoding of reasons for gRPC metadata, whose values must be printable ASCII. */
#ifndef ZKP_HOST_RPC_PERCENT_H
#define ZKP_HOST_RPC_PERCENT_H

#include <stddef.h>

/** Longest encoded reason, in bytes without the NUL. */
#define RPC_REASON_MAX 1024

/** Encodes NUL-terminated UTF-8 text: bytes 0x20..0x7e but '%' stay, any other byte becomes %XX (as
 *  gRPC does with status messages). Writes at most cap - 1 bytes and a NUL (cap >= 1); text that
 * does not fit is cut before a character, never inside a %XX sequence or between the bytes of one
 * character, and leading and trailing spaces are encoded, because HTTP strips them. Returns the
 * length. */
size_t rpc_percent_encode(char *out, size_t cap, const char *text);

#endif
