/* What does not end, is cancelled, finds no memory, or is not there. */
#include "tests/unit/card/card_test.h"

#include "driver/base/clock.h"

/* A command hangs: the job goes on elsewhere within a time that follows from its limit. */
static void test_hang(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);

    (void)state;
    test_card_defaults(t);
    t->options.caps.patience = 200;
    t->patience = (card_patience){.failures = 9, .first_ms = 1, .most_ms = 1, .base_ms = 100};
    test_card_open(t);
    t->internal->caps.patience = 1; /* for the jobs; the self-test has passed */
    for (size_t i = 0; i < TEST_SCENARIO_COUNT; i++) {
        uint64_t before = test_card_counts(t).commands[DIRECT_ANY], commands;

        test_truth_make(truth, &TEST_SCENARIOS[i]);
        t->internal->patience.base_ms = 5000;
        test_card_expect(t, &TEST_SCENARIOS[i], truth, "without a fault", 0);
        t->internal->patience.base_ms = 100;
        commands = test_card_counts(t).commands[DIRECT_ANY] - before;
        for (uint64_t at = 1; at <= commands; at += 1 + commands / 2) {
            uint64_t faults = test_card_counts(t).faults;
            int64_t start = p_clock_ms(CLOCK_MONOTONIC);

            test_card_fault(t, DIRECT_HANG, DIRECT_ANY, at, 1, 0);
            test_card_expect(t, &TEST_SCENARIOS[i], truth, "hanging in command", at);
            assert_true(p_clock_ms(CLOCK_MONOTONIC) - start < 20000);
            if (test_card_counts(t).faults != faults)
                assert_non_null(strstr(t->log, "did not end within 1"));
            t->log[0] = '\0';
        }
        test_card_fault(t, DIRECT_SOUND, DIRECT_ANY, 1, 0, 0);
    }
    test_card_close(t);
    free(truth);
    free(t);
}

/* ---- cancelling ---- */

static void request(void *context)
{
    p_cancel_request(context);
}

typedef struct cancelled_job {
    drv_job job;
    uint64_t *data, *pristine;
    size_t bytes;
} cancelled_job;

static void cancel_at_every_command(test_card *t, cancelled_job *c)
{
    uint64_t commands = 1, cancelled = 0;

    /* one more than there are: then nothing is cancelled, and the job is done */
    for (uint64_t at = 1; at <= commands + 1; at++) {
        uint64_t before = test_card_counts(t).commands[DIRECT_ANY];
        p_cancel cancel = P_CANCEL_INIT;
        void *object = NULL;
        p_status s;

        memcpy(c->data, c->pristine, c->bytes);
        direct_card_hook(t->card, at <= commands || at == 1 ? at : 0, request, &cancel);
        s = card_device_run(t->internal, &c->job, &object, &cancel, NULL);
        if (at == 1) /* how many there are is found by a job that is not cancelled */ {
            p_cancel none = P_CANCEL_INIT;

            assert_int_equal(s, P_ECANCELLED);
            before = test_card_counts(t).commands[DIRECT_ANY];
            memcpy(c->data, c->pristine, c->bytes);
            assert_int_equal(card_device_run(t->internal, &c->job, &object, &none, NULL), P_OK);
            commands = test_card_counts(t).commands[DIRECT_ANY] - before;
            s = P_OK;
        } else if (at <= commands) {
            assert_true(s == P_ECANCELLED || s == P_OK);
            cancelled += s == P_ECANCELLED;
        } else {
            assert_int_equal(s, P_OK);
        }
        direct_card_hook(t->card, 0, NULL, NULL);
        assert_true(s == P_OK || !object);
        assert_int_equal(test_card_counts(t).tickets, 0);
        if (object)
            card_device_object_free(t->internal, c->job.op, object);
        assert_int_equal(t->internal->host.used, 0);
    }
    assert_true(cancelled + 3 >= commands); /* the last ones may come too late */
    assert_int_equal(t->logged, 0);         /* it is no failure */
}

static void test_cancel(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    uint64_t cap[4 * 2];
    drv_handle *handle = NULL;

    (void)state;
    for (unsigned threads = 0; threads < 2; threads++) {
        test_card_defaults(t);
        t->options.threads = threads;
        test_card_open(t);
        cancelled_job c = {.bytes = 64 * 64 * 8};
        c.data = aligned_alloc(64, c.bytes);
        c.pristine = malloc(c.bytes);
        test_fill_fr(c.pristine, c.bytes / 32, 7);
        c.job = (drv_job){.op = DRV_COMMIT,
                          .commit = {.in = {.data = c.data, .columns = 62, .log_rows = 6},
                                     .log_blowup = 1,
                                     .cap_log2 = 1,
                                     .cap = cap,
                                     .out = &handle}};
        cancel_at_every_command(t, &c);
        c.job.commit.hash = DRV_HASH_BN254;
        c.job.commit.cap_log2 = 0;
        c.job.commit.in.log_rows = 3;
        cancel_at_every_command(t, &c);
        c.job = (drv_job){
            .op = DRV_NTT,
            .ntt = {
                .log_n = 6, .columns = 64, .layout = DRV_BLOCKED, .data = c.data, .shift = {3}}};
        cancel_at_every_command(t, &c);
        c.job =
            (drv_job){.op = DRV_POSEIDON, .poseidon = {.width = 12, .count = 64, .states = c.data}};
        cancel_at_every_command(t, &c);
        free(c.data);
        free(c.pristine);
        test_card_close(t);
    }
    free(t);
}

/* ---- memory ---- */

/* Each allocation of card memory fails in turn: a lack of memory or the result, and no leak. */
static void test_no_card_memory(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);
    uint64_t *out = calloc(TEST_MAX_WORDS, 8);

    (void)state;
    test_card_defaults(t);
    test_card_open(t);
    for (size_t i = 0; i < TEST_SCENARIO_COUNT; i++) {
        unsigned refused = 0;

        test_truth_make(truth, &TEST_SCENARIOS[i]);
        for (uint64_t at = 1;; at++) {
            direct_counts before;
            size_t words;
            p_status s;

            card_rows_trim(t->internal); /* nothing to take instead */
            before = test_card_counts(t);
            direct_card_fail_allocations(t->card, at);
            s = TEST_SCENARIOS[i].run(t->device, out, &words, NULL);
            direct_card_fail_allocations(t->card, 0);
            assert_true(s == P_OK || s == P_EEXHAUSTED);
            refused += s == P_EEXHAUSTED;
            if (s == P_OK)
                assert_memory_equal(out, truth->out, words * 8);
            if (test_card_counts(t).allocations - before.allocations < at)
                break;
        }
        assert_true(refused >= 1);
        test_card_expect(t, &TEST_SCENARIOS[i], truth, "with memory again", 0);
    }
    assert_int_equal(t->logged, 0);
    test_card_close(t);
    free(out);
    free(truth);
    free(t);
}

/* The same for memory of the host. */
static void test_no_host_memory(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);
    uint64_t *out = calloc(TEST_MAX_WORDS, 8);

    (void)state;
    test_card_defaults(t);
    test_card_open(t);
    for (size_t i = 0; i < TEST_SCENARIO_COUNT; i++) {
        p_status s = P_EEXHAUSTED;
        size_t words;

        test_truth_make(truth, &TEST_SCENARIOS[i]);
        for (uint64_t at = 1; atomic_load(&t->internal->host.fail_at) == 0; at++) {
            atomic_store(&t->internal->host.fail_at, at);
            s = TEST_SCENARIOS[i].run(t->device, out, &words, NULL);
            assert_true(s == P_OK || s == P_EEXHAUSTED);
        }
        atomic_store(&t->internal->host.fail_at, 0);
        assert_int_equal(s, P_OK); /* no allocation was left to fail */
        test_card_expect(t, &TEST_SCENARIOS[i], truth, "with memory again", 0);
    }
    test_card_close(t);
    free(out);
    free(truth);
    free(t);
}

/* A second job of the same kind takes what the first has left. */
static void test_cache(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);

    (void)state;
    test_card_defaults(t);
    test_card_open(t);
    for (size_t i = 0; i < TEST_SCENARIO_COUNT; i++) {
        uint64_t allocations;

        test_truth_make(truth, &TEST_SCENARIOS[i]);
        test_card_expect(t, &TEST_SCENARIOS[i], truth, "first", 1);
        allocations = test_card_counts(t).allocations;
        test_card_expect(t, &TEST_SCENARIOS[i], truth, "again", 2);
        assert_int_equal(test_card_counts(t).allocations, allocations);
    }
    test_card_close(t);
    free(truth);
    free(t);
}

/* The estimate is the least that a job needs: with just that it runs, with less it is refused; with
 * more it takes more. */
static void test_limit(void **state)
{
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = {.columns = 40, .log_rows = 8}, .log_blowup = 1}};
    test_card *t = calloc(1, sizeof *t);
    uint64_t least = 0, cap[4], first[4];
    drv_handle *handle = NULL;
    p_err err = {P_OK, ""};

    (void)state;
    job.commit.in.data = aligned_alloc(64, 40 << 11);
    test_fill(job.commit.in.data, 40 << 8, 1);
    job.commit.cap = cap;
    job.commit.out = &handle;
    for (unsigned i = 0; i < 4; i++) {
        test_card_defaults(t);
        t->options.caps.units[CARD_gl_lde] = 2;
        t->memory_bytes = i == 0 ? 0 : least + (i == 1 ? 20000 : 0) - (i == 3);
        test_card_open(t);
        if (i == 0)
            assert_int_equal(drv_estimate(t->device, &job, &least, NULL), P_OK);
        if (i == 3) {
            assert_int_equal(drv_run(t->device, &job, 60000, &err), P_EEXHAUSTED);
            assert_null(handle);
        } else {
            if (drv_run(t->device, &job, 60000, &err) != P_OK)
                fail_msg("%s", err.text);
            if (i == 0)
                memcpy(first, cap, sizeof cap);
            assert_memory_equal(first, cap, sizeof cap);
            assert_true(i == 0 ? t->internal->used_bytes > least
                               : t->internal->used_bytes <= t->memory_bytes);
        }
        drv_release(i == 3 ? NULL : handle);
        test_card_close(t);
    }
    free(job.commit.in.data);
    free(t);
}

/* ---- what the image lacks ---- */

static void test_missing_kernels(void **state)
{
    const struct {
        drv_job job;
        card_kernel kernel;
    } NEEDS[] = {
        {{.op = DRV_COMMIT, .commit = {.in = {.columns = 3, .log_rows = 3}}}, CARD_gl_lde},
        {{.op = DRV_COMMIT, .commit = {.in = {.columns = 3, .log_rows = 3}}}, CARD_gl_merkle},
        {{.op = DRV_COMMIT,
          .commit = {.in = {.columns = 3, .log_rows = 4}, .hash = DRV_HASH_BN254}},
         CARD_bn_poseidon},
        {{.op = DRV_NTT, .ntt = {.log_n = 3, .columns = 1, .shift = {1}}}, CARD_gl_lde},
        {{.op = DRV_NTT, .ntt = {.field = DRV_BN254_FR, .log_n = 3, .columns = 1, .shift = {1}}},
         CARD_fr_ntt},
        {{.op = DRV_MSM_LOAD, .msm_load = {.count = 1}}, CARD_bn_msm_g1},
        {{.op = DRV_POSEIDON, .poseidon = {.width = 12, .count = 1}}, CARD_gl_merkle},
        {{.op = DRV_POSEIDON, .poseidon = {.field = DRV_BN254_FR, .width = 3, .count = 1}},
         CARD_bn_poseidon},
    };
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);

    (void)state;
    for (size_t i = 0; i < sizeof NEEDS / sizeof NEEDS[0]; i++) {
        p_err err = {P_OK, ""};
        uint64_t bytes;

        test_card_defaults(t);
        t->options.caps.units[NEEDS[i].kernel] = 0;
        test_card_open(t);
        assert_int_equal(drv_estimate(t->device, &NEEDS[i].job, &bytes, &err), P_EUNSUPPORTED);
        assert_non_null(strstr(err.text, card_kernel_name(NEEDS[i].kernel)));
        test_card_close(t);
    }
    /* leaves need no transform, and without row_gather rows are read one by one */
    test_card_defaults(t);
    t->options.caps.units[CARD_row_gather] = t->options.caps.units[CARD_gl_lde] = 0;
    test_card_open(t);
    test_truth_make(truth, test_scenario_find("commit_leaves"));
    test_card_expect(t, test_scenario_find("commit_leaves"), truth, "without gl_lde", 0);
    test_card_close(t);
    test_card_defaults(t);
    t->options.caps.units[CARD_row_gather] = 0;
    test_card_open(t);
    test_truth_make(truth, test_scenario_find("commit_gl"));
    test_card_expect(t, test_scenario_find("commit_gl"), truth, "without row_gather", 0);
    test_card_close(t);
    free(truth);
    free(t);
}

static void test_too_large(void **state)
{
    const drv_job JOBS[] = {
        {.op = DRV_COMMIT, .commit = {.in = {.columns = 1, .log_rows = 24}, .log_blowup = 1}},
        {.op = DRV_NTT, .ntt = {.log_n = 25, .columns = 1, .shift = {1}}},
        {.op = DRV_NTT, .ntt = {.field = DRV_BN254_FR, .log_n = 25, .columns = 1, .shift = {1}}},
        {.op = DRV_MSM_LOAD, .msm_load = {.group = DRV_G2, .count = 1}},
    };
    test_card *t = calloc(1, sizeof *t);

    (void)state;
    test_card_defaults(t);
    test_card_open(t);
    for (size_t i = 0; i < sizeof JOBS / sizeof JOBS[0]; i++) {
        p_err err = {P_OK, ""};
        uint64_t bytes;

        assert_int_equal(drv_estimate(t->device, &JOBS[i], &bytes, &err), P_EUNSUPPORTED);
        assert_non_null(strstr(err.text, "kernel"));
    }
    test_card_close(t);
    free(t);
}

/* Arguments that are not of the kernel's kinds do not reach the card. */
static void test_arguments(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    card_rows *rows = NULL;
    card_command command = {0};
    uint64_t commands;

    (void)state;
    test_card_defaults(t);
    test_card_open(t);
    card_run run = {.device = t->internal};
    assert_int_equal(card_rows_alloc(t->internal, CARD_SIDE_A, 256, &rows, NULL), P_OK);
    commands = test_card_counts(t).commands[DIRECT_ANY];
    assert_int_equal(card_start_kernel(&run, &command, row_gather, 0, 1, NULL, .src = card_at(rows),
                                       .index = card_at(rows), .count = card_number(1)),
                     P_EINTERNAL); /* no dst */
    assert_int_equal(card_start_kernel(&run, &command, row_gather, 0, 1, NULL, .src = card_at(rows),
                                       .index = card_at(rows), .dst = card_at(rows),
                                       .count = card_at(rows)),
                     P_EINTERNAL);
    assert_int_equal(card_start_kernel(&run, &command, row_gather, 0, 1, NULL, .src = card_at(rows),
                                       .index = card_at(rows), .dst = card_at(rows),
                                       .count = card_number(UINT64_C(1) << 32)),
                     P_EINTERNAL);
    assert_int_equal(card_start_kernel(&run, &command, row_gather, 1, 1, NULL, .src = card_at(rows),
                                       .index = card_at(rows), .dst = card_at(rows),
                                       .count = card_number(1)),
                     P_EINTERNAL); /* there is unit 0 only */
    assert_int_equal(card_write(&run, &command, rows, 255, 2, rows, NULL), P_EINTERNAL);
    assert_int_equal(card_read(&run, &command, rows, UINT64_MAX, 2, rows, NULL), P_EINTERNAL);
    assert_int_equal(test_card_counts(t).commands[DIRECT_ANY], commands);
    card_rows_free(t->internal, rows);
    test_card_close(t);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hang),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_no_card_memory),
        cmocka_unit_test(test_no_host_memory),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_missing_kernels),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
