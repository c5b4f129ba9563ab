/* Kind tx-encoding, and ethereum/tests' TransactionTests and RLPTests (docs/vectors.md). */
#include "host/cli/vectors.h"
#include "host/executor/transaction.h"
#include "host/executor/u256.h"

#include "driver/field/keccak.h"

#include <stdlib.h>
#include <string.h>

/* ---- Ethereum form <-> batch form ---- */

/* The batch form without percentage byte of an Ethereum raw transaction; malloc'ed. zero_chain: the
 * file says chain id 0, for which Ethereum has the form without chain id, and the reference's
 * encoder the form with chain id 0. */
static bool to_batch_form(const uint8_t *raw, size_t raw_len, bool zero_chain, uint8_t **out,
                          size_t *len, const char **reason)
{
    exec_tx tx;
    *out = NULL;
    *reason = "out of memory";
    if (!exec_tx_read_ethereum(raw, raw_len, &tx, reason))
        return false;
    tx.has_chain_id = tx.has_chain_id || zero_chain;
    *len = exec_tx_batch_size(&tx, false);
    *out = malloc(*len);
    if (*out)
        exec_tx_put_batch(*out, &tx, false);
    return *out != NULL;
}

#define SIGNATURE 65 /* r, s, v after the list */

static void compare_forms(vectors *v, const json_t *raw, const json_t *batch_form, bool zero_chain,
                          const char *what)
{
    uint8_t *in = NULL, *expected = NULL, *found = NULL, *back = NULL;
    size_t in_len, expected_len, found_len;
    const char *reason = NULL;
    p_err err = {0};
    if (value_json_bytes(&in, &in_len, raw, what, &err) != P_OK ||
        value_json_bytes(&expected, &expected_len, batch_form, what, &err) != P_OK) {
        vec_fail(v, "%s", err.text);
    } else if (!to_batch_form(in, in_len, zero_chain, &found, &found_len, &reason)) {
        vec_fail(v, "%s: expected the batch form, found '%s'", what, reason);
    } else if (zero_chain && expected_len > SIGNATURE && found_len > SIGNATURE) {
        /* the two are signed over different lists, so only the lists can be the same */
        vec_equal_bytes(v, what, expected, expected_len - SIGNATURE, found, found_len - SIGNATURE);
    } else if (vec_equal_bytes(v, what, expected, expected_len, found, found_len)) {
        /* and back: reading the batch form gives the raw transaction again */
        exec_tx tx;
        rlp_reader r;
        size_t list_len;
        rlp_reader_init(&r, found, found_len, 0);
        if (!exec_tx_read_header(&r, &list_len) || !exec_tx_read_body(&r, 0, false, &tx)) {
            vec_fail(v, "%s: the batch form cannot be read back: %s", what,
                     r.fault ? r.fault : "?");
        } else if ((back = malloc(exec_tx_ethereum_size(&tx))) != NULL) {
            exec_tx_put_ethereum(back, &tx);
            vec_equal_bytes(v, "back to the Ethereum form", in, in_len, back,
                            exec_tx_ethereum_size(&tx));
        }
    }
    free(in);
    free(expected);
    free(found);
    free(back);
}

static bool recover(vectors *v, const exec_tx *tx, exec_address *signer);

/* Who signed the batch form. */
static void compare_sender(vectors *v, const json_t *o, const json_t *form, const char *what)
{
    uint8_t *bytes = NULL;
    size_t len, list_len;
    exec_tx tx;
    exec_address from, signer;
    rlp_reader r;
    if (value_json_address(&from, o, "from", NULL) != P_OK ||
        value_json_bytes(&bytes, &len, form, what, NULL) != P_OK)
        return;
    rlp_reader_init(&r, bytes, len, 0);
    if (exec_tx_read_header(&r, &list_len) && exec_tx_read_body(&r, 0, false, &tx) &&
        recover(v, &tx, &signer))
        vec_equal_bytes(v, what, from.bytes, 20, signer.bytes, 20);
    free(bytes);
}

static void batch_of_txs(vectors *v, const json_t *o)
{
    const json_t *txs = json_object_get(o, "txs");
    uint8_t *data = NULL, *joined = NULL;
    size_t len = 0, joined_len = 0;
    p_err err = {0};
    if (value_json_bytes(&data, &len, json_object_get(o, "batchL2Data"), "batchL2Data", &err) !=
        P_OK) {
        vec_fail(v, "%s", err.text);
        return;
    }
    bool invalid = false; /* a transaction whose encoding in the batch was damaged on purpose */
    for (size_t i = 0; i < json_array_size(txs); i++) {
        const json_t *tx = json_array_get(txs, i), *form = json_object_get(tx, "customRawTx");
        char what[48];
        snprintf(what, sizeof what, "transaction %zu", i);
        if (json_is_true(json_object_get(tx, "encodeInvalidData"))) {
            invalid = true;
            continue;
        }
        if (!form || !json_object_get(tx, "rawTx"))
            continue;
        uint64_t id = 1;
        (void)value_json_u64(&id, tx, "chainId", NULL);
        compare_forms(v, json_object_get(tx, "rawTx"), form, id == 0, what);
        compare_sender(v, tx, form, what);
        uint8_t *bytes = NULL, *more;
        size_t n;
        if (value_json_bytes(&bytes, &n, form, what, &err) == P_OK &&
            (more = realloc(joined, joined_len + n + 1)) != NULL) {
            joined = more;
            memcpy(joined + joined_len, bytes, n);
            joined_len += n;
        }
        free(bytes);
    }
    if (!invalid) {
        vec_equal_bytes(v, "batchL2Data", data, len, joined, joined_len);
    } else {
        /* the damage must show: some transaction cannot be read */
        size_t pos = 0;
        rlp_reader r;
        exec_tx tx;
        size_t list_len;
        bool ok = true;
        while (ok && pos < len) {
            rlp_reader_init(&r, data, len, pos);
            ok = exec_tx_read_header(&r, &list_len) && exec_tx_read_body(&r, pos, false, &tx);
            pos = r.pos;
        }
        if (ok)
            vec_fail(v, "batchL2Data: expected data that cannot be decoded, found transactions");
    }
    free(data);
    free(joined);
}

/* ---- fields -> hash ---- */

static bool field_address(const json_t *o, const char *name, exec_address *out)
{
    return value_json_address(out, o, name, NULL) == P_OK;
}

static void hash_of_fields(vectors *v, const json_t *o)
{
    exec_tx tx = {.effective_percentage = EXEC_TX_FULL_PERCENTAGE};
    u256 x, vv;
    uint8_t *data = NULL;
    p_err err = {0};
    const char *to = json_string_value(json_object_get(o, "to"));
    tx.is_create = !to || to[0] == 0 || strcmp(to, "0x") == 0;
    bool ok =
        value_json_u64(&tx.nonce, o, "nonce", &err) == P_OK &&
        value_json_field(&tx.gas_price, o, "gasPrice", &err) == P_OK &&
        value_json_u64(&tx.gas_limit, o, "gasLimit", &err) == P_OK &&
        value_json_field(&tx.value, o, "value", &err) == P_OK &&
        value_json_bytes(&data, &tx.data_len, json_object_get(o, "data"), "data", &err) == P_OK &&
        value_json_field(&vv, o, "v", &err) == P_OK &&
        (tx.is_create || value_json_address(&tx.to, o, "to", &err) == P_OK);
    if (ok && (ok = value_json_field(&x, o, "r", &err) == P_OK))
        value_to_be(tx.r.bytes, &x);
    if (ok && (ok = value_json_field(&x, o, "s", &err) == P_OK))
        value_to_be(tx.s.bytes, &x);
    if (!ok) {
        vec_fail(v, "%s", err.text);
        free(data);
        return;
    }
    tx.data = data;
    /* v as Ethereum writes it decides over the form; a given chainId must be the same */
    tx.has_chain_id = vv.limb[0] >= 35;
    tx.chain_id = tx.has_chain_id ? (vv.limb[0] - 35) / 2 : 0;
    tx.v = (uint8_t)(tx.has_chain_id ? 27 + (vv.limb[0] - 35) % 2 : vv.limb[0]);
    if (tx.has_chain_id && json_object_get(o, "chainId")) {
        u256 id = {{tx.chain_id, 0, 0, 0}};
        vec_equal_field(v, o, "chainId", &id);
    }
    uint8_t *scratch = malloc(exec_tx_ethereum_size(&tx));
    if (scratch) {
        exec_hash hash;
        exec_tx_hash(&tx, scratch, keccak_256, &hash);
        u256 found = value_from_be(hash.bytes, 32);
        vec_equal_field(v, o, "hash", &found);
        exec_address from, signer;
        if (field_address(o, "from", &from) && recover(v, &tx, &signer))
            vec_equal_bytes(v, "from", from.bytes, 20, signer.bytes, 20);
    } else {
        vec_fail(v, "out of memory");
    }
    free(scratch);
    free(data);
}

/* Runs one transaction as a batch on an empty tree, to see what the executor makes of it: the
 * transaction is skipped, but hash and signer are reported. False: no such result (recorded). */
static bool run_alone(vectors *v, const uint8_t *form, size_t len, uint64_t chain_id, bool *decoded,
                      exec_tx_result *result, p_err *err)
{
    state_request *req = NULL;
    state_outcome *o = NULL;
    bool ok = false;
    *decoded = false;
    if (state_request_create(&req, EXEC_FORK_DEFAULT, err) != P_OK)
        return false;
    req->batch.chain_id = chain_id;
    req->batch.enforce_counters = false;
    if (state_request_set_l2_data(req, form, len, ((size_t)1 << 24) - 1, err) == P_OK &&
        vec_execute(v, req, NULL, &o, err) == P_OK) {
        ok = true;
        *decoded = o->result.outcome == EXEC_BATCH_OK && o->result.n_txs == 1;
        if (*decoded)
            *result = o->txs[0]; /* only its plain members may be used */
    }
    state_outcome_destroy(o);
    state_request_destroy(req);
    return ok;
}

static bool recover(vectors *v, const exec_tx *tx, exec_address *signer)
{
    size_t len = exec_tx_batch_size(tx, true);
    uint8_t *form = malloc(len);
    exec_tx_result r;
    bool decoded = false;
    p_err err = {0};
    if (form) {
        exec_tx_put_batch(form, tx, true);
        if (!run_alone(v, form, len, tx->chain_id, &decoded, &r, &err))
            vec_fail(v, "%s", err.text);
        else if (!decoded || !r.has_from)
            vec_fail(v, "from: expected a signer, found %s", decoded ? "none" : "no transaction");
    }
    free(form);
    if (!decoded || !r.has_from)
        return false;
    *signer = r.from;
    return true;
}

void vec_run_tx_encoding(vectors *v, const vec_case *c)
{
    if (json_object_get(c->json, "txs"))
        batch_of_txs(v, c->json);
    else if (json_object_get(c->json, "hash"))
        hash_of_fields(v, c->json);
    else
        compare_forms(v, json_object_get(c->json, "input"), json_object_get(c->json, "output"),
                      false, "output");
}

/* ---- ethereum/tests: TransactionTests ---- */

/* How this executor refuses a transaction that Ethereum's Berlin refuses; NULL if it takes it. */
static const char *refusal(vectors *v, const exec_tx *tx, exec_tx_result *r, bool *failed)
{
    p_err err = {0};
    bool decoded = false;
    size_t len = exec_tx_batch_size(tx, true);
    uint8_t *form = malloc(len);
    *failed = true;
    if (!form)
        return NULL;
    exec_tx_put_batch(form, tx, true);
    bool ran =
        run_alone(v, form, len, 1, &decoded, r, &err); /* the tests' network has chain id 1 */
    free(form);
    if (!ran) {
        vec_fail(v, "%s", err.text);
        return NULL;
    }
    *failed = false;
    if (!decoded)
        return "its batch form cannot be decoded";
    if (r->error == EXEC_INTRINSIC_SIGNATURE || r->error == EXEC_INTRINSIC_CHAIN_ID)
        return exec_error_text(r->error);
    /* what the empty tree does not let the executor come to: it stops at the balance */
    if (exec_tx_intrinsic_gas(tx) > tx->gas_limit)
        return exec_error_text(EXEC_INTRINSIC_GAS_LIMIT);
    uint64_t cost[8];
    u256 limit = u256_from_u64(tx->gas_limit);
    u256_mul_wide(cost, &tx->gas_price, &limit);
    return cost[4] | cost[5] | cost[6] | cost[7] ? exec_error_text(EXEC_INTRINSIC_GAS_OVERFLOW)
                                                 : NULL;
}

/* The only laxity of the batch grammar: a byte 0x00 where strict RLP writes the number 0 as 0x80.
 * True if that is all that tells raw from the canonical encoding. */
static bool only_zero_bytes_differ(const uint8_t *raw, size_t len, const exec_tx *tx)
{
    if (exec_tx_ethereum_size(tx) != len)
        return false;
    uint8_t *canonical = malloc(len);
    bool differs = false, only = canonical != NULL;
    if (canonical)
        exec_tx_put_ethereum(canonical, tx);
    for (size_t i = 0; canonical && i < len; i++) {
        if (canonical[i] == raw[i])
            continue;
        differs = true;
        only = only && canonical[i] == 0x80 && raw[i] == 0x00;
    }
    free(canonical);
    return differs && only;
}

void vec_run_eth_transaction(vectors *v, const vec_case *c)
{
    const json_t *berlin = json_object_get(json_object_get(c->json, "result"), "Berlin");
    const char *exception = json_string_value(json_object_get(berlin, "exception"));
    uint8_t *raw;
    size_t len;
    p_err err = {0};
    if (!berlin) {
        vec_skip(v, "no result for Berlin, whose rules this executor follows");
        return;
    }
    if (value_json_bytes(&raw, &len, json_object_get(c->json, "txbytes"), "txbytes", &err) !=
        P_OK) {
        vec_fail(v, "%s", err.text);
        return;
    }
    exec_tx tx;
    exec_tx_result r;
    const char *reason = NULL;
    bool failed = false;
    uint64_t least; /* 0 where Ethereum did not come to the gas */
    if (exception && value_json_u64(&least, berlin, "intrinsicGas", NULL) == P_OK && least > 0 &&
        exec_tx_read_ethereum(raw, len, &tx, &reason))
        vec_equal_u64(v, "intrinsicGas", least, exec_tx_intrinsic_gas(&tx));
    if (len > 0 && raw[0] >= 1 && raw[0] < 0x80 && !exception) {
        vec_skip(v, "a typed transaction: this executor has legacy transactions only");
    } else if (!exec_tx_read_ethereum(raw, len, &tx, &reason)) {
        if (!exception)
            vec_fail(v, "expected a valid transaction, found '%s'", reason ? reason : "?");
    } else if ((reason = refusal(v, &tx, &r, &failed)) != NULL && !exception) {
        vec_fail(v, "expected a valid transaction, found '%s'", reason);
    } else if (!failed && !reason && exception) {
        if (only_zero_bytes_differ(raw, len, &tx))
            vec_skip(v,
                     "the batch grammar takes a byte 0x00 as the number 0 (executor "
                     "specification, section 2); Ethereum: %s",
                     exception);
        else
            vec_fail(v, "expected it to be refused (%s), found a valid transaction", exception);
    } else if (!failed && !exception) {
        u256 hash = value_from_be(r.hash.bytes, 32),
             gas = u256_from_u64(exec_tx_intrinsic_gas(&tx));
        exec_address sender;
        vec_equal_field(v, berlin, "hash", &hash);
        vec_equal_field(v, berlin, "intrinsicGas", &gas);
        if (value_json_address(&sender, berlin, "sender", &err) != P_OK)
            vec_fail(v, "%s", err.text);
        else if (!r.has_from)
            vec_fail(v, "sender: expected one, found none");
        else
            vec_equal_bytes(v, "sender", sender.bytes, 20, r.from.bytes, 20);
    }
    free(raw);
}

/* ---- ethereum/tests: RLPTests ---- */

/* Whether bytes are exactly one item, taken apart down to the last string. */
static bool rlp_well_formed(const uint8_t *bytes, size_t len, unsigned depth)
{
    rlp_reader r;
    const uint8_t *s;
    size_t n;
    rlp_reader_init(&r, bytes, len, 0);
    if (len == 0 || depth > 64)
        return false;
    if (bytes[0] < 0xc0)
        return rlp_read_string(&r, &s, &n) && r.pos == len;
    if (!rlp_read_list(&r) || r.list_end != len)
        return false;
    while (r.pos < len) { /* each item in turn: find its end, then look inside */
        rlp_reader item;
        rlp_reader_init(&item, bytes, len, r.pos);
        if (bytes[r.pos] < 0xc0) {
            if (!rlp_read_string(&item, &s, &n))
                return false;
        } else {
            if (!rlp_read_list(&item) || item.list_end > len ||
                !rlp_well_formed(bytes + r.pos, item.list_end - r.pos, depth + 1))
                return false;
            item.pos = item.list_end;
        }
        r.pos = item.pos;
    }
    return true;
}

/* The encoding of a JSON value; malloc'ed, NULL (with *reason) if it cannot be written. */
static uint8_t *rlp_of_json(const json_t *in, size_t *len, const char **reason)
{
    *reason = "out of memory";
    if (json_is_array(in)) {
        uint8_t *payload = NULL;
        size_t n = 0;
        for (size_t i = 0; i < json_array_size(in); i++) {
            size_t m;
            uint8_t *item = rlp_of_json(json_array_get(in, i), &m, reason), *more = NULL;
            if (item)
                more = realloc(payload, n + m);
            if (!more) {
                free(item);
                free(payload);
                return NULL;
            }
            payload = more;
            memcpy(payload + n, item, m);
            n += m;
            free(item);
        }
        uint8_t *out = malloc(rlp_header_size(n) + n);
        if (out) {
            uint8_t *p = rlp_put_list_header(out, n);
            if (n > 0)
                memcpy(p, payload, n);
            *len = rlp_header_size(n) + n;
        }
        free(payload);
        return out;
    }
    const char *text = json_string_value(in);
    if (text && text[0] != '#') {
        size_t n = json_string_length(in);
        *len = rlp_string_size((const uint8_t *)text, n);
        uint8_t *out = malloc(*len);
        if (out)
            rlp_put_string(out, (const uint8_t *)text, n);
        return out;
    }
    u256 x;
    uint8_t be[32];
    if (text ? !value_parse(&x, text + 1) : value_json_number(&x, in, "in", NULL) != P_OK) {
        *reason = "a number of 2^256 or more: the executor's numbers end below";
        return NULL;
    }
    value_to_be(be, &x);
    *len = rlp_integer_size(be, 32);
    uint8_t *out = malloc(*len);
    if (out)
        rlp_put_integer(out, be, 32);
    return out;
}

void vec_run_eth_rlp(vectors *v, const vec_case *c)
{
    uint8_t *bytes;
    size_t len;
    p_err err = {0};
    if (value_json_bytes(&bytes, &len, json_object_get(c->json, "out"), "out", &err) != P_OK) {
        vec_fail(v, "%s", err.text);
        return;
    }
    const json_t *in = json_object_get(c->json, "in");
    const char *text = json_string_value(in);
    bool ok = rlp_well_formed(bytes, len, 0);
    if (text && strcmp(text, "INVALID") == 0) {
        if (ok)
            vec_fail(v, "expected it to be refused, found well-formed RLP");
    } else {
        if (!ok)
            vec_fail(v, "expected well-formed RLP, found a broken rule");
        if (!(text && strcmp(text, "VALID") == 0)) {
            const char *reason = NULL;
            size_t n;
            uint8_t *written = rlp_of_json(in, &n, &reason);
            if (!written)
                vec_skip(v, "%s", reason);
            else
                vec_equal_bytes(v, "encoding", bytes, len, written, n);
            free(written);
        }
    }
    free(bytes);
}
