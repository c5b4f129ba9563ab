#include "host/vm/isa.h"

#include <stdbool.h>

/** Bits at..at+len-1 of a word. */
static uint32_t field(uint32_t word, unsigned at, unsigned len)
{
    return word >> at & ((UINT32_C(1) << len) - 1);
}

/** The low `bits` bits of x as a signed number. */
static int32_t sign_extend(uint32_t x, unsigned bits)
{
    uint32_t sign = UINT32_C(1) << (bits - 1);
    return (int32_t)((x ^ sign) - sign);
}

static int32_t imm_i(uint32_t w)
{
    return sign_extend(field(w, 20, 12), 12);
}

static int32_t imm_s(uint32_t w)
{
    return sign_extend(field(w, 25, 7) << 5 | field(w, 7, 5), 12);
}

static int32_t imm_b(uint32_t w)
{
    return sign_extend(field(w, 31, 1) << 12 | field(w, 7, 1) << 11 | field(w, 25, 6) << 5 |
                           field(w, 8, 4) << 1,
                       13);
}

static int32_t imm_j(uint32_t w)
{
    return sign_extend(field(w, 31, 1) << 20 | field(w, 12, 8) << 12 | field(w, 20, 1) << 11 |
                           field(w, 21, 10) << 1,
                       21);
}

/** OP-IMM's shifts: amount_bits is 6, or 5 for the W forms. */
static uint8_t shift_op(uint32_t w, unsigned amount_bits, vm_op left, vm_op logical, vm_op arith)
{
    uint32_t high = w >> (20 + amount_bits), arith_high = UINT32_C(0x400) >> amount_bits;
    if (field(w, 12, 3) == 1)
        return (uint8_t)(high == 0 ? left : VM_OP_ILLEGAL);
    return (uint8_t)(high == 0 ? logical : high == arith_high ? arith : VM_OP_ILLEGAL);
}

static uint8_t op_imm(uint32_t w)
{
    static const uint8_t ops[8] = {VM_OP_ADDI, 0, VM_OP_SLTI, VM_OP_SLTIU,
                                   VM_OP_XORI, 0, VM_OP_ORI,  VM_OP_ANDI};
    uint32_t f3 = field(w, 12, 3);
    return f3 == 1 || f3 == 5 ? shift_op(w, 6, VM_OP_SLLI, VM_OP_SRLI, VM_OP_SRAI) : ops[f3];
}

static uint8_t op_imm_32(uint32_t w)
{
    uint32_t f3 = field(w, 12, 3);
    if (f3 == 0)
        return VM_OP_ADDIW;
    return f3 == 1 || f3 == 5 ? shift_op(w, 5, VM_OP_SLLIW, VM_OP_SRLIW, VM_OP_SRAIW)
                              : (uint8_t)VM_OP_ILLEGAL;
}

static uint8_t op_reg(uint32_t w)
{
    static const uint8_t base[8] = {VM_OP_ADD, VM_OP_SLL, VM_OP_SLT, VM_OP_SLTU,
                                    VM_OP_XOR, VM_OP_SRL, VM_OP_OR,  VM_OP_AND};
    static const uint8_t mul[8] = {VM_OP_MUL, VM_OP_MULH, VM_OP_MULHSU, VM_OP_MULHU,
                                   VM_OP_DIV, VM_OP_DIVU, VM_OP_REM,    VM_OP_REMU};
    uint32_t f3 = field(w, 12, 3), f7 = field(w, 25, 7);
    if (f7 == 0)
        return base[f3];
    if (f7 == 1)
        return mul[f3];
    if (f7 == 0x20 && f3 == 0)
        return VM_OP_SUB;
    return f7 == 0x20 && f3 == 5 ? VM_OP_SRA : VM_OP_ILLEGAL;
}

static uint8_t op_reg_32(uint32_t w)
{
    switch (field(w, 25, 7) << 3 | field(w, 12, 3)) {
    case 0:
        return VM_OP_ADDW;
    case 1:
        return VM_OP_SLLW;
    case 5:
        return VM_OP_SRLW;
    case 0x20 << 3:
        return VM_OP_SUBW;
    case 0x20 << 3 | 5:
        return VM_OP_SRAW;
    case 1 << 3:
        return VM_OP_MULW;
    case 1 << 3 | 4:
        return VM_OP_DIVW;
    case 1 << 3 | 5:
        return VM_OP_DIVUW;
    case 1 << 3 | 6:
        return VM_OP_REMW;
    case 1 << 3 | 7:
        return VM_OP_REMUW;
    default:
        return VM_OP_ILLEGAL;
    }
}

/** Our own: an unnamed field that is not zero makes the word illegal. */
static uint8_t op_custom(uint32_t w)
{
    uint32_t rd = field(w, 7, 5), rs1 = field(w, 15, 5), rs2 = field(w, 20, 5),
             f7 = field(w, 25, 7);
    switch (field(w, 12, 3)) {
    case VM_FUNCT3_HALT:
        return rd | rs2 | f7 ? VM_OP_ILLEGAL : VM_OP_HALT;
    case VM_FUNCT3_HINT:
        return rs1 | rs2 | f7 ? VM_OP_ILLEGAL : VM_OP_HINT;
    case VM_FUNCT3_COMMIT:
        return rd | f7 ? VM_OP_ILLEGAL : VM_OP_COMMIT;
    case VM_FUNCT3_POSEIDON:
        return rd | rs2 | f7 ? VM_OP_ILLEGAL : VM_OP_POSEIDON;
    case VM_FUNCT3_MULMOD:
        return f7 >= VM_MODULI ? VM_OP_ILLEGAL : VM_OP_MULMOD;
    default:
        return VM_OP_ILLEGAL;
    }
}

vm_insn vm_decode(uint32_t w)
{
    static const uint8_t branches[8] = {VM_OP_BEQ, VM_OP_BNE, 0,          0,
                                        VM_OP_BLT, VM_OP_BGE, VM_OP_BLTU, VM_OP_BGEU};
    static const uint8_t loads[8] = {VM_OP_LB,  VM_OP_LH,  VM_OP_LW,  VM_OP_LD,
                                     VM_OP_LBU, VM_OP_LHU, VM_OP_LWU, 0};
    static const uint8_t stores[8] = {VM_OP_SB, VM_OP_SH, VM_OP_SW, VM_OP_SD};
    uint8_t rd = (uint8_t)field(w, 7, 5), rs1 = (uint8_t)field(w, 15, 5),
            rs2 = (uint8_t)field(w, 20, 5);
    uint32_t f3 = field(w, 12, 3);
    vm_insn in = {.op = VM_OP_ILLEGAL};
    switch (w & 0x7f) {
    case 0x37:
        in = (vm_insn){.op = VM_OP_LUI, .rd = rd, .imm = (int32_t)(w & 0xfffff000)};
        break;
    case 0x17:
        in = (vm_insn){.op = VM_OP_AUIPC, .rd = rd, .imm = (int32_t)(w & 0xfffff000)};
        break;
    case 0x6f:
        in = (vm_insn){.op = VM_OP_JAL, .rd = rd, .imm = imm_j(w)};
        break;
    case 0x67:
        in = (vm_insn){
            .op = f3 == 0 ? VM_OP_JALR : VM_OP_ILLEGAL, .rd = rd, .rs1 = rs1, .imm = imm_i(w)};
        break;
    case 0x63:
        in = (vm_insn){.op = branches[f3], .rs1 = rs1, .rs2 = rs2, .imm = imm_b(w)};
        break;
    case 0x03:
        in = (vm_insn){.op = loads[f3], .rd = rd, .rs1 = rs1, .imm = imm_i(w)};
        break;
    case 0x23:
        in = (vm_insn){.op = stores[f3], .rs1 = rs1, .rs2 = rs2, .imm = imm_s(w)};
        break;
    case 0x13:
    case 0x1b:
        in = (vm_insn){.op = (w & 0x7f) == 0x13 ? op_imm(w) : op_imm_32(w),
                       .rd = rd,
                       .rs1 = rs1,
                       .imm = imm_i(w)};
        if (f3 == 1 || f3 == 5)
            in.imm &= 0x3f; /* a legal W form has bit 5 clear */
        break;
    case 0x33:
    case 0x3b:
        in = (vm_insn){
            .op = (w & 0x7f) == 0x33 ? op_reg(w) : op_reg_32(w), .rd = rd, .rs1 = rs1, .rs2 = rs2};
        break;
    case 0x0f: /* FENCE with any sets; FENCE.I is another extension */
        in.op = f3 == 0 ? VM_OP_FENCE : VM_OP_ILLEGAL;
        break;
    case VM_CUSTOM_OPCODE:
        in = (vm_insn){.op = op_custom(w), .rd = rd, .rs1 = rs1, .rs2 = rs2};
        in.imm = in.op == VM_OP_MULMOD ? (int32_t)field(w, 25, 7) : 0;
        break;
    default:
        break;
    }
    if (in.op == VM_OP_ILLEGAL)
        in = (vm_insn){.op = VM_OP_ILLEGAL};
    return in;
}

const char *vm_op_name(vm_op op)
{
    static const char *const names[] = {
#define OP_TEXT(name) #name,
        VM_OP_ROWS(OP_TEXT)
#undef OP_TEXT
    };
    return (unsigned)op < VM_N_OPS ? names[op] : "?";
}
