/* What ends a run, the instructions of our own, and the tracer. */
#include "driver/field/gl_poseidon.h"
#include "host/vm/mulmod.h"
#include "tests/unit/vm/asm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#define X10_DATA ASM_LUI(10, (uint32_t)ASM_DATA)

/** Runs a program over some data; the machine is the caller's. */
static vm *run(const uint32_t *code, size_t n, const uint64_t *data, size_t n_data,
               const vm_run_options *options, vm_result *r, vm_image **image)
{
    p_err err = {0};
    vm *m;
    *image = asm_image(code, n, data, n_data, &err);
    if (!*image)
        fail_msg("%s", err.text);
    assert_int_equal(vm_create(&m, *image, &err), P_OK);
    assert_int_equal(vm_run(m, options, r, &err), P_OK);
    return m;
}

typedef struct end_case {
    const char *what;
    uint32_t code[6];
    size_t n;
    vm_fault fault;
    uint64_t pc, cycles, address;
} end_case;

static void test_faults(void **state)
{
    (void)state;
    const end_case cases[] = {
        {"ecall", {0x00000073}, 1, VM_FAULT_ILLEGAL, ASM_TEXT, 0, 0},
        {"ebreak", {ASM_ADDI(1, 0, 1), 0x00100073}, 2, VM_FAULT_ILLEGAL, ASM_TEXT + 4, 1, 0},
        {"end of the program", {ASM_ADDI(1, 0, 1)}, 1, VM_FAULT_PC, ASM_TEXT + 4, 1, 0},
        {"jump into the data",
         {X10_DATA, asm_i(0x67, 0, 1, 10, 0)},
         2,
         VM_FAULT_PC,
         ASM_DATA,
         2,
         0},
        {"jump to half an instruction", {asm_j(0, 6)}, 1, VM_FAULT_PC, ASM_TEXT + 6, 1, 0},
        {"jump before the program", {asm_j(0, -4)}, 1, VM_FAULT_PC, ASM_TEXT - 4, 1, 0},
        {"jump behind the program",
         {asm_b(0, 0, 0, 8), ASM_HALT(0)},
         2,
         VM_FAULT_PC,
         ASM_TEXT + 8,
         1,
         0},
        {"odd register jump to half an instruction",
         {asm_u(0x17, 1, 0), asm_i(0x67, 0, 0, 1, 7)},
         2,
         VM_FAULT_PC,
         ASM_TEXT + 6,
         2,
         0},
        {"load at 0", {ASM_LD(1, 0, 0)}, 1, VM_FAULT_ADDRESS, ASM_TEXT, 0, 0},
        {"load at -8", {ASM_LD(1, 0, -8)}, 1, VM_FAULT_ADDRESS, ASM_TEXT, 0, (uint64_t)-8},
        {"store below the image",
         {asm_u(0x37, 1, 0x10000), ASM_SD(1, 0, -8)},
         2,
         VM_FAULT_ADDRESS,
         ASM_TEXT + 4,
         1,
         0xfff8},
        {"load at 2^32",
         {ASM_ADDI(1, 0, 1), asm_i(0x13, 1, 1, 1, 32), ASM_LD(2, 1, 0)},
         3,
         VM_FAULT_ADDRESS,
         ASM_TEXT + 8,
         2,
         UINT64_C(1) << 32},
        {"load at a sign-extended address",
         {ASM_LUI(1, 0x80000000), ASM_LD(2, 1, 0)},
         2,
         VM_FAULT_ADDRESS,
         ASM_TEXT + 4,
         1,
         UINT64_C(0xffffffff80000000)},
        {"hint without advice", {ASM_HINT(1)}, 1, VM_FAULT_ADVICE, ASM_TEXT, 0, 0},
        {"commit 48",
         {ASM_ADDI(1, 0, 48), ASM_COMMIT(1, 0)},
         2,
         VM_FAULT_COMMIT,
         ASM_TEXT + 4,
         1,
         48},
        {"commit 2^32",
         {ASM_ADDI(1, 0, 1), asm_i(0x13, 1, 1, 1, 32), ASM_COMMIT(0, 1)},
         3,
         VM_FAULT_COMMIT,
         ASM_TEXT + 8,
         2,
         0},
        {"commit at 2^32",
         {ASM_ADDI(1, 0, 1), asm_i(0x13, 1, 1, 1, 32), ASM_COMMIT(1, 0)},
         3,
         VM_FAULT_COMMIT,
         ASM_TEXT + 8,
         2,
         UINT64_C(1) << 32},
        {"commit twice",
         {ASM_COMMIT(0, 0), ASM_COMMIT(0, 0)},
         2,
         VM_FAULT_COMMIT,
         ASM_TEXT + 4,
         1,
         0},
        {"poseidon at 4",
         {X10_DATA, ASM_ADDI(10, 10, 4), ASM_POSEIDON(10)},
         3,
         VM_FAULT_MISALIGNED,
         ASM_TEXT + 8,
         2,
         ASM_DATA + 4},
        {"poseidon over the end",
         {ASM_ADDI(1, 0, -88), asm_i(0x13, 1, 1, 1, 32), asm_i(0x13, 5, 1, 1, 32), ASM_POSEIDON(1)},
         4,
         VM_FAULT_ADDRESS,
         ASM_TEXT + 12,
         3,
         UINT64_C(0xffffffa8)},
        {"poseidon of p",
         {X10_DATA, ASM_LUI(1, 0), ASM_POSEIDON(10)},
         3,
         VM_FAULT_CANONICAL,
         ASM_TEXT + 8,
         2,
         ASM_DATA + 88},
        {"mulmod from 0",
         {X10_DATA, ASM_MULMOD(0, 10, 10, 0)},
         2,
         VM_FAULT_ADDRESS,
         ASM_TEXT + 4,
         1,
         0},
        {"mulmod to 1",
         {X10_DATA, ASM_ADDI(1, 10, 1), ASM_MULMOD(0, 1, 10, 10)},
         3,
         VM_FAULT_MISALIGNED,
         ASM_TEXT + 8,
         2,
         ASM_DATA + 1},
        {"mulmod to x0",
         {X10_DATA, ASM_MULMOD(1, 0, 10, 10)},
         2,
         VM_FAULT_ADDRESS,
         ASM_TEXT + 4,
         1,
         0},
    };
    uint64_t data[12] = {0};
    data[11] = GL_P;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const end_case *c = &cases[i];
        p_err err = {0};
        vm_result r;
        vm_image *image;
        vm *m = run(c->code, c->n, data, 12, &(vm_run_options){.max_cycles = 1000}, &r, &image);
        if (r.end != VM_END_FAULT || r.fault != c->fault || r.pc != c->pc ||
            r.cycles != c->cycles || (c->fault != VM_FAULT_PC && r.address != c->address))
            fail_msg("%s: end %d, fault %d, pc %#lx, cycles %lu, address %#lx", c->what, r.end,
                     r.fault, r.pc, r.cycles, r.address);
        assert_int_equal(vm_result_check(&r, &err), P_ECORRUPT);
        assert_non_null(strstr(err.text, vm_fault_text(c->fault)));
        vm_destroy(m);
        vm_image_destroy(image);
    }
}

/** qemu allows misaligned accesses; here each is a fault, whichever the offset. */
static void test_misaligned(void **state)
{
    (void)state;
    uint64_t data[2] = {0};
    for (unsigned form = 0; form < 11; form++) {
        bool load = form < 7;
        unsigned f3 = load ? form : form - 7, size = 1u << (f3 & 3);
        for (unsigned at = 0; at < 8; at++) {
            uint32_t code[] = {X10_DATA,
                               load ? asm_i(0x03, f3, 1, 10, (int32_t)at)
                                    : asm_s(f3, 10, 1, (int32_t)at),
                               ASM_HALT(0)};
            vm_result r;
            vm_image *image;
            vm *m = run(code, 3, data, 2, &(vm_run_options){.max_cycles = 10}, &r, &image);
            if (at % size == 0) {
                assert_int_equal(r.end, VM_END_HALT);
            } else {
                assert_int_equal(r.end, VM_END_FAULT);
                assert_int_equal(r.fault, VM_FAULT_MISALIGNED);
                assert_true(r.address == ASM_DATA + at);
            }
            vm_destroy(m);
            vm_image_destroy(image);
        }
    }
}

static void test_halt_limit_cancel(void **state)
{
    (void)state;
    p_err err = {0};
    vm_result r;
    vm_image *image;
    const uint32_t code[] = {ASM_ADDI(1, 0, 7), ASM_HALT(1), asm_j(0, 0)};
    vm *m =
        run(code, 3, NULL, 0, &(vm_run_options){.max_cycles = 2, .public_words = 48}, &r, &image);
    assert_int_equal(r.end, VM_END_HALT); /* a failure commits nothing */
    assert_true(r.exit_code == 7 && r.cycles == 2 && r.pc == ASM_TEXT + 4);
    assert_int_equal(vm_result_check(&r, &err), P_ECORRUPT);
    assert_int_equal(vm_run(m, &(vm_run_options){.max_cycles = 1}, &r, &err), P_OK);
    assert_int_equal(r.end, VM_END_LIMIT);
    assert_int_equal(vm_result_check(&r, &err), P_EEXHAUSTED);
    assert_int_equal(vm_run(m, &(vm_run_options){.max_cycles = 0}, &r, &err), P_OK);
    assert_int_equal(r.end, VM_END_LIMIT);
    assert_int_equal(vm_run(m, &(vm_run_options){.public_words = 49}, &r, &err), P_EINVAL);
    p_cancel cancel = P_CANCEL_INIT;
    p_cancel_request(&cancel);
    assert_int_equal(vm_run(m, &(vm_run_options){.max_cycles = 2, .cancel = &cancel}, &r, &err),
                     P_ECANCELLED);
    vm_destroy(m);
    vm_image_destroy(image);

    /* a loop over several slices stops exactly at the limit */
    m = run(code + 2, 1, NULL, 0, &(vm_run_options){.max_cycles = 1000003}, &r, &image);
    assert_int_equal(r.end, VM_END_LIMIT);
    assert_true(r.cycles == 1000003);
    vm_destroy(m);
    vm_image_destroy(image);

    /* all 48 words, or no success */
    uint32_t commits[2 * 48 + 1];
    for (unsigned i = 0; i < 48; i++) {
        commits[2 * i] = ASM_ADDI(1, 0, (int32_t)i);
        commits[2 * i + 1] = ASM_COMMIT(1, 1);
    }
    commits[96] = ASM_HALT(0);
    vm_run_options all = {.max_cycles = 1000, .public_words = 48};
    m = run(commits, 97, NULL, 0, &all, &r, &image);
    assert_int_equal(vm_result_check(&r, &err), P_OK);
    for (unsigned i = 0; i < 48; i++)
        assert_int_equal(r.public_words[i], i);
    vm_destroy(m);
    vm_image_destroy(image);
    commits[2 * 47 + 1] = ASM_ADDI(0, 0, 0);
    m = run(commits, 97, NULL, 0, &all, &r, &image);
    assert_int_equal(r.end, VM_END_FAULT);
    assert_int_equal(r.fault, VM_FAULT_HALT);
    vm_destroy(m);
    vm_image_destroy(image);
}

/** A second run starts like the first, whatever the first left. */
static void test_runs_are_fresh(void **state)
{
    (void)state;
    p_err err = {0};
    vm_result r;
    vm_image *image;
    const uint32_t code[] = {
        X10_DATA,         ASM_LD(1, 10, 0), ASM_LD(2, 10, 8),        ASM_HINT(3),
        ASM_SD(10, 3, 0), ASM_SD(10, 3, 8), ASM_LUI(11, 0x7f000000), ASM_LD(4, 11, 0),
        ASM_SD(11, 3, 0), ASM_HALT(0)};
    const uint64_t data[] = {5}, advice[] = {99};
    vm_run_options options = {.max_cycles = 100, .advice = advice, .advice_words = 1};
    vm *m = run(code, 10, data, 1, &options, &r, &image);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(vm_result_check(&r, &err), P_OK);
        assert_int_equal(r.advice_used, 1);
        assert_true(vm_register(m, 1) == 5 && vm_register(m, 2) == 0 && vm_register(m, 4) == 0);
        assert_true(vm_word(m, ASM_DATA) == 99 && vm_word(m, 0x7f000000) == 99);
        assert_int_equal(vm_run(m, &options, &r, &err), P_OK);
    }
    vm_destroy(m);
    vm_image_destroy(image);
}

/** A store into the program changes the memory and not the program. */
static void test_program_is_fixed(void **state)
{
    (void)state;
    vm_result r;
    vm_image *image;
    const uint32_t code[] = {asm_u(0x17, 1, 0), ASM_SD(1, 0, 16),  ASM_LD(2, 1, 16),
                             ASM_ADDI(0, 0, 0), ASM_ADDI(3, 0, 1), ASM_HALT(0)};
    vm *m = run(code, 6, NULL, 0, &(vm_run_options){.max_cycles = 100}, &r, &image);
    assert_int_equal(r.end, VM_END_HALT);
    assert_true(vm_register(m, 2) == 0 && vm_register(m, 3) == 1);
    vm_destroy(m);
    vm_image_destroy(image);
}

static void test_poseidon(void **state)
{
    (void)state;
    vm_result r;
    vm_image *image;
    const uint32_t code[] = {X10_DATA, ASM_POSEIDON(10), ASM_POSEIDON(10), ASM_HALT(0)};
    uint64_t words[12];
    for (unsigned i = 0; i < 12; i++)
        words[i] = i % 3 == 0 ? GL_P - 1 - i : i * UINT64_C(0x123456789abcdef) % GL_P;
    vm *m = run(code, 4, words, 12, &(vm_run_options){.max_cycles = 100}, &r, &image);
    assert_int_equal(r.end, VM_END_HALT);
    assert_true(r.n_poseidon == 2);
    gl_poseidon_permute_portable(words);
    gl_poseidon_permute_portable(words);
    for (unsigned i = 0; i < 12; i++)
        assert_true(vm_word(m, ASM_DATA + 8 * i) == words[i]);
    vm_destroy(m);
    vm_image_destroy(image);

    /* each of the twelve words must be canonical */
    for (unsigned i = 0; i < 12; i++) {
        uint64_t bad[12] = {0};
        bad[i] = i % 2 ? GL_P : UINT64_MAX;
        m = run(code, 4, bad, 12, &(vm_run_options){.max_cycles = 100}, &r, &image);
        assert_int_equal(r.fault, VM_FAULT_CANONICAL);
        assert_true(r.address == ASM_DATA + 8 * i);
        vm_destroy(m);
        vm_image_destroy(image);
    }
}

/** Every overlap of the three operands, at every distance of words: a and b are read before d is
 * written. */
static void test_mulmod(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * 9 * 9; i++) {
        unsigned selector = i & 1, b_at = i / 2 % 9, d_at = i / 18;
        uint64_t words[12], want[4];
        for (unsigned j = 0; j < 12; j++)
            words[j] = ~(uint64_t)j * UINT64_C(0x9e3779b97f4a7c15);
        const uint32_t code[] = {X10_DATA,
                                 ASM_ADDI(11, 10, 32),
                                 ASM_ADDI(12, 10, 8 * (int)b_at),
                                 ASM_ADDI(13, 10, 8 * (int)d_at),
                                 ASM_MULMOD(selector, 13, 11, 12),
                                 ASM_HALT(0)};
        vm_result r;
        vm_image *image;
        vm *m = run(code, 6, words, 12, &(vm_run_options){.max_cycles = 100}, &r, &image);
        assert_int_equal(r.end, VM_END_HALT);
        assert_true(r.n_mulmod == 1);
        vm_mulmod_var(want, words + 4, words + b_at, selector);
        memcpy(words + d_at, want, sizeof want);
        for (unsigned j = 0; j < 12; j++)
            assert_true(vm_word(m, ASM_DATA + 8 * j) == words[j]);
        assert_true(vm_register(m, 13) == ASM_DATA + 8 * d_at); /* a pointer, not a result */
        vm_destroy(m);
        vm_image_destroy(image);
    }
    /* the result is the smallest residue: m and m + 1 become 0 and 1 */
    for (unsigned selector = 0; selector < VM_MODULI; selector++) {
        uint64_t words[12] = {0};
        const uint32_t code[] = {X10_DATA,
                                 ASM_ADDI(11, 10, 32),
                                 ASM_ADDI(12, 10, 64),
                                 ASM_MULMOD(selector, 10, 10, 12),
                                 ASM_MULMOD(selector, 11, 11, 12),
                                 ASM_HALT(0)};
        vm_result r;
        vm_image *image;
        vm_modulus(words, selector);
        vm_modulus(words + 4, selector);
        words[4]++;
        words[8] = 1;
        vm *m = run(code, 6, words, 12, &(vm_run_options){.max_cycles = 100}, &r, &image);
        assert_int_equal(r.end, VM_END_HALT);
        for (unsigned j = 0; j < 8; j++)
            assert_true(vm_word(m, ASM_DATA + 8 * j) == (j == 4));
        vm_destroy(m);
        vm_image_destroy(image);
    }
}

/** Follows a run by what the tracer sees: registers and control flow fit together. */
typedef struct follow {
    uint64_t x[32], pc, cycles;
    bool wrong;
} follow;

static void follow_step(void *ctx, const vm_step *s)
{
    follow *f = ctx;
    f->wrong |= s->cycle != f->cycles || s->pc != f->pc || s->a != f->x[s->insn->rs1] ||
                s->b != f->x[s->insn->rs2];
    if (s->insn->rd < 32) {
        f->wrong |= s->rd_old != f->x[s->insn->rd];
        f->x[s->insn->rd] = s->c;
    }
    f->pc = s->next_pc;
    f->cycles++;
}

static void test_tracer(void **state)
{
    (void)state;
    p_err err = {0};
    vm_result fast, traced;
    vm_image *image;
    /* sums 1..300000 with a call in the loop, over more than one slice */
    const uint32_t code[] = {ASM_LUI(1, 300000 & 0xfffff000),
                             ASM_ADDI(1, 1, 300000 & 0xfff),
                             asm_r(0x33, 0, 0, 2, 2, 1),
                             asm_j(5, 16),
                             asm_b(1, 1, 0, -8),
                             ASM_SD(10, 2, 0),
                             ASM_HALT(0),
                             ASM_ADDI(1, 1, -1),
                             ASM_LUI(10, (uint32_t)ASM_DATA),
                             asm_i(0x67, 0, 0, 5, 1)};
    vm_run_options options = {.max_cycles = 10000000};
    vm *m = run(code, 10, NULL, 0, &options, &fast, &image);
    assert_int_equal(fast.end, VM_END_HALT);
    assert_true(vm_word(m, ASM_DATA) == UINT64_C(300000) * 300001 / 2);
    follow f = {.pc = image->entry};
    options.tracer = &(vm_tracer){.ctx = &f, .step = follow_step};
    assert_int_equal(vm_run(m, &options, &traced, &err), P_OK);
    assert_memory_equal(&fast, &traced, sizeof fast);
    assert_false(f.wrong);
    assert_true(f.cycles == fast.cycles);
    for (unsigned i = 0; i < 32; i++)
        assert_true(f.x[i] == vm_register(m, i));
    vm_destroy(m);
    vm_image_destroy(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_misaligned),
        cmocka_unit_test(test_halt_limit_cancel),
        cmocka_unit_test(test_runs_are_fresh),
        cmocka_unit_test(test_program_is_fixed),
        cmocka_unit_test(test_poseidon),
        cmocka_unit_test(test_mulmod),
        cmocka_unit_test(test_tracer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
