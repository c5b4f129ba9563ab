/** The Goldilocks field, p = 2^64 - 2^32 + 1.
 *
 * A gl_t is canonical (0 .. p-1) wherever a header does not say otherwise: every function here
 * takes canonical elements and returns canonical ones. Freestanding: no libc. No branch or look-up
 * depends on a value, except in _var functions. Any thread. */
#ifndef ZKP_DRIVER_FIELD_GOLDILOCKS_H
#define ZKP_DRIVER_FIELD_GOLDILOCKS_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t gl_t;

#define GL_P UINT64_C(0xffffffff00000001)
/** 2^64 mod p = 2^32 - 1: what a carry out of 64 bits is worth. */
#define GL_EPSILON UINT64_C(0xffffffff)

__extension__ typedef unsigned __int128 gl_u128;

static inline bool gl_is_canonical(uint64_t a)
{
    return a < GL_P;
}

/** Any 64-bit word to its canonical residue. */
static inline gl_t gl_from_u64(uint64_t a)
{
    return a - (GL_P & -(uint64_t)(a >= GL_P));
}

static inline gl_t gl_add(gl_t a, gl_t b)
{
    uint64_t s = a + b;
    /* a carry is worth GL_EPSILON; a, b < p make the corrected sum smaller than p again */
    return gl_from_u64(s + (GL_EPSILON & -(uint64_t)(s < a)));
}

static inline gl_t gl_sub(gl_t a, gl_t b)
{
    uint64_t d = a - b;
    return d + (GL_P & -(uint64_t)(a < b));
}

static inline gl_t gl_neg(gl_t a)
{
    return (GL_P - a) & -(uint64_t)(a != 0);
}

/** Canonical residue of any 128-bit number: hi = h1*2^32 + h0, 2^64 = 2^32
 * - 1, 2^96 = -1 (mod p). */
static inline gl_t gl_reduce128(gl_u128 x)
{
    uint64_t lo = (uint64_t)x, hi = (uint64_t)(x >> 64);
    uint64_t h1 = hi >> 32, h0 = hi & GL_EPSILON;
    uint64_t t = lo - h1, m = h0 * GL_EPSILON, s;

    /* a borrow took 2^64 = GL_EPSILON too much; t > 2^64 - 2^32 then, so this borrows no more */
    t -= GL_EPSILON & -(uint64_t)(lo < h1);
    /* m <= (2^32-1)^2, so after a carry s <= 2^64 - 2^33 and the correction carries no more */
    s = t + m;
    s += GL_EPSILON & -(uint64_t)(s < t);
    return gl_from_u64(s);
}

static inline gl_t gl_mul(gl_t a, gl_t b)
{
    return gl_reduce128((gl_u128)a * b);
}

static inline gl_t gl_sqr(gl_t a)
{
    return gl_mul(a, a);
}

/** a^e; a^0 = 1. Timing depends on e. */
gl_t gl_pow_var(gl_t a, uint64_t e);

/** a^-1, and 0 for 0. */
gl_t gl_inv(gl_t a);

/** omega_k = 7^((p-1)/2^k), of order 2^k; k at most 32. */
static inline gl_t gl_root_of_unity(unsigned k)
{
    return gl_pow_var(7, (GL_P - 1) >> k);
}

#endif
