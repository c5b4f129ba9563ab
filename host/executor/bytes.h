/** Big-endian bytes to integers and back, and conversions between u256, addresses and hashes.
 *  Freestanding; no alignment is assumed. Any thread. */
#ifndef ZKP_HOST_EXECUTOR_BYTES_H
#define ZKP_HOST_EXECUTOR_BYTES_H

#include <string.h>

#include "host/executor/types.h"

static inline uint64_t bytes_load_be64(const uint8_t in[8])
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !defined(__riscv)
    uint64_t x;
    memcpy(&x, in, 8);
    return __builtin_bswap64(x);
#else
    /* RV64IM has neither unaligned loads nor a byte swap */
    return (uint64_t)in[0] << 56 | (uint64_t)in[1] << 48 | (uint64_t)in[2] << 40 |
           (uint64_t)in[3] << 32 | (uint64_t)in[4] << 24 | (uint64_t)in[5] << 16 |
           (uint64_t)in[6] << 8 | (uint64_t)in[7];
#endif
}

static inline void bytes_store_be64(uint8_t out[8], uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !defined(__riscv)
    x = __builtin_bswap64(x);
    memcpy(out, &x, 8);
#else
    for (int i = 7; i >= 0; i--, x >>= 8)
        out[i] = (uint8_t)x;
#endif
}

/** 32 bytes, most significant first. */
static inline u256 bytes_load_u256(const uint8_t in[32])
{
    return (u256){{bytes_load_be64(in + 24), bytes_load_be64(in + 16), bytes_load_be64(in + 8),
                   bytes_load_be64(in)}};
}

static inline void bytes_store_u256(uint8_t out[32], const u256 *x)
{
    /* read first: out may be x itself */
    uint64_t l0 = x->limb[0], l1 = x->limb[1], l2 = x->limb[2], l3 = x->limb[3];
    bytes_store_be64(out, l3);
    bytes_store_be64(out + 8, l2);
    bytes_store_be64(out + 16, l1);
    bytes_store_be64(out + 24, l0);
}

/** len <= 32 bytes as one big-endian number, right-aligned (zero for len 0). */
static inline u256 bytes_load_u256_short(const uint8_t *in, size_t len)
{
    uint8_t padded[32];
    memset(padded, 0, sizeof padded);
    if (len != 0)
        memcpy(padded + 32 - len, in, len);
    return bytes_load_u256(padded);
}

static inline u256 bytes_u256_of_address(const exec_address *a)
{
    uint64_t top = (uint64_t)a->bytes[0] << 24 | (uint64_t)a->bytes[1] << 16 |
                   (uint64_t)a->bytes[2] << 8 | (uint64_t)a->bytes[3];
    return (u256){{bytes_load_be64(a->bytes + 12), bytes_load_be64(a->bytes + 4), top, 0}};
}

/** The low 160 bits. */
static inline exec_address bytes_address_of_u256(const u256 *x)
{
    exec_address a;
    a.bytes[0] = (uint8_t)(x->limb[2] >> 24);
    a.bytes[1] = (uint8_t)(x->limb[2] >> 16);
    a.bytes[2] = (uint8_t)(x->limb[2] >> 8);
    a.bytes[3] = (uint8_t)x->limb[2];
    bytes_store_be64(a.bytes + 4, x->limb[1]);
    bytes_store_be64(a.bytes + 12, x->limb[0]);
    return a;
}

static inline u256 bytes_u256_of_hash(const exec_hash *h)
{
    return bytes_load_u256(h->bytes);
}

static inline exec_hash bytes_hash_of_u256(const u256 *x)
{
    exec_hash h;
    bytes_store_u256(h.bytes, x);
    return h;
}

static inline bool bytes_address_eq(const exec_address *a, const exec_address *b)
{
    return memcmp(a->bytes, b->bytes, 20) == 0;
}

#endif
