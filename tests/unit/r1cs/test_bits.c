/* Range checks, decompositions and choices: values, numbers of constraints, refused values, and
 * witnesses that lie. */
#include "host/r1cs/bits.h"

#include "circuit.h"

typedef struct number {
    uint64_t words[4];
    unsigned bits;
} number;

static void range(r1cs_builder *b, void *context)
{
    const number *n = context;
    bn_fr value;
    r1cs_lc x, bits[R1CS_FR_BITS];

    assert_true(bn_fr_set_words(&value, n->words));
    x = r1cs_public(b, value);
    r1cs_bits(b, x, n->bits, bits);
    for (unsigned i = 0; i < n->bits && r1cs_solving(b) && !r1cs_failed(b); i++) {
        bn_fr bit = n->words[i / 64] >> i % 64 & 1 ? r1cs_fr_one() : r1cs_fr_zero();

        assert_true(bn_fr_eq(&bits[i].value, &bit));
    }
    if (n->bits > 0 && n->bits <= R1CS_MAX_BITS)
        r1cs_equal(b, r1cs_from_bits(b, bits, n->bits), x);
}

static void range_alone(r1cs_builder *b, void *context)
{
    const number *n = context;
    bn_fr value;

    assert_true(bn_fr_set_words(&value, n->words));
    r1cs_bits(b, r1cs_public(b, value), n->bits, NULL);
}

static void set_power(number *n, unsigned bits, int less)
{
    memset(n->words, 0, sizeof n->words);
    if (less) {
        for (unsigned i = 0; i < bits; i++)
            n->words[i / 64] |= UINT64_C(1) << i % 64;
    } else {
        n->words[bits / 64] |= UINT64_C(1) << bits % 64;
    }
}

static void test_ranges(void **state)
{
    static const unsigned sizes[] = {0, 1, 2, 5, 63, 64, 65, 190, 253};
    circuit c;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        number n = {.bits = sizes[i]};
        unsigned expected = sizes[i] ? sizes[i] : 1;

        circuit_make(&c, range, &n, 0, 1); /* zero */
        circuit_free(&c);
        set_power(&n, n.bits, 1); /* the largest */
        circuit_make(&c, range_alone, &n, 0, 1);
        assert_int_equal(c.counts.constraints, expected);
        assert_int_equal(c.counts.wires, 2 + (n.bits ? n.bits - 1 : 0));
        assert_int_equal(circuit_free_wires(&c, 2, 1), 0);
        circuit_free(&c);
        circuit_make(&c, range, &n, 0, 1);
        circuit_free(&c);
        set_power(&n, n.bits, 0); /* one too many: below r also for 253 bits */
        circuit_refused(range_alone, &n, 0, 1, P_EINVAL, "do not satisfy");
        memcpy(n.words, (uint64_t[]){BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3}, 32); /* -1 */
        circuit_refused(range_alone, &n, 0, 1, P_EINVAL, "do not satisfy");
    }
    circuit_refused(range_alone, &(number){.bits = 254}, 0, 1, P_EINTERNAL, "254 bits");
}

/* ---- the strict decomposition ---- */

static void strict(r1cs_builder *b, void *context)
{
    const number *n = context;
    bn_fr value;
    r1cs_lc bits[R1CS_FR_BITS];

    assert_true(bn_fr_set_words(&value, n->words));
    r1cs_bits_strict(b, r1cs_public(b, value), bits);
    for (unsigned i = 0; i < R1CS_FR_BITS && r1cs_solving(b); i++) {
        bn_fr bit = n->words[i / 64] >> i % 64 & 1 ? r1cs_fr_one() : r1cs_fr_zero();

        assert_true(bn_fr_eq(&bits[i].value, &bit));
    }
}

/* The witness of a prover who takes the bits of x + r: returns how many constraints it breaks. */
static size_t take_other_bits(const circuit *c, const uint64_t x[4])
{
    static const uint64_t r[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    bn_fr *w = circuit_witness(c), same = r1cs_fr_one();
    uint64_t sum[4];
    unsigned char carry = 0;
    uint32_t wire = 2 + R1CS_FR_BITS - 1;
    size_t broken = 0;

    for (int i = 0; i < 4; i++)
        carry = bn254_add(&sum[i], x[i], r[i], carry);
    assert_true(sum[3] >> 62 == 0); /* it has 254 bits */
    for (unsigned i = R1CS_FR_BITS; i-- > 0;) {
        bn_fr bit = sum[i / 64] >> i % 64 & 1 ? r1cs_fr_one() : r1cs_fr_zero();

        if (i < R1CS_FR_BITS - 1)
            w[2 + i] = bit;
        if ((i ? r[i / 64] : r[0] - 1) >> i % 64 & 1) {
            bn_fr_mul(&same, &same, &bit);
            if (i < R1CS_FR_BITS - 1)
                w[wire++] = same;
        }
    }
    assert_int_equal(wire, c->counts.wires);
    for (size_t i = 0; i < c->counts.constraints; i++)
        broken += !circuit_constraint_holds(c, w, i);
    free(w);
    return broken;
}

static void test_strict(void **state)
{
    uint64_t seed = 7;
    number n = {.bits = 0};
    circuit c;

    (void)state;
    for (int i = 0; i < 8; i++) {
        bool small = i != 1 && i != 2;

        memset(n.words, 0, sizeof n.words);
        if (i == 1)
            memcpy(n.words, (uint64_t[]){BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3}, 32);
        else if (i == 2)
            memcpy(n.words, (uint64_t[]){0, BN_FR_P1, BN_FR_P2, BN_FR_P3}, 32);
        else if (i == 3)
            n.words[0] = 1;
        else if (i > 3)
            for (int k = 0; k < 4; k++)
                n.words[k] = test_random(&seed) >> (k == 3 ? 5 : 0);
        circuit_make(&c, strict, &n, 0, 1);
        assert_int_equal(c.counts.constraints, 353);
        if (i < 4 || i == 7)
            assert_int_equal(circuit_free_wires(&c, 2, 1), 0);
        if (small && n.words[3] < UINT64_C(0x0f9bb18d1ece5fd6)) /* x + r < 2^254 */
            assert_true(take_other_bits(&c, n.words) >= 1);
        circuit_free(&c);
    }
}

/* ---- choices ---- */

typedef struct choice {
    unsigned n, tables, number;
    bool constants;
} choice;

static void choose(r1cs_builder *b, void *context)
{
    const choice *h = context;
    unsigned size = 1u << h->n;
    r1cs_lc bits[8], x[256], hot[256], out[3];
    bn_fr table[3 * 256], expected;
    uint64_t seed = h->n;

    for (unsigned i = 0; i < h->n; i++)
        bits[i] = r1cs_public(b, r1cs_fr_u64(h->number >> i & 1));
    for (unsigned i = 0; i < h->tables * size; i++)
        table[i] = r1cs_fr_u64(i % 5 == 0 ? 0 : test_random(&seed));
    if (h->constants) {
        r1cs_choose_constant(b, bits, h->n, table, h->tables, out);
        for (unsigned t = 0; t < h->tables; t++) {
            expected = table[t * size + h->number];
            assert_true(!r1cs_solving(b) || bn_fr_eq(&out[t].value, &expected));
            r1cs_equal(b, out[t], r1cs_constant(b, expected));
        }
        return;
    }
    for (unsigned i = 0; i < size; i++)
        x[i] = r1cs_public(b, table[i]);
    out[0] = r1cs_choose(b, bits, h->n, x);
    assert_true(!r1cs_solving(b) || bn_fr_eq(&out[0].value, &table[h->number]));
    r1cs_one_hot(b, bits, h->n, hot);
    r1cs_equal(b, r1cs_sum(b, hot, NULL, size), r1cs_constant_u64(b, 1));
    for (unsigned i = 0; i < size && r1cs_solving(b); i++) {
        expected = r1cs_fr_u64(i == h->number);
        assert_true(bn_fr_eq(&hot[i].value, &expected));
    }
}

static void test_choices(void **state)
{
    circuit c;

    (void)state;
    for (unsigned n = 1; n <= 6; n++)
        for (unsigned k = 0; k < 5; k++) {
            choice h = {.n = n, .tables = 1 + k % 3, .number = (k * 27 + n) % (1u << n)};
            unsigned size = 1u << n, low = (n + 1) / 2, high = n / 2;

            circuit_make(&c, choose, &h, 0, n + size);
            assert_int_equal(c.counts.constraints, size - 1 + size - 2 + 1);
            assert_int_equal(circuit_free_wires(&c, 1 + n + size, k), 0);
            circuit_free(&c);
            h.constants = true;
            circuit_make(&c, choose, &h, 0, n);
            assert_int_equal(c.counts.constraints, (1u << low) - 1 - low + (1u << high) - 1 - high +
                                                       h.tables * ((1u << high) - 1) + h.tables);
            assert_int_equal(circuit_free_wires(&c, 1 + n, k), 0);
            circuit_free(&c);
        }
}

static void gates(r1cs_builder *b, void *context)
{
    unsigned n = *(unsigned *)context;
    r1cs_lc x = r1cs_public(b, r1cs_fr_u64(n & 1)), y = r1cs_public(b, r1cs_fr_u64(n >> 1));
    bn_fr a = r1cs_fr_u64(n == 3), e = r1cs_fr_u64(n == 1 || n == 2);

    r1cs_boolean(b, x);
    r1cs_boolean(b, y);
    r1cs_equal(b, r1cs_and(b, x, y), r1cs_constant(b, a));
    r1cs_equal(b, r1cs_xor(b, x, y), r1cs_constant(b, e));
}

static void test_gates(void **state)
{
    circuit c;

    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        circuit_make(&c, gates, &n, 1, 1);
        assert_int_equal(c.counts.constraints, 6);
        circuit_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_gates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
