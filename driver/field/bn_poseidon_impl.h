/* The scalar kernel: included by bn_poseidon_portable.c and bn_poseidon_avx2.c, which define
 * BN_POSEIDON_OPS, the name of its bn_poseidon_ops, BN_POSEIDON_ISA, and the function
 *
 *   static inline void dot(bn_fr *r, const bn_fr *summand, const bn_fr *a, const bn_fr *c, size_t
 * n)
 *
 * r = summand + sum of a[i] c[i] / 2^320, not reduced: n <= 33, a any words, c below r: below
 * summand + r + 1, since 33 * 2^256 r + 2^320 r, divided by 2^320, is that.
 *
 * Bounds, in multiples of the modulus r, 5.2 of which are 2^256; mul_lazy's result is below a b
 * / 5.2
 * + 1 and its first factor at most 4:
 *   state before an S-box: a dot product and a constant: below 2.01; in the partial rounds' first n
 *   steps a dot product and a value of that kind: below 3.02
 *   S-box: squared below 2.8, again below 2.5, times the first below 2.5. */

#include "driver/field/bn_poseidon_x86.h"

static inline void power_5(bn_fr *r, const bn_fr *a)
{
    bn_fr t;

    bn_fr_mul_lazy(&t, a, a);
    bn_fr_mul_lazy(&t, &t, &t);
    bn_fr_mul_lazy(r, &t, a);
}

static void matrix_mul(bn_fr *r, const bn_fr *summands, const bn_fr *matrix, const bn_fr *a,
                       unsigned rows, unsigned columns)
{
    for (unsigned i = 0; i < rows; i++)
        dot(&r[i], &summands[i], a, matrix + i * columns, columns);
}

/* One permutation: of state only the first outputs elements are computed, not reduced. */
static void permute_one(const bn_poseidon *p, bn_fr *state, unsigned outputs)
{
    static const bn_fr zeros[BN_POSEIDON_MAX_WIDTH];
    const bn_fr *words = p->words, *matrix = words + p->at.matrix, *full = words + p->at.full;
    const unsigned t = p->width, n = t - 1, partial = p->partial;
    bn_fr box[BN_POSEIDON_MAX_WIDTH], values[2 * BN_POSEIDON_MAX_PARTIAL];

    for (unsigned i = 0; i < t; i++)
        bn_fr_add_lazy(&state[i], &state[i], &words[p->at.first + i]);
    for (unsigned round = 0; round < BN_POSEIDON_HALF; round++) {
        bool last = round == BN_POSEIDON_HALF - 1;

        for (unsigned i = 0; i < t; i++)
            power_5(&box[i], &state[i]);
        if (last)
            matrix_mul(state, words + p->at.entered, words + p->at.enter, box, t, t);
        else
            matrix_mul(state, full + round * t, matrix, box, t, t);
    }

    values[0] = state[0];
    for (unsigned q = 0; q < partial; q++) {
        unsigned length = q < n ? 2 * q + 1 : 2 * n + 1;

        power_5(&values[2 * q + 1], &values[2 * q]);
        if (q + 1 < partial)
            dot(&values[2 * q + 2], q < n ? &state[q + 1] : &words[p->at.steps + q - n],
                &values[2 * q + 2 - length], words + p->at.step + 2 * n + 1 - length, length);
    }
    matrix_mul(state, words + p->at.left, words + p->at.leave, &values[2 * partial - 2 * n - 1], t,
               2 * n + 1);

    for (unsigned round = 0; round < BN_POSEIDON_HALF; round++) {
        bool last = round == BN_POSEIDON_HALF - 1;

        for (unsigned i = 0; i < t; i++)
            power_5(&box[i], &state[i]);
        matrix_mul(state, last ? zeros : full + (3 + round) * t, matrix, box, last ? outputs : t,
                   t);
    }
}

/* A factor that turns a form into Montgomery form below 2 r, whatever the words. */
static const bn_fr *factor_in(bn_form form)
{
    static const bn_fr r = BN_FR_R_INIT, r2 = BN_FR_R2_INIT;

    return form == BN_MONTGOMERY ? &r : &r2;
}

static void load(bn_fr *r, const bn_fr *factor, const uint64_t w[4])
{
    bn_fr a = {{w[0], w[1], w[2], w[3]}};

    bn_fr_mul_lazy(r, factor, &a);
}

/* a below 2 r */
static void store(uint64_t w[4], bn_form form, const bn_fr *a)
{
    if (form == BN_MONTGOMERY) {
        bn_fr t;

        bn_fr_reduce_once(&t, a->l);
        memcpy(w, t.l, sizeof(t.l));
    } else {
        bn_fr_get_words(w, a);
    }
}

static void permute(const bn_poseidon *p, bn_form form, uint64_t *states, size_t count)
{
    const bn_fr *factor = factor_in(form);

    for (; count > 0; count--, states += 4 * p->width) {
        bn_fr state[BN_POSEIDON_MAX_WIDTH];

        for (unsigned i = 0; i < p->width; i++)
            load(&state[i], factor, states + 4 * i);
        permute_one(p, state, p->width);
        for (unsigned i = 0; i < p->width; i++)
            store(states + 4 * i, form, &state[i]);
    }
}

static void hash(const bn_poseidon *p, bn_form form, const uint64_t *initial, const uint64_t *in,
                 uint64_t *out, size_t count)
{
    const bn_fr *factor = factor_in(form);
    const unsigned n = p->width - 1;

    for (size_t k = 0; k < count; k++) {
        bn_fr state[BN_POSEIDON_MAX_WIDTH];

        if (initial)
            load(&state[0], factor, initial + 4 * k);
        else
            bn_fr_set_zero(&state[0]);
        for (unsigned i = 0; i < n; i++)
            load(&state[i + 1], factor, in + 4 * (k * n + i));
        permute_one(p, state, 1);
        store(out + 4 * k, form, &state[0]);
    }
}

const bn_poseidon_ops BN_POSEIDON_OPS = {
    .isa = BN_POSEIDON_ISA,
    .lanes = 1,
    .permute = permute,
    .hash = hash,
};
