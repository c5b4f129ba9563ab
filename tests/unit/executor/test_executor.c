/* Whole batches on small made-up states: checks of a transaction and their order, fees, the system
 * account, exit roots, what is undone, and the faults of a run. */
#include "tests/unit/executor/batch_fixture.h"

/* ---- tests ---- */

static void an_empty_batch_writes_the_exit_root(void **state)
{
    fixture *f = *state;
    usual_state(f);
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OK);
    assert_int_equal(f->result.new_batch_num, 42);
    assert_int_equal(f->result.n_txs + f->result.n_processed + f->n_seen, 0);
    assert_int_equal(f->n_changes, 1);
    assert_int_equal(f->result.counters.keccak_f, 3); /* slot, data, accumulated hash */
    assert_int_equal(f->result.counters.ecrecover, 0);
    uint8_t acc[124], digest[32];
    keccak_256(digest, NULL, 0);
    assert_memory_equal(f->result.batch_hash_data.bytes, digest, 32);
    memset(acc, 0xac, 32);
    memcpy(acc + 32, digest, 32);
    memset(acc + 64, 0x6e, 32);
    memset(acc + 96, 0, 8);
    for (int i = 0; i < 4; i++)
        acc[100 + i] = (uint8_t)((uint64_t)TIMESTAMP >> (24 - 8 * i));
    memset(acc + 104, 0x5e, 20);
    keccak_256(digest, acc, 124);
    assert_memory_equal(f->result.new_acc_input_hash.bytes, digest, 32);

    world *w = open_world(f, &f->result.new_state_root);
    u256 root = bytes_u256_of_hash(&f->batch.global_exit_root), slot = mapping_slot(&root, 0);
    u256 v = storage_at(w, &batch_exit_root_manager, &slot);
    check_number(&v, TIMESTAMP);
}

static void the_exit_root_is_tested_by_its_low_32_bits(void **state)
{
    fixture *f = *state;
    static const struct {
        uint64_t old;
        bool written;
    } rows[] = {{1, false},
                {UINT32_MAX, false},
                {UINT64_C(1) << 32, true},
                {UINT64_C(1) << 63, true},
                {(UINT64_C(1) << 32) + 1, false}};
    u256 root = bytes_u256_of_hash(&f->batch.global_exit_root), slot = mapping_slot(&root, 0);
    for (size_t i = 0; i < ALL(rows); i++) {
        u256 old = number(rows[i].old);
        make_state(f, NULL, 0, &batch_exit_root_manager, &slot, &old);
        run_ok(f);
        u256 new_root = f->result.new_state_root;
        assert_int_equal(u256_eq(&new_root, &f->batch.old_state_root), !rows[i].written);
        world *w = open_world(f, &new_root);
        u256 v = storage_at(w, &batch_exit_root_manager, &slot);
        check_number(&v, rows[i].written ? TIMESTAMP : rows[i].old);
    }
    /* no exit root: nothing is written, and no slot is hashed */
    memset(f->batch.global_exit_root.bytes, 0, 32);
    run_ok(f);
    assert_true(u256_eq(&f->result.new_state_root, &f->batch.old_state_root));
    assert_int_equal(f->result.counters.keccak_f, 2);
    assert_int_equal(f->n_changes, 0);
}

static void the_local_exit_root_is_read(void **state)
{
    fixture *f = *state;
    u256 slot = number(1), value = {{1, 2, 3, 4}};
    make_state(f, NULL, 0, &batch_exit_root_manager, &slot, &value);
    run_ok(f);
    uint8_t want[32];
    bytes_store_u256(want, &value);
    assert_memory_equal(f->result.new_local_exit_root.bytes, want, 32);
}

static void a_transfer(void **state)
{
    fixture *f = *state;
    for (uint32_t fork = 4; fork <= 6; fork++) {
        f->batch.fork_id = fork;
        usual_state(f);
        exec_tx tx = usual_tx();
        tx.effective_percentage = 127;
        run_one(f, &tx);
        /* fork 4 has no percentage */
        uint64_t price = fork == 4 ? PRICE : PRICE / 2, fee = 21000 * price;
        const exec_tx_result *r = &f->seen[0].r;
        assert_int_equal(r->error, EXEC_OK);
        assert_true(r->has_from);
        assert_memory_equal(r->from.bytes, f->sender.bytes, 20);
        assert_int_equal(r->gas_used, 21000);
        assert_int_equal(r->gas_left, 79000);
        assert_int_equal(r->gas_refunded, 0);
        assert_int_equal(r->cumulative_gas_used, 21000);
        assert_int_equal(f->result.gas_used, 21000);
        assert_int_equal(r->effective_percentage, fork == 4 ? 255 : 127);
        check_number(&r->effective_gas_price, price);
        check_number(&r->gas_price, PRICE);
        check_number(&r->block_number, 1);
        assert_false(r->has_create_address);
        assert_true(u256_eq(&r->state_root, &f->result.new_state_root));
        assert_false(u256_eq(&r->block_hash, &r->state_root));
        uint8_t scratch[300];
        exec_hash hash;
        exec_tx_hash(&tx, scratch, keccak_256, &hash);
        assert_memory_equal(r->hash.bytes, hash.bytes, 32);
        assert_int_equal(f->result.n_processed, 1);
        assert_int_equal(f->result.counters.ecrecover, 1);
        /* slot, list, address, block, data, accumulated hash */
        assert_int_equal(f->result.counters.keccak_f, 6);
        /* sender 2, to, sequencer, count, block, exit root */
        assert_int_equal(f->n_changes, 7);

        u256 block_hash = r->block_hash, v, one = number(1), zero = number(0);
        world *w = open_world(f, &f->result.new_state_root);
        assert_int_equal(world_balance(w, &f->sender, &v), 0);
        u256 all = ether(), spent = number(fee + 5), want = u256_sub(&all, &spent);
        assert_true(u256_eq(&v, &want));
        assert_int_equal(world_nonce(w, &f->sender, &v), 0);
        check_number(&v, 4);
        assert_int_equal(world_balance(w, &tx.to, &v), 0);
        check_number(&v, 5);
        assert_int_equal(world_balance(w, &f->batch.sequencer, &v), 0);
        check_number(&v, fee);
        v = storage_at(w, &batch_system_account, &zero);
        check_number(&v, 1);
        u256 slot = mapping_slot(&one, 1);
        v = storage_at(w, &batch_system_account, &slot);
        assert_true(u256_eq(&v, &block_hash));
    }
}

static void the_observer_changes_nothing(void **state)
{
    fixture *f = *state;
    usual_state(f);
    exec_tx tx = usual_tx();
    clear_data(f);
    add_tx(f, &tx);
    tx.nonce = 9; /* skipped */
    add_tx(f, &tx);
    run_ok(f);
    exec_result with = f->result;
    f->observer.tx = NULL;
    f->observer.node = NULL;
    run_ok(f);
    assert_true(u256_eq(&with.new_state_root, &f->result.new_state_root));
    assert_memory_equal(&with.counters, &f->result.counters, sizeof with.counters);
    assert_int_equal(f->n_seen, 0);
}

/* Rows break the usual transaction in one way, or in that way and a later one. */
static void break_signature_v(exec_tx *tx)
{
    tx->v = 29;
}
static void break_signature_r0(exec_tx *tx)
{
    tx->r.bytes[31] = 0;
}
static void break_signature_point(exec_tx *tx)
{
    tx->r.bytes[31] = R_OFF_CURVE;
}
static void break_signature_infinity(exec_tx *tx)
{
    tx->r.bytes[31] = R_INFINITY;
}
static void break_sender_code(exec_tx *tx)
{
    tx->r.bytes[31] = 9; /* an account with code */
}
static void break_chain_id(exec_tx *tx)
{
    tx->chain_id++;
}
static void break_chain_id_zero(exec_tx *tx)
{
    tx->chain_id = 0;
}
static void break_nonce_low(exec_tx *tx)
{
    tx->nonce--;
}
static void break_nonce_high(exec_tx *tx)
{
    tx->nonce++;
}
static void break_batch_gas(exec_tx *tx)
{
    tx->gas_limit = 30000001;
}
static void break_gas_limit(exec_tx *tx)
{
    tx->gas_limit = 20999;
}
static void break_gas_limit_create(exec_tx *tx)
{
    tx->is_create = true;
    tx->gas_limit = 52999;
}
static void break_overflow(exec_tx *tx)
{
    tx->gas_price = (u256){{0, 0, 0, UINT64_C(1) << 60}};
}
static void break_balance_fee(exec_tx *tx)
{
    tx->gas_price = number(UINT64_C(10000000000001)); /* 10^13 * 10^5 gas is all there is */
    tx->value = number(0);
}
static void break_balance_value(exec_tx *tx)
{
    u256 all = ether(), f = number((uint64_t)PRICE * 100000 - 1);
    tx->value = u256_sub(&all, &f);
}
static void break_balance_overflow(exec_tx *tx)
{
    tx->value = (u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
}

static const struct {
    void (*apply)(exec_tx *tx);
    exec_error error;
} breaks[] = {
    {break_signature_v, EXEC_INTRINSIC_SIGNATURE},
    {break_signature_r0, EXEC_INTRINSIC_SIGNATURE},
    {break_signature_point, EXEC_INTRINSIC_SIGNATURE},
    {break_signature_infinity, EXEC_INTRINSIC_SIGNATURE},
    {break_sender_code, EXEC_INTRINSIC_SENDER_CODE},
    {break_chain_id, EXEC_INTRINSIC_CHAIN_ID},
    {break_chain_id_zero, EXEC_INTRINSIC_CHAIN_ID},
    {break_nonce_low, EXEC_INTRINSIC_NONCE},
    {break_nonce_high, EXEC_INTRINSIC_NONCE},
    {break_batch_gas, EXEC_INTRINSIC_BATCH_GAS_LIMIT},
    {break_gas_limit, EXEC_INTRINSIC_GAS_LIMIT},
    {break_gas_limit_create, EXEC_INTRINSIC_GAS_LIMIT},
    {break_overflow, EXEC_INTRINSIC_GAS_OVERFLOW},
    {break_balance_fee, EXEC_INTRINSIC_BALANCE},
    {break_balance_value, EXEC_INTRINSIC_BALANCE},
    {break_balance_overflow, EXEC_INTRINSIC_BALANCE},
};

static void each_check_and_their_order(void **state)
{
    fixture *f = *state;
    account a[] = {
        {.address = f->sender, .balance = ether(), .nonce = number(3)},
        {.address = address_of(9, false), .balance = ether(), .nonce = number(3), .has_code = true},
    };
    make_state(f, a, 2, NULL, NULL, NULL);
    clear_data(f);
    run_ok(f);
    u256 untouched = f->result.new_state_root;
    uint64_t last_cost[EXEC_INTRINSIC_BALANCE + 1] = {0};
    for (size_t i = 0; i < ALL(breaks); i++) {
        for (size_t k = i; k < ALL(breaks); k++) {
            if (breaks[k].error == breaks[i].error && k != i)
                continue; /* two of a kind could hide each other */
            exec_tx tx = usual_tx();
            breaks[k].apply(&tx);
            breaks[i].apply(&tx); /* the earlier check decides, whatever the later one says */
            run_one(f, &tx);
            const exec_tx_result *r = &f->seen[0].r;
            if (r->error != breaks[i].error)
                fail_msg("row %zu with %zu: %s, expected %s", i, k, exec_error_text(r->error),
                         exec_error_text(breaks[i].error));
            assert_int_equal(r->has_from, r->error != EXEC_INTRINSIC_SIGNATURE);
            assert_int_equal(r->gas_used, 0);
            assert_int_equal(r->gas_left, tx.gas_limit);
            assert_int_equal(f->result.n_processed, 0);
            assert_int_equal(f->result.gas_used, 0);
            assert_true(u256_eq(&f->result.new_state_root, &untouched));
            assert_true(u256_eq(&r->state_root, &untouched));
            assert_int_equal(f->result.counters.ecrecover, 1);
            /* slot, list, perhaps the address, data, accumulated hash; no block */
            uint64_t list = (f->data_len - 66) / 136 + 1, whole = f->data_len / 136 + 1;
            assert_int_equal(f->result.counters.keccak_f, 1 + list + r->has_from + whole + 1);
            last_cost[r->error] = f->result.counters.poseidon_g;
        }
    }
    /* what is counted ends at the failing check: code length, touch, nonce r w, balance r */
    assert_true(last_cost[EXEC_INTRINSIC_SIGNATURE] < last_cost[EXEC_INTRINSIC_CHAIN_ID]);
    assert_true(last_cost[EXEC_INTRINSIC_CHAIN_ID] < last_cost[EXEC_INTRINSIC_NONCE]);
    assert_true(last_cost[EXEC_INTRINSIC_NONCE] < last_cost[EXEC_INTRINSIC_BATCH_GAS_LIMIT]);
    assert_true(last_cost[EXEC_INTRINSIC_BATCH_GAS_LIMIT] == last_cost[EXEC_INTRINSIC_GAS_LIMIT]);
    assert_true(last_cost[EXEC_INTRINSIC_GAS_LIMIT] == last_cost[EXEC_INTRINSIC_GAS_OVERFLOW]);
    assert_true(last_cost[EXEC_INTRINSIC_GAS_OVERFLOW] < last_cost[EXEC_INTRINSIC_BALANCE]);
}

static void the_limits_themselves_are_legal(void **state)
{
    fixture *f = *state;
    usual_state(f);
    exec_tx tx = usual_tx();
    tx.gas_limit = 21000;
    tx.gas_price = number(0);
    tx.value = ether();
    run_one(f, &tx);
    assert_int_equal(f->seen[0].r.error, EXEC_OK);
    tx.value = number(0);
    tx.gas_limit = 30000000;
    run_one(f, &tx);
    assert_int_equal(f->seen[0].r.error, EXEC_OK);
    tx.has_chain_id = false; /* any chain */
    tx.chain_id = 0;
    run_one(f, &tx);
    assert_int_equal(f->seen[0].r.error, EXEC_OK);
    assert_false(f->seen[0].r.has_chain_id);
    f->batch.block_gas_limit = 40000000;
    tx.gas_limit = 40000000;
    run_one(f, &tx);
    assert_int_equal(f->seen[0].r.error, EXEC_OK);

    /* the largest nonce is accepted and becomes 2^64 */
    account a = {.address = f->sender, .balance = ether(), .nonce = number(UINT64_MAX)};
    make_state(f, &a, 1, NULL, NULL, NULL);
    tx = usual_tx();
    tx.nonce = UINT64_MAX;
    run_one(f, &tx);
    assert_int_equal(f->seen[0].r.error, EXEC_OK);
    world *w = open_world(f, &f->result.new_state_root);
    u256 v, want = {{0, 1, 0, 0}};
    assert_int_equal(world_nonce(w, &f->sender, &v), 0);
    assert_true(u256_eq(&v, &want));
}

static void infinity_is_a_signer_up_to_fork_5(void **state)
{
    fixture *f = *state;
    uint8_t zeros[64] = {0}, digest[32];
    exec_address nobody;
    keccak_256(digest, zeros, 64);
    memcpy(nobody.bytes, digest + 12, 20);
    assert_int_equal(nobody.bytes[0], 0x3f);
    assert_int_equal(nobody.bytes[19], 0xb5);
    for (uint32_t fork = 4; fork <= 6; fork++) {
        f->batch.fork_id = fork;
        account a = {.address = nobody, .balance = ether(), .nonce = number(3)};
        make_state(f, &a, 1, NULL, NULL, NULL);
        exec_tx tx = usual_tx();
        break_signature_infinity(&tx);
        run_one(f, &tx);
        assert_int_equal(f->seen[0].r.error, fork == 6 ? EXEC_INTRINSIC_SIGNATURE : EXEC_OK);
        assert_int_equal(f->result.counters.keccak_f, fork == 6 ? 4 : 6);
    }
}

static void the_sequencer_may_be_the_sender(void **state)
{
    fixture *f = *state;
    f->batch.sequencer = f->sender;
    usual_state(f);
    exec_tx tx = usual_tx();
    run_one(f, &tx);
    assert_int_equal(f->seen[0].r.error, EXEC_OK);
    world *w = open_world(f, &f->result.new_state_root);
    u256 v, all = ether(), five = number(5), want = u256_sub(&all, &five);
    assert_int_equal(world_balance(w, &f->sender, &v), 0);
    assert_true(u256_eq(&v, &want));
}

static void failures_of_the_frame(void **state)
{
    fixture *f = *state;
    static const uint8_t bad_opcode[] = {0xfe};
    static const uint8_t revert_code[] = {0x60, 0xaa, 0x60, 0x00, 0x53,
                                          0x60, 0x01, 0x60, 0x00, 0xfd}; /* one byte 0xaa */
    static const uint8_t empty_code[] = {0x00};
    usual_state(f);
    exec_tx tx = usual_tx();
    tx.is_create = true;
    memset(&tx.to, 0, sizeof tx.to);
    exec_address made;
    exec_create_address(&made, &f->sender, 3, keccak_256);

    tx.data = bad_opcode;
    tx.data_len = sizeof bad_opcode;
    run_one(f, &tx);
    const exec_tx_result *r = &f->seen[0].r;
    assert_int_equal(r->error, EXEC_INVALID_OPCODE);
    assert_int_equal(r->gas_used, 100000);
    assert_int_equal(r->gas_left, 0);
    assert_int_equal(f->result.n_processed, 1);
    assert_true(r->has_create_address);
    assert_memory_equal(r->create_address.bytes, made.bytes, 20);
    /* the address of the new contract is one more hash */
    assert_int_equal(f->result.counters.keccak_f, 7);

    tx.data = revert_code;
    tx.data_len = sizeof revert_code;
    run_one(f, &tx);
    assert_int_equal(r->error, EXEC_REVERT);
    /* 53000, two zero bytes of data, eight others, 3 * 5 + 3 for the code and its memory */
    assert_int_equal(r->gas_used, 53000 + 2 * 4 + 8 * 16 + 3 * 5 + 3);
    assert_int_equal(r->gas_used + r->gas_left, 100000);
    assert_int_equal(r->output_len, 1);
    assert_int_equal(f->seen[0].output[0], 0xaa);
    u256 root = f->result.new_state_root;
    world *w = open_world(f, &root);
    u256 v;
    assert_int_equal(world_nonce(w, &f->sender, &v), 0);
    check_number(&v, 4); /* stays */
    assert_int_equal(world_balance(w, &made, &v), 0);
    check_number(&v, 0); /* undone */
    assert_int_equal(world_nonce(w, &made, &v), 0);
    check_number(&v, 0);

    tx.data = empty_code;
    tx.data_len = sizeof empty_code;
    run_one(f, &tx);
    assert_int_equal(r->error, EXEC_OK);
    assert_int_equal(r->gas_used, 53004);
    w = open_world(f, &f->result.new_state_root);
    assert_int_equal(world_nonce(w, &made, &v), 0);
    check_number(&v, 1);
    assert_int_equal(world_balance(w, &made, &v), 0);
    check_number(&v, 5);

    /* a precompile that is not there: all gas but the intrinsic comes back, no value moves */
    tx = usual_tx();
    memset(&tx.to, 0, sizeof tx.to);
    tx.to.bytes[19] = 2;
    run_one(f, &tx);
    assert_int_equal(r->error, EXEC_REVERT);
    assert_int_equal(r->gas_used, 21000);
    w = open_world(f, &f->result.new_state_root);
    assert_int_equal(world_balance(w, &tx.to, &v), 0);
    check_number(&v, 0);
}

/* Sets storage and clears it again: a refund, capped at half of what was used. */
static void refunds_are_capped(void **state)
{
    fixture *f = *state;
    /* SSTORE(0, 1); SSTORE(0, 0): 20000 - 19900 refunded; original 0 */
    static const uint8_t code[] = {0x60, 1, 0x60, 0, 0x55, 0x60, 0, 0x60, 0, 0x55};
    usual_state(f);
    exec_tx tx = usual_tx();
    tx.is_create = true;
    tx.data = code;
    tx.data_len = sizeof code;
    run_one(f, &tx);
    const exec_tx_result *r = &f->seen[0].r;
    assert_int_equal(r->error, EXEC_OK);
    /* four zero bytes of data... the operands 0, 0, 0 are three */
    uint64_t used = 53000 + 3 * 4 + 7 * 16 + 4 * 3 + 22100 + 100;
    assert_int_equal(r->gas_refunded, 19900);
    assert_int_equal(r->gas_used, used - 19900);

    /* the transaction that clears a slot of an old contract can get at most half back: 16 slots of
     * a fresh contract, set and cleared, refund 16 * 19900 of 53000 + 16 * 22200 + ... */
    uint8_t many[16 * 10];
    for (unsigned i = 0; i < 16; i++) {
        memcpy(many + 10 * i, code, 10);
        many[10 * i + 3] = many[10 * i + 8] = (uint8_t)i;
    }
    tx.data = many;
    tx.data_len = sizeof many;
    tx.gas_limit = 1000000;
    run_one(f, &tx);
    assert_int_equal(r->error, EXEC_OK);
    uint64_t zero_bytes = 16 + 2,
             gas = 53000 + zero_bytes * 4 + (160 - zero_bytes) * 16 + 16 * (4 * 3 + 22100 + 100);
    assert_true(16 * 19900 > gas / 2);
    assert_int_equal(r->gas_refunded, gas / 2);
    assert_int_equal(r->gas_used, gas - gas / 2);
}

static void blocks_are_counted(void **state)
{
    fixture *f = *state;
    u256 slot = number(0), count = {{UINT64_MAX, 0, 0, 0}};
    account a = {.address = f->sender, .balance = ether(), .nonce = number(3)};
    make_state(f, &a, 1, &batch_system_account, &slot, &count);
    exec_tx tx = usual_tx();
    clear_data(f);
    add_tx(f, &tx);
    tx.nonce = 77; /* skipped: no block */
    add_tx(f, &tx);
    tx.nonce = 4;
    add_tx(f, &tx);
    run_ok(f);
    assert_int_equal(f->result.n_txs, 3);
    assert_int_equal(f->result.n_processed, 2);
    u256 first = {{0, 1, 0, 0}}, second = {{1, 1, 0, 0}};
    assert_true(u256_eq(&f->seen[0].r.block_number, &first));
    assert_true(u256_eq(&f->seen[2].r.block_number, &second));
    assert_int_equal(f->seen[1].r.error, EXEC_INTRINSIC_NONCE);
    assert_true(u256_eq(&f->seen[1].r.state_root, &f->seen[0].r.state_root));
    assert_int_equal(f->seen[1].r.cumulative_gas_used, 21000);
    assert_int_equal(f->seen[2].r.cumulative_gas_used, 42000);
    assert_int_equal(f->seen[2].r.index, 2);
    world *w = open_world(f, &f->result.new_state_root);
    u256 v = storage_at(w, &batch_system_account, &slot);
    assert_true(u256_eq(&v, &second));
    slot = mapping_slot(&first, 1);
    v = storage_at(w, &batch_system_account, &slot);
    assert_true(u256_eq(&v, &f->seen[0].r.block_hash));
}

static void data_that_cannot_be_decoded_executes_nothing(void **state)
{
    fixture *f = *state;
    usual_state(f);
    clear_data(f);
    run_ok(f);
    u256 after_exit_root = f->result.new_state_root;
    exec_tx tx = usual_tx();
    add_tx(f, &tx);
    size_t good = f->data_len;
    f->data[f->data_len++] = 0x00;
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_INVALID_RLP);
    assert_int_equal(f->result.invalid_offset, good);
    assert_non_null(f->result.invalid_reason);
    assert_int_equal(f->result.n_txs + f->n_seen + f->result.n_processed, 0);
    assert_true(u256_eq(&f->result.new_state_root, &after_exit_root));
    assert_int_equal(f->result.counters.ecrecover, 0);
    assert_int_equal(f->result.counters.keccak_f, 4); /* slot, one list, data, accumulated hash */
    uint8_t digest[32];
    keccak_256(digest, f->data, f->data_len);
    assert_memory_equal(f->result.batch_hash_data.bytes, digest, 32);
}

static void out_of_counters_undoes_all_but_the_exit_root(void **state)
{
    fixture *f = *state;
    f->observer.node = NULL;
    u256 ler_slot = number(1), ler = number(0x1e4);
    account a = {.address = f->sender, .balance = ether(), .nonce = number(3)};
    f->observer.node = on_node;
    make_state(f, &a, 1, &batch_exit_root_manager, &ler_slot, &ler);
    clear_data(f);
    run_ok(f);
    u256 after_exit_root = f->result.new_state_root;
    f->observer.node = NULL; /* the nodes made by the run are in no store */

    /* three blocks each, and a part of the batch's own hash */
    exec_tx tx = usual_tx();
    for (unsigned i = 0; i < 700; i++, tx.nonce++)
        add_tx(f, &tx);
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OK);
    assert_int_equal(f->result.n_processed, 700);
    assert_false(u256_eq(&f->result.new_state_root, &after_exit_root));

    f->batch.enforce_counters = true;
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OOC_KECCAK);
    assert_true(u256_eq(&f->result.new_state_root, &after_exit_root));
    assert_int_equal(f->result.n_txs, 700);
    assert_int_equal(f->result.n_processed, 0);
    assert_int_equal(f->result.gas_used, 0);
    assert_int_equal(f->n_changes, 1); /* the exit root */
    assert_int_equal(f->result.new_local_exit_root.bytes[30], 0x1);
    assert_int_equal(f->result.new_local_exit_root.bytes[31], 0xe4);
    /* some were done and became void; then all are reported as undone */
    assert_true(f->n_void > 100 && f->n_void < 700);
    assert_int_equal(f->n_seen, 700);
    for (size_t i = 0; i < 700; i++) {
        const exec_tx_result *r = &f->seen[i].r;
        assert_int_equal(r->index, i);
        assert_int_equal(r->error, EXEC_UNDONE_KECCAK);
        assert_string_equal(exec_error_text(r->error), "OOCK");
        assert_int_equal(r->gas_used + r->gas_refunded + r->cumulative_gas_used, 0);
        assert_int_equal(r->gas_left, r->gas_limit);
        assert_int_equal(r->n_logs + r->output_len, 0);
        assert_int_equal(r->nonce.limb[0], 3 + i);
        assert_true(u256_eq(&r->state_root, &after_exit_root));
        /* the one that ran out was begun, and may have got as far as its signature */
        if (i != f->n_void)
            assert_int_equal(r->has_from, i < f->n_void);
        if (r->has_from)
            assert_memory_equal(r->from.bytes, f->sender.bytes, 20);
    }
    assert_memory_not_equal(f->seen[0].r.hash.bytes, f->seen[1].r.hash.bytes, 32);

    /* nobody is told: the same result */
    exec_result told = f->result;
    f->observer.tx = NULL;
    f->n_void = f->n_seen = 0;
    run_ok(f);
    assert_int_equal(f->n_seen + f->n_void, 0);
    assert_memory_equal(&f->result.counters, &told.counters, sizeof told.counters);
    assert_true(u256_eq(&f->result.new_state_root, &told.new_state_root));
    assert_int_equal(f->result.n_txs, 700);
    f->observer.tx = on_tx;
    /* the reserve was kept: all hashes, also those of the end, fit the budget */
    assert_true(f->result.counters.keccak_f <= COUNTERS_KECCAK_F_BUDGET);
    assert_true(f->result.counters.keccak_f > COUNTERS_KECCAK_F_BUDGET - 4);

    /* data whose own hash is too much is refused before it is decoded: beside the reserve, the slot
     * of the exit root and one transaction must fit */
    f->data_len = 136 * 2255 - 2;
    memset(f->data, 0, f->data_len);
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_INVALID_RLP);
    f->data_len++;
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OOC_KECCAK);
    assert_int_equal(f->result.n_txs, 0);
    assert_int_equal(f->n_seen, 0);
    assert_true(u256_eq(&f->result.new_state_root, &after_exit_root));

    /* while decoding: those before it were parsed, but none was begun */
    clear_data(f);
    tx.nonce = 3;
    for (unsigned i = 0; i < 1500; i++)
        add_tx(f, &tx);
    f->n_void = 0;
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OOC_KECCAK);
    assert_true(f->result.n_txs > 700 && f->result.n_txs < 1500);
    assert_int_equal(f->n_void, 0);
    assert_int_equal(f->n_seen, f->result.n_txs);
    for (size_t i = 0; i < f->n_seen; i++) {
        assert_int_equal(f->seen[i].r.error, EXEC_UNDONE_KECCAK);
        assert_false(f->seen[i].r.has_from);
    }
    assert_true(u256_eq(&f->result.new_state_root, &after_exit_root));
}

/* An endless loop takes more steps than a batch has, long before its gas is gone. */
static void an_endless_loop_undoes_the_batch(void **state)
{
    fixture *f = *state;
    static const uint8_t loop[] = {0x5b, 0x60, 0x00, 0x56};
    usual_state(f);
    clear_data(f);
    run_ok(f);
    u256 after_exit_root = f->result.new_state_root;
    exec_tx tx = usual_tx();
    add_tx(f, &tx);
    tx.nonce = 4;
    tx.is_create = true;
    tx.data = loop;
    tx.data_len = sizeof loop;
    tx.gas_limit = 30000000;
    add_tx(f, &tx);
    f->batch.enforce_counters = true;
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OOC_STEPS);
    assert_true(u256_eq(&f->result.new_state_root, &after_exit_root));
    assert_int_equal(f->result.n_processed, 0);
    assert_int_equal(f->seen[f->n_seen - 1].r.error, EXEC_UNDONE_STEPS);
    f->batch.enforce_counters = false;
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OK);
    assert_int_equal(f->result.n_processed, 2);
}

static void faults(void **state)
{
    fixture *f = *state;
    usual_state(f);
    exec_tx tx = usual_tx();
    clear_data(f);
    add_tx(f, &tx);

    f->batch.fork_id = 3;
    assert_int_equal(run(f), EXEC_FAULT_ARGUMENT);
    f->batch.fork_id = 7;
    assert_int_equal(run(f), EXEC_FAULT_ARGUMENT);
    f->batch.fork_id = 6;
    reset_arenas(f, ARENA_BYTES);
    f->batch.l2_data_len = UINT32_C(1) << 24; /* refused before it is looked at */
    assert_int_equal(
        exec_run(&f->host, &f->observer, &f->memory, &f->batch, &f->result, NULL, NULL),
        EXEC_FAULT_ARGUMENT);

    node_db *full = f->db, *none = db_create();
    f->host.ctx = none;
    assert_int_equal(run(f), EXEC_FAULT_MISSING_NODE);
    assert_true(u256_eq(&f->result.missing, &f->batch.old_state_root));
    none->fail = EXEC_FAULT_STORE;
    assert_int_equal(run(f), EXEC_FAULT_STORE);
    f->host.ctx = full;
    db_destroy(none);

    f->observer.poll = on_poll;
    f->polls_until_stop = 0;
    run_ok(f);
    unsigned polls = f->polls;
    assert_true(polls >= 2);
    for (unsigned i = 1; i <= polls; i++) {
        f->polls_until_stop = i;
        assert_int_equal(run(f), EXEC_FAULT_STOPPED);
    }
    f->observer.poll = NULL;

    /* too little memory is a fault at every size, and enough is found in the end */
    bool failed = false, worked = false;
    for (size_t size = 0; size <= (size_t)4 << 20; size += size < 8192 ? 64 : size / 16) {
        f->memory.tree.size = size & ~(size_t)63;
        exec_fault fault = run(f);
        assert_true(fault == EXEC_FAULT_NONE || fault == EXEC_FAULT_MEMORY);
        failed |= fault == EXEC_FAULT_MEMORY;
        worked = fault == EXEC_FAULT_NONE;
    }
    assert_true(failed && worked);
}

static void ranges_of_a_signature(void **state)
{
    fixture *f = *state;
    u256 n = {{0xbfd25e8cd0364141u, 0xbaaedce6af48a03bu, 0xfffffffffffffffeu, UINT64_MAX}};
    u256 one = number(1), zero = number(0), n1 = u256_sub(&n, &one), half = u256_shr(&n, 1),
         above = u256_add(&half, &one), big = {{27, 1, 0, 0}}, v27 = number(27), v28 = number(28),
         v26 = number(26), v29 = number(29), curve = number(R_OFF_CURVE),
         all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    const struct {
        const u256 *v, *r, *s;
        bool ok_any, ok_low;
    } rows[] = {
        {&v27, &one, &one, true, true},     {&v28, &one, &one, true, true},
        {&v26, &one, &one, false, false},   {&v29, &one, &one, false, false},
        {&zero, &one, &one, false, false},  {&big, &one, &one, false, false},
        {&v27, &zero, &one, false, false},  {&v27, &n, &one, false, false},
        {&v27, &n1, &one, true, true},      {&v27, &all, &one, false, false},
        {&v27, &one, &zero, false, false},  {&v27, &one, &n, false, false},
        {&v27, &one, &n1, true, false},     {&v27, &one, &half, true, true},
        {&v27, &one, &above, true, false},  {&v27, &one, &all, false, false},
        {&v27, &curve, &one, false, false},
    };
    uint8_t hash[32] = {1};
    for (size_t i = 0; i < ALL(rows); i++) {
        for (int low = 0; low < 2; low++) {
            exec_context x = {.host = &f->host};
            exec_address a;
            bool ok, want = low ? rows[i].ok_low : rows[i].ok_any;
            assert_int_equal(
                exec_ecrecover(&x, hash, rows[i].v, rows[i].r, rows[i].s, low, &ok, &a),
                EXEC_FAULT_NONE);
            if (ok != want)
                fail_msg("row %zu, low_s %d: %d", i, low, ok);
            assert_int_equal(x.counters.ecrecover, 1);
            assert_int_equal(x.counters.keccak_f, want ? 1 : 0);
        }
    }
    /* the budget is asked first, also for a signature that is out of range */
    exec_context x = {.host = &f->host,
                      .counters = {.enforced = true, .keccak_f = COUNTERS_KECCAK_F_BUDGET - 1}};
    exec_address a;
    bool ok;
    assert_int_equal(exec_ecrecover(&x, hash, &v27, &one, &one, true, &ok, &a), EXEC_FAULT_NONE);
    assert_true(ok);
    assert_int_equal(exec_ecrecover(&x, hash, &v27, &zero, &one, true, &ok, &a),
                     EXEC_FAULT_OOC_KECCAK);
}

static void texts(void **state)
{
    (void)state;
    assert_string_equal(exec_error_text(EXEC_OK), "");
    assert_string_equal(exec_error_text(EXEC_INTRINSIC_NONCE), "intrinsic_invalid_nonce");
    assert_string_equal(exec_error_text(EXEC_INVALID_CODE_STARTS_EF), "invalidCodeStartsEF");
    assert_string_equal(exec_batch_outcome_text(EXEC_BATCH_OOC_PADDING), "OOCPA");
    assert_string_equal(exec_error_text(EXEC_UNDONE_POSEIDON), "OOCPO");
    assert_string_equal(exec_error_text(EXEC_UNDONE_PADDING), "OOCPA");
    assert_string_equal(exec_error_text(EXEC_UNDONE_STEPS), "OOCS");
    assert_string_equal(exec_error_text(EXEC_UNDONE_ARITH), "OOCA");
    assert_string_equal(exec_batch_outcome_text(EXEC_BATCH_OOC_STEPS), "OOCS");
    assert_string_equal(exec_batch_outcome_text(EXEC_BATCH_OOC_ARITH), "OOCA");
    for (int i = -1; i < 100; i++) {
        exec_error e = (exec_error)i;
        assert_int_equal(exec_error_is_unexecuted(e),
                         exec_error_is_intrinsic(e) || exec_error_is_undone(e));
        assert_non_null(exec_error_text((exec_error)i));
        assert_non_null(exec_batch_outcome_text((exec_batch_outcome)i));
        assert_non_null(exec_fault_text((exec_fault)i));
    }
    for (uint32_t fork = 0; fork < 12; fork++)
        assert_int_equal(exec_fork_supported(fork), fork >= 4 && fork <= 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_batch_writes_the_exit_root),
        TEST(the_exit_root_is_tested_by_its_low_32_bits),
        TEST(the_local_exit_root_is_read),
        TEST(a_transfer),
        TEST(the_observer_changes_nothing),
        TEST(each_check_and_their_order),
        TEST(the_limits_themselves_are_legal),
        TEST(infinity_is_a_signer_up_to_fork_5),
        TEST(the_sequencer_may_be_the_sender),
        TEST(failures_of_the_frame),
        TEST(refunds_are_capped),
        TEST(blocks_are_counted),
        TEST(data_that_cannot_be_decoded_executes_nothing),
        TEST(out_of_counters_undoes_all_but_the_exit_root),
        TEST(an_endless_loop_undoes_the_batch),
        TEST(faults),
        TEST(ranges_of_a_signature),
        TEST(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
