#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/cli/bench_limit.h"

#include <string.h>

#define ROUNDS 1000

/* The loops that bench compares with multiply: the same bits for every instruction set. */
static void loops_multiply(void **state)
{
    (void)state;
    gl_t factor = UINT64_C(0xfedcba9876543210), expected[BENCH_CHAINS];
    bn_fr f, bn_expected[BENCH_CHAINS];

    assert_true(bn_fr_set_words(&f, (const uint64_t[4]){3, UINT64_MAX, UINT64_MAX, 7}));
    for (uint64_t i = 0; i < BENCH_CHAINS; i++) {
        expected[i] = i * i + 1;
        assert_true(bn_fr_set_words(&bn_expected[i], (const uint64_t[4]){i, 1, 2, i << 40}));
        for (int k = 0; k < ROUNDS; k++) {
            expected[i] = gl_mul(expected[i], factor);
            bn_fr_mul(&bn_expected[i], &bn_expected[i], &f);
        }
    }
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
        bench_loops loops = bench_loops_for(isa);
        uint64_t x[BENCH_CHAINS];
        bn_fr y[BENCH_CHAINS];

        if (!p_isa_supported(isa)) {
            print_message("skipped, this CPU lacks it: %s\n", p_isa_name(isa));
            continue;
        }
        for (uint64_t i = 0; i < BENCH_CHAINS; i++) {
            x[i] = i * i + 1;
            assert_true(bn_fr_set_words(&y[i], (const uint64_t[4]){i, 1, 2, i << 40}));
        }
        loops.gl(x, factor, ROUNDS);
        loops.bn(y, &f, ROUNDS);
        for (int i = 0; i < BENCH_CHAINS; i++)
            assert_int_equal(gl_from_u64(x[i]), expected[i]);
        assert_memory_equal(y, bn_expected, sizeof y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(loops_multiply)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
