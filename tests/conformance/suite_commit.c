/* DRV_COMMIT with DRV_OPEN and DRV_READ, over both hashes. */
#include "driver/check.h"
#include "tests/conformance/model.h"
#include "tests/conformance/reference_gl.h"
#include "tests/conformance/suite.h"

#include <stdlib.h>
#include <string.h>

/* what one commitment is checked with */
typedef struct commit_case {
    drv_job job;
    drv_handle *handle;
    drv_commitment shape;
    model m;
    bool modelled; /* m is there */
    const ref_bn_hash *bn;
} commit_case;

static const char *const INPUT[] = {"values", "coefficients", "leaves"};

static uint64_t leaves_of(const commit_case *c)
{
    return UINT64_C(1) << (c->job.commit.in.log_rows + c->job.commit.log_blowup);
}

static void check_shape(suite *s, commit_case *c)
{
    const drv_commit_job *job = &c->job.commit;
    uint32_t log_leaves = job->in.log_rows + job->log_blowup;
    uint32_t levels = (log_leaves - job->cap_log2) / (job->hash == DRV_HASH_GL ? 1 : 4);

    suite_check(s, drv_commitment_info(c->handle, &c->shape) == P_OK,
                "drv_commitment_info refuses a commitment");
    suite_check(s,
                c->shape.columns == job->in.columns && c->shape.log_leaves == log_leaves &&
                    c->shape.cap_log2 == job->cap_log2 && c->shape.hash == job->hash &&
                    c->shape.levels == levels &&
                    c->shape.path_digests == levels * (job->hash == DRV_HASH_GL ? 1 : 15),
                "the commitment says %u columns, 2^%u leaves, cap 2^%u, %u levels, %u digests a "
                "path",
                c->shape.columns, c->shape.log_leaves, c->shape.cap_log2, c->shape.levels,
                c->shape.path_digests);
}

static void open_rows(suite *s, const commit_case *c, uint32_t count)
{
    uint64_t columns = c->shape.columns, path_words = (uint64_t)c->shape.path_digests * 4;
    uint64_t *rows = suite_words(s, count), *values = suite_words(s, count * columns);
    uint64_t *paths = suite_words(s, count * path_words), *path;
    drv_job job = {.op = DRV_OPEN, .open = {c->handle, rows, count, values, paths}};
    p_status status;
    p_err err = {0};

    for (uint32_t i = 0; i < count; i++)
        rows[i] = suite_below(s, leaves_of(c));
    if (count >= leaves_of(c))
        for (uint64_t i = 0; i < leaves_of(c); i++)
            rows[i] = i; /* every leaf, then repeats */
    else if (count > 2)
        rows[0] = 0, rows[1] = leaves_of(c) - 1, rows[2] = rows[1];
    suite_keep(s, rows);
    if (!suite_run(s, &job))
        return;
    suite_digest(s, values, count * columns);
    suite_digest(s, paths, count * path_words);
    path = suite_need(malloc(path_words * 8 + 8));
    for (uint32_t i = 0; i < count; i++) {
        if (c->modelled) {
            model_path(&c->m, rows[i], path);
            suite_same(s, values + i * columns, c->m.leaves + rows[i] * columns, columns,
                       "opened row");
            suite_same(s, paths + i * path_words, path, path_words, "path");
        } else {
            suite_check(s,
                        model_verify(&c->shape, c->bn, c->job.commit.cap, rows[i],
                                     values + i * columns, paths + i * path_words),
                        "row %llu and its path do not lead to the cap",
                        (unsigned long long)rows[i]);
        }
    }
    free(path);
    /* the checks that users of the library have must agree; over BN254 each call derives constants
     * anew, which takes longer than the rest of such a small case */
    if (c->bn && suite_below(s, 8))
        return;
    status = drv_check_opening(&c->shape, c->job.commit.cap, rows, count, values, paths, &err);
    suite_check(s, status == P_OK, "drv_check_opening answers %s: %s", p_status_name(status),
                err.text);
    if (count > 2 && ((uint64_t)c->job.commit.in.columns << c->job.commit.in.log_rows) < 1 << 21)
        count = 2;
    else if (count > 1)
        count = 1;
    status = drv_check_rows(&c->job.commit.in, c->job.commit.input, c->job.commit.log_blowup, rows,
                            count, values, &err);
    suite_check(s, status == P_OK, "drv_check_rows answers %s: %s", p_status_name(status),
                err.text);
}

/* expected: a column after the other, of the rectangle's columns only; NULL: the model */
static void read_rectangle(suite *s, const commit_case *c, uint64_t row, uint64_t rows,
                           uint32_t column, uint32_t columns, const uint64_t *expected)
{
    uint64_t *out = suite_words(s, rows * columns), bad = 0;
    drv_job job = {.op = DRV_READ, .read = {c->handle, row, rows, column, columns, out}};

    if (!suite_run(s, &job))
        return;
    suite_digest(s, out, rows * columns);
    for (uint64_t i = 0; i < rows; i++)
        for (uint32_t k = 0; k < columns; k++)
            bad += out[i * columns + k] !=
                   (expected ? expected[k * rows + i]
                             : c->m.leaves[(row + i) * c->m.columns + column + k]);
    suite_check(s, !bad, "reading rows %llu + %llu, columns %u + %u: %llu words are wrong",
                (unsigned long long)row, (unsigned long long)rows, column, columns,
                (unsigned long long)bad);
}

static void read_parts(suite *s, const commit_case *c)
{
    uint64_t leaves = leaves_of(c), *column;
    uint32_t columns = c->shape.columns, which;

    if (c->modelled) {
        read_rectangle(s, c, 0, leaves, 0, columns, NULL);
        for (unsigned i = 0; i < 3; i++) {
            uint64_t row = suite_below(s, leaves);
            uint32_t first = (uint32_t)suite_below(s, columns);

            read_rectangle(s, c, row, 1 + suite_below(s, leaves - row), first,
                           1 + (uint32_t)suite_below(s, columns - first), NULL);
        }
        if (columns >= DRV_BLOCK_COLUMNS) { /* a whole block */
            uint64_t row = suite_below(s, leaves);
            uint64_t block = suite_below(s, columns / DRV_BLOCK_COLUMNS);

            read_rectangle(s, c, row, 1 + suite_below(s, leaves - row),
                           (uint32_t)block * DRV_BLOCK_COLUMNS, DRV_BLOCK_COLUMNS, NULL);
        }
        return;
    }
    which = (uint32_t)suite_below(s, columns);
    column = suite_need(malloc(leaves * 8));
    model_column(&c->job.commit.in, c->job.commit.input, c->job.commit.log_blowup, which, column);
    read_rectangle(s, c, 0, leaves, which, 1, column);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t row = suite_below(s, leaves);

        read_rectangle(s, c, row, 1 + suite_below(s, leaves - row), which, 1, column + row);
    }
    free(column);
}

static void compare_caps(suite *s, const commit_case *c)
{
    drv_job job = c->job;
    uint64_t words = UINT64_C(4) << job.commit.cap_log2;
    drv_handle *handle = NULL;

    job.commit.cap = suite_words(s, words);
    job.commit.out = &handle;
    if (suite_run_on(s, s->compare, &job))
        suite_same(s, c->job.commit.cap, job.commit.cap, words, "another cap than device cpu");
    drv_release(handle);
}

static void commit_run(suite *s, const drv_commit_job *shape, const ref_bn_hash *bn)
{
    commit_case c = {.job = {.op = DRV_COMMIT, .commit = *shape}, .bn = bn};
    uint64_t in_words = drv_matrix_words(shape->in.columns, shape->in.log_rows);
    uint64_t cap_words = UINT64_C(4) << shape->cap_log2;
    double budget = s->o->effort == 2 ? 400e3 : 20e3;

    suite_at(s, "commit of 2^%u x %u %s, blow-up 2^%u, cap 2^%u, hash %s", shape->in.log_rows,
             shape->in.columns, INPUT[shape->input], shape->log_blowup, shape->cap_log2,
             shape->hash == DRV_HASH_GL ? "Goldilocks" : "BN254");
    /* columns that only fill up the last block are filled, too: they do not count */
    c.job.commit.in.data = suite_words(s, in_words);
    suite_fill_gl(s, c.job.commit.in.data, in_words);
    suite_keep(s, c.job.commit.in.data);
    c.job.commit.cap = suite_words(s, cap_words);
    c.job.commit.out = &c.handle;
    c.handle = (drv_handle *)&c; /* not NULL: has to be set */
    if (suite_run(s, &c.job)) {
        uint32_t count = 12;

        suite_digest(s, c.job.commit.cap, cap_words);
        check_shape(s, &c);
        c.modelled = model_cost(shape->hash, shape->in.columns, c.shape.log_leaves) < budget;
        if (c.modelled) {
            model_make(&c.m, &c.job.commit, bn);
            suite_same(s, c.job.commit.cap, model_cap(&c.m), cap_words, "cap");
        } else if (s->compare) {
            compare_caps(s, &c);
        }
        if (leaves_of(&c) <= 64)
            count = (uint32_t)leaves_of(&c) + 3;
        if (c.shape.hash == DRV_HASH_BN254 && count > 4)
            count = 4;
        open_rows(s, &c, 1);
        open_rows(s, &c, count);
        read_parts(s, &c);
        drv_release(c.handle);
        if (c.modelled)
            model_free(&c.m);
    }
    suite_free_all(s);
}

static const uint32_t COLUMNS[] = {1, 2, 7, 8, 9, 16, 63, 100};
#define COLUMN_COUNTS (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

/* a height of the cap that the hash allows, among them often the lowest and the highest */
static uint32_t pick_cap(suite *s, drv_hash hash, uint32_t log_leaves)
{
    uint32_t step = hash == DRV_HASH_GL ? 1 : 4, choices = log_leaves / step + 1;
    uint64_t choice = suite_random(s);

    if ((choice & 3) == 0)
        return log_leaves % step;
    if ((choice & 7) == 1 && log_leaves < 14)
        return log_leaves;
    return log_leaves - step * (uint32_t)((choice >> 3) % choices);
}

static void one_commit(suite *s, const ref_bn_hash *bn, uint32_t log_rows, uint32_t columns,
                       uint32_t log_blowup, drv_input input)
{
    drv_commit_job job = {.in = {.columns = columns, .log_rows = log_rows},
                          .input = input,
                          .hash = bn ? DRV_HASH_BN254 : DRV_HASH_GL,
                          .log_blowup = input == DRV_LEAVES ? 0 : log_blowup};

    job.cap_log2 = pick_cap(s, job.hash, log_rows + job.log_blowup);
    commit_run(s, &job, bn);
}

/* up to this many leaves all combinations, then some in turn */
static void commit_grid(suite *s, const ref_bn_hash *bn)
{
    static const uint32_t BLOWUP[] = {0, 1, 2, 3, 4, 8};
    uint32_t max = s->o->max_log2, dense = s->o->effort == 0 ? 1 : bn ? 2 : 3;
    uint32_t middle = s->o->effort == 0 ? 4 : bn ? 5 : 8;
    uint32_t turn = 0;

    for (uint32_t log_rows = s->o->min_log2; log_rows <= max; log_rows++) {
        uint32_t cases = log_rows <= 12 ? 6 : log_rows <= 14 ? 3 : log_rows <= 16 ? 2 : 1;

        if (log_rows <= dense || s->o->effort == 2) {
            for (unsigned c = 0; c < COLUMN_COUNTS; c++)
                for (unsigned b = 0; b < 6; b++)
                    for (unsigned input = 0; input < 3; input++) {
                        uint32_t leaves = log_rows + (input == DRV_LEAVES ? 0 : BLOWUP[b]);

                        if ((input == DRV_LEAVES && b) || leaves > (max > 8 ? max + 1 : 11) ||
                            drv_matrix_words(COLUMNS[c], leaves) > UINT64_C(1) << 26 ||
                            (log_rows > dense && BLOWUP[b] == 8))
                            continue;
                        one_commit(s, bn, log_rows, COLUMNS[c], BLOWUP[b], (drv_input)input);
                    }
            continue;
        }
        if (log_rows <= middle) {
            for (unsigned c = 0; c < COLUMN_COUNTS; c++)
                for (unsigned input = 0; input < 3; input++, turn++)
                    one_commit(s, bn, log_rows, COLUMNS[c], BLOWUP[turn % 5], (drv_input)input);
            continue;
        }
        if (bn && log_rows > 12)
            cases = log_rows <= 15;
        for (unsigned k = 0; k < cases; k++, turn++) {
            /* from 2^15 rows on what a portable tree of the size takes sets the columns */
            uint32_t columns = log_rows <= 12 && !bn ? COLUMNS[turn % COLUMN_COUNTS]
                               : log_rows <= 16      ? COLUMNS[turn % 6]
                                                     : 1 + 2 * (turn % 5);
            uint32_t log_blowup = log_rows <= 12   ? BLOWUP[turn % 5]
                                  : log_rows <= 16 ? 1 + turn % 2
                                                   : 1;

            if (bn && log_rows + log_blowup > 16)
                log_blowup = 16 > log_rows ? 16 - log_rows : 0;
            one_commit(s, bn, log_rows, bn && log_rows > 8 ? 1 + turn % 5 : columns, log_blowup,
                       (drv_input)(turn % 3));
        }
    }
}

void suite_commit_gl(suite *s)
{
    commit_grid(s, NULL);
    if (s->o->effort > 0 && !s->o->min_log2) {
        one_commit(s, NULL, 1, DRV_MAX_COLUMNS, 1, DRV_VALUES);
        one_commit(s, NULL, 0, DRV_MAX_COLUMNS - 1, 0, DRV_LEAVES);
    }
}

void suite_commit_bn(suite *s)
{
    /* around the chunks of 48 columns that one permutation takes */
    static const uint32_t EDGE[] = {3, 4, 45, 46, 47, 48, 49, 50, 51, 95, 96, 97};
    ref_bn_hash bn;

    ref_bn_hash_make(&bn);
    for (unsigned i = 0; i < sizeof(EDGE) / sizeof(EDGE[0]) && !s->o->min_log2; i++)
        one_commit(s, &bn, i % 3, EDGE[i], i % 2, DRV_VALUES);
    commit_grid(s, &bn);
    ref_bn_hash_free(&bn);
}
