/* Trees over Poseidon-Goldilocks. Leaves are hashed a strip of rows at a time, through all the
 * blocks of the call: a row of a block is the rate of one sponge step as it lies in memory, and the
 * strip's capacities stay in the first cache between its blocks. */
#include "driver/cpu/kernels.h"

#include "driver/field/gl_poseidon.h"

#include <string.h>

#define DIGEST_BYTES (DRV_DIGEST_WORDS * sizeof(uint64_t))
/* Permutations of one item: from 2 ms with AVX-512 to 20 ms in portable C, so that threads end
 * together, and cancelling is quick. */
#define ITEM_PERMUTATIONS 8192
/* Rows of an item at least: a multiple of what any implementation takes at once. */
#define ITEM_ROWS_MIN 16
/* Rows of a last block that are copied at once to get zeros behind their columns. */
#define FILL_ROWS 64
/* Items for each thread, if there is enough to do. */
#define ITEMS_PER_THREAD 4

/* Rows of an item, for rows that take `each` permutations. */
static uint64_t item_rows(const cpu_run *run, uint64_t rows, uint64_t each)
{
    uint64_t most = ITEM_PERMUTATIONS / each;
    uint64_t share = rows / ((uint64_t)p_pool_threads(run->pool) * ITEMS_PER_THREAD);
    uint64_t n = (share < most ? share : most) / ITEM_ROWS_MIN * ITEM_ROWS_MIN;

    return n < ITEM_ROWS_MIN ? ITEM_ROWS_MIN : n;
}

static uint64_t items(uint64_t rows, uint64_t each_item)
{
    return (rows + each_item - 1) / each_item;
}

static uint64_t rows_of_item(uint64_t rows, uint64_t each_item, uint64_t item)
{
    uint64_t left = rows - item * each_item;

    return left < each_item ? left : each_item;
}

/* ---- leaves ---- */

typedef struct begin_loop {
    uint64_t *tree, rows, each;
} begin_loop;

static p_status begin_item(void *arg, size_t item, unsigned worker)
{
    const begin_loop *l = arg;
    uint64_t *state = l->tree + item * l->each * DRV_DIGEST_WORDS;
    uint64_t n = rows_of_item(l->rows, l->each, item);

    (void)worker;
    for (uint64_t i = 0; i < n; i++, state += DRV_DIGEST_WORDS) {
        state[0] = 1;
        state[1] = state[2] = state[3] = 0;
    }
    return P_OK;
}

p_status cpu_gl_merkle_begin(const cpu_run *run, uint32_t log_leaves, uint64_t *tree, p_err *err)
{
    begin_loop l = {.tree = tree, .rows = UINT64_C(1) << log_leaves, .each = UINT64_C(1) << 16};
    p_status s = p_pool_run(run->pool, items(l.rows, l.each), begin_item, &l, run->cancel);

    return s == P_OK ? P_OK : p_err_set(err, s, "Merkle tree: %s", p_status_text(s));
}

typedef struct absorb_loop {
    const gl_poseidon_ops *ops;
    const drv_matrix *leaves;
    uint64_t *tree, first, count, rows, each;
} absorb_loop;

/* The last block of a matrix whose columns do not fill it: what follows them counts as zero. */
static void absorb_filled(const gl_poseidon_ops *ops, uint64_t *state, const uint64_t *in,
                          unsigned columns, uint64_t n)
{
    uint64_t rows[FILL_ROWS * DRV_BLOCK_COLUMNS] = {0};

    while (n > 0) {
        uint64_t now = n < FILL_ROWS ? n : FILL_ROWS;

        for (uint64_t i = 0; i < now; i++)
            memcpy(rows + i * DRV_BLOCK_COLUMNS, in + i * DRV_BLOCK_COLUMNS, columns * sizeof(*in));
        ops->compress(state, rows, state, now);
        state += now * DRV_DIGEST_WORDS;
        in += now * DRV_BLOCK_COLUMNS;
        n -= now;
    }
}

static p_status absorb_item(void *arg, size_t item, unsigned worker)
{
    const absorb_loop *l = arg;
    uint64_t row = item * l->each, n = rows_of_item(l->rows, l->each, item);
    uint64_t *state = l->tree + row * DRV_DIGEST_WORDS;

    (void)worker;
    for (uint64_t block = l->first; block < l->first + l->count; block++) {
        const uint64_t *in = l->leaves->data + (block * l->rows + row) * DRV_BLOCK_COLUMNS;
        uint64_t columns = l->leaves->columns - block * DRV_BLOCK_COLUMNS;

        /* between blocks the capacity stays, after the last one the digest */
        if (columns > DRV_BLOCK_COLUMNS)
            l->ops->absorb(state, in, n);
        else if (columns < DRV_BLOCK_COLUMNS)
            absorb_filled(l->ops, state, in, (unsigned)columns, n);
        else
            l->ops->compress(state, in, state, n);
    }
    return P_OK;
}

p_status cpu_gl_merkle_absorb(const cpu_run *run, const drv_matrix *leaves, uint64_t first,
                              uint64_t count, uint64_t *tree, p_err *err)
{
    absorb_loop l = {.ops = gl_poseidon_for(run->isa),
                     .leaves = leaves,
                     .tree = tree,
                     .first = first,
                     .count = count,
                     .rows = UINT64_C(1) << leaves->log_rows};
    p_status s;

    if (count == 0)
        return P_OK;
    l.each = item_rows(run, l.rows, count);
    s = p_pool_run(run->pool, items(l.rows, l.each), absorb_item, &l, run->cancel);
    return s == P_OK ? P_OK : p_err_set(err, s, "hashing leaves: %s", p_status_text(s));
}

/* ---- nodes ---- */

typedef struct level_loop {
    const gl_poseidon_ops *ops;
    const uint64_t *children;
    uint64_t *nodes, count, each;
} level_loop;

static p_status level_item(void *arg, size_t item, unsigned worker)
{
    const level_loop *l = arg;
    uint64_t at = item * l->each;

    (void)worker;
    l->ops->compress(l->nodes + at * DRV_DIGEST_WORDS, l->children + at * 2 * DRV_DIGEST_WORDS,
                     NULL, rows_of_item(l->count, l->each, item));
    return P_OK;
}

p_status cpu_gl_merkle_finish(const cpu_run *run, uint32_t log_leaves, uint32_t cap_log2,
                              uint64_t *tree, uint64_t *cap, p_err *err)
{
    level_loop l = {.ops = gl_poseidon_for(run->isa)};

    for (uint32_t log = log_leaves; log > cap_log2; log--) {
        p_status s;

        l.children = tree;
        tree += (uint64_t)DRV_DIGEST_WORDS << log;
        l.nodes = tree;
        l.count = UINT64_C(1) << (log - 1);
        l.each = item_rows(run, l.count, 1);
        s = p_pool_run(run->pool, items(l.count, l.each), level_item, &l, run->cancel);
        if (s != P_OK)
            return p_err_set(err, s, "Merkle tree: %s", p_status_text(s));
    }
    memcpy(cap, tree, DIGEST_BYTES << cap_log2);
    return P_OK;
}
