/* zkprover bench: speed of the parts, each a line. */
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
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MIN_CPU_SECONDS 1.0 /* of each measurement */
#define STATES_LOG2 12
#define TREE_LOG2 14                 /* keys in the tree of the smt benchmark */
#define TREE_ROUND 256               /* writes between two roots, as of a large batch */
#define TREE_BYTES ((size_t)1 << 30) /* address space; touched as far as it is used */

/* Highest resident memory of the process so far. */
static double peak_mb(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? (double)u.ru_maxrss / 1024 : 0;
}

void bench_print(const bench_line *l, bool as_json)
{
    if (!as_json) {
        printf("%-32s %10.*f %-12s %3u %-8s %5.2f s\n", l->name, l->value < 1000 ? 3 : 0, l->value,
               l->unit, l->threads, l->isa, l->cpu_s);
        fflush(stdout);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(l->name));
    json_object_set_new(o, "value", json_real(l->value));
    json_object_set_new(o, "unit", json_string(l->unit));
    json_object_set_new(o, "threads", json_integer(l->threads));
    json_object_set_new(o, "isa", json_string(l->isa));
    json_object_set_new(o, "device", json_string("cpu"));
    json_object_set_new(o, "log_n", l->log_n < 0 ? json_null() : json_integer(l->log_n));
    json_object_set_new(o, "columns", json_null());
    json_object_set_new(o, "peak_mb", json_real(peak_mb()));
    json_object_set_new(o, "wall_s", json_real(l->wall_s));
    json_object_set_new(o, "cpu_s", json_real(l->cpu_s));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text)
        puts(text);
    fflush(stdout);
    free(text);
    json_decref(o);
}

/* ---- hashes ---- */

typedef struct hash_job {
    const gl_poseidon_ops *poseidon; /* NULL: keccak */
    uint64_t done;
    double cpu_s;
    bool failed;
} hash_job;

static void *hash_main(void *arg)
{
    hash_job *j = arg;
    size_t n = (size_t)1 << STATES_LOG2;
    uint64_t lanes[25] = {1};
    gl_t *states = calloc(n * 12, sizeof *states);
    if (!states) {
        j->failed = true;
        return NULL;
    }
    double start = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < n * 12; i++)
        states[i] = i;
    do {
        if (j->poseidon)
            j->poseidon->permute_many(states, n);
        for (size_t i = 0; !j->poseidon && i < n; i++)
            keccak_f1600(lanes);
        j->done += n;
        j->cpu_s = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    } while (j->cpu_s < MIN_CPU_SECONDS);
    free(states);
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

static p_status bench_hash(const char *name, const gl_poseidon_ops *poseidon, unsigned threads,
                           bool as_json, p_err *err)
{
    hash_job *jobs = calloc(threads, sizeof *jobs);
    double wall = p_clock_seconds(CLOCK_MONOTONIC);
    for (unsigned i = 0; jobs && i < threads; i++)
        jobs[i].poseidon = poseidon;
    if (!jobs || !bench_run_threads(hash_main, jobs, sizeof *jobs, threads)) {
        free(jobs);
        return p_err_set(err, P_EEXHAUSTED, "no memory for %u threads", threads);
    }
    bench_line l = {.name = name,
                    .unit = "us",
                    .isa = poseidon ? poseidon->isa : "portable",
                    .threads = threads,
                    .log_n = STATES_LOG2,
                    .wall_s = p_clock_seconds(CLOCK_MONOTONIC) - wall};
    uint64_t done = 0;
    bool failed = false;
    for (unsigned i = 0; i < threads; i++) {
        done += jobs[i].done;
        l.cpu_s += jobs[i].cpu_s;
        failed = failed || jobs[i].failed;
    }
    free(jobs);
    if (failed)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the states of %u threads", threads);
    l.value = l.cpu_s * 1e6 / (double)done;
    bench_print(&l, as_json);
    return P_OK;
}

/* ---- execute ---- */

typedef struct execute_job {
    const json_t *file;
    const gl_poseidon_ops *poseidon;
    bool witness_only;
    uint64_t txs, runs, bytes, file_bytes;
    double cpu_s; /* checking the witness and executing; reading the JSON is not in it */
    p_status status;
    p_err err;
} execute_job;

static void *execute_main(void *arg)
{
    execute_job *j = arg;
    state_runner *runner;
    batch_file_options options = {.default_counters = true, .max_l2_data = BENCH_MAX_L2_DATA};
    j->status = state_runner_create(&runner, j->poseidon, &j->err);
    while (j->status == P_OK && (j->cpu_s < MIN_CPU_SECONDS || j->runs < 2)) {
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

/* A file through execution, or through the check of its witness alone. */
static p_status bench_file(const char *path, bool witness_only, const gl_poseidon_ops *poseidon,
                           unsigned threads, bool as_json, p_err *err)
{
    json_error_t je;
    json_t *file = json_load_file(path, 0, &je);
    if (!file)
        return p_err_set(err, P_EINVAL, "%s: %s", path, je.text);
    execute_job *jobs = calloc(threads, sizeof *jobs);
    double wall = p_clock_seconds(CLOCK_MONOTONIC);
    for (unsigned i = 0; jobs && i < threads; i++) {
        jobs[i].file = file;
        jobs[i].poseidon = poseidon;
        jobs[i].witness_only = witness_only;
        jobs[i].file_bytes = witness_bytes(file);
    }
    p_status s = P_OK;
    if (!jobs || !bench_run_threads(execute_main, jobs, sizeof *jobs, threads))
        s = p_err_set(err, P_EEXHAUSTED, "no memory for %u threads", threads);
    bench_line l = {.unit = witness_only ? "MB/cpu_s" : "tx/cpu_s",
                    .isa = poseidon->isa,
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
        bench_print(&l, as_json);
    }
    free(jobs);
    json_decref(file);
    return s;
}

/* ---- the state tree ---- */

typedef struct tree_job {
    const gl_poseidon_ops *poseidon;
    uint64_t writes;
    double cpu_s; /* of the writes and the roots after each round */
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
    while (j->fault == EXEC_FAULT_NONE && j->cpu_s < MIN_CPU_SECONDS) {
        j->fault = tree_round(&tree, &random, n_keys, TREE_ROUND);
        j->writes += TREE_ROUND;
        j->cpu_s = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    munmap(memory, TREE_BYTES);
    return NULL;
}

static p_status bench_tree(const gl_poseidon_ops *poseidon, unsigned threads, bool as_json,
                           p_err *err)
{
    tree_job *jobs = calloc(threads, sizeof *jobs);
    double wall = p_clock_seconds(CLOCK_MONOTONIC);
    for (unsigned i = 0; jobs && i < threads; i++)
        jobs[i].poseidon = poseidon;
    bench_line l = {.name = "smt",
                    .unit = "writes/cpu_s",
                    .isa = poseidon->isa,
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
    bench_print(&l, as_json);
    return P_OK;
}

/* ---- the command ---- */

static const char *const later[] = {"gl_ntt",    "gl_lde",    "gl_merkle",  "bn_ntt",
                                    "bn_msm_g1", "bn_msm_g2", "bn_poseidon"};

enum bench_name { HASH_POSEIDON, HASH_KECCAK, TREE, WITNESS, EXECUTE, N_NAMES };
static const char *const names[N_NAMES] = {"gl_poseidon", "keccak", "smt", "witness", "execute"};

/* Files of a source tree, for who names none: those that have transactions to measure. */
static const char *const own_batches[] = {
    "tests/data/batch/fork6/transfer.json",
    "tests/data/batch/fork6/erc20.json",
    "tests/data/batch/fork6/contracts.json",
    "tests/data/batch/fork6/mixed.json",
};
#define N_OWN (sizeof own_batches / sizeof own_batches[0])

/* Sets wanted[], and moves the files to the front of the operands. false: this build lacks one. */
static bool sort_operands(const cli_args *args, bool wanted[N_NAMES], size_t *n_files, p_err *err)
{
    *n_files = 0;
    for (size_t i = 0; i < args->n_operands && err->status == P_OK; i++) {
        char *a = args->operands[i];
        size_t at = 0;
        for (size_t k = 0; k < sizeof later / sizeof later[0]; k++) {
            if (strcmp(a, later[k]) == 0) {
                fprintf(stderr, "zkprover bench: '%s' is not in this build yet\n", a);
                return false;
            }
        }
        while (at < N_NAMES && strcmp(a, names[at]) != 0)
            at++;
        if (at < N_NAMES)
            wanted[at] = true;
        else if (wanted[EXECUTE] || wanted[WITNESS])
            args->operands[(*n_files)++] = a; /* files follow a name */
        else
            p_err_set(err, P_EINVAL,
                      "'%s' is no benchmark: expected gl_poseidon, keccak, smt, witness FILE..., "
                      "or execute FILE...",
                      a);
    }
    return true;
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    uint64_t threads = 1, clients = 2;
    bool as_json = cli_args_get(self, args, "json") != NULL, wanted[N_NAMES] = {false};
    const char *isa = cli_args_get(self, args, "isa"), *address = cli_args_get(self, args, "addr");
    const gl_poseidon_ops *poseidon = gl_poseidon_select(isa);
    size_t n_files = 0;
    if (cli_args_number(self, args, "threads", 1, BENCH_MAX_THREADS, &threads, &err) == P_OK &&
        cli_args_number(self, args, "clients", 1, BENCH_MAX_THREADS, &clients, &err) == P_OK &&
        !poseidon)
        p_err_set(&err, P_EINVAL,
                  "option --isa: '%s' is unknown, or this processor does not have it", isa);
    if (err.status == P_OK && !sort_operands(args, wanted, &n_files, &err))
        return CLI_MISSING;
    bool own = n_files == 0 && access(own_batches[0], R_OK) == 0;
    if (args->n_operands == 0)
        for (size_t k = 0; k < N_NAMES; k++)
            wanted[k] = k <= TREE || own;
    if (own)
        n_files = N_OWN;
    if (err.status == P_OK && address && !wanted[EXECUTE])
        p_err_set(&err, P_EINVAL, "option --addr has a meaning for execute only");
    if (err.status == P_OK && (wanted[EXECUTE] || wanted[WITNESS]) && n_files == 0)
        p_err_set(&err, P_EINVAL, "%s: expected at least one FILE",
                  names[wanted[EXECUTE] ? EXECUTE : WITNESS]);
    if (err.status != P_OK)
        return cli_usage(self, &err);
    p_status s = P_OK;
    unsigned t = (unsigned)threads;
    if (!as_json)
        printf("%-32s %10s %-12s %3s %-8s %7s\n", "NAME", "VALUE", "UNIT", "T", "ISA", "CPU");
    if (wanted[HASH_POSEIDON])
        s = bench_hash(names[HASH_POSEIDON], poseidon, t, as_json, &err);
    if (s == P_OK && wanted[HASH_KECCAK])
        s = bench_hash(names[HASH_KECCAK], NULL, t, as_json, &err);
    if (s == P_OK && wanted[TREE])
        s = bench_tree(poseidon, t, as_json, &err);
    for (size_t i = 0; i < n_files && s == P_OK && wanted[WITNESS]; i++)
        s = bench_file(own ? own_batches[i] : args->operands[i], true, poseidon, t, as_json, &err);
    service at = {0};
    if (s == P_OK && wanted[EXECUTE] && address) {
        cli_exit code = service_open(&at, self, args, NULL);
        if (code != CLI_OK) {
            service_close(&at);
            return code;
        }
    }
    for (size_t i = 0; i < n_files && s == P_OK && wanted[EXECUTE]; i++) {
        const char *file = own ? own_batches[i] : args->operands[i];
        s = address ? bench_service(&at, file, (unsigned)clients, poseidon, as_json, &err)
                    : bench_file(file, false, poseidon, t, as_json, &err);
    }
    service_close(&at);
    return s == P_OK ? CLI_OK : cli_fail(&err);
}

static const cli_option options[] = {
    {"threads", "T", "run T copies at once (default 1)"},
    {"isa", "I", "instruction set: portable, avx2, avx512, avx512ifma (default: the best)"},
    {"clients", "C", "with --addr: clients, and threads in process (default 2)"},
    {"json", NULL, "one JSON object a line"},
    SERVICE_OPTIONS,
};

/* clang-format off: one line of text a line */
static const char details[] =
    "  gl_poseidon     microseconds of CPU per Poseidon permutation over Goldilocks\n"
    "                  (many at once)\n"
    "  keccak          microseconds of CPU per keccak-f[1600]\n"
    "  smt             writes to a state tree of about 2^14 keys per CPU second, with\n"
    "                  the tree's hashes computed each 256 writes\n"
    "  witness FILE... megabytes of a batch's db and bytecodes per CPU second, hashed\n"
    "                  and compared with their keys\n"
    "  execute FILE... transactions per CPU second: witness checked, batch executed\n"
    "                  with counters on; reading the JSON is not counted\n"
    "    --addr A:P    transactions per second of wall time through the service by C\n"
    "                  clients, and in this process by C threads in turn with it;\n"
    "                  their ratio\n"
    "\n"
    "Without a NAME: all. Without a FILE: those of tests/data/batch/fork6, if that folder is "
    "here.\n"
    "--json prints name, value, unit, threads, isa, device, log_n, columns, peak_mb (of the "
    "process so far), wall_s, cpu_s.";
/* clang-format on */

const cli_command cli_cmd_bench = {
    .name = "bench",
    .operands = "[NAME...] [FILE...]",
    .summary = "measure speed",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
