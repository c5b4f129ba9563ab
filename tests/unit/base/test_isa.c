#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/isa.h"

#include <stdio.h>
#include <string.h>

static void names_are_read_back(void **state)
{
    (void)state;
    static const char *const expected[] = {"portable", "avx2", "avx512", "avx512ifma"};
    p_isa isa;

    assert_int_equal(sizeof expected / sizeof expected[0], P_ISA_COUNT);
    for (p_isa i = P_ISA_PORTABLE; i < P_ISA_COUNT; i++) {
        assert_string_equal(p_isa_name(i), expected[i]);
        isa = P_ISA_COUNT;
        assert_true(p_isa_parse(expected[i], &isa));
        assert_int_equal(isa, i);
    }
    isa = P_ISA_COUNT;
    assert_false(p_isa_parse("", &isa));
    assert_false(p_isa_parse("AVX2", &isa));
    assert_false(p_isa_parse("avx2 ", &isa));
    assert_false(p_isa_parse("sse", &isa));
    assert_int_equal(isa, P_ISA_COUNT);
    assert_true(p_isa_parse("auto", &isa));
    assert_int_equal(isa, p_isa_best());
    isa = P_ISA_COUNT;
    assert_true(p_isa_parse(NULL, &isa));
    assert_int_equal(isa, p_isa_best());
    assert_non_null(p_isa_name(P_ISA_COUNT));
    assert_non_null(p_isa_name((p_isa)-1));
}

static void the_best_is_supported_and_so_is_all_below(void **state)
{
    (void)state;
    p_isa best = p_isa_best();

    assert_true(p_isa_supported(P_ISA_PORTABLE));
    for (p_isa i = P_ISA_PORTABLE; i < P_ISA_COUNT; i++)
        assert_int_equal(p_isa_supported(i), i <= best);
    assert_false(p_isa_supported(P_ISA_COUNT));
    assert_false(p_isa_supported((p_isa)-1));
}

/* What the kernel says of the same CPU; not asked where there is no such file, or where it is about
 * another CPU than an emulated one. */
static void the_kernel_agrees(void **state)
{
    (void)state;
#if !defined(__x86_64__)
    skip();
#endif
    static const char *const needed[P_ISA_COUNT][10] = {
        [P_ISA_AVX2] = {"avx2", "bmi2", "adx"},
        [P_ISA_AVX512] = {"avx2", "bmi2", "adx", "avx512f", "avx512dq", "avx512bw", "avx512vl"},
        [P_ISA_AVX512IFMA] = {"avx2", "bmi2", "adx", "avx512f", "avx512dq", "avx512bw", "avx512vl",
                              "avx512ifma"},
    };
    static char flags[16384];
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f && fgets(flags, sizeof flags, f) && strncmp(flags, "flags", 5) != 0)
        ;
    if (f)
        fclose(f);
    if (strncmp(flags, "flags", 5) != 0)
        skip();
    flags[strcspn(flags, "\n")] = ' ';
    for (p_isa i = P_ISA_AVX2; i < P_ISA_COUNT; i++) {
        bool all = true;
        for (size_t k = 0; needed[i][k]; k++) {
            char word[32];
            snprintf(word, sizeof word, " %s ", needed[i][k]);
            all = all && strstr(flags, word) != NULL;
        }
        assert_int_equal(p_isa_supported(i), all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_back),
        cmocka_unit_test(the_best_is_supported_and_so_is_all_below),
        cmocka_unit_test(the_kernel_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
