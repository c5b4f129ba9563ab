/* The transcript against a second one, written from docs/stark.md alone: it keeps the whole
 * sequence of a phase in an array, and permutes with the textbook permutations. */
#include "tests/unit/stark/stark_test.h"

#define MAX_ITEMS 600

typedef struct naive {
    drv_hash kind;
    gl_t gl[12];
    uint64_t bn[4];
    bn_poseidon *p3, *p17;
    unsigned place;
} naive;

/* Poseidon over Fr, literally: constants, fifth power (first element only in partial rounds),
 * matrix. states canonical. */
static void permute_bn(const bn_poseidon *p, uint64_t (*state)[4])
{
    bn_poseidon_plain plain;
    bn_fr s[17], next[17], t;
    unsigned w;

    bn_poseidon_get_plain(p, &plain);
    w = plain.width;
    for (unsigned i = 0; i < w; i++)
        assert_true(bn_fr_set_words(&s[i], state[i]));
    for (unsigned r = 0; r < 8 + plain.partial_rounds; r++) {
        const bool full = r < 4 || r >= 4 + plain.partial_rounds;

        for (unsigned i = 0; i < w; i++) {
            bn_fr_add(&s[i], &s[i], &plain.constants[r * w + i]);
            if (full || i == 0) {
                bn_fr_mul(&t, &s[i], &s[i]);
                bn_fr_mul(&t, &t, &t);
                bn_fr_mul(&s[i], &s[i], &t);
            }
        }
        for (unsigned i = 0; i < w; i++) {
            bn_fr_set_zero(&next[i]);
            for (unsigned j = 0; j < w; j++) {
                bn_fr_mul(&t, &plain.matrix[i * w + j], &s[j]);
                bn_fr_add(&next[i], &next[i], &t);
            }
        }
        memcpy(s, next, sizeof s);
    }
    for (unsigned i = 0; i < w; i++)
        bn_fr_get_words(state[i], &s[i]);
}

static void naive_init(naive *n, drv_hash kind)
{
    p_err err;

    memset(n, 0, sizeof *n);
    n->kind = kind;
    n->gl[9] = 1;
    n->bn[0] = 2;
    if (kind == DRV_HASH_BN254) {
        assert_int_equal(bn_poseidon_create(3, &n->p3, &err), P_OK);
        assert_int_equal(bn_poseidon_create(17, &n->p17, &err), P_OK);
    }
}

static void naive_free(naive *n)
{
    bn_poseidon_destroy(n->p3);
    bn_poseidon_destroy(n->p17);
}

static void naive_absorb(naive *n, const uint64_t *words, uint64_t items, bool digests)
{
    const uint64_t count = digests ? 4 * items : items;

    if (n->kind == DRV_HASH_GL) {
        uint64_t sequence[MAX_ITEMS + 16] = {count};

        memcpy(sequence + 1, words, count * 8);
        for (uint64_t b = 0; 8 * b < count + 1; b++) {
            memcpy(n->gl, sequence + 8 * b, 64);
            gl_poseidon_permute_portable(n->gl);
        }
    } else {
        uint64_t sequence[MAX_ITEMS + 32][4] = {{items}};
        const uint64_t elements = digests ? items : (items + 2) / 3;

        for (uint64_t i = 0; i < count; i++)
            if (digests)
                sequence[1 + i / 4][i % 4] = words[i];
            else
                sequence[1 + i / 3][i % 3] = words[i];
        for (uint64_t b = 0; 16 * b < elements + 1; b++) {
            uint64_t state[17][4];

            memcpy(state[0], n->bn, 32);
            memcpy(state[1], sequence[16 * b], 16 * 32);
            permute_bn(n->p17, state);
            memcpy(n->bn, state[0], 32);
        }
    }
}

static void naive_element(naive *n, uint64_t out[4])
{
    uint64_t state[3][4] = {{0}};

    memcpy(state[0], n->bn, 32);
    permute_bn(n->p3, state);
    memcpy(n->bn, state[0], 32);
    memcpy(out, state[1], 32);
}

static void naive_begin(naive *n)
{
    if (n->kind == DRV_HASH_GL)
        gl_poseidon_permute_portable(n->gl);
    n->place = 0;
}

static uint64_t naive_word(naive *n)
{
    if (n->place == 8) {
        gl_poseidon_permute_portable(n->gl);
        n->place = 0;
    }
    return n->gl[n->place++];
}

static gl_ext naive_ext(naive *n)
{
    gl_ext e;

    if (n->kind == DRV_HASH_GL) {
        if (8 - n->place < 3) {
            gl_poseidon_permute_portable(n->gl);
            n->place = 0;
        }
        for (int i = 0; i < 3; i++)
            e.c[i] = naive_word(n);
    } else {
        uint64_t w[4];

        naive_element(n, w);
        for (int i = 0; i < 3; i++)
            e.c[i] = w[i] % GL_P;
    }
    return e;
}

static void naive_indices(naive *n, uint32_t log_n, uint64_t *e0, uint64_t *out, uint32_t count)
{
    uint64_t element[4], w[MAX_ITEMS];
    uint32_t words = 0;

    naive_begin(n);
    if (n->kind == DRV_HASH_GL) {
        *e0 = naive_word(n);
        while (3 * words < count)
            w[words++] = naive_word(n);
    } else {
        naive_element(n, element);
        *e0 = element[0];
        while (3 * words < count) {
            naive_element(n, element);
            memcpy(w + words, element, 24);
            words += 3;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        out[i] = (w[i / 3] >> 21 * (i % 3)) % (UINT64_C(1) << log_n);
}

/* Random phases of every length around the borders of blocks, in random order. */
static void agree(drv_hash kind, unsigned rounds)
{
    uint64_t seed = 20 + (uint64_t)kind, words[MAX_ITEMS] = {0};
    stark_transcript t;
    stark_hash hash;
    naive n;
    p_err err;

    assert_int_equal(stark_hash_create(kind, &hash, &err), P_OK);
    naive_init(&n, kind);
    stark_transcript_init(&t, &hash);
    for (unsigned r = 0; r < rounds; r++) {
        const bool digests = r % 3 == 2;
        const uint64_t items = r < 60 ? r : test_random(&seed) % 140;
        uint64_t e0, e0_naive, found[100], expected[100], digest[4], digest_naive[4];

        for (uint64_t i = 0; i < MAX_ITEMS; i++)
            words[i] = test_random_gl(&seed);
        if (digests && kind == DRV_HASH_BN254)
            for (uint64_t i = 3; i < MAX_ITEMS; i += 4)
                words[i] %= UINT64_C(0x30644e72e131a029);
        if (digests)
            stark_absorb_digests(&t, "digests", words, items);
        else
            stark_absorb_words(&t, "words", words, items);
        naive_absorb(&n, words, items, digests);
        if (r % 2 == 0) {
            stark_squeeze_begin(&t);
            naive_begin(&n);
            for (uint64_t i = test_random(&seed) % 6; i > 0; i--)
                assert_true(gl_ext_eq(stark_squeeze_ext(&t, "e"), naive_ext(&n)));
        }
        if (r % 7 == 0) {
            const uint32_t count = 1 + (uint32_t)(test_random(&seed) % 100);

            e0 = stark_squeeze_grinding(&t);
            stark_squeeze_indices(&t, 21 - r % 14, found, count);
            naive_indices(&n, 21 - r % 14, &e0_naive, expected, count);
            assert_int_equal(e0, e0_naive);
            assert_memory_equal(found, expected, count * 8);
        }
        if (r % 11 == 0) {
            stark_squeeze_digest(&t, digest);
            naive_begin(&n);
            if (kind == DRV_HASH_GL)
                for (int i = 0; i < 4; i++)
                    digest_naive[i] = naive_word(&n);
            else
                naive_element(&n, digest_naive);
            assert_memory_equal(digest, digest_naive, sizeof digest);
            assert_true(stark_hash_digest_ok(kind, digest));
        }
    }
    naive_free(&n);
    stark_hash_destroy(&hash);
}

static void test_goldilocks(void **state)
{
    (void)state;
    agree(DRV_HASH_GL, 300);
}

static void test_bn254(void **state)
{
    (void)state;
    agree(DRV_HASH_BN254, 90);
}

/* Leaves and nodes against driver.h's words, with the textbook permutation. */
static void test_leaf_node_bn254(void **state)
{
    uint64_t seed = 5, words[150], children[64], digest[4], chain[4];
    stark_hash hash;
    p_err err;

    (void)state;
    assert_int_equal(stark_hash_create(DRV_HASH_BN254, &hash, &err), P_OK);
    assert_int_equal(stark_hash_arity_log2(DRV_HASH_BN254), 4);
    for (uint32_t count = 1; count <= 150; count += count < 55 ? 1 : 19) {
        const uint32_t elements = (count + 2) / 3;

        for (uint32_t i = 0; i < count; i++)
            words[i] = test_random_gl(&seed);
        stark_hash_leaf(&hash, words, count, digest);
        memset(chain, 0, sizeof chain);
        chain[0] = 1;
        for (uint32_t first = 0; first < elements; first += 16) {
            const uint32_t k = elements - first < 16 ? elements - first : 16;
            uint64_t s[17][4] = {{0}};

            memcpy(s[0], chain, 32);
            for (uint32_t i = 3 * first; i < 3 * (first + k) && i < count; i++)
                s[1 + i / 3 - first][i % 3] = words[i];
            permute_bn(hash.bn_width[k + 1], s);
            memcpy(chain, s[0], 32);
        }
        assert_memory_equal(digest, chain, 32);
    }
    for (int i = 0; i < 64; i++)
        children[i] = i % 4 == 3 ? 17 : test_random_gl(&seed);
    {
        uint64_t s[17][4] = {{0}};

        memcpy(s[1], children, sizeof children);
        permute_bn(hash.bn_width[17], s);
        stark_hash_node(&hash, children, digest);
        assert_memory_equal(digest, s[0], 32);
    }
    stark_hash_destroy(&hash);
}

static void test_leaf_node_goldilocks(void **state)
{
    uint64_t seed = 6, words[40], digest[4];
    stark_hash hash;
    p_err err;

    (void)state;
    assert_int_equal(stark_hash_create(DRV_HASH_GL, &hash, &err), P_OK);
    assert_int_equal(stark_hash_arity_log2(DRV_HASH_GL), 1);
    for (uint32_t count = 1; count <= 40; count++) {
        gl_t s[12] = {[8] = 1};

        for (uint32_t i = 0; i < count; i++)
            words[i] = test_random_gl(&seed);
        stark_hash_leaf(&hash, words, count, digest);
        for (uint32_t i = 0; i < count; i += 8) {
            for (uint32_t j = 0; j < 8; j++)
                s[j] = i + j < count ? words[i + j] : 0;
            gl_poseidon_permute_portable(s);
        }
        assert_memory_equal(digest, s, 32);
        if (count == 8) {
            gl_t node[12] = {0};

            memcpy(node, words, 64);
            gl_poseidon_permute_portable(node);
            stark_hash_node(&hash, words, digest);
            assert_memory_equal(digest, node, 32);
        }
    }
    stark_hash_destroy(&hash);
}

static void test_digest_ok(void **state)
{
    static const uint64_t r[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    uint64_t d[4];

    (void)state;
    assert_false(stark_hash_digest_ok(DRV_HASH_BN254, r));
    memcpy(d, r, sizeof d);
    d[0]--;
    assert_true(stark_hash_digest_ok(DRV_HASH_BN254, d));
    for (int i = 0; i < 4; i++) {
        uint64_t g[4] = {GL_P - 1, GL_P - 1, GL_P - 1, GL_P - 1};

        assert_true(stark_hash_digest_ok(DRV_HASH_GL, g));
        g[i]++;
        assert_false(stark_hash_digest_ok(DRV_HASH_GL, g));
    }
}

/* A phase's length is part of it: (1, 2) then (3) is not (1, 2, 3), nor (1, 2, 3, 0). */
static void test_phases_differ(void **state)
{
    static const uint64_t words[] = {1, 2, 3, 0, 0, 0, 0, 0};

    (void)state;
    for (int kind = DRV_HASH_GL; kind <= DRV_HASH_BN254; kind++) {
        stark_transcript t[5];
        gl_ext e[5];
        stark_hash hash;
        p_err err;

        assert_int_equal(stark_hash_create((drv_hash)kind, &hash, &err), P_OK);
        for (int i = 0; i < 5; i++)
            stark_transcript_init(&t[i], &hash);
        stark_absorb_words(&t[0], "", words, 3);
        stark_absorb_words(&t[1], "", words, 2);
        stark_absorb_words(&t[1], "", words + 2, 1);
        stark_absorb_words(&t[2], "", words, 4);
        stark_absorb_words(&t[3], "", words, 0);
        for (int i = 0; i < 5; i++) {
            stark_squeeze_begin(&t[i]);
            e[i] = stark_squeeze_ext(&t[i], "");
            for (int j = 0; j < i; j++)
                assert_false(gl_ext_eq(e[i], e[j]));
        }
        stark_hash_destroy(&hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldilocks),      cmocka_unit_test(test_bn254),
        cmocka_unit_test(test_leaf_node_bn254), cmocka_unit_test(test_leaf_node_goldilocks),
        cmocka_unit_test(test_digest_ok),       cmocka_unit_test(test_phases_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
