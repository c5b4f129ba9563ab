#include "host/rpc/service_internal.h"

#include <stdlib.h>
#include <time.h>

/** Threads that check GenProof requests: the store takes one at a time anyway. */
#define MAX_SUBMITTERS 4

p_status rpc_service_create(rpc_service **out, const rpc_service_options *options, p_err *err)
{
    *out = NULL;
    rpc_service *s = calloc(1, sizeof *s);
    if (!s)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the service");
    s->options = *options;
    atomic_init(&s->state, SERVICE_BOOTING);
    atomic_init(&s->submitting, 0);
    atomic_init(&s->drain_ms, 0);
    pthread_mutex_init(&s->waits, NULL);
    p_status st = P_OK;
    s->runners = calloc(options->workers ? options->workers : 1, sizeof *s->runners);
    if (!s->runners)
        st = p_err_set(err, P_EEXHAUSTED, "no memory for the service");
    for (unsigned i = 0; st == P_OK && i < options->workers; i++)
        st = state_runner_create(&s->runners[i], options->poseidon, err);
    if (st == P_OK)
        st = rpc_workers_create(&s->workers, options->workers, options->max_waiting,
                                service_execute_job, s, err);
    unsigned submitters = options->workers < MAX_SUBMITTERS ? options->workers : MAX_SUBMITTERS;
    if (st == P_OK && options->jobs)
        st = rpc_workers_create(&s->submitters, submitters, options->max_waiting,
                                service_gen_proof_job, s, err);
    if (st == P_OK && options->jobs)
        st =
            rpc_workers_create(&s->cancellers, 1, options->max_waiting, service_cancel_job, s, err);
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
         .message = service_gen_proof_message},
        {.name = "/zkprover.v1.ZKProverService/GetProof",
         .kind = RPC_BIDI,
         .message = service_get_proof_message,
         .cancelled = service_get_proof_cancelled},
        {.name = "/zkprover.v1.ZKProverService/Cancel",
         .kind = RPC_UNARY,
         .message = service_cancel_message},
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

bool rpc_service_settle(rpc_service *s, unsigned max_ms)
{
    const struct timespec moment = {0, 5000000};
    long long now = p_clock_ms(CLOCK_MONOTONIC), until = now + max_ms;
    atomic_store(&s->drain_ms, now);
    while (atomic_load(&s->submitting) && p_clock_ms(CLOCK_MONOTONIC) < until)
        nanosleep(&moment, NULL);
    return atomic_load(&s->submitting) == 0;
}

bool service_has_jobs(rpc_service *s, rpc_call *call)
{
    if (s->options.jobs && atomic_load(&s->state) == SERVICE_READY)
        return true;
    rpc_call_fail(call, P_EUNAVAILABLE, "the server is not ready: see GetStatus");
    return false;
}

bool service_hand_over(rpc_workers *pool, rpc_call *call)
{
    if (rpc_workers_submit(pool, call))
        return true;
    rpc_call_fail(call, P_EEXHAUSTED, "too many requests are waiting; try again later");
    return false;
}

void rpc_service_destroy(rpc_service *s)
{
    if (!s)
        return;
    rpc_workers_destroy(s->workers);
    rpc_workers_destroy(s->submitters);
    rpc_workers_destroy(s->cancellers);
    pthread_mutex_destroy(&s->waits);
    if (s->runners)
        for (unsigned i = 0; i < s->options.workers; i++)
            state_runner_destroy(s->runners[i]);
    free(s->runners);
    free(s);
}
