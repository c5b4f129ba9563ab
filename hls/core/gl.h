/* The Goldilocks field, p = 2^64 - 2^32 + 1, for synthesis: products of 32-bit limbs only.
 *
 * "Canonical" is 0 .. p-1, "any word" any 64-bit word, which stands for its residue. Each function
 * says what it takes and what it returns. All are feed-forward without memory: they start each
 * cycle inside a pipelined caller. 2^64 = 2^32 - 1 and 2^96 = -1 (mod p), so a number of four limbs
 * is w0 - w2 - w3 + 2^32 (w1 + w2): two columns, added up apart and carried once. */
#ifndef ZKP_HLS_CORE_GL_H
#define ZKP_HLS_CORE_GL_H

#include "hls/include/hls_fault.h"
#include "hls/include/hls_language.h"
#include "hls/include/hls_pragma.h"

#define HLS_GL_P UINT64_C(0xffffffff00000001)
#define HLS_GL_LOW UINT64_C(0xffffffff)

/* Any word to canonical. p > 2^63: one subtraction. */
static inline uint64_t hls_gl_canonical(uint64_t a)
{
    HLS_INLINE()
    return a >= HLS_GL_P ? HLS_FAULTY(1, a - HLS_GL_P, a) : a;
}

/* a + b; canonical, canonical. p - b is in 1 .. p, and a + b only runs where it is below p. */
static inline uint64_t hls_gl_add(uint64_t a, uint64_t b)
{
    uint64_t room = HLS_GL_P - b;

    HLS_INLINE()
    return HLS_FAULTY(2, a >= room, a > room) ? a - room : a + b;
}

/* a - b; canonical, canonical. */
static inline uint64_t hls_gl_sub(uint64_t a, uint64_t b)
{
    HLS_INLINE()
    return a >= b ? a - b : a + (HLS_FAULTY(3, HLS_GL_P, HLS_GL_P - 1) - b);
}

/* c0 + 2^32 c1 for columns below 2^41; returns any word.
 * high = c1 + carry < 2^41 + 2^9, so top < 2^10 and top (2^32 - 1) < 2^42. A sum of that and a word
 * that carries out leaves less than 2^42, and the carry's worth of 2^32 - 1 fits on it. */
static inline uint64_t hls_gl_columns(uint64_t c0, uint64_t c1)
{
    uint64_t high = c1 + (c0 >> 32), top = high >> 32;
    uint64_t word = (high & HLS_GL_LOW) << 32 | (c0 & HLS_GL_LOW);
    uint64_t sum = word + ((top << 32) - top);

    HLS_INLINE()
    return sum < word ? sum + HLS_FAULTY(4, HLS_GL_LOW, 0) : sum;
}

/* w0 + 2^32 w1 + 2^64 w2 + 2^96 w3 for limbs below 2^32, any of them; returns any word.
 * p itself (2^32 - 1 in column 1, 1 in column 0) and 2^34 borrowed by column 0 from column 1 keep
 * both columns positive: column 0 is in 2^33 .. 2^35, column 1 in 2^32 - 5 .. 3 * 2^32. */
static inline uint64_t hls_gl_limbs(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3)
{
    uint64_t c0 = (UINT64_C(4) << 32) + 1 + w0 - w2 - w3;
    uint64_t c1 = HLS_GL_LOW - HLS_FAULTY(5, 4, 3) + w1 + w2;

    HLS_INLINE()
    return hls_gl_columns(c0, c1);
}

/* The same, canonical. */
static inline uint64_t hls_gl_reduce(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3)
{
    HLS_INLINE()
    return hls_gl_canonical(hls_gl_limbs(w0, w1, w2, w3));
}

#ifdef HLS_GL_MUL_BLACKBOX
/* RTL of twelve DSPs and nine cycles (hls/rtl), for a tool that takes black boxes; canonical. */
uint64_t gl_mul_blackbox(uint64_t a, uint64_t b);
static inline uint64_t hls_gl_mul_loose(uint64_t a, uint64_t b)
{
    HLS_INLINE()
    return gl_mul_blackbox(a, b);
}

static inline uint64_t hls_gl_mul(uint64_t a, uint64_t b)
{
    HLS_INLINE()
    return gl_mul_blackbox(a, b);
}
#else
/* a b for any words; returns any word. Four products of 32-bit limbs.
 * middle <= 3 (2^32 - 1), upper <= 3 (2^32 - 1) + 2; the product is below 2^128, so the last limb
 * is one of 32 bits. */
static inline uint64_t hls_gl_mul_loose(uint64_t a, uint64_t b)
{
    uint32_t a0 = (uint32_t)a, a1 = (uint32_t)(a >> 32);
    uint32_t b0 = (uint32_t)b, b1 = (uint32_t)(b >> 32);
    uint64_t p00 = (uint64_t)a0 * b0, p01 = (uint64_t)a0 * b1;
    uint64_t p10 = (uint64_t)a1 * b0, p11 = (uint64_t)a1 * b1;
    uint64_t middle = (p00 >> 32) + (p01 & HLS_GL_LOW) + (p10 & HLS_GL_LOW);
    uint64_t upper =
        HLS_FAULTY(6, middle >> 32, 0) + (p01 >> 32) + (p10 >> 32) + (p11 & HLS_GL_LOW);

    HLS_INLINE()
    return hls_gl_limbs((uint32_t)p00, (uint32_t)middle, (uint32_t)upper,
                        (uint32_t)((p11 >> 32) + HLS_FAULTY(7, upper >> 32, 0)));
}

/* a b for any words; canonical. */
static inline uint64_t hls_gl_mul(uint64_t a, uint64_t b)
{
    HLS_INLINE()
    return hls_gl_canonical(hls_gl_mul_loose(a, b));
}
#endif

#endif
