/* Calls, creations and precompiles (executor specification, section 4). */

#include "evm_fixture.h"

#include "host/executor/gas.h"
#include "host/executor/transaction.h"

#define MINUS_1 "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define CALLEE 0x55

/** Stores the k topmost words, the top first, and returns them. */
#define RETURN_1 " 0 MSTORE 32 0 RETURN"
#define RETURN_2 " 0 MSTORE 32 MSTORE 64 0 RETURN"
#define RETURN_3 " 0 MSTORE 32 MSTORE 64 MSTORE 96 0 RETURN"

static exec_address address_of_hex(const char *hex)
{
    exec_address a;
    for (unsigned i = 0; i < 20; i++)
        a.bytes[i] = (uint8_t)(fx_digit(hex[2 * i]) << 4 | fx_digit(hex[2 * i + 1]));
    return a;
}

/* ---- calls ---- */

static void test_call_context(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        uint64_t self, sender, value, stored_by_caller, stored_by_callee;
    } rows[] = {
        {"96 0 0 0 7 0x55 100000 CALL", CALLEE, FX_TARGET, 7, 0, 1},
        {"96 0 0 0 7 0x55 100000 CALLCODE", FX_TARGET, FX_TARGET, 7, 1, 0},
        {"96 0 0 0 0x55 100000 DELEGATECALL", FX_TARGET, FX_SENDER, 3, 1, 0},
        {"96 0 0 0 0 0x55 100000 CALL", CALLEE, FX_TARGET, 0, 0, 1},
        /* only the low 160 bits of an address count */
        {"96 0 0 0 7 0xabcdef0000000000000000000000000000000000000055 100000 CALL", CALLEE,
         FX_TARGET, 7, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        char code[300];
        fx_set_balance(f, FX_SENDER, 1000);
        fx_set_code(f, CALLEE,
                    "ADDRESS 0 MSTORE CALLER 32 MSTORE CALLVALUE 64 MSTORE 1 1 SSTORE "
                    "96 0 RETURN");
        snprintf(code, sizeof code, "%s 96 MSTORE RETURNDATASIZE 128 MSTORE 160 0 RETURN",
                 rows[i].call);
        fx_set_code(f, FX_TARGET, code);
        fx_set_balance(f, FX_TARGET, 100);
        evm_message m = fx_message(FX_TARGET, 3, 1000000);
        fx_run(f, &m);
        assert_int_equal(f->out.error, EXEC_OK);
        assert_int_equal(fx_word_u64(f, 0), rows[i].self);
        assert_int_equal(fx_word_u64(f, 1), rows[i].sender);
        assert_int_equal(fx_word_u64(f, 2), rows[i].value);
        assert_int_equal(fx_word_u64(f, 3), 1);
        assert_int_equal(fx_word_u64(f, 4), 96);
        assert_int_equal(fx_storage(f, FX_TARGET, 1), rows[i].stored_by_caller);
        assert_int_equal(fx_storage(f, CALLEE, 1), rows[i].stored_by_callee);
        exec_address target = fx_address(FX_TARGET);
        bool moves = strstr(rows[i].call, " 7 ") != NULL && strstr(rows[i].call, "CODE") == NULL;
        assert_int_equal(fx_balance(f, &target), 103 - (moves ? 7 : 0));
        fx_destroy(f);
    }
}

static void test_call_gas(void **state)
{
    (void)state;
    /* the target has 10 wei, 0x99 is empty, 0x98 has a nonce, 0x97 has code STOP */
    static const struct {
        const char *code;
        uint64_t gas;
    } rows[] = {
        {"0 0 0 0 0 0x99 0 CALL", 21 + 2600},
        {"0 0 0 0 0 0x99 0 CALL 0 0 0 0 0 0x99 0 CALL", 42 + 2700},
        {"0 0 0 0 0x99 0 STATICCALL", 18 + 2600},
        {"0 0 0 0 0x99 0 DELEGATECALL", 18 + 2600},
        {"0 0 0 0 0 0x99 0 CALLCODE", 21 + 2600},
        {"0 0 0 0 0 ADDRESS 0 CALL", 20 + 100},
        {"0 0 0 0 0 4 15 CALL", 21 + 100 + 15},
        /* the stipend comes back unused */
        {"0 0 0 0 1 0x99 0 CALL", 21 + 2600 + 9000 + 25000 - 2300},
        {"0 0 0 0 1 0x98 0 CALL", 21 + 2600 + 9000 - 2300},
        {"0 0 0 0 1 0x97 0 CALL", 21 + 2600 + 9000 - 2300},
        {"0 0 0 0 1 0x99 0 CALLCODE", 21 + 2600 + 9000 - 2300},
        {"0 0 0 0 1 4 0 CALL", 21 + 100 + 9000 + 25000 - 2300 + 15},
        {"0 0 0 0 1 4 0 CALLCODE", 21 + 100 + 9000 - 2300 + 15},
        /* not enough balance: everything for the transfer is paid, all passed gas comes back */
        {"0 0 0 0 11 0x99 5000 CALL", 21 + 2600 + 9000 + 25000 - 2300},
        {"0 0 0 0 11 0x98 5000 CALLCODE", 21 + 2600 + 9000 - 2300},
        {"0 0 0 0 11 4 5000 CALL", 21 + 100 + 9000 + 25000 - 2300},
        /* unsupported precompiles return all gas */
        {"0 0 0 0 0 2 5000 CALL", 21 + 100},
        {"0 0 0 0 1 2 5000 CALL", 21 + 100 + 9000 + 25000 - 2300},
        /* memory of arguments and of the result */
        {"32 64 32 0 0 0x99 0 CALL", 21 + 2600 + 9},
        {"0 " MINUS_1 " 0 " MINUS_1 " 0 0x99 0 CALL", 21 + 2600},
        /* a callee that halts takes all it got */
        {"0 0 0 0 0 0x96 5000 CALL", 21 + 2600 + 5000},
        {"0 0 0 0 0 0x95 5000 CALL", 21 + 2600 + 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        exec_address a = fx_address(0x98);
        fx_set_balance(f, FX_TARGET, 10);
        fx_set_nonce(f, &a, 1);
        fx_set_code(f, 0x97, "STOP");
        fx_set_code(f, 0x96, "INVALID");
        fx_set_code(f, 0x95, "0 0 REVERT");
        fx_call_code(f, rows[i].code);
        if (f->out.error != EXEC_OK || f->gas_used != rows[i].gas)
            fail_msg("%s: error %d, gas %llu, expected %llu", rows[i].code, f->out.error,
                     (unsigned long long)f->gas_used, (unsigned long long)rows[i].gas);
        fx_destroy(f);
    }
}

static void test_call_gas_passed(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    fx_set_balance(f, FX_TARGET, 10);
    fx_set_code(f, CALLEE, "GAS" RETURN_1);
    fx_call_code(f, "32 0 0 0 0 0x55 5000 CALL 32 0 RETURN");
    assert_int_equal(fx_word_u64(f, 0), 4998);
    fx_call_code(f, "32 0 0 0 1 0x55 5000 CALL 32 0 RETURN");
    assert_int_equal(fx_word_u64(f, 0), 4998 + 2300);
    fx_call_code(f, "32 0 0 0 1 0x55 5000 CALLCODE 32 0 RETURN");
    assert_int_equal(fx_word_u64(f, 0), 4998 + 2300);
    /* all but one 64th, for a request that is larger (also above 2^64) */
    static const char *const requests[] = {"900000", "1000000", "0xffffffffffffffff", MINUS_1,
                                           "0x10000000000000000"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        char code[200];
        snprintf(code, sizeof code, "32 0 0 0 0x55 %s STATICCALL 32 0 RETURN", requests[i]);
        fx_call_code(f, code);
        /* six pushes, one word of memory, a cold account */
        uint64_t left = 1000000 - 18 - 3 - 2600;
        uint64_t expected = left - left / 64;
        if (i == 0)
            expected = 900000;
        assert_int_equal(fx_word_u64(f, 0), expected - 2);
    }
    fx_destroy(f);
}

static void test_static(void **state)
{
    (void)state;
    static const struct {
        const char *callee;
        uint64_t success;
    } rows[] = {
        {"STOP", 1},
        {"1 1 SSTORE", 0},
        {"1 SLOAD", 1},
        {"0 0 LOG0", 0},
        {"0 0 0 LOG1", 0},
        {"0 0 0 CREATE", 0},
        {"0 0 0 0 CREATE2", 0},
        {"0x99 SENDALL", 0},
        {"0 0 0 0 1 0x99 0 CALL", 0},
        {"0 0 0 0 0 0x99 0 CALL", 1},
        {"0 0 0 0 1 0x99 0 CALLCODE", 1},
        /* static is inherited by every kind of call */
        {"0 0 0 0 0 0x54 50000 CALL ISZERO $6015 JUMPI INVALID JUMPDEST", 1},
        {"0 0 0 0 0 0x54 50000 CALLCODE ISZERO $6015 JUMPI INVALID JUMPDEST", 1},
        {"0 0 0 0 0x54 50000 DELEGATECALL ISZERO $6013 JUMPI INVALID JUMPDEST", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        fx_set_balance(f, CALLEE, 10);
        fx_set_code(f, CALLEE, rows[i].callee);
        fx_set_code(f, 0x54, "1 1 SSTORE");
        fx_call_code(f, "0 0 0 0 0x55 200000 STATICCALL" RETURN_1);
        assert_int_equal(f->out.error, EXEC_OK);
        if (fx_word_u64(f, 0) != rows[i].success)
            fail_msg("%s in a static frame", rows[i].callee);
        assert_int_equal(f->out.n_logs, 0);
        fx_destroy(f);
    }
    /* the error's name, seen by a tracer */
    fx *f = fx_create(6);
    fx_set_code(f, CALLEE, "1 1 SSTORE");
    fx_call_code(f, "0 0 0 0 0x55 200000 STATICCALL");
    assert_int_equal(f->n_events, 4);
    assert_int_equal(f->events[2].end.error, EXEC_INVALID_STATIC);
    fx_destroy(f);
}

static void test_warmth(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    /* what a reverted frame touched is cold again; the frame's own address is not */
    fx_set_code(f, CALLEE, "0x99 BALANCE 7 SLOAD 0 0 REVERT");
    fx_call_code(f, "0 0 0 0 0x55 100000 DELEGATECALL POP GAS 0x99 BALANCE POP GAS 7 SLOAD POP GAS "
                    "0x55 BALANCE POP GAS SWAP1 SUB 0 MSTORE SWAP1 SUB 32 MSTORE 64 0 RETURN");
    assert_int_equal(f->out.error, EXEC_OK);
    /* each difference also has PUSH 3, POP 2, GAS 2 in it */
    assert_int_equal(fx_word_u64(f, 0), 100 + 7);  /* 0x55 */
    assert_int_equal(fx_word_u64(f, 1), 2600 + 7); /* 0x99 */
    fx_call_code(f, "0 0 0 0 0x55 100000 DELEGATECALL POP GAS 7 SLOAD POP GAS SWAP1 SUB" RETURN_1);
    assert_int_equal(fx_word_u64(f, 0), 2100 + 7);
    /* and stays warm if the frame succeeds */
    fx_set_code(f, CALLEE, "0x99 BALANCE 7 SLOAD");
    fx_call_code(f, "0 0 0 0 0x55 100000 DELEGATECALL POP GAS 0x99 BALANCE POP 7 SLOAD POP GAS "
                    "SWAP1 SUB" RETURN_1);
    assert_int_equal(fx_word_u64(f, 0), 200 + 12);
    fx_destroy(f);
}

static void test_return_data(void **state)
{
    (void)state;
    static const struct {
        uint32_t fork;
        const char *second; /* a call after one that left 64 bytes; its result is dropped */
        uint64_t size;
    } rows[] = {
        {6, "0 0 0 0 0x54 50000 STATICCALL", 32}, /* reverts with a word */
        {6, "0 0 0 0 0x53 50000 STATICCALL", 0},  /* halts */
        {6, "0 0 0 0 0x52 50000 STATICCALL", 0},  /* no code */
        {6, "0 0 0 0 1 0x54 50000 CALL", 0},      /* no balance */
        {6, "0 7 0 0 4 50000 STATICCALL", 0},     /* identity of nothing */
        {6, "0 0 7 0 4 50000 STATICCALL", 7},     /* identity */
        {6, "0 0 7 0 4 1 STATICCALL", 0},         /* identity without gas */
        {6, "0 0 0 0 9 50000 STATICCALL", 0},     /* unsupported */
        {4, "0 0 0 0 9 50000 STATICCALL", 64},    /* fork 4 keeps the old buffer */
        {5, "0 0 0 0 9 50000 STATICCALL", 0},
        {4, "0 0 0 0 0x53 50000 STATICCALL", 0},
        {6, "0 0 0 CREATE", 0},
        {6, "0 0 1 CREATE", 0}, /* refused for want of balance */
        {6, "POP", 64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(rows[i].fork);
        char code[300];
        fx_set_code(f, CALLEE, "0x1111 0 MSTORE 0x2222 32 MSTORE 64 0 RETURN");
        fx_set_code(f, 0x54, "0x3333 0 MSTORE 32 0 REVERT");
        fx_set_code(f, 0x53, "INVALID");
        snprintf(code, sizeof code, "0 0 0 0 0x55 50000 STATICCALL %s RETURNDATASIZE" RETURN_1,
                 rows[i].second);
        fx_call_code(f, code);
        assert_int_equal(f->out.error, EXEC_OK);
        if (fx_word_u64(f, 0) != rows[i].size)
            fail_msg("%s: return data %llu", rows[i].second, (unsigned long long)fx_word_u64(f, 0));
        fx_destroy(f);
    }
    fx *f = fx_create(6);
    fx_set_code(f, CALLEE, "0x1111 0 MSTORE 0x2222 32 MSTORE 64 0 REVERT");
    /* a short place gets the beginning only; the rest of the memory is untouched */
    fx_call_code(f, MINUS_1 " 32 MSTORE 33 0 0 0 0x55 50000 STATICCALL 64 MSTORE "
                            "2 62 96 RETURNDATACOPY 128 0 RETURN");
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(fx_word_u64(f, 0), 0x1111);
    assert_int_equal(f->out.output[32], 0);
    assert_int_equal(f->out.output[33], 0xff);
    assert_int_equal(fx_word_u64(f, 2), 0);
    assert_int_equal(f->out.output[96], 0x22);
    assert_int_equal(f->out.output[97], 0x22);
    /* a long place keeps what was there behind the data */
    fx_set_code(f, CALLEE, "0xab 0 MSTORE8 1 0 RETURN");
    fx_call_code(f, MINUS_1 " 0 MSTORE 32 0 0 0 0x55 50000 STATICCALL 32 0 RETURN");
    assert_int_equal(f->out.output[0], 0xab);
    assert_int_equal(f->out.output[1], 0xff);
    /* up to the end of the buffer and not further */
    fx_call_code(f, "0 0 0 0 0x55 50000 STATICCALL 1 0 0 RETURNDATACOPY 0 1 0 RETURNDATACOPY");
    assert_int_equal(f->out.error, EXEC_OK);
    fx_call_code(f, "0 0 0 0 0x55 50000 STATICCALL 1 1 0 RETURNDATACOPY");
    assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
    fx_call_code(f, "0 0 0 0 0x55 50000 STATICCALL 0 2 0 RETURNDATACOPY");
    assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
    /* a frame starts with an empty buffer, whatever its caller has */
    fx_set_code(f, 0x54, "RETURNDATASIZE" RETURN_1);
    fx_call_code(f, "0 0 0 0 0x55 50000 STATICCALL 32 0 0 0 0x54 50000 STATICCALL 32 0 RETURN");
    assert_int_equal(fx_word_u64(f, 0), 0);
    /* identity onto its own input */
    fx_call_code(f, "0x0102030405 0 MSTORE 4 28 5 27 4 50000 STATICCALL 32 0 RETURN");
    assert_memory_equal(f->out.output + 27, "\1\1\2\3\4", 5);
    fx_destroy(f);
}

static void test_refund_of_frames(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    fx_set_storage(f, CALLEE, 1, 5);
    fx_set_storage(f, CALLEE, 2, 5);
    fx_set_storage(f, 0x54, 1, 5);
    fx_set_code(f, CALLEE, "0 1 SSTORE");
    fx_set_code(f, 0x54, "0 1 SSTORE 0 0 REVERT");
    fx_call_code(f, "0 0 0 0 0 0x55 50000 CALL 0 0 0 0 0 0x54 50000 CALL");
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(f->out.refund, 15000);
    assert_int_equal(fx_storage(f, CALLEE, 1), 0);
    assert_int_equal(fx_storage(f, 0x54, 1), 5);
    /* a refund taken back by another frame */
    fx_set_storage(f, CALLEE, 1, 5);
    fx_set_code(f, CALLEE, "CALLVALUE 1 SSTORE");
    fx_set_balance(f, FX_TARGET, 10);
    fx_call_code(f, "0 0 0 0 0 0x55 50000 CALL 0 0 0 0 6 0x55 50000 CALL");
    assert_int_equal(f->out.refund, 0);
    assert_int_equal(fx_storage(f, CALLEE, 1), 6);
    fx_destroy(f);
}

static void test_depth(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    fx_no_events(f);
    /* counts its frames in storage; no limit but gas */
    fx_set_code(f, FX_TARGET, "0 SLOAD 1 ADD 0 SSTORE 0 0 0 0 0 ADDRESS GAS CALL");
    evm_message m = fx_message(FX_TARGET, 0, INT32_MAX);
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OK);
    assert_true(fx_storage(f, FX_TARGET, 0) > 500);
    fx_set_code(f, FX_TARGET, "0 0 0 0 0 ADDRESS GAS CALL");
    m.gas = UINT64_C(1) << 60;
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OK);
    fx_destroy(f);
}

static void test_events(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    fx_set_balance(f, FX_TARGET, 10);
    fx_set_code(f, CALLEE, "32 0 REVERT");
    fx_call_code(f, "0 0 1 0 3 0x55 5000 CALL 0 0 0 CREATE 0 0 0 0 4 15 DELEGATECALL");
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(f->n_events, 8);
    static const struct {
        bool is_end;
        unsigned depth;
    } shape[] = {{0, 0}, {0, 1}, {1, 1}, {0, 1}, {1, 1}, {0, 1}, {1, 1}, {1, 0}};
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(f->events[i].is_end, shape[i].is_end);
        assert_int_equal(shape[i].is_end ? f->events[i].end.depth : f->events[i].start.depth,
                         shape[i].depth);
    }
    exec_address target = fx_address(FX_TARGET), callee = fx_address(CALLEE), four = fx_address(4);
    const exec_call_event *c = &f->events[1].start;
    assert_int_equal(c->kind, EXEC_CALL);
    assert_memory_equal(&c->from, &target, 20);
    assert_memory_equal(&c->to, &callee, 20);
    assert_int_equal(fx_u64(&c->value), 3);
    assert_int_equal(c->gas, 5000 + 2300);
    assert_int_equal(c->input_len, 1);
    const exec_return_event *e = &f->events[2].end;
    assert_int_equal(e->error, EXEC_REVERT);
    assert_int_equal(e->gas_used, 9);
    assert_int_equal(e->output_len, 32);
    assert_int_equal(f->events[3].start.kind, EXEC_CREATE);
    assert_int_equal(f->events[4].end.error, EXEC_OK);
    assert_int_equal(f->events[5].start.kind, EXEC_DELEGATECALL);
    assert_memory_equal(&f->events[5].start.from, &target, 20);
    assert_memory_equal(&f->events[5].start.to, &four, 20);
    assert_int_equal(f->events[6].end.gas_used, 15);
    assert_int_equal(f->events[7].end.gas_used, f->gas_used);
    fx_destroy(f);
}

/* ---- precompiles ---- */

static void test_precompiles_at_top(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    fx_set_balance(f, FX_SENDER, 100);
    exec_address from = fx_address(FX_SENDER);
    static const uint8_t data[33] = {1, 2, 3};
    for (unsigned p = 0; p <= 10; p++) {
        evm_message m = fx_message(p, 5, 10000);
        m.data = data;
        m.data_len = sizeof data;
        uint64_t before = fx_balance(f, &from);
        exec_address to = fx_address(p);
        fx_run(f, &m);
        bool unsupported = p >= 2 && p <= 9 && p != 4;
        assert_int_equal(f->out.error, unsupported ? EXEC_REVERT : EXEC_OK);
        assert_int_equal(f->gas_used, p == 1 ? 3000 : p == 4 ? 15 + 6 : 0);
        assert_int_equal(f->out.output_len, p == 4 ? 33 : 0);
        assert_int_equal(fx_balance(f, &to), unsupported ? 0 : 5);
        assert_int_equal(fx_balance(f, &from), before - (unsupported ? 0 : 5));
    }
    assert_int_equal(f->n_events, 2);
    /* out of gas there is a halt like any other: the value comes back */
    evm_message m = fx_message(4, 5, 14);
    exec_address four = fx_address(4);
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
    assert_int_equal(f->out.gas_left, 0);
    assert_int_equal(fx_balance(f, &four), 5);
    fx_destroy(f);
}

static void test_ecrecover(void **state)
{
    (void)state;
    uint8_t key[64], digest[32];
    memset(key, 0x11, sizeof key);
    keccak_256(digest, key, sizeof key);
    static const struct {
        const char *v, *r, *s;
        bool ok;
    } rows[] = {
        {"27", "1", "1", true},
        {"28", "1", "1", true},
        {"26", "1", "1", false},
        {"29", "1", "1", false},
        {"0x10000000000000000000000000000000000000000000000000000000000001b", "1", "1", false},
        {"27", "0", "1", false},
        {"27", "1", "0", false},
        /* n - 1 is the largest legal r and s; a high s is no fault here */
        {"27", "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
         "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", true},
        {"27", "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "1", false},
        {"27", "1", "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        char code[600];
        snprintf(code, sizeof code,
                 "7 0 MSTORE %s 32 MSTORE %s 64 MSTORE %s 96 MSTORE 0x77 128 MSTORE "
                 "32 128 128 0 1 3000 STATICCALL RETURNDATASIZE 128 MLOAD" RETURN_3,
                 rows[i].v, rows[i].r, rows[i].s);
        fx_call_code(f, code);
        assert_int_equal(f->out.error, EXEC_OK);
        assert_int_equal(fx_word_u64(f, 2), 1);
        assert_int_equal(fx_word_u64(f, 1), rows[i].ok ? 32 : 0);
        if (rows[i].ok)
            assert_memory_equal(f->out.output + 12, digest + 12, 20);
        else
            assert_int_equal(fx_word_u64(f, 0), 0x77);
        fx_destroy(f);
    }
    /* a short input is filled up with zeros; too little gas fails the call */
    fx *f = fx_create(6);
    fx_call_code(f, "27 32 MSTORE 1 64 MSTORE 0 0 96 0 1 3000 STATICCALL RETURNDATASIZE" RETURN_2);
    assert_int_equal(fx_word_u64(f, 0), 0); /* s = 0 */
    assert_int_equal(fx_word_u64(f, 1), 1);
    fx_call_code(f, "0 0 0 0 1 2999 STATICCALL" RETURN_1);
    assert_int_equal(fx_word_u64(f, 0), 0);
    fx_destroy(f);
    /* a result at infinity: an address in fork 5, nothing in fork 6 */
    exec_address infinity = address_of_hex("3f17f1962b36e491b30a40b2405849e597ba5fb5");
    for (uint32_t fork = 4; fork <= 6; fork++) {
        f = fx_create(fork);
        f->recovery = EXEC_RECOVERY_INFINITY;
        fx_call_code(f, "27 32 MSTORE 1 64 MSTORE 1 96 MSTORE 32 0 128 0 1 3000 STATICCALL "
                        "RETURNDATASIZE 0 MLOAD" RETURN_3);
        assert_int_equal(fx_word_u64(f, 2), 1);
        assert_int_equal(fx_word_u64(f, 1), fork == 6 ? 0 : 32);
        if (fork != 6)
            assert_memory_equal(f->out.output + 12, infinity.bytes, 20);
        fx_destroy(f);
    }
}

/* ---- creations ---- */

static void test_create_addresses(void **state)
{
    (void)state;
    /* published: go-ethereum's TestCreateAddress family and EIP-1014 */
    static const struct {
        const char *creator, *code, *expected;
        uint64_t nonce;
    } rows[] = {
        {"6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", "0 0 0 CREATE",
         "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", 0},
        {"6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", "0 0 0 CREATE",
         "343c43a37d37dff08ae8c4a11544c718abb4fcf8", 1},
        {"0000000000000000000000000000000000000000", "0 1 0 0 CREATE2",
         "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38", 0},
        {"deadbeef00000000000000000000000000000000", "0 1 0 0 CREATE2",
         "b928f69bb1d91cd65274e3c79d8986362984fda3", 0},
        {"00000000000000000000000000000000deadbeef",
         "0xdeadbeef 0 MSTORE 0xcafebabe 4 28 0 CREATE2",
         "60f3f640a8508fc6a86d45df051962668e1e8ac7", 0},
        {"0000000000000000000000000000000000000000", "0 0 0 0 CREATE2",
         "e33c0c7f7df4809055c3eba6c09cfe4baf1bd9e0", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        uint8_t code[500];
        char text[400];
        exec_address creator = address_of_hex(rows[i].creator),
                     expected = address_of_hex(rows[i].expected);
        snprintf(text, sizeof text, "%s" RETURN_1, rows[i].code);
        fx_set_code_at(f, &creator, code, fx_assemble(code, sizeof code, text));
        fx_set_nonce(f, &creator, rows[i].nonce);
        evm_message m = fx_message(0, 0, 1000000);
        m.to = creator;
        fx_run(f, &m);
        u256 pushed = fx_word(f, 0);
        exec_address found = bytes_address_of_u256(&pushed);
        /* deadbeef's init code is an invalid opcode, so that one only shows in the event */
        if (i == 4)
            found = f->events[1].start.to;
        assert_memory_equal(&found, &expected, 20);
        assert_int_equal(fx_nonce(f, &creator), rows[i].nonce + 1);
        assert_int_equal(fx_nonce(f, &expected), i == 4 ? 0 : 1);
        fx_destroy(f);
    }
    /* against the other implementation, for all lengths of the nonce */
    for (unsigned bits = 0; bits < 64; bits++) {
        fx *f = fx_create(6);
        exec_address creator = fx_address(FX_TARGET), expected;
        uint64_t nonce = (UINT64_C(1) << bits) - (bits % 3 == 0);
        fx_set_nonce(f, &creator, nonce);
        fx_call_code(f, "0 0 0 CREATE" RETURN_1);
        exec_create_address(&expected, &creator, nonce, keccak_256);
        u256 pushed = fx_word(f, 0);
        exec_address found = bytes_address_of_u256(&pushed);
        assert_memory_equal(&found, &expected, 20);
        fx_destroy(f);
    }
}

/** Creates from a contract with the given init code, whose bytes are the creator's call data. */
static void create_with(fx *f, const char *init, const char *value, uint64_t gas)
{
    static uint8_t data[32768];
    char code[300];
    size_t len = fx_assemble(data, sizeof data, init);
    snprintf(code, sizeof code,
             "CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 %s CREATE RETURNDATASIZE" RETURN_2,
             value);
    fx_set_code(f, FX_TARGET, code);
    evm_message m = fx_message(FX_TARGET, 0, gas);
    m.data = data;
    m.data_len = len;
    fx_run(f, &m);
}

static void test_create_outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *init;
        bool ok;
        uint64_t code_len, return_data;
        exec_error error;
    } rows[] = {
        {"", true, 0, 0, EXEC_OK},
        {"STOP", true, 0, 0, EXEC_OK},
        {"0 0 RETURN", true, 0, 0, EXEC_OK},
        {"1 0 RETURN", true, 1, 0, EXEC_OK},
        {"0xef 0 MSTORE8 1 0 RETURN", false, 0, 0, EXEC_INVALID_CODE_STARTS_EF},
        {"0xef 0 MSTORE8 0 0 RETURN", true, 0, 0, EXEC_OK},
        {"0xef 1 MSTORE8 2 0 RETURN", true, 2, 0, EXEC_OK},
        {"0x6000 0 RETURN", true, 0x6000, 0, EXEC_OK},
        {"0x6001 0 RETURN", false, 0, 0, EXEC_INVALID_CODE_SIZE},
        /* size before gas before the first byte */
        {"0xef 0 MSTORE8 0x6001 0 RETURN", false, 0, 0, EXEC_INVALID_CODE_SIZE},
        {"7 0 REVERT", false, 0, 7, EXEC_REVERT},
        {"INVALID", false, 0, 0, EXEC_INVALID_OPCODE},
        {"0x99 SENDALL", true, 0, 0, EXEC_OK},
        {"1 1 SSTORE 0x99 SENDALL", true, 0, 0, EXEC_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        exec_address creator = fx_address(FX_TARGET), made;
        fx_set_nonce(f, &creator, 5);
        fx_set_balance(f, FX_TARGET, 10);
        exec_create_address(&made, &creator, 5, keccak_256);
        create_with(f, rows[i].init, "3", 10000000);
        assert_int_equal(f->out.error, EXEC_OK);
        u256 pushed = fx_word(f, 1), expected = bytes_u256_of_address(&made);
        if (!rows[i].ok)
            expected = u256_zero();
        if (!u256_eq(&pushed, &expected) || fx_word_u64(f, 0) != rows[i].return_data ||
            f->events[2].end.error != rows[i].error)
            fail_msg("%s: error %d", rows[i].init, f->events[2].end.error);
        assert_int_equal(fx_code_length(f, &made), rows[i].code_len);
        assert_int_equal(fx_nonce(f, &made), rows[i].ok);
        assert_int_equal(fx_nonce(f, &creator), 6); /* kept in any case */
        bool sent = strstr(rows[i].init, "SENDALL") != NULL;
        assert_int_equal(fx_balance(f, &made), rows[i].ok && !sent ? 3 : 0);
        assert_int_equal(fx_balance(f, &creator), rows[i].ok ? 7 : 10);
        /* a halt loses all but one 64th of the gas, a revert nothing */
        if (!rows[i].ok)
            assert_int_equal(f->out.gas_left < 200000, rows[i].error != EXEC_REVERT);
        fx_destroy(f);
    }
    /* the deposit is paid before the first byte is looked at */
    fx *f = fx_create(6);
    create_with(f, "0xef 0 MSTORE8 0x6000 0 RETURN", "0", 1000000);
    assert_int_equal(fx_word_u64(f, 1), 0);
    assert_int_equal(f->events[2].end.error, EXEC_OUT_OF_GAS);
    fx_destroy(f);
}

static void test_create_gas(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        uint64_t gas;
    } rows[] = {
        {"0 0 0 CREATE", 9 + 32000},
        {"32 0 0 CREATE", 9 + 32000 + 3},
        {"0 0 0 0 CREATE2", 12 + 32000},
        {"0 1 0 0 CREATE2", 12 + 32000 + 3 + 6},
        {"0 33 0 0 CREATE2", 12 + 32000 + 6 + 12},
        {"0 " MINUS_1 " 0 CREATE", 9 + 32000},
        /* init code 6001 6000 f3 (return one byte) deposits a zero byte */
        {"0x60016000f3 0 MSTORE 5 27 0 CREATE", 9 + 3 + 9 + 32000 + 9 + 200},
        /* refused: nothing beyond the price of the instruction */
        {"0 0 1 CREATE", 9 + 32000},
        {"0 32 0 1 CREATE2", 12 + 32000 + 3 + 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        fx_call_code(f, rows[i].code);
        if (f->out.error != EXEC_OK || f->gas_used != rows[i].gas)
            fail_msg("%s: error %d, gas %llu, expected %llu", rows[i].code, f->out.error,
                     (unsigned long long)f->gas_used, (unsigned long long)rows[i].gas);
        fx_destroy(f);
    }
    fx *f = fx_create(6);
    fx_call_code(f, "1 0x400000 0 CREATE");
    assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
    /* the gas that the init code sees */
    fx_set_code(f, FX_TARGET, "0x5a60005260206000f3 0 MSTORE 9 23 0 CREATE EXTCODESIZE" RETURN_1);
    fx_call(f);
    assert_int_equal(fx_word_u64(f, 0), 32);
    fx_destroy(f);
}

static void test_create_refused(void **state)
{
    (void)state;
    exec_address creator = fx_address(FX_TARGET), made;
    fx *f = fx_create(6);
    fx_set_nonce(f, &creator, 5);
    fx_call_code(f, "0 0 1 CREATE" RETURN_1);
    assert_int_equal(fx_word_u64(f, 0), 0);
    assert_int_equal(fx_nonce(f, &creator), 5);
    fx_set_nonce(f, &creator, UINT64_MAX);
    fx_call_code(f, "0 0 0 CREATE 0 0 0 0 CREATE2 ADD" RETURN_1);
    assert_int_equal(fx_word_u64(f, 0), 0);
    assert_int_equal(fx_nonce(f, &creator), UINT64_MAX);
    fx_destroy(f);

    /* collisions: nonce or code hash; storage and balance do not matter */
    for (unsigned kind = 0; kind < 4; kind++) {
        f = fx_create(6);
        fx_set_nonce(f, &creator, 5);
        exec_create_address(&made, &creator, 5, keccak_256);
        u256 one = u256_from_u64(1);
        if (kind == 0)
            fx_set_nonce(f, &made, 1);
        else if (kind == 1)
            fx_set_code_at(f, &made, (const uint8_t *)"", 1);
        else if (kind == 2)
            assert_int_equal(world_set_balance(f->w, &made, &one), EXEC_FAULT_NONE);
        else
            assert_int_equal(world_set_storage(f->w, &made, &one, &one), EXEC_FAULT_NONE);
        fx_call_code(f, "0 0 0 CREATE" RETURN_1);
        u256 pushed = fx_word(f, 0);
        bool collides = kind < 2;
        assert_int_equal(u256_is_zero(&pushed), collides);
        assert_int_equal(f->events[2].end.error, collides ? EXEC_ADDRESS_COLLISION : EXEC_OK);
        assert_int_equal(f->out.gas_left < 20000, collides);
        assert_int_equal(fx_nonce(f, &creator), 6);
        fx_destroy(f);
    }
}

static void test_create_frame_view(void **state)
{
    (void)state;
    /* CALLDATASIZE, CALLDATALOAD, CALLDATACOPY, CODESIZE, CODECOPY, EXTCODESIZE of itself */
    static const char init[] = "CALLDATASIZE 0 MSTORE 0 CALLDATALOAD 32 MSTORE 2 0 64 CALLDATACOPY "
                               "CODESIZE 96 MSTORE 2 0 128 CODECOPY ADDRESS EXTCODESIZE 160 MSTORE "
                               "192 0 REVERT";
    uint8_t code[200];
    size_t len = fx_assemble(code, sizeof code, init);
    for (uint32_t fork = 4; fork <= 6; fork++)
        for (int at_top = 0; at_top < 2; at_top++) {
            fx *f = fx_create(fork);
            const uint8_t *seen;
            if (at_top) {
                evm_message m = fx_message(0x1234, 0, 100000);
                m.is_create = true;
                m.data = code;
                m.data_len = len;
                fx_run(f, &m);
                assert_int_equal(f->out.error, EXEC_REVERT);
            } else {
                fx_set_code(f, FX_TARGET,
                            "CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 0 CREATE "
                            "192 0 0 RETURNDATACOPY 192 0 RETURN");
                evm_message m = fx_message(FX_TARGET, 0, 100000);
                m.data = code;
                m.data_len = len;
                fx_run(f, &m);
                assert_int_equal(f->out.error, EXEC_OK);
            }
            assert_int_equal(f->out.output_len, 192);
            seen = f->out.output;
            assert_int_equal(fx_word_u64(f, 0), 0);
            uint8_t zeros[32] = {0};
            assert_memory_equal(seen + 32, fork == 4 ? code : zeros, 32);
            assert_memory_equal(seen + 64, fork == 4 ? code : zeros, 2);
            assert_int_equal(fx_word_u64(f, 3), len);
            assert_memory_equal(seen + 128, code, 2);
            assert_int_equal(fx_word_u64(f, 5), 0);
            fx_destroy(f);
        }
}

static void test_create_at_top(void **state)
{
    (void)state;
    static const struct {
        const char *init;
        exec_error error;
        uint64_t code_len, gas;
    } rows[] = {
        {"", EXEC_OK, 0, 0},
        {"5 0 RETURN", EXEC_OK, 5, 6 + 3 + 1000},
        {"0 0 RETURN", EXEC_OK, 0, 6},
        {"0x6000 0 RETURN", EXEC_OUT_OF_GAS, 0, 500000},
        {"0x6001 0 RETURN", EXEC_INVALID_CODE_SIZE, 0, 500000},
        {"0xef 0 MSTORE8 1 0 RETURN", EXEC_INVALID_CODE_STARTS_EF, 0, 500000},
        {"5 0 REVERT", EXEC_REVERT, 0, 6 + 3},
        {"ADDRESS SENDALL", EXEC_OK, 0, 5002},
    };
    exec_address made = fx_address(0x1234), from = fx_address(FX_SENDER);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        uint8_t code[100];
        evm_message m = fx_message(0x1234, 9, 500000);
        fx_set_balance(f, FX_SENDER, 10);
        m.is_create = true;
        m.data = code;
        m.data_len = fx_assemble(code, sizeof code, rows[i].init);
        fx_run(f, &m);
        if (f->out.error != rows[i].error || f->gas_used != rows[i].gas)
            fail_msg("%s: error %d, gas %llu", rows[i].init, f->out.error,
                     (unsigned long long)f->gas_used);
        bool ok = rows[i].error == EXEC_OK;
        assert_int_equal(fx_code_length(f, &made), rows[i].code_len);
        assert_int_equal(fx_nonce(f, &made), ok);
        assert_int_equal(fx_balance(f, &made), ok ? 9 : 0);
        assert_int_equal(fx_balance(f, &from), ok ? 1 : 10);
        fx_destroy(f);
    }
    fx *f = fx_create(6);
    fx_set_nonce(f, &made, 1);
    evm_message m = fx_message(0x1234, 0, 500000);
    m.is_create = true;
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_ADDRESS_COLLISION);
    assert_int_equal(f->out.gas_left, 0);
    fx_destroy(f);
}

/** Fork 4: the refund of a creation that ends with 0xEF stays with the creator. */
static void test_refund_leak(void **state)
{
    (void)state;
    for (uint32_t fork = 4; fork <= 6; fork++) {
        fx *f = fx_create(fork);
        /* writes and clears its own slot, then returns 0xef */
        create_with(f, "1 1 SSTORE 0 1 SSTORE 0xef 0 MSTORE8 1 0 RETURN", "0", 10000000);
        assert_int_equal(f->out.error, EXEC_OK);
        assert_int_equal(f->out.refund, fork == 4 ? 19900 : 0);
        /* other failures do not leak */
        create_with(f, "1 1 SSTORE 0 1 SSTORE INVALID", "0", 10000000);
        assert_int_equal(f->out.refund, 0);
        create_with(f, "1 1 SSTORE 0 1 SSTORE 0x6001 0 RETURN", "0", 10000000);
        assert_int_equal(f->out.refund, 0);
        create_with(f, "1 1 SSTORE 0 1 SSTORE", "0", 10000000);
        assert_int_equal(f->out.refund, 19900);
        fx_destroy(f);
    }
}

/** The warmth of the new address is undone with a failing creation, and kept with a good one. */
static void test_create_warmth(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        fx *f = fx_create(6);
        exec_address creator = fx_address(FX_TARGET), made;
        char code[300], hex[41];
        exec_create_address(&made, &creator, 0, keccak_256);
        for (unsigned i = 0; i < 20; i++)
            snprintf(hex + 2 * i, 3, "%02x", made.bytes[i]);
        /* init code: nothing, or revert(0, 0) */
        snprintf(
            code, sizeof code,
            "0x60006000fd 0 MSTORE %s 27 0 CREATE POP GAS 0x%s BALANCE POP GAS SWAP1 SUB" RETURN_1,
            fails ? "5" : "0", hex);
        fx_call_code(f, code);
        assert_int_equal(f->out.error, EXEC_OK);
        assert_int_equal(fx_word_u64(f, 0), (fails ? 2600 : 100) + 7);
        fx_destroy(f);
    }
}

static void test_create_counters(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    /* Keccak: one block for CREATE; for CREATE2 one and those of the init code */
    fx_set_code(f, FX_TARGET, "0 0 0 CREATE");
    uint64_t before = f->x.counters.keccak_f;
    fx_call(f);
    assert_int_equal(f->x.counters.keccak_f - before, 1);
    fx_set_code(f, FX_TARGET, "0 136 0 0 CREATE2");
    before = f->x.counters.keccak_f;
    fx_call(f);
    assert_int_equal(f->x.counters.keccak_f - before, 3);
    /* padding: the code that starts, and a deployment of 56 bytes (two blocks) */
    fx_set_code(f, FX_TARGET, "0x60386000f3 0 MSTORE 5 27 0 CREATE");
    before = f->x.counters.padding_pg;
    fx_call(f);
    assert_int_equal(f->x.counters.padding_pg - before, 1 + 2);
    /* a refused one hashes nothing */
    fx_set_code(f, FX_TARGET, "0 0 1 CREATE");
    before = f->x.counters.keccak_f;
    fx_call(f);
    assert_int_equal(f->x.counters.keccak_f - before, 0);
    /* budgets: CREATE2 needs 2 + (len + 1) / 136 blocks */
    f->x.counters.enforced = true;
    f->x.counters.poseidon_g = 0;
    f->x.counters.keccak_f = COUNTERS_KECCAK_F_BUDGET - 2;
    evm_message m = fx_message(FX_TARGET, 0, 1000000);
    fx_set_code(f, FX_TARGET, "0 135 0 0 CREATE2");
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_OOC_KECCAK);
    fx_set_code(f, FX_TARGET, "0 134 0 0 CREATE2");
    fx_run(f, &m);
    assert_int_equal(f->x.counters.keccak_f, COUNTERS_KECCAK_F_BUDGET);
    fx_set_code(f, FX_TARGET, "0 0 0 CREATE");
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_OOC_KECCAK);
    fx_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_context),     cmocka_unit_test(test_call_gas),
        cmocka_unit_test(test_call_gas_passed),  cmocka_unit_test(test_static),
        cmocka_unit_test(test_warmth),           cmocka_unit_test(test_return_data),
        cmocka_unit_test(test_refund_of_frames), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_events),           cmocka_unit_test(test_precompiles_at_top),
        cmocka_unit_test(test_ecrecover),        cmocka_unit_test(test_create_addresses),
        cmocka_unit_test(test_create_outcomes),  cmocka_unit_test(test_create_gas),
        cmocka_unit_test(test_create_refused),   cmocka_unit_test(test_create_frame_view),
        cmocka_unit_test(test_create_at_top),    cmocka_unit_test(test_refund_leak),
        cmocka_unit_test(test_create_warmth),    cmocka_unit_test(test_create_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
