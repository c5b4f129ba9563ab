#include "host/rpc/service_internal.h"

#include <stdlib.h>

p_status rpc_service_create(rpc_service **out, const rpc_service_options *options, p_err *err)
{
    *out = NULL;
    rpc_service *s = calloc(1, sizeof *s);
    if (!s)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the service");
    s->options = *options;
    atomic_init(&s->state, SERVICE_BOOTING);
    p_status st = P_OK;
    s->runners = calloc(options->workers ? options->workers : 1, sizeof *s->runners);
    if (!s->runners)
        st = p_err_set(err, P_EEXHAUSTED, "no memory for the service");
    for (unsigned i = 0; st == P_OK && i < options->workers; i++)
        st = state_runner_create(&s->runners[i], options->poseidon, err);
    if (st == P_OK)
        st = rpc_workers_create(&s->workers, options->workers, options->max_waiting,
                                service_execute_job, s, err);
    if (st != P_OK) {
        rpc_service_destroy(s);
        return st;
    }
    *out = s;
    return P_OK;
}

void rpc_service_methods(rpc_service *s, rpc_method out[RPC_SERVICE_METHODS])
{
    static const rpc_method table[RPC_SERVICE_METHODS] = {
        {.name = "/zkprover.v1.ZKProverService/GetStatus",
         .kind = RPC_UNARY,
         .while_draining = true,
         .message = service_status_message},
        {.name = "/zkprover.v1.ZKProverService/Execute",
         .kind = RPC_BIDI,
         .message = service_execute_message},
        {.name = "/zkprover.v1.ZKProverService/GenProof",
         .kind = RPC_UNARY,
         .unimplemented = "GenProof is not implemented: this build executes batches (Execute) and "
                          "has no proof jobs yet"},
        {.name = "/zkprover.v1.ZKProverService/GetProof",
         .kind = RPC_BIDI,
         .unimplemented = "GetProof is not implemented: this build has no proof jobs yet"},
        {.name = "/zkprover.v1.ZKProverService/Cancel",
         .kind = RPC_UNARY,
         .unimplemented = "Cancel is not implemented: this build has no proof jobs to cancel yet"},
    };
    for (size_t i = 0; i < RPC_SERVICE_METHODS; i++) {
        out[i] = table[i];
        out[i].ctx = s;
    }
}

void rpc_service_attach(rpc_service *s, rpc_server *server)
{
    s->server = server;
}

void rpc_service_ready(rpc_service *s)
{
    int booting = SERVICE_BOOTING;
    atomic_compare_exchange_strong(&s->state, &booting, SERVICE_READY);
}

void rpc_service_halt(rpc_service *s)
{
    atomic_store(&s->state, SERVICE_HALTED);
}

void rpc_service_destroy(rpc_service *s)
{
    if (!s)
        return;
    rpc_workers_destroy(s->workers);
    if (s->runners)
        for (unsigned i = 0; i < s->options.workers; i++)
            state_runner_destroy(s->runners[i]);
    free(s->runners);
    free(s);
}
