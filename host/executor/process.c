#include "host/executor/process.h"

#include <string.h>

#include "host/executor/bytes.h"
#include "host/executor/ecrecover.h"
#include "host/executor/evm.h"
#include "host/executor/u256.h"

const exec_address batch_exit_root_manager = {{0xa4, 0x0d, 0x5f, 0x56, 0x74, 0x5a, 0x11,
                                               0x8d, 0x09, 0x06, 0xa3, 0x4e, 0x69, 0xae,
                                               0xc8, 0xc0, 0xdb, 0x1c, 0xb8, 0xfa}};
const exec_address batch_system_account = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x5c, 0xa1, 0xab, 0x1e}};

/** Mapping of transaction numbers to state roots in the system account. */
#define STATE_ROOT_POSITION 1

/** A transaction on its way: what its steps hand to each other. */
typedef struct running_tx {
    exec_context *x;
    const exec_tx *tx;
    exec_address from;
    bool has_from;
    u256 price;   /**< effective */
    u256 prepaid; /**< gas limit * price */
    u256 balance; /**< of the sender, before the prologue takes the prepaid gas */
    uint64_t intrinsic_gas;
    exec_address create_address;
    u256 block_number;
    evm_outcome outcome;
    uint64_t gas_left, gas_refunded; /**< gas_left after the refund */
    u256 block_hash;
} running_tx;

void batch_mapping_slot(exec_context *x, const u256 *key, uint64_t position, u256 *slot)
{
    uint8_t preimage[64], digest[32];
    u256 p = u256_from_u64(position);
    bytes_store_u256(preimage, key);
    bytes_store_u256(preimage + 32, &p);
    x->host->keccak(digest, preimage, sizeof preimage);
    counters_add_keccak(&x->counters, sizeof preimage);
    *slot = bytes_load_u256(digest);
}

/** *out = price * gas; returns whether 2^256 was passed. */
static bool fee(u256 *out, const u256 *price, uint64_t gas)
{
    u256 g = u256_from_u64(gas);
    uint64_t p[8];
    u256_mul_wide(p, price, &g);
    *out = (u256){{p[0], p[1], p[2], p[3]}};
    return (p[4] | p[5] | p[6] | p[7]) != 0;
}

/** Checks that need no write: signature, code of the sender, chain id, nonce. EXEC_OK leaves the
 * nonce increased. */
static exec_fault check_sender(running_tx *t, exec_error *error)
{
    exec_context *x = t->x;
    const exec_tx *tx = t->tx;
    uint8_t hash[32];
    EXEC_TRY(counters_need_steps(&x->counters, COUNTERS_TX_STEPS));
    x->host->keccak(hash, tx->signed_list, tx->signed_list_len);
    u256 v = u256_from_u64(tx->v), r = bytes_u256_of_hash(&tx->r), s = bytes_u256_of_hash(&tx->s);
    EXEC_TRY(exec_ecrecover(x, hash, &v, &r, &s, true, &t->has_from, &t->from));
    *error = EXEC_INTRINSIC_SIGNATURE;
    if (!t->has_from)
        return EXEC_FAULT_NONE;

    u256 value;
    EXEC_TRY(world_code_length(x->world, &t->from, &value));
    *error = EXEC_INTRINSIC_SENDER_CODE;
    if (!u256_is_zero(&value))
        return EXEC_FAULT_NONE;

    *error = EXEC_INTRINSIC_CHAIN_ID;
    if (tx->has_chain_id && tx->chain_id != x->chain_id)
        return EXEC_FAULT_NONE;

    bool was_cold;
    EXEC_TRY(counters_need_poseidon(&x->counters, 2, 0));
    EXEC_TRY(world_touch_address(x->world, &t->from, &was_cold));

    EXEC_TRY(world_nonce(x->world, &t->from, &value));
    *error = EXEC_INTRINSIC_NONCE;
    u256 nonce = u256_from_u64(tx->nonce);
    if (!u256_eq(&value, &nonce))
        return EXEC_FAULT_NONE;
    value = u256_add_u64(&nonce, 1); /* 2^64 is a legal result */
    EXEC_TRY(world_set_nonce(x->world, &t->from, &value));
    *error = EXEC_OK;
    return EXEC_FAULT_NONE;
}

/** Checks of gas and balance; EXEC_OK leaves the gas paid for in advance. */
static exec_fault check_gas(running_tx *t, exec_error *error)
{
    exec_context *x = t->x;
    const exec_tx *tx = t->tx;
    *error = EXEC_INTRINSIC_BATCH_GAS_LIMIT;
    if (tx->gas_limit > x->block_gas_limit)
        return EXEC_FAULT_NONE;
    *error = EXEC_INTRINSIC_GAS_LIMIT;
    t->intrinsic_gas = exec_tx_intrinsic_gas(tx);
    if (tx->gas_limit < t->intrinsic_gas)
        return EXEC_FAULT_NONE;
    *error = EXEC_INTRINSIC_GAS_OVERFLOW;
    if (fee(&t->prepaid, &t->price, tx->gas_limit))
        return EXEC_FAULT_NONE;

    EXEC_TRY(world_balance(x->world, &t->from, &t->balance));
    *error = EXEC_INTRINSIC_BALANCE;
    u256 cost;
    if (u256_add_carry(&cost, &t->prepaid, &tx->value) || u256_lt(&t->balance, &cost))
        return EXEC_FAULT_NONE;
    u256 rest = u256_sub(&t->balance, &t->prepaid);
    EXEC_TRY(world_set_balance(x->world, &t->from, &rest));
    *error = EXEC_OK;
    return EXEC_FAULT_NONE;
}

static exec_fault run_message(running_tx *t)
{
    exec_context *x = t->x;
    const exec_tx *tx = t->tx;
    evm_tx_env env = {.origin = t->from, .gas_price = t->price, .block_number = t->block_number};
    evm_message m = {
        .is_create = tx->is_create,
        .from = t->from,
        .to = tx->to,
        .value = tx->value,
        .gas = tx->gas_limit - t->intrinsic_gas,
        .data = tx->data,
        .data_len = tx->data_len,
    };
    if (tx->is_create) {
        EXEC_TRY(counters_need_keccak(&x->counters, 1));
        exec_create_address(&t->create_address, &t->from, tx->nonce, x->host->keccak);
        x->counters.keccak_f++; /* at most 31 bytes */
        m.to = t->create_address;
    }
    return evm_run(x, &env, &m, &t->outcome);
}

/** An exceptional halt of the outermost frame: all gas is gone, nothing
 * comes back to the sender. */
static bool is_halt(exec_error error)
{
    return error != EXEC_OK && error != EXEC_REVERT;
}

static exec_fault add_balance(exec_context *x, const exec_address *a, const u256 *amount)
{
    u256 balance;
    EXEC_TRY(world_balance(x->world, a, &balance));
    balance = u256_add(&balance, amount);
    return world_set_balance(x->world, a, &balance);
}

/** The gas left with the refund, at most half of what was used. A negative counter (fork 4) is
 * taken from the gas that is left; the reference proves nothing where there is not enough, so
 * nothing is left then. */
static uint64_t after_refund(const running_tx *t)
{
    uint64_t left = t->outcome.gas_left, cap = (t->tx->gas_limit - left) / 2;
    if (t->outcome.refund >= 0)
        return left + ((uint64_t)t->outcome.refund < cap ? (uint64_t)t->outcome.refund : cap);
    uint64_t debt = (uint64_t)-t->outcome.refund;
    return left > debt ? left - debt : 0;
}

/** Returns what is left to the sender and pays the sequencer: two separate changes, so that they
 * may be the same account. */
static exec_fault settle_gas(running_tx *t)
{
    exec_context *x = t->x;
    u256 amount;
    t->gas_left = 0;
    t->gas_refunded = 0;
    if (!is_halt(t->outcome.error)) {
        EXEC_TRY(counters_need_poseidon(&x->counters, 4, 0));
        t->gas_left = after_refund(t);
        t->gas_refunded = t->gas_left > t->outcome.gas_left ? t->gas_left - t->outcome.gas_left : 0;
        /* neither product can pass 2^256: the gas limit's did not */
        (void)fee(&amount, &t->price, t->gas_left);
        EXEC_TRY(add_balance(x, &t->from, &amount));
    }
    (void)fee(&amount, &t->price, t->tx->gas_limit - t->gas_left);
    return add_balance(x, &x->coinbase, &amount);
}

/** The transaction becomes a block: counts it and stores the root under its number. */
static exec_fault close_block(running_tx *t, batch_progress *progress)
{
    exec_context *x = t->x;
    EXEC_TRY(counters_need_keccak(&x->counters, 1));
    EXEC_TRY(counters_need_poseidon(&x->counters, 2, 0));
    u256 slot = u256_zero();
    progress->tx_count = t->block_number;
    EXEC_TRY(world_set_storage(x->world, &batch_system_account, &slot, &progress->tx_count));
    EXEC_TRY(world_root(x->world, &t->block_hash));
    batch_mapping_slot(x, &progress->tx_count, STATE_ROOT_POSITION, &slot);
    return world_set_storage(x->world, &batch_system_account, &slot, &t->block_hash);
}

static exec_fault report(const running_tx *t, exec_error error, const batch_progress *progress)
{
    exec_context *x = t->x;
    const exec_tx *tx = t->tx;
    bool unexecuted = exec_error_is_unexecuted(error);
    exec_tx_result r = {
        .index = progress->index,
        .error = error,
        .has_from = t->has_from,
        .from = t->from,
        .is_create = tx->is_create,
        .to = tx->to,
        .nonce = u256_from_u64(tx->nonce),
        .gas_price = tx->gas_price,
        .value = tx->value,
        .gas_limit = tx->gas_limit,
        .data = tx->data,
        .data_len = tx->data_len,
        .has_chain_id = tx->has_chain_id,
        .chain_id = tx->chain_id,
        .effective_percentage = tx->effective_percentage,
        .effective_gas_price = t->price,
        .v = tx->v,
        .r = tx->r,
        .s = tx->s,
        .gas_used = unexecuted ? 0 : tx->gas_limit - t->gas_left,
        .gas_left = unexecuted ? tx->gas_limit : t->gas_left,
        .gas_refunded = unexecuted ? 0 : t->gas_refunded,
        .cumulative_gas_used = progress->gas_used,
        .has_create_address = tx->is_create && !unexecuted,
        .create_address = t->create_address,
        .block_number = t->block_number,
        .block_hash = t->block_hash,
        .state_root = progress->state_root,
    };
    if (!unexecuted) {
        r.output = t->outcome.output;
        r.output_len = t->outcome.output_len;
        r.logs = t->outcome.logs;
        r.n_logs = t->outcome.n_logs;
    }
    uint8_t *scratch = exec_arena_alloc(&x->memory->tx, exec_tx_ethereum_size(tx));
    if (scratch == NULL)
        return EXEC_FAULT_MEMORY;
    exec_tx_hash(tx, scratch, x->host->keccak, &r.hash);
    x->observer->tx(x->observer->ctx, &r);
    return EXEC_FAULT_NONE;
}

/** Everything but the memory. */
static exec_fault process(running_tx *t, batch_progress *progress)
{
    exec_context *x = t->x;
    EXEC_TRY(world_begin_tx(x->world));
    size_t before = world_snapshot(x->world);
    exec_effective_gas_price(&t->price, &t->tx->gas_price, t->tx->effective_percentage);
    t->block_number = u256_add_u64(&progress->tx_count, 1);

    exec_error error;
    exec_fault fault = check_sender(t, &error);
    if (progress->senders != NULL)
        progress->senders[progress->index] = (batch_sender){t->from, t->has_from};
    EXEC_TRY(fault);
    if (error == EXEC_OK)
        EXEC_TRY(check_gas(t, &error));
    if (error != EXEC_OK) {
        world_revert(x->world, before);
    } else {
        EXEC_TRY(run_message(t));
        error = t->outcome.error;
        EXEC_TRY(settle_gas(t));
        EXEC_TRY(close_block(t, progress));
        progress->n_processed++;
        progress->gas_used += t->tx->gas_limit - t->gas_left;
    }
    if (x->observer->tx == NULL)
        return EXEC_FAULT_NONE;
    if (!exec_error_is_intrinsic(error))
        EXEC_TRY(world_root(x->world, &progress->state_root));
    return report(t, error, progress);
}

exec_fault batch_process_tx(exec_context *x, const exec_tx *tx, batch_progress *progress)
{
    size_t mark = exec_arena_mark(&x->memory->tx);
    running_tx t;
    memset(&t, 0, sizeof t);
    t.x = x;
    t.tx = tx;
    exec_fault fault = process(&t, progress);
    progress->index++;
    exec_arena_release(&x->memory->tx, mark);
    return fault;
}

exec_fault batch_report_undone(exec_context *x, const exec_tx *tx, exec_error error,
                               batch_progress *progress)
{
    size_t mark = exec_arena_mark(&x->memory->tx);
    running_tx t;
    memset(&t, 0, sizeof t);
    t.x = x;
    t.tx = tx;
    if (progress->senders != NULL) {
        t.has_from = progress->senders[progress->index].known;
        t.from = progress->senders[progress->index].address;
    }
    exec_effective_gas_price(&t.price, &tx->gas_price, tx->effective_percentage);
    exec_fault fault = report(&t, error, progress);
    progress->index++;
    exec_arena_release(&x->memory->tx, mark);
    return fault;
}
