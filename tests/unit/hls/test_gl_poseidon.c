/* hls/core/gl_poseidon.h against the matrix written out, driver/field/goldilocks.h, and the
 * driver's portable permutation */
#include "tests/unit/hls/hls_test.h"

#include "driver/field/gl_poseidon.h"
#include "driver/field/goldilocks.h"
#include "hls/core/gl_poseidon.h"

#define WIDTH HLS_GL_POSEIDON_WIDTH

static const unsigned CIRCULANT[WIDTH] = {17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20};

static unsigned matrix(unsigned row, unsigned column)
{
    return CIRCULANT[(column + WIDTH - row) % WIDTH] + (row == 0 && column == 0 ? 8 : 0);
}

static void check_linear(const uint64_t in[WIDTH], const uint64_t add[WIDTH])
{
    int64_t halves[WIDTH], out[WIDTH];
    uint64_t x[WIDTH];

    for (unsigned i = 0; i < WIDTH; i++)
        halves[i] = (int64_t)(in[i] >> 32);
    hls_gl_poseidon_matrix(out, halves);
    memcpy(x, in, sizeof(x));
    hls_gl_poseidon_linear(x, add);
    for (unsigned i = 0; i < WIDTH; i++) {
        gl_t sum = add[i];
        int64_t exact = 0;

        for (unsigned j = 0; j < WIDTH; j++) {
            sum = gl_add(sum, gl_mul(matrix(i, j), gl_from_u64(in[j])));
            exact += matrix(i, j) * halves[j];
        }
        assert_int_equal(out[i], exact);
        assert_int_equal(gl_from_u64(x[i]), sum);
    }
}

static void linear(void **state)
{
    uint64_t seed = 3, x[WIDTH], add[WIDTH];

    (void)state;
    for (size_t i = 0; i < HLS_EDGE_COUNT; i++) {
        for (size_t k = 0; k < HLS_EDGE_COUNT; k++) {
            for (unsigned j = 0; j < WIDTH; j++) {
                x[j] = HLS_EDGES[i];
                add[j] = gl_from_u64(HLS_EDGES[k]);
            }
            check_linear(x, add);
        }
        for (unsigned one = 0; one < WIDTH; one++) {
            memset(x, 0, sizeof(x));
            x[one] = HLS_EDGES[i];
            check_linear(x, add);
        }
    }
    for (long i = hls_test_cases(100000); i > 0; i--) {
        for (unsigned j = 0; j < WIDTH; j++) {
            x[j] = hls_test_word(&seed);
            add[j] = gl_from_u64(hls_test_word(&seed));
        }
        check_linear(x, add);
    }
}

static void power(void **state)
{
    (void)state;
    for (size_t i = 0; i < HLS_EDGE_COUNT; i++)
        assert_int_equal(gl_from_u64(hls_gl_poseidon_pow7(HLS_EDGES[i])),
                         gl_pow_var(gl_from_u64(HLS_EDGES[i]), 7));
}

static void check_permutation(const uint64_t in[WIDTH])
{
    uint64_t ours[WIDTH], theirs[WIDTH];

    memcpy(ours, in, sizeof(ours));
    memcpy(theirs, in, sizeof(theirs));
    hls_gl_poseidon_permute(ours);
    gl_poseidon_permute_portable(theirs);
    for (unsigned i = 0; i < WIDTH; i++)
        assert_int_equal(ours[i], theirs[i]);
}

static void permutation(void **state)
{
    uint64_t seed = 4, x[WIDTH] = {0};

    (void)state;
    hls_gl_poseidon_permute(x);
    assert_int_equal(x[0], 0x3c18a9786cb0b359); /* plonky2's test vector for zeros */
    assert_int_equal(x[1], 0xc4055e3364a246c3);
    for (size_t i = 0; i < HLS_EDGE_COUNT; i++) {
        for (unsigned j = 0; j < WIDTH; j++)
            x[j] = HLS_EDGES[i];
        check_permutation(x);
    }
    for (long i = hls_test_cases(20000); i > 0; i--) {
        for (unsigned j = 0; j < WIDTH; j++)
            x[j] = hls_test_word(&seed);
        check_permutation(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),
        cmocka_unit_test(power),
        cmocka_unit_test(permutation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
