/** A bump allocator over memory that the caller provides; freestanding, never fails silently, never
 * grows.
 *
 * exec_arena_mark / exec_arena_release give stack discipline. One thread at a time. */
#ifndef ZKP_HOST_EXECUTOR_ARENA_H
#define ZKP_HOST_EXECUTOR_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct exec_arena {
    uint8_t *base; /**< aligned to 64 bytes; borrowed */
    size_t size;
    size_t used;
    size_t peak; /**< highest value of used so far */
} exec_arena;

static inline void exec_arena_init(exec_arena *a, void *base, size_t size)
{
    a->base = base;
    a->size = size;
    a->used = 0;
    a->peak = 0;
}

/** len bytes aligned to 16, contents undefined; NULL when the arena is full. */
static inline void *exec_arena_alloc(exec_arena *a, size_t len)
{
    size_t start = (a->used + 15) & ~(size_t)15;
    if (start > a->size || len > a->size - start)
        return NULL;
    a->used = start + len;
    if (a->used > a->peak)
        a->peak = a->used;
    return a->base + start;
}

static inline size_t exec_arena_mark(const exec_arena *a)
{
    return a->used;
}

/** Gives back everything allocated since the mark. */
static inline void exec_arena_release(exec_arena *a, size_t mark)
{
    a->used = mark;
}

/** The memory of one run. Sizes are address space: natively each is reserved and touched only as
 * far as it is used; in the guest they are parts of the address space. Nothing in it survives the
 * run. */
typedef struct exec_memory {
    exec_arena tree; /**< tree nodes, key table, deployed code: grows over the batch */
    exec_arena
        tx; /**< parsed transactions, journals, logs, return data of the current transaction */
    exec_arena frame; /**< EVM frames: stacks and memories, strictly last in, first out */
} exec_memory;

#endif
