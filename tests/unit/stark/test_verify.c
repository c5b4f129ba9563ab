/* Honest proofs: the naive prover's hold, and stark_prove's are the same, word for word. */
#include "host/stark/demo.h"
#include "tests/unit/stark/naive_prover.h"
#include "tests/unit/stark/stark_test.h"

#define CLOSE_MS 60000

static stark_params test_params(drv_hash hash, uint32_t log_rows, uint32_t log_blowup,
                                uint32_t queries, uint32_t cap_log2)
{
    return (stark_params){.level = STARK_TEST,
                          .hash = hash,
                          .log_rows = log_rows,
                          .log_blowup = log_blowup,
                          .queries = queries,
                          .grinding_bits = 3,
                          .cap_log2 = cap_log2};
}

/* The real prover with the same trace. */
static void same_as_prover(drv_device *device, const naive_key *naive, const drv_matrix *main,
                           const uint64_t *publics, const stark_proof *expected)
{
    const stark_options options = {0};
    stark_proof proof;
    stark_key key;
    p_err err = {0};

    if (stark_setup(naive->vk.air, &naive->vk.params, device, &options, &key, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_memory_equal(key.vk.digest, naive->vk.digest, sizeof key.vk.digest);
    if (stark_prove(&key, main, publics, &options, &proof, NULL, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_int_equal(proof.count, expected->count);
    for (uint64_t i = 0; i < proof.count; i++)
        if (proof.words[i] != expected->words[i])
            fail_msg("word %llu of %llu differs", (unsigned long long)i,
                     (unsigned long long)proof.count);
    stark_proof_free(&proof);
    stark_key_free(&key);
}

static void prove_and_verify(drv_device *device, const air_definition *definition,
                             const stark_params *params)
{
    uint64_t publics[DEMO_LOOKUP_PUBLICS];
    stark_proof proof;
    drv_matrix main;
    naive_key key;
    p_err err = {0};
    air *a;

    assert_int_equal(air_create(definition, &a, &err), P_OK);
    naive_setup(&key, a, params);
    main = naive_matrix(a, AIR_TREE_MAIN, params->log_rows);
    if (definition == &demo_lookup)
        assert_int_equal(demo_lookup_trace(a, params->log_rows, 3, 5, 40, &main, publics, &err),
                         P_OK);
    else
        assert_int_equal(demo_wide_trace(a, params->log_rows, 9, NULL, &main, publics, &err), P_OK);
    naive_prove(&key, &main, publics, NULL, &proof);
    if (stark_verify(&key.vk, publics, &proof, true, &err) != P_OK)
        fail_msg("%s", err.text);
    same_as_prover(device, &key, &main, publics, &proof);
    free(main.data);
    stark_proof_free(&proof);
    naive_key_free(&key);
    air_destroy(a);
}

static void test_goldilocks(void **state)
{
    for (uint32_t log_rows = 6; log_rows <= 9; log_rows++) {
        const stark_params p =
            test_params(DRV_HASH_GL, log_rows, 1 + log_rows % 3, 20, log_rows % 5);

        prove_and_verify(*state, &demo_lookup, &p);
    }
}

static void test_bn254(void **state)
{
    const stark_params small = test_params(DRV_HASH_BN254, 6, 1, 5, 0);
    const stark_params other = test_params(DRV_HASH_BN254, 7, 2, 4, 6);

    prove_and_verify(*state, &demo_lookup, &small);
    prove_and_verify(*state, &demo_lookup, &other);
}

/* Many columns, no fixed ones or few, another layout. */
static void test_wide(void **state)
{
    static const demo_wide_shape shape = {.lanes = 3, .extra = 5};
    const air_definition definition = demo_wide_definition(&shape);
    const stark_params p = test_params(DRV_HASH_GL, 7, 1, 6, 3);

    prove_and_verify(*state, &definition, &p);
}

static int open_device(void **state)
{
    p_err err = {0};

    return drv_open("cpu", NULL, (drv_device **)state, &err) == P_OK ? 0 : -1;
}

static int close_device(void **state)
{
    return drv_close(*state, CLOSE_MS, NULL) == P_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldilocks),
        cmocka_unit_test(test_bn254),
        cmocka_unit_test(test_wide),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
