/* Eight permutations at once, a lane each, on bn_ifma.h's five limbs of 52 bits in Montgomery form
 * with 2^260 (bn8 and its bounds there; p is the modulus).
 *
 * Bounds. A dot product of at most 33 products, each of a value below x p and a constant below p,
 * and a summand below y p reduces to below (33 x / 84 + y + 1.13) p. full rounds: the S-box's
 * output below 1.2 p and a constant: below (17 * 1.2 / 84 + 1 + 1.13) p < 2.4 p partial rounds: 16
 * values of a, 17 of y, and a value as above, a's bound b follows from b = (16 b + 17 * 1.2) / 84
 * + 2.4 + 1.13: below 4.7 p S-box of at most 4.7 p: squared below (22.1 / 84 + 1.13) p < 1.4 p,
 * again below 1.16 p, times the first below (4.7 * 1.16 / 84 + 1.13) p < 1.2 p. A column of 33
 * products and a summand stays below 2^62 (bn8w_mac: 100 products). */
#include "driver/field/bn_poseidon_table.h"
#include "driver/field/bn_poseidon_x86.h"

#if defined(__x86_64__)

#include "driver/field/bn_ifma.h"

#include <string.h>

#define LANES 8
/* Fewer states than this go one by one: eight at once take about 1.7 times what one takes. */
#define FEW 2

/* An element of the table, the same in all lanes. */
BN8_INLINE void broadcast(bn8 *r, const uint64_t *limbs)
{
    for (int j = 0; j < 5; j++)
        r->l[j] = _mm512_set1_epi64((long long)limbs[j]);
}

BN8_INLINE void begin(bn8w *w, const bn8 *summand)
{
    bn8w_zero(w);
    for (int j = 0; j < 5; j++)
        w->c[j + 5] = summand->l[j];
}

/* w += sum of a[i] c[i] */
BN8_INLINE void accumulate(bn8w *w, const bn8 *a, const uint64_t *c, unsigned n)
{
    bn8w t = *w;

    for (unsigned k = 0; k < n; k++, c += 5) {
        const bn8 x = a[k];

        BN8_MAC_ROW(t, 0, _mm512_set1_epi64((long long)c[0]), x.l[0], x.l[1], x.l[2], x.l[3],
                    x.l[4]);
        BN8_MAC_ROW(t, 1, _mm512_set1_epi64((long long)c[1]), x.l[0], x.l[1], x.l[2], x.l[3],
                    x.l[4]);
        BN8_MAC_ROW(t, 2, _mm512_set1_epi64((long long)c[2]), x.l[0], x.l[1], x.l[2], x.l[3],
                    x.l[4]);
        BN8_MAC_ROW(t, 3, _mm512_set1_epi64((long long)c[3]), x.l[0], x.l[1], x.l[2], x.l[3],
                    x.l[4]);
        BN8_MAC_ROW(t, 4, _mm512_set1_epi64((long long)c[4]), x.l[0], x.l[1], x.l[2], x.l[3],
                    x.l[4]);
    }
    *w = t;
}

BN8_INLINE void power_5(bn8 *r, const bn8 *a)
{
    bn8 t;

    bn8_sqr(&t, a, &bn8_fr);
    bn8_sqr(&t, &t, &bn8_fr);
    bn8_mul(r, &t, a, &bn8_fr);
}

static void power_5_all(bn8 *box, const bn8 *state, unsigned t)
{
    for (unsigned i = 0; i < t; i++)
        power_5(&box[i], &state[i]);
}

/* r = matrix a + summands (NULL: none) */
static void matrix_mul(bn8 *r, const uint64_t *summands, const uint64_t *matrix, const bn8 *a,
                       unsigned rows, unsigned columns)
{
    for (unsigned i = 0; i < rows; i++) {
        bn8 summand;
        bn8w w;

        bn8_zero(&summand);
        if (summands)
            broadcast(&summand, summands + (size_t)5 * i);
        begin(&w, &summand);
        accumulate(&w, a, matrix + (size_t)5 * i * columns, columns);
        bn8w_redc(&r[i], &w, &bn8_fr);
    }
}

/* The permutations of eight states, below 2 p; of their elements only the first `outputs` are
 * computed, and come out below 2 p. */
static void permute_eight(const bn_poseidon *p, bn8 *state, unsigned outputs)
{
    const uint64_t *limbs = p->limbs, *matrix = limbs + (size_t)5 * p->at.matrix;
    const uint64_t *full = limbs + (size_t)5 * p->at.full;
    const uint64_t *step = limbs + (size_t)5 * p->at.step;
    const uint64_t *steps = limbs + (size_t)5 * p->at.steps;
    const unsigned t = p->width, n = t - 1, partial = p->partial;
    bn8 box[BN_POSEIDON_MAX_WIDTH], values[2 * BN_POSEIDON_MAX_PARTIAL];

    for (unsigned i = 0; i < t; i++) {
        bn8 c;

        broadcast(&c, limbs + (size_t)5 * (p->at.first + i));
        bn8_add(&state[i], &state[i], &c);
    }
    for (unsigned round = 0; round < BN_POSEIDON_HALF; round++) {
        power_5_all(box, state, t);
        if (round == BN_POSEIDON_HALF - 1)
            matrix_mul(state, limbs + (size_t)5 * p->at.entered, limbs + (size_t)5 * p->at.enter,
                       box, t, t);
        else
            matrix_mul(state, full + (size_t)5 * round * t, matrix, box, t, t);
    }

    values[0] = state[0];
    for (unsigned q = 0; q < partial; q++) {
        unsigned length = q < n ? 2 * q + 1 : 2 * n + 1;
        bn8w w;

        if (q + 1 < partial) {
            if (q < n) {
                begin(&w, &state[q + 1]);
            } else {
                bn8 summand;

                broadcast(&summand, steps + (size_t)5 * (q - n));
                begin(&w, &summand);
            }
            /* all but y(q), which is the last: this does not wait for the S-box */
            accumulate(&w, &values[2 * q + 2 - length], step + (size_t)5 * (2 * n + 1 - length),
                       length - 1);
        }
        power_5(&values[2 * q + 1], &values[2 * q]);
        if (q + 1 < partial) {
            accumulate(&w, &values[2 * q + 1], step + (size_t)5 * (2 * n), 1);
            bn8w_redc(&values[2 * q + 2], &w, &bn8_fr);
        }
    }
    matrix_mul(state, limbs + (size_t)5 * p->at.left, limbs + (size_t)5 * p->at.leave,
               &values[2 * partial - 2 * n - 1], t, 2 * n + 1);

    for (unsigned round = 0; round < BN_POSEIDON_HALF; round++) {
        power_5_all(box, state, t);
        if (round == BN_POSEIDON_HALF - 1)
            matrix_mul(state, NULL, matrix, box, outputs, t);
        else
            matrix_mul(state, full + (size_t)5 * (3 + round) * t, matrix, box, t, t);
    }
}

/* ---- memory ---- */

/* One element of each of n <= 8 states that are `stride` words apart; below 1.2 p. */
static void load(bn8 *r, bn_form form, const uint64_t *from, size_t stride, size_t n)
{
    const uint64_t *lanes[LANES];

    for (size_t i = 0; i < LANES; i++)
        lanes[i] = from + (i < n ? i : 0) * stride;
    if (form == BN_MONTGOMERY) {
        bn8_gather_x16(r, lanes);
        bn8_reduce(r, r, &bn8_fr);
    } else {
        bn8_gather(r, lanes);
        bn8_to_mont(r, r, &bn8_fr);
    }
}

/* a below 2 p */
static void store(uint64_t *to, size_t stride, bn_form form, const bn8 *a, size_t n)
{
    uint64_t nowhere[4];
    uint64_t *lanes[LANES];
    bn8 t;

    for (size_t i = 0; i < LANES; i++)
        lanes[i] = i < n ? to + i * stride : nowhere;
    if (form == BN_MONTGOMERY) {
        bn8_div16(&t, a, &bn8_fr);
        bn8_sub_if(&t, &t, 0, &bn8_fr);
    } else {
        bn8_from_mont(&t, a, &bn8_fr);
    }
    bn8_scatter(lanes, &t);
}

static void permute(const bn_poseidon *p, bn_form form, uint64_t *states, size_t count)
{
    const size_t stride = (size_t)4 * p->width;

    while (count >= FEW) {
        size_t now = count < LANES ? count : LANES;
        bn8 state[BN_POSEIDON_MAX_WIDTH];

        for (unsigned i = 0; i < p->width; i++)
            load(&state[i], form, states + (size_t)4 * i, stride, now);
        permute_eight(p, state, p->width);
        for (unsigned i = 0; i < p->width; i++)
            store(states + (size_t)4 * i, stride, form, &state[i], now);
        states += now * stride;
        count -= now;
    }
    bn_poseidon_ops_avx2.permute(p, form, states, count);
}

static void hash(const bn_poseidon *p, bn_form form, const uint64_t *initial, const uint64_t *in,
                 uint64_t *out, size_t count)
{
    const size_t n = p->width - 1;

    while (count >= FEW) {
        size_t now = count < LANES ? count : LANES;
        bn8 state[BN_POSEIDON_MAX_WIDTH];

        if (initial)
            load(&state[0], form, initial, 4, now);
        else
            bn8_zero(&state[0]);
        for (size_t i = 0; i < n; i++)
            load(&state[i + 1], form, in + 4 * i, 4 * n, now);
        permute_eight(p, state, 1);
        store(out, 4, form, &state[0], now);
        initial = initial ? initial + 4 * now : NULL;
        in += 4 * n * now;
        out += 4 * now;
        count -= now;
    }
    bn_poseidon_ops_avx2.hash(p, form, initial, in, out, count);
}

const bn_poseidon_ops bn_poseidon_ops_ifma = {
    .isa = P_ISA_AVX512IFMA,
    .lanes = LANES,
    .permute = permute,
    .hash = hash,
};

#else

typedef int bn_poseidon_no_ifma;

#endif
