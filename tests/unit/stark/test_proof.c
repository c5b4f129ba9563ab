/* The bytes of proofs: there and back, and everything that is refused. Contents are random: nothing
 * here asks whether a proof holds. */
#include "tests/unit/stark/stark_test.h"

#define HEADER_BYTES 56

static const test_counts counts = {
    .degree = 3, .publics = 3, .main = 4, .main_next = 1, .fixed = 1, .constraints = 2};

typedef struct fixture {
    air a;
    stark_vk vk;
    stark_shape shape;
    stark_proof proof;
    uint64_t publics[3];
    uint8_t *bytes;
    size_t size;
} fixture;

static void make(fixture *f, drv_hash kind)
{
    uint64_t seed = 77;
    p_err err;

    memset(f, 0, sizeof *f);
    test_air_fake(&f->a, &counts, NULL, NULL);
    f->vk.air = &f->a;
    f->vk.params = (stark_params){.level = STARK_TEST,
                                  .hash = kind,
                                  .log_rows = 6,
                                  .log_blowup = 2,
                                  .queries = 3,
                                  .cap_log2 = 2};
    for (int i = 0; i < 4; i++)
        f->vk.digest[i] = test_random(&seed) >> 3;
    for (int i = 0; i < 3; i++)
        f->publics[i] = test_random_gl(&seed);
    stark_shape_compute(&f->vk.params, &f->a, &f->shape);
    f->proof.count = f->shape.words;
    f->proof.words = malloc(8 * f->shape.words);
    assert_non_null(f->proof.words);
    for (uint64_t i = 0; i < f->shape.words; i++)
        f->proof.words[i] = test_random(&seed) >> 3;
    assert_int_equal(stark_proof_write(&f->vk, f->publics, &f->proof, &f->bytes, &f->size, &err),
                     P_OK);
}

static void release(fixture *f)
{
    stark_proof_free(&f->proof);
    assert_null(f->proof.words);
    free(f->bytes);
}

static void refused(const fixture *f, const uint8_t *bytes, size_t size, const char *part)
{
    stark_proof proof = {0};
    uint64_t *publics = NULL;
    p_err err = {0};

    assert_int_equal(stark_proof_parse(&f->vk, bytes, size, &proof, &publics, &err), P_ECORRUPT);
    assert_null(proof.words);
    assert_null(publics);
    if (part && !strstr(err.text, part))
        fail_msg("'%s' does not name '%s'", err.text, part);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int kind = DRV_HASH_GL; kind <= DRV_HASH_BN254; kind++) {
        stark_proof proof;
        uint64_t *publics;
        fixture f;
        p_err err;

        make(&f, (drv_hash)kind);
        assert_int_equal(f.size, HEADER_BYTES + 8 * (3 + f.shape.words));
        assert_memory_equal(f.bytes, "ZKPSTARK\1\0\0\0\3\0\0\0", 16);
        assert_int_equal(stark_proof_parse(&f.vk, f.bytes, f.size, &proof, &publics, &err), P_OK);
        assert_int_equal(proof.count, f.shape.words);
        assert_memory_equal(proof.words, f.proof.words, 8 * proof.count);
        assert_memory_equal(publics, f.publics, sizeof f.publics);
        stark_proof_free(&proof);
        free(publics);
        release(&f);
    }
}

/* Every length but the right one; the buffer is exactly as long as it says, for the sanitizer. */
static void test_lengths(void **state)
{
    fixture f;

    (void)state;
    make(&f, DRV_HASH_GL);
    for (size_t size = 0; size < f.size; size++) {
        uint8_t *copy = malloc(size + 1);

        assert_non_null(copy);
        memcpy(copy, f.bytes, size);
        copy = realloc(copy, size ? size : 1);
        assert_non_null(copy);
        refused(&f, copy, size, NULL);
        free(copy);
    }
    for (size_t more = 1; more < 40; more++) {
        uint8_t *copy = calloc(1, f.size + more);

        assert_non_null(copy);
        memcpy(copy, f.bytes, f.size);
        refused(&f, copy, f.size + more, "length");
        free(copy);
    }
    release(&f);
}

/* Every bit of the header, each with the part that the text has to name. */
static void test_header(void **state)
{
    fixture f;

    (void)state;
    make(&f, DRV_HASH_GL);
    for (size_t bit = 0; bit < 8 * HEADER_BYTES; bit++) {
        const size_t at = bit / 8;

        f.bytes[at] ^= (uint8_t)(1 << bit % 8);
        refused(&f, f.bytes, f.size,
                at < 8    ? "offset 0"
                : at < 12 ? "format version"
                : at < 16 ? "number of public values"
                : at < 24 ? "number of words"
                          : "digest of another key");
        f.bytes[at] ^= (uint8_t)(1 << bit % 8);
    }
    release(&f);
}

static void put64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* Each word of the proof and each public value at p and at 2^64 - 1; each digest of BN254 at r. */
static void test_canonical(void **state)
{
    (void)state;
    for (int kind = DRV_HASH_GL; kind <= DRV_HASH_BN254; kind++) {
        static const uint64_t r[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
        stark_part part;
        uint64_t at = 0;
        fixture f;

        make(&f, (drv_hash)kind);
        for (int i = 0; i < 3; i++) {
            put64(f.bytes + HEADER_BYTES + 8 * i, GL_P);
            refused(&f, f.bytes, f.size, "public value");
            put64(f.bytes + HEADER_BYTES + 8 * i, f.publics[i]);
        }
        while (stark_shape_part(&f.shape, &at, &part))
            for (uint64_t i = 0; i < part.words; i++) {
                uint8_t *p = f.bytes + HEADER_BYTES + 8 * (3 + part.at + i);
                const bool fr = part.kind == STARK_PART_DIGESTS && kind == DRV_HASH_BN254;

                if (fr && i % 4)
                    continue;
                if (fr) {
                    for (int j = 0; j < 4; j++)
                        put64(p + 8 * j, r[j]);
                    refused(&f, f.bytes, f.size, part.name);
                    for (int j = 0; j < 4; j++)
                        put64(p + 8 * j, f.proof.words[part.at + i + j]);
                    continue;
                }
                put64(p, GL_P);
                refused(&f, f.bytes, f.size, part.name);
                put64(p, UINT64_MAX);
                refused(&f, f.bytes, f.size, part.name);
                put64(p, f.proof.words[part.at + i]);
            }
        release(&f);
    }
}

static void test_write_refuses(void **state)
{
    uint8_t *bytes;
    size_t size;
    fixture f;
    p_err err;

    (void)state;
    make(&f, DRV_HASH_GL);
    f.publics[1] = GL_P;
    assert_int_equal(stark_proof_write(&f.vk, f.publics, &f.proof, &bytes, &size, &err), P_EINVAL);
    assert_null(bytes);
    f.publics[1] = 0;
    f.proof.words[5] = GL_P;
    assert_int_equal(stark_proof_write(&f.vk, f.publics, &f.proof, &bytes, &size, &err),
                     P_ECORRUPT);
    f.proof.words[5] = 0;
    f.proof.count--;
    assert_int_equal(stark_proof_write(&f.vk, f.publics, &f.proof, &bytes, &size, &err),
                     P_ECORRUPT);
    release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_header),        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_write_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
