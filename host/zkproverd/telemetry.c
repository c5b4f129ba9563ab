#include "host/zkproverd/telemetry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum family_id {
    BUILD_INFO,
    READY,
    JOBS,
    QUEUE_DEPTH,
    JOBS_SUBMITTED,
    JOBS_ENDED,
    JOBS_RETURNED,
    JOBS_RETAINED,
    JOB_STORE_TROUBLES,
    HALTED,
    JOB_SECONDS,
    STAGE_SECONDS,
    WATCHES,
    EXECUTE_SECONDS,
    EXECUTE_WAIT_SECONDS,
    EXECUTE_RESULTS,
    TRANSACTIONS,
    GRPC_CALLS,
    GRPC_RUNNING,
    GRPC_ACCEPTED,
    GRPC_REFUSED,
    GRPC_REQUESTS,
    GRPC_ANSWERS,
    GRPC_INFLIGHT,
    STATE_USED,
    STATE_MAP,
    STATE_NODES,
    STATE_CODES,
    STORE_DATABASE,
    STORE_ARTEFACTS,
    STORE_ARTEFACT_BYTES,
    N_FAMILIES,
} family_id;

/* Seconds. Executions take milliseconds to seconds; stages of a proof up to hours. */
static const double execute_buckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                         0.5,   1,      2.5,   5,    10,    30,   60};
static const double stage_buckets[] = {0.01, 0.1, 0.5, 1,   2.5,  5,    10,   30,
                                       60,   120, 300, 600, 1200, 1800, 3600, 7200};
#define N_OF(a) (sizeof(a) / sizeof(a)[0])

/* clang-format off */
static const metrics_family_options table[N_FAMILIES] = {
    [BUILD_INFO] = {"zkprover_build_info", "Always 1; the labels say what runs.", METRICS_GAUGE,
        {"version", "protocol", "isa", "device", "fork_id", "grpc_core"}, NULL, 0, 0},
    [READY] = {"zkprover_ready", "1 if requests are being served (as /readyz).", METRICS_GAUGE,
        {NULL}, NULL, 0, 0},
    [JOBS] = {"zkprover_jobs", "Proof jobs in the store, by state.", METRICS_GAUGE,
        {"state"}, NULL, 0, 0},
    [QUEUE_DEPTH] = {"zkprover_queue_depth", "Proof jobs that wait for the worker.", METRICS_GAUGE,
        {NULL}, NULL, 0, 0},
    [JOBS_SUBMITTED] = {"zkprover_jobs_submitted_total",
        "Proof jobs that were taken into the queue.", METRICS_COUNTER, {NULL}, NULL, 0, 0},
    [JOBS_ENDED] = {"zkprover_jobs_ended_total", "Proof jobs that ended, by how.", METRICS_COUNTER,
        {"state"}, NULL, 0, 0},
    [JOBS_RETURNED] = {"zkprover_jobs_returned_total",
        "Running jobs that went back into the queue because the server drained or halted.",
        METRICS_COUNTER, {NULL}, NULL, 0, 0},
    [JOBS_RETAINED] = {"zkprover_jobs_deleted_total", "Ended jobs that retention deleted.",
        METRICS_COUNTER, {NULL}, NULL, 0, 0},
    [JOB_STORE_TROUBLES] = {"zkprover_job_store_troubles_total",
        "Writes to the job store that failed and are tried again.", METRICS_COUNTER,
        {NULL}, NULL, 0, 0},
    [HALTED] = {"zkprover_halted", "1 if the job store is dead and jobs are refused.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [JOB_SECONDS] = {"zkprover_job_duration_seconds",
        "From the start of a job to its end, by how it ended.", METRICS_HISTOGRAM,
        {"state"}, stage_buckets, N_OF(stage_buckets), 0},
    [STAGE_SECONDS] = {"zkprover_stage_duration_seconds", "Finished stages of proof jobs.",
        METRICS_HISTOGRAM, {"stage"}, stage_buckets, N_OF(stage_buckets), 0},
    [WATCHES] = {"zkprover_get_proof_waiters", "GetProof requests that wait for a job.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [EXECUTE_SECONDS] = {"zkprover_execute_duration_seconds",
        "Execute requests, from their arrival to their answer, waiting included.",
        METRICS_HISTOGRAM, {NULL}, execute_buckets, N_OF(execute_buckets), 0},
    [EXECUTE_WAIT_SECONDS] = {"zkprover_execute_wait_seconds",
        "Execute requests: how long they waited for a worker.", METRICS_HISTOGRAM,
        {NULL}, execute_buckets, N_OF(execute_buckets), 0},
    [EXECUTE_RESULTS] = {"zkprover_execute_results_total",
        "Execute requests by result; one that ended its call has the name of the error.",
        METRICS_COUNTER, {"result"}, NULL, 0, 0},
    [TRANSACTIONS] = {"zkprover_transactions_total",
        "Transactions of executed batches; undone: their batch was rolled back.",
        METRICS_COUNTER, {"outcome"}, NULL, 0, 0},
    [GRPC_CALLS] = {"zkprover_grpc_calls_total", "Ended gRPC calls by method and status.",
        METRICS_COUNTER, {"method", "code"}, NULL, 0, 256},
    [GRPC_RUNNING] = {"zkprover_grpc_calls_running", "gRPC calls and streams that are open.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [GRPC_ACCEPTED] = {"zkprover_grpc_calls_accepted_total", "gRPC calls that arrived.",
        METRICS_COUNTER, {NULL}, NULL, 0, 0},
    [GRPC_REFUSED] = {"zkprover_grpc_calls_refused_total",
        "gRPC calls that were refused at once: unknown method, limit, drain.", METRICS_COUNTER,
        {NULL}, NULL, 0, 0},
    [GRPC_REQUESTS] = {"zkprover_grpc_requests_total", "Request messages.", METRICS_COUNTER,
        {NULL}, NULL, 0, 0},
    [GRPC_ANSWERS] = {"zkprover_grpc_answers_total", "Answer messages.", METRICS_COUNTER,
        {NULL}, NULL, 0, 0},
    [GRPC_INFLIGHT] = {"zkprover_grpc_inflight_bytes", "Requests and answers in work.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [STATE_USED] = {"zkprover_state_store_used_bytes", "Used part of the node store's map.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [STATE_MAP] = {"zkprover_state_store_map_bytes", "Hard limit of the node store.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [STATE_NODES] = {"zkprover_state_store_nodes", "Tree nodes in the node store.", METRICS_GAUGE,
        {NULL}, NULL, 0, 0},
    [STATE_CODES] = {"zkprover_state_store_bytecodes", "Bytecodes in the node store.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [STORE_DATABASE] = {"zkprover_job_store_database_bytes", "Job database and its log.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [STORE_ARTEFACTS] = {"zkprover_job_store_artefacts",
        "Files of requests, proofs and finished stages.", METRICS_GAUGE, {NULL}, NULL, 0, 0},
    [STORE_ARTEFACT_BYTES] = {"zkprover_job_store_artefact_bytes", "Bytes of these files.",
        METRICS_GAUGE, {NULL}, NULL, 0, 0},
};
/* clang-format on */

/** What the sources count as 0 from the start, so that rates work from the first event on. */
static const char *const results[] = {"COMPLETED_OK", "ERROR", "COMPLETED_ERR", "INTERNAL_ERROR",
                                      "CANCEL"};
static const char *const outcomes[] = {"ok", "failed", "skipped", "undone"};

struct telemetry {
    metrics_family *families[N_FAMILIES];
    metrics_series *plain[N_FAMILIES]; /**< of families without labels */
    metrics_series *results[N_OF(results)];
    metrics_series *outcomes[N_OF(outcomes)];
};

static metrics_series *labelled(const telemetry *t, family_id f, const char *value)
{
    return metrics_series_get(t->families[f], (const char *const[]){value});
}

static p_status fill(telemetry *t, metrics *m, p_err *err)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        p_status st = metrics_family_create(m, &t->families[i], &table[i], err);
        if (st != P_OK)
            return st;
        if (table[i].labels[0])
            continue;
        t->plain[i] = metrics_series_get(t->families[i], NULL);
        if (!t->plain[i])
            return p_err_set(err, P_EEXHAUSTED, "no memory for a metric");
        if (table[i].type == METRICS_GAUGE)
            metrics_set(t->plain[i], NAN); /* shown when its part has told it */
    }
    for (size_t i = 0; i < N_OF(results); i++)
        t->results[i] = labelled(t, EXECUTE_RESULTS, results[i]);
    for (size_t i = 0; i < N_OF(outcomes); i++)
        t->outcomes[i] = labelled(t, TRANSACTIONS, outcomes[i]);
    return metrics_process(m, err);
}

p_status telemetry_create(telemetry **out, metrics *m, p_err *err)
{
    *out = NULL;
    telemetry *t = calloc(1, sizeof *t);
    if (!t)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the metrics");
    p_status st = fill(t, m, err);
    if (st != P_OK) {
        free(t);
        return st;
    }
    *out = t;
    return P_OK;
}

void telemetry_destroy(telemetry *t)
{
    free(t);
}

void telemetry_set_build(telemetry *t, const telemetry_build *b)
{
    char fork_id[16];
    snprintf(fork_id, sizeof fork_id, "%u", b->fork_id);
    const char *const values[] = {b->version, b->protocol, b->isa,
                                  b->device,  fork_id,     b->grpc_core};
    metrics_set(metrics_series_get(t->families[BUILD_INFO], values), 1);
}

/* ---- when something happens ---- */

void telemetry_executed(telemetry *t, const rpc_execute_event *e)
{
    metrics_add(labelled(t, EXECUTE_RESULTS, e->result), 1);
    metrics_observe(t->plain[EXECUTE_SECONDS], e->total_seconds);
    metrics_observe(t->plain[EXECUTE_WAIT_SECONDS], e->wait_seconds);
    metrics_add(t->outcomes[0], (double)e->processed - (double)e->failed);
    metrics_add(t->outcomes[1], (double)e->failed);
    metrics_add(t->outcomes[2], (double)e->transactions - (double)e->processed - (double)e->undone);
    metrics_add(t->outcomes[3], (double)e->undone);
}

static const char *code_name(int code)
{
    static const char *const names[] = {"OK",
                                        "CANCELLED",
                                        "UNKNOWN",
                                        "INVALID_ARGUMENT",
                                        "DEADLINE_EXCEEDED",
                                        "NOT_FOUND",
                                        "ALREADY_EXISTS",
                                        "PERMISSION_DENIED",
                                        "RESOURCE_EXHAUSTED",
                                        "FAILED_PRECONDITION",
                                        "ABORTED",
                                        "OUT_OF_RANGE",
                                        "UNIMPLEMENTED",
                                        "INTERNAL",
                                        "UNAVAILABLE",
                                        "DATA_LOSS",
                                        "UNAUTHENTICATED"};
    return code >= 0 && (size_t)code < N_OF(names) ? names[code] : "UNKNOWN";
}

void telemetry_call_ended(telemetry *t, const char *method, int code)
{
    const char *name = !method ? "unknown" : method[0] == '/' ? method + 1 : method;
    metrics_add(
        metrics_series_get(t->families[GRPC_CALLS], (const char *const[]){name, code_name(code)}),
        1);
}

void telemetry_job_event(telemetry *t, const jobs_event *e)
{
    switch (e->kind) {
    case JOBS_EVENT_SUBMITTED:
        metrics_add(t->plain[JOBS_SUBMITTED], 1);
        break;
    case JOBS_EVENT_STAGE:
        metrics_observe(labelled(t, STAGE_SECONDS, e->stage), e->seconds);
        break;
    case JOBS_EVENT_ENDED:
        metrics_add(labelled(t, JOBS_ENDED, job_state_text(e->state)), 1);
        if (e->seconds > 0) /* else it never ran */
            metrics_observe(labelled(t, JOB_SECONDS, job_state_text(e->state)), e->seconds);
        break;
    case JOBS_EVENT_RETURNED:
        metrics_add(t->plain[JOBS_RETURNED], 1);
        break;
    case JOBS_EVENT_RETAINED:
        metrics_add(t->plain[JOBS_RETAINED], (double)e->count);
        break;
    case JOBS_EVENT_TROUBLE:
        metrics_add(t->plain[JOB_STORE_TROUBLES], 1);
        break;
    case JOBS_EVENT_STARTED:
    case JOBS_EVENT_HALTED:
        break;
    }
}

/* ---- before a scrape ---- */

void telemetry_set_ready(telemetry *t, bool ready)
{
    metrics_set(t->plain[READY], ready);
}

void telemetry_set_server(telemetry *t, const rpc_server_stats *s)
{
    metrics_set(t->plain[GRPC_RUNNING], s->calls_running);
    metrics_set(t->plain[GRPC_ACCEPTED], (double)s->calls_accepted);
    metrics_set(t->plain[GRPC_REFUSED], (double)s->calls_refused);
    metrics_set(t->plain[GRPC_REQUESTS], (double)s->messages);
    metrics_set(t->plain[GRPC_ANSWERS], (double)s->answers);
    metrics_set(t->plain[GRPC_INFLIGHT], (double)s->inflight_bytes);
}

void telemetry_set_jobs(telemetry *t, const jobs_status *s)
{
    metrics_set(t->plain[QUEUE_DEPTH], (double)s->pending);
    metrics_set(t->plain[WATCHES], (double)s->watches);
    metrics_set(t->plain[HALTED], s->mode == JOBS_HALTED);
    for (int i = 0; i < JOB_STATES; i++) /* those that have not happened yet */
        if (job_state_is_final((job_state)i))
            (void)labelled(t, JOBS_ENDED, job_state_text((job_state)i));
}

void telemetry_set_job_store(telemetry *t, const job_store_info *i)
{
    for (int state = 0; state < JOB_STATES; state++)
        metrics_set(labelled(t, JOBS, job_state_text((job_state)state)),
                    i ? (double)i->jobs[state] : NAN);
    metrics_set(t->plain[STORE_DATABASE], i ? (double)i->database_bytes : NAN);
    metrics_set(t->plain[STORE_ARTEFACTS], i ? (double)i->artefacts : NAN);
    metrics_set(t->plain[STORE_ARTEFACT_BYTES], i ? (double)i->artefact_bytes : NAN);
}

void telemetry_set_state_store(telemetry *t, const state_store_info *i)
{
    metrics_set(t->plain[STATE_USED], i ? (double)(i->bytes_used - i->bytes_free) : NAN);
    metrics_set(t->plain[STATE_MAP], i ? (double)i->bytes_limit : NAN);
    metrics_set(t->plain[STATE_NODES], i ? (double)i->nodes : NAN);
    metrics_set(t->plain[STATE_CODES], i ? (double)i->codes : NAN);
}
