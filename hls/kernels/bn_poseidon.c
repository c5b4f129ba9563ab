/* Poseidon over BN254's Fr: hls/include/kernel_abi.h says what it takes and writes,
 * bn_poseidon_layout.h how the rounds go. */
#include "hls/core/bn_poseidon.h"
#include "hls/include/bn_poseidon_layout.h"
#include "hls/include/kernel_ports.h"

#define MAX_T HLS_BN_POSEIDON_MAX_WIDTH
#define HALF 4

#define PICK(name, of) (channel == (of) ? (*out = name##_##of[at], 0) : 0)
#define STORE(name, of) (channel == (of) ? (name##_##of[at] = *row, 0) : 0)

static inline void load_row(hls_row *out, uint64_t row, HLS_PARAM_ROWS(buffer))
{
    uint32_t channel = hls_stripe_channel(row, HLS_CHANNELS_LOG2);
    uint64_t at = hls_stripe_row(row, HLS_CHANNELS_LOG2);

    HLS_INLINE()
    (void)(HLS_EACH(PICK, buffer));
}

static inline void store_row(uint64_t row_number, const hls_row *row, HLS_PARAM_ROWS(buffer))
{
    uint32_t channel = hls_stripe_channel(row_number, HLS_CHANNELS_LOG2);
    uint64_t at = hls_stripe_row(row_number, HLS_CHANNELS_LOG2);

    HLS_INLINE()
    (void)(HLS_EACH(STORE, buffer));
}

static inline void to_limbs(hls_bn *r, const hls_row *row, unsigned half)
{
    HLS_INLINE()
    /* II=1, unrolled: wires */
    HLS_LOOP(row_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        r->l[i] = (uint32_t)(row->w[4 * half + i / 2] >> 32 * (i % 2));
    }
}

static inline void from_limbs(hls_row *row, unsigned half, const hls_bn *a)
{
    HLS_INLINE()
    /* II=1, unrolled: wires */
    HLS_LOOP(limb_words)
    for (unsigned i = 0; i < HLS_BN_LIMBS / 2; i++) {
        HLS_UNROLL()
        row->w[4 * half + i] = (uint64_t)a->l[2 * i + 1] << 32 | a->l[2 * i];
    }
}

/* r = sum of factors[i] values[i], below r (1 + 2^-23). */
static void dot(hls_bn *r, const hls_bn *factors, const hls_bn *values, uint32_t count)
{
    hls_fr_sum sum;

    hls_fr_sum_clear(&sum);
    /* II=1: a product a cycle, into columns that do not carry */
    HLS_LOOP(dot_terms)
    for (uint32_t i = 0; i < count; i++) {
        HLS_PIPELINE(1)
        hls_fr_sum_add(&sum, &values[i], &factors[i]);
    }
    hls_fr_sum_reduce(r, &sum);
}

/* One permutation; only the first outputs elements are made, canonical. */
static void permute(hls_bn state[MAX_T], const hls_bn table[HLS_BN_POSEIDON_MAX_COUNT], uint32_t t,
                    uint32_t montgomery, uint32_t outputs)
{
    hls_bn box[MAX_T], values[2 * HLS_BN_POSEIDON_MAX_PARTIAL];
    hls_bn_poseidon_layout at;
    uint32_t partial = HLS_BN_POSEIDON_PARTIAL[t], window = 2 * t - 1;

    hls_bn_poseidon_lay_out(&at, t);
    /* II=1 */
    HLS_LOOP(first)
    for (uint32_t i = 0; i < t; i++)
        hls_fr_add_loose(&state[i], &state[i], &table[(montgomery ? at.first : at.first_in) + i]);
    /* no II: rounds follow each other */
    HLS_LOOP(rounds)
    for (uint32_t round = 0; round < 2 * HALF; round++) {
        uint32_t matrix = at.matrix, summands = at.full + t * (round < HALF ? round : round - 1);
        uint32_t rows = round == 2 * HALF - 1 ? outputs : t;

        if (round == 0 && !montgomery)
            matrix = at.matrix_in;
        if (round == 2 * HALF - 1 && !montgomery)
            matrix = at.matrix_out;
        if (round == HALF - 1) {
            matrix = at.enter;
            summands = at.entered;
        }
        /* II=1 */
        HLS_LOOP(boxes)
        for (uint32_t i = 0; i < t; i++)
            hls_bn_poseidon_pow5(&box[i], &state[i]);
        /* II: t products */
        HLS_LOOP(matrix_rows)
        for (uint32_t i = 0; i < rows; i++) {
            dot(&state[i], &table[matrix + i * t], box, t);
            if (round == 2 * HALF - 1)
                hls_bn_reduce_once(&state[i], &state[i], HLS_BN_FR, 0);
            else
                hls_fr_add_loose(&state[i], &state[i], &table[summands + i]);
        }
        if (round != HALF - 1)
            continue;
        values[0] = state[0];
        /* II: the latency of an S-box and a sum */
        HLS_LOOP(partial_rounds)
        for (uint32_t q = 0; q < partial; q++) {
            uint32_t length = q < t - 1 ? 2 * q + 1 : window;

            hls_bn_poseidon_pow5(&values[2 * q + 1], &values[2 * q]);
            if (q + 1 == partial)
                continue;
            dot(&values[2 * q + 2], &table[at.step + window - length], &values[2 * q + 2 - length],
                length);
            hls_fr_add_loose(&values[2 * q + 2], &values[2 * q + 2],
                             q < t - 1 ? &state[q + 1] : &table[at.steps + q - t + 1]);
        }
        /* II: 2 t - 1 products */
        HLS_LOOP(leave_rows)
        for (uint32_t i = 0; i < t; i++) {
            dot(&state[i], &table[at.leave + i * window], &values[2 * partial - window], window);
            hls_fr_add_loose(&state[i], &state[i], &table[at.left + i]);
        }
    }
}

void bn_poseidon(HLS_BN_POSEIDON_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64));

void bn_poseidon(HLS_BN_POSEIDON_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    HLS_MEMORY hls_bn constants[HLS_BN_POSEIDON_MAX_COUNT];
    uint32_t t = op == HLS_NODES ? MAX_T : width;
    uint32_t montgomery = op == HLS_PERMUTE && (flags & HLS_MONTGOMERY);
    hls_row row, out;

    if (t < HLS_BN_POSEIDON_MIN_WIDTH || t > MAX_T || op > HLS_PERMUTE)
        return;
    if (op == HLS_ABSORB && (columns > 3 * (t - 1) || columns + 3 <= 3 * (t - 1)))
        return;
    /* II=2: a row has two */
    HLS_LOOP(load_table)
    for (uint32_t i = 0; i < hls_bn_poseidon_rows(t); i++) {
        load_row(&row, table_row + i, HLS_PASS_ROWS(table));
        to_limbs(&constants[2 * i], &row, 0);
        to_limbs(&constants[2 * i + 1], &row, 1);
    }
    /* II: a permutation */
    HLS_LOOP(permutations)
    for (uint64_t s = 0; s < count; s++) {
        hls_bn state[MAX_T];
        uint64_t words[3 * MAX_T];

        if (op == HLS_ABSORB) {
            /* II=1: columns that are not there are zero */
            HLS_LOOP(clear_words)
            for (uint32_t i = 0; i < 3 * (t - 1); i++)
                words[i] = 0;
            /* II=8: words of a row one after the other */
            HLS_LOOP(load_words)
            for (uint32_t i = 0; i < columns; i++) {
                if (i % 8 == 0)
                    load_row(&row, src_row + i / 8 * src_stride + s, HLS_PASS_ROWS(src));
                words[i] = row.w[i % 8];
            }
            /* II=1 */
            HLS_LOOP(pack_elements)
            for (uint32_t i = 0; i < t - 1; i++)
                hls_bn_poseidon_pack(&state[i + 1], &words[3 * i]);
            if (flags & HLS_FIRST) {
                /* II=1, unrolled: wires */
                HLS_LOOP(initial)
                for (unsigned i = 0; i < HLS_BN_LIMBS; i++)
                    state[0].l[i] = i == 0;
            } else {
                load_row(&row, dst_row + s / 2, HLS_PASS_ROWS(dst));
                to_limbs(&state[0], &row, (unsigned)(s % 2));
            }
        } else {
            uint64_t first = op == HLS_NODES ? 16 * s : t * s;
            uint32_t from = op == HLS_NODES;

            if (from) {
                /* II=1, unrolled: wires */
                HLS_LOOP(node_zero)
                for (unsigned i = 0; i < HLS_BN_LIMBS; i++)
                    state[0].l[i] = 0;
            }
            /* II=1: an element a cycle */
            HLS_LOOP(load_elements)
            for (uint32_t i = from; i < t; i++) {
                uint64_t element = first + i - from;

                if (from)
                    load_row(&row, src_row + element / 2, HLS_PASS_ROWS(src));
                else
                    load_row(&row, dst_row + element / 2, HLS_PASS_ROWS(dst));
                to_limbs(&state[i], &row, (unsigned)(element % 2));
            }
        }
        permute(state, constants, t, montgomery, op == HLS_PERMUTE ? t : 1);
        /* II=1: an element a cycle */
        HLS_LOOP(store_elements)
        for (uint32_t i = 0; i < (op == HLS_PERMUTE ? t : 1); i++) {
            uint64_t element = op == HLS_PERMUTE ? t * s + i : s;
            uint64_t last = op == HLS_PERMUTE ? t * count - 1 : count - 1;

            if (element % 2 == 0 && element == last) {
                /* II=1, unrolled: wires */
                HLS_LOOP(last_half)
                for (unsigned k = 4; k < HLS_ROW_WORDS; k++)
                    out.w[k] = 0;
            } else {
                load_row(&out, dst_row + element / 2, HLS_PASS_ROWS(dst));
            }
            from_limbs(&out, (unsigned)(element % 2), &state[i]);
            store_row(dst_row + element / 2, &out, HLS_PASS_ROWS(dst));
        }
    }
}
