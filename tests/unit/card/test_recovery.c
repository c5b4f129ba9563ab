/* Every command of every kind of job fails in turn, and the result is right all the same; nothing
 * is left behind. The card runs each command when it is waited for and not before, so a schedule
 * that forgets to wait fails here, too. */
#include "tests/unit/card/card_test.h"

#include "driver/base/clock.h"

static void test_every_command(void **state)
{
    static const direct_fault_kind KINDS[] = {DIRECT_FAIL, DIRECT_REFUSE};
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);

    (void)state;
    test_card_defaults(t);
    test_card_open(t);
    for (size_t i = 0; i < TEST_SCENARIO_COUNT; i++) {
        const test_scenario *scenario = &TEST_SCENARIOS[i];
        uint64_t before = test_card_counts(t).commands[DIRECT_ANY], commands;

        test_truth_make(truth, scenario);
        test_card_expect(t, scenario, truth, "without a fault", 0);
        assert_int_equal(t->logged, 0);
        commands = test_card_counts(t).commands[DIRECT_ANY] - before;
        assert_true(commands >= 3);
        for (unsigned k = 0; k < 2; k++)
            for (uint64_t at = 1 + (i + k) % TEST_STRIDE; at <= commands; at += TEST_STRIDE) {
                direct_counts counts = test_card_counts(t);

                test_card_fault(t, KINDS[k], DIRECT_ANY, at, 1, at);
                test_card_expect(t, scenario, truth, "failing command", at);
                /* constants that the scenario without a fault uploaded may not be needed again */
                if (test_card_counts(t).faults == counts.faults)
                    continue;
                assert_int_equal(test_card_counts(t).resets, counts.resets + 1);
                assert_non_null(strstr(t->log, "now it is tried again"));
                assert_int_equal(t->logged, 1);
                t->logged = 0;
                t->log[0] = '\0';
            }
        test_card_fault(t, DIRECT_SOUND, DIRECT_ANY, 1, 0, 0);
    }
    test_card_close(t);
    free(truth);
    free(t);
}

/* The card fails for good at some command: device cpu does the rest. */
static void test_for_good(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);

    (void)state;
    for (size_t i = 0; i < TEST_SCENARIO_COUNT; i++) {
        uint64_t commands = 0;

        test_truth_make(truth, &TEST_SCENARIOS[i]);
        test_card_defaults(t);
        t->patience =
            (card_patience){.failures = 1000000, .first_ms = 1, .most_ms = 1, .base_ms = 500};
        test_card_open(t);
        commands = test_card_counts(t).commands[DIRECT_ANY];
        test_card_expect(t, &TEST_SCENARIOS[i], truth, "without a fault", 0);
        commands = test_card_counts(t).commands[DIRECT_ANY] - commands;
        for (uint64_t at = 1; at <= commands; at += 1 + commands / 12) {
            test_card_fault(t, DIRECT_FAIL, DIRECT_ANY, at, UINT64_MAX, 0);
            test_card_expect(t, &TEST_SCENARIOS[i], truth, "failing for good from command", at);
            assert_non_null(strstr(t->log, "now device cpu does it"));
            t->log[0] = '\0';
            test_card_fault(t, DIRECT_SOUND, DIRECT_ANY, 1, 0, 0);
        }
        test_card_close(t);
    }
    free(truth);
    free(t);
}

/* After failures in a row the card is left alone, and later it is tried again. */
static void test_back_off(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);
    const test_scenario *scenario = test_scenario_find("poseidon_gl");
    drv_info info;
    uint64_t commands;

    (void)state;
    test_truth_make(truth, scenario);
    test_card_defaults(t);
    t->patience = (card_patience){.failures = 4, .first_ms = 300, .most_ms = 400, .base_ms = 500};
    test_card_open(t);
    test_card_fault(t, DIRECT_FAIL, DIRECT_ANY, 1, UINT64_MAX, 0);
    test_card_expect(t, scenario, truth, "failing", 1);
    test_card_expect(t, scenario, truth, "failing", 2);
    assert_int_equal(t->logged, 4);
    assert_non_null(strstr(t->log, "4 times in a row"));
    card_device_info(t->internal, &info);
    assert_non_null(strstr(info.about, "4 times in a row"));
    commands = test_card_counts(t).commands[DIRECT_ANY];
    for (unsigned i = 0; i < 5; i++)
        test_card_expect(t, scenario, truth, "left alone", i);
    assert_int_equal(test_card_counts(t).commands[DIRECT_ANY], commands);
    /* its time has come: it fails once more, and the time is longer */
    nanosleep(&(struct timespec){.tv_nsec = 310000000}, NULL);
    test_card_expect(t, scenario, truth, "tried", 0);
    assert_true(test_card_counts(t).commands[DIRECT_ANY] == commands + 1);
    test_card_fault(t, DIRECT_SOUND, DIRECT_ANY, 1, 0, 0);
    nanosleep(&(struct timespec){.tv_nsec = 410000000}, NULL);
    test_card_expect(t, scenario, truth, "sound again", 0);
    assert_true(test_card_counts(t).commands[DIRECT_ANY] > commands + 1);
    assert_non_null(strstr(t->log, "works again"));
    card_device_info(t->internal, &info);
    assert_null(strstr(info.about, "in a row"));
    test_card_close(t);
    free(truth);
    free(t);
}

static void test_failing_resets(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);
    const test_scenario *scenario = test_scenario_find("commit_gl");

    (void)state;
    test_truth_make(truth, scenario);
    test_card_defaults(t);
    test_card_open(t);
    for (uint32_t resets = 1; resets <= 3; resets++) {
        test_card_fault(t, DIRECT_FAIL, DIRECT_ANY, 5, 1, 0);
        direct_card_fail_resets(t->card, resets);
        test_card_expect(t, scenario, truth, "failing resets:", resets);
        t->internal->failures = 0; /* not what is looked at here */
        test_card_expect(t, scenario, truth, "after failing resets:", resets);
        t->internal->failures = 0;
    }
    assert_false(t->internal->lost);
    test_card_close(t);
    free(truth);
    free(t);
}

/* ---- what was on the card ---- */

typedef struct kept {
    drv_handle *handle;
    uint64_t in[16 << 6], cap[8], row, values[16], paths[4 * 8];
} kept;

static void keep(test_card *t, kept *k, drv_input input, uint64_t seed)
{
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = {.columns = 13, .log_rows = 6},
                              .input = input,
                              .log_blowup = 1,
                              .cap_log2 = 1,
                              .cap = k->cap,
                              .out = &k->handle}};

    test_fill(k->in, 16 << 6, seed);
    job.commit.in.data = aligned_alloc(64, sizeof k->in);
    memcpy(job.commit.in.data, k->in, sizeof k->in);
    assert_int_equal(drv_run(t->device, &job, 60000, NULL), P_OK);
    free(job.commit.in.data);
    k->row = seed;
}

static void open_kept(test_card *t, kept *k)
{
    drv_commitment shape;
    drv_job job = {.op = DRV_OPEN, .open = {k->handle, &k->row, 1, k->values, k->paths}};
    p_err err = {P_OK, ""};

    if (drv_run(t->device, &job, 60000, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_int_equal(drv_commitment_info(k->handle, &shape), P_OK);
    assert_int_equal(drv_check_opening(&shape, k->cap, &k->row, 1, k->values, k->paths, NULL),
                     P_OK);
}

/* Commitments that were lost with the card are made again when they are needed, on the card or, if
 * it does not come back or has no room, on device cpu. */
static void test_lost_commitments(void **state)
{
    static const struct {
        const char *what;
        bool for_good, no_memory;
        uint32_t resets;
    } CASES[] = {{"reset", false, false, 0},
                 {"failing for good", true, false, 1000},
                 {"without memory", false, true, 0}};
    const test_scenario *scenario = test_scenario_find("ntt_blocked");
    test_truth *truth = calloc(1, sizeof *truth);
    kept *k = calloc(3, sizeof *k);
    test_card *t = calloc(1, sizeof *t);

    (void)state;
    test_truth_make(truth, scenario);
    for (unsigned i = 0; i < 3; i++) {
        direct_counts counts;

        test_card_defaults(t);
        test_card_open(t);
        uint64_t *leaves = aligned_alloc(64, sizeof k[2].in);
        drv_job job = {.op = DRV_COMMIT,
                       .commit = {.in = {.data = leaves, .columns = 13, .log_rows = 6},
                                  .input = DRV_LEAVES,
                                  .cap_log2 = 1,
                                  .cap = k[2].cap,
                                  .out = &k[2].handle}};
        keep(t, &k[0], DRV_VALUES, 1);
        keep(t, &k[1], DRV_COEFFICIENTS, 2);
        test_fill(leaves, 16 << 6, 3);
        k[2].row = 3;
        assert_int_equal(drv_run(t->device, &job, 60000, NULL), P_OK);
        direct_card_fail_resets(t->card, CASES[i].resets);
        test_card_fault(t, DIRECT_FAIL, DIRECT_ANY, 2, 1, 0);
        test_card_expect(t, scenario, truth, CASES[i].what, i);
        direct_card_fail_allocations(t->card, CASES[i].no_memory);
        card_rows_trim(t->internal);
        counts = test_card_counts(t);
        for (unsigned round = 0; round < 2; round++)
            for (unsigned j = 0; j < 3; j++)
                open_kept(t, &k[j]);
        if (i == 0)
            assert_int_equal(test_card_counts(t).commands[CARD_gl_lde],
                             counts.commands[CARD_gl_lde] + 4); /* two blocks each, once */
        else
            assert_int_equal(test_card_counts(t).commands[CARD_gl_lde],
                             counts.commands[CARD_gl_lde]);
        direct_card_fail_allocations(t->card, 0);
        for (unsigned j = 0; j < 3; j++)
            drv_release(k[j].handle);
        free(leaves);
        direct_card_fail_resets(t->card, 0);
        test_card_close(t);
    }
    free(t);
    free(k);
    free(truth);
}

/* The leaves that the caller lends are changed, so the same cap cannot come out again. */
static void test_changed_leaves(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);
    kept *k = calloc(1, sizeof *k);
    uint64_t *leaves = aligned_alloc(64, sizeof k->in);
    const test_scenario *scenario = test_scenario_find("poseidon_gl");
    p_err err = {P_OK, ""};

    (void)state;
    test_truth_make(truth, scenario);
    test_card_defaults(t);
    test_card_open(t);
    test_fill(leaves, 16 << 6, 3);
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = {.data = leaves, .columns = 13, .log_rows = 6},
                              .input = DRV_LEAVES,
                              .cap_log2 = 1,
                              .cap = k->cap,
                              .out = &k->handle}};
    assert_int_equal(drv_run(t->device, &job, 60000, NULL), P_OK);
    test_card_fault(t, DIRECT_FAIL, DIRECT_ANY, 1, 1, 0);
    test_card_expect(t, scenario, truth, "losing the leaves", 0);
    leaves[17] ^= 1;
    job = (drv_job){.op = DRV_OPEN, .open = {k->handle, &k->row, 1, k->values, k->paths}};
    assert_int_equal(drv_run(t->device, &job, 60000, &err), P_EDEVICE);
    assert_non_null(strstr(err.text, "another cap"));
    drv_release(k->handle);
    test_card_close(t);
    free(leaves);
    free(k);
    free(truth);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command),    cmocka_unit_test(test_for_good),
        cmocka_unit_test(test_back_off),         cmocka_unit_test(test_failing_resets),
        cmocka_unit_test(test_lost_commitments), cmocka_unit_test(test_changed_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
