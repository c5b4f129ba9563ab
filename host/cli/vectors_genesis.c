/* Kinds state-transition and forced-batch: accounts instead of a witness,
 * and the leaves after it. */
#include "host/cli/vectors.h"
#include "host/executor/transaction.h"
#include "host/executor/u256.h"

#include "driver/field/keccak.h"

#include <stdlib.h>
#include <string.h>

/* ---- accounts ---- */

static p_status set_account(state_genesis *g, const exec_address *a, const json_t *o, p_err *err)
{
    u256 x, slot;
    p_status s = P_OK;
    if (json_object_get(o, "balance") && (s = value_json_field(&x, o, "balance", err)) == P_OK)
        s = state_genesis_set_balance(g, a, &x, err);
    if (s == P_OK && json_object_get(o, "nonce") &&
        (s = value_json_field(&x, o, "nonce", err)) == P_OK)
        s = state_genesis_set_nonce(g, a, &x, err);
    const char *name = json_object_get(o, "bytecode") ? "bytecode" : "code";
    const json_t *code = json_object_get(o, name);
    if (s == P_OK && code && !json_is_null(code)) {
        uint8_t *bytes;
        size_t len;
        s = value_json_bytes(&bytes, &len, code, name, err);
        if (s == P_OK && len > 0)
            s = state_genesis_set_code(g, a, bytes, len, err);
        free(bytes);
    }
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(o, "storage"), key, value)
    {
        if (s != P_OK)
            break;
        if (!value_parse(&slot, key))
            s = p_err_set(err, P_EINVAL, "field 'storage': '%.80s' is no slot number", key);
        else
            s = value_json_number(&x, value, "storage", err);
        if (s == P_OK)
            s = state_genesis_set_storage(g, a, &slot, &x, err);
    }
    return s;
}

p_status vec_accounts(state_genesis *g, const json_t *accounts, p_err *err)
{
    exec_address a;
    p_status s = P_OK;
    for (size_t i = 0; i < json_array_size(accounts) && s == P_OK; i++) {
        const json_t *o = json_array_get(accounts, i);
        const char *name = json_object_get(o, "address") ? "address" : "contractAddress";
        s = value_json_address(&a, o, name, err);
        if (s == P_OK)
            s = set_account(g, &a, o, err);
        if (s != P_OK)
            p_err_prefix(err, "account %zu", i);
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)accounts, key, value)
    {
        if (s != P_OK)
            break;
        s = value_text_address(&a, key, "address", err);
        if (s == P_OK)
            s = set_account(g, &a, value, err);
        if (s != P_OK)
            p_err_prefix(err, "account %s", key);
    }
    return s;
}

p_status vec_apply(state_genesis *g, const state_outcome *o, p_err *err)
{
    p_status s = P_OK;
    for (size_t i = 0; i < o->n_changes && s == P_OK; i++)
        s = state_genesis_set_leaf(g, &o->changes[i].key, &o->changes[i].new_value, err);
    return s;
}

static void compare_account(vectors *v, const state_genesis *g, const exec_address *a,
                            const json_t *o)
{
    const gl_poseidon_ops *poseidon = vec_environment(v)->poseidon;
    static const struct {
        const char *field;
        unsigned leaf_type;
    } rows[] = {{"balance", 0}, {"nonce", 1}, {"hashBytecode", 2}, {"bytecodeLength", 4}};
    char address[43], what[160];
    value_hex_bytes(address, a->bytes, 20);
    for (size_t i = 0; i < 4; i++) {
        const json_t *field = json_object_get(o, rows[i].field);
        u256 expected, key = state_leaf_key(poseidon, a, rows[i].leaf_type, NULL);
        if (!field || json_is_null(field))
            continue;
        u256 found = state_genesis_get_leaf(g, &key);
        snprintf(what, sizeof what, "account %s: %s", address, rows[i].field);
        p_err err = {0};
        if (value_json_number(&expected, field, what, &err) != P_OK)
            vec_fail(v, "%s", err.text);
        else
            vec_equal(v, what, &expected, &found);
    }
    const json_t *code = json_object_get(o, "bytecode");
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (json_is_string(code) && value_json_bytes(&bytes, &len, code, "bytecode", NULL) == P_OK) {
        u256 expected = state_code_hash(poseidon, bytes, len),
             key = state_leaf_key(poseidon, a, 2, NULL), found = state_genesis_get_leaf(g, &key);
        snprintf(what, sizeof what, "account %s: hash of bytecode", address);
        vec_equal(v, what, &expected, &found);
    }
    free(bytes);
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(o, "storage"), name, value)
    {
        u256 slot, expected;
        p_err err = {0};
        snprintf(what, sizeof what, "account %s: storage %.70s", address, name);
        if (!value_parse(&slot, name)) {
            vec_fail(v, "%s: expected a slot number", what);
            continue;
        }
        if (value_json_number(&expected, value, what, &err) != P_OK) {
            vec_fail(v, "%s", err.text);
            continue;
        }
        u256 key = state_leaf_key(poseidon, a, 3, &slot), found = state_genesis_get_leaf(g, &key);
        vec_equal(v, what, &expected, &found);
    }
}

void vec_compare_leaves(vectors *v, const state_genesis *g, const json_t *leaves)
{
    exec_address a;
    p_err err = {0};
    for (size_t i = 0; i < json_array_size(leaves); i++) {
        const json_t *o = json_array_get(leaves, i);
        if (value_json_address(&a, o, "address", &err) != P_OK)
            vec_fail(v, "expected leaf %zu: %s", i, err.text);
        else
            compare_account(v, g, &a, o);
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)leaves, key, value)
    {
        if (value_text_address(&a, key, "address", &err) != P_OK)
            vec_fail(v, "expected leaves: %s", err.text);
        else
            compare_account(v, g, &a, value);
    }
}

/* ---- codes that a batch deploys, for the batches after it ---- */

#define MAX_DEPTH 1100 /* more frames than 30M gas can pay for */

typedef struct code_watch {
    state_genesis *into;
    exec_call_kind kinds[MAX_DEPTH];
    p_status status;
} code_watch;

static void watch_call(void *ctx, const exec_call_event *e)
{
    code_watch *w = ctx;
    if (e->depth < MAX_DEPTH)
        w->kinds[e->depth] = e->kind;
}

static void watch_call_end(void *ctx, const exec_return_event *e)
{
    code_watch *w = ctx;
    if (e->depth >= MAX_DEPTH || e->error != EXEC_OK || e->output_len == 0 || w->status != P_OK)
        return;
    exec_call_kind k = w->kinds[e->depth];
    if (k == EXEC_CREATE || k == EXEC_CREATE2)
        w->status = state_genesis_keep_code(w->into, e->output, e->output_len, NULL);
}

/* ---- one batch on a genesis ---- */

/* "TX INVALID: ..." is a transaction that leaves no trace. */
static void compare_reasons(vectors *v, const state_outcome *o, const json_t *txs)
{
    if (o->result.outcome != EXEC_BATCH_OK || json_array_size(txs) != o->result.n_txs)
        return;
    for (size_t i = 0; i < o->result.n_txs; i++) {
        const char *reason = json_string_value(json_object_get(json_array_get(txs, i), "reason"));
        if (!reason)
            continue;
        bool invalid = strncmp(reason, "TX INVALID", 10) == 0;
        if (invalid != exec_error_is_intrinsic(o->txs[i].error))
            vec_fail(v, "transaction %zu: expected %s ('%s'), found '%s'", i,
                     invalid ? "it to be skipped" : "it to be processed", reason,
                     exec_error_text(o->txs[i].error));
    }
}

/* The deployer of the test network, which sequences where a file does not say who does. */
static const exec_address usual_sequencer = {{0xf3, 0x9f, 0xd6, 0xe5, 0x1a, 0xad, 0x88,
                                              0xf6, 0xf4, 0xce, 0x6a, 0xb8, 0x82, 0x72,
                                              0x79, 0xcf, 0xff, 0xb9, 0x22, 0x66}};

/* keccak(old || batch hash || exit root || timestamp || sequencer), for another sequencer. */
static u256 acc_input_hash(const exec_batch *b, const exec_hash *data,
                           const exec_address *sequencer)
{
    uint8_t in[32 + 32 + 32 + 8 + 20], out[32];
    memcpy(in, b->old_acc_input_hash.bytes, 32);
    memcpy(in + 32, data->bytes, 32);
    memcpy(in + 64, b->global_exit_root.bytes, 32);
    for (unsigned i = 0; i < 8; i++)
        in[96 + i] = (uint8_t)(b->timestamp >> (56 - 8 * i));
    memcpy(in + 104, sequencer->bytes, 20);
    keccak_256(out, in, sizeof in);
    return value_from_be(out, 32);
}

/* A file may carry the hash twice. Where the two contradict each other, the one that belongs to its
 * batch file counts, and it may have been made with the usual sequencer instead of the file's. */
static void compare_acc_input_hash(vectors *v, const json_t *batch, const state_request *req,
                                   const exec_result *r)
{
    u256 found = value_from_be(r->new_acc_input_hash.bytes, 32), a, b;
    bool has_a = value_json_field(&a, batch, "newAccInputHash", NULL) == P_OK,
         has_b = value_json_field(&b, batch, "expectedNewAccInputHash", NULL) == P_OK;
    if (!(has_a && has_b) || u256_eq(&a, &b)) {
        if (has_a || has_b)
            vec_equal(v, "newAccInputHash", has_a ? &a : &b, &found);
        return;
    }
    u256 usual = acc_input_hash(&req->batch, &r->batch_hash_data, &usual_sequencer),
         own = acc_input_hash(&req->batch, &r->batch_hash_data, &req->batch.sequencer);
    if (u256_eq(&a, &usual) && u256_eq(&own, &found))
        vec_note(v, "newAccInputHash and expectedNewAccInputHash contradict each other; the first "
                    "is that of the usual sequencer, not of sequencerAddress");
    else
        vec_equal(v, "newAccInputHash", &a, &found);
}

/* Runs one batch on the tree of g and brings g up to date. Returns false if there is no result. */
static bool run_on(vectors *v, state_genesis *g, const json_t *batch, state_request *req,
                   exec_result *result, p_err *err)
{
    state_outcome *o = NULL;
    u256 root;
    code_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        p_err_set(err, P_EEXHAUSTED, "out of memory");
        return false;
    }
    watch->into = g;
    exec_observer tracer = {.ctx = watch, .call = watch_call, .call_end = watch_call_end};
    p_status s = vec_execute(v, req, &tracer, &o, err);
    if (s == P_OK)
        s = vec_apply(g, o, err);
    if (s == P_OK)
        s = state_genesis_finish(g, NULL, &root, err);
    if (s == P_OK && (s = watch->status) != P_OK)
        p_err_set(err, s, "out of memory for deployed code");
    free(watch);
    if (s != P_OK) {
        state_outcome_destroy(o);
        return false;
    }
    const exec_result *r = &o->result;
    *result = *r;
    /* the tree built afresh from all leaves after the batch */
    vec_equal(v, "root by rebuilding the tree from its leaves", &root, &r->new_state_root);
    compare_reasons(v, o, json_object_get(batch, "txs"));
    u256 exit_root = value_from_be(r->new_local_exit_root.bytes, 32),
         data = value_from_be(r->batch_hash_data.bytes, 32), number = {{r->new_batch_num, 0, 0, 0}};
    compare_acc_input_hash(v, batch, req, r);
    vec_equal_field(v, batch, "newLocalExitRoot", &exit_root);
    vec_equal_field(v, batch, "expectedNewLocalExitRoot", &exit_root);
    vec_equal_field(v, batch, "batchHashData", &data);
    vec_equal_field(v, batch, "newNumBatch", &number);
    vec_equal_field(v, batch, "newStateRoot", &r->new_state_root);
    vec_equal_field(v, batch, "expectedNewRoot", &r->new_state_root);
    vec_compare_leaves(v, g, json_object_get(batch, "expectedNewLeafs"));
    state_outcome_destroy(o);
    return true;
}

/* The data of a batch that only lists its transactions. */
static p_status data_of_txs(state_request *req, const json_t *txs, p_err *err)
{
    uint8_t *all = NULL;
    size_t len = 0;
    p_status s = P_OK;
    for (size_t i = 0; i < json_array_size(txs) && s == P_OK; i++) {
        uint8_t *one, *more;
        size_t n;
        s = value_json_bytes(&one, &n, json_object_get(json_array_get(txs, i), "customRawTx"),
                             "customRawTx", err);
        if (s == P_OK && (more = realloc(all, len + n + 1)) == NULL)
            s = p_err_set(err, P_EEXHAUSTED, "out of memory");
        if (s == P_OK) {
            all = more;
            memcpy(all + len, one, n);
            len += n;
        }
        free(one);
    }
    if (s == P_OK)
        s = state_request_set_l2_data(req, all, len, ((size_t)1 << 24) - 1, err);
    free(all);
    return s;
}

/* Fields that a batch of several takes over from the object around it. */
static json_t *with_defaults(const json_t *batch, const json_t *around)
{
    static const char *const names[] = {"chainID", "sequencerAddress", "sequencerAddr",
                                        "globalExitRoot", "timestamp"};
    json_t *copy = json_copy((json_t *)batch);
    bool has_sequencer = json_object_get(batch, "sequencerAddress") != NULL ||
                         json_object_get(batch, "sequencerAddr") != NULL;
    for (size_t i = 0; copy && i < sizeof names / sizeof names[0]; i++) {
        json_t *value = json_object_get(around, names[i]);
        bool sequencer = strncmp(names[i], "sequencer", 9) == 0;
        if (value && !json_object_get(batch, names[i]) && !(sequencer && has_sequencer))
            json_object_set(copy, names[i], value);
    }
    return copy;
}

/* Several batches in a row: each starts where the one before ended. */
static bool run_batches(vectors *v, const vec_case *c, uint32_t fork, state_genesis *g, p_err *err)
{
    const json_t *batches = json_object_get(c->json, "batches");
    exec_result r = {0};
    vec_snark ran = {.has_fork = false};
    u256 x, root;
    if (value_json_field(&x, c->json, "oldAccInputHash", NULL) == P_OK)
        value_to_be(r.new_acc_input_hash.bytes, &x);
    (void)value_json_u64(&r.new_batch_num, c->json, "oldNumBatch", NULL);
    for (size_t i = 0; i < json_array_size(batches); i++) {
        json_t *batch = with_defaults(json_array_get(batches, i), c->json);
        state_request *req = NULL;
        bool ok = batch && vec_request(&req, batch, fork, err) == P_OK;
        if (ok && !json_object_get(batch, "batchL2Data"))
            ok = data_of_txs(req, json_object_get(batch, "txs"), err) == P_OK;
        if (ok && i > 0) {
            u256 acc = value_from_be(r.new_acc_input_hash.bytes, 32),
                 number = {{r.new_batch_num, 0, 0, 0}};
            vec_equal_field(v, batch, "oldAccInputHash", &acc);
            vec_equal_field(v, batch, "oldNumBatch", &number);
        }
        if (ok && !json_object_get(batch, "oldAccInputHash"))
            req->batch.old_acc_input_hash = r.new_acc_input_hash;
        if (ok && !json_object_get(batch, "oldNumBatch"))
            req->batch.old_batch_num = r.new_batch_num;
        ok = ok && state_genesis_finish(g, req, &root, err) == P_OK;
        if (ok) {
            if (i == 0)
                ran = (vec_snark){
                    .old_state_root = root,
                    .old_acc_input_hash = value_from_be(req->batch.old_acc_input_hash.bytes, 32),
                    .old_num_batch = req->batch.old_batch_num,
                    .chain_id = req->batch.chain_id,
                };
            vec_equal_field(v, batch, "expectedOldRoot", &root);
            vec_equal_field(v, batch, "oldStateRoot", &root);
            ok = run_on(v, g, batch, req, &r, err);
            if (ok)
                vec_equal_field(v, batch, "expectedNewStateRoot", &r.new_state_root);
        }
        state_request_destroy(req);
        json_decref(batch);
        if (!ok) {
            p_err_prefix(err, "batch %zu", i);
            return false;
        }
    }
    u256 acc = value_from_be(r.new_acc_input_hash.bytes, 32),
         exit_root = value_from_be(r.new_local_exit_root.bytes, 32),
         number = {{r.new_batch_num, 0, 0, 0}};
    vec_equal_field(v, c->json, "finalStateRoot", &r.new_state_root);
    vec_equal_field(v, c->json, "finalAccInputHash", &acc);
    vec_equal_field(v, c->json, "finalLocalExitRoot", &exit_root);
    vec_equal_field(v, c->json, "finalNumBatch", &number);
    if (!json_object_get(c->json, "inputSnark") || !json_object_get(c->json, "aggregatorAddress"))
        return true;
    ran.new_state_root = r.new_state_root;
    ran.new_acc_input_hash = acc;
    ran.new_local_exit_root = exit_root;
    ran.new_num_batch = r.new_batch_num;
    ran.has_fork = true;
    ran.fork_id = fork;
    return vec_snark_case(v, c->json, "inputSnark", &ran, err) == P_OK;
}

/* Two vectors of the reference's model hold a transaction without the percentage byte although
 * their fork has one. The batch is then malformed and nothing executes; the model skipped one
 * transaction instead, so its root is not what the ROM gives (executor specification, section 11).
 * The fork-4 copies of the two are fine. */
static bool lacks_percentage(const vec_case *c, const state_request *req, uint32_t fork)
{
    u256 id;
    if (fork < 5 || !strstr(c->path, "processor") ||
        value_json_field(&id, c->json, "id", NULL) != P_OK || (id.limb[0] != 1 && id.limb[0] != 6))
        return false;
    exec_tx tx;
    rlp_reader reader;
    size_t len, pos = 0;
    while (pos < req->batch.l2_data_len) {
        rlp_reader_init(&reader, req->batch.l2_data, req->batch.l2_data_len, pos);
        if (!exec_tx_read_header(&reader, &len) || !exec_tx_read_body(&reader, pos, true, &tx))
            return true;
        pos = reader.pos;
    }
    return false;
}

void vec_run_state_transition(vectors *v, const vec_case *c)
{
    uint32_t fork = vec_fork(c, EXEC_FORK_DEFAULT);
    if (!vec_fork_supported(v, fork))
        return;
    p_err err = {0};
    state_genesis *g = NULL;
    state_request *req = NULL;
    u256 root;
    exec_result result;
    if (state_genesis_create(&g, vec_environment(v)->poseidon, &err) != P_OK ||
        vec_accounts(g, json_object_get(c->json, "genesis"), &err) != P_OK ||
        state_genesis_finish(g, NULL, &root, &err) != P_OK) {
        vec_fail(v, "genesis: %s", err.text);
        state_genesis_destroy(g);
        return;
    }
    vec_equal_field(v, c->json, "expectedOldRoot", &root);
    bool ok;
    if (json_object_get(c->json, "batches")) {
        ok = run_batches(v, c, fork, g, &err);
    } else {
        ok = vec_request(&req, c->json, fork, &err) == P_OK;
        if (ok && !json_object_get(c->json, "batchL2Data"))
            ok = data_of_txs(req, json_object_get(c->json, "txs"), &err) == P_OK;
        if (ok && lacks_percentage(c, req, fork))
            vec_skip(v, "a transaction lacks the percentage byte, so the expected root is not the "
                        "ROM's (executor specification, section 11); the fork-4 copy is fine");
        else
            ok = ok && state_genesis_finish(g, req, &root, &err) == P_OK &&
                 run_on(v, g, c->json, req, &result, &err);
    }
    if (!ok)
        vec_fail(v, "expected a result, found an error: %s", err.text);
    state_request_destroy(req);
    state_genesis_destroy(g);
}

/* ---- forced batches ---- */

/* What these files leave out: the network's chain id, and its usual sequencer. */
#define FORCED_CHAIN_ID 1001
static const exec_address exit_root_manager = {{0xa4, 0x0d, 0x5f, 0x56, 0x74, 0x5a, 0x11,
                                                0x8d, 0x09, 0x06, 0xa3, 0x4e, 0x69, 0xae,
                                                0xc8, 0xc0, 0xdb, 0x1c, 0xb8, 0xfa}};

/* The exit root is known only by the slot that it is stored in, so the slot is written into the
 * tree before the batch, which then runs without an exit root. */
static p_status store_exit_root(state_genesis *g, const json_t *leaves, uint64_t *timestamp,
                                bool *stored, p_err *err)
{
    for (size_t i = 0; i < json_array_size(leaves); i++) {
        const json_t *o = json_array_get(leaves, i);
        exec_address a;
        if (value_json_address(&a, o, "address", NULL) != P_OK ||
            memcmp(&a, &exit_root_manager, sizeof a) != 0)
            continue;
        const char *key;
        json_t *value;
        json_object_foreach(json_object_get(o, "storage"), key, value)
        {
            u256 slot, x;
            p_status s = value_json_number(&x, value, "storage", err);
            if (s == P_OK && (!value_parse(&slot, key) || x.limb[1] | x.limb[2] | x.limb[3]))
                s = p_err_set(err, P_EINVAL, "exit root: '%.80s' is no slot of a timestamp", key);
            if (s == P_OK)
                s = state_genesis_set_storage(g, &a, &slot, &x, err);
            if (s != P_OK)
                return s;
            *timestamp = x.limb[0];
            *stored = true;
        }
    }
    return P_OK;
}

void vec_run_forced_batch(vectors *v, const vec_case *c)
{
    uint32_t fork = vec_fork(c, EXEC_FORK_DEFAULT);
    if (!vec_fork_supported(v, fork))
        return;
    p_err err = {0};
    state_genesis *g = NULL;
    state_request *req = NULL;
    u256 root;
    exec_result result;
    bool ok = state_genesis_create(&g, vec_environment(v)->poseidon, &err) == P_OK &&
              vec_accounts(g, json_object_get(c->json, "genesis"), &err) == P_OK &&
              state_genesis_finish(g, NULL, &root, &err) == P_OK;
    if (ok) {
        vec_equal_field(v, c->json, "expectedOldStateRoot", &root);
        ok = vec_request(&req, c->json, fork, &err) == P_OK;
    }
    if (ok && !json_object_get(c->json, "chainID"))
        req->batch.chain_id = FORCED_CHAIN_ID;
    if (ok && !json_object_get(c->json, "sequencerAddr"))
        req->batch.sequencer = usual_sequencer;
    uint64_t timestamp = 0;
    bool exit_root = json_object_get(c->json, "globalExitRoot") != NULL;
    if (ok && !exit_root)
        ok = store_exit_root(g, json_object_get(c->json, "expectedNewLeafs"), &timestamp,
                             &exit_root, &err) == P_OK;
    if (ok && !json_object_get(c->json, "timestamp"))
        req->batch.timestamp = timestamp;
    ok = ok && state_genesis_finish(g, req, &root, &err) == P_OK &&
         run_on(v, g, c->json, req, &result, &err);
    u256 expected;
    if (!ok || value_json_field(&expected, c->json, "expectedNewStateRoot", &err) != P_OK)
        vec_fail(v, "expected a result, found an error: %s", err.text);
    else if (exit_root || u256_eq(&expected, &result.new_state_root))
        vec_equal(v, "expectedNewStateRoot", &expected, &result.new_state_root);
    else /* its leaves were compared one by one */
        vec_note(v, "neither the exit root nor its slot is given, so the new root cannot be had; "
                    "the expected leaves are right");
    state_request_destroy(req);
    state_genesis_destroy(g);
}
