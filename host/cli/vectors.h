/** The runner of test vectors: what `zkprover vectors` is made of.
 *
 *  cmd_vectors.c walks the folder, recognises each case by its fields, and calls the handler of its
 *  kind; the handlers are in vectors_*.c. A handler calls vec_fail or vec_skip any number of times;
 *  a case for which it called neither has passed. One thread. */
#ifndef ZKP_HOST_CLI_VECTORS_H
#define ZKP_HOST_CLI_VECTORS_H

#include "driver/field/gl_poseidon.h"
#include "host/cli/value.h"
#include "host/cli/vectors_guest.h"
#include "host/state/genesis.h"
#include "host/state/run.h"

#include <jansson.h>

typedef struct vectors vectors;

/** One case: a JSON object of a known kind. */
typedef struct vec_case {
    const char *kind; /**< "batch", "smt", ... */
    const char *path; /**< of the file, as opened */
    const char *key;  /**< of the file below the folder that holds manifest or results; for printing
                         and for looking up results */
    const char *member; /**< name or number of the case inside its file; "" if it is the file */
    const json_t *json;
    uint32_t fork; /**< by the name of a folder or of the file (forkN); 0 if they say nothing */
} vec_case;

/** What handlers need of the run. */
typedef struct vec_env {
    const gl_poseidon_ops *poseidon;
    state_runner *runner;
    const json_t *rom_results; /**< rom-results-fork6.json, or NULL */
    vec_guest *guest;          /**< --guest, or NULL */
    const char *root;          /**< folder that holds the kinds, for cases that belong together */
} vec_env;

const vec_env *vec_environment(const vectors *v);
/** With --guest, runs the request in the guest too and records a failure if the two differ. */
void vec_run_guest(vectors *v, state_request *req);

/** Records a failure of the current case: one line each, what was expected and what was found. */
void vec_fail(vectors *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Something odd about the current case that is no failure: one line, counted nowhere. */
void vec_note(vectors *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The current case does not apply, for this reason (unless a failure was or will be recorded). */
void vec_skip(vectors *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Comparisons that record a failure; they return true if equal. */
bool vec_equal(vectors *v, const char *what, const u256 *expected, const u256 *found);
bool vec_equal_u64(vectors *v, const char *what, uint64_t expected, uint64_t found);
bool vec_equal_bytes(vectors *v, const char *what, const uint8_t *expected, size_t expected_len,
                     const uint8_t *found, size_t found_len);
/** The case's field as a number against found; nothing happens if the field is absent. */
bool vec_equal_field(vectors *v, const json_t *object, const char *name, const u256 *found);

/** The fork of a case: by its folder, else by its forkID, else fallback. */
uint32_t vec_fork(const vec_case *c, uint32_t fallback);
/** True for forks that the executor has; else records the skip. */
bool vec_fork_supported(vectors *v, uint32_t fork);

/** A request with the fields that all kinds of batches share; missing ones are zero. chain id from
 *  chainID, sequencer from sequencerAddr or sequencerAddress. */
p_status vec_request(state_request **out, const json_t *object, uint32_t fork, p_err *err);
/** Puts accounts (a list with `address`, or an object by address) into a genesis. */
p_status vec_accounts(state_genesis *g, const json_t *accounts, p_err *err);
/** Applies the changes of an outcome to the leaves of a genesis. */
p_status vec_apply(state_genesis *g, const state_outcome *o, p_err *err);
/** Verifies and executes. *out is NULL on failure. */
p_status vec_execute(vectors *v, state_request *req, const exec_observer *tracer,
                     state_outcome **out, p_err *err);
/** Compares leaves (object by address, or list with `address`) with those of a genesis. */
void vec_compare_leaves(vectors *v, const state_genesis *g, const json_t *leaves);

/** The public input of the final proof (executor specification, section 10). has_fork: forks 1 and
 *  later. */
typedef struct vec_snark {
    exec_address aggregator;
    u256 old_state_root, old_acc_input_hash, new_state_root, new_acc_input_hash,
        new_local_exit_root;
    uint64_t old_num_batch, new_num_batch, chain_id, fork_id;
    bool has_fork;
} vec_snark;
p_status vec_snark_input(u256 *out, const vec_snark *in, p_err *err);
/** Compares field `name` of an object with the input made of its own fields. With `ran` (may be
 *  NULL), which is what a run came to, the values of the end are taken from it, and so are others
 *  that the object does not have. */
p_status vec_snark_case(vectors *v, const json_t *object, const char *name, const vec_snark *ran,
                        p_err *err);

typedef void vec_run_fn(vectors *v, const vec_case *c);
vec_run_fn vec_run_batch, vec_run_snark, vec_run_state_transition, vec_run_forced_batch,
    vec_run_aggregation, vec_run_aggregation_spec, vec_run_smt, vec_run_poseidon, vec_run_kat,
    vec_run_tx_encoding, vec_run_gas_price, vec_run_eth_transaction, vec_run_eth_rlp,
    vec_run_eth_blockchain, vec_run_geth_trace;

#endif
