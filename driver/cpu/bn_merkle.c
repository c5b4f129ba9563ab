/* Trees over Poseidon-BN254: leaves of any number of Goldilocks columns, nodes of sixteen children.
 * A group of leaves goes through its chunks together, so that an implementation with lanes has them
 * all busy; hashing costs some 100 times what fetching and packing the elements does. */
#include "driver/cpu/bn_poseidon_set.h"
#include "driver/cpu/kernels.h"
#include "driver/field/goldilocks.h"

#include <string.h>

#define ARITY_LOG2 4
#define ARITY (1u << ARITY_LOG2)
#define CHUNK 16 /* Fr elements of a leaf's chunk */
#define PACKED 3 /* Goldilocks elements of an Fr element */
/* Leaves of a group: the lanes of the widest implementation. With all columns that there may be it
 * takes 70 ms in portable C. */
#define GROUP 8
/* Hashes of an item of leaves: 25 us, of few columns with IFMA, to 2 ms in portable C. */
#define ITEM_HASHES 16
/* Nodes of an item: 80 us with IFMA, 1 ms in portable C. Small, for the levels near the cap. */
#define ITEM_NODES GROUP
#define WORDS DRV_DIGEST_WORDS

typedef struct leaves_loop {
    const bn_poseidon_ops *ops;
    const bn_poseidon *full, *rest; /* for chunks of 16, for the last one */
    const drv_matrix *leaves;
    uint64_t *digests;
    uint64_t count, each;
} leaves_loop;

/* Elements first .. first + k - 1 of n leaves from row on, as numbers of 192 bits, leaf after leaf.
 */
static void pack(uint64_t *out, const drv_matrix *m, uint64_t row, uint64_t n, uint32_t first,
                 uint32_t k)
{
    uint64_t rows = UINT64_C(1) << m->log_rows;

    memset(out, 0, n * k * WORDS * sizeof(*out));
    for (uint32_t word = 0; word < k * PACKED; word++) {
        uint32_t column = first * PACKED + word;
        uint64_t *to = out + word / PACKED * WORDS + word % PACKED;
        const uint64_t *in;

        if (column >= m->columns) /* the filling columns of a block are not read */
            break;
        in = m->data + (column / DRV_BLOCK_COLUMNS * rows + row) * DRV_BLOCK_COLUMNS +
             column % DRV_BLOCK_COLUMNS;
        for (uint64_t i = 0; i < n; i++)
            to[i * k * WORDS] = gl_from_u64(in[i * DRV_BLOCK_COLUMNS]);
    }
}

static void hash_group(const leaves_loop *l, uint64_t row, uint64_t n)
{
    uint32_t elements = (l->leaves->columns + PACKED - 1) / PACKED;
    uint64_t chunk[GROUP * CHUNK * WORDS], *chain = l->digests + row * WORDS;

    for (uint64_t i = 0; i < n; i++) {
        memset(chain + i * WORDS, 0, WORDS * sizeof(*chain));
        chain[i * WORDS] = 1;
    }
    for (uint32_t first = 0; first < elements; first += CHUNK) {
        uint32_t k = elements - first < CHUNK ? elements - first : CHUNK;

        pack(chunk, l->leaves, row, n, first, k);
        l->ops->hash(k == CHUNK ? l->full : l->rest, BN_CANONICAL, chain, chunk, chain, n);
    }
}

static p_status leaves_item(void *arg, size_t item, unsigned worker)
{
    const leaves_loop *l = arg;
    uint64_t row = item * l->each, end = row + l->each < l->count ? row + l->each : l->count;

    (void)worker;
    for (; row < end; row += GROUP)
        hash_group(l, row, end - row < GROUP ? end - row : GROUP);
    return P_OK;
}

typedef struct level_loop {
    const bn_poseidon_ops *ops;
    const bn_poseidon *poseidon;
    const uint64_t *children;
    uint64_t *nodes, count;
} level_loop;

static p_status level_item(void *arg, size_t item, unsigned worker)
{
    const level_loop *l = arg;
    uint64_t at = (uint64_t)item * ITEM_NODES, left = l->count - at;

    (void)worker;
    l->ops->hash(l->poseidon, BN_CANONICAL, NULL, l->children + at * ARITY * WORDS,
                 l->nodes + at * WORDS, left < ITEM_NODES ? left : ITEM_NODES);
    return P_OK;
}

p_status cpu_bn_merkle(const cpu_run *run, const drv_matrix *leaves, uint32_t cap_log2,
                       uint64_t *tree, uint64_t *cap, p_err *err)
{
    uint32_t elements = (leaves->columns + PACKED - 1) / PACKED;
    uint32_t chunks = (elements + CHUNK - 1) / CHUNK, rest = elements % CHUNK;
    leaves_loop l = {.ops = bn_poseidon_select(run->isa),
                     .leaves = leaves,
                     .digests = tree,
                     .count = UINT64_C(1) << leaves->log_rows};
    level_loop up = {.ops = l.ops};
    p_status s = cpu_bn_poseidon_get(run->bn_poseidon, ARITY + 1, &l.full, err);

    if (s == P_OK && rest > 0)
        s = cpu_bn_poseidon_get(run->bn_poseidon, rest + 1, &l.rest, err);
    if (s != P_OK)
        return s;
    up.poseidon = l.full;

    l.each = ITEM_HASHES / chunks / GROUP * GROUP;
    if (l.each < GROUP)
        l.each = GROUP;
    s = p_pool_run(run->pool, (l.count + l.each - 1) / l.each, leaves_item, &l, run->cancel);
    for (uint32_t log = leaves->log_rows; s == P_OK && log > cap_log2; log -= ARITY_LOG2) {
        up.children = tree;
        tree += (uint64_t)WORDS << log;
        up.nodes = tree;
        up.count = UINT64_C(1) << (log - ARITY_LOG2);
        s = p_pool_run(run->pool, (up.count + ITEM_NODES - 1) / ITEM_NODES, level_item, &up,
                       run->cancel);
    }
    if (s != P_OK)
        return p_err_set(err, s, "Merkle tree over Poseidon-BN254: %s", p_status_text(s));
    memcpy(cap, tree, ((uint64_t)WORDS << cap_log2) * sizeof(*cap));
    return P_OK;
}
