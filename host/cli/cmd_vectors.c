/* zkprover vectors: walks a folder, recognises cases by their fields, counts. */
#include "host/cli/cli.h"
#include "host/cli/vectors.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_PATH_BYTES 4096
#define MAX_SKIP_REASONS 16
#define MAX_REASON 1024

typedef struct kind_count {
    size_t passed, failed, skipped;
} kind_count;

/* Skipped cases of one file for one reason: one line together. */
typedef struct skip_reason {
    char text[MAX_REASON];
    size_t count;
} skip_reason;

typedef struct kind kind;

struct vectors {
    vec_env env;
    const char *only_kind;
    uint64_t only_fork;
    bool verbose;
    size_t root_len; /* of the part of a path that is not its key */
    kind_count total;
    kind_count *counts; /* by row of the table of kinds */
    const vec_case *now;
    bool failed, skipped; /* the current case */
    char reason[MAX_REASON];
    skip_reason skips[MAX_SKIP_REASONS]; /* of the current file */
    size_t n_skips;
};

/* A case is of the first kind all of whose fields it has. A row without a handler is a kind that is
 * not for this executor; `skip` says why. */
struct kind {
    const char *name;
    const char *fields[4];
    vec_run_fn *run;
    const char *skip;
};

static const kind kinds[] = {
    {"batch", {"oldStateRoot", "batchL2Data", "db"}, vec_run_batch, NULL},
    {"eth-batch", {"."}, vec_run_batch, NULL}, /* by path only: a batch */
    {"rom-checked", {"."}, vec_run_batch, NULL},
    {"aggregation", {"singleBatchData", "inputSnark"}, vec_run_aggregation, NULL},
    {"aggregation",
     {"inputSnark", "oldStateRoot", "newStateRoot", "!genesis"},
     vec_run_snark,
     NULL},
    {"aggregation-spec", {"genesis", "expectedLeafs"}, vec_run_aggregation_spec, NULL},
    {"state-transition", {"genesis", "expectedOldRoot"}, vec_run_state_transition, NULL},
    {"state-transition", {"genesis", "batches"}, vec_run_state_transition, NULL},
    {"forced-batch",
     {"genesis", "expectedOldStateRoot", "batchL2Data"},
     vec_run_forced_batch,
     NULL},
    {"state-transition",
     {"genesis", "batchL2Data", "expectedNewLeafs"},
     vec_run_state_transition,
     NULL},
    {"smt", {"keys", "values", "expectedRoot"}, vec_run_smt, NULL},
    {"smt", {"addresses", "expectedRoot"}, vec_run_smt, NULL},
    {"smt", {"leafType", "expectedKey"}, vec_run_smt, NULL},
    {"smt", {"bytecode", "expectedHash"}, vec_run_smt, NULL},
    {"poseidon", {"input", "capacity", "expectedOutput"}, vec_run_poseidon, NULL},
    {"kat", {"state_in", "state_out"}, vec_run_kat, NULL},
    {"kat", {"name", "kind", "output"}, vec_run_kat, NULL},
    {"kat", {"accInputHash", "snarkInput"}, vec_run_kat, NULL},
    {"effective-gas-price",
     {"gasPrice", "effectivePercentage", "expectedOutput"},
     vec_run_gas_price,
     NULL},
    {"tx-encoding", {"txs", "batchL2Data"}, vec_run_tx_encoding, NULL},
    {"tx-encoding", {"nonce", "gasPrice", "hash"}, vec_run_tx_encoding, NULL},
    {"tx-encoding", {"input", "output", "!from"}, vec_run_tx_encoding, NULL},
    {"eth-transaction-test", {"txbytes", "result"}, vec_run_eth_transaction, NULL},
    {"eth-rlp-test", {"in", "out"}, vec_run_eth_rlp, NULL},
    {"eth-blockchain-test", {"blocks", "network", "pre"}, vec_run_eth_blockchain, NULL},
    {"eth-state-test",
     {"env", "pre", "transaction", "post"},
     NULL,
     "the state after is given as a Merkle-Patricia root only, which this state tree does not "
     "have; "
     "the same tests are run where they exist as batches (eth-batch) and as BlockchainTests"},
    {"eth-basic-test",
     {"seed", "key"},
     NULL,
     "key derivation and signing: the executor has neither"},
    {"eth-basic-test",
     {"unsigned", "signed"},
     NULL,
     "signing with a key: the executor only recovers"},
    {"geth-trace", {"from", "gasUsed", "type"}, vec_run_geth_trace, NULL},
    {"geth-trace",
     {"structLogs"},
     NULL,
     "a list of single steps: the executor reports calls, not steps (callTracer traces are "
     "compared)"},
    {"bridge-tree",
     {"leafValue"},
     NULL,
     "the bridge's Keccak tree is a contract's business; the executor runs the contract"},
    {"bridge-tree",
     {"previousLeafsValues"},
     NULL,
     "the bridge's Keccak tree is a contract's business; the executor runs the contract"},
    {"bridge-tree",
     {"leafs", "proof"},
     NULL,
     "the bridge's Keccak tree is a contract's business; the executor runs the contract"},
    {"eth-batch-notes",
     {"breaks-computation"},
     NULL,
     "a list of ethereum tests that do not apply, not a case"},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])
#define KIND_BATCH 0
#define KIND_ETH_BATCH 1
#define KIND_ROM_CHECKED 2

const vec_env *vec_environment(const vectors *v)
{
    return &v->env;
}

void vec_fail(vectors *v, const char *format, ...)
{
    v->failed = true;
    printf("FAIL %s%s%s: ", v->now->key, v->now->member[0] ? "#" : "", v->now->member);
    va_list ap;
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
}

void vec_note(vectors *v, const char *format, ...)
{
    printf("NOTE %s%s%s: ", v->now->key, v->now->member[0] ? "#" : "", v->now->member);
    va_list ap;
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
}

void vec_skip(vectors *v, const char *format, ...)
{
    v->skipped = true;
    va_list ap;
    va_start(ap, format);
    vsnprintf(v->reason, sizeof v->reason, format, ap);
    va_end(ap);
}

bool vec_equal(vectors *v, const char *what, const u256 *expected, const u256 *found)
{
    if (memcmp(expected, found, sizeof *expected) == 0)
        return true;
    char a[VALUE_HEX_BYTES], b[VALUE_HEX_BYTES];
    vec_fail(v, "%s: expected %s, found %s", what, value_hex_short(a, expected),
             value_hex_short(b, found));
    return false;
}

bool vec_equal_u64(vectors *v, const char *what, uint64_t expected, uint64_t found)
{
    if (expected == found)
        return true;
    vec_fail(v, "%s: expected %llu, found %llu", what, (unsigned long long)expected,
             (unsigned long long)found);
    return false;
}

bool vec_equal_bytes(vectors *v, const char *what, const uint8_t *expected, size_t expected_len,
                     const uint8_t *found, size_t found_len)
{
    if (expected_len == found_len && (found_len == 0 || memcmp(expected, found, found_len) == 0))
        return true;
    char a[131], b[131]; /* the first 64 bytes are enough to see where it goes wrong */
    value_hex_bytes(a, expected, expected_len < 64 ? expected_len : 64);
    value_hex_bytes(b, found, found_len < 64 ? found_len : 64);
    vec_fail(v, "%s: expected %zu bytes %s, found %zu bytes %s", what, expected_len, a, found_len,
             b);
    return false;
}

bool vec_equal_field(vectors *v, const json_t *object, const char *name, const u256 *found)
{
    const json_t *field = json_object_get(object, name);
    if (!field || json_is_null(field))
        return true;
    u256 expected;
    p_err err = {0};
    if (value_json_number(&expected, field, name, &err) != P_OK) {
        vec_fail(v, "%s", err.text);
        return false;
    }
    return vec_equal(v, name, &expected, found);
}

uint32_t vec_fork(const vec_case *c, uint32_t fallback)
{
    if (c->fork)
        return c->fork;
    uint64_t id;
    if (value_json_u64(&id, c->json, "forkID", NULL) == P_OK && id <= UINT32_MAX)
        return (uint32_t)id;
    return fallback;
}

bool vec_fork_supported(vectors *v, uint32_t fork)
{
    if (exec_fork_supported(fork))
        return true;
    vec_skip(v, "fork %u has other rules: this executor has forks 4, 5 and 6", fork);
    return false;
}

static bool matches(const kind *k, const json_t *object)
{
    for (size_t i = 0; i < 4 && k->fields[i]; i++) {
        const char *name = k->fields[i];
        bool absent = name[0] == '!'; /* a field that must not be there */
        if ((json_object_get(object, name + absent) != NULL) == absent)
            return false;
    }
    return true;
}

/* The last forkN in the path that stands at the start of a word of a folder's name, or at the start
 * of the file's name: folders decide over contents. */
static uint32_t fork_of_path(const char *path)
{
    uint32_t fork = 0;
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    for (const char *p = path; (p = strstr(p, "fork")) != NULL; p += 4) {
        bool starts = p <= base ? p == path || p[-1] == '/' || p[-1] == '-' || p[-1] == '_' : false;
        const char *digits = p[4] == '_' || p[4] == '-' ? p + 5 : p + 4;
        if (starts && digits[0] >= '0' && digits[0] <= '9')
            fork = (uint32_t)strtoul(digits, NULL, 10);
    }
    return fork;
}

/* The end of a path: the file and the n folders above it. */
static const char *path_tail(const char *path, unsigned n)
{
    const char *p = path + strlen(path);
    for (; p > path; p--)
        if (p[-1] == '/' && n-- == 0)
            break;
    return p;
}

static bool path_has(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    for (const char *p = path; (p = strstr(p, folder)) != NULL; p++)
        if ((p == path || p[-1] == '/') && p[len] == '/')
            return true;
    return false;
}

static void note_skip(vectors *v)
{
    size_t i = 0;
    while (i < v->n_skips && strcmp(v->skips[i].text, v->reason) != 0)
        i++;
    if (i == MAX_SKIP_REASONS) {
        printf("SKIP %s#%s: %s\n", v->now->key, v->now->member, v->reason);
        return;
    }
    if (i == v->n_skips) {
        snprintf(v->skips[i].text, sizeof v->skips[i].text, "%s", v->reason);
        v->skips[v->n_skips++].count = 0;
    }
    v->skips[i].count++;
}

static void run_case(vectors *v, size_t row, vec_case *c)
{
    const kind *k = &kinds[row];
    c->kind = k->name;
    if (v->only_kind && strcmp(v->only_kind, k->name) != 0)
        return;
    if (v->only_fork && vec_fork(c, 0) != v->only_fork)
        return;
    v->now = c;
    v->failed = v->skipped = false;
    if (k->run)
        k->run(v, c);
    else
        vec_skip(v, "%s", k->skip);
    kind_count *n = &v->counts[row];
    if (v->failed) {
        n->failed++;
    } else if (v->skipped) {
        n->skipped++;
        note_skip(v);
    } else {
        n->passed++;
        if (v->verbose)
            printf("ok   %s%s%s\n", c->key, c->member[0] ? "#" : "", c->member);
    }
}

/* Recognises an object; lists and objects of objects are taken apart. */
static void run_json(vectors *v, const vec_case *file, const json_t *json, const char *member,
                     unsigned depth)
{
    vec_case c = *file;
    c.json = json;
    c.member = member;
    char name[256];
    if (json_is_object(json)) {
        for (size_t i = 0; i < N_KINDS; i++) {
            if (!matches(&kinds[i], json))
                continue;
            if (i == KIND_BATCH && path_has(c.path, "eth-batch"))
                i = KIND_ETH_BATCH;
            else if (i == KIND_BATCH && path_has(c.path, "rom-checked"))
                i = KIND_ROM_CHECKED;
            run_case(v, i, &c);
            return;
        }
        const char *key;
        json_t *value;
        size_t objects = 0, others = 0;
        json_object_foreach((json_t *)json, key, value)
        {
            if (json_is_object(value))
                objects++;
            else
                others++;
        }
        if (depth < 2 && objects > 0 && others == 0) {
            json_object_foreach((json_t *)json, key, value)
            {
                snprintf(name, sizeof name, "%s%s%s", member, member[0] ? "." : "", key);
                run_json(v, file, value, name, depth + 1);
            }
            return;
        }
    } else if (json_is_array(json) && json_array_size(json) > 0 && depth < 2) {
        for (size_t i = 0; i < json_array_size(json); i++) {
            snprintf(name, sizeof name, "%s%s%zu", member, member[0] ? "." : "", i);
            run_json(v, file, json_array_get(json, i), name, depth + 1);
        }
        return;
    }
    if (v->only_kind || v->only_fork)
        return;
    v->now = &c;
    vec_skip(v, "none of the known kinds has these fields");
    v->total.skipped++;
    note_skip(v);
}

void vec_run_guest(vectors *v, state_request *req)
{
    char name[MAX_PATH_BYTES];
    p_err err = {0};
    if (!v->env.guest)
        return;
    snprintf(name, sizeof name, "%s%s%s", v->now->key, v->now->member[0] ? " " : "",
             v->now->member);
    if (vec_guest_run(v->env.guest, v->env.runner, req, v->verbose, name, &err) != P_OK)
        vec_fail(v, "guest: %s", err.text);
}

static void run_file(vectors *v, const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t len = strlen(base);
    vec_case file = {.kind = "", .path = path, .key = path + v->root_len, .member = ""};
    if (strcmp(base, "sealed.bin") == 0) {
        if (!v->only_kind && !v->only_fork) {
            printf("SKIP %s: closed on purpose; it is for evaluation\n", file.key);
            v->total.skipped++;
        }
        return;
    }
    /* notes about the folder, and what the handlers look up in it: no cases */
    if (len < 5 || strcmp(base + len - 5, ".json") != 0 || strcmp(base, "manifest.json") == 0 ||
        strncmp(base, "rom-results-", 12) == 0)
        return;
    file.fork = fork_of_path(file.key);
    if (!file.fork)
        file.fork = fork_of_path(path_tail(path, 3));
    json_error_t je;
    json_t *json = json_load_file(path, JSON_ALLOW_NUL, &je);
    if (!json) {
        v->now = &file;
        vec_fail(v, "expected JSON, found %s at line %d, column %d", je.text, je.line, je.column);
        v->total.failed++;
        return;
    }
    v->n_skips = 0;
    run_json(v, &file, json, "", 0);
    for (size_t i = 0; i < v->n_skips; i++) {
        if (v->skips[i].count > 1)
            printf("SKIP %s (%zu cases): %s\n", file.key, v->skips[i].count, v->skips[i].text);
        else
            printf("SKIP %s: %s\n", file.key, v->skips[i].text);
    }
    json_decref(json);
}

/* Files in a stable order, so that two runs can be compared line by line. */
static bool walk(vectors *v, const char *path, unsigned depth)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        fprintf(stderr, "zkprover vectors: '%s' cannot be read\n", path);
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        run_file(v, path);
        return true;
    }
    struct dirent **entries;
    int n = depth < 32 ? scandir(path, &entries, NULL, alphasort) : -1;
    if (n < 0) {
        fprintf(stderr, "zkprover vectors: folder '%s' cannot be read\n", path);
        return false;
    }
    bool ok = true;
    for (int i = 0; i < n; i++) {
        char sub[MAX_PATH_BYTES];
        if (entries[i]->d_name[0] != '.') {
            int len = snprintf(sub, sizeof sub, "%s/%s", path, entries[i]->d_name);
            if (len < 0 || (size_t)len >= sizeof sub) {
                fprintf(stderr, "zkprover vectors: a path below '%s' is too long\n", path);
                ok = false;
            } else {
                ok = walk(v, sub, depth + 1) && ok;
            }
        }
        free(entries[i]);
    }
    free(entries);
    return ok;
}

/* The folder that holds the kinds: the first of DIR, DIR/.., ... that has the results or the
 * manifest; else DIR. Fills root (a prefix of the real path). */
static json_t *find_root(const char *real_dir, char root[MAX_PATH_BYTES])
{
    json_t *results = NULL;
    snprintf(root, MAX_PATH_BYTES, "%s", real_dir);
    for (unsigned up = 0; up < 6 && root[0]; up++) {
        char file[MAX_PATH_BYTES + 32];
        snprintf(file, sizeof file, "%s/rom-results-fork6.json", root);
        results = json_load_file(file, 0, NULL);
        if (results)
            return results;
        snprintf(file, sizeof file, "%s/manifest.json", root);
        struct stat st;
        if (stat(file, &st) == 0)
            return NULL;
        char *slash = strrchr(root, '/');
        if (!slash)
            break;
        *slash = 0;
    }
    snprintf(root, MAX_PATH_BYTES, "%s", real_dir);
    return NULL;
}

/* Returns the number of cases. */
static size_t summary(const vectors *v, bool *any_failed)
{
    kind_count total = v->total;
    printf("\n%-24s %8s %8s %8s\n", "kind", "passed", "failed", "skipped");
    for (size_t i = 0; i < N_KINDS; i++) {
        kind_count n = {0};
        bool first = true; /* a kind has several rows if its cases come in several forms */
        for (size_t j = 0; j < N_KINDS; j++) {
            if (strcmp(kinds[i].name, kinds[j].name) != 0)
                continue;
            first = first && j >= i;
            n.passed += v->counts[j].passed;
            n.failed += v->counts[j].failed;
            n.skipped += v->counts[j].skipped;
        }
        if (!first || n.passed + n.failed + n.skipped == 0)
            continue;
        printf("%-24s %8zu %8zu %8zu\n", kinds[i].name, n.passed, n.failed, n.skipped);
        total.passed += n.passed;
        total.failed += n.failed;
        total.skipped += n.skipped;
    }
    if (v->total.failed + v->total.skipped > 0)
        printf("%-24s %8d %8zu %8zu\n", "other files", 0, v->total.failed, v->total.skipped);
    printf("%zu passed, %zu failed, %zu skipped\n", total.passed, total.failed, total.skipped);
    *any_failed = total.failed > 0;
    return total.passed + total.failed + total.skipped;
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    vectors v = {.only_kind = cli_args_get(self, args, "kind"),
                 .verbose = cli_args_get(self, args, "verbose") != NULL};
    if (args->n_operands != 1) {
        p_err_set(&err, P_EINVAL, "expected one folder, found %zu arguments", args->n_operands);
        return cli_usage(self, &err);
    }
    if (cli_args_number(self, args, "fork", 1, 1000, &v.only_fork, &err) != P_OK)
        return cli_usage(self, &err);
    bool known = !v.only_kind;
    for (size_t i = 0; i < N_KINDS && !known; i++)
        known = strcmp(kinds[i].name, v.only_kind) == 0;
    const char *isa = cli_args_get(self, args, "isa");
    v.env.poseidon = gl_poseidon_select(isa);
    if (!known || !v.env.poseidon) {
        if (!known)
            p_err_set(&err, P_EINVAL, "option --kind: '%s' is no kind (see --help)", v.only_kind);
        else
            p_err_set(&err, P_EINVAL,
                      "option --isa: '%s' is unknown, or this processor does not have it", isa);
        return cli_usage(self, &err);
    }
    const char *dir = args->operands[0];
    char *real = realpath(dir, NULL);
    if (!real) {
        p_err_set(&err, P_ENOTFOUND, "'%s' does not exist or cannot be read", dir);
        return cli_fail(&err);
    }
    v.counts = calloc(N_KINDS, sizeof *v.counts);
    char root[MAX_PATH_BYTES];
    json_t *results = find_root(real, root);
    v.env.rom_results = results;
    v.env.root = root;
    v.root_len = strlen(root) + 1;
    if (strcmp(root, real) == 0) { /* one file as DIR: its key is its name */
        struct stat st;
        char *slash = strrchr(root, '/');
        if (stat(real, &st) == 0 && !S_ISDIR(st.st_mode) && slash)
            v.root_len = (size_t)(slash - root) + 1;
    }
    cli_exit code = CLI_FAILURE;
    if (!v.counts) {
        p_err_set(&err, P_EEXHAUSTED, "out of memory");
        code = cli_fail(&err);
    } else if (state_runner_create(&v.env.runner, v.env.poseidon, &err) != P_OK) {
        code = cli_fail(&err);
    } else if (cli_args_get(self, args, "guest") && vec_guest_create(&v.env.guest, &err) != P_OK) {
        code = cli_fail(&err);
    } else {
        bool read_all = walk(&v, real, 0);
        bool any_failed = false;
        if (v.env.guest)
            vec_guest_summary(v.env.guest);
        size_t cases = summary(&v, &any_failed);
        if (cases == 0) /* a wrong folder must not look like a success */
            fprintf(stderr, "zkprover vectors: no case found under '%s'\n", dir);
        code = cases > 0 && !any_failed && read_all ? CLI_OK : CLI_FAILURE;
    }
    vec_guest_destroy(v.env.guest);
    state_runner_destroy(v.env.runner);
    json_decref(results);
    free(v.counts);
    free(real);
    return code;
}

static const cli_option options[] = {
    {"kind", "K", "only cases of this kind"},
    {"fork", "N", "only cases of this fork (cases that belong to no fork are left out)"},
    {"isa", "I", "instruction set: portable, avx2, avx512, avx512ifma (default: the best)"},
    {"guest", NULL, "run every batch in the guest, too, and compare its public words"},
    {"verbose", NULL, "also a line for each case that passed"},
};

/* clang-format off: one line of text a line */
static const char details[] =
    "A case is recognised by its fields. Its fork is the forkN in the name of its folder, or else\n"
    "its forkID. Printed are one line for each failure (FAIL file: what: expected, found), for "
    "each\n"
    "skipped file (SKIP file: reason) and for oddities of a file that are no failure (NOTE), then "
    "a\n"
    "summary by kind; the last line is 'N passed, N failed, N skipped'. The exit code is 0 only "
    "if\n"
    "nothing failed and there was something to run.\n"
    "\n"
    "kinds: batch eth-batch rom-checked aggregation aggregation-spec state-transition forced-batch "
    "smt\n"
    "poseidon kat effective-gas-price tx-encoding eth-transaction-test eth-rlp-test\n"
    "eth-blockchain-test geth-trace; known, but skipped: eth-state-test eth-basic-test bridge-tree";
/* clang-format on */

const cli_command cli_cmd_vectors = {
    .name = "vectors",
    .operands = "DIR",
    .summary = "run every test vector under a folder in process",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
