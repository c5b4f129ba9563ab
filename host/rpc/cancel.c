/* Cancel: a job will produce no proof (docs/protocol.md). */
#include "host/rpc/service_internal.h"
#include "host/rpc/text.h"
#include "host/rpc/wire.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdlib.h>
#include <string.h>

/** An id takes 38 bytes. */
#define MAX_REQUEST_BYTES 4096

static p_status cancel(const rpc_service *s, rpc_call *call, p_err *err)
{
    uint8_t *bytes;
    size_t len;
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    job_id id;
    char shown[65];
    if (rpc_call_request_bytes(call) > MAX_REQUEST_BYTES)
        return p_err_set(err, P_EINVAL, "the request has %zu bytes; expected an id, at most %d",
                         rpc_call_request_bytes(call), MAX_REQUEST_BYTES);
    p_status st = rpc_call_take(call, &bytes, &len, err);
    if (st != P_OK)
        return st;
    st = rpc_wire_unpack(&zkprover__v1__cancel_request__descriptor, bytes, len, &message, &arena,
                         err);
    free(bytes);
    if (st != P_OK)
        return st;
    const char *text = ((const Zkprover__V1__CancelRequest *)message)->id;
    if (!job_id_parse(&id, text, strlen(text)))
        st = p_err_set(err, P_EINVAL,
                       "id: '%s' is no UUID, so there is no such job; expected the id that "
                       "GenProof gave",
                       rpc_text_cut(shown, sizeof shown, text));
    rpc_wire_free(arena);
    return st == P_OK ? jobs_cancel(s->options.jobs, &id, err) : st;
}

static void give_answer(rpc_call *call, p_status st, const p_err *err)
{
    uint8_t *bytes;
    size_t len;
    p_err pack = {0};
    Zkprover__V1__CancelResponse r = ZKPROVER__V1__CANCEL_RESPONSE__INIT;
    r.result = st == P_OK ? ZKPROVER__V1__CANCEL_RESPONSE__RESULT_CANCEL__RESULT_CANCEL_OK
                          : ZKPROVER__V1__CANCEL_RESPONSE__RESULT_CANCEL__RESULT_CANCEL_ERROR;
    p_status packed = rpc_wire_pack(&r.base, SIZE_MAX, &bytes, &len, &pack);
    if (packed != P_OK)
        rpc_call_fail(call, packed, pack.text);
    else
        rpc_call_answer(call, bytes, len, st == P_OK ? NULL : err->text, RPC_END);
}

/** A thread of the cancellers. */
void service_cancel_job(void *ctx, void *arg, unsigned worker)
{
    const rpc_service *s = ctx;
    rpc_call *call = arg;
    p_err err = {0};
    (void)worker;
    p_status st = cancel(s, call, &err);
    if (st == P_OK || st == P_EINVAL || st == P_ENOTFOUND)
        give_answer(call, st, &err);
    else /* the store's trouble says nothing about the job: no result code fits */
        rpc_call_fail(call, st, err.text);
}

/** Completion-queue thread. */
void service_cancel_message(void *ctx, rpc_call *call)
{
    rpc_service *s = ctx;
    if (service_has_jobs(s, call))
        (void)service_hand_over(s->cancellers, call);
}
