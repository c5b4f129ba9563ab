/** The service zkprover.v1.ZKProverService: what its methods share, and the table of methods that
 *  rpc_server_create takes. One file for each method: status.c, execute.c. Those that this build
 * lacks are refused as UNIMPLEMENTED by the table.
 *
 *  Order: create, rpc_server_create with rpc_service_methods, rpc_service_attach, rpc_server_start,
 *  rpc_service_ready; at the end rpc_server_drain, rpc_server_stop, rpc_service_destroy (after the
 *  server was stopped, before it is destroyed or after). */
#ifndef ZKP_HOST_RPC_SERVICE_H
#define ZKP_HOST_RPC_SERVICE_H

#include "driver/field/gl_poseidon.h"
#include "host/rpc/server.h"
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

/** A fatal fault: GetStatus says HALT from now on. */
void rpc_service_halt(rpc_service *s);

/** Runs what is queued to its end (quickly, since the calls are cancelled by then) and frees all.
 *  NULL is allowed. */
void rpc_service_destroy(rpc_service *s);

#endif
