/** What every part of a run shares: the host, the observer, the rules of the fork, the batch's
 * constants, the memory, the counters and the world. One exec_context is one run; nothing here is
 * global. */
#ifndef ZKP_HOST_EXECUTOR_CONTEXT_H
#define ZKP_HOST_EXECUTOR_CONTEXT_H

#include "host/executor/arena.h"
#include "host/executor/counters.h"
#include "host/executor/host.h"
#include "host/executor/types.h"
#include "host/executor/world.h"

/** The rules in which the supported forks differ (executor specification, section 13). */
typedef struct exec_rules {
    uint32_t fork_id;
    bool has_effective_percentage; /**< from 5: one more byte a transaction */
    bool has_push0;                /**< from 5: opcode 0x5f */
    bool recover_infinity; /**< up to 5: a recovery at infinity succeeds as the hash of 64 zero
                              bytes */
    bool create_calldata_is_initcode; /**< 4: CALLDATALOAD and CALLDATACOPY of a create frame read
                                         the init code */
    bool keep_returndata_on_unsupported_precompile; /**< 4 */
    bool create_tx_checks_deposit; /**< from 5: a create transaction asks for the budget of its two
                                      code leaves before it writes them */
    bool create_ef_leaks_refund;   /**< 4: the refund counter of a CREATE that ends with 0xEF stays
                                      with the parent */
} exec_rules;

typedef struct exec_context {
    const exec_host *host;
    const exec_observer *observer; /**< never NULL; its entries may be */
    exec_memory *memory;
    exec_rules rules;
    exec_counters counters;
    world *world;
    u256 missing; /**< what EXEC_FAULT_MISSING_* is about */

    uint64_t chain_id;
    uint64_t timestamp;
    uint64_t block_gas_limit; /**< 30,000,000 unless a test says otherwise */
    exec_address coinbase;    /**< the sequencer */
} exec_context;

#endif
