/* Kinds smt, poseidon, kat and effective-gas-price: pieces of the executor by themselves. */
#include "host/cli/vectors.h"
#include "host/executor/smt.h"
#include "host/executor/transaction.h"
#include "host/executor/world.h"

#include "driver/field/keccak.h"

#include <stdlib.h>
#include <string.h>

/* ---- a host for a tree that starts empty ---- */

#define ARENA_BYTES ((size_t)64 << 20) /* address space: touched only as far as it is used */

typedef struct bench_tree {
    exec_host host;
    exec_observer observer;
    exec_memory memory;
    exec_counters counters;
    u256 missing;
    void *blocks[3];
} bench_tree;

static exec_fault no_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    (void)ctx, (void)hash, (void)node;
    return EXEC_FAULT_MISSING_NODE;
}

static exec_fault no_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    (void)ctx, (void)hash, (void)code, (void)len;
    return EXEC_FAULT_MISSING_CODE;
}

static void permute_many(void *ctx, gl_t *states, size_t count)
{
    const gl_poseidon_ops *poseidon = ctx;
    poseidon->permute_many(states, count);
}

static bool tree_create(bench_tree *t, const gl_poseidon_ops *poseidon)
{
    memset(t, 0, sizeof *t);
    t->host = (exec_host){.ctx = (void *)poseidon,
                          .node = no_node,
                          .code = no_code,
                          .permute_many = permute_many,
                          .permute = poseidon->permute,
                          .keccak = keccak_256};
    exec_arena *arenas[3] = {&t->memory.tree, &t->memory.tx, &t->memory.frame};
    bool ok = true;
    for (size_t i = 0; i < 3; i++) {
        t->blocks[i] = aligned_alloc(64, ARENA_BYTES);
        ok = ok && t->blocks[i] != NULL;
        if (t->blocks[i])
            exec_arena_init(arenas[i], t->blocks[i], ARENA_BYTES);
    }
    return ok;
}

static void tree_destroy(bench_tree *t)
{
    for (size_t i = 0; i < 3; i++)
        free(t->blocks[i]);
}

/* ---- smt ---- */

/* Keys and values set one after the other in the executor's tree; the same set built at once. */
static void smt_raw(vectors *v, const json_t *o)
{
    const json_t *keys = json_object_get(o, "keys"), *values = json_object_get(o, "values");
    p_err err = {0};
    bench_tree t;
    state_genesis *g = NULL;
    smt tree;
    if (json_array_size(keys) != json_array_size(values)) {
        vec_fail(v, "fields 'keys' and 'values': expected the same number, found %zu and %zu",
                 json_array_size(keys), json_array_size(values));
        return;
    }
    bool ok = tree_create(&t, vec_environment(v)->poseidon);
    if (!ok)
        p_err_set(&err, P_EEXHAUSTED, "out of memory");
    ok = ok && state_genesis_create(&g, vec_environment(v)->poseidon, &err) == P_OK;
    exec_fault fault = EXEC_FAULT_NONE;
    if (ok)
        fault = smt_init(&tree, &t.memory.tree, &t.host, NULL, &t.missing, NULL);
    gl_t root[4] = {0};
    u256 built = {{0}};
    for (size_t i = 0; ok && fault == EXEC_FAULT_NONE && i < json_array_size(keys); i++) {
        u256 key, value;
        smt_effect effect;
        ok = value_json_number(&key, json_array_get(keys, i), "keys", &err) == P_OK &&
             value_json_number(&value, json_array_get(values, i), "values", &err) == P_OK &&
             state_genesis_set_leaf(g, &key, &value, &err) == P_OK;
        if (ok)
            fault = smt_set(&tree, key.limb, &value, &effect);
        if (ok && fault == EXEC_FAULT_NONE && i % 3 == 2)
            fault = smt_root(&tree, root); /* hashing in between must not matter */
    }
    if (ok && fault == EXEC_FAULT_NONE)
        fault = smt_root(&tree, root);
    ok = ok && state_genesis_finish(g, NULL, &built, &err) == P_OK;
    u256 found = {{root[0], root[1], root[2], root[3]}};
    if (!ok) {
        vec_fail(v, "%s", err.text);
    } else if (fault != EXEC_FAULT_NONE) {
        vec_fail(v, "expected a root, found a fault: %s", exec_fault_text(fault));
    } else {
        vec_equal_field(v, o, "expectedRoot", &found);
        vec_equal(v, "root by building the tree at once", &built, &found);
    }
    state_genesis_destroy(g);
    tree_destroy(&t);
}

/* Accounts through the executor's world, and built at once. */
static exec_fault world_accounts(world *w, const json_t *accounts, p_err *err)
{
    exec_fault f = EXEC_FAULT_NONE;
    for (size_t i = 0; i < json_array_size(accounts) && f == EXEC_FAULT_NONE; i++) {
        const json_t *o = json_array_get(accounts, i);
        exec_address a;
        u256 x, slot;
        uint8_t *code = NULL;
        size_t len = 0;
        const char *key;
        json_t *value;
        if (value_json_address(&a, o, "address", err) != P_OK)
            return f;
        if (value_json_field(&x, o, "balance", NULL) == P_OK)
            f = world_set_balance(w, &a, &x);
        if (f == EXEC_FAULT_NONE && value_json_field(&x, o, "nonce", NULL) == P_OK)
            f = world_set_nonce(w, &a, &x);
        if (f == EXEC_FAULT_NONE &&
            value_json_bytes(&code, &len, json_object_get(o, "bytecode"), "bytecode", NULL) ==
                P_OK &&
            len > 0) {
            f = world_set_code_length(w, &a, len);
            if (f == EXEC_FAULT_NONE)
                f = world_set_code_bytes(w, &a, code, len);
        }
        free(code);
        json_object_foreach(json_object_get(o, "storage"), key, value)
        {
            if (f == EXEC_FAULT_NONE && value_parse(&slot, key) &&
                value_json_number(&x, value, "storage", NULL) == P_OK)
                f = world_set_storage(w, &a, &slot, &x);
        }
    }
    return f;
}

static void smt_genesis(vectors *v, const json_t *o)
{
    const json_t *accounts = json_object_get(o, "addresses");
    p_err err = {0};
    bench_tree t;
    state_genesis *g = NULL;
    u256 built = {{0}}, found = {{0}}, empty = {{0}};
    world *w = aligned_alloc(64, (world_bytes() + 63) / 64 * 64);
    bool ok = tree_create(&t, vec_environment(v)->poseidon) && w;
    if (!ok)
        p_err_set(&err, P_EEXHAUSTED, "out of memory");
    ok = ok && state_genesis_create(&g, vec_environment(v)->poseidon, &err) == P_OK &&
         vec_accounts(g, accounts, &err) == P_OK &&
         state_genesis_finish(g, NULL, &built, &err) == P_OK;
    exec_fault f = EXEC_FAULT_NONE;
    if (ok)
        f = world_init(w, &t.host, &t.observer, &t.memory, &t.counters, &t.missing, &empty);
    if (ok && f == EXEC_FAULT_NONE)
        f = world_begin_tx(w);
    if (ok && f == EXEC_FAULT_NONE)
        f = world_accounts(w, accounts, &err);
    if (ok && f == EXEC_FAULT_NONE)
        f = world_root(w, &found);
    if (!ok || err.status != P_OK) {
        vec_fail(v, "%s", err.text);
    } else if (f != EXEC_FAULT_NONE) {
        vec_fail(v, "expected a root, found a fault: %s", exec_fault_text(f));
    } else {
        vec_equal_field(v, o, "expectedRoot", &found);
        vec_equal(v, "root by building the tree at once", &built, &found);
    }
    state_genesis_destroy(g);
    free(w);
    tree_destroy(&t);
}

static void smt_key(vectors *v, const json_t *o)
{
    exec_address a;
    uint64_t type;
    u256 slot = {{0}};
    p_err err = {0};
    if (value_json_address(&a, o, "ethAddr", &err) != P_OK ||
        value_json_u64(&type, o, "leafType", &err) != P_OK ||
        (json_object_get(o, "storagePosition") &&
         value_json_field(&slot, o, "storagePosition", &err) != P_OK)) {
        vec_fail(v, "%s", err.text);
        return;
    }
    u256 key = state_leaf_key(vec_environment(v)->poseidon, &a, (unsigned)type, &slot);
    vec_equal_field(v, o, "expectedKey", &key);
}

static void smt_bytecode(vectors *v, const json_t *o)
{
    uint8_t *code;
    size_t len;
    p_err err = {0};
    if (value_json_bytes(&code, &len, json_object_get(o, "bytecode"), "bytecode", &err) != P_OK) {
        vec_fail(v, "%s", err.text);
        return;
    }
    gl_t h[4]; /* of the bytes as they are: also of none, unlike the leaf of an account */
    gl_poseidon_hash_bytes(h, code, len, vec_environment(v)->poseidon->permute);
    u256 hash = {{h[0], h[1], h[2], h[3]}};
    vec_equal_field(v, o, "expectedHash", &hash);
    free(code);
}

void vec_run_smt(vectors *v, const vec_case *c)
{
    if (json_object_get(c->json, "keys"))
        smt_raw(v, c->json);
    else if (json_object_get(c->json, "addresses"))
        smt_genesis(v, c->json);
    else if (json_object_get(c->json, "leafType"))
        smt_key(v, c->json);
    else
        smt_bytecode(v, c->json);
}

/* ---- poseidon, kat ---- */

/* n field elements: numbers below 2^64 taken modulo p; "-1" is p - 1. */
static bool elements(vectors *v, gl_t *out, size_t n, const json_t *object, const char *field)
{
    const json_t *list = json_object_get(object, field);
    p_err err = {0};
    if (json_array_size(list) != n) {
        vec_fail(v, "field '%s': expected %zu elements, found %zu", field, n,
                 json_array_size(list));
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *e = json_array_get(list, i);
        const char *text = json_string_value(e);
        bool negative = text && text[0] == '-';
        u256 x;
        if (negative && value_parse(&x, text + 1) && !(x.limb[1] | x.limb[2] | x.limb[3])) {
            out[i] = gl_neg(gl_from_u64(x.limb[0]));
            continue;
        }
        if (negative || value_json_number(&x, e, field, &err) != P_OK ||
            (x.limb[1] | x.limb[2] | x.limb[3])) {
            vec_fail(v, "field '%s': element %zu is no number below 2^64", field, i);
            return false;
        }
        out[i] = gl_from_u64(x.limb[0]);
    }
    return true;
}

static void equal_elements(vectors *v, const char *what, const gl_t *expected, const gl_t *found,
                           size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (expected[i] != found[i]) {
            vec_fail(v, "%s: element %zu: expected 0x%016llx, found 0x%016llx", what, i,
                     (unsigned long long)expected[i], (unsigned long long)found[i]);
            return;
        }
}

/* The chosen implementation, alone and in a batch, and the portable one. */
static void check_permutation(vectors *v, const gl_t in[12], const gl_t *expected, size_t n)
{
    const gl_poseidon_ops *poseidon = vec_environment(v)->poseidon;
    gl_t one[12], many[17 * 12];
    memcpy(one, in, sizeof one);
    gl_poseidon_permute_portable(one);
    equal_elements(v, "portable", expected, one, n);
    memcpy(one, in, sizeof one);
    poseidon->permute(one);
    equal_elements(v, "one", expected, one, n);
    for (size_t i = 0; i < 17; i++)
        memcpy(many + 12 * i, in, sizeof one);
    poseidon->permute_many(many, 17);
    for (size_t i = 0; i < 17; i++)
        equal_elements(v, "many", expected, many + 12 * i, n);
}

void vec_run_poseidon(vectors *v, const vec_case *c)
{
    gl_t in[12], expected[4];
    if (elements(v, in, 8, c->json, "input") && elements(v, in + 8, 4, c->json, "capacity") &&
        elements(v, expected, 4, c->json, "expectedOutput"))
        check_permutation(v, in, expected, 4);
}

/* The linear hash of field elements: blocks of eight, the capacity carries over; up to four
 * elements stand for themselves. */
static void linear_hash(const gl_poseidon_ops *poseidon, gl_t out[4], const gl_t *in, size_t n)
{
    gl_t state[12] = {0};
    if (n <= 4) {
        memset(out, 0, 4 * sizeof(gl_t));
        memcpy(out, in, n * sizeof(gl_t));
        return;
    }
    for (size_t at = 0; at < n; at += 8) {
        size_t take = n - at < 8 ? n - at : 8;
        if (at > 0)
            memcpy(state + 8, state, 4 * sizeof(gl_t));
        memset(state, 0, 8 * sizeof(gl_t));
        memcpy(state, in + at, take * sizeof(gl_t));
        poseidon->permute(state);
    }
    memcpy(out, state, 4 * sizeof(gl_t));
}

static void kat_hash(vectors *v, const json_t *o)
{
    const gl_poseidon_ops *poseidon = vec_environment(v)->poseidon;
    const char *kind = json_string_value(json_object_get(o, "kind"));
    gl_t expected[4];
    if (!kind) {
        vec_fail(v, "field 'kind': expected a text");
        return;
    }
    if (!elements(v, expected, 4, o, "output"))
        return;
    enum { COLUMNS = 128, ROWS = 64 };
    static const char fibonacci[] = "f[0]=0,f[1]=1,f[i]=f[i-1]+f[i-2] mod p, i<128";
    static const char matrix[] = "row0[c]=row1[c]=c+1; row j = row j-2 + row j-1 mod p; row-major";
    const char *input = json_string_value(json_object_get(o, "input"));
    if (input && strcmp(kind, "linear_hash") == 0 && strcmp(input, fibonacci) == 0) {
        gl_t f[COLUMNS] = {0, 1}, h[4];
        for (size_t i = 2; i < COLUMNS; i++)
            f[i] = gl_add(f[i - 1], f[i - 2]);
        linear_hash(poseidon, h, f, COLUMNS);
        equal_elements(v, "linear hash", expected, h, 4);
    } else if (input && strcmp(kind, "merkle") == 0 && strcmp(input, matrix) == 0) {
        gl_t rows[ROWS][COLUMNS], level[ROWS][4];
        for (size_t j = 0; j < ROWS; j++)
            for (size_t i = 0; i < COLUMNS; i++)
                rows[j][i] = j < 2 ? i + 1 : gl_add(rows[j - 2][i], rows[j - 1][i]);
        for (size_t j = 0; j < ROWS; j++)
            linear_hash(poseidon, level[j], rows[j], COLUMNS);
        for (size_t n = ROWS; n > 1; n /= 2)
            for (size_t j = 0; j < n / 2; j++) {
                gl_t state[12] = {0};
                memcpy(state, level[2 * j], sizeof level[0]);
                memcpy(state + 4, level[2 * j + 1], sizeof level[0]);
                poseidon->permute(state);
                memcpy(level[j], state, sizeof level[0]);
            }
        equal_elements(v, "Merkle root", expected, level[0], 4);
    } else {
        vec_skip(v, "a hash of '%.60s' is not known here", input ? input : "?");
    }
}

/* batchHashData and newAccInputHash by running the batch's data on an empty tree: the transactions
 * are all skipped there (no balance), and the two hashes do not depend on the state. */
static void kat_acc_input_hash(vectors *v, const json_t *o)
{
    state_request *req = NULL;
    state_outcome *outcome = NULL;
    p_err err = {0};
    if (vec_request(&req, o, EXEC_FORK_DEFAULT, &err) != P_OK ||
        vec_execute(v, req, NULL, &outcome, &err) != P_OK) {
        vec_fail(v, "%s", err.text);
    } else {
        u256 data = value_from_be(outcome->result.batch_hash_data.bytes, 32),
             acc = value_from_be(outcome->result.new_acc_input_hash.bytes, 32);
        vec_equal_field(v, o, "expectedBatchHashData", &data);
        vec_equal_field(v, o, "expectedNewAccInputHash", &acc);
    }
    state_outcome_destroy(outcome);
    state_request_destroy(req);
}

void vec_run_kat(vectors *v, const vec_case *c)
{
    const json_t *o = c->json;
    if (json_object_get(o, "state_in")) {
        gl_t in[12], expected[12];
        if (elements(v, in, 12, o, "state_in") && elements(v, expected, 12, o, "state_out"))
            check_permutation(v, in, expected, 12);
        return;
    }
    if (json_object_get(o, "kind")) {
        kat_hash(v, o);
        return;
    }
    const json_t *list = json_object_get(o, "accInputHash");
    for (size_t i = 0; i < json_array_size(list); i++)
        kat_acc_input_hash(v, json_array_get(list, i));
    list = json_object_get(o, "snarkInput");
    for (size_t i = 0; i < json_array_size(list); i++) {
        p_err err = {0};
        if (vec_snark_case(v, json_array_get(list, i), "expectedInputSnark", NULL, &err) != P_OK)
            vec_fail(v, "snark input %zu: %s", i, err.text);
    }
}

/* ---- effective gas price ---- */

void vec_run_gas_price(vectors *v, const vec_case *c)
{
    u256 price, percentage, found;
    p_err err = {0};
    if (value_json_field(&price, c->json, "gasPrice", &err) != P_OK ||
        value_json_field(&percentage, c->json, "effectivePercentage", &err) != P_OK) {
        vec_fail(v, "%s", err.text);
        return;
    }
    if (percentage.limb[0] > 255 || percentage.limb[1] | percentage.limb[2] | percentage.limb[3]) {
        vec_fail(v, "field 'effectivePercentage': expected one byte");
        return;
    }
    exec_effective_gas_price(&found, &price, (uint8_t)percentage.limb[0]);
    vec_equal_field(v, c->json, "expectedOutput", &found);
}
