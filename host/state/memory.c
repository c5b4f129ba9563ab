#include "host/state/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define GIB ((size_t)1 << 30)
#define MIB ((size_t)1 << 20)
#define MIN_SHRINK_LOG2 6

enum { TREE, TX, FRAME, ARENAS };

static const size_t full_bytes[ARENAS] = {8 * GIB, 4 * GIB, 4 * GIB};

/** What stays resident between runs, so that ordinary batches take no page faults: enough for
 * several hundred transactions, small enough to have many runners. */
static const size_t keep_bytes[ARENAS] = {24 * MIB, 4 * MIB, 4 * MIB};

static void arenas(state_memory *m, exec_arena *out[ARENAS])
{
    out[TREE] = &m->exec.tree;
    out[TX] = &m->exec.tx;
    out[FRAME] = &m->exec.frame;
}

p_status state_memory_reserve(state_memory *m, p_err *err)
{
    exec_arena *a[ARENAS];
    memset(m, 0, sizeof *m);
    arenas(m, a);
    int e = 0;
    for (unsigned shrink = 0; shrink <= MIN_SHRINK_LOG2; shrink++) {
        unsigned i = 0;
        for (; i < ARENAS; i++) {
            size_t size = full_bytes[i] >> shrink;
            void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (p == MAP_FAILED) {
                e = errno;
                break;
            }
            exec_arena_init(a[i], p, size);
            m->reserved[i] = size;
        }
        if (i == ARENAS)
            return P_OK;
        state_memory_unreserve(m);
    }
    return p_err_set(err, P_EEXHAUSTED,
                     "cannot reserve %zu MiB of address space for a run (%s); raise the limit of "
                     "virtual memory",
                     (full_bytes[TREE] + full_bytes[TX] + full_bytes[FRAME]) / MIB >>
                         MIN_SHRINK_LOG2,
                     strerror(e));
}

void state_memory_unreserve(state_memory *m)
{
    exec_arena *a[ARENAS];
    arenas(m, a);
    for (unsigned i = 0; i < ARENAS; i++)
        if (a[i]->base)
            munmap(a[i]->base, m->reserved[i]);
    memset(m, 0, sizeof *m);
}

void state_memory_limit(state_memory *m, size_t bytes)
{
    static const unsigned share[ARENAS] = {2, 4, 4};
    exec_arena *a[ARENAS];
    arenas(m, a);
    for (unsigned i = 0; i < ARENAS && bytes; i++)
        if (bytes / share[i] < a[i]->size)
            a[i]->size = bytes / share[i];
}

void state_memory_reset(state_memory *m)
{
    exec_arena *a[ARENAS];
    arenas(m, a);
    for (unsigned i = 0; i < ARENAS; i++) {
        /* keep_bytes is a multiple of any page size; the kernel rounds the length up */
        if (a[i]->peak > keep_bytes[i])
            madvise(a[i]->base + keep_bytes[i], a[i]->peak - keep_bytes[i], MADV_DONTNEED);
        exec_arena_init(a[i], a[i]->base, m->reserved[i]);
    }
}

size_t state_memory_peak(const state_memory *m)
{
    return m->exec.tree.peak + m->exec.tx.peak + m->exec.frame.peak;
}
