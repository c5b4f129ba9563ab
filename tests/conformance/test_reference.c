/* The references themselves, against published answers and against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/field/gl_poseidon.h"
#include "tests/conformance/reference_bn.h"
#include "tests/conformance/reference_gl.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>

static void goldilocks_transforms(void **state)
{
    uint64_t a[64], b[64], c[64];

    (void)state;
    assert_int_equal(ref_gl_pow(ref_gl_root(32), UINT64_C(1) << 31), REF_GL_P - 1);
    assert_int_equal(ref_gl_root(1), REF_GL_P - 1);
    for (unsigned log_n = 0; log_n <= 6; log_n++)
        for (unsigned pass = 0; pass < 4; pass++) {
            uint64_t shift = pass < 2 ? 1 : 7, n = UINT64_C(1) << log_n;

            for (unsigned i = 0; i < n; i++)
                a[i] = b[i] = (i * i + UINT64_MAX - 5 * pass) * (i + 1);
            ref_gl_dft(c, a, log_n, shift, pass % 2);
            ref_gl_ntt(b, log_n, shift, pass % 2);
            assert_memory_equal(b, c, n * 8);
            if (pass % 2 == 0) /* place 1 is the value at shift * omega */
                assert_int_equal(c[n > 1],
                                 ref_gl_horner(a, n, ref_gl_mul(shift, ref_gl_root(log_n))));
            ref_gl_ntt(b, log_n, shift, pass % 2 == 0);
            for (unsigned i = 0; i < n; i++)
                assert_int_equal(b[i], a[i] % REF_GL_P);
        }
}

static void goldilocks_poseidon(void **state)
{
    uint64_t a[12] = {0}, b[12];

    (void)state;
    for (unsigned pass = 0; pass < 100; pass++) {
        memcpy(b, a, sizeof(a));
        ref_gl_poseidon(a);
        if (pass == 0) /* plonky2's first test vector: zeros */
            assert_int_equal(a[0], 0x3c18a9786cb0b359);
        gl_poseidon_permute_portable(b);
        assert_memory_equal(a, b, sizeof(a));
    }
}

static void fr_transforms(void **state)
{
    ref_n a[32], b[32], c[32], back, minus_one = REF_FR, one = ref_small(1);

    (void)state;
    minus_one.l[0]--;
    back = ref_fr_root(1);
    assert_memory_equal(&back, &minus_one, 32);
    back = ref_fr_root(28);
    for (unsigned i = 0; i < 28; i++)
        ref_mul(&back, &back, &back, &REF_FR);
    assert_memory_equal(&back, &one, 32);
    for (unsigned log_n = 0; log_n <= 5; log_n++)
        for (unsigned pass = 0; pass < 4; pass++) {
            ref_n shift = ref_small(pass < 2 ? 1 : 11), x;
            uint64_t n = UINT64_C(1) << log_n;

            for (unsigned i = 0; i < n; i++) {
                ref_n raw = {{i + 1, ~i, i * i, UINT64_MAX - pass}};

                ref_reduce(&a[i], raw.l, &REF_FR);
                b[i] = a[i];
            }
            ref_fr_dft(c, a, log_n, &shift, pass % 2);
            ref_fr_ntt(b, log_n, &shift, pass % 2);
            assert_memory_equal(b, c, n * 32);
            if (pass % 2 == 0) {
                x = ref_fr_root(log_n);
                ref_mul(&x, &x, &shift, &REF_FR);
                x = ref_fr_horner(a, n, &x);
                assert_memory_equal(&c[n > 1], &x, 32);
            }
            ref_fr_ntt(b, log_n, &shift, pass % 2 == 0);
            assert_memory_equal(b, a, n * 32);
        }
}

static void montgomery(void **state)
{
    ref_n a = {{5, 6, 7, 8}}, b;
    uint64_t words[4];

    (void)state;
    ref_to_mont(words, &a, &REF_FP);
    ref_from_mont(&b, words, &REF_FP);
    assert_memory_equal(&a, &b, 32);
    assert_false(ref_less(&REF_FP, &REF_FP));
    assert_true(ref_less(&REF_FR, &REF_FP));
}

static void curves(void **state)
{
    (void)state;
    for (unsigned g2 = 0; g2 <= 1; g2++) {
        ref_point g = ref_generator(g2), a, b, c, many[2], left[2], right[2];
        ref_n n = ref_small(5), r_minus_one = REF_FR;
        uint64_t words[16];

        r_minus_one.l[0]--;
        assert_true(ref_on_curve(&g, g2));
        ref_point_mul(&a, &g, &REF_FR); /* the group's order */
        assert_true(a.infinite);
        ref_point_mul(&a, &g, &r_minus_one);
        ref_point_neg(&b, &g);
        assert_memory_equal(&a, &b, sizeof(a));
        ref_point_mul(&a, &g, &n); /* 5 = 2 + 3 */
        ref_point_add(&b, &g, &g);
        ref_point_add(&c, &b, &g);
        left[0] = b, right[0] = c, left[1] = g, right[1] = c;
        ref_point_add_many(many, left, right, 2);
        assert_memory_equal(&many[0], &a, sizeof(a));
        ref_point_add(&c, &g, &c);
        assert_memory_equal(&many[1], &c, sizeof(c));
        assert_true(ref_on_curve(&a, g2));
        ref_point_words(words, &a, g2);
        assert_true(ref_point_parse(&b, words, g2));
        assert_memory_equal(&a, &b, sizeof(a));
        b.y.c0.l[0] ^= 1;
        assert_false(ref_on_curve(&b, g2));
    }
}

/* The digests of circomlib's tests: the first output for the inputs 1, 2, 3, ... */
static void bn_poseidon(void **state)
{
    static const struct {
        unsigned inputs;
        const char *digest;
    } KNOWN[] = {
        {1, "18586133768512220936620570745912940619677854269274689475585506675881198879027"},
        {2, "7853200120776062878684798364095072458815029376092732009249414926327459813530"},
        {16, "9989051620750914585850546081941653841776809718687451684622678807385399211877"},
    };
    mpz_t expected;

    (void)state;
    mpz_init(expected);
    for (unsigned i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        ref_n a[17] = {{{0}}}, digest = {{0}};
        ref_poseidon p;

        ref_poseidon_make(&p, KNOWN[i].inputs + 1);
        for (unsigned k = 1; k <= KNOWN[i].inputs; k++)
            a[k] = ref_small(k);
        ref_poseidon_permute(&p, a);
        ref_poseidon_free(&p);
        mpz_set_str(expected, KNOWN[i].digest, 10);
        memcpy(digest.l, mpz_limbs_read(expected), mpz_size(expected) * 8);
        assert_memory_equal(&a[0], &digest, 32);
    }
    mpz_clear(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldilocks_transforms),
        cmocka_unit_test(goldilocks_poseidon),
        cmocka_unit_test(fr_transforms),
        cmocka_unit_test(montgomery),
        cmocka_unit_test(curves),
        cmocka_unit_test(bn_poseidon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
