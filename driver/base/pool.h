/** A pool of threads that runs parallel loops.
 *
 * p_pool_run hands out the items 0 .. count-1 of one loop to the pool's threads and to the calling
 * thread, and returns when all of them are done. Several threads may run loops on one pool at once:
 * they share its threads. An item must not run a loop on the same pool. Items are handed out one at
 * a time in rising order, so an item should be worth some ten microseconds. A pool owns its
 * threads; destroy it when no loop is running. */
#ifndef ZKP_DRIVER_BASE_POOL_H
#define ZKP_DRIVER_BASE_POOL_H

#include "driver/base/cancel.h"
#include "driver/base/err.h"

#include <stddef.h>

#define P_POOL_MAX_THREADS 256

typedef struct p_pool p_pool;

/** threads: how many run items at most, the calling thread included (1: no thread is started);
 * 0: as many as this process may use (its CPU affinity). P_EINVAL above P_POOL_MAX_THREADS,
 * P_EEXHAUSTED if a thread cannot be started. *out is NULL on failure. */
p_status p_pool_create(unsigned threads, p_pool **out, p_err *err);

void p_pool_destroy(p_pool *pool);

/** What 0 stands for in p_pool_create. */
unsigned p_pool_usable_threads(void);

/** As chosen in p_pool_create, with 0 resolved. */
unsigned p_pool_threads(const p_pool *pool);

/** One item. worker is 0 .. p_pool_threads-1 and unique among the items of the loop that run at the
 * same time: an index for scratch memory. Returns P_OK, or the status that ends the loop. */
typedef p_status p_pool_item(void *arg, size_t item, unsigned worker);

/** Runs all items. Polls cancel (may be NULL) before each item: P_ECANCELLED. After the first item
 * that does not answer P_OK no further item starts, and its status is returned. Whatever was
 * started has ended when this returns. */
p_status p_pool_run(p_pool *pool, size_t count, p_pool_item *item, void *arg,
                    const p_cancel *cancel);

#endif
