/** Instruction words and ELF files for the machine's tests, made here and not by a compiler. */
#ifndef ZKP_TESTS_UNIT_VM_ASM_H
#define ZKP_TESTS_UNIT_VM_ASM_H

#include "host/vm/vm.h"

#include <stdlib.h>
#include <string.h>

#define ASM_TEXT UINT64_C(0x10000) /**< where programs are */
#define ASM_DATA UINT64_C(0x40000) /**< where their data is */

static inline uint32_t asm_r(uint32_t op, uint32_t f3, uint32_t f7, unsigned rd, unsigned rs1,
                             unsigned rs2)
{
    return op | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}

static inline uint32_t asm_i(uint32_t op, uint32_t f3, unsigned rd, unsigned rs1, int32_t imm)
{
    return op | rd << 7 | f3 << 12 | rs1 << 15 | (uint32_t)imm << 20;
}

static inline uint32_t asm_s(uint32_t f3, unsigned rs1, unsigned rs2, int32_t imm)
{
    uint32_t u = (uint32_t)imm;
    return 0x23 | (u & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (u >> 5 & 127) << 25;
}

static inline uint32_t asm_b(uint32_t f3, unsigned rs1, unsigned rs2, int32_t imm)
{
    uint32_t u = (uint32_t)imm;
    return 0x63 | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | f3 << 12 | rs1 << 15 | rs2 << 20 |
           (u >> 5 & 63) << 25 | (u >> 12 & 1) << 31;
}

static inline uint32_t asm_j(unsigned rd, int32_t imm)
{
    uint32_t u = (uint32_t)imm;
    return 0x6f | rd << 7 | (u >> 12 & 255) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 1023) << 21 |
           (u >> 20 & 1) << 31;
}

static inline uint32_t asm_u(uint32_t op, unsigned rd, uint32_t imm)
{
    return op | rd << 7 | (imm & 0xfffff000);
}

#define ASM_ADDI(rd, rs1, imm) asm_i(0x13, 0, rd, rs1, imm)
#define ASM_LUI(rd, imm) asm_u(0x37, rd, imm)
#define ASM_LD(rd, rs1, imm) asm_i(0x03, 3, rd, rs1, imm)
#define ASM_SD(rs1, rs2, imm) asm_s(3, rs1, rs2, imm)
#define ASM_CUSTOM(f3, f7, rd, rs1, rs2) asm_r(0x0b, f3, f7, rd, rs1, rs2)
#define ASM_HALT(rs1) ASM_CUSTOM(0, 0, 0, rs1, 0)
#define ASM_HINT(rd) ASM_CUSTOM(1, 0, rd, 0, 0)
#define ASM_COMMIT(rs1, rs2) ASM_CUSTOM(2, 0, 0, rs1, rs2)
#define ASM_POSEIDON(rs1) ASM_CUSTOM(3, 0, 0, rs1, 0)
#define ASM_MULMOD(m, rd, rs1, rs2) ASM_CUSTOM(4, m, rd, rs1, rs2)

static inline void asm_put(uint8_t *p, uint64_t x, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        p[i] = (uint8_t)(x >> 8 * i);
}

/** An ELF file of a program at ASM_TEXT (its entry) and writable words at ASM_DATA, with 4096 more
 * bytes of zeros. Freed by the caller. Offsets and addresses agree on pages, for qemu. */
static inline uint8_t *asm_elf(const uint32_t *code, size_t n_code, const uint64_t *data,
                               size_t n_data, size_t *len)
{
    size_t text_at = 4096, text = 4 * n_code;
    size_t data_at = (text_at + text + 4095) / 4096 * 4096;
    *len = data_at + 8 * n_data;
    uint8_t *f = calloc(1, *len);
    memcpy(f,
           "\x7f"
           "ELF\x02\x01\x01",
           7);
    asm_put(f + 16, 2, 2);
    asm_put(f + 18, 243, 2);
    asm_put(f + 20, 1, 4);
    asm_put(f + 24, ASM_TEXT, 8);
    asm_put(f + 32, 64, 8);
    asm_put(f + 52, 64, 2);
    asm_put(f + 54, 56, 2);
    asm_put(f + 56, 2, 2);
    const uint64_t segments[2][6] = {
        {5, text_at, ASM_TEXT, text, text, 4096},
        {6, data_at, ASM_DATA, 8 * n_data, 8 * n_data + 4096, 4096},
    };
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *p = f + 64 + 56 * i;
        asm_put(p, 1, 4);
        asm_put(p + 4, segments[i][0], 4);
        asm_put(p + 8, segments[i][1], 8);
        asm_put(p + 16, segments[i][2], 8);
        asm_put(p + 24, segments[i][2], 8);
        asm_put(p + 32, segments[i][3], 8);
        asm_put(p + 40, segments[i][4], 8);
        asm_put(p + 48, segments[i][5], 8);
    }
    for (size_t i = 0; i < n_code; i++)
        asm_put(f + text_at + 4 * i, code[i], 4);
    for (size_t i = 0; i < n_data; i++)
        asm_put(f + data_at + 8 * i, data[i], 8);
    return f;
}

static inline vm_image *asm_image(const uint32_t *code, size_t n_code, const uint64_t *data,
                                  size_t n_data, p_err *err)
{
    size_t len;
    vm_image *image = NULL;
    uint8_t *f = asm_elf(code, n_code, data, n_data, &len);
    (void)vm_image_parse(&image, "test", f, len, err);
    free(f);
    return image;
}

#endif
