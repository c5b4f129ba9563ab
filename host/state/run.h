/** Executes a request natively: host interface over the overlay, the store and libsecp256k1; memory
 * of the run; results collected for receipts, logs and the list of changed keys.
 *
 * A state_runner holds what is reusable between runs (reserved memory) and serves one run at a
 * time; make one for each worker thread. */
#ifndef ZKP_HOST_STATE_RUN_H
#define ZKP_HOST_STATE_RUN_H

#include "host/state/recorder.h"
#include "host/state/request.h"
#include "host/state/store.h"

typedef struct state_runner state_runner;

p_status state_runner_create(state_runner **out, const gl_poseidon_ops *poseidon, p_err *err);
void state_runner_destroy(state_runner *r);

typedef struct state_run_options {
    state_store
        *store;   /**< where missing nodes are looked up; NULL: the request must be complete */
    bool persist; /**< write the request's nodes, and the new ones of the root that the batch ends
                     with, to the store before answering */
    bool (*should_stop)(void *ctx); /**< polled; NULL: never */
    void *should_stop_ctx;
    const exec_observer *tracer; /**< its call and call_end receive the frames; NULL: none */
    size_t memory_limit; /**< bytes that the run itself may take: half for the state tree, a quarter
                            each for a transaction's data and for frames; 0: 16 GiB. Results and
                            witness come on top */
    state_recorder *recorder; /**< records what the host answered (the caller ends the tape with
                                 state_recorder_finish); NULL: none */
} state_run_options;

/** A transaction's result with everything it points to owned by the outcome. */
typedef struct state_change {
    u256 key, old_value, new_value;
} state_change;

typedef struct state_outcome {
    exec_batch batch; /**< the constants of the batch; l2_data is NULL */
    exec_result result;
    exec_tx_result *txs; /**< result.n_txs, in order. Those of a batch that was rolled back have an
                            EXEC_UNDONE_* error: what they did is void */
    state_change *changes;
    size_t n_changes;
    double seconds; /**< wall time of the execution alone */
    size_t arena_peak_bytes;
    void *owner; /**< private */
} state_outcome;

/** Runs a verified request. options may be NULL: no store, nothing persisted. *out is NULL on
 * failure: P_EMISSING names the missing hash, P_ECANCELLED says that should_stop did, P_EINVAL that
 * a node is no legal one, P_EEXHAUSTED that memory or the store is full, P_ECORRUPT or P_EIO that
 * the store failed. The caller destroys the outcome. */
p_status state_execute(state_runner *r, const state_request *req, const state_run_options *options,
                       state_outcome **out, p_err *err);
void state_outcome_destroy(state_outcome *o);

#endif
