#include "host/stark/replay.h"

/* A cap, if there is such a tree. */
static void absorb_cap(stark_transcript *t, const char *what, const stark_shape *shape,
                       air_tree tree, const stark_proof *proof)
{
    if (shape->tree_columns[tree])
        stark_absorb_digests(t, what, proof->words + shape->cap[tree],
                             UINT64_C(1) << shape->tree_cap_log2);
}

static gl_ext squeeze_one(stark_transcript *t, const char *what)
{
    stark_squeeze_begin(t);
    return stark_squeeze_ext(t, what);
}

void stark_replay(stark_transcript *t, const stark_vk *vk, const stark_shape *shape,
                  const uint64_t *publics, const stark_proof *proof, stark_challenges *out)
{
    static const char *const air_names[AIR_CHALLENGES] = {"alpha", "beta", "rho"};
    const uint32_t log_n = vk->params.log_rows + vk->params.log_blowup;
    const uint64_t *words = proof->words;

    stark_absorb_digests(t, "VK digest", vk->digest, 1);
    stark_absorb_words(t, "public values", publics, vk->air->definition.publics);
    absorb_cap(t, "cap of main", shape, AIR_TREE_MAIN, proof);
    stark_squeeze_begin(t);
    for (int i = 0; i < AIR_CHALLENGES; i++)
        out->air[i] = stark_squeeze_ext(t, air_names[i]);
    absorb_cap(t, "cap of aux", shape, AIR_TREE_AUX, proof);
    out->lambda = squeeze_one(t, "lambda");
    absorb_cap(t, "cap of quotient", shape, AIR_TREE_QUOTIENT, proof);
    out->z = squeeze_one(t, "z");
    stark_absorb_words(t, "evaluations", words + shape->at_z,
                       3 * ((uint64_t)shape->at_z_count + shape->at_next_count));
    out->gamma = squeeze_one(t, "gamma");
    for (uint32_t k = 0; k < shape->layers; k++) {
        stark_absorb_digests(t, "cap of layer", words + shape->layer_cap[k],
                             UINT64_C(1) << shape->layer_cap_log2[k]);
        out->fold[k] = squeeze_one(t, "fold");
    }
    stark_absorb_words(t, "final polynomial", words + shape->final,
                       UINT64_C(3) << shape->final_log2);
    stark_absorb_words(t, "nonce", words + shape->nonce, 1);
    out->grinding = stark_squeeze_grinding(t);
    stark_squeeze_indices(t, log_n, out->indices, vk->params.queries);
}
