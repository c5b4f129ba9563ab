/* The queries: rows and paths of every tree, without what a proof leaves out (zero columns, the
 * fourth words of FRI values). */
#include "host/stark/prover.h"

#include <stdlib.h>
#include <string.h>

typedef struct opening {
    prover *p;
    uint64_t indices[STARK_MAX_QUERIES], rows[STARK_MAX_QUERIES];
    uint64_t *values, *paths; /* of one job */
} opening;

static uint64_t *query(const prover *p, uint32_t i)
{
    return p->words + p->shape.queries + i * p->shape.query_words;
}

/* Opens o->rows of one tree; path digests must be as the shape has them. */
static p_status open_tree(opening *o, const prover_tree *tree, uint32_t path_digests, p_err *err)
{
    drv_commitment info;
    drv_job job = {.op = DRV_OPEN,
                   .open = {.commitment = tree->handle,
                            .rows = o->rows,
                            .count = o->p->params->queries,
                            .values = o->values,
                            .paths = o->paths}};
    p_status s = drv_commitment_info(tree->handle, &info);

    if (s == P_OK && info.path_digests != path_digests)
        return p_err_set(err, P_EINTERNAL, "a path of %u digests, the proof has %u",
                         info.path_digests, path_digests);
    return s == P_OK ? prover_job(o->p, &job, err) : p_err_set(err, s, "a commitment is lost");
}

static p_status open_matrix(opening *o, int t, p_err *err)
{
    prover *p = o->p;
    const air_tree_info *tree = &p->air->trees[t];
    uint64_t path_words = (uint64_t)p->shape.path_digests * DRV_DIGEST_WORDS;
    p_status s;

    memcpy(o->rows, o->indices, sizeof o->rows);
    s = open_tree(o, &p->trees[t], p->shape.path_digests, err);
    for (uint32_t i = 0; i < p->params->queries && s == P_OK; i++) {
        const uint64_t *row = o->values + (uint64_t)i * tree->columns;
        uint64_t *to = query(p, i) + p->shape.query_values[t];

        memcpy(to, row, tree->next * sizeof *to);
        memcpy(to + tree->next, row + tree->next_padded, (tree->real - tree->next) * sizeof *to);
        memcpy(query(p, i) + p->shape.query_path[t], o->paths + i * path_words,
               path_words * sizeof *to);
    }
    return s;
}

static p_status open_layer(opening *o, uint32_t k, p_err *err)
{
    prover *p = o->p;
    uint64_t leaves = UINT64_C(1) << p->shape.layer_leaves_log2[k];
    uint64_t path_words = (uint64_t)p->shape.layer_path_digests[k] * DRV_DIGEST_WORDS;
    p_status s;

    for (uint32_t i = 0; i < p->params->queries; i++)
        o->rows[i] = o->indices[i] % leaves; /* sizes divide each other */
    s = open_tree(o, &p->layers[k], p->shape.layer_path_digests[k], err);
    for (uint32_t i = 0; i < p->params->queries && s == P_OK; i++) {
        const uint64_t *leaf = o->values + (uint64_t)i * STARK_FOLD * FRI_SLOT_WORDS;
        uint64_t *to = query(p, i) + p->shape.query_layer[k];

        for (uint32_t j = 0; j < STARK_FOLD; j++)
            memcpy(to + j * EXT_WORDS, leaf + j * FRI_SLOT_WORDS, EXT_WORDS * sizeof *to);
        memcpy(query(p, i) + p->shape.query_layer_path[k], o->paths + i * path_words,
               path_words * sizeof *to);
    }
    return s;
}

/* Words of the largest tree's rows and paths. */
static void sizes(const prover *p, uint64_t *values, uint64_t *paths)
{
    uint64_t columns = STARK_FOLD * FRI_SLOT_WORDS, digests = p->shape.path_digests;

    for (int t = 0; t < AIR_TREES; t++)
        if (p->air->trees[t].columns > columns)
            columns = p->air->trees[t].columns;
    for (uint32_t k = 0; k < p->shape.layers; k++)
        if (p->shape.layer_path_digests[k] > digests)
            digests = p->shape.layer_path_digests[k];
    *values = columns * p->params->queries;
    *paths = (digests * DRV_DIGEST_WORDS + 1) * p->params->queries; /* never nothing */
}

p_status prover_open(prover *p, p_err *err)
{
    opening *o = calloc(1, sizeof *o);
    uint64_t values, paths;
    p_status s = P_OK;

    if (!o)
        return p_err_set(err, P_EEXHAUSTED, "no memory for openings");
    sizes(p, &values, &paths);
    o->p = p;
    o->values = malloc(values * sizeof *o->values);
    o->paths = malloc(paths * sizeof *o->paths);
    if (!o->values || !o->paths)
        s = p_err_set(err, P_EEXHAUSTED, "no memory for openings");
    if (s == P_OK)
        stark_squeeze_indices(&p->transcript, p->log_n, o->indices, p->params->queries);
    for (int t = 0; t < AIR_TREES && s == P_OK; t++)
        if (p->trees[t].handle)
            s = open_matrix(o, t, err);
    for (uint32_t k = 0; k < p->shape.layers && s == P_OK; k++)
        s = open_layer(o, k, err);
    free(o->values);
    free(o->paths);
    free(o);
    return s;
}
