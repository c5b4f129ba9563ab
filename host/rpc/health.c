#include "host/rpc/health.h"

#include "host/rpc/text.h"
#include "host/rpc/wire.h"

#include "grpc/health/v1/health.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Names of services are short; a longer request is refused unread. */
#define REQUEST_MAX 1024
#define ANSWER_MAX 64

typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;
#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

/** A call of Watch. */
typedef struct watcher {
    rpc_call *call;
    bool known;   /**< the service exists */
    bool waiting; /**< an answer is owed, and will be given when the status is another than last */
    serving_status last;
    struct watcher *next;
} watcher;

struct rpc_health {
    pthread_mutex_t lock; /**< taken before what rpc_call_answer takes */
    bool ended;
    serving_status status;
    watcher *watchers;
};

p_status rpc_health_create(rpc_health **out, p_err *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the health service");
    pthread_mutex_init(&(*out)->lock, NULL);
    (*out)->status = NOT_SERVING;
    return P_OK;
}

/** Whether the request names a service that there is. */
static p_status read_request(rpc_call *call, bool *known, char name[128], p_err *err)
{
    static const char *const services[] = {"", "zkprover.v1.ZKProverService"};
    uint8_t *bytes;
    size_t len = rpc_call_request_bytes(call);
    ProtobufCMessage *message;
    rpc_wire_arena *arena;
    *known = false;
    if (len > REQUEST_MAX)
        return p_err_set(err, P_EINVAL, "the request has %zu bytes; expected at most %d", len,
                         REQUEST_MAX);
    p_status s = rpc_call_take(call, &bytes, &len, err);
    if (s != P_OK)
        return s;
    s = rpc_wire_unpack(&grpc__health__v1__health_check_request__descriptor, bytes, len, &message,
                        &arena, err);
    free(bytes);
    if (s != P_OK)
        return s;
    const char *service = ((Grpc__Health__V1__HealthCheckRequest *)message)->service;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        *known = *known || !strcmp(service, services[i]);
    rpc_text_cut(name, 101, service);
    rpc_wire_free(arena);
    return P_OK;
}

static void answer(rpc_call *call, serving_status status, rpc_next next)
{
    Grpc__Health__V1__HealthCheckResponse r = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    uint8_t *bytes;
    size_t len;
    p_err err = {0};
    r.status = status;
    p_status s = rpc_wire_pack(&r.base, ANSWER_MAX, &bytes, &len, &err);
    if (s != P_OK)
        rpc_call_fail(call, s, err.text);
    else
        rpc_call_answer(call, bytes, len, NULL, next);
}

static void on_check(void *ctx, rpc_call *call)
{
    rpc_health *h = ctx;
    p_err err = {0};
    bool known;
    char name[128];
    p_status s = read_request(call, &known, name, &err);
    if (s == P_OK && !known)
        s = p_err_set(&err, P_ENOTFOUND, "there is no service '%s' here", name);
    if (s != P_OK) {
        rpc_call_fail(call, s, err.text);
        return;
    }
    pthread_mutex_lock(&h->lock);
    serving_status status = h->status;
    pthread_mutex_unlock(&h->lock);
    answer(call, status, RPC_END);
}

/* ---- watching ---- */

static serving_status status_for(const rpc_health *h, const watcher *w)
{
    return w->known ? h->status : SERVICE_UNKNOWN;
}

/** Lock held. */
static watcher **find(rpc_health *h, const rpc_call *call)
{
    watcher **at = &h->watchers;
    while (*at && (*at)->call != call)
        at = &(*at)->next;
    return at;
}

/** Lock held. */
static void tell(rpc_health *h, watcher *w)
{
    if (!w->waiting || w->last == status_for(h, w))
        return;
    w->waiting = false;
    w->last = status_for(h, w);
    answer(w->call, w->last, RPC_CONTINUE);
}

/** Ends the call if it still waits; the answer that is owed is given once, whoever comes first. */
static void end_watch(rpc_health *h, rpc_call *call)
{
    bool owed = false;
    pthread_mutex_lock(&h->lock);
    watcher **at = find(h, call), *w = *at;
    if (w && w->waiting) {
        owed = true;
        *at = w->next;
        free(w);
    }
    pthread_mutex_unlock(&h->lock);
    if (owed)
        rpc_call_fail(call, P_EUNAVAILABLE, "the call was cancelled, or the server is stopping");
}

static void on_watch_cancelled(void *ctx, rpc_call *call)
{
    end_watch(ctx, call);
}

/** First with the request, then whenever an answer has left. */
static void on_watch(void *ctx, rpc_call *call)
{
    rpc_health *h = ctx;
    watcher *fresh = NULL;
    if (rpc_call_index(call) == 0) {
        p_err err = {0};
        bool known;
        char name[128];
        p_status s = read_request(call, &known, name, &err);
        fresh = s == P_OK ? calloc(1, sizeof *fresh) : NULL;
        if (s == P_OK && !fresh)
            s = p_err_set(&err, P_EEXHAUSTED, "no memory for a watch");
        if (s != P_OK) {
            rpc_call_fail(call, s, err.text);
            return;
        }
        *fresh = (watcher){.call = call, .known = known};
    }
    pthread_mutex_lock(&h->lock);
    watcher **at = find(h, call), *w = *at;
    if (fresh) {
        /* one at this address: its call ended without a word (gRPC refused to start a write) */
        if (w) {
            *at = w->next;
            free(w);
        }
        fresh->next = h->watchers;
        h->watchers = w = fresh;
        /* UNKNOWN is never the status: the first answer is due at once */
    }
    if (!w) { /* cannot be: a watch is forgotten only while it waits */
        pthread_mutex_unlock(&h->lock);
        rpc_call_fail(call, P_EINTERNAL, "the watch was forgotten");
        return;
    }
    w->waiting = true;
    bool cancelled = rpc_call_cancelled(call);
    if (!cancelled)
        tell(h, w);
    pthread_mutex_unlock(&h->lock);
    if (cancelled)
        end_watch(h, call);
}

void rpc_health_methods(rpc_health *h, rpc_method out[RPC_HEALTH_METHODS])
{
    out[0] = (rpc_method){.name = "/grpc.health.v1.Health/Check",
                          .kind = RPC_UNARY,
                          .while_draining = true,
                          .message = on_check,
                          .ctx = h};
    out[1] = (rpc_method){.name = "/grpc.health.v1.Health/Watch",
                          .kind = RPC_SERVER_STREAM,
                          .while_draining = true,
                          .message = on_watch,
                          .cancelled = on_watch_cancelled,
                          .ctx = h};
}

static void set(rpc_health *h, bool serving)
{
    pthread_mutex_lock(&h->lock);
    h->ended = h->ended || !serving;
    h->status = h->ended ? NOT_SERVING : SERVING;
    for (watcher *w = h->watchers; w; w = w->next)
        tell(h, w);
    pthread_mutex_unlock(&h->lock);
}

void rpc_health_serve(rpc_health *h)
{
    set(h, true);
}

void rpc_health_end(rpc_health *h)
{
    set(h, false);
}

void rpc_health_destroy(rpc_health *h)
{
    if (!h)
        return;
    while (h->watchers) {
        watcher *next = h->watchers->next;
        free(h->watchers);
        h->watchers = next;
    }
    pthread_mutex_destroy(&h->lock);
    free(h);
}
