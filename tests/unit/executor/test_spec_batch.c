/* Corners of the executor specification's sections 1, 3 and 9.2 that only whole batches show. */
#include "tests/unit/executor/batch_fixture.h"

static const u256 all_ones = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static exec_address low_address(uint64_t low)
{
    u256 x = number(low);
    return bytes_address_of_u256(&x);
}

static u256 balance_at(world *w, const exec_address *a)
{
    u256 v;
    assert_int_equal(world_balance(w, a, &v), 0);
    return v;
}

static u256 fee_of(uint64_t gas)
{
    return number(gas * PRICE);
}

/** "from += ..., SEQ += ... (two separate read-modify-write steps ...)": whoever the sequencer is,
 * it gets the fee on top of what else happens to its account. */
static void any_account_can_be_the_sequencer(void **state)
{
    fixture *f = *state;
    exec_tx tx = usual_tx();
    const struct {
        exec_address who;
        uint64_t value; /* that it also gets */
    } rows[] = {
        {low_address(0), 0},       {low_address(1), 0},          {low_address(9), 0},
        {batch_system_account, 0}, {batch_exit_root_manager, 0}, {tx.to, 5},
    };
    for (size_t i = 0; i < ALL(rows); i++) {
        usual_state(f);
        f->batch.sequencer = rows[i].who;
        run_one(f, &tx);
        assert_int_equal(f->seen[0].r.error, EXEC_OK);
        world *w = open_world(f, &f->result.new_state_root);
        u256 got = balance_at(w, &rows[i].who), want = fee_of(21000);
        want = u256_add_u64(&want, rows[i].value);
        assert_true(u256_eq(&got, &want));
    }
    /* all three in one: nothing changes hands */
    f->batch.sequencer = tx.to = f->sender;
    usual_state(f);
    run_one(f, &tx);
    world *w = open_world(f, &f->result.new_state_root);
    u256 got = balance_at(w, &f->sender), want = ether();
    assert_true(u256_eq(&got, &want));
}

/** A sequencer can be so rich that its balance wraps; so can the receiver. */
static void balances_wrap_at_2_256(void **state)
{
    fixture *f = *state;
    exec_tx tx = usual_tx();
    account a[] = {
        {.address = f->sender, .balance = ether(), .nonce = number(3)},
        {.address = f->batch.sequencer, .balance = all_ones},
        {.address = tx.to, .balance = all_ones},
    };
    make_state(f, a, 3, NULL, NULL, NULL);
    run_one(f, &tx);
    assert_int_equal(f->seen[0].r.error, EXEC_OK);
    world *w = open_world(f, &f->result.new_state_root);
    u256 got = balance_at(w, &f->batch.sequencer), want = number(21000ull * PRICE - 1);
    assert_true(u256_eq(&got, &want));
    got = balance_at(w, &tx.to);
    check_number(&got, 4);
}

/** "txCount += 1" is an addition of 256 bits; block 0 is stored under 0. */
static void the_count_wraps_at_2_256(void **state)
{
    fixture *f = *state;
    u256 slot = number(0), zero = number(0);
    account a = {.address = f->sender, .balance = ether(), .nonce = number(3)};
    make_state(f, &a, 1, &batch_system_account, &slot, &all_ones);
    exec_tx tx = usual_tx();
    run_one(f, &tx);
    assert_true(u256_eq(&f->seen[0].r.block_number, &zero));
    world *w = open_world(f, &f->result.new_state_root);
    u256 v = storage_at(w, &batch_system_account, &slot);
    assert_true(u256_eq(&v, &zero));
    slot = mapping_slot(&zero, 1);
    v = storage_at(w, &batch_system_account, &slot);
    assert_true(u256_eq(&v, &f->seen[0].r.block_hash));
}

/** "tx.nonce == state nonce": a state nonce of 2^64 equals none that a transaction can have. */
static void no_transaction_has_the_nonce_2_64(void **state)
{
    fixture *f = *state;
    u256 two_64 = {{0, 1, 0, 0}};
    account a = {.address = f->sender, .balance = ether(), .nonce = two_64};
    make_state(f, &a, 1, NULL, NULL, NULL);
    static const uint64_t nonces[] = {0, 1, UINT64_MAX};
    for (size_t i = 0; i < ALL(nonces); i++) {
        exec_tx tx = usual_tx();
        tx.nonce = nonces[i];
        run_one(f, &tx);
        assert_int_equal(f->seen[0].r.error, EXEC_INTRINSIC_NONCE);
    }
}

/** "Collision ...: all passed gas lost", the nonce and the fee stay, the value does not move. */
static void a_creation_that_collides(void **state)
{
    fixture *f = *state;
    exec_address made;
    exec_create_address(&made, &f->sender, 3, keccak_256);
    for (int with_code = 0; with_code < 2; with_code++) {
        account a[] = {{.address = f->sender, .balance = ether(), .nonce = number(3)},
                       {.address = made, .balance = number(7), .nonce = number(!with_code)}};
        make_state(f, a, 2, NULL, NULL, NULL);
        if (with_code) {
            static const uint8_t code[] = {0x00};
            u256 root = f->batch.old_state_root;
            world *w = open_world(f, &root);
            assert_int_equal(world_set_code_length(w, &made, 1), 0);
            assert_int_equal(world_set_code_bytes(w, &made, code, 1), 0);
            assert_int_equal(world_root(w, &f->batch.old_state_root), 0);
        }
        exec_tx tx = usual_tx();
        tx.is_create = true;
        run_one(f, &tx);
        assert_int_equal(f->seen[0].r.error, EXEC_ADDRESS_COLLISION);
        assert_int_equal(f->seen[0].r.gas_used, tx.gas_limit);
        world *w = open_world(f, &f->result.new_state_root);
        u256 v, all = ether(), fee = fee_of(tx.gas_limit), want = u256_sub(&all, &fee);
        assert_int_equal(world_nonce(w, &f->sender, &v), 0);
        check_number(&v, 4);
        v = balance_at(w, &f->sender);
        assert_true(u256_eq(&v, &want));
        v = balance_at(w, &made);
        check_number(&v, 7);
    }
}

/** "If the low 32 bits of its value are zero, write TS there": also a time of zero, which removes
 * a value of 2^32. */
static void a_time_of_zero_is_written(void **state)
{
    fixture *f = *state;
    u256 root = bytes_u256_of_hash(&f->batch.global_exit_root), slot = mapping_slot(&root, 0),
         old = number(UINT64_C(1) << 32), zero = number(0);
    make_state(f, NULL, 0, &batch_exit_root_manager, &slot, &old);
    f->batch.timestamp = 0;
    run_ok(f);
    assert_true(u256_eq(&f->result.new_state_root, &zero)); /* it was the only leaf */
    make_state(f, NULL, 0, NULL, NULL, NULL);
    run_ok(f);
    assert_true(u256_eq(&f->result.new_state_root, &zero));
}

/** "price = floor(gasPrice * (pct+1) / 256)" is what the sender pays and the sequencer gets. */
static void the_percentage_decides_the_fee(void **state)
{
    fixture *f = *state;
    static const struct {
        uint8_t percentage;
        uint64_t price, effective;
    } rows[] = {{0, 255, 0},     {0, 256, 1}, {0, 1000, 3},      {127, 3, 1}, {254, 1, 0},
                {254, 257, 255}, {255, 1, 1}, {255, 1000, 1000}, {128, 0, 0}};
    for (uint32_t fork = 4; fork <= 6; fork++) {
        f->batch.fork_id = fork;
        for (size_t i = 0; i < ALL(rows); i++) {
            usual_state(f);
            exec_tx tx = usual_tx();
            tx.gas_price = number(rows[i].price);
            tx.effective_percentage = rows[i].percentage;
            run_one(f, &tx);
            assert_int_equal(f->seen[0].r.error, EXEC_OK);
            world *w = open_world(f, &f->result.new_state_root);
            u256 v = balance_at(w, &f->batch.sequencer);
            check_number(&v, 21000 * (fork == 4 ? rows[i].price : rows[i].effective));
        }
    }
}

/** "Top-level tx to 1 or 4 works and pays its gas; out-of-gas there is a normal halt." */
static void transactions_to_precompiles(void **state)
{
    fixture *f = *state;
    static const uint8_t data[33] = {1};
    /* 33 bytes: one that is not zero, 32 that are */
    const uint64_t intrinsic = 21000 + 16 + 32 * 4;
    const struct {
        uint8_t to;
        uint64_t spare, used;
        exec_error error;
        size_t output;
    } rows[] = {
        {4, 21, 21, EXEC_OK, 33},
        {4, 20, 20, EXEC_OUT_OF_GAS, 0},
        {4, 5000, 21, EXEC_OK, 33},
        {1, 3000, 3000, EXEC_OK, 0},
        {1, 2999, 2999, EXEC_OUT_OF_GAS, 0},
        {2, 5000, 0, EXEC_REVERT, 0},
        {9, 0, 0, EXEC_REVERT, 0},
        {10, 0, 0, EXEC_OK, 0},
        {0, 0, 0, EXEC_OK, 0},
    };
    for (size_t i = 0; i < ALL(rows); i++) {
        usual_state(f);
        exec_tx tx = usual_tx();
        tx.to = low_address(rows[i].to);
        tx.data = data;
        tx.data_len = sizeof data;
        tx.gas_limit = intrinsic + rows[i].spare;
        run_one(f, &tx);
        const exec_tx_result *r = &f->seen[0].r;
        assert_int_equal(r->error, rows[i].error);
        assert_int_equal(r->gas_used, intrinsic + rows[i].used);
        assert_int_equal(r->output_len, rows[i].output);
        world *w = open_world(f, &f->result.new_state_root);
        u256 v = balance_at(w, &tx.to);
        check_number(&v, rows[i].error == EXEC_OK ? 5 : 0);
    }
}

static const uint8_t *only_code;
static size_t only_code_len;

static exec_fault the_only_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    (void)ctx, (void)hash;
    *code = only_code;
    *len = only_code_len;
    return EXEC_FAULT_NONE;
}

/** "new_local_exit_root = storage[GERM][1] read under the final SR": what the batch wrote there, or
 * after out of counters what was there before. */
static void the_local_exit_root_of_a_batch_that_is_undone(void **state)
{
    fixture *f = *state;
    /* SSTORE(1, CALLDATALOAD(0)); a second word that is not zero sends it round for ever */
    static const uint8_t code[] = {0x60, 0x00, 0x35, 0x60, 0x01, 0x55, 0x5b,
                                   0x60, 0x20, 0x35, 0x60, 0x06, 0x57};
    only_code = code;
    only_code_len = sizeof code;
    f->host.code = the_only_code;
    u256 slot = number(1), old = number(0xaa);
    account a = {.address = f->sender, .balance = ether(), .nonce = number(3)};
    make_state(f, &a, 1, &batch_exit_root_manager, &slot, &old);
    u256 root = f->batch.old_state_root;
    world *w = open_world(f, &root);
    assert_int_equal(world_set_code_length(w, &batch_exit_root_manager, sizeof code), 0);
    assert_int_equal(world_set_code_bytes(w, &batch_exit_root_manager, code, sizeof code), 0);
    assert_int_equal(world_root(w, &f->batch.old_state_root), 0);

    uint8_t data[64] = {0};
    data[31] = 0xbb;
    exec_tx tx = usual_tx();
    tx.to = batch_exit_root_manager;
    tx.data = data;
    tx.data_len = sizeof data;
    tx.gas_limit = 20000000;
    f->batch.enforce_counters = true;
    run_one(f, &tx);
    assert_int_equal(f->seen[0].r.error, EXEC_OK);
    assert_int_equal(f->result.new_local_exit_root.bytes[31], 0xbb);

    clear_data(f);
    add_tx(f, &tx);
    tx.nonce = 4;
    data[63] = 1; /* both transactions borrow the data: encoded before this */
    add_tx(f, &tx);
    run_ok(f);
    assert_int_equal(f->result.outcome, EXEC_BATCH_OOC_STEPS);
    assert_int_equal(f->result.new_local_exit_root.bytes[31], 0xaa);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_account_can_be_the_sequencer),
        TEST(balances_wrap_at_2_256),
        TEST(the_count_wraps_at_2_256),
        TEST(no_transaction_has_the_nonce_2_64),
        TEST(a_creation_that_collides),
        TEST(a_time_of_zero_is_written),
        TEST(the_percentage_decides_the_fee),
        TEST(transactions_to_precompiles),
        TEST(the_local_exit_root_of_a_batch_that_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
