#include "host/zkproverd/notify.h"
#include "host/zkproverd/operations.h"

#include <jansson.h>

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- metrics ---- */

static void expect_line(metrics *m, const char *line)
{
    char *text, wanted[256];
    size_t len;
    assert_int_equal(metrics_render(m, &text, &len, NULL), P_OK);
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(text, wanted))
        fail_msg("no line '%s' in\n%s", line, text);
    free(text);
}

static void expect_absent(metrics *m, const char *name)
{
    char *text, wanted[256];
    size_t len;
    assert_int_equal(metrics_render(m, &text, &len, NULL), P_OK);
    snprintf(wanted, sizeof wanted, "\n# TYPE %s ", name);
    assert_null(strstr(text, wanted));
    free(text);
}

static void counts(void **state)
{
    (void)state;
    metrics *m;
    telemetry *t;
    p_err err = {0};
    assert_int_equal(metrics_create(&m, &err), P_OK);
    assert_int_equal(telemetry_create(&t, m, &err), P_OK);
    telemetry_set_build(t, &(telemetry_build){"1.2.3", "v9", "avx2", "cpu", "29", 6});
    expect_line(m, "zkprover_build_info{version=\"1.2.3\",protocol=\"v9\",isa=\"avx2\","
                   "device=\"cpu\",fork_id=\"6\",grpc_core=\"29\"} 1");

    telemetry_executed(t, &(rpc_execute_event){.result = "COMPLETED_OK",
                                               .transactions = 14,
                                               .processed = 7,
                                               .failed = 2,
                                               .undone = 4,
                                               .wait_seconds = 0.002,
                                               .total_seconds = 0.3});
    telemetry_executed(t, &(rpc_execute_event){.result = "P_EEXHAUSTED", .total_seconds = 100});
    expect_line(m, "zkprover_transactions_total{outcome=\"ok\"} 5");
    expect_line(m, "zkprover_transactions_total{outcome=\"failed\"} 2");
    expect_line(m, "zkprover_transactions_total{outcome=\"skipped\"} 3");
    expect_line(m, "zkprover_transactions_total{outcome=\"undone\"} 4");
    expect_line(m, "zkprover_execute_results_total{result=\"COMPLETED_OK\"} 1");
    expect_line(m, "zkprover_execute_results_total{result=\"P_EEXHAUSTED\"} 1");
    expect_line(m, "zkprover_execute_results_total{result=\"CANCEL\"} 0");
    expect_line(m, "zkprover_execute_duration_seconds_bucket{le=\"0.25\"} 0");
    expect_line(m, "zkprover_execute_duration_seconds_bucket{le=\"0.5\"} 1");
    expect_line(m, "zkprover_execute_duration_seconds_bucket{le=\"60\"} 1");
    expect_line(m, "zkprover_execute_duration_seconds_count 2");
    expect_line(m, "zkprover_execute_wait_seconds_bucket{le=\"0.0025\"} 2");

    telemetry_call_ended(t, "/a.B/C", 0);
    telemetry_call_ended(t, "/a.B/C", 0);
    telemetry_call_ended(t, "/a.B/C", 14);
    telemetry_call_ended(t, NULL, 12);
    telemetry_call_ended(t, NULL, 99);
    expect_line(m, "zkprover_grpc_calls_total{method=\"a.B/C\",code=\"OK\"} 2");
    expect_line(m, "zkprover_grpc_calls_total{method=\"a.B/C\",code=\"UNAVAILABLE\"} 1");
    expect_line(m, "zkprover_grpc_calls_total{method=\"unknown\",code=\"UNIMPLEMENTED\"} 1");
    expect_line(m, "zkprover_grpc_calls_total{method=\"unknown\",code=\"UNKNOWN\"} 1");

    telemetry_job_event(t, &(jobs_event){.kind = JOBS_EVENT_SUBMITTED});
    telemetry_job_event(t, &(jobs_event){.kind = JOBS_EVENT_STARTED});
    telemetry_job_event(
        t, &(jobs_event){.kind = JOBS_EVENT_STAGE, .stage = "execute", .seconds = 1.5});
    telemetry_job_event(
        t, &(jobs_event){.kind = JOBS_EVENT_ENDED, .state = JOB_INTERNAL_ERROR, .seconds = 2});
    telemetry_job_event(t, &(jobs_event){.kind = JOBS_EVENT_ENDED, .state = JOB_CANCELLED});
    telemetry_job_event(t, &(jobs_event){.kind = JOBS_EVENT_RETURNED});
    telemetry_job_event(t, &(jobs_event){.kind = JOBS_EVENT_RETAINED, .count = 5});
    telemetry_job_event(t, &(jobs_event){.kind = JOBS_EVENT_TROUBLE, .text = "x"});
    telemetry_job_event(t, &(jobs_event){.kind = JOBS_EVENT_HALTED, .text = "x"});
    expect_line(m, "zkprover_jobs_submitted_total 1");
    expect_line(m, "zkprover_stage_duration_seconds_bucket{stage=\"execute\",le=\"1\"} 0");
    expect_line(m, "zkprover_stage_duration_seconds_bucket{stage=\"execute\",le=\"2.5\"} 1");
    expect_line(m, "zkprover_stage_duration_seconds_sum{stage=\"execute\"} 1.5");
    expect_line(m, "zkprover_jobs_ended_total{state=\"internal_error\"} 1");
    expect_line(m, "zkprover_jobs_ended_total{state=\"cancelled\"} 1");
    expect_line(m, "zkprover_job_duration_seconds_count{state=\"internal_error\"} 1");
    expect_line(m, "zkprover_jobs_returned_total 1");
    expect_line(m, "zkprover_jobs_deleted_total 5");
    expect_line(m, "zkprover_job_store_troubles_total 1");

    /* a part that has not told anything, or cannot, has no figures: unknown is not 0 */
    expect_absent(m, "zkprover_queue_depth");
    expect_absent(m, "zkprover_jobs");
    expect_absent(m, "zkprover_state_store_used_bytes");
    jobs_status status = {.mode = JOBS_HALTED, .pending = 4, .watches = 3};
    telemetry_set_jobs(t, &status);
    expect_line(m, "zkprover_queue_depth 4");
    expect_line(m, "zkprover_get_proof_waiters 3");
    expect_line(m, "zkprover_halted 1");
    expect_line(m, "zkprover_jobs_ended_total{state=\"completed_ok\"} 0");
    job_store_info info = {.jobs = {[JOB_PENDING] = 4, [JOB_RUNNING] = 1},
                           .artefacts = 6,
                           .artefact_bytes = 700,
                           .database_bytes = 8192};
    telemetry_set_job_store(t, &info);
    expect_line(m, "zkprover_jobs{state=\"pending\"} 4");
    expect_line(m, "zkprover_jobs{state=\"running\"} 1");
    expect_line(m, "zkprover_jobs{state=\"completed_ok\"} 0");
    expect_line(m, "zkprover_job_store_database_bytes 8192");
    expect_line(m, "zkprover_job_store_artefacts 6");
    expect_line(m, "zkprover_job_store_artefact_bytes 700");
    telemetry_set_job_store(t, NULL);
    expect_absent(m, "zkprover_jobs");
    telemetry_set_state_store(
        t, &(state_store_info){.nodes = 9, .codes = 2, .bytes_used = 4096, .bytes_limit = 1 << 20});
    expect_line(m, "zkprover_state_store_used_bytes 4096");
    expect_line(m, "zkprover_state_store_map_bytes 1048576");
    expect_line(m, "zkprover_state_store_nodes 9");
    expect_line(m, "zkprover_state_store_bytecodes 2");
    telemetry_set_server(t, &(rpc_server_stats){5, 1, 7, 6, 2, 1234});
    expect_line(m, "zkprover_grpc_calls_running 2");
    expect_line(m, "zkprover_grpc_inflight_bytes 1234");
    expect_line(m, "zkprover_grpc_calls_refused_total 1");
    telemetry_destroy(t);
    metrics_destroy(m);
}

/* ---- the service manager ---- */

static int listen_at(const char *path, size_t len)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval limit = {5, 0};
    memcpy(a.sun_path, path, len);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(
        bind(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
        0);
    return fd;
}

static void expect_message(int fd, const char *wanted)
{
    char got[256];
    ssize_t n = recv(fd, got, sizeof got - 1, 0);
    assert_true(n >= 0);
    got[n] = 0;
    assert_string_equal(got, wanted);
}

static void notifies(void **state)
{
    (void)state;
    char dir[] = "/tmp/zkprover-test-XXXXXX", path[64], name[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/notify", dir);
    int fd = listen_at(path, strlen(path));
    assert_true(notify_send(path, "READY=1"));
    expect_message(fd, "READY=1");
    /* as systemd in a user's session: an abstract name */
    snprintf(name, sizeof name, "@zkprover-test-%d", (int)getpid());
    char abstract[64];
    memcpy(abstract, name, sizeof abstract);
    abstract[0] = 0;
    int other = listen_at(abstract, strlen(name));
    assert_true(notify_send(name, "STOPPING=1"));
    expect_message(other, "STOPPING=1");
    close(other);
    assert_false(notify_send(NULL, "READY=1"));
    assert_false(notify_send("", "READY=1"));
    assert_false(notify_send("relative", "READY=1"));
    assert_false(notify_send("/nobody/there", "READY=1"));
    char lengthy[300];
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[0] = '/';
    lengthy[sizeof lengthy - 1] = 0;
    assert_false(notify_send(lengthy, "READY=1"));

    operations *o;
    logger log = {LOG_ERROR, STDERR_FILENO};
    unsigned port = 7;
    p_err err = {0};
    assert_int_equal(operations_create(&o, &log, path, &err), P_OK);
    assert_int_equal(operations_listen(o, "off", &port, &err), P_OK);
    assert_int_equal(port, 0);
    operations_set_phase(o, OPERATIONS_STARTING);
    operations_set_phase(o, OPERATIONS_SERVING);
    operations_set_phase(o, OPERATIONS_DRAINING);
    expect_message(fd, "STATUS=starting");
    expect_message(fd, "READY=1\nSTATUS=serving");
    expect_message(fd, "STOPPING=1\nSTATUS=draining");
    operations_stop(o);
    operations_destroy(o);
    operations_destroy(NULL);
    operations_stop(NULL);
    close(fd);
    unlink(path);
    rmdir(dir);
}

/* ---- readiness ---- */

static void expect_ready(unsigned port, const char *status, const char *body)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval limit = {10, 0};
    char got[4096];
    size_t at = 0;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(send(fd, "GET /readyz HTTP/1.0\r\n\r\n", 24, MSG_NOSIGNAL), 24);
    for (ssize_t n; (n = recv(fd, got + at, sizeof got - 1 - at, 0)) > 0;)
        at += (size_t)n;
    close(fd);
    got[at] = 0;
    if (!strstr(got, status) || !strstr(got, body))
        fail_msg("expected %s, %s: %s", status, body, got);
}

static job_end run_nothing(void *ctx, job_task *task, job_result *result)
{
    (void)ctx;
    (void)task;
    (void)result;
    return JOB_END_INTERNAL_ERROR;
}

static void readiness(void **state)
{
    (void)state;
    operations *o;
    logger log = {LOG_ERROR, STDERR_FILENO};
    unsigned port;
    p_err err = {0};
    assert_int_equal(operations_create(&o, &log, NULL, &err), P_OK);
    assert_int_equal(operations_listen(o, "127.0.0.1:0", &port, &err), P_OK);
    expect_ready(port, " 503 ", "\r\n\r\nstarting: ");
    operations_set_phase(o, OPERATIONS_SERVING);
    expect_ready(port, " 200 ", "\r\n\r\nready\n");

    /* with jobs: their figures are there, and they do not make it unready */
    char dir[] = "/tmp/zkprover-test-XXXXXX", store_dir[64], command[96];
    assert_non_null(mkdtemp(dir));
    snprintf(store_dir, sizeof store_dir, "%s/jobs", dir);
    job_store *store;
    jobs *j;
    assert_int_equal(job_store_open(&store, store_dir, NULL, &err), P_OK);
    jobs_options options = {.store = store,
                            .max_queue = 4,
                            .max_watches = 4,
                            .run = run_nothing,
                            .event = operations_job_event,
                            .event_ctx = o};
    assert_int_equal(jobs_create(&j, &options, &err), P_OK);
    operations_set_jobs(o, j, store);
    job_id id;
    assert_int_equal(jobs_submit(j, (const uint8_t *)"x", 1, &id, &err), P_OK);
    expect_ready(port, " 200 ", "\r\n\r\nready\n");
    metrics *m = operations_metrics(o);
    expect_line(m, "zkprover_queue_depth 1");
    expect_line(m, "zkprover_jobs{state=\"pending\"} 1");
    expect_line(m, "zkprover_jobs_submitted_total 1");
    expect_line(m, "zkprover_job_store_artefacts 1");
    expect_line(m, "zkprover_halted 0");
    expect_line(m, "zkprover_ready 1");

    operations_set_phase(o, OPERATIONS_DRAINING);
    expect_ready(port, " 503 ", "\r\n\r\ndraining: ");
    expect_line(m, "zkprover_ready 0");
    operations_set_phase(o, OPERATIONS_STOPPED);
    expect_ready(port, " 503 ", "\r\n\r\nstopped\n");
    operations_stop(o);
    jobs_destroy(j);
    job_store_close(store);
    operations_destroy(o);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

/* ---- log lines of jobs ---- */

static json_t *logged(log_level at, const jobs_event *e)
{
    int fds[2];
    char line[4096] = "";
    assert_int_equal(pipe(fds), 0);
    logger l = {at, fds[1]};
    operations_log_job(&l, e);
    close(fds[1]);
    ssize_t n = read(fds[0], line, sizeof line - 1);
    close(fds[0]);
    if (n <= 0)
        return NULL;
    json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(o);
    assert_null(json_object_get(o, "fields_lost"));
    return o;
}

static void expect_field(json_t *o, const char *key, const char *wanted)
{
    const char *got = json_string_value(json_object_get(o, key));
    if (!wanted)
        assert_null(json_object_get(o, key));
    else if (!got || strcmp(got, wanted))
        fail_msg("%s: expected %s, got %s", key, wanted, got ? got : "nothing");
}

static void log_lines(void **state)
{
    (void)state;
    static const char id[] = "0a1b2c3d-0000-4000-8000-00000000000f";
    jobs_event e = {
        .kind = JOBS_EVENT_ENDED, .state = JOB_CANCELLED, .text = "", .seconds = 1.5, .attempt = 2};
    strcpy(e.id.text, id);
    json_t *o = logged(LOG_INFO, &e);
    expect_field(o, "event", "job");
    expect_field(o, "job", id);
    expect_field(o, "what", "ended");
    expect_field(o, "level", "info");
    expect_field(o, "state", "cancelled");
    expect_field(o, "text", NULL);
    assert_true(json_real_value(json_object_get(o, "seconds")) == 1.5);
    assert_int_equal(json_integer_value(json_object_get(o, "attempt")), 2);
    json_decref(o);
    e.state = JOB_INTERNAL_ERROR;
    e.text = "no prover";
    o = logged(LOG_WARN, &e);
    expect_field(o, "level", "warn");
    expect_field(o, "text", "no prover");
    json_decref(o);
    e.state = JOB_COMPLETED_ERROR; /* quotes the batch */
    o = logged(LOG_INFO, &e);
    expect_field(o, "state", "completed_error");
    expect_field(o, "text", NULL);
    json_decref(o);
    o = logged(LOG_DEBUG, &e);
    expect_field(o, "text", "no prover");
    json_decref(o);
    e = (jobs_event){.kind = JOBS_EVENT_STAGE, .state = JOB_RUNNING, .stage = "execute"};
    strcpy(e.id.text, id);
    o = logged(LOG_INFO, &e);
    expect_field(o, "stage", "execute");
    expect_field(o, "job", id);
    json_decref(o);
    assert_null(logged(LOG_WARN, &e)); /* below the level */
    e = (jobs_event){.kind = JOBS_EVENT_RETAINED, .count = 12};
    o = logged(LOG_INFO, &e);
    expect_field(o, "job", NULL); /* about no single job */
    expect_field(o, "state", NULL);
    assert_int_equal(json_integer_value(json_object_get(o, "count")), 12);
    json_decref(o);
    e = (jobs_event){.kind = JOBS_EVENT_HALTED, .text = "the disk is gone"};
    o = logged(LOG_ERROR, &e);
    expect_field(o, "level", "error");
    expect_field(o, "what", "halted");
    expect_field(o, "text", "the disk is gone");
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(notifies),
        cmocka_unit_test(readiness),
        cmocka_unit_test(log_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
