/** What the tests of this folder share: a run function that does what the test says, and somebody
 *  who waits. */
#ifndef ZKP_TESTS_UNIT_JOBS_JOBS_TEST_H
#define ZKP_TESTS_UNIT_JOBS_JOBS_TEST_H

#include "tests/unit/store/store_test.h"

#include "host/jobs/jobs.h"

#include <pthread.h>
#include <stdatomic.h>

/** The request's first letter says what becomes of the job:
 *    o  proof          e  completed error    i  internal error   n  success without a proof
 *    s  STOPPED unasked                      c  two stages, the first of which is kept
 *    b  blocks until fixture.release, or until it is told to stop
 *    d  deaf: blocks until fixture.release, whatever it is told */
typedef struct fixture {
    test_dir dir;
    job_store *store;
    jobs *j;
    jobs_options options;
    atomic_bool release;
    atomic_uint runs, stops, first_stages;
    pthread_mutex_t lock;
    char order[256][8]; /**< beginnings of the requests as they ran */
    unsigned events[16];
    char last_event_text[256];
    job_id last_event_id;
} fixture;

static inline job_end test_run(void *ctx, job_task *task, job_result *result)
{
    fixture *f = ctx;
    size_t len;
    const char *request = (const char *)job_task_request(task, &len);
    unsigned run = atomic_fetch_add(&f->runs, 1);
    char letter = len ? request[0] : 'o';
    if (run < 256)
        snprintf(f->order[run], sizeof f->order[0], "%.*s", len < 7 ? (int)len : 7, request);
    job_task_progress(task, "first", 10);
    switch (letter) {
    case 'e':
        strcpy(result->text, "the batch is wrong");
        return JOB_END_COMPLETED_ERROR;
    case 'i':
        strcpy(result->text, "the prover is broken");
        return JOB_END_INTERNAL_ERROR;
    case 'n':
        return JOB_END_COMPLETED_OK;
    case 's':
        return JOB_END_STOPPED;
    case 'c': {
        uint8_t *kept = NULL;
        if (job_task_resume(task, "first", &kept, &len, NULL) == P_ENOTFOUND) {
            atomic_fetch_add(&f->first_stages, 1);
            if (job_task_checkpoint(task, "first", (const uint8_t *)"kept", 4, NULL) != P_OK)
                return JOB_END_INTERNAL_ERROR;
        } else if (len != 4 || memcmp(kept, "kept", 4) != 0) {
            free(kept);
            return JOB_END_INTERNAL_ERROR;
        }
        free(kept);
    } /* fall through */
    case 'b':
    case 'd':
        job_task_progress(task, "second", 42);
        while (!atomic_load(&f->release)) {
            if (letter != 'd' && job_task_should_stop(task)) {
                atomic_fetch_add(&f->stops, 1);
                return JOB_END_STOPPED;
            }
            test_sleep_ms(2);
        }
        break;
    default:
        break;
    }
    result->proof = malloc(len + 1);
    result->publics = malloc(7);
    assert_true(result->proof && result->publics);
    memcpy(result->publics, "publics", 7);
    result->publics_len = 7;
    result->proof[0] = 'P';
    result->proof_len = 1;
    return JOB_END_COMPLETED_OK;
}

static inline void test_event(void *ctx, const jobs_event *event)
{
    fixture *f = ctx;
    pthread_mutex_lock(&f->lock);
    f->events[event->kind]++;
    f->last_event_id = event->id;
    if (event->text)
        snprintf(f->last_event_text, sizeof f->last_event_text, "%.255s", event->text);
    pthread_mutex_unlock(&f->lock);
}

static inline unsigned test_events(fixture *f, jobs_event_kind kind)
{
    pthread_mutex_lock(&f->lock);
    unsigned n = f->events[kind];
    pthread_mutex_unlock(&f->lock);
    return n;
}

/** Until an event of this kind was reported; fails after ten seconds. */
static inline void test_until_event(fixture *f, jobs_event_kind kind)
{
    double t = test_seconds();
    while (!test_events(f, kind) && test_seconds() - t < 10)
        test_sleep_ms(5);
    assert_true(test_events(f, kind) > 0);
}

static inline void test_begin(fixture *f, bool start)
{
    p_err err = {0};
    f->store = test_open(&f->dir);
    f->options.store = f->store;
    test_ok(jobs_create(&f->j, &f->options, &err), &err);
    if (start)
        test_ok(jobs_start(f->j, &err), &err);
}

static inline void test_end(fixture *f)
{
    jobs_destroy(f->j);
    job_store_close(f->store);
    f->j = NULL;
    f->store = NULL;
}

static inline int test_setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    test_make_dir(&f->dir);
    pthread_mutex_init(&f->lock, NULL);
    f->options = (jobs_options){.max_queue = 100,
                                .max_watches = 4000,
                                .run = test_run,
                                .run_ctx = f,
                                .event = test_event,
                                .event_ctx = f};
    test_begin(f, false);
    *state = f;
    return 0;
}

static inline int test_teardown(void **state)
{
    fixture *f = *state;
    atomic_store(&f->release, true);
    test_end(f);
    test_remove_tree(f->dir.top);
    pthread_mutex_destroy(&f->lock);
    free(f);
    return 0;
}

static inline job_id test_submit(fixture *f, const char *request)
{
    job_id id;
    p_err err = {0};
    test_ok(jobs_submit(f->j, (const uint8_t *)request, strlen(request), &id, &err), &err);
    return id;
}

/** Somebody who waits for any number of answers. */
typedef struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned answers;
    jobs_why why;  /**< of the last one */
    job_view view; /**< likewise, without its pointers */
    char text[256], proof[8];
    p_err err;
    double when;
} waiter;

static inline void waiter_init(waiter *w)
{
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
}

static inline void waiter_fn(void *ctx, jobs_why why, const job_view *view, const p_err *err)
{
    waiter *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->answers++;
    w->why = why;
    w->when = test_seconds();
    memset(&w->view, 0, sizeof w->view);
    if (view) {
        w->view = *view;
        snprintf(w->text, sizeof w->text, "%.255s", view->text);
        snprintf(w->proof, sizeof w->proof, "%.*s", (int)view->proof_len,
                 view->proof ? (const char *)view->proof : "");
        w->view.text = NULL;
        w->view.proof = w->view.publics = NULL;
    }
    if (err)
        w->err = *err;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

/** Waits until n answers have come; fails after twenty seconds. */
static inline void waiter_wait(waiter *w, unsigned n)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 20;
    pthread_mutex_lock(&w->lock);
    int e = 0;
    while (w->answers < n && !e)
        e = pthread_cond_timedwait(&w->more, &w->lock, &t);
    unsigned got = w->answers;
    pthread_mutex_unlock(&w->lock);
    assert_int_equal(got, n);
}

static inline uint64_t test_watch(fixture *f, const job_id *id, uint64_t timeout_ms, waiter *w)
{
    p_err err = {0};
    uint64_t ticket = 0;
    test_ok(jobs_watch(f->j, id, timeout_ms, waiter_fn, w, &ticket, &err), &err);
    assert_int_not_equal(ticket, 0);
    return ticket;
}

/** Waits for a job's end, which must come. */
static inline job_state test_await(fixture *f, const job_id *id, waiter *out)
{
    waiter w;
    waiter_init(&w);
    test_watch(f, id, 20000, &w);
    waiter_wait(&w, 1);
    assert_int_equal(w.why, JOBS_WHY_ENDED);
    assert_string_equal(w.view.id.text, id->text);
    if (out)
        *out = w;
    return w.view.state;
}

static inline void test_until_running(fixture *f, const job_id *id)
{
    jobs_status s;
    for (unsigned i = 0; i < 5000; i++) {
        jobs_get_status(f->j, &s, NULL, 0);
        if (s.has_current && job_id_equal(&s.current, id) && strcmp(s.stage, "second") == 0)
            return;
        test_sleep_ms(2);
    }
    fail_msg("job %s does not run", id->text);
}

static inline jobs_status test_until_idle(fixture *f)
{
    jobs_status s;
    for (unsigned i = 0; i < 5000; i++) {
        jobs_get_status(f->j, &s, NULL, 0);
        if (!s.has_current && !s.pending && s.mode == JOBS_IDLE)
            return s;
        test_sleep_ms(2);
    }
    fail_msg("the queue does not run empty");
    return s;
}

#endif
