/* ethereum/tests' BlockchainTests: a block's transactions as one batch (docs/vectors.md).
 *
 * Every Berlin entry is run. The state afterwards must be Ethereum's, leaf by leaf and as a root,
 * but for the block reward and the rollup's own two slots. Where it is not, the entry is skipped
 * only if something that follows other rules here was really met, in the frames that ran or in
 * their code; otherwise it is a failure. */
#include "host/cli/vectors.h"
#include "host/executor/transaction.h"
#include "host/executor/u256.h"

#include "driver/field/keccak.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_REWARD UINT64_C(2000000000000000000)
#define DEPTH_LIMIT 1024
#define FORK 6

static const exec_address system_account = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x5c, 0xa1, 0xab, 0x1e}};

/* What was met on the way, by rule. */
typedef enum rule {
    /* seen in the frames that ran */
    RULE_SENDER_CODE,
    RULE_STARTS_EF,
    RULE_PRECOMPILE,
    RULE_DEPTH,
    RULE_CREATED_WARM,
    RULE_COLLISION,
    RULE_MEMORY,
    /* seen in the code that ran */
    RULE_SELFDESTRUCT,
    RULE_EXTCODEHASH,
    RULE_BLOCKHASH,
    RULE_NUMBER,
    RULE_DIFFICULTY,
    RULE_PUSH0,
    RULE_JUMPDEST,
    N_RULES,
} rule;

static const char *const rule_texts[N_RULES] = {
    [RULE_SENDER_CODE] = "an account with code cannot send (EIP-3607; executor specification, "
                         "section 3)",
    [RULE_STARTS_EF] = "a new contract must not start with 0xEF (EIP-3541; section 4)",
    [RULE_PRECOMPILE] = "precompiles 2, 3 and 5 to 9 fail at once (section 4)",
    [RULE_DEPTH] = "there is no call-depth limit (section 4)",
    [RULE_CREATED_WARM] = "the warmth of a new address is rolled back with its failed frame "
                          "(section 4)",
    [RULE_COLLISION] = "a new contract's address may hold storage: only nonce and code collide "
                       "(section 4)",
    [RULE_MEMORY] = "memory ends at 0x3fffe0, which only more than 30M gas can reach (section 4)",
    [RULE_SELFDESTRUCT] = "SELFDESTRUCT moves the balance and nothing else (section 4)",
    [RULE_EXTCODEHASH] = "EXTCODEHASH gives the linear Poseidon hash, 0 for accounts without code "
                         "(section 4)",
    [RULE_BLOCKHASH] = "BLOCKHASH gives state roots (section 4)",
    [RULE_NUMBER] = "NUMBER counts transactions (section 4)",
    [RULE_DIFFICULTY] = "DIFFICULTY is 0 (section 4)",
    [RULE_PUSH0] = "0x5f is PUSH0 from fork 5 (section 4)",
    [RULE_JUMPDEST] = "a jump may end in the data of a PUSH (section 4)",
};

#define MAX_CALLED 256

typedef struct watcher {
    bool met[N_RULES];
    exec_address called[MAX_CALLED]; /* whose code may have run */
    size_t n_called;
    bool all; /* too many to remember */
    exec_call_kind kinds[DEPTH_LIMIT + 2];
} watcher;

static bool is_unsupported(const exec_address *a)
{
    for (size_t i = 0; i < 19; i++)
        if (a->bytes[i] != 0)
            return false;
    uint8_t b = a->bytes[19];
    return b == 2 || b == 3 || (b >= 5 && b <= 9);
}

/* Whether some PUSH of the code pushes this number: a jump there is possible. */
static bool pushes_number(const uint8_t *code, size_t len, size_t number)
{
    for (size_t i = 0; i < len; i++) {
        if (code[i] < 0x60 || code[i] > 0x7f)
            continue;
        size_t n = code[i] - 0x5f, value = 0;
        bool small = i + n < len;
        for (size_t k = 1; small && k <= n; k++) {
            small = value < (size_t)1 << 24;
            value = value << 8 | code[i + k];
        }
        if (small && value == number)
            return true;
        i += n;
    }
    return false;
}

/* Opcodes of a code, data after PUSH left out. */
static void scan_code(watcher *w, const uint8_t *code, size_t len)
{
    static const struct {
        uint8_t opcode;
        rule met;
    } rows[] = {{0xff, RULE_SELFDESTRUCT}, {0x3f, RULE_EXTCODEHASH}, {0x40, RULE_BLOCKHASH},
                {0x43, RULE_NUMBER},       {0x44, RULE_DIFFICULTY},  {0x5f, RULE_PUSH0}};
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
            if (code[i] == rows[k].opcode)
                w->met[rows[k].met] = true;
        if (code[i] < 0x60 || code[i] > 0x7f)
            continue;
        size_t end = i + code[i] - 0x5f;
        for (i++; i <= end && i < len; i++)
            if (code[i] == 0x5b && pushes_number(code, len, i))
                w->met[RULE_JUMPDEST] = true;
        i = end;
    }
}

static bool was_called(const watcher *w, const exec_address *a)
{
    for (size_t i = 0; i < w->n_called; i++)
        if (memcmp(&w->called[i], a, sizeof *a) == 0)
            return true;
    return w->all;
}

static void on_call(void *ctx, const exec_call_event *e)
{
    watcher *w = ctx;
    if (!was_called(w, &e->to)) {
        if (w->n_called == MAX_CALLED)
            w->all = true;
        else
            w->called[w->n_called++] = e->to;
    }
    if (e->depth >= DEPTH_LIMIT) {
        w->met[RULE_DEPTH] = true;
        return;
    }
    w->kinds[e->depth] = e->kind;
    bool create = e->kind == EXEC_CREATE || e->kind == EXEC_CREATE2;
    if (!create && is_unsupported(&e->to))
        w->met[RULE_PRECOMPILE] = true;
    if (create)
        scan_code(w, e->input, e->input_len);
}

static void on_call_end(void *ctx, const exec_return_event *e)
{
    watcher *w = ctx;
    if (e->depth >= DEPTH_LIMIT)
        return;
    exec_call_kind k = w->kinds[e->depth];
    if ((k == EXEC_CREATE || k == EXEC_CREATE2) && e->error != EXEC_OK)
        w->met[e->error == EXEC_ADDRESS_COLLISION        ? RULE_COLLISION
               : e->error == EXEC_INVALID_CODE_STARTS_EF ? RULE_STARTS_EF
                                                         : RULE_CREATED_WARM] = true;
    if (k == EXEC_CREATE || k == EXEC_CREATE2)
        scan_code(w, e->output, e->output_len);
}

/* The fields of a decoded transaction. */
static p_status tx_of_fields(exec_tx *tx, uint8_t **data, const json_t *o, p_err *err)
{
    u256 x, v;
    memset(tx, 0, sizeof *tx);
    tx->effective_percentage = EXEC_TX_FULL_PERCENTAGE;
    const char *to = json_string_value(json_object_get(o, "to"));
    tx->is_create = !to || to[0] == 0 || strcmp(to, "0x") == 0;
    p_status s = value_json_bytes(data, &tx->data_len, json_object_get(o, "data"), "data", err);
    tx->data = *data;
    if (s == P_OK)
        s = value_json_u64(&tx->nonce, o, "nonce", err);
    if (s == P_OK)
        s = value_json_field(&tx->gas_price, o, "gasPrice", err);
    if (s == P_OK)
        s = value_json_u64(&tx->gas_limit, o, "gasLimit", err);
    if (s == P_OK)
        s = value_json_field(&tx->value, o, "value", err);
    if (s == P_OK && !tx->is_create)
        s = value_json_address(&tx->to, o, "to", err);
    if (s == P_OK && (s = value_json_field(&x, o, "r", err)) == P_OK)
        value_to_be(tx->r.bytes, &x);
    if (s == P_OK && (s = value_json_field(&x, o, "s", err)) == P_OK)
        value_to_be(tx->s.bytes, &x);
    if (s == P_OK)
        s = value_json_field(&v, o, "v", err);
    if (s != P_OK)
        return s;
    tx->has_chain_id = v.limb[0] >= 35;
    tx->chain_id = tx->has_chain_id ? (v.limb[0] - 35) / 2 : 0;
    tx->v = (uint8_t)(tx->has_chain_id ? 27 + (v.limb[0] - 35) % 2 : v.limb[0]);
    return P_OK;
}

static p_status add_tx(uint8_t **all, size_t *len, const json_t *o, p_err *err)
{
    exec_tx tx;
    uint8_t *data = NULL;
    p_status s = tx_of_fields(&tx, &data, o, err);
    if (s == P_OK) {
        size_t n = exec_tx_batch_size(&tx, true);
        uint8_t *more = realloc(*all, *len + n);
        if (!more) {
            s = p_err_set(err, P_EEXHAUSTED, "out of memory");
        } else {
            *all = more;
            exec_tx_put_batch(*all + *len, &tx, true);
            *len += n;
        }
    }
    free(data);
    return s;
}

/* The state that Ethereum came to, less the reward, with the rollup's own slots as found. */
static p_status expected_state(state_genesis *g, const json_t *post, const exec_address *coinbase,
                               const state_outcome *o, const gl_poseidon_ops *poseidon, p_err *err)
{
    p_status s = vec_accounts(g, post, err);
    u256 key = state_leaf_key(poseidon, coinbase, 0, NULL), reward = u256_from_u64(BLOCK_REWARD);
    u256 balance = state_genesis_get_leaf(g, &key);
    if (s == P_OK && u256_lt(&balance, &reward))
        return p_err_set(err, P_EINVAL, "the coinbase has less than the block reward");
    balance = u256_sub(&balance, &reward);
    if (s == P_OK)
        s = state_genesis_set_leaf(g, &key, &balance, err);
    /* slot 0 and the slots of the roots: keccak(number || 1) */
    for (uint64_t n = 0; n <= o->result.n_processed && s == P_OK; n++) {
        uint8_t in[64] = {0}, out[32];
        u256 slot = u256_zero(), value = u256_zero();
        in[30] = (uint8_t)(n >> 8);
        in[31] = (uint8_t)n;
        in[63] = 1;
        if (n > 0) {
            keccak_256(out, in, sizeof in);
            slot = value_from_be(out, 32);
        }
        key = state_leaf_key(poseidon, &system_account, 3, &slot);
        for (size_t i = 0; i < o->n_changes; i++)
            if (u256_eq(&o->changes[i].key, &key))
                value = o->changes[i].new_value;
        s = state_genesis_set_leaf(g, &key, &value, err);
    }
    return s;
}

/* The first account and field that differs, in words; false if nothing differs. */
static bool difference(char *text, size_t size, const state_genesis *expected,
                       const state_genesis *found, const json_t *pre, const json_t *post,
                       const gl_poseidon_ops *poseidon)
{
    static const char *const names[] = {"balance", "nonce", "code hash", "storage", "code length"};
    const json_t *both[2] = {post, pre};
    for (size_t k = 0; k < 2; k++) {
        const char *name, *slot_name;
        json_t *account, *ignored;
        json_object_foreach((json_t *)both[k], name, account)
        {
            exec_address a;
            char x[VALUE_HEX_BYTES], y[VALUE_HEX_BYTES];
            if (value_text_address(&a, name, "address", NULL) != P_OK)
                continue;
            for (unsigned type = 0; type < 5; type++) {
                u256 key = state_leaf_key(poseidon, &a, type, NULL),
                     e = state_genesis_get_leaf(expected, &key),
                     f = state_genesis_get_leaf(found, &key);
                if (type == 3 || u256_eq(&e, &f))
                    continue;
                snprintf(text, size, "account %s: %s: expected %s, found %s", name, names[type],
                         value_hex_short(x, &e), value_hex_short(y, &f));
                return true;
            }
            json_object_foreach(json_object_get(account, "storage"), slot_name, ignored)
            {
                u256 slot;
                if (!value_parse(&slot, slot_name))
                    continue;
                u256 key = state_leaf_key(poseidon, &a, 3, &slot),
                     e = state_genesis_get_leaf(expected, &key),
                     f = state_genesis_get_leaf(found, &key);
                if (u256_eq(&e, &f))
                    continue;
                snprintf(text, size, "account %s: storage %s: expected %s, found %s", name,
                         slot_name, value_hex_short(x, &e), value_hex_short(y, &f));
                return true;
            }
        }
    }
    return false;
}

static void scan_state(watcher *w, const json_t *state)
{
    const char *name;
    json_t *account;
    json_object_foreach((json_t *)state, name, account)
    {
        uint8_t *code;
        size_t len;
        exec_address a;
        if (value_text_address(&a, name, "address", NULL) != P_OK || !was_called(w, &a))
            continue;
        if (value_json_bytes(&code, &len, json_object_get(account, "code"), "code", NULL) == P_OK)
            scan_code(w, code, len);
        free(code);
    }
}

/* The rules that were met, most telling first; without any the difference is a failure. */
static void judge(vectors *v, const watcher *w, const char *text)
{
    char rules[448] = "";
    for (size_t i = 0; i < N_RULES; i++) {
        size_t len = strlen(rules);
        if (w->met[i])
            snprintf(rules + len, sizeof rules - len, "%s%s", len ? "; " : "", rule_texts[i]);
    }
    if (rules[0])
        vec_skip(v, "another result, and other rules were met: %s (%s)", rules, text);
    else
        vec_fail(v, "%s", text);
}

void vec_run_eth_blockchain(vectors *v, const vec_case *c)
{
    const json_t *o = c->json, *blocks = json_object_get(o, "blocks"),
                 *pre = json_object_get(o, "pre"), *post = json_object_get(o, "postState");
    const char *network = json_string_value(json_object_get(o, "network"));
    if (!network || strcmp(network, "Berlin") != 0) {
        vec_skip(v, "an entry of another network: this executor follows Berlin");
        return;
    }
    const json_t *block = json_array_get(blocks, 0), *txs = json_object_get(block, "transactions");
    if (json_array_size(blocks) != 1 || !post || json_array_size(txs) == 0) {
        vec_skip(v, !post ? "no postState: the result is given as a Merkle-Patricia root only"
                    : json_array_size(txs) == 0
                        ? "no transaction in it"
                        : "several blocks: their rewards and hashes are not the rollup's");
        return;
    }
    const json_t *header = json_object_get(block, "blockHeader");
    const gl_poseidon_ops *poseidon = vec_environment(v)->poseidon;
    p_err err = {0};
    state_genesis *before = NULL, *expected = NULL;
    state_request *req = NULL;
    state_outcome *out = NULL;
    uint8_t *data = NULL;
    size_t len = 0;
    u256 root, expected_root;
    watcher *w = calloc(1, sizeof *w);
    bool ok = w && state_request_create(&req, FORK, &err) == P_OK &&
              state_genesis_create(&before, poseidon, &err) == P_OK &&
              state_genesis_create(&expected, poseidon, &err) == P_OK &&
              vec_accounts(before, pre, &err) == P_OK &&
              state_genesis_finish(before, req, &root, &err) == P_OK;
    for (size_t i = 0; ok && i < json_array_size(txs); i++) {
        const json_t *type = json_object_get(json_array_get(txs, i), "type");
        if (type && strcmp(json_string_value(type) ? json_string_value(type) : "", "0x00") != 0) {
            vec_skip(v, "a typed transaction: this executor has legacy transactions only");
            goto done;
        }
        ok = add_tx(&data, &len, json_array_get(txs, i), &err) == P_OK;
    }
    if (ok) {
        exec_batch *b = &req->batch;
        b->chain_id = 1;
        b->enforce_counters = false;
        ok = value_json_address(&b->sequencer, header, "coinbase", &err) == P_OK &&
             value_json_u64(&b->timestamp, header, "timestamp", &err) == P_OK &&
             value_json_u64(&b->block_gas_limit, header, "gasLimit", &err) == P_OK &&
             state_request_set_l2_data(req, data, len, ((size_t)1 << 24) - 1, &err) == P_OK;
    }
    exec_observer tracer = {.ctx = w, .call = on_call, .call_end = on_call_end};
    ok = ok && vec_execute(v, req, &tracer, &out, &err) == P_OK &&
         vec_apply(before, out, &err) == P_OK &&
         state_genesis_finish(before, NULL, &root, &err) == P_OK &&
         expected_state(expected, post, &req->batch.sequencer, out, poseidon, &err) == P_OK &&
         state_genesis_finish(expected, NULL, &expected_root, &err) == P_OK;
    if (!ok) {
        vec_fail(v, "expected a result, found an error: %s", err.text[0] ? err.text : "memory");
        goto done;
    }
    vec_equal(v, "root by rebuilding the tree from its leaves", &root, &out->result.new_state_root);
    scan_state(w, pre);
    scan_state(w, post);
    for (size_t i = 0; i < out->result.n_txs; i++) {
        const exec_tx_result *t = &out->txs[i];
        if (t->error == EXEC_INTRINSIC_SENDER_CODE)
            w->met[RULE_SENDER_CODE] = true;
        if (t->gas_limit > EXEC_BLOCK_GAS_LIMIT && t->error == EXEC_OUT_OF_GAS)
            w->met[RULE_MEMORY] = true;
    }
    char text[512], x[VALUE_HEX_BYTES], y[VALUE_HEX_BYTES];
    if (difference(text, sizeof text, expected, before, pre, post, poseidon)) {
        judge(v, w, text);
    } else if (!u256_eq(&expected_root, &root)) {
        snprintf(text, sizeof text, "root of Ethereum's state: expected %s, found %s",
                 value_hex(x, &expected_root), value_hex(y, &root));
        judge(v, w, text);
    } else {
        u256 gas = u256_from_u64(out->result.gas_used);
        vec_equal_field(v, header, "gasUsed", &gas);
    }
done:
    free(data);
    free(w);
    state_outcome_destroy(out);
    state_genesis_destroy(before);
    state_genesis_destroy(expected);
    state_request_destroy(req);
}
