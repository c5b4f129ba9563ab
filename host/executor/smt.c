#include "host/executor/smt.h"

#include "host/executor/smt_node.h"
#include "host/executor/u256.h"

#include <string.h>

/* ---- nodes: allocation, recycling, copy on write ---- */

#define CHUNK_NODES 64

typedef struct node_chunk {
    exec_ref next;
    uint32_t reserved[3];
    smt_node nodes[CHUNK_NODES];
} node_chunk;

/** A node of unspecified contents, 0 when the arena is full. */
static smt_ref node_alloc(smt *t)
{
    if (t->free) {
        smt_ref ref = t->free;
        t->free = smt_node_at(t, ref)->next;
        return ref;
    }
    if (!t->chunk || t->chunk_used == CHUNK_NODES) {
        node_chunk *full = t->chunk ? exec_ref_ptr(t->arena, t->chunk) : NULL;
        exec_ref next = full ? full->next : t->first_chunk;
        if (!next) {
            next = exec_ref_alloc(t->arena, sizeof(node_chunk));
            if (!next)
                return 0;
            ((node_chunk *)exec_ref_ptr(t->arena, next))->next = 0;
            if (full)
                full->next = next;
            else
                t->first_chunk = next;
        }
        t->chunk = next;
        t->chunk_used = 0;
    }
    node_chunk *c = exec_ref_ptr(t->arena, t->chunk);
    return exec_ref_of(t->arena, &c->nodes[t->chunk_used++]);
}

static smt_ref node_new(smt *t, uint8_t kind, uint8_t flags, uint32_t epoch)
{
    smt_ref ref = node_alloc(t);
    if (ref) {
        smt_node *n = smt_node_at(t, ref);
        n->kind = kind;
        n->flags = flags;
        n->epoch = epoch;
    }
    return ref;
}

/** The current tree no longer contains this node. */
static void node_drop(smt *t, smt_ref ref)
{
    smt_node *n = smt_node_at(t, ref);
    smt_ref *list = n->epoch == t->epoch ? &t->free : &t->retired;
    n->next = *list;
    *list = ref;
}

/** A node that may be changed, in the place of *link: the same one, or its copy if the frozen tree
 * needs it. NULL when the arena is full. */
static smt_node *node_own(smt *t, smt_ref *link)
{
    smt_node *n = smt_node_at(t, *link);
    if (n->epoch == t->epoch)
        return n;
    smt_ref copy = node_alloc(t);
    if (!copy)
        return NULL;
    smt_node *c = smt_node_at(t, copy);
    memcpy(c, n, sizeof *c);
    c->epoch = t->epoch;
    node_drop(t, *link);
    *link = copy;
    return c;
}

/* ---- loading ---- */

static exec_fault report(smt *t, const gl_t hash[4], exec_fault fault)
{
    memcpy(t->missing->limb, hash, sizeof t->missing->limb);
    return fault;
}

/** 12 elements from the host, all canonical. */
static exec_fault ask_host(smt *t, const gl_t hash[4], gl_t node[12])
{
    exec_fault fault = t->host->node(t->host->ctx, hash, node);
    if (fault)
        return report(t, hash, fault);
    for (unsigned i = 0; i < 12; i++)
        if (!gl_is_canonical(node[i]))
            return report(t, hash, EXEC_FAULT_BAD_NODE);
    return EXEC_FAULT_NONE;
}

static bool is_zero4(const gl_t h[4])
{
    return (h[0] | h[1] | h[2] | h[3]) == 0;
}

/** A child of an inner node that was just loaded; 0 for the empty one, or when memory is out. */
static smt_ref stub_new(smt *t, const gl_t hash[4], uint32_t epoch)
{
    if (is_zero4(hash))
        return 0;
    smt_ref ref = node_new(t, SMT_STUB, SMT_HASHED, epoch);
    if (ref)
        memcpy(smt_node_at(t, ref)->hash, hash, 4 * sizeof(gl_t));
    return ref;
}

/** Turns a stub into what it stands for. It is at this depth on the path of the key; alone says
 * that its sibling is empty, in which case a canonical tree has no leaf here. The contents belong
 * to whatever tree the stub belongs to, so new nodes take its epoch. */
static exec_fault load(smt *t, smt_ref ref, const gl_t key[4], unsigned depth, bool alone)
{
    smt_node *n = smt_node_at(t, ref);
    gl_t e[12];
    exec_fault fault = ask_host(t, n->hash, e);
    if (fault)
        return fault;
    if (e[9] | e[10] | e[11])
        return report(t, n->hash, EXEC_FAULT_BAD_NODE);
    if (e[8] == 0) {
        if (depth >= SMT_KEY_BITS || (is_zero4(e) && is_zero4(e + 4)))
            return report(t, n->hash, EXEC_FAULT_BAD_NODE);
        smt_ref child[2];
        for (unsigned i = 0; i < 2; i++) {
            child[i] = stub_new(t, e + 4 * i, n->epoch);
            if (!child[i] && !is_zero4(e + 4 * i))
                return EXEC_FAULT_MEMORY;
        }
        n->kind = SMT_INNER;
        n->u.child[0] = child[0];
        n->u.child[1] = child[1];
        return EXEC_FAULT_NONE;
    }
    if (e[8] != 1 || alone || is_zero4(e + 4))
        return report(t, n->hash, EXEC_FAULT_BAD_NODE);
    gl_t full[4];
    for (unsigned i = 0; i < 4; i++) {
        unsigned shift = smt_key_shift(depth, i);
        if (shift != 0 && e[i] >> (64 - shift) != 0) /* what remains must fit beside the path */
            return report(t, n->hash, EXEC_FAULT_BAD_NODE);
        /* a shift by 64 is not defined in C; the path then is the whole element */
        full[i] = shift == 64 ? key[i] : e[i] << shift | (key[i] & ((UINT64_C(1) << shift) - 1));
        if (!gl_is_canonical(full[i]))
            return report(t, n->hash, EXEC_FAULT_BAD_NODE);
    }
    n->kind = SMT_LEAF;
    n->flags |= SMT_VALUE_HASHED;
    memcpy(n->u.leaf.key, full, sizeof full);
    memcpy(n->u.leaf.value_hash, e + 4, 4 * sizeof(gl_t));
    return EXEC_FAULT_NONE;
}

/** Makes sure that a leaf knows its value. */
static exec_fault load_value(smt *t, smt_node *leaf)
{
    if (leaf->flags & SMT_VALUE)
        return EXEC_FAULT_NONE;
    gl_t e[12];
    exec_fault fault = ask_host(t, leaf->u.leaf.value_hash, e);
    if (fault)
        return fault;
    uint64_t large = e[8] | e[9] | e[10] | e[11], any = 0;
    u256 value;
    for (unsigned i = 0; i < 8; i++) {
        large |= e[i] >> 32;
        any |= e[i];
    }
    if (large || !any) /* a leaf of value 0 does not exist */
        return report(t, leaf->u.leaf.value_hash, EXEC_FAULT_BAD_NODE);
    for (unsigned i = 0; i < 4; i++)
        value.limb[i] = e[2 * i] | e[2 * i + 1] << 32;
    leaf->u.leaf.value = value;
    leaf->flags |= SMT_VALUE;
    return EXEC_FAULT_NONE;
}

/* ---- searching ---- */

/** The way from the root to where a key ends. */
typedef struct path {
    unsigned depth;
    smt_ref node[SMT_KEY_BITS]; /**< the inner nodes, the root first */
    smt_ref end;                /**< a leaf, or 0 */
    bool found;
} path;

static exec_fault walk(smt *t, smt_ref root, const gl_t key[4], path *p)
{
    smt_ref at = root;
    bool alone = false;
    p->depth = 0;
    p->found = false;
    while (at) {
        smt_node *n = smt_node_at(t, at);
        if (n->kind == SMT_STUB) {
            exec_fault fault = load(t, at, key, p->depth, alone);
            if (fault)
                return fault;
        }
        if (n->kind == SMT_LEAF) {
            p->found = memcmp(n->u.leaf.key, key, 4 * sizeof(gl_t)) == 0;
            break;
        }
        unsigned bit = smt_key_bit(key, p->depth);
        p->node[p->depth++] = at; /* an inner node's depth is at most 255: load, and insert_fork */
        alone = n->u.child[!bit] == 0;
        at = n->u.child[bit];
    }
    p->end = at;
    return EXEC_FAULT_NONE;
}

static exec_fault describe(smt *t, const path *p, smt_lookup *out)
{
    memset(out, 0, sizeof *out);
    out->tree_empty = p->depth == 0 && p->end == 0;
    out->depth = p->depth;
    out->leaf = p->end != 0;
    out->found = p->found;
    if (p->found) {
        smt_node *leaf = smt_node_at(t, p->end);
        exec_fault fault = load_value(t, leaf);
        if (fault)
            return fault;
        out->value = leaf->u.leaf.value;
    }
    return EXEC_FAULT_NONE;
}

exec_fault smt_find(smt *t, smt_which which, const gl_t key[4], smt_lookup *out)
{
    path p;
    exec_fault fault = walk(t, which == SMT_FROZEN ? t->frozen : t->root, key, &p);
    return fault ? fault : describe(t, &p, out);
}

/* ---- writing ---- */

/** Makes the first n inner nodes of a path changeable and marks their hashes as stale. Returns the
 * link to what comes below them, NULL when the arena is full. */
static smt_ref *own_path(smt *t, path *p, const gl_t key[4], unsigned n)
{
    smt_ref *link = &t->root;
    for (unsigned i = 0; i < n; i++) {
        smt_node *inner = node_own(t, link);
        if (!inner)
            return NULL;
        inner->flags &= (uint8_t)~SMT_HASHED;
        p->node[i] = *link;
        link = &inner->u.child[smt_key_bit(key, i)];
    }
    return link;
}

static void leaf_set_value(smt_node *leaf, const u256 *value)
{
    leaf->u.leaf.value = *value;
    leaf->flags = SMT_VALUE; /* neither hash holds any more */
}

static smt_ref leaf_new(smt *t, const gl_t key[4], const u256 *value)
{
    smt_ref ref = node_new(t, SMT_LEAF, 0, t->epoch);
    if (ref) {
        smt_node *leaf = smt_node_at(t, ref);
        memcpy(leaf->u.leaf.key, key, 4 * sizeof(gl_t));
        leaf_set_value(leaf, value);
    }
    return ref;
}

static exec_fault update(smt *t, path *p, const gl_t key[4], const u256 *value)
{
    const smt_node *old = smt_node_at(t, p->end);
    if ((old->flags & SMT_VALUE) && memcmp(&old->u.leaf.value, value, sizeof *value) == 0)
        return EXEC_FAULT_NONE; /* nothing to hash again */
    smt_ref *link = own_path(t, p, key, p->depth);
    smt_node *leaf = link ? node_own(t, link) : NULL;
    if (!leaf)
        return EXEC_FAULT_MEMORY;
    leaf_set_value(leaf, value);
    return EXEC_FAULT_NONE;
}

static exec_fault insert(smt *t, path *p, const gl_t key[4], const u256 *value)
{
    smt_ref *link = own_path(t, p, key, p->depth);
    smt_ref leaf = link ? leaf_new(t, key, value) : 0;
    if (!leaf)
        return EXEC_FAULT_MEMORY;
    *link = leaf;
    return EXEC_FAULT_NONE;
}

/** The first path bit in which two different keys differ. */
static unsigned first_difference(const gl_t a[4], const gl_t b[4])
{
    unsigned first = SMT_KEY_BITS;
    for (unsigned i = 0; i < 4; i++) {
        if (a[i] == b[i])
            continue;
        unsigned bit = (unsigned)__builtin_ctzll(a[i] ^ b[i]) * 4 + i;
        if (bit < first)
            first = bit;
    }
    return first;
}

/** Both leaves go below a new inner node at the first bit in which they differ. */
static exec_fault insert_fork(smt *t, path *p, const gl_t key[4], const u256 *value,
                              unsigned *one_child_nodes)
{
    smt_ref *link = own_path(t, p, key, p->depth);
    if (!link)
        return EXEC_FAULT_MEMORY;
    smt_node *other = node_own(t, link);
    if (!other)
        return EXEC_FAULT_MEMORY;
    other->flags &= (uint8_t)~SMT_HASHED; /* its remaining key gets shorter */
    smt_ref other_ref = *link;
    unsigned fork = first_difference(key, other->u.leaf.key);
    *one_child_nodes = fork - p->depth;
    for (unsigned depth = p->depth; depth <= fork; depth++) {
        smt_ref ref = node_new(t, SMT_INNER, 0, t->epoch);
        if (!ref)
            return EXEC_FAULT_MEMORY;
        smt_node *inner = smt_node_at(t, ref);
        unsigned bit = smt_key_bit(key, depth);
        inner->u.child[!bit] = depth == fork ? other_ref : 0;
        inner->u.child[bit] = 0;
        *link = ref;
        link = &inner->u.child[bit];
    }
    *link = leaf_new(t, key, value);
    return *link ? EXEC_FAULT_NONE : EXEC_FAULT_MEMORY;
}

static smt_ref sibling_at(const smt *t, const path *p, const gl_t key[4], unsigned depth)
{
    return smt_node_at(t, p->node[depth])->u.child[!smt_key_bit(key, depth)];
}

/** Removes the leaf at the end of the path. may_load: the sibling may have to be asked for; if not,
 * a sibling that was never looked at stays where it is (smt_restore: it was there before). */
static exec_fault delete_leaf(smt *t, path *p, const gl_t key[4], bool may_load, smt_case *kind,
                              unsigned *count)
{
    if (p->depth == 0) {
        node_drop(t, p->end);
        t->root = 0;
        *kind = SMT_DELETE_LAST;
        return EXEC_FAULT_NONE;
    }
    unsigned last = p->depth - 1;
    smt_ref sibling = sibling_at(t, p, key, last);
    if (sibling && smt_node_at(t, sibling)->kind == SMT_STUB && may_load) {
        gl_t beside[4];
        memcpy(beside, key, sizeof beside);
        beside[last & 3] ^= UINT64_C(1) << (last >> 2);
        exec_fault fault = load(t, sibling, beside, p->depth, false);
        if (fault)
            return fault;
    }
    if (!sibling || smt_node_at(t, sibling)->kind != SMT_LEAF) {
        smt_ref *link = own_path(t, p, key, p->depth);
        if (!link)
            return EXEC_FAULT_MEMORY;
        *link = 0;
        node_drop(t, p->end);
        *kind = SMT_DELETE_INNER;
        return EXEC_FAULT_NONE;
    }
    unsigned up = last;
    while (up > 0 && sibling_at(t, p, key, up - 1) == 0)
        up--;
    smt_ref *link = own_path(t, p, key, up);
    if (!link)
        return EXEC_FAULT_MEMORY;
    for (unsigned i = up; i < p->depth; i++)
        node_drop(t, p->node[i]);
    node_drop(t, p->end);
    *link = sibling;
    smt_node *lifted = node_own(t, link);
    if (!lifted)
        return EXEC_FAULT_MEMORY;
    lifted->flags &= (uint8_t)~SMT_HASHED; /* its remaining key gets longer */
    *kind = SMT_DELETE_LIFT;
    *count = up;
    return EXEC_FAULT_NONE;
}

static exec_fault write_path(smt *t, path *p, const gl_t key[4], const u256 *value, bool may_load,
                             smt_case *kind, unsigned *count)
{
    *count = 0;
    if (u256_is_zero(value)) {
        *kind = SMT_NOTHING;
        return p->found ? delete_leaf(t, p, key, may_load, kind, count) : EXEC_FAULT_NONE;
    }
    if (p->found) {
        *kind = SMT_UPDATE;
        return update(t, p, key, value);
    }
    if (p->end) {
        *kind = SMT_INSERT_FORK;
        return insert_fork(t, p, key, value, count);
    }
    *kind = SMT_INSERT;
    return insert(t, p, key, value);
}

exec_fault smt_set(smt *t, const gl_t key[4], const u256 *value, smt_effect *effect)
{
    path p;
    exec_fault fault = walk(t, t->root, key, &p);
    if (!fault)
        fault = describe(t, &p, &effect->before);
    if (!fault)
        fault = write_path(t, &p, key, value, true, &effect->kind, &effect->count);
    return fault;
}

exec_fault smt_restore(smt *t, const gl_t key[4], const u256 *value)
{
    path p;
    smt_case kind;
    unsigned count;
    exec_fault fault = walk(t, t->root, key, &p);
    return fault ? fault : write_path(t, &p, key, value, false, &kind, &count);
}

/* ---- life of a tree ---- */

exec_fault smt_init(smt *t, exec_arena *arena, const exec_host *host, const exec_observer *observer,
                    u256 *missing, const gl_t root[4])
{
    memset(t, 0, sizeof *t);
    t->arena = arena;
    t->host = host;
    t->observer = observer;
    t->missing = missing;
    t->epoch = 1;
    if (!host)
        return EXEC_FAULT_NONE;
    t->scratch = exec_arena_alloc(arena, SMT_HASH_BATCH * 12 * sizeof(gl_t));
    if (!t->scratch)
        return EXEC_FAULT_MEMORY;
    if (!root || is_zero4(root))
        return EXEC_FAULT_NONE;
    for (unsigned i = 0; i < 4; i++)
        if (!gl_is_canonical(root[i]))
            return report(t, root, EXEC_FAULT_MISSING_NODE);
    t->root = stub_new(t, root, 0);
    t->frozen = t->root;
    return t->root ? EXEC_FAULT_NONE : EXEC_FAULT_MEMORY;
}

void smt_freeze(smt *t)
{
    while (t->retired) {
        smt_node *n = smt_node_at(t, t->retired);
        smt_ref next = n->next;
        n->next = t->free;
        t->free = t->retired;
        t->retired = next;
    }
    t->frozen = t->root;
    t->epoch++; /* fewer than 2^32 transactions fit into a batch */
}

void smt_clear(smt *t)
{
    t->root = t->frozen = 0;
    t->free = t->retired = 0;
    t->chunk = 0;
    t->chunk_used = 0;
}
