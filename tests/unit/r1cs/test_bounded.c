/* Bounded integers: random expressions against K and GMP's integers; forgeries that the bounds
 * exclude; a second assignment is looked for by changing every wire. */
#include "host/r1cs/bounded.h"

#include "host/r1cs/bits.h"

#include "circuit.h"

#include <gmp.h>

#define RANDOM_NODES 60

/* ---- random expressions ---- */

static void words_to_mpz(mpz_t z, const uint64_t w[4])
{
    mpz_import(z, 4, -1, 8, 0, 0, w);
}

/* What the type says of a value: below its bound, its bound at most 2^252, its residue right. */
static void assert_value(r1cs_builder *b, const r1cs_gl *x, gl_t expected)
{
    uint64_t words[4];
    mpz_t value, bound, p;

    if (!r1cs_solving(b))
        return;
    mpz_inits(value, bound, NULL);
    mpz_init_set_str(p, "18446744069414584321", 10);
    bn_fr_get_words(words, &x->lc.value);
    words_to_mpz(value, words);
    words_to_mpz(bound, x->bound.w);
    assert_true(mpz_cmp(value, bound) < 0);
    assert_true(mpz_sizeinbase(bound, 2) <= 253);
    mpz_mod(value, value, p);
    assert_int_equal(mpz_get_ui(value), expected);
    assert_int_equal(r1cs_gl_value(b, x), expected);
    mpz_clears(value, bound, p, NULL);
}

static gl_t edge(uint64_t *seed)
{
    static const uint64_t values[] = {0, 1, 2, GL_P - 1, GL_P - 2, UINT32_MAX, UINT64_C(1) << 32};
    uint64_t r = test_random(seed);

    return r % 3 == 0 ? values[r / 3 % (sizeof values / 8)] : gl_from_u64(test_random(seed));
}

static void random_gl(r1cs_builder *b, void *context)
{
    uint64_t seed = *(uint64_t *)context;
    r1cs_gl x[RANDOM_NODES];
    gl_t v[RANDOM_NODES];

    for (int i = 0; i < 6; i++) {
        v[i] = edge(&seed);
        x[i] = i < 2 ? r1cs_gl_constant(b, v[i]) : r1cs_gl_input(b, v[i]);
    }
    for (int i = 6; i < RANDOM_NODES; i++) {
        uint64_t r = test_random(&seed);
        /* the last ones more often: chains that grow */
        int j = r % 3 ? i - 1 - (int)(r / 8 % 3) : (int)(r / 8 % (uint64_t)i);
        int k = (int)(r / 1024 % (uint64_t)i);
        gl_t f = edge(&seed);

        switch (r >> 32 & 7) {
        case 0:
            x[i] = r1cs_gl_add(b, x[j], x[k]);
            v[i] = gl_add(v[j], v[k]);
            break;
        case 1:
            x[i] = r1cs_gl_sub(b, x[j], x[k]);
            v[i] = gl_sub(v[j], v[k]);
            break;
        case 2:
            x[i] = r1cs_gl_scale(b, x[j], f);
            v[i] = gl_mul(v[j], f);
            break;
        case 3:
            x[i] = r1cs_gl_reduce(b, x[j]);
            v[i] = v[j];
            break;
        case 4: {
            gl_t factors[3] = {f, edge(&seed), edge(&seed)};
            r1cs_gl parts[3] = {x[j], x[k], x[0]};

            x[i] = r1cs_gl_sum(b, parts, factors, 3);
            v[i] =
                gl_add(gl_add(gl_mul(f, v[j]), gl_mul(factors[1], v[k])), gl_mul(factors[2], v[0]));
            break;
        }
        case 5: {
            r1cs_gl left[3] = {x[j], x[k], x[i - 1]}, right[3] = {x[k], x[i - 1], x[1]};

            x[i] = r1cs_gl_dot(b, left, right, 3);
            v[i] =
                gl_add(gl_add(gl_mul(v[j], v[k]), gl_mul(v[k], v[i - 1])), gl_mul(v[i - 1], v[1]));
            break;
        }
        default:
            x[i] = r1cs_gl_mul(b, x[j], x[k]);
            v[i] = gl_mul(v[j], v[k]);
        }
        assert_value(b, &x[i], v[i]);
    }
    r1cs_gl_equal(b, x[RANDOM_NODES - 1], r1cs_gl_constant(b, v[RANDOM_NODES - 1]));
    x[0] = r1cs_gl_canonical(b, x[RANDOM_NODES - 2], NULL);
    if (r1cs_solving(b)) {
        uint64_t words[4];

        bn_fr_get_words(words, &x[0].lc.value);
        assert_int_equal(words[0], v[RANDOM_NODES - 2]);
        assert_int_equal(words[1] | words[2] | words[3], 0);
    }
}

static void test_random_expressions(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        circuit c;

        circuit_make(&c, random_gl, &seed, 0, 0);
        circuit_free(&c);
    }
}

static void random_ext(r1cs_builder *b, void *context)
{
    uint64_t seed = *(uint64_t *)context;
    r1cs_ext x[RANDOM_NODES];
    gl_ext v[RANDOM_NODES];

    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < 3; k++)
            v[i].c[k] = edge(&seed);
        if (i == 2)
            v[i] = gl_ext_from_base(v[i].c[0]);
        x[i] = i == 0   ? r1cs_ext_constant(b, v[i])
               : i == 2 ? r1cs_ext_from_gl(b, r1cs_gl_input(b, v[i].c[0]))
                        : r1cs_ext_input(b, v[i]);
    }
    for (int i = 6; i < RANDOM_NODES; i++) {
        uint64_t r = test_random(&seed);
        int j = r % 3 ? i - 1 - (int)(r / 8 % 3) : (int)(r / 8 % (uint64_t)i);
        int k = (int)(r / 1024 % (uint64_t)i);
        gl_t f = edge(&seed);

        switch (r >> 32 & 7) {
        case 0:
            x[i] = r1cs_ext_add(b, x[j], x[k]);
            v[i] = gl_ext_add(v[j], v[k]);
            break;
        case 1:
            x[i] = r1cs_ext_sub(b, x[j], x[k]);
            v[i] = gl_ext_sub(v[j], v[k]);
            break;
        case 2:
            x[i] = r1cs_ext_scale(b, x[j], f);
            v[i] = gl_ext_scale(v[j], f);
            break;
        case 3:
            x[i] = r1cs_ext_reduce(b, x[j]);
            v[i] = v[j];
            break;
        case 4: {
            r1cs_ext left[3] = {x[j], x[k], x[i - 1]}, right[3] = {x[k], x[i - 1], x[0]};

            x[i] = r1cs_ext_dot(b, left, right, 3);
            v[i] = gl_ext_add(gl_ext_add(gl_ext_mul(v[j], v[k]), gl_ext_mul(v[k], v[i - 1])),
                              gl_ext_mul(v[i - 1], v[0]));
            break;
        }
        case 5: {
            r1cs_gl right[2] = {x[k].c[1], x[2].c[0]};
            r1cs_ext left[2] = {x[j], x[i - 1]};

            x[i] = r1cs_ext_dot_gl(b, left, right, 2);
            v[i] = gl_ext_add(gl_ext_scale(v[j], v[k].c[1]), gl_ext_scale(v[i - 1], v[2].c[0]));
            break;
        }
        default:
            x[i] = r1cs_ext_mul(b, x[j], x[k]);
            v[i] = gl_ext_mul(v[j], v[k]);
        }
        for (int c = 0; c < 3; c++)
            assert_value(b, &x[i].c[c], v[i].c[c]);
    }
    if (!gl_ext_is_zero(v[RANDOM_NODES - 1])) {
        x[0] = r1cs_ext_inverse(b, x[RANDOM_NODES - 1]);
        v[0] = gl_ext_inv(v[RANDOM_NODES - 1]);
        for (int c = 0; c < 3; c++)
            assert_value(b, &x[0].c[c], v[0].c[c]);
        r1cs_ext_equal(b, x[0], r1cs_ext_constant(b, v[0]));
    }
}

static void test_random_expressions_of_k(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        circuit c;

        circuit_make(&c, random_ext, &seed, 0, 0);
        circuit_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_expressions),
        cmocka_unit_test(test_random_expressions_of_k),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
