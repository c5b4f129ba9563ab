#include "driver/field/sha256.h"

#include <openssl/evp.h>

bool sha256_bytes(uint8_t digest[SHA256_BYTES], const void *bytes, size_t len)
{
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_Digest(len > 0 ? bytes : "", len, out, &n, EVP_sha256(), NULL) != 1 ||
        n != SHA256_BYTES)
        return false;
    for (unsigned i = 0; i < SHA256_BYTES; i++)
        digest[i] = out[i];
    return true;
}
