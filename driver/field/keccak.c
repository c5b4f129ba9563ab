#include "driver/field/keccak.h"

#include <string.h>

#define RATE KECCAK_256_RATE_BYTES
#define ROUNDS 24

/* Keccak reference 3.0, section 1.2: iota */
static const uint64_t IOTA[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static inline uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

/* theta, rho, pi for one output row: b0..b4 are the lanes that pi brings to row y, then chi */
#define ROW(to, y, s0, n0, s1, n1, s2, n2, s3, n3, s4, n4)                                         \
    do {                                                                                           \
        uint64_t b0 = n0 ? rotate(from[s0] ^ d[(s0) % 5], (n0) % 64) : from[s0] ^ d[(s0) % 5];     \
        uint64_t b1 = rotate(from[s1] ^ d[(s1) % 5], n1);                                          \
        uint64_t b2 = rotate(from[s2] ^ d[(s2) % 5], n2);                                          \
        uint64_t b3 = rotate(from[s3] ^ d[(s3) % 5], n3);                                          \
        uint64_t b4 = rotate(from[s4] ^ d[(s4) % 5], n4);                                          \
                                                                                                   \
        to[5 * (y) + 0] = b0 ^ (~b1 & b2);                                                         \
        to[5 * (y) + 1] = b1 ^ (~b2 & b3);                                                         \
        to[5 * (y) + 2] = b2 ^ (~b3 & b4);                                                         \
        to[5 * (y) + 3] = b3 ^ (~b4 & b0);                                                         \
        to[5 * (y) + 4] = b4 ^ (~b0 & b1);                                                         \
    } while (0)

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define PARITY(x) (from[x] ^ from[(x) + 5] ^ from[(x) + 10] ^ from[(x) + 15] ^ from[(x) + 20])

/* One round from `from` to `to`, which must differ: written out so that lanes stay in registers and
 * hot stack, with no copying back. */
ALWAYS_INLINE void keccak_round(uint64_t to[25], const uint64_t from[25], uint64_t iota)
{
    const uint64_t c[5] = {PARITY(0), PARITY(1), PARITY(2), PARITY(3), PARITY(4)};
    const uint64_t d[5] = {c[4] ^ rotate(c[1], 1), c[0] ^ rotate(c[2], 1), c[1] ^ rotate(c[3], 1),
                           c[2] ^ rotate(c[4], 1), c[3] ^ rotate(c[0], 1)};

    ROW(to, 0, 0, 0, 6, 44, 12, 43, 18, 21, 24, 14);
    ROW(to, 1, 3, 28, 9, 20, 10, 3, 16, 45, 22, 61);
    ROW(to, 2, 1, 1, 7, 6, 13, 25, 19, 8, 20, 18);
    ROW(to, 3, 4, 27, 5, 36, 11, 10, 17, 15, 23, 56);
    ROW(to, 4, 2, 62, 8, 55, 14, 39, 15, 41, 21, 2);
    to[0] ^= iota;
}

ALWAYS_INLINE void permute(uint64_t lanes[25])
{
    uint64_t a[25], b[25];

    memcpy(a, lanes, sizeof(a));
    for (int r = 0; r < ROUNDS; r += 2) {
        keccak_round(b, a, IOTA[r]);
        keccak_round(a, b, IOTA[r + 1]);
    }
    memcpy(lanes, a, sizeof(a));
}

#if defined(__x86_64__)
/* chi is made of and-not, which BMI has as one instruction */
__attribute__((target("bmi,bmi2"))) static void permute_bmi(uint64_t lanes[25])
{
    permute(lanes);
}
#endif

void keccak_f1600(uint64_t lanes[25])
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
        permute_bmi(lanes);
        return;
    }
#endif
    permute(lanes);
}

static inline uint64_t load_le(const uint8_t *p)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return x;
#else
    uint64_t x = 0;

    for (int i = 0; i < 8; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
#endif
}

static inline void xor_byte(uint64_t lanes[25], size_t at, uint8_t byte)
{
    lanes[at / 8] ^= (uint64_t)byte << (8 * (at % 8));
}

void keccak_256_init(keccak_ctx *ctx)
{
    memset(ctx, 0, sizeof(*ctx));
}

void keccak_256_update(keccak_ctx *ctx, const uint8_t *in, size_t len)
{
    while (len > 0) {
        if (ctx->fill == 0 && len >= RATE) {
            for (size_t i = 0; i < RATE / 8; i++)
                ctx->lanes[i] ^= load_le(in + 8 * i);
            keccak_f1600(ctx->lanes);
            in += RATE;
            len -= RATE;
        } else if (ctx->fill % 8 == 0 && len >= 8) { /* RATE is a multiple of 8: the lane is free */
            ctx->lanes[ctx->fill / 8] ^= load_le(in);
            ctx->fill += 8;
            in += 8;
            len -= 8;
        } else {
            xor_byte(ctx->lanes, ctx->fill++, *in++);
            len--;
        }
        if (ctx->fill == RATE) {
            keccak_f1600(ctx->lanes);
            ctx->fill = 0;
        }
    }
}

void keccak_256_final(keccak_ctx *ctx, uint8_t out[KECCAK_256_BYTES])
{
    xor_byte(ctx->lanes, ctx->fill, 0x01);
    xor_byte(ctx->lanes, RATE - 1, 0x80);
    keccak_f1600(ctx->lanes);
    for (size_t i = 0; i < KECCAK_256_BYTES; i++)
        out[i] = (uint8_t)(ctx->lanes[i / 8] >> (8 * (i % 8)));
}

void keccak_256(uint8_t out[KECCAK_256_BYTES], const uint8_t *in, size_t len)
{
    keccak_ctx ctx;

    keccak_256_init(&ctx);
    keccak_256_update(&ctx, in, len);
    keccak_256_final(&ctx, out);
}
