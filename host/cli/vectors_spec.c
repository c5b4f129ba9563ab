/* Kind aggregation-spec: accounts with their (public, well-known) test keys and unsigned
 * transactions, which batches were made from. They are signed here and run
 * as a state transition. */
#include "host/cli/vectors.h"
#include "host/executor/transaction.h"

#include "driver/field/keccak.h"

#include <secp256k1_recovery.h>

#include <stdlib.h>
#include <string.h>

#define SIGNATURE 65 /* r, s, v after the list */

/* The key of an account of the genesis. */
static p_status key_of(uint8_t key[32], const json_t *genesis, const exec_address *from, p_err *err)
{
    for (size_t i = 0; i < json_array_size(genesis); i++) {
        const json_t *o = json_array_get(genesis, i);
        exec_address a;
        u256 x;
        if (value_json_address(&a, o, "address", NULL) != P_OK || memcmp(&a, from, sizeof a) != 0)
            continue;
        p_status s = value_json_field(&x, o, "pvtKey", err);
        if (s == P_OK)
            value_to_be(key, &x);
        return s;
    }
    char text[43];
    return p_err_set(err, P_EINVAL, "genesis: no account %s to sign with",
                     value_hex_bytes(text, from->bytes, 20));
}

static p_status tx_of(exec_tx *tx, uint8_t **data, const json_t *o, p_err *err)
{
    memset(tx, 0, sizeof *tx);
    tx->effective_percentage = EXEC_TX_FULL_PERCENTAGE;
    tx->has_chain_id = true;
    tx->v = 27;
    const char *to = json_string_value(json_object_get(o, "to"));
    tx->is_create = !to || to[0] == 0 || strcmp(to, "0x") == 0;
    p_status s = P_OK;
    if (json_object_get(o, "data"))
        s = value_json_bytes(data, &tx->data_len, json_object_get(o, "data"), "data", err);
    tx->data = *data ? *data : (const uint8_t *)"";
    if (s == P_OK && !tx->is_create)
        s = value_json_address(&tx->to, o, "to", err);
    if (s == P_OK)
        s = value_json_u64(&tx->nonce, o, "nonce", err);
    if (s == P_OK)
        s = value_json_field(&tx->value, o, "value", err);
    if (s == P_OK)
        s = value_json_field(&tx->gas_price, o, "gasPrice", err);
    if (s == P_OK)
        s = value_json_u64(&tx->gas_limit, o, "gasLimit", err);
    if (s == P_OK)
        s = value_json_u64(&tx->chain_id, o, "chainId", err);
    return s;
}

static p_status sign(secp256k1_context *secp, exec_tx *tx, const uint8_t key[32], p_err *err)
{
    size_t len = exec_tx_batch_size(tx, false);
    uint8_t *form = malloc(len), hash[32], compact[64];
    secp256k1_ecdsa_recoverable_signature signature;
    int parity = 0;
    if (!form)
        return p_err_set(err, P_EEXHAUSTED, "out of memory");
    exec_tx_put_batch(form, tx, false);
    keccak_256(hash, form, len - SIGNATURE);
    free(form);
    if (!secp256k1_ecdsa_sign_recoverable(secp, &signature, hash, key, NULL, NULL))
        return p_err_set(err, P_EINVAL, "field 'pvtKey': no key of secp256k1");
    secp256k1_ecdsa_recoverable_signature_serialize_compact(secp, compact, &parity, &signature);
    memcpy(tx->r.bytes, compact, 32);
    memcpy(tx->s.bytes, compact + 32, 32);
    tx->v = (uint8_t)(27 + parity);
    return P_OK;
}

/* The data of a batch with these transactions, as hexadecimal text. */
static json_t *data_of(const json_t *genesis, const json_t *txs, bool has_percentage, p_err *err)
{
    secp256k1_context *secp = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
    uint8_t *all = NULL;
    size_t len = 0;
    p_status s = secp ? P_OK : p_err_set(err, P_EEXHAUSTED, "out of memory");
    for (size_t i = 0; i < json_array_size(txs) && s == P_OK; i++) {
        const json_t *o = json_array_get(txs, i);
        uint8_t *data = NULL, key[32];
        exec_tx tx;
        exec_address from;
        s = tx_of(&tx, &data, o, err);
        if (s == P_OK)
            s = value_json_address(&from, o, "from", err);
        if (s == P_OK)
            s = key_of(key, genesis, &from, err);
        if (s == P_OK)
            s = sign(secp, &tx, key, err);
        if (s == P_OK) {
            size_t n = exec_tx_batch_size(&tx, has_percentage);
            uint8_t *more = realloc(all, len + n);
            if (more) {
                all = more;
                exec_tx_put_batch(all + len, &tx, has_percentage);
                len += n;
            } else {
                s = p_err_set(err, P_EEXHAUSTED, "out of memory");
            }
        }
        free(data);
        if (s != P_OK)
            p_err_prefix(err, "transaction %zu", i);
    }
    json_t *text = NULL;
    char *hex = s == P_OK ? malloc(2 * len + 3) : NULL;
    if (hex)
        text = json_string(value_hex_bytes(hex, all, len));
    free(hex);
    free(all);
    if (secp)
        secp256k1_context_destroy(secp);
    return text;
}

void vec_run_aggregation_spec(vectors *v, const vec_case *c)
{
    uint32_t fork = vec_fork(c, EXEC_FORK_DEFAULT);
    if (!vec_fork_supported(v, fork))
        return;
    static const char *const leftovers[] = {"newStateRoot", "newAccInputHash", "newNumBatch",
                                            "newLocalExitRoot", "inputSnark"};
    const json_t *genesis = json_object_get(c->json, "genesis"),
                 *given = json_object_get(c->json, "batches");
    json_t *rewritten = json_copy((json_t *)c->json), *batches = json_array();
    p_err err = {0};
    bool ok = rewritten && batches;
    size_t n = given ? json_array_size(given) : 1; /* one batch stands in the object itself */
    for (size_t i = 0; i < n && ok; i++) {
        const json_t *from = given ? json_array_get(given, i) : c->json;
        json_t *batch = json_copy((json_t *)from), *txs = json_object_get(from, "txs"), *one = NULL;
        if (!txs && json_object_get(from, "tx")) {
            one = json_array();
            json_array_append(one, json_object_get(from, "tx"));
        }
        json_t *data = data_of(genesis, txs ? txs : one, fork >= 5, &err);
        ok = batch && data && json_object_set_new(batch, "batchL2Data", data) == 0;
        if (ok && i + 1 == n && json_object_get(c->json, "expectedLeafs"))
            json_object_set(batch, "expectedNewLeafs", json_object_get(c->json, "expectedLeafs"));
        /* the leaves are what is expected; roots and hashes beside them are the generator's input,
         * and can contradict the leaves */
        for (size_t k = 0; ok && k < sizeof leftovers / sizeof leftovers[0]; k++)
            json_object_del(batch, leftovers[k]);
        if (ok)
            json_array_append(batches, batch);
        json_decref(batch);
        json_decref(one);
    }
    if (ok && json_object_set(rewritten, "batches", batches) == 0) {
        vec_case as_transition = *c;
        as_transition.json = rewritten;
        vec_run_state_transition(v, &as_transition);
    } else {
        vec_fail(v, "%s", err.text[0] ? err.text : "out of memory");
    }
    json_decref(batches);
    json_decref(rewritten);
}
