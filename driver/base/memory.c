#define _GNU_SOURCE
#include "driver/base/memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((uint64_t)2 << 20)

static uint64_t rounded(uint64_t bytes)
{
    return (bytes + P_MEMORY_ALIGN - 1) & ~(uint64_t)(P_MEMORY_ALIGN - 1);
}

static void raise_peak(p_memory *m, uint64_t used)
{
    uint_least64_t peak = atomic_load(&m->peak);
    while (peak < used && !atomic_compare_exchange_weak(&m->peak, &peak, used))
        ;
}

/* True if the budget has room; then it is taken. */
static bool reserve(p_memory *m, uint64_t bytes)
{
    uint_least64_t used = atomic_load(&m->used);
    do {
        if (used > m->limit || bytes > m->limit - used)
            return false;
    } while (!atomic_compare_exchange_weak(&m->used, &used, used + bytes));
    raise_peak(m, used + bytes);
    return true;
}

static bool told_to_fail(p_memory *m)
{
    uint_least64_t n = atomic_load(&m->fail_at);
    while (n > 0)
        if (atomic_compare_exchange_weak(&m->fail_at, &n, n - 1))
            return n == 1;
    return false;
}

/* An anonymous mapping that starts on a huge page if it is as large as one. */
static void *map(uint64_t bytes)
{
    uint64_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : P_MEMORY_ALIGN;
    uint64_t slack = align - P_MEMORY_ALIGN;
    char *p = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    uint64_t head = (align - (uintptr_t)p % align) % align;
    if (head > 0)
        munmap(p, head);
    if (slack > head)
        munmap(p + head + bytes, slack - head);
    if (bytes >= HUGE_PAGE)
        madvise(p + head, bytes, MADV_HUGEPAGE); /* advice: without it, only slower */
    return p + head;
}

p_status p_memory_alloc(p_memory *m, uint64_t count, uint64_t size, const char *what, void **out,
                        p_err *err)
{
    uint64_t bytes;

    *out = NULL;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > INT64_MAX - 2 * HUGE_PAGE)
        return p_err_set(err, P_EEXHAUSTED,
                         "%s: %" PRIu64 " times %" PRIu64 " bytes are more than can be addressed",
                         what, count, size);
    if (bytes == 0)
        return P_OK;
    bytes = rounded(bytes);
    if (!reserve(m, bytes))
        return p_err_set(err, P_EEXHAUSTED,
                         "%s needs %" PRIu64 " bytes; %" PRIu64 " of %" PRIu64
                         " are in use; take a smaller job or a larger memory limit",
                         what, bytes, p_memory_used(m), m->limit);
    *out = told_to_fail(m) ? NULL : map(bytes);
    if (!*out) {
        atomic_fetch_sub(&m->used, bytes);
        return p_err_set(err, P_EEXHAUSTED, "%s: the system has no %" PRIu64 " bytes", what, bytes);
    }
    return P_OK;
}

void p_memory_free(p_memory *m, void *p, uint64_t count, uint64_t size)
{
    if (!p)
        return;
    uint64_t bytes = rounded(count * size);
    munmap(p, bytes);
    atomic_fetch_sub(&m->used, bytes);
}

/* The number that follows key in a file of /proc or /sys; UINT64_MAX if there is none ("max"). */
static uint64_t read_number(const char *path, const char *key)
{
    char line[256];
    uint64_t n = UINT64_MAX;
    FILE *f = fopen(path, "re");

    if (!f)
        return n;
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, key, strlen(key)) == 0 && sscanf(line + strlen(key), "%" SCNu64, &n) == 1)
            break;
    }
    fclose(f);
    return n;
}

uint64_t p_memory_available(void)
{
    uint64_t kib = read_number("/proc/meminfo", "MemAvailable:");
    uint64_t system = kib == UINT64_MAX ? kib : kib * 1024;
    uint64_t limit = read_number("/sys/fs/cgroup/memory.max", "");
    uint64_t used = read_number("/sys/fs/cgroup/memory.current", "");
    if (limit == UINT64_MAX || used == UINT64_MAX)
        return system;
    uint64_t group = used < limit ? limit - used : 0;
    return group < system ? group : system;
}
