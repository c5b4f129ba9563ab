/** The stages that turn a request into a proof. Of these there is one today: the native execution
 *  of the batch. A request that executes ends as PIPELINE_INTERNAL_ERROR, with the text that this
 *  build has no prover; nothing here ever makes a proof up.
 *
 *  A pipeline holds what is reusable between runs and serves one run at a time. */
#ifndef ZKP_HOST_PIPELINE_PIPELINE_H
#define ZKP_HOST_PIPELINE_PIPELINE_H

#include "host/state/run.h"

typedef struct pipeline pipeline;

/** Bytes of a stored request to a request whose witness is verified; *out is NULL on failure, and
 *  P_EINVAL says that the bytes are no correct request. (The messages belong to host/rpc, so it
 *  hands its decoder in.) */
typedef p_status pipeline_decode_fn(void *ctx, const uint8_t *bytes, size_t len,
                                    state_request **out, p_err *err);

typedef struct pipeline_options {
    const gl_poseidon_ops *poseidon;
    state_store *store; /**< borrowed; NULL: requests bring their whole witness */
    bool persist;       /**< write the nodes of the request and the new ones to the store */
    pipeline_decode_fn *decode;
    void *decode_ctx;
    uint64_t memory_limit_bytes; /**< of one job; 0: no limit */
} pipeline_options;

/** *out is NULL on failure. */
p_status pipeline_create(pipeline **out, const pipeline_options *options, p_err *err);
void pipeline_destroy(pipeline *p); /**< NULL is allowed */

/** Memory in bytes without which a job for this request is not begun: the request in its forms, and
 *  PIPELINE_RUN_BYTES for the execution. (What a batch takes while it executes shows only then; the
 *  run gets what the limit leaves, and ends with both numbers where that is not enough.)
 *  request_bytes is the length of the serialised form. */
#define PIPELINE_RUN_BYTES ((uint64_t)64 << 20)
uint64_t pipeline_estimate(const state_request *req, size_t request_bytes);
/** P_EEXHAUSTED with both numbers if the estimate is above the limit (0: no limit). For GenProof
 *  before it submits; pipeline_run asks it again. Any thread. */
p_status pipeline_admit(const state_request *req, size_t request_bytes, uint64_t limit_bytes,
                        p_err *err);

/** What a run asks and tells while it works; every entry may be NULL. */
typedef struct pipeline_hooks {
    void *ctx;
    bool (*should_stop)(void *ctx); /**< polled at least every 100 ms */
    void (*progress)(void *ctx, const char *stage, unsigned percent);
    void (*drop_request)(void *ctx); /**< the bytes are not needed any more */
} pipeline_hooks;

typedef enum pipeline_end {
    PIPELINE_STOPPED,         /**< should_stop said so */
    PIPELINE_COMPLETED_ERROR, /**< the batch cannot be proven as given: it is not correct, or lacks
                                   state */
    PIPELINE_INTERNAL_ERROR,  /**< any other failure; also a limit of this server that is reached */
} pipeline_end;

#define PIPELINE_STAGE_READ "reading the request"
#define PIPELINE_STAGE_EXECUTE "executing the batch"

/** err receives the text of the end for the client, whatever the end is. */
pipeline_end pipeline_run(pipeline *p, const uint8_t *bytes, size_t len,
                          const pipeline_hooks *hooks, p_err *err);

#endif
