/* Parts of proving against slow code: folding, interpolation, inverses of points; that a proof is
 * the same for any number of threads; the computed memory beside what the process takes. */
#include "driver/base/pool.h"
#include "host/stark/prover.h"
#include "tests/unit/stark/prove_test.h"

static uint64_t seed = 5;

static gl_t random_gl(void)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return gl_from_u64(z ^ z >> 31);
}

static gl_ext random_ext(void)
{
    gl_ext e;

    for (int c = 0; c < 3; c++)
        e.c[c] = random_gl();
    return e;
}

static gl_ext at_point(const gl_ext *coefficients, uint64_t count, uint64_t step, gl_t x)
{
    gl_ext sum = {{0, 0, 0}};

    for (uint64_t i = count; i-- > 0;)
        sum = gl_ext_add(gl_ext_scale(sum, x), coefficients[i * step]);
    return sum;
}

/* f(x) = sum of x^m f_m(x^8) folds to sum of beta^m f_m. */
static void folding(void **state)
{
    (void)state;
    for (uint32_t log_points = 6; log_points <= 10; log_points++) {
        uint64_t n = UINT64_C(1) << log_points, next = n / 8, bound = n / 2;
        uint64_t *in = calloc(4 * n, sizeof *in), *out = calloc(4 * next, sizeof *out);
        gl_ext *f = malloc(bound * sizeof *f), *folded = calloc(bound / 8, sizeof *folded);
        gl_t shift = random_gl(), omega = gl_root_of_unity(log_points), x = shift;
        gl_ext beta = random_ext(), power = gl_ext_from_base(1);
        fri_layer layer = {.data = in, .log_points = log_points, .shift = shift};

        assert_true(in && out && f && folded);
        for (uint64_t i = 0; i < bound; i++)
            f[i] = random_ext();
        for (uint64_t i = 0; i < n; i++, x = gl_mul(x, omega)) {
            gl_ext v = at_point(f, bound, 1, x);

            memcpy(in + fri_place(n / 8, i), v.c, sizeof v.c);
        }
        for (uint64_t m = 0; m < 8; m++, power = gl_ext_mul(power, beta))
            for (uint64_t i = 0; i < bound / 8; i++)
                folded[i] = gl_ext_add(folded[i], gl_ext_mul(power, f[8 * i + m]));
        /* in two pieces, as a loop does */
        fri_fold(&layer, beta, 0, next / 4, out);
        fri_fold(&layer, beta, next / 4, next - next / 4, out);
        for (uint64_t j = 0; j < next; j++) {
            gl_t y = gl_mul(gl_pow_var(shift, 8), gl_pow_var(omega, 8 * j));
            gl_ext v = at_point(folded, bound / 8, 1, y);
            const uint64_t *found = out + fri_place(next / 8, j);

            assert_memory_equal(found, v.c, sizeof v.c);
            assert_int_equal(found[3], 0);
        }
        free(in);
        free(out);
        free(f);
        free(folded);
    }
}

static void interpolation(void **state)
{
    (void)state;
    for (uint32_t log = 0; log <= STARK_MAX_FINAL_LOG2; log++) {
        gl_ext coefficients[32], values[32], found[32];
        gl_t shift = random_gl(), omega = gl_root_of_unity(log);

        for (uint64_t i = 0; i < UINT64_C(1) << log; i++)
            coefficients[i] = random_ext();
        for (uint64_t i = 0; i < UINT64_C(1) << log; i++)
            values[i] =
                at_point(coefficients, UINT64_C(1) << log, 1, gl_mul(shift, gl_pow_var(omega, i)));
        fri_interpolate(values, log, shift, found);
        assert_memory_equal(found, coefficients, sizeof found[0] << log);
    }
}

static void inverses(void **state)
{
    gl_ext out[POINTS_MAX];

    (void)state;
    for (int turn = 0; turn < 4; turn++) {
        gl_ext z = random_ext();
        gl_t first = random_gl(), step = random_gl(), x = first;
        point_inverse prepared;

        point_inverse_set(&prepared, z);
        point_inverses(&prepared, first, step, POINTS_MAX, out);
        for (int i = 0; i < POINTS_MAX; i++, x = gl_mul(x, step))
            assert_true(gl_ext_eq(out[i], gl_ext_inv(gl_ext_sub(gl_ext_from_base(x), z))));
    }
}

/* ---- whole proofs ---- */

static void same_for_any_threads(void **state)
{
    p_err err = {P_OK, ""};

    (void)state;
    for (int hash = DRV_HASH_GL; hash <= DRV_HASH_BN254; hash++) {
        stark_params params = proving_params((drv_hash)hash, 7, 3);
        stark_proof first = {0};
        proving t;

        params.grinding_bits = SANITIZED ? 5 : 9;
        proving_lookup(&t, params);
        for (unsigned threads = 0; threads <= 3; threads++) {
            drv_device *device = proving_device("cpu", threads == 3 ? 1 : threads + 1, NULL);
            stark_options o = {0};
            stark_proof proof;
            stark_key key;

            if (threads > 0)
                expect_ok(p_pool_create(threads, &o.pool, &err));
            expect_ok(stark_setup(t.a, &t.params, device, &o, &key, &err));
            expect_ok(stark_prove(&key, &t.main, t.publics, &o, &proof, NULL, &err));
            if (threads > 0) {
                assert_int_equal(proof.count, first.count);
                assert_memory_equal(proof.words, first.words, proof.count * sizeof *proof.words);
                stark_proof_free(&proof);
            } else
                first = proof;
            stark_key_free(&key);
            p_pool_destroy(o.pool);
            proving_device_close(device);
        }
        stark_proof_free(&first);
        proving_close(&t);
    }
}

/* A number of /proc/self/status, in bytes; 0 if the system does not say. */
static uint64_t status_bytes(const char *key)
{
    FILE *f = fopen("/proc/self/status", "re");
    unsigned long long kib = 0;
    char line[256];

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            sscanf(line + strlen(key), "%llu", &kib);
    if (f)
        fclose(f);
    return kib * 1024;
}

static void peak_reset(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "we");

    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

/* Within a tenth of what was counted and of what the process took, narrow or wide, with either
 * hash. */
static void computed_memory(void **state)
{
    static const struct {
        uint32_t log_rows, log_blowup;
        drv_hash hash;
        bool wide;
    } cases[] = {
        {14, 1, DRV_HASH_GL, true}, {14, 3, DRV_HASH_GL, false}, {11, 4, DRV_HASH_BN254, false}};
    drv_device *device = proving_device("cpu", 2, NULL);
    p_err err = {P_OK, ""};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stark_params params = proving_params(cases[i].hash, cases[i].log_rows - (SANITIZED ? 3 : 0),
                                             cases[i].log_blowup);
        stark_report report;
        stark_proof proof;
        uint64_t before, most;
        proving t;
        stark_key key;

        if (cases[i].wide) {
            proving_open(&t, &demo_wide_100, params);
            expect_ok(demo_wide_trace(t.a, params.log_rows, 1, NULL, &t.main, t.publics, &err));
        } else
            proving_lookup(&t, params);
        expect_ok(stark_setup(t.a, &t.params, device, NULL, &key, &err));
        peak_reset();
        before = status_bytes("VmRSS:");
        expect_ok(stark_prove(&key, &t.main, t.publics, NULL, &proof, &report, &err));
        most = status_bytes("VmHWM:");
        print_message("need %.1f MB, counted %.1f MB, process %.1f MB more\n",
                      (double)report.memory_bytes / 1e6, (double)report.peak_bytes / 1e6,
                      (double)(most - before) / 1e6);
        assert_true(report.memory_bytes * 10 >= report.peak_bytes * 9);
        assert_true(report.memory_bytes * 10 <= report.peak_bytes * 11);
        if (!SANITIZED && before > 0 && report.memory_bytes > (20 << 20)) {
            assert_true(report.memory_bytes * 10 >= (most - before) * 9);
            assert_true(report.memory_bytes * 10 <= (most - before) * 11);
        }
        stark_proof_free(&proof);
        stark_key_free(&key);
        proving_close(&t);
    }
    proving_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding),         cmocka_unit_test(interpolation),
        cmocka_unit_test(inverses),        cmocka_unit_test(same_for_any_threads),
        cmocka_unit_test(computed_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
