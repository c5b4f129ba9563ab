/* hls/core/bn_mul.h: products against columns of 32-bit limbs, reductions against driver/field */
#include "hls/core/bn.h"
#include "tests/unit/hls/bn_words.h"
#include "tests/unit/hls/hls_test.h"

#include "driver/field/bn_fp.h"
#include "driver/field/bn_fr.h"

/* the schoolbook's product, with all carries at once */
static void slow_product(uint64_t t[8], const uint64_t a[4], const uint64_t b[4])
{
    memset(t, 0, 64);
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;

        for (int j = 0; j < 4; j++) {
            unsigned __int128 u = (unsigned __int128)a[i] * b[j] + t[i + j] + carry;

            t[i + j] = (uint64_t)u;
            carry = (uint64_t)(u >> 64);
        }
        t[i + 4] = carry;
    }
}

static void check_product(const uint64_t a[4], const uint64_t b[4])
{
    hls_bn x = hls_from_words(a), y = hls_from_words(b);
    hls_bn_wide t, u;
    uint64_t expected[8];

    slow_product(expected, a, b);
    hls_bn_product(&t, &x, &y);
    assert_memory_equal(t.w, expected, 64);
    hls_bn_product(&t, &y, &x);
    assert_memory_equal(t.w, expected, 64);
    slow_product(expected, a, a);
    hls_bn_square(&t, &x);
    assert_memory_equal(t.w, expected, 64);
    hls_bn_product(&u, &x, &x);
    assert_memory_equal(u.w, expected, 64);
}

/* every pair of words from a few edges, then random words */
static void products(void **state)
{
    static const uint64_t edge[] = {
        0, 1, 0xffffffff, 0x100000000, 0x8000000000000000, 0xfffffffffffffffe, 0xffffffffffffffff};
    uint64_t seed = 21, a[4], b[4];

    (void)state;
    for (unsigned i = 0; i < 7 * 7 * 7 * 7; i++) {
        unsigned k = i;

        for (int j = 0; j < 4; j++, k /= 7)
            a[j] = edge[k % 7];
        for (int j = 0; j < 4; j++)
            b[j] = hls_test_word(&seed);
        check_product(a, b);
        for (int j = 0; j < 4; j++)
            b[j] = edge[test_random(&seed) % 7];
        check_product(a, b);
    }
    for (long i = hls_test_cases(300000); i > 0; i--) {
        for (int j = 0; j < 4; j++) {
            a[j] = hls_test_word(&seed);
            b[j] = hls_test_word(&seed);
        }
        check_product(a, b);
    }
}

static void accumulate(void **state)
{
    uint64_t seed = 22;

    (void)state;
    for (long i = hls_test_cases(20000); i > 0; i--) {
        hls_bn_wide t, u, s;
        unsigned __int128 carry = 0;

        for (int j = 0; j < 8; j++) {
            t.w[j] = hls_test_word(&seed) >> (j == 7);
            u.w[j] = hls_test_word(&seed) >> (j == 7);
        }
        s = t;
        hls_bn_accumulate(&s, &u);
        for (int j = 0; j < 8; j++) {
            carry += (unsigned __int128)t.w[j] + u.w[j];
            assert_int_equal(s.w[j], (uint64_t)carry);
            carry >>= 64;
        }
    }
}

/* is a < b? */
static int less(const uint64_t a[8], const uint64_t b[8])
{
    for (int i = 8; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i];
    return 0;
}

/* b = k p^2 */
static void bound(uint64_t b[8], const uint64_t p[4], unsigned k)
{
    unsigned __int128 carry = 0;

    slow_product(b, p, p);
    for (int i = 0; i < 8; i++) {
        carry += (unsigned __int128)b[i] * k;
        b[i] = (uint64_t)carry;
        carry >>= 64;
    }
    assert_true(carry == 0);
}

/* t / 2^256 = high + low / 2^256; then the largest t that `most` allows, and sums of products */
#define DEFINE_CHECK(f)                                                                            \
    static void check_##f(const uint64_t w[8], unsigned most)                                      \
    {                                                                                              \
        static const bn_##f raw_one = {{1, 0, 0, 0}};                                              \
        bn_##f low = {{w[0], w[1], w[2], w[3]}}, high = {{w[4], w[5], w[6], w[7]}};                \
        uint64_t r[4];                                                                             \
        hls_bn_wide t;                                                                             \
        hls_bn ours;                                                                               \
                                                                                                   \
        memcpy(t.w, w, 64);                                                                        \
        hls_##f##_reduce(&ours, &t, most);                                                         \
        for (int i = 0; i < 6; i++) {                                                              \
            bn_##f##_reduce_once(&low, low.l);                                                     \
            bn_##f##_reduce_once(&high, high.l);                                                   \
        }                                                                                          \
        bn_##f##_mul(&low, &low, &raw_one);                                                        \
        bn_##f##_add(&high, &high, &low);                                                          \
        hls_to_words(r, &ours);                                                                    \
        assert_memory_equal(r, high.l, 32);                                                        \
    }                                                                                              \
                                                                                                   \
    static void test_##f(void **state)                                                             \
    {                                                                                              \
        static const uint64_t p[4] = P_##f;                                                        \
        uint64_t seed = 23;                                                                        \
                                                                                                   \
        (void)state;                                                                               \
        for (unsigned most = 1; most <= HLS_BN_MOST_PRODUCTS; most++) {                            \
            uint64_t limit[8], w[8];                                                               \
                                                                                                   \
            bound(limit, p, most);                                                                 \
            for (uint64_t k = 1; k < 100; k++) {                                                   \
                memcpy(w, limit, 64);                                                              \
                w[0] -= k; /* p^2's lowest word is above 100 for both */                           \
                check_##f(w, most);                                                                \
                memset(w, 0, 64);                                                                  \
                w[0] = k - 1;                                                                      \
                check_##f(w, most);                                                                \
            }                                                                                      \
            for (long i = hls_test_cases(10000); i > 0; i--) {                                     \
                for (int j = 0; j < 8; j++)                                                        \
                    w[j] = hls_test_word(&seed);                                                   \
                if (i % 2) /* near the limit: low words alone differ */                            \
                    memcpy(w + 4, limit + 4, 32);                                                  \
                while (!less(w, limit))                                                            \
                    w[7] = w[7] >> 1 < limit[7] ? w[7] >> 1 : limit[7] - 1;                        \
                check_##f(w, most);                                                                \
            }                                                                                      \
        }                                                                                          \
        for (long i = hls_test_cases(3000); i > 0; i--) {                                          \
            bn_##f sum = {{0, 0, 0, 0}}, a, b;                                                     \
            unsigned most = 1 + (unsigned)(i % HLS_BN_MOST_PRODUCTS);                              \
            hls_bn_wide t, u;                                                                      \
            hls_bn ours;                                                                           \
            uint64_t r[4];                                                                         \
                                                                                                   \
            for (unsigned k = 0; k < most; k++) {                                                  \
                hls_bn x, y;                                                                       \
                                                                                                   \
                for (int j = 0; j < 4; j++) {                                                      \
                    a.l[j] = hls_test_word(&seed);                                                 \
                    b.l[j] = hls_test_word(&seed);                                                 \
                }                                                                                  \
                for (int j = 0; j < 6; j++) {                                                      \
                    bn_##f##_reduce_once(&a, a.l);                                                 \
                    bn_##f##_reduce_once(&b, b.l);                                                 \
                }                                                                                  \
                x = hls_from_words(a.l);                                                           \
                y = hls_from_words(b.l);                                                           \
                hls_bn_product(k == 0 ? &t : &u, &x, &y);                                          \
                if (k > 0)                                                                         \
                    hls_bn_accumulate(&t, &u);                                                     \
                bn_##f##_mul(&a, &a, &b);                                                          \
                bn_##f##_add(&sum, &sum, &a);                                                      \
            }                                                                                      \
            hls_##f##_reduce(&ours, &t, most);                                                     \
            hls_to_words(r, &ours);                                                                \
            assert_memory_equal(r, sum.l, 32);                                                     \
        }                                                                                          \
    }

/* clang-format off */
#define P_fp {BN_FP_P0, BN_FP_P1, BN_FP_P2, BN_FP_P3}
#define P_fr {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3}
/* clang-format on */

DEFINE_CHECK(fp)
DEFINE_CHECK(fr)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),
        cmocka_unit_test(accumulate),
        cmocka_unit_test(test_fp),
        cmocka_unit_test(test_fr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
