/* zkprover bench: speed of the parts, each a line. */
#include "host/cli/cli.h"
#include "host/state/batch_file.h"
#include "host/state/run.h"

#include "driver/field/keccak.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MIN_CPU_SECONDS 1.0 /* of each measurement */
#define MAX_THREADS 256
#define STATES_LOG2 12
#define MAX_L2_DATA (((size_t)1 << 24) - 1)

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Highest resident memory of the process so far. */
static double peak_mb(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? (double)u.ru_maxrss / 1024 : 0;
}

typedef struct line {
    const char *name, *unit, *isa;
    double value, wall_s, cpu_s;
    unsigned threads;
    int log_n; /* -1: none */
    const char *note;
} line;

static void print_line(const line *l, bool as_json)
{
    if (!as_json) {
        printf("%-24s %14.3f %-10s %u thread%s, %s, wall %.2f s, CPU %.2f s, peak %.0f MB%s%s\n",
               l->name, l->value, l->unit, l->threads, l->threads == 1 ? "" : "s", l->isa,
               l->wall_s, l->cpu_s, peak_mb(), l->note ? ", " : "", l->note ? l->note : "");
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
    double start = now(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < n * 12; i++)
        states[i] = i;
    do {
        if (j->poseidon)
            j->poseidon->permute_many(states, n);
        for (size_t i = 0; !j->poseidon && i < n; i++)
            keccak_f1600(lanes);
        j->done += n;
        j->cpu_s = now(CLOCK_THREAD_CPUTIME_ID) - start;
    } while (j->cpu_s < MIN_CPU_SECONDS);
    free(states);
    return NULL;
}

/* Runs main on n jobs of `size` bytes each, one a thread. */
static bool run_threads(void *(*body)(void *), void *jobs, size_t size, unsigned n)
{
    pthread_t threads[MAX_THREADS];
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
    double wall = now(CLOCK_MONOTONIC);
    for (unsigned i = 0; jobs && i < threads; i++)
        jobs[i].poseidon = poseidon;
    if (!jobs || !run_threads(hash_main, jobs, sizeof *jobs, threads)) {
        free(jobs);
        return p_err_set(err, P_EEXHAUSTED, "no memory for %u threads", threads);
    }
    line l = {.name = name,
              .unit = "us",
              .isa = poseidon ? poseidon->isa : "portable",
              .threads = threads,
              .log_n = STATES_LOG2,
              .wall_s = now(CLOCK_MONOTONIC) - wall};
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
    print_line(&l, as_json);
    return P_OK;
}

/* ---- execute ---- */

typedef struct execute_job {
    const json_t *file;
    const gl_poseidon_ops *poseidon;
    uint64_t txs, runs;
    double cpu_s; /* checking the witness and executing; reading the JSON is not in it */
    p_status status;
    p_err err;
} execute_job;

static void *execute_main(void *arg)
{
    execute_job *j = arg;
    state_runner *runner;
    batch_file_options options = {.default_counters = true, .max_l2_data = MAX_L2_DATA};
    j->status = state_runner_create(&runner, j->poseidon, &j->err);
    while (j->status == P_OK && (j->cpu_s < MIN_CPU_SECONDS || j->runs < 2)) {
        state_request *req = NULL;
        state_outcome *o = NULL;
        batch_expected e = {0};
        j->status = batch_json_parse(j->file, &options, &req, &e, &j->err);
        double start = now(CLOCK_THREAD_CPUTIME_ID);
        if (j->status == P_OK)
            j->status = state_request_verify(req, j->poseidon, &j->err);
        if (j->status == P_OK)
            j->status = state_execute(runner, req, NULL, &o, &j->err);
        j->cpu_s += now(CLOCK_THREAD_CPUTIME_ID) - start;
        if (j->status == P_OK) {
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

static p_status bench_execute(const char *path, const gl_poseidon_ops *poseidon, unsigned threads,
                              bool as_json, p_err *err)
{
    json_error_t je;
    json_t *file = json_load_file(path, 0, &je);
    if (!file)
        return p_err_set(err, P_EINVAL, "%s: %s", path, je.text);
    execute_job *jobs = calloc(threads, sizeof *jobs);
    double wall = now(CLOCK_MONOTONIC);
    for (unsigned i = 0; jobs && i < threads; i++) {
        jobs[i].file = file;
        jobs[i].poseidon = poseidon;
    }
    p_status s = P_OK;
    if (!jobs || !run_threads(execute_main, jobs, sizeof *jobs, threads))
        s = p_err_set(err, P_EEXHAUSTED, "no memory for %u threads", threads);
    line l = {.unit = "tx/cpu_s", .isa = poseidon->isa, .threads = threads, .log_n = -1};
    l.wall_s = now(CLOCK_MONOTONIC) - wall;
    uint64_t txs = 0, runs = 0;
    for (unsigned i = 0; jobs && i < threads && s == P_OK; i++) {
        s = jobs[i].status;
        if (s != P_OK)
            p_err_set(err, s, "%s: %s", path, jobs[i].err.text);
        txs += jobs[i].txs;
        runs += jobs[i].runs;
        l.cpu_s += jobs[i].cpu_s;
    }
    if (s == P_OK) {
        char name[256], note[96];
        const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        snprintf(name, sizeof name, "execute:%s", base);
        snprintf(note, sizeof note, "%llu transactions in %llu runs", (unsigned long long)txs,
                 (unsigned long long)runs);
        l.name = name;
        l.note = note;
        l.value = (double)txs / l.cpu_s;
        print_line(&l, as_json);
    }
    free(jobs);
    json_decref(file);
    return s;
}

/* ---- the command ---- */

static const char *const later[] = {"gl_ntt",    "gl_lde",    "gl_merkle",  "bn_ntt",
                                    "bn_msm_g1", "bn_msm_g2", "bn_poseidon"};

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    uint64_t threads = 1;
    bool as_json = cli_args_get(self, args, "json") != NULL;
    const char *isa = cli_args_get(self, args, "isa");
    const gl_poseidon_ops *poseidon = gl_poseidon_select(isa);
    bool execute = false, hashes[2] = {args->n_operands == 0, args->n_operands == 0};
    size_t n_files = 0;
    if (cli_args_number(self, args, "threads", 1, MAX_THREADS, &threads, &err) == P_OK && !poseidon)
        p_err_set(&err, P_EINVAL,
                  "option --isa: '%s' is unknown, or this processor does not have it", isa);
    for (size_t i = 0; i < args->n_operands && err.status == P_OK; i++) {
        char *a = args->operands[i];
        bool known = false;
        for (size_t k = 0; k < sizeof later / sizeof later[0]; k++) {
            if (strcmp(a, later[k]) == 0) {
                fprintf(stderr, "zkprover bench: '%s' is not in this build yet\n", a);
                return CLI_MISSING;
            }
        }
        if ((known = strcmp(a, "execute") == 0))
            execute = true;
        else if ((known = strcmp(a, "gl_poseidon") == 0))
            hashes[0] = true;
        else if ((known = strcmp(a, "keccak") == 0))
            hashes[1] = true;
        else if (execute)
            args->operands[n_files++] = a; /* files follow their name */
        else
            p_err_set(&err, P_EINVAL,
                      "'%s' is no benchmark: expected execute FILE..., gl_poseidon "
                      "or keccak",
                      a);
    }
    if (err.status == P_OK && execute && n_files == 0)
        p_err_set(&err, P_EINVAL, "execute: expected at least one FILE");
    if (err.status != P_OK)
        return cli_usage(self, &err);
    p_status s = P_OK;
    if (hashes[0])
        s = bench_hash("gl_poseidon", poseidon, (unsigned)threads, as_json, &err);
    if (s == P_OK && hashes[1])
        s = bench_hash("keccak", NULL, (unsigned)threads, as_json, &err);
    for (size_t i = 0; i < n_files && s == P_OK; i++)
        s = bench_execute(args->operands[i], poseidon, (unsigned)threads, as_json, &err);
    return s == P_OK ? CLI_OK : cli_fail(&err);
}

static const cli_option options[] = {
    {"threads", "T", "run T copies at once (default 1)"},
    {"isa", "I", "vector unit of Poseidon: portable, avx2, avx512 (default: the best)"},
    {"json", NULL, "one JSON object a line"},
};

/* clang-format off: one line of text a line */
static const char details[] =
    "execute FILE...   transactions per CPU second: the witness's hashes are checked and the batch "
    "is\n"
    "                  executed, counters on, in process, again and again for a second or more;\n"
    "                  reading the JSON is not counted\n"
    "gl_poseidon       microseconds of CPU per Poseidon permutation over Goldilocks (many at "
    "once)\n"
    "keccak            microseconds of CPU per keccak-f[1600]\n"
    "\n"
    "Without a NAME: gl_poseidon and keccak. --json prints name, value, unit, threads, isa, "
    "device,\n"
    "log_n, columns, peak_mb (of the process so far), wall_s, cpu_s.";
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
