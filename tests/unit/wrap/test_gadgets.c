/* Each gadget beside the native function: the same result on random inputs, and no witness where
 * the native check says no. */
#include "tests/unit/wrap/wrap_test.h"

static wrap_hash hash;

static int setup_hash(void **state)
{
    uint32_t words[16];
    p_err err;

    (void)state;
    for (uint32_t i = 0; i < 16; i++)
        words[i] = 3 * i + 1;
    return wrap_hash_create(words, 16, &hash, &err) == P_OK ? 0 : -1;
}

static int teardown_hash(void **state)
{
    (void)state;
    wrap_hash_destroy(&hash);
    return 0;
}

static void assert_ext(const r1cs_builder *b, r1cs_ext x, gl_ext expected)
{
    assert_true(gl_ext_eq(r1cs_ext_value(b, &x), expected));
}

/* ---- transcript ---- */

static void absorb_both(stark_transcript *native, wrap_transcript *t, uint32_t count, bool digests,
                        uint64_t *seed)
{
    uint64_t words[4 * 70];
    r1cs_gl in[70];
    r1cs_lc elements[70];

    if (digests) {
        for (uint32_t i = 0; i < count; i++)
            test_digest(seed, words + 4 * (size_t)i);
        wrap_digests(t->b, words, count, false, elements);
        stark_absorb_digests(native, "", words, count);
        wrap_absorb_digests(t, elements, count);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            words[i] = test_gl(seed);
            in[i] = r1cs_gl_input(t->b, words[i]);
        }
        stark_absorb_words(native, "", words, count);
        wrap_absorb_words(t, in, count);
    }
}

static void squeeze_both(stark_transcript *native, wrap_transcript *t, uint32_t count)
{
    stark_squeeze_begin(native);
    for (uint32_t i = 0; i < count; i++)
        assert_ext(t->b, wrap_squeeze_ext(t), stark_squeeze_ext(native, ""));
}

static void begin_both(r1cs_builder *b, stark_transcript *native, wrap_transcript *t,
                       uint64_t *seed)
{
    uint64_t digest[4];

    test_digest(seed, digest);
    stark_transcript_init(native, &hash.native);
    stark_absorb_digests(native, "", digest, 1);
    wrap_transcript_init(t, b, &hash, native->state.bn);
}

static void transcript_gives_the_native_challenges(void **state)
{
    /* lengths around whole chunks: 15 elements and the length fill one */
    static const uint32_t counts[] = {0, 1, 2, 3, 44, 45, 46, 70, 15, 16, 31, 32};
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        r1cs_builder *b = test_begin();
        stark_transcript native;
        wrap_transcript t;

        begin_both(b, &native, &t, &seed);
        absorb_both(&native, &t, counts[i], false, &seed);
        squeeze_both(&native, &t, 1 + i % 3);
        absorb_both(&native, &t, counts[i] > 64 ? 64 : counts[i], true, &seed);
        squeeze_both(&native, &t, 1);
        test_end(b, true);
    }
}

static void indices_are_the_native_ones(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (uint32_t log_n = 7; log_n <= STARK_MAX_DOMAIN_LOG2; log_n += 7) {
        const uint32_t count = 11; /* two elements, the second one in part */
        r1cs_builder *b = test_begin();
        r1cs_lc bits[11 * STARK_MAX_DOMAIN_LOG2];
        uint64_t indices[11];
        stark_transcript native;
        wrap_transcript t;

        begin_both(b, &native, &t, &seed);
        (void)stark_squeeze_grinding(&native);
        stark_squeeze_indices(&native, log_n, indices, count);
        wrap_squeeze_grinding(&t, 0);
        wrap_squeeze_indices(&t, log_n, count, bits);
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < log_n; k++)
                assert_int_equal(!bn_fr_is_zero(&bits[i * log_n + k].value), indices[i] >> k & 1);
        test_end(b, true);
    }
}

static void grinding_bits_have_to_be_zero(void **state)
{
    uint64_t seed = 3;
    int accepted = 0, refused = 0;

    (void)state;
    for (int i = 0; i < 24; i++) {
        r1cs_builder *b = test_begin();
        stark_transcript native;
        wrap_transcript t;
        uint64_t e;
        bool ok;

        begin_both(b, &native, &t, &seed);
        e = stark_squeeze_grinding(&native);
        ok = (e & 3) == 0;
        wrap_squeeze_grinding(&t, 2);
        test_end(b, ok);
        accepted += ok;
        refused += !ok;
    }
    assert_true(accepted > 0 && refused > 0);
}

/* ---- trees ---- */

static void leaves_are_the_native_ones(void **state)
{
    static const uint32_t counts[] = {1, 2, 3, 4, 24, 32, 47, 48, 49, 96, 230};
    uint64_t seed = 4, words[230], digest[4], found[4];

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        r1cs_builder *b = test_begin();
        r1cs_gl in[230];
        r1cs_lc out;

        for (uint32_t k = 0; k < counts[i]; k++) {
            words[k] = k % 5 == 4 ? 0 : test_gl(&seed);
            in[k] = k % 5 == 4 ? r1cs_gl_constant(b, 0) : r1cs_gl_input(b, words[k]);
        }
        stark_hash_leaf(&hash.native, words, counts[i], digest);
        out = wrap_leaf(b, &hash, in, counts[i]);
        bn_fr_get_words(found, &out.value);
        assert_memory_equal(found, digest, sizeof(digest));
        test_end(b, true);
    }
}

#define LEAVES_LOG2 9
#define CAP_LOG2 1
#define LEVELS 2

typedef struct tree {
    uint64_t level[LEVELS + 1][1u << LEAVES_LOG2][4];
} tree;

static tree *make_tree(uint64_t *seed)
{
    tree *t = malloc(sizeof(*t));

    assert_non_null(t);
    for (uint32_t i = 0; i < 1u << LEAVES_LOG2; i++)
        test_digest(seed, t->level[0][i]);
    for (uint32_t l = 0; l < LEVELS; l++)
        for (uint32_t i = 0; i < 1u << (LEAVES_LOG2 - 4 * (l + 1)); i++)
            stark_hash_node(&hash.native, t->level[l][16 * (size_t)i], t->level[l + 1][i]);
    return t;
}

static void tree_path(const tree *t, uint32_t leaf, uint64_t *out)
{
    for (uint32_t l = 0; l < LEVELS; l++, leaf /= 16)
        for (uint32_t i = 0; i < 16; i++)
            if (i != leaf % 16) {
                memcpy(out, t->level[l][leaf / 16 * 16 + i], 32);
                out += 4;
            }
}

static void check_path(const tree *t, const uint64_t *digest, uint32_t leaf, const uint64_t *path,
                       bool constant, bool accepted)
{
    r1cs_builder *b = test_begin();
    r1cs_lc bits[LEAVES_LOG2], cap[1u << CAP_LOG2], leaf_digest;

    wrap_digests(b, t->level[LEVELS][0], 1u << CAP_LOG2, constant, cap);
    wrap_digests(b, digest, 1, false, &leaf_digest);
    test_bits(b, leaf, LEAVES_LOG2, bits);
    wrap_path(b, &hash, leaf_digest, bits, LEAVES_LOG2, cap, CAP_LOG2, path);
    test_end(b, accepted);
}

static void paths_are_of_one_position(void **state)
{
    uint64_t seed = 5, path[LEVELS * 15 * 4];
    tree *t = make_tree(&seed);
    static const uint32_t leaves[] = {0, 1, 15, 16, 255, 256, 300, 511};

    (void)state;
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        uint32_t leaf = leaves[i];
        uint64_t *digest = t->level[0][leaf];

        tree_path(t, leaf, path);
        check_path(t, digest, leaf, path, false, true);
        check_path(t, digest, leaf, path, true, true);
        /* the same opening at another place: one bit of each level and of the cap */
        for (uint32_t bit = 0; bit < LEAVES_LOG2; bit++)
            check_path(t, digest, leaf ^ 1u << bit, path, bit & 1, false);
        /* another leaf, another sibling */
        check_path(t, t->level[0][leaf ^ 1], leaf, path, false, false);
        path[4 * (test_random(&seed) % (LEVELS * 15))] ^= 1;
        check_path(t, digest, leaf, path, false, false);
    }
    free(t);
}

/* Children of the prover's choice, which hash to the right node: only the digest at the place
 * counts. */
static void children_have_to_hold_the_node(void **state)
{
    uint64_t seed = 9, words[WRAP_ARITY][4], other[4], parent[4], found[4];

    (void)state;
    for (uint32_t i = 0; i < WRAP_ARITY; i++)
        test_digest(&seed, words[i]);
    test_digest(&seed, other);
    stark_hash_node(&hash.native, words[0], parent);
    for (uint32_t place = 0; place < WRAP_ARITY; place++)
        for (uint32_t claimed = 0; claimed <= WRAP_ARITY; claimed++) { /* the last: of no child */
            r1cs_builder *b = test_begin();
            r1cs_lc in[WRAP_ARITY], digest, bits[4], node;

            wrap_digests(b, words[0], WRAP_ARITY, false, in);
            wrap_digests(b, claimed < WRAP_ARITY ? words[claimed] : other, 1, false, &digest);
            test_bits(b, place, 4, bits);
            node = wrap_node(b, &hash, digest, bits, in);
            bn_fr_get_words(found, &node.value);
            assert_memory_equal(found, parent, sizeof(parent));
            test_end(b, claimed == place);
        }
}

static void digests_are_elements(void **state)
{
    static const uint64_t order[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    r1cs_builder *b = test_begin();
    r1cs_lc out;

    (void)state;
    wrap_digests(b, order, 1, false, &out);
    test_end(b, false);
}

/* ---- powers ---- */

static void powers_are_chosen_by_bits(void **state)
{
    uint64_t seed = 6;

    (void)state;
    for (uint32_t n = 0; n <= STARK_MAX_DOMAIN_LOG2; n++)
        for (int wide = 0; wide <= (n <= 11); wide++) {
            r1cs_builder *b = test_begin();
            gl_t root = gl_pow_var(7, (GL_P - 1) >> n), shift = test_gl(&seed);
            uint64_t i = n ? test_random(&seed) & ((UINT64_C(1) << n) - 1) : 0;
            r1cs_lc bits[STARK_MAX_DOMAIN_LOG2 + 1];
            r1cs_gl out[3];

            test_bits(b, i, n, bits);
            wrap_powers(b, bits, n, shift, root, wide, 3, out);
            for (uint32_t m = 0; m < 3; m++)
                assert_true(r1cs_gl_value(b, &out[m]) ==
                            gl_pow_var(gl_mul(shift, gl_pow_var(root, i)), m + 1));
            if (!wide)
                for (uint32_t m = 0; m < 3; m++)
                    assert_true(out[m].bound.w[1] <= 1 && !out[m].bound.w[2]);
            test_end(b, true);
        }
}

/* ---- words ---- */

static void publics_are_canonical(void **state)
{
    static const uint64_t words[] = {0,    1,        UINT32_MAX, GL_P - 1,
                                     GL_P, GL_P + 1, UINT64_MAX, UINT64_MAX - UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        r1cs_builder *b = test_begin();
        r1cs_gl word;
        bn_fr x;

        bn_fr_set_u64(&x, words[i]);
        word = wrap_canonical(b, r1cs_wire(b, x));
        if (words[i] < GL_P)
            assert_true(r1cs_gl_value(b, &word) == words[i]);
        test_end(b, words[i] < GL_P);
    }
    for (int k = 1; k < 4; k++) { /* beyond 64 bits */
        static const uint64_t shifted[4][4] = {{0}, {5, 1, 0, 0}, {5, 0, 1, 0}, {5, 0, 0, 1}};
        r1cs_builder *b = test_begin();
        bn_fr x;

        assert_true(bn_fr_set_words(&x, shifted[k]));
        (void)wrap_canonical(b, r1cs_wire(b, x));
        test_end(b, false);
    }
}

static void extension_shifts_and_powers(void **state)
{
    r1cs_builder *b = test_begin();
    uint64_t seed = 7;
    gl_ext x = test_ext(&seed), one = gl_ext_from_base(1), times = {{0, 1, 0}}, y = one;
    r1cs_ext in = r1cs_ext_input(b, x), powers[9];

    (void)state;
    assert_ext(b, wrap_ext_shift(b, in, 0), x);
    assert_ext(b, wrap_ext_shift(b, in, 1), gl_ext_mul(x, times));
    assert_ext(b, wrap_ext_shift(b, in, 2), gl_ext_mul(gl_ext_mul(x, times), times));
    wrap_ext_powers(b, in, 9, powers);
    for (int i = 0; i < 9; i++, y = gl_ext_mul(y, x))
        assert_ext(b, powers[i], y);
    test_end(b, true);
}

/* ---- FRI ---- */

/* The polynomial of degree below 8 through the eight points, at beta: Lagrange's formula. */
static gl_ext fold_naive(gl_t x, const gl_ext values[8], gl_ext beta)
{
    gl_t zeta = gl_pow_var(7, (GL_P - 1) / 8), points[8];
    gl_ext sum = gl_ext_from_base(0);

    for (int s = 0; s < 8; s++)
        points[s] = gl_mul(x, gl_pow_var(zeta, (uint64_t)s));
    for (int s = 0; s < 8; s++) {
        gl_ext term = values[s];

        for (int k = 0; k < 8; k++)
            if (k != s) {
                term = gl_ext_mul(term, gl_ext_sub(beta, gl_ext_from_base(points[k])));
                term = gl_ext_scale(term, gl_inv(gl_sub(points[s], points[k])));
            }
        sum = gl_ext_add(sum, term);
    }
    return sum;
}

static void fold_interpolates(void **state)
{
    uint64_t seed = 8;

    (void)state;
    for (uint32_t leaf_log2 = 3; leaf_log2 <= 18; leaf_log2 += 3) {
        r1cs_builder *b = test_begin();
        uint64_t j = test_random(&seed) & ((UINT64_C(1) << leaf_log2) - 1);
        gl_t root = gl_pow_var(7, (GL_P - 1) >> (leaf_log2 + 3)), shift = gl_pow_var(7, 64);
        gl_ext values[8], beta = test_ext(&seed);
        r1cs_ext in[8], powers[8];
        r1cs_lc bits[18];

        for (int s = 0; s < 8; s++) {
            values[s] = test_ext(&seed);
            in[s] = r1cs_ext_input(b, values[s]);
        }
        test_bits(b, j, leaf_log2, bits);
        wrap_ext_powers(b, r1cs_ext_input(b, beta), 8, powers);
        assert_ext(b, wrap_fold(b, powers, bits, leaf_log2, shift, in),
                   gl_ext_scale(fold_naive(gl_mul(shift, gl_pow_var(root, j)), values, beta), 8));
        test_end(b, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transcript_gives_the_native_challenges),
        cmocka_unit_test(indices_are_the_native_ones),
        cmocka_unit_test(grinding_bits_have_to_be_zero),
        cmocka_unit_test(leaves_are_the_native_ones),
        cmocka_unit_test(paths_are_of_one_position),
        cmocka_unit_test(children_have_to_hold_the_node),
        cmocka_unit_test(digests_are_elements),
        cmocka_unit_test(powers_are_chosen_by_bits),
        cmocka_unit_test(publics_are_canonical),
        cmocka_unit_test(extension_shifts_and_powers),
        cmocka_unit_test(fold_interpolates),
    };

    return cmocka_run_group_tests_name("wrap gadgets", tests, setup_hash, teardown_hash);
}
