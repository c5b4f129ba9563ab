/** Private to driver: Goldilocks in vectors of GLV_LANES elements, on top of gl_scalar.h,
 * gl_avx2.h or gl_avx512.h, one of which is included before this.
 *
 * Three forms. A word is any 64-bit number and stands for its residue. A split number is a + b F
 * with F = 2^32 and signed 64-bit limbs a and b: additions and multiplications by powers of two
 * need no carries as long as the limbs do not overflow, F^2 being F - 1. Digits are the two halves
 * of a 64-bit lane as signed 32-bit numbers, low + high F: what a signed 32-bit multiplication
 * takes without preparation. Every 64-bit pattern is a legal pair of digits but (-2^31, -2^31),
 * which nothing here makes. */
#ifndef ZKP_DRIVER_FIELD_GL_VEC_H
#define ZKP_DRIVER_FIELD_GL_VEC_H

#include "driver/field/goldilocks.h"

#include <string.h>

typedef struct glv_split {
    glv a, b;
} glv_split;

/** A constant factor w as digits of w and of F w (gl_ntt_factor makes one of a number). The eight
 * bytes after it are read, too. */
typedef struct glv_factor {
    glv w_low, w_high, f_low, f_high; /* in the low halves */
} glv_factor;

GLV_INLINE glv glv_set1_at(const void *p, size_t byte)
{
    uint64_t x;

    memcpy(&x, (const char *)p + byte, sizeof(x));
    return glv_set1(x);
}

/** digits: 16 bytes, w then F w. */
GLV_INLINE glv_factor glv_factor_at(const void *digits)
{
    return (glv_factor){glv_set1_at(digits, 0), glv_set1_at(digits, 4), glv_set1_at(digits, 8),
                        glv_set1_at(digits, 12)};
}

/** Any two words; the product as a word. The bounds stand in gl_reduce128. */
GLV_INLINE glv glv_mul(glv a, glv b)
{
#ifdef GLV_MUL
    return GLV_MUL(a, b);
#else
    const glv mask = glv_set1(GL_EPSILON);
    glv a_high = glv_right(a, 32), b_high = glv_right(b, 32);
    glv ll = glv_mul_low(a, b), lh = glv_mul_low(a, b_high);
    glv hl = glv_mul_low(a_high, b), hh = glv_mul_low(a_high, b_high);
    /* (2^32-1)^2 + 2 (2^32-1) fits 64 bits */
    glv t = glv_plus(hl, glv_right(ll, 32)), u = glv_plus(lh, glv_and(t, mask));
    glv low = glv_halves(ll, u);
    glv high = glv_plus(glv_plus(hh, glv_right(t, 32)), glv_right(u, 32));
    glv top = glv_right(high, 32), s = glv_minus(low, top), m = glv_mul_low(high, mask);

    s = glv_minus_epsilon_if(s, low, top);
    s = glv_plus(s, m);
    return glv_plus_epsilon_if(s, s, m);
#endif
}

/** A word to its residue below p. */
GLV_INLINE glv glv_canonical(glv x)
{
    /* below p, x - p wraps to x + 2^32 - 1 */
    return glv_min(x, glv_minus(x, glv_set1(GL_P)));
}

/** Canonical numbers to digits: the number or, from 2^63 - 2^31 on, the number minus p lies in
 * [-2^63, 2^63 - 2^31), which the digits cover. */
GLV_INLINE glv glv_to_digits(glv x)
{
    const glv limit = glv_set1(UINT64_C(0x7fffffff7fffffff)), bit = glv_set1(0x80000000);

    x = glv_plus_epsilon_if(x, limit, x);
    return glv_plus(x, glv_left(glv_and(x, bit), 1));
}

/** Any word to digits. */
GLV_INLINE glv glv_word_to_digits(glv x)
{
    return glv_to_digits(glv_canonical(x));
}

/** F times a canonical number, canonical. */
GLV_INLINE glv glv_times_f(glv x)
{
    /* the high half times 2^64 is that half times 2^32 - 1, at most (2^32-1)^2 */
    glv m = glv_mul_low(glv_right(x, 32), glv_set1(GL_EPSILON));
    glv s = glv_plus(glv_left(x, 32), m);

    return glv_canonical(glv_plus_epsilon_if(s, s, m));
}

/** A word to a split number with limbs in [0, 2^32). */
GLV_INLINE glv_split glv_word_split(glv x)
{
    return (glv_split){glv_and(x, glv_set1(GL_EPSILON)), glv_right(x, 32)};
}

/** Digits times a factor, plus the constant (-GLV_SIGN_OFFSET, GLV_SIGN_OFFSET); without it
 * -2^31 <= a <= 2^32 + 2^31 and -2^31 <= b < 2^32 + 2^31.
 *
 * x = x0 + x1 F: the product is x0 w + x1 (F w) = A + B F with |A|, |B| <= 2^63 - 2^31 because the
 * digits of x are not both -2^31. Then A = A0 + A1 F, A1 = floor(A / F), t = B + A1 within [-2^63,
 * 2^63), t = t0 + t1 F, and t1 F^2 = t1 F - t1. */
GLV_INLINE glv_split glv_mul_factor(glv x, glv_factor w)
{
    const glv mask = glv_set1(GL_EPSILON);
    glv x1 = glv_right(x, 32);
    glv a = glv_plus(glv_mul_low_signed(x, w.w_low), glv_mul_low_signed(x1, w.f_low));
    glv b = glv_plus(glv_mul_low_signed(x, w.w_high), glv_mul_low_signed(x1, w.f_high));
    glv t = glv_plus(b, glv_right32_offset(a)), t1;

    if (GLV_SIGN_OFFSET)
        t = glv_minus(t, glv_set1(GLV_SIGN_OFFSET));
    t1 = glv_right32_offset(t);
    return (glv_split){glv_minus(glv_and(a, mask), t1), glv_plus(glv_and(t, mask), t1)};
}

GLV_INLINE glv_split glv_split_add(glv_split x, glv_split y)
{
    return (glv_split){glv_plus(x.a, y.a), glv_plus(x.b, y.b)};
}

GLV_INLINE glv_split glv_split_sub(glv_split x, glv_split y)
{
    return (glv_split){glv_minus(x.a, y.a), glv_minus(x.b, y.b)};
}

/** Constant limbs, added modulo 2^64. */
GLV_INLINE glv_split glv_split_plus(glv_split x, uint64_t a, uint64_t b)
{
    return (glv_split){glv_plus(x.a, glv_set1(a)), glv_plus(x.b, glv_set1(b))};
}

/** Added to a split number whose limbs are below 2^60 in magnitude these limbs, which make a
 * multiple of p (2^29 F (1, F - 1)-and (F, -1)-combinations: 2^29 (F + 1) + 2^29 (F - 2) F = 2^29
 * p), make both positive and b at least 2^60 - 2^31. */
#define GLV_BIAS_A ((UINT64_C(1) << 61) + (UINT64_C(1) << 29))
#define GLV_BIAS_B ((UINT64_C(1) << 61) - (UINT64_C(1) << 30))

/** A biased split number to a word. With t = b + floor(a / F) = t0 + d F it is a0 + t0 F + d 2^64,
 * and d < 2^31: the last sum below 2^64 or, after a carry, below d (2^32 - 1) < 2^63. The word is
 * at least 2^32 - 1 because d >= 1. */
GLV_INLINE glv glv_split_word(glv_split x)
{
    glv t = glv_plus(x.b, glv_right(x.a, 32));
    glv m = glv_mul_low(glv_right(t, 32), glv_set1(GL_EPSILON));
    glv s = glv_plus(glv_halves(x.a, t), m);

    return glv_plus_epsilon_if(s, s, m);
}

/** The word of x + 2^31 + 2^31 F to the digits of x: the flipped halves. Not both -2^31, as the
 * word is at least 2^32 - 1. */
#define GLV_DIGITS_OFFSET UINT64_C(0x80000000)
GLV_INLINE glv glv_word_flip(glv x)
{
    return glv_xor(x, glv_set1(UINT64_C(0x8000000080000000)));
}

/** Transforms of 2, 4, 8 points with the root -1, 2^48, 2^24, in place. Limbs up to 2^34 in
 * magnitude give limbs below 2^60: at most 2^35 after a sum, 2^51 after the factor 2^48; below 2^60
 * with 2^24 = 2^16 2^8 and 2^72 = (F - 1) 2^8. */
GLV_INLINE void glv_transform2(glv_split x[2])
{
    glv_split s = glv_split_add(x[0], x[1]);

    x[1] = glv_split_sub(x[0], x[1]);
    x[0] = s;
}

GLV_INLINE void glv_transform4(glv_split x[4])
{
    glv_split s0 = glv_split_add(x[0], x[2]), d0 = glv_split_sub(x[0], x[2]);
    glv_split s1 = glv_split_add(x[1], x[3]), d1 = glv_split_sub(x[1], x[3]);
    glv shifted = glv_left(d1.b, 16);

    d1.b = glv_left(glv_plus(d1.a, d1.b), 16); /* times 2^48: (-shifted, d1.b) */
    x[0] = glv_split_add(s0, s1);
    x[2] = glv_split_sub(s0, s1);
    x[1] = (glv_split){glv_minus(d0.a, shifted), glv_plus(d0.b, d1.b)};
    x[3] = (glv_split){glv_plus(d0.a, shifted), glv_minus(d0.b, d1.b)};
}

GLV_INLINE void glv_transform8(glv_split x[8])
{
    glv_split e[4], o[4], s0, d0, s1, d1;
    glv up, sum1, sum3;

    for (int j = 0; j < 4; j++) {
        e[j] = glv_split_add(x[j], x[j + 4]);
        o[j] = glv_split_sub(x[j], x[j + 4]);
    }
    glv_transform4(e);
    /* o[0], 2^24 o[1], 2^48 o[2], 2^72 o[3]; s1 is the sum of the second and the last, d1 2^48
     * times their difference, 2^72 o[1] + 2^24 o[3]; (a, b) times F - 1 is (-a - b, a) */
    up = glv_left(o[2].b, 16);
    sum1 = glv_left(glv_plus(o[2].a, o[2].b), 16);
    s0 = (glv_split){glv_minus(o[0].a, up), glv_plus(o[0].b, sum1)};
    d0 = (glv_split){glv_plus(o[0].a, up), glv_minus(o[0].b, sum1)};
    sum1 = glv_plus(o[1].a, o[1].b);
    sum3 = glv_plus(o[3].a, o[3].b);
    s1.a = glv_left(glv_minus(glv_left(o[1].a, 16), sum3), 8);
    s1.b = glv_left(glv_plus(glv_left(o[1].b, 16), o[3].a), 8);
    d1.a = glv_left(glv_minus(glv_left(o[3].a, 16), sum1), 8);
    d1.b = glv_left(glv_plus(glv_left(o[3].b, 16), o[1].a), 8);
    x[0] = e[0], x[2] = e[1], x[4] = e[2], x[6] = e[3];
    x[1] = glv_split_add(s0, s1);
    x[5] = glv_split_sub(s0, s1);
    x[3] = glv_split_add(d0, d1);
    x[7] = glv_split_sub(d0, d1);
}

#endif
