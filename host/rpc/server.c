#include "host/rpc/server.h"

#include "driver/base/clock.h"
#include "host/rpc/accept.h"
#include "host/rpc/credentials.h"
#include "host/rpc/peers.h"
#include "host/rpc/percent.h"
#include "host/rpc/text.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ThreadSanitizer does not see that gRPC hands a tag from the thread that starts a batch to the one
 * that gets its event, because the library is not instrumented; so the hand-over is said
 * explicitly. */
#ifdef __SANITIZE_THREAD__
#define RPC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RPC_TSAN 1
#endif
#endif
#ifdef RPC_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define HANDOVER_GIVE(p) __tsan_release(p)
#define HANDOVER_TAKE(p) __tsan_acquire(p)
#else
#define HANDOVER_GIVE(p) ((void)(p))
#define HANDOVER_TAKE(p) ((void)(p))
#endif

/** Accepts that wait inside gRPC at any time. */
#define ACCEPT_SLOTS 32
/** A stream on which nothing is owed is ended this long after draining began, or after its last
 * answer. */
#define DRAIN_IDLE_NS INT64_C(250000000)
/** Clients that have been told to go (GOAWAY) get this long to read their last answers and leave;
 * then their connections are closed, which gRPC calls an error on every stream still open. */
#define GOODBYE_MS 500
/** Trailing metadata of one stream; clients accept 8 KiB and more in all. */
#define REASONS_BYTES 6144

static const char reason_key[] = "zkprover-error";

typedef enum tag_kind {
    TAG_ACCEPT,
    TAG_INIT,
    TAG_READ,
    TAG_WRITE,
    TAG_STATUS,
    TAG_CLOSE,
    TAG_STOPPED
} tag_kind;

typedef struct tag {
    tag_kind kind;
    void *owner; /**< accept_slot, rpc_call or rpc_server */
} tag;

typedef struct accept_slot {
    tag tag;
    rpc_server *server;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
} accept_slot;

struct rpc_call {
    rpc_server *server;
    grpc_call *call;
    const rpc_method *method; /**< NULL: unknown, or the call was refused */
    rpc_call *prev, *next;    /**< server->calls, under server->lock */
    rpc_peer *peer;           /**< NULL: refused */

    pthread_mutex_t lock; /**< everything below, and the order of batches */
    unsigned refs;        /**< started batches, and the owed answer */
    bool counted;         /**< holds up draining */
    bool init_sent;
    bool reading;
    bool owed;     /**< the service owes an answer */
    bool finished; /**< the batch with the status was started */
    int code;      /**< gRPC status that was sent last; CANCELLED before */
    int64_t idle_since_ns;
    uint64_t index; /**< requests read so far */
    grpc_byte_buffer *in;
    grpc_byte_buffer *out;
    size_t in_bytes, out_bytes; /**< counted in server->inflight */
    int close_cancelled;
    atomic_bool cancelled;
    bool cancel_told;
    void *user;          /**< the service's, and guarded by it */
    rpc_call *told_next; /**< of rpc_server_cancel_calls */

    grpc_metadata *reasons; /**< trailing metadata; keys are static, values are ours */
    size_t n_reasons, cap_reasons, reasons_bytes;
    uint64_t omitted_first, omitted;
    grpc_slice details; /**< status text; must live as long as its batch */
    bool has_details;

    tag tags[TAG_STOPPED]; /**< by kind; TAG_ACCEPT is not used */
};

typedef enum server_phase { PHASE_CREATED, PHASE_STARTED, PHASE_STOPPED } server_phase;

struct rpc_server {
    rpc_server_options options;
    rpc_method *methods;
    size_t n_methods;
    grpc_server *server;
    grpc_completion_queue *queue;
    grpc_resource_quota *quota;
    bool bound;
    server_phase phase;
    pthread_t *threads;
    unsigned n_threads;
    accept_slot slots[ACCEPT_SLOTS];
    tag stopped_tag;

    pthread_mutex_t lock; /**< taken before a call's lock, never after */
    pthread_cond_t changed;
    rpc_call *calls;
    unsigned n_calls;   /**< all records */
    unsigned n_counted; /**< those that hold up draining */
    rpc_peers *peers;
    bool stopped;
    uint64_t calls_accepted, calls_refused;
    atomic_uint_fast64_t messages, answers;
    atomic_bool draining;
    atomic_size_t inflight;
};

/* ---- small things ---- */

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

/* ---- calls ---- */

static rpc_call *call_create(rpc_server *s, grpc_call *call)
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

/** Gives back one reference and the lock. */
static void call_release(rpc_call *c)
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

/** Ends the call with a status and no (further) message. Lock held. */
static void call_finish(rpc_call *c, p_status status, const char *text)
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

/** After a new call was taken over from its slot. */
static void call_begin(rpc_call *c, p_status refuse, const char *why)
{
    grpc_op op;
    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    op.data.recv_close_on_server.cancelled = &c->close_cancelled;
    pthread_mutex_lock(&c->lock);
    c->refs++;
    if (call_batch(c, &op, 1, TAG_CLOSE)) {
        if (refuse != P_OK) {
            call_finish(c, refuse, why);
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
    call_release(c);
}

static const rpc_method *find_method(const rpc_server *s, grpc_slice name)
{
    for (size_t i = 0; i < s->n_methods; i++)
        if (grpc_slice_str_cmp(name, s->methods[i].name) == 0)
            return &s->methods[i];
    return NULL;
}

static void slot_request(accept_slot *slot)
{
    rpc_server *s = slot->server;
    grpc_call_details_init(&slot->details);
    grpc_metadata_array_init(&slot->metadata);
    slot->call = NULL;
    HANDOVER_GIVE(&slot->tag);
    grpc_call_error e = grpc_server_request_call(s->server, &slot->call, &slot->details,
                                                 &slot->metadata, s->queue, s->queue, &slot->tag);
    /* else only for wrong arguments: one slot fewer, and a line that says so */
    if (e != GRPC_CALL_OK && e != GRPC_CALL_ERROR_COMPLETION_QUEUE_SHUTDOWN)
        gpr_log(GPR_ERROR, "a call cannot be accepted: %s", grpc_call_error_to_string(e));
}

static void on_accept(accept_slot *slot, bool ok)
{
    rpc_server *s = slot->server;
    if (!ok) { /* the server is stopping */
        grpc_call_details_destroy(&slot->details);
        grpc_metadata_array_destroy(&slot->metadata);
        return;
    }
    rpc_call *c = call_create(s, slot->call);
    p_status refuse = P_OK;
    char why[256] = "";
    if (!c) {
        (void)grpc_call_cancel_with_status(slot->call, GRPC_STATUS_RESOURCE_EXHAUSTED,
                                           "out of memory", NULL);
        grpc_call_unref(slot->call);
    } else {
        c->method = find_method(s, slot->details.method);
        char *peer = grpc_call_get_peer(slot->call);
        bool draining = atomic_load(&s->draining);
        pthread_mutex_lock(&s->lock);
        if (!c->method) {
            refuse = P_EUNSUPPORTED;
            snprintf(why, sizeof why, "this server has no such method");
        } else if (c->method->unimplemented) {
            refuse = P_EUNSUPPORTED;
            snprintf(why, sizeof why, "%s", c->method->unimplemented);
        } else if (draining && !c->method->while_draining) {
            refuse = P_EUNAVAILABLE;
            snprintf(why, sizeof why, "the server is shutting down and takes no new calls");
        } else if (s->n_calls >= s->options.max_calls) {
            refuse = P_EEXHAUSTED;
            snprintf(why, sizeof why, "%u calls are running, which is the server's limit",
                     s->n_calls);
        } else {
            refuse = rpc_peers_enter(s->peers, peer, &c->peer, why, sizeof why);
        }
        c->counted = refuse == P_OK && !c->method->while_draining;
        s->calls_accepted++;
        s->calls_refused += refuse != P_OK;
        s->n_calls++;
        s->n_counted += c->counted;
        c->next = s->calls;
        if (s->calls)
            s->calls->prev = c;
        s->calls = c;
        pthread_mutex_unlock(&s->lock);
        gpr_free(peer);
        call_begin(c, refuse, why);
    }
    grpc_call_details_destroy(&slot->details);
    grpc_metadata_array_destroy(&slot->metadata);
    slot_request(slot);
}

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
            call_finish(c, P_EINVAL, "the call was half-closed before a request message");
        else
            call_finish(c, P_OK, NULL);
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
        call_finish(c, P_EEXHAUSTED, why);
        return false;
    }
    c->index++;
    c->owed = true;
    c->refs++;
    return true;
}

/** Marks a call as cancelled; true if the method is to be told. Lock held. */
static bool call_mark_cancelled(rpc_call *c)
{
    atomic_store(&c->cancelled, true);
    bool tell = c->owed && !c->cancel_told && c->method && c->method->cancelled;
    if (tell)
        c->cancel_told = true;
    return tell;
}

static void on_call_event(rpc_call *c, tag_kind kind, bool ok)
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
            tell_cancelled = call_mark_cancelled(c);
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
    call_release(c);
}

static void *queue_thread(void *arg)
{
    rpc_server *s = arg;
    for (;;) {
        grpc_event e =
            grpc_completion_queue_next(s->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (e.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (e.type != GRPC_OP_COMPLETE)
            continue;
        tag *t = e.tag;
        HANDOVER_TAKE(t);
        switch (t->kind) {
        case TAG_ACCEPT:
            on_accept(t->owner, e.success != 0);
            break;
        case TAG_STOPPED:
            pthread_mutex_lock(&s->lock);
            s->stopped = true;
            pthread_cond_broadcast(&s->changed);
            pthread_mutex_unlock(&s->lock);
            break;
        default:
            on_call_event(t->owner, t->kind, e.success != 0);
            break;
        }
    }
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
    call_release(c); /* the reference that came with the debt */
}

void rpc_call_fail(rpc_call *c, p_status status, const char *text)
{
    pthread_mutex_lock(&c->lock);
    call_paid(c);
    call_add_reason(c, c->index - 1, c->method->kind == RPC_BIDI, text);
    call_finish(c, status == P_OK ? P_EINTERNAL : status, text);
    call_release(c);
}

/* ---- the server ---- */

static p_status check_options(const rpc_server_options *o, p_err *err)
{
    if (o->threads < 1 || o->threads > 64)
        return p_err_set(err, P_EINVAL, "threads is %u; expected 1 to 64", o->threads);
    if (o->max_message_bytes < 1024 || o->max_message_bytes > INT32_MAX)
        return p_err_set(err, P_EINVAL, "max_message_bytes is %zu; expected 1024 to %d",
                         o->max_message_bytes, INT32_MAX);
    if (o->max_inflight_bytes < o->max_message_bytes)
        return p_err_set(err, P_EINVAL,
                         "max_inflight_bytes is %zu; expected at least max_message_bytes (%zu)",
                         o->max_inflight_bytes, o->max_message_bytes);
    if (o->max_calls < 1 || o->max_streams < 1 || o->max_streams > INT32_MAX)
        return p_err_set(err, P_EINVAL, "max_calls and max_streams must be at least 1");
    return P_OK;
}

static grpc_arg int_arg(const char *key, int value)
{
    /* gRPC's struct lacks a const; it does not write to the key */
    grpc_arg a = {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key};
    a.value.integer = value;
    return a;
}

static void create_grpc(rpc_server *s)
{
    grpc_arg args[16];
    size_t n = 0;
    args[n++] = int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)s->options.max_message_bytes);
    args[n++] = int_arg(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, (int)s->options.max_message_bytes);
    args[n++] = int_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, (int)s->options.max_streams);
    args[n++] = int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0); /* two servers on one port are a mistake */
    /* a compressed message could expand without limit, so none is accepted */
    args[n++] = int_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1);
    args[n++] = int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    /* a peer that vanished without closing its connection is noticed after a minute */
    args[n++] = int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 40000);
    args[n++] = int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000);
    args[n++] = int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    args[n++] = int_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    args[n++] = int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
    args[n++] = int_arg(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000);
    if (s->options.max_transport_bytes) {
        s->quota = grpc_resource_quota_create("zkprover");
        grpc_resource_quota_resize(s->quota, s->options.max_transport_bytes);
        args[n] =
            (grpc_arg){.type = GRPC_ARG_POINTER, .key = (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA};
        args[n].value.pointer.p = s->quota;
        args[n].value.pointer.vtable = grpc_resource_quota_arg_vtable();
        n++;
    }
    grpc_channel_args channel_args = {n, args};
    s->server = grpc_server_create(&channel_args, NULL);
    s->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(s->server, s->queue, NULL);
}

p_status rpc_server_create(rpc_server **out, const rpc_server_options *options,
                           const rpc_method *methods, size_t n_methods, p_err *err)
{
    *out = NULL;
    p_status st = check_options(options, err);
    if (st != P_OK)
        return st;
    rpc_server *s = calloc(1, sizeof *s);
    if (!s)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the server");
    s->options = *options;
    s->methods = calloc(n_methods ? n_methods : 1, sizeof *s->methods);
    s->threads = calloc(options->threads, sizeof *s->threads);
    s->peers = rpc_peers_create(options->max_client_calls);
    if (!s->methods || !s->threads || !s->peers) {
        rpc_peers_destroy(s->peers);
        free(s->methods);
        free(s->threads);
        free(s);
        return p_err_set(err, P_EEXHAUSTED, "no memory for the server");
    }
    memcpy(s->methods, methods, n_methods * sizeof *methods);
    s->n_methods = n_methods;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    s->stopped_tag = (tag){TAG_STOPPED, s};
    for (size_t i = 0; i < ACCEPT_SLOTS; i++) {
        s->slots[i].tag = (tag){TAG_ACCEPT, &s->slots[i]};
        s->slots[i].server = s;
    }
    rpc_accept_prepare();
    grpc_init();
    create_grpc(s);
    *out = s;
    return P_OK;
}

p_status rpc_server_listen(rpc_server *s, const char *address, rpc_tls *tls, unsigned *port,
                           p_err *err)
{
    grpc_server_credentials *credentials = rpc_credentials_server(tls);
    if (!credentials)
        return p_err_set(err, P_EINTERNAL, "gRPC makes no credentials of these certificates");
    int bound = grpc_server_add_http2_port(s->server, address, credentials);
    grpc_server_credentials_release(credentials);
    if (bound <= 0)
        return p_err_set(
            err, P_EUNAVAILABLE,
            "cannot listen on %s: the address is not this machine's, the port is taken "
            "(see `ss -ltnp`), or it is below 1024 and needs rights",
            address);
    s->bound = true;
    *port = (unsigned)bound;
    return P_OK;
}

p_status rpc_server_start(rpc_server *s, p_err *err)
{
    if (!s->bound || s->phase != PHASE_CREATED)
        return p_err_set(err, P_EINTERNAL, "the server was not bound, or was started before");
    grpc_server_start(s->server);
    s->phase = PHASE_STARTED;
    for (size_t i = 0; i < ACCEPT_SLOTS; i++)
        slot_request(&s->slots[i]);
    for (; s->n_threads < s->options.threads; s->n_threads++)
        if (pthread_create(&s->threads[s->n_threads], NULL, queue_thread, s))
            break;
    if (s->n_threads == 0)
        return p_err_set(err, P_EEXHAUSTED, "no thread could be started");
    return P_OK;
}

void rpc_server_drain(rpc_server *s)
{
    /* the lock, so that a call whose acceptance is being decided is on one side or the other */
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->draining, true);
    pthread_mutex_unlock(&s->lock);
}

bool rpc_server_draining(const rpc_server *s)
{
    return atomic_load(&s->draining);
}

/** Ends the streams on which nothing is owed and nothing has come for a moment. */
static void drain_idle(rpc_server *s)
{
    int64_t limit = p_clock_ns(CLOCK_MONOTONIC) - DRAIN_IDLE_NS;
    pthread_mutex_lock(&s->lock);
    for (rpc_call *c = s->calls; c; c = c->next) {
        pthread_mutex_lock(&c->lock);
        /* refs is 0 while a call is being taken in or given back */
        if (c->refs && c->counted && c->reading && !c->finished && c->idle_since_ns <= limit)
            call_finish(c, P_EUNAVAILABLE, "the server is shutting down");
        pthread_mutex_unlock(&c->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

bool rpc_server_drain_wait(rpc_server *s, unsigned max_ms)
{
    drain_idle(s);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(max_ms % 1000) * 1000000L;
    until.tv_sec += (time_t)(max_ms / 1000) + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&s->lock);
    int e = 0;
    while (s->n_counted && e == 0)
        e = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    bool done = s->n_counted == 0;
    pthread_mutex_unlock(&s->lock);
    return done;
}

void rpc_server_cancel_calls(rpc_server *s)
{
    rpc_call *told = NULL;
    pthread_mutex_lock(&s->lock);
    for (rpc_call *c = s->calls; c; c = c->next) {
        pthread_mutex_lock(&c->lock);
        if (c->refs && call_mark_cancelled(c)) {
            c->refs++;
            c->told_next = told;
            told = c;
        }
        pthread_mutex_unlock(&c->lock);
    }
    pthread_mutex_unlock(&s->lock);
    /* without any lock: `cancelled` may answer at once */
    while (told) {
        rpc_call *c = told;
        told = c->told_next;
        c->method->cancelled(c->method->ctx, c);
        pthread_mutex_lock(&c->lock);
        call_release(c);
    }
}

/** Until the clients have left or GOODBYE_MS have passed. */
static void wait_for_goodbyes(rpc_server *s)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GOODBYE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&s->lock);
    while (!s->stopped && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&s->lock);
}

void rpc_server_stop(rpc_server *s)
{
    if (s->phase == PHASE_STOPPED)
        return;
    bool started = s->phase == PHASE_STARTED && s->n_threads > 0;
    rpc_server_drain(s);
    HANDOVER_GIVE(&s->stopped_tag);
    grpc_server_shutdown_and_notify(s->server, s->queue, &s->stopped_tag);
    if (started)
        wait_for_goodbyes(s);
    grpc_server_cancel_all_calls(s->server);
    if (started) {
        rpc_server_cancel_calls(s);
        pthread_mutex_lock(&s->lock);
        while (!s->stopped || s->n_calls)
            pthread_cond_wait(&s->changed, &s->lock);
        pthread_mutex_unlock(&s->lock);
    } else {
        /* no thread runs: take the events here */
        for (;;) {
            grpc_event e =
                grpc_completion_queue_next(s->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
            tag *t = e.tag;
            if (e.type == GRPC_QUEUE_SHUTDOWN || t->kind == TAG_STOPPED)
                break;
            if (t->kind == TAG_ACCEPT)
                on_accept(t->owner, false);
        }
    }
    grpc_completion_queue_shutdown(s->queue);
    for (unsigned i = 0; i < s->n_threads; i++)
        pthread_join(s->threads[i], NULL);
    s->phase = PHASE_STOPPED;
}

void rpc_server_destroy(rpc_server *s)
{
    if (!s)
        return;
    rpc_server_stop(s);
    grpc_server_destroy(s->server);
    if (!s->n_threads) { /* the queue must be empty before it may be destroyed */
        while (
            grpc_completion_queue_next(s->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
            GRPC_QUEUE_SHUTDOWN)
            ;
    }
    grpc_completion_queue_destroy(s->queue);
    if (s->quota)
        grpc_resource_quota_unref(s->quota);
    grpc_shutdown();
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    rpc_peers_destroy(s->peers);
    free(s->threads);
    free(s->methods);
    free(s);
}

void rpc_server_get_stats(rpc_server *s, rpc_server_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = (rpc_server_stats){
        .calls_accepted = s->calls_accepted,
        .calls_refused = s->calls_refused,
        .messages = atomic_load(&s->messages),
        .answers = atomic_load(&s->answers),
        .calls_running = s->n_calls,
        .inflight_bytes = atomic_load(&s->inflight),
    };
    pthread_mutex_unlock(&s->lock);
}
