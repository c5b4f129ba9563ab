/** Large buffers, counted against a budget.
 *
 * A p_memory is one budget: it knows its limit, what is in use and the highest use so far. Buffers
 * are aligned to P_MEMORY_ALIGN, filled with zeros by the system when first touched, and backed by
 * huge pages where the system gives them. Whoever allocates frees, with the same budget and size.
 * Any thread. */
#ifndef ZKP_DRIVER_BASE_MEMORY_H
#define ZKP_DRIVER_BASE_MEMORY_H

#include "driver/base/err.h"

#include <stdatomic.h>
#include <stdint.h>

#define P_MEMORY_ALIGN 4096

typedef struct p_memory {
    uint64_t limit; /**< bytes; set before the first use, UINT64_MAX for none */
    atomic_uint_least64_t used, peak;
    /** For tests: the allocation that makes this count reach zero fails; 0: none does. */
    atomic_uint_least64_t fail_at;
} p_memory;

/** *out = count * size zeroed bytes (NULL and P_OK for none). P_EEXHAUSTED, with what was asked
 * for, what is in use and the limit, if the product does not fit 64 bits, the budget is reached or
 * the system has no more. what names the buffer in the error text. */
p_status p_memory_alloc(p_memory *m, uint64_t count, uint64_t size, const char *what, void **out,
                        p_err *err);

/** p may be NULL. count and size as given to p_memory_alloc. */
void p_memory_free(p_memory *m, void *p, uint64_t count, uint64_t size);

static inline uint64_t p_memory_used(const p_memory *m)
{
    return atomic_load(&m->used);
}

static inline uint64_t p_memory_peak(const p_memory *m)
{
    return atomic_load(&m->peak);
}

/** Memory that this process can still get without swapping (MemAvailable, and the limits of its
 * control group and of those above); UINT64_MAX if the system does not say. */
uint64_t p_memory_available(void);

/** The same with the system's files below a folder: for tests. */
uint64_t p_memory_available_at(const char *root);

#endif
