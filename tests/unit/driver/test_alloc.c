/* Each allocation and each start of a thread fails in turn: an error, no crash, no leak, and a
 * device that works afterwards. */
#include "tests/unit/driver/toy.h"

#include "driver/base/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LONG_MS 20000

static atomic_long calls, fail_at; /* fail_at -1: none */

static bool fails(void)
{
    return atomic_fetch_add(&calls, 1) == atomic_load(&fail_at);
}

typedef void *start(void *);

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, start *f, void *arg);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, start *f, void *arg);

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, start *f, void *arg)
{
    return fails() ? 11 /* EAGAIN */ : __real_pthread_create(thread, attr, f, arg);
}

/* Runs what with each call failing in turn until it is through; what answers P_EEXHAUSTED while it
 * fails. */
static void each_fails(p_status (*what)(void *arg, p_err *err), void *arg, int at_least)
{
    int failures = 0;

    for (long at = 0;; at++) {
        p_err err = {P_OK, ""};
        atomic_store(&calls, 0);
        atomic_store(&fail_at, at);
        p_status s = what(arg, &err);
        atomic_store(&fail_at, -1);
        if (atomic_load(&calls) <= at) { /* none was left to fail */
            assert_int_equal(s, P_OK);
            break;
        }
        if (s != P_EEXHAUSTED || err.status != s || err.text[0] == '\0')
            fail_msg("call %ld failed: answered %s '%s'", at, p_status_name(s), err.text);
        failures++;
    }
    assert_in_range(failures, at_least, 100);
}

static p_status open_toy(void *arg, p_err *err)
{
    drv_device *d = arg;
    p_status s = drv_open_backend(&toy_backend, "", NULL, &d, err);

    assert_int_equal(d != NULL, s == P_OK);
    if (d)
        assert_int_equal(drv_close(d, LONG_MS, NULL), P_OK);
    assert_int_equal(toy_state.opened, toy_state.closed);
    return s;
}

static void opening(void **state)
{
    (void)state;
    toy_reset();
    toy_state.jobs = 3;
    each_fails(open_toy, NULL, 4);
}

static p_status open_best(void *arg, p_err *err)
{
    drv_device *d = arg;
    drv_options options = {.threads = 3};
    p_status s = drv_open("cpu", &options, &d, err);

    assert_int_equal(d != NULL, s == P_OK);
    assert_int_equal(drv_close(d, LONG_MS, NULL), P_OK);
    return s;
}

static void opening_the_cpu(void **state)
{
    (void)state;
    each_fails(open_best, NULL, 7);
}

static p_status make_pool(void *arg, p_err *err)
{
    p_pool *pool = arg;
    p_status s = p_pool_create(4, &pool, err);

    assert_int_equal(pool != NULL, s == P_OK);
    p_pool_destroy(pool);
    return s;
}

static void starting_a_pool(void **state)
{
    (void)state;
    each_fails(make_pool, NULL, 4);
}

static p_status submit_commit(void *arg, p_err *err)
{
    drv_handle *h = (drv_handle *)&h;
    drv_event *e = (drv_event *)&e;
    drv_job job = toy_commit(&h);
    toy_state.hold = true; /* the toy's own allocation is not meant */
    p_status s = drv_submit(arg, &job, &e, err);

    assert_int_equal(e != NULL, s == P_OK);
    assert_null(h);
    if (e) {
        drv_cancel(e);
        assert_int_equal(drv_wait(e, LONG_MS, NULL), P_ECANCELLED);
        assert_int_equal(drv_event_release(e), P_OK);
    }
    return s;
}

static void submitting(void **state)
{
    (void)state;
    toy_reset();
    atomic_store(&fail_at, -1);
    drv_device *d = toy_open();
    each_fails(submit_commit, d, 2);
    assert_int_equal(drv_close(d, LONG_MS, NULL), P_OK);
}

int main(void)
{
    atomic_store(&fail_at, -1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening),
        cmocka_unit_test(opening_the_cpu),
        cmocka_unit_test(starting_a_pool),
        cmocka_unit_test(submitting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
