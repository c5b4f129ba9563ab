/* Jobs, events, handles, closing: what driver.h promises, with a back end that does what it is
 * told. */
#include "tests/unit/driver/toy.h"

#include "driver/base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LONG_MS 20000 /* never waited for in full */
#define QUEUE 1024

static int setup(void **state)
{
    (void)state;
    toy_reset();
    return 0;
}

static drv_event *submit(drv_device *d, drv_job job)
{
    drv_event *e;
    p_err err = {P_OK, ""};

    if (drv_submit(d, &job, &e, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_non_null(e);
    return e;
}

static void end(drv_event *e, p_status expected)
{
    p_err err = {P_OK, ""};

    assert_int_equal(drv_wait(e, LONG_MS, &err), expected);
    assert_int_equal(err.status, expected);
    assert_int_equal(drv_event_release(e), P_OK);
}

static void close_device(drv_device *d)
{
    p_err err = {P_OK, ""};

    if (drv_close(d, LONG_MS, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_int_equal(toy_state.closed, 1);
    assert_int_equal(toy_state.objects, 0);
    assert_int_equal(toy_state.wrong, 0);
}

static drv_handle *make(drv_device *d, drv_job job, drv_handle **out)
{
    p_err err = {P_OK, ""};

    if (drv_run(d, &job, LONG_MS, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_non_null(*out);
    return *out;
}

/* ---- events ---- */

static void waiting_is_bounded_and_may_be_repeated(void **state)
{
    (void)state;
    drv_device *d = toy_open();
    p_err err;

    toy_state.hold = true;
    drv_event *e = submit(d, toy_poseidon(1));
    assert_int_equal(drv_wait(e, 0, &err), P_EDEADLINE);
    assert_non_null(strstr(err.text, "poseidon on toy"));
    int64_t start = p_clock_ms(CLOCK_MONOTONIC);
    assert_int_equal(drv_wait(e, 30, NULL), P_EDEADLINE);
    assert_true(p_clock_ms(CLOCK_MONOTONIC) - start >= 29);
    assert_false(drv_ended(e));
    assert_int_equal(drv_event_release(e), P_EINVAL);
    toy_state.hold = false;
    assert_int_equal(drv_wait(e, LONG_MS, &err), P_OK);
    assert_true(drv_ended(e));
    assert_int_equal(drv_wait(e, 0, NULL), P_OK);
    assert_int_equal(drv_event_release(e), P_OK);
    assert_int_equal(drv_event_release(NULL), P_OK);
    close_device(d);
}

static void *wait_for(void *e)
{
    p_err err;
    return drv_wait(e, LONG_MS, &err) == P_EDEVICE && strstr(err.text, "burnt") ? e : NULL;
}

static void any_number_of_threads_may_wait(void **state)
{
    (void)state;
    pthread_t waiter[8];
    drv_device *d = toy_open();

    toy_state.hold = true;
    toy_state.run_status = P_EDEVICE;
    toy_state.run_text = "burnt";
    drv_event *e = submit(d, toy_poseidon(1));
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&waiter[i], NULL, wait_for, e), 0);
    toy_state.hold = false;
    for (size_t i = 0; i < 8; i++) {
        void *answer;
        assert_int_equal(pthread_join(waiter[i], &answer), 0);
        assert_ptr_equal(answer, e);
    }
    end(e, P_EDEVICE);
    close_device(d);
}

static void check_failure(drv_device *d, drv_job job, p_status expected, const char *text)
{
    p_err err = {P_OK, ""};

    assert_int_equal(drv_run(d, &job, LONG_MS, &err), expected);
    assert_int_equal(err.status, expected);
    if (!strstr(err.text, text))
        fail_msg("'%s' does not say '%s'", err.text, text);
}

static void a_failure_keeps_its_text(void **state)
{
    (void)state;
    drv_handle *h = (drv_handle *)&h;
    drv_device *d = toy_open();

    toy_state.run_status = P_EDEVICE;
    toy_state.run_text = "bank 3 is burnt";
    check_failure(d, toy_poseidon(1), P_EDEVICE, "poseidon on toy: bank 3 is burnt");
    toy_state.run_text = NULL;
    check_failure(d, toy_poseidon(1), P_EDEVICE, "poseidon on toy: device fault");
    toy_state.run_status = 99;
    check_failure(d, toy_poseidon(1), P_EINTERNAL, "99");
    toy_state.run_status = -1;
    check_failure(d, toy_poseidon(1), P_EINTERNAL, "-1");
    toy_state.run_status = P_EIO;
    check_failure(d, toy_commit(&h), P_EIO, "commit on toy");
    assert_null(h);
    toy_state.run_status = P_OK;
    toy_state.no_object = true;
    check_failure(d, toy_commit(&h), P_EINTERNAL, "without an object");
    assert_null(h);
    /* a job's own P_EDEADLINE is no time-out of the wait */
    toy_state.run_status = P_EDEADLINE;
    check_failure(d, toy_poseidon(1), P_EDEADLINE, "deadline exceeded");
    drv_event *e = submit(d, toy_poseidon(1));
    assert_int_equal(drv_wait(e, LONG_MS, NULL), P_EDEADLINE);
    assert_true(drv_ended(e));
    drv_event_release(e);
    close_device(d);
}

/* ---- the queue ---- */

static void jobs_run_at_once_up_to_the_limit_and_in_order(void **state)
{
    (void)state;
    drv_event *e[6];

    toy_state.jobs = 3;
    toy_state.hold = true;
    drv_device *d = toy_open();
    for (size_t i = 0; i < 6; i++)
        e[i] = submit(d, toy_poseidon(i + 1));
    toy_await(&toy_state.active, 3);
    assert_false(drv_ended(e[0]));
    toy_state.hold = false;
    for (size_t i = 0; i < 6; i++)
        end(e[i], P_OK);
    assert_int_equal(toy_state.most_active, 3);
    assert_int_equal(toy_state.runs, 6);
    close_device(d);

    toy_reset();
    toy_state.hold = true;
    d = toy_open();
    for (size_t i = 0; i < 6; i++)
        e[i] = submit(d, toy_poseidon(i + 1));
    for (size_t i = 0; i < 6; i++) { /* one after the other: the first that waits is next */
        toy_await(&toy_state.runs, (int)i + 1);
        while (atomic_load(&toy_state.last) != i + 1)
            ;
        if (i < 5) {
            drv_cancel(e[i]);
            end(e[i], P_ECANCELLED);
        }
    }
    toy_state.hold = false;
    end(e[5], P_OK);
    close_device(d);
}

static void the_queue_is_bounded(void **state)
{
    (void)state;
    static drv_event *e[QUEUE + 1];
    drv_event *over = (drv_event *)&over;
    drv_job job = toy_poseidon(1);
    p_err err;
    drv_device *d = toy_open();

    toy_state.hold = true;
    e[0] = submit(d, job);
    toy_await(&toy_state.active, 1);
    for (size_t i = 1; i <= QUEUE; i++)
        e[i] = submit(d, job);
    assert_int_equal(drv_submit(d, &job, &over, &err), P_EEXHAUSTED);
    assert_null(over);
    assert_non_null(strstr(err.text, "1024"));
    drv_cancel(e[500]); /* leaves at once, though nothing moves */
    end(e[500], P_ECANCELLED);
    e[500] = submit(d, job);
    assert_int_equal(drv_submit(d, &job, &over, NULL), P_EEXHAUSTED);
    toy_state.hold = false;
    for (size_t i = 0; i <= QUEUE; i++)
        end(e[i], P_OK);
    assert_int_equal(toy_state.runs, QUEUE + 1);
    close_device(d);
}

static void cancelling(void **state)
{
    (void)state;
    drv_handle *h = NULL;
    drv_device *d = toy_open();
    p_err err;

    toy_state.hold = true;
    drv_event *running = submit(d, toy_commit(&h));
    toy_await(&toy_state.active, 1);
    drv_event *waiting = submit(d, toy_poseidon(1));
    drv_cancel(waiting);
    assert_true(drv_ended(waiting));
    assert_int_equal(drv_wait(waiting, 0, &err), P_ECANCELLED);
    assert_non_null(strstr(err.text, "poseidon on toy: cancelled"));
    end(waiting, P_ECANCELLED);
    assert_false(drv_ended(running));
    drv_cancel(running);
    drv_cancel(running);
    end(running, P_ECANCELLED);
    assert_null(h);
    assert_int_equal(toy_state.runs, 1);

    toy_state.done = true; /* it was done when the request came: its result counts */
    running = submit(d, toy_commit(&h));
    toy_await(&toy_state.active, 1);
    drv_cancel(running);
    end(running, P_OK);
    assert_non_null(h);
    drv_release(h);

    toy_state.hold = false;
    drv_event *ended = submit(d, toy_poseidon(1));
    assert_int_equal(drv_wait(ended, LONG_MS, NULL), P_OK);
    drv_cancel(ended);
    drv_cancel(NULL);
    end(ended, P_OK);
    close_device(d);
}

static void *let_go(void *unused)
{
    (void)unused;
    nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL);
    toy_state.hold = false;
    return NULL;
}

static void run_waits_for_what_it_gives_up(void **state)
{
    (void)state;
    drv_handle *h = NULL;
    drv_job commit = toy_commit(&h), poseidon = toy_poseidon(1);
    pthread_t t;
    p_err err;
    drv_device *d = toy_open();

    toy_state.hold = true;
    assert_int_equal(drv_run(d, &commit, 20, &err), P_EDEADLINE);
    assert_non_null(strstr(err.text, "cancelled after 20 ms"));
    assert_null(h);
    assert_int_equal(toy_state.active, 0);
    /* done in spite of the request */
    toy_state.deaf = true;
    assert_int_equal(pthread_create(&t, NULL, let_go, NULL), 0);
    assert_int_equal(drv_run(d, &commit, 1, &err), P_OK);
    assert_non_null(h);
    drv_release(h);
    pthread_join(t, NULL);
    /* failed by itself */
    toy_state.hold = true;
    toy_state.run_status = P_EDEVICE;
    toy_state.run_text = "burnt";
    assert_int_equal(pthread_create(&t, NULL, let_go, NULL), 0);
    assert_int_equal(drv_run(d, &poseidon, 1, &err), P_EDEVICE);
    assert_non_null(strstr(err.text, "burnt"));
    pthread_join(t, NULL);
    close_device(d);
}

static void what_the_device_cannot_is_refused_before_it_runs(void **state)
{
    (void)state;
    drv_event *e = (drv_event *)&e;
    drv_job job = toy_poseidon(1);
    uint64_t bytes = 1;
    p_err err;

    toy_state.memory = 123456;
    toy_state.estimate = 123457;
    drv_device *d = toy_open();
    assert_int_equal(drv_submit(d, &job, &e, &err), P_EEXHAUSTED);
    assert_null(e);
    assert_non_null(strstr(err.text, "123457"));
    assert_non_null(strstr(err.text, "has 123456"));
    assert_int_equal(drv_estimate(d, &job, &bytes, &err), P_OK);
    assert_int_equal(bytes, 123457);
    job.poseidon.states = NULL; /* the shape is enough to ask */
    assert_int_equal(drv_estimate(d, &job, &bytes, &err), P_OK);
    assert_int_equal(drv_submit(d, &job, &e, &err), P_EINVAL);
    job = toy_poseidon(1);
    toy_state.estimate = 123456;
    assert_int_equal(drv_run(d, &job, LONG_MS, &err), P_OK);

    toy_state.supports_status = P_EUNSUPPORTED;
    assert_int_equal(drv_submit(d, &job, &e, &err), P_EUNSUPPORTED);
    assert_null(e);
    assert_string_equal(err.text, "poseidon on toy: a toy cannot do this");
    assert_int_equal(drv_estimate(d, &job, &bytes, &err), P_EUNSUPPORTED);
    assert_int_equal(bytes, 0);
    assert_int_equal(drv_run(d, &job, LONG_MS, NULL), P_EUNSUPPORTED);
    assert_int_equal(toy_state.runs, 1);

    assert_int_equal(drv_submit(d, NULL, &e, &err), P_EINVAL);
    assert_int_equal(drv_submit(NULL, &job, &e, &err), P_EINVAL);
    assert_int_equal(drv_submit(d, &job, NULL, &err), P_EINVAL);
    assert_int_equal(drv_estimate(d, NULL, &bytes, &err), P_EINVAL);
    assert_int_equal(drv_estimate(NULL, &job, &bytes, &err), P_EINVAL);
    assert_int_equal(drv_estimate(d, &job, NULL, &err), P_EINVAL);
    assert_int_equal(drv_wait(NULL, 0, &err), P_EINVAL);
    close_device(d);
}

/* ---- handles ---- */

static void a_handle_lives_until_nobody_needs_it(void **state)
{
    (void)state;
    drv_handle *c, *p;
    drv_commitment commitment;
    drv_points points;

    toy_state.jobs = 2;
    drv_device *d = toy_open();
    c = (drv_handle *)&c;
    toy_state.hold = true;
    drv_event *e = submit(d, toy_commit(&c));
    assert_null(c);
    toy_await(&toy_state.active, 1);
    toy_state.hold = false;
    end(e, P_OK);
    assert_non_null(c);
    make(d, toy_msm_load(&p), &p);
    assert_int_equal(drv_commitment_info(c, &commitment), P_OK);
    assert_int_equal(commitment.columns, 11);
    assert_int_equal(commitment.log_leaves, 4);
    assert_int_equal(commitment.cap_log2, 1);
    assert_int_equal(commitment.levels, 3);
    assert_int_equal(commitment.path_digests, 3);
    assert_int_equal(commitment.hash, DRV_HASH_GL);
    assert_int_equal(drv_points_info(p, &points), P_OK);
    assert_int_equal(points.group, DRV_G2);
    assert_int_equal(points.count, 100);
    assert_int_equal(drv_commitment_info(p, &commitment), P_EINVAL);
    assert_int_equal(drv_points_info(c, &points), P_EINVAL);
    assert_int_equal(drv_commitment_info(NULL, &commitment), P_EINVAL);
    assert_int_equal(drv_points_info(NULL, &points), P_EINVAL);

    /* one job runs, two wait; the user lets go of the handle */
    toy_state.hold = true;
    drv_event *open = submit(d, toy_open_rows(c)), *read = submit(d, toy_read(c));
    drv_event *msm = submit(d, toy_msm(p)), *late = submit(d, toy_read(c));
    toy_await(&toy_state.active, 2);
    drv_release(c);
    drv_release(p);
    assert_int_equal(toy_state.objects, 2);
    drv_cancel(msm); /* the only one that needs p: whoever ends it frees p */
    assert_int_equal(toy_state.objects, 1);
    end(msm, P_ECANCELLED);
    drv_cancel(open);
    end(open, P_ECANCELLED);
    assert_int_equal(toy_state.objects, 1);
    toy_state.hold = false;
    assert_int_equal(drv_wait(read, LONG_MS, NULL), P_OK);
    assert_int_equal(drv_wait(late, LONG_MS, NULL), P_OK);
    assert_int_equal(toy_state.objects, 0); /* seen by whoever saw the ends */
    assert_int_equal(toy_state.freed, 2);
    end(read, P_OK);
    end(late, P_OK);
    drv_release(NULL);
    close_device(d);
}

/* ---- closing ---- */

static void close_refuses_what_is_not_released(void **state)
{
    (void)state;
    drv_handle *c;
    void *buffer;
    p_err err;
    drv_device *d = toy_open();

    assert_int_equal(drv_close(NULL, 0, &err), P_OK);
    make(d, toy_commit(&c), &c);
    drv_event *e = submit(d, toy_poseidon(1));
    assert_int_equal(drv_wait(e, LONG_MS, NULL), P_OK);
    assert_int_equal(drv_buffer_alloc(d, 100, &buffer, NULL), P_OK);
    assert_int_equal(drv_close(d, LONG_MS, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "1 handles and 1 events are not released, 1 buffers"));
    drv_buffer_free(d, buffer, 100);
    assert_int_equal(drv_close(d, LONG_MS, &err), P_EINVAL);
    drv_release(c);
    assert_int_equal(drv_close(d, LONG_MS, &err), P_EINVAL);
    assert_int_equal(toy_state.closed, 0);
    end(submit(d, toy_poseidon(1)), P_OK); /* nothing happened to the device */
    end(e, P_OK);
    close_device(d);
}

static void close_ends_what_runs_and_waits(void **state)
{
    (void)state;
    drv_handle *c = NULL, *c2 = NULL;
    p_err err;
    drv_job job = toy_poseidon(1);
    drv_event *over;
    drv_device *d = toy_open();

    toy_state.hold = toy_state.deaf = true;
    drv_event *running = submit(d, toy_commit(&c)), *waiting = submit(d, toy_commit(&c2));
    toy_await(&toy_state.active, 1);
    assert_int_equal(drv_close(d, 20, &err), P_EDEADLINE);
    assert_non_null(strstr(err.text, "1 jobs"));
    assert_true(drv_ended(waiting));
    assert_false(drv_ended(running));
    assert_int_equal(drv_submit(d, &job, &over, &err), P_EUNAVAILABLE);
    assert_null(over);
    assert_int_equal(drv_close(d, 0, &err), P_EDEADLINE);
    assert_int_equal(toy_state.closed, 0);
    /* it ends well, but its handle would be nobody's */
    toy_state.hold = false;
    close_device(d);
    assert_int_equal(toy_state.freed, 1);
    assert_null(c);
    assert_null(c2);
    /* the events outlive the device */
    assert_int_equal(drv_wait(running, 0, &err), P_ECANCELLED);
    end(running, P_ECANCELLED);
    end(waiting, P_ECANCELLED);
}

static void *run_one(void *device)
{
    drv_job job = toy_poseidon(1);
    p_err err;
    return drv_run(device, &job, LONG_MS, &err) == P_ECANCELLED ? device : NULL;
}

static void close_wakes_those_who_wait(void **state)
{
    (void)state;
    pthread_t t;
    void *answer;
    drv_device *d = toy_open();

    toy_state.hold = true;
    assert_int_equal(pthread_create(&t, NULL, run_one, d), 0);
    toy_await(&toy_state.active, 1);
    close_device(d);
    pthread_join(t, &answer);
    assert_ptr_equal(answer, d);
}

/* ---- all at once ---- */

#define THREADS 8
#define ROUNDS 150

typedef struct user {
    drv_device *device;
    unsigned seed;
    bool ok;
} user;

static unsigned roll(user *u)
{
    u->seed = u->seed * 1103515245 + 12345;
    return u->seed >> 16;
}

static void *use_device(void *arg)
{
    user *u = arg;

    u->ok = true;
    for (int i = 0; i < ROUNDS && u->ok; i++) {
        drv_handle *h = NULL;
        drv_job make_job = roll(u) % 2 ? toy_commit(&h) : toy_msm_load(&h);
        if (drv_run(u->device, &make_job, LONG_MS, NULL) != P_OK || !h) {
            u->ok = false;
            break;
        }
        drv_event *e[4] = {NULL};
        for (size_t k = 0; k < 4; k++) {
            drv_job job = roll(u) % 3 == 0              ? toy_poseidon(1)
                          : make_job.op == DRV_MSM_LOAD ? toy_msm(h)
                          : roll(u) % 2                 ? toy_open_rows(h)
                                                        : toy_read(h);
            u->ok = u->ok && drv_submit(u->device, &job, &e[k], NULL) == P_OK;
        }
        bool early = roll(u) % 2;
        if (early) /* while jobs use it */
            drv_release(h);
        for (size_t k = 0; k < 4 && e[k]; k++) {
            if (roll(u) % 4 == 0)
                drv_cancel(e[k]);
            p_status s = drv_wait(e[k], LONG_MS, NULL);
            u->ok = u->ok && (s == P_OK || s == P_ECANCELLED) && drv_event_release(e[k]) == P_OK;
        }
        if (!early)
            drv_release(h);
    }
    return NULL;
}

static void many_threads_at_once(void **state)
{
    (void)state;
    user users[THREADS];
    pthread_t t[THREADS];

    toy_state.jobs = 4;
    drv_device *d = toy_open();
    for (unsigned i = 0; i < THREADS; i++) {
        users[i] = (user){.device = d, .seed = i};
        assert_int_equal(pthread_create(&t[i], NULL, use_device, &users[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        assert_true(users[i].ok);
    }
    close_device(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(waiting_is_bounded_and_may_be_repeated, setup),
        cmocka_unit_test_setup(any_number_of_threads_may_wait, setup),
        cmocka_unit_test_setup(a_failure_keeps_its_text, setup),
        cmocka_unit_test_setup(jobs_run_at_once_up_to_the_limit_and_in_order, setup),
        cmocka_unit_test_setup(the_queue_is_bounded, setup),
        cmocka_unit_test_setup(cancelling, setup),
        cmocka_unit_test_setup(run_waits_for_what_it_gives_up, setup),
        cmocka_unit_test_setup(what_the_device_cannot_is_refused_before_it_runs, setup),
        cmocka_unit_test_setup(a_handle_lives_until_nobody_needs_it, setup),
        cmocka_unit_test_setup(close_refuses_what_is_not_released, setup),
        cmocka_unit_test_setup(close_ends_what_runs_and_waits, setup),
        cmocka_unit_test_setup(close_wakes_those_who_wait, setup),
        cmocka_unit_test_setup(many_threads_at_once, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
