/* The disk is full, or fails, at every single step of every operation: nothing that was promised is
 * lost, nothing is half done, and after a full disk the store works on. */
#include "tests/unit/jobs/jobs_test.h"

#include "tests/fault/shim.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { INSERT, START, GIVE_BACK, FINISH, CHECKPOINT, RETAIN, ACTIONS };

/** A store in which each action is possible: job 1 pending, 2 running with a stage, 3 ended. */
static job_store *prepared(test_dir *d)
{
    p_err err = {0};
    job_id id;
    test_make_fast_dir(d);
    job_store *s = test_open(d);
    test_insert(s, 1, "one");
    test_insert(s, 2, "two");
    test_insert(s, 3, "three");
    id = test_id(2);
    test_ok(job_store_start(s, &id, 1, &err), &err);
    test_ok(job_store_checkpoint(s, &id, "stage", (const uint8_t *)"old", 3, 1, &err), &err);
    id = test_id(3);
    job_store_end end = {
        .state = JOB_COMPLETED_OK, .proof = (const uint8_t *)"proof three", .proof_len = 11};
    test_ok(job_store_finish(s, &id, &end, 1, &err), &err);
    return s;
}

static p_status act(job_store *s, unsigned action, p_err *err)
{
    job_id id;
    uint64_t x;
    job_store_end end = {.state = JOB_COMPLETED_OK,
                         .text = "end",
                         .proof = (const uint8_t *)"proof",
                         .proof_len = 5,
                         .publics = (const uint8_t *)"publics",
                         .publics_len = 7};
    switch (action) {
    case INSERT:
        id = test_id(4);
        return job_store_insert(s, &id, (const uint8_t *)"four", 4, 1, &x, err);
    case START:
        id = test_id(1);
        return job_store_start(s, &id, 2, err);
    case GIVE_BACK:
        id = test_id(2);
        return job_store_give_back(s, &id, err);
    case FINISH:
        id = test_id(2);
        return job_store_finish(s, &id, &end, 2, err);
    case CHECKPOINT:
        id = test_id(2);
        return job_store_checkpoint(s, &id, "stage", (const uint8_t *)"new", 3, 2, err);
    default:
        return job_store_retain(s, 1000, 0, &x, err);
    }
}

/** Whether the action has happened; fails if it has happened by half, or if anything else is not as
 *  it was. */
static bool happened(job_store *s, const test_dir *d, unsigned action)
{
    p_err err = {0};
    job_row rows[5];
    bool there[5] = {false};
    for (unsigned i = 1; i <= 4; i++) {
        job_id id = test_id(i);
        p_status st = job_store_get(s, &id, &rows[i], &err);
        assert_true(st == P_OK || st == P_ENOTFOUND);
        there[i] = st == P_OK;
        if (there[i]) { /* everything that a row names can be read */
            uint8_t *bytes;
            size_t len;
            job_record r;
            test_ok(job_store_request(s, &id, &bytes, &len, &err), &err);
            free(bytes);
            test_ok(job_store_read(s, &id, &r, &err), &err);
            assert_true(r.row.state != JOB_COMPLETED_OK || r.proof_len);
            job_record_free(&r);
        }
    }
    assert_true(there[1] && there[2]);
    assert_true(there[3] || action == RETAIN);
    assert_true(!there[4] || action == INSERT);
    job_id two = test_id(2);
    uint8_t *stage = NULL;
    size_t len;
    p_status st = job_store_checkpoint_read(s, &two, "stage", &stage, &len, &err);
    bool renewed = st == P_OK && memcmp(stage, "new", 3) == 0;
    assert_true(st == P_OK || (st == P_ENOTFOUND && action == FINISH));
    free(stage);
    /* files and rows agree */
    job_store_info info;
    test_ok(job_store_stat(s, &info, &err), &err);
    assert_int_equal(test_count_files(d), info.artefacts);
    switch (action) {
    case INSERT:
        return there[4];
    case START:
        return rows[1].state == JOB_RUNNING;
    case GIVE_BACK:
        return rows[2].state == JOB_PENDING;
    case FINISH:
        assert_int_equal(rows[2].state == JOB_COMPLETED_OK, st == P_ENOTFOUND);
        return rows[2].state == JOB_COMPLETED_OK;
    case CHECKPOINT:
        return renewed;
    default:
        return !there[3];
    }
}

/** Each action with its k-th call failing, and all after it; for every k. */
static void test_full_at_each_step(void **state)
{
    (void)state;
    static const int errors[] = {ENOSPC, EDQUOT};
    unsigned steps = 0;
    for (unsigned e = 0; e < 2; e++)
        for (unsigned action = 0; action < ACTIONS; action++)
            for (unsigned k = 0;; k++) {
                test_dir d;
                p_err err = {0};
                job_store *s = prepared(&d);
                fault_set(errors[e], d.top, k, e); /* e = 1: only this one call */
                p_status st = act(s, action, &err);
                bool hit = fault_failures() > 0;
                fault_clear();
                if (st == P_OK) {
                    assert_true(happened(s, &d, action));
                } else {
                    if (st != P_EEXHAUSTED)
                        fail_msg("error %d, action %u, call %u: %s: %s", errors[e], action, k,
                                 p_status_name(st), err.text);
                    assert_non_null(strstr(err.text, "disk is full"));
                    assert_false(job_store_failed(s, NULL));
                    steps++;
                    /* a failed rename or folder sync may leave a file that the next opening
                     * sweeps; rows are as they were */
                    p_err_clear(&err);
                    test_ok(act(s, action, &err), &err); /* there is room again */
                }
                job_store_close(s);
                s = test_open(&d);
                bool now = happened(s, &d, action);
                assert_true(now || action == START); /* running is pending after an opening */
                job_store_close(s);
                test_remove_tree(d.top);
                if (!hit)
                    break;
                assert_true(k < 200);
            }
    print_message("full disk: %u failing steps\n", steps);
    assert_true(steps > 2 * ACTIONS);
}

/** Without a second try: what failed has not happened, not even by half. */
static void test_full_is_undone(void **state)
{
    (void)state;
    for (unsigned action = 0; action < ACTIONS; action++)
        for (unsigned k = 0;; k++) {
            test_dir d;
            p_err err = {0};
            job_store *s = prepared(&d);
            fault_set(ENOSPC, d.top, k, 0);
            p_status st = act(s, action, &err);
            bool hit = fault_failures() > 0;
            fault_clear();
            job_row row;
            job_id four = test_id(4);
            if (action == INSERT && st != P_OK)
                assert_int_equal(job_store_get(s, &four, &row, &err), P_ENOTFOUND);
            job_store_close(s);
            s = test_open(&d);
            bool now = happened(s, &d, action);
            if (action != START && action != GIVE_BACK) /* opening makes both pending */
                assert_int_equal(now, st == P_OK);
            job_store_close(s);
            test_remove_tree(d.top);
            if (!hit)
                break;
        }
}

/** The same, and the process is killed at once: what failed may have happened (a commit that was
 * written and not synced), but then with all its files. */
static void test_full_and_killed(void **state)
{
    (void)state;
    unsigned back = 0;
    for (unsigned action = 0; action < ACTIONS; action++)
        for (unsigned k = 0;; k++) {
            test_dir d;
            int status;
            job_store_close(prepared(&d));
            pid_t pid = fork();
            assert_true(pid >= 0);
            if (pid == 0) {
                job_id two = test_id(2);
                job_store *s = test_open(&d);
                if (job_store_start(s, &two, 1, NULL) != P_OK)
                    _exit(2);
                fault_set(ENOSPC, d.top, k, 1);
                p_status st = act(s, action, NULL);
                _exit(fault_failures() == 0 ? 10 : st == P_OK ? 0 : 1);
            }
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 2);
            job_store *s = test_open(&d);
            bool now = happened(s, &d, action);
            assert_true(WEXITSTATUS(status) == 1 || now || action == START);
            back += WEXITSTATUS(status) == 1 && now;
            job_store_close(s);
            test_remove_tree(d.top);
            if (WEXITSTATUS(status) == 10)
                break;
            assert_true(k < 200);
        }
    assert_true(back > 0); /* the case is met */
}

/** After a failing write or sync nobody knows: no more writing, and an opening finds a sound store
 *  with everything that had been promised. */
static void test_broken_at_each_step(void **state)
{
    (void)state;
    unsigned refused = 0;
    for (unsigned action = 0; action < ACTIONS; action++)
        for (unsigned k = 0;; k++) {
            test_dir d;
            p_err err = {0}, why = {0};
            job_store *s = prepared(&d);
            fault_set(EIO, d.top, k, 1);
            p_status st = act(s, action, &err);
            bool hit = fault_failures() > 0;
            fault_clear();
            if (st != P_OK) {
                assert_int_equal(st, P_EIO);
                assert_true(job_store_failed(s, &why));
                assert_string_equal(why.text, err.text);
                p_err_clear(&err);
                test_expect(act(s, action, &err), &err, P_EIO, why.text);
                refused++;
            }
            job_store_close(s);
            s = test_open(&d);
            bool now = happened(s, &d, action);
            assert_true(st != P_OK || now || action == START);
            job_store_close(s);
            test_remove_tree(d.top);
            if (!hit)
                break;
        }
    assert_true(refused > ACTIONS);
}

/** Making a new store, and opening an old one, with each call failing. */
static void test_opening(void **state)
{
    (void)state;
    for (unsigned old = 0; old < 2; old++)
        for (unsigned k = 0;; k++) {
            test_dir d;
            p_err err = {0};
            job_store *s;
            if (old) {
                job_store_close(prepared(&d));
            } else {
                test_make_fast_dir(&d);
            }
            fault_set(ENOSPC, d.top, k, 0);
            p_status st = job_store_open(&s, d.store, NULL, &err);
            bool hit = fault_failures() > 0;
            if (st == P_OK)
                job_store_close(s);
            else
                assert_true(st == P_EEXHAUSTED || st == P_EIO);
            fault_clear();
            s = test_open(&d);
            if (old)
                assert_false(happened(s, &d, INSERT));
            else
                test_insert(s, 1, "one");
            job_store_close(s);
            test_remove_tree(d.top);
            if (!hit)
                break;
            assert_true(k < 300);
        }
}

/** Where each step stands in the trace; fails if it is not there after the one before. */
static const char *after(const char *trace, const char *from, const char *step)
{
    const char *p = from ? strstr(from, step) : NULL;
    if (!p)
        fail_msg("\"%s\" is not where it should be in: %s", step, trace);
    return p + strlen(step);
}

/** What returns P_OK was synced before, in this order: the file, its name, the row. */
static void test_order_of_syncs(void **state)
{
    (void)state;
    static const unsigned actions[] = {INSERT, CHECKPOINT, FINISH};
    static char trace[16384];
    for (size_t i = 0; i < 3; i++) {
        test_dir d;
        p_err err = {0};
        job_store *s = prepared(&d);
        fault_set(0, d.top, 0, 0);
        test_ok(act(s, actions[i], &err), &err);
        fault_trace(trace, sizeof trace);
        fault_clear();
        const char *p = after(trace, trace, "write artefacts/tmp-");
        p = after(trace, p, "fsync artefacts/tmp-");
        p = after(trace, p, "renameat jobs/artefacts;");
        p = after(trace, p, "fsync jobs/artefacts;");
        p = after(trace, p, "jobs/jobs.db-wal;");
        p = after(trace, p, "sync jobs/jobs.db-wal;");
        assert_string_equal(p, ""); /* and nothing is written after the last sync */
        job_store_close(s);
        test_remove_tree(d.top);
    }
    for (unsigned action = START; action <= GIVE_BACK; action++) {
        test_dir d;
        p_err err = {0};
        job_store *s = prepared(&d);
        fault_set(0, d.top, 0, 0);
        test_ok(act(s, action, &err), &err);
        fault_trace(trace, sizeof trace);
        fault_clear();
        assert_string_equal(after(trace, trace, "sync jobs/jobs.db-wal;"), "");
        job_store_close(s);
        test_remove_tree(d.top);
    }
}

/** A limit of the system instead of our shim. */
static void test_file_size_limit(void **state)
{
    (void)state;
    test_dir d;
    int status;
    test_make_dir(&d);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        p_err err = {0};
        struct rlimit limit = {200000, 200000};
        job_store *s;
        job_id id = test_id(2);
        uint64_t sequence;
        static uint8_t large[300000];
        signal(SIGXFSZ, SIG_IGN);
        if (job_store_open(&s, d.store, NULL, &err) != P_OK)
            _exit(1);
        test_insert(s, 1, "small");
        setrlimit(RLIMIT_FSIZE, &limit);
        if (job_store_insert(s, &id, large, sizeof large, 1, &sequence, &err) != P_EEXHAUSTED)
            _exit(2);
        if (job_store_insert(s, &id, large, 1000, 1, &sequence, &err) != P_OK)
            _exit(3);
        job_store_close(s);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    job_store *s = test_open(&d);
    assert_int_equal(test_count_files(&d), 2);
    job_store_close(s);
    test_remove_tree(d.top);
}

/* ---- jobs above it ---- */

static void start(fixture *f)
{
    p_err err = {0};
    test_ok(jobs_start(f->j, &err), &err);
}

static void test_jobs_on_full_disk(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    job_id id;
    start(f);
    job_id running = test_submit(f, "block"), next = test_submit(f, "ok");
    test_until_running(f, &running);
    fault_set(ENOSPC, f->dir.top, 0, 0);
    test_expect(jobs_submit(f->j, (const uint8_t *)"o", 1, &id, &err), &err, P_EEXHAUSTED, "full");
    test_expect(jobs_cancel(f->j, &running, &err), &err, P_EEXHAUSTED, "full");
    test_expect(jobs_cancel(f->j, &next, &err), &err, P_EEXHAUSTED, "full");
    assert_int_equal(atomic_load(&f->stops), 0);
    atomic_store(&f->release, true); /* it ends, and its end has no room */
    test_until_event(f, JOBS_EVENT_TROUBLE);
    waiter w;
    waiter_init(&w);
    test_watch(f, &running, 100, &w);
    waiter_wait(&w, 1);
    assert_int_equal(w.why, JOBS_WHY_TIMEOUT);
    jobs_status s;
    jobs_get_status(f->j, &s, NULL, 0);
    assert_int_equal(s.mode, JOBS_COMPUTING);
    fault_clear();
    assert_int_equal(test_await(f, &running, NULL), JOB_COMPLETED_OK);
    assert_int_equal(test_await(f, &next, NULL), JOB_COMPLETED_OK);
    assert_int_equal(atomic_load(&f->runs), 2); /* the result was kept, not made again */
    id = test_submit(f, "ok");
    assert_int_equal(test_await(f, &id, NULL), JOB_COMPLETED_OK);
}

/** Cancel wins over a result that could not be stored. */
static void test_cancel_of_unstored_end(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    start(f);
    job_id id = test_submit(f, "block");
    test_until_running(f, &id);
    fault_set(ENOSPC, f->dir.top, 0, 0);
    atomic_store(&f->release, true);
    test_until_event(f, JOBS_EVENT_TROUBLE);
    fault_clear();
    p_status st = jobs_cancel(f->j, &id, &err);
    if (st == P_OK)
        assert_int_equal(test_await(f, &id, NULL), JOB_CANCELLED);
    else
        test_expect(st, &err, P_EINVAL, "completed_ok");
    test_until_idle(f);
}

/** A drain does not wait for a full disk; the job runs again at the next start. */
static void test_drain_on_full_disk(void **state)
{
    fixture *f = *state;
    start(f);
    job_id id = test_submit(f, "block");
    test_until_running(f, &id);
    fault_set(ENOSPC, f->dir.top, 0, 0);
    atomic_store(&f->release, true);
    test_until_event(f, JOBS_EVENT_TROUBLE);
    double t = test_seconds();
    test_end(f);
    assert_true(test_seconds() - t < 10);
    fault_clear();
    test_begin(f, true);
    assert_int_equal(test_await(f, &id, NULL), JOB_COMPLETED_OK);
    assert_int_equal(atomic_load(&f->runs), 2);
}

static void test_jobs_on_broken_disk(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    start(f);
    job_id running = test_submit(f, "block"), next = test_submit(f, "ok"), id;
    test_until_running(f, &running);
    waiter w;
    waiter_init(&w);
    test_watch(f, &running, 100000, &w);
    fault_set(EIO, f->dir.top, 0, 1);
    test_expect(jobs_submit(f->j, (const uint8_t *)"o", 1, &id, &err), &err, P_EIO, "");
    fault_clear();
    waiter_wait(&w, 1);
    assert_int_equal(w.why, JOBS_WHY_HALT);
    test_expect(jobs_submit(f->j, (const uint8_t *)"o", 1, &id, &err), &err, P_EUNAVAILABLE,
                "halted");
    assert_int_equal(test_events(f, JOBS_EVENT_HALTED), 1);
    assert_true(jobs_drain_wait(f->j, 5000));
    atomic_store(&f->release, true);
    test_end(f);
    test_begin(f, true);
    assert_int_equal(test_await(f, &running, NULL), JOB_COMPLETED_OK);
    assert_int_equal(test_await(f, &next, NULL), JOB_COMPLETED_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_at_each_step), cmocka_unit_test(test_full_is_undone),
        cmocka_unit_test(test_full_and_killed),   cmocka_unit_test(test_broken_at_each_step),
        cmocka_unit_test(test_opening),           cmocka_unit_test(test_order_of_syncs),
        cmocka_unit_test(test_file_size_limit),   TEST(test_jobs_on_full_disk),
        TEST(test_cancel_of_unstored_end),        TEST(test_drain_on_full_disk),
        TEST(test_jobs_on_broken_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
