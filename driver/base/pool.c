#define _GNU_SOURCE
#include "driver/base/pool.h"

#include "driver/base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a thread that has nothing to do looks for work before it sleeps. Waking a thread takes
 * the system some 5 us of the waker's time and 30 us and more until it runs; the passes of a
 * transform follow each other within a few. A pool that is idle costs nothing after this time. */
#define SPIN_NS 50000
#define SPIN_LOOKS 16 /* between two looks at the clock */

/* One p_pool_run. Lives on the caller's stack while it is in the pool's list or has helpers. */
typedef struct loop {
    struct loop *next;
    p_pool_item *item;
    void *arg;
    const p_cancel *cancel;
    size_t count;
    atomic_size_t taken; /* next item; >= count: none is left */
    atomic_int status;   /* p_status: the first that was not P_OK */
    atomic_uint helpers; /* pool threads inside; raised under the pool's lock, lowered as the last
                            touch of the loop */
} loop;

struct p_pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a loop was added, or stop was set */
    pthread_cond_t left; /* the last helper left a loop */
    loop *loops;
    atomic_uint news;  /* counts loops that were added, and stop; changed under the lock */
    unsigned sleepers; /* threads in work */
    unsigned threads;  /* with the caller */
    unsigned started;
    bool spin; /* every thread has a CPU to itself */
    bool stop;
    struct worker {
        p_pool *pool;
        pthread_t thread;
        unsigned index;
    } worker[];
};

static void work(loop *l, unsigned worker)
{
    for (;;) {
        if (atomic_load_explicit(&l->status, memory_order_relaxed) != P_OK)
            return;
        size_t item = atomic_fetch_add_explicit(&l->taken, 1, memory_order_relaxed);
        if (item >= l->count)
            return;
        p_status s = p_cancel_requested(l->cancel) ? P_ECANCELLED : l->item(l->arg, item, worker);
        int ok = P_OK;
        if (s != P_OK)
            atomic_compare_exchange_strong(&l->status, &ok, (int)s);
    }
}

static bool has_work(loop *l)
{
    return atomic_load_explicit(&l->taken, memory_order_relaxed) < l->count &&
           atomic_load_explicit(&l->status, memory_order_relaxed) == P_OK;
}

/* The loop with work and the fewest helpers, so that two loops share the threads. */
static loop *choose(p_pool *pool)
{
    loop *best = NULL;
    for (loop *l = pool->loops; l; l = l->next)
        if (has_work(l) && (!best || l->helpers < best->helpers))
            best = l;
    return best;
}

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Looks at *value for a short time; true as soon as it is wanted (or, with different set, is not).
 */
static bool spin_until(const p_pool *pool, atomic_uint *value, unsigned wanted, bool different)
{
    int64_t end = 0;

    for (unsigned looks = 0;; looks++) {
        if ((atomic_load_explicit(value, memory_order_acquire) == wanted) != different)
            return true;
        if (!pool->spin)
            return false;
        if (looks % SPIN_LOOKS == 0) {
            int64_t now = p_clock_ns(CLOCK_MONOTONIC);
            if (looks == 0)
                end = now + SPIN_NS;
            else if (now >= end)
                return false;
        }
        relax();
    }
}

/* Returns when there is news. Called and left with the lock held. */
static void wait_for_news(p_pool *pool)
{
    unsigned seen = atomic_load_explicit(&pool->news, memory_order_relaxed);

    pthread_mutex_unlock(&pool->lock);
    bool news = spin_until(pool, &pool->news, seen, true);
    pthread_mutex_lock(&pool->lock);
    if (news)
        return;
    pool->sleepers++;
    while (atomic_load_explicit(&pool->news, memory_order_relaxed) == seen)
        pthread_cond_wait(&pool->work, &pool->lock);
    pool->sleepers--;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    p_pool *pool = w->pool;

    pthread_mutex_lock(&pool->lock);
    while (!pool->stop) {
        loop *l = choose(pool);
        if (!l) {
            wait_for_news(pool);
            continue;
        }
        atomic_fetch_add_explicit(&l->helpers, 1, memory_order_relaxed);
        pthread_mutex_unlock(&pool->lock);
        work(l, w->index);
        pthread_mutex_lock(&pool->lock);
        /* the caller may see this before it has the lock and be gone with the loop */
        if (atomic_fetch_sub_explicit(&l->helpers, 1, memory_order_release) == 1)
            pthread_cond_broadcast(&pool->left);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* What this process may use, so that a container's share is respected where it is given by
 * affinity. */
unsigned p_pool_usable_threads(void)
{
    cpu_set_t set;
    long n;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    else /* more CPUs than the set has room for */
        n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1)
        return 1;
    return n > P_POOL_MAX_THREADS ? P_POOL_MAX_THREADS : (unsigned)n;
}

p_status p_pool_create(unsigned threads, p_pool **out, p_err *err)
{
    *out = NULL;
    if (threads > P_POOL_MAX_THREADS)
        return p_err_set(err, P_EINVAL, "threads is %u; expected 0 (all) to %d", threads,
                         P_POOL_MAX_THREADS);
    if (threads == 0)
        threads = p_pool_usable_threads();

    p_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->worker[0]);
    if (!pool)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a pool of %u threads", threads);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->left, NULL);
    pool->threads = threads;
    pool->spin = threads <= p_pool_usable_threads();
    for (unsigned i = 0; i + 1 < threads; i++) {
        struct worker *w = &pool->worker[i];
        *w = (struct worker){.pool = pool, .index = i + 1};
        int code = pthread_create(&w->thread, NULL, worker_main, w);
        if (code != 0) {
            p_pool_destroy(pool);
            return p_err_set(err, P_EEXHAUSTED, "thread %u of %u cannot be started: %s", i + 2,
                             threads, strerror(code));
        }
        pool->started++;
    }
    *out = pool;
    return P_OK;
}

void p_pool_destroy(p_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    atomic_fetch_add_explicit(&pool->news, 1, memory_order_release);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->left);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

unsigned p_pool_threads(const p_pool *pool)
{
    return pool->threads;
}

p_status p_pool_run(p_pool *pool, size_t count, p_pool_item *item, void *arg,
                    const p_cancel *cancel)
{
    loop l = {.item = item, .arg = arg, .cancel = cancel, .count = count};
    bool shared = count > 1 && pool->threads > 1;

    if (shared) {
        pthread_mutex_lock(&pool->lock);
        l.next = pool->loops;
        pool->loops = &l;
        atomic_fetch_add_explicit(&pool->news, 1, memory_order_release);
        if (pool->sleepers > 0) {
            if (count > 2)
                pthread_cond_broadcast(&pool->work);
            else
                pthread_cond_signal(&pool->work);
        }
        pthread_mutex_unlock(&pool->lock);
    }
    work(&l, 0);
    if (shared) {
        pthread_mutex_lock(&pool->lock);
        loop **at = &pool->loops;
        while (*at != &l)
            at = &(*at)->next;
        *at = l.next; /* nobody can join any more */
        pthread_mutex_unlock(&pool->lock);
        if (!spin_until(pool, &l.helpers, 0, false)) {
            pthread_mutex_lock(&pool->lock);
            while (atomic_load_explicit(&l.helpers, memory_order_acquire) > 0)
                pthread_cond_wait(&pool->left, &pool->lock);
            pthread_mutex_unlock(&pool->lock);
        }
    }
    return (p_status)atomic_load(&l.status);
}
