/* GenProof: a batch becomes a job (docs/protocol.md). */
#include "host/pipeline/pipeline.h"
#include "host/rpc/service_internal.h"
#include "host/rpc/validate.h"
#include "host/rpc/wire.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdlib.h>

typedef enum result {
    RESULT_OK = ZKPROVER__V1__GEN_PROOF_RESPONSE__RESULT_GEN_PROOF__RESULT_GEN_PROOF_OK,
    RESULT_ERROR = ZKPROVER__V1__GEN_PROOF_RESPONSE__RESULT_GEN_PROOF__RESULT_GEN_PROOF_ERROR,
    RESULT_INTERNAL_ERROR =
        ZKPROVER__V1__GEN_PROOF_RESPONSE__RESULT_GEN_PROOF__RESULT_GEN_PROOF_INTERNAL_ERROR,
} result;

/* ---- a batch from its message, here and when the job runs ---- */

static p_status verified_request(const Zkprover__V1__InputProver *input,
                                 const gl_poseidon_ops *poseidon, uint32_t fork_id,
                                 state_request **out, p_err *err)
{
    /* the guest always enforces the counters, so a job does */
    const rpc_validate_options options = {
        .fork_id = fork_id, .enforce_counters = true, .need_aggregator = true};
    p_status st = rpc_validate_input(input, &options, out, err);
    if (st == P_OK)
        st = state_request_verify(*out, poseidon, err);
    if (st != P_OK) {
        state_request_destroy(*out);
        *out = NULL;
    }
    return st;
}

/* A job keeps the rules under which it was taken, also if the server is started again with others:
 * the fork id stands behind the message as a field that InputProver lacks, its last one. */
#define FORK_FIELD 15
#define FORK_FIELD_BYTES 2 /* the tag and a number below 128 */

static p_status add_fork(uint8_t **bytes, size_t *len, uint32_t fork_id, p_err *err)
{
    uint8_t *more = fork_id < 128 ? realloc(*bytes, *len + FORK_FIELD_BYTES) : NULL;
    if (!more)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a request of %zu bytes", *len);
    more[(*len)++] = FORK_FIELD << 3 | PROTOBUF_C_WIRE_TYPE_VARINT;
    more[(*len)++] = (uint8_t)fork_id;
    *bytes = more;
    return P_OK;
}

/** Of a stored request; that of the server for one of before there was the field. */
static uint32_t fork_of(const ProtobufCMessage *input, uint32_t server_fork)
{
    if (!input->n_unknown_fields)
        return server_fork;
    const ProtobufCMessageUnknownField *f = &input->unknown_fields[input->n_unknown_fields - 1];
    bool ours = f->tag == FORK_FIELD && f->wire_type == PROTOBUF_C_WIRE_TYPE_VARINT && f->len == 1;
    return ours ? f->data[0] : server_fork;
}

p_status rpc_input_decode(void *ctx, const uint8_t *bytes, size_t len, state_request **out,
                          p_err *err)
{
    const rpc_input_decoder *d = ctx;
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    *out = NULL;
    p_status st =
        rpc_wire_unpack(&zkprover__v1__input_prover__descriptor, bytes, len, &message, &arena, err);
    if (st != P_OK)
        return st;
    st = verified_request((const Zkprover__V1__InputProver *)message, d->poseidon,
                          fork_of(message, d->fork_id), out, err);
    rpc_wire_free(arena);
    return st;
}

/* ---- the call ---- */

/** Checks the message and makes the stored form of it; *bytes is malloc'ed. */
static p_status stored_form(const rpc_service *s, const Zkprover__V1__InputProver *input,
                            uint8_t **bytes, size_t *len, p_err *err)
{
    state_request *request;
    p_status st = verified_request(input, s->options.poseidon, s->options.fork_id, &request, err);
    if (st != P_OK)
        return st;
    st = pipeline_admit(request, zkprover__v1__input_prover__get_packed_size(input),
                        s->options.job_memory_bytes, err);
    state_request_destroy(request);
    if (st == P_OK)
        st = rpc_wire_pack(&input->base, SIZE_MAX, bytes, len, err);
    return st == P_OK ? add_fork(bytes, len, s->options.fork_id, err) : st;
}

/** From the call's bytes to the stored form. Every intermediate form is freed as soon as the next
 *  one exists. */
static p_status read_request(const rpc_service *s, rpc_call *call, uint8_t **bytes, size_t *len,
                             p_err *err)
{
    uint8_t *wire;
    size_t wire_len;
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    p_status st = rpc_call_take(call, &wire, &wire_len, err);
    if (st != P_OK)
        return st;
    st = rpc_wire_unpack(&zkprover__v1__gen_proof_request__descriptor, wire, wire_len, &message,
                         &arena, err);
    free(wire);
    if (st != P_OK)
        return st;
    st = stored_form(s, ((const Zkprover__V1__GenProofRequest *)message)->input, bytes, len, err);
    rpc_wire_free(arena);
    return st;
}

static void give_answer(rpc_call *call, p_status st, const job_id *id, p_err *err)
{
    uint8_t *bytes;
    size_t len;
    Zkprover__V1__GenProofResponse r = ZKPROVER__V1__GEN_PROOF_RESPONSE__INIT;
    result code = st == P_OK ? RESULT_OK : st == P_EINVAL ? RESULT_ERROR : RESULT_INTERNAL_ERROR;
    r.result = (Zkprover__V1__GenProofResponse__ResultGenProof)code;
    /* protobuf-c's strings lack a const; packing does not write to them */
    if (st == P_OK)
        r.id = (char *)(uintptr_t)id->text;
    p_err pack = {0};
    p_status packed = rpc_wire_pack(&r.base, SIZE_MAX, &bytes, &len, &pack);
    if (packed != P_OK)
        rpc_call_fail(call, packed, pack.text);
    else
        rpc_call_answer(call, bytes, len, st == P_OK ? NULL : err->text, RPC_END);
}

/** A thread of the submitters. */
void service_gen_proof_job(void *ctx, void *arg, unsigned worker)
{
    rpc_service *s = ctx;
    rpc_call *call = arg;
    p_err err = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    job_id id;
    (void)worker;
    p_status st = P_OK;
    if (!rpc_call_cancelled(call))
        st = read_request(s, call, &bytes, &len, &err);
    /* nobody would learn the id: the job would only cost */
    if (st == P_OK && rpc_call_cancelled(call))
        st = p_err_set(&err, P_ECANCELLED, "the call was cancelled before its job was stored");
    if (st == P_OK)
        st = jobs_submit(s->options.jobs, bytes, len, &id, &err);
    free(bytes);
    if (service_ends_call(st) || st == P_ECANCELLED)
        rpc_call_fail(call, st, err.text);
    else
        give_answer(call, st, &id, &err);
    atomic_fetch_sub(&s->submitting, 1);
}

/** Completion-queue thread. */
void service_gen_proof_message(void *ctx, rpc_call *call)
{
    rpc_service *s = ctx;
    if (!service_has_jobs(s, call))
        return;
    if (!s->options.enforce_counters) {
        rpc_call_fail(
            call, P_EMISSING,
            "this server does not enforce the counters (counters.enforce is false), and a "
            "proof always does: GenProof is refused here; use a server that enforces them");
        return;
    }
    atomic_fetch_add(&s->submitting, 1);
    if (!service_hand_over(s->submitters, call))
        atomic_fetch_sub(&s->submitting, 1);
}
