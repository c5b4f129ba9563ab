#include "host/executor/batch.h"

/* how many transactions are decoded between two looks at the observer's poll */
#define POLL_PERIOD 64

/* Blocks whose size is a multiple of the arena's alignment follow each other without a gap, so that
 * transactions allocated one by one are an array. */
_Static_assert(sizeof(exec_tx) % 16 == 0, "transactions must pack in the arena");

uint64_t batch_keccak_reserve(size_t len)
{
    return (len + 1) / 136 + 2;
}

exec_fault batch_parse(exec_context *x, const uint8_t *data, size_t len, batch_txs *out)
{
    *out = (batch_txs){.txs = NULL, .n = 0, .invalid = false};
    rlp_reader r;
    rlp_reader_init(&r, data, len, 0);
    while (r.pos < len) {
        if (out->n % POLL_PERIOD == 0 && x->observer->poll != NULL &&
            x->observer->poll(x->observer->ctx))
            return EXEC_FAULT_STOPPED;
        exec_fault fault = counters_need_keccak(&x->counters, 1);
        if (fault != EXEC_FAULT_NONE)
            return fault;

        size_t start = r.pos, list_len;
        if (!exec_tx_read_header(&r, &list_len))
            break;
        /* the reference trusts the header here: a list too long for the counters is out of counters
         * before it is found to be too long for the data */
        fault = counters_need_keccak(&x->counters, (list_len + 1) / 136 + 1);
        if (fault != EXEC_FAULT_NONE)
            return fault;

        exec_tx *tx = exec_arena_alloc(&x->memory->tx, sizeof *tx);
        if (tx == NULL)
            return EXEC_FAULT_MEMORY;
        if (!exec_tx_read_body(&r, start, x->rules.has_effective_percentage, tx))
            break;
        counters_add_keccak(&x->counters, tx->signed_list_len);
        if (out->txs == NULL)
            out->txs = tx;
        out->n++;
    }
    if (r.fault != NULL) {
        out->invalid = true;
        out->invalid_offset = r.fault_offset;
        out->invalid_reason = r.fault;
    }
    return EXEC_FAULT_NONE;
}
