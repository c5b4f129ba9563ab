#include "host/zkproverd/lifecycle.h"

#include "driver/base/clock.h"
#include "driver/field/gl_poseidon.h"
#include "host/jobs/run_pipeline.h"
#include "host/rpc/health.h"
#include "host/rpc/reflection.h"
#include "host/rpc/server.h"
#include "host/rpc/service.h"
#include "host/state/store.h"
#include "host/zkproverd/device.h"
#include "host/zkproverd/operations.h"
#include "host/zkproverd/transport.h"

#include <jansson.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/** After their cancellation calls end within milliseconds; a call that does not within this time is
 * a defect, and waiting longer would not mend it. */
#define CANCEL_SECONDS 10

/** GenProof calls that had been accepted when draining began get this long to store their jobs,
 * before those who wait for jobs are sent away. */
#define SETTLE_MS 1000

/** Far more than connections make sense. */
#define MAX_FILES 1048576

/** How long a foreign lock on the job database (a backup, for example) is waited for. */
#define STORE_BUSY_MS 5000

#define STORE_PATH_BYTES (sizeof((config *)0)->data_dir + 16)

struct lifecycle {
    const config *config;
    logger log;
    const gl_poseidon_ops *poseidon;
    drv_device *device;
    operations *operations;
    state_store *store;
    job_store *job_store;
    rpc_input_decoder decoder;
    pipeline *pipeline;
    jobs *jobs;
    rpc_service *service;
    rpc_health *health;
    rpc_tls *tls;
    rpc_server *server;
};

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void lifecycle_block_signals(void)
{
    sigset_t set;
    stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a limit of file sizes is a full disk, not an end */
}

/** Each connection is a file: takes all that the hard limit allows, since the soft one is low for
 *  the sake of programs that use select(). Returns what there is. */
static uint64_t raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files))
        return 0;
    rlim_t most = files.rlim_max < MAX_FILES ? files.rlim_max : MAX_FILES;
    if (files.rlim_cur < most) {
        struct rlimit more = {most, files.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            files = more;
    }
    return files.rlim_cur;
}

/* ---- parts of the start ---- */

static p_status choose_isa(const config *c, const gl_poseidon_ops **out, p_err *err)
{
    *out = gl_poseidon_select(c->isa);
    if (*out)
        return P_OK;
    const gl_poseidon_ops *list[8];
    size_t n = gl_poseidon_list(list, 8), at = 0;
    char names[128] = "";
    for (size_t i = 0; i < n && i < 8 && at < sizeof names; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, ", %s", list[i]->isa);
    return p_err_set(err, P_EMISSING,
                     "isa: '%s' is unknown, or this CPU or build lacks it; there is: auto%s",
                     c->isa, names);
}

/** Creates a directory and those above it, like mkdir -p. */
static p_status make_directories(const char *path, p_err *err)
{
    char part[STORE_PATH_BYTES];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return p_err_set(err, P_EINVAL, "data_dir: the name has %zu characters", len);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0700) && errno != EEXIST)
            return p_err_set(err, P_EIO, "data_dir: cannot create %.600s: %s", part,
                             strerror(errno));
    }
    return P_OK;
}

static void store_path(const config *c, char out[STORE_PATH_BYTES])
{
    snprintf(out, STORE_PATH_BYTES, "%s/state", c->data_dir);
}

static void job_store_path(const config *c, char out[STORE_PATH_BYTES])
{
    snprintf(out, STORE_PATH_BYTES, "%s/jobs", c->data_dir);
}

/** The key that makes the node store necessary; NULL: it is only read. */
static const char *persist_key(const config *c)
{
    return c->state_persist_execute     ? "state.persist.execute"
           : c->state_persist_gen_proof ? "state.persist.gen_proof"
                                        : NULL;
}

/** Opens the store if there is one, or if it is to be written; *out stays NULL otherwise. A store
 * that is only read is no reason not to start: requests can bring their own witness. */
static p_status open_store(const config *c, const logger *log, state_store **out, p_err *err)
{
    char path[STORE_PATH_BYTES];
    struct stat st;
    const char *key = persist_key(c);
    *out = NULL;
    store_path(c, path);
    bool exists = stat(path, &st) == 0;
    if (!exists && !key) {
        log_event(log, LOG_INFO, "store_absent", "{s:s, s:s}", "path", path, "meaning",
                  "requests must bring their whole state; state.persist is off");
        return P_OK;
    }
    p_status s = state_store_open(out, path, c->state_map_bytes, err);
    if (s == P_OK) {
        log_event(log, LOG_INFO, "store_open", "{s:s, s:b, s:b}", "path", path, "persist_execute",
                  (int)c->state_persist_execute, "persist_gen_proof",
                  (int)c->state_persist_gen_proof);
        return P_OK;
    }
    if (key) {
        p_err_prefix(err, "%s is on, but the node store cannot be opened", key);
        return s;
    }
    log_event(log, LOG_WARN, "store_unusable", "{s:s, s:s, s:s}", "path", path, "reason", err->text,
              "meaning", "requests must bring their whole state");
    p_err_clear(err);
    return P_OK;
}

static void on_job_event(void *ctx, const jobs_event *e)
{
    const lifecycle *l = ctx;
    if (e->kind == JOBS_EVENT_HALTED)
        rpc_health_end(l->health);
    operations_job_event(l->operations, e);
}

/** The job store, and the queue over it; nothing runs yet. */
static p_status open_jobs(lifecycle *l, p_err *err)
{
    const config *c = l->config;
    char path[STORE_PATH_BYTES];
    job_store_info info;
    job_store_options store = {.max_total_bytes = c->jobs_store_bytes,
                               .busy_timeout_ms = STORE_BUSY_MS};
    job_store_path(c, path);
    p_status s = job_store_open(&l->job_store, path, &store, err);
    if (s == P_OK)
        s = job_store_stat(l->job_store, &info, err);
    if (s != P_OK) {
        p_err_prefix(err, "the job store cannot be opened");
        return s;
    }
    log_event(&l->log, LOG_INFO, "job_store_open", "{s:s, s:I, s:I, s:I}", "path", path, "pending",
              (json_int_t)info.jobs[JOB_PENDING], "resumed", (json_int_t)info.resumed_jobs,
              "artefact_bytes", (json_int_t)info.artefact_bytes);
    l->decoder = (rpc_input_decoder){.poseidon = l->poseidon, .fork_id = (uint32_t)c->fork_id};
    pipeline_options pipe = {.poseidon = l->poseidon,
                             .store = l->store,
                             .persist = c->state_persist_gen_proof,
                             .decode = rpc_input_decode,
                             .decode_ctx = &l->decoder,
                             .memory_limit_bytes = c->limits_job_memory_bytes};
    s = pipeline_create(&l->pipeline, &pipe, err);
    if (s != P_OK)
        return s;
    jobs_options queue = {.store = l->job_store,
                          .max_queue = (size_t)c->jobs_max_queue,
                          .max_watches = (size_t)c->jobs_max_watches,
                          .retain_ms = c->jobs_retain_seconds * 1000,
                          .retain_max = c->jobs_retain_max,
                          .max_attempts = (unsigned)c->jobs_max_attempts,
                          .run = jobs_run_pipeline,
                          .run_ctx = l->pipeline,
                          .event = on_job_event,
                          .event_ctx = l};
    s = jobs_create(&l->jobs, &queue, err);
    if (s == P_OK)
        operations_set_jobs(l->operations, l->jobs, l->job_store);
    return s;
}

/** Cuts the path back to the nearest directory above that exists. */
static void existing_parent(char path[STORE_PATH_BYTES])
{
    struct stat st;
    char *slash;
    while ((slash = strrchr(path, '/'))) {
        slash[slash == path] = 0; /* keeps the root's own slash */
        if (stat(path, &st) == 0)
            return;
        if (slash == path)
            return;
    }
    strcpy(path, ".");
}

/** A directory that is there must be usable; one that is not must be possible if something (needed,
 * not NULL) needs it. */
static void check_directory(char path[STORE_PATH_BYTES], const char *needed,
                            config_problems *problems)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            config_problem_add(problems, "data_dir: %.400s is no directory", path);
        else if (access(path, R_OK | W_OK | X_OK))
            config_problem_add(problems, "data_dir: %.300s: %s", path, strerror(errno));
    } else if (needed) {
        existing_parent(path);
        bool directory = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        if (!directory || access(path, W_OK | X_OK))
            config_problem_add(problems,
                               "data_dir: needed for %s, and nothing can be created in %.300s: %s",
                               needed, path, strerror(directory ? errno : ENOTDIR));
    }
}

void lifecycle_check(const config *c, config_problems *problems)
{
    p_err err = {0};
    const gl_poseidon_ops *ops;
    char path[STORE_PATH_BYTES];
    if (device_check(c, &err) != P_OK)
        config_problem_add(problems, "%s", err.text);
    p_err_clear(&err);
    if (choose_isa(c, &ops, &err) != P_OK)
        config_problem_add(problems, "%s", err.text);
    transport_check(c, problems);
    store_path(c, path);
    check_directory(path, persist_key(c), problems);
    job_store_path(c, path);
    check_directory(path, "the job store", problems);
}

/* ---- logging of what others report ---- */

static void on_executed(void *ctx, const rpc_execute_event *e)
{
    const lifecycle *l = ctx;
    telemetry_executed(operations_telemetry(l->operations), e);
    /* a fault of ours, or of a store, is told with its reason, which then does not quote the
     * request */
    bool fault = !strcmp(e->result, "INTERNAL_ERROR") ||
                 (e->reason && !strncmp(e->reason, "state store ", 12));
    log_event(&l->log, fault ? LOG_WARN : LOG_INFO, "execute",
              "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:s*}", "result", e->result,
              "index", (json_int_t)e->index, "request_bytes", (json_int_t)e->request_bytes,
              "response_bytes", (json_int_t)e->response_bytes, "transactions",
              (json_int_t)e->transactions, "processed", (json_int_t)e->processed, "batch_num",
              (json_int_t)e->batch_num, "wait_s", e->wait_seconds, "execute_s", e->execute_seconds,
              "total_s", e->total_seconds, "reason",
              fault || l->log.level <= LOG_DEBUG ? e->reason : NULL);
}

static void on_call_ended(void *ctx, const char *method, int code)
{
    const lifecycle *l = ctx;
    telemetry_call_ended(operations_telemetry(l->operations), method, code);
}

/* gRPC's log gives no context: a logger of its own, at the level at which gRPC already filters */
static void on_core_log(bool is_error, const char *text)
{
    static const logger log = {LOG_INFO, STDERR_FILENO};
    log_event(&log, is_error ? LOG_ERROR : LOG_DEBUG, "grpc", "{s:s}", "text", text);
}

/* ---- transitions ---- */

static exit_code code_of(p_status s)
{
    switch (s) {
    case P_OK:
        return EXIT_CODE_OK;
    case P_EINVAL:
        return EXIT_CODE_CONFIG;
    case P_EMISSING:
    case P_ENOTFOUND:
    case P_EDEVICE:
    case P_EUNSUPPORTED:
        return EXIT_CODE_MISSING;
    default:
        return EXIT_CODE_FAILURE;
    }
}

/** First of all, so that /readyz tells how the start goes. */
static p_status start_operations(lifecycle *l, p_err *err)
{
    const config *c = l->config;
    unsigned port;
    p_status s = operations_create(&l->operations, &l->log, getenv("NOTIFY_SOCKET"), err);
    if (s != P_OK)
        return s;
    telemetry_build build = {.version = ZKP_VERSION,
                             .protocol = RPC_PROTOCOL_VERSION,
                             .isa = l->poseidon->isa,
                             .device = drv_device_info(l->device)->name,
                             .grpc_core = rpc_core_version(),
                             .fork_id = (unsigned)c->fork_id};
    telemetry_set_build(operations_telemetry(l->operations), &build);
    operations_set_phase(l->operations, OPERATIONS_STARTING);
    s = operations_listen(l->operations, c->http_listen, &port, err);
    if (s == P_OK && port)
        log_event(&l->log, LOG_INFO, "http", "{s:s, s:i}", "listen", c->http_listen, "port",
                  (int)port);
    return s;
}

static p_status start_server(lifecycle *l, unsigned *port, p_err *err)
{
    const config *c = l->config;
    rpc_service_options service = {
        .workers = (unsigned)c->workers,
        .max_waiting = (size_t)c->grpc_max_calls, /* a call has at most one request in work */
        .max_message_bytes = (size_t)c->grpc_max_message_bytes,
        .poseidon = l->poseidon,
        .store = l->store,
        .persist_execute = c->state_persist_execute,
        .execute_memory_bytes = (size_t)c->limits_execute_memory_bytes,
        .enforce_counters = c->counters_enforce,
        .fork_id = (uint32_t)c->fork_id,
        .executed = on_executed,
        .executed_ctx = l,
        .jobs = l->jobs,
        .job_memory_bytes = c->limits_job_memory_bytes,
        .get_proof_max_seconds = c->jobs_get_proof_max_seconds,
        .hidden_folder = c->data_dir,
    };
    rpc_server_options server = {
        .threads = (unsigned)c->grpc_threads,
        .max_message_bytes = (size_t)c->grpc_max_message_bytes,
        .max_inflight_bytes = (size_t)c->grpc_max_inflight_bytes,
        .max_transport_bytes = (size_t)c->grpc_max_transport_bytes,
        .max_calls = (unsigned)c->grpc_max_calls,
        .max_streams = (unsigned)c->grpc_max_streams,
        .max_client_calls = (unsigned)c->grpc_max_client_calls,
        .max_client_inflight_bytes = (size_t)c->grpc_max_client_inflight_bytes,
        .hidden_folder = c->data_dir,
        .ended = on_call_ended,
        .ended_ctx = l,
    };
    rpc_method methods[RPC_SERVICE_METHODS + RPC_HEALTH_METHODS + RPC_REFLECTION_METHODS];
    size_t n_methods = RPC_SERVICE_METHODS + RPC_HEALTH_METHODS;
    p_status s = transport_open(&l->tls, c, &l->log, err);
    if (s == P_OK)
        s = rpc_service_create(&l->service, &service, err);
    if (s != P_OK)
        return s;
    rpc_service_methods(l->service, methods);
    rpc_health_methods(l->health, methods + RPC_SERVICE_METHODS);
    if (c->grpc_reflection) {
        rpc_reflection_methods(methods + n_methods);
        n_methods += RPC_REFLECTION_METHODS;
    }
    s = rpc_server_create(&l->server, &server, methods, n_methods, err);
    if (s != P_OK)
        return s;
    rpc_service_attach(l->service, l->server);
    s = rpc_server_listen(l->server, c->listen, l->tls, port, err);
    return s == P_OK ? rpc_server_start(l->server, err) : s;
}

static p_status start_all(lifecycle *l, unsigned *port, exit_code *code, p_err *err)
{
    const config *c = l->config;
    p_status s = choose_isa(c, &l->poseidon, err);
    *code = code_of(s);
    if (s != P_OK)
        return s;
    uint64_t files = raise_file_limit();
    log_event(&l->log, LOG_INFO, "starting", "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "version",
              ZKP_VERSION, "protocol", RPC_PROTOCOL_VERSION, "grpc_core", rpc_core_version(),
              "device", c->device, "isa", l->poseidon->isa, "fork_id", (json_int_t)c->fork_id,
              "workers", (json_int_t)c->workers, "open_files", (json_int_t)files);
    s = device_open(c, &l->log, &l->device, err);
    if (s != P_OK) { /* whatever is wrong with it or with its image */
        *code = s == P_EINVAL ? EXIT_CODE_CONFIG : EXIT_CODE_MISSING;
        return s;
    }
    s = start_operations(l, err);
    if (s == P_OK)
        s = rpc_health_create(&l->health, err);
    *code = code_of(s);
    if (s != P_OK)
        return s;
    *code = EXIT_CODE_MISSING;
    s = make_directories(c->data_dir, err);
    if (s == P_OK)
        s = open_store(c, &l->log, &l->store, err);
    if (s == P_OK) {
        operations_set_state_store(l->operations, l->store);
        s = open_jobs(l, err);
    }
    if (s != P_OK)
        return s;
    s = start_server(l, port, err);
    *code = code_of(s);
    if (s == P_OK)
        operations_set_server(l->operations, l->server);
    if (s == P_OK)
        s = jobs_start(l->jobs, err);
    return s;
}

p_status lifecycle_start(lifecycle **out, const config *c, exit_code *code, p_err *err)
{
    *out = NULL;
    *code = EXIT_CODE_FAILURE;
    lifecycle *l = calloc(1, sizeof *l);
    if (!l)
        return p_err_set(err, P_EEXHAUSTED, "no memory to start");
    l->config = c;
    l->log = (logger){c->log_level, STDERR_FILENO};
    rpc_core_log_redirect(on_core_log);
    unsigned port = 0;
    p_status s = start_all(l, &port, code, err);
    if (s != P_OK) {
        log_event(&l->log, LOG_ERROR, "start_failed", "{s:s, s:s}", "status", p_status_name(s),
                  "reason", err->text);
        lifecycle_stop(l);
        return s;
    }
    transport_log_reach(c, &l->log);
    rpc_service_ready(l->service);
    rpc_health_serve(l->health);
    operations_set_phase(l->operations, OPERATIONS_SERVING);
    char address[sizeof c->listen + 8];
    snprintf(address, sizeof address, "%.*s:%u", (int)(strrchr(c->listen, ':') - c->listen),
             c->listen, port);
    log_event(&l->log, LOG_INFO, "serving", "{s:s, s:i, s:s, s:I}", "listen", address, "port",
              (int)port, "tls", l->tls ? rpc_tls_is_mutual(l->tls) ? "mutual" : "on" : "off",
              "fork_id", (json_int_t)c->fork_id);
    *out = l;
    return P_OK;
}

void lifecycle_serve(lifecycle *l)
{
    sigset_t set;
    stop_signals(&set);
    int number;
    do
        number = sigwaitinfo(&set, NULL);
    while (number < 0 && errno == EINTR);
    log_event(&l->log, LOG_INFO, "signal", "{s:s}", "name",
              number == SIGINT ? "SIGINT" : "SIGTERM");
}

/** A second signal ends the process. */
static void leave_on_signal(const lifecycle *l)
{
    const struct timespec none = {0, 0};
    sigset_t set;
    stop_signals(&set);
    if (sigtimedwait(&set, NULL, &none) <= 0)
        return;
    log_event(&l->log, LOG_WARN, "ended", "{s:s}", "reason", "a second signal");
    _exit(EXIT_CODE_FAILURE);
}

/** Waits until no call runs; false when the time is over. */
static bool wait_for_calls(lifecycle *l, int64_t until)
{
    while (!rpc_server_drain_wait(l->server, 50)) {
        leave_on_signal(l);
        if (p_clock_ms(CLOCK_MONOTONIC) >= until)
            return false;
    }
    return true;
}

/** Waits until no job runs: it has been told to stop, and polls for that. It is in the store, so
 * one that does not stop costs nothing but its stage. */
static void wait_for_job(lifecycle *l)
{
    int64_t until = p_clock_ms(CLOCK_MONOTONIC) + CANCEL_SECONDS * 1000;
    while (!jobs_drain_wait(l->jobs, 50)) {
        leave_on_signal(l);
        if (p_clock_ms(CLOCK_MONOTONIC) < until)
            continue;
        log_event(&l->log, LOG_ERROR, "ended", "{s:s}", "reason",
                  "the running job did not stop; the next start goes on with it");
        _exit(EXIT_CODE_FAILURE);
    }
}

void lifecycle_drain(lifecycle *l)
{
    rpc_server_stats stats;
    rpc_server_get_stats(l->server, &stats);
    log_event(&l->log, LOG_INFO, "draining", "{s:i, s:I}", "calls", (int)stats.calls_running,
              "drain_seconds", (json_int_t)l->config->drain_seconds);
    operations_set_phase(l->operations, OPERATIONS_DRAINING);
    rpc_health_end(l->health);
    rpc_server_drain(l->server);
    int64_t until = p_clock_ms(CLOCK_MONOTONIC) + (int64_t)l->config->drain_seconds * 1000;
    rpc_service_settle(l->service, SETTLE_MS);
    jobs_drain(l->jobs);
    if (!wait_for_calls(l, until)) {
        rpc_server_get_stats(l->server, &stats);
        log_event(&l->log, LOG_WARN, "drain_time_over", "{s:i}", "calls_cancelled",
                  (int)stats.calls_running);
        rpc_server_cancel_calls(l->server);
        if (!wait_for_calls(l, p_clock_ms(CLOCK_MONOTONIC) + CANCEL_SECONDS * 1000)) {
            log_event(&l->log, LOG_ERROR, "ended", "{s:s}", "reason",
                      "calls did not end after they were cancelled");
            _exit(EXIT_CODE_FAILURE);
        }
    }
    wait_for_job(l);
}

/** A signal handler for the last steps, which nobody polls between: only _exit is safe in it. */
static void leave_now(int number)
{
    (void)number;
    _exit(EXIT_CODE_FAILURE);
}

void lifecycle_stop(lifecycle *l)
{
    sigset_t set;
    struct sigaction leave = {.sa_handler = leave_now};
    sigaction(SIGTERM, &leave, NULL);
    sigaction(SIGINT, &leave, NULL);
    stop_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    operations_stop(l->operations); /* it asks the other parts */
    if (l->server) {
        rpc_server_stop(l->server);
        rpc_server_stats stats;
        rpc_server_get_stats(l->server, &stats);
        log_event(&l->log, LOG_INFO, "stopped", "{s:I, s:I, s:I, s:I}", "calls",
                  (json_int_t)stats.calls_accepted, "refused", (json_int_t)stats.calls_refused,
                  "requests", (json_int_t)stats.messages, "answers", (json_int_t)stats.answers);
    }
    rpc_service_destroy(l->service);
    jobs_destroy(l->jobs);
    pipeline_destroy(l->pipeline);
    job_store_close(l->job_store);
    rpc_server_destroy(l->server);
    rpc_health_destroy(l->health);
    rpc_tls_destroy(l->tls);
    state_store_close(l->store);
    operations_destroy(l->operations);
    device_close(l->device, &l->log);
    free(l);
}
