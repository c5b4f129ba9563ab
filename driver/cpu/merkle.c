#include "driver/cpu/kernels.h"

#include <string.h>

static unsigned arity_log2(drv_hash hash)
{
    return hash == DRV_HASH_GL ? 1 : 4;
}

uint64_t cpu_merkle_words(drv_hash hash, uint32_t log_leaves, uint32_t cap_log2)
{
    uint64_t words = 0;

    for (uint32_t log = log_leaves; log > cap_log2; log -= arity_log2(hash))
        words += (uint64_t)DRV_DIGEST_WORDS << log;
    return words + ((uint64_t)DRV_DIGEST_WORDS << cap_log2);
}

void cpu_merkle_path(drv_hash hash, const uint64_t *tree, uint32_t log_leaves, uint32_t cap_log2,
                     uint64_t leaf, uint64_t *path)
{
    unsigned step = arity_log2(hash);
    uint64_t index = leaf;

    for (uint32_t log = log_leaves; log > cap_log2; log -= step) {
        uint64_t first = index >> step << step;

        for (uint64_t child = first; child < first + (UINT64_C(1) << step); child++) {
            if (child == index)
                continue;
            memcpy(path, tree + child * DRV_DIGEST_WORDS, DRV_DIGEST_WORDS * sizeof(*path));
            path += DRV_DIGEST_WORDS;
        }
        tree += (uint64_t)DRV_DIGEST_WORDS << log;
        index >>= step;
    }
}
