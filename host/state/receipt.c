#include "host/state/receipt.h"

#include "driver/base/hex.h"
#include "driver/field/keccak.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson's *_new setters take the value over and fail on NULL, so that one failed allocation
 * anywhere ends in a false here. */

static json_t *hex_bytes(const uint8_t *bytes, size_t len)
{
    if (len > (SIZE_MAX - 2) / 2)
        return NULL;
    char small[2 + 2 * 256], *text = 2 + 2 * len <= sizeof small ? small : malloc(2 + 2 * len);
    if (!text)
        return NULL;
    memcpy(text, "0x", 2);
    p_hex_encode(text + 2, bytes, len);
    json_t *v = json_stringn_nocheck(text, 2 + 2 * len);
    if (text != small)
        free(text);
    return v;
}

static void be_bytes(uint8_t out[32], const u256 *x)
{
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t)(x->limb[3 - i / 8] >> (56 - 8 * (i % 8)));
}

/** 0x and 64 digits. */
static json_t *word(const u256 *x)
{
    uint8_t bytes[32];
    be_bytes(bytes, x);
    return hex_bytes(bytes, 32);
}

/** 0x and no leading zero, "0x0" for zero: a QUANTITY of the JSON-RPC. */
static json_t *quantity_u256(const u256 *x)
{
    uint8_t bytes[32];
    char digits[64], text[2 + 64];
    be_bytes(bytes, x);
    p_hex_encode(digits, bytes, 32);
    unsigned skip = 0;
    while (skip < 63 && digits[skip] == '0')
        skip++;
    memcpy(text, "0x", 2);
    memcpy(text + 2, digits + skip, 64 - skip);
    return json_stringn_nocheck(text, 2 + 64 - skip);
}

static json_t *quantity(uint64_t x)
{
    char text[20];
    snprintf(text, sizeof text, "0x%" PRIx64, x);
    return json_string_nocheck(text);
}

static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new_nocheck(object, key, value) == 0;
}

static bool put_string(json_t *object, const char *key, const char *value)
{
    return put(object, key, json_string(value));
}

static bool is_skipped(const exec_tx_result *tx)
{
    return exec_error_is_intrinsic(tx->error);
}

/** Where the transaction stands in the chain: what receipts and logs have in common. A skipped one
 * is in no block. */
static bool put_place(json_t *object, const exec_tx_result *tx)
{
    bool skipped = is_skipped(tx);
    return put(object, "transactionHash", hex_bytes(tx->hash.bytes, 32)) &&
           put_string(object, "transactionIndex", "0x0") &&
           put(object, "blockHash", skipped ? json_null() : word(&tx->block_hash)) &&
           put(object, "blockNumber", skipped ? json_null() : quantity_u256(&tx->block_number));
}

static bool fill_log(json_t *object, const exec_tx_result *tx, size_t index)
{
    const exec_log *log = &tx->logs[index];
    json_t *topics = json_array();
    if (!put(object, "topics", topics) ||
        !put(object, "address", hex_bytes(log->address.bytes, 20)))
        return false;
    for (unsigned i = 0; i < log->n_topics; i++)
        if (json_array_append_new(topics, word(&log->topics[i])) != 0)
            return false;
    return put(object, "data", hex_bytes(log->data, log->data_len)) && put_place(object, tx) &&
           put(object, "logIndex", quantity(index)) && put(object, "removed", json_false());
}

static json_t *log_object(const exec_tx_result *tx, size_t index)
{
    json_t *object = json_object();
    if (object && fill_log(object, tx, index))
        return object;
    json_decref(object);
    return NULL;
}

static bool fill_receipt(json_t *object, const state_outcome *o, size_t i)
{
    const exec_tx_result *tx = &o->txs[i];
    uint8_t bloom[256];
    json_t *logs = json_array();
    if (!put(object, "logs", logs) || !put_place(object, tx) ||
        !put(object, "from", tx->has_from ? hex_bytes(tx->from.bytes, 20) : json_null()) ||
        !put(object, "to", tx->is_create ? json_null() : hex_bytes(tx->to.bytes, 20)) ||
        !put(object, "cumulativeGasUsed", quantity(tx->cumulative_gas_used)) ||
        !put(object, "gasUsed", quantity(tx->gas_used)) ||
        !put(object, "contractAddress",
             tx->has_create_address ? hex_bytes(tx->create_address.bytes, 20) : json_null()))
        return false;
    for (size_t j = 0; j < tx->n_logs; j++)
        if (json_array_append_new(logs, log_object(tx, j)) != 0)
            return false;
    state_logs_bloom(tx->logs, tx->n_logs, bloom);
    return put(object, "logsBloom", hex_bytes(bloom, sizeof bloom)) &&
           put_string(object, "type", "0x0") &&
           put_string(object, "status", tx->error == EXEC_OK ? "0x1" : "0x0") &&
           put(object, "effectiveGasPrice", quantity_u256(&tx->effective_gas_price)) &&
           put(object, "error",
               tx->error == EXEC_OK ? json_null() : json_string(exec_error_text(tx->error))) &&
           put(object, "batchIndex", quantity(tx->index));
}

/** Not json_dumps: when its buffer cannot grow while it writes a key, it leaves the key out and
 * says nothing (jansson 2.14). */
static char *dump(const json_t *object)
{
    size_t len = json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *text = len ? malloc(len + 1) : NULL;
    if (text && json_dumpb(object, text, len, JSON_COMPACT) != len) {
        free(text);
        return NULL;
    }
    if (text)
        text[len] = 0;
    return text;
}

char *state_receipt_json(const state_outcome *o, size_t i)
{
    json_t *object = json_object();
    char *text = object && fill_receipt(object, o, i) ? dump(object) : NULL;
    json_decref(object);
    return text;
}

char *state_log_json(const state_outcome *o, size_t i, size_t j)
{
    json_t *object = log_object(&o->txs[i], j);
    char *text = object ? dump(object) : NULL;
    json_decref(object);
    return text;
}

/** Sets three bits: each of the first three byte pairs of the hash, modulo 2048, counted from the
 * end of the filter (yellow paper, 4.3.1: M3:2048). */
static void bloom_add(uint8_t bloom[256], const uint8_t *bytes, size_t len)
{
    uint8_t hash[KECCAK_256_BYTES];
    keccak_256(hash, bytes, len);
    for (unsigned i = 0; i < 6; i += 2) {
        unsigned bit = ((unsigned)hash[i] << 8 | hash[i + 1]) & 2047;
        bloom[255 - bit / 8] |= (uint8_t)(1u << (bit % 8));
    }
}

void state_logs_bloom(const exec_log *logs, size_t n_logs, uint8_t bloom[256])
{
    memset(bloom, 0, 256);
    for (size_t i = 0; i < n_logs; i++) {
        bloom_add(bloom, logs[i].address.bytes, 20);
        for (unsigned k = 0; k < logs[i].n_topics; k++) {
            uint8_t topic[32];
            be_bytes(topic, &logs[i].topics[k]);
            bloom_add(bloom, topic, 32);
        }
    }
}
