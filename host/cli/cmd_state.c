/* zkprover state: looks after the node store of a data directory. */
#include "host/cli/cli.h"
#include "host/cli/value.h"
#include "host/state/prune.h"

#include <jansson.h>

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** A store keeps the map it has when it is larger; removing needs little more. */
#define LIMIT_BYTES ((uint64_t)64 << 30)
#define MAX_ROOTS 4096

/** The same choice as the server's. */
static p_status store_directory(const cli_command *self, const cli_args *args, char out[PATH_MAX],
                                p_err *err)
{
    const char *dir = cli_args_get(self, args, "data-dir"), *xdg = getenv("XDG_DATA_HOME"),
               *home = getenv("HOME"), *tail = "/state";
    if (!dir || !dir[0])
        dir = getenv("ZKPROVER_DATA_DIR");
    if (!dir || !dir[0]) {
        tail = "/zkprover/state";
        if (xdg && xdg[0] == '/') {
            dir = xdg;
        } else if (home && home[0] == '/') {
            dir = home;
            tail = "/.local/share/zkprover/state";
        } else {
            dir = "/var/lib";
        }
    }
    if (snprintf(out, PATH_MAX, "%s%s", dir, tail) >= PATH_MAX)
        return p_err_set(err, P_EINVAL, "option --data-dir: the name is too long");
    return P_OK;
}

static p_status parse_root(const char *text, gl_t root[4], p_err *err)
{
    u256 x;
    if (strncmp(text, "0x", 2) != 0 || strlen(text) > 66 || !value_parse(&x, text))
        return p_err_set(err, P_EINVAL,
                         "expected a state root, 0x and up to 64 hexadecimal digits, found '%.80s'",
                         text);
    memcpy(root, x.limb, sizeof x.limb);
    return P_OK;
}

static void root_text(char out[VALUE_HEX_BYTES], const gl_t root[4])
{
    u256 x;
    memcpy(x.limb, root, sizeof x.limb);
    value_hex(out, &x);
}

static json_t *integer(uint64_t x)
{
    return json_integer((json_int_t)x);
}

static cli_exit print_object(json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);
    if (text)
        puts(text);
    free(text);
    json_decref(o);
    return text ? CLI_OK : CLI_FAILURE;
}

static void line(const char *name, uint64_t x)
{
    printf("%-18s %" PRIu64 "\n", name, x);
}

/* ---- info ---- */

static json_t *reach_object(const gl_t root[4], const state_reach *r)
{
    char text[VALUE_HEX_BYTES];
    json_t *o = json_object();
    root_text(text, root);
    json_object_set_new(o, "root", json_string(text));
    json_object_set_new(o, "complete", json_boolean(r->absent == 0));
    json_object_set_new(o, "innerNodes", integer(r->inner));
    json_object_set_new(o, "leaves", integer(r->leaves));
    json_object_set_new(o, "values", integer(r->values));
    json_object_set_new(o, "codes", integer(r->codes));
    json_object_set_new(o, "bytes", integer(r->bytes));
    json_object_set_new(o, "absent", integer(r->absent));
    root_text(text, r->first);
    json_object_set_new(o, "firstAbsent", r->absent ? json_string(text) : json_null());
    json_object_set_new(o, "firstIsDamaged", json_boolean(r->first_is_damaged));
    return o;
}

static void print_reach(const gl_t root[4], const state_reach *r)
{
    char text[VALUE_HEX_BYTES];
    root_text(text, root);
    printf("%-18s %s\n", "root", text);
    line("  inner nodes", r->inner);
    line("  leaves", r->leaves);
    line("  values", r->values);
    line("  codes", r->codes);
    line("  bytes", r->bytes);
    root_text(text, r->first);
    if (r->absent == 0)
        printf("%-18s yes\n", "  complete");
    else
        printf("%-18s no: %" PRIu64 " absent, the first is %s (%s)\n", "  complete", r->absent,
               text, r->first_is_damaged ? "damaged" : "missing");
}

static cli_exit print_info(const char *dir, const state_store_info *i, const gl_t root[4],
                           const state_reach *reach, bool json)
{
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "directory", json_string(dir));
        json_object_set_new(o, "formatVersion", integer(i->format));
        json_object_set_new(o, "nodes", integer(i->nodes));
        json_object_set_new(o, "codes", integer(i->codes));
        json_object_set_new(o, "bytesUsed", integer(i->bytes_used - i->bytes_free));
        json_object_set_new(o, "bytesFree", integer(i->bytes_free));
        json_object_set_new(o, "bytesMap", integer(i->bytes_map));
        json_object_set_new(o, "bytesFile", integer(i->bytes_file));
        if (reach)
            json_object_set_new(o, "reached", reach_object(root, reach));
        return print_object(o);
    }
    printf("%-18s %s\n", "store", dir);
    line("format version", i->format);
    line("nodes", i->nodes);
    line("codes", i->codes);
    line("bytes used", i->bytes_used - i->bytes_free);
    line("bytes free", i->bytes_free);
    line("map bytes", i->bytes_map);
    line("file bytes", i->bytes_file);
    if (reach)
        print_reach(root, reach);
    return CLI_OK;
}

static cli_exit info(const cli_command *self, const cli_args *args, const char *dir)
{
    p_err err = {0};
    gl_t root[4];
    const char *text = cli_args_get(self, args, "root");
    if (text && parse_root(text, root, &err) != P_OK)
        return cli_usage(self, &err);
    state_store *store;
    state_store_info i;
    state_reach reach;
    p_status s = state_store_open_read(&store, dir, &err);
    if (s == P_OK)
        s = state_store_stat(store, &i, &err);
    if (s == P_OK && text)
        s = state_store_reach(store, root, gl_poseidon_select(NULL), &reach, &err);
    state_store_close(store);
    if (s != P_OK)
        return cli_fail(&err);
    return print_info(dir, &i, root, text ? &reach : NULL, cli_args_get(self, args, "json"));
}

/* ---- prune ---- */

typedef struct pruning {
    state_prune_options options;
    state_prune_result result;
    bool pruned, compacted;
    uint64_t file_before, file_after;
} pruning;

static cli_exit print_pruning(const pruning *p, bool json)
{
    const state_prune_result *r = &p->result;
    uint64_t kept_nodes = r->kept.inner + r->kept.leaves + r->kept.values;
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "dryRun", json_boolean(p->options.dry_run));
        json_object_set_new(o, "keptNodes", integer(kept_nodes));
        json_object_set_new(o, "keptCodes", integer(r->kept.codes));
        json_object_set_new(o, "absent", integer(r->kept.absent));
        json_object_set_new(o, "removedNodes", integer(r->removed_nodes));
        json_object_set_new(o, "removedCodes", integer(r->removed_codes));
        json_object_set_new(o, "removedBytes", integer(r->removed_bytes));
        json_object_set_new(o, "freedBytes", integer(r->freed_bytes));
        json_object_set_new(o, "compacted", json_boolean(p->compacted));
        json_object_set_new(o, "fileBytesBefore", integer(p->file_before));
        json_object_set_new(o, "fileBytesAfter", integer(p->file_after));
        return print_object(o);
    }
    const char *removed = p->options.dry_run ? "would remove" : "removed";
    line("kept nodes", kept_nodes);
    line("kept codes", r->kept.codes);
    if (r->kept.absent)
        line("absent nodes", r->kept.absent);
    printf("%-18s %" PRIu64 " nodes, %" PRIu64 " codes, %" PRIu64 " bytes\n", removed,
           r->removed_nodes, r->removed_codes, r->removed_bytes);
    if (!p->options.dry_run)
        printf("%-18s %" PRIu64 " bytes of the file, for later writes\n", "freed", r->freed_bytes);
    if (p->compacted)
        printf("%-18s %" PRIu64 " to %" PRIu64 " bytes\n", "file", p->file_before, p->file_after);
    else if (!p->options.dry_run)
        printf("the file keeps its length, %" PRIu64 " bytes: --compact writes it anew\n",
               p->file_after);
    return CLI_OK;
}

/** A store that is not there is not to be made. */
static p_status open_existing(state_store **out, const char *dir, p_err *err)
{
    char path[PATH_MAX + 16];
    struct stat st;
    *out = NULL;
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    if (stat(path, &st) != 0)
        return p_err_set(err, P_EMISSING, "no state store in %s; see --data-dir", dir);
    return state_store_open(out, dir, LIMIT_BYTES, err);
}

/** --keep has the first root, the operands after the action the others. */
static p_status parse_keep(const cli_command *self, const cli_args *args, gl_t (*roots)[4],
                           size_t *n, p_err *err)
{
    const char *first = cli_args_get(self, args, "keep");
    if (!first)
        return p_err_set(err, P_EINVAL,
                         "option --keep is missing: at least one root is to be kept");
    if (args->n_operands > MAX_ROOTS)
        return p_err_set(err, P_EINVAL, "%zu roots to keep, expected at most %d", args->n_operands,
                         MAX_ROOTS);
    p_status s = parse_root(first, roots[0], err);
    for (size_t i = 1; i < args->n_operands && s == P_OK; i++)
        s = parse_root(args->operands[i], roots[i], err);
    *n = args->n_operands;
    return s;
}

static cli_exit prune(const cli_command *self, const cli_args *args, const char *dir)
{
    p_err err = {0};
    pruning p = {.options = {.poseidon = gl_poseidon_select(NULL)}};
    gl_t(*roots)[4] = calloc(args->n_operands, sizeof *roots);
    if (!roots) {
        p_err_set(&err, P_EEXHAUSTED, "no memory for the roots");
        return cli_fail(&err);
    }
    bool compact = cli_args_get(self, args, "compact"), json = cli_args_get(self, args, "json");
    p.options.dry_run = cli_args_get(self, args, "dry-run");
    p.options.partial = cli_args_get(self, args, "partial");
    p_status s = parse_keep(self, args, roots, &p.options.n_keep, &err);
    if (s == P_OK && compact && p.options.dry_run)
        s = p_err_set(&err, P_EINVAL, "option --compact has no meaning with --dry-run");
    if (s != P_OK) {
        free(roots);
        return cli_usage(self, &err);
    }
    p.options.keep = (const gl_t(*)[4])roots;
    state_store *store;
    s = open_existing(&store, dir, &err);
    if (s == P_OK) {
        s = state_store_prune(store, &p.options, &p.result, &err);
        p.pruned = s == P_OK;
    }
    if (s == P_OK && compact) {
        s = state_store_compact(store, &p.file_before, &p.file_after, &err);
        p.compacted = s == P_OK;
    }
    state_store_info i;
    if (p.pruned && !p.compacted && state_store_stat(store, &i, NULL) == P_OK)
        p.file_before = p.file_after = i.bytes_file;
    state_store_close(store);
    free(roots);
    cli_exit code = p.pruned ? print_pruning(&p, json) : CLI_OK;
    return s == P_OK ? code : cli_fail(&err);
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    char dir[PATH_MAX];
    const char *action = args->n_operands ? args->operands[0] : "";
    bool is_prune = strcmp(action, "prune") == 0;
    if (store_directory(self, args, dir, &err) != P_OK)
        return cli_usage(self, &err);
    if (!is_prune && strcmp(action, "info") != 0) {
        p_err_set(&err, P_EINVAL, "expected info or prune, found '%.40s'", action);
        return cli_usage(self, &err);
    }
    if (!is_prune && args->n_operands > 1) {
        p_err_set(&err, P_EINVAL, "expected no argument after info, found '%.80s'",
                  args->operands[1]);
        return cli_usage(self, &err);
    }
    static const char *const only_prune[] = {"keep", "partial", "dry-run", "compact"};
    for (size_t i = 0; i < 4 && !is_prune; i++)
        if (cli_args_get(self, args, only_prune[i])) {
            p_err_set(&err, P_EINVAL, "option --%s has no meaning with info", only_prune[i]);
            return cli_usage(self, &err);
        }
    if (is_prune && cli_args_get(self, args, "root")) {
        p_err_set(&err, P_EINVAL, "option --root has no meaning with prune: see --keep");
        return cli_usage(self, &err);
    }
    return is_prune ? prune(self, args, dir) : info(self, args, dir);
}

static const cli_option options[] = {
    {"data-dir", "DIR", "data directory of the server (default as zkproverd's)"},
    {"root", "ROOT", "info: also what this state root reaches"},
    {"keep", "ROOT...", "prune: the roots to keep"},
    {"partial", NULL, "prune: keep what is there of a root that is not complete"},
    {"dry-run", NULL, "prune: only count"},
    {"compact", NULL, "prune: then write the file anew, without its free pages"},
    {"json", NULL, "one JSON object"},
};

const cli_command cli_cmd_state = {
    .name = "state",
    .operands = "info|prune [ROOT...]",
    .summary = "show or prune the node store",
    .details = "`state info` may look at the store of a running server. `state prune --keep "
               "ROOT...` removes\nwhat no kept root reaches; the server must be stopped. A root "
               "that is not complete is refused\nunless --partial is given, and nothing is removed "
               "then.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
