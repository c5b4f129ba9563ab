/** One transaction as a change of the state: its checks, its prologue, the EVM, its epilogue, and
 * the block that it makes in the system account (executor specification, sections 1.6, 3 and 9.2).
 *
 * Legal order: after world_init and the batch's own reads, once for each decoded transaction, in
 * order. One run, one thread. What a transaction needs in memory.tx is given back before this
 * returns. */
#ifndef ZKP_HOST_EXECUTOR_PROCESS_H
#define ZKP_HOST_EXECUTOR_PROCESS_H

#include "host/executor/context.h"
#include "host/executor/transaction.h"

/** Who signed a transaction, as far as it is known. */
typedef struct batch_sender {
    exec_address address;
    bool known;
} batch_sender;

/** What the batch carries from one transaction to the next. */
typedef struct batch_progress {
    batch_sender *senders; /**< by index: filled in for each transaction that is begun; NULL: not
                              wanted */
    u256 tx_count;         /**< slot 0 of the system account: read once, then counted here */
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

/** Reports transaction progress->index of a batch that was rolled back to progress->state_root, and
 * moves on to the next. Counts nothing and asks the host for no more than Keccak. The observer has
 * tx. Fault: MEMORY. */
exec_fault batch_report_undone(exec_context *x, const exec_tx *tx, exec_error error,
                               batch_progress *progress);

#endif
