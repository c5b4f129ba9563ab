#include "driver/card/bn_poseidon_table.h"

/* alpha, beta and the rest are derived once, in driver/field; here they are only scaled. */
#include "driver/field/bn_poseidon_table.h"

#include <assert.h>
#include <string.h>

/* 2^224 as words: a Montgomery product with it divides by 2^32 */
static const bn_fr DIVIDE_32 = {{0, 0, 0, UINT64_C(1) << 32}};
/* 2^512 mod r: a Montgomery product with it multiplies by 2^256 */
static const bn_fr TIMES_256 = BN_FR_R2_INIT;
/* 1: a Montgomery product with it divides by 2^256 */
static const bn_fr DIVIDE_256 = {{1, 0, 0, 0}};

static_assert(HLS_BN_POSEIDON_FACTOR_LOG2 == 288, "factors come times 2^320 and leave times 2^288");
static_assert(HLS_BN_POSEIDON_MAX_WIDTH == BN_POSEIDON_MAX_WIDTH, "widths");
static_assert(HLS_BN_POSEIDON_MAX_PARTIAL == BN_POSEIDON_MAX_PARTIAL, "partial rounds");

static void put(hls_row *rows, uint32_t at, const bn_fr *a)
{
    memcpy(&rows[at / 2].w[4 * (at % 2)], a->l, sizeof(a->l));
}

static void summands(hls_row *rows, uint32_t to, const bn_fr *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        put(rows, to + i, &from[i]);
}

/* from: f 2^320; to: f 2^(288 + 256 power) */
static void factors(hls_row *rows, uint32_t to, const bn_fr *from, uint32_t count, int power)
{
    for (uint32_t i = 0; i < count; i++) {
        bn_fr f;

        bn_fr_mul(&f, &from[i], &DIVIDE_32);
        for (int k = 0; k < power; k++)
            bn_fr_mul(&f, &f, &TIMES_256);
        for (int k = 0; k > power; k--)
            bn_fr_mul(&f, &f, &DIVIDE_256);
        put(rows, to + i, &f);
    }
}

void card_bn_poseidon_table(const bn_poseidon *poseidon, hls_row *rows)
{
    const bn_poseidon_layout *from = &poseidon->at;
    const bn_fr *words = poseidon->words;
    const uint32_t t = poseidon->width, partial = poseidon->partial;
    hls_bn_poseidon_layout to;

    assert(partial == HLS_BN_POSEIDON_PARTIAL[t]);
    hls_bn_poseidon_lay_out(&to, t);
    memset(rows, 0, hls_bn_poseidon_rows(t) * sizeof(*rows));
    summands(rows, to.first, words + from->first, t);
    for (uint32_t i = 0; i < t; i++) {
        bn_fr number;

        bn_fr_get_words(number.l, &words[from->first + i]);
        put(rows, to.first_in + i, &number);
    }
    factors(rows, to.matrix, words + from->matrix, t * t, 0);
    factors(rows, to.matrix_in, words + from->matrix, t * t, 5);
    factors(rows, to.matrix_out, words + from->matrix, t * t, -1);
    summands(rows, to.full, words + from->full, 6 * t);
    factors(rows, to.enter, words + from->enter, t * t, 0);
    summands(rows, to.entered, words + from->entered, t);
    factors(rows, to.step, words + from->step, 2 * t - 1, 0);
    summands(rows, to.steps, words + from->steps, partial - t);
    factors(rows, to.leave, words + from->leave, t * (2 * t - 1), 0);
    summands(rows, to.left, words + from->left, t);
}
