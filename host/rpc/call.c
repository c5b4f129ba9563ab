/* One call of the server core: its batches, its requests and answers, its end. */
#include "driver/base/clock.h"
#include "host/rpc/percent.h"
#include "host/rpc/server_internal.h"
#include "host/rpc/text.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/support/log.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Trailing metadata of one stream; clients accept 8 KiB and more in all. */
#define REASONS_BYTES 6144

static const char reason_key[] = "zkprover-error";

/* ---- what is in work ---- */

static void call_count_in(rpc_call *c, size_t *slot, size_t bytes)
{
    *slot += bytes;
    atomic_fetch_add(&c->server->inflight, bytes);
    if (c->peer)
        atomic_fetch_add(&c->peer->inflight, bytes);
}

static void call_count_out(rpc_call *c, size_t *slot)
{
    atomic_fetch_sub(&c->server->inflight, *slot);
    if (c->peer)
        atomic_fetch_sub(&c->peer->inflight, *slot);
    *slot = 0;
}

/* ---- its life ---- */

rpc_call *rpc_call_create(rpc_server *s, grpc_call *call)
{
    rpc_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    if (pthread_mutex_init(&c->lock, NULL)) {
        free(c);
        return NULL;
    }
    c->server = s;
    c->call = call;
    c->code = GRPC_STATUS_CANCELLED;
    atomic_init(&c->cancelled, false);
    for (int k = 0; k < TAG_STOPPED; k++)
        c->tags[k] = (tag){(tag_kind)k, c};
    return c;
}

static void call_destroy(rpc_call *c)
{
    rpc_server *s = c->server;
    /* out of the list first: then no sweep can find the record any more */
    pthread_mutex_lock(&s->lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->calls = c->next;
    if (c->next)
        c->next->prev = c->prev;
    pthread_mutex_unlock(&s->lock);

    call_count_out(c, &c->in_bytes);
    call_count_out(c, &c->out_bytes);
    if (c->in)
        grpc_byte_buffer_destroy(c->in);
    if (c->out)
        grpc_byte_buffer_destroy(c->out);
    for (size_t i = 0; i < c->n_reasons; i++)
        grpc_slice_unref(c->reasons[i].value);
    free(c->reasons);
    if (c->has_details)
        grpc_slice_unref(c->details);
    grpc_call_unref(c->call);
    pthread_mutex_destroy(&c->lock);
    if (s->options.ended)
        s->options.ended(s->options.ended_ctx, c->method ? c->method->name : NULL,
                         c->close_cancelled ? GRPC_STATUS_CANCELLED : c->code);

    /* out of the counts last: rpc_server_stop waits for them before it takes gRPC down */
    pthread_mutex_lock(&s->lock);
    s->n_calls--;
    rpc_peers_leave(s->peers, c->peer);
    if (c->counted)
        s->n_counted--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    free(c);
}

void rpc_call_release(rpc_call *c)
{
    bool last = --c->refs == 0;
    pthread_mutex_unlock(&c->lock);
    if (last)
        call_destroy(c);
}

/** Starts a batch; false (and the call is given up) if gRPC refuses it. Lock held. */
static bool call_batch(rpc_call *c, const grpc_op *ops, size_t n, tag_kind kind)
{
    c->refs++;
    HANDOVER_GIVE(&c->tags[kind]);
    grpc_call_error e = grpc_call_start_batch(c->call, ops, n, &c->tags[kind], NULL);
    if (e == GRPC_CALL_OK)
        return true;
    c->refs--;
    atomic_store(&c->cancelled, true);
    /* a peer that waits for an answer must not wait for ever; this cannot fail but on a NULL
     * argument, and there is nothing more to be done if it did */
    e = grpc_call_cancel_with_status(c->call, GRPC_STATUS_INTERNAL, grpc_call_error_to_string(e),
                                     NULL);
    if (e != GRPC_CALL_OK)
        gpr_log(GPR_ERROR, "a call could not be cancelled: %s", grpc_call_error_to_string(e));
    return false;
}

static void call_read(rpc_call *c)
{
    grpc_op op;
    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_MESSAGE;
    op.data.recv_message.recv_message = &c->in;
    c->idle_since_ns = p_clock_ns(CLOCK_MONOTONIC);
    c->reading = call_batch(c, &op, 1, TAG_READ);
}

/** Keeps a reason for the trailing metadata; what does not fit is only counted. Lock held. */
static void call_add_reason(rpc_call *c, uint64_t index, bool with_index, const char *text)
{
    char prefix[32] = "", encoded[RPC_REASON_MAX + 1];
    if (with_index)
        snprintf(prefix, sizeof prefix, "%" PRIu64 ": ", index);
    size_t n = strlen(prefix);
    memcpy(encoded, prefix, n);
    char shown[P_ERR_TEXT_BYTES];
    rpc_text_hide_folder(shown, sizeof shown, text, c->server->options.hidden_folder);
    n += rpc_percent_encode(encoded + n, sizeof encoded - n, shown);
    bool fits = c->reasons_bytes + n <= REASONS_BYTES;
    if (fits && c->n_reasons == c->cap_reasons) {
        size_t cap = c->cap_reasons ? 2 * c->cap_reasons : 4;
        grpc_metadata *more = realloc(c->reasons, cap * sizeof *more);
        fits = more != NULL;
        if (more) {
            c->reasons = more;
            c->cap_reasons = cap;
        }
    }
    if (!fits) {
        if (!c->omitted++)
            c->omitted_first = index;
        return;
    }
    grpc_metadata *m = &c->reasons[c->n_reasons++];
    memset(m, 0, sizeof *m);
    m->key = grpc_slice_from_static_string(reason_key);
    m->value = grpc_slice_from_copied_buffer(encoded, n);
    c->reasons_bytes += n + sizeof reason_key + 32; /* 32: HPACK's own accounting */
}

static void call_set_initial(rpc_call *c, grpc_op *op)
{
    memset(op, 0, sizeof *op);
    op->op = GRPC_OP_SEND_INITIAL_METADATA;
    c->init_sent = true;
}

/** Fills the operation that ends the call. Lock held; once. */
static void call_set_status(rpc_call *c, grpc_op *op, p_status status, const char *text)
{
    if (c->omitted) {
        char more[96];
        snprintf(more, sizeof more, "and %" PRIu64 " further failed requests from here on",
                 c->omitted);
        uint64_t index = c->omitted_first;
        c->omitted = 0;
        c->reasons_bytes = 0; /* this last one always fits: it is short, and there is only one */
        call_add_reason(c, index, true, more);
    }
    memset(op, 0, sizeof *op);
    op->op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    op->data.send_status_from_server.status = (grpc_status_code)p_status_grpc(status);
    c->code = (int)op->data.send_status_from_server.status;
    op->data.send_status_from_server.trailing_metadata = c->reasons;
    op->data.send_status_from_server.trailing_metadata_count = c->n_reasons;
    if (text) {
        char shown[P_ERR_TEXT_BYTES];
        c->details = grpc_slice_from_copied_string(
            rpc_text_hide_folder(shown, sizeof shown, text, c->server->options.hidden_folder));
        c->has_details = true;
        op->data.send_status_from_server.status_details = &c->details;
    }
    c->finished = true;
}

void rpc_call_finish(rpc_call *c, p_status status, const char *text)
{
    if (c->finished)
        return;
    grpc_op ops[2];
    size_t n = 0;
    if (!c->init_sent)
        call_set_initial(c, &ops[n++]);
    call_set_status(c, &ops[n++], status, text);
    (void)call_batch(c, ops, n, TAG_STATUS); /* a refused batch has cancelled the call */
}

void rpc_call_begin(rpc_call *c, p_status refuse, const char *why)
{
    grpc_op op;
    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    op.data.recv_close_on_server.cancelled = &c->close_cancelled;
    pthread_mutex_lock(&c->lock);
    c->refs++;
    if (call_batch(c, &op, 1, TAG_CLOSE)) {
        if (refuse != P_OK) {
            rpc_call_finish(c, refuse, why);
        } else {
            if (c->method->kind != RPC_UNARY) {
                /* at once: a client may wait for the headers before its first request */
                call_set_initial(c, &op);
                if (call_batch(c, &op, 1, TAG_INIT))
                    call_read(c);
            } else {
                call_read(c);
            }
        }
    }
    rpc_call_release(c);
}

/* ---- events ---- */

/** A request was read, or there is none any more. Lock held on entry; returns true if the method is
 * to be told (then without the lock). */
static bool on_read(rpc_call *c, bool ok)
{
    c->reading = false;
    if (!c->in || !ok) {
        if (c->in) {
            grpc_byte_buffer_destroy(c->in);
            c->in = NULL;
        }
        if (grpc_call_failed_before_recv_message(c->call))
            return false; /* the call failed, and the close event ends it */
        if (c->method->kind != RPC_BIDI)
            rpc_call_finish(c, P_EINVAL, "the call was half-closed before a request message");
        else
            rpc_call_finish(c, P_OK, NULL);
        return false;
    }
    if (c->finished) { /* ended by draining while this message was on its way */
        grpc_byte_buffer_destroy(c->in);
        c->in = NULL;
        return false;
    }
    size_t len = grpc_byte_buffer_length(c->in);
    call_count_in(c, &c->in_bytes, len);
    atomic_fetch_add(&c->server->messages, 1);
    const rpc_server_options *o = &c->server->options;
    size_t all = atomic_load(&c->server->inflight), own = atomic_load(&c->peer->inflight);
    bool own_limit = o->max_client_inflight_bytes && own > o->max_client_inflight_bytes;
    if (all > o->max_inflight_bytes || own_limit) {
        char why[256];
        snprintf(why, sizeof why,
                 "a request of %zu bytes does not fit: %zu bytes of requests and answers %sare in "
                 "work, limit %zu; try again later",
                 len, (own_limit ? own : all) - len, own_limit ? "of this client's address " : "",
                 own_limit ? o->max_client_inflight_bytes : o->max_inflight_bytes);
        grpc_byte_buffer_destroy(c->in);
        c->in = NULL;
        call_count_out(c, &c->in_bytes);
        call_add_reason(c, c->index, c->method->kind == RPC_BIDI, why);
        rpc_call_finish(c, P_EEXHAUSTED, why);
        return false;
    }
    c->index++;
    c->owed = true;
    c->refs++;
    return true;
}

bool rpc_call_mark_cancelled(rpc_call *c)
{
    atomic_store(&c->cancelled, true);
    bool tell = c->owed && !c->cancel_told && c->method && c->method->cancelled;
    if (tell)
        c->cancel_told = true;
    return tell;
}

void rpc_call_event(rpc_call *c, tag_kind kind, bool ok)
{
    bool tell_message = false, tell_cancelled = false;
    pthread_mutex_lock(&c->lock);
    switch (kind) {
    case TAG_READ:
        tell_message = on_read(c, ok);
        break;
    case TAG_WRITE:
        grpc_byte_buffer_destroy(c->out);
        c->out = NULL;
        call_count_out(c, &c->out_bytes);
        if (c->method->kind == RPC_SERVER_STREAM && !c->finished) {
            /* also if it failed: the method learns from rpc_call_cancelled, or from `cancelled`,
             * that nobody reads on */
            c->index++;
            c->owed = true;
            c->refs++;
            tell_message = true;
        } else if (ok && !c->finished) {
            call_read(c);
        }
        break;
    case TAG_CLOSE:
        if (c->close_cancelled)
            tell_cancelled = rpc_call_mark_cancelled(c);
        break;
    case TAG_INIT:   /* if it failed, the call failed, and the close event says so */
    case TAG_STATUS: /* likewise */
    default:
        break;
    }
    if (tell_message || tell_cancelled) {
        /* this event's own reference keeps the call alive meanwhile */
        pthread_mutex_unlock(&c->lock);
        if (tell_message)
            c->method->message(c->method->ctx, c);
        else
            c->method->cancelled(c->method->ctx, c);
        pthread_mutex_lock(&c->lock);
    }
    rpc_call_release(c);
}

/* ---- what services do with a call ---- */

p_status rpc_call_take(rpc_call *c, uint8_t **bytes, size_t *len, p_err *err)
{
    *bytes = NULL;
    *len = 0;
    /* the read is over and the next one waits for the answer: nobody else touches `in` */
    grpc_byte_buffer *in = c->in;
    if (!in)
        return p_err_set(err, P_EINTERNAL, "the request was already taken");
    size_t n = grpc_byte_buffer_length(in), at = 0;
    uint8_t *out = malloc(n ? n : 1);
    if (!out)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a request of %zu bytes", n);
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, in)) {
        free(out);
        return p_err_set(err, P_EINTERNAL, "the request's buffer cannot be read");
    }
    grpc_slice *slice;
    while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
        size_t part = GRPC_SLICE_LENGTH(*slice);
        if (part > n - at)
            break;
        memcpy(out + at, GRPC_SLICE_START_PTR(*slice), part);
        at += part;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    c->in = NULL;
    grpc_byte_buffer_destroy(in);
    if (at != n) {
        free(out);
        return p_err_set(err, P_EINTERNAL, "the request has %zu bytes in place of %zu", at, n);
    }
    *bytes = out;
    *len = n;
    return P_OK;
}

uint64_t rpc_call_index(const rpc_call *c)
{
    return c->index - 1;
}

size_t rpc_call_request_bytes(const rpc_call *c)
{
    return c->in_bytes;
}

bool rpc_call_cancelled(const rpc_call *c)
{
    return atomic_load(&c->cancelled);
}

void rpc_call_set_user(rpc_call *c, void *user)
{
    c->user = user;
}

void *rpc_call_user(const rpc_call *c)
{
    return c->user;
}

/** The answer is there: what the request held is given back. Lock held. */
static void call_paid(rpc_call *c)
{
    c->owed = false;
    if (c->in) {
        grpc_byte_buffer_destroy(c->in);
        c->in = NULL;
    }
    call_count_out(c, &c->in_bytes);
    atomic_fetch_add(&c->server->answers, 1);
}

void rpc_call_answer(rpc_call *c, uint8_t *bytes, size_t len, const char *reason, rpc_next next)
{
    if (len > c->server->options.max_message_bytes) {
        char text[256];
        snprintf(text, sizeof text,
                 "the answer has %zu bytes, and the message limit is %zu; raise the server's limit "
                 "or ask for less in one request",
                 len, c->server->options.max_message_bytes);
        free(bytes);
        rpc_call_fail(c, P_EEXHAUSTED, text);
        return;
    }
    pthread_mutex_lock(&c->lock);
    bool stream = c->method->kind != RPC_UNARY;
    call_paid(c);
    if (reason)
        call_add_reason(c, c->index - 1, c->method->kind == RPC_BIDI, reason);
    if (c->finished) {
        free(bytes);
    } else {
        grpc_op ops[3];
        size_t n = 0;
        grpc_slice slice = len ? grpc_slice_new(bytes, len, free) : grpc_empty_slice();
        if (!len)
            free(bytes);
        c->out = grpc_raw_byte_buffer_create(&slice, 1);
        grpc_slice_unref(slice); /* the byte buffer has its own reference */
        call_count_in(c, &c->out_bytes, len);
        if (!c->init_sent)
            call_set_initial(c, &ops[n++]);
        memset(&ops[n], 0, sizeof ops[n]);
        ops[n].op = GRPC_OP_SEND_MESSAGE;
        ops[n++].data.send_message.send_message = c->out;
        if (!stream || next == RPC_END)
            call_set_status(c, &ops[n++], P_OK, NULL);
        if (!call_batch(c, ops, n, TAG_WRITE)) {
            grpc_byte_buffer_destroy(c->out);
            c->out = NULL;
            call_count_out(c, &c->out_bytes);
        }
    }
    rpc_call_release(c); /* the reference that came with the debt */
}

void rpc_call_fail(rpc_call *c, p_status status, const char *text)
{
    pthread_mutex_lock(&c->lock);
    call_paid(c);
    call_add_reason(c, c->index - 1, c->method->kind == RPC_BIDI, text);
    rpc_call_finish(c, status == P_OK ? P_EINTERNAL : status, text);
    rpc_call_release(c);
}
