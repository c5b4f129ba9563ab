/* The modular products and inverses against GMP. */
#include "host/vm/isa.h"
#include "host/vm/mulmod.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <gmp.h>
#include <string.h>

static uint64_t seed = 1;

static uint64_t rnd(void)
{
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void to_mpz(mpz_t z, const uint64_t w[4])
{
    mpz_import(z, 4, -1, 8, 0, 0, w);
}

static void from_mpz(uint64_t w[4], const mpz_t z)
{
    memset(w, 0, 32);
    mpz_export(w, NULL, -1, 8, 0, 0, z);
}

/** 0, 1, 2^256-1, m-1, m, m+1, c, or random words. */
static void pick(uint64_t w[4], unsigned selector, unsigned which)
{
    uint64_t m[4];
    vm_modulus(m, selector);
    for (unsigned i = 0; i < 4; i++)
        w[i] = which == 0 || which == 1 ? (which == 1 && i == 0) : UINT64_MAX;
    if (which >= 3 && which <= 5) {
        memcpy(w, m, 32);
        w[0] += which - 4u; /* neither modulus ends in 0 or ff...ff */
    }
    if (which == 6) {
        for (unsigned i = 0; i < 4; i++)
            w[i] = ~m[i];
        w[0]++;
    }
    for (unsigned i = 0; which > 6 && i < 4; i++)
        w[i] = rnd() & -(uint64_t)(which != 8 || i < 2);
}

static void test_products(void **state)
{
    (void)state;
    static const char *const text[VM_MODULI] = {
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"};
    mpz_t a, b, m;
    mpz_inits(a, b, m, NULL);
    for (unsigned selector = 0; selector < VM_MODULI; selector++) {
        uint64_t w[4], x[4], y[4], d[4], want[4];
        vm_modulus(w, selector);
        to_mpz(m, w);
        mpz_set_str(a, text[selector], 16);
        assert_int_equal(mpz_cmp(m, a), 0);
        assert_int_not_equal(mpz_probab_prime_p(m, 30), 0);
        for (unsigned i = 0; i < 20000; i++) {
            pick(x, selector, i < 100 ? i / 10 : (unsigned)(rnd() % 10));
            pick(y, selector, i < 100 ? i % 10 : (unsigned)(rnd() % 10));
            to_mpz(a, x);
            to_mpz(b, y);
            mpz_mul(b, a, b);
            mpz_mod(b, b, m);
            from_mpz(want, b);
            vm_mulmod_var(d, x, y, selector);
            assert_memory_equal(d, want, 32);
            vm_mulmod_var(x, x, y, selector); /* in place */
            assert_memory_equal(x, want, 32);
        }
        for (unsigned i = 0; i < 500; i++) {
            pick(x, selector, i % 10);
            to_mpz(a, x);
            if (!mpz_invert(b, a, m))
                mpz_set_ui(b, 0);
            from_mpz(want, b);
            vm_invmod_var(d, x, selector);
            assert_memory_equal(d, want, 32);
            if (i < 50) {
                pick(y, selector, i / 10);
                to_mpz(b, y);
                mpz_powm(b, a, b, m);
                from_mpz(want, b);
                vm_powmod_var(d, x, y, selector);
                assert_memory_equal(d, want, 32);
            }
        }
    }
    mpz_clears(a, b, m, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
