#include "host/rpc/service_internal.h"
#include "host/rpc/wire.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdint.h>

static Zkprover__V1__GetStatusResponse__StatusProver current(rpc_service *s)
{
    if (rpc_server_draining(s->server))
        return ZKPROVER__V1__GET_STATUS_RESPONSE__STATUS_PROVER__STATUS_PROVER_HALT;
    switch (atomic_load(&s->state)) {
    case SERVICE_BOOTING:
        return ZKPROVER__V1__GET_STATUS_RESPONSE__STATUS_PROVER__STATUS_PROVER_BOOTING;
    case SERVICE_READY:
        /* COMPUTING is for proof jobs, which this build does not have */
        return ZKPROVER__V1__GET_STATUS_RESPONSE__STATUS_PROVER__STATUS_PROVER_IDLE;
    default:
        return ZKPROVER__V1__GET_STATUS_RESPONSE__STATUS_PROVER__STATUS_PROVER_HALT;
    }
}

/** Answers on the completion-queue thread: nothing here waits for anything. The request has no
 * fields, and whatever it contains is ignored, as unknown fields are. */
void service_status_message(void *ctx, rpc_call *call)
{
    rpc_service *s = ctx;
    Zkprover__V1__GetStatusResponse r = ZKPROVER__V1__GET_STATUS_RESPONSE__INIT;
    r.state = current(s);
    /* protobuf-c's strings lack a const; packing does not write to them */
    r.version_proto = (char *)(uintptr_t)RPC_PROTOCOL_VERSION;
    r.version_server = (char *)(uintptr_t)ZKP_VERSION;
    uint8_t *bytes;
    size_t len;
    p_err err = {0};
    p_status st = rpc_wire_pack(&r.base, s->options.max_message_bytes, &bytes, &len, &err);
    if (st != P_OK)
        rpc_call_fail(call, st, err.text);
    else
        rpc_call_answer(call, bytes, len, NULL, RPC_END);
}
