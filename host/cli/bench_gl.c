/* Works over Goldilocks: transforms, extensions, permutations, trees, commitments. */
#include "host/cli/bench_work.h"

#include <stdlib.h>
#include <string.h>

#define POSEIDON_MULS 472.0 /* 8 * 12 + 22 S-boxes of four; the linear layer has none */
#define LOG_BLOWUP 1
#define SAMPLE_ROWS 4

static uint64_t element(const bench_load *l, uint64_t row, uint32_t column)
{
    return gl_from_u64(bench_word(row * l->columns + column));
}

/* A blocked matrix of 2^log_n rows. */
static p_status fill_matrix(bench_load *l, p_err *err)
{
    uint64_t rows = UINT64_C(1) << l->log_n;

    (void)err;
    for (uint64_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < l->columns; c++)
            l->data[(c / 8 * rows + r) * 8 + c % 8] = element(l, r, c);
    return P_OK;
}

static uint64_t data_digest(bench_load *l)
{
    return bench_digest(l->data, l->data_words);
}

/* ---- transforms ---- */

static p_status ntt_shape(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n;

    (void)err;
    l->data_words = l->columns == 1 ? n : drv_matrix_words(l->columns, l->log_n);
    l->job = (drv_job){.op = DRV_NTT,
                       .ntt = {.field = DRV_GOLDILOCKS,
                               .layout = l->columns == 1 ? DRV_COLUMNS : DRV_BLOCKED,
                               .log_n = l->log_n,
                               .columns = l->columns,
                               .shift = {1, 0, 0, 0}}};
    l->units = (double)(n / 2) * l->log_n * l->columns;
    l->gl_muls = l->units; /* one a butterfly */
    l->moved_bytes = 16.0 * (double)n * l->columns;
    return P_OK;
}

static p_status ntt_fill(bench_load *l, p_err *err)
{
    l->job.ntt.data = l->data;
    if (l->columns > 1)
        return fill_matrix(l, err);
    for (uint64_t i = 0; i < l->data_words; i++)
        l->data[i] = element(l, i, 0);
    return P_OK;
}

/* y[k] = sum of x[j] w^jk, by Horner's rule, for two k of the first and the last column */
static p_status ntt_verify(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n;
    const uint64_t places[2] = {n - 1, n / 3};

    for (int p = 0; p < 2; p++)
        for (uint32_t c = 0; c<l->columns; c += l->columns> 1 ? l->columns - 1 : 1) {
            gl_t x = gl_pow_var(gl_root_of_unity(l->log_n), places[p]), y = 0;
            uint64_t at = l->columns == 1 ? places[p] : (c / 8 * n + places[p]) * 8 + c % 8;

            for (uint64_t j = n; j-- > 0;)
                y = gl_add(gl_mul(y, x), element(l, j, c));
            if (l->data[at] != y)
                return bench_wrong(l, "a sum of the definition", err);
        }
    return P_OK;
}

/* The column's polynomial at the row's point 7 w^row, from its values: for f of degree below n,
 * f(x) = (x^n - 1) / n * sum of v_j g^j / (x - g^j), g of order n. */
static gl_t extended(const bench_load *l, uint64_t row, uint32_t column)
{
    uint64_t n = UINT64_C(1) << l->log_n;
    gl_t x = gl_mul(7, gl_pow_var(gl_root_of_unity(l->log_n + LOG_BLOWUP), row)), sum = 0,
         power = 1;
    gl_t g = gl_root_of_unity(l->log_n);

    for (uint64_t j = 0; j < n; j++) {
        gl_t v = gl_mul(element(l, j, column), power);

        sum = gl_add(sum, gl_mul(v, gl_inv(gl_sub(x, power))));
        power = gl_mul(power, g);
    }
    return gl_mul(gl_mul(sum, gl_sub(gl_pow_var(x, n), 1)), gl_inv(n));
}

/* ---- permutations ---- */

static p_status poseidon_shape(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n;

    (void)err;
    l->data_words = n * GL_POSEIDON_WIDTH;
    l->job =
        (drv_job){.op = DRV_POSEIDON,
                  .poseidon = {.field = DRV_GOLDILOCKS, .width = GL_POSEIDON_WIDTH, .count = n}};
    l->units = (double)n;
    l->gl_muls = POSEIDON_MULS * l->units;
    l->moved_bytes = 16.0 * (double)l->data_words;
    return P_OK;
}

static p_status poseidon_fill(bench_load *l, p_err *err)
{
    (void)err;
    l->job.poseidon.states = l->data;
    for (uint64_t i = 0; i < l->data_words; i++)
        l->data[i] = bench_word(i);
    return P_OK;
}

static p_status poseidon_verify(bench_load *l, p_err *err)
{
    uint64_t n = UINT64_C(1) << l->log_n, step = n > 64 ? n / 64 : 1;

    for (uint64_t k = 0; k < n; k += step) {
        gl_t x[GL_POSEIDON_WIDTH];

        for (uint64_t i = 0; i < GL_POSEIDON_WIDTH; i++)
            x[i] = gl_from_u64(bench_word(k * GL_POSEIDON_WIDTH + i));
        gl_poseidon_permute_portable(x);
        if (memcmp(x, l->data + k * GL_POSEIDON_WIDTH, sizeof x) != 0)
            return bench_wrong(l, "a permutation in plain C", err);
    }
    return P_OK;
}

/* ---- trees and commitments ---- */

static p_status commit_shape(bench_load *l, drv_input input, uint32_t log_blowup)
{
    uint32_t log_leaves = l->log_n + log_blowup;
    double leaves = (double)(UINT64_C(1) << log_leaves);

    l->data_words = drv_matrix_words(l->columns, l->log_n);
    l->job = (drv_job){
        .op = DRV_COMMIT,
        .commit = {.in = {.columns = l->columns, .log_rows = l->log_n},
                   .input = input,
                   .hash = DRV_HASH_GL,
                   .log_blowup = log_blowup,
                   .cap_log2 = log_leaves < BENCH_CAP_MAX_LOG2 ? log_leaves : BENCH_CAP_MAX_LOG2,
                   .cap = l->cap,
                   .out = &l->handle}};
    l->gl_muls = POSEIDON_MULS * leaves * (double)(drv_blocks(l->columns) + 1);
    l->moved_bytes = leaves * (8.0 * l->columns + 64);
    return P_OK;
}

static p_status tree_shape(bench_load *l, p_err *err)
{
    (void)err;
    /* permutations: one a block of each leaf, and one a node */
    l->units = (double)(UINT64_C(1) << l->log_n) * (double)(drv_blocks(l->columns) + 1);
    return commit_shape(l, DRV_LEAVES, 0);
}

static p_status extend_shape(bench_load *l, p_err *err)
{
    double n = (double)(UINT64_C(1) << l->log_n);
    p_status s = commit_shape(l, DRV_VALUES, LOG_BLOWUP);

    (void)err;
    l->units = 2 * n * l->columns;
    l->gl_muls += (n / 2 * l->log_n + n + n * (l->log_n + LOG_BLOWUP)) * l->columns;
    return s;
}

/* An extension is a part of a commitment and has no job of its own: it is the commitment's time
 * less that of a tree over as many leaves, one after the other in each repetition. */
static p_status lde_shape(bench_load *l, p_err *err)
{
    double n = (double)(UINT64_C(1) << l->log_n);
    p_status s = extend_shape(l, err);

    l->more_words = drv_matrix_words(l->columns, l->log_n + LOG_BLOWUP);
    /* a multiplication a butterfly, and one for shift and 1/n */
    l->gl_muls = (n / 2 * l->log_n + n + n * (l->log_n + LOG_BLOWUP)) * l->columns;
    l->moved_bytes = 8 * 3 * n * l->columns;
    return s;
}

/* The job's places are in the load, which may have been copied since its shape was set. */
static p_status commit_fill(bench_load *l, p_err *err)
{
    l->job.commit.in.data = l->data;
    l->job.commit.cap = l->cap;
    l->job.commit.out = &l->handle;
    return fill_matrix(l, err);
}

static p_status lde_fill(bench_load *l, p_err *err)
{
    for (uint64_t i = 0; i < l->more_words; i++)
        l->more[i] = i; /* hashing takes as long for any leaves */
    return commit_fill(l, err);
}

static p_status lde_tree(bench_load *l, p_err *err)
{
    uint64_t cap[DRV_DIGEST_WORDS << BENCH_CAP_MAX_LOG2];
    drv_handle *handle = NULL;
    drv_job job = l->job;

    job.commit.in.data = l->more;
    job.commit.in.log_rows += LOG_BLOWUP;
    job.commit.input = DRV_LEAVES;
    job.commit.log_blowup = 0;
    job.commit.cap = cap;
    job.commit.out = &handle;
    p_status s = drv_run(l->device, &job, BENCH_TIMEOUT_MS, err);
    drv_release(handle);
    return s;
}

static uint64_t cap_digest(bench_load *l)
{
    return bench_digest(l->cap, (uint64_t)DRV_DIGEST_WORDS << l->job.commit.cap_log2);
}

/* leaf and path in plain C, up to the cap */
static bool leads_to_cap(const bench_load *l, const gl_t *values, const gl_t *path, uint64_t row,
                         uint32_t levels)
{
    gl_t x[GL_POSEIDON_WIDTH] = {0}, d[DRV_DIGEST_WORDS];

    x[GL_POSEIDON_RATE] = 1;
    for (uint32_t c = 0; c < l->columns; c += 8) {
        uint32_t n = l->columns - c < 8 ? l->columns - c : 8;

        memset(x, 0, GL_POSEIDON_RATE * sizeof *x);
        memcpy(x, values + c, n * sizeof *x);
        gl_poseidon_permute_portable(x); /* the capacity stays as it is */
    }
    memcpy(d, x, sizeof d);
    for (uint32_t k = 0; k < levels; k++) {
        bool right = row >> k & 1;

        memset(x, 0, sizeof x);
        memcpy(x + (right ? 4 : 0), d, sizeof d);
        memcpy(x + (right ? 0 : 4), path + (uint64_t)k * DRV_DIGEST_WORDS, sizeof d);
        gl_poseidon_permute_portable(x);
        memcpy(d, x, sizeof d);
    }
    return memcmp(d, l->cap + (row >> levels) * DRV_DIGEST_WORDS, sizeof d) == 0;
}

static p_status commit_verify(bench_load *l, p_err *err)
{
    uint32_t log_leaves = l->log_n + l->job.commit.log_blowup;
    uint32_t levels = log_leaves - l->job.commit.cap_log2, last = l->columns - 1;
    uint64_t leaves = UINT64_C(1) << log_leaves;
    uint64_t rows[SAMPLE_ROWS] = {0, leaves - 1, leaves / 3, leaves / 7 * 2};
    gl_t *values = calloc((size_t)SAMPLE_ROWS * l->columns, sizeof *values);
    gl_t *paths = calloc((size_t)SAMPLE_ROWS * levels + 1, DRV_DIGEST_WORDS * sizeof *paths);
    drv_job job = {.op = DRV_OPEN,
                   .open = {.commitment = l->handle,
                            .rows = rows,
                            .count = SAMPLE_ROWS,
                            .values = values,
                            .paths = paths}};
    p_status s = values && paths ? drv_run(l->device, &job, BENCH_TIMEOUT_MS, err)
                                 : p_err_set(err, P_EEXHAUSTED, "no memory");

    for (uint64_t i = 0; i < SAMPLE_ROWS && s == P_OK; i++) {
        const gl_t *row = values + i * l->columns;
        bool first = l->job.commit.input == DRV_LEAVES ? row[0] == element(l, rows[i], 0)
                                                       : i > 1 || row[0] == extended(l, rows[i], 0);
        bool end = l->job.commit.input == DRV_LEAVES
                       ? row[last] == element(l, rows[i], last)
                       : i > 1 || row[last] == extended(l, rows[i], last);

        if (!first || !end)
            s = bench_wrong(l, "a value by interpolation", err);
        else if (!leads_to_cap(l, row, paths + i * levels * DRV_DIGEST_WORDS, rows[i], levels))
            s = bench_wrong(l, "a path in plain C", err);
    }
    free(paths);
    free(values);
    return s;
}

const bench_work bench_gl_works[] = {
    {.name = "gl_ntt",
     .unit = "ns/butterfly",
     .rate_unit = "butterflies",
     .scale = 1e9,
     .per_unit = true,
     .has_columns = true,
     .max_log_n = 26,
     .log_n = 20,
     .columns = 100,
     .quick_log_n = 10,
     .quick_columns = 9,
     .check_log_n = 12,
     .checked = "sums of the definition",
     .shape = ntt_shape,
     .fill = ntt_fill,
     .digest = data_digest,
     .verify = ntt_verify},
    {.name = "gl_ntt_column",
     .unit = "ms",
     .rate_unit = "butterflies",
     .scale = 1e3,
     .max_log_n = 30,
     .log_n = 22,
     .quick_log_n = 10,
     .check_log_n = 16,
     .checked = "sums of the definition",
     .shape = ntt_shape,
     .fill = ntt_fill,
     .digest = data_digest,
     .verify = ntt_verify},
    {.name = "gl_lde",
     .unit = "s",
     .rate_unit = "outputs",
     .scale = 1,
     .has_columns = true,
     .max_log_n = 26,
     .log_n = 18,
     .columns = 100,
     .quick_log_n = 10,
     .quick_columns = 9,
     .check_log_n = 8,
     .checked = "values by interpolation, paths in plain C",
     .shape = lde_shape,
     .fill = lde_fill,
     .minus = lde_tree,
     .digest = cap_digest,
     .verify = commit_verify},
    {.name = "gl_poseidon",
     .unit = "us",
     .rate_unit = "permutations",
     .scale = 1e6,
     .per_unit = true,
     .max_log_n = 28,
     .log_n = 16,
     .quick_log_n = 8,
     .check_log_n = 10,
     .checked = "permutations in plain C",
     .shape = poseidon_shape,
     .fill = poseidon_fill,
     .digest = data_digest,
     .verify = poseidon_verify},
    {.name = "gl_merkle",
     .unit = "s",
     .rate_unit = "permutations",
     .scale = 1,
     .has_columns = true,
     .max_log_n = 28,
     .log_n = 20,
     .columns = 100,
     .quick_log_n = 8,
     .quick_columns = 9,
     .check_log_n = 8,
     .checked = "paths in plain C",
     .shape = tree_shape,
     .fill = commit_fill,
     .digest = cap_digest,
     .verify = commit_verify},
    {.name = "gl_commit",
     .unit = "s",
     .rate_unit = "outputs",
     .scale = 1,
     .has_columns = true,
     .max_log_n = 26,
     .log_n = 18,
     .columns = 100,
     .quick_log_n = 8,
     .quick_columns = 9,
     .check_log_n = 8,
     .checked = "values by interpolation, paths in plain C",
     .shape = extend_shape,
     .fill = commit_fill,
     .digest = cap_digest,
     .verify = commit_verify},
};
const size_t bench_gl_works_count = sizeof bench_gl_works / sizeof bench_gl_works[0];
