/* An honest proof of demo_lookup by the naive prover, for tests that change it. */
#ifndef ZKP_TESTS_UNIT_STARK_FIXTURE_H
#define ZKP_TESTS_UNIT_STARK_FIXTURE_H

#include "host/stark/demo.h"
#include "host/stark/verify.h"
#include "tests/unit/stark/naive_prover.h"
#include "tests/unit/stark/stark_test.h"

typedef struct fixture {
    air *a;
    naive_key key;
    drv_matrix main;
    uint64_t publics[DEMO_LOOKUP_PUBLICS];
    stark_shape shape;
    stark_proof proof;
} fixture;

static inline void fixture_make(fixture *f, drv_hash hash, uint32_t log_rows, uint32_t log_blowup,
                                uint32_t queries)
{
    const stark_params params = {.level = STARK_TEST,
                                 .hash = hash,
                                 .log_rows = log_rows,
                                 .log_blowup = log_blowup,
                                 .queries = queries,
                                 .grinding_bits = 4,
                                 .cap_log2 = 2};
    p_err err = {0};

    assert_int_equal(air_create(&demo_lookup, &f->a, &err), P_OK);
    naive_setup(&f->key, f->a, &params);
    f->main = naive_matrix(f->a, AIR_TREE_MAIN, log_rows);
    assert_int_equal(
        demo_lookup_trace(f->a, log_rows, 3, 5, (1u << log_rows) - 9, &f->main, f->publics, &err),
        P_OK);
    naive_prove(&f->key, &f->main, f->publics, NULL, &f->proof);
    stark_shape_compute(&params, f->a, &f->shape);
    assert_int_equal(stark_verify_with(&f->key.hash, &f->key.vk, f->publics, &f->proof, true, &err),
                     P_OK);
}

static inline void fixture_free(fixture *f)
{
    free(f->main.data);
    stark_proof_free(&f->proof);
    naive_key_free(&f->key);
    air_destroy(f->a);
}

/* The verifier's answer; err->text says why not. */
static inline p_status fixture_verify(const fixture *f, p_err *err)
{
    *err = (p_err){0};
    return stark_verify_with(&f->key.hash, &f->key.vk, f->publics, &f->proof, true, err);
}

/* Refused, and the text has this in it. */
static inline void fixture_refused(const fixture *f, const char *text)
{
    p_err err;

    assert_int_equal(fixture_verify(f, &err), P_EINVAL);
    if (!strstr(err.text, text))
        fail_msg("'%s', expected '%s'", err.text, text);
}

static inline uint64_t *fixture_cell(const fixture *f, demo_lookup_column c, uint64_t row)
{
    const uint32_t at = f->a->columns[c].position;

    return &f->main.data[(((uint64_t)(at / 8) << f->main.log_rows) + row) * 8 + at % 8];
}

#endif
