/* Random programs: the same registers and memory at the end as under qemu-riscv64. Misaligned
 * accesses are left out, which qemu allows (test_machine.c). */
#include "tests/unit/vm/asm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAMS 24
#define BODY 6000
#define DATA_WORDS 64
/* what is compared: 32 registers and the data */
#define OUT_WORDS (32 + DATA_WORDS)

static uint64_t seed;

static uint64_t rnd(void)
{
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
    return (unsigned)(rnd() % n);
}

/** x0 to x29: x30 points to the data, x31 is for jumps. */
static unsigned reg(void)
{
    return below(30);
}

static uint64_t value(void)
{
    static const uint64_t edges[] = {0,          1,
                                     2,          UINT64_MAX,
                                     INT64_MAX,  (uint64_t)INT64_MIN,
                                     INT32_MAX,  (uint64_t)INT32_MIN,
                                     UINT32_MAX, UINT64_C(0x80000000),
                                     31,         63};
    switch (below(3)) {
    case 0:
        return edges[below(12)];
    case 1:
        return rnd() >> below(64);
    default:
        return rnd();
    }
}

/** Any instruction that computes. */
static uint32_t compute(void)
{
    static const uint16_t w_forms[] = {0, 1, 5, 0x100, 0x105, 8, 12, 13, 14, 15};
    uint32_t f3 = below(8);
    unsigned form;
    switch (below(8)) {
    case 0:
        return asm_u(below(2) ? 0x37 : 0x17, reg(), (uint32_t)rnd());
    case 1: /* OP-IMM */
        if (f3 == 1)
            return asm_i(0x13, 1, reg(), reg(), (int32_t)below(64));
        if (f3 == 5)
            return asm_i(0x13, 5, reg(), reg(), (int32_t)(below(64) | below(2) << 10));
        return asm_i(0x13, f3, reg(), reg(), (int32_t)below(4096) - 2048);
    case 2: /* OP-IMM-32 */
        if (f3 < 3)
            return asm_i(0x1b, 0, reg(), reg(), (int32_t)below(4096) - 2048);
        if (f3 < 5)
            return asm_i(0x1b, 1, reg(), reg(), (int32_t)below(32));
        return asm_i(0x1b, 5, reg(), reg(), (int32_t)(below(32) | below(2) << 10));
    case 3:
        form = w_forms[below(10)];
        return asm_r(0x3b, form & 7, form >> 8 ? 0x20 : form >> 3 & 1, reg(), reg(), reg());
    case 4:
    case 5:
        return asm_r(0x33, f3, 1, reg(), reg(), reg());
    default:
        return asm_r(0x33, f3, (f3 == 0 || f3 == 5) && below(2) ? 0x20 : 0, reg(), reg(), reg());
    }
}

static uint32_t memory(void)
{
    unsigned load = below(2), f3 = below(load ? 7 : 4), size = 1u << (f3 & 3);
    int32_t at = (int32_t)(below(DATA_WORDS * 8 / size) * size);
    return load ? asm_i(0x03, f3, reg(), 30, at) : asm_s(f3, 30, reg(), at);
}

/** The program up to where all is computed and stored behind the data; returns its length. */
static size_t make_body(uint32_t *code)
{
    static const uint32_t branch[] = {0, 1, 4, 5, 6, 7};
    size_t n = 0, end;
    code[n++] = ASM_LUI(30, (uint32_t)ASM_DATA);
    for (unsigned i = 1; i < 30; i++)
        code[n++] = ASM_LD(i, 30, (int32_t)(8 * i));
    end = n + BODY;
    while (n < end) {
        switch (below(16)) {
        case 0: /* skips up to three instructions, or not */
            code[n++] = asm_b(branch[below(6)], reg(), reg(), (int32_t)(4 + 4 * below(4)));
            break;
        case 1:
            code[n++] = asm_j(reg(), (int32_t)(4 + 4 * below(4)));
            break;
        case 2: /* a computed jump behind itself, with the low bit set or not: all three as one */
            code[n++] = asm_j(0, 8); /* nobody jumps between them: those before skip at most this */
            code[n++] = ASM_ADDI(0, 0, 0);
            code[n++] = ASM_ADDI(0, 0, 0);
            code[n++] = ASM_ADDI(0, 0, 0);
            code[n++] = asm_u(0x17, 31, 0);
            code[n++] = asm_i(0x67, 0, reg(), 31, (int32_t)(8 + 4 * below(3) + below(2)));
            break;
        case 3:
        case 4:
        case 5:
            code[n++] = memory();
            break;
        default:
            code[n++] = compute();
        }
    }
    for (unsigned i = 0; i < 4; i++) /* where the last jumps land */
        code[n++] = ASM_ADDI(0, 0, 0);
    for (unsigned i = 0; i < 32; i++)
        code[n++] = ASM_SD(30, i == 31 ? 0 : i, (int32_t)(8 * (DATA_WORDS + i)));
    return n;
}

/** What qemu's program prints. */
static bool run_qemu(const uint32_t *code, size_t n, const uint64_t *data, uint64_t *out)
{
    char path[] = "/tmp/zkprover-vm-XXXXXX", command[512];
    size_t len, got = 0;
    uint8_t *elf = asm_elf(code, n, data, DATA_WORDS, &len);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, elf, len) == (ssize_t)len);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    free(elf);
    snprintf(command, sizeof command, "timeout -k 5 60 %s -cpu rv64,c=false %s", ZKP_RV64_QEMU,
             path);
    FILE *pipe = popen(command, "r");
    if (pipe)
        got = fread(out, 8, OUT_WORDS, pipe);
    bool ok = pipe && pclose(pipe) == 0 && got == OUT_WORDS;
    unlink(path);
    return ok;
}

static void test_random_programs(void **state)
{
    (void)state;
    static uint32_t code[BODY + 128];
    if (!ZKP_RV64_QEMU[0])
        skip();
    for (unsigned i = 0; i < PROGRAMS; i++) {
        p_err err = {0};
        vm *m;
        vm_result r;
        uint64_t data[DATA_WORDS], theirs[OUT_WORDS];
        seed = 1000 + i;
        for (unsigned j = 0; j < DATA_WORDS; j++)
            data[j] = value();
        size_t n = make_body(code);
        code[n] = ASM_HALT(0);
        vm_image *image = asm_image(code, n + 1, data, DATA_WORDS, &err);
        assert_non_null(image);
        assert_int_equal(vm_create(&m, image, &err), P_OK);
        assert_int_equal(vm_run(m, &(vm_run_options){.max_cycles = 100000}, &r, &err), P_OK);
        if (vm_result_check(&r, &err) != P_OK)
            fail_msg("program %u: %s", i, err.text);

        const uint32_t linux_tail[] = {
            ASM_ADDI(10, 0, 1),
            ASM_ADDI(11, 30, 0), /* write(1, data, ...) */
            ASM_ADDI(12, 0, 8 * OUT_WORDS),
            ASM_ADDI(17, 0, 64),
            0x00000073,
            ASM_ADDI(10, 0, 0),
            ASM_ADDI(17, 0, 93),
            0x00000073, /* exit(0) */
        };
        memcpy(code + n, linux_tail, sizeof linux_tail);
        assert_true(run_qemu(code, n + 8, data, theirs));
        for (unsigned j = 0; j < OUT_WORDS; j++) {
            /* registers are stored behind the data */
            uint64_t ours = vm_word(m, ASM_DATA + 8 * j);
            if (ours != theirs[j])
                fail_msg("program %u: %s %u: ours %#lx, qemu's %#lx", i,
                         j < DATA_WORDS ? "word" : "register", j % DATA_WORDS, ours, theirs[j]);
        }
        vm_destroy(m);
        vm_image_destroy(image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
