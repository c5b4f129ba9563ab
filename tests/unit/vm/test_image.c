/* ELF files: what is read, what is refused and where, and what the identity depends on. */
#include "tests/unit/vm/asm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

/* addi x1, x0, 1; addi x2, x0, 2; HALT(x0) */
static const uint32_t code[] = {0x00100093, 0x00200113, 0x0000000b};
static const uint64_t data[] = {11, 22};

static uint8_t *file(size_t *len)
{
    return asm_elf(code, 3, data, 2, len);
}

static void test_reads(void **state)
{
    (void)state;
    p_err err = {0};
    size_t len;
    vm_image *image, *again;
    uint8_t *f = file(&len);
    assert_int_equal(vm_image_parse(&image, "f", f, len, &err), P_OK);
    assert_true(image->base == ASM_TEXT && image->end == ASM_DATA + 16);
    assert_true(image->program_base == ASM_TEXT && image->n_insns == 3 && image->entry == ASM_TEXT);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(vm_image_insn(image, i), code[i]);
    assert_true(image->words[(ASM_DATA - ASM_TEXT) / 8] == 11);
    assert_true(image->words[2] == 0);

    char path[] = "/tmp/zkprover-image-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, f, len) == (ssize_t)len);
    close(fd);
    assert_int_equal(vm_image_read(&again, path, &err), P_OK);
    assert_memory_equal(image->identity, again->identity, VM_IDENTITY_BYTES);
    vm_image_destroy(again);
    unlink(path);
    assert_int_equal(vm_image_read(&again, path, &err), P_ENOTFOUND);
    assert_null(again);
    assert_int_equal(vm_image_read(&again, "/", &err), P_EIO);
    vm_image_destroy(image);
    free(f);
}

typedef struct refusal {
    unsigned at, size;
    uint64_t value;
    const char *text; /**< part of the error */
} refusal;

static void test_refuses(void **state)
{
    (void)state;
    enum { P0 = 64, P1 = 64 + 56 };
    static const refusal refusals[] = {
        {0, 4, 0x464c4500, "offset 0: the magic number"},
        {4, 1, 1, "offset 4: the class"},
        {5, 1, 2, "offset 5: the data encoding"},
        {6, 1, 0, "offset 6: the identification's version"},
        {7, 1, 3, "offset 7: the OS ABI"},
        {8, 1, 1, "offset 8: the ABI version"},
        {12, 1, 1, "offset 12: the identification's padding"},
        {16, 2, 3, "offset 16: the type"},
        {18, 2, 62, "offset 18: the machine"},
        {20, 4, 2, "offset 20: the version"},
        {24, 8, ASM_TEXT + 2, "offset 24: the entry"},
        {24, 8, ASM_TEXT + 12, "offset 24: the entry"},
        {24, 8, ASM_TEXT - 4, "offset 24: the entry"},
        {24, 8, ASM_DATA, "offset 24: the entry"},
        {32, 8, 60, "offset 32: the offset of the program headers"},
        {32, 8, 0, "offset 32: the offset of the program headers"},
        {32, 8, UINT64_MAX - 7, "offset 32: the offset of the program headers"},
        {48, 4, 1, "offset 48: the flags"},
        {52, 2, 63, "offset 52: the size of the header"},
        {54, 2, 32, "offset 54: the size of a program header"},
        {56, 2, 0, "offset 56: the number of program headers"},
        {56, 2, 17, "offset 56: the number of program headers"},
        {P0, 4, 2, "offset 64: the type of a program header"},
        {P0, 4, 0x6474e551, "no segment is executable"},
        {P0 + 4, 4, 4, "no segment is executable"},
        {P0 + 4, 4, 1, "offset 68: the segment's flags"},
        {P0 + 4, 4, 13, "offset 68: the segment's flags"},
        {P1 + 4, 4, 7, "only one executable"},
        {P0 + 8, 8, 1 << 20, "inside the file's"},
        {P0 + 8, 8, UINT64_MAX - 4095, "inside the file's"},
        {P0 + 8, 8, 4104, "offset 112: the segment's alignment"},
        {P0 + 16, 8, ASM_TEXT + 4, "offset 80: the segment's address"},
        {P0 + 16, 8, UINT64_C(1) << 32, "offset 80: the segment's address"},
        {P0 + 24, 8, 0, "offset 88: the segment's physical address"},
        {P0 + 32, 8, UINT64_MAX, "inside the file's"},
        {P0 + 32, 8, 8, "offset 96: the executable segment's size in the file"},
        {P0 + 40, 8, 16, "offset 96: the executable segment's size in the file"},
        {P0 + 40, 8, 11, "offset 104: the segment's size in memory"},
        {P0 + 40, 8, ASM_DATA, "offset 136: the segment's address"},
        {P0 + 48, 8, 24, "offset 112: the segment's alignment"},
        {P1 + 40, 8, UINT64_MAX, "offset 136: the segment's address"},
        {P1 + 40, 8, 0, "offset 160: the segment's size in memory"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        p_err err = {0};
        size_t len;
        vm_image *image;
        uint8_t *f = file(&len);
        asm_put(f + refusals[i].at, refusals[i].value, refusals[i].size);
        p_status status = vm_image_parse(&image, "f", f, len, &err);
        if (status != P_ECORRUPT || image || strncmp(err.text, "f: ", 3) != 0 ||
            !strstr(err.text, refusals[i].text))
            fail_msg("case %zu: status %d, '%s', expected '%s'", i, status, err.text,
                     refusals[i].text);
        free(f);
    }
}

/** Cut anywhere, the file is refused or its loaded bytes are all there. */
static void test_cut(void **state)
{
    (void)state;
    size_t len;
    uint8_t *f = file(&len);
    for (size_t n = 0; n < len; n += n < 256 ? 1 : 97) {
        p_err err = {0};
        vm_image *image;
        uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees a read behind it */
        memcpy(exact, f, n);
        assert_int_equal(vm_image_parse(&image, "f", exact, n, &err), P_ECORRUPT);
        assert_null(image);
        assert_true(err.text[0] != 0);
        free(exact);
    }
    free(f);
}

static void test_identity(void **state)
{
    (void)state;
    p_err err = {0};
    size_t len;
    vm_image *image, *other;
    uint8_t *f = file(&len);
    assert_int_equal(vm_image_parse(&image, "f", f, len, &err), P_OK);
    static const struct {
        unsigned at;
        uint8_t flip;
        bool same;
    } changes[] = {
        {24, 4, false},               /* entry */
        {4096 + 7, 1, false},         /* code */
        {8192 + 8, 1, false},         /* data */
        {40, 1, true},                /* section headers are not loaded */
        {64 + 56 + 4, 2, true},       /* the data made read-only: the machine does not know */
        {64 + 56 + 40 + 1, 16, true}, /* zeros behind the image: all memory is zeros */
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        f[changes[i].at] ^= changes[i].flip;
        if (vm_image_parse(&other, "f", f, len, &err) != P_OK)
            fail_msg("change %zu: %s", i, err.text);
        bool same = memcmp(image->identity, other->identity, VM_IDENTITY_BYTES) == 0;
        if (same != changes[i].same)
            fail_msg("change %zu: %s identity", i, same ? "the same" : "another");
        vm_image_destroy(other);
        f[changes[i].at] ^= changes[i].flip;
    }
    vm_image_destroy(image);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
