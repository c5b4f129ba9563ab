/** The world state as a transaction sees it: accounts and storage on the sparse Merkle tree
 * (smt.h), the warm sets, the journal that undoes a failed frame, and the exact cost of every
 * access in the reference's counters.
 *
 * Legal order: world_init; then for each transaction world_begin_tx, accesses and snapshots, and
 * world_root when a root is needed; world_changes at the end. Every accessor counts what the
 * reference counts (executor specification 9.2: read 2 + b; write 2 + b + e; touch) in
 * world.counters; it does not check budgets, that is the caller's (counters_need_poseidon before
 * the operation). Not thread-safe. Values are exact tree values: an absent leaf reads 0, writing 0
 * removes the leaf.
 *
 * Faults of everything that returns exec_fault: MEMORY, MISSING_NODE, BAD_NODE, STORE, and where
 * code is read MISSING_CODE. After a fault the world is not to be used further. */
#ifndef ZKP_HOST_EXECUTOR_WORLD_H
#define ZKP_HOST_EXECUTOR_WORLD_H

#include "host/executor/arena.h"
#include "host/executor/counters.h"
#include "host/executor/host.h"
#include "host/executor/smt.h"
#include "host/executor/types.h"

/** Leaf types of the state tree (and 5, 6 of the reference's private tree of touched keys). */
typedef enum world_leaf {
    WORLD_BALANCE = 0,
    WORLD_NONCE = 1,
    WORLD_CODE_HASH = 2,
    WORLD_STORAGE = 3,
    WORLD_CODE_LENGTH = 4,
    WORLD_TOUCHED_ADDRESS = 5,
    WORLD_TOUCHED_SLOT = 6,
} world_leaf;

typedef struct world world;

/** Bytes of a world, for callers that place it themselves. Aligned as max_align_t. */
size_t world_bytes(void);

/** Starts at a root. counters, host, observer and memory are borrowed until the end of the run.
 * missing receives the hash of what EXEC_FAULT_MISSING_* or EXEC_FAULT_BAD_NODE is about. A root
 * that is no hash (a limb of p or more) is EXEC_FAULT_MISSING_NODE. Everything that the world
 * allocates comes from memory->tree and stays until the end of the run. */
exec_fault world_init(world *w, const exec_host *host, const exec_observer *observer,
                      exec_memory *memory, exec_counters *counters, u256 *missing,
                      const u256 *root);

/** Starts a transaction: remembers the tree for world_original_storage, empties the warm sets,
 * forgets old snapshots. */
exec_fault world_begin_tx(world *w);

/** A point to come back to: state, warm sets. Nests; valid until the enclosing one is reverted or
 * the next transaction begins. */
size_t world_snapshot(const world *w);
/** Undoes everything since the snapshot (not the counters). Needs no witness. Should the memory run
 * out here, the next call that returns an exec_fault says so. */
void world_revert(world *w, size_t snapshot);

/** Remembers this state for world_rollback; a later call replaces an earlier one. Unlike a snapshot
 * it outlives transactions. Meant for the root that an out-of-counters batch falls back to. */
void world_checkpoint(world *w);
/** Brings the state back to the checkpoint, counting nothing and needing no witness. Only after
 * world_checkpoint. Ends the transaction: snapshots are void; world_begin_tx before the next one.
 * Fault: MEMORY. */
exec_fault world_rollback(world *w);

/* One read of the state tree each. */
exec_fault world_balance(world *w, const exec_address *a, u256 *out);
exec_fault world_nonce(world *w, const exec_address *a, u256 *out);
exec_fault world_code_hash(world *w, const exec_address *a, u256 *out);
exec_fault world_code_length(world *w, const exec_address *a, u256 *out);
exec_fault world_storage(world *w, const exec_address *a, const u256 *slot, u256 *out);
/** The value at the start of the transaction, counted as a read of the tree of that moment. */
exec_fault world_original_storage(world *w, const exec_address *a, const u256 *slot, u256 *out);

/* One write of the state tree each. Counted also when the value does not change. */
exec_fault world_set_balance(world *w, const exec_address *a, const u256 *value);
exec_fault world_set_nonce(world *w, const exec_address *a, const u256 *value);
exec_fault world_set_storage(world *w, const exec_address *a, const u256 *slot, const u256 *value);

/** Deployment, first half: writes the length leaf (0 for empty code). One write. */
exec_fault world_set_code_length(world *w, const exec_address *a, size_t len);
/** The second half: writes the hash leaf (0 if len is 0) and keeps the code, whose bytes are
 * copied, for the rest of the run. Counts the hash of the code if len is not 0, and one write. In
 * two halves because the reference checks the budget of the hash after the first write. */
exec_fault world_set_code_bytes(world *w, const exec_address *a, const uint8_t *code, size_t len);

/** The code of an account: one read of the length leaf; if that is not 0, one read of the hash
 * leaf, and the hash of the code is counted. *len is the length by the leaf. The pointer lives
 * until the end of the run. Where budgets are to be checked between the two reads the caller uses
 * world_code_length and world_code_bytes. */
exec_fault world_code(world *w, const exec_address *a, const uint8_t **code, size_t *len);
/** The second half: the read of the hash leaf, the counted hash, the bytes. expected_len is the
 * length leaf's value; the answer of the host must be that long, else EXEC_FAULT_MISSING_CODE. */
exec_fault world_code_bytes(world *w, const exec_address *a, size_t expected_len,
                            const uint8_t **code);

/** Makes an address warm; *was_cold says whether it was not before. Nothing happens, and nothing is
 * counted, for addresses 1 to 9 (always warm). Counted: a read, and a write
 * of 1 if it was absent. */
exec_fault world_touch_address(world *w, const exec_address *a, bool *was_cold);
exec_fault world_touch_slot(world *w, const exec_address *a, const u256 *slot, bool *was_cold);

/** The state root of this moment: hashes what changed since the last call, nodes of one level
 * together, and reports new nodes to the observer. Counts nothing (the reference's cost is in the
 * writes). */
exec_fault world_root(world *w, u256 *root);

/** The key of a leaf in the state tree, as a 256-bit number (limb i is element i). slot may be NULL
 * but for the two slot types. Counts nothing. */
exec_fault world_tree_key(world *w, world_leaf type, const exec_address *a, const u256 *slot,
                          u256 *key);

/** Every leaf whose value differs from the one in the tree that the run started from: tree key (as
 * a 256-bit number), old and new value. Order unspecified. */
void world_changes(const world *w,
                   void (*each)(void *ctx, const u256 *key, const u256 *old_value,
                                const u256 *new_value),
                   void *ctx);

#endif
