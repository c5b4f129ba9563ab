/* What a cheating prover may try: a proof with one part changed, a proof of something else that is
 * consistent in itself, and a witness with other values on its wires. */
#include "tests/unit/stark/naive_prover.h"
#include "tests/unit/wrap/lookup.h"

#include <inttypes.h>

static lookup shared;

static int setup(void **state)
{
    stark_params params = lookup_params(6, 2, 2);

    (void)state;
    params.grinding_bits = 0; /* what changes the transcript gets to the queries */
    lookup_prove(&shared, params);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lookup_free(&shared);
    return 0;
}

/* ---- parts of a proof ---- */

/* The check that has to fail; the parts that challenges depend on change those, too. */
static void expected_check(const stark_part *part, char *out, size_t size)
{
    unsigned query, layer;
    char tree[16];

    if (sscanf(part->name, "query %u: path of layer %u", &query, &layer) == 2 ||
        sscanf(part->name, "query %u: values of layer %u", &query, &layer) == 2)
        snprintf(out, size, "query %u, FRI layer %u", query, layer);
    else if (sscanf(part->name, "query %u: path of %15s", &query, tree) == 2 ||
             sscanf(part->name, "query %u: values of %15s", &query, tree) == 2)
        snprintf(out, size, "query %u, tree %s", query, tree);
    else if (strncmp(part->name, "query", 5) == 0)
        fail_msg("part %s", part->name);
    else if (strstr(part->name, "layer") || strstr(part->name, "final") ||
             strstr(part->name, "nonce"))
        out[0] = 0; /* grinding, or a query at another place */
    else
        snprintf(out, size, "the quotient at z");
}

static void changed_word(const stark_part *part, uint64_t place)
{
    uint64_t *word = &shared.proof.words[place], was = *word;
    char check[64];
    p_err err;

    if (part->kind == STARK_PART_WORDS)
        *word = gl_add(was, 1);
    else
        *word = was ^ 1;
    expected_check(part, check, sizeof(check));
    if (lookup_solves(&shared.key.vk, &shared.hash, shared.publics, &shared.proof, &err))
        fail_msg("%s, word %" PRIu64 ": accepted", part->name, place - part->at);
    if (!strstr(err.text, check))
        fail_msg("%s, word %" PRIu64 ": %s", part->name, place - part->at, err.text);
    *word = was;
}

static void every_part_is_checked(void **state)
{
    uint64_t at = 0, seed = 1;
    stark_part part;
    int parts = 0;

    (void)state;
    while (stark_shape_part(&shared.shape, &at, &part)) {
        changed_word(&part, part.at);
        if (part.words > 1)
            changed_word(&part, part.at + part.words - 1);
        if (part.words > 4)
            changed_word(&part, part.at + test_random(&seed) % part.words / 4 * 4);
        parts++;
    }
    assert_true(parts > 20);
}

/* A nonce in its other form would be a second proof. */
static void nonce_is_canonical(void **state)
{
    uint64_t *nonce = &shared.proof.words[shared.shape.nonce];
    p_err err;

    (void)state;
    assert_true(*nonce < GL_EPSILON);
    *nonce += GL_P;
    assert_false(lookup_solves(&shared.key.vk, &shared.hash, shared.publics, &shared.proof, &err));
    *nonce -= GL_P;
}

/* ---- proofs of something else ---- */

typedef struct attack {
    const char *name;
    naive_cheat cheat;
    bool trace;        /* a cell of the trace is another */
    const char *check; /* that has to fail */
} attack;

static void spoil_aux(const air *a, drv_matrix *aux)
{
    (void)a;
    aux->data[8 * 3] = gl_add(aux->data[8 * 3], 1);
}

static void run_attack(const attack *t, const stark_params *params)
{
    uint64_t publics[DEMO_LOOKUP_PUBLICS];
    stark_proof proof;
    drv_matrix main, fixed;
    naive_cheat cheat = t->cheat;
    naive_key key;
    wrap_hash hash;
    p_err err = {0};
    air *a;

    must(air_create(&demo_lookup, &a, &err));
    naive_setup(&key, a, params);
    main = naive_matrix(a, AIR_TREE_MAIN, params->log_rows);
    must(demo_lookup_trace(a, params->log_rows, 3, 5, 40, &main, publics, &err));
    if (t->trace)
        main.data[8 * 5] = gl_add(main.data[8 * 5], 1);
    fixed = naive_matrix(a, AIR_TREE_FIXED, params->log_rows);
    memcpy(fixed.data, key.fixed.data, drv_matrix_words(fixed.columns, fixed.log_rows) * 8);
    fixed.data[8 * 7]++;
    if (cheat.fixed)
        cheat.fixed = &fixed;
    naive_prove(&key, &main, publics, &cheat, &proof);
    must(wrap_hash_for_key(&key.vk, &hash, &err));
    if (stark_verify(&key.vk, publics, &proof, true, &err) == P_OK)
        fail_msg("%s: natively accepted", t->name);
    if (lookup_solves(&key.vk, &hash, publics, &proof, &err))
        fail_msg("%s: accepted", t->name);
    if (!strstr(err.text, t->check))
        fail_msg("%s: %s", t->name, err.text);
    wrap_hash_destroy(&hash);
    free(fixed.data);
    free(main.data);
    stark_proof_free(&proof);
    naive_key_free(&key);
    air_destroy(a);
}

static void consistent_lies_are_refused(void **state)
{
    static const drv_matrix any;
    static const attack attacks[] = {
        {"a cell of the trace", {0}, true, "the quotient at z"},
        {"aux", {.aux = spoil_aux}, false, "the quotient at z"},
        {"lambda", {.quotient_lambda = {{1, 0, 0}}}, false, "the quotient at z"},
        {"value at z", {.lie_at_z = true}, true, "query 0"},
        {"fold 0", {.wrong_fold = 1}, false, "query 0, value in FRI layer 1"},
        {"fold 1", {.wrong_fold = 2}, false, "query 0, final polynomial"},
        {"nonce", {.wrong_nonce = true}, false, "grinding"},
        {"final", {.wrong_final = true}, false, "query 0, final polynomial"},
        {"powers of gamma", {.deep_overlap = 1}, false, "query 0, value in FRI layer 0"},
        {"fixed columns", {.fixed = &any}, false, ""},
    };
    stark_params params = lookup_params(9, 1, 2);

    (void)state;
    params.grinding_bits = 4;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
        run_attack(&attacks[i], &params);
}

/* ---- checks one at a time, with free choice of all else ---- */

typedef struct lone {
    r1cs_builder *b;
    wrap_values v;
    r1cs_ext at_z[128], at_next[64], final[1u << STARK_MAX_FINAL_LOG2];
    r1cs_gl publics[DEMO_LOOKUP_PUBLICS];
    uint64_t seed;
} lone;

/* Values of the circuit without the transcript: random, evaluations zero. */
static void lone_begin(lone *l, gl_ext z)
{
    l->b = test_begin();
    l->v = (wrap_values){.vk = &shared.key.vk,
                         .shape = &shared.shape,
                         .publics = l->publics,
                         .at_z = l->at_z,
                         .at_next = l->at_next,
                         .final = l->final};
    assert_true(shared.shape.at_z_count <= 128 && shared.shape.at_next_count <= 64);
    for (uint32_t i = 0; i < shared.shape.at_z_count; i++)
        l->at_z[i] = r1cs_ext_input(l->b, gl_ext_from_base(0));
    for (uint32_t i = 0; i < shared.shape.at_next_count; i++)
        l->at_next[i] = r1cs_ext_input(l->b, gl_ext_from_base(0));
    for (int i = 0; i < DEMO_LOOKUP_PUBLICS; i++)
        l->publics[i] = r1cs_gl_input(l->b, 0);
    for (int i = 0; i < AIR_CHALLENGES; i++)
        l->v.random[i] = r1cs_ext_input(l->b, test_ext(&l->seed));
    l->v.lambda = r1cs_ext_input(l->b, test_ext(&l->seed));
    l->v.gamma = r1cs_ext_input(l->b, test_ext(&l->seed));
    l->v.z = r1cs_ext_input(l->b, z);
}

static void lone_refused(lone *l, const char *check)
{
    p_err err = {0};

    assert_int_equal(r1cs_finish(l->b, NULL, NULL, &err), P_EINVAL);
    if (!strstr(err.text, check))
        fail_msg("expected %s: %s", check, err.text);
    r1cs_destroy(l->b);
}

static void z_is_outside_of_both_domains(void **state)
{
    const stark_params *p = &shared.key.vk.params;
    gl_t row = gl_pow_var(7, (GL_P - 1) >> p->log_rows);
    gl_t point = gl_pow_var(7, (GL_P - 1) >> (p->log_rows + p->log_blowup));
    lone l = {.seed = 3};

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        lone_begin(&l, gl_ext_from_base(gl_pow_var(row, 11 * i)));
        wrap_identity(l.b, &l.v);
        lone_refused(&l, "z is not in the trace's domain");
        lone_begin(&l, gl_ext_from_base(gl_mul(7, gl_pow_var(point, 5 * i))));
        wrap_identity(l.b, &l.v);
        lone_refused(&l, "z is not in the evaluation domain");
    }
    lone_begin(&l, test_ext(&l.seed));
    wrap_identity(l.b, &l.v);
    lone_refused(&l, "the quotient at z"); /* all zero is no trace of demo_lookup */
}

/* f_0 of docs/stark.md at a row of the domain, evaluations zero. */
static gl_ext deep_naive(const lone *l, const uint64_t *words, gl_t x)
{
    const air_tree_info *trees = shared.a->trees;
    gl_ext z = r1cs_ext_value(l->b, &l->v.z), gamma = r1cs_ext_value(l->b, &l->v.gamma);
    gl_ext sum = {{0}}, next = {{0}};
    gl_ext next_z = gl_ext_scale(z, gl_pow_var(7, (GL_P - 1) >> shared.key.vk.params.log_rows));
    uint32_t off = 0, off_next = 0, m = 0;

    for (int t = 0; t < AIR_TREES; t++)
        m += (trees[t].columns + 7) / 8 * 8;
    for (int t = 0; t < AIR_TREES; t++) {
        uint32_t w = (trees[t].columns + 7) / 8 * 8;

        for (uint32_t c = 0; c < trees[t].real; c++, words++) {
            uint32_t place = c < trees[t].next ? c : c - trees[t].next + trees[t].next_padded;
            gl_ext g = gl_ext_pow_var(gamma, off + w - 1 - place);

            sum = gl_ext_add(sum, gl_ext_scale(g, *words));
            if (c < trees[t].next) {
                g = gl_ext_pow_var(gamma, m + off_next + trees[t].next_padded - 1 - c);
                next = gl_ext_add(next, gl_ext_scale(g, *words));
            }
        }
        off += w;
        off_next += trees[t].next_padded;
    }
    sum = gl_ext_mul(sum, gl_ext_inv(gl_ext_sub(gl_ext_from_base(x), z)));
    next = gl_ext_mul(next, gl_ext_inv(gl_ext_sub(gl_ext_from_base(x), next_z)));
    return gl_ext_add(sum, next);
}

/* One query of DEEP; change: which word of the row is another, or 0: the slot, or -1: nothing. */
static void deep_query(lone *l, int change)
{
    uint32_t log_n = shared.key.vk.params.log_rows + shared.key.vk.params.log_blowup, at = 0;
    uint64_t words[128], index = test_random(&l->seed) & ((UINT64_C(1) << log_n) - 1);
    gl_t x = gl_mul(7, gl_pow_var(gl_pow_var(7, (GL_P - 1) >> log_n), index));
    r1cs_gl row[128], *rows[AIR_TREES];
    r1cs_lc bits[STARK_MAX_DOMAIN_LOG2];
    wrap_deep deep;
    gl_ext slot;

    lone_begin(l, test_ext(&l->seed));
    for (uint32_t i = 0; i < shared.shape.at_z_count; i++)
        words[i] = test_gl(&l->seed);
    slot = deep_naive(l, words, x);
    if (change == 0)
        slot.c[index % 3] = gl_add(slot.c[index % 3], 1);
    else if (change > 0)
        words[change - 1] = gl_add(words[change - 1], 1);
    for (int t = 0; t < AIR_TREES; t++) {
        rows[t] = row + at;
        for (uint32_t c = 0; c < shared.a->trees[t].real; c++, at++)
            row[at] = r1cs_gl_input(l->b, words[at]);
    }
    test_bits(l->b, index, log_n, bits);
    assert_true(wrap_deep_create(l->b, &l->v, &deep));
    wrap_deep_check(l->b, &l->v, &deep, bits, rows, r1cs_ext_input(l->b, slot));
    wrap_deep_destroy(&deep);
    test_end(l->b, change < 0);
}

static void deep_binds_every_column(void **state)
{
    lone l = {.seed = 4};

    (void)state;
    deep_query(&l, -1);
    for (int change = 0; change <= (int)shared.shape.at_z_count; change++)
        deep_query(&l, change);
}

/* change: -1 nothing, 0 the folded value, k: coefficient k - 1. */
static void final_query(lone *l, int change)
{
    const stark_params *p = &shared.key.vk.params;
    uint32_t log2 = p->log_rows + p->log_blowup - 3 * shared.shape.layers;
    uint32_t count = 1u << shared.shape.final_log2;
    uint64_t index = test_random(&l->seed) & ((UINT64_C(1) << log2) - 1);
    gl_t x = gl_pow_var(gl_pow_var(7, (GL_P - 1) >> log2), index);
    gl_ext c[1u << STARK_MAX_FINAL_LOG2], sum = {{0}};
    r1cs_lc bits[STARK_MAX_DOMAIN_LOG2];

    x = gl_mul(x, gl_pow_var(7, UINT64_C(1) << 3 * shared.shape.layers));
    lone_begin(l, test_ext(&l->seed));
    for (uint32_t i = 0; i < count; i++)
        c[i] = test_ext(&l->seed);
    for (uint32_t i = count; i-- > 0;)
        sum = gl_ext_add(gl_ext_scale(sum, x), c[i]);
    sum = gl_ext_scale(sum, 8);
    if (change == 0)
        sum.c[1] = gl_add(sum.c[1], 1);
    else if (change > 0)
        c[change - 1].c[change % 3] ^= 1;
    for (uint32_t i = 0; i < count; i++)
        l->final[i] = r1cs_ext_input(l->b, c[i]);
    test_bits(l->b, index, log2, bits);
    wrap_final_check(l->b, &l->v, bits, r1cs_ext_input(l->b, sum));
    test_end(l->b, change < 0);
}

static void final_polynomial_is_evaluated(void **state)
{
    lone l = {.seed = 5};

    (void)state;
    for (int change = -1; change <= 1 << shared.shape.final_log2; change++)
        final_query(&l, change);
}

/* ---- wires ---- */

/* Each wire of the witness, one after the other, with other values: every one has to break a
 * constraint. */
static void no_wire_is_free(void **state)
{
    char path[] = "/tmp/zkp_wrap_XXXXXX";
    int fd = mkstemp(path);
    const uint64_t *values;
    uint64_t seed = 6, tried = 0;
    test_circuit *c;
    r1cs_builder *b;
    p_err err = {0};

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    must(r1cs_create(R1CS_BUILD | R1CS_SOLVE, path, 0, DEMO_LOOKUP_PUBLICS, &b, &err));
    must(wrap_circuit(b, &shared.key.vk, shared.publics, &shared.proof, NULL, &err));
    must(r1cs_finish(b, NULL, &values, &err));
    c = test_circuit_load(path, values);
    r1cs_destroy(b);
    unlink(path);
    assert_true(test_circuit_holds(c));
    for (uint32_t w = 1; w < test_circuit_wires(c); w++) {
        bn_fr was, x, one;
        uint32_t constraint;

        test_circuit_get(c, w, &was);
        bn_fr_set_one(&one);
        for (int change = 0; change < 4; change++) {
            uint64_t words[4];

            if (change == 0) { /* also: a bit that is 0 becomes 1 */
                bn_fr_add(&x, &was, &one);
            } else if (change == 1) { /* a bit that is 1 becomes 0 */
                bn_fr_sub(&x, &was, &one);
            } else if (change == 2) { /* the other form of a residue */
                bn_fr_set_u64(&x, GL_P);
                bn_fr_add(&x, &was, &x);
            } else {
                test_digest(&seed, words);
                assert_true(bn_fr_set_words(&x, words));
            }
            test_circuit_set(c, w, &x);
            if (test_circuit_holds_at(c, w, &constraint))
                fail_msg("wire %" PRIu32 " of %" PRIu32 ", change %d: accepted", w,
                         test_circuit_wires(c), change);
            tried++;
        }
        test_circuit_set(c, w, &was);
    }
    assert_true(tried == 4 * (uint64_t)(test_circuit_wires(c) - 1));
    test_circuit_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_checked),
        cmocka_unit_test(nonce_is_canonical),
        cmocka_unit_test(consistent_lies_are_refused),
        cmocka_unit_test(z_is_outside_of_both_domains),
        cmocka_unit_test(deep_binds_every_column),
        cmocka_unit_test(final_polynomial_is_evaluated),
        cmocka_unit_test(no_wire_is_free),
    };

    return cmocka_run_group_tests_name("wrap soundness", tests, setup, teardown);
}
