/* GetProof: one answer for each request, when the job has ended or the time is over
 * (docs/protocol.md). Who waits is a watch of host/jobs, and costs no thread. */
#include "host/rpc/service_internal.h"
#include "host/rpc/text.h"
#include "host/rpc/wire.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** An id and a time-out take 49 bytes. Small, because it is read on a completion-queue thread. */
#define MAX_REQUEST_BYTES 4096

/** While the server drains, a client that asks again after each PENDING is served so long, and
 *  then told to go; else it would hold the end up for the whole drain time. */
#define DRAIN_ASK_MS 2000

typedef Zkprover__V1__GetProofResponse__ResultGetProof result;
#define RESULT(name) ZKPROVER__V1__GET_PROOF_RESPONSE__RESULT_GET_PROOF__RESULT_GET_PROOF_##name

/** A request that waits. */
typedef struct wait {
    rpc_service *service;
    rpc_call *call;
    uint64_t ticket;
    char id[]; /**< as the client wrote it */
} wait;

/* ---- what is said ---- */

/** Room for a reason beside what is said around it. */
#define REASON_BYTES 800

/** Where a job stands that has not ended. */
static void progress_text(char text[P_ERR_TEXT_BYTES], jobs_why why, const job_view *v,
                          const p_err *reason)
{
    char cut[REASON_BYTES];
    size_t n;
    if (v->state == JOB_RUNNING && v->stage[0])
        n = (size_t)snprintf(text, P_ERR_TEXT_BYTES, "running: %s, %u %%", v->stage, v->percent);
    else if (v->state == JOB_RUNNING)
        n = (size_t)snprintf(text, P_ERR_TEXT_BYTES, "running");
    else
        n = (size_t)snprintf(text, P_ERR_TEXT_BYTES, "pending: %zu in front in the queue",
                             v->position);
    if (why == JOBS_WHY_DRAIN)
        snprintf(
            text + n, P_ERR_TEXT_BYTES - n,
            "; the server is shutting down, and goes on with the job when it is started again");
    else if (why == JOBS_WHY_HALT)
        snprintf(text + n, P_ERR_TEXT_BYTES - n, "; the prover has halted: %s",
                 reason ? rpc_text_cut(cut, sizeof cut, reason->text) : "");
}

static result describe(jobs_why why, const job_view *v, const p_err *reason,
                       char text[P_ERR_TEXT_BYTES])
{
    char cut[REASON_BYTES];
    text[0] = 0;
    if (!v) {
        if (why == JOBS_WHY_UNKNOWN) {
            snprintf(text, P_ERR_TEXT_BYTES,
                     "there is no such job: it was never submitted here, or was deleted by "
                     "retention after its end");
            return RESULT(ERROR);
        }
        snprintf(text, P_ERR_TEXT_BYTES, "the job's result cannot be read: %s",
                 reason ? rpc_text_cut(cut, sizeof cut, reason->text) : "unknown reason");
        return RESULT(INTERNAL_ERROR);
    }
    if (!job_state_is_final(v->state)) {
        progress_text(text, why, v, reason);
        return RESULT(PENDING);
    }
    snprintf(text, P_ERR_TEXT_BYTES, "%s", v->text);
    switch (v->state) {
    case JOB_COMPLETED_OK:
        return RESULT(COMPLETED_OK);
    case JOB_COMPLETED_ERROR:
        return RESULT(COMPLETED_ERROR);
    case JOB_CANCELLED:
        return RESULT(CANCEL);
    default:
        return RESULT(INTERNAL_ERROR);
    }
}

/** The stored proof and public inputs, which are messages of the protocol. */
typedef struct parts {
    rpc_wire_arena *proof, *publics;
} parts;

static p_status add_proof(Zkprover__V1__GetProofResponse *r, parts *p, const job_view *v,
                          p_err *err)
{
    ProtobufCMessage *proof, *publics;
    p_status st = rpc_wire_unpack(&zkprover__v1__proof__descriptor, v->proof, v->proof_len, &proof,
                                  &p->proof, err);
    if (st == P_OK)
        st = rpc_wire_unpack(&zkprover__v1__public_inputs_extended__descriptor, v->publics,
                             v->publics_len, &publics, &p->publics, err);
    if (st != P_OK)
        return st;
    r->proof = (Zkprover__V1__Proof *)proof;
    r->public_ = (Zkprover__V1__PublicInputsExtended *)publics;
    return P_OK;
}

p_status service_get_proof_pack(const char *id, jobs_why why, const job_view *view,
                                const p_err *reason, uint8_t **bytes, size_t *len, bool *failed,
                                char text[P_ERR_TEXT_BYTES], p_err *err)
{
    Zkprover__V1__GetProofResponse r = ZKPROVER__V1__GET_PROOF_RESPONSE__INIT;
    parts p = {NULL, NULL};
    p_err found = {0};
    r.result = describe(why, view, reason, text);
    if (r.result == RESULT(COMPLETED_OK) && add_proof(&r, &p, view, &found) != P_OK) {
        char cut[REASON_BYTES];
        snprintf(text, P_ERR_TEXT_BYTES, "the stored proof cannot be read: %s",
                 rpc_text_cut(cut, sizeof cut, found.text));
        r.result = RESULT(INTERNAL_ERROR);
    }
    *failed = r.result == RESULT(ERROR);
    /* protobuf-c's strings lack a const; packing does not write to them */
    r.id = (char *)(uintptr_t)id;
    r.result_string = text;
    p_status st = rpc_wire_pack(&r.base, SIZE_MAX, bytes, len, err);
    rpc_wire_free(p.proof);
    rpc_wire_free(p.publics);
    return st;
}

static void give_answer(const rpc_service *s, rpc_call *call, const char *id, jobs_why why,
                        const job_view *view, const p_err *reason)
{
    uint8_t *bytes;
    size_t len;
    bool failed;
    char text[P_ERR_TEXT_BYTES], shown[P_ERR_TEXT_BYTES];
    p_err err = {0}, shown_reason = {0};
    job_view shown_view;
    if (view) { /* the text alone is replaced, and the view stays whose it was */
        shown_view = *view;
        shown_view.text =
            rpc_text_hide_folder(shown, sizeof shown, view->text, s->options.hidden_folder);
        view = &shown_view;
    }
    if (reason) {
        shown_reason.status = reason->status;
        rpc_text_hide_folder(shown_reason.text, sizeof shown_reason.text, reason->text,
                             s->options.hidden_folder);
        reason = &shown_reason;
    }
    p_status st = service_get_proof_pack(id, why, view, reason, &bytes, &len, &failed, text, &err);
    if (st != P_OK)
        rpc_call_fail(call, st, err.text);
    else
        rpc_call_answer(call, bytes, len, failed ? text : NULL, RPC_CONTINUE);
}

/** ERROR for a request that names no job. */
static void refuse(rpc_call *call, const char *id, const char *text, rpc_next next)
{
    uint8_t *bytes;
    size_t len;
    p_err err = {0};
    Zkprover__V1__GetProofResponse r = ZKPROVER__V1__GET_PROOF_RESPONSE__INIT;
    r.result = RESULT(ERROR);
    r.id = (char *)(uintptr_t)id;
    r.result_string = (char *)(uintptr_t)text;
    p_status st = rpc_wire_pack(&r.base, SIZE_MAX, &bytes, &len, &err);
    if (st != P_OK)
        rpc_call_fail(call, st, err.text);
    else
        rpc_call_answer(call, bytes, len, text, next);
}

/* ---- waiting ---- */

/** A thread of host/jobs. */
static void on_watch(void *ctx, jobs_why why, const job_view *view, const p_err *reason)
{
    wait *w = ctx;
    rpc_service *s = w->service;
    /* after this nobody finds w by its call; and service_get_proof_message is through with both */
    pthread_mutex_lock(&s->waits);
    rpc_call_set_user(w->call, NULL);
    pthread_mutex_unlock(&s->waits);
    if (why == JOBS_WHY_DROPPED)
        rpc_call_fail(w->call, P_ECANCELLED, "the stream was cancelled");
    else
        give_answer(s, w->call, w->id, why, view, reason);
    free(w);
}

void service_get_proof_cancelled(void *ctx, rpc_call *call)
{
    rpc_service *s = ctx;
    pthread_mutex_lock(&s->waits);
    const wait *w = rpc_call_user(call);
    if (w)
        jobs_watch_drop(s->options.jobs, w->ticket);
    pthread_mutex_unlock(&s->waits);
}

static void begin_wait(rpc_service *s, rpc_call *call, const char *id_text, const job_id *id,
                       uint64_t seconds)
{
    p_err err = {0};
    size_t n = strlen(id_text) + 1;
    wait *w = malloc(sizeof *w + n);
    if (!w) {
        rpc_call_fail(call, P_EEXHAUSTED, "no memory for a waiting request");
        return;
    }
    *w = (wait){.service = s, .call = call};
    memcpy(w->id, id_text, n);
    if (seconds > s->options.get_proof_max_seconds)
        seconds = s->options.get_proof_max_seconds;
    pthread_mutex_lock(&s->waits);
    p_status st = jobs_watch(s->options.jobs, id, seconds * 1000, on_watch, w, &w->ticket, &err);
    if (st == P_OK) {
        /* on_watch waits for the lock before it answers: call and w are still there */
        rpc_call_set_user(call, w);
        if (rpc_call_cancelled(call)) /* before `cancelled` could find w */
            jobs_watch_drop(s->options.jobs, w->ticket);
    }
    pthread_mutex_unlock(&s->waits);
    if (st != P_OK) {
        free(w);
        rpc_call_fail(call, st, err.text);
    }
}

static bool asks_too_long(rpc_service *s)
{
    long long began = atomic_load(&s->drain_ms);
    return began && p_clock_ms(CLOCK_MONOTONIC) - began > DRAIN_ASK_MS;
}

/** Completion-queue thread. */
void service_get_proof_message(void *ctx, rpc_call *call)
{
    rpc_service *s = ctx;
    uint8_t *bytes;
    size_t len;
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    job_id id;
    p_err err = {0};
    if (!service_has_jobs(s, call))
        return;
    if (asks_too_long(s)) {
        rpc_call_fail(call, P_EUNAVAILABLE, "the server is shutting down");
        return;
    }
    if (rpc_call_request_bytes(call) > MAX_REQUEST_BYTES) {
        char text[128];
        snprintf(text, sizeof text,
                 "the request has %zu bytes; expected an id and a time-out, at most %d",
                 rpc_call_request_bytes(call), MAX_REQUEST_BYTES);
        refuse(call, "", text, RPC_END);
        return;
    }
    p_status st = rpc_call_take(call, &bytes, &len, &err);
    if (st == P_OK) {
        st = rpc_wire_unpack(&zkprover__v1__get_proof_request__descriptor, bytes, len, &message,
                             &arena, &err);
        free(bytes);
    }
    if (st == P_EINVAL) {
        refuse(call, "", err.text, RPC_END);
        return;
    }
    if (st != P_OK) {
        rpc_call_fail(call, st, err.text);
        return;
    }
    const Zkprover__V1__GetProofRequest *r = (const Zkprover__V1__GetProofRequest *)message;
    if (job_id_parse(&id, r->id, strlen(r->id)))
        begin_wait(s, call, r->id, &id, r->timeout);
    else
        refuse(call, r->id,
               "the id is no UUID, so there is no such job; expected the id that GenProof gave",
               RPC_CONTINUE);
    rpc_wire_free(arena);
}
