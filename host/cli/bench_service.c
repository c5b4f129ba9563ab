/* zkprover bench execute --addr: the service's throughput against this process's, on the same
 * batches. */
#include "host/cli/bench.h"
#include "host/cli/request.h"
#include "host/cli/value.h"
#include "host/state/batch_file.h"
#include "host/state/run.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define TURNS 4
#define TURN_SECONDS 0.75 /* each way takes TURNS of them */
#define TIMEOUT_SECONDS 600.0

/* One batch, ready for both ways. */
typedef struct load {
    const char *path;
    const service *service;
    const gl_poseidon_ops *poseidon;
    json_t *file;
    uint8_t *request;
    size_t request_len;
    batch_expected expected;
} load;

/* What one thread does in one turn. */
typedef struct turn {
    const load *load;
    state_runner *runner; /* kept from turn to turn; NULL: through the service */
    rpc_client *client;
    uint64_t txs;
    double wall_s, cpu_s;
    p_status status;
    p_err err;
} turn;

static p_status check_root(const load *l, const u256 *root, p_err *err)
{
    if (l->expected.has_state_root && memcmp(&l->expected.state_root, root, sizeof *root) != 0)
        return p_err_set(err, P_EINTERNAL,
                         "the new state root differs from the file's newStateRoot");
    return P_OK;
}

/* From the parsed JSON, whose texts are decoded as the service decodes those of a message. */
static p_status once_local(turn *t, p_err *err)
{
    const load *l = t->load;
    batch_file_options options = {.default_counters = true, .max_l2_data = BENCH_MAX_L2_DATA};
    state_request *req = NULL;
    state_outcome *o = NULL;
    p_status s = batch_json_parse(l->file, &options, &req, NULL, err);
    if (s == P_OK)
        s = state_request_verify(req, l->poseidon, err);
    if (s == P_OK)
        s = state_execute(t->runner, req, NULL, &o, err);
    if (s == P_OK) {
        t->txs += o->result.n_txs;
        s = check_root(l, &o->result.new_state_root, err);
    }
    state_outcome_destroy(o);
    state_request_destroy(req);
    return s;
}

static p_status once_service(turn *t, rpc_stream *stream, p_err *err)
{
    const load *l = t->load;
    uint8_t *answer = NULL;
    size_t len = 0;
    p_status s = rpc_stream_send(stream, l->request, l->request_len, err);
    if (s == P_OK && (s = rpc_stream_receive(stream, &answer, &len, err)) == P_ENOTFOUND) {
        s = rpc_stream_finish(stream, err);
        if (s == P_OK)
            s = p_err_set(err, P_EINTERNAL, "the service ended the stream without an answer");
    }
    Zkprover__V1__ExecuteResponse *m =
        s == P_OK ? zkprover__v1__execute_response__unpack(NULL, len, answer) : NULL;
    u256 root;
    if (s == P_OK && (!m || !value_parse(&root, m->new_state_root))) {
        (void)rpc_stream_finish(stream, NULL);
        const char *reason = rpc_stream_reason(stream, 0);
        s = p_err_set(err, P_EINTERNAL, "the service did not execute the batch: %s",
                      reason ? reason : "it gave no reason");
    }
    if (s == P_OK) {
        t->txs += m->n_receipts;
        s = check_root(l, &root, err);
    }
    if (m)
        zkprover__v1__execute_response__free_unpacked(m, NULL);
    free(answer);
    return s;
}

static void *turn_main(void *arg)
{
    turn *t = arg;
    rpc_stream *stream = NULL;
    double start = p_clock_seconds(CLOCK_MONOTONIC), cpu = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID),
           wall = 0;
    if (!t->runner)
        t->status = rpc_stream_open(&stream, t->client, "/zkprover.v1.ZKProverService/Execute",
                                    TIMEOUT_SECONDS, &t->err);
    while (t->status == P_OK && wall < TURN_SECONDS) {
        t->status = t->runner ? once_local(t, &t->err) : once_service(t, stream, &t->err);
        wall = p_clock_seconds(CLOCK_MONOTONIC) - start;
    }
    t->wall_s += wall;
    t->cpu_s += p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    rpc_stream_destroy(stream);
    return NULL;
}

/* Transactions per second of all threads together; each by its own time, so that one which ends a
 * run later than the others does not count their waiting. */
static double rate_of(const turn *turns, unsigned n, double *wall_s, double *cpu_s)
{
    double rate = 0;
    *wall_s = *cpu_s = 0;
    for (unsigned i = 0; i < n; i++) {
        if (turns[i].wall_s > 0)
            rate += (double)turns[i].txs / turns[i].wall_s;
        if (turns[i].wall_s > *wall_s)
            *wall_s = turns[i].wall_s;
        *cpu_s += turns[i].cpu_s;
    }
    return rate;
}

static void print_result(const load *l, const turn *local, const turn *remote, unsigned n,
                         bool as_json)
{
    const char *base = strrchr(l->path, '/') ? strrchr(l->path, '/') + 1 : l->path;
    char name[256];
    bench_line line = {.name = name, .isa = l->poseidon->isa, .threads = n, .log_n = -1};
    line.unit = "tx/s";
    double here = rate_of(local, n, &line.wall_s, &line.cpu_s);
    line.value = here;
    snprintf(name, sizeof name, "execute_local:%s", base);
    bench_print(&line, as_json);
    double there = rate_of(remote, n, &line.wall_s, &line.cpu_s);
    line.value = there;
    snprintf(name, sizeof name, "execute_service:%s", base);
    bench_print(&line, as_json);
    line.unit = "ratio";
    line.value = here > 0 ? there / here : 0;
    snprintf(name, sizeof name, "execute_ratio:%s", base);
    bench_print(&line, as_json);
}

static p_status measure(const load *l, unsigned n, bool as_json, p_err *err)
{
    turn *turns = calloc(2 * (size_t)n, sizeof *turns); /* the local ones, then the others */
    p_status s = turns ? P_OK : p_err_set(err, P_EEXHAUSTED, "no memory for %u threads", n);
    for (unsigned i = 0; i < n && s == P_OK; i++) {
        turns[i].load = turns[n + i].load = l;
        s = state_runner_create(&turns[i].runner, l->poseidon, err);
        if (s == P_OK)
            s = service_connect(l->service, &turns[n + i].client, err);
    }
    for (unsigned k = 0; k < 2 * TURNS && s == P_OK; k++) {
        turn *some = turns + (k % 2 ? n : 0);
        if (!bench_run_threads(turn_main, some, sizeof *some, n))
            s = p_err_set(err, P_EEXHAUSTED, "%u threads cannot be started", n);
        for (unsigned i = 0; i < n && s == P_OK; i++)
            if ((s = some[i].status) != P_OK)
                p_err_set(err, s, "%s: %s", l->path, some[i].err.text);
    }
    if (s == P_OK && turns[0].txs == 0)
        s = p_err_set(err, P_EINVAL, "%s: no transaction to measure", l->path);
    if (s == P_OK)
        print_result(l, turns, turns + n, n, as_json);
    for (unsigned i = 0; turns && i < n; i++) {
        state_runner_destroy(turns[i].runner);
        rpc_client_destroy(turns[n + i].client);
    }
    free(turns);
    return s;
}

p_status bench_service(const service *at, const char *path, unsigned clients,
                       const gl_poseidon_ops *poseidon, bool as_json, p_err *err)
{
    load l = {.path = path, .service = at, .poseidon = poseidon};
    const char *aggregator;
    (void)request_aggregator(&aggregator, NULL, NULL);
    p_status s = request_load(path, aggregator, &l.request, &l.request_len, &l.expected, err);
    l.file = json_load_file(path, 0, NULL);
    if (s == P_OK && !l.file)
        s = p_err_set(err, P_EIO, "%s: cannot be read again", path);
    if (s == P_OK)
        s = measure(&l, clients, as_json, err);
    json_decref(l.file);
    free(l.request);
    return s;
}
