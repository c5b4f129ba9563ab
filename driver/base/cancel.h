/** A cancel token: one flag that a requester sets and that long work polls.
 *
 * Ownership is the creator's (usually a field of a larger object); whoever polls borrows it. Once
 * set it stays set. Any thread may do anything at any time. */
#ifndef ZKP_DRIVER_BASE_CANCEL_H
#define ZKP_DRIVER_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct p_cancel {
    atomic_bool requested;
} p_cancel;

#define P_CANCEL_INIT                                                                              \
    {                                                                                              \
        false                                                                                      \
    }

static inline void p_cancel_request(p_cancel *c)
{
    atomic_store_explicit(&c->requested, true, memory_order_release);
}

/** c may be NULL: never cancelled. */
static inline bool p_cancel_requested(const p_cancel *c)
{
    return c && atomic_load_explicit(&c->requested, memory_order_acquire);
}

#endif
