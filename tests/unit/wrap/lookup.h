/* demo_lookup proved with Poseidon-BN254, for the tests that wrap the proof. */
#ifndef ZKP_TESTS_UNIT_WRAP_LOOKUP_H
#define ZKP_TESTS_UNIT_WRAP_LOOKUP_H

#include "host/stark/demo.h"
#include "host/wrap/wrap.h"
#include "tests/unit/wrap/wrap_test.h"

#define CLOSE_MS 60000

#define must(call)                                                                                 \
    do {                                                                                           \
        p_status must_status = (call);                                                             \
        if (must_status != P_OK)                                                                   \
            fail_msg("%s: %s: %s", #call, p_status_name(must_status), err.text);                   \
    } while (0)

typedef struct lookup {
    drv_device *device;
    air *a;
    stark_key key;
    stark_proof proof;
    stark_shape shape;
    wrap_hash hash;
    gl_t publics[DEMO_LOOKUP_PUBLICS];
} lookup;

static inline stark_params lookup_params(uint32_t log_rows, uint32_t log_blowup, uint32_t queries)
{
    return (stark_params){.level = STARK_TEST,
                          .hash = DRV_HASH_BN254,
                          .log_rows = log_rows,
                          .log_blowup = log_blowup,
                          .queries = queries,
                          .grinding_bits = 2,
                          .cap_log2 = 4};
}

static inline void lookup_prove(lookup *l, stark_params params)
{
    drv_options device = {.threads = 1};
    stark_options o = {0};
    drv_matrix main;
    uint64_t words;
    p_err err = {0};

    memset(l, 0, sizeof(*l));
    must(drv_open("cpu", &device, &l->device, &err));
    must(air_create(&demo_lookup, &l->a, &err));
    main = (drv_matrix){.columns = l->a->trees[AIR_TREE_MAIN].columns, .log_rows = params.log_rows};
    words = drv_matrix_words(main.columns, main.log_rows);
    main.data = aligned_alloc(64, words * sizeof(*main.data));
    assert_non_null(main.data);
    memset(main.data, 0, words * sizeof(*main.data));
    must(demo_lookup_trace(l->a, params.log_rows, 3, 5, (UINT64_C(1) << params.log_rows) - 7, &main,
                           l->publics, &err));
    must(stark_setup(l->a, &params, l->device, &o, &l->key, &err));
    must(stark_prove(&l->key, &main, l->publics, &o, &l->proof, NULL, &err));
    free(main.data);
    stark_shape_compute(&params, l->a, &l->shape);
    must(wrap_hash_for_key(&l->key.vk, &l->hash, &err));
}

static inline void lookup_free(lookup *l)
{
    p_err err = {0};

    wrap_hash_destroy(&l->hash);
    stark_proof_free(&l->proof);
    stark_key_free(&l->key);
    air_destroy(l->a);
    must(drv_close(l->device, CLOSE_MS, &err));
}

/* Whether the circuit has a witness for these values; the first check that fails is in err. */
static inline bool lookup_solves(const stark_vk *vk, const wrap_hash *hash, const uint64_t *publics,
                                 const stark_proof *proof, p_err *err)
{
    r1cs_builder *b;
    p_status s;

    *err = (p_err){0};
    if (r1cs_create(R1CS_SOLVE, NULL, 0, vk->air->definition.publics, &b, err) != P_OK)
        fail_msg("%s", err->text);
    if (wrap_circuit_with(b, vk, hash, publics, proof, NULL, err) != P_OK)
        fail_msg("%s", err->text);
    s = r1cs_finish(b, NULL, NULL, err);
    r1cs_destroy(b);
    if (s != P_OK && s != P_EINVAL)
        fail_msg("%s", err->text);
    return s == P_OK;
}

#endif
