/** A bounded pool of worker threads for work that must not run on a completion-queue thread.
 *
 * Jobs start in the order of submission. Create, submit from any thread, destroy (which runs what
 * is queued and then joins). */
#ifndef ZKP_HOST_RPC_WORKERS_H
#define ZKP_HOST_RPC_WORKERS_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct rpc_workers rpc_workers;

/** worker: 0 .. threads - 1, the same number never runs twice at a time. */
typedef void rpc_job_fn(void *ctx, void *job, unsigned worker);

/** threads 1..1024; at most capacity jobs wait. run and ctx are used for every job. */
p_status rpc_workers_create(rpc_workers **out, unsigned threads, size_t capacity, rpc_job_fn *run,
                            void *ctx, p_err *err);

/** False when capacity jobs are waiting already (or the pool is being destroyed). */
bool rpc_workers_submit(rpc_workers *w, void *job);

/** Jobs that wait, not those that run. */
size_t rpc_workers_waiting(rpc_workers *w);

void rpc_workers_destroy(rpc_workers *w); /**< NULL is allowed */

#endif
