#include "tests/conformance/model.h"

#include "tests/conformance/reference_gl.h"
#include "tests/conformance/suite.h"

#include <stdlib.h>
#include <string.h>

void model_column(const drv_matrix *in, drv_input input, uint32_t log_blowup, uint32_t c,
                  uint64_t *out)
{
    uint64_t n = UINT64_C(1) << in->log_rows;

    for (uint64_t i = 0; i < n; i++)
        out[i] = in->data[((c / DRV_BLOCK_COLUMNS << in->log_rows) + i) * DRV_BLOCK_COLUMNS +
                          c % DRV_BLOCK_COLUMNS] %
                 REF_GL_P;
    if (input == DRV_LEAVES)
        return;
    if (input == DRV_VALUES)
        ref_gl_ntt(out, in->log_rows, 1, true);
    memset(out + n, 0, ((n << log_blowup) - n) * 8);
    ref_gl_ntt(out, in->log_rows + log_blowup, 7, false);
}

static void hash_leaf(const ref_bn_hash *bn, drv_hash hash, uint64_t digest[4], const uint64_t *row,
                      uint32_t columns)
{
    if (hash == DRV_HASH_GL)
        ref_gl_leaf(digest, row, columns);
    else
        ref_bn_leaf(bn, digest, row, columns);
}

void model_make(model *m, const drv_commit_job *job, const ref_bn_hash *bn)
{
    uint32_t columns = job->in.columns;
    uint64_t leaves = UINT64_C(1) << (job->in.log_rows + job->log_blowup);
    uint64_t *column = suite_need(malloc(leaves * 8));

    *m = (model){.columns = columns,
                 .log_leaves = job->in.log_rows + job->log_blowup,
                 .cap_log2 = job->cap_log2,
                 .arity_log2 = job->hash == DRV_HASH_GL ? 1 : 4,
                 .hash = job->hash,
                 .bn = bn};
    m->levels = (m->log_leaves - m->cap_log2) / m->arity_log2;
    m->leaves = suite_need(malloc(leaves * columns * 8));
    for (uint32_t c = 0; c < columns; c++) {
        model_column(&job->in, job->input, job->log_blowup, c, column);
        for (uint64_t i = 0; i < leaves; i++)
            m->leaves[i * columns + c] = column[i];
    }
    free(column);
    for (uint32_t level = 0; level <= m->levels; level++) {
        uint64_t nodes = leaves >> level * m->arity_log2, *out;

        out = m->level[level] = suite_need(malloc(nodes * 32));
        for (uint64_t i = 0; i < nodes; i++) {
            const uint64_t *children =
                level ? m->level[level - 1] + (i << m->arity_log2) * 4 : NULL;

            if (!level)
                hash_leaf(bn, m->hash, out + 4 * i, m->leaves + i * columns, columns);
            else if (m->hash == DRV_HASH_GL)
                ref_gl_node(out + 4 * i, children, children + 4);
            else
                ref_bn_node(bn, out + 4 * i, children);
        }
    }
}

void model_free(model *m)
{
    free(m->leaves);
    for (uint32_t level = 0; level <= m->levels; level++)
        free(m->level[level]);
    *m = (model){0};
}

void model_path(const model *m, uint64_t leaf, uint64_t *path)
{
    uint64_t arity = UINT64_C(1) << m->arity_log2;

    for (uint32_t level = 0; level < m->levels; level++, leaf >>= m->arity_log2)
        for (uint64_t child = 0; child < arity; child++)
            if (child != leaf % arity) {
                memcpy(path, m->level[level] + 4 * (leaf - leaf % arity + child), 32);
                path += 4;
            }
}

bool model_verify(const drv_commitment *shape, const ref_bn_hash *bn, const uint64_t *cap,
                  uint64_t leaf, const uint64_t *row, const uint64_t *path)
{
    uint64_t digest[4], children[16 * 4];
    unsigned arity = shape->hash == DRV_HASH_GL ? 2 : 16;

    hash_leaf(bn, shape->hash, digest, row, shape->columns);
    for (uint32_t level = 0; level < shape->levels; level++, leaf /= arity) {
        for (unsigned child = 0; child < arity; child++) {
            memcpy(children + 4 * child, child == leaf % arity ? digest : path, 32);
            if (child != leaf % arity)
                path += 4;
        }
        if (shape->hash == DRV_HASH_GL)
            ref_gl_node(digest, children, children + 4);
        else
            ref_bn_node(bn, digest, children);
    }
    return !memcmp(digest, cap + 4 * leaf, 32);
}

double model_cost(drv_hash hash, uint32_t columns, uint32_t log_leaves)
{
    double leaves = (double)(UINT64_C(1) << log_leaves);
    uint32_t numbers = (columns + 2) / 3, rest = numbers % 16 + 1;

    if (hash == DRV_HASH_GL)
        return leaves * ((columns + 7) / 8 + 1) * 9;
    return leaves * (numbers / 16 * 500 + rest * 20 + rest * rest * 1.2 + 500.0 / 15);
}
