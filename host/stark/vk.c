#include "host/stark/vk.h"

#define GRAPH_WORDS 8 /* of 32 bits */

uint64_t stark_vk_cap_digests(const stark_params *params, const air *a)
{
    if (a->trees[AIR_TREE_FIXED].real == 0)
        return 0;
    return UINT64_C(1) << stark_cap_log2(params, params->log_rows + params->log_blowup);
}

void stark_vk_digest(const stark_params *p, const air *a, const uint64_t *fixed_cap,
                     const stark_hash *hash, uint64_t digest[DRV_DIGEST_WORDS])
{
    const uint64_t parameters[] = {STARK_PROOF_VERSION,  p->hash == DRV_HASH_GL ? 0 : 1,
                                   p->log_rows,          p->log_blowup,
                                   p->queries,           p->grinding_bits,
                                   p->cap_log2,          a->definition.max_degree,
                                   a->definition.publics};
    const uint64_t cap = stark_vk_cap_digests(p, a);
    uint64_t graph[GRAPH_WORDS];
    stark_transcript t;

    for (int i = 0; i < GRAPH_WORDS; i++) {
        const uint8_t *b = a->hash + 4 * i;

        graph[i] = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    }
    stark_transcript_init(&t, hash);
    stark_absorb_words(&t, "parameters", parameters, sizeof parameters / sizeof parameters[0]);
    stark_absorb_words(&t, "constraint graph", graph, GRAPH_WORDS);
    if (cap)
        stark_absorb_digests(&t, "cap of fixed", fixed_cap, cap);
    stark_squeeze_digest(&t, digest);
}
