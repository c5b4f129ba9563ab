#include "host/r1cs/bits.h"

#include "host/r1cs/builder_internal.h"

#include <stdlib.h>

static bn_fr bit_value(const uint64_t words[4], unsigned i)
{
    return (words[i / 64] >> i % 64 & 1) ? r1cs_fr_one() : r1cs_fr_zero();
}

/* 2^-k for k = n - 1 .. 0, negated, and 2^-(n-1) last. */
static void top_factors(bn_fr *factors, unsigned n)
{
    bn_fr f = r1cs_fr_one();

    for (unsigned i = n - 1; i-- > 0;) {
        bn_fr_half(&f, &f);
        bn_fr_neg(&factors[i], &f);
    }
    factors[n - 1] = f;
}

static void constant_bits(r1cs_builder *b, const r1cs_lc *x, unsigned n, r1cs_lc *bits)
{
    uint64_t words[4], above = 0;

    bn_fr_get_words(words, &x->value);
    for (unsigned i = n; i < 256; i++)
        above |= words[i / 64] >> i % 64 & 1;
    if (above)
        r1cs_fail(b, P_EINVAL, "a constant has more than %u bits", n);
    for (unsigned i = 0; i < n && bits; i++)
        bits[i] = r1cs_constant(b, bit_value(words, i));
}

/* The bits of x, not constrained; the highest one is what is left of x: a wire less. */
static void make_bits(r1cs_builder *b, r1cs_lc x, unsigned n, r1cs_lc *bits)
{
    bn_fr factors[R1CS_FR_BITS];
    uint64_t words[4];

    bn_fr_get_words(words, &x.value);
    for (unsigned i = 0; i + 1 < n; i++)
        bits[i] = r1cs_wire(b, bit_value(words, i));
    top_factors(factors, n);
    bits[n - 1] = x;
    bits[n - 1] = r1cs_sum(b, bits, factors, n);
}

void r1cs_bits(r1cs_builder *b, r1cs_lc x, unsigned n, r1cs_lc *bits)
{
    if (n > R1CS_MAX_BITS) {
        r1cs_fail(b, P_EINTERNAL, "a range check of %u bits; at most %d", n, R1CS_MAX_BITS);
        for (unsigned i = 0; i < n && bits; i++)
            bits[i] = (r1cs_lc){.constant = true};
    } else if (x.constant) {
        constant_bits(b, &x, n, bits);
    } else if (n == 0) {
        r1cs_equal(b, x, (r1cs_lc){.constant = true});
    } else {
        r1cs_lc own[R1CS_MAX_BITS], *made = bits ? bits : own;
        r1cs_scope scope = r1cs_scope_begin(b);

        make_bits(b, x, n, made);
        for (unsigned i = 0; i < n; i++)
            r1cs_boolean(b, made[i]);
        if (!bits)
            r1cs_scope_end(b, scope);
    }
}

/* From the highest bit on, same is 1 as long as the bits are those of r - 1. Where r - 1 has a one,
 * same goes on with the bit; where it has a zero, x (same + x - 1) = 0 makes the bit boolean and,
 * with same = 1, zero. */
void r1cs_bits_strict(r1cs_builder *b, r1cs_lc x, r1cs_lc bits[R1CS_FR_BITS])
{
    static const uint64_t highest[4] = {BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    bn_fr factors[3] = {BN_FR_R_INIT, BN_FR_R_INIT, BN_FR_R_INIT};
    r1cs_lc same;

    if (x.constant) {
        constant_bits(b, &x, R1CS_FR_BITS, bits);
        return;
    }
    bn_fr_neg(&factors[0], &factors[0]);
    make_bits(b, x, R1CS_FR_BITS, bits);
    same = bits[R1CS_FR_BITS - 1]; /* r - 1 has a one there */
    r1cs_boolean(b, same);
    for (unsigned i = R1CS_FR_BITS - 1; i-- > 0;) {
        r1cs_scope scope = r1cs_scope_begin(b);

        if (highest[i / 64] >> i % 64 & 1) {
            r1cs_boolean(b, bits[i]);
            same = r1cs_mul(b, same, bits[i]);
        } else {
            const r1cs_lc parts[3] = {r1cs_constant(b, r1cs_fr_one()), same, bits[i]};

            r1cs_constrain(b, bits[i], r1cs_sum(b, parts, factors, 3), (r1cs_lc){.constant = true});
        }
        r1cs_scope_end(b, scope);
    }
}

r1cs_lc r1cs_from_bits(r1cs_builder *b, const r1cs_lc *bits, unsigned n)
{
    bn_fr factors[R1CS_FR_BITS];

    if (n > R1CS_FR_BITS) {
        r1cs_fail(b, P_EINTERNAL, "a number of %u bits; at most %d", n, R1CS_FR_BITS);
        return (r1cs_lc){.constant = true};
    }
    for (unsigned i = 0; i < n; i++) {
        if (i == 0)
            factors[0] = r1cs_fr_one();
        else
            bn_fr_dbl(&factors[i], &factors[i - 1]);
    }
    return r1cs_sum(b, bits, factors, n);
}

/* ---- choices ---- */

static bool choice_fits(r1cs_builder *b, unsigned n)
{
    if (n <= R1CS_MAX_CHOICE_BITS)
        return true;
    r1cs_fail(b, P_EINTERNAL, "a choice by %u bits; at most %d", n, R1CS_MAX_CHOICE_BITS);
    return false;
}

r1cs_lc r1cs_choose(r1cs_builder *b, const r1cs_lc *bits, unsigned n, const r1cs_lc *x)
{
    r1cs_lc low, high;

    if (!choice_fits(b, n))
        return (r1cs_lc){.constant = true};
    if (n == 0)
        return x[0];
    low = r1cs_choose(b, bits, n - 1, x);
    high = r1cs_choose(b, bits, n - 1, x + ((size_t)1 << (n - 1)));
    return r1cs_select(b, bits[n - 1], high, low);
}

/* All products of the n bits: out[mask], 2^n of them; n <= R1CS_MAX_CHOICE_BITS / 2. */
static void products(r1cs_builder *b, const r1cs_lc *bits, unsigned n, r1cs_lc *out)
{
    out[0] = r1cs_constant(b, r1cs_fr_one());
    for (unsigned i = 0; i < n; i++)
        for (size_t m = 0; m < (size_t)1 << i; m++)
            out[((size_t)1 << i) + m] = r1cs_mul(b, bits[i], out[m]);
}

/* The table's values become the factors of the products: out[mask] = sum over subsets, with signs.
 */
static void to_factors(bn_fr *table, size_t count, size_t stride)
{
    for (size_t step = 1; step < count; step *= 2)
        for (size_t i = 0; i < count; i++)
            if (i & step)
                bn_fr_sub(&table[i * stride], &table[i * stride], &table[(i - step) * stride]);
}

static r1cs_lc choose_one(r1cs_builder *b, const r1cs_lc *low, const r1cs_lc *high, unsigned n_low,
                          unsigned n_high, bn_fr *table)
{
    size_t lows = (size_t)1 << n_low, highs = (size_t)1 << n_high;
    r1cs_lc parts[(size_t)1 << (R1CS_MAX_CHOICE_BITS / 2)];

    for (size_t h = 0; h < highs; h++)
        to_factors(table + h * lows, lows, 1);
    for (size_t l = 0; l < lows; l++)
        to_factors(table + l, highs, lows);
    for (size_t h = 0; h < highs; h++) {
        r1cs_scope scope = r1cs_scope_begin(b);

        parts[h] = r1cs_sum(b, low, table + h * lows, (uint32_t)lows);
        if (h > 0) {
            parts[h] = r1cs_mul(b, parts[h], high[h]);
            if (parts[h].count <= 1)
                r1cs_scope_end(b, scope);
        }
    }
    return r1cs_sum(b, parts, NULL, (uint32_t)highs);
}

void r1cs_choose_constant(r1cs_builder *b, const r1cs_lc *bits, unsigned n, const bn_fr *table,
                          unsigned tables, r1cs_lc *out)
{
    unsigned n_low = (n + 1) / 2, n_high = n / 2;
    size_t size = (size_t)1 << n;
    r1cs_lc low[(size_t)1 << (R1CS_MAX_CHOICE_BITS / 2)],
        high[(size_t)1 << (R1CS_MAX_CHOICE_BITS / 2)];
    bn_fr *factors = choice_fits(b, n) ? malloc(size * sizeof *factors) : NULL;

    if (!factors) {
        r1cs_fail(b, P_EEXHAUSTED, "no memory for the circuit");
        for (unsigned t = 0; t < tables; t++)
            out[t] = (r1cs_lc){.constant = true};
        return;
    }
    products(b, bits, n_low, low);
    products(b, bits + n_low, n_high, high);
    for (unsigned t = 0; t < tables; t++) {
        for (size_t i = 0; i < size; i++)
            factors[i] = table[t * size + i];
        out[t] = choose_one(b, low, high, n_low, n_high, factors);
    }
    free(factors);
}

void r1cs_one_hot(r1cs_builder *b, const r1cs_lc *bits, unsigned n, r1cs_lc *out)
{
    if (!choice_fits(b, n))
        return;
    out[0] = r1cs_constant(b, r1cs_fr_one());
    for (unsigned i = n; i-- > 0;) {
        size_t have = (size_t)1 << (n - 1 - i);

        /* from the last one on: out[m] becomes out[2 m] and out[2 m + 1] */
        for (size_t m = have; m-- > 0;) {
            r1cs_lc all = out[m];

            out[2 * m + 1] = r1cs_mul(b, all, bits[i]);
            out[2 * m] = r1cs_sub(b, all, out[2 * m + 1]);
        }
    }
}

r1cs_lc r1cs_and(r1cs_builder *b, r1cs_lc x, r1cs_lc y)
{
    return r1cs_mul(b, x, y);
}

r1cs_lc r1cs_xor(r1cs_builder *b, r1cs_lc x, r1cs_lc y)
{
    r1cs_lc both = r1cs_mul(b, x, y);
    const r1cs_lc parts[3] = {x, y, both};
    bn_fr factors[3] = {BN_FR_R_INIT, BN_FR_R_INIT, BN_FR_R_INIT};

    bn_fr_dbl(&factors[2], &factors[2]);
    bn_fr_neg(&factors[2], &factors[2]);
    return r1cs_sum(b, parts, factors, 3);
}
