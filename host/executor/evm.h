/** The EVM: runs one message to its end, with all the frames below it (executor specification,
 * section 4).
 *
 * The caller (transaction.c) has done the transaction's checks and its prologue; evm_run does the
 * frame itself: access to the destination, value transfer, code, and what is undone when it fails.
 * Legal order: inside one transaction of a run, once. Not thread-safe; uses memory.frame (released
 * at the end) and memory.tx (logs and output, valid until the caller releases it). */
#ifndef ZKP_HOST_EXECUTOR_EVM_H
#define ZKP_HOST_EXECUTOR_EVM_H

#include "host/executor/context.h"

/** What is fixed for a whole transaction. */
typedef struct evm_tx_env {
    exec_address origin;
    u256 gas_price;    /**< the effective price */
    u256 block_number; /**< cached transaction count + 1 */
} evm_tx_env;

typedef struct evm_message {
    bool is_create;
    exec_address from;
    exec_address to; /**< the new address if is_create */
    u256 value;
    uint64_t gas;        /**< after the intrinsic gas */
    const uint8_t *data; /**< call data, or init code; borrowed until evm_run returns */
    size_t data_len;
} evm_message;

typedef struct evm_outcome {
    exec_error error;  /**< EXEC_OK, EXEC_REVERT, or a halt */
    uint64_t gas_left; /**< 0 after a halt; a call of an unsupported precompile is EXEC_REVERT and
                          returns all gas */
    int64_t refund; /**< refund counter before the cap; 0 unless EXEC_OK. Negative only where fork 4
                       leaks the counter of a failed creation */
    const uint8_t *output;
    size_t output_len;
    const exec_log *logs; /**< those that survived */
    size_t n_logs;
} evm_outcome;

/** Runs the message. A fault ends the batch; the outcome is then undefined. */
exec_fault evm_run(exec_context *x, const evm_tx_env *env, const evm_message *message,
                   evm_outcome *outcome);

#endif
