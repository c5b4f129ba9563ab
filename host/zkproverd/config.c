#include "host/zkproverd/config.h"

#include "host/zkproverd/http.h"

#include <jansson.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENV_PREFIX "ZKPROVER_"

typedef enum kind { KIND_TEXT, KIND_NUMBER, KIND_BOOL } kind;

typedef struct key {
    const char
        *path; /**< in the file, with dots between objects; in the environment upper-case with _ */
    const char *flag; /**< NULL: none */
    kind kind;
    size_t offset, size; /**< of the field; size of text fields */
    uint64_t min, max;
    const char *def;
    const char *help;
} key;

/* clang-format off */
#define TEXT(p, f, field, d, h)                                                                    \
    {p, f, KIND_TEXT, offsetof(config, field), sizeof(((config *)0)->field), 0, 0, d, h}
#define NUMBER(p, f, field, lo, hi, d, h)                                                          \
    {p, f, KIND_NUMBER, offsetof(config, field), 0, lo, hi, d, h}
#define BOOLEAN(p, f, field, d, h)                                                                 \
    {p, f, KIND_BOOL, offsetof(config, field), 0, 0, 0, d, h}

static const key keys[] = {
    TEXT("listen", "--listen", listen, "127.0.0.1:50051",
         "address and port; port 0 picks a free one"),
    BOOLEAN("allow_insecure_remote", NULL, allow_insecure_remote, "false",
            "allow a listen address that other machines reach, without TLS"),
    TEXT("data_dir", "--data-dir", data_dir, "",
         "where state is kept; $XDG_DATA_HOME/zkprover or ~/.local/share/zkprover"),
    TEXT("device", "--device", device, "auto", "device for heavy work, a name that `zkprover devices` lists, or auto: the best"),
    NUMBER("fork_id", "--fork-id", fork_id, 4, 6, "6", "rules of the batches: 4, 5 or 6"),
    NUMBER("workers", "--workers", workers, 0, 1024, "0",
           "threads that execute batches; 0: one for each CPU"),
    TEXT("isa", "--isa", isa, "auto", "instructions: auto, portable, avx2, avx512 or avx512ifma"),
    TEXT("log_level", "--log-level", log_level_text, "info",
         "debug, info, warn or error; debug lines can quote requests"),
    NUMBER("drain_seconds", "--drain-seconds", drain_seconds, 0, 86400, "30",
           "how long running calls may take after SIGTERM"),
    NUMBER("grpc.threads", NULL, grpc_threads, 1, 64, "2", "threads that serve connections"),
    NUMBER("grpc.max_message_bytes", "--max-message-bytes", grpc_max_message_bytes, 1024, INT32_MAX,
           "67108864", "longest request or answer"),
    NUMBER("grpc.max_inflight_bytes", NULL, grpc_max_inflight_bytes, 1024, UINT64_C(1) << 46,
           "536870912", "requests and answers in work, of all calls together"),
    NUMBER("grpc.max_transport_bytes", NULL, grpc_max_transport_bytes, 0, UINT64_C(1) << 46,
           "1073741824", "buffers of all connections together; 0: no limit"),
    NUMBER("grpc.max_calls", NULL, grpc_max_calls, 1, 1000000, "4096",
           "running calls of all connections together"),
    NUMBER("grpc.max_streams", NULL, grpc_max_streams, 1, 1000000, "2048",
           "running calls of one connection"),
    NUMBER("grpc.max_client_calls", NULL, grpc_max_client_calls, 0, 1000000, "3072",
           "running calls of one client address (an IPv6 client is its /64); 0: no limit"),
    NUMBER("grpc.max_client_inflight_bytes", NULL, grpc_max_client_inflight_bytes, 0,
           UINT64_C(1) << 46, "402653184",
           "requests and answers in work, of one client address; 0: no limit"),
    BOOLEAN("grpc.reflection", NULL, grpc_reflection, "true",
            "tell clients that ask which services and messages there are"),
    TEXT("tls.cert", "--tls-cert", tls_cert, "",
         "PEM file with the server's certificate and its chain: the gRPC port speaks TLS only"),
    TEXT("tls.key", "--tls-key", tls_key, "", "PEM file with its private key, without password"),
    TEXT("tls.client_ca", "--tls-client-ca", tls_client_ca, "",
         "PEM file with the certificates that those of clients must lead to"),
    BOOLEAN("tls.require_client_cert", NULL, tls_require_client_cert, "false",
            "refuse clients without a certificate of tls.client_ca"),
    NUMBER("state.map_bytes", NULL, state_map_bytes, UINT64_C(1) << 20, UINT64_C(1) << 46,
           "68719476736", "hard limit of the node store"),
    BOOLEAN("state.persist.execute", NULL, state_persist_execute, "false",
            "write the nodes of Execute requests to the node store"),
    BOOLEAN("state.persist.gen_proof", NULL, state_persist_gen_proof, "true",
            "write the nodes of GenProof requests to the node store"),
    NUMBER("limits.execute_memory_bytes", NULL, limits_execute_memory_bytes, UINT64_C(1) << 20,
           UINT64_C(1) << 34, "1073741824",
           "memory that the execution of one batch may take, beside its request and its answer"),
    NUMBER("limits.job_memory_bytes", NULL, limits_job_memory_bytes, 0, UINT64_C(1) << 46,
           "2147483648", "memory of one proof job, with its request; 0: no limit"),
    NUMBER("limits.device_memory_bytes", NULL, limits_device_memory_bytes, 0, UINT64_C(1) << 46,
           "0", "memory that jobs may take on the device; 0: what it can give at the start"),
    TEXT("cards.bitstreams", "--bitstreams", cards_bitstreams, "",
         "folder of manifest.json; $ZKP_BITSTREAMS, else the installed one"),
    TEXT("cards.program", NULL, cards_program, "",
         "zkp-card; $ZKP_CARD, else the one beside this program or the installed one"),
    NUMBER("jobs.max_queue", NULL, jobs_max_queue, 1, 100000, "1000", "proof jobs that wait"),
    NUMBER("jobs.max_watches", NULL, jobs_max_watches, 1, 1000000, "10000",
           "GetProof requests that wait, of all clients together"),
    NUMBER("jobs.get_proof_max_seconds", NULL, jobs_get_proof_max_seconds, 0, 86400, "3600",
           "longer time-outs of GetProof are cut to this"),
    NUMBER("jobs.retain_seconds", NULL, jobs_retain_seconds, 0, UINT64_C(3153600000), "604800",
           "ended jobs are deleted after this time; 0: never"),
    NUMBER("jobs.retain_max", NULL, jobs_retain_max, 0, UINT64_C(1) << 40, "10000",
           "at most so many ended jobs are kept; 0: any number"),
    NUMBER("jobs.max_attempts", NULL, jobs_max_attempts, 0, 1000, "5",
           "a job during which the server died so often is given up; 0: never"),
    NUMBER("jobs.store_bytes", NULL, jobs_store_bytes, 0, UINT64_C(1) << 50, "68719476736",
           "requests and results on disk, of all jobs together; 0: no limit but the disk's"),
    BOOLEAN("counters.enforce", NULL, counters_enforce, "true",
            "roll back batches that exceed the counters"),
    TEXT("http.listen", "--http-listen", http_listen, "off",
         "address and port of /metrics, /healthz and /readyz, as 127.0.0.1:9464, or off"),
    BOOLEAN("http.allow_remote", NULL, http_allow_remote, "false",
            "allow an HTTP address that other machines reach"),
};
/* clang-format on */
#define N_KEYS (sizeof keys / sizeof keys[0])

/* ---- problems ---- */

void config_problem_add(config_problems *problems, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (problems->n < CONFIG_PROBLEMS_MAX)
        vsnprintf(problems->text[problems->n], CONFIG_PROBLEM_BYTES, format, args);
    problems->n++;
    va_end(args);
}

/* ---- one value ---- */

static void set_number(config *c, const key *k, uint64_t v, const char *source,
                       config_problems *problems)
{
    if (v < k->min || v > k->max)
        config_problem_add(problems, "%s: it is %" PRIu64 "; expected %" PRIu64 " to %" PRIu64,
                           source, v, k->min, k->max);
    else
        memcpy((char *)c + k->offset, &v, sizeof v);
}

static void set_bool(config *c, const key *k, bool v)
{
    memcpy((char *)c + k->offset, &v, sizeof v);
}

static void set_text(config *c, const key *k, const char *text, const char *source,
                     config_problems *problems)
{
    size_t len = strlen(text);
    if (len >= k->size)
        config_problem_add(problems, "%s: %zu characters; expected at most %zu", source, len,
                           k->size - 1);
    else
        memcpy((char *)c + k->offset, text, len + 1);
}

static bool parse_number(const char *text, uint64_t *out)
{
    uint64_t v = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        uint64_t digit = (uint64_t)(unsigned char)*text - '0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

/** A value that is text at its source: flags, the environment, defaults. */
static void set_from_text(config *c, const key *k, const char *text, const char *source,
                          config_problems *problems)
{
    uint64_t v;
    switch (k->kind) {
    case KIND_TEXT:
        set_text(c, k, text, source, problems);
        break;
    case KIND_BOOL:
        if (!strcmp(text, "true") || !strcmp(text, "1"))
            set_bool(c, k, true);
        else if (!strcmp(text, "false") || !strcmp(text, "0"))
            set_bool(c, k, false);
        else
            config_problem_add(problems, "%s: it is '%.64s'; expected true or false", source, text);
        break;
    case KIND_NUMBER:
        if (parse_number(text, &v))
            set_number(c, k, v, source, problems);
        else
            config_problem_add(problems,
                               "%s: it is '%.64s'; expected a number from %" PRIu64 " to %" PRIu64,
                               source, text, k->min, k->max);
        break;
    }
}

/** What was found, shortened; strings keep their quotes, since "2" is not 2. */
static const char *found_text(char out[40], const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    snprintf(out, 40, "%.32s%s", text ? text : "?", text && strlen(text) > 32 ? "..." : "");
    free(text);
    return out;
}

static void set_from_json(config *c, const key *k, const json_t *value, const char *source,
                          config_problems *problems)
{
    char found[40];
    switch (k->kind) {
    case KIND_TEXT:
        if (!json_is_string(value))
            config_problem_add(problems, "%s: it is %s; expected a string", source,
                               found_text(found, value));
        else
            set_text(c, k, json_string_value(value), source, problems);
        break;
    case KIND_BOOL:
        if (!json_is_boolean(value))
            config_problem_add(problems, "%s: it is %s; expected true or false", source,
                               found_text(found, value));
        else
            set_bool(c, k, json_is_true(value));
        break;
    case KIND_NUMBER:
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            config_problem_add(problems,
                               "%s: it is %s; expected a whole number from %" PRIu64 " to %" PRIu64,
                               source, found_text(found, value), k->min, k->max);
        else
            set_number(c, k, (uint64_t)json_integer_value(value), source, problems);
        break;
    }
}

/* ---- the file ---- */

static const key *find_key(const char *path)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (!strcmp(keys[i].path, path))
            return &keys[i];
    return NULL;
}

/** True if some key lies below this object. */
static bool is_section(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < N_KEYS; i++)
        if (!strncmp(keys[i].path, path, n) && keys[i].path[n] == '.')
            return true;
    return false;
}

/** Only sections are entered, so the depth is that of our keys. */
static void load_object(config *c, json_t *object, const char *prefix, const char *file,
                        config_problems *problems)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        char path[128], source[CONFIG_PROBLEM_BYTES / 2];
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", name);
        snprintf(source, sizeof source, "%.160s: %.80s", file, path);
        const key *k = find_key(path);
        if (k)
            set_from_json(c, k, value, source, problems);
        else if (!is_section(path))
            config_problem_add(problems, "%s: no such key; --help lists them", source);
        else if (!json_is_object(value))
            config_problem_add(problems, "%s: expected an object", source);
        else
            load_object(c, value, path, file, problems);
    }
}

/** What the parser would say in words that do not help. */
static const char *no_text_file(const char *file)
{
    struct stat st;
    char start[3];
    if (stat(file, &st) != 0)
        return NULL;
    if (S_ISDIR(st.st_mode))
        return "it is a directory; expected a JSON file";
    if (!S_ISREG(st.st_mode)) /* a pipe can be read only once */
        return NULL;
    FILE *f = fopen(file, "rb");
    size_t n = f ? fread(start, 1, sizeof start, f) : 0;
    if (f)
        fclose(f);
    return n == 3 && !memcmp(start, "\xef\xbb\xbf", 3)
               ? "it begins with a byte order mark; save it as UTF-8 without one"
               : NULL;
}

static void load_file(config *c, const char *file, config_problems *problems)
{
    json_error_t error;
    const char *what = no_text_file(file);
    if (what) {
        config_problem_add(problems, "%.200s: %s", file, what);
        return;
    }
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        if (error.line > 0)
            config_problem_add(problems, "%.200s: line %d, column %d: %s", file, error.line,
                               error.column, error.text);
        else
            config_problem_add(problems, "%.200s: %s", file, error.text);
        return;
    }
    if (!json_is_object(root))
        config_problem_add(problems, "%.200s: expected a JSON object", file);
    else
        load_object(c, root, "", file, problems);
    json_decref(root);
}

/* ---- the environment ---- */

static void env_name(char out[128], const key *k)
{
    snprintf(out, 128, ENV_PREFIX "%s", k->path);
    for (char *p = out + sizeof ENV_PREFIX - 1; *p; p++) {
        if (*p == '.')
            *p = '_';
        else if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    }
}

/** Variables with our prefix that mean something elsewhere: to the tests and the client. */
static bool env_is_foreign(const char *name)
{
    static const char *const foreign[] = {ENV_PREFIX "CONFIG", ENV_PREFIX "VECTORS",
                                          ENV_PREFIX "ADDR", ENV_PREFIX "BIN"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (!strcmp(name, foreign[i]))
            return true;
    return false;
}

static const char *env_find(char *const *environment, const char *name)
{
    size_t n = strlen(name);
    for (; *environment; environment++)
        if (!strncmp(*environment, name, n) && (*environment)[n] == '=')
            return *environment + n + 1;
    return NULL;
}

static void load_environment(config *c, char *const *environment, config_problems *problems)
{
    for (; *environment; environment++) {
        const char *entry = *environment, *equals = strchr(entry, '=');
        if (strncmp(entry, ENV_PREFIX, sizeof ENV_PREFIX - 1) || !equals)
            continue;
        char name[128], wanted[128], source[160];
        snprintf(name, sizeof name, "%.*s", (int)(equals - entry), entry);
        snprintf(source, sizeof source, "environment: %s", name);
        bool known = env_is_foreign(name);
        for (size_t i = 0; !known && i < N_KEYS; i++) {
            env_name(wanted, &keys[i]);
            known = !strcmp(name, wanted);
            if (known)
                set_from_text(c, &keys[i], equals + 1, source, problems);
        }
        if (!known && problems->n_warnings < CONFIG_WARNINGS_MAX)
            snprintf(problems->warning[problems->n_warnings++], CONFIG_PROBLEM_BYTES,
                     "%s: no variable of zkproverd; it was ignored", source);
    }
}

/* ---- flags ---- */

typedef struct flag_value {
    const key *key;
    const char *value;
} flag_value;

static void usage_problem(config_problems *problems, const char *arg, const char *what)
{
    config_problem_add(problems, "%.64s: %s; --help lists the flags", arg, what);
    problems->usage = true;
}

static const key *find_flag(const char *arg, size_t len)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (keys[i].flag && strlen(keys[i].flag) == len && !strncmp(keys[i].flag, arg, len))
            return &keys[i];
    return NULL;
}

/** Flags without a value. */
static bool parse_action(const char *arg, config_action *action)
{
    static const struct {
        const char *flag;
        config_action action;
    } table[] = {{"--help", CONFIG_HELP},
                 {"-h", CONFIG_HELP},
                 {"--version", CONFIG_VERSION},
                 {"--check", CONFIG_CHECK},
                 {"--print-config", CONFIG_PRINT}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strcmp(arg, table[i].flag)) {
            *action = table[i].action;
            return true;
        }
    return false;
}

/** Collects the flags with values (at most max) in their order. */
static size_t parse_flags(int argc, char *const *argv, config_action *action, const char **file,
                          flag_value *out, size_t max, config_problems *problems)
{
    size_t n = 0;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *equals = strchr(arg, '=');
        size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
        if (parse_action(arg, action)) {
            if (*action == CONFIG_HELP || *action == CONFIG_VERSION)
                return 0;
            continue;
        }
        const key *k = find_flag(arg, len);
        bool is_file = len == strlen("--config") && !strncmp(arg, "--config", len);
        if (!k && !is_file) {
            usage_problem(problems, arg, "no such flag");
            continue;
        }
        const char *value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (!value)
            usage_problem(problems, arg, "its value is missing");
        else if (is_file)
            *file = value;
        else if (n == max)
            usage_problem(problems, arg, "too many flags");
        else
            out[n++] = (flag_value){k, value};
    }
    return n;
}

/* ---- checks of the whole ---- */

static void check_listen(config *c, config_problems *problems)
{
    static const char form[] = "expected ADDRESS:PORT with a numeric address, as 127.0.0.1:50051 "
                               "or [::1]:50051";
    char host[sizeof c->listen];
    uint64_t port;
    const char *colon = strrchr(c->listen, ':');
    if (!colon || !parse_number(colon + 1, &port) || port > 65535) {
        config_problem_add(problems, "listen: '%.128s' has no valid port; %s", c->listen, form);
        return;
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - c->listen), c->listen);
    size_t n = strlen(host);
    struct in_addr v4;
    struct in6_addr v6;
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = 0;
        if (inet_pton(AF_INET6, host + 1, &v6) != 1) {
            config_problem_add(problems, "listen: '%.128s' is no IPv6 address; %s", host + 1, form);
            return;
        }
        c->listen_is_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    } else if (inet_pton(AF_INET, host, &v4) == 1) {
        c->listen_is_loopback = ntohl(v4.s_addr) >> 24 == 127;
    } else {
        config_problem_add(problems, "listen: '%.128s' is no IPv4 address; %s", host, form);
        return;
    }
    if (!c->listen_is_loopback && !c->allow_insecure_remote && !c->tls_cert[0])
        config_problem_add(
            problems,
            "listen: %.128s is reachable from other machines, without encryption or "
            "authentication: whoever reaches it could use the prover and read batches. Set "
            "tls.cert and tls.key (and tls.client_ca with tls.require_client_cert), listen on "
            "127.0.0.1, or set allow_insecure_remote to true",
            c->listen);
}

static void check_http(const config *c, config_problems *problems)
{
    http_address a;
    if (!c->http_listen[0] || !strcmp(c->http_listen, "off"))
        return;
    if (!http_address_parse(&a, c->http_listen))
        config_problem_add(problems,
                           "http.listen: it is '%s'; expected off, or a numeric address with a "
                           "port, as 127.0.0.1:9464 or [::1]:9464",
                           c->http_listen);
    else if (!a.loopback && !c->http_allow_remote)
        config_problem_add(problems,
                           "http.listen: %s is reachable from other machines, without encryption "
                           "or authentication. Listen on 127.0.0.1, or set http.allow_remote to "
                           "true if whoever reaches it may read the metrics",
                           c->http_listen);
}

static void check_tls(const config *c, config_problems *problems)
{
    if (!c->tls_cert[0] != !c->tls_key[0])
        config_problem_add(problems, "%s: it is not set, but %s is; TLS needs both",
                           c->tls_cert[0] ? "tls.key" : "tls.cert",
                           c->tls_cert[0] ? "tls.cert" : "tls.key");
    else if (c->tls_client_ca[0] && !c->tls_cert[0])
        config_problem_add(problems, "tls.client_ca: it is set, but tls.cert and tls.key are not");
    /* no half measures: clients with and without certificate may do the same, so a check that
     * does not refuse protects nothing */
    if (c->tls_require_client_cert && !c->tls_client_ca[0])
        config_problem_add(problems, "tls.require_client_cert: it is true, but tls.client_ca does "
                                     "not say whose certificates are accepted");
    else if (!c->tls_require_client_cert && c->tls_client_ca[0])
        config_problem_add(problems, "tls.client_ca: it is set, but tls.require_client_cert is "
                                     "not true: clients without a certificate would be accepted");
}

static void check_log_level(config *c, config_problems *problems)
{
    for (int l = LOG_DEBUG; l <= LOG_ERROR; l++)
        if (!strcmp(c->log_level_text, log_level_name((log_level)l))) {
            c->log_level = (log_level)l;
            return;
        }
    config_problem_add(problems, "log_level: it is '%.32s'; expected debug, info, warn or error",
                       c->log_level_text);
}

static void default_data_dir(config *c, char *const *environment, config_problems *problems)
{
    if (c->data_dir[0])
        return;
    const char *xdg = env_find(environment, "XDG_DATA_HOME");
    const char *home = env_find(environment, "HOME");
    int n;
    if (xdg && xdg[0] == '/')
        n = snprintf(c->data_dir, sizeof c->data_dir, "%s/zkprover", xdg);
    else if (home && home[0] == '/')
        n = snprintf(c->data_dir, sizeof c->data_dir, "%s/.local/share/zkprover", home);
    else
        n = snprintf(c->data_dir, sizeof c->data_dir, "/var/lib/zkprover");
    if (n < 0 || (size_t)n >= sizeof c->data_dir)
        config_problem_add(problems, "data_dir: the home directory's name is too long; set it");
}

static void check_all(config *c, char *const *environment, config_problems *problems)
{
    check_listen(c, problems);
    check_http(c, problems);
    check_tls(c, problems);
    check_log_level(c, problems);
    default_data_dir(c, environment, problems);
    if (c->grpc_max_inflight_bytes < c->grpc_max_message_bytes)
        config_problem_add(problems,
                           "grpc.max_inflight_bytes: it is %" PRIu64
                           "; expected at least grpc.max_message_bytes (%" PRIu64 ")",
                           c->grpc_max_inflight_bytes, c->grpc_max_message_bytes);
    if (c->grpc_max_client_inflight_bytes &&
        c->grpc_max_client_inflight_bytes < c->grpc_max_message_bytes)
        config_problem_add(problems,
                           "grpc.max_client_inflight_bytes: it is %" PRIu64
                           "; expected 0 or at least grpc.max_message_bytes (%" PRIu64 ")",
                           c->grpc_max_client_inflight_bytes, c->grpc_max_message_bytes);
    if (c->workers == 0) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        c->workers = cpus < 1 ? 1 : cpus > 1024 ? 1024 : (uint64_t)cpus;
    }
}

void config_load(config *c, int argc, char *const *argv, char *const *environment,
                 config_action *action, config_problems *problems)
{
    flag_value flags[64];
    memset(c, 0, sizeof *c);
    problems->n = problems->n_warnings = 0;
    problems->usage = false;
    *action = CONFIG_RUN;
    const char *file = env_find(environment, ENV_PREFIX "CONFIG");
    size_t n =
        parse_flags(argc, argv, action, &file, flags, sizeof flags / sizeof flags[0], problems);
    if (*action == CONFIG_HELP || *action == CONFIG_VERSION) {
        problems->n = 0; /* help is given also to those who need it */
        problems->usage = false;
        return;
    }
    for (size_t i = 0; i < N_KEYS; i++)
        set_from_text(c, &keys[i], keys[i].def, keys[i].path, problems);
    if (file && *file)
        load_file(c, file, problems);
    load_environment(c, environment, problems);
    for (size_t i = 0; i < n; i++)
        set_from_text(c, flags[i].key, flags[i].value, flags[i].key->flag, problems);
    check_all(c, environment, problems);
}

/* ---- output ---- */

static json_t *value_of(const config *c, const key *k)
{
    const char *field = (const char *)c + k->offset;
    bool yes;
    uint64_t v;
    switch (k->kind) {
    case KIND_BOOL:
        memcpy(&yes, field, sizeof yes);
        return json_boolean(yes);
    case KIND_NUMBER:
        memcpy(&v, field, sizeof v);
        return json_integer((json_int_t)v);
    default:
        return json_string(field);
    }
}

void config_print(const config *c, FILE *out)
{
    json_t *root = json_object();
    for (size_t i = 0; root && i < N_KEYS; i++) {
        const char *name = keys[i].path, *dot;
        json_t *object = root;
        while ((dot = strchr(name, '.'))) {
            char section[64];
            snprintf(section, sizeof section, "%.*s", (int)(dot - name), name);
            json_t *inner = json_object_get(object, section);
            if (!inner) {
                inner = json_object();
                json_object_set_new(object, section, inner);
            }
            object = inner;
            name = dot + 1;
        }
        json_object_set_new(object, name, value_of(c, &keys[i]));
    }
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    fprintf(out, "%s\n", text ? text : "{}");
    free(text);
    json_decref(root);
}

void config_help(FILE *out)
{
    fprintf(
        out,
        "usage: zkproverd [flags]\n"
        "Serves zkprover.v1.ZKProverService over gRPC until SIGTERM or SIGINT, which let\n"
        "running calls finish; a second one ends it at once.\n\n"
        "  --config FILE      JSON file with the keys below (also ZKPROVER_CONFIG)\n"
        "  --check            print every problem of configuration and machine, and exit\n"
        "  --print-config     print the effective configuration as a JSON file, and exit\n"
        "  --help, --version\n\n"
        "Keys: in the file as nested objects (grpc.threads is {\"grpc\": {\"threads\": 2}}), in\n"
        "the environment as shown, and as a flag where there is one. Flags win over the\n"
        "environment, which wins over the file.\n");
    for (size_t i = 0; i < N_KEYS; i++) {
        char name[128];
        env_name(name, &keys[i]);
        fprintf(out, "\n  %s%s%s, %s\n      %s%s%s\n", keys[i].path, keys[i].flag ? ", " : "",
                keys[i].flag ? keys[i].flag : "", name, keys[i].help,
                keys[i].def[0] ? "; default " : "", keys[i].def);
    }
    fprintf(out, "\nExit codes: 0 ok, 1 failure, 2 usage, 3 configuration, 4 missing artefact or "
                 "device, 5 refused for size.\n");
}
