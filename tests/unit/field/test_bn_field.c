/* Fp and Fr of BN254 against GMP, every way they are compiled. A Montgomery form a stands for a /
 * 2^256, so that GMP multiplies by 2^-256 what the field's multiplication multiplies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/field/bn_ops.h"
#include "tests/unit/field/random.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(mp_limb_t) == 8, "a limb of GMP is a word");

typedef struct oracle {
    mp_limb_t p[4], r_inv[4];
} oracle;

/* EIP-196's numbers */
static const char *const MODULI[2] = {
    "21888242871839275222246405745257275088696311157297823662689037894645226208583",
    "21888242871839275222246405745257275088548364400416034343698204186575808495617"};

static oracle oracles[2];

static void export_words(mp_limb_t *words, size_t n, const mpz_t a)
{
    memset(words, 0, n * 8);
    assert_true(mpz_size(a) <= n);
    memcpy(words, mpz_limbs_read(a), mpz_size(a) * 8);
}

static int set_up(void **state)
{
    mpz_t p, r;

    (void)state;
    mpz_inits(p, r, NULL);
    for (int f = 0; f < 2; f++) {
        mpz_set_str(p, MODULI[f], 10);
        export_words(oracles[f].p, 4, p);
        mpz_set_ui(r, 1);
        mpz_mul_2exp(r, r, 256);
        mpz_invert(r, r, p);
        export_words(oracles[f].r_inv, 4, r);
    }
    mpz_clears(p, r, NULL);
    return 0;
}

/* r = a mod p, n words */
static void modulo(const oracle *o, mp_limb_t r[4], const mp_limb_t *a, mp_size_t n)
{
    mp_limb_t q[16];

    mpn_tdiv_qr(q, r, 0, a, n, o->p, 4);
}

/* r = w / 2^256 mod p, n <= 9 words */
static void divide_r(const oracle *o, mp_limb_t r[4], const mp_limb_t *w, mp_size_t n)
{
    mp_limb_t t[13];

    mpn_mul(t, w, n, o->r_inv, 4);
    modulo(o, r, t, n + 4);
}

static void expect(const bn_ops *ops, const char *what, const uint64_t *found,
                   const mp_limb_t *expected, const uint64_t *a, const uint64_t *b)
{
    if (memcmp(found, expected, 32) == 0)
        return;
    fail_msg("%s: %s of %016lx %016lx %016lx %016lx and %016lx %016lx %016lx %016lx is "
             "%016lx %016lx %016lx %016lx, expected %016lx %016lx %016lx %016lx",
             ops->name, what, a[3], a[2], a[1], a[0], b[3], b[2], b[1], b[0], found[3], found[2],
             found[1], found[0], expected[3], expected[2], expected[1], expected[0]);
}

/* what takes two elements, in place or not */
static void check_pair(const bn_ops *ops, const oracle *o, const uint64_t *a, const uint64_t *b)
{
    mp_limb_t t[9], e[4];
    uint64_t r[4], w[8];

    t[4] = mpn_add_n(t, a, b, 4);
    modulo(o, e, t, 5);
    ops->add(r, a, b);
    expect(ops, "sum", r, e, a, b);
    memcpy(r, b, 32);
    ops->add(r, a, r);
    expect(ops, "sum in place", r, e, a, b);

    if (mpn_cmp(a, b, 4) >= 0) {
        mpn_sub_n(e, a, b, 4);
    } else {
        mpn_sub_n(e, o->p, b, 4);
        mpn_add_n(e, e, a, 4);
    }
    ops->sub(r, a, b);
    expect(ops, "difference", r, e, a, b);
    memcpy(r, b, 32);
    ops->sub(r, a, r);
    expect(ops, "difference in place", r, e, a, b);

    mpn_mul_n(t, a, b, 4);
    ops->wide_mul(w, a, b);
    assert_memory_equal(w, t, 64);
    divide_r(o, e, t, 8);
    ops->wide_reduce(r, w);
    expect(ops, "wide product", r, e, a, b);
    ops->mul(r, a, b);
    expect(ops, "product", r, e, a, b);
    memcpy(r, b, 32);
    ops->mul(r, r, a);
    expect(ops, "product in place", r, e, a, b);
    assert_int_equal(ops->eq(a, b), memcmp(a, b, 32) == 0);
}

static void check_one(const bn_ops *ops, const oracle *o, const uint64_t *a)
{
    static const mp_limb_t zero[4] = {0}, r2[5] = {0, 0, 0, 0, 1};
    mp_limb_t t[9], e[4], n[5];
    uint64_t r[4], w[8];

    mpn_sub_n(t, o->p, a, 4);
    modulo(o, e, t, 4);
    ops->neg(r, a);
    expect(ops, "negative", r, e, a, zero);
    t[4] = mpn_lshift(t, a, 4, 1);
    modulo(o, e, t, 5);
    ops->dbl(r, a);
    expect(ops, "double", r, e, a, zero);
    memcpy(r, a, 32);
    ops->dbl(r, r);
    expect(ops, "double in place", r, e, a, zero);
    ops->half(r, a);
    t[4] = mpn_lshift(t, r, 4, 1);
    modulo(o, e, t, 5);
    expect(ops, "double of the half", a, e, r, zero);
    assert_true(ops->is_canonical(r));

    mpn_sqr(t, a, 4);
    ops->wide_sqr(w, a);
    assert_memory_equal(w, t, 64);
    divide_r(o, e, t, 8);
    ops->sqr(r, a);
    expect(ops, "square", r, e, a, zero);
    memcpy(r, a, 32);
    ops->sqr(r, r);
    expect(ops, "square in place", r, e, a, zero);

    divide_r(o, e, a, 4);
    ops->get_words(r, a);
    expect(ops, "number", r, e, a, zero);
    mpn_mul(n, r2, 5, a, 1); /* a[0] * 2^256 */
    modulo(o, e, n, 5);
    ops->set_u64(r, a[0]);
    expect(ops, "one word", r, e, a, zero);
    mpn_mul(t, r2, 5, a, 4);
    modulo(o, e, t, 9);
    memset(r, 0, 32);
    assert_true(ops->set_words(r, a));
    expect(ops, "form", r, e, a, zero);
    assert_int_equal(ops->is_zero(a), memcmp(a, zero, 32) == 0);
    assert_true(ops->is_canonical(a));
}

/* wide differences, negative ones modulo 2^256 p; products of a + b u and b + a u */
static void check_fp2(const bn_ops *ops, const oracle *o, const uint64_t *a, const uint64_t *b)
{
    mp_limb_t aa[8], bb[8], ab[9], d[9], e[4];
    uint64_t x[8], y[8], r[8], w[8];

    mpn_sqr(aa, a, 4);
    mpn_sqr(bb, b, 4);
    mpn_mul_n(ab, a, b, 4);
    memcpy(w, aa, 64); /* a^2 - b^2 as a wide number */
    ops->wide_sub(w, bb);
    if (mpn_sub_n(d, aa, bb, 8) != 0)
        mpn_add_n(d + 4, d + 4, o->p, 4);
    assert_memory_equal(w, d, 64);
    divide_r(o, e, d, 8);
    ops->wide_reduce5(r, w);
    expect(ops, "difference of squares", r, e, a, b);
    if (ops->fp2_mul == NULL)
        return;
    memcpy(x, a, 32); /* (a + b u)^2 */
    memcpy(x + 4, b, 32);
    ops->fp2_sqr(r, x);
    expect(ops, "real part of a square", r, e, a, b);
    ab[8] = mpn_lshift(ab, ab, 8, 1);
    divide_r(o, e, ab, 9);
    expect(ops, "imaginary part of a square", r + 4, e, a, b);
    memcpy(y, x, 64);
    ops->fp2_mul(w, x, y);
    assert_memory_equal(w, r, 64);
    memcpy(y, b, 32); /* (a + b u)(b + a u) = (a^2 + b^2) u */
    memcpy(y + 4, a, 32);
    ops->fp2_mul(y, x, y);
    d[8] = mpn_add_n(d, aa, bb, 8);
    divide_r(o, e, d, 9);
    expect(ops, "imaginary part of a product", y + 4, e, a, b);
    memset(e, 0, 32);
    expect(ops, "real part of a product", y, e, a, b);
}

/* factors below 2 p: a result below 2 p, or a canonical one; sums of 22 products */
static void check_lazy(const bn_ops *ops, const oracle *o, const uint64_t *a, const uint64_t *b)
{
    mp_limb_t t[9], e[4], a2[4], b2[4], twice[4];
    uint64_t r[4], w[8];

    mpn_lshift(twice, o->p, 4, 1);
    for (int k = 0; k < 4; k++) {
        memcpy(a2, a, 32);
        memcpy(b2, b, 32);
        if (k & 1)
            mpn_add_n(a2, a2, o->p, 4);
        if (k & 2)
            mpn_add_n(b2, b2, o->p, 4);
        mpn_mul_n(t, a2, b2, 4);
        divide_r(o, e, t, 8);
        ops->mul(r, a2, b2);
        expect(ops, "product of large ones", r, e, a2, b2);
        ops->mul_lazy(r, a2, b2);
        assert_true(mpn_cmp(r, twice, 4) < 0);
        modulo(o, r, r, 4);
        expect(ops, "lazy product", r, e, a2, b2);
        ops->wide_mul(w, a2, b2);
        ops->wide_reduce(r, w);
        expect(ops, "wide product of large ones", r, e, a2, b2);
    }
    mpn_sqr(t, a2, 4); /* p was added */
    divide_r(o, e, t, 8);
    ops->sqr(r, a2);
    expect(ops, "square of a large one", r, e, a2, a2);
    ops->wide_sqr(w, a2);
    assert_memory_equal(w, t, 64);

    /* one product of 4 p and any 256 bits */
    mpn_lshift(a2, o->p, 4, 2);
    memcpy(b2, b, 32);
    b2[3] = ~b2[3];
    mpn_mul_n(t, a2, b2, 4);
    divide_r(o, e, t, 8);
    ops->mul_lazy(r, a2, b2);
    modulo(o, r, r, 4);
    expect(ops, "lazy product of the largest", r, e, a2, b2);
    ops->set_words(r, b2);

    memset(w, 0, 64);
    memset(t, 0, sizeof(t));
    for (int k = 0; k < 22; k++) {
        mp_limb_t product[8];

        ops->wide_mac(w, k & 1 ? b : a, b);
        mpn_mul_n(product, k & 1 ? b : a, b, 4);
        assert_int_equal(mpn_add_n(t, t, product, 8), 0);
    }
    assert_memory_equal(w, t, 64);
    divide_r(o, e, t, 8);
    ops->wide_reduce(r, w);
    expect(ops, "sum of 22 products", r, e, a, b);
}

/* numbers at which carries and reductions begin; below the modulus */
static size_t edge_values(const oracle *o, uint64_t list[][4])
{
    static const uint64_t words[] = {0,
                                     1,
                                     2,
                                     3,
                                     0xfffffffe,
                                     0xffffffff,
                                     0x100000000,
                                     0x7fffffffffffffff,
                                     0x8000000000000000,
                                     0xfffffffffffffffe,
                                     0xffffffffffffffff};
    mp_limb_t r[5] = {0, 0, 0, 0, 1}, one[4];
    size_t n = 0;

    for (size_t i = 0; i < sizeof(words) / 8; i++) { /* low words, and their distance from p */
        mp_limb_t w[4] = {words[i], 0, 0, 0};

        memcpy(list[n++], w, 32);
        if (words[i] != 0) {
            mpn_sub_n(w, o->p, w, 4);
            memcpy(list[n++], w, 32);
        }
    }
    for (int mask = 2; mask < 16; mask++) { /* words all ones below a high word that fits */
        for (int i = 0; i < 4; i++)
            list[n][i] = mask >> i & 1 ? UINT64_MAX : 0;
        if (mask & 8)
            list[n][3] = o->p[3] - 1;
        n++;
    }
    for (int i = 0; i < 4; i++) { /* the modulus in all words but one */
        memcpy(list[n], o->p, 32);
        if (list[n][i] > 0)
            list[n++][i]--;
    }
    mpn_rshift(list[n++], o->p, 4, 1); /* (p - 1) / 2 and (p + 1) / 2 */
    mpn_add_1(list[n], list[n - 1], 4, 1);
    n++;
    modulo(o, one, r, 5); /* the forms of 1, -1 and 2^256 */
    memcpy(list[n++], one, 32);
    mpn_sub_n(list[n++], o->p, one, 4);
    {
        mp_limb_t t[8];

        mpn_sqr(t, one, 4);
        modulo(o, list[n++], t, 8);
    }
    return n;
}

static void random_element(const oracle *o, uint64_t *a, uint64_t *seed)
{
    do
        for (int i = 0; i < 4; i++)
            a[i] = i < 3 ? test_random(seed) : test_random(seed) >> 2;
    while (mpn_cmp(a, o->p, 4) >= 0);
}

static uint64_t random_cases(uint64_t fallback)
{
    const char *text = getenv("ZKP_TEST_CASES");

    return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

static size_t implementations(const bn_ops *list[6], int fields[6])
{
    size_t n = 0;

    list[n] = &bn_fp_ops_plain;
    fields[n++] = 0;
    list[n] = &bn_fr_ops_plain;
    fields[n++] = 1;
    list[n] = &bn_fp_ops_portable;
    fields[n++] = 0;
    list[n] = &bn_fr_ops_portable;
    fields[n++] = 1;
#if defined(__x86_64__)
    if (p_isa_supported(P_ISA_AVX2)) {
        list[n] = &bn_fp_ops_avx2;
        fields[n++] = 0;
        list[n] = &bn_fr_ops_avx2;
        fields[n++] = 1;
    } else {
        print_message("this CPU has no AVX2, BMI2 and ADX: that form is not tested\n");
    }
#endif
    return n;
}

static void edges(void **state)
{
    const bn_ops *list[6];
    int fields[6];
    uint64_t values[64][4];
    size_t count = implementations(list, fields);

    (void)state;
    for (size_t k = 0; k < count; k++) {
        const oracle *o = &oracles[fields[k]];
        size_t n = edge_values(o, values);

        assert_true(n <= 64);
        for (size_t i = 0; i < n; i++) {
            assert_true(mpn_cmp(values[i], o->p, 4) < 0);
            check_one(list[k], o, values[i]);
            for (size_t j = 0; j < n; j++) {
                check_pair(list[k], o, values[i], values[j]);
                check_fp2(list[k], o, values[i], values[j]);
                check_lazy(list[k], o, values[i], values[j]);
            }
        }
    }
}

static void random_pairs(void **state)
{
    const bn_ops *list[6];
    int fields[6];
    size_t count = implementations(list, fields);
    uint64_t cases = random_cases(1000000), seed = 254;

    (void)state;
    for (size_t k = 0; k < count; k++) {
        const oracle *o = &oracles[fields[k]];
        uint64_t a[4], b[4];

        random_element(o, b, &seed);
        for (uint64_t i = 0; i < cases; i++) {
            memcpy(a, b, 32);
            random_element(o, b, &seed);
            check_pair(list[k], o, a, b);
            if (i % 4 == 0) {
                check_one(list[k], o, a);
                check_fp2(list[k], o, a, b);
            }
            if (i % 16 == 0)
                check_lazy(list[k], o, a, b);
        }
    }
}

static void refuses_what_is_not_canonical(void **state)
{
    const bn_ops *list[6];
    int fields[6];
    size_t count = implementations(list, fields);

    (void)state;
    for (size_t k = 0; k < count; k++) {
        const oracle *o = &oracles[fields[k]];
        uint64_t w[4], r[4] = {1, 2, 3, 4};
        static const uint64_t untouched[4] = {1, 2, 3, 4};

        for (int i = 0; i < 6; i++) {
            memcpy(w, o->p, 32);
            if (i == 4)
                memset(w, 0xff, 32);
            else if (i < 4)
                w[i]++;
            assert_false(list[k]->set_words(r, w));
            assert_false(list[k]->is_canonical(w));
            assert_memory_equal(r, untouched, 32);
        }
    }
}

static void inverses_and_roots(void **state)
{
    static const uint64_t zero[4] = {0};
    const bn_ops *list[6];
    int fields[6];
    size_t count = implementations(list, fields);
    uint64_t seed = 77;
    mpz_t a, p;

    (void)state;
    mpz_inits(a, p, NULL);
    for (size_t k = 0; k < count; k++) {
        const bn_ops *ops = list[k];
        const oracle *o = &oracles[fields[k]];
        uint64_t values[264][4], scratch[264][4], r[4], w[4], one[4], product[4], back[4];
        size_t n = edge_values(o, values), all = n + 200;

        mpz_set_str(p, MODULI[fields[k]], 10);
        ops->set_u64(one, 1);
        for (size_t i = n; i < all; i++)
            random_element(o, values[i], &seed);
        for (size_t i = 0; i < all; i++) {
            ops->inv(r, values[i]);
            ops->mul(product, r, values[i]);
            assert_memory_equal(product, i == 0 ? zero : one, 32);
            assert_true(ops->is_canonical(r));

            ops->get_words(w, values[i]);
            mpz_import(a, 4, -1, 8, 0, 0, w);
            assert_int_equal(ops->legendre(values[i]), mpz_legendre(a, p));
            memcpy(r, one, 32);
            if (ops->sqrt_var(r, values[i])) {
                assert_true(mpz_legendre(a, p) >= 0);
                ops->sqr(back, r);
                assert_memory_equal(back, values[i], 32);
                ops->get_words(w, r);
                assert_true(mpn_cmp(w, o->p, 4) < 0 && (w[0] & 1) == 0);
            } else {
                assert_int_equal(mpz_legendre(a, p), -1);
                assert_memory_equal(r, one, 32);
            }
            ops->pow_var(r, values[i], values[all - 1 - i]);
            mpz_import(a, 4, -1, 8, 0, 0, w);
            ops->get_words(w, values[i]);
            mpz_import(a, 4, -1, 8, 0, 0, w);
            {
                mpz_t e;

                mpz_init(e);
                mpz_import(e, 4, -1, 8, 0, 0, values[all - 1 - i]);
                mpz_powm(e, a, e, p);
                ops->get_words(w, r);
                mpz_import(a, 4, -1, 8, 0, 0, w);
                assert_int_equal(mpz_cmp(a, e), 0);
                mpz_clear(e);
            }
        }
        memcpy(values[all - 1], zero, 32); /* zeros at the ends and inside */
        memcpy(values[n], zero, 32);
        {
            uint64_t inverse[264][4];

            memcpy(inverse, values, sizeof(inverse));
            ops->inv_batch(inverse[0], scratch[0], all);
            for (size_t i = 0; i < all; i++) {
                ops->inv(r, values[i]);
                assert_memory_equal(r, inverse[i], 32);
            }
            ops->inv_batch(inverse[0], scratch[0], 0);
            ops->inv_batch(inverse[1], scratch[0], 1);
            assert_memory_equal(inverse[1], values[1], 32);
        }
    }
    mpz_clears(a, p, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges),
        cmocka_unit_test(random_pairs),
        cmocka_unit_test(refuses_what_is_not_canonical),
        cmocka_unit_test(inverses_and_roots),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
