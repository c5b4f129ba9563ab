/* The interpreter loop. Constant gas and operand counts are checked from a table before the
 * handler; what reaches the world is in evm_state.c, calls and the ends of frames in evm_call.c. */

#include "host/executor/evm.h"

#include "host/executor/evm_machine.h"
#include "host/executor/evm_memory.h"

/** What is checked before a handler runs. */
typedef struct op_info {
    uint16_t gas;   /**< constant part */
    uint16_t limit; /**< operands on the stack at most */
    uint8_t needs;  /**< operands on the stack at least */
} op_info;

#define OP(gas_, in_, out_)                                                                        \
    {                                                                                              \
        .gas = (gas_), .needs = (in_),                                                             \
        .limit = (out_) > (in_) ? EVM_STACK_LIMIT + (in_) - (out_) : EVM_STACK_LIMIT,              \
    }
/* the handler checks the limit itself, after an access that counts */
#define OP_LATE_PUSH(gas_)                                                                         \
    {                                                                                              \
        .gas = (gas_), .needs = 0, .limit = EVM_STACK_LIMIT                                        \
    }

/* An unassigned opcode is all zero but its limit of 0 does not matter: its handler halts in the
 * same way whether the check passes or not. */
static const op_info op_table[256] = {
    [0x00] = OP(0, 0, 0), /* STOP */
    [0x01] = OP(GAS_VERY_LOW, 2, 1),
    [0x02] = OP(GAS_LOW, 2, 1),
    [0x03] = OP(GAS_VERY_LOW, 2, 1),
    [0x04] = OP(GAS_LOW, 2, 1),
    [0x05] = OP(GAS_LOW, 2, 1),
    [0x06] = OP(GAS_LOW, 2, 1),
    [0x07] = OP(GAS_LOW, 2, 1),
    [0x08] = OP(GAS_MID, 3, 1),
    [0x09] = OP(GAS_MID, 3, 1),
    [0x0a] = OP(GAS_EXP, 2, 1),
    [0x0b] = OP(GAS_LOW, 2, 1),
    [0x10 ... 0x14] = OP(GAS_VERY_LOW, 2, 1),
    [0x15] = OP(GAS_VERY_LOW, 1, 1), /* ISZERO */
    [0x16 ... 0x18] = OP(GAS_VERY_LOW, 2, 1),
    [0x19] = OP(GAS_VERY_LOW, 1, 1), /* NOT */
    [0x1a ... 0x1d] = OP(GAS_VERY_LOW, 2, 1),
    [0x20] = OP(GAS_SHA3, 2, 1),
    [0x30] = OP(GAS_BASE, 0, 1), /* ADDRESS */
    [0x31] = OP(0, 1, 1),        /* BALANCE */
    [0x32 ... 0x34] = OP(GAS_BASE, 0, 1),
    [0x35] = OP(GAS_VERY_LOW, 1, 1), /* CALLDATALOAD */
    [0x36] = OP(GAS_BASE, 0, 1),
    [0x37] = OP(GAS_VERY_LOW, 3, 0),
    [0x38] = OP_LATE_PUSH(GAS_BASE), /* CODESIZE */
    [0x39] = OP(GAS_VERY_LOW, 3, 0),
    [0x3a] = OP(GAS_BASE, 0, 1),
    [0x3b] = OP(0, 1, 1), /* EXTCODESIZE */
    [0x3c] = OP(0, 4, 0),
    [0x3d] = OP(GAS_BASE, 0, 1),
    [0x3e] = OP(GAS_VERY_LOW, 3, 0),
    [0x3f] = OP(0, 1, 1), /* EXTCODEHASH */
    [0x40] = OP(GAS_BLOCKHASH, 1, 1),
    [0x41 ... 0x46] = OP(GAS_BASE, 0, 1),
    [0x47] = OP_LATE_PUSH(GAS_LOW), /* SELFBALANCE */
    [0x50] = OP(GAS_BASE, 1, 0),
    [0x51] = OP(GAS_VERY_LOW, 1, 1),
    [0x52 ... 0x53] = OP(GAS_VERY_LOW, 2, 0),
    [0x54] = OP(0, 1, 1), /* SLOAD */
    [0x55] = OP(0, 2, 0), /* SSTORE */
    [0x56] = OP(GAS_MID, 1, 0),
    [0x57] = OP(GAS_HIGH, 2, 0),
    [0x58 ... 0x5a] = OP(GAS_BASE, 0, 1),
    [0x5b] = OP(GAS_JUMPDEST, 0, 0),
    [0x5f] = OP(GAS_BASE, 0, 1), /* PUSH0 (EIP-3855) */
    [0x60 ... 0x7f] = OP(GAS_VERY_LOW, 0, 1),
    [0x80] = OP(GAS_VERY_LOW, 1, 2),
    [0x81] = OP(GAS_VERY_LOW, 2, 3),
    [0x82] = OP(GAS_VERY_LOW, 3, 4),
    [0x83] = OP(GAS_VERY_LOW, 4, 5),
    [0x84] = OP(GAS_VERY_LOW, 5, 6),
    [0x85] = OP(GAS_VERY_LOW, 6, 7),
    [0x86] = OP(GAS_VERY_LOW, 7, 8),
    [0x87] = OP(GAS_VERY_LOW, 8, 9),
    [0x88] = OP(GAS_VERY_LOW, 9, 10),
    [0x89] = OP(GAS_VERY_LOW, 10, 11),
    [0x8a] = OP(GAS_VERY_LOW, 11, 12),
    [0x8b] = OP(GAS_VERY_LOW, 12, 13),
    [0x8c] = OP(GAS_VERY_LOW, 13, 14),
    [0x8d] = OP(GAS_VERY_LOW, 14, 15),
    [0x8e] = OP(GAS_VERY_LOW, 15, 16),
    [0x8f] = OP(GAS_VERY_LOW, 16, 17),
    [0x90] = OP(GAS_VERY_LOW, 2, 2),
    [0x91] = OP(GAS_VERY_LOW, 3, 3),
    [0x92] = OP(GAS_VERY_LOW, 4, 4),
    [0x93] = OP(GAS_VERY_LOW, 5, 5),
    [0x94] = OP(GAS_VERY_LOW, 6, 6),
    [0x95] = OP(GAS_VERY_LOW, 7, 7),
    [0x96] = OP(GAS_VERY_LOW, 8, 8),
    [0x97] = OP(GAS_VERY_LOW, 9, 9),
    [0x98] = OP(GAS_VERY_LOW, 10, 10),
    [0x99] = OP(GAS_VERY_LOW, 11, 11),
    [0x9a] = OP(GAS_VERY_LOW, 12, 12),
    [0x9b] = OP(GAS_VERY_LOW, 13, 13),
    [0x9c] = OP(GAS_VERY_LOW, 14, 14),
    [0x9d] = OP(GAS_VERY_LOW, 15, 15),
    [0x9e] = OP(GAS_VERY_LOW, 16, 16),
    [0x9f] = OP(GAS_VERY_LOW, 17, 17),
    [0xa0] = OP(GAS_LOG, 2, 0),
    [0xa1] = OP(GAS_LOG, 3, 0),
    [0xa2] = OP(GAS_LOG, 4, 0),
    [0xa3] = OP(GAS_LOG, 5, 0),
    [0xa4] = OP(GAS_LOG, 6, 0),
    [0xf0] = OP(GAS_CREATE, 3, 1),
    [0xf1 ... 0xf2] = OP(0, 7, 1),
    [0xf3] = OP(0, 2, 0),
    [0xf4] = OP(0, 6, 1),
    [0xf5] = OP(GAS_CREATE, 4, 1),
    [0xfa] = OP(0, 6, 1),
    [0xfd] = OP(0, 2, 0),
    [0xff] = OP(GAS_SENDALL, 1, 0),
};

/** The table refused an instruction: which error it is. The reference looks at its budgets first,
 * and mostly at operands, then gas, then the stack limit. */
static exec_fault refuse(evm_machine *m, unsigned op, size_t n_operands, uint64_t gas,
                         exec_error *error)
{
    const exec_counters *c = &m->x->counters;
    const op_info *info = &op_table[op];
    if (info->limit == 0 || (op == 0x5f && !m->x->rules.has_push0)) {
        *error = EXEC_INVALID_OPCODE;
        return EXEC_FAULT_NONE;
    }
    switch (op) {
    case 0x31:
    case 0x38:
    case 0x3b:
    case 0x3f:
    case 0x47:
    case 0x54:
        EXEC_TRY(counters_need_poseidon(c, 1, 0));
        break;
    case 0x40:
        EXEC_TRY(counters_need_poseidon(c, 1, 0));
        EXEC_TRY(counters_need_keccak(c, 1));
        break;
    case 0xf5:
        EXEC_TRY(counters_need_poseidon(c, 2, 0));
        break;
    case 0x55:
    case 0xf0:
        EXEC_TRY(counters_need_poseidon(c, 3, 0));
        break;
    case 0xff:
        EXEC_TRY(counters_need_poseidon(c, 4, 0));
        break;
    default:
        break;
    }
    /* ADDMOD, JUMPI, CREATE, CREATE2, SENDALL charge before they count operands */
    bool gas_first = op == 0x08 || op == 0x57 || op == 0xf0 || op == 0xf5 || op == 0xff;
    if (gas_first && gas < info->gas)
        *error = EXEC_OUT_OF_GAS;
    else if (n_operands < info->needs)
        *error = EXEC_STACK_UNDERFLOW;
    else if (gas < info->gas)
        *error = EXEC_OUT_OF_GAS;
    else
        *error = EXEC_STACK_OVERFLOW;
    return EXEC_FAULT_NONE;
}

/** The check before a handler; used are the bytes on the stack, which never passes its limit. */
static inline bool is_refused(size_t used, uint64_t gas, size_t needs, size_t limit, uint64_t price)
{
    return used < needs * sizeof(u256) ||
           (limit < EVM_STACK_LIMIT && used > limit * sizeof(u256)) || gas < price;
}

/** The immediate of a PUSH of n bytes: those that there are, right-aligned. */
static inline u256 read_push(const uint8_t *code, size_t available, unsigned n)
{
    if (n > available)
        n = (unsigned)available;
    if (n <= 8) {
        uint64_t v = 0;
        for (unsigned i = 0; i < n; i++)
            v = v << 8 | code[i];
        return u256_from_u64(v);
    }
    if (n == 32)
        return bytes_load_u256(code);
    if (n == 20)
        return (u256){{bytes_load_be64(code + 12), bytes_load_be64(code + 4),
                       (uint64_t)code[0] << 24 | (uint64_t)code[1] << 16 | (uint64_t)code[2] << 8 |
                           (uint64_t)code[3],
                       0}};
    return bytes_load_u256_short(code, n);
}

/** A shift operand: 256 stands for all that is as large. */
static inline unsigned shift_amount(const u256 *a)
{
    return u256_fits_u64(a) && a->limb[0] < 256 ? (unsigned)a->limb[0] : 256;
}

static u256 calldata_word(const evm_frame *f, const u256 *offset)
{
    uint64_t from = u256_saturate_u64(offset);
    if (from >= f->input_len)
        return u256_zero();
    size_t n = f->input_len - (size_t)from;
    if (n >= 32)
        return bytes_load_u256(f->input + from);
    uint8_t padded[32];
    memset(padded, 0, sizeof padded);
    memcpy(padded, f->input + from, n);
    return bytes_load_u256(padded);
}

/* Leave the loop's locals in the frame, call, and take them back. */
#define SAVE() (f->gas = gas, f->sp = sp, f->pc = pc)
#define WORLD_OP(call)                                                                             \
    do {                                                                                           \
        SAVE();                                                                                    \
        EXEC_TRY(call);                                                                            \
        if (m->halt != EXEC_OK)                                                                    \
            goto halted;                                                                           \
        gas = f->gas;                                                                              \
        sp = f->sp;                                                                                \
    } while (0)
/* A call or creation: another frame may run afterwards. */
#define FRAME_OP(call)                                                                             \
    do {                                                                                           \
        SAVE();                                                                                    \
        EXEC_TRY(call);                                                                            \
        if (m->halt != EXEC_OK)                                                                    \
            goto halted;                                                                           \
        EXEC_TRY(evm_work(m, 50));                                                                 \
        goto resume;                                                                               \
    } while (0)
#define HALT(why)                                                                                  \
    do {                                                                                           \
        m->halt = (why);                                                                           \
        goto halted;                                                                               \
    } while (0)
/* What the table says of an opcode, folded into constants; refuse() finds out what was wrong. */
#define CHECK(number) CHECK_AS(number, op_table[number].needs)
#define CHECK_AS(number, needs_)                                                                   \
    do {                                                                                           \
        if (__builtin_expect(is_refused((uintptr_t)sp - (uintptr_t)stack, gas, (needs_),           \
                                        op_table[number].limit, op_table[number].gas),             \
                             0))                                                                   \
            goto refused;                                                                          \
        gas -= op_table[number].gas;                                                               \
    } while (0)
#define PUSH(...) (*sp++ = (__VA_ARGS__))
/* Two operands to one: a is the top. */
#define BINARY(expression)                                                                         \
    do {                                                                                           \
        const u256 *a = sp - 1, *b = sp - 2;                                                       \
        sp[-2] = (expression);                                                                     \
        sp--;                                                                                      \
    } while (0)

exec_fault evm_interpret(evm_machine *m)
{
    exec_context *const x = m->x;
    evm_frame *f;
    const uint8_t *code;
    size_t code_len, pc;
    size_t run; /* where the code that runs without a jump began */
    u256 *sp, *stack;
    const u256 *target;
    uint64_t gas;
    unsigned op;
    exec_error why;

resume:
    f = m->top;
    if (f == NULL)
        return EXEC_FAULT_NONE;
    code = f->code;
    code_len = f->code_len;
    pc = run = f->pc;
    sp = f->sp;
    stack = f->stack;
    gas = f->gas;

    for (;;) {
        op = pc < code_len ? code[pc] : 0x00;
        pc++;
        switch (op) {
        case 0x00: /* STOP */
            CHECK(0x00);
            SAVE();
            EXEC_TRY(evm_end_frame(m, EXEC_OK, NULL, 0));
            goto resume;
        case 0x01:
            CHECK(0x01);
            BINARY(u256_add(a, b));
            break;
        case 0x02:
            CHECK(0x02);
            BINARY(u256_mul(a, b));
            break;
        case 0x03:
            CHECK(0x03);
            BINARY(u256_sub(a, b));
            break;
        case 0x04:
            CHECK(0x04);
            BINARY(u256_div(a, b));
            break;
        case 0x05:
            CHECK(0x05);
            BINARY(u256_sdiv(a, b));
            break;
        case 0x06:
            CHECK(0x06);
            BINARY(u256_mod(a, b));
            break;
        case 0x07:
            CHECK(0x07);
            BINARY(u256_smod(a, b));
            break;
        case 0x08: /* ADDMOD */
            CHECK(0x08);
            sp[-3] = u256_addmod(sp - 1, sp - 2, sp - 3);
            sp -= 2;
            break;
        case 0x09: /* MULMOD */
            CHECK(0x09);
            sp[-3] = u256_mulmod(sp - 1, sp - 2, sp - 3);
            sp -= 2;
            break;
        case 0x0a: { /* EXP */
            CHECK(0x0a);
            uint64_t price = GAS_EXP_BYTE * (uint64_t)u256_byte_length(sp - 2);
            if (gas < price)
                HALT(EXEC_OUT_OF_GAS);
            gas -= price;
            if (!u256_is_zero(sp - 1))
                x->counters.steps_least +=
                    (uint64_t)COUNTERS_EXPONENT_BIT_LEAST_STEPS * u256_bit_length(sp - 2);
            BINARY(u256_exp(a, b));
            EXEC_TRY(evm_work(m, 20));
            break;
        }
        case 0x0b:
            CHECK(0x0b);
            BINARY(u256_signextend(b, u256_saturate_u64(a)));
            break;
        case 0x10:
            CHECK(0x10);
            BINARY(u256_from_u64(u256_lt(a, b)));
            break;
        case 0x11:
            CHECK(0x11);
            BINARY(u256_from_u64(u256_lt(b, a)));
            break;
        case 0x12:
            CHECK(0x12);
            BINARY(u256_from_u64(u256_slt(a, b)));
            break;
        case 0x13:
            CHECK(0x13);
            BINARY(u256_from_u64(u256_slt(b, a)));
            break;
        case 0x14:
            CHECK(0x14);
            BINARY(u256_from_u64(u256_eq(a, b)));
            break;
        case 0x15: /* ISZERO */
            CHECK(0x15);
            sp[-1] = u256_from_u64(u256_is_zero(sp - 1));
            break;
        case 0x16:
            CHECK(0x16);
            BINARY(u256_and(a, b));
            break;
        case 0x17:
            CHECK(0x17);
            BINARY(u256_or(a, b));
            break;
        case 0x18:
            CHECK(0x18);
            BINARY(u256_xor(a, b));
            break;
        case 0x19: /* NOT */
            CHECK(0x19);
            sp[-1] = u256_not(sp - 1);
            break;
        case 0x1a: /* BYTE */
            CHECK(0x1a);
            BINARY(u256_from_u64(u256_byte(b, u256_saturate_u64(a))));
            break;
        case 0x1b: /* SHL */
            CHECK(0x1b);
            BINARY(u256_shl(b, shift_amount(a)));
            break;
        case 0x1c: /* SHR */
            CHECK(0x1c);
            BINARY(u256_shr(b, shift_amount(a)));
            break;
        case 0x1d: /* SAR */
            CHECK(0x1d);
            BINARY(u256_sar(b, shift_amount(a)));
            break;
        case 0x20:
            CHECK(0x20);
            WORLD_OP(evm_op_sha3(m, f));
            break;
        case 0x30: /* ADDRESS */
            CHECK(0x30);
            PUSH(bytes_u256_of_address(&f->self));
            break;
        case 0x31:
            CHECK(0x31);
            WORLD_OP(evm_op_balance(m, f));
            break;
        case 0x32: /* ORIGIN */
            CHECK(0x32);
            PUSH(bytes_u256_of_address(&m->env->origin));
            break;
        case 0x33: /* CALLER */
            CHECK(0x33);
            PUSH(bytes_u256_of_address(&f->sender));
            break;
        case 0x34: /* CALLVALUE */
            CHECK(0x34);
            PUSH(f->value);
            break;
        case 0x35: /* CALLDATALOAD */
            CHECK(0x35);
            sp[-1] = calldata_word(f, sp - 1);
            break;
        case 0x36: /* CALLDATASIZE: 0 in a create frame, also where its input can be read */
            CHECK(0x36);
            PUSH(u256_from_u64(f->is_create ? 0 : f->input_len));
            break;
        case 0x37:
            CHECK(0x37);
            WORLD_OP(evm_op_copy(m, f, f->input, f->input_len));
            break;
        case 0x38:
            CHECK(0x38);
            WORLD_OP(evm_op_codesize(m, f));
            break;
        case 0x39:
            CHECK(0x39);
            WORLD_OP(evm_op_copy(m, f, code, code_len));
            break;
        case 0x3a: /* GASPRICE */
            CHECK(0x3a);
            PUSH(m->env->gas_price);
            break;
        case 0x3b:
            CHECK(0x3b);
            WORLD_OP(evm_op_extcodesize(m, f));
            break;
        case 0x3c:
            CHECK(0x3c);
            WORLD_OP(evm_op_extcodecopy(m, f));
            break;
        case 0x3d: /* RETURNDATASIZE */
            CHECK(0x3d);
            PUSH(u256_from_u64(m->return_data_len));
            break;
        case 0x3e:
            CHECK(0x3e);
            WORLD_OP(evm_op_returndatacopy(m, f));
            break;
        case 0x3f:
            CHECK(0x3f);
            WORLD_OP(evm_op_extcodehash(m, f));
            break;
        case 0x40:
            CHECK(0x40);
            WORLD_OP(evm_op_blockhash(m, f));
            break;
        case 0x41: /* COINBASE */
            CHECK(0x41);
            PUSH(bytes_u256_of_address(&x->coinbase));
            break;
        case 0x42: /* TIMESTAMP */
            CHECK(0x42);
            PUSH(u256_from_u64(x->timestamp));
            break;
        case 0x43: /* NUMBER */
            CHECK(0x43);
            PUSH(m->env->block_number);
            break;
        case 0x44: /* DIFFICULTY */
            CHECK(0x44);
            PUSH(u256_zero());
            break;
        case 0x45: /* GASLIMIT */
            CHECK(0x45);
            PUSH(u256_from_u64(x->block_gas_limit));
            break;
        case 0x46: /* CHAINID */
            CHECK(0x46);
            PUSH(u256_from_u64(x->chain_id));
            break;
        case 0x47:
            CHECK(0x47);
            WORLD_OP(evm_op_selfbalance(m, f));
            break;
        case 0x50: /* POP */
            CHECK(0x50);
            sp--;
            break;
        case 0x51: { /* MLOAD */
            CHECK(0x51);
            uint64_t offset = sp[-1].limb[0];
            if (!u256_fits_u64(sp - 1) || offset > GAS_MEMORY_MAX_BYTES - 32)
                HALT(EXEC_OUT_OF_GAS);
            if (__builtin_expect(offset + 32 > f->memory_len, 0))
                WORLD_OP(evm_memory_grow(m, f, offset + 32));
            sp[-1] = bytes_load_u256(f->memory + offset);
            break;
        }
        case 0x52: { /* MSTORE */
            CHECK(0x52);
            uint64_t offset = sp[-1].limb[0];
            if (!u256_fits_u64(sp - 1) || offset > GAS_MEMORY_MAX_BYTES - 32)
                HALT(EXEC_OUT_OF_GAS);
            if (__builtin_expect(offset + 32 > f->memory_len, 0))
                WORLD_OP(evm_memory_grow(m, f, offset + 32));
            bytes_store_u256(f->memory + offset, sp - 2);
            sp -= 2;
            break;
        }
        case 0x53: { /* MSTORE8 */
            CHECK(0x53);
            uint64_t offset = sp[-1].limb[0];
            if (!u256_fits_u64(sp - 1) || offset > GAS_MEMORY_MAX_BYTES - 1)
                HALT(EXEC_OUT_OF_GAS);
            if (__builtin_expect(offset + 1 > f->memory_len, 0))
                WORLD_OP(evm_memory_grow(m, f, offset + 1));
            f->memory[offset] = (uint8_t)sp[-2].limb[0];
            sp -= 2;
            break;
        }
        case 0x54:
            CHECK(0x54);
            WORLD_OP(evm_op_sload(m, f));
            break;
        case 0x55:
            CHECK(0x55);
            WORLD_OP(evm_op_sstore(m, f));
            break;
        case 0x56: /* JUMP */
            CHECK(0x56);
            target = --sp;
        jump: /* any 0x5b byte of the code will do, also inside a PUSH */
            if (!u256_fits_u64(target) || target->limb[0] >= code_len ||
                code[target->limb[0]] != 0x5b)
                HALT(EXEC_INVALID_JUMP);
            counters_add_jump(&x->counters, pc - run);
            EXEC_TRY(counters_need_steps(&x->counters, 0));
            pc = run = (size_t)target->limb[0];
            EXEC_TRY(evm_work(m, 8));
            break;
        case 0x57: /* JUMPI */
            CHECK(0x57);
            sp -= 2;
            if (u256_is_zero(sp))
                break;
            target = sp + 1;
            goto jump;
        case 0x58: /* PC */
            CHECK(0x58);
            PUSH(u256_from_u64(pc - 1));
            break;
        case 0x59: /* MSIZE */
            CHECK(0x59);
            PUSH(u256_from_u64(f->memory_len));
            break;
        case 0x5a: /* GAS */
            CHECK(0x5a);
            PUSH(u256_from_u64(gas));
            break;
        case 0x5b: /* JUMPDEST */
            CHECK(0x5b);
            break;
        case 0x5f: /* PUSH0 */
            CHECK(0x5f);
            if (!x->rules.has_push0)
                HALT(EXEC_INVALID_OPCODE);
            PUSH(u256_zero());
            break;
        case 0x60: /* PUSH1 */
            CHECK(0x60);
            PUSH(u256_from_u64(pc < code_len ? code[pc] : 0));
            pc++;
            break;
        case 0x61 ... 0x7f: { /* PUSH2 to PUSH32 */
            CHECK_AS(0x61, 0);
            unsigned n = op - 0x5f;
            PUSH(read_push(code + pc, pc < code_len ? code_len - pc : 0, n));
            pc += n;
            break;
        }
        case 0x80 ... 0x8f: { /* DUP */
            CHECK_AS(0x80, op - 0x7f);
            const u256 *from = sp - (op - 0x7f);
            *sp = *from;
            sp++;
            break;
        }
        case 0x90 ... 0x9f: { /* SWAP */
            CHECK_AS(0x90, op - 0x8e);
            u256 *other = sp - 1 - (op - 0x8f);
            u256 kept = *other;
            *other = sp[-1];
            sp[-1] = kept;
            break;
        }
        case 0xa0 ... 0xa4:
            CHECK_AS(0xa0, op - 0x9e);
            WORLD_OP(evm_op_log(m, f, op - 0xa0));
            break;
        case 0xf0:
            CHECK(0xf0);
            FRAME_OP(evm_op_create(m, f, EXEC_CREATE));
        case 0xf1:
            CHECK(0xf1);
            FRAME_OP(evm_op_call(m, f, EXEC_CALL));
        case 0xf2:
            CHECK(0xf2);
            FRAME_OP(evm_op_call(m, f, EXEC_CALLCODE));
        case 0xf3:   /* RETURN */
        case 0xfd: { /* REVERT */
            CHECK(0xfd);
            size_t offset, len;
            WORLD_OP(evm_memory_range(m, f, sp - 1, sp - 2, &offset, &len));
            SAVE();
            EXEC_TRY(evm_end_frame(m, op == 0xf3 ? EXEC_OK : EXEC_REVERT, f->memory + offset, len));
            goto resume;
        }
        case 0xf4:
            CHECK(0xf4);
            FRAME_OP(evm_op_call(m, f, EXEC_DELEGATECALL));
        case 0xf5:
            CHECK(0xf5);
            FRAME_OP(evm_op_create(m, f, EXEC_CREATE2));
        case 0xfa:
            CHECK(0xfa);
            FRAME_OP(evm_op_call(m, f, EXEC_STATICCALL));
        case 0xff: /* SENDALL */
            CHECK(0xff);
            WORLD_OP(evm_op_sendall(m, f));
            EXEC_TRY(evm_end_frame(m, EXEC_OK, NULL, 0));
            goto resume;
        default:
            HALT(EXEC_INVALID_OPCODE);
        }
    }

refused:
    SAVE();
    EXEC_TRY(refuse(m, op, (size_t)(sp - stack), gas, &m->halt));
halted:
    why = m->halt;
    m->halt = EXEC_OK;
    EXEC_TRY(evm_end_frame(m, why, NULL, 0));
    goto resume;
}

exec_fault evm_run(exec_context *x, const evm_tx_env *env, const evm_message *message,
                   evm_outcome *outcome)
{
    exec_arena *arena = &x->memory->frame;
    size_t mark = exec_arena_mark(arena);
    size_t available = arena->size > mark ? arena->size - mark : 0;
    /* upper bounds on small memories: a quarter for operands, an eighth for return data */
    size_t slots = available / 4 / sizeof(u256);
    if (slots > EVM_STACK_SLOTS)
        slots = EVM_STACK_SLOTS;
    size_t return_cap = available / 8;
    if (return_cap > GAS_MEMORY_MAX_BYTES)
        return_cap = GAS_MEMORY_MAX_BYTES;
    evm_machine m = {
        .x = x,
        .env = env,
        .poll_countdown = EVM_POLL_INTERVAL,
        .outcome = outcome,
        .halt = EXEC_OK,
        .return_data_cap = return_cap,
    };
    m.stack_base = exec_arena_alloc(arena, slots * sizeof(u256));
    m.return_data = exec_arena_alloc(arena, return_cap);
    if (m.stack_base == NULL || m.return_data == NULL)
        return EXEC_FAULT_MEMORY;
    m.stack_end = m.stack_base + slots;
    exec_fault fault = evm_start_message(&m, message);
    if (fault == EXEC_FAULT_NONE)
        fault = evm_interpret(&m);
    exec_arena_release(arena, mark);
    return fault;
}
