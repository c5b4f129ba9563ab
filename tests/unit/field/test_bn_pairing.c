/* Fp2, Fp6 and Fp12 against polynomials over GMP numbers, and the pairing against the definition in
 * big integers (scripts/make-bn254-vectors.py) and against its own laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/field/bn_pairing.h"
#include "tests/unit/field/bn_oracle.h"
#include "tests/unit/field/bn_pairing_vectors.h"

#include <string.h>

static oracle o;

/* an element of Fp12 as the sum of c[i] w^i, w^6 = 9 + u */
typedef struct oracle12 {
    oracle2 c[6];
} oracle12;

static int set_up(void **state)
{
    (void)state;
    oracle_init(&o);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    oracle_clear(&o);
    return 0;
}

static void oracle12_init(oracle12 *a)
{
    for (int i = 0; i < 6; i++)
        oracle2_init(&a->c[i]);
}

static void oracle12_clear(oracle12 *a)
{
    for (int i = 0; i < 6; i++)
        oracle2_clear(&a->c[i]);
}

static bn_fp2 *coefficient(bn_fp12 *a, int i)
{
    return &a->c[i % 2].c[i / 2];
}

static void oracle12_get(oracle12 *r, const bn_fp12 *a)
{
    for (int i = 0; i < 6; i++)
        oracle2_get(&o, &r->c[i], &a->c[i % 2].c[i / 2]);
}

static void expect12(const bn_fp12 *found, const oracle12 *expected)
{
    for (int i = 0; i < 6; i++)
        assert_true(oracle2_is(&o, &found->c[i % 2].c[i / 2], &expected->c[i]));
}

static void oracle12_mul(oracle12 *r, const oracle12 *a, const oracle12 *b)
{
    oracle2 t[11], x;

    oracle2_init(&x);
    for (int i = 0; i < 11; i++)
        oracle2_init(&t[i]);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            oracle2_mul(&o, &x, &a->c[i], &b->c[j]);
            mpz_add(t[i + j].c[0], t[i + j].c[0], x.c[0]);
            mpz_add(t[i + j].c[1], t[i + j].c[1], x.c[1]);
        }
    for (int i = 0; i < 6; i++) {
        if (i < 5) { /* times 9 + u */
            mpz_addmul_ui(t[i].c[0], t[i + 6].c[0], 9);
            mpz_sub(t[i].c[0], t[i].c[0], t[i + 6].c[1]);
            mpz_addmul_ui(t[i].c[1], t[i + 6].c[1], 9);
            mpz_add(t[i].c[1], t[i].c[1], t[i + 6].c[0]);
        }
        oracle2_set(&r->c[i], &t[i]);
        oracle2_mod(&o, &r->c[i]);
    }
    for (int i = 0; i < 11; i++)
        oracle2_clear(&t[i]);
    oracle2_clear(&x);
}

static void oracle12_pow(oracle12 *r, const oracle12 *a, const mpz_t e)
{
    oracle12 t, b;

    oracle12_init(&t);
    oracle12_init(&b);
    mpz_set_ui(t.c[0].c[0], 1);
    for (int i = 0; i < 6; i++)
        oracle2_set(&b.c[i], &a->c[i]);
    for (size_t i = mpz_sizeinbase(e, 2); i-- > 0;) {
        oracle12_mul(&t, &t, &t);
        if (mpz_tstbit(e, i))
            oracle12_mul(&t, &t, &b);
    }
    for (int i = 0; i < 6; i++)
        oracle2_set(&r->c[i], &t.c[i]);
    oracle12_clear(&t);
    oracle12_clear(&b);
}

static void random_fp2(bn_fp2 *a, uint64_t *seed)
{
    random_or_edge_fp(&a->c0, seed);
    random_or_edge_fp(&a->c1, seed);
}

static void random_fp12(bn_fp12 *a, uint64_t *seed)
{
    for (int i = 0; i < 6; i++) {
        random_fp2(coefficient(a, i), seed);
        if (test_random(seed) % 8 == 0)
            bn_fp2_set_zero(coefficient(a, i));
    }
}

static void check_fp2(const bn_fp2 *a, const bn_fp2 *b)
{
    bn_fp2 r;
    oracle2 x, y, e, xi;
    bool zero = bn_fp2_is_zero(a);

    oracle2_init(&x);
    oracle2_init(&y);
    oracle2_init(&e);
    oracle2_init(&xi);
    oracle2_get(&o, &x, a);
    oracle2_get(&o, &y, b);
    bn_fp2_mul(&r, a, b);
    oracle2_mul(&o, &e, &x, &y);
    assert_true(oracle2_is(&o, &r, &e));
    r = *b;
    bn_fp2_mul(&r, a, &r);
    assert_true(oracle2_is(&o, &r, &e));
    bn_fp2_sqr(&r, a);
    oracle2_mul(&o, &e, &x, &x);
    assert_true(oracle2_is(&o, &r, &e));
    r = *a;
    bn_fp2_sqr(&r, &r);
    assert_true(oracle2_is(&o, &r, &e));
    bn_fp2_sub(&r, a, b);
    oracle2_sub(&o, &e, &x, &y);
    assert_true(oracle2_is(&o, &r, &e));
    bn_fp2_add(&r, &r, b);
    assert_true(bn_fp2_eq(&r, a));
    bn_fp2_neg(&r, a);
    bn_fp2_add(&r, &r, a);
    assert_true(bn_fp2_is_zero(&r));
    bn_fp2_half(&r, a);
    bn_fp2_dbl(&r, &r);
    assert_true(bn_fp2_eq(&r, a));
    mpz_set_ui(xi.c[0], 9);
    mpz_set_ui(xi.c[1], 1);
    oracle2_mul(&o, &e, &x, &xi);
    bn_fp2_mul_xi(&r, a);
    assert_true(oracle2_is(&o, &r, &e));
    r = *a;
    bn_fp2_mul_xi(&r, &r);
    assert_true(oracle2_is(&o, &r, &e));
    mpz_set(xi.c[0], y.c[0]);
    mpz_set_ui(xi.c[1], 0);
    oracle2_mul(&o, &e, &x, &xi);
    bn_fp2_mul_fp(&r, a, &b->c0);
    assert_true(oracle2_is(&o, &r, &e));
    mpz_neg(x.c[1], x.c[1]);
    bn_fp2_conj(&r, a);
    assert_true(oracle2_is(&o, &r, &x));
    bn_fp2_cmov(&r, b, false);
    assert_true(oracle2_is(&o, &r, &x));
    bn_fp2_cmov(&r, b, true);
    assert_true(bn_fp2_eq(&r, b));
    assert_int_equal(zero, mpz_sgn(x.c[0]) == 0 && mpz_sgn(x.c[1]) == 0);
    oracle2_clear(&x);
    oracle2_clear(&y);
    oracle2_clear(&e);
    oracle2_clear(&xi);
}

static void fp2(void **state)
{
    uint64_t seed = 2, cases = random_cases(200000);
    bn_fp2 a, b;
    bn_fp edges[8];

    (void)state;
    memset(edges, 0, sizeof(edges)); /* 0, forms 1, 2, and the distance 1, 2 from p; 1, -1 */
    edges[1].l[0] = 1;
    edges[2].l[0] = 2;
    bn_fp_neg(&edges[3], &edges[1]);
    bn_fp_neg(&edges[4], &edges[2]);
    bn_fp_set_one(&edges[5]);
    bn_fp_neg(&edges[6], &edges[5]);
    edges[7].l[0] = edges[7].l[1] = edges[7].l[2] = UINT64_MAX;
    for (unsigned i = 0; i < 8 * 8 * 8 * 8; i++) {
        a.c0 = edges[i & 7];
        a.c1 = edges[i >> 3 & 7];
        b.c0 = edges[i >> 6 & 7];
        b.c1 = edges[i >> 9];
        check_fp2(&a, &b);
    }
    for (uint64_t i = 0; i < cases; i++) {
        random_fp2(&a, &seed);
        random_fp2(&b, &seed);
        check_fp2(&a, &b);
    }
}

static void fp2_inverses_and_roots(void **state)
{
    uint64_t seed = 3;
    bn_fp2 list[120], scratch[120], inverse[120], r, one, t;
    unsigned roots = 0;

    (void)state;
    bn_fp2_set_one(&one);
    for (int i = 0; i < 120; i++) {
        random_fp2(&list[i], &seed);
        if (i < 6)
            bn_fp2_set_zero(&list[i / 3 * 119]);
        bn_fp2_inv(&r, &list[i]);
        bn_fp2_mul(&r, &r, &list[i]);
        if (bn_fp2_is_zero(&list[i]))
            assert_true(bn_fp2_is_zero(&r));
        else
            assert_true(bn_fp2_eq(&r, &one));

        bn_fp2_sqr(&t, &list[i]);
        assert_true(bn_fp2_sqrt_var(&r, &t));
        bn_fp2_neg(&t, &r);
        assert_true(bn_fp2_eq(&r, &list[i]) || bn_fp2_eq(&t, &list[i]));
        if (bn_fp2_sqrt_var(&r, &list[i])) {
            bn_fp2_sqr(&t, &r);
            assert_true(bn_fp2_eq(&t, &list[i]));
            roots++;
        } else { /* then it has none: 9 + u is no square, so it times that is one */
            bn_fp2_mul_xi(&t, &list[i]);
            assert_true(bn_fp2_sqrt_var(&r, &t));
        }
    }
    assert_true(roots > 30 && roots < 110);
    memcpy(inverse, list, sizeof(list));
    bn_fp2_inv_batch(inverse, scratch, 120);
    for (int i = 0; i < 120; i++) {
        bn_fp2_inv(&r, &list[i]);
        assert_true(bn_fp2_eq(&r, &inverse[i]));
    }
}

static void fp12(void **state)
{
    uint64_t seed = 12, cases = random_cases(1500);
    bn_fp12 a, b, r, one;
    oracle12 x, y, e, line;

    (void)state;
    oracle12_init(&x);
    oracle12_init(&y);
    oracle12_init(&e);
    oracle12_init(&line);
    bn_fp12_set_one(&one);
    for (uint64_t i = 0; i < cases; i++) {
        random_fp12(&a, &seed);
        random_fp12(&b, &seed);
        if (i == 0)
            memset(&a, 0, sizeof(a));
        oracle12_get(&x, &a);
        oracle12_get(&y, &b);
        oracle12_mul(&e, &x, &y);
        bn_fp12_mul(&r, &a, &b);
        expect12(&r, &e);
        r = b;
        bn_fp12_mul(&r, &a, &r);
        expect12(&r, &e);
        oracle12_mul(&e, &x, &x);
        bn_fp12_sqr(&r, &a);
        expect12(&r, &e);
        r = a;
        bn_fp12_sqr(&r, &r);
        expect12(&r, &e);
        bn_fp12_inv(&r, &a);
        bn_fp12_mul(&r, &r, &a);
        assert_true(bn_fp12_eq(&r, i == 0 ? &a : &one));
        for (int k = 0; k < 6; k++)
            oracle2_set(&line.c[k], &y.c[k]);
        for (int k = 2; k < 6; k += k == 2 ? 2 : 1) {
            mpz_set_ui(line.c[k].c[0], 0);
            mpz_set_ui(line.c[k].c[1], 0);
        }
        oracle12_mul(&e, &x, &line);
        bn_fp12_mul_line(&r, &a, coefficient(&b, 0), coefficient(&b, 1), coefficient(&b, 3));
        expect12(&r, &e);
        r = a;
        bn_fp12_mul_line(&r, &r, coefficient(&b, 0), coefficient(&b, 1), coefficient(&b, 3));
        expect12(&r, &e);
    }
    oracle12_clear(&x);
    oracle12_clear(&y);
    oracle12_clear(&e);
    oracle12_clear(&line);
}

static void powers(void **state)
{
    uint64_t seed = 13;
    bn_fp12 a, f, r, t;
    oracle12 x;
    mpz_t n;

    (void)state;
    oracle12_init(&x);
    mpz_init_set(n, o.p);
    random_fp12(&a, &seed);
    for (unsigned k = 1; k <= 3; k++) {
        oracle12_get(&x, &a);
        oracle12_pow(&x, &x, n);
        bn_fp12_frobenius(&r, &a, k);
        expect12(&r, &x);
        mpz_mul(n, n, o.p);
    }
    bn_fp12_frobenius(&r, &a, 3);
    bn_fp12_frobenius(&r, &r, 3);
    bn_fp12_conj(&t, &a);
    assert_true(bn_fp12_eq(&r, &t));

    /* into the group of order p^4 - p^2 + 1 */
    bn_fp12_inv(&r, &a);
    bn_fp12_mul(&f, &t, &r);
    bn_fp12_frobenius(&t, &f, 2);
    bn_fp12_mul(&f, &f, &t);
    for (int i = 0; i < 100; i++) {
        bn_fp12_sqr(&t, &f);
        bn_fp12_sqr_cyclotomic(&r, &f);
        assert_true(bn_fp12_eq(&r, &t));
        bn_fp12_inv(&r, &f);
        bn_fp12_conj(&t, &f);
        assert_true(bn_fp12_eq(&r, &t));
        bn_fp12_sqr_cyclotomic(&f, &f);
    }
    oracle12_get(&x, &f);
    mpz_set_ui(n, BN_X);
    oracle12_pow(&x, &x, n);
    bn_fp12_pow_x_cyclotomic(&r, &f);
    expect12(&r, &x);

    /* the whole of the final exponent */
    mpz_pow_ui(n, o.p, 12);
    mpz_sub_ui(n, n, 1);
    mpz_divexact(n, n, o.r);
    oracle12_get(&x, &a);
    oracle12_pow(&x, &x, n);
    bn_pairing_final(&r, &a);
    expect12(&r, &x);
    mpz_clear(n);
    oracle12_clear(&x);
}

static void multiple1(bn_g1 *r, const uint64_t k[4])
{
    bn_g1 g;
    bn_g1x t;

    bn_g1_generator(&g);
    bn_g1_mul_var(&t, &g, k);
    bn_g1x_get(r, &t);
}

static void multiple2(bn_g2 *r, const uint64_t k[4])
{
    bn_g2 g;
    bn_g2x t;

    bn_g2_generator(&g);
    bn_g2_mul_var(&t, &g, k);
    bn_g2x_get(r, &t);
}

static void known_answers(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof(PAIRINGS) / sizeof(PAIRINGS[0]); k++) {
        bn_g1 p;
        bn_g2 q;
        bn_fp12 f;

        multiple1(&p, PAIRINGS[k].a);
        multiple2(&q, PAIRINGS[k].b);
        bn_pairing_miller(&f, &p, &q, 1);
        bn_pairing_final(&f, &f);
        for (int i = 0; i < 12; i++) {
            mpz_t n;
            const bn_fp2 *c = coefficient(&f, i / 2);

            mpz_init(n);
            mpz_import(n, 4, -1, 8, 0, 0, PAIRINGS[k].e[i]);
            assert_true(oracle_is(&o, i % 2 ? &c->c1 : &c->c0, n));
            mpz_clear(n);
        }
    }
}

static void set_hex(bn_fp *r, const char *hex)
{
    uint64_t w[4] = {0};
    mpz_t n;

    mpz_init(n);
    assert_int_equal(mpz_set_str(n, hex, 16), 0);
    mpz_export(w, NULL, -1, 8, 0, 0, n);
    mpz_clear(n);
    assert_true(bn_fp_set_words(r, w));
}

/* "jeff1" of the tests of Ethereum's precompile bn256Pairing (EIP-197: imaginary parts first) */
static void eip_197(void **state)
{
    bn_g1 p[2];
    bn_g2 q[2];
    bool one;

    (void)state;
    set_hex(&p[0].x, "1c76476f4def4bb94541d57ebba1193381ffa7aa76ada664dd31c16024c43f59");
    set_hex(&p[0].y, "3034dd2920f673e204fee2811c678745fc819b55d3e9d294e45c9b03a76aef41");
    set_hex(&q[0].x.c1, "209dd15ebff5d46c4bd888e51a93cf99a7329636c63514396b4a452003a35bf7");
    set_hex(&q[0].x.c0, "04bf11ca01483bfa8b34b43561848d28905960114c8ac04049af4b6315a41678");
    set_hex(&q[0].y.c1, "2bb8324af6cfc93537a2ad1a445cfd0ca2a71acd7ac41fadbf933c2a51be344d");
    set_hex(&q[0].y.c0, "120a2a4cf30c1bf9845f20c6fe39e07ea2cce61f0c9bb048165fe5e4de877550");
    set_hex(&p[1].x, "111e129f1cf1097710d41c4ac70fcdfa5ba2023c6ff1cbeac322de49d1b6df7c");
    set_hex(&p[1].y, "2032c61a830e3c17286de9462bf242fca2883585b93870a73853face6a6bf411");
    bn_g2_generator(&q[1]);
    assert_true(bn_pairing_check(&one, p, q, 2));
    assert_true(one);
    bn_fp_neg(&p[1].y, &p[1].y);
    assert_true(bn_pairing_check(&one, p, q, 2));
    assert_false(one);
}

/* products that are 1 by bilinearity: a_i b_i that sum to 0 modulo r, and one that misses it */
static void products(void **state)
{
    uint64_t seed = 99;

    (void)state;
    for (size_t n = 1; n <= 19; n += n < 4 ? 1 : 5) {
        bn_g1 p[20];
        bn_g2 q[20];
        bn_fr a, b, sum;
        uint64_t w[4];
        bool one;

        bn_fr_set_zero(&sum);
        for (size_t i = 0; i < n; i++) {
            random_fp((bn_fp *)&a, &seed);
            random_fp((bn_fp *)&b, &seed);
            a.l[3] >>= 1; /* canonical in Fr, too */
            b.l[3] >>= 1;
            if (i == 3) /* infinity on either side counts as 1 */
                bn_fr_set_zero(&a);
            if (i == 4)
                bn_fr_set_zero(&b);
            bn_fr_get_words(w, &a);
            multiple1(&p[i], w);
            bn_fr_get_words(w, &b);
            multiple2(&q[i], w);
            bn_fr_mul(&a, &a, &b);
            bn_fr_add(&sum, &sum, &a);
        }
        assert_true(bn_pairing_check(&one, p, q, n));
        assert_false(one);
        bn_fr_neg(&sum, &sum);
        bn_fr_get_words(w, &sum);
        multiple1(&p[n], w);
        bn_g2_generator(&q[n]);
        assert_true(bn_pairing_check(&one, p, q, n + 1));
        assert_true(one);
    }
}

static void bilinear(void **state)
{
    static const uint64_t scalar[4] = {0x123456789abcdef, 0xfedcba987654321, 77, 0x1234};
    static const uint64_t order[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    bn_g1 g, p;
    bn_g2 h, q;
    bn_fp12 e, ep, eq, t, one;

    (void)state;
    bn_g1_generator(&g);
    bn_g2_generator(&h);
    multiple1(&p, scalar);
    multiple2(&q, scalar);
    bn_pairing_miller(&e, &g, &h, 1);
    bn_pairing_final(&e, &e);
    bn_pairing_miller(&ep, &p, &h, 1);
    bn_pairing_final(&ep, &ep);
    bn_pairing_miller(&eq, &g, &q, 1);
    bn_pairing_final(&eq, &eq);
    assert_true(bn_fp12_eq(&ep, &eq));
    bn_fp12_set_one(&one);
    assert_false(bn_fp12_eq(&e, &one)); /* not degenerate */
    for (int k = 0; k < 2; k++) {
        const uint64_t *n = k ? order : scalar;

        t = one;
        for (int i = 255; i >= 0; i--) {
            bn_fp12_sqr(&t, &t);
            if (n[i / 64] >> i % 64 & 1)
                bn_fp12_mul(&t, &t, &e);
        }
        assert_true(bn_fp12_eq(&t, k ? &one : &ep));
    }
}

static void refused(void **state)
{
    bn_g1 p, good1;
    bn_g2 q, good2;
    bool one = true;
    mpz_t n;

    (void)state;
    bn_g1_generator(&good1);
    bn_g2_generator(&good2);
    assert_true(bn_pairing_check(&one, NULL, NULL, 0));
    assert_true(one);
    bn_g1_set_zero(&p);
    assert_true(bn_pairing_check(&one, &p, &good2, 1));
    assert_true(one);
    bn_g2_set_zero(&q);
    assert_true(bn_pairing_check(&one, &good1, &q, 1));
    assert_true(one);
    p = good1; /* off the curve */
    p.x.l[0] ^= 1;
    one = true;
    assert_false(bn_pairing_check(&one, &p, &good2, 1));
    assert_false(one);
    q = good2;
    q.y.c1.l[1] ^= 1;
    assert_false(bn_pairing_check(&one, &good1, &q, 1));
    p = good1; /* the same number, not canonical */
    mpz_init(n);
    mpz_import(n, 4, -1, 8, 0, 0, p.x.l);
    mpz_add(n, n, o.p);
    mpz_export(p.x.l, NULL, -1, 8, 0, 0, n);
    mpz_clear(n);
    assert_false(bn_pairing_check(&one, &p, &good2, 1));
    for (uint64_t i = 0;; i++) { /* on the curve, outside of the subgroup */
        static const bn_fp2 b = BN_G2_B_INIT;
        bn_fp2 t;

        bn_fp_set_u64(&q.x.c0, i);
        bn_fp_set_one(&q.x.c1);
        bn_fp2_sqr(&t, &q.x);
        bn_fp2_mul(&t, &t, &q.x);
        bn_fp2_add(&t, &t, &b);
        if (bn_fp2_sqrt_var(&q.y, &t))
            break;
    }
    assert_true(bn_g2_on_curve(&q));
    one = true;
    assert_false(bn_pairing_check(&one, &good1, &q, 1));
    assert_false(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fp2),      cmocka_unit_test(fp2_inverses_and_roots),
        cmocka_unit_test(fp12),     cmocka_unit_test(powers),
        cmocka_unit_test(bilinear), cmocka_unit_test(known_answers),
        cmocka_unit_test(eip_197),  cmocka_unit_test(products),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
