/** References into an arena: 32-bit numbers of 16-byte units from its base, so that records can be
 * linked in half the space of pointers. 0 is no record. One thread at a time, as the arena. */
#ifndef ZKP_HOST_EXECUTOR_REF_H
#define ZKP_HOST_EXECUTOR_REF_H

#include "host/executor/arena.h"

typedef uint32_t exec_ref;

/** References stay below this, so that a holder may keep one bit beside them. */
#define EXEC_REF_LIMIT (UINT32_C(1) << 31)
#define EXEC_REF_UNIT 16

static inline void *exec_ref_ptr(const exec_arena *a, exec_ref ref)
{
    return a->base + (size_t)ref * EXEC_REF_UNIT;
}

/** The reference of an address that exec_ref_alloc gave out, or of a multiple of 16 bytes further
 * within it. */
static inline exec_ref exec_ref_of(const exec_arena *a, const void *p)
{
    return (exec_ref)((size_t)((const uint8_t *)p - a->base) / EXEC_REF_UNIT);
}

/** len bytes aligned to 16, contents undefined; 0 when the arena is full. */
static inline exec_ref exec_ref_alloc(exec_arena *a, size_t len)
{
    if (a->used == 0 && !exec_arena_alloc(a, EXEC_REF_UNIT)) /* unit 0 means "none" */
        return 0;
    size_t mark = exec_arena_mark(a);
    void *p = exec_arena_alloc(a, len);
    if (!p)
        return 0;
    if ((size_t)((uint8_t *)p - a->base) / EXEC_REF_UNIT + len / EXEC_REF_UNIT >= EXEC_REF_LIMIT) {
        exec_arena_release(a, mark);
        return 0;
    }
    return exec_ref_of(a, p);
}

#endif
