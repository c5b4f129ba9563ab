/* zkprover stark: a proof of the demonstration AIR from end to end, and what the parameters that
 * ship are worth. */
#include "driver/base/clock.h"
#include "driver/base/memory.h"
#include "host/cli/cli.h"
#include "host/cli/output.h"
#include "host/cli/terminal.h"
#include "host/stark/demo.h"
#include "host/stark/vk.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 1024
#define CLOSE_MS 10000
#define MAX_LOG_BLOWUP 6
#define SELFTEST_LOG_BLOWUP 4 /* few queries */
#define SELFTEST_ROWS 10
#define FIRST_A 3
#define FIRST_B 5
#define PADDING 9 /* rows that the machine leaves idle */

static const char *hash_name(drv_hash hash)
{
    return hash == DRV_HASH_GL ? "gl" : "bn254";
}

/* ---- security ---- */

typedef struct term {
    const char *name;
    double unique, johnson;
} term;

#define TERMS 9

static void terms_of(const stark_security *s, term out[TERMS])
{
    const stark_bits *u = &s->unique, *j = &s->johnson;
    const term all[TERMS] = {{"logup", u->logup, j->logup},
                             {"linking", u->linking, j->linking},
                             {"ali", u->ali, j->ali},
                             {"deep", u->deep, j->deep},
                             {"batching", u->batching, j->batching},
                             {"folding", u->folding, j->folding},
                             {"queries", u->queries, j->queries},
                             {"total", u->total, j->total},
                             {"sum", u->sum, j->sum}};

    memcpy(out, all, sizeof all);
}

static json_t *regime_json(const stark_security *s, bool johnson)
{
    json_t *o = json_object();
    term terms[TERMS];

    terms_of(s, terms);
    for (int i = 0; i < TERMS; i++) {
        const double bits = johnson ? terms[i].johnson : terms[i].unique;

        /* no such term: null */
        json_object_set_new(o, terms[i].name, isinf(bits) ? json_null() : json_real(bits));
    }
    return o;
}

static void put_params(json_t *o, const stark_params *p)
{
    json_object_set_new(o, "level", json_string(stark_level_name(p->level)));
    json_object_set_new(o, "hash", json_string(hash_name(p->hash)));
    json_object_set_new(o, "logRows", json_integer(p->log_rows));
    json_object_set_new(o, "logBlowup", json_integer(p->log_blowup));
    json_object_set_new(o, "queries", json_integer(p->queries));
    json_object_set_new(o, "grindingBits", json_integer(p->grinding_bits));
    json_object_set_new(o, "capLog2", json_integer(p->cap_log2));
}

static void put_security(json_t *o, const stark_security *s)
{
    json_object_set_new(o, "unique", regime_json(s, false));
    json_object_set_new(o, "johnson", regime_json(s, true));
    json_object_set_new(o, "hashBits", json_real(s->hash));
    json_object_set_new(o, "levelBits", json_real(s->level));
}

/* ---- params ---- */

static void bits_cell(table *t, double bits)
{
    if (isinf(bits))
        table_cell(t, "-");
    else
        table_cell(t, "%.1f", bits);
}

static bool params_row(table *t, const stark_params *p, const air *a, bool json, p_err *err)
{
    stark_security s;
    json_t *o;

    if (stark_security_compute(p, a, &s, err) != P_OK)
        return false;
    if (json) {
        o = json_object();
        put_params(o, p);
        put_security(o, &s);
        return output_json_line(stdout, o);
    }
    table_cell(t, "%s", stark_level_name(p->level));
    table_cell(t, "%s", hash_name(p->hash));
    table_cell(t, "1/%u", 1u << p->log_blowup);
    table_cell(t, "2^%" PRIu32, p->log_rows);
    table_cell(t, "%" PRIu32, p->queries);
    table_cell(t, "%" PRIu32, p->grinding_bits);
    bits_cell(t, s.johnson.logup);
    bits_cell(t, s.johnson.ali);
    bits_cell(t, s.johnson.deep);
    bits_cell(t, s.johnson.batching);
    bits_cell(t, s.johnson.folding);
    bits_cell(t, s.johnson.queries);
    bits_cell(t, s.johnson.total);
    bits_cell(t, s.johnson.sum);
    bits_cell(t, s.unique.total);
    bits_cell(t, s.hash);
    return true;
}

/* Each set at the most rows that it can have, where it is worth the least. */
static cli_exit params(const cli_command *self, const cli_args *args)
{
    static const char *const header[] = {
        "level", "hash",     "rate",    "rows",       "queries", "grinding", "logup",  "ali",
        "deep",  "batching", "folding", "query bits", "total",   "sum",      "unique", "hash"};
    const size_t columns = sizeof header / sizeof header[0];
    const bool json = cli_args_get(self, args, "json") != NULL;
    stark_params p;
    p_err err = {0};
    bool ok = true;
    air *a = NULL;
    table t;

    if (args->n_operands != 1) {
        p_err_set(&err, P_EINVAL, "expected no argument after params, found '%.40s'",
                  args->operands[1]);
        return cli_usage(self, &err);
    }
    if (air_create(&demo_wide_100, &a, &err) != P_OK)
        return cli_fail(&err);
    table_init(&t, columns, header);
    for (size_t i = 2; i < columns; i++)
        t.right[i] = true;
    for (int level = STARK_P100; level <= STARK_P128; level++)
        for (int hash = DRV_HASH_GL; hash <= DRV_HASH_BN254; hash++)
            for (uint32_t b = 1; b <= MAX_LOG_BLOWUP; b++)
                if (ok && stark_params_choose((stark_level)level, (drv_hash)hash,
                                              STARK_MAX_DOMAIN_LOG2 - b, b, &p, NULL) == P_OK)
                    ok = params_row(&t, &p, a, json, &err);
    if (!json && ok) {
        printf("Bits that are proven for AIR %s (%u columns with the quotient's, %" PRIu32
               " constraints): Johnson bound, its rounds, their least, their sum; unique decoding; "
               "the hash's collisions.\n\n",
               a->definition.name,
               a->trees[AIR_TREE_MAIN].real + a->trees[AIR_TREE_AUX].real +
                   a->trees[AIR_TREE_QUOTIENT].real,
               a->constraint_count);
        ok = table_print(&t, stdout);
    }
    table_free(&t);
    air_destroy(a);
    if (ok)
        return CLI_OK;
    if (err.status == P_OK)
        p_err_set(&err, P_EIO, "the table could not be written");
    return cli_fail(&err);
}

/* ---- selftest ---- */

typedef struct selftest {
    bool json, redraw;
    stark_params params;
    stark_security security;
    stark_options options;
    p_pool *pool;
    drv_device *device;
    air *a;
    p_memory memory;
    drv_matrix main;
    uint64_t main_words;
    gl_t publics[DEMO_LOOKUP_PUBLICS];
    stark_key key;
    stark_proof proof;
    stark_report report;
    size_t bytes;
    double verify_seconds;
    uint64_t changed_word;
    char refusal[P_ERR_TEXT_BYTES]; /* why the changed proof does not hold */
} selftest;

static void show_phase(void *context, unsigned phase, unsigned percent)
{
    const selftest *t = context;

    if (t->redraw)
        terminal_line(stderr, percent == 100 ? "" : stark_phase_name((stark_phase)phase));
}

static void tell(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "zkprover stark: %s\n", text);
}

static p_status choose(const cli_command *self, const cli_args *args, selftest *t, p_err *err)
{
    const char *hash = cli_args_get(self, args, "hash"), *level = cli_args_get(self, args, "level");
    uint64_t rows = SELFTEST_ROWS;
    drv_hash kind = DRV_HASH_GL;
    stark_level wanted = STARK_P128;
    p_status s = cli_args_number(self, args, "rows", AIR_MIN_LOG_ROWS,
                                 STARK_MAX_DOMAIN_LOG2 - SELFTEST_LOG_BLOWUP, &rows, err);

    if (s != P_OK)
        return s;
    if (hash && strcmp(hash, "bn254") == 0)
        kind = DRV_HASH_BN254;
    else if (hash && strcmp(hash, "gl") != 0)
        return p_err_set(err, P_EINVAL, "option --hash: expected gl or bn254, found '%.40s'", hash);
    if (level && strcmp(level, "p128") != 0) {
        wanted = strcmp(level, "p100") == 0 ? STARK_P100 : STARK_TEST;
        if (wanted == STARK_TEST && strcmp(level, "test") != 0)
            return p_err_set(err, P_EINVAL,
                             "option --level: expected test, p100 or p128, found '%.40s'", level);
    }
    s = stark_params_choose(wanted == STARK_TEST ? STARK_P100 : wanted, kind, (uint32_t)rows,
                            SELFTEST_LOG_BLOWUP, &t->params, err);
    if (wanted == STARK_TEST) { /* quick, and proves nothing */
        t->params.level = STARK_TEST;
        t->params.queries = 8;
        t->params.grinding_bits = 4;
    }
    return s;
}

static p_status open_device(const cli_command *self, const cli_args *args, selftest *t, p_err *err)
{
    uint64_t threads = 0;
    const char *name = cli_args_get(self, args, "device");
    p_status s = cli_args_number(self, args, "threads", 1, MAX_THREADS, &threads, err);
    drv_options o = {.threads = (unsigned)threads, .log = tell};

    if (s == P_OK)
        s = drv_open(!name ? "cpu" : strcmp(name, "auto") == 0 ? NULL : name, &o, &t->device, err);
    return s == P_OK ? p_pool_create((unsigned)threads, &t->pool, err) : s;
}

static p_status prepare(selftest *t, p_err *err)
{
    void *data = NULL;
    p_status s = air_create(&demo_lookup, &t->a, err);

    if (s == P_OK)
        s = stark_security_compute(&t->params, t->a, &t->security, err);
    if (s != P_OK)
        return s;
    t->memory.limit = UINT64_MAX;
    t->main =
        (drv_matrix){.columns = t->a->trees[AIR_TREE_MAIN].columns, .log_rows = t->params.log_rows};
    t->main_words = drv_matrix_words(t->main.columns, t->main.log_rows);
    s = p_memory_alloc(&t->memory, t->main_words, sizeof(uint64_t), "the trace", &data, err);
    t->main.data = data;
    if (s == P_OK)
        s = demo_lookup_trace(t->a, t->params.log_rows, FIRST_A, FIRST_B,
                              (UINT64_C(1) << t->params.log_rows) - PADDING, &t->main, t->publics,
                              err);
    t->options = (stark_options){.pool = t->pool, .progress = show_phase, .context = t};
    return s == P_OK ? stark_setup(t->a, &t->params, t->device, &t->options, &t->key, err) : s;
}

/* What another party does: bytes, key and public values. */
static p_status verify_bytes(selftest *t, p_err *err)
{
    const bool allow_test = t->params.level == STARK_TEST;
    uint64_t *publics = NULL;
    stark_proof proof = {0};
    uint8_t *bytes = NULL;
    double start;
    p_status s = stark_proof_write(&t->key.vk, t->publics, &t->proof, &bytes, &t->bytes, err);

    start = p_clock_seconds(CLOCK_MONOTONIC);
    if (s == P_OK)
        s = stark_proof_parse(&t->key.vk, bytes, t->bytes, &proof, &publics, err);
    if (s == P_OK && memcmp(publics, t->publics, sizeof t->publics) != 0)
        s = p_err_set(err, P_EINTERNAL, "public values came back changed");
    if (s == P_OK)
        s = stark_verify(&t->key.vk, publics, &proof, allow_test, err);
    t->verify_seconds = p_clock_seconds(CLOCK_MONOTONIC) - start;
    free(bytes);
    free(publics);
    stark_proof_free(&proof);
    return s;
}

/* One word of the proof another: it must be refused. */
static p_status verify_changed(selftest *t, p_err *err)
{
    uint64_t *word;
    p_err why = {0};
    p_status s;

    t->changed_word = t->proof.count / 2;
    word = &t->proof.words[t->changed_word];
    *word = gl_add(gl_from_u64(*word), 1);
    s = stark_verify(&t->key.vk, t->publics, &t->proof, true, &why);
    if (s == P_OK)
        return p_err_set(err, P_EINTERNAL,
                         "the verifier accepted a proof with another word %" PRIu64,
                         t->changed_word);
    if (s != P_EINVAL) {
        *err = why;
        return s;
    }
    memcpy(t->refusal, why.text, sizeof t->refusal);
    return P_OK;
}

static void print_json(const selftest *t)
{
    json_t *o = json_object(), *phases = json_object();

    put_params(o, &t->params);
    put_security(o, &t->security);
    for (int i = 0; i < STARK_PHASES; i++)
        json_object_set_new(phases, stark_phase_name((stark_phase)i),
                            json_real(t->report.seconds[i]));
    json_object_set_new(o, "device", json_string(drv_device_info(t->device)->name));
    json_object_set_new(o, "seconds", phases);
    json_object_set_new(o, "verifySeconds", json_real(t->verify_seconds));
    json_object_set_new(o, "memoryComputedBytes", json_integer((json_int_t)t->report.memory_bytes));
    json_object_set_new(o, "memoryPeakBytes", json_integer((json_int_t)t->report.peak_bytes));
    json_object_set_new(o, "proofBytes", json_integer((json_int_t)t->bytes));
    json_object_set_new(o, "verified", json_true());
    json_object_set_new(o, "changedWord", json_integer((json_int_t)t->changed_word));
    json_object_set_new(o, "changedRefused", output_json_text(t->refusal));
    output_json_line(stdout, o);
}

static void print_security(const selftest *t)
{
    static const char *const header[] = {"bits", "Johnson bound", "unique decoding"};
    term terms[TERMS];
    table out;

    terms_of(&t->security, terms);
    table_init(&out, 3, header);
    out.right[1] = out.right[2] = true;
    for (int i = 0; i < TERMS; i++) {
        table_cell(&out, "%s", terms[i].name);
        bits_cell(&out, terms[i].johnson);
        bits_cell(&out, terms[i].unique);
    }
    (void)table_print(&out, stdout);
    table_free(&out);
    printf("level %s: %.1f bits of the rounds, %.1f of the hash\n\n",
           stark_level_name(t->params.level),
           fmax(t->security.johnson.total, t->security.unique.total), t->security.hash);
}

static void print_text(const selftest *t)
{
    double sum = 0;

    printf("AIR %s: %" PRIu32 " fixed, %" PRIu32 " main, %" PRIu32 " aux, %" PRIu32
           " quotient columns, %" PRIu32 " constraints, %" PRIu32 " interactions\n",
           t->a->definition.name, t->a->trees[AIR_TREE_FIXED].real, t->a->trees[AIR_TREE_MAIN].real,
           t->a->trees[AIR_TREE_AUX].real, t->a->trees[AIR_TREE_QUOTIENT].real,
           t->a->constraint_count, t->a->interaction_count);
    printf("hash %s, 2^%" PRIu32 " rows, rate 1/%u, %" PRIu32 " queries, %" PRIu32
           " bits of grinding, device %s\n\n",
           hash_name(t->params.hash), t->params.log_rows, 1u << t->params.log_blowup,
           t->params.queries, t->params.grinding_bits, drv_device_info(t->device)->name);
    print_security(t);
    for (int i = 0; i < STARK_PHASES; i++) {
        printf("%-10s %8.3f s\n", stark_phase_name((stark_phase)i), t->report.seconds[i]);
        sum += t->report.seconds[i];
    }
    printf("%-10s %8.3f s, memory %.1f MB (computed %.1f MB)\n", "in all", sum,
           (double)t->report.peak_bytes / 1e6, (double)t->report.memory_bytes / 1e6);
    printf("proof of %zu bytes, verified in %.3f s\n", t->bytes, t->verify_seconds);
    printf("with another word %" PRIu64 " it is refused: %s\n", t->changed_word, t->refusal);
}

static cli_exit run_selftest(const cli_command *self, const cli_args *args)
{
    selftest t = {.json = cli_args_get(self, args, "json") != NULL,
                  .redraw = terminal_can_redraw(stderr)};
    cli_exit code = CLI_OK;
    p_err err = {0};
    p_status s;

    if (args->n_operands != 1) {
        p_err_set(&err, P_EINVAL, "expected no argument after selftest, found '%.40s'",
                  args->operands[1]);
        return cli_usage(self, &err);
    }
    s = choose(self, args, &t, &err);
    if (s == P_EINVAL)
        return cli_usage(self, &err);
    if (s == P_OK && (s = open_device(self, args, &t, &err)) == P_EINVAL)
        code = cli_usage(self, &err);
    if (s == P_OK)
        s = prepare(&t, &err);
    if (s == P_OK)
        s = stark_prove(&t.key, &t.main, t.publics, &t.options, &t.proof, &t.report, &err);
    if (s == P_OK)
        s = verify_bytes(&t, &err);
    if (s == P_OK)
        s = verify_changed(&t, &err);
    if (s == P_OK && t.json)
        print_json(&t);
    else if (s == P_OK)
        print_text(&t);
    else if (code == CLI_OK)
        code = cli_fail(&err);
    stark_proof_free(&t.proof);
    stark_key_free(&t.key);
    p_memory_free(&t.memory, t.main.data, t.main_words, sizeof(uint64_t));
    air_destroy(t.a);
    p_pool_destroy(t.pool);
    (void)drv_close(t.device, CLOSE_MS, NULL);
    return code;
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    const char *action = args->n_operands ? args->operands[0] : "";
    p_err err = {0};

    if (strcmp(action, "selftest") == 0)
        return run_selftest(self, args);
    if (strcmp(action, "params") == 0)
        return params(self, args);
    p_err_set(&err, P_EINVAL, "expected selftest or params, found '%.40s'", action);
    return cli_usage(self, &err);
}

static const cli_option options[] = {
    {"hash", "H", "selftest: hash of trees and transcript, gl or bn254 (default gl)"},
    {"rows", "LOG2", "selftest: 2^LOG2 rows (default 10)"},
    {"level", "L", "selftest: test, p100 or p128 (default p128)"},
    {"device", "D", "selftest: device of the transforms and trees (default cpu; auto: the best)"},
    {"threads", "T", "selftest: threads (default: all this process may use)"},
    {"json", NULL, "one JSON object a line"},
};

/* clang-format off: one line of text a line */
static const char details[] =
    "selftest      proves the demonstration AIR, verifies the bytes of the proof with its key, "
    "prints "
    "what\n"
    "              the parameters prove, seconds, memory and size, then changes one word and has "
    "it "
    "refused\n"
    "params        bits that each set of parameters that ships is proven to have, at its most rows";
/* clang-format on */

const cli_command cli_cmd_stark = {
    .name = "stark",
    .operands = "selftest|params",
    .summary = "prove and verify a demonstration STARK; what the parameters are worth",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
