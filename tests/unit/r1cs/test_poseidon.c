/* Poseidon's constraints against the native permutation, every width; their number; every wire is
 * determined. */
#include "host/r1cs/poseidon.h"

#include "circuit.h"

typedef struct shape {
    unsigned width, outputs, constants; /* the first elements are constants */
    uint64_t seed;
    r1cs_poseidon *gadget;
    const bn_poseidon *native;
} shape;

static bn_fr any_fr(uint64_t *seed)
{
    bn_fr r = r1cs_fr_u64(test_random(seed)), s = r1cs_fr_u64(test_random(seed));

    bn_fr_inv(&s, &s);
    bn_fr_add(&r, &r, &s);
    return r;
}

static void permute(r1cs_builder *b, void *context)
{
    const shape *h = context;
    uint64_t seed = h->seed, states[4 * BN_POSEIDON_MAX_WIDTH];
    r1cs_lc in[BN_POSEIDON_MAX_WIDTH], out[BN_POSEIDON_MAX_WIDTH];

    for (unsigned i = 0; i < h->width; i++) {
        bn_fr value = i == 1 ? r1cs_fr_zero() : any_fr(&seed);

        memcpy(states + 4 * (size_t)i, value.l, 32);
        in[i] = i < h->constants ? r1cs_constant(b, value) : r1cs_public(b, value);
    }
    r1cs_poseidon_permute(b, h->gadget, in, out, h->outputs);
    bn_poseidon_select(P_ISA_PORTABLE)->permute(h->native, BN_MONTGOMERY, states, 1);
    for (unsigned i = 0; i < h->outputs && r1cs_solving(b); i++) {
        assert_memory_equal(out[i].value.l, states + 4 * (size_t)i, 32);
        assert_true(out[i].single || h->constants == h->width);
    }
}

static void test_widths(void **state)
{
    static const unsigned partial[] = {56, 57, 56, 60, 60, 63, 64, 63,
                                       60, 66, 60, 65, 70, 60, 64, 68};

    (void)state;
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= BN_POSEIDON_MAX_WIDTH; t++) {
        shape h = {.width = t, .seed = t};
        bn_poseidon *native;
        circuit c;

        assert_int_equal(r1cs_poseidon_create(t, &h.gadget, NULL), P_OK);
        assert_int_equal(bn_poseidon_create(t, &native, NULL), P_OK);
        assert_int_equal(r1cs_poseidon_width(h.gadget), t);
        h.native = native;
        for (h.outputs = 1; h.outputs <= t; h.outputs += h.outputs > 2 ? 7 : 1)
            for (h.constants = 0; h.constants <= (t < 4 ? t : 2); h.constants++) {
                unsigned wires = h.constants == t ? 0 : 3 * (8 * t + partial[t - 2] - h.constants);

                circuit_make(&c, permute, &h, 0, t - h.constants);
                assert_int_equal(c.counts.constraints, wires);
                assert_int_equal(c.counts.wires, 1 + t - h.constants + wires);
                if (h.outputs <= 2 || t == 17)
                    assert_int_equal(circuit_free_wires(&c, 1 + t - h.constants, t), 0);
                circuit_free(&c);
            }
        bn_poseidon_destroy(native);
        r1cs_poseidon_destroy(h.gadget);
    }
    assert_int_equal(r1cs_poseidon_create(1, &(r1cs_poseidon *){NULL}, NULL), P_EINVAL);
    assert_int_equal(r1cs_poseidon_create(18, &(r1cs_poseidon *){NULL}, NULL), P_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
