#include "host/state/outcome.h"

#include "host/state/grow.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 << 10)

/** Bytes that the transactions point to; freed together. */
typedef struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(16) uint8_t bytes[];
} chunk;

bool outcome_begin(outcome_builder *b, const exec_batch *batch)
{
    memset(b, 0, sizeof *b);
    b->o = calloc(1, sizeof *b->o);
    if (!b->o)
        return false;
    b->o->batch = *batch;
    b->o->batch.l2_data = NULL;
    return true;
}

/** len bytes that live as long as the outcome; NULL, and failed is set, when there is no memory. */
static void *take(outcome_builder *b, size_t len)
{
    chunk *c = b->o->owner;
    if (len > SIZE_MAX / 2) {
        b->failed = true;
        return NULL;
    }
    len = (len + 15) & ~(size_t)15;
    if (!c || len > c->size - c->used) {
        size_t size = len > CHUNK_BYTES ? len : CHUNK_BYTES;
        chunk *fresh = malloc(sizeof *fresh + size);
        if (!fresh) {
            b->failed = true;
            return NULL;
        }
        fresh->next = c;
        fresh->used = 0;
        fresh->size = size;
        b->o->owner = c = fresh;
    }
    void *p = c->bytes + c->used;
    c->used += len;
    return p;
}

static const uint8_t *take_bytes(outcome_builder *b, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return NULL;
    uint8_t *copy = take(b, len);
    if (copy)
        memcpy(copy, bytes, len);
    return copy;
}

/** Room for one more item in an array; false, and failed is set, when there is no memory. */
static bool grow(outcome_builder *b, void **array, size_t *cap, size_t n, size_t item)
{
    b->failed = !state_grow(array, cap, n, item);
    return !b->failed;
}

void outcome_add_tx(outcome_builder *b, const exec_tx_result *tx)
{
    void *array = b->o->txs;
    if (b->failed || !grow(b, &array, &b->cap_txs, b->n_txs, sizeof *tx))
        return;
    b->o->txs = array;
    exec_log *logs = tx->n_logs ? take(b, tx->n_logs * sizeof *logs) : NULL;
    if (b->failed)
        return;
    for (size_t i = 0; i < tx->n_logs; i++) {
        logs[i] = tx->logs[i];
        logs[i].data = take_bytes(b, tx->logs[i].data, tx->logs[i].data_len);
    }
    exec_tx_result *copy = &b->o->txs[b->n_txs];
    *copy = *tx;
    copy->logs = logs;
    copy->data = take_bytes(b, tx->data, tx->data_len);
    copy->output = take_bytes(b, tx->output, tx->output_len);
    if (!b->failed)
        b->n_txs++;
}

static void free_chunks(state_outcome *o)
{
    for (chunk *c = o->owner; c;) {
        chunk *next = c->next;
        free(c);
        c = next;
    }
    o->owner = NULL;
}

void outcome_roll_back(outcome_builder *b)
{
    free_chunks(b->o);
    b->n_txs = 0;
}

void outcome_add_change(void *builder, const u256 *key, const u256 *old_value,
                        const u256 *new_value)
{
    outcome_builder *b = builder;
    void *array = b->o->changes;
    if (b->failed || !grow(b, &array, &b->cap_changes, b->o->n_changes, sizeof *b->o->changes))
        return;
    b->o->changes = array;
    b->o->changes[b->o->n_changes++] = (state_change){*key, *old_value, *new_value};
}

state_outcome *outcome_finish(outcome_builder *b, const exec_result *result)
{
    state_outcome *o = b->o;
    o->result = *result;
    o->result.n_txs = (uint32_t)b->n_txs;
    b->o = NULL;
    return o;
}

void outcome_drop(outcome_builder *b)
{
    state_outcome_destroy(b->o);
    b->o = NULL;
}

void state_outcome_destroy(state_outcome *o)
{
    if (!o)
        return;
    free_chunks(o);
    free(o->txs);
    free(o->changes);
    free(o);
}
