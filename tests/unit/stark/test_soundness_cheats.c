/* Provers that lie, each in one thing, and the check that refuses them. Every test here was seen to
 * fail with its check taken out of verify.c (or of the builder of the AIR).
 *
 * A prover whose trace is wrong has two ways. It can take what is left of the quotient when the
 * part that does not divide is dropped: then the identity at z does not hold. Or it can make up an
 * evaluation so that the identity holds: then the combined function has a pole at z, is of no low
 * degree, and the queries find the layers or the final polynomial wrong. */
#include "tests/unit/stark/fixture.h"

#include "host/air/eval.h"

#include <stdio.h>

#define IDENTITY "C(z) is not (z^N - 1) Q(z)"
#define FINAL "does not fold to the final polynomial"

static fixture f, two_layers; /* made once; each test puts back what it changes */

/* The proof that a cheat makes of the fixture's trace, for these publics. */
static void prove(fixture *g, const uint64_t *publics, const naive_cheat *cheat)
{
    stark_proof_free(&g->proof);
    naive_prove(&g->key, &g->main, publics, cheat, &g->proof);
}

static void restore(fixture *g)
{
    p_err err;

    prove(g, g->publics, NULL);
    assert_int_equal(fixture_verify(g, &err), P_OK);
}

/* A wrong trace or public value, both ways. */
static void refused_both_ways(fixture *g, const naive_cheat *cheat)
{
    naive_cheat lie = cheat ? *cheat : (naive_cheat){0};

    prove(g, g->publics, cheat);
    fixture_refused(g, IDENTITY);
    lie.lie_at_z = true;
    prove(g, g->publics, &lie);
    fixture_refused(g, FINAL);
}

/* ---- buses ---- */

static void test_unbalanced_bus(void **state)
{
    uint64_t *cell = fixture_cell(&f, DEMO_RANGE_COUNT, 7);

    (void)state;
    ++*cell;
    refused_both_ways(&f, NULL);
    --*cell;
    restore(&f);
}

static void add_to_sum(const air *a, drv_matrix *aux, uint64_t first, gl_ext value)
{
    const uint32_t at = a->columns[a->sum_column].position;

    for (uint64_t row = first; row < UINT64_C(1) << aux->log_rows; row++)
        for (uint32_t k = 0; k < 3; k++) {
            uint64_t *c =
                &aux->data[(((uint64_t)((at + k) / 8) << aux->log_rows) + row) * 8 + (at + k) % 8];

            *c = gl_add(*c, value.c[k]);
        }
}

/* powdr 882: a condition that was missing in the first row. The running sum may not begin with
 * another value than 0, also if it wraps around. */
static void start_elsewhere(const air *a, drv_matrix *aux)
{
    add_to_sum(a, aux, 0, (gl_ext){{5, 6, 7}});
}

static void test_bug_powdr_882_first_row(void **state)
{
    const naive_cheat cheat = {.aux = start_elsewhere};

    (void)state;
    refused_both_ways(&f, &cheat);
    restore(&f);
}

/* The total is put right by a jump somewhere in the middle, so that the sum wraps around. */
static void jump(const air *a, drv_matrix *aux)
{
    add_to_sum(a, aux, 20, (gl_ext){{1, 0, 0}});
}

static void test_sum_that_jumps(void **state)
{
    const naive_cheat cheat = {.aux = jump};

    (void)state;
    refused_both_ways(&f, &cheat);
    restore(&f);
}

/* A sum that does not come back to 0, and no row shows it but the last. */
static void test_sum_that_does_not_wrap(void **state)
{
    uint64_t *cell = fixture_cell(&f, DEMO_COMMIT, 3), *copy;
    stark_challenges c;
    stark_transcript t;
    gl_ext total;
    air_instance instance = {.publics = f.publics};
    air_trace trace = {.log_rows = 6, .fixed = f.key.fixed, .main = f.main};
    p_err err;

    (void)state;
    *cell = 0; /* one commitment less than is received */
    prove(&f, f.publics, NULL);
    stark_transcript_init(&t, &f.key.hash);
    stark_replay(&t, &f.key.vk, &f.shape, f.publics, &f.proof, &c);
    memcpy(instance.challenges, c.air, sizeof c.air);
    trace.aux = naive_matrix(f.a, AIR_TREE_AUX, 6);
    copy = trace.aux.data;
    assert_int_equal(air_fill_aux(f.a, &instance, &trace, NULL, NULL, &total, &err), P_OK);
    assert_false(gl_ext_is_zero(total));
    free(copy);
    refused_both_ways(&f, NULL);
    *cell = 1;
    restore(&f);
}

/* ---- public values ---- */

/* pil2-proofman 578: public values that were in the transcript only. Here the prover takes the
 * wrong values into its transcript and its quotient; the trace is another's. */
static void test_bug_pil2_proofman_578_publics(void **state)
{
    (void)state;
    for (int i = 0; i < DEMO_LOOKUP_PUBLICS; i++) {
        const uint64_t old = f.publics[i];

        f.publics[i] = gl_add(old, 1);
        refused_both_ways(&f, NULL);
        f.publics[i] = old;
    }
    restore(&f);
}

/* ---- the trace ---- */

/* One cell of each main column. */
static void test_wrong_cell(void **state)
{
    (void)state;
    for (int c = DEMO_RUN; c < DEMO_LINK; c++) {
        uint64_t *cell = fixture_cell(&f, (demo_lookup_column)c, 10);
        const uint64_t old = *cell;

        *cell = gl_add(old, 2);
        refused_both_ways(&f, NULL);
        *cell = old;
    }
    restore(&f);
}

/* lambda_vm 652: constraints that were defined and never reached the proof. Each constraint of the
 * AIR has its own power of lambda in what the verifier computes. */
static void test_bug_lambda_vm_652_every_constraint(void **state)
{
    const uint32_t here = f.shape.at_z_count, next = f.shape.at_next_count;
    air_instance instance = {.publics = f.publics};
    gl_ext *v = calloc(here + next, sizeof *v), *parts, lambda, power = {{1, 0, 0}}, sum = {{0}};
    gl_ext z, found;
    uint64_t seed = 3;
    p_err err;

    (void)state;
    parts = calloc(f.a->constraint_count, sizeof *parts);
    assert_true(v && parts);
    for (uint32_t i = 0; i < here + next; i++)
        for (int k = 0; k < 3; k++)
            v[i].c[k] = test_random_gl(&seed);
    for (int k = 0; k < 3; k++) {
        lambda.c[k] = test_random_gl(&seed);
        z.c[k] = test_random_gl(&seed);
        for (int i = 0; i < AIR_CHALLENGES; i++)
            instance.challenges[i].c[k] = test_random_gl(&seed);
    }
    assert_int_equal(air_eval_point(f.a, &instance, 6, z, lambda, v, v + here, parts, &found, &err),
                     P_OK);
    for (uint32_t i = 0; i < f.a->constraint_count; i++) {
        if (gl_ext_is_zero(parts[i]))
            fail_msg("constraint %s is zero whatever the columns are", f.a->constraints[i].name);
        sum = gl_ext_add(sum, gl_ext_mul(power, parts[i]));
        power = gl_ext_mul(power, lambda);
    }
    assert_true(gl_ext_eq(sum, found));
    free(v);
    free(parts);
}

/* A quotient that was made before lambda was known. */
static void test_quotient_of_another_lambda(void **state)
{
    const naive_cheat cheat = {.quotient_lambda = {{1, 0, 0}}};
    uint64_t *cell = fixture_cell(&f, DEMO_A, 3);

    (void)state;
    /* on a valid trace the quotient's values differ, but the identity is for the true lambda */
    refused_both_ways(&f, &cheat);
    ++*cell;
    refused_both_ways(&f, &cheat);
    --*cell;
    restore(&f);
}

/* ---- fixed columns ---- */

/* lambda_vm 727: the root of the fixed columns was taken from the prover. This one adds an entry to
 * the range table that the key does not have, and proves with it under the key's name. */
static void test_bug_lambda_vm_727_fixed_root(void **state)
{
    drv_matrix other = naive_matrix(f.a, AIR_TREE_FIXED, 6);
    const naive_cheat cheat = {.fixed = &other};
    const naive_key old = f.key;
    naive_key own;
    p_err err;

    (void)state;
    memcpy(other.data, f.key.fixed.data, 8 * drv_matrix_words(other.columns, 6));
    other.data[8 * 40 + f.a->columns[DEMO_RANGE].position % 8] = 33;
    assert_true(f.a->columns[DEMO_RANGE].position < 8);
    prove(&f, f.publics, &cheat);
    fixture_refused(&f, "the path of fixed does not lead to its cap");
    /* a key of its own, with the fixed columns it likes, is another key: its proofs hold for it and
     * not for ours */
    own = old;
    own.fixed = other;
    own.vk.digest[0] ^= 1;
    f.key = own;
    prove(&f, f.publics, NULL);
    f.key = old;
    assert_int_equal(fixture_verify(&f, &err), P_EINVAL);
    free(other.data);
    restore(&f);
}

/* ---- low degree ---- */

/* Layer 1 is the fold of layer 0 with another challenge; then the last one. */
static void test_wrong_fold(void **state)
{
    naive_cheat cheat = {.wrong_fold = 1};

    (void)state;
    assert_int_equal(two_layers.shape.layers, 2);
    prove(&two_layers, two_layers.publics, &cheat);
    fixture_refused(&two_layers, "layer 1 does not have the value that the layer before it folds");
    cheat.wrong_fold = 2;
    prove(&two_layers, two_layers.publics, &cheat);
    fixture_refused(&two_layers, FINAL);
    restore(&two_layers);
}

static void test_wrong_final(void **state)
{
    const naive_cheat cheat = {.wrong_final = true};

    (void)state;
    prove(&f, f.publics, &cheat);
    fixture_refused(&f, FINAL);
    restore(&f);
}

/* Degree N and more: the final polynomial has no place for the coefficients above. Two layers. */
static void test_degree_above_the_bound(void **state)
{
    const naive_cheat cheat = {.lie_at_z = true};
    uint64_t *cell = fixture_cell(&two_layers, DEMO_T_C, 100);

    (void)state;
    ++*cell;
    prove(&two_layers, two_layers.publics, &cheat);
    fixture_refused(&two_layers, FINAL);
    --*cell;
    restore(&two_layers);
}

/* Correction 10: the terms at omega z with the powers of gamma of those at z. */
static void test_deep_powers_overlap(void **state)
{
    const naive_cheat cheat = {.deep_overlap = 1};

    (void)state;
    prove(&f, f.publics, &cheat);
    fixture_refused(&f, "does not have the value that the rows combine to");
    restore(&f);
}

static void test_wrong_nonce(void **state)
{
    const naive_cheat cheat = {.wrong_nonce = true};

    (void)state;
    prove(&f, f.publics, &cheat);
    fixture_refused(&f, "grinding");
    restore(&f);
}

static int make(void **state)
{
    (void)state;
    fixture_make(&f, DRV_HASH_GL, 6, 2, 16);
    fixture_make(&two_layers, DRV_HASH_GL, 9, 1, 24);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    fixture_free(&f);
    fixture_free(&two_layers);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unbalanced_bus),
        cmocka_unit_test(test_bug_powdr_882_first_row),
        cmocka_unit_test(test_sum_that_jumps),
        cmocka_unit_test(test_sum_that_does_not_wrap),
        cmocka_unit_test(test_bug_pil2_proofman_578_publics),
        cmocka_unit_test(test_wrong_cell),
        cmocka_unit_test(test_bug_lambda_vm_652_every_constraint),
        cmocka_unit_test(test_quotient_of_another_lambda),
        cmocka_unit_test(test_bug_lambda_vm_727_fixed_root),
        cmocka_unit_test(test_wrong_fold),
        cmocka_unit_test(test_wrong_final),
        cmocka_unit_test(test_degree_above_the_bound),
        cmocka_unit_test(test_deep_powers_overlap),
        cmocka_unit_test(test_wrong_nonce),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
