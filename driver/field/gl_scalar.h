/** Private to driver: what driver/field/gl_vec.h needs, in plain C. One element a vector. */
#ifndef ZKP_DRIVER_FIELD_GL_SCALAR_H
#define ZKP_DRIVER_FIELD_GL_SCALAR_H

#include "driver/field/gl_loose.h"

#include <stdint.h>

typedef uint64_t glv;
#define GLV_LANES 1
#define GLV_INLINE static inline __attribute__((always_inline))

GLV_INLINE glv glv_load(const uint64_t *p)
{
    return *p;
}

GLV_INLINE void glv_store(uint64_t *p, glv x)
{
    *p = x;
}

GLV_INLINE void glv_stream(uint64_t *p, glv x)
{
    *p = x;
}

GLV_INLINE void glv_fence(void) {}

GLV_INLINE glv glv_set1(uint64_t x)
{
    return x;
}

GLV_INLINE glv glv_plus(glv a, glv b)
{
    return a + b;
}

GLV_INLINE glv glv_minus(glv a, glv b)
{
    return a - b;
}

GLV_INLINE glv glv_and(glv a, glv b)
{
    return a & b;
}

GLV_INLINE glv glv_xor(glv a, glv b)
{
    return a ^ b;
}

GLV_INLINE glv glv_left(glv x, int count)
{
    return x << count;
}

GLV_INLINE glv glv_right(glv x, int count)
{
    return x >> count;
}

/** Of the low halves, unsigned and signed. */
GLV_INLINE glv glv_mul_low(glv a, glv b)
{
    return (a & GL_EPSILON) * (b & GL_EPSILON);
}

GLV_INLINE glv glv_mul_low_signed(glv a, glv b)
{
    return (uint64_t)((int64_t)(int32_t)a * (int32_t)b);
}

/** Arithmetic shift by 32, plus this constant. */
#define GLV_SIGN_OFFSET 0
GLV_INLINE glv glv_right32_offset(glv x)
{
    return (uint64_t)((int64_t)x >> 32);
}

/** The low halves of lo, and those of hi above them. */
GLV_INLINE glv glv_halves(glv lo, glv hi)
{
    return (lo & GL_EPSILON) | hi << 32;
}

/** x + 2^32 - 1 (x - 2^32 + 1) if a < b. */
GLV_INLINE glv glv_plus_epsilon_if(glv x, glv a, glv b)
{
    return x + gl_loose_epsilon_if(a < b);
}

GLV_INLINE glv glv_minus_epsilon_if(glv x, glv a, glv b)
{
    return x - gl_loose_epsilon_if(a < b);
}

GLV_INLINE glv glv_min(glv a, glv b)
{
    return a < b ? a : b;
}

GLV_INLINE void glv_store_pairs(uint64_t *p, glv a, glv b)
{
    p[0] = a;
    p[1] = b;
}

GLV_INLINE void glv_load_rows(glv x[8], const uint64_t *p)
{
    for (int i = 0; i < 8; i++)
        x[i] = p[i];
}

GLV_INLINE void glv_store_rows(uint64_t *p, const glv x[8])
{
    for (int i = 0; i < 8; i++)
        p[i] = x[i];
}

/** One multiplication of 64 bits instead of four of 32. */
#define GLV_MUL gl_loose_mul

#endif
