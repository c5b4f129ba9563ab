/** What the EVM tests share: a run on an empty tree with a real world, an assembler for readable
 * code, and short ways to set accounts and to call them. */
#ifndef ZKP_TESTS_UNIT_EXECUTOR_EVM_FIXTURE_H
#define ZKP_TESTS_UNIT_EXECUTOR_EVM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/field/gl_poseidon.h"
#include "driver/field/keccak.h"
#include "host/executor/bytes.h"
#include "host/executor/evm.h"
#include "host/executor/u256.h"

#define FX_SENDER 0xe0a
#define FX_TARGET 0xc0de
#define FX_COINBASE 0xfee
#define FX_MAX_EVENTS 64

typedef struct fx_event {
    bool is_end;
    exec_call_event start; /* the input is not kept */
    exec_return_event end;
} fx_event;

typedef struct fx {
    exec_memory memory;
    exec_host host;
    exec_observer observer;
    world *w;
    exec_context x;
    evm_tx_env env;
    evm_outcome out;
    uint64_t gas_used;
    bool begun;
    fx_event events[FX_MAX_EVENTS];
    unsigned n_events;
    unsigned n_polls;
    bool stop; /* what poll answers */
    exec_recovery recovery;
} fx;

/* ---- assembler ---- */

static const struct {
    const char *name;
    uint8_t byte;
} fx_mnemonics[] = {
    {"STOP", 0x00},
    {"ADD", 0x01},
    {"MUL", 0x02},
    {"SUB", 0x03},
    {"DIV", 0x04},
    {"SDIV", 0x05},
    {"MOD", 0x06},
    {"SMOD", 0x07},
    {"ADDMOD", 0x08},
    {"MULMOD", 0x09},
    {"EXP", 0x0a},
    {"SIGNEXTEND", 0x0b},
    {"LT", 0x10},
    {"GT", 0x11},
    {"SLT", 0x12},
    {"SGT", 0x13},
    {"EQ", 0x14},
    {"ISZERO", 0x15},
    {"AND", 0x16},
    {"OR", 0x17},
    {"XOR", 0x18},
    {"NOT", 0x19},
    {"BYTE", 0x1a},
    {"SHL", 0x1b},
    {"SHR", 0x1c},
    {"SAR", 0x1d},
    {"SHA3", 0x20},
    {"ADDRESS", 0x30},
    {"BALANCE", 0x31},
    {"ORIGIN", 0x32},
    {"CALLER", 0x33},
    {"CALLVALUE", 0x34},
    {"CALLDATALOAD", 0x35},
    {"CALLDATASIZE", 0x36},
    {"CALLDATACOPY", 0x37},
    {"CODESIZE", 0x38},
    {"CODECOPY", 0x39},
    {"GASPRICE", 0x3a},
    {"EXTCODESIZE", 0x3b},
    {"EXTCODECOPY", 0x3c},
    {"RETURNDATASIZE", 0x3d},
    {"RETURNDATACOPY", 0x3e},
    {"EXTCODEHASH", 0x3f},
    {"BLOCKHASH", 0x40},
    {"COINBASE", 0x41},
    {"TIMESTAMP", 0x42},
    {"NUMBER", 0x43},
    {"DIFFICULTY", 0x44},
    {"GASLIMIT", 0x45},
    {"CHAINID", 0x46},
    {"SELFBALANCE", 0x47},
    {"POP", 0x50},
    {"MLOAD", 0x51},
    {"MSTORE", 0x52},
    {"MSTORE8", 0x53},
    {"SLOAD", 0x54},
    {"SSTORE", 0x55},
    {"JUMP", 0x56},
    {"JUMPI", 0x57},
    {"PC", 0x58},
    {"MSIZE", 0x59},
    {"GAS", 0x5a},
    {"JUMPDEST", 0x5b},
    {"PUSH0", 0x5f},
    {"DUP1", 0x80},
    {"DUP2", 0x81},
    {"DUP16", 0x8f},
    {"SWAP1", 0x90},
    {"SWAP2", 0x91},
    {"SWAP16", 0x9f},
    {"LOG0", 0xa0},
    {"LOG1", 0xa1},
    {"LOG2", 0xa2},
    {"LOG3", 0xa3},
    {"LOG4", 0xa4},
    {"CREATE", 0xf0},
    {"CALL", 0xf1},
    {"CALLCODE", 0xf2},
    {"RETURN", 0xf3},
    {"DELEGATECALL", 0xf4},
    {"CREATE2", 0xf5},
    {"STATICCALL", 0xfa},
    {"REVERT", 0xfd},
    {"INVALID", 0xfe},
    {"SENDALL", 0xff},
};

static int fx_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** A number as the shortest PUSH (PUSH1 0 for 0). */
static size_t fx_push(uint8_t *out, const u256 *value)
{
    uint8_t be[32];
    bytes_store_u256(be, value);
    unsigned n = u256_byte_length(value);
    if (n == 0)
        n = 1;
    out[0] = (uint8_t)(0x5f + n);
    memcpy(out + 1, be + 32 - n, n);
    return 1 + n;
}

/** Assembles mnemonics, numbers (decimal or 0x) and raw bytes ($5b60). */
static inline size_t fx_assemble(uint8_t *out, size_t max, const char *text)
{
    size_t len = 0;
    while (*text != 0) {
        size_t n = strcspn(text, " ");
        assert_true(len + 33 + n < max);
        if (n == 0) {
            text++;
            continue;
        }
        if (*text == '$') {
            for (size_t i = 1; i + 1 < n; i += 2)
                out[len++] = (uint8_t)(fx_digit(text[i]) << 4 | fx_digit(text[i + 1]));
        } else if (*text >= '0' && *text <= '9') {
            bool is_hex = n > 2 && text[1] == 'x';
            u256 value = u256_zero(), base = u256_from_u64(is_hex ? 16 : 10);
            for (size_t i = is_hex ? 2 : 0; i < n; i++) {
                value = u256_mul(&value, &base);
                value = u256_add_u64(&value, (uint64_t)fx_digit(text[i]));
            }
            len += fx_push(out + len, &value);
        } else {
            size_t i = 0, count = sizeof fx_mnemonics / sizeof fx_mnemonics[0];
            while (i < count && (strlen(fx_mnemonics[i].name) != n ||
                                 memcmp(fx_mnemonics[i].name, text, n) != 0))
                i++;
            if (i == count)
                fail_msg("no mnemonic: %s", text);
            out[len++] = fx_mnemonics[i].byte;
        }
        text += n;
    }
    return len;
}

/* ---- the run ---- */

static exec_fault fx_no_node(void *ctx, const gl_t hash[4], gl_t node[12])
{
    (void)ctx, (void)hash, (void)node;
    return EXEC_FAULT_MISSING_NODE;
}

static exec_fault fx_no_code(void *ctx, const gl_t hash[4], const uint8_t **code, size_t *len)
{
    (void)ctx, (void)hash, (void)code, (void)len;
    return EXEC_FAULT_MISSING_CODE;
}

static void fx_permute_many(void *ctx, gl_t *states, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        gl_poseidon_permute_portable(states + 12 * i);
}

/** The public key is 64 times 0x11, so the address is a known Keccak digest. */
static exec_recovery fx_recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                                const uint8_t s[32], bool odd_y, uint8_t public_key[64])
{
    (void)hash, (void)r, (void)s, (void)odd_y;
    memset(public_key, 0x11, 64);
    return ((fx *)ctx)->recovery;
}

static bool fx_poll(void *ctx)
{
    fx *f = ctx;
    f->n_polls++;
    return f->stop;
}

static void fx_on_call(void *ctx, const exec_call_event *event)
{
    fx *f = ctx;
    assert_true(f->n_events < FX_MAX_EVENTS);
    f->events[f->n_events++].start = *event;
}

static void fx_on_call_end(void *ctx, const exec_return_event *event)
{
    fx *f = ctx;
    assert_true(f->n_events < FX_MAX_EVENTS);
    f->events[f->n_events].is_end = true;
    f->events[f->n_events++].end = *event;
}

static inline exec_address fx_address(uint64_t low)
{
    u256 x = u256_from_u64(low);
    return bytes_address_of_u256(&x);
}

static inline void fx_destroy(fx *f)
{
    free(f->memory.tree.base);
    free(f->memory.tx.base);
    free(f->memory.frame.base);
    free(f->w);
    free(f);
}

static inline void fx_arena(exec_arena *a, size_t size)
{
    void *base = aligned_alloc(64, size);
    assert_non_null(base);
    exec_arena_init(a, base, size);
}

static inline fx *fx_create_sized(uint32_t fork_id, size_t frame_bytes, size_t tx_bytes)
{
    fx *f = calloc(1, sizeof *f);
    assert_non_null(f);
    fx_arena(&f->memory.tree, (size_t)64 << 20);
    fx_arena(&f->memory.tx, tx_bytes);
    fx_arena(&f->memory.frame, frame_bytes);
    f->host = (exec_host){
        .ctx = f,
        .node = fx_no_node,
        .code = fx_no_code,
        .permute_many = fx_permute_many,
        .permute = gl_poseidon_permute_portable,
        .keccak = keccak_256,
        .recover = fx_recover,
    };
    f->recovery = EXEC_RECOVERY_OK;
    f->observer =
        (exec_observer){.ctx = f, .poll = fx_poll, .call = fx_on_call, .call_end = fx_on_call_end};
    f->w = aligned_alloc(64, (world_bytes() + 63) & ~(size_t)63);
    assert_non_null(f->w);
    f->x = (exec_context){
        .host = &f->host,
        .observer = &f->observer,
        .memory = &f->memory,
        .rules =
            {
                .fork_id = fork_id,
                .has_effective_percentage = fork_id >= 5,
                .has_push0 = fork_id >= 5,
                .recover_infinity = fork_id <= 5,
                .create_calldata_is_initcode = fork_id == 4,
                .keep_returndata_on_unsupported_precompile = fork_id == 4,
                .create_tx_checks_deposit = fork_id >= 5,
                .create_ef_leaks_refund = fork_id == 4,
            },
        .world = f->w,
        .chain_id = 1001,
        .timestamp = 1944498031,
        .block_gas_limit = 30000000,
        .coinbase = fx_address(FX_COINBASE),
    };
    f->env = (evm_tx_env){.origin = fx_address(FX_SENDER),
                          .gas_price = u256_from_u64(7),
                          .block_number = u256_from_u64(42)};
    u256 root = u256_zero();
    assert_int_equal(
        world_init(f->w, &f->host, &f->observer, &f->memory, &f->x.counters, &f->x.missing, &root),
        EXEC_FAULT_NONE);
    assert_int_equal(world_begin_tx(f->w), EXEC_FAULT_NONE);
    return f;
}

static inline fx *fx_create(uint32_t fork_id)
{
    return fx_create_sized(fork_id, (size_t)96 << 20, (size_t)32 << 20);
}

static inline void fx_set_balance(fx *f, uint64_t who, uint64_t balance)
{
    exec_address a = fx_address(who);
    u256 v = u256_from_u64(balance);
    assert_int_equal(world_set_balance(f->w, &a, &v), EXEC_FAULT_NONE);
}

static inline void fx_set_nonce(fx *f, const exec_address *a, uint64_t nonce)
{
    u256 v = u256_from_u64(nonce);
    assert_int_equal(world_set_nonce(f->w, a, &v), EXEC_FAULT_NONE);
}

static inline void fx_set_code_at(fx *f, const exec_address *a, const uint8_t *code, size_t len)
{
    assert_int_equal(world_set_code_length(f->w, a, len), EXEC_FAULT_NONE);
    assert_int_equal(world_set_code_bytes(f->w, a, code, len), EXEC_FAULT_NONE);
}

/** Assembled code, filled up with JUMPDEST behind a STOP to at least min_len bytes. */
static inline void fx_set_long_code(fx *f, uint64_t who, const char *text, size_t min_len)
{
    static uint8_t code[32768];
    exec_address a = fx_address(who);
    size_t len = fx_assemble(code, sizeof code, text);
    if (len < min_len) {
        assert_true(min_len <= sizeof code);
        code[len++] = 0x00;
        memset(code + len, 0x5b, min_len - len);
        len = min_len;
    }
    fx_set_code_at(f, &a, code, len);
}

static inline void fx_set_code(fx *f, uint64_t who, const char *text)
{
    fx_set_long_code(f, who, text, 0);
}

static inline void fx_set_storage(fx *f, uint64_t who, uint64_t slot, uint64_t value)
{
    exec_address a = fx_address(who);
    u256 s = u256_from_u64(slot), v = u256_from_u64(value);
    assert_int_equal(world_set_storage(f->w, &a, &s, &v), EXEC_FAULT_NONE);
}

static inline uint64_t fx_u64(const u256 *v)
{
    assert_true(u256_fits_u64(v));
    return v->limb[0];
}

static inline uint64_t fx_balance(fx *f, const exec_address *a)
{
    u256 v;
    assert_int_equal(world_balance(f->w, a, &v), EXEC_FAULT_NONE);
    return fx_u64(&v);
}

static inline uint64_t fx_nonce(fx *f, const exec_address *a)
{
    u256 v;
    assert_int_equal(world_nonce(f->w, a, &v), EXEC_FAULT_NONE);
    return fx_u64(&v);
}

static inline uint64_t fx_code_length(fx *f, const exec_address *a)
{
    u256 v;
    assert_int_equal(world_code_length(f->w, a, &v), EXEC_FAULT_NONE);
    return fx_u64(&v);
}

static inline uint64_t fx_storage(fx *f, uint64_t who, uint64_t slot)
{
    exec_address a = fx_address(who);
    u256 s = u256_from_u64(slot), v;
    assert_int_equal(world_storage(f->w, &a, &s, &v), EXEC_FAULT_NONE);
    return fx_u64(&v);
}

/** Runs a message in a transaction of its own; the arena of the outcome is never released. */
static inline exec_fault fx_run_fault(fx *f, const evm_message *message)
{
    assert_int_equal(world_begin_tx(f->w), EXEC_FAULT_NONE);
    f->n_events = 0;
    memset(f->events, 0, sizeof f->events);
    memset(&f->out, 0xee, sizeof f->out);
    size_t mark = exec_arena_mark(&f->memory.frame);
    exec_fault fault = evm_run(&f->x, &f->env, message, &f->out);
    assert_int_equal(exec_arena_mark(&f->memory.frame), mark);
    f->gas_used = message->gas - f->out.gas_left;
    return fault;
}

static inline evm_message fx_message(uint64_t to, uint64_t value, uint64_t gas)
{
    return (evm_message){.from = fx_address(FX_SENDER),
                         .to = fx_address(to),
                         .value = u256_from_u64(value),
                         .gas = gas};
}

static inline void fx_no_events(fx *f)
{
    f->observer.call = NULL;
    f->observer.call_end = NULL;
}

static inline void fx_run(fx *f, const evm_message *message)
{
    assert_int_equal(fx_run_fault(f, message), EXEC_FAULT_NONE);
}

/** Calls FX_TARGET with a million gas. */
static inline void fx_call(fx *f)
{
    evm_message m = fx_message(FX_TARGET, 0, 1000000);
    fx_run(f, &m);
}

/** Puts the code at FX_TARGET and calls it. */
static inline void fx_call_code(fx *f, const char *text)
{
    fx_set_code(f, FX_TARGET, text);
    fx_call(f);
}

/** Word i of the output. */
static inline u256 fx_word(const fx *f, size_t i)
{
    assert_true(f->out.output_len >= 32 * (i + 1));
    return bytes_load_u256(f->out.output + 32 * i);
}

static inline uint64_t fx_word_u64(const fx *f, size_t i)
{
    u256 v = fx_word(f, i);
    return fx_u64(&v);
}

#endif
