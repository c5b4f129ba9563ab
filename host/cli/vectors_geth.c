/* Kind geth-trace: geth's callTracer output of one transaction of batch calldata/<case>_<i>,
 * against the frames of the executor: gas used, output, and whether each call failed
 * (docs/vectors.md). */
#include "host/cli/vectors.h"
#include "host/state/batch_file.h"

#include "driver/base/hex.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FRAMES 4096
#define MAX_DEPTH 1100

typedef struct frame {
    unsigned depth;
    exec_call_kind kind;
    exec_address to;
    exec_error error;
    bool ended;
    uint64_t gas, gas_used;
    uint8_t *output;
    size_t output_len;
} frame;

typedef struct recording {
    frame *frames;
    size_t n, open[MAX_DEPTH];
    bool lost; /* too many frames, or out of memory */
} recording;

static void on_call(void *ctx, const exec_call_event *e)
{
    recording *r = ctx;
    if (r->n == MAX_FRAMES || e->depth >= MAX_DEPTH) {
        r->lost = true;
        return;
    }
    r->open[e->depth] = r->n;
    r->frames[r->n++] = (frame){.depth = e->depth, .kind = e->kind, .to = e->to, .gas = e->gas};
}

static void on_call_end(void *ctx, const exec_return_event *e)
{
    recording *r = ctx;
    if (r->lost || e->depth >= MAX_DEPTH)
        return;
    frame *f = &r->frames[r->open[e->depth]];
    f->ended = true;
    f->error = e->error;
    f->gas_used = e->gas_used;
    f->output_len = e->output_len;
    f->output = malloc(e->output_len + 1);
    if (f->output && e->output_len > 0)
        memcpy(f->output, e->output, e->output_len);
    r->lost = r->lost || !f->output;
}

/* <case>_<i>_callTracer_<tx>_geth.json -> the batch <case>_<i> and the transaction's number. NULL
 * if the name is another, or the batch is not there (*known tells which). */
static json_t *batch_of(const vectors *v, const vec_case *c, uint64_t *tx, uint32_t *fork,
                        bool *known)
{
    static const char *const folders[] = {"calldata", "custom-generated", "no-data", "e2e"};
    const char *base = strrchr(c->path, '/');
    base = base ? base + 1 : c->path;
    const char *mark = strstr(base, "_callTracer_");
    char *end = NULL;
    if (mark)
        *tx = strtoull(mark + strlen("_callTracer_"), &end, 10);
    *known = end && strcmp(end, "_geth.json") == 0;
    for (*fork = 6; *known && *fork >= 4; --*fork) {
        for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/batch/fork%u/%s/%.*s.json", vec_environment(v)->root,
                     *fork, folders[i], (int)(mark - base), base);
            json_t *batch = json_load_file(path, 0, NULL);
            if (batch)
                return batch;
        }
    }
    return NULL;
}

static bool is_type(const json_t *o, const char *type)
{
    const char *t = json_string_value(json_object_get(o, "type"));
    return t && strcmp(t, type) == 0;
}

/* The code of an account before the batch, by the file's address -> hash ->
 * code; NULL if unknown. */
static const char *code_of(const json_t *batch, const exec_address *a)
{
    const json_t *codes = json_object_get(batch, "contractsBytecode");
    char name[43];
    value_hex_bytes(name, a->bytes, 20);
    const char *hash = json_string_value(json_object_get(codes, name));
    return hash ? json_string_value(json_object_get(codes, hash)) : NULL;
}

/* Whether an instruction of the code has this opcode; a compiler's metadata
 * at the end is no code. */
static bool has_opcode(const char *hex, uint8_t opcode)
{
    size_t n = strlen(hex), prefix = p_hex_prefix(hex, n), len = (n - prefix) / 2;
    uint8_t *code = malloc(len + 1);
    bool found = false;
    if (code && p_hex_decode(code, len, hex + prefix, 2 * len)) {
        size_t metadata = len >= 2 ? (size_t)code[len - 2] << 8 | code[len - 1] : 0;
        if (metadata > 0 && metadata + 2 < len && (code[len - metadata - 2] & 0xf0) == 0xa0)
            len -= metadata + 2;
        for (size_t i = 0; i < len && !found; i++) {
            found = code[i] == opcode;
            if (code[i] >= 0x60 && code[i] <= 0x7f)
                i += code[i] - 0x5f;
        }
    }
    free(code);
    return found;
}

/* Why geth's frame and ours may differ: a text if one of the rollup's rules applies to the frame
 * itself (its destination, its code, what it deployed), else NULL. */
static const char *rule_of(const json_t *batch, const json_t *o, const frame *f)
{
    static const struct {
        uint8_t opcode;
        const char *text;
    } opcodes[] = {
        {0x3f,
         "EXTCODEHASH gives the linear Poseidon hash, 0 for accounts without code (section 4)"},
        {0x40, "BLOCKHASH gives state roots (section 4)"},
        {0x43, "NUMBER counts transactions (section 4)"},
        {0x44, "DIFFICULTY is 0 (section 4)"},
        {0x42, "TIMESTAMP is the batch's, not that of the traced block (section 4)"},
        {0x41, "COINBASE is the sequencer (section 4)"},
        {0x45, "GASLIMIT is 30,000,000 (section 4)"},
        {0xff, "SELFDESTRUCT moves the balance and nothing else (section 4)"},
    };
    const char *error = json_string_value(json_object_get(o, "error"));
    const char *output = json_string_value(json_object_get(o, "output"));
    bool create = f->kind == EXEC_CREATE || f->kind == EXEC_CREATE2;
    if (error && strcmp(error, "invalid opcode: PUSH0") == 0)
        return "0x5f is PUSH0 from fork 5 (section 4)";
    if (create && output && strncmp(output, "0xef", 4) == 0 &&
        f->error == EXEC_INVALID_CODE_STARTS_EF)
        return "a new contract must not start with 0xEF (section 4), before London it could";
    bool small = true;
    for (size_t i = 0; i < 19; i++)
        small = small && f->to.bytes[i] == 0;
    uint8_t b = f->to.bytes[19];
    if (!create && small && (b == 2 || b == 3 || (b >= 5 && b <= 9)))
        return "precompiles 2, 3 and 5 to 9 fail at once (section 4)";
    const char *code = code_of(batch, &f->to);
    for (size_t i = 0; code && i < sizeof opcodes / sizeof opcodes[0]; i++)
        if (has_opcode(code, opcodes[i].opcode))
            return opcodes[i].text;
    return NULL;
}

typedef struct walk {
    vectors *v;
    const recording *r;
    const json_t *batch;
    size_t next, end; /* frames of the transaction */
    const exec_tx_result *tx;
    const char *rule; /* the first that was met */
    unsigned differences;
    char first[256];
} walk;

static void differ(walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void differ(walk *w, const char *format, ...)
{
    va_list ap;
    if (w->differences++ > 0)
        return;
    va_start(ap, format);
    vsnprintf(w->first, sizeof w->first, format, ap);
    va_end(ap);
}

static void compare_frame(walk *w, const json_t *o, unsigned depth)
{
    if (is_type(o, "SELFDESTRUCT"))
        return; /* geth lists it as a call; here it is no frame */
    const char *type = json_string_value(json_object_get(o, "type"));
    if (w->next == w->end) {
        differ(w, "frame %zu: expected a %s, found no further frame", w->next, type ? type : "?");
        return;
    }
    size_t at = w->next++;
    const frame *f = &w->r->frames[at];
    if (!w->rule)
        w->rule = rule_of(w->batch, o, f);
    if (f->depth != depth)
        differ(w, "frame: expected depth %u, found %u", depth, f->depth);
    const char *error = json_string_value(json_object_get(o, "error"));
    if ((error != NULL) != (f->error != EXEC_OK))
        differ(w, "frame at depth %u: expected error '%s', found '%s'", depth, error ? error : "",
               exec_error_text(f->error));
    uint64_t gas, found = depth == 0 ? w->tx->gas_used : f->gas_used;
    if (value_json_u64(&gas, o, "gasUsed", NULL) == P_OK && gas != found)
        differ(w, "frame at depth %u: gasUsed: expected %llu, found %llu", depth,
               (unsigned long long)gas, (unsigned long long)found);
    uint8_t *out = NULL;
    size_t len = 0;
    if (json_object_get(o, "output"))
        (void)value_json_bytes(&out, &len, json_object_get(o, "output"), "output", NULL);
    if (len != f->output_len || (len > 0 && memcmp(out, f->output, len) != 0))
        differ(w, "frame at depth %u: output: expected %zu bytes, found %zu (or other) bytes",
               depth, len, f->output_len);
    free(out);
    const json_t *calls = json_object_get(o, "calls");
    for (size_t i = 0; i < json_array_size(calls); i++)
        compare_frame(w, json_array_get(calls, i), depth + 1);
}

/* The frames of transaction number tx: each processed one has one frame of depth 0. */
static bool frames_of(const recording *r, const state_outcome *o, uint64_t tx, size_t *first,
                      size_t *end)
{
    uint64_t wanted = 0, seen = 0;
    for (uint64_t i = 0; i < tx; i++)
        wanted += !exec_error_is_intrinsic(o->txs[i].error);
    *first = *end = r->n;
    for (size_t i = 0; i < r->n; i++) {
        if (r->frames[i].depth != 0)
            continue;
        if (seen == wanted)
            *first = i;
        else if (seen == wanted + 1) {
            *end = i;
            break;
        }
        seen++;
    }
    return *first < r->n;
}

void vec_run_geth_trace(vectors *v, const vec_case *c)
{
    uint64_t tx;
    uint32_t fork;
    bool known;
    json_t *batch = batch_of(v, c, &tx, &fork, &known);
    if (!batch) {
        vec_skip(v, known ? "the batch of this trace is not in the folder"
                          : "a trace whose name says neither batch nor transaction");
        return;
    }
    p_err err = {0};
    batch_file_options options = {.fork_id = fork, .max_l2_data = ((size_t)1 << 24) - 1};
    state_request *req = NULL;
    state_outcome *o = NULL;
    recording *r = calloc(1, sizeof *r);
    if (r)
        r->frames = calloc(MAX_FRAMES, sizeof *r->frames);
    exec_observer tracer = {.ctx = r, .call = on_call, .call_end = on_call_end};
    if (!r || !r->frames) {
        vec_fail(v, "out of memory");
    } else if (batch_json_parse(batch, &options, &req, NULL, &err) != P_OK ||
               vec_execute(v, req, &tracer, &o, &err) != P_OK) {
        vec_fail(v, "expected a result, found an error: %s", err.text);
    } else if (r->lost) {
        vec_fail(v, "more than %d frames", MAX_FRAMES);
    } else if (tx >= o->result.n_txs) {
        vec_fail(v, "expected transaction %llu, found %u transactions", (unsigned long long)tx,
                 o->result.n_txs);
    } else {
        walk w = {.v = v, .r = r, .batch = batch, .tx = &o->txs[tx]};
        if (exec_error_is_intrinsic(o->txs[tx].error))
            vec_fail(v, "expected a transaction that runs, found '%s'",
                     exec_error_text(o->txs[tx].error));
        else if (!frames_of(r, o, tx, &w.next, &w.end))
            vec_fail(v, "expected the frames of transaction %llu, found none",
                     (unsigned long long)tx);
        else {
            compare_frame(&w, c->json, 0);
            if (w.next != w.end)
                differ(&w, "expected no further frame, found %zu", w.end - w.next);
            if (w.differences > 0 && w.rule)
                vec_skip(v, "another result, and another rule was met: %s (%s)", w.rule, w.first);
            else if (w.differences > 0)
                vec_fail(v, "%s", w.first);
        }
    }
    state_outcome_destroy(o);
    state_request_destroy(req);
    for (size_t i = 0; r && r->frames && i < r->n; i++)
        free(r->frames[i].output);
    if (r)
        free(r->frames);
    free(r);
    json_decref(batch);
}
