/* Execute: one batch for each request of the stream (docs/protocol.md). */
#include "driver/base/clock.h"
#include "driver/base/hex.h"
#include "host/executor/bytes.h"
#include "host/rpc/service_internal.h"
#include "host/rpc/validate.h"
#include "host/rpc/wire.h"
#include "host/state/receipt.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORD_TEXT_BYTES 67 /* 0x, 64 digits, NUL */

typedef enum result {
    RESULT_OK = ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_COMPLETED_OK,
    RESULT_ERROR = ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_ERROR,
    RESULT_COMPLETED_ERR =
        ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_COMPLETED_ERR,
    RESULT_INTERNAL_ERROR =
        ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_INTERNAL_ERROR,
    RESULT_CANCEL = ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_CANCEL,
} result;

static const char *result_name(result r)
{
    switch (r) {
    case RESULT_OK:
        return "COMPLETED_OK";
    case RESULT_ERROR:
        return "ERROR";
    case RESULT_COMPLETED_ERR:
        return "COMPLETED_ERR";
    case RESULT_CANCEL:
        return "CANCEL";
    default:
        return "INTERNAL_ERROR";
    }
}

/** One request on its way through a worker. */
typedef struct job {
    rpc_call *call;
    double queued;
} job;

typedef struct answer {
    uint8_t *bytes;
    size_t len;
} answer;

/* ---- from an outcome to a message ---- */

/** Everything that a response points to; freed as a whole. */
typedef struct builder {
    Zkprover__V1__ExecuteResponse message;
    Zkprover__V1__ZkCounters counters;
    char root[WORD_TEXT_BYTES];
    Zkprover__V1__ExecuteResponse__DiffKeysValuesEntry *entries;
    Zkprover__V1__ExecuteResponse__DiffKeysValuesEntry **entry_list;
    char (*entry_text)[WORD_TEXT_BYTES]; /**< key and value of each entry */
    size_t text_bytes;                   /**< of receipts and logs */
    size_t max_bytes;
} builder;

static void word_text(char out[WORD_TEXT_BYTES], const u256 *x)
{
    uint8_t bytes[32];
    bytes_store_u256(bytes, x);
    out[0] = '0';
    out[1] = 'x';
    p_hex_encode(out + 2, bytes, 32);
    out[66] = 0;
}

static uint32_t saturate(uint64_t x)
{
    return x > UINT32_MAX ? UINT32_MAX : (uint32_t)x;
}

static p_status no_memory(p_err *err)
{
    return p_err_set(err, P_EEXHAUSTED, "no memory for the answer");
}

static p_status build_changes(builder *b, const state_outcome *o, p_err *err)
{
    size_t n = o->n_changes;
    if (!n)
        return P_OK;
    b->entries = calloc(n, sizeof *b->entries);
    b->entry_list = calloc(n, sizeof *b->entry_list);
    b->entry_text = calloc(2 * n, sizeof *b->entry_text);
    if (!b->entries || !b->entry_list || !b->entry_text)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        Zkprover__V1__ExecuteResponse__DiffKeysValuesEntry *e = &b->entries[i];
        zkprover__v1__execute_response__diff_keys_values_entry__init(e);
        e->key = b->entry_text[2 * i];
        e->value = b->entry_text[2 * i + 1];
        word_text(e->key, &o->changes[i].key);
        word_text(e->value, &o->changes[i].new_value);
        b->entry_list[i] = e;
    }
    b->message.n_diff_keys_values = n;
    b->message.diff_keys_values = b->entry_list;
    return P_OK;
}

/** Takes text over, also on failure. */
static p_status add_text(builder *b, char **list, size_t *n, char *text, p_err *err)
{
    if (!text)
        return no_memory(err);
    list[(*n)++] = text;
    b->text_bytes += strlen(text);
    if (b->text_bytes > b->max_bytes) /* before all of it is made: it could be far more */
        return p_err_set(err, P_EEXHAUSTED,
                         "the answer's receipts and logs alone have more than %zu bytes, which is "
                         "the message limit; raise the server's limit or split the batch",
                         b->max_bytes);
    return P_OK;
}

static p_status build_texts(builder *b, const state_outcome *o, p_err *err)
{
    size_t n_logs = 0;
    for (size_t i = 0; i < o->result.n_txs; i++)
        n_logs += o->txs[i].n_logs;
    if (o->result.n_txs) {
        b->message.receipts = calloc(o->result.n_txs, sizeof *b->message.receipts);
        if (!b->message.receipts)
            return no_memory(err);
    }
    if (n_logs) {
        b->message.logs = calloc(n_logs, sizeof *b->message.logs);
        if (!b->message.logs)
            return no_memory(err);
    }
    p_status st = P_OK;
    for (size_t i = 0; st == P_OK && i < o->result.n_txs; i++) {
        st =
            add_text(b, b->message.receipts, &b->message.n_receipts, state_receipt_json(o, i), err);
        for (size_t j = 0; st == P_OK && j < o->txs[i].n_logs; j++)
            st = add_text(b, b->message.logs, &b->message.n_logs, state_log_json(o, i, j), err);
    }
    return st;
}

static void builder_free(builder *b)
{
    for (size_t i = 0; i < b->message.n_receipts; i++)
        free(b->message.receipts[i]);
    for (size_t i = 0; i < b->message.n_logs; i++)
        free(b->message.logs[i]);
    free(b->message.receipts);
    free(b->message.logs);
    free(b->entries);
    free(b->entry_list);
    free(b->entry_text);
}

static p_status pack_outcome(const state_outcome *o, result r, size_t max_bytes, answer *out,
                             p_err *err)
{
    builder b = {.max_bytes = max_bytes};
    zkprover__v1__execute_response__init(&b.message);
    zkprover__v1__zk_counters__init(&b.counters);
    b.message.result = (Zkprover__V1__ExecuteResponse__ResultExecute)r;
    word_text(b.root, &o->result.new_state_root);
    b.message.new_state_root = b.root;
    b.counters.ecrecover = saturate(o->result.counters.ecrecover);
    b.counters.hash_poseidon = saturate(o->result.counters.poseidon_g);
    b.counters.hash_keccak = saturate(o->result.counters.keccak_f);
    b.counters.arith = 0; /* counts steps of the reference's program: not modelled */
    b.message.counters = &b.counters;
    p_status st = build_changes(&b, o, err);
    if (st == P_OK)
        st = build_texts(&b, o, err);
    if (st == P_OK)
        st = rpc_wire_pack(&b.message.base, max_bytes, &out->bytes, &out->len, err);
    builder_free(&b);
    return st;
}

/** A response that carries nothing but its result. */
static p_status pack_result(result r, answer *out, p_err *err)
{
    Zkprover__V1__ExecuteResponse message = ZKPROVER__V1__EXECUTE_RESPONSE__INIT;
    message.result = (Zkprover__V1__ExecuteResponse__ResultExecute)r;
    return rpc_wire_pack(&message.base, SIZE_MAX, &out->bytes, &out->len, err);
}

/* ---- from bytes to an outcome ---- */

/** The request's bytes to a verified batch; every intermediate form is freed as soon as the next
 * one exists. */
static p_status read_request(const rpc_service *s, rpc_call *call, state_request **out,
                             size_t *request_bytes, p_err *err)
{
    *out = NULL;
    uint8_t *bytes;
    p_status st = rpc_call_take(call, &bytes, request_bytes, err);
    if (st != P_OK)
        return st;
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    st = rpc_wire_unpack(&zkprover__v1__execute_request__descriptor, bytes, *request_bytes,
                         &message, &arena, err);
    free(bytes);
    if (st != P_OK)
        return st;
    rpc_validate_options options = {.fork_id = s->options.fork_id,
                                    .enforce_counters = s->options.enforce_counters,
                                    .need_aggregator = false};
    st = rpc_validate_input(((const Zkprover__V1__ExecuteRequest *)message)->input, &options, out,
                            err);
    rpc_wire_free(arena);
    if (st != P_OK)
        return st;
    st = state_request_verify(*out, s->options.poseidon, err);
    if (st != P_OK) {
        state_request_destroy(*out);
        *out = NULL;
    }
    return st;
}

static bool should_stop(void *ctx)
{
    return rpc_call_cancelled(ctx);
}

/** Whether a failed step ends the call as a whole (true) or is the result of this request alone. */
static bool ends_call(p_status st)
{
    return st == P_EEXHAUSTED || st == P_EUNAVAILABLE;
}

static result result_of(p_status st)
{
    switch (st) {
    case P_EINVAL:
    case P_EMISSING:
    case P_EUNSUPPORTED:
        return RESULT_ERROR;
    case P_ECANCELLED:
    case P_EDEADLINE:
        return RESULT_CANCEL;
    default:
        return RESULT_INTERNAL_ERROR;
    }
}

static void report(const rpc_service *s, const rpc_execute_event *event)
{
    if (s->options.executed)
        s->options.executed(s->options.executed_ctx, event);
}

/** Gives the answer that the status calls for, or the outcome's; exactly once. */
static void give_answer(rpc_service *s, rpc_call *call, p_status st, bool malformed,
                        const state_outcome *o, rpc_execute_event *event, p_err *err)
{
    answer a = {NULL, 0};
    result r = RESULT_OK;
    char reason[P_ERR_TEXT_BYTES] = "";
    if (st == P_OK) {
        if (o->result.outcome != EXEC_BATCH_OK) {
            r = RESULT_COMPLETED_ERR;
            if (o->result.outcome == EXEC_BATCH_INVALID_RLP)
                snprintf(reason, sizeof reason, "the batch cannot be decoded: %s at byte %zu",
                         o->result.invalid_reason ? o->result.invalid_reason : "invalid RLP",
                         o->result.invalid_offset);
            else
                snprintf(reason, sizeof reason, "the batch was rolled back: %s",
                         exec_batch_outcome_text(o->result.outcome));
        }
        event->transactions = o->result.n_txs;
        event->processed = o->result.n_processed;
        for (size_t i = 0; i < o->result.n_txs; i++) {
            exec_error e = o->txs[i].error;
            event->failed += e != EXEC_OK && !exec_error_is_unexecuted(e);
            event->undone += exec_error_is_undone(e);
        }
        event->batch_num = o->result.new_batch_num;
        event->execute_seconds = o->seconds;
        st = pack_outcome(o, r, s->options.max_message_bytes, &a, err);
    }
    if (st != P_OK && !ends_call(st)) {
        r = result_of(st);
        snprintf(reason, sizeof reason, "%s", err->text[0] ? err->text : p_status_text(st));
        st = pack_result(r, &a, err);
    }
    if (st != P_OK) {
        event->result = p_status_name(st);
        event->reason = err->text;
        report(s, event);
        rpc_call_fail(call, st, err->text);
        return;
    }
    event->result = result_name(r);
    event->response_bytes = a.len;
    event->reason = reason[0] ? reason : NULL;
    report(s, event);
    rpc_call_answer(call, a.bytes, a.len, event->reason, malformed ? RPC_END : RPC_CONTINUE);
}

void service_execute_job(void *ctx, void *arg, unsigned worker)
{
    rpc_service *s = ctx;
    rpc_call *call = ((job *)arg)->call;
    double started = p_clock_seconds(CLOCK_MONOTONIC);
    rpc_execute_event event = {.index = rpc_call_index(call),
                               .wait_seconds = started - ((job *)arg)->queued};
    double queued = ((job *)arg)->queued;
    free(arg);

    p_err err = {0};
    state_request *request = NULL;
    state_outcome *outcome = NULL;
    bool malformed = false;
    p_status st = P_OK;
    if (rpc_call_cancelled(call)) {
        st = p_err_set(&err, P_ECANCELLED, "the stream was cancelled before the batch was begun");
    } else {
        st = read_request(s, call, &request, &event.request_bytes, &err);
        malformed = st == P_EINVAL;
    }
    if (st == P_OK) {
        state_run_options options = {.store = s->options.store,
                                     .persist = s->options.persist_execute,
                                     .should_stop = should_stop,
                                     .should_stop_ctx = call,
                                     .memory_limit = s->options.execute_memory_bytes};
        st = state_execute(s->runners[worker], request, &options, &outcome, &err);
    }
    state_request_destroy(request);
    event.total_seconds = p_clock_seconds(CLOCK_MONOTONIC) - queued;
    give_answer(s, call, st, malformed, outcome, &event, &err);
    state_outcome_destroy(outcome);
}

/** Completion-queue thread. */
void service_execute_message(void *ctx, rpc_call *call)
{
    rpc_service *s = ctx;
    if (rpc_server_draining(s->server)) {
        p_err err = {0};
        answer a;
        p_status st = pack_result(RESULT_CANCEL, &a, &err);
        if (st == P_OK)
            rpc_call_answer(call, a.bytes, a.len, "the server is shutting down", RPC_CONTINUE);
        else
            rpc_call_fail(call, st, err.text);
        return;
    }
    if (atomic_load(&s->state) != SERVICE_READY) {
        rpc_call_fail(call, P_EUNAVAILABLE, "the server is not ready: see GetStatus");
        return;
    }
    job *j = malloc(sizeof *j);
    if (!j) {
        rpc_call_fail(call, P_EEXHAUSTED, "no memory for the request");
        return;
    }
    *j = (job){call, p_clock_seconds(CLOCK_MONOTONIC)};
    if (!rpc_workers_submit(s->workers, j)) {
        free(j);
        rpc_call_fail(call, P_EEXHAUSTED, "too many requests are waiting; try again later");
    }
}
