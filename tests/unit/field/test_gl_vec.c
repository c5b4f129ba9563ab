/* Goldilocks vectors of every instruction set, in every lane, against GMP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmp.h>

#include "driver/base/isa.h"
#include "driver/cpu/gl_ntt_step.h"
#include "tests/unit/field/gl_vec_shim.h"
#include "tests/unit/field/random.h"

#define MAX_LANES 8

static const uint64_t EDGES[] = {
    0,
    1,
    2,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xfffffffe,
    0xffffffff,
    UINT64_C(0x100000000),
    UINT64_C(0x17fffffff),
    UINT64_C(0x180000000),
    UINT64_C(0x7fffffff00000000),
    UINT64_C(0x7fffffff7fffffff),
    UINT64_C(0x7fffffff80000000),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    UINT64_C(0x800000007fffffff),
    UINT64_C(0x8000000080000000),
    UINT64_C(0x80000000ffffffff),
    UINT64_C(0x8000000100000000),
    UINT64_C(0xfffffffe00000000),
    UINT64_C(0xfffffffeffffffff),
    GL_P - 2,
    GL_P - 1,
    GL_P,
    GL_P + 1,
    UINT64_C(0xffffffff7fffffff),
    UINT64_C(0xffffffff80000000),
    UINT64_MAX - 1,
    UINT64_MAX,
};
#define EDGE_COUNT (sizeof(EDGES) / sizeof(EDGES[0]))

static mpz_t prime, t0, t1;

/* (a * b + c F) mod p, all signed or not as told */
static uint64_t slow_mod(mpz_t x)
{
    mpz_mod(x, x, prime);
    return mpz_get_ui(x);
}

static uint64_t slow_mul(uint64_t a, uint64_t b)
{
    mpz_set_ui(t0, a);
    mpz_mul_ui(t0, t0, b);
    return slow_mod(t0);
}

/* a + b F of signed limbs */
static uint64_t slow_split(int64_t a, int64_t b)
{
    mpz_set_si(t0, b);
    mpz_mul_2exp(t0, t0, 32);
    mpz_set_si(t1, a);
    mpz_add(t0, t0, t1);
    return slow_mod(t0);
}

static uint64_t digits_value(uint64_t x)
{
    return slow_split((int32_t)x, (int32_t)(x >> 32));
}

typedef struct lane_data {
    uint64_t a[MAX_LANES], b[MAX_LANES];
} lane_data;

/* All operations on one vector of pairs; the factor is b of lane 0. */
static void check_vectors(const gl_vec_shim *v, const lane_data *d)
{
    uint64_t out[MAX_LANES], limbs[2 * MAX_LANES], canonical[MAX_LANES];
    gl_t factor = gl_from_u64(d->b[0]);
    gl_ntt_tw tw[2] = {gl_ntt_factor(factor), {0, 0}};

    assert_int_equal(digits_value(tw[0].w), factor);
    assert_int_equal(digits_value(tw[0].shifted), slow_mul(factor, UINT64_C(1) << 32));
    v->mul(out, d->a, d->b);
    for (unsigned l = 0; l < v->lanes; l++) {
        mpz_set_ui(t0, out[l]);
        assert_int_equal(slow_mod(t0), slow_mul(d->a[l], d->b[l]));
    }
    v->canonical(canonical, d->a);
    for (unsigned l = 0; l < v->lanes; l++) {
        mpz_set_ui(t0, d->a[l]);
        assert_int_equal(canonical[l], slow_mod(t0));
    }
    v->times_f(out, canonical);
    for (unsigned l = 0; l < v->lanes; l++)
        assert_int_equal(out[l], slow_mul(canonical[l], UINT64_C(1) << 32));
    v->digits(out, d->a);
    for (unsigned l = 0; l < v->lanes; l++)
        assert_int_equal(digits_value(out[l]), canonical[l]);
    for (int twice = 0; twice < 2; twice++) {
        /* digits that come from a word, then any pair but the illegal one */
        for (unsigned l = 0; twice && l < v->lanes; l++)
            out[l] = d->a[l] == UINT64_C(0x8000000080000000) ? 0 : d->a[l];
        v->mul_factor(limbs, out, tw);
        for (unsigned l = 0; l < v->lanes; l++) {
            int64_t a = (int64_t)(limbs[l] + v->sign_offset);
            int64_t b = (int64_t)(limbs[v->lanes + l] - v->sign_offset);

            assert_int_equal(slow_split(a, b), slow_mul(digits_value(out[l]), factor));
            assert_true(a >= INT32_MIN && a <= (INT64_C(3) << 31));
            assert_true(b >= INT32_MIN && b < (INT64_C(3) << 31));
        }
    }
    for (unsigned shift = 4; shift < 40; shift += 17) { /* limbs below 2^60 */
        for (unsigned l = 0; l < v->lanes; l++) {
            limbs[l] = (uint64_t)((int64_t)d->a[l] >> shift);
            limbs[v->lanes + l] = (uint64_t)((int64_t)d->b[l] >> shift);
        }
        v->split_word(out, limbs);
        for (unsigned l = 0; l < v->lanes; l++) {
            assert_true(out[l] >= 0xffffffff);
            mpz_set_ui(t0, out[l]);
            assert_int_equal(slow_mod(t0),
                             slow_split((int64_t)limbs[l], (int64_t)limbs[v->lanes + l]));
        }
    }
}

/* limbs up to 2^34 in magnitude against the sums */
static void check_transforms(const gl_vec_shim *v, uint64_t *seed)
{
    uint64_t limbs[16 * MAX_LANES], values[8][MAX_LANES];

    for (unsigned log_r = 1; log_r <= 3; log_r++) {
        unsigned r = 1U << log_r, n = v->lanes;

        for (unsigned i = 0; i < 2 * r * n; i++) {
            uint64_t x = test_random(seed);

            limbs[i] = x % 8 == 0   ? (uint64_t)1 << 34
                       : x % 8 == 1 ? -((uint64_t)1 << 34)
                                    : (uint64_t)((int64_t)x >> 29);
        }
        for (unsigned i = 0; i < r; i++)
            for (unsigned l = 0; l < n; l++)
                values[i][l] = slow_split((int64_t)limbs[(size_t)2 * i * n + l],
                                          (int64_t)limbs[(size_t)(2 * i + 1) * n + l]);
        v->transform(limbs, log_r);
        for (unsigned k = 0; k < r; k++)
            for (unsigned l = 0; l < n; l++) {
                int64_t a = (int64_t)limbs[(size_t)2 * k * n + l];
                int64_t b = (int64_t)limbs[(size_t)(2 * k + 1) * n + l];
                gl_t sum = 0;

                for (unsigned i = 0; i < r; i++)
                    sum = gl_add(sum, gl_mul(values[i][l], gl_pow_var(2, 192 / r * (i * k % r))));
                assert_int_equal(slow_split(a, b), sum);
                assert_true(llabs(a) < INT64_C(1) << 60 && llabs(b) < INT64_C(1) << 60);
            }
    }
}

static void check_moves(const gl_vec_shim *v)
{
    uint64_t rows[64], columns[64], back[64];

    for (unsigned i = 0; i < 8 * v->lanes; i++)
        rows[i] = 100 + i;
    v->load_rows(columns, rows);
    for (unsigned l = 0; l < 8; l++)
        for (unsigned r = 0; r < v->lanes; r++)
            assert_int_equal(columns[l * v->lanes + r], rows[8 * r + l]);
    v->store_rows(back, columns);
    assert_memory_equal(back, rows, 8 * v->lanes * sizeof(uint64_t));
    v->store_pairs(back, rows, rows + v->lanes);
    for (unsigned i = 0; i < v->lanes; i++) {
        assert_int_equal(back[2 * i], rows[i]);
        assert_int_equal(back[2 * i + 1], rows[v->lanes + i]);
    }
}

static void check_set(const gl_vec_shim *v)
{
    const char *text = getenv("ZKP_TEST_CASES");
    uint64_t cases = text ? strtoull(text, NULL, 10) : 1000000, seed = 1;
    lane_data d;

    /* all pairs, each in every lane in turn; the factor is lane 0's b, so all pairs are products
     * with a factor, too */
    for (size_t i = 0; i < EDGE_COUNT; i++)
        for (size_t j = 0; j < EDGE_COUNT; j++)
            for (unsigned turn = 0; turn < v->lanes; turn++) {
                for (unsigned l = 0; l < MAX_LANES; l++) {
                    d.a[(l + turn) % v->lanes] = EDGES[(i + l) % EDGE_COUNT];
                    d.b[(l + turn) % v->lanes] = EDGES[(j + 3 * l) % EDGE_COUNT];
                }
                check_vectors(v, &d);
            }
    for (uint64_t c = 0; c < cases; c += v->lanes) {
        for (unsigned l = 0; l < MAX_LANES; l++) {
            uint64_t r = test_random(&seed);

            d.a[l] = r % 8 == 0 ? EDGES[r / 8 % EDGE_COUNT] : test_random(&seed);
            d.b[l] = r % 8 == 1 ? EDGES[r / 8 % EDGE_COUNT] : test_random(&seed);
        }
        check_vectors(v, &d);
        if (c % 64 == 0)
            check_transforms(v, &seed);
    }
    check_moves(v);
}

static void portable(void **state)
{
    (void)state;
    check_set(gl_vec_shim_scalar());
}

static void avx2(void **state)
{
    (void)state;
    if (!p_isa_supported(P_ISA_AVX2) || !gl_vec_shim_avx2()) {
        printf("avx2: skipped\n");
        skip();
    }
    check_set(gl_vec_shim_avx2());
}

static void avx512(void **state)
{
    (void)state;
    if (!p_isa_supported(P_ISA_AVX512) || !gl_vec_shim_avx512()) {
        printf("avx512: skipped\n");
        skip();
    }
    check_set(gl_vec_shim_avx512());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(portable),
        cmocka_unit_test(avx2),
        cmocka_unit_test(avx512),
    };
    int failed;

    mpz_init_set_ui(prime, GL_P);
    mpz_inits(t0, t1, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    mpz_clears(prime, t0, t1, NULL);
    return failed;
}
