/* The frame of the CPU back end: options, what it says of itself, dispatch, two jobs at once,
 * cancellation, the budget. The kernels have their own tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/clock.h"
#include "driver/cpu/bn_poseidon_set.h"
#include "driver/cpu/kernels.h"
#include "driver/field/bn_fp.h"
#include "driver/field/bn_poseidon.h"
#include "driver/field/gl_poseidon.h"
#include "tests/unit/field/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_MS 60000

static drv_device *open_cpu(const drv_options *options)
{
    drv_device *d;
    p_err err = {P_OK, ""};

    if (drv_open("cpu", options, &d, &err) != P_OK)
        fail_msg("%s", err.text);
    return d;
}

static void close_cpu(drv_device *d)
{
    p_err err = {P_OK, ""};

    if (drv_close(d, LONG_MS, &err) != P_OK)
        fail_msg("%s", err.text);
}

static void check_about(const drv_options *options, const char *isa, unsigned threads)
{
    drv_device *d = open_cpu(options);
    const drv_info *info = drv_device_info(d);
    char piece[64];

    assert_string_equal(info->name, "cpu");
    assert_true(info->usable);
    assert_int_equal(info->jobs, 2);
    snprintf(piece, sizeof piece, ", %s, %u thread%s, ", isa, threads, threads == 1 ? "" : "s");
    if (!strstr(info->about, piece))
        fail_msg("'%s' does not say '%s'", info->about, piece);
    assert_true(info->memory_bytes > 0);
    if (options && options->memory_bytes > 0)
        assert_int_equal(info->memory_bytes, options->memory_bytes);
    close_cpu(d);
}

static void refused(drv_options options, p_status expected, const char *text)
{
    drv_device *d = (drv_device *)&d;
    p_err err = {P_OK, ""};

    assert_int_equal(drv_open("cpu", &options, &d, &err), expected);
    assert_null(d);
    if (!strstr(err.text, text))
        fail_msg("'%s' does not say '%s'", err.text, text);
}

static void options_are_taken_or_refused(void **state)
{
    (void)state;
    check_about(NULL, p_isa_name(p_isa_best()), p_pool_usable_threads());
    check_about(&(drv_options){.isa = "auto", .threads = 3}, p_isa_name(p_isa_best()), 3);
    check_about(&(drv_options){.memory_bytes = 123456789, .threads = 1}, p_isa_name(p_isa_best()),
                1);
    for (p_isa i = P_ISA_PORTABLE; i < P_ISA_COUNT; i++) {
        const char *name = p_isa_name(i);
        if (p_isa_supported(i)) {
            check_about(&(drv_options){.isa = name, .threads = 2}, name, 2);
        } else {
            refused((drv_options){.isa = name}, P_EMISSING, name);
            refused((drv_options){.isa = name}, P_EMISSING, "it has portable");
        }
    }
    refused((drv_options){.isa = "sse9"}, P_EINVAL, "'sse9' is unknown; this CPU has portable");
    refused((drv_options){.isa = ""}, P_EINVAL, p_isa_name(p_isa_best()));
    refused((drv_options){.threads = P_POOL_MAX_THREADS + 1}, P_EINVAL, "threads is 257");
}

static void each_field_goes_to_its_permutation(void **state)
{
    (void)state;
    static _Alignas(64) uint64_t gl[5 * 12], fr[3 * 3 * 4];
    uint64_t gl_expected[5 * 12], fr_expected[3 * 3 * 4], seed = 7;
    drv_device *d = open_cpu(NULL);
    bn_poseidon *poseidon;
    drv_job job = {.op = DRV_POSEIDON,
                   .poseidon = {.width = 12, .count = 5, .states = gl, .field = DRV_GOLDILOCKS}};

    for (size_t i = 0; i < 5 * 12; i++)
        gl_expected[i] = gl[i] = test_random(&seed);
    for (size_t i = 0; i < 3 * 3 * 4; i++)
        fr_expected[i] = fr[i] = i % 4 == 3 ? i : test_random(&seed);
    for (size_t i = 0; i < 5; i++)
        gl_poseidon_permute_portable(gl_expected + 12 * i);
    assert_int_equal(drv_run(d, &job, LONG_MS, NULL), P_OK);
    assert_memory_equal(gl, gl_expected, sizeof gl);

    assert_int_equal(bn_poseidon_create(3, &poseidon, NULL), P_OK);
    bn_poseidon_select(P_ISA_PORTABLE)->permute(poseidon, BN_MONTGOMERY, fr_expected, 3);
    bn_poseidon_destroy(poseidon);
    job.poseidon = (drv_poseidon_job){
        .width = 3, .count = 3, .states = fr, .field = DRV_BN254_FR, .form = DRV_MONTGOMERY};
    assert_int_equal(drv_run(d, &job, LONG_MS, NULL), P_OK);
    assert_memory_equal(fr, fr_expected, sizeof fr);
    close_cpu(d);
}

/* ---- large jobs ---- */

#define MANY ((uint64_t)1 << 20) /* permutations: a second of the best CPU */

static drv_job large_job(drv_device *d)
{
    void *states;
    p_err err = {P_OK, ""};

    if (drv_buffer_alloc(d, MANY * 12 * 8, &states, &err) != P_OK)
        fail_msg("%s", err.text);
    return (drv_job){
        .op = DRV_POSEIDON,
        .poseidon = {.width = 12, .count = MANY, .states = states, .field = DRV_GOLDILOCKS}};
}

static void end_cancelled(drv_device *d, drv_event *e, const drv_job *job)
{
    drv_cancel(e);
    assert_int_equal(drv_wait(e, LONG_MS, NULL), P_ECANCELLED);
    assert_int_equal(drv_event_release(e), P_OK);
    drv_buffer_free(d, job->poseidon.states, MANY * 12 * 8);
}

static void two_jobs_run_at_once_and_end_when_told(void **state)
{
    (void)state;
    static _Alignas(64) uint64_t one[12];
    drv_device *d = open_cpu(&(drv_options){.isa = "portable"});
    drv_job first = large_job(d), second = large_job(d);
    drv_job small = {.op = DRV_POSEIDON,
                     .poseidon = {.width = 12, .count = 1, .states = one, .field = DRV_GOLDILOCKS}};
    drv_event *e1, *e2, *e3;

    assert_int_equal(drv_submit(d, &first, &e1, NULL), P_OK);
    assert_int_equal(drv_run(d, &small, LONG_MS, NULL), P_OK); /* beside the first */
    assert_false(drv_ended(e1));
    assert_int_equal(drv_submit(d, &second, &e2, NULL), P_OK);
    assert_int_equal(drv_submit(d, &small, &e3, NULL), P_OK);
    assert_int_equal(drv_wait(e3, 30, NULL), P_EDEADLINE); /* waits behind both */
    assert_false(drv_ended(e1));
    assert_false(drv_ended(e2));
    int64_t start = p_clock_ms(CLOCK_MONOTONIC);
    end_cancelled(d, e2, &second);
    assert_int_equal(drv_wait(e3, LONG_MS, NULL), P_OK);
    assert_int_equal(drv_event_release(e3), P_OK);
    end_cancelled(d, e1, &first);
    assert_true(p_clock_ms(CLOCK_MONOTONIC) - start < 5000); /* it takes milliseconds */
    close_cpu(d);
}

static void closing_cancels(void **state)
{
    (void)state;
    drv_device *d = open_cpu(&(drv_options){.isa = "portable"});
    uint64_t *states = aligned_alloc(64, MANY * 12 * 8);
    drv_event *e;

    assert_non_null(states);
    memset(states, 0, MANY * 12 * 8);
    drv_job job = {
        .op = DRV_POSEIDON,
        .poseidon = {.width = 12, .count = MANY, .states = states, .field = DRV_GOLDILOCKS}};
    assert_int_equal(drv_submit(d, &job, &e, NULL), P_OK);
    close_cpu(d);
    assert_int_equal(drv_wait(e, 0, NULL), P_ECANCELLED);
    assert_int_equal(drv_event_release(e), P_OK);
    free(states);
}

static void the_budget_is_one(void **state)
{
    (void)state;
    static _Alignas(64) uint64_t leaves[8 << 10];
    uint64_t cap[4], bytes;
    drv_device *d = open_cpu(&(drv_options){.memory_bytes = 128 << 10});
    drv_handle *c = NULL;
    void *buffer;
    p_err err;
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = {.data = leaves, .columns = 8, .log_rows = 10},
                              .input = DRV_LEAVES,
                              .hash = DRV_HASH_GL,
                              .cap = cap,
                              .out = &c}};

    /* 2^10 leaves: 2047 digests of 32 bytes, in whole pages */
    assert_int_equal(drv_estimate(d, &job, &bytes, &err), P_OK);
    assert_int_equal(bytes, 65536);
    assert_int_equal(drv_run(d, &job, LONG_MS, &err), P_OK);
    /* a buffer takes from the same budget; with it a second tree finds no room, without it does */
    assert_int_equal(drv_buffer_alloc(d, 65537, &buffer, &err), P_EEXHAUSTED);
    assert_int_equal(drv_buffer_alloc(d, 4096, &buffer, &err), P_OK);
    drv_handle *first = c;
    assert_int_equal(drv_run(d, &job, LONG_MS, &err), P_EEXHAUSTED);
    assert_null(c);
    assert_non_null(strstr(err.text, "the Merkle tree needs 65536 bytes; 69632 of 131072"));
    drv_buffer_free(d, buffer, 4096);
    assert_int_equal(drv_run(d, &job, LONG_MS, &err), P_OK);
    drv_release(c);
    drv_release(first);
    /* more than there is at all is refused before it starts, with both numbers */
    job.commit.in.log_rows = 12;
    job.commit.in.data = (uint64_t *)64; /* never touched */
    assert_int_equal(drv_run(d, &job, LONG_MS, &err), P_EEXHAUSTED);
    assert_non_null(strstr(err.text, "262144"));
    assert_non_null(strstr(err.text, "131072"));
    close_cpu(d);
}

/* ---- scratch memory of the kernels ---- */

typedef struct kernel {
    cpu_run run;
    p_memory memory;
    cpu_msm_points *points;
    drv_job job;
} kernel;

static p_status run_kernel(kernel *k, p_err *err)
{
    switch (k->job.op) {
    case DRV_NTT:
        return k->job.ntt.field == DRV_GOLDILOCKS ? cpu_gl_ntt(&k->run, &k->job.ntt, err)
                                                  : cpu_bn_ntt(&k->run, &k->job.ntt, err);
    case DRV_MSM_LOAD:
        return cpu_msm_load(&k->run, &k->job.msm_load, &k->points, err);
    default:
        return cpu_msm(&k->run, k->points, &k->job.msm, err);
    }
}

static uint64_t kernel_bytes(const kernel *k, drv_group group)
{
    switch (k->job.op) {
    case DRV_NTT:
        return k->job.ntt.field == DRV_GOLDILOCKS ? cpu_gl_ntt_scratch(&k->run, &k->job.ntt)
                                                  : cpu_bn_ntt_scratch(&k->run, &k->job.ntt);
    case DRV_MSM_LOAD:
        return cpu_msm_load_bytes(&k->job.msm_load);
    default:
        return cpu_msm_scratch(&k->run, group, k->job.msm.count);
    }
}

/* Fails at each allocation in turn without keeping any, then ends within its estimate. */
static void check_scratch(kernel *k, drv_group group)
{
    uint64_t before = p_memory_used(&k->memory);
    p_err err = {P_OK, ""};

    for (unsigned at = 1;; at++) {
        assert_true(at < 1000);
        atomic_store(&k->memory.fail_at, at);
        p_status s = run_kernel(k, &err);
        if (atomic_exchange(&k->memory.fail_at, 0) > 0) {
            assert_int_equal(s, P_OK);
            break;
        }
        assert_int_equal(s, P_EEXHAUSTED);
        assert_int_equal(err.status, P_EEXHAUSTED);
        assert_int_equal(p_memory_used(&k->memory), before);
    }
    if (p_memory_peak(&k->memory) - before > kernel_bytes(k, group))
        fail_msg("job %d of the %u. group took %llu bytes; its estimate is %llu", (int)k->job.op,
                 (unsigned)group, (unsigned long long)(p_memory_peak(&k->memory) - before),
                 (unsigned long long)kernel_bytes(k, group));
    if (k->job.op != DRV_MSM_LOAD)
        assert_int_equal(p_memory_used(&k->memory), before);
    atomic_store(&k->memory.peak, p_memory_used(&k->memory));
}

static void ntt_scratch(kernel *k)
{
    static const drv_ntt_job shapes[] = {
        {.layout = DRV_COLUMNS, .log_n = 0, .columns = 1},
        {.layout = DRV_COLUMNS, .log_n = 5, .columns = 100},
        {.layout = DRV_COLUMNS, .log_n = 13, .columns = 3},
        {.layout = DRV_COLUMNS, .log_n = 16, .columns = 1, .inverse = true},
        {.layout = DRV_BLOCKED, .log_n = 11, .columns = 20},
        {.layout = DRV_BLOCKED, .log_n = 15, .columns = 9, .in_order = DRV_BIT_REVERSED},
        {.layout = DRV_COLUMNS, .log_n = 14, .columns = 1, .out_order = DRV_BIT_REVERSED},
    };
    uint64_t *data = aligned_alloc(64, (UINT64_C(1) << 20) * 8), seed = 1;

    assert_non_null(data);
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof shapes[0]; i++) {
        k->job = (drv_job){.op = DRV_NTT, .ntt = shapes[i / 2]};
        k->job.ntt.field = i % 2 ? DRV_BN254_FR : DRV_GOLDILOCKS;
        k->job.ntt.data = data;
        k->job.ntt.shift[0] = 3;
        if (k->job.ntt.field == DRV_BN254_FR && k->job.ntt.layout == DRV_BLOCKED)
            continue;
        for (uint64_t w = 0; w < UINT64_C(1) << 20; w++)
            data[w] = w % 4 == 3 ? 5 : test_random(&seed);
        check_scratch(k, DRV_G1);
    }
    free(data);
}

static void msm_scratch(kernel *k)
{
    enum { COUNT = 700 };
    static uint64_t points[COUNT * 16], scalars[COUNT * 4], out[16];
    uint64_t seed = 2;
    bn_fp one, two;

    assert_true(bn_fp_set_words(&one, (uint64_t[4]){1}));
    assert_true(bn_fp_set_words(&two, (uint64_t[4]){2}));
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t w = 0; w < 4; w++)
            scalars[4 * i + w] = w == 3 ? i : test_random(&seed);
        memcpy(points + 8 * i, one.l, 32); /* the generator, as often as there are scalars */
        memcpy(points + 8 * i + 4, two.l, 32);
    }
    for (drv_group group = DRV_G1; group <= DRV_G2; group++) {
        if (group == DRV_G2)
            memset(points, 0, sizeof points); /* infinity */
        k->job = (drv_job){.op = DRV_MSM_LOAD,
                           .msm_load = {.group = group, .points = points, .count = COUNT}};
        check_scratch(k, group);
        k->job = (drv_job){.op = DRV_MSM, .msm = {.scalars = scalars, .count = COUNT, .out = out}};
        check_scratch(k, group);
        cpu_msm_free(&k->memory, k->points);
        assert_int_equal(p_memory_used(&k->memory), 0);
    }
}

static void kernels_keep_to_their_estimates(void **state)
{
    (void)state;
    static kernel k;

    for (unsigned threads = 1; threads <= 3; threads += 2) {
        for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
            if (!p_isa_supported(isa))
                continue;
            k = (kernel){.memory = {.limit = UINT64_MAX}, .run = {.isa = isa}};
            k.run.memory = &k.memory;
            assert_int_equal(p_pool_create(threads, &k.run.pool, NULL), P_OK);
            ntt_scratch(&k);
            msm_scratch(&k);
            p_pool_destroy(k.run.pool);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_or_refused),
        cmocka_unit_test(each_field_goes_to_its_permutation),
        cmocka_unit_test(two_jobs_run_at_once_and_end_when_told),
        cmocka_unit_test(closing_cancels),
        cmocka_unit_test(the_budget_is_one),
        cmocka_unit_test(kernels_keep_to_their_estimates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
