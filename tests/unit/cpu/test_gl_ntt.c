/* The Goldilocks transforms: against sums by definition for small sizes, at random points by
 * Horner's rule for larger ones, and portable C against every other instruction set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/cpu/kernels.h"
#include "driver/field/goldilocks.h"
#include "tests/unit/field/random.h"

typedef struct context {
    p_pool *pool[4]; /* by threads */
    p_memory memory;
} context;

static const uint64_t EDGES[] = {
    0,
    1,
    GL_P - 1,
    GL_P,
    GL_P + 1,
    UINT64_MAX,
    UINT64_C(0x7fffffff80000000),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    UINT64_C(0x80000000),
    0xffffffff,
    UINT64_C(0x8000000080000000),
};
#define EDGE_COUNT (sizeof(EDGES) / sizeof(EDGES[0]))

/* any words, canonical or not, a third of them edge values */
static uint64_t any_word(uint64_t *seed)
{
    uint64_t r = test_random(seed);

    return r % 3 == 0 ? EDGES[r / 3 % EDGE_COUNT] : test_random(seed);
}

static uint64_t reversed(uint64_t x, unsigned bits)
{
    uint64_t r = 0;

    for (unsigned i = 0; i < bits; i++)
        r |= (x >> i & 1) << (bits - 1 - i);
    return r;
}

static gl_t omega(unsigned log_n)
{
    return gl_pow_var(7, (GL_P - 1) >> log_n);
}

/* Under Valgrind and the like, where large sizes would take minutes. */
static bool slow_machine(void)
{
    return getenv("ZKP_TEST_CASES") != NULL;
}

/* sizes that take all threads only in portable C */
static bool log_large(unsigned log_n)
{
    return log_n > 9 && log_n != 13;
}

static cpu_run run_of(context *c, p_isa isa, unsigned threads)
{
    return (cpu_run){.pool = c->pool[threads], .memory = &c->memory, .isa = isa};
}

static uint64_t *words(uint64_t count)
{
    void *p = NULL;

    assert_int_equal(posix_memalign(&p, 64, count * sizeof(uint64_t)), 0);
    return p;
}

static uint64_t place(drv_layout layout, unsigned log_n, uint64_t column, uint64_t i)
{
    if (layout == DRV_COLUMNS)
        return (column << log_n) + i;
    return (((column / 8) << log_n) + i) * 8 + column % 8;
}

static uint64_t total(const drv_ntt_job *job)
{
    return job->layout == DRV_COLUMNS ? (uint64_t)job->columns << job->log_n
                                      : drv_matrix_words(job->columns, job->log_n);
}

/* element i in the job's order */
static uint64_t element(const drv_ntt_job *job, drv_order order, const uint64_t *data,
                        uint64_t column, uint64_t i)
{
    uint64_t at = order == DRV_NATURAL ? i : reversed(i, job->log_n);

    return data[place(job->layout, job->log_n, column, at)];
}

/* coefficients at a point */
static gl_t horner(const drv_ntt_job *job, drv_order order, const uint64_t *data, uint64_t column,
                   gl_t point)
{
    gl_t sum = 0;

    for (uint64_t i = (uint64_t)1 << job->log_n; i-- > 0;)
        sum = gl_add(gl_mul(sum, point), gl_from_u64(element(job, order, data, column, i)));
    return sum;
}

/* in and out are what the job had before and after; checks `points` of the values, all if 0. */
static void check_by_definition(const drv_ntt_job *job, const uint64_t *in, const uint64_t *out,
                                unsigned points, uint64_t *seed)
{
    uint64_t n = (uint64_t)1 << job->log_n, filling = 0;
    gl_t shift = gl_from_u64(job->shift[0]);
    bool canonical = true;

    for (uint32_t c = 0; c < job->columns; c++)
        for (uint64_t t = 0; t < (points > 0 ? points : n); t++) {
            uint64_t k = points > 0 ? test_random(seed) % n : t;
            gl_t at = gl_mul(shift, gl_pow_var(omega(job->log_n), k));

            if (job->inverse) /* the coefficients that came out give the values that went in */
                assert_int_equal(gl_from_u64(element(job, job->in_order, in, c, k)),
                                 horner(job, job->out_order, out, c, at));
            else
                assert_int_equal(element(job, job->out_order, out, c, k),
                                 horner(job, job->in_order, in, c, at));
        }
    for (uint64_t i = 0; i < total(job); i++)
        canonical &= gl_is_canonical(out[i]);
    assert_true(canonical);
    if (job->layout == DRV_BLOCKED)
        for (uint64_t c = job->columns; c < drv_blocks(job->columns) * 8; c++)
            for (uint64_t i = 0; i < n; i++)
                filling |= out[place(DRV_BLOCKED, job->log_n, c, i)];
    assert_int_equal(filling, 0);
}

static const drv_order ORDERS[3][2] = {
    {DRV_NATURAL, DRV_NATURAL},
    {DRV_NATURAL, DRV_BIT_REVERSED},
    {DRV_BIT_REVERSED, DRV_NATURAL},
};

/* Every instruction set and number of threads (not all pairs for large sizes); the first result
 * against the definition, the others against the first. */
static void check_job(context *c, drv_ntt_job job, unsigned points, uint64_t *seed)
{
    uint64_t count = total(&job), *in = words(count), *want = words(count), *got = words(count);
    bool first = true;

    for (uint64_t i = 0; i < count; i++)
        in[i] = any_word(seed);
    for (unsigned isa = 0; isa < P_ISA_COUNT; isa++)
        for (unsigned threads = 1; threads <= 3; threads++) {
            cpu_run run = run_of(c, (p_isa)isa, threads);
            p_err err = {0};
            p_status s;

            if (!p_isa_supported((p_isa)isa) || (log_large(job.log_n) && isa > 0 && threads != 2))
                continue;
            job.data = first ? want : got;
            memcpy(job.data, in, count * sizeof(*in));
            atomic_store(&c->memory.peak, 0);
            s = cpu_gl_ntt(&run, &job, &err);
            if (s != P_OK)
                fail_msg("%s", err.text);
            assert_int_equal(p_memory_used(&c->memory), 0);
            assert_true(p_memory_peak(&c->memory) <= cpu_gl_ntt_scratch(&run, &job));
            if (first)
                check_by_definition(&job, in, want, points, seed);
            else
                assert_memory_equal(want, got, count * sizeof(*got));
            first = false;
        }
    free(in);
    free(want);
    free(got);
}

static void all_jobs(context *c, unsigned log_n, uint32_t columns, unsigned points, uint64_t *seed)
{
    static const uint64_t SHIFTS[] = {1, 7, GL_P - 1, UINT64_MAX};

    for (unsigned layout = 0; layout < 2; layout++)
        for (unsigned order = 0; order < 3; order++)
            for (unsigned inverse = 0; inverse < 2; inverse++)
                for (unsigned shift = 0; shift < (log_n < 7 ? 4 : 2); shift++) {
                    drv_ntt_job job = {.field = DRV_GOLDILOCKS,
                                       .layout = layout ? DRV_BLOCKED : DRV_COLUMNS,
                                       .inverse = inverse,
                                       .in_order = ORDERS[order][0],
                                       .out_order = ORDERS[order][1],
                                       .log_n = log_n,
                                       .columns = columns,
                                       .shift = {SHIFTS[shift]}};

                    check_job(c, job, points, seed);
                }
}

static void small_sizes(void **state)
{
    uint64_t seed = 1;

    for (unsigned log_n = 0; log_n <= (slow_machine() ? 4 : 6); log_n++)
        for (uint32_t columns = 1; columns <= 17; columns += log_n < 4 && !slow_machine() ? 1 : 5)
            all_jobs(*state, log_n, columns, 0, &seed);
}

static void middle_sizes(void **state)
{
    uint64_t seed = 2;

    if (slow_machine()) { /* the first of the gathered columns and of the others */
        all_jobs(*state, 8, 1, 1, &seed);
        all_jobs(*state, 9, 1, 1, &seed);
        return;
    }
    for (unsigned log_n = 7; log_n <= 12; log_n++)
        all_jobs(*state, log_n, log_n % 2 ? 3 : 9, 2, &seed);
    for (unsigned log_n = 13; log_n <= 14; log_n++)
        all_jobs(*state, log_n, 2, 2, &seed);
}

/* the shapes with other splittings into passes */
static void large_sizes(void **state)
{
    static const struct {
        unsigned log_n;
        drv_layout layout;
        unsigned order;
        bool inverse;
        uint64_t shift;
    } JOBS[] = {
        {15, DRV_BLOCKED, 0, false, 7}, {16, DRV_BLOCKED, 1, true, 1},
        {17, DRV_BLOCKED, 2, false, 7}, {18, DRV_COLUMNS, 0, true, 1},
        {17, DRV_COLUMNS, 2, false, 3}, {18, DRV_COLUMNS, 1, true, 9},
    };
    uint64_t seed = 3;

    for (size_t i = 0; i < (slow_machine() ? 1 : sizeof(JOBS) / sizeof(JOBS[0])); i++) {
        drv_ntt_job job = {.field = DRV_GOLDILOCKS,
                           .layout = JOBS[i].layout,
                           .inverse = JOBS[i].inverse,
                           .in_order = ORDERS[JOBS[i].order][0],
                           .out_order = ORDERS[JOBS[i].order][1],
                           .log_n = JOBS[i].log_n,
                           .columns = 1,
                           .shift = {JOBS[i].shift}};

        check_job(*state, job, 1, &seed);
    }
}

/* ---- extension ---- */

/* The coefficients of a column by an inverse transform, which the tests above establish. */
static void coefficients(context *c, const drv_matrix *in, uint64_t column, drv_input input,
                         uint64_t *out)
{
    cpu_run run = run_of(c, P_ISA_PORTABLE, 1);
    uint64_t n = (uint64_t)1 << in->log_rows;
    drv_ntt_job job = {.field = DRV_GOLDILOCKS,
                       .layout = DRV_COLUMNS,
                       .inverse = true,
                       .log_n = in->log_rows,
                       .columns = 1,
                       .data = out,
                       .shift = {1}};

    for (uint64_t i = 0; i < n; i++)
        out[i] = in->data[place(DRV_BLOCKED, in->log_rows, column, i)];
    if (input == DRV_VALUES)
        assert_int_equal(cpu_gl_ntt(&run, &job, NULL), P_OK);
}

static void check_rows(context *c, const drv_matrix *in, drv_input input, const drv_matrix *out,
                       unsigned points, uint64_t *seed)
{
    uint64_t n = (uint64_t)1 << in->log_rows, rows = (uint64_t)1 << out->log_rows, filling = 0;
    uint64_t *coefficient = words(n);
    drv_ntt_job shape = {.layout = DRV_COLUMNS, .log_n = in->log_rows, .columns = 1};

    for (uint64_t column = 0; column < in->columns; column++) {
        coefficients(c, in, column, input, coefficient);
        for (uint64_t t = 0; t < (points > 0 ? points : rows); t++) {
            uint64_t k = points > 0 ? test_random(seed) % rows : t;
            gl_t at = gl_mul(7, gl_pow_var(omega(out->log_rows), k));

            assert_int_equal(out->data[place(DRV_BLOCKED, out->log_rows, column, k)],
                             horner(&shape, DRV_NATURAL, coefficient, 0, at));
        }
    }
    for (uint64_t column = in->columns; column < drv_blocks(in->columns) * 8; column++)
        for (uint64_t k = 0; k < rows; k++)
            filling |= out->data[place(DRV_BLOCKED, out->log_rows, column, k)];
    assert_int_equal(filling, 0);
    free(coefficient);
}

static void check_extension(context *c, unsigned log_rows, unsigned log_blowup, uint32_t columns,
                            drv_input input, unsigned points, uint64_t *seed)
{
    drv_matrix in = {.columns = columns, .log_rows = log_rows};
    drv_matrix out = {.columns = columns, .log_rows = log_rows + log_blowup};
    uint64_t in_words = drv_matrix_words(columns, log_rows);
    uint64_t out_words = drv_matrix_words(columns, out.log_rows), blocks = drv_blocks(columns);
    uint64_t *before = words(in_words), *want = words(out_words), *got = words(out_words);
    bool first = true;

    in.data = words(in_words);
    for (uint64_t i = 0; i < in_words; i++)
        in.data[i] = any_word(seed);
    memcpy(before, in.data, in_words * sizeof(uint64_t));
    for (unsigned isa = 0; isa < P_ISA_COUNT; isa++)
        for (unsigned threads = 1; threads <= 3; threads++) {
            cpu_run run = run_of(c, (p_isa)isa, threads);
            uint64_t part = 1 + test_random(seed) % blocks;

            if (!p_isa_supported((p_isa)isa) ||
                (log_large(out.log_rows) && isa > 0 && threads != 2))
                continue;
            out.data = first ? want : got;
            memset(out.data, 0xff, out_words * sizeof(uint64_t));
            atomic_store(&c->memory.peak, 0);
            for (uint64_t b = 0; b < blocks; b += part) {
                uint64_t count = blocks - b < part ? blocks - b : part;
                p_err err = {0};

                if (cpu_gl_lde(&run, &in, input, log_blowup, &out, b, count, &err) != P_OK)
                    fail_msg("%s", err.text);
                /* what is not asked for is not touched */
                if (b + count < blocks)
                    assert_int_equal(out.data[((b + count) * 8) << out.log_rows], UINT64_MAX);
            }
            assert_int_equal(p_memory_used(&c->memory), 0);
            assert_true(p_memory_peak(&c->memory) <=
                        cpu_gl_lde_scratch(&run, log_rows, log_blowup));
            assert_memory_equal(before, in.data, in_words * sizeof(uint64_t));
            if (first)
                check_rows(c, &in, input, &out, points, seed);
            else
                assert_memory_equal(want, got, out_words * sizeof(uint64_t));
            first = false;
        }
    free(in.data);
    free(before);
    free(want);
    free(got);
}

static void extensions(void **state)
{
    uint64_t seed = 4;

    for (unsigned log_rows = 0; log_rows <= (slow_machine() ? 3 : 6); log_rows++)
        for (unsigned blowup = 0; blowup <= (log_rows > 4 ? 4 : 8); blowup++)
            for (int input = 0; input < 2; input++)
                check_extension(*state, log_rows, blowup, 1 + (uint32_t)(test_random(&seed) % 20),
                                input ? DRV_COEFFICIENTS : DRV_VALUES,
                                log_rows + blowup > 6 ? 5 : 0, &seed);
}

static void large_extensions(void **state)
{
    static const unsigned SHAPES[][3] = {{7, 8, 3},  {8, 5, 9},  {9, 1, 17}, {10, 2, 8}, {11, 1, 9},
                                         {12, 0, 3}, {12, 1, 2}, {13, 0, 9}, {13, 1, 1}, {14, 1, 1},
                                         {15, 1, 1}, {16, 1, 1}, {17, 0, 1}, {18, 1, 1}, {8, 8, 1},
                                         {10, 7, 1}, {6, 6, 1},  {5, 8, 1}};
    uint64_t seed = 5;

    for (size_t i = slow_machine() ? sizeof(SHAPES) / sizeof(SHAPES[0]) - 3 : 0;
         i < sizeof(SHAPES) / sizeof(SHAPES[0]); i++)
        for (int input = 0; input < 2; input++)
            check_extension(*state, SHAPES[i][0], SHAPES[i][1], SHAPES[i][2],
                            input ? DRV_COEFFICIENTS : DRV_VALUES, 2, &seed);
}

/* A transform over three passes; the other tests' are of one or two. */
static void three_passes(void **state)
{
    context *c = *state;
    const unsigned log_n = 22;
    uint64_t seed = 6, count = drv_matrix_words(1, log_n), *data, *in;
    cpu_run run = run_of(c, p_isa_best(), 2);

    if (slow_machine())
        skip();
    data = words(count);
    in = words(count);
    for (unsigned order = 0; order < 3; order++) {
        drv_ntt_job job = {.field = DRV_GOLDILOCKS,
                           .layout = DRV_BLOCKED,
                           .in_order = ORDERS[order][0],
                           .out_order = ORDERS[order][1],
                           .log_n = log_n,
                           .columns = 1,
                           .data = data,
                           .shift = {order == 2 ? 7 : 1}};

        for (uint64_t i = 0; i < count; i++)
            in[i] = data[i] = i * i + seed;
        assert_int_equal(cpu_gl_ntt(&run, &job, NULL), P_OK);
        check_by_definition(&job, in, data, 1, &seed);
    }
    free(in);
    free(data);
}

static void cancelled(void **state)
{
    context *c = *state;
    p_cancel cancel = P_CANCEL_INIT;
    cpu_run run = run_of(c, p_isa_best(), 2);
    drv_ntt_job job = {.field = DRV_GOLDILOCKS, .log_n = 16, .columns = 1, .shift = {1}};
    drv_matrix in = {.columns = 1, .log_rows = 12}, out = {.columns = 1, .log_rows = 13};
    p_err err = {0};

    run.cancel = &cancel;
    p_cancel_request(&cancel);
    job.data = in.data = words((uint64_t)1 << 16);
    out.data = words((uint64_t)1 << 16);
    memset(in.data, 0, sizeof(uint64_t) << 16);
    assert_int_equal(cpu_gl_ntt(&run, &job, &err), P_ECANCELLED);
    assert_int_equal(cpu_gl_lde(&run, &in, DRV_VALUES, 1, &out, 0, 1, &err), P_ECANCELLED);
    assert_int_equal(p_memory_used(&c->memory), 0);
    free(in.data);
    free(out.data);
}

static void out_of_memory(void **state)
{
    context *c = *state;
    cpu_run run = run_of(c, p_isa_best(), 2);
    drv_ntt_job job = {.field = DRV_GOLDILOCKS, .log_n = 16, .columns = 1, .shift = {1}};
    unsigned failures = 0;

    job.data = words((uint64_t)1 << 16);
    memset(job.data, 0, sizeof(uint64_t) << 16);
    for (unsigned at = 1; at < 10; at++) {
        p_status s;

        atomic_store(&c->memory.fail_at, at);
        s = cpu_gl_ntt(&run, &job, NULL);
        failures += s == P_EEXHAUSTED;
        assert_true(s == P_EEXHAUSTED || s == P_OK);
        assert_int_equal(p_memory_used(&c->memory), 0);
    }
    atomic_store(&c->memory.fail_at, 0);
    assert_true(failures >= 2);
    free(job.data);
}

static int setup(void **state)
{
    static context c;

    c.memory.limit = UINT64_MAX;
    for (unsigned t = 1; t <= 3; t++)
        if (p_pool_create(t, &c.pool[t], NULL) != P_OK)
            return -1;
    for (unsigned isa = 0; isa < P_ISA_COUNT; isa++)
        printf("%s: %s\n", p_isa_name((p_isa)isa),
               p_isa_supported((p_isa)isa) ? "tested" : "skipped");
    *state = &c;
    return 0;
}

static int teardown(void **state)
{
    context *c = *state;

    for (unsigned t = 1; t <= 3; t++)
        p_pool_destroy(c->pool[t]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_sizes),      cmocka_unit_test(middle_sizes),
        cmocka_unit_test(large_sizes),      cmocka_unit_test(extensions),
        cmocka_unit_test(large_extensions), cmocka_unit_test(three_passes),
        cmocka_unit_test(cancelled),        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
