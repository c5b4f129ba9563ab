/** Private to driver/field: Goldilocks arithmetic on loose words. A loose word is any 64-bit word;
 * it stands for its residue, so that only results need the last step to the canonical one
 * (gl_from_u64). Freestanding; no branch depends on a value. Any thread. */
#ifndef ZKP_DRIVER_FIELD_GL_LOOSE_H
#define ZKP_DRIVER_FIELD_GL_LOOSE_H

#include "driver/field/goldilocks.h"

/** GL_EPSILON if carry, else 0. */
static inline uint64_t gl_loose_epsilon_if(bool carry)
{
#if defined(__x86_64__)
    return (uint32_t) - (uint32_t)carry; /* one instruction: sbb of 32 bits */
#else
    return GL_EPSILON & -(uint64_t)carry;
#endif
}

/** Any 128-bit number to a loose word (the bounds stand in gl_reduce128). */
static inline uint64_t gl_loose_reduce128(gl_u128 x)
{
    uint64_t lo = (uint64_t)x, hi = (uint64_t)(x >> 64), top = hi >> 32;
    uint64_t t = lo - top, m = (hi & GL_EPSILON) * GL_EPSILON, s;

    t -= gl_loose_epsilon_if(lo < top);
    s = t + m;
    return s + gl_loose_epsilon_if(s < m);
}

/** A number below 2^95 to a loose word. */
static inline uint64_t gl_loose_fold(gl_u128 x)
{
    uint64_t fold = (uint64_t)(x >> 64) * GL_EPSILON, s = (uint64_t)x + fold;

    /* fold < 2^63, so after a carry s + GL_EPSILON does not carry */
    return s + gl_loose_epsilon_if(s < fold);
}

static inline uint64_t gl_loose_mul(uint64_t a, uint64_t b)
{
    return gl_loose_reduce128((gl_u128)a * b);
}

static inline uint64_t gl_loose_pow7(uint64_t a)
{
    uint64_t a2 = gl_loose_mul(a, a), a3 = gl_loose_mul(a2, a), a4 = gl_loose_mul(a2, a2);

    return gl_loose_mul(a3, a4);
}

/** A loose a plus a canonical b, loose: after a carry the sum is at most 2^64 - 2^32 - 1. */
static inline uint64_t gl_loose_add(uint64_t a, gl_t b)
{
    uint64_t s = a + b;

    return s + gl_loose_epsilon_if(s < b);
}

#endif
