#include "driver/field/gl_ext.h"

typedef struct products {
    gl_u128 sum;
    unsigned carries;
} products;

static inline void acc_mul(products *s, gl_t a, gl_t b)
{
    gl_u128 p = (gl_u128)a * b;

    s->sum += p;
    s->carries += s->sum < p;
}

/* a carry is worth 2^128 = 2^96 2^32 = -2^32 */
static inline gl_t acc_value(const products *s)
{
    return gl_sub(gl_reduce128(s->sum), (uint64_t)s->carries << 32);
}

#define EXT(f) ext_##f
#define EXT_T gl_ext
#define FE gl_t
#define ACC products
#define fe_add gl_add
#define fe_sub gl_sub
#define fe_mul gl_mul
#define fe_inv gl_inv
#include "driver/field/gl_ext_impl.h"

gl_ext gl_ext_mul(gl_ext a, gl_ext b)
{
    return ext_mul(a, b);
}

gl_ext gl_ext_sqr(gl_ext a)
{
    return ext_sqr(a);
}

gl_ext gl_ext_inv(gl_ext a)
{
    return ext_inv(a);
}

/* all ones if a is zero; then 1 stands in for it, so that the running product stays invertible */
static uint64_t zero_mask(gl_ext a)
{
    return -(uint64_t)gl_ext_is_zero(a);
}

void gl_ext_inv_batch(gl_ext *out, const gl_ext *in, size_t count)
{
    gl_ext run = gl_ext_from_base(1);

    for (size_t i = 0; i < count; i++) {
        gl_ext a = in[i];

        a.c[0] |= zero_mask(a) & 1;
        out[i] = run;
        run = ext_mul(run, a);
    }
    run = ext_inv(run);
    for (size_t i = count; i-- > 0;) {
        gl_ext a = in[i];
        uint64_t zero = zero_mask(a);

        a.c[0] |= zero & 1;
        out[i] = ext_mul(out[i], run);
        for (int j = 0; j < 3; j++)
            out[i].c[j] &= ~zero;
        run = ext_mul(run, a);
    }
}

gl_ext gl_ext_pow_var(gl_ext a, uint64_t e)
{
    gl_ext r = gl_ext_from_base(1);

    for (; e > 0; e >>= 1) {
        if (e & 1)
            r = ext_mul(r, a);
        a = ext_sqr(a);
    }
    return r;
}

gl_ext gl_ext_frobenius(gl_ext a)
{
    /* X^p and X^(2p), by repeated squaring (the unit test does it again) */
    static const gl_ext xp = {
        {UINT64_C(0x93528dfff4c6373d), UINT64_C(0x8b79bf80a6bdfc48), UINT64_C(0xa3042afe90d6ad26)}};
    static const gl_ext x2p = {
        {UINT64_C(0x5cfbd5006f2952dc), UINT64_C(0xc9a946ff7a631b9f), UINT64_C(0x7486407e594203b8)}};

    return gl_ext_add(gl_ext_from_base(a.c[0]),
                      gl_ext_add(gl_ext_scale(xp, a.c[1]), gl_ext_scale(x2p, a.c[2])));
}
