/* DRV_NTT over both fields, and DRV_POSEIDON. */
#include "tests/conformance/reference_bn.h"
#include "tests/conformance/reference_gl.h"
#include "tests/conformance/suite.h"

#include <stdlib.h>
#include <string.h>

static uint64_t place(drv_order order, unsigned log_n, uint64_t i)
{
    uint64_t r = 0;

    if (order == DRV_NATURAL)
        return i;
    for (unsigned bit = 0; bit < log_n; bit++)
        r |= (i >> bit & 1) << (log_n - 1 - bit);
    return r;
}

/* number of the word of element i of column c, before any bit reversal */
static uint64_t word_at(const drv_ntt_job *job, uint64_t c, uint64_t i)
{
    if (job->layout == DRV_COLUMNS)
        return (c << job->log_n) + i;
    return ((c / DRV_BLOCK_COLUMNS << job->log_n) + i) * DRV_BLOCK_COLUMNS + c % DRV_BLOCK_COLUMNS;
}

static uint64_t job_words(const drv_ntt_job *job)
{
    if (job->field == DRV_BN254_FR)
        return ((uint64_t)job->columns << job->log_n) * 4;
    return job->layout == DRV_COLUMNS ? (uint64_t)job->columns << job->log_n
                                      : drv_matrix_words(job->columns, job->log_n);
}

static const char *order_name(drv_order order)
{
    return order == DRV_NATURAL ? "natural" : "bit-reversed";
}

static void say_at(suite *s, const drv_ntt_job *job)
{
    suite_at(s, "%s NTT 2^%u x %u%s%s, %s to %s, shift %016llx",
             job->inverse ? "inverse" : "forward", job->log_n, job->columns,
             job->field == DRV_BN254_FR ? " of Fr" : "",
             job->layout == DRV_BLOCKED ? " blocked" : "", order_name(job->in_order),
             order_name(job->out_order), (unsigned long long)job->shift[0]);
}

/* one column by the reference against what the job made of it */
static void check_gl_column(suite *s, const drv_ntt_job *job, const uint64_t *before, unsigned c)
{
    uint64_t n = UINT64_C(1) << job->log_n;
    uint64_t *x = suite_need(malloc(n * 8)), *y = suite_need(malloc(n * 8));
    char what[64];

    for (uint64_t i = 0; i < n; i++) {
        x[i] = before[word_at(job, c, place(job->in_order, job->log_n, i))];
        y[i] = job->data[word_at(job, c, place(job->out_order, job->log_n, i))];
    }
    if (job->log_n <= 4) {
        uint64_t slow[16];

        ref_gl_dft(slow, x, job->log_n, job->shift[0], job->inverse);
        memcpy(x, slow, n * 8);
    } else {
        ref_gl_ntt(x, job->log_n, job->shift[0], job->inverse);
    }
    snprintf(what, sizeof(what), "column %u", c);
    suite_same(s, y, x, n, what);
    free(x);
    free(y);
}

static void check_fr_column(suite *s, const drv_ntt_job *job, const uint64_t *before, unsigned c)
{
    uint64_t n = UINT64_C(1) << job->log_n;
    ref_n *x = suite_need(malloc(n * sizeof(*x))), *y = suite_need(malloc(n * sizeof(*y)));
    ref_n shift;
    char what[64];

    memcpy(shift.l, job->shift, 32);
    for (uint64_t i = 0; i < n; i++) {
        memcpy(&x[i], before + 4 * word_at(job, c, place(job->in_order, job->log_n, i)), 32);
        memcpy(&y[i], job->data + 4 * word_at(job, c, place(job->out_order, job->log_n, i)), 32);
    }
    if (job->log_n <= 3) {
        ref_n slow[8];

        ref_fr_dft(slow, x, job->log_n, &shift, job->inverse);
        memcpy(x, slow, n * sizeof(*x));
    } else {
        ref_fr_ntt(x, job->log_n, &shift, job->inverse);
    }
    snprintf(what, sizeof(what), "column %u", c);
    suite_same(s, y[0].l, x[0].l, 4 * n, what);
    free(x);
    free(y);
}

/* the whole output: nothing but canonical words, zeros where a block is only filled up */
static void check_gl_words(suite *s, const drv_ntt_job *job)
{
    uint64_t words = job_words(job), large = 0, filling = 0;

    for (uint64_t i = 0; i < words; i++)
        large += job->data[i] >= REF_GL_P;
    suite_check(s, !large, "%llu output words are not canonical", (unsigned long long)large);
    if (job->layout == DRV_BLOCKED)
        for (uint64_t c = job->columns; c < drv_blocks(job->columns) * DRV_BLOCK_COLUMNS; c++)
            for (uint64_t i = 0; i >> job->log_n == 0; i++)
                filling += job->data[word_at(job, c, i)] != 0;
    suite_check(s, !filling, "%llu words of columns that only fill up a block are not 0",
                (unsigned long long)filling);
}

/* back again: the inverse of the job on its output is the canonical input */
static void check_back(suite *s, const drv_ntt_job *job, const uint64_t *before)
{
    drv_job back = {.op = DRV_NTT, .ntt = *job};
    uint64_t n = UINT64_C(1) << job->log_n, words = job->field == DRV_BN254_FR ? 4 : 1, bad = 0;

    back.ntt.inverse = !job->inverse;
    back.ntt.in_order = job->out_order;
    back.ntt.out_order = job->in_order;
    if (!suite_run(s, &back))
        return;
    for (uint64_t c = 0; c < job->columns; c++)
        for (uint64_t i = 0; i < n * words; i++) {
            uint64_t at = words == 4 ? (c << job->log_n) * 4 + i : word_at(job, c, i);
            uint64_t expected = words == 4 ? before[at] : before[at] % REF_GL_P;

            bad += job->data[at] != expected;
        }
    suite_check(s, !bad, "the inverse job does not lead back in %llu words",
                (unsigned long long)bad);
}

/* job without data: runs it on random input and checks everything; columns_checked by the
 * reference */
static void ntt_case(suite *s, const drv_ntt_job *shape, unsigned columns_checked, bool compare,
                     bool back)
{
    drv_job job = {.op = DRV_NTT, .ntt = *shape};
    uint64_t words = job_words(shape), *before;
    bool fr = shape->field == DRV_BN254_FR;

    say_at(s, shape);
    job.ntt.data = suite_words(s, words);
    if (fr)
        suite_fill_fr(s, job.ntt.data, words / 4);
    else
        suite_fill_gl(s, job.ntt.data, words);
    before = suite_need(malloc(words * 8));
    memcpy(before, job.ntt.data, words * 8);
    if (suite_run(s, &job)) {
        unsigned first = (unsigned)suite_below(s, shape->columns);

        suite_digest(s, job.ntt.data, words);
        if (columns_checked > shape->columns)
            columns_checked = shape->columns;
        for (unsigned k = 0; k < columns_checked; k++) {
            unsigned c = (first + k) % shape->columns;

            if (fr)
                check_fr_column(s, &job.ntt, before, c);
            else
                check_gl_column(s, &job.ntt, before, c);
        }
        if (!fr)
            check_gl_words(s, &job.ntt);
        if (compare && s->compare) {
            drv_job other = job;

            other.ntt.data = suite_words(s, words);
            memcpy(other.ntt.data, before, words * 8);
            if (suite_run_on(s, s->compare, &other))
                suite_same(s, job.ntt.data, other.ntt.data, words, "other bits than device cpu");
        }
        if (back)
            check_back(s, &job.ntt, before);
    }
    free(before);
    suite_free_all(s);
}

/* the twelve forms of a transform: direction, orders, layout */
static void set_form(drv_ntt_job *job, unsigned form)
{
    static const drv_order IN[3] = {DRV_NATURAL, DRV_NATURAL, DRV_BIT_REVERSED};
    static const drv_order OUT[3] = {DRV_NATURAL, DRV_BIT_REVERSED, DRV_NATURAL};

    job->inverse = form & 1;
    job->in_order = IN[form / 2 % 3];
    job->out_order = OUT[form / 2 % 3];
    job->layout = form >= 6 ? DRV_BLOCKED : DRV_COLUMNS;
}

static uint64_t pick_gl_shift(suite *s)
{
    static const uint64_t SHIFT[] = {1, 7, REF_GL_P - 1, REF_GL_P + 1, UINT64_MAX, 0xffffffffu, 2};
    uint64_t shift = suite_random(s);

    if (shift & 1)
        shift = SHIFT[(shift >> 1) % 7];
    return shift % REF_GL_P ? shift : 1;
}

static const unsigned COLUMNS[] = {1, 2, 7, 8, 9, 16, 63, 100};
#define COLUMN_COUNTS (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

void suite_gl_ntt(suite *s)
{
    unsigned turn = 0;

    for (unsigned log_n = s->o->min_log2; log_n <= s->o->max_log2; log_n++) {
        /* a reference column takes n * log n * 25 ns */
        unsigned checked = log_n < 16 ? 1u << (16 - log_n) : 1;
        unsigned forms = log_n <= 14 ? 12 : log_n <= 17 ? 4 : 3, counts = log_n <= 4 ? 6 : 2;

        if (s->o->effort == 0)
            forms = log_n <= 4 ? 12 : 3, counts = 1;
        else if (s->o->effort == 2)
            forms = 12, counts = COLUMN_COUNTS;
        else if (log_n > 10)
            counts = 1;
        for (unsigned k = 0; k < forms; k++)
            for (unsigned c = 0; c < counts; c++, turn++) {
                drv_ntt_job job = {.field = DRV_GOLDILOCKS, .log_n = log_n};
                /* all of the first ones at the small sizes, else in turn */
                unsigned column = counts >= 6 ? c : turn % COLUMN_COUNTS;

                /* 5 is prime to 12: some forms in turn, of all kinds */
                set_form(&job, forms == 12 ? k : turn * 5 % 12);
                job.columns = COLUMNS[column];
                if (s->o->effort < 2 && log_n > 12 && job.columns > 16)
                    job.columns = job.columns == 63 ? 3 : 10;
                if (s->o->effort < 2 && log_n > 17)
                    job.columns = 1 + turn % 2 * 8;
                if (drv_matrix_words(job.columns, log_n) > UINT64_C(1) << 26)
                    continue;
                job.shift[0] = pick_gl_shift(s);
                ntt_case(s, &job, checked, log_n >= 10, turn % 3 == 0 || log_n >= 15);
            }
    }
    if (s->o->effort > 0)
        for (unsigned log_n = s->o->min_log2; log_n <= 2 && log_n <= s->o->max_log2; log_n++)
            for (unsigned form = 0; form < 12; form++) {
                drv_ntt_job job = {
                    .field = DRV_GOLDILOCKS, .log_n = log_n, .columns = DRV_MAX_COLUMNS};

                set_form(&job, form);
                job.shift[0] = pick_gl_shift(s);
                ntt_case(s, &job, DRV_MAX_COLUMNS, true, true);
            }
}

void suite_bn_ntt(suite *s)
{
    static const unsigned FR_COLUMNS[] = {1, 2, 3, 7, 8, 9};
    unsigned turn = 0;

    for (unsigned log_n = s->o->min_log2; log_n <= s->o->max_log2; log_n++) {
        unsigned checked = log_n < 12 ? 1u << (12 - log_n) : 1;
        unsigned forms = log_n <= 12 ? 6 : log_n <= 16 ? 2 : 1, counts = log_n <= 3 ? 6 : 1;

        if (s->o->effort == 0)
            forms = log_n <= 4 ? 6 : 2, counts = 1;
        else if (s->o->effort == 2)
            forms = 6, counts = log_n <= 12 ? 6 : 2;
        for (unsigned k = 0; k < forms; k++)
            for (unsigned c = 0; c < counts; c++, turn++) {
                drv_ntt_job job = {.field = DRV_BN254_FR, .log_n = log_n};

                set_form(&job, forms == 6 ? k : turn * 5 % 6);
                job.columns = counts == 6 ? FR_COLUMNS[c] : FR_COLUMNS[turn % 6];
                if (log_n > 12 && job.columns > 2)
                    job.columns = 1 + job.columns % 2;
                job.shift[0] = 1;
                if (suite_random(s) & 1)
                    suite_fr(s, job.shift);
                if (!(job.shift[0] | job.shift[1] | job.shift[2] | job.shift[3]))
                    job.shift[0] = 5;
                /* in every run one of the large ones is left to the comparison */
                ntt_case(s, &job,
                         s->compare && log_n >= 19 && s->o->effort < 2 ? log_n == 20 : checked,
                         log_n >= 10, turn % 3 == 0 || log_n >= 15);
            }
    }
}

/* ---- Poseidon ---- */

static void gl_poseidon_case(suite *s, uint64_t count, uint64_t checked)
{
    drv_job job = {.op = DRV_POSEIDON,
                   .poseidon = {.field = DRV_GOLDILOCKS, .width = 12, .count = count}};
    uint64_t words = count * 12, *before;

    suite_at(s, "Poseidon over Goldilocks, %llu states", (unsigned long long)count);
    job.poseidon.states = suite_words(s, words);
    suite_fill_gl(s, job.poseidon.states, words);
    /* states of nothing but zeros, p - 1, 2^64 - 1 */
    for (uint64_t k = 0; k < 3 && k < count; k++)
        for (unsigned i = 0; i < 12 && count > 20; i++)
            job.poseidon.states[12 * k + i] = k ? k == 1 ? REF_GL_P - 1 : UINT64_MAX : 0;
    before = suite_need(malloc(words * 8));
    memcpy(before, job.poseidon.states, words * 8);
    if (suite_run(s, &job)) {
        suite_digest(s, job.poseidon.states, words);
        for (uint64_t k = 0; k < checked; k++) {
            uint64_t at = k < 24 || checked == count ? k : suite_below(s, count);
            uint64_t state[12];
            char what[64];

            memcpy(state, before + 12 * at, sizeof(state));
            ref_gl_poseidon(state);
            snprintf(what, sizeof(what), "state %llu", (unsigned long long)at);
            suite_same(s, job.poseidon.states + 12 * at, state, 12, what);
        }
        if (checked < count && s->compare) {
            drv_job other = job;

            other.poseidon.states = suite_words(s, words);
            memcpy(other.poseidon.states, before, words * 8);
            if (suite_run_on(s, s->compare, &other))
                suite_same(s, job.poseidon.states, other.poseidon.states, words,
                           "other bits than device cpu");
        }
    }
    free(before);
    suite_free_all(s);
}

static void fr_poseidon_case(suite *s, const ref_poseidon *p, uint64_t count, uint64_t checked,
                             drv_form form)
{
    drv_job job = {
        .op = DRV_POSEIDON,
        .poseidon = {.field = DRV_BN254_FR, .width = p->width, .form = form, .count = count}};
    uint64_t words = count * p->width * 4, *before;

    suite_at(s, "Poseidon over Fr, width %u, %llu states, %s form", p->width,
             (unsigned long long)count, form == DRV_MONTGOMERY ? "Montgomery" : "canonical");
    job.poseidon.states = suite_words(s, words);
    suite_fill_fr(s, job.poseidon.states, words / 4);
    if (count > 4) {
        memset(job.poseidon.states, 0, p->width * 32);
        for (unsigned i = 0; i < p->width; i++) {
            ref_n n = REF_FR;

            n.l[0]--;
            memcpy(job.poseidon.states + 4 * (p->width + i), n.l, 32);
        }
    }
    before = suite_need(malloc(words * 8));
    memcpy(before, job.poseidon.states, words * 8);
    if (suite_run(s, &job)) {
        suite_digest(s, job.poseidon.states, words);
        for (uint64_t k = 0; k < checked; k++) {
            uint64_t at = k < 10 || checked == count ? k : suite_below(s, count);
            ref_n state[17];
            uint64_t expected[17 * 4];
            char what[64];

            memcpy(state, before + 4 * p->width * at, 32 * p->width);
            for (unsigned i = 0; i < p->width && form == DRV_MONTGOMERY; i++)
                ref_from_mont(&state[i], state[i].l, &REF_FR);
            ref_poseidon_permute(p, state);
            memcpy(expected, state, 32 * p->width);
            for (unsigned i = 0; i < p->width && form == DRV_MONTGOMERY; i++)
                ref_to_mont(expected + 4 * i, &state[i], &REF_FR);
            snprintf(what, sizeof(what), "state %llu", (unsigned long long)at);
            suite_same(s, job.poseidon.states + 4 * p->width * at, expected, 4 * p->width, what);
        }
        if (checked < count && s->compare) {
            drv_job other = job;

            other.poseidon.states = suite_words(s, words);
            memcpy(other.poseidon.states, before, words * 8);
            if (suite_run_on(s, s->compare, &other))
                suite_same(s, job.poseidon.states, other.poseidon.states, words,
                           "other bits than device cpu");
        }
    }
    free(before);
    suite_free_all(s);
}

void suite_poseidon(suite *s)
{
    if (s->o->min_log2 > 5)
        return;
    for (uint64_t count = 1; count <= 34; count++)
        gl_poseidon_case(s, count, count);
    if (s->o->effort > 0) {
        gl_poseidon_case(s, 4097, 4097);
        gl_poseidon_case(s, 100003, 2000);
    }
    if (s->o->effort > 1)
        gl_poseidon_case(s, UINT64_C(1) << 20, 100000);
    for (unsigned width = 2; width <= 17; width++) {
        ref_poseidon p;

        ref_poseidon_make(&p, width);
        for (uint64_t count = 1; count <= (s->o->effort ? 19 : 9); count++)
            fr_poseidon_case(s, &p, count, count, count & 1 ? DRV_CANONICAL : DRV_MONTGOMERY);
        if (s->o->effort > 0)
            fr_poseidon_case(s, &p, 515, s->o->effort > 1 ? 515 : 40,
                             width & 1 ? DRV_CANONICAL : DRV_MONTGOMERY);
        ref_poseidon_free(&p);
    }
}
