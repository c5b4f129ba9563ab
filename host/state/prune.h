/** Maintenance of the node store: what a root reaches, removing what no root reaches, and giving
 * the space back to the file system.
 *
 * Which leaf of the tree holds the hash of a bytecode cannot be seen there, since keys are hashes:
 * a bytecode is taken as reached when its hash is the value of any reached leaf.
 *
 * Memory: at most 1/128 of the used map (one bit for each 32 bytes on either side of the first
 * entry), and one bit for each entry. A million nodes take about 210 MB of the map, so 1.7 MB; more
 * where much of the file is free. Other threads may read at the same time, and writers wait. */
#ifndef ZKP_HOST_STATE_PRUNE_H
#define ZKP_HOST_STATE_PRUNE_H

#include "driver/field/gl_poseidon.h"
#include "host/state/store.h"

/** What a walk found; every entry counts once, however often it is reached. */
typedef struct state_reach {
    uint64_t inner, leaves, values; /**< nodes */
    uint64_t codes;
    uint64_t bytes;  /**< of nodes and bytecodes with their keys, without the store's own */
    uint64_t absent; /**< places whose node is missing or damaged */
    bool first_is_damaged;
    gl_t first[4]; /**< if absent > 0: one of them, the first that was met */
} state_reach;

/** Walks from a root (0: the empty tree). Every entry's hash is computed again. An absent node is a
 * result, not an error. P_EINVAL for a root that is no hash. */
p_status state_store_reach(state_store *s, const gl_t root[4], const gl_poseidon_ops *poseidon,
                           state_reach *out, p_err *err);

typedef struct state_prune_options {
    const gl_t (*keep)[4]; /**< roots; at least one that is not 0 */
    size_t n_keep;
    bool partial; /**< keep what is there of a root that is not complete; its own node must be */
    bool dry_run; /**< count only */
    const gl_poseidon_ops *poseidon;
    bool (*should_stop)(void *ctx); /**< asked between transactions while removing; NULL: never */
    void *should_stop_ctx;
} state_prune_options;

typedef struct state_prune_result {
    state_reach kept;
    uint64_t removed_nodes, removed_codes; /**< or that would be, with dry_run */
    uint64_t removed_bytes;                /**< of those, with their keys */
    uint64_t freed_bytes; /**< of the map, for later writes: whole pages, so less than what was
                             removed where pages are left half full; compacting regains that */
    size_t mark_bytes;    /**< memory for the marks, touched or not */
} state_prune_result;

/** Removes what no kept root reaches, in many transactions: whenever it is cut off, the kept roots
 * are as complete as before, and the rest of the store is usable but may lack nodes.
 *
 * P_EMISSING names the first node that a kept root lacks, P_ECORRUPT one that is damaged; nothing
 * was removed then. P_EINVAL: nothing to keep. P_ECANCELLED: should_stop said so. P_EEXHAUSTED: no
 * memory, or no room on the disk for the first transaction (a few dozen pages). */
p_status state_store_prune(state_store *s, const state_prune_options *options,
                           state_prune_result *out, p_err *err);

/** Writes the store's entries to a new file and puts it in the place of the old one at once: LMDB
 * never shrinks a file. Needs room for the new file beside the old one (checked first:
 * P_EEXHAUSTED with both numbers), and that no state_reader is open here or in another process
 * (P_EUNAVAILABLE). Cut off at any moment, the store is the old one or the new one. *before and
 * *after are the lengths of the files. */
p_status state_store_compact(state_store *s, uint64_t *before, uint64_t *after, p_err *err);

#endif
