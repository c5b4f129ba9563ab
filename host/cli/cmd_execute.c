/* zkprover execute: batches through the service, or in process, and what happened to each
 * transaction. */
#include "host/cli/cli.h"
#include "host/cli/output.h"
#include "host/cli/request.h"
#include "host/cli/service.h"
#include "host/cli/value.h"
#include "host/state/batch_file.h"
#include "host/state/run.h"

#include "zkprover/v1/zk_prover.pb-c.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_L2_DATA_LOCAL (((size_t)1 << 24) - 1)
#define TIMEOUT_SECONDS 600.0
#define ADDRESS_TEXT 43

/* ---- what is shown of a batch, wherever it ran ---- */

typedef struct tx_view {
    char hash[VALUE_HEX_BYTES], from[ADDRESS_TEXT], to[ADDRESS_TEXT], created[ADDRESS_TEXT];
    char state_root[VALUE_HEX_BYTES];
    char error[64];
    bool ok, skipped;
    uint64_t gas_used;
    size_t n_logs;
} tx_view;

typedef struct batch_view {
    bool local;       /* all fields are known; the service answers with fewer */
    bool completed;   /* neither undecodable nor rolled back */
    char reason[256]; /* why not; may be empty */
    u256 state_root, acc_input_hash, local_exit_root, batch_hash_data;
    uint64_t new_batch_num, ecrecover, keccak_f, padding_pg, poseidon_g;
    tx_view *txs;
    size_t n_txs;
} batch_view;

static void view_free(batch_view *b)
{
    free(b->txs);
    b->txs = NULL;
}

static void text_of_hash(char out[VALUE_HEX_BYTES], const exec_hash *h)
{
    value_hex_bytes(out, h->bytes, 32);
}

static p_status view_of_outcome(batch_view *b, const state_outcome *o, p_err *err)
{
    const exec_result *r = &o->result;
    b->local = true;
    b->completed = r->outcome == EXEC_BATCH_OK;
    if (r->outcome == EXEC_BATCH_INVALID_RLP)
        snprintf(b->reason, sizeof b->reason, "invalidRLP at byte %zu: %s", r->invalid_offset,
                 r->invalid_reason ? r->invalid_reason : "?");
    else if (!b->completed)
        snprintf(b->reason, sizeof b->reason, "%s", exec_batch_outcome_text(r->outcome));
    b->state_root = r->new_state_root;
    b->acc_input_hash = value_from_be(r->new_acc_input_hash.bytes, 32);
    b->local_exit_root = value_from_be(r->new_local_exit_root.bytes, 32);
    b->batch_hash_data = value_from_be(r->batch_hash_data.bytes, 32);
    b->new_batch_num = r->new_batch_num;
    b->ecrecover = r->counters.ecrecover;
    b->keccak_f = r->counters.keccak_f;
    b->padding_pg = r->counters.padding_pg;
    b->poseidon_g = r->counters.poseidon_g;
    b->n_txs = r->n_txs;
    b->txs = calloc(b->n_txs + 1, sizeof *b->txs);
    if (!b->txs)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the results");
    for (size_t i = 0; i < b->n_txs; i++) {
        const exec_tx_result *t = &o->txs[i];
        tx_view *x = &b->txs[i];
        text_of_hash(x->hash, &t->hash);
        if (t->has_from)
            value_hex_bytes(x->from, t->from.bytes, 20);
        if (!t->is_create)
            value_hex_bytes(x->to, t->to.bytes, 20);
        if (t->has_create_address)
            value_hex_bytes(x->created, t->create_address.bytes, 20);
        value_hex(x->state_root, &t->state_root);
        snprintf(x->error, sizeof x->error, "%s", exec_error_text(t->error));
        x->ok = t->error == EXEC_OK;
        x->skipped = exec_error_is_unexecuted(t->error);
        x->gas_used = t->gas_used;
        x->n_logs = t->n_logs;
    }
    return P_OK;
}

static void copy_field(char *out, size_t size, const json_t *receipt, const char *name)
{
    const char *text = json_string_value(json_object_get(receipt, name));
    snprintf(out, size, "%s", text ? text : "");
}

static p_status view_of_response(batch_view *b, const Zkprover__V1__ExecuteResponse *m, p_err *err)
{
    b->completed =
        m->result == ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_COMPLETED_OK;
    if (!value_parse(&b->state_root, m->new_state_root))
        return p_err_set(err, P_EINTERNAL, "the service's new_state_root is no number: '%.80s'",
                         m->new_state_root);
    if (m->counters) {
        b->ecrecover = m->counters->ecrecover;
        b->keccak_f = m->counters->hash_keccak;
        b->poseidon_g = m->counters->hash_poseidon;
    }
    b->n_txs = m->n_receipts;
    b->txs = calloc(b->n_txs + 1, sizeof *b->txs);
    if (!b->txs)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the results");
    for (size_t i = 0; i < b->n_txs; i++) {
        tx_view *x = &b->txs[i];
        json_t *r = json_loads(m->receipts[i], 0, NULL);
        u256 gas = {{0}};
        if (!r)
            return p_err_set(err, P_EINTERNAL, "the service's receipt %zu is no JSON", i);
        copy_field(x->hash, sizeof x->hash, r, "transactionHash");
        copy_field(x->from, sizeof x->from, r, "from");
        copy_field(x->to, sizeof x->to, r, "to");
        copy_field(x->created, sizeof x->created, r, "contractAddress");
        copy_field(x->error, sizeof x->error, r, "error");
        const char *status = json_string_value(json_object_get(r, "status"));
        x->ok = status && strcmp(status, "0x1") == 0;
        x->skipped = json_is_null(json_object_get(r, "blockNumber"));
        (void)value_json_field(&gas, r, "gasUsed", NULL);
        x->gas_used = gas.limb[0];
        x->n_logs = json_array_size(json_object_get(r, "logs"));
        json_decref(r);
    }
    return P_OK;
}

/* ---- printing ---- */

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *number_text(const u256 *x)
{
    char text[VALUE_HEX_BYTES];
    return json_string(value_hex(text, x));
}

static bool print_json(const batch_view *b)
{
    json_t *o = json_object(), *counters = json_object(), *txs = json_array();
    json_object_set_new(o, "newStateRoot", number_text(&b->state_root));
    if (b->local) {
        json_object_set_new(o, "newAccInputHash", number_text(&b->acc_input_hash));
        json_object_set_new(o, "newLocalExitRoot", number_text(&b->local_exit_root));
        json_object_set_new(o, "newNumBatch", json_integer((json_int_t)b->new_batch_num));
        json_object_set_new(o, "batchHashData", number_text(&b->batch_hash_data));
    }
    json_object_set_new(counters, "ecrecover", json_integer((json_int_t)b->ecrecover));
    json_object_set_new(counters, "keccakF", json_integer((json_int_t)b->keccak_f));
    if (b->local)
        json_object_set_new(counters, "paddingPG", json_integer((json_int_t)b->padding_pg));
    json_object_set_new(counters, "poseidonG", json_integer((json_int_t)b->poseidon_g));
    json_object_set_new(o, "counters", counters);
    for (size_t i = 0; i < b->n_txs; i++) {
        const tx_view *x = &b->txs[i];
        json_t *t = json_object();
        json_object_set_new(t, "hash", json_string(x->hash));
        json_object_set_new(t, "from", text_or_null(x->from));
        json_object_set_new(t, "status", json_integer(x->ok));
        json_object_set_new(t, "error", json_string(x->error));
        json_object_set_new(t, "gasUsed", json_integer((json_int_t)x->gas_used));
        json_object_set_new(t, "createAddress", text_or_null(x->created));
        if (b->local)
            json_object_set_new(t, "stateRoot", json_string(x->state_root));
        json_array_append_new(txs, t);
    }
    json_object_set_new(o, "transactions", txs);
    char *text = json_dumps(o, JSON_COMPACT);
    bool ok = text && puts(text) >= 0;
    free(text);
    json_decref(o);
    return ok;
}

/* The first and the last digits of a hash or an address: the --json output has it whole. */
static void cell_hex(table *t, const char *prefix, const char *hex, int first, int last)
{
    size_t len = strlen(hex), keep = (size_t)(first + last);
    if (len <= keep + 4)
        table_cell(t, "%s%s", prefix, hex);
    else
        table_cell(t, "%s%.*s..%s", prefix, first + 2, hex, hex + len - (size_t)last);
}

/* On a terminal, 80 columns: shortened addresses, no logs, and why a transaction was skipped or
 * failed beside that it was. */
static void narrow_row(table *t, size_t index, const tx_view *x)
{
    static const char prefix[] = "intrinsic_"; /* all that are skipped have it */
    const char *reason = x->error;
    if (x->skipped && strncmp(reason, prefix, sizeof prefix - 1) == 0)
        reason += sizeof prefix - 1;
    table_cell(t, "%zu", index);
    cell_hex(t, "", x->hash, 4, 2);
    cell_hex(t, "", x->from[0] ? x->from : "(unknown)", 4, 2);
    cell_hex(t, x->to[0] ? "" : "new ", x->to[0] ? x->to : x->created, 4, 2);
    table_cell(t, "%llu", (unsigned long long)x->gas_used);
    table_cell(t, "%s%s%s",
               x->skipped ? "skipped"
               : x->ok    ? "ok"
                          : "failed",
               reason[0] ? ": " : "", reason);
}

static void wide_row(table *t, size_t index, const tx_view *x)
{
    table_cell(t, "%zu", index);
    cell_hex(t, "", x->hash, 8, 6);
    table_cell(t, "%s", x->from[0] ? x->from : "(unknown)");
    table_cell(t, "%s%s", x->to[0] ? "" : "new ",
               x->to[0]        ? x->to
               : x->created[0] ? x->created
                               : "contract");
    table_cell(t, "%llu", (unsigned long long)x->gas_used);
    table_cell(t, "%zu", x->n_logs);
    table_cell(t, "%s", x->skipped ? "skipped" : x->ok ? "ok" : "failed");
    table_cell(t, "%s", x->error);
}

static bool print_table(const batch_view *b)
{
    static const char *const wide[] = {"#",        "hash", "from",   "to / created",
                                       "gas used", "logs", "result", "reason"};
    static const char *const narrow[] = {"#", "hash", "from", "to / created", "gas used", "result"};
    bool terminal = isatty(STDOUT_FILENO);
    table t;
    if (terminal)
        table_init(&t, sizeof narrow / sizeof narrow[0], narrow);
    else
        table_init(&t, sizeof wide / sizeof wide[0], wide);
    t.right[0] = t.right[4] = true;
    t.right[5] = !terminal;
    for (size_t i = 0; i < b->n_txs; i++)
        (terminal ? narrow_row : wide_row)(&t, i, &b->txs[i]);
    if (b->n_txs == 0)
        printf("no transactions%s\n", b->completed ? "" : " executed");
    bool ok = b->n_txs == 0 || table_print(&t, stdout);
    table_free(&t);
    return ok;
}

/* One value with what the file says about it; true unless it differs. */
static bool print_value(const char *name, const u256 *found, bool known, const u256 *expected)
{
    char a[VALUE_HEX_BYTES], b[VALUE_HEX_BYTES];
    bool same = !known || memcmp(found, expected, sizeof *found) == 0;
    printf("%-18s %s%s%s\n", name, value_hex(a, found),
           !known ? ""
           : same ? "  matches the file"
                  : "  DIFFERS from the file: ",
           same ? "" : value_hex(b, expected));
    return same;
}

static bool agrees(const batch_view *b, const batch_expected *e)
{
    u256 acc = value_from_be(e->acc_input_hash.bytes, 32),
         exit_root = value_from_be(e->local_exit_root.bytes, 32),
         data = value_from_be(e->batch_hash_data.bytes, 32);
    bool same = !e->has_state_root || memcmp(&b->state_root, &e->state_root, sizeof acc) == 0;
    if (!b->local)
        return same;
    bool acc_same = !e->has_acc_input_hash || memcmp(&b->acc_input_hash, &acc, sizeof acc) == 0;
    return same && acc_same &&
           (!e->has_local_exit_root || memcmp(&b->local_exit_root, &exit_root, sizeof acc) == 0) &&
           (!e->has_batch_hash_data || memcmp(&b->batch_hash_data, &data, sizeof acc) == 0) &&
           (!e->has_batch_num || b->new_batch_num == e->batch_num);
}

static void print_readable(const char *file, const batch_view *b, const batch_expected *e)
{
    u256 acc = value_from_be(e->acc_input_hash.bytes, 32),
         exit_root = value_from_be(e->local_exit_root.bytes, 32),
         data = value_from_be(e->batch_hash_data.bytes, 32);
    printf("%s\n", file);
    if (!b->completed)
        printf("not executed: %s (of the batch only the exit root was written)\n",
               b->reason[0] ? b->reason : "the batch could not be decoded or was rolled back");
    print_table(b);
    print_value("new state root", &b->state_root, e->has_state_root, &e->state_root);
    if (b->local) {
        print_value("new acc input hash", &b->acc_input_hash, e->has_acc_input_hash, &acc);
        print_value("local exit root", &b->local_exit_root, e->has_local_exit_root, &exit_root);
        print_value("batch hash data", &b->batch_hash_data, e->has_batch_hash_data, &data);
        printf("%-18s %llu%s\n", "new batch number", (unsigned long long)b->new_batch_num,
               !e->has_batch_num                  ? ""
               : e->batch_num == b->new_batch_num ? "  matches the file"
                                                  : "  DIFFERS from the file");
    }
    printf("%-18s ecrecover %llu, keccakF %llu, ", "counters", (unsigned long long)b->ecrecover,
           (unsigned long long)b->keccak_f);
    if (b->local)
        printf("paddingPG %llu, ", (unsigned long long)b->padding_pg);
    printf("poseidonG %llu\n", (unsigned long long)b->poseidon_g);
}

/* ---- running ---- */

typedef struct session {
    bool local, json, counters;
    uint32_t fork;
    const char *aggregator;
    const gl_poseidon_ops *poseidon;
    state_runner *runner; /* local */
    service service;      /* connected when the first file is ready to be sent */
    const cli_command *command;
    const cli_args *args;
} session;

static p_status run_local(const session *s, state_request *req, batch_view *b, p_err *err)
{
    state_outcome *o = NULL;
    p_status st = state_request_verify(req, s->poseidon, err);
    if (st == P_OK)
        st = state_execute(s->runner, req, NULL, &o, err);
    if (st == P_OK)
        st = view_of_outcome(b, o, err);
    state_outcome_destroy(o);
    return st;
}

/* What the service said about the one request of a stream. */
static p_status read_answer(rpc_stream *stream, const Zkprover__V1__ExecuteResponse *m,
                            batch_view *b, p_err *err)
{
    p_err ended = {0};
    p_status st = rpc_stream_finish(stream, &ended);
    const char *reason = rpc_stream_reason(stream, 0);
    switch (m->result) {
    case ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_COMPLETED_OK:
    case ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_COMPLETED_ERR:
        snprintf(b->reason, sizeof b->reason, "%s", reason ? reason : "");
        return view_of_response(b, m, err);
    case ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_ERROR:
        return p_err_set(err, P_EINVAL, "the service refused the request: %s",
                         reason ? reason : "it gave no reason");
    case ZKPROVER__V1__EXECUTE_RESPONSE__RESULT_EXECUTE__RESULT_EXECUTE_CANCEL:
        return p_err_set(err, P_ECANCELLED, "the service cancelled the request%s%s",
                         reason ? ": " : " (it is shutting down)", reason ? reason : "");
    default:
        return p_err_set(err, P_EINTERNAL, "the service failed: %s",
                         reason       ? reason
                         : st != P_OK ? ended.text
                                      : "it gave no reason");
    }
}

static p_status run_remote(const session *s, const uint8_t *bytes, size_t len, batch_view *b,
                           p_err *err)
{
    uint8_t *answer = NULL;
    size_t answer_len;
    rpc_stream *stream = NULL;
    Zkprover__V1__ExecuteResponse *m = NULL;
    p_status st = rpc_stream_open(&stream, s->service.client,
                                  "/zkprover.v1.ZKProverService/Execute", TIMEOUT_SECONDS, err);
    if (st == P_OK)
        st = rpc_stream_send(stream, bytes, len, err);
    if (st == P_OK && (st = rpc_stream_receive(stream, &answer, &answer_len, err)) == P_ENOTFOUND) {
        st = rpc_stream_finish(stream, err);
        if (st == P_OK)
            st = p_err_set(err, P_EINTERNAL, "the service ended the stream without an answer");
    }
    if (st == P_OK) {
        m = zkprover__v1__execute_response__unpack(NULL, answer_len, answer);
        st = m ? read_answer(stream, m, b, err)
               : p_err_set(err, P_EINTERNAL, "the service's answer cannot be decoded");
    }
    if (m)
        zkprover__v1__execute_response__free_unpacked(m, NULL);
    rpc_stream_destroy(stream);
    free(answer);
    return st;
}

/* What of an error becomes the exit code: the size of the input has its own. */
static cli_exit exit_of(p_status s)
{
    return s == P_EEXHAUSTED ? CLI_REFUSED : CLI_FAILURE;
}

/* Sets *stop if there is no service, so that other files need not be tried. */
static cli_exit run_file(session *s, const char *path, bool *stop)
{
    p_err err = {0};
    state_request *req = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    batch_view b = {0};
    batch_expected expected = {0};
    batch_file_options options = {
        .fork_id = s->fork,
        .default_counters = s->counters,
        .max_l2_data = MAX_L2_DATA_LOCAL,
    };
    p_status st = s->local ? batch_file_load(path, &options, &req, &expected, &err)
                           : request_load(path, s->aggregator, &bytes, &len, &expected, &err);
    if (st == P_OK && !s->local && !s->service.client) {
        cli_exit code = service_open(&s->service, s->command, s->args, NULL);
        if (code != CLI_OK) {
            *stop = true;
            free(bytes);
            return code;
        }
    }
    if (st == P_OK) {
        st = s->local ? run_local(s, req, &b, &err) : run_remote(s, bytes, len, &b, &err);
        if (st != P_OK)
            p_err_prefix(&err, "%s", path);
    }
    cli_exit code = CLI_OK;
    if (st != P_OK) {
        fprintf(stderr, "zkprover: %s\n", err.text);
        code = exit_of(st);
    } else {
        if (s->json)
            print_json(&b);
        else
            print_readable(path, &b, &expected);
        if (!agrees(&b, &expected)) {
            fprintf(stderr, "zkprover: %s: the result differs from what the file expects\n", path);
            code = CLI_FAILURE;
        }
    }
    view_free(&b);
    state_request_destroy(req);
    free(bytes);
    return code;
}

static cli_exit run(const cli_command *self, const cli_args *args)
{
    p_err err = {0};
    uint64_t fork = 0;
    session s = {
        .local = cli_args_get(self, args, "local") != NULL,
        .json = cli_args_get(self, args, "json") != NULL,
        .counters = cli_args_get(self, args, "no-counters") == NULL,
        .command = self,
        .args = args,
    };
    if (args->n_operands == 0)
        p_err_set(&err, P_EINVAL, "expected at least one FILE");
    else if (cli_args_number(self, args, "fork-id", 1, UINT32_MAX, &fork, &err) == P_OK &&
             !s.local && (fork || !s.counters))
        p_err_set(&err, P_EINVAL,
                  "option --%s needs --local: for the service it is the server's configuration",
                  fork ? "fork-id" : "no-counters");
    else if (err.status == P_OK && s.local && cli_args_get(self, args, "addr"))
        p_err_set(&err, P_EINVAL, "option --addr has no meaning with --local");
    else if (err.status == P_OK)
        (void)request_aggregator(&s.aggregator, cli_args_get(self, args, "aggregator"), &err);
    if (err.status == P_OK && fork && !exec_fork_supported((uint32_t)fork))
        p_err_set(&err, P_EINVAL, "option --fork-id: expected 4, 5 or 6, found %llu",
                  (unsigned long long)fork);
    if (err.status != P_OK)
        return cli_usage(self, &err);
    s.fork = (uint32_t)fork;
    s.poseidon = gl_poseidon_select(NULL);
    if (s.local && state_runner_create(&s.runner, s.poseidon, &err) != P_OK)
        return cli_fail(&err);
    cli_exit code = CLI_OK;
    bool stop = false;
    for (size_t i = 0; i < args->n_operands && !stop; i++) {
        if (i > 0 && !s.json)
            putchar('\n');
        cli_exit one = run_file(&s, args->operands[i], &stop);
        if (code == CLI_OK)
            code = one;
    }
    state_runner_destroy(s.runner);
    service_close(&s.service);
    return code;
}

static const cli_option options[] = {
    {"local", NULL, "execute in this process, without a service"},
    SERVICE_OPTIONS,
    {"aggregator", "ADDR", "aggregator's address in the request (it does not enter the batch)"},
    {"json", NULL, "one JSON object a line for each FILE"},
    {"fork-id", "N", "with --local: the rules, 4, 5 or 6 (default: the file's forkID)"},
    {"no-counters", NULL, "with --local: do not enforce counters where the file does not say"},
};

/* clang-format off: one line of text a line */
static const char details[] =
    "FILE is a batch as JSON (docs/formats.md). The roots are compared with those that the file\n"
    "expects, if it does; the exit code is 1 if one differs. A transaction that is skipped or "
    "fails,\n"
    "and a batch that cannot be decoded, are results and no failures.\n"
    "\n"
    "--json prints newStateRoot, newAccInputHash, newLocalExitRoot, newNumBatch, batchHashData,\n"
    "counters {ecrecover, keccakF, paddingPG, poseidonG} and transactions [{hash, from, status (1 "
    "ok,\n"
    "0 not), error (empty: none), gasUsed, createAddress, stateRoot}]. The service's answer does "
    "not\n"
    "carry newAccInputHash, newLocalExitRoot, newNumBatch, batchHashData, paddingPG and "
    "stateRoot:\n"
    "without --local these are left out, and only the state root is compared. The service "
    "executes\n"
    "by the fork id of its own configuration.";
/* clang-format on */

const cli_command cli_cmd_execute = {
    .name = "execute",
    .operands = "FILE...",
    .summary = "execute batches and show what happened to each transaction",
    .details = details,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
