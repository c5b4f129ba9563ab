#include "host/vm/machine.h"

#include <string.h>

#define VM_INLINE static inline __attribute__((always_inline))

__extension__ typedef __int128 i128;

/** The low 32 bits as a signed number. */
VM_INLINE uint64_t word(uint64_t x)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)x;
}

VM_INLINE uint64_t mulh(uint64_t a, bool a_signed, uint64_t b, bool b_signed)
{
    /* |product| <= 2^127 - 2^63 in every combination but unsigned * unsigned */
    if (!a_signed && !b_signed)
        return (uint64_t)((gl_u128)a * b >> 64);
    i128 x = (int64_t)a, y = b_signed ? (i128)(int64_t)b : (i128)b;
    return (uint64_t)((gl_u128)(x * y) >> 64);
}

/* Division as the manual's table 7.1 has it: by zero and of the least number by -1 too. */

VM_INLINE uint64_t div_signed(uint64_t a, uint64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    if (b == UINT64_MAX)
        return 0 - a;
    return (uint64_t)((int64_t)a / (int64_t)b);
}

VM_INLINE uint64_t rem_signed(uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    if (b == UINT64_MAX)
        return 0;
    return (uint64_t)((int64_t)a % (int64_t)b);
}

/** The W forms divide numbers of 32 bits in 64: nothing overflows. */
VM_INLINE uint64_t div_word(uint64_t a, uint64_t b, bool rem)
{
    int64_t x = (int32_t)(uint32_t)a, y = (int32_t)(uint32_t)b;
    if (y == 0)
        return rem ? word(a) : UINT64_MAX;
    return word((uint64_t)(rem ? x % y : x / y));
}

VM_INLINE uint64_t div_word_unsigned(uint64_t a, uint64_t b, bool rem)
{
    uint32_t x = (uint32_t)a, y = (uint32_t)b;
    if (y == 0)
        return rem ? word(a) : UINT64_MAX;
    return word(rem ? x % y : x / y);
}

/** size bytes at an address, zero-extended. False: a fault. */
VM_INLINE bool access_ok(const vm *m, uint64_t address, unsigned size)
{
    return (address & (UINT64_C(0xffffffff00000000) | (size - 1))) == 0 &&
           address >= m->image->base;
}

VM_INLINE bool load(const vm *m, uint64_t address, unsigned size, uint64_t *out)
{
    if (!access_ok(m, address, size))
        return false;
    uint64_t x = 0;
    memcpy(&x, m->memory + address, size); /* little-endian: checked in vm.c */
    *out = x;
    return true;
}

VM_INLINE bool store(vm *m, uint64_t address, unsigned size, uint64_t value)
{
    if (!access_ok(m, address, size))
        return false;
    memcpy(m->memory + address, &value, size);
    return true;
}

VM_INLINE void access_fault(uint64_t address, unsigned size, vm_result *r)
{
    r->fault = address & (size - 1) ? VM_FAULT_MISALIGNED : VM_FAULT_ADDRESS;
    r->address = address;
}

/** The loop. traced is a constant in each instance. */
VM_INLINE bool slice(vm *m, const vm_run_options *options, uint64_t n, vm_result *r, bool traced)
{
    const vm_insn *code = m->code, *ip;
    const uint64_t base = m->image->program_base, bytes = 4 * (uint64_t)m->image->n_insns;
    uint64_t *x = m->x;
    uint64_t done = 0, target = r->pc - base; /* offset into the program */
    bool halted = false;

    if ((target & 3) != 0 || target >= bytes) {
        r->end = VM_END_FAULT;
        r->fault = VM_FAULT_PC;
        return true;
    }
    ip = code + target / 4;
    while (done < n) {
        const vm_insn in = *ip;
        const uint64_t a = x[in.rs1], b = x[in.rs2], imm = (uint64_t)(int64_t)in.imm;
        const uint64_t at = 4 * (uint64_t)(ip - code);
        const uint64_t rd_old = traced ? x[in.rd] : 0;
        const vm_insn *next = ip + 1;
        uint64_t c;
        switch (in.op) {
#define RD(name, value)                                                                            \
    case VM_OP_##name:                                                                             \
        x[in.rd] = (value);                                                                        \
        break;
            RD(LUI, imm)
            RD(AUIPC, base + at + imm)
            RD(ADDI, a + imm)
            RD(SLTI, (int64_t)a < (int64_t)imm)
            RD(SLTIU, a < imm)
            RD(XORI, a ^ imm)
            RD(ORI, a | imm)
            RD(ANDI, a & imm)
            RD(SLLI, a << in.imm)
            RD(SRLI, a >> in.imm)
            RD(SRAI, (uint64_t)((int64_t)a >> in.imm))
            RD(ADD, a + b)
            RD(SUB, a - b)
            RD(SLL, a << (b & 63))
            RD(SLT, (int64_t)a < (int64_t)b)
            RD(SLTU, a < b)
            RD(XOR, a ^ b)
            RD(SRL, a >> (b & 63))
            RD(SRA, (uint64_t)((int64_t)a >> (b & 63)))
            RD(OR, a | b)
            RD(AND, a & b)
            RD(ADDIW, word(a + imm))
            RD(SLLIW, word(a << in.imm))
            RD(SRLIW, word((uint32_t)a >> in.imm))
            RD(SRAIW, (uint64_t)((int64_t)word(a) >> in.imm))
            RD(ADDW, word(a + b))
            RD(SUBW, word(a - b))
            RD(SLLW, word(a << (b & 31)))
            RD(SRLW, word((uint32_t)a >> (b & 31)))
            RD(SRAW, (uint64_t)((int64_t)word(a) >> (b & 31)))
            RD(MUL, a * b)
            RD(MULH, mulh(a, true, b, true))
            RD(MULHSU, mulh(a, true, b, false))
            RD(MULHU, mulh(a, false, b, false))
            RD(DIV, div_signed(a, b))
            RD(DIVU, b ? a / b : UINT64_MAX)
            RD(REM, rem_signed(a, b))
            RD(REMU, b ? a % b : a)
            RD(MULW, word(a * b))
            RD(DIVW, div_word(a, b, false))
            RD(DIVUW, div_word_unsigned(a, b, false))
            RD(REMW, div_word(a, b, true))
            RD(REMUW, div_word_unsigned(a, b, true))
#undef RD
        case VM_OP_FENCE:
            break;

#define LOAD(name, size, value)                                                                    \
    case VM_OP_##name:                                                                             \
        if (!load(m, a + imm, size, &c)) {                                                         \
            access_fault(a + imm, size, r);                                                        \
            goto fault;                                                                            \
        }                                                                                          \
        x[in.rd] = (value);                                                                        \
        break;
            LOAD(LB, 1, (uint64_t)(int64_t)(int8_t)(uint8_t)c)
            LOAD(LH, 2, (uint64_t)(int64_t)(int16_t)(uint16_t)c)
            LOAD(LW, 4, word(c))
            LOAD(LD, 8, c)
            LOAD(LBU, 1, c)
            LOAD(LHU, 2, c)
            LOAD(LWU, 4, c)
#undef LOAD
#define STORE(name, size)                                                                          \
    case VM_OP_##name:                                                                             \
        if (!store(m, a + imm, size, b)) {                                                         \
            access_fault(a + imm, size, r);                                                        \
            goto fault;                                                                            \
        }                                                                                          \
        break;
            STORE(SB, 1)
            STORE(SH, 2)
            STORE(SW, 4)
            STORE(SD, 8)
#undef STORE

#define BRANCH(name, condition)                                                                    \
    case VM_OP_##name:                                                                             \
        if (!(condition))                                                                          \
            break;                                                                                 \
        target = at + imm;                                                                         \
        goto jump;
            BRANCH(BEQ, a == b)
            BRANCH(BNE, a != b)
            BRANCH(BLT, (int64_t)a < (int64_t)b)
            BRANCH(BGE, (int64_t)a >= (int64_t)b)
            BRANCH(BLTU, a < b)
            BRANCH(BGEU, a >= b)
#undef BRANCH
        case VM_OP_JAL:
            x[in.rd] = base + at + 4;
            target = at + imm;
            goto jump;
        case VM_OP_JALR:
            x[in.rd] = base + at + 4;
            target = ((a + imm) & ~UINT64_C(1)) - base;
        jump:
            if ((target & 3) != 0 || target >= bytes) {
                /* the jump itself is done; there is nothing where it goes */
                done++;
                r->fault = VM_FAULT_PC;
                r->pc = base + target;
                goto stop;
            }
            next = code + target / 4;
            break;

        case VM_OP_HINT:
            if (r->advice_used == options->advice_words) {
                r->fault = VM_FAULT_ADVICE;
                goto fault;
            }
            x[in.rd] = options->advice[r->advice_used++];
            break;
        case VM_OP_COMMIT:
            if (!vm_do_commit(a, b, r))
                goto fault;
            break;
        case VM_OP_POSEIDON:
            if (!vm_do_poseidon(m, a, r))
                goto fault;
            break;
        case VM_OP_MULMOD:
            if (!vm_do_mulmod(m, a, b, x[in.rd], (unsigned)in.imm, r))
                goto fault;
            break;
        case VM_OP_HALT:
            if (!vm_do_halt(a, options->public_words, r))
                goto fault;
            halted = true;
            break;
        case VM_OP_OUTSIDE:
            r->fault = VM_FAULT_PC;
            goto fault;
        case VM_OP_ILLEGAL:
        default:
            r->fault = VM_FAULT_ILLEGAL;
            r->word = vm_image_insn(m->image, (size_t)(ip - code));
            goto fault;
        }
        done++;
        if (traced) {
            const vm_step step = {.cycle = r->cycles + done - 1,
                                  .pc = base + at,
                                  .next_pc = base + 4 * (uint64_t)(next - code),
                                  .insn = ip,
                                  .a = a,
                                  .b = b,
                                  .rd_old = rd_old,
                                  .c = x[in.rd]};
            options->tracer->step(options->tracer->ctx, &step);
        }
        if (halted) {
            r->end = VM_END_HALT;
            r->pc = base + at;
            r->cycles += done;
            return true;
        }
        ip = next;
    }
    r->cycles += done;
    r->pc = base + 4 * (uint64_t)(ip - code);
    return false; /* also behind the last instruction: the next slice sees it */

fault:
    r->pc = base + 4 * (uint64_t)(ip - code);
stop:
    r->cycles += done;
    r->end = VM_END_FAULT;
    return true;
}

bool vm_slice_fast(vm *m, const vm_run_options *options, uint64_t n, vm_result *result)
{
    return slice(m, options, n, result, false);
}

bool vm_slice_traced(vm *m, const vm_run_options *options, uint64_t n, vm_result *result)
{
    return slice(m, options, n, result, true);
}
