/* What setups compute with: multiples of the generators, Lagrange's polynomials, and the point that
 * snarkjs makes of bytes that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/groth16/beyond.h"
#include "host/groth16/fixed_base.h"
#include "host/groth16/lagrange.h"
#include "host/groth16/random.h"

#include <stdio.h>
#include <string.h>

static const uint64_t MINUS_ONE[4] = {BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3};

/* Scalars with carries everywhere, with none, equal and opposite sums on the way. */
static size_t make_scalars(bn_fr out[FIXED_BASE_BATCH], unsigned bits)
{
    size_t n = 0;
    p_err err = {0};

    bn_fr_set_zero(&out[n++]);
    bn_fr_set_words(&out[n++], MINUS_ONE);
    for (uint64_t small = 1; small <= 5; small++)
        bn_fr_set_u64(&out[n++], small);
    for (uint64_t d = 0; d < 3; d++) /* about half of a window, where the sign changes */
        bn_fr_set_u64(&out[n++], (UINT64_C(1) << (bits - 1)) - 1 + d);
    for (uint64_t d = 0; d < 3; d++)
        bn_fr_set_u64(&out[n++], (UINT64_C(1) << bits) - 1 + d);
    for (int i = 0; i < 253; i += 21) {
        uint64_t words[4] = {0};

        words[i / 64] = UINT64_C(1) << i % 64;
        bn_fr_set_words(&out[n++], words);
    }
    while (n < FIXED_BASE_BATCH) {
        uint64_t words[4];

        assert_int_equal(groth16_draw(words, &err), P_OK);
        assert_true(bn_fr_set_words(&out[n++], words));
    }
    return n;
}

static void test_fixed_base(void **state)
{
    static const unsigned widths[] = {2, 3, 7, 8, 10};
    p_memory memory = {.limit = UINT64_MAX};
    bn_fr k[FIXED_BASE_BATCH];
    p_pool *pool;
    p_err err = {0};

    (void)state;
    assert_int_equal(p_pool_create(2, &pool, &err), P_OK);
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        size_t n = make_scalars(k, widths[w]);

        for (int g2 = 0; g2 < 2; g2++) {
            fixed_base t;
            bn_g1 p1[FIXED_BASE_BATCH], one1, want1;
            bn_g2 p2[FIXED_BASE_BATCH], one2, want2;
            size_t checked = g2 && widths[w] != 8 ? 40 : n; /* the oracle is slow */

            assert_int_equal(fixed_base_create(&t, &memory, pool, widths[w], g2, NULL, &err), P_OK);
            assert_true(p_memory_peak(&memory) <= fixed_base_bytes(widths[w], true, 2) + 8192);
            fixed_base_mul_var(&t, g2 ? (void *)p2 : (void *)p1, k, n);
            bn_g1_generator(&one1);
            bn_g2_generator(&one2);
            for (size_t i = 0; i < checked; i++) {
                uint64_t words[4];
                bn_g1x x1;
                bn_g2x x2;

                bn_fr_get_words(words, &k[i]);
                if (g2) {
                    bn_g2_mul_var(&x2, &one2, words);
                    bn_g2x_get(&want2, &x2);
                    assert_true(bn_g2_eq(&want2, &p2[i]));
                } else {
                    bn_g1_mul_var(&x1, &one1, words);
                    bn_g1x_get(&want1, &x1);
                    assert_true(bn_g1_eq(&want1, &p1[i]));
                }
            }
            fixed_base_destroy(&t);
        }
    }
    assert_int_equal(p_memory_used(&memory), 0);
    p_pool_destroy(pool);
}

static void test_fixed_base_refused(void **state)
{
    p_memory memory = {.limit = 100000};
    p_cancel cancel = P_CANCEL_INIT;
    fixed_base t;
    p_pool *pool;
    p_err err = {0};

    (void)state;
    assert_int_equal(p_pool_create(1, &pool, &err), P_OK);
    assert_int_equal(fixed_base_create(&t, &memory, pool, 12, false, NULL, &err), P_EEXHAUSTED);
    p_cancel_request(&cancel);
    memory.limit = UINT64_MAX;
    assert_int_equal(fixed_base_create(&t, &memory, pool, 4, false, &cancel, &err), P_ECANCELLED);
    assert_int_equal(p_memory_used(&memory), 0);
    p_pool_destroy(pool);
    /* more products, wider windows */
    for (uint64_t n = 1; n < UINT64_C(1) << 30; n *= 2)
        assert_true(fixed_base_bits(n) <= fixed_base_bits(2 * n));
    assert_int_equal(fixed_base_bits(UINT64_C(1) << 30), FIXED_BASE_MAX_BITS);
}

/* the product of (x - w^j) / (w^i - w^j) */
static void slow_lagrange(bn_fr *r, const bn_fr *x, unsigned log2, uint64_t i)
{
    bn_fr root, wi, wj, a, b, bottom;
    const uint64_t e[4] = {i};

    groth16_root(&root, log2);
    bn_fr_pow_var(&wi, &root, e);
    bn_fr_set_one(&wj);
    bn_fr_set_one(r);
    bn_fr_set_one(&bottom);
    for (uint64_t j = 0; j < UINT64_C(1) << log2; j++) {
        if (j != i) {
            bn_fr_sub(&a, x, &wj);
            bn_fr_sub(&b, &wi, &wj);
            bn_fr_mul(r, r, &a);
            bn_fr_mul(&bottom, &bottom, &b);
        }
        bn_fr_mul(&wj, &wj, &root);
    }
    bn_fr_inv(&bottom, &bottom);
    bn_fr_mul(r, r, &bottom);
}

static void test_lagrange(void **state)
{
    uint64_t words[4];
    bn_fr x[3], out[16], want, root;
    p_err err = {0};

    (void)state;
    assert_int_equal(groth16_draw(words, &err), P_OK);
    bn_fr_set_words(&x[0], words);
    groth16_root(&root, 4);
    bn_fr_mul(&x[1], &root, &root); /* in the domains of 2^3 and 2^4 */
    bn_fr_set_one(&x[2]);
    for (int k = 0; k < 3; k++)
        for (unsigned log2 = 0; log2 <= 4; log2++) {
            uint64_t n = UINT64_C(1) << log2;

            groth16_lagrange(&x[k], log2, 0, 1, out, n);
            for (uint64_t i = 0; i < n; i++) {
                slow_lagrange(&want, &x[k], log2, i);
                assert_true(bn_fr_eq(&want, &out[i]));
            }
            if (log2 > 1) {
                groth16_lagrange(&x[k], log2, 1, 2, out, n / 2);
                for (uint64_t i = 0; i < n / 2; i++) {
                    slow_lagrange(&want, &x[k], log2, 2 * i + 1);
                    assert_true(bn_fr_eq(&want, &out[i]));
                }
            }
        }
    /* 5^((r - 1) / 2^28) has order 2^28 */
    groth16_root(&root, 28);
    for (int i = 0; i < 27; i++)
        bn_fr_sqr(&root, &root);
    bn_fr_get_words(words, &root);
    assert_memory_equal(words, MINUS_ONE, sizeof words);
}

/* Made with ffjavascript 0.3.1 as snarkjs 0.7.6 calls it: of two points, the second the bytes,
 * g1m_subAffine and g1m_batchToAffine. minus: 5 G or 7 G. */
static const struct {
    unsigned minus;
    const char *bytes, *want;
} beyond[] = {
    {5,
     "0300000000004000000000002620bc02d1b5838e72017b493519ebdcdf1a8197"
     "4726b8fb3b5096af4138571940614ca87d73b4afc4d802585add4360862fa052",
     "4482b425b33a026674f89c24e1dc238a71ecf77c6fd3dcb350a234428a0ff428"
     "701bdd03b878f2230732e81061efb37b53ddcab90cc34c882f7b9a898357fe2d"},
    {7,
     "0300000000004000000000002620bc02d1b5838e72017b493519ebdcdf1a8197"
     "4726b8fb3b5096af4138571940614ca87d73b4afc4d802585add4360862fa052",
     "b431eb014fff72c9b9a643650276af22d990c99fbdaff839f6c53ec3c18bfb09"
     "c8fc4b577007201d6d54f0f230f49069848c740016b60692a4aeb1642c6e802d"},
    {5,
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "5d936a53c6afac8139e1b566a191ae8f47c3a19a6a7e247e83b17f69affc7204"
     "82093bc9da9ed49913c66cbc82bff0f8b4d6e24398c7b2a5814cf2f96b2b9b03"},
    {7,
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "3bbc6f823c7f8bd336ff7219f8ce5835919ff5356893c11e5522446e654f1d2b"
     "ddff3da1ad14ab6b8dc9c839ff74838634f17781f770fbc34c56bce74d32d52d"},
    {5,
     "c8298aeb4cad0e6fd03192f354b51677d8399afb5cbd1e7fe041a20364c52687"
     "e849aa0b6ccd2e8ff051b21374d53697f859ba1b7cdd3e9f0061c22384e546a7",
     "6a290edbc7755f47ef79b5e19cc0b4196bba0678586a2e5f57c964492903bc1b"
     "bbb7f5febe1efacabcd411ce7bc17298de156947a9c00596f479fc1d32cb9b04"},
    {7,
     "c8298aeb4cad0e6fd03192f354b51677d8399afb5cbd1e7fe041a20364c52687"
     "e849aa0b6ccd2e8ff051b21374d53697f859ba1b7cdd3e9f0061c22384e546a7",
     "1be041caeb54176e45351dcb6ae84220ca2e4c67d4c713641f429b6c11986608"
     "3085cff6aa5ee3e4e8ae3113fe60d648bb25c103da141039269ce1a723a47a0b"},
};

static void from_hex(uint8_t out[64], const char *text)
{
    for (int i = 0; i < 64; i++) {
        unsigned v;

        assert_int_equal(sscanf(text + 2 * i, "%2x", &v), 1);
        out[i] = (uint8_t)v;
    }
}

static void test_beyond(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        const uint64_t k[4] = {beyond[i].minus};
        uint8_t bytes[64], want[64];
        bn_g1 g, p, r;
        bn_g1x x;

        from_hex(bytes, beyond[i].bytes);
        from_hex(want, beyond[i].want);
        bn_g1_generator(&g);
        bn_g1_mul_var(&x, &g, k);
        bn_g1x_get(&p, &x);
        groth16_beyond(&r, bytes, &p);
        assert_memory_equal(&r, want, sizeof r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_base),
        cmocka_unit_test(test_fixed_base_refused),
        cmocka_unit_test(test_lagrange),
        cmocka_unit_test(test_beyond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
