/* hls/core/bn_poseidon.h against driver/field */
#include "tests/unit/hls/bn_numbers.h"

#include "driver/field/goldilocks.h"
#include "hls/core/bn_poseidon.h"

static void test_pow5(void **state)
{
    uint64_t seed = 51;

    (void)state;
    for (long i = hls_test_cases(100000); i > 0; i--) {
        bn_fr a = test_canonical(&seed), b = test_canonical(&seed), c, s;
        hls_bn x = hls_from_words(a.l), y = hls_from_words(b.l);

        /* up to three times r, as before an S-box */
        bn_fr_add(&c, &a, &b);
        hls_fr_add_loose(&x, &x, &y);
        if (i % 2) {
            bn_fr_add(&c, &c, &b);
            hls_fr_add_loose(&x, &x, &y);
        }
        bn_fr_sqr(&s, &c);
        bn_fr_sqr(&s, &s);
        bn_fr_mul(&s, &s, &c);
        hls_bn_poseidon_pow5(&x, &x);
        test_check_loose(&x, &s, 3);
    }
}

static void test_pack(void **state)
{
    uint64_t seed = 52;

    (void)state;
    for (long i = hls_test_cases(100000); i > 0; i--) {
        uint64_t g[3], w[4], expected[4] = {0, 0, 0, 0};
        hls_bn r;

        for (int k = 0; k < 3; k++) {
            g[k] = hls_test_word(&seed);
            expected[k] = gl_from_u64(g[k]);
        }
        hls_bn_poseidon_pack(&r, g);
        hls_to_words(w, &r);
        assert_memory_equal(w, expected, sizeof(w));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pow5),
        cmocka_unit_test(test_pack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
