/** The instructions of the machine: RV64IM (The RISC-V Instruction Set Manual, volume I, 20191213)
 * without compressed, atomic, CSR and environment instructions, and five of our own in the custom-0
 * space.
 *
 * Our own are R-type words of opcode 0x0b; fields that an instruction does not name must be zero:
 *
 *      HALT(rs1)            funct3 0   ends the run; the exit code is rs1
 *      HINT(rd)             funct3 1   rd = the next word of the advice, which is *untrusted*
 *      COMMIT(rs1, rs2)     funct3 2   public word rs1 (0..47) = rs2 (below 2^32); each once
 *      POSEIDON(rs1)        funct3 3   permutes the 12 words at rs1 in place
 *      MULMOD(rs1, rs2, rd) funct3 4   4 words at rd = 4 words at rs1 * 4 words at rs2 mod m; all
 *                                      three registers are read, as pointers; funct7 chooses m
 *
 * FENCE has nothing to order in a machine with one hart and no devices: it does nothing. ECALL and
 * EBREAK do not exist. Any thread. */
#ifndef ZKP_HOST_VM_ISA_H
#define ZKP_HOST_VM_ISA_H

#include <stdint.h>

#define VM_CUSTOM_OPCODE 0x0bu
#define VM_FUNCT3_HALT 0u
#define VM_FUNCT3_HINT 1u
#define VM_FUNCT3_COMMIT 2u
#define VM_FUNCT3_POSEIDON 3u
#define VM_FUNCT3_MULMOD 4u

/** MULMOD's moduli, by funct7: the field and the group order of secp256k1. */
#define VM_MODULUS_SECP256K1_P 0u
#define VM_MODULUS_SECP256K1_N 1u
#define VM_MODULI 2u

/** Words that the statement has, so also what COMMIT's index is below. */
#define VM_PUBLIC_WORDS 48

/* clang-format off */
#define VM_OP_ROWS(X)                                                                              \
    X(ILLEGAL) X(OUTSIDE)                                                                          \
    X(LUI) X(AUIPC) X(JAL) X(JALR)                                                                 \
    X(BEQ) X(BNE) X(BLT) X(BGE) X(BLTU) X(BGEU)                                                    \
    X(LB) X(LH) X(LW) X(LD) X(LBU) X(LHU) X(LWU) X(SB) X(SH) X(SW) X(SD)                           \
    X(ADDI) X(SLTI) X(SLTIU) X(XORI) X(ORI) X(ANDI) X(SLLI) X(SRLI) X(SRAI)                        \
    X(ADD) X(SUB) X(SLL) X(SLT) X(SLTU) X(XOR) X(SRL) X(SRA) X(OR) X(AND)                          \
    X(ADDIW) X(SLLIW) X(SRLIW) X(SRAIW) X(ADDW) X(SUBW) X(SLLW) X(SRLW) X(SRAW)                    \
    X(MUL) X(MULH) X(MULHSU) X(MULHU) X(DIV) X(DIVU) X(REM) X(REMU)                                \
    X(MULW) X(DIVW) X(DIVUW) X(REMW) X(REMUW) X(FENCE)                                             \
    X(HALT) X(HINT) X(COMMIT) X(POSEIDON) X(MULMOD)
/* clang-format on */

typedef enum vm_op {
#define VM_OP_NAME(name) VM_OP_##name,
    VM_OP_ROWS(VM_OP_NAME)
#undef VM_OP_NAME
        VM_N_OPS
} vm_op;

/** A decoded instruction. ILLEGAL is a word that is none, OUTSIDE what follows the last one of a
 * program. */
typedef struct vm_insn {
    uint8_t op; /**< vm_op */
    uint8_t rd, rs1, rs2;
    int32_t imm; /**< sign-extended; LUI and AUIPC: already shifted; shifts: the amount; MULMOD: the
                    modulus */
} vm_insn;

/** Never fails: what is no instruction is VM_OP_ILLEGAL. Registers that the form does not have are
 * 0. */
vm_insn vm_decode(uint32_t word);

/** "ADD" and so on; "?" outside the enum. */
const char *vm_op_name(vm_op op);

#endif
