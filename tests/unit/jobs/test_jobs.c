/* The queue and its worker: submit, order, ends, cancel, drain, restart, halt, retention. */
#include "tests/unit/jobs/jobs_test.h"

static void start(fixture *f)
{
    p_err err = {0};
    test_ok(jobs_start(f->j, &err), &err);
}

static void restart(fixture *f, bool run)
{
    test_end(f);
    test_begin(f, run);
}

static void test_arguments(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    jobs *j;
    jobs_options o = f->options;
    o.max_queue = 0;
    test_expect(jobs_create(&j, &o, &err), &err, P_EINVAL, "limits");
    o = f->options;
    o.run = NULL;
    test_expect(jobs_create(&j, &o, &err), &err, P_EINVAL, "run function");
    jobs_destroy(NULL);
    start(f);
    test_expect(jobs_start(f->j, &err), &err, P_EINTERNAL, "twice");
}

static void test_ends(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *request;
        job_state state;
        const char *text, *proof;
    } rows[] = {
        {"ok", JOB_COMPLETED_OK, "", "P"},
        {"error", JOB_COMPLETED_ERROR, "the batch is wrong", ""},
        {"internal", JOB_INTERNAL_ERROR, "the prover is broken", ""},
        {"no proof", JOB_INTERNAL_ERROR, "without a proof", ""},
        {"stopped", JOB_INTERNAL_ERROR, "nobody asked", ""},
        {"", JOB_COMPLETED_OK, "", "P"},
    };
    start(f);
    job_id ids[6], zero = {""};
    for (unsigned i = 0; i < 6; i++) {
        ids[i] = test_submit(f, rows[i].request);
        job_id parsed;
        assert_true(job_id_parse(&parsed, ids[i].text, strlen(ids[i].text)));
        assert_int_equal(ids[i].text[14], '4');
        assert_non_null(strchr("89ab", ids[i].text[19]));
        for (unsigned k = 0; k < i; k++)
            assert_false(job_id_equal(&ids[i], &ids[k]));
        waiter w;
        assert_int_equal(test_await(f, &ids[i], &w), rows[i].state);
        assert_non_null(strstr(w.text, rows[i].text));
        assert_string_equal(w.proof, rows[i].proof);
        assert_true(w.view.created_ms && w.view.started_ms >= w.view.created_ms &&
                    w.view.ended_ms >= w.view.started_ms);
        jobs_status s; /* whoever has the answer sees no job computed any more */
        jobs_get_status(f->j, &s, NULL, 0);
        assert_true(s.mode == JOBS_IDLE && !s.has_current);
        assert_true(s.has_last && job_id_equal(&s.last, &ids[i]));
        assert_int_equal(s.last_ended_ms, w.view.ended_ms);
        assert_int_equal(s.submitted, i + 1);
    }
    restart(f, true);
    for (unsigned i = 0; i < 6; i++) {
        job_view v;
        p_err err = {0};
        test_ok(jobs_get(f->j, &ids[i], &v, &err), &err);
        assert_int_equal(v.state, rows[i].state);
        job_view_free(&v);
        test_expect(jobs_get(f->j, &zero, &v, &err), &err, P_ENOTFOUND, "no job");
    }
    jobs_status s = test_until_idle(f);
    assert_true(s.has_last && job_id_equal(&s.last, &ids[5]));
    assert_int_equal(atomic_load(&f->runs), 6);
    assert_int_equal(test_events(f, JOBS_EVENT_SUBMITTED), 6);
    assert_int_equal(test_events(f, JOBS_EVENT_ENDED), 6);
    assert_true(test_events(f, JOBS_EVENT_STAGE) >= 6);
}

static void test_order_and_bound(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    job_id ids[100], id, listed[100];
    char request[16];
    jobs_status s;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(request, sizeof request, "o%u", i);
        ids[i] = test_submit(f, request);
    }
    test_expect(jobs_submit(f->j, (const uint8_t *)"o", 1, &id, &err), &err, P_EEXHAUSTED,
                "100 jobs are waiting, and the queue takes 100");
    assert_string_equal(id.text, "");
    assert_int_equal(jobs_get_status(f->j, &s, listed, 100), 100);
    assert_int_equal(s.mode, JOBS_COMPUTING);
    assert_false(s.has_current);
    for (unsigned i = 0; i < 100; i++)
        assert_true(job_id_equal(&listed[i], &ids[i]));
    assert_int_equal(jobs_get_status(f->j, &s, listed, 3), 3);
    assert_int_equal(s.pending, 100);
    job_view v;
    test_ok(jobs_get(f->j, &ids[7], &v, &err), &err);
    assert_int_equal(v.state, JOB_PENDING);
    assert_int_equal(v.position, 7);
    job_view_free(&v);
    restart(f, true); /* a longer queue than allowed would be kept, too */
    test_until_idle(f);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(request, sizeof request, "o%u", i);
        assert_string_equal(f->order[i], request);
    }
    test_submit(f, "o");
}

static void expect_cancelled(fixture *f, const job_id *id)
{
    p_err err = {0};
    job_view v;
    test_ok(jobs_get(f->j, id, &v, &err), &err);
    assert_int_equal(v.state, JOB_CANCELLED);
    job_view_free(&v);
    test_ok(jobs_cancel(f->j, id, &err), &err); /* again is fine */
}

static void test_cancel(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    start(f);
    job_id running = test_submit(f, "block"), pending = test_submit(f, "ok"),
           done = test_submit(f, "ok"), unknown = test_id(1);
    test_until_running(f, &running);
    waiter w;
    waiter_init(&w);
    test_watch(f, &pending, 20000, &w);
    test_ok(jobs_cancel(f->j, &pending, &err), &err);
    waiter_wait(&w, 1);
    assert_int_equal(w.why, JOBS_WHY_ENDED);
    assert_int_equal(w.view.state, JOB_CANCELLED);
    expect_cancelled(f, &pending);
    assert_int_equal(atomic_load(&f->stops), 0);
    test_watch(f, &running, 20000, &w);
    double t = test_seconds();
    test_ok(jobs_cancel(f->j, &running, &err), &err);
    waiter_wait(&w, 2);
    assert_int_equal(w.view.state, JOB_CANCELLED);
    assert_int_equal(test_await(f, &done, NULL), JOB_COMPLETED_OK); /* so the worker is free */
    assert_true(test_seconds() - t < 10);                           /* the watch would last 20 */
    assert_int_equal(atomic_load(&f->stops), 1);
    expect_cancelled(f, &running);
    test_expect(jobs_cancel(f->j, &done, &err), &err, P_EINVAL, "completed_ok");
    test_expect(jobs_cancel(f->j, &unknown, &err), &err, P_ENOTFOUND, unknown.text);
    assert_int_equal(atomic_load(&f->runs), 2);
    restart(f, true);
    expect_cancelled(f, &running);
    expect_cancelled(f, &pending);
    test_until_idle(f);
    assert_int_equal(atomic_load(&f->runs), 2);
}

/** A run function that does not listen cannot undo a cancellation. */
static void test_cancel_deaf(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    start(f);
    job_id id = test_submit(f, "deaf");
    test_until_running(f, &id);
    test_ok(jobs_cancel(f->j, &id, &err), &err);
    jobs_status s;
    jobs_get_status(f->j, &s, NULL, 0);
    assert_true(s.has_current && job_id_equal(&s.current, &id)); /* it does occupy the worker */
    atomic_store(&f->release, true);
    test_until_idle(f);
    expect_cancelled(f, &id);
}

typedef struct race {
    fixture *f;
    job_id id;
    p_status status;
    unsigned delay_us;
} race;

static void *race_cancel(void *arg)
{
    race *r = arg;
    struct timespec t = {0, (long)r->delay_us * 1000};
    nanosleep(&t, NULL);
    r->status = jobs_cancel(r->f->j, &r->id, NULL);
    return NULL;
}

/** Two cancel while the job starts and ends: one outcome, the same for all who ask. */
static void test_cancel_races(void **state)
{
    fixture *f = *state;
    unsigned cancelled = 0, completed = 0;
    uint64_t rng = 1;
    start(f);
    for (unsigned round = 0; round < 150; round++) {
        job_id id = test_submit(f, "ok");
        race r[2];
        pthread_t threads[2];
        for (unsigned i = 0; i < 2; i++) {
            r[i] = (race){f, id, P_OK, (unsigned)(test_random(&rng) % 4000)};
            assert_int_equal(pthread_create(&threads[i], NULL, race_cancel, &r[i]), 0);
        }
        job_state end = test_await(f, &id, NULL);
        for (unsigned i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
            if (end == JOB_CANCELLED)
                assert_int_equal(r[i].status, P_OK);
            else
                assert_int_equal(r[i].status, P_EINVAL);
        }
        assert_int_equal(test_await(f, &id, NULL), end);
        assert_true(end == JOB_CANCELLED || end == JOB_COMPLETED_OK);
        cancelled += end == JOB_CANCELLED;
        completed += end == JOB_COMPLETED_OK;
    }
    jobs_status s = test_until_idle(f);
    assert_int_equal(s.ended[JOB_CANCELLED], cancelled);
    assert_int_equal(s.ended[JOB_COMPLETED_OK], completed);
    print_message("races: %u cancelled, %u completed\n", cancelled, completed);
}

static void test_drain(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    start(f);
    job_id running = test_submit(f, "checkpointed"), next = test_submit(f, "ok"), id;
    test_until_running(f, &running);
    waiter w, v;
    waiter_init(&w);
    waiter_init(&v);
    test_watch(f, &running, 1000000, &w);
    test_watch(f, &next, 1000000, &v);
    jobs_drain(f->j);
    waiter_wait(&w, 1);
    waiter_wait(&v, 1);
    assert_int_equal(w.why, JOBS_WHY_DRAIN);
    assert_int_equal(v.why, JOBS_WHY_DRAIN);
    assert_int_equal(v.view.state, JOB_PENDING);
    test_expect(jobs_submit(f->j, (const uint8_t *)"o", 1, &id, &err), &err, P_EUNAVAILABLE,
                "shutting down");
    assert_true(jobs_drain_wait(f->j, 5000));
    jobs_drain(f->j);
    jobs_status s;
    jobs_get_status(f->j, &s, NULL, 0);
    assert_int_equal(s.mode, JOBS_DRAINING);
    assert_int_equal(s.pending, 2);
    assert_false(s.has_current);
    test_watch(f, &next, 1000000, &v); /* answered at once now */
    waiter_wait(&v, 2);
    assert_int_equal(v.why, JOBS_WHY_DRAIN);
    assert_int_equal(test_events(f, JOBS_EVENT_RETURNED), 1);
    atomic_store(&f->release, true);
    restart(f, true);
    waiter done;
    assert_int_equal(test_await(f, &running, &done), JOB_COMPLETED_OK);
    assert_int_equal(done.view.attempt, 1); /* being put back is no failed attempt */
    assert_int_equal(test_await(f, &next, NULL), JOB_COMPLETED_OK);
    assert_int_equal(atomic_load(&f->first_stages), 1); /* its result was kept */
    assert_string_equal(f->order[1], "checkpo");
    test_until_idle(f);
    job_row *rows;
    size_t n;
    test_ok(job_store_list(f->store, 0, 0, 10, &rows, &n, &err), &err);
    assert_int_equal(n, 2);
    free(rows);
}

/** A deaf run function holds the drain up; its result still counts. */
static void test_drain_deaf(void **state)
{
    fixture *f = *state;
    start(f);
    job_id id = test_submit(f, "deaf");
    test_until_running(f, &id);
    jobs_drain(f->j);
    assert_false(jobs_drain_wait(f->j, 50));
    atomic_store(&f->release, true);
    assert_true(jobs_drain_wait(f->j, 5000));
    waiter w;
    assert_int_equal(test_await(f, &id, &w), JOB_COMPLETED_OK);
}

static void test_attempts(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    job_id id = test_submit(f, "ok"), other = test_submit(f, "ok");
    f->options.max_attempts = 3;
    for (unsigned i = 0; i < 3; i++) { /* started, and the process dies */
        test_ok(job_store_start(f->store, &id, 5, &err), &err);
        restart(f, false);
    }
    start(f);
    waiter w;
    assert_int_equal(test_await(f, &id, &w), JOB_INTERNAL_ERROR);
    assert_non_null(strstr(w.text, "3 times"));
    assert_int_equal(test_await(f, &other, NULL), JOB_COMPLETED_OK);
    assert_int_equal(atomic_load(&f->runs), 1);
}

static void test_damaged_request(void **state)
{
    fixture *f = *state;
    job_id id = test_submit(f, "a request that gets lost"), other = test_submit(f, "ok");
    DIR *dir = opendir(test_path(&f->dir, "artefacts"));
    for (struct dirent *e; (e = readdir(dir));) {
        char path[512];
        struct stat st;
        snprintf(path, sizeof path, "%s/artefacts/%.64s", f->dir.store, e->d_name);
        if (stat(path, &st) == 0 && st.st_size == 24)
            assert_int_equal(truncate(path, 3), 0);
    }
    closedir(dir);
    start(f);
    waiter w;
    assert_int_equal(test_await(f, &id, &w), JOB_INTERNAL_ERROR);
    assert_non_null(strstr(w.text, "cannot be read"));
    assert_int_equal(test_await(f, &other, NULL), JOB_COMPLETED_OK);
}

/** The rows are not what we left there: nothing is trusted any more. */
static void test_halt(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    start(f);
    job_id running = test_submit(f, "block"), next = test_submit(f, "ok"), id;
    test_until_running(f, &running);
    waiter w;
    waiter_init(&w);
    test_watch(f, &next, 1000000, &w);
    test_watch(f, &running, 1000000, &w);
    test_sql(&f->dir, "UPDATE jobs SET state = 4 WHERE state = 0");
    assert_int_equal(jobs_cancel(f->j, &next, &err), P_EINTERNAL);
    p_err_clear(&err);
    waiter_wait(&w, 2);
    assert_int_equal(w.why, JOBS_WHY_HALT);
    assert_non_null(strstr(w.err.text, next.text));
    assert_true(jobs_drain_wait(f->j, 5000)); /* the running job was told to stop */
    assert_int_equal(atomic_load(&f->stops), 1);
    jobs_status s;
    jobs_get_status(f->j, &s, NULL, 0);
    assert_int_equal(s.mode, JOBS_HALTED);
    assert_non_null(strstr(s.halt_reason, next.text));
    test_expect(jobs_submit(f->j, (const uint8_t *)"o", 1, &id, &err), &err, P_EUNAVAILABLE,
                "halted");
    test_expect(jobs_cancel(f->j, &running, &err), &err, P_EUNAVAILABLE, "halted");
    test_watch(f, &running, 1000000, &w);
    waiter_wait(&w, 3);
    assert_int_equal(w.why, JOBS_WHY_HALT);
    assert_int_equal(w.view.state, JOB_PENDING);
    assert_int_equal(test_events(f, JOBS_EVENT_HALTED), 1);
    atomic_store(&f->release, true);
    restart(f, true);
    assert_int_equal(test_await(f, &running, NULL), JOB_COMPLETED_OK);
}

/** A store that is locked away for a while is trouble, not the end. */
static void test_trouble(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    test_end(f);
    job_store_options o = {.busy_timeout_ms = 20};
    test_ok(job_store_open(&f->store, f->dir.store, &o, &err), &err);
    f->options.store = f->store;
    test_ok(jobs_create(&f->j, &f->options, &err), &err);
    start(f);
    job_id running = test_submit(f, "block"), id;
    test_until_running(f, &running);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(test_path(&f->dir, "jobs.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    test_expect(jobs_cancel(f->j, &running, &err), &err, P_EUNAVAILABLE, "lock");
    test_expect(jobs_submit(f->j, (const uint8_t *)"o", 1, &id, &err), &err, P_EUNAVAILABLE,
                "lock");
    assert_int_equal(test_events(f, JOBS_EVENT_TROUBLE), 1); /* once for both */
    assert_int_equal(atomic_load(&f->stops), 0);             /* the job was not disturbed */
    atomic_store(&f->release, true);
    double t = test_seconds(); /* its end cannot be stored; nothing else is held up */
    while (test_events(f, JOBS_EVENT_TROUBLE) < 2 && test_seconds() - t < 10)
        test_sleep_ms(5);
    assert_int_equal(test_events(f, JOBS_EVENT_TROUBLE), 2);
    jobs_status s;
    t = test_seconds();
    for (unsigned i = 0; i < 100; i++)
        jobs_get_status(f->j, &s, NULL, 0);
    assert_true(test_seconds() - t < 1.9); /* 100 waits for the lock would take 2 */
    assert_int_equal(s.mode, JOBS_COMPUTING);
    waiter w;
    waiter_init(&w);
    test_watch(f, &running, 0, &w);
    waiter_wait(&w, 1);
    assert_int_equal(w.why, JOBS_WHY_TIMEOUT);
    assert_int_equal(w.view.state, JOB_RUNNING);
    sqlite3_close(db);
    assert_int_equal(test_await(f, &running, NULL), JOB_COMPLETED_OK);
    assert_int_equal(atomic_load(&f->runs), 1);
}

static void test_retention(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    test_end(f);
    f->options.retain_max = 3;
    test_begin(f, true);
    job_id ids[8];
    for (unsigned i = 0; i < 8; i++) {
        ids[i] = test_submit(f, i % 2 ? "ok" : "error");
        test_await(f, &ids[i], NULL);
    }
    job_store_info info;
    double t = test_seconds();
    do {
        test_sleep_ms(5);
        test_ok(job_store_stat(f->store, &info, &err), &err);
    } while (info.jobs[JOB_COMPLETED_OK] + info.jobs[JOB_COMPLETED_ERROR] > 3 &&
             test_seconds() - t < 10);
    assert_int_equal(info.jobs[JOB_COMPLETED_OK] + info.jobs[JOB_COMPLETED_ERROR], 3);
    assert_true(test_events(f, JOBS_EVENT_RETAINED) > 0);
    job_view v;
    test_expect(jobs_get(f->j, &ids[0], &v, &err), &err, P_ENOTFOUND, ids[0].text);
    test_ok(jobs_get(f->j, &ids[7], &v, &err), &err);
    job_view_free(&v);
}

typedef struct submitter {
    fixture *f;
    job_id ids[25];
    unsigned n;
} submitter;

static void *submit_many(void *arg)
{
    submitter *s = arg;
    for (s->n = 0; s->n < 25; s->n++)
        if (jobs_submit(s->f->j, (const uint8_t *)"ok", 2, &s->ids[s->n], NULL) != P_OK)
            break;
    return NULL;
}

static void test_many_submitters(void **state)
{
    fixture *f = *state;
    submitter s[4];
    pthread_t threads[4];
    start(f);
    for (unsigned i = 0; i < 4; i++) {
        s[i].f = f;
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &s[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(s[i].n, 25);
        for (unsigned k = 0; k < 25; k++)
            assert_int_equal(test_await(f, &s[i].ids[k], NULL), JOB_COMPLETED_OK);
    }
    assert_int_equal(atomic_load(&f->runs), 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_arguments),
        TEST(test_ends),
        TEST(test_order_and_bound),
        TEST(test_cancel),
        TEST(test_cancel_deaf),
        TEST(test_cancel_races),
        TEST(test_drain),
        TEST(test_drain_deaf),
        TEST(test_attempts),
        TEST(test_damaged_request),
        TEST(test_halt),
        TEST(test_trouble),
        TEST(test_retention),
        TEST(test_many_submitters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
