/* Points: the template in tiny groups, exhaustively; G1 and G2 against the affine formulas in GMP
 * numbers; the endomorphism's split at its extremes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/field/bn_curve.h"
#include "tests/unit/field/bn_oracle.h"

#include <string.h>

/* ---- the template over tiny fields ---- */

typedef struct toy {
    unsigned v;
} toy;

static unsigned toy_p;

static inline void toy_set_zero(toy *r)
{
    r->v = 0;
}

static inline void toy_set_one(toy *r)
{
    r->v = 1;
}

static inline bool toy_is_zero(const toy *a)
{
    return a->v == 0;
}

static inline bool toy_eq(const toy *a, const toy *b)
{
    return a->v == b->v;
}

static inline void toy_add(toy *r, const toy *a, const toy *b)
{
    r->v = (a->v + b->v) % toy_p;
}

static inline void toy_sub(toy *r, const toy *a, const toy *b)
{
    r->v = (a->v + toy_p - b->v) % toy_p;
}

static inline void toy_neg(toy *r, const toy *a)
{
    r->v = (toy_p - a->v) % toy_p;
}

static inline void toy_dbl(toy *r, const toy *a)
{
    toy_add(r, a, a);
}

static inline void toy_mul(toy *r, const toy *a, const toy *b)
{
    r->v = a->v * b->v % toy_p;
}

static inline void toy_sqr(toy *r, const toy *a)
{
    toy_mul(r, a, a);
}

static void toy_inv(toy *r, const toy *a)
{
    toy t = {0};

    for (unsigned i = 1; i < toy_p; i++)
        if (i * a->v % toy_p == 1)
            t.v = i;
    *r = t;
}

#define E toy
#define EF(name) toy_##name
#define A toy_point
#define X toy_pointx
#define AF(name) toy_point_##name
#define XF(name) toy_pointx_##name
#include "driver/field/bn254_group.h"
#undef E
#undef EF
#undef A
#undef X
#undef AF
#undef XF

/* chord and tangent */
static toy_point toy_sum(toy_point a, toy_point b)
{
    toy_point zero = {{0}, {0}}, s;
    toy k, t;

    if (toy_point_is_zero(&a))
        return b;
    if (toy_point_is_zero(&b))
        return a;
    if (a.x.v == b.x.v) {
        if ((a.y.v + b.y.v) % toy_p == 0)
            return zero;
        k.v = 3 * a.x.v * a.x.v % toy_p;
        toy_dbl(&t, &a.y);
    } else {
        toy_sub(&k, &b.y, &a.y);
        toy_sub(&t, &b.x, &a.x);
    }
    toy_inv(&t, &t);
    toy_mul(&k, &k, &t);
    s.x.v = (k.v * k.v + 2 * toy_p - a.x.v - b.x.v) % toy_p;
    s.y.v = (k.v * (a.x.v + toy_p - s.x.v) + toy_p - a.y.v) % toy_p;
    return s;
}

static toy_pointx toy_scaled(toy_point a, unsigned z)
{
    toy_pointx r = {{0}, {0}, {0}, {0}};

    if (toy_point_is_zero(&a)) { /* infinity in any disguise */
        r.x.v = z;
        r.y.v = z * z % toy_p;
        return r;
    }
    r.zz.v = z * z % toy_p;
    r.zzz.v = r.zz.v * z % toy_p;
    r.x.v = a.x.v * r.zz.v % toy_p;
    r.y.v = a.y.v * r.zzz.v % toy_p;
    return r;
}

static void expect_toy(const toy_pointx *found, toy_point expected)
{
    toy_point a;
    toy_pointx x;

    toy_pointx_get(&a, found);
    assert_int_equal(a.x.v, expected.x.v);
    assert_int_equal(a.y.v, expected.y.v);
    toy_pointx_set(&x, &expected);
    assert_true(toy_pointx_eq(found, &x));
    assert_int_equal(toy_pointx_is_zero(found), toy_point_is_zero(&expected));
}

static void all_of_tiny_groups(void **state)
{
    static const unsigned primes[] = {5, 7, 11, 13, 19, 31};
    unsigned groups = 0;

    (void)state;
    for (size_t k = 0; k < sizeof(primes) / sizeof(primes[0]); k++) {
        toy_p = primes[k];
        for (unsigned b = 1; b < toy_p; b++, groups++) {
            toy_point list[80];
            size_t n = 0;

            memset(&list[n++], 0, sizeof(list[0]));
            for (unsigned x = 0; x < toy_p; x++)
                for (unsigned y = 0; y < toy_p; y++)
                    if ((y * y + 10 * toy_p * toy_p * toy_p - x * x * x - b) % toy_p == 0)
                        list[n++] = (toy_point){{x}, {y}};
            for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < n; j++) {
                    toy_point sum = toy_sum(list[i], list[j]), minus, difference;
                    unsigned z1 = 1 + (unsigned)((i * 7 + j * 3) % (toy_p - 1));
                    unsigned z2 = 1 + (unsigned)((i + j * 5) % (toy_p - 1));
                    toy_pointx r, s = toy_scaled(list[i], z1), t = toy_scaled(list[j], z2);

                    toy_point_neg(&minus, &list[j]);
                    difference = toy_sum(list[i], minus);
                    assert_int_equal(toy_pointx_eq(&s, &t), i == j);
                    assert_int_equal(toy_point_eq(&list[i], &list[j]), i == j);
                    toy_pointx_add(&r, &s, &t);
                    expect_toy(&r, sum);
                    toy_pointx_add_affine(&r, &s, &list[j]);
                    expect_toy(&r, sum);
                    toy_pointx_sub_affine(&r, &s, &list[j]);
                    expect_toy(&r, difference);
                    toy_pointx_neg(&r, &t);
                    toy_pointx_add(&r, &r, &s); /* in place, either side */
                    expect_toy(&r, difference);
                    r = t;
                    toy_pointx_add(&r, &s, &r);
                    expect_toy(&r, sum);
                    r = s;
                    toy_pointx_add_affine(&r, &r, &list[j]);
                    expect_toy(&r, sum);
                    if (i == j) {
                        toy_pointx_dbl(&r, &s);
                        expect_toy(&r, sum);
                        toy_pointx_dbl(&s, &s);
                        expect_toy(&s, sum);
                        toy_pointx_dbl_affine(&r, &list[i]);
                        expect_toy(&r, sum);
                    }
                }
            }
        }
    }
    assert_int_equal(groups, 4 + 6 + 10 + 12 + 18 + 30);
}

/* ---- the two groups against GMP ---- */

static oracle o;

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

typedef struct point {
    oracle2 x, y;
    bool zero;
} point;

static void point_init(point *a)
{
    oracle2_init(&a->x);
    oracle2_init(&a->y);
    a->zero = true;
}

static void point_clear(point *a)
{
    oracle2_clear(&a->x);
    oracle2_clear(&a->y);
}

static void point_set(point *r, const point *a)
{
    oracle2_set(&r->x, &a->x);
    oracle2_set(&r->y, &a->y);
    r->zero = a->zero;
}

static void point_add(point *r, const point *a, const point *b)
{
    oracle2 k, t, x;

    if (a->zero || b->zero) {
        point_set(r, a->zero ? b : a);
        return;
    }
    oracle2_init(&k);
    oracle2_init(&t);
    oracle2_init(&x);
    if (oracle2_eq(&a->x, &b->x)) {
        if (!oracle2_eq(&a->y, &b->y)) {
            r->zero = true;
            goto out;
        }
        oracle2_mul(&o, &k, &a->x, &a->x);
        mpz_mul_ui(k.c[0], k.c[0], 3);
        mpz_mul_ui(k.c[1], k.c[1], 3);
        mpz_mul_ui(t.c[0], a->y.c[0], 2);
        mpz_mul_ui(t.c[1], a->y.c[1], 2);
    } else {
        oracle2_sub(&o, &k, &b->y, &a->y);
        oracle2_sub(&o, &t, &b->x, &a->x);
    }
    oracle2_inv(&o, &t, &t);
    oracle2_mul(&o, &k, &k, &t);
    oracle2_mul(&o, &x, &k, &k);
    oracle2_sub(&o, &x, &x, &a->x);
    oracle2_sub(&o, &x, &x, &b->x);
    oracle2_sub(&o, &t, &a->x, &x);
    oracle2_mul(&o, &t, &t, &k);
    oracle2_sub(&o, &r->y, &t, &a->y);
    oracle2_set(&r->x, &x);
    r->zero = false;
out:
    oracle2_clear(&k);
    oracle2_clear(&t);
    oracle2_clear(&x);
}

static void point_mul(point *r, const point *a, const mpz_t k)
{
    point t, b;

    point_init(&t);
    point_init(&b);
    point_set(&b, a);
    for (size_t i = mpz_sizeinbase(k, 2); i-- > 0;) {
        point_add(&t, &t, &t);
        if (mpz_tstbit(k, i))
            point_add(&t, &t, &b);
    }
    point_set(r, &t);
    point_clear(&t);
    point_clear(&b);
}

/* The same tests for either group: a point as (x, y) of Fp2, G1's with second halves 0. */
static void to_point1(point *r, const bn_g1 *a)
{
    r->zero = bn_g1_is_zero(a);
    oracle_get(&o, r->x.c[0], &a->x);
    oracle_get(&o, r->y.c[0], &a->y);
    mpz_set_ui(r->x.c[1], 0);
    mpz_set_ui(r->y.c[1], 0);
}

static void to_point2(point *r, const bn_g2 *a)
{
    r->zero = bn_g2_is_zero(a);
    oracle2_get(&o, &r->x, &a->x);
    oracle2_get(&o, &r->y, &a->y);
}

static bool is_point1(const bn_g1 *a, const point *b)
{
    if (b->zero)
        return bn_g1_is_zero(a);
    return oracle_is(&o, &a->x, b->x.c[0]) && oracle_is(&o, &a->y, b->y.c[0]);
}

static bool is_point2(const bn_g2 *a, const point *b)
{
    if (b->zero)
        return bn_g2_is_zero(a);
    return oracle2_is(&o, &a->x, &b->x) && oracle2_is(&o, &a->y, &b->y);
}

static void scale1(bn_g1x *r, const bn_g1 *a, const bn_fp *z)
{
    bn_g1x_set(r, a);
    bn_fp_sqr(&r->zz, z);
    bn_fp_mul(&r->zzz, &r->zz, z);
    bn_fp_mul(&r->x, &a->x, &r->zz);
    bn_fp_mul(&r->y, &a->y, &r->zzz);
    if (bn_g1_is_zero(a))
        bn_fp_set_zero(&r->zz);
}

static void scale2(bn_g2x *r, const bn_g2 *a, const bn_fp2 *z)
{
    bn_g2x_set(r, a);
    bn_fp2_sqr(&r->zz, z);
    bn_fp2_mul(&r->zzz, &r->zz, z);
    bn_fp2_mul(&r->x, &a->x, &r->zz);
    bn_fp2_mul(&r->y, &a->y, &r->zzz);
    if (bn_g2_is_zero(a))
        bn_fp2_set_zero(&r->zz);
}

/* some point of the curve (of G2: mostly outside of the subgroup) */
static void random_point1(bn_g1 *r, uint64_t *seed)
{
    static const bn_fp b = BN_G1_B_INIT;
    bn_fp t;

    do {
        random_fp(&r->x, seed);
        bn_fp_sqr(&t, &r->x);
        bn_fp_mul(&t, &t, &r->x);
        bn_fp_add(&t, &t, &b);
    } while (!bn_fp_sqrt_var(&r->y, &t));
    if (test_random(seed) & 1)
        bn_fp_neg(&r->y, &r->y);
    assert_true(bn_g1_on_curve(r));
}

static void random_point2(bn_g2 *r, uint64_t *seed)
{
    static const bn_fp2 b = BN_G2_B_INIT;
    bn_fp2 t;

    do {
        random_fp(&r->x.c0, seed);
        random_fp(&r->x.c1, seed);
        bn_fp2_sqr(&t, &r->x);
        bn_fp2_mul(&t, &t, &r->x);
        bn_fp2_add(&t, &t, &b);
    } while (!bn_fp2_sqrt_var(&r->y, &t));
    assert_true(bn_g2_on_curve(r));
}

#define CHECK_GROUP(G, NUMBER, FIELD)                                                              \
    static void add_and_expect##NUMBER(const G *a, const G *b, uint64_t *seed)                     \
    {                                                                                              \
        point pa, pb, sum, difference;                                                             \
        G##x xa, xb, r, minus;                                                                     \
        G affine, negative;                                                                        \
        FIELD z[2];                                                                                \
                                                                                                   \
        point_init(&pa);                                                                           \
        point_init(&pb);                                                                           \
        point_init(&sum);                                                                          \
        point_init(&difference);                                                                   \
        memset(z, 0, sizeof(z));                                                                   \
        for (size_t i = 0; i < sizeof(z) / (sizeof(bn_fp)); i++)                                   \
            random_fp((bn_fp *)z + i, seed);                                                       \
        to_point##NUMBER(&pa, a);                                                                  \
        to_point##NUMBER(&pb, b);                                                                  \
        point_add(&sum, &pa, &pb);                                                                 \
        G##_neg(&negative, b);                                                                     \
        to_point##NUMBER(&pb, &negative);                                                          \
        point_add(&difference, &pa, &pb);                                                          \
        scale##NUMBER(&xa, a, &z[0]);                                                              \
        scale##NUMBER(&xb, b, &z[1]);                                                              \
        G##x_add(&r, &xa, &xb);                                                                    \
        G##x_get(&affine, &r);                                                                     \
        assert_true(is_point##NUMBER(&affine, &sum));                                              \
        assert_true(G##_on_curve(&affine));                                                        \
        G##x_add_affine(&r, &xa, b);                                                               \
        G##x_get(&affine, &r);                                                                     \
        assert_true(is_point##NUMBER(&affine, &sum));                                              \
        G##x_sub_affine(&r, &xa, b);                                                               \
        G##x_get(&affine, &r);                                                                     \
        assert_true(is_point##NUMBER(&affine, &difference));                                       \
        G##x_neg(&minus, &xb);                                                                     \
        G##x_add(&r, &xa, &minus);                                                                 \
        G##x_get(&affine, &r);                                                                     \
        assert_true(is_point##NUMBER(&affine, &difference));                                       \
        if (G##_eq(a, b)) {                                                                        \
            G##x_dbl(&r, &xa);                                                                     \
            G##x_get(&affine, &r);                                                                 \
            assert_true(is_point##NUMBER(&affine, &sum));                                          \
            G##x_dbl_affine(&r, a);                                                                \
            G##x_get(&affine, &r);                                                                 \
            assert_true(is_point##NUMBER(&affine, &sum));                                          \
        }                                                                                          \
        point_clear(&pa);                                                                          \
        point_clear(&pb);                                                                          \
        point_clear(&sum);                                                                         \
        point_clear(&difference);                                                                  \
    }                                                                                              \
                                                                                                   \
    static void sums##NUMBER(void **state)                                                         \
    {                                                                                              \
        uint64_t seed = NUMBER, cases = random_cases(100);                                         \
        G a, b, negative, zero;                                                                    \
                                                                                                   \
        (void)state;                                                                               \
        G##_set_zero(&zero);                                                                       \
        add_and_expect##NUMBER(&zero, &zero, &seed);                                               \
        for (uint64_t i = 0; i < cases; i++) {                                                     \
            random_point##NUMBER(&a, &seed);                                                       \
            random_point##NUMBER(&b, &seed);                                                       \
            G##_neg(&negative, &a);                                                                \
            add_and_expect##NUMBER(&a, &b, &seed);                                                 \
            add_and_expect##NUMBER(&a, &a, &seed);                                                 \
            add_and_expect##NUMBER(&a, &negative, &seed);                                          \
            add_and_expect##NUMBER(&a, &zero, &seed);                                              \
            add_and_expect##NUMBER(&zero, &b, &seed);                                              \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void multiples##NUMBER(void **state)                                                    \
    {                                                                                              \
        uint64_t seed = 5 + NUMBER, scalars[64][4];                                                \
        G a, affine, generator, zero;                                                              \
        G##x list[64], r;                                                                          \
        FIELD scratch[128];                                                                        \
        G batch[64];                                                                               \
        point p, expected;                                                                         \
        mpz_t k;                                                                                   \
        size_t n = edge_scalars(scalars, &seed);                                                   \
                                                                                                   \
        (void)state;                                                                               \
        mpz_init(k);                                                                               \
        point_init(&p);                                                                            \
        point_init(&expected);                                                                     \
        G##_generator(&generator);                                                                 \
        G##_set_zero(&zero);                                                                       \
        for (size_t i = 0; i < n; i++) {                                                           \
            mpz_import(k, 4, -1, 8, 0, 0, scalars[i]);                                             \
            random_point##NUMBER(&a, &seed);                                                       \
            to_point##NUMBER(&p, &a);                                                              \
            point_mul(&expected, &p, k);                                                           \
            G##_mul_var(&r, &a, scalars[i]);                                                       \
            G##x_get(&affine, &r);                                                                 \
            assert_true(is_point##NUMBER(&affine, &expected));                                     \
            to_point##NUMBER(&p, &generator);                                                      \
            point_mul(&expected, &p, k);                                                           \
            G##_mul_glv_var(&list[i], &generator, scalars[i]);                                     \
            G##x_get(&affine, &list[i]);                                                           \
            assert_true(is_point##NUMBER(&affine, &expected));                                     \
            G##_mul_glv_var(&r, &zero, scalars[i]);                                                \
            assert_true(G##x_is_zero(&r));                                                         \
            G##_mul_var(&r, &zero, scalars[i]);                                                    \
            assert_true(G##x_is_zero(&r));                                                         \
        }                                                                                          \
        G##x_get_batch(batch, list, scratch, n);                                                   \
        for (size_t i = 0; i < n; i++) {                                                           \
            G##x_get(&affine, &list[i]);                                                           \
            assert_true(G##_eq(&affine, &batch[i]));                                               \
        }                                                                                          \
        mpz_clear(k);                                                                              \
        point_clear(&p);                                                                           \
        point_clear(&expected);                                                                    \
    }

static size_t edge_scalars(uint64_t list[64][4], uint64_t *seed)
{
    size_t n = 0;
    mpz_t k;

    mpz_init(k);
    memset(list, 0, 64 * 32);
    for (uint64_t i = 0; i < 6; i++)
        list[n++][0] = i == 5 ? UINT64_MAX : i;
    for (unsigned i = 0; i < 5; i++) { /* r - 2 .. r + 2 */
        mpz_add_ui(k, o.r, i);
        mpz_sub_ui(k, k, 2);
        mpz_export(list[n++], NULL, -1, 8, 0, 0, k);
    }
    memset(list[n++], 0xff, 32);
    for (unsigned bit = 63; bit < 256; bit += 32)
        list[n++][bit / 64] = UINT64_C(1) << bit % 64;
    while (n < 32)
        for (int i = 0; i < 4; i++, n += i == 4)
            list[n][i] = test_random(seed);
    mpz_clear(k);
    return n;
}

CHECK_GROUP(bn_g1, 1, bn_fp)
CHECK_GROUP(bn_g2, 2, bn_fp2)

/* generators as in EIP-197, as numbers */
static void generators(void **state)
{
    static const char *const g2[4] = {
        "10857046999023057135944570762232829481370756359578518086990519993285655852781",
        "11559732032986387107991004021392285783925812861821192530917403151452391805634",
        "8495653923123431417604973247489272438418190587263600148770280649306958101930",
        "4082367875863433681332203403145435568316851327593401208105741076214120093531"};
    bn_g1 a;
    bn_g2 b;
    mpz_t n;
    const bn_fp *coordinates[4] = {&b.x.c0, &b.x.c1, &b.y.c0, &b.y.c1};

    (void)state;
    mpz_init_set_ui(n, 1);
    bn_g1_generator(&a);
    assert_true(oracle_is(&o, &a.x, n));
    mpz_set_ui(n, 2);
    assert_true(oracle_is(&o, &a.y, n));
    bn_g2_generator(&b);
    for (int i = 0; i < 4; i++) {
        mpz_set_str(n, g2[i], 10);
        assert_true(oracle_is(&o, coordinates[i], n));
    }
    assert_true(bn_g1_on_curve(&a) && bn_g2_on_curve(&b) && bn_g2_in_subgroup_var(&b));
    mpz_clear(n);
}

static void reading_words(void **state)
{
    uint64_t w[16], seed = 3;
    bn_g1 a, r1;
    bn_g2 b, r2;

    (void)state;
    memset(w, 0, sizeof(w));
    memset(&r1, 1, sizeof(r1));
    memset(&r2, 1, sizeof(r2));
    assert_true(bn_g1_set_words(&r1, w) && bn_g1_is_zero(&r1));
    assert_true(bn_g2_set_words(&r2, w) && bn_g2_is_zero(&r2));
    random_point1(&a, &seed);
    random_point2(&b, &seed);
    memcpy(w, &a, sizeof(a));
    assert_true(bn_g1_set_words(&r1, w) && bn_g1_eq(&r1, &a));
    for (int i = 0; i < 8; i++)
        for (int bit = 0; bit < 64; bit++) {
            w[i] ^= UINT64_C(1) << bit;
            assert_false(bn_g1_set_words(&r1, w));
            w[i] ^= UINT64_C(1) << bit;
        }
    for (int i = 0; i < 2; i++) { /* the same point with a coordinate above p */
        mpz_t n;

        mpz_init(n);
        mpz_import(n, 4, -1, 8, 0, 0, w + 4 * i);
        mpz_add(n, n, o.p);
        mpz_export(w + 4 * i, NULL, -1, 8, 0, 0, n);
        assert_false(bn_g1_set_words(&r1, w));
        mpz_sub(n, n, o.p);
        mpz_export(w + 4 * i, NULL, -1, 8, 0, 0, n);
        mpz_clear(n);
    }
    assert_true(bn_g1_eq(&r1, &a));
    memcpy(w, &b, sizeof(b));
    assert_true(bn_g2_set_words(&r2, w) && bn_g2_eq(&r2, &b));
    for (int i = 0; i < 16; i++)
        for (int bit = 0; bit < 64; bit += 9) {
            w[i] ^= UINT64_C(1) << bit;
            assert_false(bn_g2_set_words(&r2, w));
            w[i] ^= UINT64_C(1) << bit;
        }
    for (int i = 0; i < 4; i++) {
        mpz_t n;

        mpz_init(n);
        mpz_import(n, 4, -1, 8, 0, 0, w + 4 * i);
        mpz_add(n, n, o.p);
        mpz_export(w + 4 * i, NULL, -1, 8, 0, 0, n);
        assert_false(bn_g2_set_words(&r2, w));
        mpz_sub(n, n, o.p);
        mpz_export(w + 4 * i, NULL, -1, 8, 0, 0, n);
        mpz_clear(n);
    }
    assert_true(bn_g2_eq(&r2, &b));
}

/* the check against r a = infinity */
static void subgroup(void **state)
{
    static const uint64_t r[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    uint64_t seed = 9, cases = random_cases(100);
    bn_g2 a, b;
    bn_g2x t;
    uint64_t cofactor[4];
    mpz_t n;

    (void)state;
    mpz_init(n);
    mpz_mul_ui(n, o.p, 2); /* 2 p - r */
    mpz_sub(n, n, o.r);
    memset(cofactor, 0, sizeof(cofactor));
    mpz_export(cofactor, NULL, -1, 8, 0, 0, n);
    mpz_clear(n);
    bn_g2_set_zero(&a);
    assert_true(bn_g2_in_subgroup_var(&a));
    for (uint64_t i = 0; i < cases; i++) {
        random_point2(&a, &seed);
        bn_g2_mul_var(&t, &a, r);
        assert_false(bn_g2x_is_zero(&t)); /* but for one point in 2^254 */
        assert_false(bn_g2_in_subgroup_var(&a));
        bn_g2x_get(&b, &t); /* of the cofactor's order, or of a part of it */
        assert_false(bn_g2_in_subgroup_var(&b));
        bn_g2_mul_var(&t, &a, cofactor);
        bn_g2x_get(&b, &t);
        assert_true(bn_g2_in_subgroup_var(&b));
        bn_g2_mul_var(&t, &b, r);
        assert_true(bn_g2x_is_zero(&t));
        bn_g2_mul_glv_var(&t, &b, r);
        assert_true(bn_g2x_is_zero(&t));
    }
}

static void endomorphisms(void **state)
{
    static const bn_fr lambda_form = BN_GLV_LAMBDA_INIT;
    uint64_t lambda[4], p_mod_r[4] = {0}, seed = 21;
    bn_g1 a, b, g;
    bn_g2 c, d, e;
    bn_g1x t;
    bn_g2x s;
    mpz_t n;

    (void)state;
    bn_fr_get_words(lambda, &lambda_form);
    mpz_init(n);
    mpz_mod(n, o.p, o.r);
    mpz_export(p_mod_r, NULL, -1, 8, 0, 0, n);
    mpz_clear(n);
    bn_g1_generator(&g);
    bn_g2_generator(&c);
    for (int i = 0; i < 20; i++) {
        random_point1(&a, &seed);
        bn_g1_endo(&b, &a);
        bn_g1_mul_var(&t, &a, lambda);
        bn_g1x_get(&a, &t);
        assert_true(bn_g1_eq(&a, &b));
        bn_g2_mul_var(&s, &c, lambda);
        bn_g2x_get(&d, &s);
        bn_g2_endo(&e, &c);
        assert_true(bn_g2_eq(&d, &e));
        bn_g2_mul_var(&s, &c, p_mod_r);
        bn_g2x_get(&d, &s);
        bn_g2_psi(&e, &c);
        assert_true(bn_g2_eq(&d, &e));
        bn_g2x_dbl_affine(&s, &c);
        bn_g2x_get(&c, &s);
    }
    bn_g1_set_zero(&a);
    bn_g1_endo(&b, &a);
    assert_true(bn_g1_is_zero(&b));
}

static void check_split(const uint64_t k[4], const mpz_t lambda, uint64_t *largest)
{
    bn_glv s;
    mpz_t sum, t;

    bn_glv_split(&s, k);
    mpz_inits(sum, t, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(s.k[i][1] >> 63, 0);
        if (s.k[i][1] > *largest)
            *largest = s.k[i][1];
        mpz_import(t, 2, -1, 8, 0, 0, s.k[i]);
        if (i == 1)
            mpz_mul(t, t, lambda);
        if (s.neg[i])
            mpz_sub(sum, sum, t);
        else
            mpz_add(sum, sum, t);
    }
    mpz_import(t, 4, -1, 8, 0, 0, k);
    mpz_sub(sum, sum, t);
    assert_true(mpz_divisible_p(sum, o.r));
    mpz_clears(sum, t, NULL);
}

/* random scalars, the edges, and the scalars around the corners of the lattice's cells, where the
 * parts are largest: k such that k b / r is near a half */
static void splits(void **state)
{
    static const bn_fr lambda_form = BN_GLV_LAMBDA_INIT;
    static const uint64_t b1[1] = BN_GLV_B1, b2[2] = BN_GLV_B2;
    uint64_t seed = 11, cases = random_cases(1000000), largest = 0, k[4], w[4], list[64][4];
    mpz_t lambda, b[2], n, t;

    (void)state;
    mpz_inits(lambda, b[0], b[1], n, t, NULL);
    bn_fr_get_words(w, &lambda_form);
    mpz_import(lambda, 4, -1, 8, 0, 0, w);
    mpz_import(b[0], 1, -1, 8, 0, 0, b1);
    mpz_import(b[1], 2, -1, 8, 0, 0, b2);
    for (size_t i = edge_scalars(list, &seed); i-- > 0;)
        check_split(list[i], lambda, &largest);
    for (uint64_t i = 0; i < cases; i++) {
        for (int j = 0; j < 4; j++)
            k[j] = test_random(&seed);
        if (i & 1)
            k[3] &= UINT64_MAX >> (test_random(&seed) & 63);
        check_split(k, lambda, &largest);
    }
    for (int i = 0; i < 20000; i++) {
        /* k = (2 j + 1) r / (2 b), j random below 2^256 b / r */
        for (int j = 0; j < 4; j++)
            k[j] = test_random(&seed);
        mpz_import(n, 4, -1, 8, 0, 0, k);
        mpz_mul(n, n, b[i & 1]);
        mpz_tdiv_q(n, n, o.r);
        mpz_mul_2exp(n, n, 1);
        mpz_add_ui(n, n, 1);
        mpz_mul(n, n, o.r);
        mpz_tdiv_q(n, n, b[i & 1]);
        mpz_tdiv_q_2exp(n, n, 1);
        for (int d = -1; d <= 1; d++) {
            if (d >= 0)
                mpz_add_ui(t, n, (unsigned long)d);
            else
                mpz_sub_ui(t, n, 1);
            if (mpz_sgn(t) < 0 || mpz_sizeinbase(t, 2) > 256)
                continue;
            memset(k, 0, sizeof(k));
            mpz_export(k, NULL, -1, 8, 0, 0, t);
            check_split(k, lambda, &largest);
        }
    }
    assert_true(largest >> 61 != 0); /* the corners were met */
    mpz_clears(lambda, b[0], b[1], n, t, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_tiny_groups),
        cmocka_unit_test(generators),
        cmocka_unit_test(reading_words),
        cmocka_unit_test(sums1),
        cmocka_unit_test(sums2),
        cmocka_unit_test(multiples1),
        cmocka_unit_test(multiples2),
        cmocka_unit_test(subgroup),
        cmocka_unit_test(endomorphisms),
        cmocka_unit_test(splits),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
