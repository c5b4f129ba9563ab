/* The shim of one instruction set; SHIM is its function's name. */
#include "driver/field/gl_vec.h"
#include "tests/unit/field/gl_vec_shim.h"

static void shim_mul(uint64_t *out, const uint64_t *a, const uint64_t *b)
{
    glv_store(out, glv_mul(glv_load(a), glv_load(b)));
}

static void shim_canonical(uint64_t *out, const uint64_t *a)
{
    glv_store(out, glv_canonical(glv_load(a)));
}

static void shim_digits(uint64_t *out, const uint64_t *a)
{
    glv_store(out, glv_word_to_digits(glv_load(a)));
}

static void shim_times_f(uint64_t *out, const uint64_t *a)
{
    glv_store(out, glv_times_f(glv_load(a)));
}

static glv_split load_split(const uint64_t *limbs)
{
    return (glv_split){glv_load(limbs), glv_load(limbs + GLV_LANES)};
}

static void store_split(uint64_t *limbs, glv_split x)
{
    glv_store(limbs, x.a);
    glv_store(limbs + GLV_LANES, x.b);
}

static void shim_mul_factor(uint64_t *limbs, const uint64_t *digits, const void *factor)
{
    store_split(limbs, glv_mul_factor(glv_load(digits), glv_factor_at(factor)));
}

static void shim_split_word(uint64_t *out, const uint64_t *limbs)
{
    glv_store(out, glv_split_word(glv_split_plus(load_split(limbs), GLV_BIAS_A, GLV_BIAS_B)));
}

static void shim_transform(uint64_t *limbs, unsigned log_r)
{
    glv_split x[8];

    for (unsigned i = 0; i < 1U << log_r; i++)
        x[i] = load_split(limbs + (size_t)2 * i * GLV_LANES);
    if (log_r == 1)
        glv_transform2(x);
    else if (log_r == 2)
        glv_transform4(x);
    else
        glv_transform8(x);
    for (unsigned i = 0; i < 1U << log_r; i++)
        store_split(limbs + (size_t)2 * i * GLV_LANES, x[i]);
}

static void shim_load_rows(uint64_t *out, const uint64_t *rows)
{
    glv x[8];

    glv_load_rows(x, rows);
    for (size_t i = 0; i < 8; i++)
        glv_store(out + i * GLV_LANES, x[i]);
}

static void shim_store_rows(uint64_t *rows, const uint64_t *in)
{
    glv x[8];

    for (size_t i = 0; i < 8; i++)
        x[i] = glv_load(in + i * GLV_LANES);
    glv_store_rows(rows, x);
}

static void shim_store_pairs(uint64_t *out, const uint64_t *a, const uint64_t *b)
{
    glv_store_pairs(out, glv_load(a), glv_load(b));
}

const gl_vec_shim *SHIM(void)
{
    static const gl_vec_shim shim = {
        .lanes = GLV_LANES,
        .sign_offset = GLV_SIGN_OFFSET,
        .mul = shim_mul,
        .canonical = shim_canonical,
        .digits = shim_digits,
        .times_f = shim_times_f,
        .mul_factor = shim_mul_factor,
        .split_word = shim_split_word,
        .transform = shim_transform,
        .load_rows = shim_load_rows,
        .store_rows = shim_store_rows,
        .store_pairs = shim_store_pairs,
    };
    return &shim;
}
