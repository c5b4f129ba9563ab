#include "driver/cpu/commit.h"

#include "driver/field/goldilocks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Blocks are extended and hashed in groups: large enough that many small blocks fill the threads,
 * small enough that a group is hashed while it is still in the last-level cache. */
#define GROUP_BYTES ((uint64_t)8 << 20)

#define OPEN_CHUNK 64   /* rows of one item */
#define READ_CHUNK 1024 /* rows of one item */

static uint64_t pages(uint64_t words)
{
    uint64_t bytes = words * sizeof(uint64_t);
    return (bytes + P_MEMORY_ALIGN - 1) / P_MEMORY_ALIGN * P_MEMORY_ALIGN;
}

uint64_t cpu_commit_bytes(const cpu_run *run, const drv_commit_job *job)
{
    uint32_t log_leaves = job->in.log_rows + job->log_blowup;
    uint64_t bytes = pages(cpu_merkle_words(job->hash, log_leaves, job->cap_log2));

    if (job->input != DRV_LEAVES)
        bytes += pages(drv_matrix_words(job->in.columns, log_leaves)) +
                 cpu_gl_lde_scratch(run, job->in.log_rows, job->log_blowup);
    return bytes;
}

void cpu_commit_free(p_memory *memory, cpu_commitment *c)
{
    if (!c)
        return;
    if (c->matrix_words > 0)
        p_memory_free(memory, c->leaves.data, c->matrix_words, sizeof(uint64_t));
    p_memory_free(memory, c->tree, c->tree_words, sizeof(uint64_t));
    free(c);
}

/* Group after group: extended, then hashed. */
static p_status fill_gl(const cpu_run *run, const drv_commit_job *job, cpu_commitment *c,
                        p_err *err)
{
    uint64_t blocks = drv_blocks(c->leaves.columns);
    uint64_t block_bytes = (uint64_t)(DRV_BLOCK_COLUMNS * sizeof(uint64_t)) << c->leaves.log_rows;
    uint64_t group = block_bytes < GROUP_BYTES ? GROUP_BYTES / block_bytes : 1;
    p_status s = cpu_gl_merkle_begin(run, c->leaves.log_rows, c->tree, err);

    for (uint64_t first = 0; first < blocks && s == P_OK; first += group) {
        uint64_t count = blocks - first < group ? blocks - first : group;
        if (job->input != DRV_LEAVES)
            s = cpu_gl_lde(run, &job->in, job->input, job->log_blowup, &c->leaves, first, count,
                           err);
        if (s == P_OK)
            s = cpu_gl_merkle_absorb(run, &c->leaves, first, count, c->tree, err);
    }
    if (s == P_OK)
        s = cpu_gl_merkle_finish(run, c->leaves.log_rows, c->cap_log2, c->tree, job->cap, err);
    return s;
}

/* Three columns make one element, across the blocks' edges, so a tree over BN254 takes the whole
 * matrix. */
static p_status fill_bn(const cpu_run *run, const drv_commit_job *job, cpu_commitment *c,
                        p_err *err)
{
    p_status s = P_OK;

    if (job->input != DRV_LEAVES)
        s = cpu_gl_lde(run, &job->in, job->input, job->log_blowup, &c->leaves, 0,
                       drv_blocks(c->leaves.columns), err);
    if (s == P_OK)
        s = cpu_bn_merkle(run, &c->leaves, c->cap_log2, c->tree, job->cap, err);
    return s;
}

p_status cpu_commit(const cpu_run *run, const drv_commit_job *job, cpu_commitment **out, p_err *err)
{
    cpu_commitment *c = calloc(1, sizeof *c);
    void *p;
    p_status s = P_OK;

    *out = NULL;
    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a commitment");
    c->leaves = job->in;
    c->leaves.log_rows += job->log_blowup;
    c->cap_log2 = job->cap_log2;
    c->hash = job->hash;
    if (job->input != DRV_LEAVES) {
        uint64_t words = drv_matrix_words(c->leaves.columns, c->leaves.log_rows);
        s = p_memory_alloc(run->memory, words, sizeof(uint64_t), "the extended matrix", &p, err);
        if (s != P_OK)
            goto out;
        c->leaves.data = p;
        c->matrix_words = words;
    }
    c->tree_words = cpu_merkle_words(c->hash, c->leaves.log_rows, c->cap_log2);
    s = p_memory_alloc(run->memory, c->tree_words, sizeof(uint64_t), "the Merkle tree", &p, err);
    if (s != P_OK)
        goto out;
    c->tree = p;
    s = c->hash == DRV_HASH_GL ? fill_gl(run, job, c, err) : fill_bn(run, job, c, err);
    if (s == P_OK) {
        *out = c;
        return P_OK;
    }
out:
    cpu_commit_free(run->memory, c);
    return s;
}

/* ---- reading back ---- */

/* Columns first .. first + count - 1 of one row; leaves of a caller may hold any words. */
static void copy_row(const drv_matrix *m, uint64_t row, uint32_t first, uint32_t count,
                     uint64_t *out)
{
    for (uint32_t column = first; column < first + count;) {
        uint64_t block = column / DRV_BLOCK_COLUMNS;
        uint32_t lane = column % DRV_BLOCK_COLUMNS, end = DRV_BLOCK_COLUMNS;
        const uint64_t *line = m->data + ((block << m->log_rows) + row) * DRV_BLOCK_COLUMNS;

        if (end - lane > first + count - column)
            end = lane + first + count - column;
        column += end - lane;
        for (; lane < end; lane++)
            *out++ = gl_from_u64(line[lane]);
    }
}

typedef struct open_arg {
    const cpu_commitment *c;
    const drv_open_job *job;
    uint64_t path_words;
} open_arg;

static p_status open_item(void *arg, size_t item, unsigned worker)
{
    const open_arg *a = arg;
    const drv_matrix *m = &a->c->leaves;
    uint32_t first = (uint32_t)item * OPEN_CHUNK, left = a->job->count - first;
    uint32_t end = first + (left < OPEN_CHUNK ? left : OPEN_CHUNK);

    (void)worker;
    for (uint32_t i = first; i < end; i++) {
        uint64_t row = a->job->rows[i];
        if (row >> m->log_rows != 0) /* checked at submission; the array is the caller's */
            return P_EINVAL;
        copy_row(m, row, 0, m->columns, a->job->values + (uint64_t)i * m->columns);
        if (a->path_words > 0)
            cpu_merkle_path(a->c->hash, a->c->tree, m->log_rows, a->c->cap_log2, row,
                            a->job->paths + i * a->path_words);
    }
    return P_OK;
}

p_status cpu_commit_open(const cpu_run *run, const cpu_commitment *c, const drv_open_job *job,
                         p_err *err)
{
    drv_commitment info;
    p_status s = drv_commitment_info(job->commitment, &info);

    if (s != P_OK)
        return s;
    open_arg arg = {.c = c, .job = job};
    arg.path_words = (uint64_t)info.path_digests * DRV_DIGEST_WORDS;
    s = p_pool_run(run->pool, (job->count + OPEN_CHUNK - 1) / OPEN_CHUNK, open_item, &arg,
                   run->cancel);
    if (s == P_EINVAL)
        return p_err_set(err, s, "open.rows was changed while the job ran");
    return s;
}

typedef struct read_arg {
    const cpu_commitment *c;
    const drv_read_job *job;
} read_arg;

static p_status read_item(void *arg, size_t item, unsigned worker)
{
    const read_arg *a = arg;
    const drv_read_job *job = a->job;
    uint64_t first = (uint64_t)item * READ_CHUNK, left = job->rows - first;
    uint64_t end = first + (left < READ_CHUNK ? left : READ_CHUNK);

    (void)worker;
    if (job->columns == DRV_BLOCK_COLUMNS && job->column % DRV_BLOCK_COLUMNS == 0) {
        /* a whole block: its rows lie side by side, here and there */
        const drv_matrix *m = &a->c->leaves;
        uint64_t block = job->column / DRV_BLOCK_COLUMNS;
        const uint64_t *from =
            m->data + ((block << m->log_rows) + job->row + first) * DRV_BLOCK_COLUMNS;
        uint64_t *to = job->out + first * DRV_BLOCK_COLUMNS;

        for (uint64_t i = 0; i < (end - first) * DRV_BLOCK_COLUMNS; i++)
            to[i] = gl_from_u64(from[i]);
        return P_OK;
    }
    for (uint64_t i = first; i < end; i++)
        copy_row(&a->c->leaves, job->row + i, job->column, job->columns,
                 job->out + i * job->columns);
    return P_OK;
}

p_status cpu_commit_read(const cpu_run *run, const cpu_commitment *c, const drv_read_job *job,
                         p_err *err)
{
    read_arg arg = {.c = c, .job = job};

    (void)err;
    return p_pool_run(run->pool, (job->rows + READ_CHUNK - 1) / READ_CHUNK, read_item, &arg,
                      run->cancel);
}
