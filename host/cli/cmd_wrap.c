/* zkprover wrap: the demonstration AIR proved with Poseidon-BN254, and the circuit that verifies
 * such proofs with the witness of this one, as files for `zkprover groth16` and snarkjs. */
#include "host/cli/cli.h"
#include "host/cli/output.h"
#include "host/stark/demo.h"
#include "host/wrap/wrap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CLOSE_MS 60000
#define FIRST_A 3
#define FIRST_B 5

typedef enum stage {
    STAGE_SETUP,
    STAGE_PROVE,
    STAGE_VERIFY,
    STAGE_CIRCUIT,
    STAGE_WITNESS,
    STAGES
} stage;

static const char *const stage_names[STAGES] = {"setup", "prove", "verify", "circuit", "witness"};

typedef struct wrapping {
    stark_params params;
    uint64_t threads;
    drv_device *device;
    p_pool *pool;
    air *a;
    drv_matrix main;
    stark_key key;
    stark_proof proof;
    gl_t publics[DEMO_LOOKUP_PUBLICS];
    r1cs_counts counts;
    uint64_t parts[WRAP_PARTS];
    double seconds[STAGES];
} wrapping;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static p_status read_level(const char *text, stark_level *out, p_err *err)
{
    for (stark_level l = STARK_TEST; l <= STARK_P128; l++)
        if (strcmp(text, stark_level_name(l)) == 0) {
            *out = l;
            return P_OK;
        }
    return p_err_set(err, P_EINVAL, "--level: expected test, p100 or p128, found '%.40s'", text);
}

static p_status read_options(const cli_command *self, const cli_args *args, wrapping *w, p_err *err)
{
    const char *text = cli_args_get(self, args, "level");
    const bool queries_given = cli_args_get(self, args, "queries") != NULL;
    uint64_t log_rows = 9, log_blowup = 4, queries = 2;
    stark_level level = STARK_P100;
    p_status s = text ? read_level(text, &level, err) : P_OK;

    if (s == P_OK)
        s = cli_args_number(self, args, "rows", AIR_MIN_LOG_ROWS, STARK_MAX_DOMAIN_LOG2, &log_rows,
                            err);
    if (s == P_OK)
        s = cli_args_number(self, args, "blowup", 1, 6, &log_blowup, err);
    if (s == P_OK)
        s = cli_args_number(self, args, "queries", 1, STARK_MAX_QUERIES, &queries, err);
    if (s == P_OK)
        s = cli_args_number(self, args, "threads", 1, P_POOL_MAX_THREADS, &w->threads, err);
    if (s != P_OK)
        return s;
    if (level != STARK_TEST && queries_given)
        return p_err_set(err, P_EINVAL,
                         "--queries is for the level test; the others have their own number");
    if (level != STARK_TEST)
        return stark_params_choose(level, DRV_HASH_BN254, (uint32_t)log_rows, (uint32_t)log_blowup,
                                   &w->params, err);
    w->params = (stark_params){.level = STARK_TEST,
                               .hash = DRV_HASH_BN254,
                               .log_rows = (uint32_t)log_rows,
                               .log_blowup = (uint32_t)log_blowup,
                               .queries = (uint32_t)queries,
                               .grinding_bits = 4,
                               .cap_log2 = 4};
    return P_OK;
}

static p_status make_trace(wrapping *w, p_err *err)
{
    p_status s = air_create(&demo_lookup, &w->a, err);
    size_t bytes;

    if (s == P_OK)
        s = stark_params_check(&w->params, w->a, err);
    if (s != P_OK)
        return s;
    w->main =
        (drv_matrix){.columns = w->a->trees[AIR_TREE_MAIN].columns, .log_rows = w->params.log_rows};
    bytes = drv_matrix_words(w->main.columns, w->main.log_rows) * sizeof(*w->main.data);
    w->main.data = aligned_alloc(64, bytes);
    if (!w->main.data)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a trace of %zu bytes", bytes);
    memset(w->main.data, 0, bytes);
    return demo_lookup_trace(w->a, w->params.log_rows, FIRST_A, FIRST_B,
                             (UINT64_C(1) << w->params.log_rows) - 7, &w->main, w->publics, err);
}

static p_status prove(wrapping *w, p_err *err)
{
    drv_options device = {.threads = (unsigned)w->threads};
    stark_options o = {0};
    double from;
    p_status s = drv_open("cpu", &device, &w->device, err);

    if (s == P_OK)
        s = p_pool_create((unsigned)w->threads, &w->pool, err);
    if (s == P_OK)
        s = make_trace(w, err);
    if (s != P_OK)
        return s;
    o.pool = w->pool;
    from = now();
    s = stark_setup(w->a, &w->params, w->device, &o, &w->key, err);
    w->seconds[STAGE_SETUP] = now() - from;
    if (s != P_OK)
        return s;
    from = now();
    s = stark_prove(&w->key, &w->main, w->publics, &o, &w->proof, NULL, err);
    w->seconds[STAGE_PROVE] = now() - from;
    if (s != P_OK)
        return s;
    from = now();
    s = stark_verify(&w->key.vk, w->publics, &w->proof, w->params.level == STARK_TEST, err);
    w->seconds[STAGE_VERIFY] = now() - from;
    return s;
}

static p_status write_files(wrapping *w, const char *r1cs, const char *wtns, p_err *err)
{
    double from = now();
    p_status s = wrap_write(&w->key.vk, NULL, NULL, r1cs, NULL, &w->counts, w->parts, err);

    w->seconds[STAGE_CIRCUIT] = now() - from;
    if (s != P_OK)
        return s;
    from = now();
    s = wrap_write(&w->key.vk, w->publics, &w->proof, NULL, wtns, NULL, NULL, err);
    w->seconds[STAGE_WITNESS] = now() - from;
    return s;
}

static void release(wrapping *w)
{
    stark_proof_free(&w->proof);
    stark_key_free(&w->key);
    free(w->main.data);
    air_destroy(w->a);
    p_pool_destroy(w->pool);
    if (w->device)
        (void)drv_close(w->device, CLOSE_MS, NULL);
}

static double peak_mb(void)
{
    struct rusage u;

    return getrusage(RUSAGE_SELF, &u) == 0 ? (double)u.ru_maxrss / 1000 : 0;
}

static void print_json(const wrapping *w)
{
    json_t *o = json_object(), *seconds = json_object(), *parts = json_object();

    json_object_set_new(o, "level", json_string(stark_level_name(w->params.level)));
    json_object_set_new(o, "logRows", json_integer(w->params.log_rows));
    json_object_set_new(o, "logBlowup", json_integer(w->params.log_blowup));
    json_object_set_new(o, "queries", json_integer(w->params.queries));
    json_object_set_new(o, "constraints", json_integer((json_int_t)w->counts.constraints));
    json_object_set_new(o, "wires", json_integer(w->counts.wires));
    json_object_set_new(o, "publics", json_integer(w->counts.publics));
    json_object_set_new(o, "terms", json_integer((json_int_t)w->counts.terms));
    for (int i = 0; i < WRAP_PARTS; i++)
        json_object_set_new(parts, wrap_part_name((wrap_part)i),
                            json_integer((json_int_t)w->parts[i]));
    json_object_set_new(o, "parts", parts);
    for (int i = 0; i < STAGES; i++)
        json_object_set_new(seconds, stage_names[i], json_real(w->seconds[i]));
    json_object_set_new(o, "seconds", seconds);
    json_object_set_new(o, "peakMb", json_real(peak_mb()));
    output_json_line(stdout, o);
}

static void print_text(const wrapping *w)
{
    printf("level %s: 2^%" PRIu32 " rows, blow-up 2^%" PRIu32 ", %" PRIu32 " queries, %" PRIu32
           " grinding bits\n",
           stark_level_name(w->params.level), w->params.log_rows, w->params.log_blowup,
           w->params.queries, w->params.grinding_bits);
    printf("%" PRIu64 " constraints, %" PRIu32 " wires, %" PRIu32 " public, %" PRIu64 " terms\n",
           w->counts.constraints, w->counts.wires, w->counts.publics, w->counts.terms);
    for (int i = 0; i < WRAP_PARTS; i++)
        printf("%-10s %9" PRIu64 " constraints\n", wrap_part_name((wrap_part)i), w->parts[i]);
    for (int i = 0; i < STAGES; i++)
        printf("%-10s %9.3f s\n", stage_names[i], w->seconds[i]);
    printf("%-10s %9.0f MB\n", "peak", peak_mb());
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    wrapping w = {0};
    p_err err = {0};
    p_status s;

    if (args->n_operands != 2) {
        p_err_set(&err, P_EINVAL, "expected R1CS WTNS, found %zu files", args->n_operands);
        return cli_usage(self, &err);
    }
    if (read_options(self, args, &w, &err) != P_OK)
        return cli_usage(self, &err);
    s = prove(&w, &err);
    if (s == P_OK)
        s = write_files(&w, args->operands[0], args->operands[1], &err);
    if (s == P_OK && cli_args_get(self, args, "json"))
        print_json(&w);
    else if (s == P_OK)
        print_text(&w);
    release(&w);
    if (s == P_OK && w.params.level == STARK_TEST)
        fprintf(stderr, "zkprover wrap: warning: level test proves nothing\n");
    return s == P_OK ? CLI_OK : cli_fail(&err);
}

static const cli_option options[] = {
    {"level", "L", "p100 (default), p128, or test, which proves nothing"},
    {"rows", "LOG2", "2^LOG2 rows (default 9)"},
    {"blowup", "LOG2", "blow-up 2^LOG2 (default 4)"},
    {"queries", "N", "with --level test: queries (default 2)"},
    {"threads", "T", "threads (default: all this process may use)"},
    {"json", NULL, "one JSON object"},
};

const cli_command cli_cmd_wrap = {
    .name = "wrap",
    .operands = "R1CS WTNS",
    .summary = "a STARK's verifier as a circuit, with the witness of a demonstration proof",
    .details =
        "Proves the demonstration AIR (a small machine with look-up tables) with Poseidon-BN254, "
        "verifies\n"
        "the proof, and writes the circuit that verifies such proofs and this one's witness, for\n"
        "`zkprover groth16` and snarkjs. The public values are the machine's.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
