/* Private: included by a generated file after gl_scalar.h, gl_avx2.h or gl_avx512.h and gl_vec.h,
 * before the generated body. AIRV_NAME(f) is the file's name for function f, AIRV_PART the part. */
#include "host/air/code.h"
#include "host/air/vec.h"

#define AIRV_FUNCTION(k) void AIRV_NAME(k)(const air_code_args *x)
#define AIRV_ROWS for (size_t i = 0; i < AIR_BLOCK; i += GLV_LANES)

#define LEAF(k) glv_load(x->leaves + (size_t)(k)*AIR_BLOCK + i)
#define LEAF3(k) airv_ext_load(x->leaves + (size_t)(k)*AIR_BLOCK + i, AIR_BLOCK)
#define TEMP(k) glv_load(x->temps + (size_t)(k)*AIR_BLOCK + i)
#define TEMP3(k) airv_ext_load(x->temps + (size_t)(k)*AIR_BLOCK + i, AIR_BLOCK)
#define KEEP(k, v) glv_store(x->temps + (size_t)(k)*AIR_BLOCK + i, (v))
#define KEEP3(k, v) airv_ext_store(x->temps + (size_t)(k)*AIR_BLOCK + i, AIR_BLOCK, (v))
#define UNIFORM(n) glv_set1(x->uniforms[n].c[0])
#define UNIFORM3(n)                                                                                \
    (airv_ext)                                                                                     \
    {                                                                                              \
        {                                                                                          \
            glv_set1(x->uniforms[n].c[0]), glv_set1(x->uniforms[n].c[1]),                          \
                glv_set1(x->uniforms[n].c[2])                                                      \
        }                                                                                          \
    }

#if GLV_LANES == 1
typedef struct airv_sum {
    glv s[3];
} airv_sum;

GLV_INLINE void airv_root(airv_sum *sum, const air_weight *w, glv v)
{
    for (int c = 0; c < 3; c++)
        sum->s[c] = airv_add(glv_mul(v, w->word[c]), glv_canonical(sum->s[c]));
}

GLV_INLINE glv airv_sum_value(const airv_sum *sum, int c)
{
    return sum->s[c];
}
#else
/* Products with limbs of 22 bits, added up unreduced: driver/field/gl_lines_impl.h has the bounds;
 * a function has at most AIRV_WORDS roots' words. */
typedef struct airv_sum {
    glv s[9];
} airv_sum;

GLV_INLINE void airv_root(airv_sum *sum, const air_weight *w, glv v)
{
    glv high = glv_right(v, 32);

    for (int c = 0; c < 3; c++)
        for (int k = 0; k < 3; k++) {
            glv low = glv_mul_low(v, glv_set1(w->limbs.limb[c][k]));

            sum->s[3 * c + k] = glv_plus(sum->s[3 * c + k], low);
            sum->s[3 * c + k] =
                glv_plus(sum->s[3 * c + k], glv_mul_low(high, glv_set1(w->limbs.limb[c][k + 3])));
        }
}

GLV_INLINE glv airv_sum_value(const airv_sum *sum, int c)
{
    glv middle = glv_mul(sum->s[3 * c + 1], glv_set1(UINT64_C(1) << 22));
    glv top = glv_mul(sum->s[3 * c + 2], glv_set1(UINT64_C(1) << 44));

    return airv_add(airv_add(middle, glv_canonical(top)), glv_canonical(sum->s[3 * c]));
}
#endif

GLV_INLINE airv_sum airv_sum_zero(void)
{
    airv_sum s;

    for (size_t k = 0; k < sizeof(s.s) / sizeof(s.s[0]); k++)
        s.s[k] = glv_set1(0);
    return s;
}

/* Sums stay canonical between the functions. */
GLV_INLINE void airv_sum_add(const airv_sum *sum, gl_t *to)
{
    for (int c = 0; c < 3; c++, to += AIR_BLOCK)
        glv_store(to, glv_canonical(airv_add(airv_sum_value(sum, c), glv_load(to))));
}
