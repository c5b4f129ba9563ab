/* Folding by 8 and the final polynomial.
 *
 * With u_m = 1/8 sum_s zeta^(-ms) v_s, the next layer's value is sum_m (beta / x)^m u_m. Eight
 * times it needs no inverse of 8, and since 2^24 has order 8 the powers of zeta are plus or minus
 * 1, 2^24, 2^48 and 2^40 - 2^8: 8 u_m is a sum of words below 2^113, without a constraint. The
 * powers of beta are one for all queries, those of 1 / x are numbers of the base field, so that
 * only these are reduced in each query; the sum of all products stays below 2^247. */
#include "host/wrap/gadgets.h"

void wrap_fri_init(r1cs_builder *b, const wrap_values *v, wrap_fri *out)
{
    for (uint32_t k = 0; k < v->shape->layers; k++)
        wrap_ext_powers(b, v->beta[k], STARK_FOLD, out->powers[k]);
}

/* 8 u_m */
static r1cs_ext unfold(r1cs_builder *b, const r1cs_ext values[STARK_FOLD], uint32_t m)
{
    gl_t zeta = gl_inv(gl_root_of_unity(STARK_FOLD_LOG2)), factors[STARK_FOLD];

    for (uint32_t s = 0; s < STARK_FOLD; s++)
        factors[s] = gl_pow_var(zeta, m * s % STARK_FOLD);
    return r1cs_ext_sum(b, values, factors, STARK_FOLD);
}

/* x^-m for 0 < m < 8, below 2^64. Of few bits each is chosen from its constants, else it is a
 * product of two that are there. */
static void inverse_powers(r1cs_builder *b, const r1cs_lc *bits, uint32_t leaf_log2, gl_t shift,
                           r1cs_gl out[STARK_FOLD])
{
    gl_t root = gl_inv(gl_root_of_unity(leaf_log2 + STARK_FOLD_LOG2));
    bool all = leaf_log2 <= 10;

    wrap_powers(b, bits, leaf_log2, gl_inv(shift), root, false, all ? STARK_FOLD - 1 : 1, out + 1);
    for (uint32_t m = 2; !all && m < STARK_FOLD; m++)
        out[m] = r1cs_gl_reduce(b, r1cs_gl_mul(b, out[m / 2], out[m - m / 2]));
}

r1cs_ext wrap_fold(r1cs_builder *b, const r1cs_ext powers[STARK_FOLD], const r1cs_lc *bits,
                   uint32_t leaf_log2, gl_t shift, const r1cs_ext values[STARK_FOLD])
{
    r1cs_gl x[STARK_FOLD];
    r1cs_ext u[STARK_FOLD];

    inverse_powers(b, bits, leaf_log2, shift, x);
    u[0] = unfold(b, values, 0);
    for (uint32_t m = 1; m < STARK_FOLD; m++)
        u[m] = r1cs_ext_mul_gl(b, unfold(b, values, m), x[m]);
    return r1cs_ext_add(b, u[0], r1cs_ext_dot(b, powers + 1, u + 1, STARK_FOLD - 1));
}

void wrap_final_check(r1cs_builder *b, const wrap_values *v, const r1cs_lc *bits, r1cs_ext folded)
{
    const stark_params *p = &v->vk->params;
    uint32_t log2 = p->log_rows + p->log_blowup - STARK_FOLD_LOG2 * v->shape->layers;
    uint32_t count = 1u << v->shape->final_log2;
    gl_t root = gl_root_of_unity(log2), shift = 7;
    r1cs_gl powers[1u << STARK_MAX_FINAL_LOG2];
    r1cs_ext value;

    for (uint32_t i = 0; i < STARK_FOLD_LOG2 * v->shape->layers; i++)
        shift = gl_sqr(shift);
    powers[0] = r1cs_gl_constant(b, 1);
    wrap_powers(b, bits, log2, shift, root, true, count - 1, powers + 1);
    value = r1cs_ext_dot_gl(b, v->final, powers, count);
    r1cs_ext_equal(b, folded, r1cs_ext_scale(b, value, STARK_FOLD));
}
