/* Watches: exactly one answer each, in time, however many there are. */
#include "tests/unit/jobs/jobs_test.h"

static void start(fixture *f)
{
    p_err err = {0};
    test_ok(jobs_start(f->j, &err), &err);
}

static void test_timeouts(void **state)
{
    fixture *f = *state;
    job_id id = test_submit(f, "ok"); /* nothing runs: the worker is not started */
    static const unsigned timeouts[] = {0, 1, 30, 100, 250};
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        double late = 0;
        for (unsigned attempt = 0; attempt < 3; attempt++) { /* the machine may be busy */
            waiter w;
            waiter_init(&w);
            double t = test_seconds();
            test_watch(f, &id, timeouts[i], &w);
            waiter_wait(&w, 1);
            assert_int_equal(w.why, JOBS_WHY_TIMEOUT);
            assert_int_equal(w.view.state, JOB_PENDING);
            assert_int_equal(w.view.position, 0);
            late = (w.when - t) * 1e3 - timeouts[i];
            assert_true(late >= 0);
            if (late <= 100)
                break;
        }
        if (late > 100)
            fail_msg("a time-out of %u ms came %.1f ms late, three times", timeouts[i], late);
    }
}

static void test_order_of_timeouts(void **state)
{
    fixture *f = *state;
    enum { N = 300 };
    waiter *w = calloc(N, sizeof *w);
    double *asked = calloc(N, sizeof *asked);
    unsigned *ms = calloc(N, sizeof *ms);
    unsigned late = 0;
    uint64_t rng = 7;
    job_id ids[3] = {test_submit(f, "ok"), test_submit(f, "ok"), test_submit(f, "ok")};
    for (unsigned i = 0; i < N; i++) {
        waiter_init(&w[i]);
        ms[i] = (unsigned)(test_random(&rng) % 400);
        asked[i] = test_seconds();
        test_watch(f, &ids[i % 3], ms[i], &w[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        waiter_wait(&w[i], 1);
        double took = (w[i].when - asked[i]) * 1e3;
        late += took > ms[i] + 100;
        if (took < ms[i] || took > ms[i] + 2000)
            fail_msg("time-out %u of %u ms took %.1f ms", i, ms[i], took);
        assert_int_equal(w[i].view.position, i % 3);
    }
    /* a machine that is busy with other things may hold a few up */
    if (late > N / 10)
        fail_msg("%u of %u answers came more than 100 ms late", late, N);
    free(w);
    free(asked);
    free(ms);
}

static void test_unknown_and_ended(void **state)
{
    fixture *f = *state;
    start(f);
    waiter w;
    waiter_init(&w);
    job_id unknown = test_id(5), id = test_submit(f, "ok");
    test_watch(f, &unknown, 100000, &w);
    waiter_wait(&w, 1);
    assert_int_equal(w.why, JOBS_WHY_UNKNOWN);
    assert_int_equal(test_await(f, &id, NULL), JOB_COMPLETED_OK);
    test_watch(f, &id, 0, &w);
    waiter_wait(&w, 2);
    assert_int_equal(w.why, JOBS_WHY_ENDED);
    assert_string_equal(w.proof, "P");
}

static void test_running_view(void **state)
{
    fixture *f = *state;
    start(f);
    waiter w;
    waiter_init(&w);
    job_id id = test_submit(f, "block"), next = test_submit(f, "ok");
    test_until_running(f, &id);
    test_watch(f, &id, 0, &w);
    waiter_wait(&w, 1);
    assert_int_equal(w.why, JOBS_WHY_TIMEOUT);
    assert_int_equal(w.view.state, JOB_RUNNING);
    assert_string_equal(w.view.stage, "second");
    assert_int_equal(w.view.percent, 42);
    assert_int_equal(w.view.attempt, 1);
    test_watch(f, &next, 0, &w);
    waiter_wait(&w, 2);
    assert_int_equal(w.view.position, 1);
    test_watch(f, &next, 20000, &w);
    atomic_store(&f->release, true);
    waiter_wait(&w, 3);
    assert_int_equal(w.why, JOBS_WHY_ENDED);
}

static void test_drop(void **state)
{
    fixture *f = *state;
    waiter w;
    waiter_init(&w);
    job_id id = test_submit(f, "ok");
    uint64_t ticket = test_watch(f, &id, 1000000, &w);
    jobs_watch_drop(f->j, ticket);
    waiter_wait(&w, 1);
    assert_int_equal(w.why, JOBS_WHY_DROPPED);
    jobs_watch_drop(f->j, ticket); /* an old one does nothing */
    jobs_watch_drop(f->j, 0);
    jobs_watch_drop(f->j, UINT64_MAX);
    uint64_t second = test_watch(f, &id, 1000000, &w);
    assert_int_not_equal(second, ticket); /* though it has the same slot */
    jobs_watch_drop(f->j, ticket);
    test_sleep_ms(30);
    waiter_wait(&w, 1);
    jobs_watch_drop(f->j, second);
    waiter_wait(&w, 2);
}

static unsigned count_threads(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void test_thousands(void **state)
{
    fixture *f = *state;
    start(f);
    waiter w;
    waiter_init(&w);
    job_id id = test_submit(f, "block");
    test_until_running(f, &id);
    unsigned threads = count_threads();
    for (unsigned i = 0; i < 4000; i++)
        test_watch(f, &id, 600000, &w);
    assert_int_equal(count_threads(), threads);
    p_err err = {0};
    test_expect(jobs_watch(f->j, &id, 1, waiter_fn, &w, NULL, &err), &err, P_EEXHAUSTED, "4000");
    jobs_status s;
    jobs_get_status(f->j, &s, NULL, 0);
    assert_int_equal(s.watches, 4000);
    double t = test_seconds();
    atomic_store(&f->release, true);
    waiter_wait(&w, 4000);
    print_message("4000 watches answered in %.3f s\n", test_seconds() - t);
    assert_int_equal(w.why, JOBS_WHY_ENDED);
    test_sleep_ms(30);
    waiter_wait(&w, 4000); /* not one more */
    assert_int_equal(test_await(f, &id, NULL), JOB_COMPLETED_OK);
}

/** Callbacks that call back in, as the stream of a client does. */
typedef struct again {
    fixture *f;
    job_id id;
    atomic_uint left;
} again;

static void again_fn(void *ctx, jobs_why why, const job_view *view, const p_err *err)
{
    again *a = ctx;
    jobs_status s;
    (void)why;
    (void)view;
    (void)err;
    jobs_get_status(a->f->j, &s, NULL, 0);
    if (atomic_fetch_sub(&a->left, 1) > 1)
        assert_int_equal(jobs_watch(a->f->j, &a->id, 0, again_fn, a, NULL, NULL), P_OK);
}

static void test_reentrant(void **state)
{
    fixture *f = *state;
    again a = {.f = f, .id = test_submit(f, "ok"), .left = 500};
    assert_int_equal(jobs_watch(f->j, &a.id, 0, again_fn, &a, NULL, NULL), P_OK);
    for (unsigned i = 0; i < 5000 && atomic_load(&a.left); i++)
        test_sleep_ms(2);
    assert_int_equal(atomic_load(&a.left), 0);
}

typedef struct crowd {
    fixture *f;
    const job_id *ids;
    waiter w;
    unsigned asked;
    uint64_t seed;
} crowd;

static void *crowd_thread(void *arg)
{
    crowd *c = arg;
    uint64_t rng = c->seed;
    for (unsigned i = 0; i < 400; i++) {
        uint64_t ticket, r = test_random(&rng);
        if (jobs_watch(c->f->j, &c->ids[r % 20], r >> 8 & 31, waiter_fn, &c->w, &ticket, NULL) ==
            P_OK)
            c->asked++;
        if (r >> 20 & 1)
            jobs_watch_drop(c->f->j, ticket);
        if ((r >> 21 & 15) == 0)
            jobs_cancel(c->f->j, &c->ids[(r >> 32) % 20], NULL);
    }
    return NULL;
}

/** Watching, dropping, cancelling, ending and draining all at once: one answer for each. */
static void test_crowd(void **state)
{
    fixture *f = *state;
    job_id ids[20];
    start(f);
    for (unsigned i = 0; i < 20; i++)
        ids[i] = test_submit(f, i % 3 ? "ok" : "block");
    crowd c[4];
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        c[i] = (crowd){.f = f, .ids = ids, .seed = i};
        waiter_init(&c[i].w);
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_thread, &c[i]), 0);
    }
    test_sleep_ms(40);
    jobs_drain(f->j);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        waiter_wait(&c[i].w, c[i].asked);
    }
    assert_true(jobs_drain_wait(f->j, 5000));
    jobs_status s;
    for (unsigned i = 0; i < 500; i++) { /* the last callback returns before its place is free */
        jobs_get_status(f->j, &s, NULL, 0);
        if (!s.watches)
            break;
        test_sleep_ms(2);
    }
    assert_int_equal(s.watches, 0);
}

/** Destroying answers whoever still waits. */
static void test_destroy(void **state)
{
    fixture *f = *state;
    waiter w;
    waiter_init(&w);
    job_id id = test_submit(f, "ok"), unknown = test_id(3);
    for (unsigned i = 0; i < 50; i++) {
        test_watch(f, &id, 1000000, &w);
        test_watch(f, &unknown, 1000000, &w);
    }
    test_end(f);
    waiter_wait(&w, 100);
    test_begin(f, false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_timeouts),
        TEST(test_order_of_timeouts),
        TEST(test_unknown_and_ended),
        TEST(test_running_view),
        TEST(test_drop),
        TEST(test_thousands),
        TEST(test_reentrant),
        TEST(test_crowd),
        TEST(test_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
