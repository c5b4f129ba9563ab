/* Every instruction of RV64IM with results worked out by hand from the manual, and what is no
 * instruction. */
#include "tests/unit/vm/asm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIN64 (UINT64_C(1) << 63)
#define MAX64 (MIN64 - 1)
#define M1 UINT64_MAX
#define MIN32 UINT64_C(0xffffffff80000000)
#define MAX32 UINT64_C(0x7fffffff)

/** One register-register or register-immediate instruction: x3 = op(x1, x2 or the immediate). */
typedef struct alu_case {
    uint32_t word;
    const char *name;
    uint64_t a, b, want;
} alu_case;

/* x3 <- x1, x2 */
#define R(f3, f7) asm_r(0x33, f3, f7, 3, 1, 2)
#define RW(f3, f7) asm_r(0x3b, f3, f7, 3, 1, 2)
#define I(f3, imm) asm_i(0x13, f3, 3, 1, imm)
#define IW(f3, imm) asm_i(0x1b, f3, 3, 1, imm)

static void test_alu(void **state)
{
    (void)state;
    const alu_case cases[] = {
        {R(0, 0), "ADD", M1, 1, 0},
        {R(0, 0), "ADD", MAX64, 1, MIN64},
        {R(0, 0x20), "SUB", 0, 1, M1},
        {R(0, 0x20), "SUB", MIN64, 1, MAX64},
        {R(1, 0), "SLL", 3, 63, MIN64},
        {R(1, 0), "SLL", 3, 64, 3},
        {R(1, 0), "SLL", 3, M1, MIN64},
        {R(2, 0), "SLT", MIN64, MAX64, 1},
        {R(2, 0), "SLT", 5, 5, 0},
        {R(2, 0), "SLT", 0, M1, 0},
        {R(3, 0), "SLTU", 0, M1, 1},
        {R(3, 0), "SLTU", M1, 0, 0},
        {R(3, 0), "SLTU", M1, M1, 0},
        {R(4, 0), "XOR", 0xf0f0, 0xff00, 0x0ff0},
        {R(5, 0), "SRL", M1, 63, 1},
        {R(5, 0), "SRL", M1, 64, M1},
        {R(5, 0x20), "SRA", MIN64, 63, M1},
        {R(5, 0x20), "SRA", MIN64, 64 + 62, M1 - 1},
        {R(5, 0x20), "SRA", MAX64, 62, 1},
        {R(6, 0), "OR", 0xf0f0, 0xff00, 0xfff0},
        {R(7, 0), "AND", 0xf0f0, 0xff00, 0xf000},
        {I(0, -2048), "ADDI", 0, 0, M1 - 2047},
        {I(0, 2047), "ADDI", M1, 0, 2046},
        {I(2, -1), "SLTI", MIN64, 0, 1},
        {I(2, -1), "SLTI", M1, 0, 0},
        {I(3, -1), "SLTIU", M1 - 1, 0, 1},
        {I(3, -1), "SLTIU", M1, 0, 0},
        {I(3, 1), "SLTIU", 0, 0, 1},
        {I(4, -1), "XORI", 5, 0, M1 - 5},
        {I(6, -2048), "ORI", 5, 0, M1 - 2047 + 5},
        {I(7, -2048), "ANDI", 0x1fff, 0, 0x1800},
        {I(1, 63), "SLLI", 3, 0, MIN64},
        {I(1, 32), "SLLI", M1, 0, UINT64_C(0xffffffff00000000)},
        {I(5, 63), "SRLI", M1, 0, 1},
        {I(5, 0), "SRLI", M1, 0, M1},
        {I(5, 0x400 | 63), "SRAI", MIN64, 0, M1},
        {I(5, 0x400 | 33), "SRAI", MIN64, 0, UINT64_C(0xffffffffc0000000)},
        {IW(0, 1), "ADDIW", MAX32, 0, MIN32},
        {IW(0, 0), "ADDIW", UINT64_C(0x180000000), 0, MIN32},
        {IW(1, 31), "SLLIW", 1, 0, MIN32},
        {IW(1, 31), "SLLIW", 2, 0, 0},
        {IW(5, 31), "SRLIW", M1, 0, 1},
        {IW(5, 0), "SRLIW", UINT64_C(0x80000000), 0, MIN32},
        {IW(5, 0x400 | 31), "SRAIW", UINT64_C(0x80000000), 0, M1},
        {IW(5, 0x400 | 4), "SRAIW", UINT64_C(0xf00000010), 0, 1},
        {RW(0, 0), "ADDW", MAX32, 1, MIN32},
        {RW(0, 0), "ADDW", M1, 1, 0},
        {RW(0, 0x20), "SUBW", MIN32, 1, MAX32},
        {RW(1, 0), "SLLW", 1, 63, MIN32},
        {RW(1, 0), "SLLW", 1, 32, 1},
        {RW(5, 0), "SRLW", M1, 32 + 31, 1},
        {RW(5, 0), "SRLW", UINT64_C(0x80000000), 32, MIN32},
        {RW(5, 0x20), "SRAW", MIN32, 31, M1},
        {RW(5, 0x20), "SRAW", UINT64_C(0x100000000), 1, 0},
        {R(0, 1), "MUL", M1, M1, 1},
        {R(0, 1), "MUL", UINT64_C(0x100000001), UINT64_C(0x100000001), UINT64_C(0x200000001)},
        {R(1, 1), "MULH", MIN64, MIN64, UINT64_C(1) << 62},
        {R(1, 1), "MULH", M1, M1, 0},
        {R(1, 1), "MULH", M1, 1, M1},
        {R(1, 1), "MULH", MIN64, MAX64, UINT64_C(0xc000000000000000)},
        {R(2, 1), "MULHSU", M1, M1, M1},
        {R(2, 1), "MULHSU", MIN64, M1, MIN64},
        {R(2, 1), "MULHSU", MAX64, M1, MAX64 - 1},
        {R(2, 1), "MULHSU", 0, M1, 0},
        {R(3, 1), "MULHU", M1, M1, M1 - 1},
        {R(3, 1), "MULHU", MIN64, 2, 1},
        {R(4, 1), "DIV", 7, (uint64_t)-2, (uint64_t)-3},
        {R(4, 1), "DIV", (uint64_t)-7, 2, (uint64_t)-3},
        {R(4, 1), "DIV", 7, 0, M1},
        {R(4, 1), "DIV", 0, 0, M1},
        {R(4, 1), "DIV", MIN64, M1, MIN64},
        {R(4, 1), "DIV", MIN64, 1, MIN64},
        {R(5, 1), "DIVU", M1, 2, MAX64},
        {R(5, 1), "DIVU", 7, 0, M1},
        {R(5, 1), "DIVU", MIN64, M1, 0},
        {R(6, 1), "REM", 7, (uint64_t)-2, 1},
        {R(6, 1), "REM", (uint64_t)-7, 2, M1},
        {R(6, 1), "REM", MIN64, M1, 0},
        {R(6, 1), "REM", (uint64_t)-7, 0, (uint64_t)-7},
        {R(7, 1), "REMU", M1, 10, 5},
        {R(7, 1), "REMU", M1, 0, M1},
        {R(7, 1), "REMU", MIN64, M1, MIN64},
        {RW(0, 1), "MULW", UINT64_C(0x10000), UINT64_C(0x8000), MIN32},
        {RW(0, 1), "MULW", M1, M1, 1},
        {RW(4, 1), "DIVW", MIN32, M1, MIN32},
        {RW(4, 1), "DIVW", 7, UINT64_C(0x100000000), M1},
        {RW(4, 1), "DIVW", UINT64_C(0xfffffff9), 2, (uint64_t)-3},
        {RW(5, 1), "DIVUW", M1, 1, M1},
        {RW(5, 1), "DIVUW", 7, UINT64_C(0x100000000), M1},
        {RW(5, 1), "DIVUW", M1, 2, MAX32},
        {RW(6, 1), "REMW", MIN32, M1, 0},
        {RW(6, 1), "REMW", UINT64_C(0x80000001), 0, MIN32 + 1},
        {RW(6, 1), "REMW", (uint64_t)-7, 2, M1},
        {RW(7, 1), "REMUW", UINT64_C(0x80000001), 0, MIN32 + 1},
        {RW(7, 1), "REMUW", M1, UINT64_C(0x80000000), MAX32},
        {ASM_LUI(3, 0x80000000), "LUI", 0, 0, MIN32},
        {ASM_LUI(3, 0x7ffff000), "LUI", 0, 0, UINT64_C(0x7ffff000)},
        {asm_u(0x17, 3, 0x1000), "AUIPC", 0, 0, ASM_TEXT + 12 + 0x1000},
        {asm_u(0x17, 3, 0xfffff000), "AUIPC", 0, 0, ASM_TEXT + 12 - 0x1000},
        {asm_u(0x17, 3, 0x80000000), "AUIPC", 0, 0, ASM_TEXT + 12 + MIN32},
        {0x0ff0000f, "FENCE", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const alu_case *c = &cases[i];
        uint32_t code[] = {ASM_LUI(10, (uint32_t)ASM_DATA), ASM_LD(1, 10, 0), ASM_LD(2, 10, 8),
                           c->word, ASM_HALT(0)};
        /* the same into x0: nothing happens */
        for (unsigned to_x0 = 0; to_x0 < 2; to_x0++) {
            p_err err = {0};
            vm *m;
            vm_result r;
            uint64_t data[] = {c->a, c->b};
            if (to_x0)
                code[3] &= ~UINT32_C(0xf80);
            vm_image *image = asm_image(code, 5, data, 2, &err);
            assert_non_null(image);
            assert_string_equal(vm_op_name(vm_decode(code[3]).op), c->name);
            assert_int_equal(vm_create(&m, image, &err), P_OK);
            assert_int_equal(vm_run(m, &(vm_run_options){.max_cycles = 100}, &r, &err), P_OK);
            assert_int_equal(vm_result_check(&r, &err), P_OK);
            assert_int_equal(r.cycles, 5);
            if (vm_register(m, 3) != (to_x0 ? 0 : c->want) || vm_register(m, 0) != 0)
                fail_msg("%s: a = %#lx, b = %#lx gave %#lx, expected %#lx", c->name, c->a, c->b,
                         vm_register(m, 3), to_x0 ? 0 : c->want);
            vm_destroy(m);
            vm_image_destroy(image);
        }
    }
}

static void test_branches(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, M1, MIN64, MAX64, UINT64_C(0x100000000)};
    static const char *const names[8] = {"BEQ", "BNE", NULL, NULL, "BLT", "BGE", "BLTU", "BGEU"};
    for (unsigned f3 = 0; f3 < 8; f3++) {
        uint32_t code[] = {ASM_LUI(10, (uint32_t)ASM_DATA),
                           ASM_LD(1, 10, 0),
                           ASM_LD(2, 10, 8),
                           asm_b(f3, 1, 2, 12),
                           ASM_ADDI(3, 0, 1),
                           ASM_HALT(0),
                           ASM_ADDI(3, 0, 2),
                           ASM_HALT(0)};
        if (!names[f3]) {
            assert_int_equal(vm_decode(code[3]).op, VM_OP_ILLEGAL);
            continue;
        }
        assert_string_equal(vm_op_name(vm_decode(code[3]).op), names[f3]);
        for (unsigned i = 0; i < 36; i++) {
            p_err err = {0};
            vm *m;
            vm_result r;
            uint64_t data[] = {values[i / 6], values[i % 6]};
            int64_t a = (int64_t)data[0], b = (int64_t)data[1];
            bool less = f3 < 6 ? a < b : data[0] < data[1];
            bool want = f3 < 2 ? (a == b) == (f3 == 0) : less == !(f3 & 1);
            vm_image *image = asm_image(code, 8, data, 2, &err);
            assert_int_equal(vm_create(&m, image, &err), P_OK);
            assert_int_equal(vm_run(m, &(vm_run_options){.max_cycles = 100}, &r, &err), P_OK);
            assert_int_equal(vm_result_check(&r, &err), P_OK);
            assert_int_equal(vm_register(m, 3), want ? 2 : 1);
            vm_destroy(m);
            vm_image_destroy(image);
        }
    }
    /* immediates at their limits */
    assert_int_equal(vm_decode(asm_b(0, 1, 2, -4096)).imm, -4096);
    assert_int_equal(vm_decode(asm_b(0, 1, 2, 4094)).imm, 4094);
    assert_int_equal(vm_decode(asm_j(1, -1048576)).imm, -1048576);
    assert_int_equal(vm_decode(asm_j(1, 1048574)).imm, 1048574);
    assert_int_equal(vm_decode(asm_s(3, 1, 2, -2048)).imm, -2048);
    assert_int_equal(vm_decode(asm_s(3, 1, 2, 2047)).imm, 2047);
}

/** Loads and stores of every size at every aligned offset, by an obvious model. */
static void test_memory(void **state)
{
    (void)state;
    const uint64_t word = UINT64_C(0x8182838485868788), filler = UINT64_C(0x0102030405060708);
    for (unsigned f3 = 0; f3 < 7; f3++) {
        unsigned size = 1u << (f3 & 3);
        for (unsigned at = 0; at < 8; at += size) {
            p_err err = {0};
            vm *m;
            vm_result r;
            uint32_t code[] = {ASM_LUI(10, (uint32_t)ASM_DATA),
                               asm_i(0x03, f3, 3, 10, (int32_t)at),
                               ASM_LD(4, 10, 8),
                               ASM_ADDI(11, 10, 2040),
                               asm_s(f3 & 3, 11, 4, (int32_t)at - 2032),
                               ASM_HALT(0)};
            uint64_t data[] = {word, filler};
            vm_image *image = asm_image(code, 6, data, 2, &err);
            assert_int_equal(vm_create(&m, image, &err), P_OK);
            assert_int_equal(vm_run(m, &(vm_run_options){.max_cycles = 100}, &r, &err), P_OK);
            assert_int_equal(vm_result_check(&r, &err), P_OK);
            uint64_t mask = size == 8 ? M1 : (UINT64_C(1) << 8 * size) - 1;
            uint64_t want = word >> 8 * at & mask;
            if (f3 < 4 && (want >> (8 * size - 1)) != 0)
                want |= ~mask;
            assert_true(vm_register(m, 3) == want);
            want = (filler & ~(mask << 8 * at)) | (filler & mask) << 8 * at;
            assert_true(vm_word(m, ASM_DATA + 8) == want);
            vm_destroy(m);
            vm_image_destroy(image);
        }
    }
}

static void test_illegal(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        0,          UINT32_MAX, 0x00000073, /* ecall */
        0x00100073,                         /* ebreak */
        0x30200073,                         /* mret */
        0xc0002573,                         /* rdcycle */
        0x0000100f,                         /* fence.i */
        0x00009002,                         /* c.ebreak */
        0x00000001,                         /* c.nop */
        0x02b50053,                         /* fadd.d */
        0x1005352f,                         /* lr.d */
        0x00001067,                         /* jalr with funct3 1 */
        0x00007003,                         /* load with funct3 7 */
        0x00004023,                         /* store with funct3 4 */
        0x04001013,                         /* slli with bit 26 */
        0x44005013,                         /* srai with bit 26 */
        0x0200101b,                         /* slliw by 32 */
        0x4200501b,                         /* sraiw by 32 */
        0x40001033,                         /* funct7 0x20 with sll */
        0x0200103b,                         /* mulw's funct3 1 */
        0x0000203b,                         /* OP-32, funct3 2 */
        0x0000201b,                         /* OP-IMM-32, funct3 2 */
        0x08000033,                         /* funct7 4 */
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_int_equal(vm_decode(words[i]).op, VM_OP_ILLEGAL);
    /* our own: a field that is not named must be zero */
    const struct {
        uint32_t word, free; /* free: which bits are operands */
        vm_op op;
    } own[] = {
        {ASM_HALT(0), 0x1f << 15, VM_OP_HALT},
        {ASM_HINT(0), 0x1f << 7, VM_OP_HINT},
        {ASM_COMMIT(0, 0), 0x3ff << 15, VM_OP_COMMIT},
        {ASM_POSEIDON(0), 0x1f << 15, VM_OP_POSEIDON},
        {ASM_MULMOD(0, 0, 0, 0), 0x3ff << 15 | 0x1f << 7 | 1 << 25, VM_OP_MULMOD},
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        assert_int_equal(vm_decode(own[i].word).op, own[i].op);
        for (unsigned bit = 7; bit < 32; bit++) {
            if (bit >= 12 && bit < 15)
                continue;
            vm_op want = own[i].free >> bit & 1 ? own[i].op : VM_OP_ILLEGAL;
            assert_int_equal(vm_decode(own[i].word ^ UINT32_C(1) << bit).op, want);
        }
    }
    for (unsigned f3 = 5; f3 < 8; f3++)
        assert_int_equal(vm_decode(ASM_CUSTOM(f3, 0, 0, 0, 0)).op, VM_OP_ILLEGAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alu),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_illegal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
