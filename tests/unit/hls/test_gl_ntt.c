/* hls/core/gl_ntt.h: butterflies against driver/field/goldilocks.h, and whole transforms made of
 * them against the double loop */
#include "tests/unit/hls/hls_test.h"

#include "driver/field/goldilocks.h"
#include "hls/core/gl_ntt.h"

#define LANES HLS_GL_LANES

static void butterflies(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (long i = hls_test_cases(200000); i > 0; i--) {
        uint64_t a[LANES], b[LANES], c[LANES], raw[LANES], dif[2][LANES], dit[2][LANES], row[LANES];
        uint64_t w = hls_test_word(&seed);

        for (unsigned k = 0; k < LANES; k++) {
            a[k] = gl_from_u64(hls_test_word(&seed));
            raw[k] = hls_test_word(&seed);
            b[k] = gl_from_u64(raw[k]);
            c[k] = gl_mul(b[k], gl_from_u64(w));
        }
        memcpy(dif[0], a, sizeof(a));
        memcpy(dif[1], b, sizeof(b));
        memcpy(dit[0], a, sizeof(a));
        memcpy(dit[1], raw, sizeof(raw));
        memcpy(row, raw, sizeof(raw));
        hls_gl_ntt_dif(dif[0], dif[1], w);
        hls_gl_ntt_dit(dit[0], dit[1], w);
        hls_gl_ntt_scale(row, w);
        for (unsigned k = 0; k < LANES; k++) {
            assert_int_equal(dif[0][k], gl_add(a[k], b[k]));
            assert_int_equal(dif[1][k], gl_mul(gl_sub(a[k], b[k]), gl_from_u64(w)));
            assert_int_equal(dit[0][k], gl_add(a[k], c[k]));
            assert_int_equal(dit[1][k], gl_sub(a[k], c[k]));
            assert_int_equal(row[k], c[k]);
        }
    }
}

static void twiddles(void **state)
{
    (void)state;
    for (size_t i = 0; i < HLS_EDGE_COUNT; i++) {
        for (size_t j = 0; j < HLS_EDGE_COUNT; j++) {
            uint64_t ring[HLS_GL_TWIDDLES];
            gl_t expected = gl_from_u64(HLS_EDGES[i]), step = gl_from_u64(HLS_EDGES[j]);
            uint64_t stride = hls_gl_ntt_twiddle_start(ring, HLS_EDGES[i], HLS_EDGES[j]);

            for (uint32_t k = 0; k < 40; k++) {
                assert_int_equal(hls_gl_ntt_twiddle_next(ring, k, stride), expected);
                expected = gl_mul(expected, step);
            }
        }
    }
}

#define LOG 5
#define SIZE (1U << LOG)

static unsigned reversed(unsigned i)
{
    unsigned r = 0;

    for (unsigned k = 0; k < LOG; k++)
        r |= (i >> k & 1) << (LOG - 1 - k);
    return r;
}

/* DIF: natural to bit-reversed order; DIT of that with the inverse root: back, times the size */
static void transforms(void **state)
{
    static uint64_t in[SIZE][LANES], out[SIZE][LANES], x[SIZE][LANES];
    gl_t root = gl_pow_var(7, (GL_P - 1) / SIZE), inverse = gl_inv(root);
    uint64_t seed = 6, ring[HLS_GL_TWIDDLES], stride;

    (void)state;
    for (unsigned i = 0; i < SIZE; i++)
        for (unsigned k = 0; k < LANES; k++)
            x[i][k] = in[i][k] = gl_from_u64(hls_test_word(&seed));
    for (unsigned i = 0; i < SIZE; i++)
        for (unsigned k = 0; k < LANES; k++)
            for (unsigned j = 0; j < SIZE; j++)
                out[i][k] = gl_add(out[i][k], gl_mul(in[j][k], gl_pow_var(root, i * j % SIZE)));
    for (unsigned half = SIZE / 2; half > 0; half /= 2)
        for (unsigned start = 0; start < SIZE; start += 2 * half) {
            stride = hls_gl_ntt_twiddle_start(ring, 1, gl_pow_var(root, SIZE / 2 / half));
            for (unsigned i = 0; i < half; i++)
                hls_gl_ntt_dif(x[start + i], x[start + i + half],
                               hls_gl_ntt_twiddle_next(ring, i, stride));
        }
    for (unsigned i = 0; i < SIZE; i++)
        for (unsigned k = 0; k < LANES; k++)
            assert_int_equal(x[reversed(i)][k], out[i][k]);
    for (unsigned half = 1; half < SIZE; half *= 2)
        for (unsigned start = 0; start < SIZE; start += 2 * half) {
            stride = hls_gl_ntt_twiddle_start(ring, 1, gl_pow_var(inverse, SIZE / 2 / half));
            for (unsigned i = 0; i < half; i++)
                hls_gl_ntt_dit(x[start + i], x[start + i + half],
                               hls_gl_ntt_twiddle_next(ring, i, stride));
        }
    for (unsigned i = 0; i < SIZE; i++) {
        hls_gl_ntt_scale(x[i], gl_inv(SIZE));
        for (unsigned k = 0; k < LANES; k++)
            assert_int_equal(x[i][k], in[i][k]);
    }
}

/* every shift */
static void shifts(void **state)
{
    uint64_t seed = 8;

    (void)state;
    for (uint32_t shift = 0; shift < 192; shift++) {
        gl_t power = gl_pow_var(2, shift);

        for (size_t i = 0; i < HLS_EDGE_COUNT; i++)
            assert_int_equal(hls_gl_shift(HLS_EDGES[i], shift),
                             gl_mul(gl_from_u64(HLS_EDGES[i]), power));
        for (long i = hls_test_cases(2000); i > 0; i--) {
            uint64_t a = hls_test_word(&seed);

            assert_int_equal(hls_gl_shift(a, shift), gl_mul(gl_from_u64(a), power));
        }
    }
}

/* transforms of 2, 4 and 8 points side by side against the double loop */
static void eights(void **state)
{
    uint64_t seed = 9;

    (void)state;
    for (long n = hls_test_cases(2000); n > 0; n--)
        for (unsigned digit = 0; digit <= 3; digit++) {
            uint64_t in[HLS_GL_RADIX][HLS_GL_QUAD], x[HLS_GL_RADIX][HLS_GL_QUAD];
            unsigned size = 1U << digit;
            gl_t root = gl_pow_var(7, (GL_P - 1) >> digit);

            for (unsigned i = 0; i < HLS_GL_RADIX; i++)
                for (unsigned k = 0; k < HLS_GL_QUAD; k++)
                    x[i][k] = in[i][k] = gl_from_u64(hls_test_word(&seed));
            hls_gl_ntt_eight(x, digit);
            for (unsigned i = 0; i < HLS_GL_RADIX; i++)
                for (unsigned k = 0; k < HLS_GL_QUAD; k++) {
                    unsigned group = i / size * size, q = 0;
                    gl_t sum = 0;

                    for (unsigned bit = 0; bit < digit; bit++)
                        q |= (i >> bit & 1) << (digit - 1 - bit);
                    for (unsigned j = 0; j < size; j++)
                        sum = gl_add(sum, gl_mul(in[group + j][k], gl_pow_var(root, j * q)));
                    assert_int_equal(x[i][k], sum);
                }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(butterflies), cmocka_unit_test(twiddles), cmocka_unit_test(transforms),
        cmocka_unit_test(shifts),      cmocka_unit_test(eights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
