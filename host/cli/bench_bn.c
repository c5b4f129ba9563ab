/* Works over BN254: transforms, sums of multiples of points, permutations. */
#include "host/cli/bench_work.h"

#include "driver/field/bn_curve.h"
#include "driver/field/bn_poseidon.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FR_WORDS 4
#define POINTS_AT_ONCE 1024 /* to affine form with one inversion */

/* A number below 2^253 < r. */
static void scalar(uint64_t out[FR_WORDS], uint64_t i)
{
    for (uint64_t k = 0; k < FR_WORDS; k++)
        out[k] = bench_word(i * FR_WORDS + k);
    out[FR_WORDS - 1] >>= 3;
}

static p_status fill_scalars(uint64_t *out, uint64_t words)
{
    for (uint64_t i = 0; i < words / FR_WORDS; i++)
        scalar(out + i * FR_WORDS, i);
    return P_OK;
}

static uint64_t data_digest(bench_load *l)
{
    return bench_digest(l->data, l->data_words);
}

/* ---- transform ---- */

static p_status ntt_shape(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n;

    (void)err;
    l->data_words = n * FR_WORDS;
    l->job = (drv_job){.op = DRV_NTT,
                       .ntt = {.field = DRV_BN254_FR,
                               .layout = DRV_COLUMNS,
                               .log_n = l->log_n,
                               .columns = 1,
                               .shift = {1, 0, 0, 0}}};
    l->units = (double)(n / 2) * l->log_n;
    l->bn_muls = l->units;
    l->moved_bytes = 16.0 * (double)l->data_words;
    return P_OK;
}

static p_status ntt_fill(bench_load *l, p_err *err)
{
    (void)err;
    l->job.ntt.data = l->data;
    return fill_scalars(l->data, l->data_words);
}

static void fr_pow(bn_fr *r, const bn_fr *a, const uint64_t e[FR_WORDS])
{
    static const uint64_t one[FR_WORDS] = {1, 0, 0, 0};
    bn_fr base = *a;

    (void)bn_fr_set_words(r, one);
    for (int i = 0; i < 256; i++) {
        if (e[i / 64] >> i % 64 & 1)
            bn_fr_mul(r, r, &base);
        bn_fr_mul(&base, &base, &base);
    }
}

/* 5^((r-1) / 2^log_n): -1 is r-1 */
static void root_of_unity(bn_fr *out, uint32_t log_n)
{
    static const uint64_t one[FR_WORDS] = {1, 0, 0, 0}, five[FR_WORDS] = {5, 0, 0, 0};
    uint64_t e[FR_WORDS];
    bn_fr x;

    (void)bn_fr_set_words(&x, one);
    bn_fr_neg(&x, &x);
    bn_fr_get_words(e, &x);
    for (uint32_t k = 0; k < log_n; k++)
        for (int i = 0; i < FR_WORDS; i++)
            e[i] = e[i] >> 1 | (i + 1 < FR_WORDS ? e[i + 1] << 63 : 0);
    (void)bn_fr_set_words(&x, five);
    fr_pow(out, &x, e);
}

/* The map is linear: the words are taken for Montgomery form, by Horner's rule. */
static p_status ntt_verify(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n, place = n / 3, e[FR_WORDS] = {place, 0, 0, 0};
    bn_fr x, y;

    root_of_unity(&x, l->log_n);
    fr_pow(&x, &x, e);
    bn_fr_set_zero(&y);
    for (uint64_t j = n; j-- > 0;) {
        bn_fr in;

        scalar(in.l, j);
        bn_fr_mul(&y, &y, &x);
        bn_fr_add(&y, &y, &in);
    }
    if (memcmp(y.l, l->data + place * FR_WORDS, sizeof y.l) != 0)
        return bench_wrong(l, "a sum of the definition", err);
    return P_OK;
}

/* ---- sums of multiples ---- */

/* Point i is i + 1 times the generator: distinct, and the sum is known from the scalars. */
#define DEFINE_POINTS(g, field)                                                                    \
    static p_status g##_points(uint64_t *out, uint64_t count, p_err *err)                          \
    {                                                                                              \
        bn_##g##x *sums = calloc(POINTS_AT_ONCE, sizeof *sums), at;                                \
        field *scratch = calloc(2 * POINTS_AT_ONCE, sizeof *scratch);                              \
        bn_##g generator, *points = (bn_##g *)out;                                                 \
        p_status s = sums && scratch ? P_OK : p_err_set(err, P_EEXHAUSTED, "no memory");           \
                                                                                                   \
        bn_##g##_generator(&generator);                                                            \
        bn_##g##x_set_zero(&at);                                                                   \
        for (uint64_t i = 0; i < count && s == P_OK;) {                                            \
            size_t n = 0;                                                                          \
                                                                                                   \
            for (; n < POINTS_AT_ONCE && i + n < count; n++) {                                     \
                bn_##g##x_add_affine(&at, &at, &generator);                                        \
                sums[n] = at;                                                                      \
            }                                                                                      \
            bn_##g##x_get_batch(points + i, sums, scratch, n);                                     \
            i += n;                                                                                \
        }                                                                                          \
        free(scratch);                                                                             \
        free(sums);                                                                                \
        return s;                                                                                  \
    }                                                                                              \
                                                                                                   \
    static bool g##_is_multiple(const uint64_t *point, const uint64_t k[FR_WORDS])                 \
    {                                                                                              \
        bn_##g generator, expected;                                                                \
        bn_##g##x product;                                                                         \
                                                                                                   \
        bn_##g##_generator(&generator);                                                            \
        bn_##g##_mul_var(&product, &generator, k);                                                 \
        bn_##g##x_get(&expected, &product);                                                        \
        return memcmp(&expected, point, sizeof expected) == 0;                                     \
    }

DEFINE_POINTS(g1, bn_fp)
DEFINE_POINTS(g2, bn_fp2)

static bool is_g2(const bench_load *l)
{
    return strcmp(l->work->name, "bn_msm_g2") == 0;
}

static p_status msm_shape(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n, point_words = is_g2(l) ? 16 : 8;

    (void)err;
    l->data_words = n * point_words;
    l->more_words = n * FR_WORDS;
    l->units = (double)n;
    l->moved_bytes = 8.0 * (double)(l->data_words + l->more_words);
    /* what can be known before there are points */
    l->job = (drv_job){.op = DRV_MSM_LOAD,
                       .msm_load = {.group = is_g2(l) ? DRV_G2 : DRV_G1, .count = n}};
    return P_OK;
}

static p_status msm_fill(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n;
    drv_handle **points = calloc(1, sizeof *points);
    p_status s = points ? P_OK : p_err_set(err, P_EEXHAUSTED, "no memory");

    l->own = points;
    if (s == P_OK)
        s = is_g2(l) ? g2_points(l->data, n, err) : g1_points(l->data, n, err);
    if (s == P_OK)
        s = fill_scalars(l->more, l->more_words);
    l->job.msm_load.points = l->data;
    l->job.msm_load.out = points;
    if (s == P_OK)
        s = drv_run(l->device, &l->job, BENCH_TIMEOUT_MS, err);
    if (s != P_OK)
        return s;
    l->job = (drv_job){.op = DRV_MSM,
                       .msm = {.points = *points,
                               .scalars = l->more,
                               .form = DRV_CANONICAL,
                               .count = n,
                               .out = l->cap}};
    return drv_estimate(l->device, &l->job, &l->run_bytes, err);
}

static uint64_t msm_digest(bench_load *l)
{
    return bench_digest(l->cap, is_g2(l) ? 16 : 8);
}

static p_status msm_verify(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n, k[FR_WORDS];
    bn_fr sum;

    bn_fr_set_zero(&sum);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t multiple[FR_WORDS] = {i + 1, 0, 0, 0}, words[FR_WORDS];
        bn_fr a, b;

        scalar(words, i);
        if (!bn_fr_set_words(&a, words) || !bn_fr_set_words(&b, multiple))
            return p_err_set(err, P_EINTERNAL, "scalar %" PRIu64 " is not below r", i);
        bn_fr_mul(&a, &a, &b);
        bn_fr_add(&sum, &sum, &a);
    }
    bn_fr_get_words(k, &sum);
    if (!(is_g2(l) ? g2_is_multiple(l->cap, k) : g1_is_multiple(l->cap, k)))
        return bench_wrong(l, "the multiple of the generator", err);
    return P_OK;
}

static void msm_release(bench_load *l)
{
    drv_handle **points = l->own;

    if (points)
        drv_release(*points);
    free(points);
    l->own = NULL;
}

/* ---- permutations ---- */

static p_status poseidon_shape(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n;

    (void)err;
    l->data_words = n * l->width * FR_WORDS;
    l->job = (drv_job){
        .op = DRV_POSEIDON,
        .poseidon = {.field = DRV_BN254_FR, .width = l->width, .form = DRV_MONTGOMERY, .count = n}};
    l->units = (double)n;
    l->moved_bytes = 16.0 * (double)l->data_words;
    return P_OK;
}

static p_status poseidon_fill(bench_load *l, p_err *err)
{
    (void)err;
    l->job.poseidon.states = l->data;
    return fill_scalars(l->data, l->data_words);
}

static p_status poseidon_verify(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n, words = l->width * FR_WORDS, step = n > 8 ? n / 8 : 1;
    uint64_t state[BN_POSEIDON_MAX_WIDTH * FR_WORDS];
    bn_poseidon *poseidon;
    p_status s = bn_poseidon_create(l->width, &poseidon, err);

    for (uint64_t k = 0; k < n && s == P_OK; k += step) {
        for (uint64_t i = 0; i < l->width; i++)
            scalar(state + i * FR_WORDS, k * l->width + i);
        bn_poseidon_select(P_ISA_PORTABLE)->permute(poseidon, BN_MONTGOMERY, state, 1);
        if (memcmp(state, l->data + k * words, words * sizeof *state) != 0)
            s = bench_wrong(l, "a permutation in plain C", err);
    }
    bn_poseidon_destroy(poseidon);
    return s;
}

const bench_work bench_bn_works[] = {
    {.name = "bn_ntt",
     .unit = "s",
     .rate_unit = "butterflies",
     .scale = 1,
     .max_log_n = 27,
     .log_n = 20,
     .quick_log_n = 8,
     .check_log_n = 12,
     .checked = "a sum of the definition",
     .shape = ntt_shape,
     .fill = ntt_fill,
     .digest = data_digest,
     .verify = ntt_verify},
    {.name = "bn_msm_g1",
     .unit = "us/point",
     .rate_unit = "points",
     .scale = 1e6,
     .per_unit = true,
     .max_log_n = 26,
     .log_n = 20,
     .quick_log_n = 8,
     .check_log_n = 10,
     .checked = "the multiple of the generator that the scalars add up to",
     .shape = msm_shape,
     .fill = msm_fill,
     .digest = msm_digest,
     .verify = msm_verify,
     .release = msm_release},
    {.name = "bn_msm_g2",
     .unit = "us/point",
     .rate_unit = "points",
     .scale = 1e6,
     .per_unit = true,
     .max_log_n = 25,
     .log_n = 18,
     .quick_log_n = 6,
     .check_log_n = 8,
     .checked = "the multiple of the generator that the scalars add up to",
     .shape = msm_shape,
     .fill = msm_fill,
     .digest = msm_digest,
     .verify = msm_verify,
     .release = msm_release},
    {.name = "bn_poseidon",
     .unit = "us",
     .rate_unit = "permutations",
     .scale = 1e6,
     .per_unit = true,
     .uses_width = true,
     .max_log_n = 24,
     .log_n = 12,
     .quick_log_n = 4,
     .check_log_n = 6,
     .checked = "permutations in plain C",
     .shape = poseidon_shape,
     .fill = poseidon_fill,
     .digest = data_digest,
     .verify = poseidon_verify},
};
const size_t bench_bn_works_count = sizeof bench_bn_works / sizeof bench_bn_works[0];
