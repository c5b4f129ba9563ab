/** Keccak-256 as Ethereum uses it (padding byte 0x01, not SHA-3's 0x06; Keccak reference 3.0).
 * Freestanding: memcpy and memset only. Any thread; a keccak_ctx belongs to one caller. Timing
 * depends on lengths only. */
#ifndef ZKP_DRIVER_FIELD_KECCAK_H
#define ZKP_DRIVER_FIELD_KECCAK_H

#include <stddef.h>
#include <stdint.h>

#define KECCAK_256_RATE_BYTES 136
#define KECCAK_256_BYTES 32

typedef struct keccak_ctx {
    uint64_t lanes[25];
    size_t fill; /**< bytes absorbed into the current block, 0..135 */
} keccak_ctx;

/** The permutation keccak-f[1600] in place; lane x + 5y. */
void keccak_f1600(uint64_t lanes[25]);

void keccak_256_init(keccak_ctx *ctx);
/** in may be NULL when len is 0. */
void keccak_256_update(keccak_ctx *ctx, const uint8_t *in, size_t len);
/** Writes the digest; the context must be initialised again before another use. */
void keccak_256_final(keccak_ctx *ctx, uint8_t out[KECCAK_256_BYTES]);

/** The digest of one string; out may overlap in. */
void keccak_256(uint8_t out[KECCAK_256_BYTES], const uint8_t *in, size_t len);

/** How many blocks (calls of keccak_f1600) a string of len bytes takes: floor(len/136) + 1. */
static inline size_t keccak_256_blocks(size_t len)
{
    return len / KECCAK_256_RATE_BYTES + 1;
}

#endif
