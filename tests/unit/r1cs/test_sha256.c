/* SHA-256's constraints against libcrypto: lengths around the ends of blocks, the number of
 * constraints, and every wire of a block changed. */
#include "host/r1cs/sha256.h"

#include "driver/field/sha256.h"
#include "host/r1cs/bits.h"

#include "circuit.h"

typedef struct message {
    uint64_t bytes;
    uint64_t constraints; /* of the gadget */
} message;

static void hash(r1cs_builder *b, void *context)
{
    message *m = context;
    uint8_t text[200], digest[SHA256_BYTES];
    r1cs_lc bits[8 * 200], out[R1CS_SHA256_BITS];
    uint64_t seed = m->bytes, before;

    for (uint64_t i = 0; i < m->bytes; i++)
        text[i] = m->bytes == 3 ? (uint8_t) "abc"[i] : (uint8_t)test_random(&seed);
    for (uint64_t i = 0; i < 8 * m->bytes; i++)
        bits[i] = r1cs_public(b, r1cs_fr_u64(text[i / 8] >> (7 - i % 8) & 1));
    before = r1cs_count(b).constraints;
    r1cs_sha256(b, bits, m->bytes, out);
    m->constraints = r1cs_count(b).constraints - before;
    assert_true(sha256_bytes(digest, text, m->bytes));
    assert_true(m->bytes != 3 || digest[0] == 0xba);
    for (unsigned i = 0; i < R1CS_SHA256_BITS; i++) {
        bn_fr bit = r1cs_fr_u64(digest[i / 8] >> (7 - i % 8) & 1);

        assert_true(!r1cs_solving(b) || bn_fr_eq(&out[i].value, &bit));
        r1cs_equal(b, out[i], r1cs_constant(b, bit));
    }
}

static void test_lengths(void **state)
{
    static const uint64_t lengths[] = {0, 1, 3, 55, 56, 64, 119, 120};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        message m = {.bytes = lengths[i]};
        circuit c;

        circuit_make(&c, hash, &m, 0, (uint32_t)(8 * m.bytes));
        if (m.bytes == 0)
            assert_int_equal(m.constraints, 0);
        if (m.bytes == 119) { /* two blocks, the first one against constants */
            print_message("119 bytes, two blocks: %llu constraints, %llu terms\n",
                          (unsigned long long)m.constraints, (unsigned long long)c.counts.terms);
            assert_in_range(m.constraints, 48000, 50500);
        }
        circuit_free(&c);
    }
}

/* Every 101st wire changed; all of them take minutes. */
static void test_wires(void **state)
{
    message m = {.bytes = 55};
    circuit c;
    bn_fr *w;
    uint32_t held = 0;

    (void)state;
    circuit_make(&c, hash, &m, 0, 440);
    w = circuit_witness(&c);
    assert_true(circuit_holds(&c, w));
    for (uint32_t wire = 441; wire < c.counts.wires; wire += 101) {
        bn_fr honest = w[wire], one = r1cs_fr_one();

        bn_fr_sub(&w[wire], &one, &honest);
        held += circuit_holds(&c, w);
        w[wire] = honest;
    }
    assert_int_equal(held, 0);
    free(w);
    circuit_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_wires),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
