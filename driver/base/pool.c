#define _GNU_SOURCE
#include "driver/base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One p_pool_run. Lives on the caller's stack while it is in the pool's list or has helpers. */
typedef struct loop {
    struct loop *next;
    p_pool_item *item;
    void *arg;
    const p_cancel *cancel;
    size_t count;
    atomic_size_t taken; /* next item; >= count: none is left */
    atomic_int status;   /* p_status: the first that was not P_OK */
    unsigned helpers;    /* pool threads inside; under the pool's lock */
} loop;

struct p_pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a loop was added, or stop was set */
    pthread_cond_t left; /* a helper left its loop */
    loop *loops;
    unsigned threads; /* with the caller */
    unsigned started;
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

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    p_pool *pool = w->pool;

    pthread_mutex_lock(&pool->lock);
    while (!pool->stop) {
        loop *l = choose(pool);
        if (!l) {
            pthread_cond_wait(&pool->work, &pool->lock);
            continue;
        }
        l->helpers++;
        pthread_mutex_unlock(&pool->lock);
        work(l, w->index);
        pthread_mutex_lock(&pool->lock);
        if (--l->helpers == 0)
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
        if (count > 2)
            pthread_cond_broadcast(&pool->work);
        else
            pthread_cond_signal(&pool->work);
        pthread_mutex_unlock(&pool->lock);
    }
    work(&l, 0);
    if (shared) {
        pthread_mutex_lock(&pool->lock);
        loop **at = &pool->loops;
        while (*at != &l)
            at = &(*at)->next;
        *at = l.next; /* nobody can join any more */
        while (l.helpers > 0)
            pthread_cond_wait(&pool->left, &pool->lock);
        pthread_mutex_unlock(&pool->lock);
    }
    return (p_status)atomic_load(&l.status);
}
