#include "host/state/run.h"

#include "driver/base/clock.h"
#include "driver/field/keccak.h"
#include "host/state/memory.h"
#include "host/state/new_nodes.h"
#include "host/state/outcome.h"
#include "host/state/overlay.h"
#include "host/state/recover.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct state_runner {
    const gl_poseidon_ops *poseidon;
    state_memory memory;
};

/** A bytecode that came from the store, or that a transaction deployed. */
typedef struct owned_code {
    gl_t hash[4];
    uint8_t *bytes;
    size_t len;
} owned_code;

typedef struct code_list {
    owned_code *items;
    size_t n, cap;
} code_list;

/** One run. The host and the observer have it as their context. */
typedef struct run {
    state_runner *runner;
    const state_request *req;
    const state_run_options *options;
    state_reader *reader; /**< opened when the overlay first lacks something */
    p_err store_err;      /**< what EXEC_FAULT_STORE is about */
    code_list fetched;
    outcome_builder outcome;
    /* for the store: */
    new_nodes new_nodes;
    code_list new_codes;
    bool no_memory;
} run;

p_status state_runner_create(state_runner **out, const gl_poseidon_ops *poseidon, p_err *err)
{
    *out = NULL;
    state_runner *r = calloc(1, sizeof *r);
    if (!r)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a runner");
    r->poseidon = poseidon;
    p_status s = state_memory_reserve(&r->memory, err);
    if (s != P_OK) {
        free(r);
        return s;
    }
    *out = r;
    return P_OK;
}

void state_runner_destroy(state_runner *r)
{
    if (!r)
        return;
    state_memory_unreserve(&r->memory);
    free(r);
}

/** Takes bytes over, also on failure. */
static bool code_list_add(code_list *l, const gl_t hash[4], uint8_t *bytes, size_t len)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        owned_code *items = realloc(l->items, cap * sizeof *items);
        if (!items) {
            free(bytes);
            return false;
        }
        l->items = items;
        l->cap = cap;
    }
    owned_code *c = &l->items[l->n++];
    memcpy(c->hash, hash, sizeof c->hash);
    c->bytes = bytes;
    c->len = len;
    return true;
}

static void code_list_free(code_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i].bytes);
    free(l->items);
}

/* The host: overlay first, then the store. What comes from the store is hashed again, since files
 * can be damaged or replaced. */

static exec_fault damaged(run *r, const char *what, const gl_t hash[4], const gl_t found[4])
{
    char expected[STATE_HASH_TEXT_BYTES], actual[STATE_HASH_TEXT_BYTES];
    state_hash_text(expected, hash);
    state_hash_text(actual, found);
    p_err_set(&r->store_err, P_ECORRUPT,
              "state store: the %s %s is damaged: its Poseidon hash is %s; send it again with a "
              "request that is persisted",
              what, expected, actual);
    return EXEC_FAULT_STORE;
}

/** EXEC_FAULT_NONE with r->reader set, or absent if there is no store. */
static exec_fault open_reader(run *r, exec_fault absent)
{
    if (!r->options->store)
        return absent;
    if (!r->reader && state_reader_open(&r->reader, r->options->store, &r->store_err) != P_OK)
        return EXEC_FAULT_STORE;
    return EXEC_FAULT_NONE;
}

static exec_fault host_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    run *r = ctx;
    const gl_t *found = overlay_find_node(r->req->overlay, hash);
    if (found) {
        memcpy(node, found, 12 * sizeof(gl_t));
        return EXEC_FAULT_NONE;
    }
    exec_fault fault = open_reader(r, EXEC_FAULT_MISSING_NODE);
    if (fault != EXEC_FAULT_NONE)
        return fault;
    p_status s = state_reader_node(r->reader, hash, node, &r->store_err);
    if (s != P_OK)
        return s == P_ENOTFOUND ? EXEC_FAULT_MISSING_NODE : EXEC_FAULT_STORE;
    gl_t state[12];
    memcpy(state, node, sizeof state);
    r->runner->poseidon->permute(state);
    if (memcmp(state, hash, 4 * sizeof(gl_t)) != 0)
        return damaged(r, "node", hash, state);
    return EXEC_FAULT_NONE;
}

static exec_fault host_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    run *r = ctx;
    const overlay_code *found = overlay_find_code(r->req->overlay, hash);
    if (found) {
        *code = found->bytes;
        *len = found->len;
        return EXEC_FAULT_NONE;
    }
    for (size_t i = 0; i < r->fetched.n; i++) {
        const owned_code *c = &r->fetched.items[i];
        if (memcmp(c->hash, hash, sizeof c->hash) == 0) {
            *code = c->bytes;
            *len = c->len;
            return EXEC_FAULT_NONE;
        }
    }
    exec_fault fault = open_reader(r, EXEC_FAULT_MISSING_CODE);
    if (fault != EXEC_FAULT_NONE)
        return fault;
    uint8_t *bytes;
    size_t n;
    p_status s = state_reader_code(r->reader, hash, &bytes, &n, &r->store_err);
    if (s != P_OK)
        return s == P_ENOTFOUND ? EXEC_FAULT_MISSING_CODE : EXEC_FAULT_STORE;
    gl_t actual[4];
    gl_poseidon_hash_bytes(actual, bytes, n, r->runner->poseidon->permute);
    if (memcmp(actual, hash, sizeof actual) != 0) {
        free(bytes);
        return damaged(r, "bytecode", hash, actual);
    }
    if (!code_list_add(&r->fetched, hash, bytes, n)) {
        p_err_set(&r->store_err, P_EEXHAUSTED, "no memory for a bytecode of %zu bytes", n);
        return EXEC_FAULT_STORE;
    }
    *code = bytes;
    *len = n;
    return EXEC_FAULT_NONE;
}

static void host_permute_many(void *ctx, gl_t *states, size_t count)
{
    run *r = ctx;
    r->runner->poseidon->permute_many(states, count);
}

/* The observer. */

static void on_tx(void *ctx, const exec_tx_result *tx)
{
    run *r = ctx;
    outcome_add_tx(&r->outcome, tx);
}

static void on_rolled_back(void *ctx)
{
    run *r = ctx;
    outcome_roll_back(&r->outcome);
}

static void on_call(void *ctx, const exec_call_event *event)
{
    run *r = ctx;
    r->options->tracer->call(r->options->tracer->ctx, event);
}

static void on_call_end(void *ctx, const exec_return_event *event)
{
    run *r = ctx;
    r->options->tracer->call_end(r->options->tracer->ctx, event);
}

static void on_node(void *ctx, const gl_t hash[4], const gl_t node[12])
{
    run *r = ctx;
    if (!r->no_memory && !new_nodes_add(&r->new_nodes, hash, node))
        r->no_memory = true;
}

static void on_code(void *ctx, const gl_t hash[4], const uint8_t *code, size_t len)
{
    run *r = ctx;
    uint8_t *copy = r->no_memory ? NULL : malloc(len ? len : 1);
    if (!copy) {
        r->no_memory = true;
        return;
    }
    memcpy(copy, code, len);
    if (!code_list_add(&r->new_codes, hash, copy, len))
        r->no_memory = true;
}

static bool on_poll(void *ctx)
{
    run *r = ctx;
    if (r->no_memory || r->outcome.failed)
        return true;
    return r->options->should_stop && r->options->should_stop(r->options->should_stop_ctx);
}

static p_status fault_status(const run *r, exec_fault fault, const exec_result *result, p_err *err)
{
    const exec_memory *m = &r->runner->memory.exec;
    char hash[STATE_HASH_TEXT_BYTES];
    state_hash_text(hash, result->missing.limb);
    const char *store = r->options->store ? "neither in the request nor in the state store"
                                          : "not in the request, and there is no state store";
    switch (fault) {
    case EXEC_FAULT_MISSING_NODE:
        if (memcmp(&result->missing, &r->req->batch.old_state_root, sizeof(u256)) == 0)
            return p_err_set(err, P_EMISSING,
                             "old_state_root: its tree node %s is %s; send it in db", hash, store);
        return p_err_set(err, P_EMISSING, "db: the tree node %s is %s; send it in db", hash, store);
    case EXEC_FAULT_MISSING_CODE:
        return p_err_set(err, P_EMISSING,
                         "contracts_bytecode: the bytecode %s is %s, or has another length than "
                         "the state says; send it in contracts_bytecode",
                         hash, store);
    case EXEC_FAULT_BAD_NODE:
        return p_err_set(
            err, P_EINVAL,
            "db[%s]: no legal node of a state tree at the place where it is reached "
            "(value limbs below 2^32 and not all zero; capacity 0 or 1,0,0,0; a leaf's "
            "rest of the key no longer than the path leaves); make db from an "
            "undamaged tree",
            hash);
    case EXEC_FAULT_STOPPED:
        return p_err_set(err, P_ECANCELLED, "the execution was cancelled");
    case EXEC_FAULT_MEMORY:
        return p_err_set(
            err, P_EEXHAUSTED,
            "the batch needs more memory than a run has: tree %zu of %zu KiB, "
            "transaction %zu of %zu KiB, frames %zu of %zu KiB used; split the batch, or "
            "raise the limit",
            m->tree.peak >> 10, m->tree.size >> 10, m->tx.peak >> 10, m->tx.size >> 10,
            m->frame.peak >> 10, m->frame.size >> 10);
    case EXEC_FAULT_STORE:
        return p_err_set(err, r->store_err.status == P_OK ? P_EIO : r->store_err.status, "%s",
                         r->store_err.text);
    case EXEC_FAULT_ARGUMENT:
        return p_err_set(err, P_EINVAL, "the batch cannot be executed: %s", exec_fault_text(fault));
    default:
        return p_err_set(err, P_EINTERNAL, "the executor stopped with the unexpected fault %d (%s)",
                         (int)fault, exec_fault_text(fault));
    }
}

static state_store_code_entry *code_entries(const run *r, size_t *n_request, size_t *n_new)
{
    const state_overlay *o = r->req->overlay;
    *n_request = o->n_codes;
    *n_new = r->new_codes.n;
    state_store_code_entry *e = calloc(*n_request + *n_new + 1, sizeof *e);
    if (!e)
        return NULL;
    for (size_t i = 0; i < *n_request; i++) {
        memcpy(e[i].hash, o->codes[i].hash, sizeof e[i].hash);
        e[i].code = o->codes[i].bytes;
        e[i].len = o->codes[i].len;
    }
    for (size_t i = 0; i < *n_new; i++) {
        const owned_code *c = &r->new_codes.items[i];
        memcpy(e[*n_request + i].hash, c->hash, sizeof c->hash);
        e[*n_request + i].code = c->bytes;
        e[*n_request + i].len = c->len;
    }
    return e;
}

/** Writes the request's entries and the new ones of the batch's last root. The roots between are
 * not: they would be most of the store, and nobody asks for them. */
static p_status persist(run *r, const u256 *root, p_err *err)
{
    const state_overlay *o = r->req->overlay;
    size_t n_request, n_new;
    if (!new_nodes_keep_reached(&r->new_nodes, root->limb, o->seed))
        return p_err_set(err, P_EEXHAUSTED, "no memory to choose from %zu new tree nodes",
                         r->new_nodes.n);
    state_store_code_entry *codes = code_entries(r, &n_request, &n_new);
    if (!codes)
        return p_err_set(err, P_EEXHAUSTED, "no memory to list %zu bytecodes for the state store",
                         o->n_codes + r->new_codes.n);
    state_store_part parts[2] = {
        {(const gl_t(*)[16])o->nodes, o->n_nodes, codes, n_request},
        {(const gl_t(*)[16])r->new_nodes.records, r->new_nodes.n, codes + n_request, n_new},
    };
    p_status s = state_store_write_parts(r->options->store, parts, 2, err);
    free(codes);
    return s;
}

static p_status execute(run *r, state_outcome **out, p_err *err)
{
    const state_run_options *options = r->options;
    const exec_host host = {.ctx = r,
                            .node = host_node,
                            .code = host_code,
                            .permute_many = host_permute_many,
                            .permute = r->runner->poseidon->permute,
                            .keccak = keccak_256,
                            .recover = state_recover};
    exec_observer observer = {
        .ctx = r, .tx = on_tx, .rolled_back = on_rolled_back, .poll = on_poll};
    if (options->tracer && options->tracer->call)
        observer.call = on_call;
    if (options->tracer && options->tracer->call_end)
        observer.call_end = on_call_end;
    if (options->persist) {
        observer.node = on_node;
        observer.code = on_code;
    }
    if (!outcome_begin(&r->outcome, &r->req->batch))
        return p_err_set(err, P_EEXHAUSTED, "no memory for the outcome of a batch");

    const exec_host *asked =
        options->recorder ? state_recorder_begin(options->recorder, &host) : &host;
    state_memory_limit(&r->runner->memory, options->memory_limit);
    exec_result result;
    double start = p_clock_seconds(CLOCK_MONOTONIC);
    exec_fault fault = exec_run(asked, &observer, &r->runner->memory.exec, &r->req->batch, &result,
                                outcome_add_change, &r->outcome);
    double seconds = p_clock_seconds(CLOCK_MONOTONIC) - start;
    if (r->no_memory || r->outcome.failed)
        return p_err_set(err, P_EEXHAUSTED,
                         "no memory for the results of the batch after %zu transactions",
                         r->outcome.n_txs);
    if (fault != EXEC_FAULT_NONE)
        return fault_status(r, fault, &result, err);
    if (options->persist) {
        p_status s = persist(r, &result.new_state_root, err);
        if (s != P_OK)
            return s;
    }
    state_outcome *o = outcome_finish(&r->outcome, &result);
    o->seconds = seconds;
    o->arena_peak_bytes = state_memory_peak(&r->runner->memory);
    *out = o;
    return P_OK;
}

p_status state_execute(state_runner *runner, const state_request *req,
                       const state_run_options *options, state_outcome **out, p_err *err)
{
    static const state_run_options defaults = {.store = NULL};
    *out = NULL;
    run r = {.runner = runner, .req = req, .options = options ? options : &defaults};
    if (!overlay_is_verified(req->overlay))
        return p_err_set(err, P_EINTERNAL,
                         "the request was not verified (state_request_verify) before its run");
    if (r.options->persist && !r.options->store)
        return p_err_set(err, P_EINVAL, "nodes are to be persisted, but there is no state store");
    p_status s = execute(&r, out, err);
    state_reader_close(r.reader);
    outcome_drop(&r.outcome);
    code_list_free(&r.fetched);
    code_list_free(&r.new_codes);
    new_nodes_free(&r.new_nodes);
    state_memory_reset(&runner->memory);
    return s;
}
