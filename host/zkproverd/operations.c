#include "host/zkproverd/operations.h"

#include "host/zkproverd/http.h"
#include "host/zkproverd/notify.h"

#include <jansson.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct operations {
    const logger *log;
    char *notify_socket; /**< NULL: nobody asked */
    metrics *metrics;
    telemetry *telemetry;
    http_server *http;
    pthread_mutex_t lock; /**< what follows */
    operations_phase phase;
    rpc_server *server;
    state_store *state;
    jobs *jobs;
    job_store *job_store;
};

/** The parts at one moment. They stay alive until operations_stop, which ends all who ask. */
static operations_phase parts(operations *o, operations *copy)
{
    pthread_mutex_lock(&o->lock);
    copy->server = o->server;
    copy->state = o->state;
    copy->jobs = o->jobs;
    copy->job_store = o->job_store;
    copy->phase = o->phase;
    pthread_mutex_unlock(&o->lock);
    return copy->phase;
}

/* ---- readiness ---- */

static bool ready(void *ctx, char reasons[HTTP_REASON_BYTES])
{
    operations now;
    switch (parts(ctx, &now)) {
    case OPERATIONS_STARTING:
        snprintf(reasons, HTTP_REASON_BYTES, "starting: the parts of the server come up\n");
        return false;
    case OPERATIONS_DRAINING:
        snprintf(reasons, HTTP_REASON_BYTES, "draining: running calls end, new ones are refused\n");
        return false;
    case OPERATIONS_STOPPED:
        snprintf(reasons, HTTP_REASON_BYTES, "stopped\n");
        return false;
    case OPERATIONS_SERVING:
        break;
    }
    if (now.jobs) {
        jobs_status s;
        jobs_get_status(now.jobs, &s, NULL, 0);
        if (s.mode == JOBS_HALTED) {
            snprintf(reasons, HTTP_REASON_BYTES, "halted: %s\n", s.halt_reason);
            return false;
        }
    }
    return true;
}

/* ---- before a scrape ---- */

static void collect(void *ctx)
{
    operations *o = ctx, now;
    char reasons[HTTP_REASON_BYTES];
    parts(o, &now);
    telemetry_set_ready(o->telemetry, ready(o, reasons));
    if (now.server) {
        rpc_server_stats s;
        rpc_server_get_stats(now.server, &s);
        telemetry_set_server(o->telemetry, &s);
    }
    if (now.state) {
        state_store_info info;
        bool known = state_store_stat(now.state, &info, NULL) == P_OK;
        telemetry_set_state_store(o->telemetry, known ? &info : NULL);
    }
    if (now.jobs) {
        jobs_status s;
        jobs_get_status(now.jobs, &s, NULL, 0);
        telemetry_set_jobs(o->telemetry, &s);
    }
    if (now.job_store) {
        job_store_info info;
        bool known = job_store_stat(now.job_store, &info, NULL) == P_OK;
        telemetry_set_job_store(o->telemetry, known ? &info : NULL);
    }
}

/* ---- life ---- */

p_status operations_create(operations **out, const logger *log, const char *notify_socket,
                           p_err *err)
{
    *out = NULL;
    operations *o = calloc(1, sizeof *o);
    if (!o)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the metrics");
    pthread_mutex_init(&o->lock, NULL);
    o->log = log;
    o->notify_socket = notify_socket && *notify_socket ? strdup(notify_socket) : NULL;
    p_status s = metrics_create(&o->metrics, err);
    if (s == P_OK)
        s = telemetry_create(&o->telemetry, o->metrics, err);
    if (s == P_OK)
        s = metrics_collector(o->metrics, collect, o, err);
    if (s != P_OK) {
        operations_destroy(o);
        return s;
    }
    *out = o;
    return P_OK;
}

p_status operations_listen(operations *o, const char *address, unsigned *port, p_err *err)
{
    *port = 0;
    if (!*address || !strcmp(address, "off"))
        return P_OK;
    http_options options = {
        .listen = address, .metrics = o->metrics, .ready = ready, .ready_ctx = o, .log = o->log};
    return http_start(&o->http, &options, port, err);
}

telemetry *operations_telemetry(operations *o)
{
    return o->telemetry;
}

metrics *operations_metrics(operations *o)
{
    return o->metrics;
}

void operations_set_server(operations *o, rpc_server *server)
{
    pthread_mutex_lock(&o->lock);
    o->server = server;
    pthread_mutex_unlock(&o->lock);
}

void operations_set_state_store(operations *o, state_store *store)
{
    pthread_mutex_lock(&o->lock);
    o->state = store;
    pthread_mutex_unlock(&o->lock);
}

void operations_set_jobs(operations *o, jobs *j, job_store *store)
{
    pthread_mutex_lock(&o->lock);
    o->jobs = j;
    o->job_store = store;
    pthread_mutex_unlock(&o->lock);
}

void operations_set_phase(operations *o, operations_phase phase)
{
    static const char *const texts[] = {"STATUS=starting", "READY=1\nSTATUS=serving",
                                        "STOPPING=1\nSTATUS=draining",
                                        "STOPPING=1\nSTATUS=stopped"};
    pthread_mutex_lock(&o->lock);
    o->phase = phase;
    pthread_mutex_unlock(&o->lock);
    if (o->notify_socket && !notify_send(o->notify_socket, texts[phase]))
        log_event(o->log, LOG_WARN, "notify", "{s:s, s:s}", "text",
                  "the service manager's socket does not take messages", "socket",
                  o->notify_socket);
}

void operations_stop(operations *o)
{
    if (!o)
        return;
    http_stop(o->http);
    o->http = NULL;
}

void operations_destroy(operations *o)
{
    if (!o)
        return;
    operations_stop(o);
    telemetry_destroy(o->telemetry);
    metrics_destroy(o->metrics);
    pthread_mutex_destroy(&o->lock);
    free(o->notify_socket);
    free(o);
}

/* ---- jobs ---- */

void operations_log_job(const logger *log, const jobs_event *e)
{
    static const struct {
        const char *what;
        log_level level;
    } kinds[] = {
        [JOBS_EVENT_SUBMITTED] = {"submitted", LOG_INFO},
        [JOBS_EVENT_STARTED] = {"started", LOG_INFO},
        [JOBS_EVENT_STAGE] = {"stage", LOG_INFO},
        [JOBS_EVENT_ENDED] = {"ended", LOG_INFO},
        [JOBS_EVENT_RETURNED] = {"returned", LOG_INFO},
        [JOBS_EVENT_RETAINED] = {"retained", LOG_INFO},
        [JOBS_EVENT_TROUBLE] = {"trouble", LOG_WARN},
        [JOBS_EVENT_HALTED] = {"halted", LOG_ERROR},
    };
    log_level level = kinds[e->kind].level;
    bool timed = e->kind == JOBS_EVENT_STAGE || e->kind == JOBS_EVENT_ENDED;
    bool about_job = e->id.text[0];
    if (e->kind == JOBS_EVENT_ENDED && e->state == JOB_INTERNAL_ERROR)
        level = LOG_WARN; /* our fault, not the batch's */
    if (level < log->level)
        return;
    /* why a batch cannot be proven quotes it, and is for its client alone */
    bool quotes = e->kind == JOBS_EVENT_ENDED && e->state == JOB_COMPLETED_ERROR;
    bool has_text = e->text && *e->text && (!quotes || log->level <= LOG_DEBUG);
    /* an absent value is left out by "s*" and "o*" */
    log_event(log, level, "job", "{s:s, s:s*, s:s*, s:o*, s:s*, s:o*, s:o*, s:s*}", "what",
              kinds[e->kind].what, "job", about_job ? e->id.text : NULL, "state",
              about_job ? job_state_text(e->state) : NULL, "attempt",
              about_job && e->attempt ? json_integer(e->attempt) : NULL, "stage", e->stage,
              "seconds", timed ? json_real(e->seconds) : NULL, "count",
              e->kind == JOBS_EVENT_RETAINED ? json_integer((json_int_t)e->count) : NULL, "text",
              has_text ? e->text : NULL);
}

void operations_job_event(void *ctx, const jobs_event *e)
{
    operations *o = ctx;
    telemetry_job_event(o->telemetry, e);
    operations_log_job(o->log, e);
}
