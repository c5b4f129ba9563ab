/** Percent-encoding of reasons for gRPC metadata, whose values must be printable ASCII. */
#ifndef ZKP_HOST_RPC_PERCENT_H
#define ZKP_HOST_RPC_PERCENT_H

#include <stddef.h>

/** Longest encoded reason, in bytes without the NUL. */
#define RPC_REASON_MAX 1024

/** Encodes NUL-terminated UTF-8 text: bytes 0x20..0x7e stay but for '%' and ',', any other byte
 *  becomes %XX (as gRPC does with status messages). The comma is encoded because HTTP may join the
 *  values of one key with commas, and some clients show them so; leading and trailing spaces are,
 *  because HTTP strips them. Writes at most cap - 1 bytes and a NUL (cap >= 1); text that does not
 *  fit is cut before a character, never inside a %XX sequence or between the bytes of one
 *  character. Returns the length. */
size_t rpc_percent_encode(char *out, size_t cap, const char *text);

#endif
