/** One transaction as a change of the state: its checks, its prologue, the EVM, its epilogue, and
 * the block that it makes in the system account (executor specification, sections 1.6, 3 and 9.2).
 *
 *  Legal order: after world_init and the batch's own reads, once for each decoded transaction, in
 * order. One run, one thread. What a transaction needs in memory.tx is given back before this
 * returns. */
#ifndef ZKP_HOST_EXECUTOR_PROCESS_H
#define ZKP_HOST_EXECUTOR_PROCESS_H

#include "host/executor/context.h"
#include "host/executor/transaction.h"

/** What the batch carries from one transaction to the next. */
typedef struct batch_progress {
    u256 tx_count;     /**< slot 0 of the system account: read once, then counted here */
    u256 state_root;   /**< the root at this moment; kept only if the observer wants transactions */
    uint64_t gas_used; /**< by all transactions so far */
    uint32_t index;    /**< of the next transaction */
    uint32_t n_processed; /**< not skipped */
} batch_progress;

/** Addresses that the batch itself writes to. */
extern const exec_address batch_exit_root_manager;
extern const exec_address batch_system_account;

/** The slot of a mapping at slot `position`: keccak(key || position), both 32 bytes. Counted. */
void batch_mapping_slot(exec_context *x, const u256 *key, uint64_t position, u256 *slot);

/** Processes (or skips) one transaction and reports it to the observer. After a fault the world is
 * somewhere inside the transaction. */
exec_fault batch_process_tx(exec_context *x, const exec_tx *tx, batch_progress *progress);

#endif
