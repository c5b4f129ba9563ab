/** What one access to a tree costs in the reference's poseidonG (executor specification, section
 * 9.2), one function per case. D is the number of inner nodes on the key's path, m is 2 if the path
 * ends at a leaf (of this key or another), else 0. Pure functions, any thread. */
#ifndef ZKP_HOST_EXECUTOR_WORLD_COST_H
#define ZKP_HOST_EXECUTOR_WORLD_COST_H

#include "host/executor/smt.h"

/** The two permutations that make the key. */
#define WORLD_COST_KEY 2

/** b: finding the key; nothing in an empty tree. */
static inline uint64_t world_cost_find(const smt_lookup *l)
{
    return l->tree_empty ? 0 : l->depth + (l->leaf ? 2u : 0u);
}

static inline uint64_t world_cost_read(const smt_lookup *l)
{
    return WORLD_COST_KEY + world_cost_find(l);
}

/** Value and leaf again, and the path. */
static inline uint64_t world_cost_update(unsigned depth)
{
    return 2 + depth;
}

/** Value and leaf, and the path. */
static inline uint64_t world_cost_insert(unsigned depth)
{
    return 2 + depth;
}

/** Value, both leaves, the fork; the one-child nodes above it; the path. */
static inline uint64_t world_cost_insert_fork(unsigned depth, unsigned one_child_nodes)
{
    return 4 + one_child_nodes + depth;
}

/** The lifted leaf read and hashed again, and the path that is left above it. */
static inline uint64_t world_cost_delete_lift(unsigned levels_above)
{
    return 3 + levels_above;
}

/** The sibling read, and the path. */
static inline uint64_t world_cost_delete_inner(unsigned depth)
{
    return 1 + depth;
}

/** e: what a write costs beyond finding its key. */
static inline uint64_t world_cost_effect(const smt_effect *e)
{
    switch (e->kind) {
    case SMT_UPDATE:
        return world_cost_update(e->before.depth);
    case SMT_INSERT:
        return world_cost_insert(e->before.depth);
    case SMT_INSERT_FORK:
        return world_cost_insert_fork(e->before.depth, e->count);
    case SMT_DELETE_LIFT:
        return world_cost_delete_lift(e->count);
    case SMT_DELETE_INNER:
        return world_cost_delete_inner(e->before.depth);
    case SMT_DELETE_LAST:
    case SMT_NOTHING:
        break;
    }
    return 0;
}

static inline uint64_t world_cost_write(const smt_effect *e)
{
    return WORLD_COST_KEY + world_cost_find(&e->before) + world_cost_effect(e);
}

#endif
