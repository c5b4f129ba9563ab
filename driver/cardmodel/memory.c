#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "driver/cardmodel/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD ((size_t)1 << 38) /* 2^36 rows of 64 bytes on 16 channels */

typedef struct extent {
    uint64_t address, size;
} extent;

struct model_memory {
    uint8_t *base;
    uint64_t size;
    size_t page;
    extent *extents; /* by address */
    size_t count, capacity;
};

p_status model_memory_create(uint64_t size, model_memory **out, p_err *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    model_memory *memory;

    *out = NULL;
    if (size == 0 || size > MODEL_MEMORY_MAX)
        return p_err_set(err, P_EINVAL, "card memory of %llu bytes: 1 .. %llu are possible",
                         (unsigned long long)size, (unsigned long long)MODEL_MEMORY_MAX);
    memory = calloc(1, sizeof *memory);
    if (!memory)
        return p_err_set(err, P_EEXHAUSTED, "card memory: out of memory");
    memory->page = page;
    memory->size = (size + page - 1) / page * page;
    memory->base = mmap(NULL, memory->size + GUARD, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory->base == MAP_FAILED) {
        int code = errno;

        free(memory);
        return p_err_set(err, P_EEXHAUSTED, "card memory: %llu bytes of addresses: %s",
                         (unsigned long long)(size + GUARD), strerror(code));
    }
    if (mprotect(memory->base, memory->size, PROT_READ | PROT_WRITE)) {
        int code = errno;

        model_memory_destroy(memory);
        return p_err_set(err, P_EEXHAUSTED, "card memory of %llu bytes: %s",
                         (unsigned long long)size, strerror(code));
    }
    *out = memory;
    return P_OK;
}

void model_memory_destroy(model_memory *memory)
{
    if (!memory)
        return;
    munmap(memory->base, memory->size + GUARD);
    free(memory->extents);
    free(memory);
}

uint64_t model_memory_size(const model_memory *memory)
{
    return memory->size;
}

uint8_t *model_memory_at(const model_memory *memory, uint64_t address, uint64_t size)
{
    if (!memory || address > memory->size || size > memory->size - address)
        return NULL;
    return memory->base + address;
}

/* the first extent at or behind address */
static size_t find(const model_memory *memory, uint64_t address)
{
    size_t low = 0, high = memory->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memory->extents[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool model_memory_place(model_memory *memory, uint64_t address, uint64_t size)
{
    size_t at;

    if (size == 0 || !model_memory_at(memory, address, size))
        return false;
    at = find(memory, address);
    if (at < memory->count && memory->extents[at].address - address < size)
        return false;
    if (at > 0 && address - memory->extents[at - 1].address < memory->extents[at - 1].size)
        return false;
    if (memory->count == memory->capacity) {
        size_t capacity = memory->capacity ? 2 * memory->capacity : 64;
        extent *larger = reallocarray(memory->extents, capacity, sizeof *larger);

        if (!larger)
            return false;
        memory->extents = larger;
        memory->capacity = capacity;
    }
    memmove(&memory->extents[at + 1], &memory->extents[at],
            (memory->count - at) * sizeof *memory->extents);
    memory->extents[at] = (extent){address, size};
    memory->count++;
    return true;
}

bool model_memory_release(model_memory *memory, uint64_t address)
{
    size_t at;
    extent old;
    uint64_t first, last;

    if (!memory)
        return false;
    at = find(memory, address);
    if (at == memory->count || memory->extents[at].address != address)
        return false;
    old = memory->extents[at];
    memory->count--;
    memmove(&memory->extents[at], &memory->extents[at + 1],
            (memory->count - at) * sizeof *memory->extents);
    first = (old.address + memory->page - 1) / memory->page * memory->page;
    last = (old.address + old.size) / memory->page * memory->page;
    if (first < last)
        madvise(memory->base + first, last - first, MADV_DONTNEED);
    return true;
}
