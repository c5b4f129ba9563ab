/* The server core: accepting calls, its threads, draining, stopping. */
#include "driver/base/clock.h"
#include "host/rpc/accept.h"
#include "host/rpc/credentials.h"
#include "host/rpc/server_internal.h"

#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/** A stream on which nothing is owed is ended this long after draining began, or after its last
 * answer. */
#define DRAIN_IDLE_NS INT64_C(250000000)
/** Clients that have been told to go (GOAWAY) get this long to read their last answers and leave;
 * then their connections are closed, which gRPC calls an error on every stream still open. */
#define GOODBYE_MS 500
/* ---- accepting ---- */

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
    rpc_call *c = rpc_call_create(s, slot->call);
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
        rpc_call_begin(c, refuse, why);
    }
    grpc_call_details_destroy(&slot->details);
    grpc_metadata_array_destroy(&slot->metadata);
    slot_request(slot);
}

/* ---- events ---- */

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
            rpc_call_event(t->owner, t->kind, e.success != 0);
            break;
        }
    }
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
            rpc_call_finish(c, P_EUNAVAILABLE, "the server is shutting down");
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
        if (c->refs && rpc_call_mark_cancelled(c)) {
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
        rpc_call_release(c);
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
