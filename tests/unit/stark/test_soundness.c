/* Every change of a proof, of the public values and of the key is refused. */
#include "tests/unit/stark/fixture.h"

#include <stdio.h>

/* A part is refused for the reason that belongs to it, or because challenges after it are others.
 */
static void changed(const fixture *f, const stark_part *part, uint64_t at, const char *how)
{
    p_err err;

    if (fixture_verify(f, &err) == P_OK)
        fail_msg("%s, word %llu %s: accepted", part->name, (unsigned long long)(at - part->at),
                 how);
    assert_int_equal(err.status, P_EINVAL);
    assert_true(err.text[0] != 0);
}

/* Each word: another bit, plus 1, plus p (the same residue), zero, exchanged with its neighbour. */
static void every_word(fixture *f, bool all)
{
    uint64_t end = 0, seed = 4;
    stark_part part;

    while (stark_shape_part(&f->shape, &end, &part))
        for (uint64_t i = part.at; i < part.at + part.words; i++) {
            uint64_t *w = &f->proof.words[i];
            const uint64_t old = *w;

            *w = old ^ UINT64_C(1) << test_random(&seed) % 64;
            changed(f, &part, i, "with another bit");
            if (!all && i >= f->shape.queries + f->shape.query_words) {
                *w = old;
                continue;
            }
            *w = gl_add(gl_from_u64(old), 1);
            changed(f, &part, i, "plus 1");
            *w = old < GL_EPSILON ? old + GL_P : GL_P; /* the same residue, if it fits */
            changed(f, &part, i, "plus p");
            *w = old ? 0 : 1;
            changed(f, &part, i, "set to zero");
            *w = old;
            if (i + 1 < f->proof.count && w[1] != old) {
                *w = w[1];
                w[1] = old;
                changed(f, &part, i, "exchanged with the next");
                w[1] = *w;
                *w = old;
            }
        }
    assert_int_equal(end, f->proof.count);
    assert_int_equal(fixture_verify(f, &(p_err){0}), P_OK);
}

static void test_every_word_goldilocks(void **state)
{
    fixture f;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 3);
    every_word(&f, true);
    fixture_free(&f);
}

/* Two layers of FRI. */
static void test_every_word_layers(void **state)
{
    fixture f;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 9, 1, 2);
    every_word(&f, true);
    fixture_free(&f);
}

static void test_every_word_bn254(void **state)
{
    fixture f;

    (void)state;
    fixture_make(&f, DRV_HASH_BN254, 6, 1, 1);
    every_word(&f, false);
    fixture_free(&f);
}

/* Digests that stand for the same number: plus r. */
static void test_digests_plus_r(void **state)
{
    static const uint64_t r[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    stark_part part;
    uint64_t end = 0;
    fixture f;

    (void)state;
    fixture_make(&f, DRV_HASH_BN254, 6, 1, 1);
    while (stark_shape_part(&f.shape, &end, &part))
        for (uint64_t i = part.at; part.kind == STARK_PART_DIGESTS && i < part.at + part.words;
             i += 4) {
            uint64_t old[4], *w = &f.proof.words[i];
            gl_u128 carry = 0;

            memcpy(old, w, sizeof old);
            for (int j = 0; j < 4; j++) {
                carry += (gl_u128)w[j] + r[j];
                w[j] = (uint64_t)carry;
                carry >>= 64;
            }
            assert_true(carry == 0);
            fixture_refused(&f, "a digest that is not canonical");
            memcpy(w, old, sizeof old);
        }
    fixture_free(&f);
}

/* Whole parts: queries exchanged, repeated, coefficients moved. */
static void test_parts_exchanged(void **state)
{
    fixture f;
    uint64_t *first, *second, words;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 2, 4);
    words = f.shape.query_words;
    first = f.proof.words + f.shape.queries;
    second = first + words;
    {
        uint64_t *copy = malloc(8 * words);

        assert_non_null(copy);
        memcpy(copy, first, 8 * words);
        memcpy(first, second, 8 * words);
        fixture_refused(&f, "query 0 ");
        memcpy(second, copy, 8 * words);
        fixture_refused(&f, "query 0 ");
        memcpy(first, copy, 8 * words);
        fixture_refused(&f, "query 1 ");
        free(copy);
    }
    fixture_free(&f);
}

static void test_length(void **state)
{
    fixture f;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 2);
    /* the verifier looks at no word of these */
    f.proof.count--;
    fixture_refused(&f, "words, expected");
    f.proof.count += 2;
    fixture_refused(&f, "words, expected");
    f.proof.count = 0;
    fixture_refused(&f, "words, expected");
    f.proof.count = f.shape.words;
    assert_int_equal(fixture_verify(&f, &(p_err){0}), P_OK);
    fixture_free(&f);
}

static void test_publics(void **state)
{
    fixture f;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 2);
    for (int i = 0; i < DEMO_LOOKUP_PUBLICS; i++) {
        const uint64_t old = f.publics[i];

        f.publics[i] = gl_add(old, 1);
        /* absorbed first, so everything after it is another */
        assert_int_equal(fixture_verify(&f, &(p_err){0}), P_EINVAL);
        f.publics[i] = old + GL_P;
        fixture_refused(&f, "not a canonical element");
        f.publics[i] = old;
    }
    fixture_free(&f);
}

/* Every parameter, digest and hash of the key: with the old digest (the key contradicts itself) and
 * with the digest that belongs to the changed key (the proof is of another). */
static void key_refused(fixture *f, const stark_vk *changed_vk, const air *changed_air)
{
    const naive_key old = f->key;
    stark_proof proof = f->proof;
    stark_shape shape;
    p_err err;

    f->key.vk = *changed_vk;
    f->key.vk.air = changed_air;
    assert_int_equal(fixture_verify(f, &err), P_EINVAL);
    if (stark_params_check(&f->key.vk.params, changed_air, &err) == P_OK) {
        stark_vk_digest(&f->key.vk.params, changed_air, f->key.vk.fixed_cap, &f->key.hash,
                        f->key.vk.digest);
        assert_int_equal(fixture_verify(f, &err), P_EINVAL);
        /* and with as many words as that key asks for */
        stark_shape_compute(&f->key.vk.params, changed_air, &shape);
        f->proof.words = calloc(shape.words, 8);
        assert_non_null(f->proof.words);
        f->proof.count = shape.words;
        memcpy(f->proof.words, proof.words,
               8 * (shape.words < proof.count ? shape.words : proof.count));
        assert_int_equal(fixture_verify(f, &err), P_EINVAL);
        free(f->proof.words);
        f->proof = proof;
    }
    f->key = old;
}

static void test_key(void **state)
{
    const uint64_t words = 4u << 2;
    stark_vk vk;
    fixture f;
    air a;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 2, 2);
    /* room for the larger cap that a changed parameter asks for */
    f.key.vk.fixed_cap = realloc(f.key.vk.fixed_cap, 2 * 8 * words);
    assert_non_null(f.key.vk.fixed_cap);
    memset(f.key.vk.fixed_cap + words, 0, 8 * words);
#define KEY_REFUSED(member, change)                                                                \
    do {                                                                                           \
        vk = f.key.vk;                                                                             \
        vk.params.member = vk.params.member change;                                                \
        key_refused(&f, &vk, f.a);                                                                 \
    } while (0)
    KEY_REFUSED(log_rows, +1);
    KEY_REFUSED(log_rows, -1);
    KEY_REFUSED(log_blowup, +1);
    KEY_REFUSED(log_blowup, -1);
    KEY_REFUSED(queries, +1);
    KEY_REFUSED(queries, -1);
    KEY_REFUSED(grinding_bits, +1);
    KEY_REFUSED(grinding_bits, -1);
    KEY_REFUSED(cap_log2, +1);
    KEY_REFUSED(cap_log2, -1);
    KEY_REFUSED(level, +1); /* two queries are not 100 bits */
    for (int i = 0; i < 4; i++) {
        f.key.vk.digest[i] ^= 1;
        fixture_refused(&f, "the key's digest");
        f.key.vk.digest[i] ^= 1;
    }
    for (uint64_t i = 0; i < words; i++) {
        f.key.vk.fixed_cap[i] ^= 1;
        key_refused(&f, &f.key.vk, f.a);
        f.key.vk.fixed_cap[i] ^= 1;
    }
    for (int i = 0; i < 32; i++) {
        a = *f.a;
        a.hash[i] ^= 1;
        key_refused(&f, &f.key.vk, &a);
    }
    {
        uint64_t *cap = f.key.vk.fixed_cap, old = cap[3];

        cap[3] = GL_P;
        fixture_refused(&f, "not canonical");
        cap[3] = old;
        f.key.vk.fixed_cap = NULL;
        fixture_refused(&f, "no cap");
        f.key.vk.fixed_cap = cap;
    }
    assert_int_equal(fixture_verify(&f, &(p_err){0}), P_OK);
    fixture_free(&f);
}

/* The other hash's proof, under the same words. */
static void test_other_hash(void **state)
{
    stark_vk vk;
    fixture f, g;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 2);
    fixture_make(&g, DRV_HASH_BN254, 6, 1, 2);
    vk = f.key.vk;
    vk.params.hash = DRV_HASH_BN254;
    assert_int_equal(stark_verify(&vk, f.publics, &f.proof, true, NULL), P_EINVAL);
    assert_int_equal(stark_verify(&g.key.vk, g.publics, &f.proof, true, NULL), P_EINVAL);
    assert_int_equal(stark_verify(&g.key.vk, g.publics, &g.proof, true, NULL), P_OK);
    fixture_free(&f);
    fixture_free(&g);
}

/* Levels: test only where it is asked for, and a declared level is measured. */
static void test_level(void **state)
{
    fixture f;
    p_err err;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 2);
    assert_int_equal(stark_verify(&f.key.vk, f.publics, &f.proof, true, &err), P_OK);
    assert_int_equal(stark_verify(&f.key.vk, f.publics, &f.proof, false, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "level test"));
    f.key.vk.params.level = STARK_P100;
    assert_int_equal(stark_verify(&f.key.vk, f.publics, &f.proof, true, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "100 are declared"));
    fixture_free(&f);
}

/* z in H, z in D: what the transcript never gives is put in. */
static void test_z_in_trace_or_domain(void **state)
{
    const gl_t omega_rows = gl_pow_var(7, (GL_P - 1) >> 6), omega = gl_pow_var(7, (GL_P - 1) >> 8);
    stark_challenges c;
    stark_transcript t;
    fixture f;
    p_err err = {0};

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 2, 2);
    stark_transcript_init(&t, &f.key.hash);
    stark_replay(&t, &f.key.vk, &f.shape, f.publics, &f.proof, &c);
    assert_int_equal(stark_verify_challenges(&f.key.hash, &f.key.vk, f.publics, &f.proof, &c, &err),
                     P_OK);
    for (int i = 0; i < 256; i++) {
        c.z = gl_ext_from_base(i < 64 ? gl_pow_var(omega_rows, (uint64_t)i) : 1);
        if (i >= 64)
            c.z = gl_ext_from_base(gl_mul(7, gl_pow_var(omega, (uint64_t)i)));
        assert_int_equal(
            stark_verify_challenges(&f.key.hash, &f.key.vk, f.publics, &f.proof, &c, &err),
            P_EINVAL);
        assert_non_null(strstr(err.text, "z is a point"));
    }
    fixture_free(&f);
}

/* More queries than points: indices repeat, and that is no fault. */
static void test_duplicated_queries(void **state)
{
    bool seen[128] = {false};
    unsigned repeats = 0;
    stark_challenges c;
    stark_transcript t;
    fixture f;

    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 1, 140);
    stark_transcript_init(&t, &f.key.hash);
    stark_replay(&t, &f.key.vk, &f.shape, f.publics, &f.proof, &c);
    for (uint32_t i = 0; i < 140; i++) {
        assert_true(c.indices[i] < 128);
        repeats += seen[c.indices[i]];
        seen[c.indices[i]] = true;
    }
    assert_true(repeats >= 12);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_word_goldilocks),
        cmocka_unit_test(test_every_word_layers),
        cmocka_unit_test(test_every_word_bn254),
        cmocka_unit_test(test_digests_plus_r),
        cmocka_unit_test(test_parts_exchanged),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_publics),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_other_hash),
        cmocka_unit_test(test_level),
        cmocka_unit_test(test_z_in_trace_or_domain),
        cmocka_unit_test(test_duplicated_queries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
