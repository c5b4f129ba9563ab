/* Wrong results are noticed: bits inverted at random places of what kernels write and what is read
 * back, and kernels that are wrong from the start. */
#include "driver/field/goldilocks.h"
#include "tests/unit/card/card_test.h"

/* A fault in a command of a scenario: the result is right, and the fault was seen but for at most
 * harmless times. */
static void notice_most(test_card *t, const char *name, direct_fault_kind kind, uint32_t what,
                        uint64_t at, unsigned seeds, unsigned harmless)
{
    const test_scenario *scenario = test_scenario_find(name);
    test_truth *truth = calloc(1, sizeof *truth);

    test_truth_make(truth, scenario);
    for (unsigned seed = 0; seed < seeds; seed += TEST_STRIDE) {
        direct_counts before = test_card_counts(t), after;

        test_card_fault(t, kind, what, at, 1, 1000 * seed);
        test_card_expect(t, scenario, truth, "with an inverted bit, seed", seed);
        after = test_card_counts(t);
        assert_int_equal(after.faults, before.faults + 1);
        if (after.resets != before.resets + 1 && harmless-- == 0)
            fail_msg("%s, command %u, seed %u: the fault was not seen", name, what, seed);
    }
    test_card_fault(t, DIRECT_SOUND, DIRECT_ANY, 1, 0, 0);
    free(truth);
}

static void notice(test_card *t, const char *name, direct_fault_kind kind, uint32_t what,
                   uint64_t at, unsigned seeds)
{
    notice_most(t, name, kind, what, at, seeds, 0);
}

static void test_flips(void **state)
{
    test_card *t = calloc(1, sizeof *t);

    (void)state;
    test_card_defaults(t);
    test_card_open(t);
    /* all columns of a small transform count */
    for (uint64_t piece = 1; piece <= 6; piece++) {
        if (piece < 6) /* the last block is not full: bits that nobody sees */
            notice(t, "ntt_columns", DIRECT_FLIP, DIRECT_READ, piece, 8);
        notice(t, "ntt_fr", DIRECT_FLIP, DIRECT_READ, piece, 8);
    }
    notice(t, "ntt_blocked", DIRECT_FLIP, CARD_gl_lde, 2, 20);
    notice(t, "ntt_fr", DIRECT_FLIP, CARD_fr_ntt, 5, 20);
    /* and what the kernel took in */
    notice(t, "ntt_blocked", DIRECT_FLIP, DIRECT_WRITE, 3, 20);
    notice(t, "ntt_fr", DIRECT_FLIP, DIRECT_WRITE, 3, 20);
    /* all of so few states are computed again */
    notice(t, "poseidon_gl", DIRECT_FLIP, CARD_gl_merkle, 1, 20);
    notice(t, "poseidon_fr", DIRECT_FLIP, CARD_bn_poseidon, 1, 20);
    /* a point with an inverted bit is not on the curve; infinity's coordinates do not count */
    notice_most(t, "msm", DIRECT_FLIP, CARD_bn_msm_g1, 1, 20, 5);
    /* the cap of all leaves: each is opened; the last upload fills the host's side of the check */
    notice(t, "commit_full", DIRECT_FLIP, CARD_gl_lde, 1, 20);
    notice(t, "commit_full", DIRECT_FLIP, CARD_gl_lde, 3, 20);
    for (uint64_t block = 1; block <= 3; block++)
        notice(t, "commit_full", DIRECT_FLIP, CARD_gl_merkle, block, 10);
    /* a leaf that is wrong in all rows, a hash that is wrong in all digests */
    notice(t, "commit_gl", DIRECT_SPOIL, CARD_gl_lde, 2, 5);
    for (uint64_t run = 1; run <= 5; run++) /* four blocks and the nodes above */
        notice(t, "commit_gl", DIRECT_SPOIL, CARD_gl_merkle, run, 5);
    notice(t, "commit_leaves", DIRECT_SPOIL, CARD_gl_merkle, 2, 5);
    notice(t, "commit_bn", DIRECT_SPOIL, CARD_bn_poseidon, 2, 3);
    notice(t, "commit_bn", DIRECT_SPOIL, CARD_bn_poseidon, 3, 3);
    notice(t, "commit_bn_leaves", DIRECT_SPOIL, CARD_bn_poseidon, 1, 3);
    /* what is gathered: twice for the check, twice for the opening of nine rows */
    for (uint64_t run = 1; run <= 4; run++)
        notice(t, "commit_gl", DIRECT_SPOIL, CARD_row_gather, run, 5);
    test_card_close(t);
    free(t);
}

/* A kernel that is wrong does not let the device open. */
static void test_wrong_kernels(void **state)
{
    (void)state;
    for (uint32_t kernel = 0; kernel < CARD_KERNELS; kernel++)
        for (uint64_t run = 1; run <= 12; run++) {
            test_card *t = calloc(1, sizeof *t);
            p_err err = {P_OK, ""};
            p_status s;

            test_card_defaults(t);
            t->card = direct_card_create(&t->options);
            test_card_fault(t, DIRECT_SPOIL, kernel, run, 1, kernel);
            s = test_card_try_open(t, &err);
            if (test_card_counts(t).faults == 0) { /* so many runs are not made */
                assert_int_equal(s, P_OK);
                assert_true(run > 1);
                test_card_close(t);
                free(t);
                break;
            }
            if (s != P_EDEVICE || !strstr(err.text, "self-test of kernel"))
                fail_msg("kernel %s, run %u: %s", card_kernel_name(kernel), (unsigned)run,
                         s == P_OK ? "not seen" : err.text);
            /* rows are also gathered to check the others */
            if (kernel != CARD_row_gather || run == 1)
                assert_non_null(strstr(err.text, card_kernel_name(kernel)));
            assert_true(test_card_counts(t).closed);
            assert_int_equal(test_card_counts(t).buffers, 0);
            direct_card_destroy(t->card);
            free(t);
        }
}

/* The checks of transforms by themselves, on transforms computed the slow way. */
static void test_check_gl(void **state)
{
    enum { LOG_N = 5, N = 1 << LOG_N };
    test_card *t = calloc(1, sizeof *t);
    card_run run = {0};
    static hls_row coefficients[N], values[N];
    const uint64_t shift = UINT64_C(0x123456789);
    drv_matrix in = {.data = coefficients[0].w, .columns = 8, .log_rows = LOG_N};
    uint64_t rows[N];

    (void)state;
    test_card_defaults(t);
    test_card_open(t);
    run.device = t->internal;
    test_fill(coefficients[0].w, N * 8, 5);
    for (unsigned i = 0; i < N; i++)
        for (unsigned c = 0; c < 8; c++)
            coefficients[i].w[c] %= GL_P;
    /* by drv_check_rows' own arithmetic: the job with shift 7 is what it checks */
    drv_job job = {.op = DRV_NTT,
                   .ntt = {.layout = DRV_BLOCKED, .log_n = LOG_N, .columns = 8, .shift = {7}}};
    job.ntt.data = aligned_alloc(64, sizeof values);
    memcpy(job.ntt.data, coefficients, sizeof values);
    assert_int_equal(drv_run(t->device, &job, 60000, NULL), P_OK);
    memcpy(values, job.ntt.data, sizeof values);
    free(job.ntt.data);
    for (unsigned i = 0; i < N; i++)
        rows[i] = i;
    assert_int_equal(drv_check_rows(&in, DRV_COEFFICIENTS, 0, rows, N, values[0].w, NULL), P_OK);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(card_check_gl(&run, coefficients, values, LOG_N, 7, 255, NULL), P_OK);
    assert_int_equal(card_check_gl(&run, coefficients, values, LOG_N, shift, 255, NULL), P_EDEVICE);
    for (unsigned i = 0; i < N * 8; i++) {
        uint64_t *w = &coefficients[i / 8].w[i % 8], *v = &values[i / 8].w[i % 8];
        uint32_t mask = 1u << i % 8;

        *w ^= UINT64_C(1) << i % 64;
        assert_int_equal(card_check_gl(&run, coefficients, values, LOG_N, 7, 255, NULL), P_EDEVICE);
        assert_int_equal(card_check_gl(&run, coefficients, values, LOG_N, 7, mask, NULL),
                         P_EDEVICE);
        assert_int_equal(card_check_gl(&run, coefficients, values, LOG_N, 7, 255 & ~mask, NULL),
                         P_OK);
        *w ^= UINT64_C(1) << i % 64;
        *v ^= UINT64_C(1) << i % 64;
        assert_int_equal(card_check_gl(&run, coefficients, values, LOG_N, 7, 255, NULL), P_EDEVICE);
        *v ^= UINT64_C(1) << i % 64;
    }
    test_card_close(t);
    free(t);
}

/* Several units of each kernel share the work; a failure of a later piece loses nothing. */
static void test_units(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    test_truth *truth = calloc(1, sizeof *truth);
    uint64_t runs;

    (void)state;
    test_card_defaults(t);
    for (unsigned i = 0; i < CARD_KERNELS; i++)
        t->options.caps.units[i] = 3;
    test_card_open(t);
    for (size_t i = 0; i < TEST_SCENARIO_COUNT; i++) {
        test_truth_make(truth, &TEST_SCENARIOS[i]);
        test_card_expect(t, &TEST_SCENARIOS[i], truth, "with three units", i);
    }
    test_truth_make(truth, &TEST_MSM_PIECES);
    runs = test_card_counts(t).commands[CARD_bn_msm_g1];
    test_card_expect(t, &TEST_MSM_PIECES, truth, "in pieces", 0);
    /* of 512 points: three, and one for the sum of three points */
    assert_int_equal(test_card_counts(t).commands[CARD_bn_msm_g1], runs + 4);
    assert_int_equal(t->logged, 0);
    test_card_fault(t, DIRECT_FAIL, CARD_bn_msm_g1, 2, 1, 0);
    test_card_expect(t, &TEST_MSM_PIECES, truth, "in pieces, of which one fails", 2);
    test_card_close(t);
    free(truth);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_wrong_kernels),
        cmocka_unit_test(test_check_gl),
        cmocka_unit_test(test_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
