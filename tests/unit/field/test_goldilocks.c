#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/field/goldilocks.h"
#include "tests/unit/field/random.h"

/* every operation below is compared with the remainder of 128-bit integers */
static uint64_t slow_mod(gl_u128 x)
{
    return (uint64_t)(x % GL_P);
}

static const uint64_t WORDS[] = {
    0,
    1,
    2,
    7,
    0x7fffffff,
    0x80000000,
    0xfffffffe,
    0xffffffff,
    0x100000000,
    0x100000001,
    0x1fffffffe,
    0x7fffffff80000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xfffffffe00000000,
    0xfffffffe00000001,
    0xfffffffeffffffff,
    0xffffffff00000000, /* p - 1 */
    0xffffffff00000001, /* p */
    0xffffffff00000002,
    0xffffffff80000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};
#define WORD_COUNT (sizeof(WORDS) / sizeof(WORDS[0]))

static void check_pair(uint64_t a, uint64_t b)
{
    assert_int_equal(gl_add(a, b), slow_mod((gl_u128)a + b));
    assert_int_equal(gl_sub(a, b), slow_mod((gl_u128)a + GL_P - b));
    assert_int_equal(gl_mul(a, b), slow_mod((gl_u128)a * b));
}

static void check_one(uint64_t a)
{
    gl_t power = 1;

    assert_int_equal(gl_neg(a), slow_mod((gl_u128)GL_P - a));
    assert_int_equal(gl_sqr(a), slow_mod((gl_u128)a * a));
    for (unsigned e = 0; e < 20; e++) {
        assert_int_equal(gl_pow_var(a, e), power);
        power = slow_mod((gl_u128)power * a);
    }
    assert_int_equal(slow_mod((gl_u128)gl_inv(a) * a), a != 0);
    assert_true(gl_is_canonical(gl_inv(a)));
}

static void edge_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORD_COUNT; i++) {
        uint64_t a = WORDS[i];

        assert_int_equal(gl_is_canonical(a), a < GL_P);
        assert_int_equal(gl_from_u64(a), slow_mod(a));
        for (size_t j = 0; j < WORD_COUNT; j++)
            /* all 128-bit numbers are allowed here */
            assert_int_equal(gl_reduce128((gl_u128)a << 64 | WORDS[j]),
                             slow_mod((gl_u128)a << 64 | WORDS[j]));
        if (!gl_is_canonical(a))
            continue;
        check_one(a);
        for (size_t j = 0; j < WORD_COUNT; j++)
            if (gl_is_canonical(WORDS[j]))
                check_pair(a, WORDS[j]);
    }
    assert_int_equal(gl_inv(0), 0);
    assert_int_equal(gl_pow_var(0, 0), 1);
    assert_int_equal(gl_pow_var(7, GL_P - 1), 1);              /* Fermat */
    assert_int_equal(gl_pow_var(7, (GL_P - 1) / 2), GL_P - 1); /* 7 generates: no square */
    assert_int_equal(gl_pow_var(3, UINT64_MAX), gl_pow_var(3, UINT64_MAX % (GL_P - 1)));
}

static void random_pairs(void **state)
{
    (void)state;
    uint64_t seed = 1;

    for (int i = 0; i < 100000; i++) {
        uint64_t a = test_random(&seed), b = test_random(&seed);
        /* sparse words meet the carries that uniform ones never do */
        gl_u128 x = (gl_u128)(a & test_random(&seed)) << 64 | (b | test_random(&seed));

        assert_int_equal(gl_reduce128(x), slow_mod(x));
        assert_int_equal(gl_reduce128(~x), slow_mod(~x));
        check_pair(a % GL_P, b % GL_P);
        if (i < 1000)
            check_one(a % GL_P);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edge_pairs),
        cmocka_unit_test(random_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
