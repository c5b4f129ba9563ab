/* Benchmarks of what runs on the host: keccak, the state tree, witnesses and execution. */
#include "host/cli/bench.h"
#include "host/executor/smt.h"
#include "host/state/batch_file.h"
#include "host/state/run.h"

#include "driver/field/keccak.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIN_CPU_SECONDS 1.0 /* of each measurement */
#define QUICK_CPU_SECONDS 0.05
#define KECCAK_ROUND 4096
#define TREE_LOG2 14                 /* keys in the tree of the smt benchmark */
#define TREE_ROUND 256               /* writes between two roots, as of a large batch */
#define TREE_BYTES ((size_t)1 << 30) /* address space; touched as far as it is used */

static double cpu_seconds(const bench_setup *b)
{
    return b->quick ? QUICK_CPU_SECONDS : MIN_CPU_SECONDS;
}

/* ---- hashes ---- */

typedef struct hash_job {
    uint64_t done;
    double cpu_s, cpu_s_min;
} hash_job;

static void *hash_main(void *arg)
{
    hash_job *j = arg;
    uint64_t lanes[25] = {1};
    double start = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    do {
        for (size_t i = 0; i < KECCAK_ROUND; i++)
            keccak_f1600(lanes);
        j->done += KECCAK_ROUND;
        j->cpu_s = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    } while (j->cpu_s < j->cpu_s_min);
    return NULL;
}

bool bench_run_threads(void *(*body)(void *), void *jobs, size_t size, unsigned n)
{
    pthread_t threads[BENCH_MAX_THREADS];
    unsigned started = 0;
    while (started < n &&
           pthread_create(&threads[started], NULL, body, (char *)jobs + started * size) == 0)
        started++;
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return started == n;
}

p_status bench_keccak(const bench_setup *b, p_err *err)
{
    hash_job *jobs = calloc(b->threads, sizeof *jobs);
    double wall = p_clock_seconds(CLOCK_MONOTONIC);
    for (unsigned i = 0; jobs && i < b->threads; i++)
        jobs[i].cpu_s_min = cpu_seconds(b);
    if (!jobs || !bench_run_threads(hash_main, jobs, sizeof *jobs, b->threads)) {
        free(jobs);
        return p_err_set(err, P_EEXHAUSTED, "no memory for %u threads", b->threads);
    }
    bench_line l = {.name = "keccak",
                    .unit = "us",
                    .isa = "portable",
                    .threads = b->threads,
                    .log_n = -1,
                    .wall_s = p_clock_seconds(CLOCK_MONOTONIC) - wall};
    uint64_t done = 0;
    for (unsigned i = 0; i < b->threads; i++) {
        done += jobs[i].done;
        l.cpu_s += jobs[i].cpu_s;
    }
    free(jobs);
    l.value = l.cpu_s * 1e6 / (double)done;
    bench_print(&l, b->json);
    return P_OK;
}

/* ---- execute ---- */

typedef struct execute_job {
    const json_t *file;
    const gl_poseidon_ops *poseidon;
    bool witness_only;
    uint64_t txs, runs, bytes, file_bytes;
    double cpu_s_min, cpu_s; /* checking the witness and executing; reading the JSON is not in it */
    p_status status;
    p_err err;
} execute_job;

static void *execute_main(void *arg)
{
    execute_job *j = arg;
    state_runner *runner;
    batch_file_options options = {.default_counters = true, .max_l2_data = BENCH_MAX_L2_DATA};
    j->status = state_runner_create(&runner, j->poseidon, &j->err);
    while (j->status == P_OK && (j->cpu_s < j->cpu_s_min || j->runs < 2)) {
        state_request *req = NULL;
        state_outcome *o = NULL;
        batch_expected e = {0};
        j->status = batch_json_parse(j->file, &options, &req, &e, &j->err);
        double start = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID);
        if (j->status == P_OK)
            j->status = state_request_verify(req, j->poseidon, &j->err);
        if (j->status == P_OK && !j->witness_only)
            j->status = state_execute(runner, req, NULL, &o, &j->err);
        j->cpu_s += p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
        if (j->status == P_OK && j->witness_only) {
            j->bytes += j->file_bytes;
            j->runs++;
        } else if (j->status == P_OK) {
            j->txs += o->result.n_txs;
            j->runs++;
            if (o->result.n_txs == 0)
                j->status = p_err_set(&j->err, P_EINVAL, "no transaction to measure");
            else if (e.has_state_root &&
                     memcmp(&e.state_root, &o->result.new_state_root, sizeof e.state_root) != 0)
                j->status = p_err_set(&j->err, P_EINTERNAL,
                                      "the new state root differs from the file's newStateRoot");
        }
        state_outcome_destroy(o);
        state_request_destroy(req);
    }
    state_runner_destroy(runner);
    return NULL;
}

/* Bytes that have to be hashed: eight to a node's element, and the bytecodes. */
static uint64_t witness_bytes(const json_t *file)
{
    const char *key;
    json_t *value;
    uint64_t n = 0;
    json_object_foreach(json_object_get(file, "db"), key, value) n += 8 * json_array_size(value);
    json_object_foreach(json_object_get(file, "contractsBytecode"), key, value)
    {
        if (strlen(key) > 42) /* by hash, not by address */
            n += json_string_length(value) / 2;
    }
    return n;
}

p_status bench_file(const bench_setup *b, const char *path, bool witness_only, p_err *err)
{
    unsigned threads = b->threads;
    json_error_t je;
    json_t *file = json_load_file(path, 0, &je);
    if (!file)
        return p_err_set(err, P_EINVAL, "%s: %s", path, je.text);
    execute_job *jobs = calloc(threads, sizeof *jobs);
    double wall = p_clock_seconds(CLOCK_MONOTONIC);
    for (unsigned i = 0; jobs && i < threads; i++) {
        jobs[i].file = file;
        jobs[i].poseidon = b->poseidon;
        jobs[i].cpu_s_min = cpu_seconds(b);
        jobs[i].witness_only = witness_only;
        jobs[i].file_bytes = witness_bytes(file);
    }
    p_status s = P_OK;
    if (!jobs || !bench_run_threads(execute_main, jobs, sizeof *jobs, threads))
        s = p_err_set(err, P_EEXHAUSTED, "no memory for %u threads", threads);
    bench_line l = {.unit = witness_only ? "MB/cpu_s" : "tx/cpu_s",
                    .isa = b->poseidon->isa,
                    .threads = threads,
                    .log_n = -1};
    l.wall_s = p_clock_seconds(CLOCK_MONOTONIC) - wall;
    uint64_t txs = 0, bytes = 0;
    for (unsigned i = 0; jobs && i < threads && s == P_OK; i++) {
        s = jobs[i].status;
        if (s != P_OK)
            p_err_set(err, s, "%s: %s", path, jobs[i].err.text);
        txs += jobs[i].txs;
        bytes += jobs[i].bytes;
        l.cpu_s += jobs[i].cpu_s;
    }
    if (s == P_OK) {
        char name[256];
        const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        snprintf(name, sizeof name, "%s:%s", witness_only ? "witness" : "execute", base);
        l.name = name;
        l.value = (witness_only ? (double)bytes / 1e6 : (double)txs) / l.cpu_s;
        bench_print(&l, b->json);
    }
    free(jobs);
    json_decref(file);
    return s;
}

/* ---- the state tree ---- */

typedef struct tree_job {
    const gl_poseidon_ops *poseidon;
    uint64_t writes;
    double cpu_s_min, cpu_s; /* of the writes and the roots after each round */
    exec_fault fault;
    bool failed;
} tree_job;

static exec_fault no_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    (void)ctx, (void)hash, (void)node;
    return EXEC_FAULT_MISSING_NODE; /* the tree starts empty: there is nothing to load */
}

static void permute_many(void *ctx, gl_t *states, size_t count)
{
    const gl_poseidon_ops *poseidon = ctx;
    poseidon->permute_many(states, count);
}

/* splitmix64: keys spread as hashed ones do. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static exec_fault tree_round(smt *tree, uint64_t *random, size_t n_keys, size_t writes)
{
    exec_fault fault = EXEC_FAULT_NONE;
    gl_t root[4];
    for (size_t i = 0; i < writes && fault == EXEC_FAULT_NONE; i++) {
        uint64_t which = next_random(random) % n_keys;
        gl_t key[4];
        u256 value = {{next_random(random), 1, 0, 0}};
        for (size_t k = 0; k < 4; k++)
            key[k] = next_random(&which) % GL_P;
        smt_effect effect;
        fault = smt_set(tree, key, &value, &effect);
    }
    if (fault == EXEC_FAULT_NONE)
        fault = smt_root(tree, root);
    smt_freeze(tree);
    return fault;
}

static void *tree_main(void *arg)
{
    tree_job *j = arg;
    exec_host host = {.ctx = (void *)j->poseidon,
                      .node = no_node,
                      .permute_many = permute_many,
                      .permute = j->poseidon->permute};
    exec_arena arena;
    u256 missing;
    smt tree;
    uint64_t random = 1;
    void *memory = mmap(NULL, TREE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    j->failed = memory == MAP_FAILED;
    if (j->failed)
        return NULL;
    exec_arena_init(&arena, memory, TREE_BYTES);
    size_t n_keys = (size_t)1 << TREE_LOG2;
    j->fault = smt_init(&tree, &arena, &host, NULL, &missing, NULL);
    if (j->fault == EXEC_FAULT_NONE)
        j->fault = tree_round(&tree, &random, n_keys, 4 * n_keys); /* fills it */
    double start = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    while (j->fault == EXEC_FAULT_NONE && j->cpu_s < j->cpu_s_min) {
        j->fault = tree_round(&tree, &random, n_keys, TREE_ROUND);
        j->writes += TREE_ROUND;
        j->cpu_s = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    munmap(memory, TREE_BYTES);
    return NULL;
}

p_status bench_tree(const bench_setup *b, p_err *err)
{
    unsigned threads = b->threads;
    tree_job *jobs = calloc(threads, sizeof *jobs);
    double wall = p_clock_seconds(CLOCK_MONOTONIC);
    for (unsigned i = 0; jobs && i < threads; i++) {
        jobs[i].poseidon = b->poseidon;
        jobs[i].cpu_s_min = cpu_seconds(b);
    }
    bench_line l = {.name = "smt",
                    .unit = "writes/cpu_s",
                    .isa = b->poseidon->isa,
                    .threads = threads,
                    .log_n = TREE_LOG2};
    bool ok = jobs && bench_run_threads(tree_main, jobs, sizeof *jobs, threads);
    l.wall_s = p_clock_seconds(CLOCK_MONOTONIC) - wall;
    uint64_t writes = 0;
    for (unsigned i = 0; i < threads && ok; i++) {
        ok = !jobs[i].failed && jobs[i].fault == EXEC_FAULT_NONE;
        writes += jobs[i].writes;
        l.cpu_s += jobs[i].cpu_s;
    }
    free(jobs);
    if (!ok)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the trees of %u threads", threads);
    l.value = (double)writes / l.cpu_s;
    bench_print(&l, b->json);
    return P_OK;
}
