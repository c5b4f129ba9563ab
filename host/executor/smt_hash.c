/* Hashing of what changed: smt_root. */
#include "host/executor/smt.h"

#include "host/executor/smt_node.h"

#include <string.h>

/** The nodes without a hash, by level, in one array at the end of the arena. */
typedef struct stale {
    smt_ref *node;
    size_t count;
    unsigned levels;
    size_t level_start[SMT_KEY_BITS + 2];
} stale;

#define STALE_GROW 1024

/** Every stale node has stale nodes only above it, so a search from the root along them finds
 * all. The array is the last thing in the arena: its pieces follow each other. */
static exec_fault collect(smt *t, stale *s)
{
    size_t room = STALE_GROW;
    s->node = exec_arena_alloc(t->arena, STALE_GROW * sizeof(smt_ref));
    if (!s->node)
        return EXEC_FAULT_MEMORY;
    s->node[0] = t->root;
    s->count = 1;
    s->levels = 0;
    s->level_start[0] = 0;
    for (size_t from = 0; from < s->count;) {
        size_t to = s->count;
        for (; from < to; from++) {
            const smt_node *n = smt_node_at(t, s->node[from]);
            if (n->kind != SMT_INNER)
                continue;
            for (unsigned i = 0; i < 2; i++) {
                smt_ref child = n->u.child[i];
                if (!child || (smt_node_at(t, child)->flags & SMT_HASHED))
                    continue;
                if (s->count == room) {
                    if (!exec_arena_alloc(t->arena, STALE_GROW * sizeof(smt_ref)))
                        return EXEC_FAULT_MEMORY;
                    room += STALE_GROW;
                }
                s->node[s->count++] = child;
            }
        }
        s->level_start[++s->levels] = to;
    }
    return EXEC_FAULT_NONE;
}

typedef enum hash_kind { HASH_VALUE, HASH_LEAF, HASH_INNER } hash_kind;

/** The 12 elements of a node, all that it depends on being hashed. */
static void fill(const smt *t, const smt_node *n, hash_kind kind, unsigned depth, gl_t e[12])
{
    memset(e + 8, 0, 4 * sizeof *e);
    switch (kind) {
    case HASH_VALUE:
        for (unsigned i = 0; i < 4; i++) {
            e[2 * i] = n->u.leaf.value.limb[i] & 0xffffffff;
            e[2 * i + 1] = n->u.leaf.value.limb[i] >> 32;
        }
        break;
    case HASH_LEAF:
        for (unsigned i = 0; i < 4; i++) {
            unsigned shift = smt_key_shift(depth, i);
            e[i] = shift == 64 ? 0 : n->u.leaf.key[i] >> shift;
        }
        memcpy(e + 4, n->u.leaf.value_hash, 4 * sizeof *e);
        e[8] = 1;
        break;
    case HASH_INNER:
        for (unsigned i = 0; i < 2; i++) {
            if (n->u.child[i])
                memcpy(e + 4 * i, smt_node_at(t, n->u.child[i])->hash, 4 * sizeof *e);
            else
                memset(e + 4 * i, 0, 4 * sizeof *e);
        }
        break;
    }
}

/** Nodes waiting for one call of permute_many; their elements are in t->scratch. */
typedef struct batch {
    unsigned count;
    smt_ref node[SMT_HASH_BATCH];
    unsigned depth[SMT_HASH_BATCH];
} batch;

static void flush(smt *t, batch *b, hash_kind kind)
{
    if (b->count == 1)
        t->host->permute(t->scratch);
    else if (b->count)
        t->host->permute_many(t->host->ctx, t->scratch, b->count);
    for (unsigned i = 0; i < b->count; i++) {
        smt_node *n = smt_node_at(t, b->node[i]);
        gl_t *hash = kind == HASH_VALUE ? n->u.leaf.value_hash : n->hash;
        memcpy(hash, t->scratch + 12 * i, 4 * sizeof *hash);
        n->flags |= kind == HASH_VALUE ? SMT_VALUE_HASHED : SMT_HASHED;
        if (t->observer && t->observer->node) {
            gl_t e[12];
            fill(t, n, kind, b->depth[i], e);
            t->observer->node(t->observer->ctx, hash, e);
        }
    }
    b->count = 0;
}

static void add(smt *t, batch *b, hash_kind kind, smt_ref node, unsigned depth)
{
    if (b->count == SMT_HASH_BATCH)
        flush(t, b, kind);
    fill(t, smt_node_at(t, node), kind, depth, t->scratch + 12 * b->count);
    b->node[b->count] = node;
    b->depth[b->count++] = depth;
}

/** First all value nodes, then all leaves, then the inner nodes from the deepest level up. */
static void hash_stale(smt *t, const stale *s)
{
    batch b = {.count = 0};
    for (size_t i = 0; i < s->count; i++) {
        const smt_node *n = smt_node_at(t, s->node[i]);
        if (n->kind == SMT_LEAF && !(n->flags & SMT_VALUE_HASHED))
            add(t, &b, HASH_VALUE, s->node[i], 0);
    }
    flush(t, &b, HASH_VALUE);
    for (unsigned depth = 0; depth < s->levels; depth++)
        for (size_t i = s->level_start[depth]; i < s->level_start[depth + 1]; i++)
            if (smt_node_at(t, s->node[i])->kind == SMT_LEAF)
                add(t, &b, HASH_LEAF, s->node[i], depth);
    flush(t, &b, HASH_LEAF);
    for (unsigned depth = s->levels; depth-- > 0;) {
        for (size_t i = s->level_start[depth]; i < s->level_start[depth + 1]; i++)
            if (smt_node_at(t, s->node[i])->kind == SMT_INNER)
                add(t, &b, HASH_INNER, s->node[i], depth);
        flush(t, &b, HASH_INNER);
    }
}

exec_fault smt_root(smt *t, gl_t root[4])
{
    memset(root, 0, 4 * sizeof *root);
    if (!t->root)
        return EXEC_FAULT_NONE;
    smt_node *n = smt_node_at(t, t->root);
    if (!(n->flags & SMT_HASHED)) {
        stale s;
        size_t mark = exec_arena_mark(t->arena);
        exec_fault fault = collect(t, &s);
        if (!fault)
            hash_stale(t, &s);
        exec_arena_release(t->arena, mark);
        if (fault)
            return fault;
    }
    memcpy(root, n->hash, 4 * sizeof *root);
    return EXEC_FAULT_NONE;
}
