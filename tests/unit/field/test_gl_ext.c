/* The cubic extension against polynomials of GMP integers, and its formulas over F_2, F_3 and F_13,
 * where X^3 - X - 1 has no root either, for all elements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <gmp.h>

#include "driver/field/gl_ext.h"
#include "tests/unit/field/random.h"

/* ---- the formulas over small fields ---- */

static unsigned small; /* the prime */

static unsigned small_inverse(unsigned a)
{
    for (unsigned i = 0; i < small; i++)
        if (a * i % small == 1 % small)
            return i;
    return 0;
}

typedef struct toy {
    unsigned c[3];
} toy;

static inline void acc_mul(unsigned *s, unsigned a, unsigned b)
{
    *s += a * b;
}

static inline unsigned acc_value(const unsigned *s)
{
    return *s % small;
}

#define EXT(f) toy_##f
#define EXT_T toy
#define FE unsigned
#define ACC unsigned
#define fe_add(a, b) (((a) + (b)) % small)
#define fe_sub(a, b) (((a) + small - (b)) % small)
#define fe_mul(a, b) ((a) * (b) % small)
#define fe_inv small_inverse
#include "driver/field/gl_ext_impl.h"

static toy toy_at(unsigned i)
{
    return (toy){{i % small, i / small % small, i / small / small}};
}

/* long multiplication, then division by X^3 - X - 1 */
static toy toy_slow(toy a, toy b)
{
    unsigned c[5] = {0};

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            c[i + j] += a.c[i] * b.c[j];
    for (int i = 4; i >= 3; i--) {
        c[i - 2] += c[i];
        c[i - 3] += c[i];
    }
    return (toy){{c[0] % small, c[1] % small, c[2] % small}};
}

static bool toy_eq(toy a, toy b)
{
    return a.c[0] == b.c[0] && a.c[1] == b.c[1] && a.c[2] == b.c[2];
}

static void toy_fields(void **state)
{
    static const unsigned PRIMES[] = {2, 3, 13};

    (void)state;
    for (int p = 0; p < 3; p++) {
        unsigned count;

        small = PRIMES[p];
        count = small * small * small;
        for (unsigned i = 0; i < count; i++) {
            toy a = toy_at(i), one = {{1 % small, 0, 0}}, zero = {{0, 0, 0}};

            assert_true(toy_eq(toy_sqr(a), toy_slow(a, a)));
            assert_true(toy_eq(toy_slow(a, toy_inv(a)), i > 0 ? one : zero));
            for (unsigned j = 0; j < count; j++)
                assert_true(toy_eq(toy_mul(a, toy_at(j)), toy_slow(a, toy_at(j))));
        }
    }
}

/* ---- Goldilocks ---- */

static const uint64_t EDGES[] = {
    0,
    1,
    2,
    GL_P - 1,
    GL_P - 2,
    0xffffffff,
    UINT64_C(0x100000000),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    UINT64_C(0xfffffffeffffffff),
};
#define EDGE_COUNT (sizeof(EDGES) / sizeof(EDGES[0]))

static mpz_t prime, sum[5];

static gl_ext slow_mul(gl_ext a, gl_ext b)
{
    gl_ext r;
    mpz_t x;

    mpz_init(x);
    for (int i = 0; i < 5; i++)
        mpz_set_ui(sum[i], 0);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            mpz_set_ui(x, a.c[i]);
            mpz_mul_ui(x, x, b.c[j]);
            mpz_add(sum[i + j], sum[i + j], x);
        }
    for (int i = 4; i >= 3; i--) {
        mpz_add(sum[i - 2], sum[i - 2], sum[i]);
        mpz_add(sum[i - 3], sum[i - 3], sum[i]);
    }
    for (int i = 0; i < 3; i++) {
        mpz_mod(x, sum[i], prime);
        r.c[i] = mpz_get_ui(x);
    }
    mpz_clear(x);
    return r;
}

static gl_t slow_add(gl_t a, gl_t b, bool subtract)
{
    mpz_t x;
    gl_t r;

    mpz_init_set_ui(x, a);
    if (subtract)
        mpz_sub_ui(x, x, b);
    else
        mpz_add_ui(x, x, b);
    mpz_mod(x, x, prime);
    r = mpz_get_ui(x);
    mpz_clear(x);
    return r;
}

static void check_pair(gl_ext a, gl_ext b)
{
    gl_ext zero = {{0, 0, 0}}, scalar = gl_ext_from_base(b.c[0]);

    assert_true(gl_ext_eq(gl_ext_mul(a, b), slow_mul(a, b)));
    assert_true(gl_ext_eq(gl_ext_sqr(a), slow_mul(a, a)));
    assert_true(gl_ext_eq(gl_ext_scale(a, b.c[0]), slow_mul(a, scalar)));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gl_ext_add(a, b).c[i], slow_add(a.c[i], b.c[i], false));
        assert_int_equal(gl_ext_sub(a, b).c[i], slow_add(a.c[i], b.c[i], true));
        assert_int_equal(gl_ext_neg(a).c[i], slow_add(0, a.c[i], true));
    }
    assert_int_equal(gl_ext_is_zero(a), gl_ext_eq(a, zero));
}

static gl_ext random_element(uint64_t *seed)
{
    gl_ext a;

    for (int i = 0; i < 3; i++) {
        uint64_t r = test_random(seed);

        a.c[i] = r % 8 == 0 ? EDGES[r / 8 % EDGE_COUNT] : gl_from_u64(test_random(seed));
    }
    return a;
}

static gl_ext edge_element(unsigned i)
{
    return (gl_ext){{EDGES[i % EDGE_COUNT], EDGES[i / EDGE_COUNT % EDGE_COUNT],
                     EDGES[i / EDGE_COUNT / EDGE_COUNT]}};
}

static void edge_pairs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EDGE_COUNT * EDGE_COUNT * EDGE_COUNT; i++)
        for (unsigned j = 0; j < EDGE_COUNT * EDGE_COUNT * EDGE_COUNT; j += 1 + i % 7)
            if (i < 100 || j % 11 == 0)
                check_pair(edge_element(i), edge_element(j));
}

static uint64_t cases(void)
{
    const char *text = getenv("ZKP_TEST_CASES");

    return text ? strtoull(text, NULL, 10) : 1000000;
}

static void random_pairs(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (uint64_t i = cases(); i-- > 0;)
        check_pair(random_element(&seed), random_element(&seed));
}

static void inverses(void **state)
{
    gl_ext one = {{1, 0, 0}}, zero = {{0, 0, 0}}, in[70], out[70];
    uint64_t seed = 2;

    (void)state;
    for (unsigned i = 0; i < EDGE_COUNT * EDGE_COUNT * EDGE_COUNT; i++) {
        gl_ext a = edge_element(i), b = gl_ext_inv(a);

        assert_true(gl_ext_is_canonical(b));
        assert_true(gl_ext_eq(slow_mul(a, b), gl_ext_is_zero(a) ? zero : one));
    }
    for (uint64_t i = cases() / 20; i-- > 0;) {
        gl_ext a = random_element(&seed);

        assert_true(gl_ext_eq(slow_mul(a, gl_ext_inv(a)), gl_ext_is_zero(a) ? zero : one));
    }
    for (unsigned count = 0; count <= 70; count++) {
        for (unsigned i = 0; i < count; i++)
            in[i] = test_random(&seed) % 4 == 0 ? zero : random_element(&seed);
        gl_ext_inv_batch(out, in, count);
        for (unsigned i = 0; i < count; i++)
            assert_true(gl_ext_eq(out[i], gl_ext_inv(in[i])));
    }
}

static void powers(void **state)
{
    gl_ext x = {{0, 1, 0}}, cube = {{1, 1, 0}};
    uint64_t seed = 3;

    (void)state;
    assert_true(gl_ext_eq(gl_ext_pow_var(x, 3), cube));
    for (int i = 0; i < 200; i++) {
        gl_ext a = random_element(&seed), r = gl_ext_from_base(1), b;

        for (unsigned e = 0; e < 20; e++) {
            assert_true(gl_ext_eq(gl_ext_pow_var(a, e), r));
            r = slow_mul(r, a);
        }
        b = gl_ext_frobenius(a);
        assert_true(gl_ext_eq(b, gl_ext_pow_var(a, GL_P)));
        /* an automorphism of order three, so the polynomial is irreducible: a^(p^3) = a */
        assert_true(gl_ext_eq(gl_ext_frobenius(gl_ext_frobenius(b)), a));
    }
    assert_false(gl_ext_eq(gl_ext_frobenius(x), x));
}

static void words(void **state)
{
    const uint64_t over[3] = {GL_P, UINT64_MAX, 5};
    gl_ext a = gl_ext_from_u64(over);

    (void)state;
    assert_int_equal(a.c[0], 0);
    assert_int_equal(a.c[1], UINT64_MAX - GL_P);
    assert_int_equal(a.c[2], 5);
    assert_false(gl_ext_is_canonical((gl_ext){{0, GL_P, 0}}));
    assert_true(gl_ext_is_canonical(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(toy_fields), cmocka_unit_test(edge_pairs), cmocka_unit_test(random_pairs),
        cmocka_unit_test(inverses),   cmocka_unit_test(powers),     cmocka_unit_test(words),
    };

    mpz_init_set_ui(prime, GL_P);
    for (int i = 0; i < 5; i++)
        mpz_init(sum[i]);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (int i = 0; i < 5; i++)
        mpz_clear(sum[i]);
    mpz_clear(prime);
    return failed;
}
