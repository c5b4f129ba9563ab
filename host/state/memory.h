/** The memory of a run: address space reserved once, pages taken by use and given back by trimming.
 *  One thread at a time. Private to host/state. */
#ifndef ZKP_HOST_STATE_MEMORY_H
#define ZKP_HOST_STATE_MEMORY_H

#include "driver/base/err.h"
#include "host/executor/arena.h"

typedef struct state_memory {
    exec_memory exec;
    size_t reserved[3]; /**< of tree, tx, frame */
} state_memory;

/** Reserves 8 GiB for the tree, 4 GiB each for transaction and frames; where the system refuses so
 * much address space, all three are halved until it agrees, down to 1/64. */
p_status state_memory_reserve(state_memory *m, p_err *err);
void state_memory_unreserve(state_memory *m);

/** Until the next reset the arenas hold this many bytes together: half for the tree, a quarter each
 * for transaction and frames. 0, or more than is reserved: no other limit than that. */
void state_memory_limit(state_memory *m, size_t bytes);

/** Empties the arenas and their peaks, lifts the limit, and gives pages beyond a small working set
 * back. */
void state_memory_reset(state_memory *m);

/** Sum of the three peaks since the last reset. */
size_t state_memory_peak(const state_memory *m);

#endif
