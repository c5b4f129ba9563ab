/** What a commitment has to be, by the references. */
#ifndef ZKP_TESTS_CONFORMANCE_MODEL_H
#define ZKP_TESTS_CONFORMANCE_MODEL_H

#include "driver/driver.h"
#include "tests/conformance/reference_bn.h"

/** The extended matrix, row after row, and the tree, level after level from the leaves' digests up
 * to the cap. */
typedef struct model {
    uint32_t columns, log_leaves, cap_log2, levels, arity_log2;
    drv_hash hash;
    const ref_bn_hash *bn; /**< borrowed; may be NULL for DRV_HASH_GL */
    uint64_t *leaves;      /**< columns << log_leaves */
    uint64_t *level[34];   /**< 0 .. levels; 4 words a digest */
} model;

/** Column c of a matrix to be committed as its extension: 2^(log_rows + log_blowup) values. */
void model_column(const drv_matrix *in, drv_input input, uint32_t log_blowup, uint32_t c,
                  uint64_t *out);

/** Computes everything. job's arrays in and cap_log2 are used. Ends the process if there is no
 * memory. */
void model_make(model *m, const drv_commit_job *job, const ref_bn_hash *bn);
void model_free(model *m);

static inline const uint64_t *model_cap(const model *m)
{
    return m->level[m->levels];
}

/** Path of a leaf as DRV_OPEN gives it. */
void model_path(const model *m, uint64_t leaf, uint64_t *path);

/** Whether a row and its path lead to the cap. */
bool model_verify(const drv_commitment *shape, const ref_bn_hash *bn, const uint64_t *cap,
                  uint64_t leaf, const uint64_t *row, const uint64_t *path);

/** Microseconds, roughly, that the tree of model_make takes. */
double model_cost(drv_hash hash, uint32_t columns, uint32_t log_leaves);

#endif
