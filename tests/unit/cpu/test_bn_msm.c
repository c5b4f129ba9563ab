#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/cpu/kernels.h"
#include "tests/unit/cpu/bn_curve_gmp.h"
#include "tests/unit/field/random.h"

#include <stdio.h>
#include <stdlib.h>

/* Points are P_i = (A + i B) G, so that a sum of s_i P_i is (the sum of s_i (A + i B) mod r) G: one
 * slow multiplication checks any number of points. */
#define POINTS (1 << 16)
#define POINTS_G2 (1 << 14)
#define A_STEP UINT64_C(0x9e3779b97f4a7c15)
#define B_STEP UINT64_C(0xd1342543de82ef95)
#define MAX_THREADS 3

static p_memory memory = {.limit = UINT64_MAX};
static p_pool *pools[MAX_THREADS + 1];
static uint64_t *keys[2]; /* G1, G2 */
static size_t key_points[2];
static const size_t words[2] = {8, 16};

static void multiple(mpz_t k, uint64_t i)
{
    mpz_set_ui(k, B_STEP);
    mpz_mul_ui(k, k, i);
    mpz_add_ui(k, k, A_STEP);
    mpz_mod(k, k, slow_r);
}

static size_t cases(size_t usual)
{
    const char *env = getenv("ZKP_TEST_CASES");
    size_t n = env ? (size_t)strtoull(env, NULL, 10) : usual;

    return n < 64 ? 64 : n < usual ? n : usual;
}

static int setup(void **state)
{
    mpz_t k;

    (void)state;
    slow_setup();
    mpz_init(k);
    for (unsigned t = 1; t <= MAX_THREADS; t++)
        assert_int_equal(p_pool_create(t, &pools[t], NULL), P_OK);
    for (int g = 0; g < 2; g++) {
        slow_point gen, at, step;

        key_points[g] = cases(g ? POINTS_G2 : POINTS);
        keys[g] = malloc(key_points[g] * words[g] * 8);
        assert_non_null(keys[g]);
        slow_init(&gen);
        slow_init(&at);
        slow_init(&step);
        slow_generator(&gen, g);
        mpz_set_ui(k, A_STEP);
        slow_mul(&at, k, &gen);
        mpz_set_ui(k, B_STEP);
        slow_mul(&step, k, &gen);
        for (size_t i = 0; i < key_points[g]; i++) {
            slow_store(keys[g] + i * words[g], &at, g);
            slow_add(&at, &step);
        }
        slow_clear(&gen);
        slow_clear(&at);
        slow_clear(&step);
    }
    mpz_clear(k);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned t = 1; t <= MAX_THREADS; t++)
        p_pool_destroy(pools[t]);
    free(keys[0]);
    free(keys[1]);
    mpz_clear(slow_p);
    mpz_clear(slow_r);
    return 0;
}

static cpu_run make_run(unsigned threads, p_isa isa)
{
    return (cpu_run){.pool = pools[threads], .memory = &memory, .isa = isa};
}

static cpu_msm_points *load(const cpu_run *run, int g, const uint64_t *points, uint64_t count)
{
    drv_msm_load_job job = {g ? DRV_G2 : DRV_G1, false, points, count, NULL};
    cpu_msm_points *p;
    p_err err = {0};

    assert_int_equal(cpu_msm_load(run, &job, &p, &err), P_OK);
    assert_non_null(p);
    return p;
}

/* The fastest with any number of threads; the others, when the sum is long, with one number, which
 * is another one for each, and not at all when it is very long. */
static bool worth(p_isa isa, unsigned threads, uint64_t count)
{
    return isa == p_isa_best() || count <= 12 ||
           (threads == 1 + isa % MAX_THREADS && count <= 8192);
}

/* Short scalars take less than the estimate; how short they are is seen in canonical form only. */
static void check_memory(uint64_t taken, uint64_t estimate, drv_form form)
{
    if (form == DRV_MONTGOMERY)
        assert_int_equal(taken, estimate);
    else
        assert_in_range(taken, 1, estimate);
}

static void expect_words(int g, const uint64_t *points, const uint64_t *scalars, drv_form form,
                         uint64_t first, uint64_t count, const uint64_t *expected)
{
    uint64_t out[16];
    cpu_run run = make_run(1, P_ISA_PORTABLE);
    cpu_msm_points *loaded = load(&run, g, points, first + count);
    drv_msm_job job = {NULL, scalars, form, first, count, out};

    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++)
        for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
            p_err err = {0};
            uint64_t before = p_memory_used(&memory);

            if (!p_isa_supported(isa) || !worth(isa, threads, count))
                continue;
            run = make_run(threads, isa);
            memset(out, 0xee, sizeof out);
            atomic_store(&memory.peak, before);
            assert_int_equal(cpu_msm(&run, loaded, &job, &err), P_OK);
            assert_int_equal(p_memory_used(&memory), before);
            check_memory(p_memory_peak(&memory) - before,
                         cpu_msm_scratch(&run, g ? DRV_G2 : DRV_G1, count), form);
            if (memcmp(out, expected, words[g] * 8) != 0)
                fail_msg("G%d, %llu points, %s, %u threads: wrong sum", g + 1,
                         (unsigned long long)count, p_isa_name(isa), threads);
        }
    cpu_msm_free(&memory, loaded);
}

/* k times the generator is expected */
static void expect_multiple(int g, const uint64_t *points, const uint64_t *scalars, uint64_t first,
                            uint64_t count, const mpz_t k)
{
    uint64_t expected[16];
    slow_point gen, sum;

    slow_init(&gen);
    slow_init(&sum);
    slow_generator(&gen, g);
    slow_mul(&sum, k, &gen);
    slow_store(expected, &sum, g);
    expect_words(g, points, scalars, DRV_CANONICAL, first, count, expected);
    slow_clear(&gen);
    slow_clear(&sum);
}

/* scalars of points first .. of the key */
static void expect(int g, const uint64_t *scalars, uint64_t first, uint64_t count)
{
    mpz_t k, s, sum;

    mpz_inits(k, s, sum, NULL);
    for (uint64_t i = 0; i < count; i++) {
        multiple(k, first + i);
        slow_from_words(s, scalars + 4 * i);
        mpz_addmul(sum, k, s);
    }
    mpz_mod(sum, sum, slow_r);
    expect_multiple(g, keys[g], scalars, first, count, sum);
    mpz_clears(k, s, sum, NULL);
}

static void random_scalar(uint64_t s[4], uint64_t *seed)
{
    mpz_t t;

    for (int i = 0; i < 4; i++)
        s[i] = test_random(seed);
    mpz_init(t);
    slow_from_words(t, s);
    mpz_mod(t, t, slow_r);
    slow_words(s, t);
    mpz_clear(t);
}

/* 0, 1, 2, powers of 2 and their neighbours, r - 1, r / 2 and its neighbours, ... */
static void edge_scalar(uint64_t s[4], uint64_t *seed)
{
    uint64_t kind = test_random(seed) % 8, n = test_random(seed);
    mpz_t t;

    mpz_init(t);
    if (kind < 2)
        mpz_set_ui(t, n % 3);
    else if (kind < 4)
        mpz_sub_ui(t, slow_r, 1 + n % 3);
    else if (kind < 5) {
        mpz_tdiv_q_2exp(t, slow_r, 1);
        mpz_add_ui(t, t, n % 3);
        mpz_sub_ui(t, t, 1);
    } else {
        mpz_setbit(t, n % 254);
        mpz_add_ui(t, t, n / 254 % 3);
        mpz_sub_ui(t, t, 1);
        if (kind == 7)
            mpz_sub(t, slow_r, t);
        mpz_mod(t, t, slow_r);
    }
    slow_words(s, t);
    mpz_clear(t);
}

static uint64_t *new_scalars(uint64_t count)
{
    uint64_t *s = calloc(count, 32);

    assert_non_null(s);
    return s;
}

/* ---- tests ---- */

/* every point multiplied for itself: checks the algebra of the other tests, too */
static void test_naive(void **state)
{
    uint64_t seed = 1, scalars[4 * 5], expected[16];

    (void)state;
    for (int g = 0; g < 2; g++)
        for (uint64_t n = 1; n <= 5; n++) {
            slow_point gen, p, t, sum;
            mpz_t k;

            mpz_init(k);
            slow_init(&gen);
            slow_init(&p);
            slow_init(&t);
            slow_init(&sum);
            slow_generator(&gen, g);
            for (uint64_t i = 0; i < n; i++) {
                random_scalar(scalars + 4 * i, &seed);
                multiple(k, i);
                slow_mul(&p, k, &gen);
                slow_from_words(k, scalars + 4 * i);
                slow_mul(&t, k, &p);
                slow_add(&sum, &t);
            }
            slow_store(expected, &sum, g);
            expect_words(g, keys[g], scalars, DRV_CANONICAL, 0, n, expected);
            expect(g, scalars, 0, n);
            slow_clear(&gen);
            slow_clear(&p);
            slow_clear(&t);
            slow_clear(&sum);
            mpz_clear(k);
        }
}

static void test_counts(void **state)
{
    static const uint64_t more[] = {100, 127,  128,  129,  300,  511,
                                    640, 1000, 1500, 3000, 4096, 4097};
    uint64_t seed = 2, *scalars = new_scalars(POINTS);

    (void)state;
    for (int g = 0; g < 2; g++) {
        for (uint64_t n = 1; n <= 70; n += n > 34 ? 3 : 1) {
            for (uint64_t i = 0; i < n; i++)
                if (n % 2)
                    edge_scalar(scalars + 4 * i, &seed);
                else
                    random_scalar(scalars + 4 * i, &seed);
            expect(g, scalars, 0, n);
        }
        for (size_t k = 0; k < sizeof more / sizeof *more && more[k] < key_points[g]; k++) {
            for (uint64_t i = 0; i < more[k]; i++)
                if (k % 3 == 0)
                    edge_scalar(scalars + 4 * i, &seed);
                else
                    random_scalar(scalars + 4 * i, &seed);
            expect(g, scalars, k, more[k] < key_points[g] - k ? more[k] : key_points[g] - k);
        }
    }
    free(scalars);
}

static void test_large(void **state)
{
    uint64_t seed = 3, *scalars = new_scalars(POINTS);

    (void)state;
    for (int g = 0; g < 2; g++)
        for (uint64_t n = key_points[g]; n > 6000; n /= 3) {
            for (uint64_t i = 0; i < n; i++)
                random_scalar(scalars + 4 * i, &seed);
            expect(g, scalars, key_points[g] - n, n);
        }
    free(scalars);
}

static void test_skewed(void **state)
{
    uint64_t seed = 4, *scalars = new_scalars(POINTS), fixed[4];

    (void)state;
    for (int g = 0; g < 2; g++) {
        uint64_t n = key_points[g] < 5000 ? key_points[g] : 5000;

        for (int kind = 0; kind < 6; kind++) {
            random_scalar(fixed, &seed);
            for (uint64_t i = 0; i < n; i++) {
                uint64_t *s = scalars + 4 * i;

                memset(s, 0, 32);
                if (kind == 0) /* all equal */
                    memcpy(s, fixed, 32);
                else if (kind == 1) /* all 1 */
                    s[0] = 1;
                else if (kind == 2) { /* all r - 1 */
                    mpz_t t;

                    mpz_init(t);
                    mpz_sub_ui(t, slow_r, 1);
                    slow_words(s, t);
                    mpz_clear(t);
                } else if (kind == 3) { /* like a witness */
                    if (test_random(&seed) % 10 == 0)
                        random_scalar(s, &seed);
                    else
                        s[0] = test_random(&seed) % 2;
                } else if (kind == 4) /* words */
                    s[0] = test_random(&seed);
                /* 5: all 0 */
            }
            expect(g, scalars, 0, n);
        }
    }
    free(scalars);
}

/* As many windows as the longest scalar needs: the largest one of each length and its neighbours,
 * random ones, and one that is longer than what the windows of the others would take. */
static void test_lengths(void **state)
{
    enum { COUNT = 13 };
    uint64_t seed = 11, *scalars = new_scalars(COUNT);
    mpz_t t;

    (void)state;
    mpz_init(t);
    for (int g = 0; g < 2; g++)
        for (unsigned bits = 1; bits <= 254; bits += bits < 20 ? 1 : 3) {
            for (uint64_t i = 0; i < COUNT; i++) {
                uint64_t *s = scalars + 4 * i;

                random_scalar(s, &seed);
                slow_from_words(t, s);
                if (i < 3) {
                    mpz_set_ui(t, 0);
                    mpz_setbit(t, bits);
                    mpz_sub_ui(t, t, (unsigned long)i + 1);
                } else {
                    mpz_fdiv_r_2exp(t, t, bits);
                }
                mpz_mod(t, t, slow_r);
                if (i % 4 == 2) /* short for G1 */
                    mpz_sub(t, slow_r, t);
                mpz_mod(t, t, slow_r);
                slow_words(s, t);
            }
            expect(g, scalars, bits % 7, COUNT);
        }
    mpz_clear(t);
    free(scalars);
}

/* Points at infinity, equal points and opposite ones, and few of them */
static void test_equal_points(void **state)
{
    uint64_t seed = 5, *scalars = new_scalars(3000);
    mpz_t k, s, sum;

    (void)state;
    mpz_inits(k, s, sum, NULL);
    for (int g = 0; g < 2; g++)
        for (int kind = 0; kind < 8; kind++)
            for (uint64_t n = 2; n < 3000; n = 3 * n + kind) {
                uint64_t *points = calloc(n, words[g] * 8);

                assert_non_null(points);
                mpz_set_ui(sum, 0);
                for (uint64_t i = 0; i < n; i++) {
                    /* one point; P and -P in turns; three points and their opposites; with
                     * infinity */
                    uint64_t which = kind < 4 ? 0 : test_random(&seed) % 3;
                    uint64_t sign = kind % 4 == 0   ? 0
                                    : kind % 4 == 1 ? i % 2
                                                    : test_random(&seed) % 2;
                    bool infinity = kind % 4 == 3 && test_random(&seed) % 2;
                    uint64_t *p = points + i * words[g];

                    if (kind == 1 || kind == 4)
                        memcpy(scalars + 4 * i, i ? scalars : (uint64_t[4]){77, 1, 5, 1}, 32);
                    else if (kind % 2)
                        edge_scalar(scalars + 4 * i, &seed);
                    else
                        random_scalar(scalars + 4 * i, &seed);
                    if (infinity)
                        continue;
                    memcpy(p, keys[g] + which * words[g], words[g] * 8);
                    multiple(k, which);
                    if (sign) {
                        for (size_t c = words[g] / 2; c < words[g]; c += 4) {
                            slow_from_words(s, p + c);
                            if (mpz_sgn(s) != 0)
                                mpz_sub(s, slow_p, s);
                            slow_words(p + c, s);
                        }
                        mpz_neg(k, k);
                    }
                    slow_from_words(s, scalars + 4 * i);
                    mpz_addmul(sum, k, s);
                }
                mpz_mod(sum, sum, slow_r);
                expect_multiple(g, points, scalars, 0, n, sum);
                free(points);
            }
    mpz_clears(k, s, sum, NULL);
    free(scalars);
}

static void test_montgomery(void **state)
{
    uint64_t seed = 6, n = 60, *scalars = new_scalars(n), *mont = new_scalars(n), expected[16];
    mpz_t t;

    (void)state;
    mpz_init(t);
    for (int g = 0; g < 2; g++) {
        cpu_run run = make_run(1, P_ISA_PORTABLE);
        cpu_msm_points *p = load(&run, g, keys[g], n);
        drv_msm_job job = {NULL, scalars, DRV_CANONICAL, 0, n, expected};

        for (uint64_t i = 0; i < n; i++) {
            if (i % 2)
                edge_scalar(scalars + 4 * i, &seed);
            else
                random_scalar(scalars + 4 * i, &seed);
            slow_from_words(t, scalars + 4 * i);
            mpz_mul_2exp(t, t, 256);
            mpz_mod(t, t, slow_r);
            slow_words(mont + 4 * i, t);
        }
        assert_int_equal(cpu_msm(&run, p, &job, NULL), P_OK);
        expect(g, scalars, 0, n);
        expect_words(g, keys[g], mont, DRV_MONTGOMERY, 0, n, expected);
        cpu_msm_free(&memory, p);
    }
    mpz_clear(t);
    free(scalars);
    free(mont);
}

/* More points than one pass takes: mostly zeros and ones, of a key that repeats a few points */
static void test_passes(void **state)
{
    const uint64_t period = 64, n = (1 << 20) + 77;
    uint64_t *scalars, *points, seed = 7;
    mpz_t k, s, sum;

    (void)state;
    if (getenv("ZKP_TEST_CASES"))
        skip(); /* a lot of memory to touch for a checker of memory */
    scalars = new_scalars(n);
    points = malloc(n * 64);
    assert_non_null(points);
    mpz_inits(k, s, sum, NULL);
    for (uint64_t i = 0; i < n; i++) {
        memcpy(points + 8 * i, keys[0] + i % period * 8, 64);
        if (i % 1000 == 0 || i > n - 50)
            random_scalar(scalars + 4 * i, &seed);
        else
            scalars[4 * i] = i % 64 == 5;
        if (scalars[4 * i] == 0)
            continue;
        multiple(k, i % period);
        slow_from_words(s, scalars + 4 * i);
        mpz_addmul(sum, k, s);
    }
    mpz_mod(sum, sum, slow_r);
    expect_multiple(0, points, scalars, 0, n, sum);
    scalars[4 * (n - 3) + 3] = UINT64_MAX;
    scalars[4 * (n - 1) + 3] = UINT64_MAX;
    {
        uint64_t out[8];
        cpu_run run = make_run(2, p_isa_best());
        cpu_msm_points *p = load(&run, 0, points, n);
        drv_msm_job job = {NULL, scalars, DRV_CANONICAL, 0, n, out};
        p_err err = {0};
        char text[64];

        assert_int_equal(cpu_msm(&run, p, &job, &err), P_EINVAL);
        snprintf(text, sizeof text, "scalar %llu ", (unsigned long long)(n - 3));
        assert_non_null(strstr(err.text, text));
        cpu_msm_free(&memory, p);
    }
    mpz_clears(k, s, sum, NULL);
    free(scalars);
    free(points);
}

/* ---- what is refused ---- */

static void expect_bad_point(int g, const uint64_t *points, uint64_t count, uint64_t index)
{
    drv_msm_load_job job = {g ? DRV_G2 : DRV_G1, false, points, count, NULL};
    char text[64];

    snprintf(text, sizeof text, "point %llu ", (unsigned long long)index);
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++)
        for (unsigned threads = 1; threads <= 2; threads++) {
            cpu_run run = make_run(threads, isa);
            cpu_msm_points *p = (cpu_msm_points *)&job;
            p_err err = {0};

            if (!p_isa_supported(isa))
                continue;
            assert_int_equal(cpu_msm_load(&run, &job, &p, &err), P_EINVAL);
            assert_null(p);
            assert_non_null(strstr(err.text, text));
        }
    job.trusted = true;
    {
        cpu_run run = make_run(1, P_ISA_PORTABLE);
        cpu_msm_points *p;

        assert_int_equal(cpu_msm_load(&run, &job, &p, NULL), P_OK);
        cpu_msm_free(&memory, p);
    }
}

static void test_bad_points(void **state)
{
    static const uint64_t n = 1000;

    (void)state;
    for (int g = 0; g < 2; g++) {
        uint64_t count = n < key_points[g] ? n : key_points[g], last = count - 1;
        uint64_t *points = malloc(count * words[g] * 8);
        mpz_t t;

        mpz_init(t);
        assert_non_null(points);
        memcpy(points, keys[g], count * words[g] * 8);
        memset(points + 3 * words[g], 0, words[g] * 8); /* infinity is fine */
        for (size_t c = 0; c < words[g]; c += 4) {
            uint64_t *word = points + last * words[g] + c, save[4];

            memcpy(save, word, 32);
            word[0] ^= 1;
            expect_bad_point(g, points, count, last);
            word[0] ^= 1;
            slow_from_words(t, word); /* the same point, not canonical */
            mpz_add(t, t, slow_p);
            slow_words(word, t);
            expect_bad_point(g, points, count, last);
            memset(points + 7 * words[g] + c, 0, 32);
            expect_bad_point(g, points, count, 7);
            memcpy(points + 7 * words[g], keys[g] + 7 * words[g], words[g] * 8);
            memcpy(word, save, 32);
        }
        mpz_clear(t);
        free(points);
    }
}

/* Points that nobody checked and that are on no curve: some result, in bounds and finite */
static void test_garbage_points(void **state)
{
    uint64_t seed = 8, n = 700, out[16], *scalars = new_scalars(n);

    (void)state;
    for (int g = 0; g < 2; g++)
        for (int kind = 0; kind < 4; kind++) {
            uint64_t *points = malloc(n * words[g] * 8);

            assert_non_null(points);
            for (uint64_t i = 0; i < n * words[g]; i++)
                points[i] = kind == 0                     ? test_random(&seed)
                            : kind == 1                   ? UINT64_MAX
                            : i % words[g] < words[g] / 2 ? kind == 2
                            : test_random(&seed) % 8      ? 0
                                                          : 1;
            for (uint64_t i = 0; i < n; i++)
                random_scalar(scalars + 4 * i, &seed);
            for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
                cpu_run run = make_run(2, isa);
                drv_msm_load_job job = {g ? DRV_G2 : DRV_G1, true, points, n, NULL};
                drv_msm_job msm = {NULL, scalars, DRV_CANONICAL, 0, n, out};
                cpu_msm_points *p;

                if (!p_isa_supported(isa))
                    continue;
                assert_int_equal(cpu_msm_load(&run, &job, &p, NULL), P_OK);
                assert_int_equal(cpu_msm(&run, p, &msm, NULL), P_OK);
                cpu_msm_free(&memory, p);
            }
            free(points);
        }
    free(scalars);
}

static void test_bad_scalars(void **state)
{
    uint64_t seed = 9, n = 9000, out[16], *scalars;
    cpu_run run = make_run(2, p_isa_best());

    (void)state;
    n = n < key_points[0] ? n : key_points[0];
    scalars = new_scalars(n);
    for (uint64_t i = 0; i < n; i++)
        random_scalar(scalars + 4 * i, &seed);
    for (uint64_t bad = n; bad-- > 0; bad -= bad / 3) {
        cpu_msm_points *p = load(&run, 0, keys[0], n);
        uint64_t *s = scalars + 4 * bad;
        char text[64];

        snprintf(text, sizeof text, "scalar %llu ", (unsigned long long)bad);
        for (int kind = 0; kind < 2; kind++) {
            drv_msm_job job = {NULL, scalars, kind ? DRV_MONTGOMERY : DRV_CANONICAL, 0, n, out};
            p_err err = {0};

            if (kind)
                memset(s, 0xff, 32);
            else
                slow_words(s, slow_r);
            assert_int_equal(cpu_msm(&run, p, &job, &err), P_EINVAL);
            assert_non_null(strstr(err.text, text));
        }
        cpu_msm_free(&memory, p);
    }
    free(scalars);
}

static void test_range(void **state)
{
    uint64_t out[8], scalars[8] = {1};
    cpu_run run = make_run(1, P_ISA_PORTABLE);
    cpu_msm_points *p = load(&run, 0, keys[0], 10);
    drv_msm_job job = {NULL, scalars, DRV_CANONICAL, 0, 0, out};

    (void)state;
    assert_int_equal(cpu_msm(&run, p, &job, NULL), P_EINVAL);
    job.first = 9;
    job.count = 2;
    assert_int_equal(cpu_msm(&run, p, &job, NULL), P_EINVAL);
    job.first = 11;
    job.count = UINT64_MAX;
    assert_int_equal(cpu_msm(&run, p, &job, NULL), P_EINVAL);
    cpu_msm_free(&memory, p);
}

static void test_memory_and_cancel(void **state)
{
    uint64_t out[8], scalars[8] = {1};
    p_cancel cancel = P_CANCEL_INIT;
    cpu_run run = make_run(2, p_isa_best());
    drv_msm_load_job load_job = {DRV_G1, true, keys[0], 2, NULL};
    cpu_msm_points *p;
    drv_msm_job job = {NULL, scalars, DRV_CANONICAL, 0, 2, out};

    (void)state;
    atomic_store(&memory.fail_at, 1);
    assert_int_equal(cpu_msm_load(&run, &load_job, &p, NULL), P_EEXHAUSTED);
    assert_null(p);
    atomic_store(&memory.fail_at, 0);
    assert_int_equal(cpu_msm_load(&run, &load_job, &p, NULL), P_OK);
    assert_int_equal(p_memory_used(&memory), cpu_msm_load_bytes(&load_job));
    atomic_store(&memory.fail_at, 1);
    assert_int_equal(cpu_msm(&run, p, &job, NULL), P_EEXHAUSTED);
    atomic_store(&memory.fail_at, 0);
    run.cancel = &cancel;
    p_cancel_request(&cancel);
    assert_int_equal(cpu_msm(&run, p, &job, NULL), P_ECANCELLED);
    cpu_msm_free(&memory, p);
    load_job.trusted = false;
    assert_int_equal(cpu_msm_load(&run, &load_job, &p, NULL), P_ECANCELLED);
    assert_null(p);
    assert_int_equal(p_memory_used(&memory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_naive),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_skewed),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_equal_points),
        cmocka_unit_test(test_montgomery),
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_bad_points),
        cmocka_unit_test(test_garbage_points),
        cmocka_unit_test(test_bad_scalars),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_memory_and_cancel),
    };

    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++)
        if (!p_isa_supported(isa))
            print_message("skipped: %s, which this CPU does not have\n", p_isa_name(isa));
    return cmocka_run_group_tests(tests, setup, teardown);
}
