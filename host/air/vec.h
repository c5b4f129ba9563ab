/** Private to host/air and to code that is generated from graphs: Goldilocks and K in vectors, on
 * top of driver/field/gl_vec.h, which is included before this with one of gl_scalar.h, gl_avx2.h,
 * gl_avx512.h.
 *
 * A word is any 64-bit number and stands for its residue. Where a parameter is called canonical, it
 * is below p: then a sum's carry, or a difference's borrow, is made good in one step (after a carry
 * the sum of a word and a canonical number is at most 2^64 - 2^32 - 1; after a borrow the
 * difference is at least 2^32). */
#ifndef ZKP_HOST_AIR_VEC_H
#define ZKP_HOST_AIR_VEC_H

typedef struct airv_ext {
    glv c[3];
} airv_ext;

GLV_INLINE glv airv_add(glv x, glv canonical)
{
    glv s = glv_plus(x, canonical);

    return glv_plus_epsilon_if(s, s, canonical);
}

GLV_INLINE glv airv_sub(glv x, glv canonical)
{
    return glv_minus_epsilon_if(glv_minus(x, canonical), x, canonical);
}

GLV_INLINE airv_ext airv_ext_canonical(airv_ext x)
{
    return (airv_ext){{glv_canonical(x.c[0]), glv_canonical(x.c[1]), glv_canonical(x.c[2])}};
}

GLV_INLINE airv_ext airv_ext_add(airv_ext x, airv_ext canonical)
{
    return (airv_ext){{airv_add(x.c[0], canonical.c[0]), airv_add(x.c[1], canonical.c[1]),
                       airv_add(x.c[2], canonical.c[2])}};
}

GLV_INLINE airv_ext airv_ext_sub(airv_ext x, airv_ext canonical)
{
    return (airv_ext){{airv_sub(x.c[0], canonical.c[0]), airv_sub(x.c[1], canonical.c[1]),
                       airv_sub(x.c[2], canonical.c[2])}};
}

GLV_INLINE airv_ext airv_ext_add_base(airv_ext x, glv canonical)
{
    return (airv_ext){{airv_add(x.c[0], canonical), x.c[1], x.c[2]}};
}

GLV_INLINE airv_ext airv_ext_sub_base(airv_ext x, glv canonical)
{
    return (airv_ext){{airv_sub(x.c[0], canonical), x.c[1], x.c[2]}};
}

GLV_INLINE airv_ext airv_base_sub_ext(glv x, airv_ext canonical)
{
    return (airv_ext){{airv_sub(x, canonical.c[0]), airv_sub(glv_set1(0), canonical.c[1]),
                       airv_sub(glv_set1(0), canonical.c[2])}};
}

GLV_INLINE airv_ext airv_ext_scale(airv_ext x, glv y)
{
    return (airv_ext){{glv_mul(x.c[0], y), glv_mul(x.c[1], y), glv_mul(x.c[2], y)}};
}

/* X^3 = X + 1, X^4 = X^2 + X (driver/field/gl_ext_impl.h) */
GLV_INLINE airv_ext airv_ext_mul(airv_ext x, airv_ext y)
{
    glv c4 = glv_canonical(glv_mul(x.c[2], y.c[2]));
    glv c3 = airv_add(glv_mul(x.c[1], y.c[2]), glv_canonical(glv_mul(x.c[2], y.c[1])));
    glv c1 = airv_add(glv_mul(x.c[0], y.c[1]), glv_canonical(glv_mul(x.c[1], y.c[0])));
    glv c2 = airv_add(glv_mul(x.c[0], y.c[2]), glv_canonical(glv_mul(x.c[1], y.c[1])));
    glv c0 = glv_mul(x.c[0], y.c[0]);

    c2 = airv_add(c2, glv_canonical(glv_mul(x.c[2], y.c[0])));
    c3 = glv_canonical(c3);
    return (airv_ext){{airv_add(c0, c3), airv_add(airv_add(c1, c3), c4), airv_add(c2, c4)}};
}

GLV_INLINE airv_ext airv_ext_load(const uint64_t *p, size_t stride)
{
    return (airv_ext){{glv_load(p), glv_load(p + stride), glv_load(p + 2 * stride)}};
}

GLV_INLINE void airv_ext_store(uint64_t *p, size_t stride, airv_ext x)
{
    for (int c = 0; c < 3; c++)
        glv_store(p + (size_t)c * stride, x.c[c]);
}

#endif
