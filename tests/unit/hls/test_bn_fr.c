/* hls/core/bn_fr.h against driver/field/bn_fr.h */
#include "tests/unit/hls/bn_numbers.h"

#include "hls/core/bn_fr.h"

static void test_products(void **state)
{
    uint64_t seed = 31;

    (void)state;
    for (long i = hls_test_cases(200000); i > 0; i--) {
        bn_fr a = test_canonical(&seed), b = test_any(&seed), c = test_residue(&b), s;
        hls_bn x = hls_from_words(a.l), y = hls_from_words(b.l), r;

        bn_fr_mul(&s, &a, &c);
        hls_fr_mul_loose(&r, &x, &y);
        test_check_loose(&r, &s, 2);
        hls_fr_mul_loose(&y, &y, &x);
        test_check_loose(&y, &s, 2);
        y = hls_from_words(b.l);
        hls_fr_mul_rounds(&r, &x, &y);
        test_check_loose(&r, &s, 2);
        /* both loose: as far as the bound goes */
        y = hls_from_words(b.l);
        if (b.l[3] >> 62 < 3) {
            bn_fr_mul(&s, &c, &c);
            hls_fr_mul_loose(&r, &y, &y);
            test_check_loose(&r, &s, 5);
            hls_fr_mul_rounds(&r, &y, &y);
            test_check_loose(&r, &s, 5);
            hls_fr_sqr_loose(&y, &y);
            test_check_loose(&y, &s, 5);
        }
    }
}

/* sums of any length, then divided by 2^288 */
static void test_sums(void **state)
{
    static const bn_fr divide_32 = {{0, 0, 0, UINT64_C(1) << 32}};
    uint64_t seed = 32;

    (void)state;
    for (long i = hls_test_cases(20000); i > 0; i--) {
        unsigned count = (unsigned)(test_random(&seed) % 65);
        hls_fr_sum sum;
        hls_bn r;
        bn_fr s;

        if (i < 100)
            count = 64;
        hls_fr_sum_clear(&sum);
        bn_fr_set_zero(&s);
        for (unsigned k = 0; k < count; k++) {
            bn_fr a = test_any(&seed), b = test_any(&seed), c;
            hls_bn x, y;

            if (i < 50)
                memset(&a, 0xff, sizeof(a));
            if (i < 50)
                memset(&b, 0xff, sizeof(b));
            x = hls_from_words(a.l);
            y = hls_from_words(b.l);
            a = test_residue(&a);
            b = test_residue(&b);
            bn_fr_mul(&c, &a, &b);
            bn_fr_add(&s, &s, &c);
            hls_fr_sum_add(&sum, &x, &y);
        }
        bn_fr_mul(&s, &s, &divide_32);
        hls_fr_sum_reduce(&r, &sum);
        test_check_loose(&r, &s, 2);
    }
}

static void test_add(void **state)
{
    uint64_t seed = 33;

    (void)state;
    for (long i = hls_test_cases(100000); i > 0; i--) {
        bn_fr a = test_canonical(&seed), b = test_canonical(&seed), s;
        hls_bn x = hls_from_words(a.l), y = hls_from_words(b.l);

        bn_fr_add(&s, &a, &b);
        hls_fr_add_loose(&x, &x, &y);
        test_check_loose(&x, &s, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_add),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
