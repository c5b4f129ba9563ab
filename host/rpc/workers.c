#include "host/rpc/workers.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct worker {
    rpc_workers *pool;
    unsigned index;
    pthread_t thread;
} worker;

struct rpc_workers {
    rpc_job_fn *run;
    void *ctx;
    unsigned n_threads;
    worker *threads;
    pthread_mutex_t lock;
    pthread_cond_t work;
    bool ending;
    void **ring;
    size_t capacity, first, count;
};

static void *worker_thread(void *arg)
{
    worker *me = arg;
    rpc_workers *w = me->pool;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->count && !w->ending)
            pthread_cond_wait(&w->work, &w->lock);
        if (!w->count)
            break;
        void *job = w->ring[w->first];
        w->first = (w->first + 1) % w->capacity;
        w->count--;
        pthread_mutex_unlock(&w->lock);
        w->run(w->ctx, job, me->index);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

p_status rpc_workers_create(rpc_workers **out, unsigned threads, size_t capacity, rpc_job_fn *run,
                            void *ctx, p_err *err)
{
    *out = NULL;
    if (threads < 1 || threads > 1024 || capacity < 1)
        return p_err_set(err, P_EINVAL,
                         "workers: %u threads, capacity %zu; expected 1 to 1024, "
                         "and at least 1",
                         threads, capacity);
    rpc_workers *w = calloc(1, sizeof *w);
    if (w) {
        w->threads = calloc(threads, sizeof *w->threads);
        w->ring = calloc(capacity, sizeof *w->ring);
    }
    if (!w || !w->threads || !w->ring) {
        if (w) {
            free(w->threads);
            free(w->ring);
        }
        free(w);
        return p_err_set(err, P_EEXHAUSTED, "no memory for %u workers", threads);
    }
    w->run = run;
    w->ctx = ctx;
    w->capacity = capacity;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    for (; w->n_threads < threads; w->n_threads++) {
        worker *t = &w->threads[w->n_threads];
        t->pool = w;
        t->index = w->n_threads;
        if (pthread_create(&t->thread, NULL, worker_thread, t))
            break;
    }
    if (w->n_threads < threads) {
        unsigned got = w->n_threads;
        rpc_workers_destroy(w);
        return p_err_set(err, P_EEXHAUSTED, "only %u of %u worker threads could be started", got,
                         threads);
    }
    *out = w;
    return P_OK;
}

bool rpc_workers_submit(rpc_workers *w, void *job)
{
    pthread_mutex_lock(&w->lock);
    bool ok = !w->ending && w->count < w->capacity;
    if (ok) {
        w->ring[(w->first + w->count) % w->capacity] = job;
        w->count++;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return ok;
}

size_t rpc_workers_waiting(rpc_workers *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->count;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void rpc_workers_destroy(rpc_workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i].thread, NULL);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    free(w->threads);
    free(w->ring);
    free(w);
}
