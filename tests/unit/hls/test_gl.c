/* hls/core/gl.h against driver/field/goldilocks.h */
#include "tests/unit/hls/hls_test.h"

#include "driver/field/goldilocks.h"
#include "hls/core/gl.h"

static void check_pair(uint64_t a, uint64_t b)
{
    gl_t product = gl_mul(gl_from_u64(a), gl_from_u64(b));

    assert_int_equal(hls_gl_mul(a, b), product);
    assert_int_equal(gl_from_u64(hls_gl_mul_loose(a, b)), product);
    a = gl_from_u64(a);
    b = gl_from_u64(b);
    assert_int_equal(hls_gl_add(a, b), gl_add(a, b));
    assert_int_equal(hls_gl_sub(a, b), gl_sub(a, b));
}

static void check_limbs(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3)
{
    gl_u128 x = (gl_u128)w3 << 96 | (gl_u128)w2 << 64 | (gl_u128)w1 << 32 | w0;

    assert_int_equal(hls_gl_reduce(w0, w1, w2, w3), gl_reduce128(x));
    assert_int_equal(gl_from_u64(hls_gl_limbs(w0, w1, w2, w3)), gl_reduce128(x));
}

static void check_columns(uint64_t c0, uint64_t c1)
{
    assert_int_equal(gl_from_u64(hls_gl_columns(c0, c1)), gl_reduce128(((gl_u128)c1 << 32) + c0));
}

static void edges(void **state)
{
    static const uint32_t limbs[] = {0,          1,          2,          3,          0x7fffffff,
                                     0x80000000, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff};
    const size_t n = sizeof(limbs) / sizeof(limbs[0]);

    (void)state;
    for (size_t i = 0; i < HLS_EDGE_COUNT; i++) {
        assert_int_equal(hls_gl_canonical(HLS_EDGES[i]), gl_from_u64(HLS_EDGES[i]));
        for (size_t j = 0; j < HLS_EDGE_COUNT; j++) {
            check_pair(HLS_EDGES[i], HLS_EDGES[j]);
            check_columns(HLS_EDGES[i] >> 23, HLS_EDGES[j] >> 23);
        }
    }
    for (size_t i = 0; i < n * n * n * n; i++)
        check_limbs(limbs[i % n], limbs[i / n % n], limbs[i / n / n % n], limbs[i / n / n / n]);
}

/* sums that are p exactly, and their neighbours */
static void around_p(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t a = gl_from_u64(hls_test_word(&seed));

        check_pair(a, gl_neg(a));
        check_pair(a, gl_sub(gl_neg(a), 1));
        check_pair(a, gl_add(gl_neg(a), 1));
        check_pair(a, a);
    }
}

static void random_words(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (long i = hls_test_cases(1000000); i > 0; i--) {
        uint64_t a = hls_test_word(&seed), b = hls_test_word(&seed);

        check_pair(a, b);
        check_limbs((uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b, (uint32_t)(b >> 32));
        check_columns(a >> 23, b >> 23);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges),
        cmocka_unit_test(around_p),
        cmocka_unit_test(random_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
