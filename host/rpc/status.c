#include "host/rpc/service_internal.h"
#include "host/rpc/wire.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdint.h>
#include <stdlib.h>

#define STATE(name) ZKPROVER__V1__GET_STATUS_RESPONSE__STATUS_PROVER__STATUS_PROVER_##name

static Zkprover__V1__GetStatusResponse__StatusProver current(rpc_service *s, jobs_mode mode)
{
    if (rpc_server_draining(s->server))
        return STATE(HALT);
    switch (atomic_load(&s->state)) {
    case SERVICE_BOOTING:
        return STATE(BOOTING);
    case SERVICE_READY:
        break;
    default:
        return STATE(HALT);
    }
    return mode == JOBS_IDLE        ? STATE(IDLE)
           : mode == JOBS_COMPUTING ? STATE(COMPUTING)
                                    : STATE(HALT);
}

/** The jobs at one moment, with the ids that wait; *ids (malloc'ed) and *list hold them. */
static p_status look(const rpc_service *s, jobs_status *status, job_id **ids, char ***list,
                     size_t *n, p_err *err)
{
    *ids = NULL;
    *list = NULL;
    *n = 0;
    *status = (jobs_status){.mode = JOBS_IDLE};
    if (!s->options.jobs)
        return P_OK;
    jobs_get_status(s->options.jobs, status, NULL, 0);
    if (!status->pending)
        return P_OK;
    /* some more, because others submit meanwhile; what does not fit came after the question */
    size_t capacity = status->pending + 64;
    *ids = calloc(capacity, sizeof **ids);
    *list = calloc(capacity, sizeof **list);
    if (!*ids || !*list)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the ids of %zu jobs", capacity);
    *n = jobs_get_status(s->options.jobs, status, *ids, capacity);
    for (size_t i = 0; i < *n; i++)
        (*list)[i] = (*ids)[i].text;
    return P_OK;
}

/** Answers on the completion-queue thread: nothing here waits for anything. The request has no
 * fields, and whatever it contains is ignored, as unknown fields are. */
void service_status_message(void *ctx, rpc_call *call)
{
    rpc_service *s = ctx;
    Zkprover__V1__GetStatusResponse r = ZKPROVER__V1__GET_STATUS_RESPONSE__INIT;
    jobs_status status;
    job_id *ids;
    char **list;
    size_t n, len;
    uint8_t *bytes;
    p_err err = {0};
    p_status st = look(s, &status, &ids, &list, &n, &err);
    if (st == P_OK) {
        r.state = current(s, status.mode);
        /* protobuf-c's strings lack a const; packing does not write to them */
        r.version_proto = (char *)(uintptr_t)RPC_PROTOCOL_VERSION;
        r.version_server = (char *)(uintptr_t)ZKP_VERSION;
        if (status.has_last) {
            r.last_computed_request_id = status.last.text;
            r.last_computed_end_time = status.last_ended_ms / 1000;
        }
        if (status.has_current) {
            r.current_computing_request_id = status.current.text;
            r.current_computing_start_time = status.current_started_ms / 1000;
        }
        r.n_pending_request_queue_ids = n;
        r.pending_request_queue_ids = list;
        st = rpc_wire_pack(&r.base, s->options.max_message_bytes, &bytes, &len, &err);
    }
    free(ids);
    free(list);
    if (st != P_OK)
        rpc_call_fail(call, st, err.text);
    else
        rpc_call_answer(call, bytes, len, NULL, RPC_END);
}
