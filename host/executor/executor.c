#include "host/executor/executor.h"

#include <string.h>

#include "host/executor/batch.h"
#include "host/executor/bytes.h"
#include "host/executor/context.h"
#include "host/executor/process.h"
#include "host/executor/u256.h"

/** Mapping of exit roots to timestamps, and the local exit root, in the exit-root manager. */
#define EXIT_ROOT_POSITION 0
#define LOCAL_EXIT_ROOT_SLOT 1
#define L2_DATA_LIMIT (UINT32_C(1) << 24)

/** A run: the context and what only this file needs. */
typedef struct run {
    exec_context x;
    const exec_batch *batch;
    batch_txs txs;             /**< what was decoded */
    batch_sender *senders;     /**< of txs; NULL before all are decoded, or if nobody asks */
    size_t tree_mark, tx_mark; /**< where the arenas stood before the world */
} run;

bool exec_fork_supported(uint32_t fork_id)
{
    return fork_id >= 4 && fork_id <= 6;
}

static exec_rules rules_of(uint32_t fork_id)
{
    return (exec_rules){
        .fork_id = fork_id,
        .has_effective_percentage = fork_id >= 5,
        .has_push0 = fork_id >= 5,
        .recover_infinity = fork_id <= 5,
        .create_calldata_is_initcode = fork_id == 4,
        .keep_returndata_on_unsupported_precompile = fork_id == 4,
        .create_tx_checks_deposit = fork_id >= 5,
        .create_ef_leaks_refund = fork_id == 4,
    };
}

/** A new exit root is stored with the batch's time, unless it has one: the reference looks at the
 * low 32 bits of the value only. */
static exec_fault write_exit_root(exec_context *x, const exec_batch *batch)
{
    u256 root = bytes_u256_of_hash(&batch->global_exit_root);
    if (u256_is_zero(&root))
        return EXEC_FAULT_NONE;
    u256 slot, value;
    batch_mapping_slot(x, &root, EXIT_ROOT_POSITION, &slot);
    EXEC_TRY(world_storage(x->world, &batch_exit_root_manager, &slot, &value));
    if ((uint32_t)value.limb[0] != 0)
        return EXEC_FAULT_NONE;
    value = u256_from_u64(x->timestamp);
    return world_set_storage(x->world, &batch_exit_root_manager, &slot, &value);
}

/** Makes a world at the old root, brings it to the root after the exit root, and remembers that as
 * what an out-of-counters batch falls back to. */
static exec_fault open_world(run *r)
{
    exec_context *x = &r->x;
    x->world = exec_arena_alloc(&x->memory->tree, world_bytes());
    if (x->world == NULL)
        return EXEC_FAULT_MEMORY;
    EXEC_TRY(world_init(x->world, x->host, x->observer, x->memory, &x->counters, &x->missing,
                        &r->batch->old_state_root));
    EXEC_TRY(world_begin_tx(x->world));
    EXEC_TRY(write_exit_root(x, r->batch));
    world_checkpoint(x->world);
    return EXEC_FAULT_NONE;
}

static bool is_out_of_counters(exec_fault fault)
{
    return fault == EXEC_FAULT_OOC_KECCAK || fault == EXEC_FAULT_OOC_POSEIDON ||
           fault == EXEC_FAULT_OOC_PADDING || fault == EXEC_FAULT_OOC_STEPS ||
           fault == EXEC_FAULT_OOC_ARITH;
}

/** What an out-of-counters fault makes of the batch, and of each of its transactions. */
static exec_batch_outcome outcome_of(exec_fault fault, exec_error *undone)
{
    switch (fault) {
    case EXEC_FAULT_OOC_KECCAK:
        *undone = EXEC_UNDONE_KECCAK;
        return EXEC_BATCH_OOC_KECCAK;
    case EXEC_FAULT_OOC_POSEIDON:
        *undone = EXEC_UNDONE_POSEIDON;
        return EXEC_BATCH_OOC_POSEIDON;
    case EXEC_FAULT_OOC_STEPS:
        *undone = EXEC_UNDONE_STEPS;
        return EXEC_BATCH_OOC_STEPS;
    case EXEC_FAULT_OOC_ARITH:
        *undone = EXEC_UNDONE_ARITH;
        return EXEC_BATCH_OOC_ARITH;
    default:
        *undone = EXEC_UNDONE_PADDING;
        return EXEC_BATCH_OOC_PADDING;
    }
}

/** Decodes and processes all transactions. */
static exec_fault run_transactions(run *r, exec_result *result)
{
    exec_context *x = &r->x;
    batch_progress progress;
    memset(&progress, 0, sizeof progress);
    u256 slot = u256_zero();
    EXEC_TRY(world_storage(x->world, &batch_system_account, &slot, &progress.tx_count));
    x->counters.keccak_reserve = batch_keccak_reserve(r->batch->l2_data_len);
    EXEC_TRY(counters_need_keccak(&x->counters, 0));

    batch_txs *txs = &r->txs;
    EXEC_TRY(batch_parse(x, r->batch->l2_data, r->batch->l2_data_len, txs));
    if (txs->invalid) {
        result->outcome = EXEC_BATCH_INVALID_RLP;
        result->invalid_offset = txs->invalid_offset;
        result->invalid_reason = txs->invalid_reason;
        return EXEC_FAULT_NONE;
    }
    result->n_txs = txs->n;
    if (x->observer->tx != NULL) {
        r->senders = exec_arena_alloc(&x->memory->tx, txs->n * sizeof *r->senders);
        if (r->senders == NULL)
            return EXEC_FAULT_MEMORY;
        memset(r->senders, 0, txs->n * sizeof *r->senders);
        progress.senders = r->senders;
        EXEC_TRY(world_root(x->world,
                            &progress.state_root)); /* what a skipped first transaction shows */
    }
    for (uint32_t i = 0; i < txs->n; i++) {
        if (x->observer->poll != NULL && x->observer->poll(x->observer->ctx))
            return EXEC_FAULT_STOPPED;
        EXEC_TRY(batch_process_tx(x, &txs->txs[i], &progress));
    }
    result->n_processed = progress.n_processed;
    result->gas_used = progress.gas_used;
    return EXEC_FAULT_NONE;
}

/** Brings the world back to the root after the exit root, and says so of every transaction. */
static exec_fault roll_back(run *r, exec_fault fault, exec_result *result)
{
    exec_context *x = &r->x;
    exec_error undone;
    result->outcome = outcome_of(fault, &undone);
    result->n_txs = r->txs.n;
    EXEC_TRY(world_rollback(x->world));
    if (x->observer->rolled_back != NULL)
        x->observer->rolled_back(x->observer->ctx);
    if (x->observer->tx == NULL)
        return EXEC_FAULT_NONE;
    batch_progress progress;
    memset(&progress, 0, sizeof progress);
    progress.senders = r->senders;
    EXEC_TRY(world_root(x->world, &progress.state_root));
    for (uint32_t i = 0; i < r->txs.n; i++)
        EXEC_TRY(batch_report_undone(x, &r->txs.txs[i], undone, &progress));
    return EXEC_FAULT_NONE;
}

/** keccak(old || data hash || exit root || u64 timestamp || sequencer). */
static void accumulate(exec_context *x, const exec_batch *batch, exec_result *result)
{
    uint8_t preimage[32 + 32 + 32 + 8 + 20], *p = preimage;
    x->host->keccak(result->batch_hash_data.bytes, batch->l2_data, batch->l2_data_len);
    counters_add_keccak(&x->counters, batch->l2_data_len);
    memcpy(p, batch->old_acc_input_hash.bytes, 32);
    memcpy(p + 32, result->batch_hash_data.bytes, 32);
    memcpy(p + 64, batch->global_exit_root.bytes, 32);
    bytes_store_be64(p + 96, batch->timestamp);
    memcpy(p + 104, batch->sequencer.bytes, 20);
    x->host->keccak(result->new_acc_input_hash.bytes, preimage, sizeof preimage);
    counters_add_keccak(&x->counters, sizeof preimage);
}

static exec_fault execute(run *r, exec_result *result)
{
    exec_context *x = &r->x;
    EXEC_TRY(open_world(r));
    exec_fault fault = run_transactions(r, result);
    if (is_out_of_counters(fault)) {
        EXEC_TRY(roll_back(r, fault, result));
    } else {
        EXEC_TRY(fault);
    }

    u256 slot = u256_from_u64(LOCAL_EXIT_ROOT_SLOT), value;
    EXEC_TRY(world_storage(x->world, &batch_exit_root_manager, &slot, &value));
    result->new_local_exit_root = bytes_hash_of_u256(&value);
    EXEC_TRY(world_root(x->world, &result->new_state_root));
    accumulate(x, r->batch, result);
    return EXEC_FAULT_NONE;
}

exec_fault exec_run(const exec_host *host, const exec_observer *observer, exec_memory *memory,
                    const exec_batch *batch, exec_result *result, exec_change_fn *changes,
                    void *changes_ctx)
{
    memset(result, 0, sizeof *result);
    if (!exec_fork_supported(batch->fork_id) || batch->l2_data_len >= L2_DATA_LIMIT)
        return EXEC_FAULT_ARGUMENT;
    run r = {
        .x = {.host = host,
              .observer = observer,
              .memory = memory,
              .rules = rules_of(batch->fork_id),
              .counters = {.enforced = batch->enforce_counters},
              .chain_id = batch->chain_id,
              .timestamp = batch->timestamp,
              .block_gas_limit = batch->block_gas_limit,
              .coinbase = batch->sequencer},
        .batch = batch,
        .tree_mark = exec_arena_mark(&memory->tree),
        .tx_mark = exec_arena_mark(&memory->tx),
    };
    exec_fault fault = execute(&r, result);
    result->new_batch_num = batch->old_batch_num + 1;
    result->counters = r.x.counters;
    result->missing = r.x.missing;
    if (fault == EXEC_FAULT_NONE && changes != NULL)
        world_changes(r.x.world, changes, changes_ctx);
    exec_arena_release(&memory->tree, r.tree_mark);
    exec_arena_release(&memory->tx, r.tx_mark);
    return fault;
}

const char *exec_error_text(exec_error error)
{
    switch (error) {
#define ERROR_TEXT(name, text)                                                                     \
    case name:                                                                                     \
        return text;
        EXEC_ERROR_ROWS(ERROR_TEXT)
#undef ERROR_TEXT
    }
    return "unknown error";
}

const char *exec_batch_outcome_text(exec_batch_outcome outcome)
{
    switch (outcome) {
    case EXEC_BATCH_OK:
        return "";
    case EXEC_BATCH_INVALID_RLP:
        return "invalidRLP";
    case EXEC_BATCH_OOC_KECCAK:
        return "OOCK";
    case EXEC_BATCH_OOC_POSEIDON:
        return "OOCPO";
    case EXEC_BATCH_OOC_PADDING:
        return "OOCPA";
    case EXEC_BATCH_OOC_STEPS:
        return "OOCS";
    case EXEC_BATCH_OOC_ARITH:
        return "OOCA";
    }
    return "unknown outcome";
}

const char *exec_fault_text(exec_fault fault)
{
    switch (fault) {
    case EXEC_FAULT_NONE:
        return "no fault";
    case EXEC_FAULT_OOC_KECCAK:
        return "out of counters: Keccak blocks";
    case EXEC_FAULT_OOC_POSEIDON:
        return "out of counters: Poseidon permutations";
    case EXEC_FAULT_OOC_PADDING:
        return "out of counters: bytecode blocks";
    case EXEC_FAULT_OOC_STEPS:
        return "out of counters: steps";
    case EXEC_FAULT_OOC_ARITH:
        return "out of counters: arithmetic operations";
    case EXEC_FAULT_MISSING_NODE:
        return "a tree node that the batch needs is neither in the request nor in the store";
    case EXEC_FAULT_MISSING_CODE:
        return "a bytecode that the batch needs is neither in the request nor in the store, or has "
               "another length than the state says";
    case EXEC_FAULT_BAD_NODE:
        return "a tree node is no legal node of the state tree";
    case EXEC_FAULT_STOPPED:
        return "stopped on request";
    case EXEC_FAULT_MEMORY:
        return "the memory of the run is full";
    case EXEC_FAULT_STORE:
        return "the node store failed";
    case EXEC_FAULT_ARGUMENT:
        return "the fork is not supported, or the batch data is 2^24 bytes or more";
    }
    return "unknown fault";
}
