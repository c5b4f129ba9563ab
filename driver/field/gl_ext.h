/** The cubic extension K of Goldilocks: F_p[X] / (X^3 - X - 1), about 2^192 elements.
 *
 * The polynomial has no root modulo p, so it is irreducible. An element c0 + c1 X + c2 X^2 has
 * canonical coefficients, on input and on output. Arguments are values; an array's functions state
 * what may overlap. No branch or look-up depends on a value, except in _var functions. Any thread.
 */
#ifndef ZKP_DRIVER_FIELD_GL_EXT_H
#define ZKP_DRIVER_FIELD_GL_EXT_H

#include "driver/field/goldilocks.h"

#include <stddef.h>

typedef struct gl_ext {
    gl_t c[3];
} gl_ext;

static inline gl_ext gl_ext_from_base(gl_t a)
{
    return (gl_ext){{a, 0, 0}};
}

/** Any three 64-bit words to the canonical element. */
static inline gl_ext gl_ext_from_u64(const uint64_t c[3])
{
    return (gl_ext){{gl_from_u64(c[0]), gl_from_u64(c[1]), gl_from_u64(c[2])}};
}

static inline bool gl_ext_is_canonical(gl_ext a)
{
    return gl_is_canonical(a.c[0]) && gl_is_canonical(a.c[1]) && gl_is_canonical(a.c[2]);
}

static inline bool gl_ext_eq(gl_ext a, gl_ext b)
{
    return ((a.c[0] ^ b.c[0]) | (a.c[1] ^ b.c[1]) | (a.c[2] ^ b.c[2])) == 0;
}

static inline bool gl_ext_is_zero(gl_ext a)
{
    return (a.c[0] | a.c[1] | a.c[2]) == 0;
}

static inline gl_ext gl_ext_add(gl_ext a, gl_ext b)
{
    return (gl_ext){{gl_add(a.c[0], b.c[0]), gl_add(a.c[1], b.c[1]), gl_add(a.c[2], b.c[2])}};
}

static inline gl_ext gl_ext_sub(gl_ext a, gl_ext b)
{
    return (gl_ext){{gl_sub(a.c[0], b.c[0]), gl_sub(a.c[1], b.c[1]), gl_sub(a.c[2], b.c[2])}};
}

static inline gl_ext gl_ext_neg(gl_ext a)
{
    return (gl_ext){{gl_neg(a.c[0]), gl_neg(a.c[1]), gl_neg(a.c[2])}};
}

/** An element times one of the base field. */
static inline gl_ext gl_ext_scale(gl_ext a, gl_t b)
{
    return (gl_ext){{gl_mul(a.c[0], b), gl_mul(a.c[1], b), gl_mul(a.c[2], b)}};
}

gl_ext gl_ext_mul(gl_ext a, gl_ext b);
gl_ext gl_ext_sqr(gl_ext a);

/** a^-1, and 0 for 0. */
gl_ext gl_ext_inv(gl_ext a);

/** out[i] = in[i]^-1 (0 for 0), i < count, with one inversion in all. out and in must not overlap.
 */
void gl_ext_inv_batch(gl_ext *out, const gl_ext *in, size_t count);

/** a^e; a^0 = 1. Timing depends on e. */
gl_ext gl_ext_pow_var(gl_ext a, uint64_t e);

/** a^(2^k). */
static inline gl_ext gl_ext_pow2k(gl_ext a, unsigned k)
{
    while (k-- > 0)
        a = gl_ext_sqr(a);
    return a;
}

/** a^p, the automorphism that fixes the base field. */
gl_ext gl_ext_frobenius(gl_ext a);

#endif
