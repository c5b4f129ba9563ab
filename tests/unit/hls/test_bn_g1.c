/* hls/core/bn_g1.h against driver/field/bn_curve.h: every kind of pair of points */
#include "tests/unit/hls/bn_words.h"
#include "tests/unit/hls/hls_test.h"

#include "driver/field/bn_curve.h"
#include "hls/core/bn_g1.h"

#define POINTS 12

static hls_g1_affine affine(const bn_g1 *a)
{
    hls_g1_affine r = {hls_from_words(a->x.l), hls_from_words(a->y.l)};

    return r;
}

static hls_g1_xyzz projective(const bn_g1x *a)
{
    hls_g1_xyzz r = {hls_from_words(a->x.l), hls_from_words(a->y.l), hls_from_words(a->zz.l),
                     hls_from_words(a->zzz.l)};

    return r;
}

/* the same point, canonical coordinates, and ZZ^3 = ZZZ^2 */
static void equal(const hls_g1_xyzz *ours, const bn_g1x *theirs)
{
    bn_g1x a;
    bn_fp cube, square;

    hls_to_words(a.x.l, &ours->x);
    hls_to_words(a.y.l, &ours->y);
    hls_to_words(a.zz.l, &ours->zz);
    hls_to_words(a.zzz.l, &ours->zzz);
    assert_true(bn_fp_is_canonical(&a.x) && bn_fp_is_canonical(&a.y));
    assert_true(bn_fp_is_canonical(&a.zz) && bn_fp_is_canonical(&a.zzz));
    bn_fp_sqr(&cube, &a.zz);
    bn_fp_mul(&cube, &cube, &a.zz);
    bn_fp_sqr(&square, &a.zzz);
    assert_true(bn_fp_eq(&cube, &square));
    assert_true(bn_g1x_eq(&a, theirs));
}

/* infinity, small and random multiples of the generator; every third is the negative of the one
 * before. p: affine; x: the same over another denominator */
static void points(bn_g1 p[POINTS], bn_g1x x[POINTS])
{
    uint64_t seed = 8;
    bn_g1 g;

    bn_g1_generator(&g);
    for (int i = 0; i < POINTS; i++) {
        uint64_t k[4] = {(uint64_t)i, 0, 0, 0}, z[4] = {test_random(&seed), 5, 0, 0};
        bn_fp zf, zz, zzz;
        bn_g1x t;

        if (i > 5)
            for (int j = 0; j < 4; j++)
                k[j] = test_random(&seed) >> (j == 3 ? 3 : 0);
        bn_g1_mul_var(&t, &g, k);
        bn_g1x_get(&p[i], &t);
        if (i % 3 == 2)
            bn_g1_neg(&p[i], &p[i - 1]);
        bn_g1x_set(&x[i], &p[i]);
        assert_true(bn_fp_set_words(&zf, z));
        bn_fp_sqr(&zz, &zf);
        bn_fp_mul(&zzz, &zz, &zf);
        bn_fp_mul(&x[i].x, &x[i].x, &zz);
        bn_fp_mul(&x[i].y, &x[i].y, &zzz);
        bn_fp_mul(&x[i].zz, &x[i].zz, &zz);
        bn_fp_mul(&x[i].zzz, &x[i].zzz, &zzz);
    }
}

static void one_point(void **state)
{
    bn_g1 p[POINTS];
    bn_g1x x[POINTS], expected;

    (void)state;
    points(p, x);
    for (int i = 0; i < POINTS; i++) {
        hls_g1_affine a = affine(&p[i]);
        hls_g1_xyzz b = projective(&x[i]), r;

        hls_g1_set(&r, &a);
        equal(&r, &x[i]);
        bn_g1x_dbl(&expected, &x[i]);
        hls_g1_dbl_affine(&r, &a);
        equal(&r, &expected);
        hls_g1_dbl(&r, &b);
        equal(&r, &expected);
        hls_g1_dbl(&b, &b);
        equal(&b, &expected);
    }
}

static void two_points(void **state)
{
    bn_g1 p[POINTS];
    bn_g1x x[POINTS], expected;
    int doubled = 0;

    (void)state;
    points(p, x);
    for (int i = 0; i < POINTS; i++)
        for (int j = 0; j < POINTS; j++) {
            hls_g1_affine b = affine(&p[j]);
            hls_g1_xyzz a = projective(&x[i]), c = projective(&x[j]), r, untouched;
            int same = bn_g1_eq(&p[i], &p[j]) && !bn_g1_is_zero(&p[i]);

            bn_g1x_add(&expected, &x[i], &x[j]);
            memset(&r, 0x55, sizeof(r));
            untouched = r;
            assert_int_equal(hls_g1_add_affine(&r, &a, &b), same);
            if (same) {
                assert_memory_equal(&r, &untouched, sizeof(r));
                hls_g1_dbl_affine(&r, &b);
                doubled++;
            }
            equal(&r, &expected);
            r = untouched;
            assert_int_equal(hls_g1_add(&r, &a, &c), same);
            if (same) {
                assert_memory_equal(&r, &untouched, sizeof(r));
                hls_g1_dbl(&r, &a);
            }
            equal(&r, &expected);
            hls_g1_add_all(&r, &a, &c);
            equal(&r, &expected);
            r = c;
            hls_g1_add_all(&r, &a, &r);
            equal(&r, &expected);
            if (same)
                continue;
            /* outputs may be inputs */
            r = a;
            assert_int_equal(hls_g1_add_affine(&r, &r, &b), 0);
            equal(&r, &expected);
            assert_int_equal(hls_g1_add(&c, &a, &c), 0);
            equal(&c, &expected);
        }
    assert_true(doubled >= POINTS - 1);
}

/* a bucket: a long sum, compared at each step */
static void bucket(void **state)
{
    bn_g1 p[POINTS];
    bn_g1x x[POINTS], expected;
    hls_g1_xyzz sum;
    uint64_t seed = 9;

    (void)state;
    points(p, x);
    hls_g1_set_zero(&sum);
    bn_g1x_set_zero(&expected);
    for (long i = hls_test_cases(20000); i > 0; i--) {
        unsigned k = (unsigned)(test_random(&seed) % POINTS);
        hls_g1_affine b = affine(&p[k]);

        if (hls_g1_add_affine(&sum, &sum, &b))
            hls_g1_dbl_affine(&sum, &b);
        bn_g1x_add_affine(&expected, &expected, &p[k]);
        equal(&sum, &expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_point),
        cmocka_unit_test(two_points),
        cmocka_unit_test(bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
