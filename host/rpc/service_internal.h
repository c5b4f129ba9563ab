/** What the files of the service share. Private to host/rpc. */
#ifndef ZKP_HOST_RPC_SERVICE_INTERNAL_H
#define ZKP_HOST_RPC_SERVICE_INTERNAL_H

#include "host/rpc/service.h"
#include "host/rpc/workers.h"
#include "host/state/run.h"

#include <stdatomic.h>

typedef enum service_state { SERVICE_BOOTING, SERVICE_READY, SERVICE_HALTED } service_state;

struct rpc_service {
    rpc_service_options options;
    rpc_server *server;
    rpc_workers *workers;
    state_runner **runners; /**< one for each worker */
    atomic_int state;       /**< service_state */
};

/** Entries of the method table; ctx is the rpc_service. */
void service_status_message(void *ctx, rpc_call *call);
void service_execute_message(void *ctx, rpc_call *call);

/** A worker's job (execute.c). */
void service_execute_job(void *ctx, void *job, unsigned worker);

#endif
