/* Kinds batch, eth-batch, rom-checked: one batch with its witness; and what all batches share. */
#include "host/cli/vectors.h"
#include "host/executor/transaction.h"
#include "host/executor/u256.h"
#include "host/state/batch_file.h"

#include "driver/field/keccak.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FILE_L2_DATA (((size_t)1 << 24) - 1)

static u256 of_hash(const exec_hash *h)
{
    return value_from_be(h->bytes, 32);
}

p_status vec_request(state_request **out, const json_t *object, uint32_t fork, p_err *err)
{
    state_request *req;
    *out = NULL;
    p_status s = state_request_create(&req, fork, err);
    if (s != P_OK)
        return s;
    exec_batch *b = &req->batch;
    const char *sequencer =
        json_object_get(object, "sequencerAddr") ? "sequencerAddr" : "sequencerAddress";
    b->enforce_counters = false;
    u256 x;
    static const struct {
        const char *name;
        size_t at;
    } hashes[] = {{"oldAccInputHash", offsetof(exec_batch, old_acc_input_hash)},
                  {"globalExitRoot", offsetof(exec_batch, global_exit_root)}};
    for (size_t i = 0; s == P_OK && i < 2; i++) {
        const json_t *field = json_object_get(object, hashes[i].name);
        if (field && (s = value_json_number(&x, field, hashes[i].name, err)) == P_OK)
            value_to_be((uint8_t *)b + hashes[i].at, &x);
    }
    if (s == P_OK && json_object_get(object, "chainID"))
        s = value_json_u64(&b->chain_id, object, "chainID", err);
    if (s == P_OK && json_object_get(object, "timestamp"))
        s = value_json_u64(&b->timestamp, object, "timestamp", err);
    if (s == P_OK && json_object_get(object, "oldNumBatch"))
        s = value_json_u64(&b->old_batch_num, object, "oldNumBatch", err);
    if (s == P_OK && json_object_get(object, sequencer))
        s = value_json_address(&b->sequencer, object, sequencer, err);
    const json_t *data = json_object_get(object, "batchL2Data");
    if (s == P_OK && data) {
        uint8_t *bytes;
        size_t len;
        s = value_json_bytes(&bytes, &len, data, "batchL2Data", err);
        if (s == P_OK)
            s = state_request_set_l2_data(req, bytes, len, MAX_FILE_L2_DATA, err);
        free(bytes);
    }
    if (s != P_OK) {
        state_request_destroy(req);
        return s;
    }
    *out = req;
    return P_OK;
}

p_status vec_execute(vectors *v, state_request *req, const exec_observer *tracer,
                     state_outcome **out, p_err *err)
{
    *out = NULL;
    p_status s = state_request_verify(req, vec_environment(v)->poseidon, err);
    if (s != P_OK)
        return s;
    state_run_options options = {.tracer = tracer};
    s = state_execute(vec_environment(v)->runner, req, &options, out, err);
    if (s == P_OK)
        vec_run_guest(v, req);
    return s;
}

static bool text_address(u256 *out, const char *hex)
{
    char text[80];
    snprintf(text, sizeof text, "0x%.70s", hex);
    return value_parse(out, text);
}

/* Quirk of the reference: data of a single byte of 0x80 or above goes into its transaction hash as
 * that byte, where RLP writes 0x81 before it. True if that is what tells the two hashes apart. */
static bool is_hash_of_bare_byte(const exec_tx_result *r, const u256 *reported)
{
    exec_tx tx = {.data = r->data,
                  .data_len = r->data_len,
                  .gas_price = r->gas_price,
                  .value = r->value,
                  .nonce = r->nonce.limb[0],
                  .gas_limit = r->gas_limit,
                  .chain_id = r->chain_id,
                  .r = r->r,
                  .s = r->s,
                  .to = r->to,
                  .is_create = r->is_create,
                  .has_chain_id = r->has_chain_id,
                  .v = r->v};
    if (r->data_len != 1 || r->data[0] < 0x80)
        return false;
    uint8_t encoded[512], bare[512], price[32], value[32], nonce[8], gas[8], out[32];
    size_t len = exec_tx_ethereum_size(&tx);
    if (len > sizeof encoded)
        return false;
    exec_tx_put_ethereum(encoded, &tx);
    value_to_be(price, &tx.gas_price);
    value_to_be(value, &tx.value);
    for (unsigned i = 0; i < 8; i++) {
        nonce[i] = (uint8_t)(tx.nonce >> (56 - 8 * i));
        gas[i] = (uint8_t)(tx.gas_limit >> (56 - 8 * i));
    }
    size_t payload = encoded[0] < 0xf8 ? len - 1 : len - 2; /* below 256 bytes */
    size_t before = rlp_integer_size(nonce, 8) + rlp_integer_size(price, 32) +
                    rlp_integer_size(gas, 8) + (tx.is_create ? 1 : 21) +
                    rlp_integer_size(value, 32);
    if (payload > 256 || before + 2 > payload)
        return false;
    const uint8_t *from = encoded + (len - payload);
    uint8_t *p = rlp_put_list_header(bare, payload - 1);
    memcpy(p, from, before);
    memcpy(p + before, from + before + 1, payload - before - 1);
    keccak_256(out, bare, (size_t)(p - bare) + payload - 1);
    u256 hash = value_from_be(out, 32);
    return u256_eq(&hash, reported);
}

/* One transaction as the reference reported it. `undone`: the batch ran out of counters. */
static void compare_rom_tx(vectors *v, size_t i, const exec_tx_result *tx, const json_t *rom,
                           bool undone)
{
    char what[64];
    u256 x;
    snprintf(what, sizeof what, "ROM: transaction %zu: hash", i);
    u256 found = of_hash(&tx->hash);
    if (value_json_field(&x, rom, "txHash", NULL) == P_OK) {
        if (!u256_eq(&x, &found) && is_hash_of_bare_byte(tx, &x))
            vec_note(v, "%s: the reference leaves out the 0x81 before the one byte of data", what);
        else
            vec_equal(v, what, &x, &found);
    }
    /* the reference lists what it did before the fault; here the batch has no such results */
    if (undone)
        return;

    const char *error = json_string_value(json_object_get(rom, "error"));
    if (!error || strcmp(error, exec_error_text(tx->error)) != 0)
        vec_fail(v, "ROM: transaction %zu: error: expected '%s', found '%s'", i, error ? error : "",
                 exec_error_text(tx->error));

    snprintf(what, sizeof what, "ROM: transaction %zu: gasUsed", i);
    uint64_t gas;
    if (exec_error_is_intrinsic(tx->error))
        vec_equal_u64(v, what, 0, tx->gas_used); /* quirk: a stale register there */
    else if (value_json_u64(&gas, rom, "gasUsed", NULL) == P_OK)
        vec_equal_u64(v, what, gas, tx->gas_used);

    snprintf(what, sizeof what, "ROM: transaction %zu: createAddress", i);
    const char *created = json_string_value(json_object_get(rom, "createAddress"));
    found = tx->has_create_address ? value_from_be(tx->create_address.bytes, 20) : (u256){{0}};
    if (created && text_address(&x, created))
        vec_equal(v, what, &x, &found);

    snprintf(what, sizeof what, "ROM: transaction %zu: stateRoot", i);
    if (value_json_field(&x, rom, "stateRoot", NULL) == P_OK)
        vec_equal(v, what, &x, &tx->state_root);

    snprintf(what, sizeof what, "ROM: transaction %zu: logs", i);
    uint64_t n, counted = 0;
    for (size_t j = 0; j < tx->n_logs; j++) /* quirk: LOG0 without data is not recorded there */
        counted += tx->logs[j].n_topics > 0 || tx->logs[j].data_len > 0;
    if (value_json_u64(&n, rom, "logs", NULL) == P_OK)
        vec_equal_u64(v, what, n, counted);
}

static void compare_rom(vectors *v, const state_outcome *o, const json_t *rom)
{
    const exec_result *r = &o->result;
    const json_t *txs = json_object_get(rom, "transactions"),
                 *counters = json_object_get(rom, "counters");
    bool undone = r->outcome >= EXEC_BATCH_OOC_KECCAK;
    size_t n = json_array_size(txs);
    /* quirk: after out of counters the undone transactions are still listed there */
    if (!undone)
        vec_equal_u64(v, "ROM: number of transactions", n, r->n_txs);
    for (size_t i = 0; o->txs && i < n && i < r->n_txs; i++)
        compare_rom_tx(v, i, &o->txs[i], json_array_get(txs, i), undone);
    const struct {
        const char *name;
        uint64_t found;
    } exact[] = {{"keccakF", r->counters.keccak_f},
                 {"paddingPG", r->counters.padding_pg},
                 {"poseidonG", r->counters.poseidon_g}};
    for (size_t i = 0; i < 3; i++) {
        uint64_t expected;
        char what[64];
        snprintf(what, sizeof what, "ROM: counter %s", exact[i].name);
        if (value_json_u64(&expected, counters, exact[i].name, NULL) == P_OK)
            vec_equal_u64(v, what, expected, exact[i].found);
    }
    const struct {
        const char *name;
        uint64_t found;
    } least[] = {{"steps", r->counters.steps_least}, {"arith", r->counters.arith_least}};
    for (size_t i = 0; i < 2; i++) {
        uint64_t expected;
        char what[64];
        snprintf(what, sizeof what, "ROM: counter %s, not passed by its lower bound",
                 least[i].name);
        if (value_json_u64(&expected, counters, least[i].name, NULL) == P_OK &&
            least[i].found > expected)
            vec_equal_u64(v, what, expected, least[i].found);
    }
}

void vec_run_batch(vectors *v, const vec_case *c)
{
    if (json_object_get(c->json, "l1InfoRoot") || json_object_get(c->json, "timestampLimit")) {
        vec_skip(v, "Etrog batch format (fork 7 and later): this executor has forks 4, 5 and 6");
        return;
    }
    uint32_t fork = vec_fork(c, 0);
    if (fork == 0) {
        vec_skip(v, "no forkID: protocol v0.6, before fork 1; this executor has forks 4, 5 and 6");
        return;
    }
    if (!vec_fork_supported(v, fork))
        return;
    p_err err = {0};
    batch_file_options options = {.fork_id = fork, .max_l2_data = MAX_FILE_L2_DATA};
    batch_expected e = {0};
    state_request *req = NULL;
    state_outcome *o = NULL;
    if (batch_json_parse(c->json, &options, &req, &e, &err) != P_OK ||
        vec_execute(v, req, NULL, &o, &err) != P_OK) {
        vec_fail(v, "expected a result, found an error: %s", err.text);
        state_request_destroy(req);
        return;
    }
    const exec_result *r = &o->result;
    if (!e.has_state_root)
        vec_fail(v, "field 'newStateRoot': expected it, found nothing");
    else
        vec_equal(v, "newStateRoot", &e.state_root, &r->new_state_root);
    bool acc_equal = false;
    if (e.has_acc_input_hash) {
        u256 a = of_hash(&e.acc_input_hash), b = of_hash(&r->new_acc_input_hash);
        acc_equal = vec_equal(v, "newAccInputHash", &a, &b);
    }
    if (e.has_local_exit_root) {
        u256 a = of_hash(&e.local_exit_root), b = of_hash(&r->new_local_exit_root);
        vec_equal(v, "newLocalExitRoot", &a, &b);
    }
    if (e.has_batch_num)
        vec_equal_u64(v, "newNumBatch", e.batch_num, r->new_batch_num);
    if (e.has_batch_hash_data) {
        u256 a = of_hash(&e.batch_hash_data), b = of_hash(&r->batch_hash_data);
        /* Known oddity: a file whose data is no transaction has another hash there, although its
         * newAccInputHash is made with the right one. */
        exec_hash data;
        keccak_256(data.bytes, req->batch.l2_data, req->batch.l2_data_len);
        u256 own = of_hash(&data);
        if (!u256_eq(&a, &b) && acc_equal && u256_eq(&own, &b) &&
            r->outcome == EXEC_BATCH_INVALID_RLP)
            vec_note(v, "batchHashData is not the hash of batchL2Data, which newAccInputHash has");
        else
            vec_equal(v, "batchHashData", &a, &b);
    }
    const json_t *rom = json_object_get(vec_environment(v)->rom_results, c->key);
    if (rom && c->member[0] == 0)
        compare_rom(v, o, rom);
    state_outcome_destroy(o);
    state_request_destroy(req);
}
