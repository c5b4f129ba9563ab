/** batch_l2_data as a list of transactions (executor specification, section 2).
 *
 * Everything is decoded before anything is executed, because one wrong byte anywhere discards the
 * whole batch. One run, one thread. */
#ifndef ZKP_HOST_EXECUTOR_BATCH_H
#define ZKP_HOST_EXECUTOR_BATCH_H

#include "host/executor/context.h"
#include "host/executor/transaction.h"

typedef struct batch_txs {
    exec_tx *txs; /**< n of them, in memory.tx; they borrow from the data */
    uint32_t n;
    bool invalid;               /**< a byte breaks the grammar: nothing may be executed */
    size_t invalid_offset;      /**< where, if invalid */
    const char *invalid_reason; /**< why, if invalid: static text */
} batch_txs;

/** Decodes len bytes (len < 2^24). x gives the rules, the arena and the counters; a Keccak of L is
 * counted for each decoded transaction, also if a later one makes the batch invalid. Faults:
 * EXEC_FAULT_OOC_KECCAK, EXEC_FAULT_MEMORY, EXEC_FAULT_STOPPED. out is complete also after a fault:
 * what was decoded before it. */
exec_fault batch_parse(exec_context *x, const uint8_t *data, size_t len, batch_txs *out);

/** Keccak blocks that the end of the batch needs: its own hash and the accumulated one. The
 * reference computes it from len + 1. */
uint64_t batch_keccak_reserve(size_t len);

#endif
