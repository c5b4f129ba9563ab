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

/** Writes a key's file, which is there whole or not at all. */
p_status stark_vk_write(const stark_vk *vk, const char *path, p_err *err);

/** Reads one for this air, which is borrowed. P_ENOTFOUND if it is not there; P_ECORRUPT, with
 * section and offset, for one of another constraint graph, below its declared level, not canonical,
 * cut, extended or with another digest. *out is empty on failure. */
p_status stark_vk_read(const char *path, const air *a, stark_vk *out, p_err *err);
/** The same for an open file, which is taken over; path is for error texts. */
p_status stark_vk_adopt(int fd, const char *path, const air *a, stark_vk *out, p_err *err);

/** Frees a key that was read (and none of a stark_key); it is empty then. */
void stark_vk_free(stark_vk *vk);

#endif
