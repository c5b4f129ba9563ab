/* hls/core/bn.h against driver/field/bn_fp.h and bn_fr.h */
#include "tests/unit/hls/bn_words.h"
#include "tests/unit/hls/hls_test.h"

#include "driver/field/bn_fp.h"
#include "driver/field/bn_fr.h"

static void equal(const hls_bn *ours, const uint64_t theirs[4])
{
    uint64_t w[4];

    hls_to_words(w, ours);
    assert_memory_equal(w, theirs, sizeof(w));
}

/* canonical a and b; any is any four words */
#define DEFINE_CHECK(f)                                                                            \
    static void check_##f(const bn_##f *a, const bn_##f *b, const bn_##f *any)                     \
    {                                                                                              \
        hls_bn x = hls_from_words(a->l), y = hls_from_words(b->l), r;                              \
        hls_bn z = hls_from_words(any->l);                                                         \
        bn_##f s, reduced = *any;                                                                  \
                                                                                                   \
        for (int i = 0; i < 6; i++)                                                                \
            bn_##f##_reduce_once(&reduced, reduced.l);                                             \
        bn_##f##_add(&s, a, b);                                                                    \
        hls_##f##_add(&r, &x, &y);                                                                 \
        equal(&r, s.l);                                                                            \
        bn_##f##_sub(&s, a, b);                                                                    \
        hls_##f##_sub(&r, &x, &y);                                                                 \
        equal(&r, s.l);                                                                            \
        bn_##f##_mul(&s, a, b);                                                                    \
        hls_##f##_mul(&r, &x, &y);                                                                 \
        equal(&r, s.l);                                                                            \
        bn_##f##_mul(&s, a, &reduced);                                                             \
        hls_##f##_mul(&r, &x, &z);                                                                 \
        equal(&r, s.l);                                                                            \
        hls_##f##_mul(&r, &z, &x);                                                                 \
        equal(&r, s.l);                                                                            \
        assert_int_equal(hls_bn_is_zero(&x), bn_##f##_is_zero(a));                                 \
        /* outputs may be inputs */                                                                \
        r = x;                                                                                     \
        hls_##f##_mul(&r, &r, &r);                                                                 \
        bn_##f##_sqr(&s, a);                                                                       \
        equal(&r, s.l);                                                                            \
        r = x;                                                                                     \
        hls_##f##_sub(&r, &y, &r);                                                                 \
        bn_##f##_sub(&s, b, a);                                                                    \
        equal(&r, s.l);                                                                            \
    }                                                                                              \
                                                                                                   \
    static size_t edges_##f(bn_##f out[64])                                                        \
    {                                                                                              \
        static const uint64_t p[4] = P_##f;                                                        \
        size_t n = 0;                                                                              \
                                                                                                   \
        for (uint64_t i = 0; i < 4; i++) {                                                         \
            out[n++] = (bn_##f){{i, 0, 0, 0}};                                                     \
            if (i > 0)                                                                             \
                out[n++] = (bn_##f){{p[0] - i, p[1] - (p[0] < i), p[2], p[3]}};                    \
        }                                                                                          \
        /* limbs of ones, alone and below each other */                                            \
        for (int i = 0; i < 8; i++) {                                                              \
            bn_##f t = {{0, 0, 0, 0}}, u = {{0, 0, 0, 0}};                                         \
                                                                                                   \
            t.l[i / 2] = (i < 7 ? UINT64_C(0xffffffff) : UINT64_C(0x30644e71)) << 32 * (i % 2);    \
            for (int k = 0; k <= i; k++)                                                           \
                u.l[k / 2] |= (k < 7 ? UINT64_C(0xffffffff) : UINT64_C(0x30644e71))                \
                              << 32 * (k % 2);                                                     \
            out[n++] = t;                                                                          \
            out[n++] = u;                                                                          \
        }                                                                                          \
        bn_##f##_set_one(&out[n++]);                                                               \
        for (size_t i = 0; i < n; i++)                                                             \
            assert_true(bn_##f##_is_canonical(&out[i]));                                           \
        return n;                                                                                  \
    }                                                                                              \
                                                                                                   \
    static bn_##f random_##f(uint64_t *seed)                                                       \
    {                                                                                              \
        bn_##f r;                                                                                  \
                                                                                                   \
        for (int i = 0; i < 4; i++)                                                                \
            r.l[i] = hls_test_word(seed);                                                          \
        for (int i = 0; i < 6; i++)                                                                \
            bn_##f##_reduce_once(&r, r.l);                                                         \
        return r;                                                                                  \
    }                                                                                              \
                                                                                                   \
    static void test_##f(void **state)                                                             \
    {                                                                                              \
        static const bn_##f ones = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};             \
        static const bn_##f modulus = {P_##f};                                                     \
        bn_##f edge[64], a, b, any;                                                                \
        uint64_t seed = 7;                                                                         \
        size_t n = edges_##f(edge);                                                                \
                                                                                                   \
        (void)state;                                                                               \
        for (size_t i = 0; i < n; i++)                                                             \
            for (size_t j = 0; j < n; j++) {                                                       \
                check_##f(&edge[i], &edge[j], &ones);                                              \
                check_##f(&edge[i], &edge[j], &modulus);                                           \
            }                                                                                      \
        for (long i = hls_test_cases(300000); i > 0; i--) {                                        \
            a = random_##f(&seed);                                                                 \
            b = random_##f(&seed);                                                                 \
            for (int k = 0; k < 4; k++)                                                            \
                any.l[k] = hls_test_word(&seed);                                                   \
            check_##f(&a, &b, &any);                                                               \
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
        cmocka_unit_test(test_fp),
        cmocka_unit_test(test_fr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
