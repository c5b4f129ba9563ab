/* hls/kernels/gl_lde.c against sums written out (small sizes) and against a plain transform made
 * of driver/field/goldilocks.h, which those sums check, too */
#include "tests/unit/hls/kernel_buffer.h"

#include "driver/field/goldilocks.h"
#include "hls/kernels/gl_lde.c"

#define LANES HLS_ROW_WORDS
#define SUMS_LOG2 6 /* up to here every output is also compared with its sum */

static gl_t omega(unsigned log)
{
    return gl_pow_var(7, (GL_P - 1) >> log);
}

/* rows (of eight columns) in natural order, in place: sum of x[j] w^(jk) */
static void plain(hls_row *x, unsigned log, gl_t w)
{
    uint64_t n = (uint64_t)1 << log;

    for (uint64_t i = 0, r = 0; i < n; i++) {
        if (i < r) {
            hls_row t = x[i];

            x[i] = x[r];
            x[r] = t;
        }
        for (uint64_t bit = n / 2; bit && ((r ^= bit) & bit) == 0;)
            bit /= 2;
    }
    for (uint64_t half = 1; half < n; half *= 2) {
        gl_t step = gl_pow_var(w, n / 2 / half), t = 1;

        for (uint64_t i = 0; i < half; i++, t = gl_mul(t, step))
            for (uint64_t at = i; at < n; at += 2 * half)
                for (unsigned k = 0; k < LANES; k++) {
                    gl_t a = x[at].w[k], b = gl_mul(x[at + half].w[k], t);

                    x[at].w[k] = gl_add(a, b);
                    x[at + half].w[k] = gl_sub(a, b);
                }
    }
}

/* row i times c s^i */
static void geometric(hls_row *x, uint64_t rows, gl_t c, gl_t s)
{
    for (uint64_t i = 0; i < rows; i++, c = gl_mul(c, s))
        for (unsigned k = 0; k < LANES; k++)
            x[i].w[k] = gl_mul(gl_from_u64(x[i].w[k]), c);
}

/* what the kernel promises; x has 2^log_out rows, 2^log_in of them given */
static void expect(hls_row *x, uint32_t mode, unsigned log_in, unsigned log_out, gl_t s)
{
    uint64_t in = (uint64_t)1 << log_in, out = (uint64_t)1 << log_out;

    geometric(x, in, 1, 1);
    if (mode == HLS_INVERSE || mode == HLS_EXTEND) {
        plain(x, log_in, gl_inv(omega(log_in)));
        geometric(x, in, gl_inv(gl_from_u64(in)), mode == HLS_INVERSE ? s : 1);
    }
    if (mode != HLS_INVERSE) {
        memset(x + in, 0, (size_t)(out - in) * sizeof(*x));
        geometric(x, in, 1, s);
        plain(x, log_out, omega(log_out));
    }
}

/* the definitions of kernel_abi.h, for one column */
static void check_sums(const hls_row *given, const hls_row *result, uint32_t mode, unsigned log_in,
                       unsigned log_out, gl_t s, unsigned lane)
{
    uint64_t in = 1U << log_in, out = 1U << log_out;
    gl_t w = omega(log_out), back = gl_inv(omega(log_in)), x[1 << SUMS_LOG2];

    for (uint64_t j = 0; j < in; j++) {
        x[j] = gl_from_u64(given[j].w[lane]);
        if (mode == HLS_INVERSE || mode == HLS_EXTEND) {
            x[j] = 0;
            for (uint64_t k = 0; k < in; k++)
                x[j] = gl_add(x[j], gl_mul(gl_from_u64(given[k].w[lane]), gl_pow_var(back, j * k)));
            x[j] = gl_mul(x[j], gl_inv(in));
            if (mode == HLS_INVERSE)
                assert_int_equal(result[j].w[lane], gl_mul(x[j], gl_pow_var(s, j)));
        }
    }
    for (uint64_t k = 0; k < out && mode != HLS_INVERSE; k++) {
        gl_t sum = 0, at = gl_mul(s, gl_pow_var(w, k));

        for (uint64_t j = in; j-- > 0;)
            sum = gl_add(gl_mul(sum, at), x[j]);
        assert_int_equal(result[k].w[lane], sum);
    }
}

/* of a build with smaller tiles */
static int supported(unsigned log)
{
    return log <= HLS_GL_LDE_TILE_LOG2 || (log >= 13 && log <= 2 * HLS_GL_LDE_TILE_LOG2);
}

static void check(uint32_t mode, unsigned log_in, unsigned log_out, uint64_t scale, int in_place,
                  uint64_t *seed)
{
    uint64_t in = (uint64_t)1 << log_in, out = (uint64_t)1 << log_out;
    /* offsets: multiples of HLS_ROW_ALIGN and of the transform's rows */
    uint64_t unit_in = in < HLS_ROW_ALIGN ? HLS_ROW_ALIGN : in;
    uint64_t unit_out = out < HLS_ROW_ALIGN ? HLS_ROW_ALIGN : out;
    uint64_t src_row = unit_in * (in_place ? 1 : test_random(seed) % 4);
    uint64_t tmp_row = unit_out * (test_random(seed) % 3);
    uint64_t dst_row = in_place ? src_row : unit_out * (test_random(seed) % 3);
    hls_row *x = malloc((size_t)out * sizeof(*x)), *given = malloc((size_t)out * sizeof(*x));
    test_buffer src = {0}, tmp, dst;

    assert_non_null(x);
    assert_non_null(given);
    if (!supported(log_in) || !supported(log_out)) {
        free(x);
        free(given);
        return;
    }
    if (!in_place)
        test_buffer_create(&src, src_row + in, seed);
    test_buffer_create(&tmp, tmp_row + out, seed);
    test_buffer_create(&dst, dst_row + out, seed);
    if (in_place)
        src = dst;
    for (uint64_t i = 0; i < in; i++)
        given[i] = x[i] = *test_buffer_row(&src, src_row + i);
    expect(x, mode, log_in, log_out, gl_from_u64(scale));

    gl_lde(TEST_ROWS(&src), TEST_ROWS(&tmp), TEST_ROWS(&dst), mode, log_in, log_out, src_row,
           tmp_row, dst_row, scale);
    for (uint64_t i = 0; i < out; i++)
        if (memcmp(test_buffer_row(&dst, dst_row + i), &x[i], sizeof(*x)) != 0) {
            print_error("mode %u log_in %u log_out %u scale %llx in_place %d: row %llu\n", mode,
                        log_in, log_out, (unsigned long long)scale, in_place,
                        (unsigned long long)i);
            fail();
        }
    if (log_out <= SUMS_LOG2)
        check_sums(given, x, mode, log_in, log_out, gl_from_u64(scale),
                   (unsigned)(test_random(seed) % LANES));
    test_buffer_only(&tmp, tmp_row, out);
    test_buffer_only(&dst, dst_row, out);
    if (!in_place) {
        test_buffer_only(&src, 0, 0);
        test_buffer_destroy(&src);
    }
    test_buffer_destroy(&tmp);
    test_buffer_destroy(&dst);
    free(x);
    free(given);
}

static uint64_t some_scale(uint64_t *seed)
{
    return test_random(seed) % 3 ? hls_test_word(seed) : 7;
}

/* every mode and every pair of small sizes */
static void small(void **state)
{
    uint64_t seed = 15;

    (void)state;
    for (unsigned log_out = 0; log_out <= 9; log_out++) {
        for (unsigned log_in = 0; log_in <= log_out; log_in++) {
            check(HLS_EXTEND, log_in, log_out, some_scale(&seed), 0, &seed);
            check(HLS_EXTEND_COEFFICIENTS, log_in, log_out, some_scale(&seed), 0, &seed);
        }
        for (uint32_t mode = HLS_FORWARD; mode <= HLS_EXTEND_COEFFICIENTS; mode++)
            for (int in_place = 0; in_place < 2; in_place++) {
                check(mode, log_out, log_out, some_scale(&seed), in_place, &seed);
                check(mode, log_out, log_out, 1, in_place, &seed);
            }
    }
}

static void edges(void **state)
{
    uint64_t seed = 16;

    (void)state;
    for (size_t i = 0; i < HLS_EDGE_COUNT; i++)
        for (uint32_t mode = HLS_FORWARD; mode <= HLS_EXTEND_COEFFICIENTS; mode++) {
            check(mode, 4, 4, HLS_EDGES[i], 0, &seed);
            check(mode, 7, 7, HLS_EDGES[i], 0, &seed);
        }
}

/* one pass and two, all the splits that fit into the time */
static void large(void **state)
{
    uint64_t seed = 17;
    unsigned most = (unsigned)hls_test_cases(16);

    (void)state;
    for (unsigned log = 10; log <= most; log++)
        for (uint32_t mode = HLS_FORWARD; mode <= HLS_EXTEND_COEFFICIENTS; mode++)
            check(mode, log, log, some_scale(&seed), (int)(log + mode) % 2, &seed);
    check(HLS_EXTEND, 10, 13, 7, 0, &seed);
    check(HLS_EXTEND, 13, 14, 7, 0, &seed);
    check(HLS_EXTEND, 3, 14, 7, 0, &seed);
    check(HLS_EXTEND_COEFFICIENTS, 7, 15, some_scale(&seed), 0, &seed);
    check(HLS_EXTEND_COEFFICIENTS, 5, 13, some_scale(&seed), 0, &seed);
    check(HLS_EXTEND_COEFFICIENTS, 0, 13, some_scale(&seed), 0, &seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small),
        cmocka_unit_test(edges),
        cmocka_unit_test(large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
