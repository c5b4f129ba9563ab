/** Builds a state tree from accounts: what a network starts from, and what test cases describe
 * instead of a witness.
 *
 * Legal order: create, any number of setters, then finish once or more, destroy. The tree is built
 * from the whole set of leaves at once (sort by path, split at each bit), which shares no code
 * with the executor's incremental tree: each is a check on the other. Setting a leaf again replaces
 * its value, and value 0 removes it. One thread at a time. Memory: about 80 bytes a leaf. */
#ifndef ZKP_HOST_STATE_GENESIS_H
#define ZKP_HOST_STATE_GENESIS_H

#include "host/state/request.h"

typedef struct state_genesis state_genesis;

/** The key of a leaf as a 256-bit number: limb i is element i (executor specification, section 5).
 *  leaf_type 0 balance, 1 nonce, 2 code hash, 3 storage, 4 code length; slot counts for type 3 only
 *  and may be NULL otherwise. */
u256 state_leaf_key(const gl_poseidon_ops *poseidon, const exec_address *address,
                    unsigned leaf_type, const u256 *slot);

/** The linear Poseidon hash of a bytecode as a 256-bit number; 0 for empty
 * code, which has no leaf. */
u256 state_code_hash(const gl_poseidon_ops *poseidon, const uint8_t *code, size_t len);

/** poseidon is borrowed until destroy. *out is NULL on failure. */
p_status state_genesis_create(state_genesis **out, const gl_poseidon_ops *poseidon, p_err *err);
void state_genesis_destroy(state_genesis *g); /**< NULL is allowed */

/** A leaf by its key. Every element of the key must be canonical, else P_EINVAL. */
p_status state_genesis_set_leaf(state_genesis *g, const u256 *key, const u256 *value, p_err *err);

p_status state_genesis_set_balance(state_genesis *g, const exec_address *a, const u256 *value,
                                   p_err *err);
p_status state_genesis_set_nonce(state_genesis *g, const exec_address *a, const u256 *value,
                                 p_err *err);
p_status state_genesis_set_storage(state_genesis *g, const exec_address *a, const u256 *slot,
                                   const u256 *value, p_err *err);
/** Sets both code leaves and keeps a copy of the bytes. */
p_status state_genesis_set_code(state_genesis *g, const exec_address *a, const uint8_t *code,
                                size_t len, p_err *err);

/** Keeps a copy of a bytecode without touching any account: what an execution deployed, when its
 *  leaves come from the list of changes. */
p_status state_genesis_keep_code(state_genesis *g, const uint8_t *code, size_t len, p_err *err);

/** The value of a leaf, 0 if absent. Linear in what was set since the last finish. */
u256 state_genesis_get_leaf(const state_genesis *g, const u256 *key);

/** Computes the root. If req is not NULL its overlay receives every node and bytecode, and its
 *  old_state_root becomes the root. */
p_status state_genesis_finish(state_genesis *g, state_request *req, u256 *root, p_err *err);

#endif
