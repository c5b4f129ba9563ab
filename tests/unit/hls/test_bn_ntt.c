/* hls/core/bn_ntt.h against driver/field/bn_fr.h */
#include "tests/unit/hls/bn_numbers.h"

#include "hls/core/bn_ntt.h"

static void equal(const hls_bn *ours, const bn_fr *theirs)
{
    test_check_loose(ours, theirs, 1);
}

static void test_butterflies(void **state)
{
    uint64_t seed = 41;

    (void)state;
    for (long i = hls_test_cases(200000); i > 0; i--) {
        bn_fr a = test_canonical(&seed), b = test_canonical(&seed), w = test_canonical(&seed);
        bn_fr product, sum, difference;
        hls_bn x = hls_from_words(a.l), y = hls_from_words(b.l), z = hls_from_words(w.l), h;

        bn_fr_half(&sum, &a);
        hls_bn_ntt_half(&h, &x);
        equal(&h, &sum);
        bn_fr_mul(&product, &a, &w);
        hls_bn_ntt_mul(&h, &x, &z);
        equal(&h, &product);

        bn_fr_mul(&product, &b, &w);
        bn_fr_add(&sum, &a, &product);
        bn_fr_sub(&difference, &a, &product);
        hls_bn_ntt_butterfly(&x, &y, &z, 0);
        equal(&x, &sum);
        equal(&y, &difference);

        x = hls_from_words(a.l);
        y = hls_from_words(b.l);
        bn_fr_add(&sum, &a, &b);
        bn_fr_half(&sum, &sum);
        bn_fr_sub(&difference, &a, &b);
        bn_fr_half(&difference, &difference);
        bn_fr_mul(&difference, &difference, &w);
        hls_bn_ntt_butterfly(&x, &y, &z, 1);
        equal(&x, &sum);
        equal(&y, &difference);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_butterflies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
