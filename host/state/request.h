/** A batch to execute with its witness: what a gRPC request or a batch file becomes before it is
 * run.
 *
 * Fill it with the setters, which check everything and name the field in their errors; then hand
 * it to state_execute (run.h). One thread at a time; state_execute only reads it. */
#ifndef ZKP_HOST_STATE_REQUEST_H
#define ZKP_HOST_STATE_REQUEST_H

#include "driver/base/err.h"
#include "driver/field/gl_poseidon.h"
#include "host/executor/executor.h"

typedef struct state_overlay state_overlay; /**< nodes and bytecodes of one request, by hash */

typedef struct state_request {
    exec_batch batch;        /**< l2_data is owned by the request */
    exec_address aggregator; /**< does not enter the execution */
    state_overlay *overlay;  /**< owned */
} state_request;

/** An empty request with the defaults of fork_id; *out is NULL on failure. */
p_status state_request_create(state_request **out, uint32_t fork_id, p_err *err);
void state_request_destroy(state_request *req); /**< NULL is allowed */

/** Copies the bytes. max_len is the caller's bound (EXEC_BATCH_MAX_BYTES for the service, 2^24 - 1
 * for files). */
p_status state_request_set_l2_data(state_request *req, const uint8_t *data, size_t len,
                                   size_t max_len, p_err *err);

/** One entry of a `db` map in the protocol's encoding: key "0x"? + at most 64 hex digits
 * (left-padded), value the concatenation of 8 or 12 sixteen-digit elements, most significant digit
 * first. Each element must be canonical. Whether the node hashes to its key is checked for all
 * entries together by state_request_verify. */
p_status state_request_add_node(state_request *req, const char *key, size_t key_len,
                                const char *value, size_t value_len, p_err *err);
/** The same from elements (8 or 12). */
p_status state_request_add_node_elements(state_request *req, const gl_t key[4],
                                         const gl_t *elements, size_t n, p_err *err);

/** One entry of `contracts_bytecode`: hash and hex digits, both with or without 0x. */
p_status state_request_add_code(state_request *req, const char *key, size_t key_len,
                                const char *value, size_t value_len, p_err *err);

/** Recomputes the hash of every node and bytecode added so far, many at once; the first one that
 * does not fit its key is P_EINVAL and is named with the key and the hash that was found. Must be
 * called before state_execute. */
p_status state_request_verify(state_request *req, const gl_poseidon_ops *poseidon, p_err *err);

/** Bytes that the witness holds in memory. */
size_t state_request_memory(const state_request *req);

#endif
