/** Verifying keys of STARKs: their digest, which a transcript begins with, and their files
 * (docs/formats.md).
 *
 * A key that was read borrows the air it was read for. Free it with stark_vk_free; the vk inside a
 * stark_key is that key's. Any thread. */
#ifndef ZKP_HOST_STARK_VK_H
#define ZKP_HOST_STARK_VK_H

#include "host/stark/stark.h"

/** Digests of the fixed tree's cap; 0 without fixed columns. */
uint64_t stark_vk_cap_digests(const stark_params *params, const air *a);

/** The digest (docs/stark.md, VK digest) of checked parameters, an air and the fixed tree's cap
 * (NULL without fixed columns, canonical). */
void stark_vk_digest(const stark_params *params, const air *a, const uint64_t *fixed_cap,
                     const stark_hash *hash, uint64_t digest[DRV_DIGEST_WORDS]);

#endif
