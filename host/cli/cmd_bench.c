/* zkprover bench: speed of the parts, each a line. */
#include "host/cli/bench.h"
#include "host/cli/bench_work.h"

#include <string.h>
#include <unistd.h>

/* names of host benchmarks; those of the driver's works follow */
enum host_name { KECCAK, TREE, WITNESS, EXECUTE, STARK, N_HOST };
static const char *const host_names[N_HOST] = {"keccak", "smt", "witness", "execute", "stark"};
#define MAX_WORKS 32

/* Files of a source tree, for who names none: those that have transactions to measure. */
static const char *const own_batches[] = {
    "tests/data/batch/fork6/transfer.json",
    "tests/data/batch/fork6/erc20.json",
    "tests/data/batch/fork6/contracts.json",
    "tests/data/batch/fork6/mixed.json",
};
#define N_OWN (sizeof own_batches / sizeof own_batches[0])

typedef struct wanted {
    bool host[N_HOST], work[MAX_WORKS];
    size_t n_files; /* at the front of the operands */
} wanted;

static size_t works_count(void)
{
    return bench_gl_works_count + bench_bn_works_count;
}

static const bench_work *work_at(size_t i)
{
    return i < bench_gl_works_count ? &bench_gl_works[i]
                                    : &bench_bn_works[i - bench_gl_works_count];
}

static bool want(wanted *w, const char *name)
{
    for (size_t i = 0; i < N_HOST; i++)
        if (strcmp(name, host_names[i]) == 0)
            return w->host[i] = true;
    for (size_t i = 0; i < works_count(); i++)
        if (strcmp(name, work_at(i)->name) == 0)
            return w->work[i] = true;
    return false;
}

static p_status sort_operands(const cli_args *args, wanted *w, p_err *err)
{
    for (size_t i = 0; i < args->n_operands; i++) {
        char *a = args->operands[i];

        if (want(w, a))
            continue;
        if (!w->host[EXECUTE] && !w->host[WITNESS])
            return p_err_set(err, P_EINVAL,
                             "'%s' is no benchmark: expected a name of zkprover bench --help, "
                             "or one of witness, execute and then files",
                             a);
        args->operands[w->n_files++] = a; /* files follow a name */
    }
    return P_OK;
}

/* The sizes that were asked for, against what the wanted works can do. */
static p_status check_sizes(const bench_setup *b, const wanted *w, p_err *err)
{
    bool any = w->host[STARK], columns = any, width = false;

    for (size_t i = 0; i < works_count(); i++) {
        const bench_work *work = work_at(i);

        if (!w->work[i])
            continue;
        any = true;
        columns = columns || work->has_columns;
        width = width || work->uses_width;
        if (b->log_n > (int)work->max_log_n)
            return p_err_set(err, P_EINVAL, "option --log-n: expected at most %u for %s, found %d",
                             (unsigned)work->max_log_n, work->name, b->log_n);
    }
    if (b->log_n >= 0 && !any)
        return p_err_set(err, P_EINVAL,
                         "option --log-n has a meaning for the driver's works only, and for stark");
    if (b->columns && !columns)
        return p_err_set(err, P_EINVAL, "option --columns has no meaning for what is measured");
    if (b->width && !width)
        return p_err_set(err, P_EINVAL, "option --width has a meaning for bn_poseidon only");
    return P_OK;
}

static p_status read_options(const cli_command *self, const cli_args *args, bench_setup *b,
                             unsigned *clients, p_err *err)
{
    uint64_t threads = 1, n_clients = 2, log_n = 0, columns = 0, width = 0, reps = 0;
    const char *isa = cli_args_get(self, args, "isa");
    p_status s = cli_args_number(self, args, "threads", 1, BENCH_MAX_THREADS, &threads, err);

    if (s == P_OK)
        s = cli_args_number(self, args, "clients", 1, BENCH_MAX_THREADS, &n_clients, err);
    if (s == P_OK)
        s = cli_args_number(self, args, "log-n", 0, DRV_GL_MAX_LOG2, &log_n, err);
    if (s == P_OK)
        s = cli_args_number(self, args, "columns", 1, DRV_MAX_COLUMNS, &columns, err);
    if (s == P_OK)
        s = cli_args_number(self, args, "width", 2, 17, &width, err);
    if (s == P_OK)
        s = cli_args_number(self, args, "reps", 1, BENCH_MAX_REPS, &reps, err);
    if (s != P_OK)
        return s;
    *b = (bench_setup){.device_name = cli_args_get(self, args, "device"),
                       .threads = (unsigned)threads,
                       .log_n = cli_args_get(self, args, "log-n") ? (int)log_n : -1,
                       .columns = (unsigned)columns,
                       .width = (unsigned)width,
                       .reps = (unsigned)reps,
                       .quick = cli_args_get(self, args, "quick") != NULL,
                       .json = cli_args_get(self, args, "json") != NULL};
    *clients = (unsigned)n_clients;
    if (!p_isa_parse(isa, &b->isa))
        return p_err_set(err, P_EINVAL,
                         "option --isa: '%s' is unknown; expected portable, avx2, avx512, "
                         "avx512ifma or auto",
                         isa);
    b->poseidon = gl_poseidon_for(b->isa);
    return P_OK;
}

static p_status run_works(bench_setup *b, const wanted *w, bool all, p_err *err)
{
    p_status s = P_OK;

    for (size_t i = 0; i < works_count() && s == P_OK; i++) {
        if (!w->work[i])
            continue;
        s = bench_work_measure(b, work_at(i), err);
        if (s == P_EUNSUPPORTED && all) { /* who named it gets it as an error */
            fprintf(stderr, "zkprover bench: left out %s: %s\n", work_at(i)->name, err->text);
            p_err_clear(err);
            s = P_OK;
        }
    }
    bench_close(b);
    return s;
}

static cli_exit run_execute(const cli_command *self, const cli_args *args, const bench_setup *b,
                            char *const *files, size_t n_files, unsigned clients, p_err *err)
{
    const char *address = cli_args_get(self, args, "addr");
    service at = {0};
    cli_exit code = address ? service_open(&at, self, args, NULL) : CLI_OK;

    for (size_t i = 0; i < n_files && code == CLI_OK; i++) {
        p_status s = address ? bench_service(&at, files[i], clients, b->poseidon, b->json, err)
                             : bench_file(b, files[i], false, err);
        if (s != P_OK)
            code = cli_fail(err);
    }
    service_close(&at);
    return code;
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    bench_setup b = {0};
    wanted w = {0};
    unsigned clients = 0;
    p_status s = read_options(self, args, &b, &clients, &err);
    bool all = args->n_operands == 0;
    char *const *files = args->operands;
    const char *hash = cli_args_get(self, args, "hash");

    if (s == P_OK)
        s = sort_operands(args, &w, &err);
    bool own = w.n_files == 0 && access(own_batches[0], R_OK) == 0;
    if (all) {
        w.host[KECCAK] = w.host[TREE] = w.host[STARK] = true;
        w.host[WITNESS] = w.host[EXECUTE] = own;
        memset(w.work, 1, sizeof w.work);
    }
    if (own) {
        files = (char *const *)own_batches;
        w.n_files = N_OWN;
    }
    if (s == P_OK)
        s = check_sizes(&b, &w, &err);
    if (s == P_OK && cli_args_get(self, args, "addr") && !w.host[EXECUTE])
        s = p_err_set(&err, P_EINVAL, "option --addr has a meaning for execute only");
    if (s == P_OK && hash && !w.host[STARK])
        s = p_err_set(&err, P_EINVAL, "option --hash has a meaning for stark only");
    if (s == P_OK && w.host[STARK] && !all)
        s = bench_stark_check(&b, hash, &err);
    if (s == P_OK && (w.host[EXECUTE] || w.host[WITNESS]) && w.n_files == 0)
        s = p_err_set(&err, P_EINVAL, "%s: expected at least one FILE",
                      host_names[w.host[EXECUTE] ? EXECUTE : WITNESS]);
    if (s != P_OK)
        return cli_usage(self, &err);
    if (!p_isa_supported(b.isa)) {
        p_err_set(&err, P_EMISSING,
                  "option --isa: this processor or build lacks %s; its best is %s",
                  p_isa_name(b.isa), p_isa_name(p_isa_best()));
        return cli_fail(&err);
    }
    if (!b.width)
        b.width = 17;
    bench_print_head(b.json);
    s = run_works(&b, &w, all, &err);
    if (s == P_OK && w.host[STARK])
        s = bench_stark(&b, hash, &err);
    if (s == P_OK && w.host[KECCAK])
        s = bench_keccak(&b, &err);
    if (s == P_OK && w.host[TREE])
        s = bench_tree(&b, &err);
    for (size_t i = 0; i < w.n_files && s == P_OK && w.host[WITNESS]; i++)
        s = bench_file(&b, files[i], true, &err);
    if (s != P_OK)
        return cli_fail(&err);
    return w.host[EXECUTE] ? run_execute(self, args, &b, files, w.n_files, clients, &err) : CLI_OK;
}

static const cli_option options[] = {
    {"log-n", "N", "size 2^N instead of each work's own"},
    {"columns", "C", "columns instead of each work's own"},
    {"width", "W", "bn_poseidon: elements of a state, 2 to 17 (default 17)"},
    {"hash", "H", "stark: gl or bn254 (default gl)"},
    {"threads", "T", "threads, and copies of what the host does (default 1)"},
    {"isa", "I", "instruction set: portable, avx2, avx512, avx512ifma (default: the best)"},
    {"device", "D", "device of the works (default cpu)"},
    {"reps", "R", "repetitions (default: at least 3, and a second)"},
    {"quick", NULL, "small sizes: a test of the benchmarks, not of the machine"},
    {"clients", "C", "with --addr: clients, and threads in process (default 2)"},
    {"json", NULL, "one JSON object a line"},
    SERVICE_OPTIONS,
};

/* clang-format off: one line of text a line */
static const char details[] =
    "Works of a device, with sizes that --log-n and --columns change:\n"
    "  gl_ntt          transform of 100 columns of 2^20 over Goldilocks\n"
    "  gl_ntt_column   transform of one column of 2^22\n"
    "  gl_lde          extension of 100 columns from 2^18 to 2^19 rows\n"
    "  gl_poseidon     2^16 Poseidon permutations over Goldilocks\n"
    "  gl_merkle       tree over 2^20 rows of 100 columns\n"
    "  gl_commit       extension of 100 columns from 2^18 to 2^19 rows, and its tree\n"
    "  bn_ntt          transform of 2^20 elements of BN254's Fr\n"
    "  bn_msm_g1       sum of 2^20 multiples of points of G1, full-size scalars\n"
    "  bn_msm_g2       sum of 2^18 multiples of points of G2\n"
    "  bn_poseidon     2^12 Poseidon permutations over Fr, width 17\n"
    "\n"
    "Each is compared with another implementation at a small size and with slow\n"
    "code at its own size, then repeated: BEST and MEDIAN. LIMIT is the share of\n"
    "what the machine's multiplications or memory would allow, measured in the\n"
    "same run (limit:...), or the time of one unit in such multiplications.\n"
    "DEV MB: arrays and what the driver asks for the job. One thread of device cpu\n"
    "is measured in CPU time, all else in wall time.\n"
    "\n"
    "Proofs on the device (once, --reps for more):\n"
    "  stark           2^20 rows of 100 columns at the parameters of level P128 (with\n"
    "                  --hash bn254: 2^13 rows): the whole, its phases, and the memory\n"
    "                  that was computed beside the highest in use; also --log-n and\n"
    "                  --columns\n"
    "\n"
    "On the host:\n"
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
    "here.";
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
