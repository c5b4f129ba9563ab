#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/clock.h"
#include "driver/base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_WORKERS P_POOL_MAX_THREADS

/* One loop as the test sees it. What is not atomic is written by one item each, or by a worker
 * that nobody shares: ThreadSanitizer would see a pool that is wrong about it. */
typedef struct seen {
    p_pool *pool;
    unsigned char *times; /* how often each item ran */
    uint64_t of_worker[MAX_WORKERS];
    atomic_int inside[MAX_WORKERS];
    atomic_int running, bad;
    atomic_size_t started;
    size_t fail_at; /* item, or SIZE_MAX */
    p_status fail_as;
    size_t cancel_at; /* item, or SIZE_MAX */
    p_cancel cancel;
    long nanoseconds; /* an item takes so long */
} seen;

static p_pool *make_pool(unsigned threads)
{
    p_pool *pool;
    p_err err;

    if (p_pool_create(threads, &pool, &err) != P_OK)
        fail_msg("%s", err.text);
    return pool;
}

static p_status look(void *arg, size_t item, unsigned worker)
{
    seen *s = arg;

    atomic_fetch_add(&s->started, 1);
    atomic_fetch_add(&s->running, 1);
    if (worker >= p_pool_threads(s->pool) || atomic_fetch_add(&s->inside[worker], 1) != 0)
        atomic_fetch_add(&s->bad, 1);
    s->of_worker[worker]++;
    if (s->times)
        s->times[item]++;
    if (s->nanoseconds > 0)
        nanosleep(&(struct timespec){.tv_nsec = s->nanoseconds}, NULL);
    if (item == s->cancel_at)
        p_cancel_request(&s->cancel);
    atomic_fetch_sub(&s->inside[worker], 1);
    atomic_fetch_sub(&s->running, 1);
    return item == s->fail_at ? s->fail_as : P_OK;
}

static seen *make_seen(p_pool *pool, size_t count)
{
    seen *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->pool = pool;
    s->fail_at = s->cancel_at = SIZE_MAX;
    if (count > 0) {
        s->times = calloc(count, 1);
        if (!s->times)
            abort();
    }
    return s;
}

/* False if an item ran beside another of its worker, or after the loop. */
static bool end_seen(seen *s)
{
    bool good = atomic_load(&s->bad) == 0 && atomic_load(&s->running) == 0;

    free(s->times);
    free(s);
    return good;
}

static void free_seen(seen *s)
{
    assert_true(end_seen(s));
}

/* Any thread, so it asserts nothing. */
static bool all_ran(p_pool *pool, size_t count)
{
    seen *s = make_seen(pool, count);
    uint64_t sum = 0;
    bool good = p_pool_run(pool, count, look, s, &s->cancel) == P_OK;

    for (size_t i = 0; i < count; i++)
        good = good && s->times[i] == 1;
    for (size_t i = 0; i < MAX_WORKERS; i++)
        sum += s->of_worker[i];
    good = end_seen(s) && good;
    return good && sum == count;
}

static void run_all(p_pool *pool, size_t count)
{
    assert_true(all_ran(pool, count));
}

static void every_item_runs_once(void **state)
{
    (void)state;
    static const unsigned threads[] = {1, 2, 3, 8, 61};
    static const size_t counts[] = {0, 1, 2, 3, 7, 64, 1000, 100000};

    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        p_pool *pool = make_pool(threads[t]);
        assert_int_equal(p_pool_threads(pool), threads[t]);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            run_all(pool, counts[c]);
        p_pool_destroy(pool);
    }
}

static void short_loops_follow_each_other(void **state)
{
    (void)state;
    p_pool *pool = make_pool(4);

    for (size_t i = 0; i < 3000; i++) {
        run_all(pool, i % 5);
        if (i % 500 == 0) /* long enough that the threads sleep */
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    p_pool_destroy(pool);
}

static void limits_of_creation(void **state)
{
    (void)state;
    p_pool *pool = (p_pool *)&pool;
    p_err err;

    assert_int_equal(p_pool_create(P_POOL_MAX_THREADS + 1, &pool, &err), P_EINVAL);
    assert_null(pool);
    assert_non_null(strstr(err.text, "257"));
    p_pool_destroy(NULL);
    pool = make_pool(0);
    assert_int_equal(p_pool_threads(pool), p_pool_usable_threads());
    assert_true(p_pool_threads(pool) >= 1);
    p_pool_destroy(pool);
    pool = make_pool(P_POOL_MAX_THREADS);
    run_all(pool, 1000);
    p_pool_destroy(pool);
}

static void a_failure_ends_the_loop(void **state)
{
    (void)state;
    static const unsigned threads[] = {1, 4};

    for (size_t t = 0; t < 2; t++) {
        p_pool *pool = make_pool(threads[t]);
        for (size_t at = 0; at < 50; at += 7) {
            seen *s = make_seen(pool, 0);
            s->fail_at = at;
            s->fail_as = P_ECORRUPT;
            s->nanoseconds = 100000;
            assert_int_equal(p_pool_run(pool, 100000, look, s, NULL), P_ECORRUPT);
            /* what the others had begun, and at most one more each that had taken its item */
            assert_in_range(s->started, at + 1, at + 1 + 100);
            free_seen(s);
            run_all(pool, 100); /* the pool is as before */
        }
        p_pool_destroy(pool);
    }
}

static void a_cancelled_loop_ends(void **state)
{
    (void)state;
    static const unsigned threads[] = {1, 4};

    for (size_t t = 0; t < 2; t++) {
        p_pool *pool = make_pool(threads[t]);
        seen *s = make_seen(pool, 0);
        p_cancel_request(&s->cancel); /* before the first item */
        assert_int_equal(p_pool_run(pool, 1000, look, s, &s->cancel), P_ECANCELLED);
        assert_int_equal(s->started, 0);
        assert_int_equal(p_pool_run(pool, 0, look, s, &s->cancel), P_OK);
        free_seen(s);
        s = make_seen(pool, 0);
        s->cancel_at = 20;
        s->nanoseconds = 100000;
        /* a count that no loop could finish */
        assert_int_equal(p_pool_run(pool, SIZE_MAX, look, s, &s->cancel), P_ECANCELLED);
        assert_in_range(s->started, 21, 121);
        free_seen(s);
        p_pool_destroy(pool);
    }
}

static void exceptionally_many_items(void **state)
{
    (void)state;
    p_pool *pool = make_pool(3);
    size_t count = 3000000;
    seen *s = make_seen(pool, count);

    assert_int_equal(p_pool_run(pool, count, look, s, NULL), P_OK);
    for (size_t i = 0; i < count; i++)
        if (s->times[i] != 1)
            fail_msg("item %zu ran %d times", i, s->times[i]);
    free_seen(s);
    p_pool_destroy(pool);
}

static void *loops_of_a_thread(void *arg)
{
    p_pool *pool = arg;
    bool good = true;

    for (size_t i = 0; i < 300; i++)
        good = all_ran(pool, i % 40) && good;
    return good ? pool : NULL;
}

static void several_threads_share_a_pool(void **state)
{
    (void)state;
    p_pool *pool = make_pool(3);
    pthread_t t[5];

    for (size_t i = 0; i < 5; i++)
        assert_int_equal(pthread_create(&t[i], NULL, loops_of_a_thread, pool), 0);
    for (size_t i = 0; i < 5; i++) {
        void *answer;
        pthread_join(t[i], &answer);
        assert_ptr_equal(answer, pool);
    }
    p_pool_destroy(pool);
}

typedef struct long_loop {
    p_pool *pool;
    seen *s;
    p_status status;
} long_loop;

static void *run_long_loop(void *arg)
{
    long_loop *l = arg;

    l->status = p_pool_run(l->pool, 1000000, look, l->s, &l->s->cancel);
    return NULL;
}

static void one_of_two_loops_is_cancelled(void **state)
{
    (void)state;
    p_pool *pool = make_pool(4);
    long_loop l = {.pool = pool, .s = make_seen(pool, 0)};
    pthread_t t;

    l.s->nanoseconds = 1000000;
    assert_int_equal(pthread_create(&t, NULL, run_long_loop, &l), 0);
    while (atomic_load(&l.s->started) < 10)
        ;
    run_all(pool, 1000); /* does not wait for the long one */
    assert_true(atomic_load(&l.s->running) > 0);
    p_cancel_request(&l.s->cancel);
    pthread_join(t, NULL);
    assert_int_equal(l.status, P_ECANCELLED);
    free_seen(l.s);
    run_all(pool, 1000);
    p_pool_destroy(pool);
}

/* Writes of an item are seen after the loop, those before the loop by its items: plain memory, for
 * ThreadSanitizer. */
static p_status add_one(void *arg, size_t item, unsigned worker)
{
    (void)worker;
    ((uint64_t *)arg)[item]++;
    return P_OK;
}

static void loops_order_memory(void **state)
{
    (void)state;
    static uint64_t values[64];
    p_pool *pool = make_pool(4);

    for (uint64_t round = 0; round < 500; round++) {
        for (size_t i = 0; i < 64; i++)
            assert_int_equal(values[i]++, 2 * round);
        assert_int_equal(p_pool_run(pool, 64, add_one, values, NULL), P_OK);
    }
    p_pool_destroy(pool);
}

static void an_idle_pool_costs_nothing(void **state)
{
    (void)state;
    p_pool *pool = make_pool(2);
    double least = 1;

    for (int tries = 0; tries < 5 && least > 0.02; tries++) {
        run_all(pool, 100);
        double before = p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        double used = p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - before;
        least = used < least ? used : least;
    }
    assert_true(least <= 0.02); /* a thread that spins would take 0.1 */
    p_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_runs_once),
        cmocka_unit_test(short_loops_follow_each_other),
        cmocka_unit_test(limits_of_creation),
        cmocka_unit_test(a_failure_ends_the_loop),
        cmocka_unit_test(a_cancelled_loop_ends),
        cmocka_unit_test(exceptionally_many_items),
        cmocka_unit_test(several_threads_share_a_pool),
        cmocka_unit_test(one_of_two_loops_is_cancelled),
        cmocka_unit_test(loops_order_memory),
        cmocka_unit_test(an_idle_pool_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
