/* The kernels' names and argument letters, written out by hand. */
#include "driver/card/card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_tables(void **state)
{
    static const struct {
        card_kernel kernel;
        const char *name, *letters;
    } EXPECTED[] = {
        {CARD_row_gather, "row_gather", "RRRWDDD"},
        {CARD_gl_lde, "gl_lde", "RRRWWWDDDD"},
        {CARD_gl_merkle, "gl_merkle", "RRWWWWDD"},
        {CARD_fr_ntt, "fr_ntt", "RRRWWDDDDDDD"},
        {CARD_bn_msm_g1, "bn_msm_g1", "RRRWWDDD"},
        {CARD_bn_poseidon, "bn_poseidon", "RRRWWWWDDDDD"},
    };

    (void)state;
    assert_int_equal(sizeof EXPECTED / sizeof EXPECTED[0], CARD_KERNELS);
    for (unsigned i = 0; i < CARD_KERNELS; i++) {
        assert_int_equal(EXPECTED[i].kernel, i);
        assert_string_equal(card_kernel_name((card_kernel)i), EXPECTED[i].name);
        assert_string_equal(card_kernel_args((card_kernel)i), EXPECTED[i].letters);
    }
    assert_string_equal(card_kernel_name(CARD_KERNELS), "unknown");
    assert_string_equal(card_kernel_args(CARD_KERNELS), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
