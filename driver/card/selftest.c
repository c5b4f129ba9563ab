/* Before a device opens, each kernel of its image answers questions whose answers the CPU knows:
 * small ones, but over enough rows that each channel of the card's memory has some. */
#include "driver/card/internal.h"
#include "driver/field/bn_curve.h"
#include "driver/field/gl_poseidon.h"
#include "driver/field/goldilocks.h"

#include <stdlib.h>
#include <string.h>

#define LOG_ROWS 8 /* 16 pieces of 16 rows */
#define ROWS (1u << LOG_ROWS)

/* Always the same numbers. */
static void fill(uint64_t *words, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t x = seed += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        words[i] = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    }
}

static p_status wrong(const char *what, p_err *err)
{
    return p_err_set(err, P_EDEVICE, "%s has another result than the CPU", what);
}

/* ---- row_gather ---- */

static p_status test_row_gather(card_run *run, p_err *err)
{
    enum { COUNT = 24 };
    card_device *d = run->device;
    card_rows *src = NULL, *index = NULL, *dst = NULL;
    card_command c[2] = {{0}};
    hls_row rows[ROWS], out[COUNT];
    uint64_t at[COUNT];
    p_status s = card_rows_alloc(d, CARD_SIDE_A, ROWS, &src, err);

    fill(rows[0].w, sizeof rows / 8, 1);
    for (unsigned i = 0; i < COUNT; i++)
        at[i] = (i * 37 + 5) % ROWS;
    if (s == P_OK)
        s = card_rows_alloc(d, CARD_SIDE_A, COUNT / HLS_ROW_WORDS, &index, err);
    if (s == P_OK)
        s = card_rows_alloc(d, CARD_SIDE_A, COUNT, &dst, err);
    if (s == P_OK)
        s = card_write(run, &c[0], src, 0, ROWS, rows, err);
    if (s == P_OK)
        s = card_write(run, &c[1], index, 0, COUNT / HLS_ROW_WORDS, at, err);
    for (unsigned i = 0; i < 2 && s == P_OK; i++)
        s = card_finish(run, &c[i], err);
    if (s == P_OK)
        s = card_start_kernel(run, &c[0], row_gather, 0, 1000000, err, .src = card_at(src),
                              .index = card_at(index), .dst = card_at(dst),
                              .count = card_number(COUNT));
    if (s == P_OK)
        s = card_finish(run, &c[0], err);
    if (s == P_OK)
        s = card_read(run, &c[0], dst, 0, COUNT, out, err);
    if (s == P_OK)
        s = card_finish(run, &c[0], err);
    s = card_end(run, s, err);
    for (unsigned i = 0; i < COUNT && s == P_OK; i++)
        if (memcmp(&out[i], &rows[at[i]], sizeof out[i]) != 0)
            s = wrong("gathering rows", err);
    card_rows_free(d, src);
    card_rows_free(d, index);
    card_rows_free(d, dst);
    return s;
}

/* ---- Goldilocks ---- */

/* Extends rows; every row of the result is computed again. */
static p_status extend(card_run *run, hls_row *in, hls_row *out, p_err *err)
{
    card_device *d = run->device;
    drv_matrix matrix = {.data = in->w, .columns = DRV_BLOCK_COLUMNS, .log_rows = LOG_ROWS};
    card_rows *src = NULL, *tmp = NULL, *dst = NULL;
    uint64_t row[2 * ROWS];
    card_command c = {0};
    p_status s = card_rows_alloc(d, CARD_SIDE_A, ROWS, &src, err);

    if (s == P_OK)
        s = card_rows_alloc(d, CARD_SIDE_B, 2 * ROWS, &tmp, err);
    if (s == P_OK)
        s = card_rows_alloc(d, CARD_SIDE_A, 2 * ROWS, &dst, err);
    if (s == P_OK)
        s = card_write(run, &c, src, 0, ROWS, in, err);
    if (s == P_OK)
        s = card_finish(run, &c, err);
    if (s == P_OK)
        s = card_start_kernel(run, &c, gl_lde, 0, 1000000, err, .src = card_at(src),
                              .tmp = card_at(tmp), .dst = card_at(dst),
                              .mode = card_number(HLS_EXTEND), .log_in = card_number(LOG_ROWS),
                              .log_out = card_number(LOG_ROWS + 1), .scale = card_number(7));
    if (s == P_OK)
        s = card_finish(run, &c, err);
    if (s == P_OK)
        s = card_read(run, &c, dst, 0, 2 * ROWS, out, err);
    if (s == P_OK)
        s = card_finish(run, &c, err);
    s = card_end(run, s, err);
    card_rows_free(d, src);
    card_rows_free(d, tmp);
    card_rows_free(d, dst);
    for (unsigned i = 0; i < 2 * ROWS; i++)
        row[i] = i;
    return s == P_OK ? drv_check_rows(&matrix, DRV_VALUES, 1, row, 2 * ROWS, out->w, err) : s;
}

static p_status test_gl_lde(card_run *run, p_err *err)
{
    uint64_t(*words)[ROWS * HLS_ROW_WORDS] = aligned_alloc(HLS_ROW_BYTES, 4 * sizeof *words);
    hls_row *rows = (void *)words;
    drv_ntt_job job = {.layout = DRV_BLOCKED,
                       .log_n = LOG_ROWS,
                       .columns = DRV_BLOCK_COLUMNS,
                       .shift = {UINT64_C(0x123456789abcdef)}};
    p_status s;

    if (!words)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a test");
    fill(words[0], ROWS * HLS_ROW_WORDS, 2);
    s = extend(run, rows, rows + 2 * ROWS, err);
    memcpy(words[1], words[0], sizeof *words);
    job.data = words[1];
    run->done = 0;
    if (s == P_OK)
        s = card_ntt(run, &job, err);
    job.inverse = true;
    run->done = 0;
    if (s == P_OK)
        s = card_ntt(run, &job, err);
    for (unsigned i = 0; i < ROWS * HLS_ROW_WORDS && s == P_OK; i++)
        if (words[1][i] != gl_from_u64(words[0][i]))
            s = wrong("a transform and its inverse", err);
    free(words);
    return s;
}

/* A commitment of leaves, of which all are opened. */
static p_status commit(card_run *run, drv_hash hash, uint32_t log_rows, uint32_t columns,
                       p_err *err)
{
    enum { OPENED = 16 };
    card_device *d = run->device;
    uint64_t words = drv_matrix_words(columns, log_rows), rows[OPENED];
    uint64_t *data = aligned_alloc(HLS_ROW_BYTES, words * sizeof *data);
    drv_commit_job job = {.in = {.data = data, .columns = columns, .log_rows = log_rows},
                          .input = DRV_LEAVES,
                          .hash = hash};
    card_commitment c = {0};
    uint64_t *values = NULL, *paths = NULL;
    p_status s;

    if (!data)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a test");
    fill(data, words, 3);
    s = card_commit_begin(d, &job, &c, err);
    if (s == P_OK)
        s = card_commit_make(run, &c, data, err);
    if (s == P_OK) {
        values = calloc((size_t)OPENED * columns, sizeof *values);
        paths = calloc((size_t)OPENED * c.shape.path_digests * DRV_DIGEST_WORDS, sizeof *paths);
        if (!values || !paths)
            s = p_err_set(err, P_EEXHAUSTED, "no memory for a test");
    }
    for (uint64_t i = 0; i < OPENED; i++)
        rows[i] = (i << log_rows) / OPENED + i % (((uint64_t)1 << log_rows) / OPENED);
    if (s == P_OK)
        s = card_open_rows(run, &c, rows, OPENED, values, paths, err);
    if (s == P_OK)
        s = drv_checker_opening(d->checker, &c.shape, c.cap, rows, OPENED, values, paths, err);
    free(paths);
    free(values);
    card_commit_free(d, &c);
    free(data);
    return s;
}

static p_status permute(card_run *run, drv_field field, uint32_t width, uint64_t count,
                        drv_form form, p_err *err)
{
    uint64_t states[8 * GL_POSEIDON_WIDTH + 2 * 4 * BN_POSEIDON_MAX_WIDTH];
    drv_poseidon_job job = {
        .field = field, .width = width, .form = form, .count = count, .states = states};

    fill(states, sizeof states / sizeof *states, 4);
    if (field == DRV_BN254_FR)
        for (size_t i = 3; i < sizeof states / sizeof *states; i += 4)
            states[i] >>= 3; /* below r */
    run->done = 0;
    return card_permute(run, &job, err); /* which computes as few again all of them */
}

static p_status test_gl_merkle(card_run *run, p_err *err)
{
    p_status s = permute(run, DRV_GOLDILOCKS, GL_POSEIDON_WIDTH, 8, DRV_CANONICAL, err);

    return s == P_OK ? commit(run, DRV_HASH_GL, LOG_ROWS + 2, 9, err) : s;
}

/* ---- BN254 ---- */

static p_status test_fr_ntt(card_run *run, p_err *err)
{
    enum { LOG_N = LOG_ROWS + 1, N = 1 << LOG_N };
    static const bn_fr ROOT = BN_FR_ROOT_INIT;
    bn_fr *in = aligned_alloc(HLS_ROW_BYTES, 2 * N * sizeof *in), *out = in + N;
    drv_ntt_job job = {.field = DRV_BN254_FR, .log_n = LOG_N, .columns = 1, .shift = {5, 6, 7, 8}};
    bn_fr omega = ROOT, point = ROOT;
    p_status s;

    if (!in)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a test");
    fill(in->l, 4 * N, 5);
    for (unsigned i = 0; i < N; i++)
        in[i].l[3] >>= 3;
    memcpy(out, in, N * sizeof *in);
    job.data = out->l;
    run->done = 0;
    s = card_ntt(run, &job, err);
    if (s == P_OK && !bn_fr_set_words(&point, job.shift))
        s = wrong("the CPU", err);
    for (unsigned i = LOG_N; i < BN_FR_TWO_ADICITY; i++)
        bn_fr_sqr(&omega, &omega);
    for (unsigned k = 0; k < N && s == P_OK; k++, bn_fr_mul(&point, &point, &omega)) {
        bn_fr sum;

        if (k % 8 != 0) /* one in eight is enough: each has all inputs, each step many outputs */
            continue;
        bn_fr_set_zero(&sum);
        for (unsigned j = N; j-- > 0;) {
            bn_fr_mul(&sum, &sum, &point);
            bn_fr_add(&sum, &sum, &in[j]);
        }
        if (!bn_fr_eq(&sum, &out[k]))
            s = wrong("a transform", err);
    }
    job.inverse = true;
    run->done = 0;
    if (s == P_OK)
        s = card_ntt(run, &job, err);
    if (s == P_OK && memcmp(in, out, N * sizeof *in) != 0)
        s = wrong("a transform and its inverse", err);
    free(in);
    return s;
}

static p_status test_bn_poseidon(card_run *run, p_err *err)
{
    p_status s = permute(run, DRV_BN254_FR, BN_POSEIDON_MAX_WIDTH, 2, DRV_MONTGOMERY, err);

    if (s == P_OK)
        s = permute(run, DRV_BN254_FR, 3, 2, DRV_CANONICAL, err);
    return s == P_OK ? commit(run, DRV_HASH_BN254, 4, 5, err) : s;
}

static p_status test_bn_msm_g1(card_run *run, p_err *err)
{
    enum { COUNT = 20, FIRST = 3 };
    bn_g1 point[COUNT + FIRST];
    uint64_t scalar[COUNT][4], found[8];
    card_points points = {.points = point[0].x.l, .count = COUNT + FIRST};
    drv_msm_job job = {.scalars = scalar[0], .first = FIRST, .count = COUNT, .out = found};
    bn_g1x sum, term;
    bn_g1 g, expected;
    p_status s;

    bn_g1_generator(&g);
    bn_g1x_set(&sum, &g);
    for (unsigned i = 0; i < COUNT + FIRST; i++) {
        bn_g1x_get(&point[i], &sum);
        bn_g1x_dbl(&sum, &sum);
        bn_g1x_add_affine(&sum, &sum, &g);
    }
    fill(scalar[0], sizeof scalar / 8, 6);
    bn_g1x_set_zero(&sum);
    for (unsigned i = 0; i < COUNT; i++) {
        scalar[i][3] >>= 3;
        bn_g1_mul_var(&term, &point[FIRST + i], scalar[i]);
        bn_g1x_add(&sum, &sum, &term);
    }
    bn_g1x_get(&expected, &sum);
    s = card_msm(run, &points, &job, err);
    if (s == P_OK && memcmp(&expected, found, sizeof found) != 0)
        s = wrong("a sum of points", err);
    card_rows_free(run->device, points.rows);
    return s;
}

p_status card_self_test(card_run *run, p_err *err)
{
    static p_status (*const TEST[CARD_KERNELS])(card_run *, p_err *) = {
#define TEST_OF(name, arguments) [CARD_##name] = test_##name,
        HLS_KERNELS(TEST_OF)};
    card_device *d = run->device;
    uint64_t limit = d->info.memory_bytes;
    p_status s = P_OK;

    d->info.memory_bytes = UINT64_MAX; /* the limit is that of jobs */
    for (unsigned i = 0; i < CARD_KERNELS && s == P_OK; i++) {
        if (d->caps.units[i] == 0)
            continue;
        s = TEST[i](run, err);
        if (s != P_OK) /* P_EDEVICE, but for a machine or a card without memory */
            p_err_prefix(err, "self-test of kernel %s", card_kernel_name((card_kernel)i));
    }
    s = card_end(run, s, err);
    memset(d->pinned, 0, sizeof d->pinned);
    card_rows_trim(d);
    d->info.memory_bytes = limit;
    return s;
}
