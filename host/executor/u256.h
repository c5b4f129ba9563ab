/** Arithmetic on u256: all of it modulo 2^256 unless said otherwise, as the EVM defines it.
 *
 * Pure functions: any thread, no allocation, no failure; arguments are not changed and results are
 * returned by value, so operands may be the place that receives the result. Timing depends on the
 * values. What is hot is inline here, multiplication, division and exponentiation are in u256.c.
 * Freestanding; a 128-bit integer of the compiler is used. */
#ifndef ZKP_HOST_EXECUTOR_U256_H
#define ZKP_HOST_EXECUTOR_U256_H

#include "host/executor/types.h"

static inline u256 u256_zero(void)
{
    return (u256){{0, 0, 0, 0}};
}

static inline u256 u256_from_u64(uint64_t x)
{
    return (u256){{x, 0, 0, 0}};
}

static inline bool u256_is_zero(const u256 *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

static inline bool u256_eq(const u256 *a, const u256 *b)
{
    return ((a->limb[0] ^ b->limb[0]) | (a->limb[1] ^ b->limb[1]) | (a->limb[2] ^ b->limb[2]) |
            (a->limb[3] ^ b->limb[3])) == 0;
}

/** True if a < 2^64; then limb[0] is the value. */
static inline bool u256_fits_u64(const u256 *a)
{
    return (a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

/** The value, or UINT64_MAX if it does not fit. */
static inline uint64_t u256_saturate_u64(const u256 *a)
{
    return u256_fits_u64(a) ? a->limb[0] : UINT64_MAX;
}

static inline bool u256_is_negative(const u256 *a)
{
    return a->limb[3] >> 63 != 0;
}

/** *out = a + b; returns the carry out of bit 255. */
static inline bool u256_add_carry(u256 *out, const u256 *a, const u256 *b)
{
    unsigned __int128 t = (unsigned __int128)a->limb[0] + b->limb[0];
    uint64_t r0 = (uint64_t)t;
    t = (unsigned __int128)a->limb[1] + b->limb[1] + (uint64_t)(t >> 64);
    uint64_t r1 = (uint64_t)t;
    t = (unsigned __int128)a->limb[2] + b->limb[2] + (uint64_t)(t >> 64);
    uint64_t r2 = (uint64_t)t;
    t = (unsigned __int128)a->limb[3] + b->limb[3] + (uint64_t)(t >> 64);
    *out = (u256){{r0, r1, r2, (uint64_t)t}};
    return (uint64_t)(t >> 64) != 0;
}

/** *out = a - b; returns the borrow, that is a < b. */
static inline bool u256_sub_borrow(u256 *out, const u256 *a, const u256 *b)
{
    unsigned __int128 t = (unsigned __int128)a->limb[0] - b->limb[0];
    uint64_t r0 = (uint64_t)t;
    t = (unsigned __int128)a->limb[1] - b->limb[1] - ((uint64_t)(t >> 64) & 1);
    uint64_t r1 = (uint64_t)t;
    t = (unsigned __int128)a->limb[2] - b->limb[2] - ((uint64_t)(t >> 64) & 1);
    uint64_t r2 = (uint64_t)t;
    t = (unsigned __int128)a->limb[3] - b->limb[3] - ((uint64_t)(t >> 64) & 1);
    *out = (u256){{r0, r1, r2, (uint64_t)t}};
    return (uint64_t)(t >> 64) != 0;
}

static inline u256 u256_add(const u256 *a, const u256 *b)
{
    u256 r;
    (void)u256_add_carry(&r, a, b);
    return r;
}

static inline u256 u256_sub(const u256 *a, const u256 *b)
{
    u256 r;
    (void)u256_sub_borrow(&r, a, b);
    return r;
}

static inline u256 u256_add_u64(const u256 *a, uint64_t b)
{
    u256 w = u256_from_u64(b);
    return u256_add(a, &w);
}

static inline u256 u256_negate(const u256 *a)
{
    u256 z = u256_zero();
    return u256_sub(&z, a);
}

static inline bool u256_lt(const u256 *a, const u256 *b)
{
    u256 ignored;
    return u256_sub_borrow(&ignored, a, b);
}

/** -1, 0, 1 as a is below, equal to, above b. */
static inline int u256_cmp(const u256 *a, const u256 *b)
{
    for (int i = 3; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/** a < b as two's complement numbers. */
static inline bool u256_slt(const u256 *a, const u256 *b)
{
    bool na = u256_is_negative(a), nb = u256_is_negative(b);
    return na != nb ? na : u256_lt(a, b);
}

static inline u256 u256_and(const u256 *a, const u256 *b)
{
    return (u256){{a->limb[0] & b->limb[0], a->limb[1] & b->limb[1], a->limb[2] & b->limb[2],
                   a->limb[3] & b->limb[3]}};
}

static inline u256 u256_or(const u256 *a, const u256 *b)
{
    return (u256){{a->limb[0] | b->limb[0], a->limb[1] | b->limb[1], a->limb[2] | b->limb[2],
                   a->limb[3] | b->limb[3]}};
}

static inline u256 u256_xor(const u256 *a, const u256 *b)
{
    return (u256){{a->limb[0] ^ b->limb[0], a->limb[1] ^ b->limb[1], a->limb[2] ^ b->limb[2],
                   a->limb[3] ^ b->limb[3]}};
}

static inline u256 u256_not(const u256 *a)
{
    return (u256){{~a->limb[0], ~a->limb[1], ~a->limb[2], ~a->limb[3]}};
}

/** The number of bits without leading zeros: 0 for 0, 256 for 2^255 and above. */
static inline unsigned u256_bit_length(const u256 *a)
{
    for (unsigned i = 4; i-- > 0;)
        if (a->limb[i] != 0)
            return 64 * i + 64 - (unsigned)__builtin_clzll(a->limb[i]);
    return 0;
}

static inline unsigned u256_byte_length(const u256 *a)
{
    return (u256_bit_length(a) + 7) / 8;
}

/** a << n; n may be anything, 256 and above gives 0. */
static inline u256 u256_shl(const u256 *a, unsigned n)
{
    if (n >= 256)
        return u256_zero();
    unsigned words = n / 64, bits = n % 64;
    u256 r;
    /* no window into a zero-extended array: with -O2 -fsanitize=thread GCC
     * 12 forgets to clear it */
    for (unsigned i = 0; i < 4; i++) {
        uint64_t high = i >= words ? a->limb[i - words] : 0;
        uint64_t low = i > words ? a->limb[i - words - 1] : 0;
        r.limb[i] = bits == 0 ? high : (high << bits) | (low >> (64 - bits));
    }
    return r;
}

/** The right shift with the words above a filled by `fill` (0 or all ones); n < 256. */
static inline u256 u256_shift_right(const u256 *a, unsigned n, uint64_t fill)
{
    unsigned words = n / 64, bits = n % 64;
    uint64_t wide[8] = {a->limb[0], a->limb[1], a->limb[2], a->limb[3], fill, fill, fill, fill};
    u256 r;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t low = wide[i + words], high = wide[i + words + 1];
        r.limb[i] = bits == 0 ? low : (low >> bits) | (high << (64 - bits));
    }
    return r;
}

/** a >> n; n may be anything, 256 and above gives 0. */
static inline u256 u256_shr(const u256 *a, unsigned n)
{
    return n >= 256 ? u256_zero() : u256_shift_right(a, n, 0);
}

/** Arithmetic right shift of a two's complement number; 256 and above gives 0 or -1. */
static inline u256 u256_sar(const u256 *a, unsigned n)
{
    uint64_t fill = u256_is_negative(a) ? UINT64_MAX : 0;
    return n >= 256 ? (u256){{fill, fill, fill, fill}} : u256_shift_right(a, n, fill);
}

/** Byte i counted from the most significant (0); 0 for i >= 32. */
static inline uint64_t u256_byte(const u256 *a, uint64_t i)
{
    if (i >= 32)
        return 0;
    unsigned from_low = 31 - (unsigned)i;
    return (a->limb[from_low / 8] >> (8 * (from_low % 8))) & 0xff;
}

/** Extends the sign of the lowest (i + 1) bytes; a itself for i >= 31. */
static inline u256 u256_signextend(const u256 *a, uint64_t i)
{
    if (i >= 31)
        return *a;
    unsigned shift = 248 - 8 * (unsigned)i;
    u256 up = u256_shl(a, shift);
    return u256_shift_right(&up, shift, u256_is_negative(&up) ? UINT64_MAX : 0);
}

u256 u256_mul(const u256 *a, const u256 *b);
/** The full 512-bit product, least significant limb first. */
void u256_mul_wide(uint64_t out[8], const u256 *a, const u256 *b);

/** Division as the EVM's: a divisor of 0 gives 0 for quotient and remainder. Either pointer may be
 * NULL. */
void u256_divmod(const u256 *a, const u256 *b, u256 *quotient, u256 *remainder);
u256 u256_div(const u256 *a, const u256 *b);
u256 u256_mod(const u256 *a, const u256 *b);
/** Two's complement, rounding towards zero; -2^255 / -1 is -2^255. */
u256 u256_sdiv(const u256 *a, const u256 *b);
/** The sign of the result is the sign of a. */
u256 u256_smod(const u256 *a, const u256 *b);
/** (a + b) mod m with a 257-bit sum; 0 for m = 0. */
u256 u256_addmod(const u256 *a, const u256 *b, const u256 *m);
/** (a * b) mod m with a 512-bit product; 0 for m = 0. */
u256 u256_mulmod(const u256 *a, const u256 *b, const u256 *m);
/** base^exponent; 0^0 is 1. */
u256 u256_exp(const u256 *base, const u256 *exponent);

#endif
