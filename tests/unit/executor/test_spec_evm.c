/* Corners of the executor specification's section 4, one row or function for each sentence that no
 * other test would miss. */
#include "tests/unit/executor/evm_fixture.h"

#include "host/executor/process.h"
#include "host/executor/transaction.h"

#define RETURN_1 " 0 MSTORE 32 0 RETURN"
#define MINUS_1 "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define TWO_64 "0x10000000000000000"
#define MAX_64 "0xffffffffffffffff"
#define ROWS(a) (sizeof(a) / sizeof *(a))

static const u256 all_ones = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
static const u256 two_64 = {{0, 1, 0, 0}};

static void set_balance(fx *f, const exec_address *a, const u256 *v)
{
    assert_int_equal(world_set_balance(f->w, a, v), EXEC_FAULT_NONE);
}

static u256 balance(fx *f, const exec_address *a)
{
    u256 v;
    assert_int_equal(world_balance(f->w, a, &v), EXEC_FAULT_NONE);
    return v;
}

/** "memory": a size of zero costs nothing, wherever the offset points; any other place beyond
 * 0x3fffe0 halts, also where offset plus size wraps at 2^64 or at 2^256. */
static void zero_sizes_and_far_offsets(void **state)
{
    (void)state;
    static const char *const far[] = {"0x3fffe0", "0x100000000", MAX_64, TWO_64, MINUS_1};
    /* %s is the offset, zero the size; the gas is that of the instruction without memory */
    static const struct {
        const char *text;
        uint64_t gas;
        bool source; /* the offset is not one of memory: reading there gives zeros */
    } rows[] = {
        {"0 %s SHA3", 6 + 30, false},
        {"0 0 %s CALLDATACOPY", 9 + 3, false},
        {"0 %s 0 CALLDATACOPY", 9 + 3, true},
        {"0 0 %s CODECOPY", 9 + 3, false},
        {"0 %s 0 CODECOPY", 9 + 3, true},
        {"0 0 %s ADDRESS EXTCODECOPY", 9 + 2 + 100, false},
        {"0 %s 0 ADDRESS EXTCODECOPY", 9 + 2 + 100, true},
        {"0 0 %s RETURNDATACOPY", 9 + 3, false},
        {"0 %s LOG0", 6 + 375, false},
        {"0 %s RETURN", 6, false},
        {"0 %s REVERT", 6, false},
        {"0 0 0 %s 0 4 100 CALL", 21 + 100 + 15, false},
        {"0 %s 0 0 0 4 100 CALL", 21 + 100 + 15, false},
        {"0 0 0 %s 0 4 100 CALLCODE", 21 + 100 + 15, false},
        {"0 0 0 %s 4 100 DELEGATECALL", 18 + 100 + 15, false},
        {"0 %s 0 0 4 100 STATICCALL", 18 + 100 + 15, false},
        {"0 %s 0 CREATE", 9 + 32000, false},
        {"7 0 %s 0 CREATE2", 12 + 32000, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        for (size_t k = 0; k < ROWS(far); k++) {
            for (int one = 0; one < 2; one++) {
                if (one && strncmp(rows[i].text, "0 0 0 %s", 8) == 0)
                    continue; /* the first zero is another size */
                fx *f = fx_create(6);
                char code[400];
                snprintf(code, sizeof code, rows[i].text, far[k]);
                if (one) /* the size is pushed first, but for CREATE2, whose salt is */
                    code[code[0] == '7' ? 2 : 0] = '1';
                fx_call_code(f, code);
                exec_error want = strstr(rows[i].text, "REVERT") ? EXEC_REVERT : EXEC_OK;
                if (one && !rows[i].source)
                    want = EXEC_OUT_OF_GAS;
                if (f->out.error != want || (!one && f->gas_used != rows[i].gas))
                    fail_msg("%s: error %d, gas %llu", code, f->out.error,
                             (unsigned long long)f->gas_used);
                fx_destroy(f);
            }
        }
    }
}

/** "RETURNDATACOPY beyond the buffer halts": with no data only nothing at 0 is within. */
static void returndatacopy_of_an_empty_buffer(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        exec_error error;
    } rows[] = {
        {"0 0 0 RETURNDATACOPY", EXEC_OK},
        {"0 1 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"1 0 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"0 " MAX_64 " 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"0 " TWO_64 " 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"1 " MINUS_1 " 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"0 " MINUS_1 " " MINUS_1 " RETURNDATACOPY", EXEC_OUT_OF_GAS},
    };
    fx *f = fx_create(6);
    for (size_t i = 0; i < ROWS(rows); i++) {
        fx_call_code(f, rows[i].code);
        if (f->out.error != rows[i].error)
            fail_msg("%s: error %d", rows[i].code, f->out.error);
    }
    fx_destroy(f);
}

/** "SSTORE ... entry rule gas <= 2300 halts", whatever the write would cost. */
static void sstore_needs_more_than_2300(void **state)
{
    (void)state;
    for (uint64_t gas = 2299; gas <= 2302; gas++) {
        fx *f = fx_create(6);
        fx_set_storage(f, FX_TARGET, 1, 5);
        fx_set_code(f, FX_TARGET, "5 1 SSTORE");
        evm_message m = fx_message(FX_TARGET, 0, 6 + gas);
        fx_run(f, &m);
        /* the slot is cold: 2100 + 100 */
        assert_int_equal(f->out.error, gas <= 2300 ? EXEC_OUT_OF_GAS : EXEC_OK);
        assert_int_equal(f->gas_used, gas <= 2300 ? 6 + gas : 6 + 2200);
        fx_destroy(f);
    }
}

/** "if ... nonce == 2^64-1: push 0": 2^64 is not that, and its address has
 * a nonce of nine bytes. */
static void creator_nonces_around_2_64(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    exec_address creator = fx_address(FX_TARGET), made;
    u256 nonce = {{UINT64_MAX, 0, 0, 0}}, after;
    assert_int_equal(world_set_nonce(f->w, &creator, &nonce), EXEC_FAULT_NONE);
    fx_call_code(f, "0 0 0 CREATE" RETURN_1);
    assert_int_equal(fx_word_u64(f, 0), 0);
    assert_int_equal(f->gas_used, 9 + 32000 + 12 + 3);
    assert_int_equal(world_nonce(f->w, &creator, &after), EXEC_FAULT_NONE);
    assert_true(u256_eq(&after, &nonce));

    assert_int_equal(world_set_nonce(f->w, &creator, &two_64), EXEC_FAULT_NONE);
    fx_call_code(f, "0 0 0 CREATE" RETURN_1);
    uint8_t list[1 + 21 + 10] = {0xc0 + 31, 0x94}, digest[32];
    memcpy(list + 2, creator.bytes, 20);
    list[22] = 0x89;
    list[23] = 1;
    keccak_256(digest, list, sizeof list);
    memcpy(made.bytes, digest + 12, 20);
    u256 pushed = fx_word(f, 0);
    exec_address found = bytes_address_of_u256(&pushed);
    assert_memory_equal(found.bytes, made.bytes, 20);
    assert_int_equal(world_nonce(f->w, &creator, &after), EXEC_FAULT_NONE);
    u256 next = u256_add_u64(&two_64, 1);
    assert_true(u256_eq(&after, &next));
    fx_destroy(f);
}

/** "Collision iff nonce != 0 or code hash != 0 (storage and balance are ignored)". */
static void creation_onto_balance_and_storage(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    exec_address creator = fx_address(FX_TARGET), made;
    exec_create_address(&made, &creator, 0, keccak_256);
    u256 slot = u256_from_u64(7), value = u256_from_u64(9), old = u256_from_u64(40), v;
    set_balance(f, &made, &old);
    assert_int_equal(world_set_storage(f->w, &made, &slot, &value), EXEC_FAULT_NONE);
    fx_set_balance(f, FX_TARGET, 100);
    /* the init code returns what it finds in slot 7 as the code: one byte */
    fx_call_code(f, "0x60075460005360016000f3 0 MSTORE 11 21 2 CREATE" RETURN_1);
    u256 pushed = fx_word(f, 0);
    exec_address found = bytes_address_of_u256(&pushed);
    assert_memory_equal(found.bytes, made.bytes, 20);
    assert_int_equal(fx_balance(f, &made), 42);
    assert_int_equal(fx_code_length(f, &made), 1);
    assert_int_equal(world_storage(f->w, &made, &slot, &v), EXEC_FAULT_NONE);
    assert_int_equal(v.limb[0], 9);
    fx_destroy(f);
}

/** A CREATE2 that failed left nothing behind: the same creation can succeed afterwards; a third one
 * collides, and takes all gas it was given. */
static void create2_again_after_a_failure(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    /* init code: CALLER BALANCE ISZERO, JUMPI to an INVALID: 33 31 15 6007 57 00 5b fe */
    static const char *const twice = "0x333115600757005bfe 0 MSTORE 5 9 23 0 CREATE2" RETURN_1;
    /* no balance: jumps to 7, a JUMPDEST, and then INVALID */
    fx_call_code(f, twice);
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(fx_word_u64(f, 0), 0);
    fx_set_balance(f, FX_TARGET, 1);
    fx_call(f);
    u256 first = fx_word(f, 0);
    assert_false(u256_is_zero(&first));
    fx_call(f);
    assert_int_equal(fx_word_u64(f, 0), 0);
    assert_true(f->gas_used > 900000);
    fx_destroy(f);
}

/** "EXTCODE* of itself 0" in a create frame; 0 also for precompiles and the system account. */
static void extcode_of_what_has_none(void **state)
{
    (void)state;
    static const char *const who[] = {"1", "4", "9", "0x5ca1ab1e", "0", "ADDRESS"};
    for (size_t i = 0; i < ROWS(who); i++) {
        fx *f = fx_create(6);
        char text[300];
        exec_address system = fx_address(0x5ca1ab1e);
        u256 slot = u256_zero(), one = u256_from_u64(1);
        assert_int_equal(world_set_storage(f->w, &system, &slot, &one), EXEC_FAULT_NONE);
        uint8_t init[200];
        snprintf(text, sizeof text,
                 MINUS_1 " 64 MSTORE %s EXTCODESIZE 0 MSTORE %s EXTCODEHASH 32 MSTORE "
                         "32 0 64 %s EXTCODECOPY 96 0 REVERT",
                 who[i], who[i], who[i]);
        evm_message m = fx_message(0x4444, 0, 1000000);
        m.is_create = true;
        m.data = init;
        m.data_len = fx_assemble(init, sizeof init, text);
        fx_run(f, &m);
        assert_int_equal(f->out.error, EXEC_REVERT);
        assert_int_equal(f->out.output_len, 96);
        for (unsigned k = 0; k < 96; k++)
            assert_int_equal(f->out.output[k], 0);
        fx_destroy(f);
    }
}

/** Sums wrap at 2^256, as the reference's additions do. */
static void balances_wrap(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    exec_address heir = fx_address(0x99), self = fx_address(FX_TARGET);
    set_balance(f, &heir, &all_ones);
    fx_set_balance(f, FX_TARGET, 10);
    fx_call_code(f, "0x99 SENDALL");
    assert_int_equal(fx_balance(f, &heir), 9);
    assert_int_equal(fx_balance(f, &self), 0);
    set_balance(f, &heir, &all_ones);
    fx_set_balance(f, FX_TARGET, 10);
    fx_call_code(f, "0 0 0 0 3 0x99 0 CALL");
    assert_int_equal(fx_balance(f, &heir), 2);
    assert_int_equal(fx_balance(f, &self), 7);
    /* to oneself nothing changes, however rich */
    set_balance(f, &self, &all_ones);
    fx_call_code(f, "0 0 0 0 " MINUS_1 " ADDRESS 0 CALL");
    u256 v = balance(f, &self);
    assert_true(u256_eq(&v, &all_ones));
    fx_destroy(f);
}

/** "SENDALL in a create frame: returns the new address with no code"; to a precompile it is a
 * transfer; the beneficiary's high bits do not count. */
static void sendall_in_create_frames(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    exec_address creator = fx_address(FX_TARGET), made, two = fx_address(2);
    exec_create_address(&made, &creator, 0, keccak_256);
    fx_set_balance(f, FX_TARGET, 50);
    /* init: PUSH1 2 SENDALL */
    fx_call_code(f, "0x6002ff 0 MSTORE 3 29 50 CREATE" RETURN_1);
    u256 pushed = fx_word(f, 0);
    exec_address found = bytes_address_of_u256(&pushed);
    assert_memory_equal(found.bytes, made.bytes, 20);
    assert_int_equal(fx_code_length(f, &made), 0);
    assert_int_equal(fx_nonce(f, &made), 1);
    assert_int_equal(fx_balance(f, &made), 0);
    assert_int_equal(fx_balance(f, &two), 50);
    fx_set_balance(f, FX_TARGET, 5);
    fx_call_code(f, "0xffffffffffffffffffffffff0000000000000000000000000000000000000002 SENDALL");
    assert_int_equal(fx_balance(f, &two), 55);
    /* own address with high bits is still oneself: no price, nothing moves */
    fx_set_balance(f, FX_TARGET, 5);
    fx_call_code(f, "0xff0000000000000000000000000000000000000000c0de SENDALL");
    assert_int_equal(f->gas_used, 3 + 5000);
    fx_destroy(f);
}

/** Calls of precompiles by DELEGATECALL and CALLCODE, with a value that is moved to oneself or only
 * inherited; an unsupported one gives everything back in each way. */
static void precompiles_by_every_call(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        uint64_t success, gas;
    } rows[] = {
        {"32 0 32 0 4 5000 DELEGATECALL", 1, 18 + 3 + 100 + 18},
        {"32 0 32 0 0 4 5000 CALLCODE", 1, 21 + 3 + 100 + 18},
        {"32 0 32 0 7 4 5000 CALLCODE", 1, 21 + 3 + 100 + 9000 - 2300 + 18},
        {"32 0 32 0 101 4 5000 CALLCODE", 0, 21 + 3 + 100 + 9000 - 2300},
        {"32 0 32 0 4 17 DELEGATECALL", 0, 18 + 3 + 100 + 17},
        {"32 0 32 0 6 5000 DELEGATECALL", 0, 18 + 3 + 100},
        {"32 0 32 0 7 6 5000 CALLCODE", 0, 21 + 3 + 100 + 9000 - 2300},
        {"32 0 32 0 9 5000 STATICCALL", 0, 18 + 3 + 100},
        {"32 0 32 0 0 10 5000 CALL", 1, 21 + 3 + 2600},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        fx *f = fx_create(6);
        char code[200];
        exec_address self = fx_address(FX_TARGET), four = fx_address(4);
        fx_set_balance(f, FX_SENDER, 60);
        fx_set_balance(f, FX_TARGET, 40);
        snprintf(code, sizeof code, "%s" RETURN_1, rows[i].call);
        fx_set_code(f, FX_TARGET, code);
        evm_message m =
            fx_message(FX_TARGET, 60, 1000000); /* more than CALLVALUE can be paid with */
        fx_run(f, &m);
        assert_int_equal(f->out.error, EXEC_OK);
        uint64_t tail = 3 + 3 + 6;
        if (fx_word_u64(f, 0) != rows[i].success || f->gas_used != rows[i].gas + tail)
            fail_msg("%s: %llu, gas %llu", rows[i].call, (unsigned long long)fx_word_u64(f, 0),
                     (unsigned long long)(f->gas_used - tail));
        assert_int_equal(fx_balance(f, &self), 100);
        assert_int_equal(fx_balance(f, &four), 0);
        fx_destroy(f);
    }
}

/** "logs of reverted frames dropped", those around them stay, in order. */
static void logs_around_a_reverted_frame(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    fx_set_code(f, 0x54, "2 0 0 LOG1");
    fx_set_code(f, 0x55, "3 0 0 LOG1 0 0 0 0 0 0x54 50000 CALL 4 0 0 LOG1 0 0 REVERT");
    fx_call_code(f, "1 0 0 LOG1 0 0 0 0 0 0x55 200000 CALL 0 0 0 0 0 0x54 50000 CALL 5 0 0 LOG1");
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(f->out.n_logs, 3);
    static const uint64_t want[] = {1, 2, 5};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(f->out.logs[i].topics[0].limb[0], want[i]);
    fx_destroy(f);
}

/** Fork 4's leak of the refund counter (0xEF in CREATE) can leave a counter below zero: cleared
 * here, +15000; the creation has the creator write the old value back, -15000 + 2800, and fails
 * with 0xEF, so that the slot is clear again but the counter is not; then the slot is written,
 * -15000. */
static void a_leaked_refund_can_be_negative(void **state)
{
    (void)state;
    for (uint32_t fork = 4; fork <= 6; fork++) {
        fx *f = fx_create(fork);
        fx_set_storage(f, FX_TARGET, 0, 5);
        /* called with data: SSTORE(0, 5). Else: the story. The init code calls its creator with one
         * byte: 6000 6000 6001 6000 6000 33 5a f1 50, then returns one byte 0xef: 60ef 6000 53
         * 6001 6000 f3 */
        uint8_t bytes[400];
        size_t at = 0;
        size_t len = fx_assemble(
            bytes, sizeof bytes,
            "CALLDATASIZE $600057 0 0 SSTORE "
            "0x60006000600160006000335af15060ef60005360016000f3 0 MSTORE 24 8 0 CREATE POP "
            "7 0 SSTORE STOP JUMPDEST 5 0 SSTORE STOP");
        while (at < len && !(bytes[at] == 0x00 && bytes[at + 1] == 0x5b))
            at++;
        bytes[2] = (uint8_t)(at + 1);
        exec_address a = fx_address(FX_TARGET);
        fx_set_code_at(f, &a, bytes, len);
        fx_call(f);
        assert_int_equal(f->out.error, EXEC_OK);
        assert_int_equal(fx_storage(f, FX_TARGET, 0), 7);
        assert_int_equal(f->out.refund, fork == 4 ? -12200 : 0);
        fx_destroy(f);
    }
}

/* ---- budgets at the places of a transaction, set to the last permutation or block ---- */

static exec_fault process_with(fx *f, const exec_tx *tx, uint64_t poseidon, uint64_t keccak)
{
    f->x.counters = (exec_counters){
        .poseidon_g = poseidon, .keccak_f = keccak, .enforced = true, .keccak_reserve = 5};
    batch_progress progress;
    memset(&progress, 0, sizeof progress);
    exec_fault fault = batch_process_tx(&f->x, tx, &progress);
    assert_int_equal(world_rollback(f->w), EXEC_FAULT_NONE);
    return fault;
}

/** What had been counted when the frame of the transaction ended. */
static uint64_t at_frame_end;

static void on_call_end(void *ctx, const exec_return_event *event)
{
    if (event->depth == 0)
        at_frame_end = ((fx *)ctx)->x.counters.poseidon_g;
}

static void budgets_of_a_transaction(void **state)
{
    (void)state;
    static const uint8_t list[] = {0xc0};
    static const uint8_t deploys_a_byte[] = {0x60, 0x01, 0x60, 0x00, 0xf3};
    static const struct {
        const char *name;
        bool create;
        bool halts;
        uint64_t keccak;               /* blocks, beside the reserve: ecrecover, address, block */
        uint64_t accesses_after_frame; /* tx end 4; after a halt the block's 2 remain */
    } rows[] = {
        {"transfer", false, false, 2, 4},
        {"halt", false, true, 2, 2},
        {"create", true, false, 3, 4},
    };
    for (uint32_t fork = 4; fork <= 6; fork++) {
        for (size_t i = 0; i < ROWS(rows); i++) {
            fx *f = fx_create(fork);
            f->observer.call = NULL;
            f->observer.call_end = on_call_end;
            uint8_t key[64], digest[32];
            memset(key, 0x11, 64);
            keccak_256(digest, key, 64);
            exec_address from;
            memcpy(from.bytes, digest + 12, 20);
            u256 rich = {{0, 1, 0, 0}};
            set_balance(f, &from, &rich);
            if (rows[i].halts)
                fx_set_code(f, FX_TARGET, "INVALID");
            exec_tx tx;
            memset(&tx, 0, sizeof tx);
            tx.signed_list = list;
            tx.signed_list_len = 1;
            tx.gas_limit = 100000;
            tx.gas_price = u256_from_u64(3);
            tx.to = fx_address(FX_TARGET);
            tx.v = 27;
            tx.r.bytes[31] = tx.s.bytes[31] = 1;
            tx.effective_percentage = 255;
            if (rows[i].create) {
                tx.is_create = true;
                tx.data = deploys_a_byte;
                tx.data_len = sizeof deploys_a_byte;
            }
            assert_int_equal(world_begin_tx(f->w), EXEC_FAULT_NONE);
            world_checkpoint(f->w);
            assert_int_equal(process_with(f, &tx, 0, 0), EXEC_FAULT_NONE);
            uint64_t whole = f->x.counters.poseidon_g, frame = at_frame_end;
            assert_int_equal(f->x.counters.keccak_f, rows[i].keccak);

            /* Keccak: each block in its place */
            uint64_t room = COUNTERS_KECCAK_F_BUDGET - 5 - rows[i].keccak;
            assert_int_equal(process_with(f, &tx, 0, room), EXEC_FAULT_NONE);
            for (uint64_t missing = 1; missing <= rows[i].keccak; missing++) {
                assert_int_equal(process_with(f, &tx, 0, room + missing), EXEC_FAULT_OOC_KECCAK);
                assert_int_equal(f->x.counters.keccak_f,
                                 COUNTERS_KECCAK_F_BUDGET - 5); /* used up to there */
            }

            /* Poseidon: the largest start that still works */
            uint64_t low = 0, high = COUNTERS_POSEIDON_G_BUDGET;
            while (high - low > 1) {
                uint64_t middle = (low + high) / 2;
                exec_fault fault = process_with(f, &tx, middle, 0);
                assert_true(fault == EXEC_FAULT_NONE || fault == EXEC_FAULT_OOC_POSEIDON);
                *(fault == EXEC_FAULT_NONE ? &low : &high) = middle;
            }
            uint64_t needed = COUNTERS_POSEIDON_G_BUDGET - low;
            if (rows[i].halts) {
                /* the block's two writes, with the sequencer paid but not yet counted */
                assert_true(needed > frame + 2 * 257 && needed < whole + 2 * 257);
            } else {
                assert_int_equal(needed, frame + rows[i].accesses_after_frame * 257);
            }
            fx_destroy(f);
        }
    }
}

/** The budget of the two code leaves is asked for by CREATE in every fork, by a create transaction
 * from fork 5: 514 permutations must be free, although the writes use fewer. */
static void deposit_budget_of_a_creation(void **state)
{
    (void)state;
    for (uint32_t fork = 4; fork <= 6; fork++) {
        for (int nested = 0; nested < 2; nested++) {
            fx *f = fx_create(fork);
            /* copying this code uses up 401 permutations of those that the start demanded */
            fx_set_long_code(f, 0x77, "STOP", 400 * 56);
            uint8_t init[100];
            evm_message m = fx_message(0x4444, 0, 10000000);
            m.data = init;
            m.data_len = fx_assemble(init, sizeof init, "0 0 0 0x77 EXTCODECOPY 1 0 RETURN");
            m.is_create = !nested;
            if (nested) {
                m.to = fx_address(FX_TARGET);
                fx_set_code(f, FX_TARGET, "CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 0 CREATE");
            }
            f->x.counters.enforced = true;
            f->x.counters.poseidon_g = COUNTERS_POSEIDON_G_BUDGET - 900;
            bool asks = nested || fork >= 5;
            assert_int_equal(fx_run_fault(f, &m), asks ? EXEC_FAULT_OOC_POSEIDON : EXEC_FAULT_NONE);
            if (!asks)
                assert_int_equal(f->out.error, EXEC_OK);
            assert_true(f->x.counters.poseidon_g > COUNTERS_POSEIDON_G_BUDGET - 514);
            fx_destroy(f);
        }
    }
}

/** "loops exhausting steps": a loop that takes far more steps than there are is out of counters,
 * one that takes far fewer is not; steps are only bounded from below, so the edge itself is not
 * where the reference has it. Not enforced, the loop just runs out of gas. */
static void loops_run_out_of_steps(void **state)
{
    (void)state;
    static const char *const loops[] = {
        "JUMPDEST 0 JUMP",
        "JUMPDEST 0 1 SWAP1 JUMPI",
        "JUMPDEST GAS POP 0 MLOAD POP 0 JUMP",
        "JUMPDEST 0x1111111111111111111111111111111111111111111111111111111111111111 POP 0 JUMP",
    };
    for (size_t i = 0; i < ROWS(loops); i++) {
        for (int enforced = 0; enforced < 2; enforced++) {
            fx *f = fx_create(6);
            f->x.counters.enforced = enforced;
            fx_set_code(f, FX_TARGET, loops[i]);
            evm_message m = fx_message(FX_TARGET, 0, 29000000);
            assert_int_equal(fx_run_fault(f, &m),
                             enforced ? EXEC_FAULT_OOC_STEPS : EXEC_FAULT_NONE);
            if (!enforced)
                assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
            f->x.counters.steps_least = 0;
            m.gas = 400000;
            fx_run(f, &m);
            assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
            assert_true(f->x.counters.steps_least > 400000);
            fx_destroy(f);
        }
    }
    /* copies of code and exponents have loops of their own in the reference: no jump is needed */
    for (int enforced = 0; enforced < 2; enforced++) {
        fx *f = fx_create(6);
        f->x.counters.enforced = enforced;
        fx_set_code(f, FX_TARGET, "0x30000 0 0 CODECOPY 0x30000 0 0 ADDRESS EXTCODECOPY");
        evm_message m = fx_message(FX_TARGET, 0, 1000000);
        assert_int_equal(fx_run_fault(f, &m), enforced ? EXEC_FAULT_OOC_STEPS : EXEC_FAULT_NONE);
        f->x.counters.enforced = false;
        f->x.counters.steps_least = 0;
        fx_call_code(f, MINUS_1 " 3 EXP");
        assert_int_equal(f->x.counters.steps_least, 256 * 80);
        fx_call_code(f, MINUS_1 " 0 EXP 0 3 EXP");
        assert_int_equal(f->x.counters.steps_least, 256 * 80);
        fx_destroy(f);
    }
    /* what must be free before a transaction and before its signature */
    static const struct {
        uint64_t steps, arith;
        exec_fault fault;
    } rows[] = {
        {COUNTERS_STEPS_BUDGET - COUNTERS_TX_STEPS, 0, EXEC_FAULT_NONE},
        {COUNTERS_STEPS_BUDGET - COUNTERS_TX_STEPS + 1, 0, EXEC_FAULT_OOC_STEPS},
        {0, COUNTERS_ARITH_BUDGET - COUNTERS_SIGNATURE_ARITH, EXEC_FAULT_NONE},
        {0, COUNTERS_ARITH_BUDGET - COUNTERS_SIGNATURE_ARITH + 1, EXEC_FAULT_OOC_ARITH},
    };
    static const uint8_t list[] = {0xc0};
    exec_tx tx;
    memset(&tx, 0, sizeof tx);
    tx.signed_list = list;
    tx.signed_list_len = 1;
    tx.v = 27;
    tx.r.bytes[31] = tx.s.bytes[31] = 1;
    for (size_t i = 0; i < ROWS(rows); i++) {
        fx *f = fx_create(6);
        batch_progress progress;
        memset(&progress, 0, sizeof progress);
        f->x.counters.enforced = true;
        f->x.counters.steps_least = rows[i].steps;
        f->x.counters.arith_least = rows[i].arith;
        assert_int_equal(batch_process_tx(&f->x, &tx, &progress), rows[i].fault);
        fx_destroy(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_sizes_and_far_offsets),
        cmocka_unit_test(returndatacopy_of_an_empty_buffer),
        cmocka_unit_test(sstore_needs_more_than_2300),
        cmocka_unit_test(creator_nonces_around_2_64),
        cmocka_unit_test(creation_onto_balance_and_storage),
        cmocka_unit_test(create2_again_after_a_failure),
        cmocka_unit_test(extcode_of_what_has_none),
        cmocka_unit_test(balances_wrap),
        cmocka_unit_test(sendall_in_create_frames),
        cmocka_unit_test(precompiles_by_every_call),
        cmocka_unit_test(logs_around_a_reverted_frame),
        cmocka_unit_test(a_leaked_refund_can_be_negative),
        cmocka_unit_test(budgets_of_a_transaction),
        cmocka_unit_test(deposit_budget_of_a_creation),
        cmocka_unit_test(loops_run_out_of_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
