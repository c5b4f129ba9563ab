#include "host/groth16/lagrange.h"

#include <string.h>

#define PIECE 256

void groth16_root(bn_fr *r, unsigned log2)
{
    /* 5^((r - 1) / 2^28) */
    static const uint64_t minus_one[4] = {BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    uint64_t e[4];
    bn_fr five;

    for (int i = 0; i < 4; i++)
        e[i] = minus_one[i] >> 28 | (i < 3 ? minus_one[i + 1] << 36 : 0);
    bn_fr_set_u64(&five, 5);
    bn_fr_pow_var(r, &five, e);
    for (unsigned i = 28; i > log2; i--)
        bn_fr_sqr(r, r);
}

/* L_i(tau) = w^i (tau^n - 1) / (n (tau - w^i)) */
static void piece(const bn_fr *tau, const bn_fr *scale, const bn_fr *step, bn_fr *w, bn_fr *out,
                  size_t count)
{
    bn_fr roots[PIECE], scratch[PIECE];

    for (size_t i = 0; i < count; i++) {
        roots[i] = *w;
        bn_fr_sub(&out[i], tau, w);
        bn_fr_mul(w, w, step);
    }
    bn_fr_inv_batch(out, scratch, count); /* 0 stays where tau is w^i */
    for (size_t i = 0; i < count; i++) {
        bn_fr_mul(&out[i], &out[i], &roots[i]);
        bn_fr_mul(&out[i], &out[i], scale);
        if (bn_fr_eq(tau, &roots[i]))
            bn_fr_set_one(&out[i]);
    }
    explicit_bzero(scratch, sizeof scratch);
}

void groth16_lagrange(const bn_fr *tau, unsigned log2, uint64_t first, uint64_t step, bn_fr *out,
                      size_t count)
{
    const uint64_t start[4] = {first}, stride[4] = {step};
    bn_fr root, w, factor, scale = *tau, n, one;

    for (unsigned i = 0; i < log2; i++)
        bn_fr_sqr(&scale, &scale);
    bn_fr_set_one(&one);
    bn_fr_sub(&scale, &scale, &one);
    bn_fr_set_u64(&n, UINT64_C(1) << log2);
    bn_fr_inv(&n, &n);
    bn_fr_mul(&scale, &scale, &n);
    groth16_root(&root, log2);
    bn_fr_pow_var(&w, &root, start);
    bn_fr_pow_var(&factor, &root, stride);
    for (size_t at = 0; at < count; at += PIECE)
        piece(tau, &scale, &factor, &w, out + at, count - at < PIECE ? count - at : PIECE);
    explicit_bzero(&scale, sizeof scale);
}
