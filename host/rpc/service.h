/** The service zkprover.v1.ZKProverService: what its methods share, and the table of methods that
 * rpc_server_create takes. One file for each method: status.c, execute.c, gen_proof.c,
 * get_proof.c, cancel.c.
 *
 * Order: create, rpc_server_create with rpc_service_methods, rpc_service_attach, rpc_server_start,
 * rpc_service_ready; at the end rpc_server_drain, rpc_service_settle, jobs_drain, rpc_server_stop,
 * rpc_service_destroy (after the server was stopped, before it is destroyed or after),
 * jobs_destroy. */
#ifndef ZKP_HOST_RPC_SERVICE_H
#define ZKP_HOST_RPC_SERVICE_H

#include "driver/field/gl_poseidon.h"
#include "host/jobs/jobs.h"
#include "host/rpc/server.h"
#include "host/state/request.h"
#include "host/state/store.h"

/** Version of the protocol that GetStatus reports: changes when the .proto file does. */
#define RPC_PROTOCOL_VERSION "v0_0_1"

typedef struct rpc_service rpc_service;

/** What became of one Execute request, for the log. Holds nothing of the request's content. */
typedef struct rpc_execute_event {
    const char *result; /**< "COMPLETED_OK", ... or, if the call failed, the name of the p_status */
    uint64_t index;     /**< on its stream */
    size_t request_bytes, response_bytes;
    uint32_t transactions, processed; /**< processed: not skipped */
    uint32_t failed;                  /**< of those processed */
    uint32_t undone;                  /**< of a batch that was rolled back; not processed */
    uint64_t batch_num;               /**< the new one; 0 if there is none */
    double wait_seconds, execute_seconds, total_seconds;
    const char *reason; /**< can quote the request: not for the default log level; NULL: none */
} rpc_execute_event;

typedef struct rpc_service_options {
    unsigned workers;         /**< threads that execute batches */
    size_t max_waiting;       /**< requests that wait for a worker */
    size_t max_message_bytes; /**< of an answer */
    const gl_poseidon_ops *poseidon;
    state_store *store; /**< borrowed; NULL: requests must bring their whole witness */
    bool persist_execute;
    size_t
        execute_memory_bytes; /**< of one run beside its witness and its results (state_run_options
                                 .memory_limit); 0: as much as is reserved, 16 GiB */
    bool enforce_counters;
    uint32_t fork_id;
    void (*executed)(void *ctx,
                     const rpc_execute_event *event); /**< any worker thread; may be NULL */
    void *executed_ctx;
    jobs *jobs; /**< borrowed: alive until rpc_service_destroy has returned. NULL: GenProof,
                   GetProof and Cancel answer UNAVAILABLE */
    uint64_t job_memory_bytes;      /**< of one job (pipeline_admit); 0: no limit */
    const char *hidden_folder;      /**< as in rpc_server_options, for result_string */
    uint64_t get_proof_max_seconds; /**< longer time-outs of GetProof are cut to this */
} rpc_service_options;

/** Also creates the workers. *out is NULL on failure. */
p_status rpc_service_create(rpc_service **out, const rpc_service_options *options, p_err *err);

#define RPC_SERVICE_METHODS 5
/** The table; its entries borrow the service. */
void rpc_service_methods(rpc_service *s, rpc_method out[RPC_SERVICE_METHODS]);

/** The server on which the methods run. */
void rpc_service_attach(rpc_service *s, rpc_server *server);

/** From BOOTING to IDLE. */
void rpc_service_ready(rpc_service *s);

/** A fatal fault: GetStatus says HALT from now on. (That of the job store it sees by itself.) */
void rpc_service_halt(rpc_service *s);

/** Between rpc_server_drain and jobs_drain: lets the GenProof calls that had been accepted store
 *  their jobs, for at most about max_ms. True if none is left. */
bool rpc_service_settle(rpc_service *s, unsigned max_ms);

/** Runs what is queued to its end (quickly, since the calls are cancelled by then) and frees all.
 *  NULL is allowed. */
void rpc_service_destroy(rpc_service *s);

/** The stored form of a job's request, a serialised zkprover.v1.InputProver with the fork id of the
 *  server that took it, to a verified request: a pipeline_decode_fn. ctx is an rpc_input_decoder.
 *  Any thread. */
typedef struct rpc_input_decoder {
    const gl_poseidon_ops *poseidon;
    uint32_t fork_id; /**< for a stored request without one */
} rpc_input_decoder;
p_status rpc_input_decode(void *ctx, const uint8_t *bytes, size_t len, state_request **out,
                          p_err *err);

#endif
