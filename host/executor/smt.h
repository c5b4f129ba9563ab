/** Sparse Merkle tree of the state (executor specification, section 5): a binary tree over
 * Poseidon-hashed keys, with leaves lifted to the highest place where they are alone.
 *
 * Nodes live in an arena and are loaded from the host when a path first needs them. The *shape* of
 * the tree is always up to date, so that the depth of a key is known at once (the reference's
 * counters depend on it); *hashes* are computed only by smt_root, nodes of one level together.
 *
 * Copy on write by epoch: the nodes that the tree had at the last smt_freeze are never changed
 * until the next one, so that tree stays readable (smt_find with SMT_FROZEN) while the current one
 * moves on. What the frozen tree alone still needs is recycled by the next smt_freeze, so memory is
 * bounded by what was ever loaded plus what one epoch writes.
 *
 * Legal order: smt_init, then anything. Keys are four canonical elements; values any 256 bits, 0
 * meaning absence. After any fault but EXEC_FAULT_MISSING_NODE and EXEC_FAULT_BAD_NODE (which leave
 * the tree as it was) the tree is not to be used further. One thread at a time. Never recursive;
 * the largest frame is about 2 KiB.
 *
 * What is asked. A search asks for the nodes of its path and for the value of the key's own leaf; a
 * write asks for what the search of its key does, and a deletion also for the sibling of the leaf.
 * The reference reads all of that in the same operation, so a witness that holds what it read is
 * enough, and smt_restore asks for nothing: a node that was never looked at never moves, since only
 * a sibling that was looked at is lifted and only a leaf on the path of a write is pushed down. On
 * the way back, in whatever order the keys come, such a node stands where it stood at the moment
 * that is gone back to; the path of a key that was written passes through none, as it was walked
 * then; and beside a key that is removed again it is no leaf that should be lifted, or the tree of
 * that moment, in which it stood there, would not have been canonical. (test_spec_witness.c)
 *
 * A node from the host is trusted to have the hash that was asked for, and nothing else: a node
 * that no canonical tree contains gives EXEC_FAULT_BAD_NODE as soon as it is seen to be one. */
#ifndef ZKP_HOST_EXECUTOR_SMT_H
#define ZKP_HOST_EXECUTOR_SMT_H

#include "driver/field/goldilocks.h"
#include "host/executor/arena.h"
#include "host/executor/host.h"
#include "host/executor/ref.h"
#include "host/executor/types.h"

/** Path bits of a key, so also the largest depth of a leaf. */
#define SMT_KEY_BITS 256

/** Reference of a node; 0 is the empty subtree. */
typedef exec_ref smt_ref;

typedef struct smt {
    exec_arena *arena;     /**< borrowed */
    const exec_host *host; /**< borrowed; NULL for a tree without hashes, which is never loaded */
    const exec_observer *observer; /**< borrowed; NULL if nobody wants the new nodes */
    u256 *missing;                 /**< borrowed */
    smt_ref root, frozen;
    uint32_t epoch;
    smt_ref free;                /**< nodes to use again */
    smt_ref retired;             /**< nodes of the frozen tree alone */
    exec_ref first_chunk, chunk; /**< nodes come from the arena in chunks, kept for ever */
    uint32_t chunk_used;
    gl_t *scratch; /**< states for hashing */
} smt;

typedef enum smt_which {
    SMT_CURRENT,
    SMT_FROZEN, /**< the tree of the last smt_freeze */
} smt_which;

/** What a search for a key met. */
typedef struct smt_lookup {
    bool tree_empty; /**< the root is 0 */
    bool leaf;       /**< the path ended at a leaf, of this key or another */
    bool found;      /**< of this key */
    unsigned depth;  /**< inner nodes on the path, 0..256 */
    u256 value;      /**< 0 unless found */
} smt_lookup;

/** The cases of a write, as the reference tells them apart. */
typedef enum smt_case {
    SMT_NOTHING,      /**< 0 to an absent key */
    SMT_UPDATE,       /**< a new (or the same) value for a key that is there */
    SMT_INSERT,       /**< into an empty place */
    SMT_INSERT_FORK,  /**< beside another leaf; count: one-child nodes created above the fork */
    SMT_DELETE_LAST,  /**< the only leaf of the tree */
    SMT_DELETE_LIFT,  /**< the sibling is a leaf and moves up; count: depth at which it ends */
    SMT_DELETE_INNER, /**< the sibling is an inner node and stays */
} smt_case;

typedef struct smt_effect {
    smt_lookup
        before; /**< the search in the tree before the write; before.value is the old value */
    smt_case kind;
    unsigned count; /**< see smt_case, else 0 */
} smt_effect;

/** Starts a tree at a root (NULL: empty), without loading anything. host == NULL gives a tree that
 * never hashes and starts empty. missing receives the hash of the node that EXEC_FAULT_MISSING_NODE
 * or EXEC_FAULT_BAD_NODE is about. Faults: MEMORY; MISSING_NODE for a root that is no hash (an
 * element of p or more). */
exec_fault smt_init(smt *t, exec_arena *arena, const exec_host *host, const exec_observer *observer,
                    u256 *missing, const gl_t root[4]);

/** Makes the current tree the frozen one. Never fails. */
void smt_freeze(smt *t);

/** Empties a tree without a host (and its frozen tree), keeping its memory for itself. */
void smt_clear(smt *t);

/** Searches a key. Faults: MEMORY, MISSING_NODE, BAD_NODE, STORE. */
exec_fault smt_find(smt *t, smt_which which, const gl_t key[4], smt_lookup *out);

/** Writes a value to the current tree, 0 to remove the key. Faults as smt_find. */
exec_fault smt_set(smt *t, const gl_t key[4], const u256 *value, smt_effect *effect);

/** Gives a key the value that it had at an earlier moment, as one of the steps that bring the whole
 * tree back to that moment. Asks the host nothing: what it needs is there since then. Fault:
 * MEMORY. */
exec_fault smt_restore(smt *t, const gl_t key[4], const u256 *value);

/** The root hash of the current tree. Computes the hashes that are missing and reports each to
 * observer->node (which may see a node more than once, and may see one that existed before if
 * writes were undone). Fault: MEMORY. */
exec_fault smt_root(smt *t, gl_t root[4]);

#endif
