#include "host/rpc/workers.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open; /**< jobs wait until it is true */
    int order[1000];
    int n;
    atomic_int busy[4];
    atomic_bool overlap;
} log;

static void run(void *ctx, void *job, unsigned worker)
{
    log *l = ctx;
    if (atomic_fetch_add(&l->busy[worker], 1))
        atomic_store(&l->overlap, true);
    pthread_mutex_lock(&l->lock);
    while (!l->open)
        pthread_cond_wait(&l->changed, &l->lock);
    l->order[l->n++] = *(int *)job;
    pthread_mutex_unlock(&l->lock);
    atomic_fetch_sub(&l->busy[worker], 1);
}

static void gate(log *l, bool open)
{
    pthread_mutex_lock(&l->lock);
    l->open = open;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void order_and_capacity(void **state)
{
    (void)state;
    log l = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    static int jobs[1000];
    rpc_workers *w;
    p_err err = {0};
    assert_int_equal(rpc_workers_create(&w, 1, 5, run, &l, &err), P_OK);
    int taken = 0;
    for (int i = 0; i < 20; i++) { /* one may run, five wait, the rest is refused */
        jobs[taken] = taken;
        taken += rpc_workers_submit(w, &jobs[taken]);
    }
    assert_true(taken == 5 || taken == 6);
    assert_true(rpc_workers_waiting(w) >= 4);
    gate(&l, true);
    rpc_workers_destroy(w); /* runs what is queued */
    assert_int_equal(l.n, taken);
    for (int i = 0; i < taken; i++)
        assert_int_equal(l.order[i], i);
}

static void every_job_once(void **state)
{
    (void)state;
    log l = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .open = true};
    static int jobs[1000];
    rpc_workers *w;
    p_err err = {0};
    assert_int_equal(rpc_workers_create(&w, 4, 1000, run, &l, &err), P_OK);
    for (int i = 0; i < 1000; i++) {
        jobs[i] = i;
        assert_true(rpc_workers_submit(w, &jobs[i]));
    }
    rpc_workers_destroy(w);
    assert_int_equal(l.n, 1000);
    assert_false(atomic_load(&l.overlap));
    bool seen[1000] = {false};
    for (int i = 0; i < 1000; i++) {
        assert_false(seen[l.order[i]]);
        seen[l.order[i]] = true;
    }
}

static void wrong_arguments(void **state)
{
    (void)state;
    rpc_workers *w = (rpc_workers *)1;
    p_err err = {0};
    assert_int_equal(rpc_workers_create(&w, 0, 5, run, NULL, &err), P_EINVAL);
    assert_null(w);
    assert_int_equal(rpc_workers_create(&w, 1025, 5, run, NULL, &err), P_EINVAL);
    assert_int_equal(rpc_workers_create(&w, 1, 0, run, NULL, &err), P_EINVAL);
    rpc_workers_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_and_capacity),
                                       cmocka_unit_test(every_job_once),
                                       cmocka_unit_test(wrong_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
