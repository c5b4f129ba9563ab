/* What happens at the same time, from the card's own record. Asserted is what the schedule decides:
 * that commands are under way together. That they then also run together is up to the machine: of
 * several tries one has to show it. */
#include "tests/unit/card/card_test.h"

#define LEAST_US 10000
#define TRIES 10
#define ENOUGH 2 /* times seen */

static direct_event EVENT[DIRECT_MAX_EVENTS];

/* The at-th event of a kind, or NULL. */
static const direct_event *find(size_t events, uint32_t what, unsigned at)
{
    for (size_t i = 0; i < events; i++)
        if (EVENT[i].what == what && at-- == 0)
            return &EVENT[i];
    return NULL;
}

static bool together(const direct_event *const *e, unsigned count)
{
    int64_t start = INT64_MIN, end = INT64_MAX;
    uint64_t started = 0, told = UINT64_MAX;

    for (unsigned i = 0; i < count; i++) {
        assert_non_null(e[i]);
        start = e[i]->started_ns > start ? e[i]->started_ns : start;
        end = e[i]->ended_ns < end ? e[i]->ended_ns : end;
        started = e[i]->started_by > started ? e[i]->started_by : started;
        told = e[i]->told_by < told ? e[i]->told_by : told;
    }
    assert_true(started < told);
    return start < end;
}

static void open_slow(test_card *t, uint32_t lde_units, uint32_t move_us)
{
    test_card_defaults(t);
    t->options.threads = true;
    t->options.least_us = LEAST_US;
    t->options.move_us = move_us;
    t->options.caps.units[CARD_gl_lde] = lde_units;
    /* fewer kernels, for the self-test's time */
    t->options.caps.units[CARD_bn_poseidon] = 0;
    t->options.caps.units[CARD_bn_msm_g1] = t->options.caps.units[CARD_fr_ntt] = 0;
    test_card_open(t);
}

static void commit(test_card *t, uint32_t columns)
{
    uint64_t cap[4];
    drv_handle *handle = NULL;
    drv_job job = {.op = DRV_COMMIT,
                   .commit = {.in = {.columns = columns, .log_rows = 5},
                              .log_blowup = 1,
                              .cap = cap,
                              .out = &handle}};

    job.commit.in.data = aligned_alloc(64, drv_matrix_words(columns, 5) * 8);
    test_fill(job.commit.in.data, drv_matrix_words(columns, 5), 1);
    direct_card_clear_events(t->card);
    assert_int_equal(drv_run(t->device, &job, 60000, NULL), P_OK);
    drv_release(handle);
    free(job.commit.in.data);
}

/* Upload of block i + 1, extension of block i and hashing of block i - 1. */
static void test_commit(void **state)
{
    enum { BLOCKS = 8 };
    test_card *t = calloc(1, sizeof *t);
    unsigned seen = 0;

    (void)state;
    open_slow(t, 1, LEAST_US);
    for (unsigned tries = 0; tries < TRIES && seen < ENOUGH; tries++) {
        size_t events;

        commit(t, BLOCKS * 8);
        events = direct_card_events(t->card, EVENT);
        seen = 0;
        for (unsigned i = 1; i + 1 < BLOCKS; i++) {
            const direct_event *e[] = {find(events, DIRECT_WRITE, i + 1),
                                       find(events, CARD_gl_lde, i),
                                       find(events, CARD_gl_merkle, i - 1)};

            seen += together(e, 3);
        }
    }
    assert_true(seen >= ENOUGH);
    test_card_close(t);
    free(t);
}

/* Two units extend two blocks at the same time. */
static void test_units(void **state)
{
    test_card *t = calloc(1, sizeof *t);
    unsigned seen = 0;

    (void)state;
    open_slow(t, 2, LEAST_US / 4);
    for (unsigned tries = 0; tries < TRIES && seen < ENOUGH; tries++) {
        size_t events;

        commit(t, 64);
        events = direct_card_events(t->card, EVENT);
        seen = 0;
        for (unsigned i = 0; i + 1 < 8; i++) {
            const direct_event *e[] = {find(events, CARD_gl_lde, i),
                                       find(events, CARD_gl_lde, i + 1)};

            assert_int_not_equal(e[0]->unit, e[1]->unit);
            seen += together(e, 2);
        }
    }
    assert_true(seen >= ENOUGH);
    test_card_close(t);
    free(t);
}

/* Upload of piece i + 1, work on piece i, download of piece i - 1. */
static void test_transform(void **state)
{
    enum { PIECES = 8 };
    test_card *t = calloc(1, sizeof *t);
    drv_job job = {.op = DRV_NTT,
                   .ntt = {.layout = DRV_BLOCKED, .log_n = 4, .columns = 8 * PIECES, .shift = {3}}};
    unsigned seen = 0;

    (void)state;
    open_slow(t, 1, LEAST_US);
    job.ntt.data = aligned_alloc(64, 8 * PIECES * 16 * 8);
    test_fill(job.ntt.data, 8 * PIECES * 16, 1);
    for (unsigned tries = 0; tries < TRIES && seen < ENOUGH; tries++) {
        size_t events;

        direct_card_clear_events(t->card);
        assert_int_equal(drv_run(t->device, &job, 60000, NULL), P_OK);
        events = direct_card_events(t->card, EVENT);
        seen = 0;
        for (unsigned i = 1; i + 1 < PIECES; i++) {
            const direct_event *e[] = {find(events, DIRECT_WRITE, i + 1),
                                       find(events, CARD_gl_lde, i),
                                       find(events, DIRECT_READ, i - 1)};

            seen += together(e, 3);
        }
    }
    assert_true(seen >= ENOUGH);
    free(job.ntt.data);
    test_card_close(t);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_transform),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
