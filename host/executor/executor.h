/** Runs one batch: the public face of this folder (executor specification, section 1).
 *
 * exec_run needs a host, an observer, memory, and the batch; it keeps nothing and may be called
 * from any thread, with one exec_host, exec_observer and exec_memory per call. Freestanding. */
#ifndef ZKP_HOST_EXECUTOR_EXECUTOR_H
#define ZKP_HOST_EXECUTOR_EXECUTOR_H

#include "host/executor/arena.h"
#include "host/executor/counters.h"
#include "host/executor/host.h"
#include "host/executor/types.h"
#include "host/executor/world.h"

#define EXEC_BLOCK_GAS_LIMIT UINT64_C(30000000)
/** The service's bound on batch_l2_data; the executor itself takes any length below 2^24. */
#define EXEC_BATCH_MAX_BYTES 120000
#define EXEC_FORK_DEFAULT 6

/** True for 4, 5 and 6. */
bool exec_fork_supported(uint32_t fork_id);

typedef struct exec_batch {
    u256 old_state_root;
    exec_hash old_acc_input_hash;
    uint64_t old_batch_num;
    uint64_t chain_id;
    const uint8_t *l2_data; /**< borrowed until exec_run returns */
    size_t l2_data_len;
    exec_hash global_exit_root;
    uint64_t timestamp;
    exec_address sequencer;
    uint32_t fork_id;
    uint64_t block_gas_limit; /**< EXEC_BLOCK_GAS_LIMIT but in tests */
    bool enforce_counters;
} exec_batch;

/** What became of the batch as a whole. */
typedef enum exec_batch_outcome {
    EXEC_BATCH_OK,           /**< executed; single transactions may have been skipped or failed */
    EXEC_BATCH_INVALID_RLP,  /**< l2_data cannot be decoded: nothing executed */
    EXEC_BATCH_OOC_KECCAK,   /**< out of counters: rolled back to the root after the exit root */
    EXEC_BATCH_OOC_POSEIDON, /**< likewise */
    EXEC_BATCH_OOC_PADDING,  /**< likewise */
    EXEC_BATCH_OOC_STEPS,    /**< likewise; see exec_counters */
    EXEC_BATCH_OOC_ARITH,    /**< likewise; see exec_counters */
} exec_batch_outcome;

typedef struct exec_result {
    exec_batch_outcome outcome;
    u256 new_state_root;
    exec_hash new_acc_input_hash;
    exec_hash new_local_exit_root;
    uint64_t new_batch_num;
    exec_hash batch_hash_data;
    exec_counters counters;
    uint32_t n_txs; /**< transactions of the batch; 0 if it cannot be decoded; those decoded so far
                       if it ran out of counters. The observer's tx is called for each */
    uint32_t n_processed;  /**< not skipped; 0 if the batch was rolled back */
    uint64_t gas_used;     /**< by all transactions; 0 if the batch was rolled back */
    size_t invalid_offset; /**< EXEC_BATCH_INVALID_RLP: byte of l2_data where decoding failed */
    const char *invalid_reason; /**< likewise: static text; NULL otherwise */
    u256 missing;               /**< with EXEC_FAULT_MISSING_*: which hash */
} exec_result;

/** A change of one leaf over the batch. */
typedef void exec_change_fn(void *ctx, const u256 *key, const u256 *old_value,
                            const u256 *new_value);

/** Runs the batch. EXEC_FAULT_NONE: result is complete (EXEC_FAULT_OOC_* never come out: they are
 * outcomes). Any other fault: there is no result but result->missing. changes may be NULL. */
exec_fault exec_run(const exec_host *host, const exec_observer *observer, exec_memory *memory,
                    const exec_batch *batch, exec_result *result, exec_change_fn *changes,
                    void *changes_ctx);

/** The specification's text of an error, "" for EXEC_OK; never NULL. */
const char *exec_error_text(exec_error error);
/** "", "invalidRLP", "OOCK", "OOCPO", "OOCPA", "OOCS", "OOCA": the reference's names of batch
 * outcomes; never NULL. */
const char *exec_batch_outcome_text(exec_batch_outcome outcome);
/** A fault in words; never NULL. */
const char *exec_fault_text(exec_fault fault);

#endif
