/* One frame: values, gas, memory, storage, the errors and what differs from Ethereum (executor
 * specification, section 4). Calls and creations are in test_evm_call.c. */

#include "evm_fixture.h"

#include "host/executor/gas.h"

#define MINUS_1 "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define MIN_INT "0x8000000000000000000000000000000000000000000000000000000000000000"

/** Runs code that leaves one word on the stack; the word. */
static u256 value_of(const char *text)
{
    fx *f = fx_create(6);
    char program[4096];
    snprintf(program, sizeof program, "%s 0 MSTORE 32 0 RETURN", text);
    fx_call_code(f, program);
    if (f->out.error != EXEC_OK)
        fail_msg("%s: error %d", text, f->out.error);
    u256 v = fx_word(f, 0);
    fx_destroy(f);
    return v;
}

static void expect_same(const char *code, const char *expected)
{
    u256 v = value_of(code), e = value_of(expected);
    if (!u256_eq(&v, &e))
        fail_msg("%s is not %s but ...%016llx", code, expected, (unsigned long long)v.limb[0]);
}

static void test_values(void **state)
{
    (void)state;
    /* operands in the order of pushing: the last is the top */
    static const char *const rows[][2] = {
        {"2 5 ADD", "7"},
        {"2 5 SUB", "3"},
        {"3 5 MUL", "15"},
        {"3 17 DIV", "5"},
        {"0 17 DIV", "0"},
        {"3 17 MOD", "2"},
        {"0 17 MOD", "0"},
        {"2 " MINUS_1 " SDIV", "0"},
        {MINUS_1 " " MIN_INT " SDIV", MIN_INT},
        {"3 0 5 SWAP1 SUB SMOD",
         "0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"},
        {"8 10 10 ADDMOD", "4"},
        {"2 " MINUS_1 " " MINUS_1 " ADDMOD", "0"},
        {"8 10 10 MULMOD", "4"},
        {"0 10 10 MULMOD", "0"},
        {"5 3 EXP", "243"},
        {"0 0 EXP", "1"},
        {"0xff 0 SIGNEXTEND", MINUS_1},
        {"0x7f 0 SIGNEXTEND", "0x7f"},
        {"0xff " MINUS_1 " SIGNEXTEND", "0xff"},
        {"2 1 LT", "1"},
        {"1 2 LT", "0"},
        {"1 2 GT", "1"},
        {"1 " MINUS_1 " SLT", "1"},
        {MINUS_1 " 1 SGT", "1"},
        {"7 7 EQ", "1"},
        {"0 ISZERO", "1"},
        {"6 3 AND", "2"},
        {"6 3 OR", "7"},
        {"6 3 XOR", "5"},
        {"0 NOT", MINUS_1},
        {"0x1234 31 BYTE", "0x34"},
        {"0x1234 32 BYTE", "0"},
        {"1 255 SHL", MIN_INT},
        {"1 256 SHL", "0"},
        {MIN_INT " 255 SHR", "1"},
        {"1 " MINUS_1 " SHR", "0"},
        {MIN_INT " 255 SAR", MINUS_1},
        {MIN_INT " " MINUS_1 " SAR", MINUS_1},
        /* Keccak-256 of nothing and of 32 zero bytes, published values */
        {"0 0 SHA3", "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        {"32 0 SHA3", "0x290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563"},
        {"ADDRESS", "0xc0de"},
        {"ORIGIN", "0xe0a"},
        {"CALLER", "0xe0a"},
        {"CALLVALUE", "0"},
        {"CALLDATASIZE", "0"},
        {"CODESIZE", "9"},
        {"GASPRICE", "7"},
        {"COINBASE", "0xfee"},
        {"TIMESTAMP", "1944498031"},
        {"NUMBER", "42"},
        {"DIFFICULTY", "0"},
        {"GASLIMIT", "30000000"},
        {"CHAINID", "1001"},
        {"SELFBALANCE", "0"},
        {"RETURNDATASIZE", "0"},
        {"PC PC ADD", "1"},
        {"MSIZE", "0"},
        {"5 31 MSTORE8 0 MLOAD", "5"},
        {"0x1234 0 MSTORE8 MSIZE 0 MLOAD 248 SHR ADD", "0x54"},
        {"5 1 MSTORE MSIZE", "64"},
        {"5 6 7 SWAP2 POP POP", "7"},
        {"5 6 DUP2", "5"},
        {"PUSH0", "0"},
        {"9 7 SSTORE 7 SLOAD", "9"},
        {"GAS GAS SWAP1 SUB", "2"},
        {"0x1234 EXTCODESIZE", "0"},
        {"0x1234 EXTCODEHASH", "0"},
        {"4 EXTCODEHASH", "0"},
        {"ADDRESS EXTCODESIZE", "10"},
        {"0xc0de0000000000000000000000000000000000000000c0de EXTCODESIZE", "34"},
        {"0 CALLDATALOAD", "0"},
        {"32 0 0 CODECOPY 0 MLOAD 248 SHR", "0x60"},
        {"32 0 0 ADDRESS EXTCODECOPY 0 MLOAD 248 SHR", "0x60"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_same(rows[i][0], rows[i][1]);
    for (unsigned n = 1; n <= 32; n++) {
        char code[100] = "$", shifted[100];
        snprintf(code, sizeof code, "$%02x", 0x5f + n);
        for (unsigned i = 0; i < n; i++)
            snprintf(code + strlen(code), sizeof code - strlen(code), "%02x", i + 1);
        snprintf(shifted, sizeof shifted,
                 "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 %u SHR",
                 256 - 8 * n);
        expect_same(code, shifted);
    }
}

/** The hash leaf is the linear Poseidon hash, not a Keccak digest. */
static void test_extcodehash(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    fx_set_code(f, 0x77, "1 2 ADD");
    exec_address a = fx_address(0x77);
    u256 hash;
    assert_int_equal(world_code_hash(f->w, &a, &hash), EXEC_FAULT_NONE);
    fx_call_code(f, "0x77 EXTCODEHASH 0 MSTORE 32 0 RETURN");
    u256 v = fx_word(f, 0);
    assert_true(u256_eq(&v, &hash));
    assert_false(u256_is_zero(&v));
    fx_destroy(f);
}

typedef struct gas_row {
    const char *code;
    uint64_t gas;
} gas_row;

static void check_gas_rows(const gas_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fx *f = fx_create(6);
        fx_set_balance(f, FX_TARGET, 1000);
        fx_call_code(f, rows[i].code);
        if (f->out.error != EXEC_OK || f->gas_used != rows[i].gas)
            fail_msg("%s: error %d, gas %llu, expected %llu", rows[i].code, f->out.error,
                     (unsigned long long)f->gas_used, (unsigned long long)rows[i].gas);
        /* one less is too little */
        evm_message m = fx_message(FX_TARGET, 0, rows[i].gas - 1);
        if (rows[i].gas != 0) {
            fx_set_balance(f, FX_TARGET, 1000);
            fx_set_balance(f, 0x99, 0);
            fx_set_balance(f, FX_SENDER, 0);
            fx_run(f, &m);
            if (f->out.error != EXEC_OUT_OF_GAS || f->out.gas_left != 0)
                fail_msg("%s: runs with %llu", rows[i].code, (unsigned long long)m.gas);
        }
        fx_destroy(f);
    }
}

static void test_gas(void **state)
{
    (void)state;
    static const gas_row rows[] = {
        {"STOP", 0},
        {"", 0},
        {"JUMPDEST", 1},
        {"1 2 ADD", 9},
        {"1 2 MUL", 11},
        {"1 2 SUB", 9},
        {"1 2 DIV", 11},
        {"1 2 SDIV", 11},
        {"1 2 MOD", 11},
        {"1 2 SMOD", 11},
        {"1 2 3 ADDMOD", 17},
        {"1 2 3 MULMOD", 17},
        {"0 2 EXP", 16},
        {"255 2 EXP", 66},
        {"256 2 EXP", 116},
        {MINUS_1 " 2 EXP", 16 + 32 * 50},
        {"1 2 SIGNEXTEND", 11},
        {"1 2 LT", 9},
        {"1 2 GT", 9},
        {"1 2 SLT", 9},
        {"1 2 SGT", 9},
        {"1 2 EQ", 9},
        {"1 ISZERO", 6},
        {"1 2 AND", 9},
        {"1 2 OR", 9},
        {"1 2 XOR", 9},
        {"1 NOT", 6},
        {"1 2 BYTE", 9},
        {"1 2 SHL", 9},
        {"1 2 SHR", 9},
        {"1 2 SAR", 9},
        {"0 0 SHA3", 36},
        {"1 0 SHA3", 36 + 6 + 3},
        {"32 0 SHA3", 36 + 6 + 3},
        {"33 0 SHA3", 36 + 12 + 6},
        {"ADDRESS", 2},
        {"0x99 BALANCE", 3 + 2600},
        {"0x99 BALANCE 0x99 BALANCE", 6 + 2700},
        {"ADDRESS BALANCE", 2 + 100},
        {"4 BALANCE", 3 + 100},
        {"0 BALANCE", 3 + 2600},
        {"10 BALANCE", 3 + 2600},
        {"COINBASE BALANCE", 2 + 2600}, /* not warm from the start (EIP-3651 is not in force) */
        {"ORIGIN", 2},
        {"CALLER", 2},
        {"CALLVALUE", 2},
        {"0 CALLDATALOAD", 6},
        {"CALLDATASIZE", 2},
        {"0 0 0 CALLDATACOPY", 12},
        {"33 0 0 CALLDATACOPY", 12 + 6 + 6},
        {"CODESIZE", 2},
        {"33 0 0 CODECOPY", 12 + 6 + 6},
        {"GASPRICE", 2},
        {"0x99 EXTCODESIZE", 3 + 2600},
        {"ADDRESS EXTCODESIZE", 2 + 100},
        {"33 0 0 0x99 EXTCODECOPY", 12 + 2600 + 6 + 6},
        {"33 0 0 ADDRESS EXTCODECOPY", 11 + 100 + 6 + 6},
        {"RETURNDATASIZE", 2},
        {"0 0 0 RETURNDATACOPY", 12},
        {"0x99 EXTCODEHASH", 3 + 2600},
        {"1 BLOCKHASH", 23},
        {"COINBASE", 2},
        {"TIMESTAMP", 2},
        {"NUMBER", 2},
        {"DIFFICULTY", 2},
        {"GASLIMIT", 2},
        {"CHAINID", 2},
        {"SELFBALANCE", 5},
        {"1 POP", 5},
        {"0 MLOAD", 6 + 3},
        {"1 MLOAD", 6 + 6},
        {"0 0 MSTORE", 9 + 3},
        {"0 31 MSTORE8", 9 + 3},
        {"0 32 MSTORE8", 9 + 6},
        {"1 SLOAD", 3 + 2100},
        {"1 SLOAD 1 SLOAD", 6 + 2200},
        {"3 JUMP JUMPDEST", 3 + 8 + 1},
        {"1 5 JUMPI JUMPDEST", 6 + 10 + 1},
        {"0 5 JUMPI JUMPDEST", 6 + 10 + 1},
        {"PC", 2},
        {"MSIZE", 2},
        {"GAS", 2},
        {"PUSH0", 2},
        {"1 DUP1", 6},
        {"1 2 SWAP1", 9},
        {"0 0 LOG0", 6 + 375},
        {"5 0 LOG0", 6 + 375 + 40 + 3},
        {"1 0 0 LOG1", 9 + 750},
        {"1 2 0 0 LOG2", 12 + 1125},
        {"1 2 3 0 0 LOG3", 15 + 1500},
        {"1 2 3 4 0 0 LOG4", 18 + 1875},
        {"0 0 RETURN", 6},
        {"64 0 RETURN", 6 + 6},
        {"0x99 SENDALL", 3 + 5000 + 25000 + 2600},
        {"0xe0a SENDALL", 3 + 5000 + 25000 + 2600}, /* the fixture does not touch the sender */
        {"ADDRESS SENDALL", 2 + 5000},
    };
    check_gas_rows(rows, sizeof rows / sizeof rows[0]);
}

static void test_memory(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    /* 1024 words: 3 * 1024 + 1024^2 / 512 */
    fx_call_code(f, "1 32736 MSTORE");
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(f->gas_used, 9 + 3072 + 2048);
    /* growing twice costs the difference; shrinking nothing */
    fx_call_code(f, "1 0 MSTORE 1 32736 MSTORE 1 64 MSTORE");
    assert_int_equal(f->gas_used, 27 + 3072 + 2048);
    /* fresh memory is zero, also where another frame's memory was before */
    fx_set_code(f, 0x55, MINUS_1 " 0 MSTORE " MINUS_1 " 512 MSTORE");
    fx_call_code(f, "0 0 0 0 0 0x55 100000 DELEGATECALL POP 512 MLOAD 64 MLOAD OR 0 MLOAD OR "
                    "0 MSTORE 32 0 RETURN");
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(fx_word_u64(f, 0), 0);

    /* the highest end is 0x3fffe0: 131071 words */
    evm_message m = fx_message(FX_TARGET, 0, UINT64_C(1) << 40);
    static const struct {
        const char *code;
        exec_error error;
    } rows[] = {
        {"0x3fffc0 MLOAD", EXEC_OK},
        {"0x3fffc1 MLOAD", EXEC_OUT_OF_GAS},
        {"1 0x3fffc0 MSTORE", EXEC_OK},
        {"1 0x3fffc1 MSTORE", EXEC_OUT_OF_GAS},
        {"1 0x3fffdf MSTORE8", EXEC_OK},
        {"1 0x3fffe0 MSTORE8", EXEC_OUT_OF_GAS},
        {"0x3fffe0 0 RETURN", EXEC_OK},
        {"0x3fffe1 0 RETURN", EXEC_OUT_OF_GAS},
        {"0 0x3fffe1 RETURN", EXEC_OK},
        {"0 " MINUS_1 " RETURN", EXEC_OK},
        {"1 " MINUS_1 " RETURN", EXEC_OUT_OF_GAS},
        {MINUS_1 " 1 RETURN", EXEC_OUT_OF_GAS},
        {"0x100000000 MLOAD", EXEC_OUT_OF_GAS},
        {"0x10000000000000000 MLOAD", EXEC_OUT_OF_GAS},
        {MINUS_1 " MLOAD", EXEC_OUT_OF_GAS},
        {"1 0x10000000000000000 MSTORE", EXEC_OUT_OF_GAS},
        {"1 0x10000000000000000 MSTORE8", EXEC_OUT_OF_GAS},
        {"0xffffffffffffffff 0xffffffffffffffff SHA3", EXEC_OUT_OF_GAS},
        {"0 0 " MINUS_1 " CALLDATACOPY", EXEC_OK},
        {"1 " MINUS_1 " 0 CALLDATACOPY", EXEC_OK},
        {"1 " MINUS_1 " 0 CODECOPY", EXEC_OK},
        {"1 " MINUS_1 " 0 ADDRESS EXTCODECOPY", EXEC_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx_set_code(f, FX_TARGET, rows[i].code);
        fx_run(f, &m);
        if (f->out.error != rows[i].error)
            fail_msg("%s: error %d", rows[i].code, f->out.error);
    }
    fx_set_code(f, FX_TARGET, "0x3fffc0 MLOAD");
    fx_run(f, &m);
    assert_int_equal(f->gas_used, 6 + 3 * 131071ull + 131071ull * 131071ull / 512);
    fx_destroy(f);
}

static void test_calldata(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    uint8_t data[40];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i + 1);
    evm_message m = fx_message(FX_TARGET, 0, 100000);
    m.data = data;
    m.data_len = sizeof data;
    fx_set_code(f, FX_TARGET,
                "CALLDATASIZE 0 MSTORE 1 CALLDATALOAD 32 MSTORE 39 CALLDATALOAD 64 MSTORE "
                "40 CALLDATALOAD 96 MSTORE " MINUS_1 " 128 MSTORE 8 36 130 CALLDATACOPY "
                "160 0 RETURN");
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(fx_word_u64(f, 0), 40);
    assert_memory_equal(f->out.output + 32, data + 1, 32);
    assert_int_equal(f->out.output[64], 40);
    assert_int_equal(f->out.output[65], 0);
    u256 last = fx_word(f, 3);
    assert_true(u256_is_zero(&last));
    static const uint8_t copied[12] = {0xff, 0xff, 37, 38, 39, 40, 0, 0, 0, 0, 0xff, 0xff};
    assert_memory_equal(f->out.output + 128, copied, sizeof copied);
    fx_destroy(f);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        exec_error error;
    } rows[] = {
        {"ADD", EXEC_STACK_UNDERFLOW},
        {"1 ADD", EXEC_STACK_UNDERFLOW},
        {"POP", EXEC_STACK_UNDERFLOW},
        {"1 2 SWAP2", EXEC_STACK_UNDERFLOW},
        {"DUP1", EXEC_STACK_UNDERFLOW},
        {"1 2 3 4 5 6 CALL", EXEC_STACK_UNDERFLOW},
        {"1 2 3 4 5 STATICCALL", EXEC_STACK_UNDERFLOW},
        {"1 2 CREATE", EXEC_STACK_UNDERFLOW},
        {"1 2 3 CREATE2", EXEC_STACK_UNDERFLOW},
        {"1 2 3 4 5 LOG4", EXEC_STACK_UNDERFLOW},
        {"SENDALL", EXEC_STACK_UNDERFLOW},
        {"INVALID", EXEC_INVALID_OPCODE},
        {"5 JUMP", EXEC_INVALID_JUMP},
        {"0x1000000000000000000000003 JUMP JUMPDEST", EXEC_INVALID_JUMP},
        {"4 JUMP JUMPDEST", EXEC_INVALID_JUMP}, /* beyond the end of the code */
        {"1 0 JUMPI", EXEC_INVALID_JUMP},
        {"0 0 JUMPI", EXEC_OK},
        {"JUMP", EXEC_STACK_UNDERFLOW},
        {"1 0 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"0 1 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"0 " MINUS_1 " 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"1 " MINUS_1 " 0 RETURNDATACOPY", EXEC_OUT_OF_GAS},
        {"0 0 REVERT", EXEC_REVERT},
        /* a destination inside the immediate of a PUSH is valid */
        {"4 JUMP $605b 0 0 RETURN", EXEC_OK},
        {"PUSH0", EXEC_OK},
        /* PUSH beyond the end of the code */
        {"$60", EXEC_OK},
        {"$7f0102", EXEC_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        fx_call_code(f, rows[i].code);
        if (f->out.error != rows[i].error)
            fail_msg("%s: error %d, expected %d", rows[i].code, f->out.error, rows[i].error);
        bool halted = f->out.error != EXEC_OK && f->out.error != EXEC_REVERT;
        assert_int_equal(f->out.gas_left == 0, halted);
        fx_destroy(f);
    }
    for (unsigned op = 0; op < 256; op++) {
        bool unassigned = (op >= 0x0c && op <= 0x0f) || (op >= 0x1e && op <= 0x1f) ||
                          (op >= 0x21 && op <= 0x2f) || (op >= 0x48 && op <= 0x4f) ||
                          (op >= 0x5c && op <= 0x5e) || (op >= 0xa5 && op <= 0xef) ||
                          (op >= 0xf6 && op <= 0xf9) || op == 0xfb || op == 0xfc || op == 0xfe;
        char code[100];
        snprintf(code, sizeof code, "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 $%02x", op);
        fx *f = fx_create(6);
        fx_call_code(f, code);
        assert_int_equal(f->out.error == EXEC_INVALID_OPCODE, unassigned);
        snprintf(code, sizeof code, "$%02x", op);
        fx_call_code(f, code);
        assert_int_equal(f->out.error == EXEC_INVALID_OPCODE, unassigned);
        fx_destroy(f);
    }
    fx *f = fx_create(4);
    fx_call_code(f, "PUSH0");
    assert_int_equal(f->out.error, EXEC_INVALID_OPCODE);
    fx_destroy(f);
}

static void test_stack_limit(void **state)
{
    (void)state;
    /* 1023 words by a loop, then what is left of the limit */
    static const struct {
        const char *tail;
        exec_error error;
    } rows[] = {
        {"CALLER", EXEC_OK},
        {"CALLER CALLER", EXEC_STACK_OVERFLOW},
        {"CALLER 1", EXEC_STACK_OVERFLOW},
        {"CALLER DUP1", EXEC_STACK_OVERFLOW},
        {"CALLER SWAP1 POP CALLER", EXEC_OK},
        {"CALLER SELFBALANCE", EXEC_STACK_OVERFLOW},
        {"CALLER CODESIZE", EXEC_STACK_OVERFLOW},
        {"SELFBALANCE", EXEC_OK},
        {"CODESIZE", EXEC_OK},
        {"CALLER PUSH0", EXEC_STACK_OVERFLOW},
        {"CALLER MSIZE", EXEC_STACK_OVERFLOW},
        {"CALLER ADD CALLER", EXEC_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static char code[8192];
        code[0] = 0;
        for (unsigned n = 0; n < 1023; n++)
            strcat(code, "$33 ");
        strcat(code, rows[i].tail);
        fx *f = fx_create(6);
        fx_call_code(f, code);
        if (f->out.error != rows[i].error)
            fail_msg("%s: error %d", rows[i].tail, f->out.error);
        fx_destroy(f);
    }
}

/** Two writes of one slot: all cases of EIP-2200 with the prices of EIP-2929 (and the refund of
 * 15,000, since EIP-3529 is not in force). */
static void test_sstore(void **state)
{
    (void)state;
    /* original, first value, second value; price of the first (cold) and second (warm) write;
     * refund */
    static const struct {
        uint64_t original, first, second, gas_first, gas_second;
        int64_t refund;
    } rows[] = {
        {0, 0, 0, 2200, 100, 0},      {0, 0, 1, 2200, 20000, 0},  {0, 1, 0, 22100, 100, 19900},
        {0, 1, 2, 22100, 100, 0},     {0, 1, 1, 22100, 100, 0},   {1, 0, 0, 5000, 100, 15000},
        {1, 0, 1, 5000, 100, 2800},   {1, 0, 2, 5000, 100, 0},    {1, 2, 0, 5000, 100, 15000},
        {1, 2, 3, 5000, 100, 0},      {1, 2, 1, 5000, 100, 2800}, {1, 2, 2, 5000, 100, 0},
        {1, 1, 0, 2200, 2900, 15000}, {1, 1, 2, 2200, 2900, 0},   {1, 1, 1, 2200, 100, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        char code[200];
        if (rows[i].original != 0)
            fx_set_storage(f, FX_TARGET, 3, rows[i].original);
        snprintf(code, sizeof code, "%llu 3 SSTORE %llu 3 SSTORE",
                 (unsigned long long)rows[i].first, (unsigned long long)rows[i].second);
        fx_call_code(f, code);
        assert_int_equal(f->out.error, EXEC_OK);
        if (f->gas_used != 12 + rows[i].gas_first + rows[i].gas_second ||
            f->out.refund != rows[i].refund)
            fail_msg("row %zu: gas %llu, refund %llu", i, (unsigned long long)f->gas_used,
                     (unsigned long long)f->out.refund);
        assert_int_equal(fx_storage(f, FX_TARGET, 3), rows[i].second);
        fx_destroy(f);
    }
    /* a slot read before is warm */
    fx *f = fx_create(6);
    fx_call_code(f, "3 SLOAD POP 1 3 SSTORE");
    assert_int_equal(f->gas_used, 3 + 2100 + 2 + 6 + 20000);
    /* the sentry: 2300 left is too little, 2301 enough for a warm unchanged value */
    fx_set_code(f, FX_TARGET, "3 SLOAD POP 1 3 SSTORE");
    evm_message m = fx_message(FX_TARGET, 0, 3 + 2100 + 2 + 6 + 2300);
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
    m.gas++;
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OK); /* the value is 1 already */
    assert_int_equal(f->out.gas_left, 2201);
    /* the original value is that of the transaction's start: a new transaction, a new original */
    fx_call_code(f, "0 3 SSTORE");
    assert_int_equal(f->out.refund, 15000);
    /* a failure of the frame loses the refund and the write */
    fx_set_storage(f, FX_TARGET, 4, 5);
    fx_call_code(f, "0 4 SSTORE 0 0 REVERT");
    assert_int_equal(f->out.error, EXEC_REVERT);
    assert_int_equal(f->out.refund, 0);
    assert_int_equal(fx_storage(f, FX_TARGET, 4), 5);
    fx_destroy(f);
}

static void test_blockhash(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    /* the mapping at position 1 of the system account, filled here by hand */
    uint8_t preimage[64] = {0}, digest[32];
    preimage[31] = 41;
    preimage[63] = 1;
    keccak_256(digest, preimage, sizeof preimage);
    u256 slot = bytes_load_u256(digest), root = {{1, 2, 3, 4}};
    exec_address system = fx_address(0x5ca1ab1e);
    assert_int_equal(world_set_storage(f->w, &system, &slot, &root), EXEC_FAULT_NONE);
    uint64_t before = f->x.counters.keccak_f;
    fx_call_code(f, "41 BLOCKHASH 0 MSTORE 42 BLOCKHASH 32 MSTORE " MINUS_1 " BLOCKHASH 64 MSTORE "
                    "96 0 RETURN");
    assert_int_equal(f->out.error, EXEC_OK);
    u256 v = fx_word(f, 0);
    assert_true(u256_eq(&v, &root));
    assert_int_equal(fx_word_u64(f, 1), 0);
    assert_int_equal(fx_word_u64(f, 2), 0);
    assert_int_equal(f->x.counters.keccak_f - before, 3);
    fx_destroy(f);
}

static void test_logs(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    fx_set_code(f, 0x55, "0x99 0 0 LOG1 0 0 REVERT");
    fx_set_code(f, 0x56, "0x98 0 0 LOG1");
    fx_call_code(f, "0x4142 0 MSTORE 2 30 LOG0 "
                    "0 0 0 0 0 0x55 100000 CALL POP "       /* dropped */
                    "0 0 0 0 0 0x56 100000 CALL POP "       /* kept, logged by 0x56 */
                    "0 0 0 0 0x56 100000 DELEGATECALL POP " /* kept, logged by the caller */
                    "4 3 2 1 1 31 LOG4");
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(f->out.n_logs, 5 - 1);
    exec_address self = fx_address(FX_TARGET), other = fx_address(0x56);
    assert_memory_equal(&f->out.logs[0].address, &self, 20);
    assert_int_equal(f->out.logs[0].n_topics, 0);
    assert_int_equal(f->out.logs[0].data_len, 2);
    assert_memory_equal(f->out.logs[0].data, "AB", 2);
    assert_memory_equal(&f->out.logs[1].address, &other, 20);
    assert_memory_equal(&f->out.logs[2].address, &self, 20);
    assert_int_equal(f->out.logs[2].topics[0].limb[0], 0x98);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(f->out.logs[3].topics[i].limb[0], i + 1);
    assert_memory_equal(f->out.logs[3].data, "B", 1);
    /* an outer failure drops all */
    fx_call_code(f, "0 0 LOG0 INVALID");
    assert_int_equal(f->out.n_logs, 0);
    fx_destroy(f);
}

static void test_sendall(void **state)
{
    (void)state;
    exec_address self = fx_address(FX_TARGET), heir = fx_address(0x99);
    fx *f = fx_create(6);
    fx_set_balance(f, FX_TARGET, 700);
    fx_set_nonce(f, &self, 1);
    fx_set_storage(f, FX_TARGET, 1, 5);
    fx_call_code(f, "0x99 SENDALL");
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(f->out.refund, 0);
    assert_int_equal(fx_balance(f, &heir), 700);
    assert_int_equal(fx_balance(f, &self), 0);
    /* code, nonce and storage stay */
    assert_int_equal(fx_code_length(f, &self), 3);
    assert_int_equal(fx_nonce(f, &self), 1);
    assert_int_equal(fx_storage(f, FX_TARGET, 1), 5);
    /* with nothing to move: neither a cold price nor warming */
    fx_call(f);
    assert_int_equal(f->gas_used, 3 + 5000);
    fx_set_code(f, 0x55, "0x99 SENDALL");
    fx_call_code(f, "0 0 0 0 0 0x55 100000 CALL POP 0x99 BALANCE");
    assert_int_equal(f->gas_used, 21 + 2600 + 5003 + 2 + 3 + 2600);
    /* to itself: the balance stays */
    fx_set_balance(f, FX_TARGET, 9);
    fx_call_code(f, "ADDRESS SENDALL");
    assert_int_equal(f->gas_used, 5002);
    assert_int_equal(fx_balance(f, &self), 9);
    /* an existing cold heir */
    fx_call_code(f, "0x99 SENDALL");
    assert_int_equal(f->gas_used, 3 + 5000 + 2600);
    assert_int_equal(fx_balance(f, &heir), 709);
    /* a precompile is warm, but an empty one still costs a new account */
    fx_set_balance(f, FX_TARGET, 1);
    fx_call_code(f, "5 SENDALL");
    assert_int_equal(f->gas_used, 3 + 5000 + 25000);
    fx_destroy(f);
}

static void test_value_transfer(void **state)
{
    (void)state;
    fx *f = fx_create(6);
    exec_address from = fx_address(FX_SENDER), to = fx_address(FX_TARGET), other = fx_address(0x66);
    fx_set_balance(f, FX_SENDER, 100);
    /* to an account without code */
    evm_message m = fx_message(0x66, 30, 50000);
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(f->gas_used, 0);
    assert_int_equal(fx_balance(f, &from), 70);
    assert_int_equal(fx_balance(f, &other), 30);
    /* into code that fails: the transfer is undone */
    fx_set_code(f, FX_TARGET, "0 0 REVERT");
    m = fx_message(FX_TARGET, 30, 50000);
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_REVERT);
    assert_int_equal(fx_balance(f, &from), 70);
    assert_int_equal(fx_balance(f, &to), 0);
    fx_set_code(f, FX_TARGET, "CALLVALUE SELFBALANCE SUB 0 MSTORE 32 0 RETURN");
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(fx_word_u64(f, 0), 0);
    assert_int_equal(fx_balance(f, &to), 30);
    fx_destroy(f);
}

static void test_stop_and_memory(void **state)
{
    (void)state;
    /* an endless loop is asked about and stopped */
    fx *f = fx_create(6);
    fx_set_code(f, FX_TARGET, "JUMPDEST 0 JUMP");
    evm_message m = fx_message(FX_TARGET, 0, UINT64_C(1) << 50);
    f->stop = true;
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_STOPPED);
    f->stop = false;
    m.gas = 12 * 100000;
    f->n_polls = 0;
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
    assert_true(f->n_polls >= 10);
    f->observer.poll = NULL;
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OUT_OF_GAS);
    fx_destroy(f);

    /* too little memory is a fault, not a halt */
    f = fx_create_sized(6, 1 << 18, 1 << 20);
    f->observer.call = NULL;
    f->observer.call_end = NULL;
    m = fx_message(FX_TARGET, 0, UINT64_C(1) << 40);
    fx_set_code(f, FX_TARGET, "1 0x300000 MSTORE");
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_MEMORY);
    fx_set_code(f, FX_TARGET, "JUMPDEST 0 0 0 0 0 ADDRESS GAS CALL");
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_MEMORY);
    fx_set_code(f, FX_TARGET, "JUMPDEST 4096 0 LOG0 0 JUMP");
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_MEMORY);
    fx_set_code(f, FX_TARGET, "1 2 ADD");
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OK);
    fx_destroy(f);
}

/** Every opcode that asks for Poseidon budget before it does anything. */
static void test_budgets(void **state)
{
    (void)state;
    /* 257 free permutations for each access: asked together before the first one */
    static const struct {
        const char *code;
        uint64_t accesses;
    } rows[] = {
        {"1 SLOAD", 1},
        {"1 1 SSTORE", 3},
        {"0x99 BALANCE", 1},
        {"SELFBALANCE", 1},
        {"CODESIZE", 1},
        {"0x99 EXTCODESIZE", 2},
        {"0x99 EXTCODEHASH", 2},
        {"0 0 0 0x99 EXTCODECOPY", 2},
        {"1 BLOCKHASH", 1},
        {"0 0 0 CREATE", 3},
        {"0 0 0 0 CREATE2", 2},
        {"0x99 SENDALL", 4},
        {"0 0 0 0 0 0x99 0 CALL", 2},
        {"0 0 0 0 0 0x99 0 CALLCODE", 2},
        {"0 0 0 0 0x99 0 DELEGATECALL", 2},
        {"0 0 0 0 0x99 0 STATICCALL", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fx *f = fx_create(6);
        evm_message m = fx_message(FX_TARGET, 0, 1000000);
        /* starting a long code uses more than starting a frame demands in advance */
        fx_set_long_code(f, FX_TARGET, "STOP", 24576);
        uint64_t start = f->x.counters.poseidon_g;
        fx_run(f, &m);
        uint64_t entry = f->x.counters.poseidon_g - start;
        assert_true(entry > 2 * 257 - 256 + 100);
        fx_set_long_code(f, FX_TARGET, rows[i].code, 24576);
        f->x.counters.enforced = true;

        uint64_t at_op = COUNTERS_POSEIDON_G_BUDGET - 257 * rows[i].accesses + 1;
        f->x.counters.poseidon_g = at_op - entry;
        exec_fault fault = fx_run_fault(f, &m);
        if (fault != EXEC_FAULT_OOC_POSEIDON || f->x.counters.poseidon_g != at_op)
            fail_msg("%s: fault %d with too little budget", rows[i].code, fault);
        /* one more, and the first access happens (a later one may still lack budget) */
        at_op--;
        f->x.counters.poseidon_g = at_op - entry;
        fault = fx_run_fault(f, &m);
        if ((fault != EXEC_FAULT_NONE && fault != EXEC_FAULT_OOC_POSEIDON) ||
            f->x.counters.poseidon_g <= at_op)
            fail_msg("%s: fault %d with just enough budget", rows[i].code, fault);
        /* not enforced: it runs */
        f->x.counters.enforced = false;
        fx_run(f, &m);
        assert_int_equal(f->out.error, EXEC_OK);
        fx_destroy(f);
    }
    /* the check comes before operands and gas */
    fx *f = fx_create(6);
    fx_set_long_code(f, FX_TARGET, "SLOAD", 24576);
    f->x.counters.enforced = true;
    evm_message m = fx_message(FX_TARGET, 0, 1000000);
    uint64_t start = f->x.counters.poseidon_g;
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_STACK_UNDERFLOW);
    uint64_t entry = f->x.counters.poseidon_g - start;
    f->x.counters.poseidon_g = COUNTERS_POSEIDON_G_BUDGET - 257 - entry;
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_STACK_UNDERFLOW);
    f->x.counters.poseidon_g = COUNTERS_POSEIDON_G_BUDGET - 256 - entry;
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_OOC_POSEIDON);
    /* Keccak: SHA3 needs 1 + (len + 1) / 136 beside the reserve */
    f->x.counters.poseidon_g = 0;
    f->x.counters.keccak_reserve = 3;
    fx_set_code(f, FX_TARGET, "135 0 SHA3");
    f->x.counters.keccak_f = COUNTERS_KECCAK_F_BUDGET - 3 - 2;
    fx_run(f, &m);
    assert_int_equal(f->out.error, EXEC_OK);
    assert_int_equal(f->x.counters.keccak_f, COUNTERS_KECCAK_F_BUDGET - 3 - 1); /* one block */
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_OOC_KECCAK);
    f->x.counters.keccak_f = COUNTERS_KECCAK_F_BUDGET - 3;
    fx_set_code(f, FX_TARGET, "1 BLOCKHASH");
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_OOC_KECCAK);
    /* padding: the blocks of the code about to start */
    f->x.counters.keccak_f = 0;
    f->x.counters.padding_pg = COUNTERS_PADDING_PG_BUDGET;
    assert_int_equal(fx_run_fault(f, &m), EXEC_FAULT_OOC_PADDING);
    f->x.counters.padding_pg = COUNTERS_PADDING_PG_BUDGET - 1;
    fx_run(f, &m);
    assert_int_equal(f->x.counters.padding_pg, COUNTERS_PADDING_PG_BUDGET);
    fx_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_extcodehash),
        cmocka_unit_test(test_gas),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_calldata),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_stack_limit),
        cmocka_unit_test(test_sstore),
        cmocka_unit_test(test_blockhash),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_sendall),
        cmocka_unit_test(test_value_transfer),
        cmocka_unit_test(test_stop_and_memory),
        cmocka_unit_test(test_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
