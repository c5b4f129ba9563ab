/* The development setup, point by point against the definition (eprint 2016/260, §3.2) with known
 * secrets; its file, its refusals, its end when it is cancelled. */
#include "tests/unit/groth16/fixture.h"

#include "host/groth16/lagrange.h"
#include "host/groth16/ptau_dev.h"

enum { TAU, ALPHA, BETA, GAMMA, DELTA };
#define ROWS 8 /* two constraints and three public values: 2^(floor(log2 5) + 1) */

static bn_fr secret(int i)
{
    bn_fr r;

    assert_true(bn_fr_set_words(&r, fixture_secrets + 4 * i));
    return r;
}

static void read_all(const zkey *key, zkey_points which, void *out)
{
    p_err err = {0};

    fixture_ok(zkey_read_points(key, which, 0, zkey_points_count(key, which), out, &err), &err);
}

static void expect_g1(const bn_g1 *found, const bn_fr *k)
{
    uint64_t words[4];
    bn_g1 g;
    bn_g1x x;

    bn_g1_generator(&g);
    bn_fr_get_words(words, k);
    bn_g1_mul_var(&x, &g, words);
    bn_g1x_get(&g, &x);
    assert_true(bn_g1_eq(found, &g));
}

static void expect_g2(const bn_g2 *found, const bn_fr *k)
{
    uint64_t words[4];
    bn_g2 g;
    bn_g2x x;

    bn_g2_generator(&g);
    bn_fr_get_words(words, k);
    bn_g2_mul_var(&x, &g, words);
    bn_g2x_get(&g, &x);
    assert_true(bn_g2_eq(found, &g));
}

/* matrices of the fixture's circuit with the rows that snarkjs adds */
static int matrix(int which, unsigned row, unsigned wire)
{
    static const int a[2][WIRES] = {{[X] = 1}, {[T] = 2}}, b[2][WIRES] = {{[X] = 1}, {[X] = 1}},
                     c[2][WIRES] = {{[T] = 1}, {[Y] = 2, [B] = -2}};

    if (row >= 2)
        return which == 0 && row - 2 == wire && wire <= C;
    return which == 0 ? a[row][wire] : which == 1 ? b[row][wire] : c[row][wire];
}

static void scale(bn_fr *r, int factor)
{
    bn_fr k;

    bn_fr_set_u64(&k, (uint64_t)abs(factor));
    bn_fr_mul(r, r, &k);
    if (factor < 0)
        bn_fr_neg(r, r);
}

static void test_points(void **state)
{
    const fixture *f = *state;
    const bn_fr tau = secret(TAU), alpha = secret(ALPHA), beta = secret(BETA),
                gamma = secret(GAMMA), delta = secret(DELTA);
    bn_fr l[ROWS], inverse_gamma, inverse_delta, sum[3], k, t;
    bn_g1 a[WIRES], b1[WIRES], c[WIRES], h[ROWS];
    bn_g2 b2[WIRES];
    zkey key;
    p_err err = {0};

    fixture_ok(zkey_open(&key, f->zkey, &err), &err);
    assert_int_equal(key.n_wires, WIRES);
    assert_int_equal(key.n_public, 3);
    assert_int_equal(key.domain_log2, 3);
    assert_int_equal(key.setup, ZKEY_SETUP_DEV_INSECURE);
    assert_int_equal(key.n_contributions, 0);
    assert_int_equal(key.n_coefficients, 4 + 4);
    read_all(&key, ZKEY_A, a);
    read_all(&key, ZKEY_B1, b1);
    read_all(&key, ZKEY_B2, b2);
    read_all(&key, ZKEY_C, c);
    read_all(&key, ZKEY_H, h);
    expect_g1(&key.vk.alpha1, &alpha);
    expect_g1(&key.beta1, &beta);
    expect_g1(&key.delta1, &delta);
    expect_g2(&key.vk.beta2, &beta);
    expect_g2(&key.vk.gamma2, &gamma);
    expect_g2(&key.vk.delta2, &delta);
    bn_fr_inv(&inverse_gamma, &gamma);
    bn_fr_inv(&inverse_delta, &delta);
    groth16_lagrange(&tau, 3, 0, 1, l, ROWS); /* test_points.c has it against the definition */
    for (unsigned wire = 0; wire < WIRES; wire++) {
        for (int m = 0; m < 3; m++) {
            bn_fr_set_zero(&sum[m]);
            for (unsigned row = 0; row < ROWS; row++) {
                t = l[row];
                scale(&t, matrix(m, row, wire));
                bn_fr_add(&sum[m], &sum[m], &t);
            }
        }
        expect_g1(&a[wire], &sum[0]);
        expect_g1(&b1[wire], &sum[1]);
        expect_g2(&b2[wire], &sum[1]);
        bn_fr_mul(&k, &beta, &sum[0]);
        bn_fr_mul(&t, &alpha, &sum[1]);
        bn_fr_add(&k, &k, &t);
        bn_fr_add(&k, &k, &sum[2]);
        bn_fr_mul(&k, &k, wire <= C ? &inverse_gamma : &inverse_delta);
        expect_g1(wire <= C ? &key.vk.ic[wire] : &c[wire - C - 1], &k);
    }
    groth16_lagrange(&tau, 4, 1, 2, l, ROWS);
    for (unsigned i = 0; i < ROWS; i++) {
        bn_fr_mul(&k, &l[i], &inverse_delta);
        expect_g1(&h[i], &k);
    }
    zkey_close(&key);
}

static void test_coefficients(void **state)
{
    const fixture *f = *state;
    static const struct {
        uint32_t matrix, row, wire;
        uint64_t value;
    } want[] = {{0, 0, X, 1},   {1, 0, X, 1}, {0, 1, T, 2}, {1, 1, X, 1},
                {0, 2, ONE, 1}, {0, 3, Y, 1}, {0, 4, B, 1}, {0, 5, C, 1}};
    static const bn_fr r2 = BN_FR_R2_INIT;
    zkey key;
    p_err err = {0};

    fixture_ok(zkey_open(&key, f->zkey, &err), &err);
    for (uint32_t i = 0; i < key.n_coefficients; i++) {
        uint8_t bytes[ZKEY_COEFFICIENT_BYTES];
        zkey_coefficient k;
        bn_fr value;

        fixture_ok(binfile_read(&key.file, key.coefficients, 4 + i * sizeof bytes, bytes,
                                sizeof bytes, &err),
                   &err);
        fixture_ok(zkey_coefficient_get(&key, i, bytes, &k, &err), &err);
        assert_int_equal(k.matrix, want[i].matrix);
        assert_int_equal(k.row, want[i].row);
        assert_int_equal(k.wire, want[i].wire);
        bn_fr_set_u64(&value, want[i].value);
        bn_fr_mul(&value, &value, &r2); /* times 2^512 */
        assert_memory_equal(&value, k.value, sizeof value);
    }
    zkey_close(&key);
}

/* The same secrets, whatever the number of threads: the same file but for the mark's date. */
static void test_threads(void **state)
{
    const fixture *f = *state;
    size_t size, size2;
    uint8_t *want = fixture_slurp(f->zkey, &size);
    p_err err = {0};

    for (unsigned threads = 2; threads <= 3; threads++) {
        groth16_setup_options o = {.threads = threads, .secrets = fixture_secrets};
        groth16_setup_report report;
        uint64_t most;
        uint8_t *found;

        fixture_ok(groth16_setup_memory(f->r1cs, &o, &most, &err), &err);
        fixture_ok(groth16_setup_dev(f->r1cs, f->other, &o, &report, &err), &err);
        assert_true(report.memory_bytes > 0 && report.memory_bytes <= most);
        assert_int_equal(report.constraints, 2);
        found = fixture_slurp(f->other, &size2);
        assert_int_equal(size, size2);
        assert_memory_equal(want, found, size - 10);
        assert_memory_equal(want + size - 29, "setup=dev-insecure 2", 20);
        free(found);
    }
    free(want);
}

static void expect_no_file(const char *path)
{
    char temporary[160];

    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(temporary, F_OK), -1);
}

typedef struct canceller {
    p_cancel cancel;
    unsigned left;
} canceller;

static void cancel_later(void *context, const char *what, unsigned percent)
{
    canceller *c = context;

    (void)what;
    (void)percent;
    if (c->left > 0 && --c->left == 0)
        p_cancel_request(&c->cancel);
}

/* Cancelled at each call of progress in turn, until it gets through: nothing is left behind. */
static void test_cancel(void **state)
{
    const fixture *f = *state;
    p_status s = P_ECANCELLED;
    unsigned calls = 1;

    remove(f->other);
    for (; s == P_ECANCELLED; calls++) {
        canceller c = {.cancel = P_CANCEL_INIT, .left = calls};
        groth16_setup_options o = {
            .threads = 1, .cancel = &c.cancel, .progress = cancel_later, .context = &c};
        p_err err = {0};

        s = groth16_setup_dev(f->r1cs, f->other, &o, NULL, &err);
        if (s == P_ECANCELLED)
            expect_no_file(f->other);
        else
            fixture_ok(s, &err);
    }
    assert_true(calls > 6);
    remove(f->other);
}

static void test_refused(void **state)
{
    const fixture *f = *state;
    static const uint64_t zero[20];
    uint64_t large[20];
    p_err err = {0};
    groth16_setup_options o = {.threads = 1, .secrets = zero};
    groth16_setup_report report;

    assert_int_equal(groth16_setup_dev(f->r1cs, f->other, &o, &report, &err), P_EINVAL);
    memset(large, 255, sizeof large);
    o.secrets = large;
    assert_int_equal(groth16_setup_dev(f->r1cs, f->other, &o, &report, &err), P_EINVAL);
    o.secrets = NULL;
    assert_int_equal(groth16_setup_dev("/nonexistent", f->other, &o, &report, &err), P_ENOTFOUND);
    assert_int_equal(groth16_setup_dev(f->wtns, f->other, &o, &report, &err), P_ECORRUPT);
    assert_int_equal(groth16_setup_dev(f->r1cs, "/nonexistent/x", &o, &report, &err), P_EIO);
    assert_int_equal(groth16_setup_ptau(f->r1cs, f->zkey, f->other, &o, &report, &err), P_ECORRUPT);
    expect_no_file(f->other);
    assert_int_equal(groth16_ptau_dev(f->other, 0, true, &o, &report, &err), P_EINVAL);
    assert_int_equal(groth16_ptau_dev(f->other, 28, true, &o, &report, &err), P_EINVAL);
    expect_no_file(f->other);
}

/* Keys that production refuses; one whose marks are gone passes, as nothing in it tells. */
static void test_production(void **state)
{
    const fixture *f = *state;
    groth16_options o = {.device = f->cpu, .cpu = f->cpu, .threads = 1, .production = true};
    groth16_proof proof;
    zkey key;
    p_err err = {0};

    fixture_ok(zkey_open(&key, f->zkey, &err), &err);
    assert_int_equal(groth16_prove(&key, fixture_values, &o, &proof, NULL, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "development setup"));
    key.setup = ZKEY_SETUP_NO_CONTRIBUTION;
    assert_int_equal(groth16_prove(&key, fixture_values, &o, &proof, NULL, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "no contribution"));
    key.setup = ZKEY_SETUP_CONTRIBUTED;
    fixture_ok(groth16_prove(&key, fixture_values, &o, &proof, NULL, &err), &err);
    zkey_close(&key);
}

/* Powers of tau against the definition, and the two ways to a key with the same tau. */
static void test_ptau(void **state)
{
    const fixture *f = *state;
    groth16_setup_options o = {.threads = 2, .secrets = fixture_secrets};
    const bn_fr tau = secret(TAU), alpha = secret(ALPHA), beta = secret(BETA);
    char powers[160];
    bn_g1 g1[ROWS * 2], a[2][WIRES];
    bn_g2 g2[ROWS];
    bn_fr k, l[ROWS];
    zkey key[2];
    ptau p;
    p_err err = {0};

    snprintf(powers, sizeof powers, "%s/p.ptau", f->folder);
    fixture_ok(groth16_ptau_dev(powers, 3, false, &o, NULL, &err), &err);
    assert_int_equal(groth16_setup_ptau(f->r1cs, powers, f->other, &o, NULL, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "not prepared"));
    fixture_ok(groth16_ptau_dev(powers, 2, true, &o, NULL, &err), &err);
    assert_int_equal(groth16_setup_ptau(f->r1cs, powers, f->other, &o, NULL, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "2^3"));
    fixture_ok(groth16_ptau_dev(powers, 3, true, &o, NULL, &err), &err);
    fixture_ok(ptau_open(&p, powers, &err), &err);
    assert_int_equal(p.power, 3);
    assert_true(p.dev);
    fixture_ok(ptau_read(&p, PTAU_TAU_G1, 0, 2 * ROWS - 1, g1, &err), &err);
    bn_fr_set_one(&k);
    for (int i = 0; i < 2 * ROWS - 1; i++) {
        expect_g1(&g1[i], &k);
        bn_fr_mul(&k, &k, &tau);
    }
    fixture_ok(ptau_read(&p, PTAU_ALPHA_G1, 1, 1, g1, &err), &err);
    bn_fr_mul(&k, &alpha, &tau);
    expect_g1(&g1[0], &k);
    fixture_ok(ptau_read(&p, PTAU_TAU_G2, 1, 1, g2, &err), &err);
    expect_g2(&g2[0], &tau);
    expect_g2(&p.beta2, &beta);
    for (uint32_t log2 = 0; log2 <= 3; log2++) {
        uint64_t n = UINT64_C(1) << log2;

        groth16_lagrange(&tau, log2, 0, 1, l, n);
        fixture_ok(ptau_read_lagrange(&p, PTAU_BETA_G1, log2, 0, n, g1, &err), &err);
        fixture_ok(ptau_read_lagrange(&p, PTAU_TAU_G2, log2, 0, n, g2, &err), &err);
        for (uint64_t i = 0; i < n; i++) {
            bn_fr_mul(&k, &l[i], &beta);
            expect_g1(&g1[i], &k);
            expect_g2(&g2[i], &l[i]);
        }
    }
    assert_int_equal(ptau_read(&p, PTAU_TAU_G1, 2 * ROWS - 1, 1, g1, &err), P_EINVAL);
    assert_int_equal(ptau_read(&p, PTAU_TAU_G2, 1, UINT64_MAX, g1, &err), P_EINVAL);
    assert_int_equal(ptau_read_lagrange(&p, PTAU_TAU_G1, 5, 0, 1, g1, &err), P_EINVAL);
    assert_int_equal(ptau_read_lagrange(&p, PTAU_TAU_G2, 4, 0, 1, g1, &err), P_EINVAL);
    assert_int_equal(ptau_read_lagrange(&p, PTAU_TAU_G2, 3, 8, 1, g1, &err), P_EINVAL);
    ptau_close(&p);

    fixture_ok(groth16_setup_ptau(f->r1cs, powers, f->other, &o, NULL, &err), &err);
    fixture_ok(zkey_open(&key[0], f->zkey, &err), &err);
    fixture_ok(zkey_open(&key[1], f->other, &err), &err);
    assert_int_equal(key[1].setup, ZKEY_SETUP_DEV_INSECURE); /* the mark of the powers */
    assert_true(bn_g1_eq(&key[0].vk.alpha1, &key[1].vk.alpha1));
    for (int i = 0; i < 2; i++)
        read_all(&key[i], ZKEY_A, a[i]);
    assert_memory_equal(a[0], a[1], sizeof a[0]);
    zkey_close(&key[0]);
    zkey_close(&key[1]);
    groth16_proof proof;
    fixture_prove(f, f->other, fixture_values, &proof, P_OK, &err);
    remove(powers);
    remove(f->other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),  cmocka_unit_test(test_coefficients),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_production),
        cmocka_unit_test(test_ptau),
    };

    return cmocka_run_group_tests(tests, fixture_create, fixture_destroy);
}
