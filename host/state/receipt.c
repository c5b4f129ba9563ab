#include "host/state/receipt.h"

#include "driver/base/hex.h"
#include "driver/field/keccak.h"

#include <stdlib.h>
#include <string.h>

/* Written directly, not through jansson: every value is hexadecimal or one of our own constants, so
 * that nothing needs escaping, and a server writes one of these for each transaction. */

/** Text that grows. After a failed allocation everything is ignored. */
typedef struct writer {
    char *text;
    size_t len, cap;
    bool failed;
} writer;

/** Adds n characters to be filled in; NULL when there is no memory. */
static char *extend(writer *w, size_t n)
{
    if (w->failed)
        return NULL;
    if (n > w->cap - w->len) {
        size_t cap = n <= SIZE_MAX / 4 && w->cap <= SIZE_MAX / 4 ? 2 * (w->cap + n) : 0;
        char *text = cap ? realloc(w->text, cap) : NULL;
        if (!text) {
            w->failed = true;
            return NULL;
        }
        w->text = text;
        w->cap = cap;
    }
    char *p = w->text + w->len;
    w->len += n;
    return p;
}

static void put(writer *w, const char *constant)
{
    size_t n = strlen(constant);
    char *p = extend(w, n);
    if (p)
        memcpy(p, constant, n);
}

/** The text, or NULL if it is incomplete. */
static char *finish(writer *w)
{
    char *end = extend(w, 1);
    if (!end) {
        free(w->text);
        return NULL;
    }
    *end = 0;
    return w->text;
}

/** Starts a member of an object: a comma unless it is the first one, the name, a colon. */
static void member(writer *w, const char *name)
{
    put(w, w->len && w->text[w->len - 1] == '{' ? "\"" : ",\"");
    put(w, name);
    put(w, "\":");
}

static void bytes(writer *w, const uint8_t *from, size_t len)
{
    char *p = len <= SIZE_MAX / 4 ? extend(w, 2 * len + 4) : NULL;
    if (!p) {
        w->failed = true;
        return;
    }
    memcpy(p, "\"0x", 3);
    p_hex_encode(p + 3, from, len);
    p[2 * len + 3] = '"';
}

static void be_bytes(uint8_t out[32], const u256 *x)
{
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t)(x->limb[3 - i / 8] >> (56 - 8 * (i % 8)));
}

/** 0x and 64 digits. */
static void word(writer *w, const u256 *x)
{
    uint8_t be[32];
    be_bytes(be, x);
    bytes(w, be, 32);
}

/** 0x and no leading zero, "0x0" for zero: a QUANTITY of the JSON-RPC. */
static void quantity_u256(writer *w, const u256 *x)
{
    uint8_t be[32];
    char digits[64];
    be_bytes(be, x);
    p_hex_encode(digits, be, 32);
    unsigned skip = 0;
    while (skip < 63 && digits[skip] == '0')
        skip++;
    char *p = extend(w, 3 + 64 - skip + 1);
    if (!p)
        return;
    memcpy(p, "\"0x", 3);
    memcpy(p + 3, digits + skip, 64 - skip);
    p[3 + 64 - skip] = '"';
}

static void quantity(writer *w, uint64_t x)
{
    quantity_u256(w, &(u256){{x, 0, 0, 0}});
}

/** An address, or null. */
static void address(writer *w, bool known, const exec_address *a)
{
    if (known)
        bytes(w, a->bytes, 20);
    else
        put(w, "null");
}

/** Where the transaction stands in the chain: what receipts and logs have in common. One that was
 * skipped, or undone with its batch, is in no block. */
static void place(writer *w, const exec_tx_result *tx)
{
    bool unexecuted = exec_error_is_unexecuted(tx->error);
    member(w, "transactionHash");
    bytes(w, tx->hash.bytes, 32);
    member(w, "transactionIndex");
    put(w, "\"0x0\"");
    member(w, "blockHash");
    if (unexecuted)
        put(w, "null");
    else
        word(w, &tx->block_hash);
    member(w, "blockNumber");
    if (unexecuted)
        put(w, "null");
    else
        quantity_u256(w, &tx->block_number);
}

static void log_object(writer *w, const exec_tx_result *tx, size_t index)
{
    const exec_log *log = &tx->logs[index];
    put(w, "{");
    member(w, "address");
    bytes(w, log->address.bytes, 20);
    member(w, "topics");
    put(w, "[");
    for (unsigned i = 0; i < log->n_topics; i++) {
        put(w, i ? "," : "");
        word(w, &log->topics[i]);
    }
    put(w, "]");
    member(w, "data");
    bytes(w, log->data, log->data_len);
    place(w, tx);
    member(w, "logIndex");
    quantity(w, index);
    member(w, "removed");
    put(w, "false}");
}

static void receipt_object(writer *w, const exec_tx_result *tx)
{
    uint8_t bloom[256];
    put(w, "{");
    place(w, tx);
    member(w, "from");
    address(w, tx->has_from, &tx->from);
    member(w, "to");
    address(w, !tx->is_create, &tx->to);
    member(w, "cumulativeGasUsed");
    quantity(w, tx->cumulative_gas_used);
    member(w, "gasUsed");
    quantity(w, tx->gas_used);
    member(w, "contractAddress");
    address(w, tx->has_create_address, &tx->create_address);
    member(w, "logs");
    put(w, "[");
    for (size_t j = 0; j < tx->n_logs; j++) {
        put(w, j ? "," : "");
        log_object(w, tx, j);
    }
    put(w, "]");
    member(w, "logsBloom");
    state_logs_bloom(tx->logs, tx->n_logs, bloom);
    bytes(w, bloom, sizeof bloom);
    member(w, "type");
    put(w, "\"0x0\"");
    member(w, "status");
    put(w, tx->error == EXEC_OK ? "\"0x1\"" : "\"0x0\"");
    member(w, "effectiveGasPrice");
    quantity_u256(w, &tx->effective_gas_price);
    member(w, "error");
    if (tx->error == EXEC_OK) {
        put(w, "null");
    } else {
        put(w, "\"");
        put(w, exec_error_text(tx->error));
        put(w, "\"");
    }
    member(w, "batchIndex");
    quantity(w, tx->index);
    put(w, "}");
}

char *state_receipt_json(const state_outcome *o, size_t i)
{
    writer w = {.text = NULL};
    receipt_object(&w, &o->txs[i]);
    return finish(&w);
}

char *state_log_json(const state_outcome *o, size_t i, size_t j)
{
    writer w = {.text = NULL};
    log_object(&w, &o->txs[i], j);
    return finish(&w);
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
