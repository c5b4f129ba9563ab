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

/* What is in use with these bytes, which are taken; 0 if the budget has no room. */
static uint64_t reserve(p_memory *m, uint64_t bytes)
{
    uint_least64_t used = atomic_load(&m->used);
    do {
        if (used > m->limit || bytes > m->limit - used)
            return 0;
    } while (!atomic_compare_exchange_weak(&m->used, &used, used + bytes));
    return used + bytes;
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
    uint64_t used = reserve(m, bytes);
    if (used == 0)
        return p_err_set(err, P_EEXHAUSTED,
                         "%s needs %" PRIu64 " bytes; %" PRIu64 " of %" PRIu64
                         " are in use; take a smaller job or a larger memory limit",
                         what, bytes, p_memory_used(m), m->limit);
    *out = told_to_fail(m) ? NULL : map(bytes);
    if (!*out) {
        atomic_fetch_sub(&m->used, bytes);
        return p_err_set(err, P_EEXHAUSTED, "%s: the system has no %" PRIu64 " bytes", what, bytes);
    }
    raise_peak(m, used);
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

/* ---- what the system can give ---- */

/* The number that follows key at the start of a line; UINT64_MAX if there is none ("max"). */
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

/* The names of the two versions of control groups. */
typedef struct group_names {
    const char *controller; /* in /proc/self/cgroup; "": the unified hierarchy */
    const char *mount, *limit, *usage, *cache;
} group_names;

static const group_names GROUPS[] = {
    {"", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file "},
    {"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file "},
};

static uint64_t read_group_number(const char *dir, const char *file, const char *key)
{
    char path[4200];
    int n = snprintf(path, sizeof path, "%s/%s", dir, file);
    return n > 0 && (size_t)n < sizeof path ? read_number(path, key) : UINT64_MAX;
}

/* What one group still lets its processes have. Its usage counts the page cache, of which the
 * inactive part is given back on demand. */
static uint64_t group_room(const group_names *g, const char *dir)
{
    uint64_t limit = read_group_number(dir, g->limit, "");
    uint64_t usage = read_group_number(dir, g->usage, "");
    uint64_t cache = read_group_number(dir, "memory.stat", g->cache);

    if (limit == UINT64_MAX || usage == UINT64_MAX)
        return UINT64_MAX;
    if (cache != UINT64_MAX)
        usage = cache < usage ? usage - cache : 0;
    return usage < limit ? limit - usage : 0;
}

/* Whether the comma-separated list names the controller. */
static bool names_controller(const char *list, const char *controller)
{
    size_t length = strlen(controller);

    if (length == 0)
        return list[0] == '\0';
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        if (n == length && memcmp(at, controller, n) == 0)
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

/* The least room of a group and of all that contain it. group: its path below the mount, changed.
 */
static uint64_t groups_room(const char *root, const group_names *g, char *group)
{
    uint64_t least = UINT64_MAX;

    for (;;) {
        char dir[4200];
        int n = snprintf(dir, sizeof dir, "%s%s%s", root, g->mount, group);
        uint64_t room = n > 0 && (size_t)n < sizeof dir ? group_room(g, dir) : UINT64_MAX;
        least = room < least ? room : least;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

uint64_t p_memory_available_at(const char *root)
{
    char path[4200], line[4200];

    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    uint64_t kib = read_number(path, "MemAvailable:");
    uint64_t least = kib == UINT64_MAX ? kib : kib * 1024;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) { /* number:controllers:path */
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        for (size_t i = 0; i < sizeof GROUPS / sizeof GROUPS[0]; i++) {
            if (!names_controller(list + 1, GROUPS[i].controller))
                continue;
            uint64_t room = groups_room(root, &GROUPS[i], group);
            least = room < least ? room : least;
        }
    }
    if (f)
        fclose(f);
    return least;
}

uint64_t p_memory_available(void)
{
    return p_memory_available_at("");
}
