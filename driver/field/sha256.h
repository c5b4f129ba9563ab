/** SHA-256 (FIPS 180-4) by OpenSSL's libcrypto, which takes the CPU's instructions for it. Any
 * thread. */
#ifndef ZKP_DRIVER_FIELD_SHA256_H
#define ZKP_DRIVER_FIELD_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

/** digest of len bytes (bytes may be NULL if len is 0); false, digest undefined, if libcrypto has
 * no memory or was configured without SHA-256. */
bool sha256_bytes(uint8_t digest[SHA256_BYTES], const void *bytes, size_t len);

#endif
