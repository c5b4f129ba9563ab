/* The whole circuit on proofs of the demonstration AIRs: what is accepted natively has a witness,
 * for this key and these public values only; both files come out the same whichever way they are
 * made. */
#include "host/r1cs/check.h"
#include "host/stark/vk.h"
#include "tests/unit/stark/naive_prover.h"
#include "tests/unit/wrap/lookup.h"

#include <inttypes.h>

static lookup shared;
static char folder[] = "/tmp/zkp_wrap_XXXXXX";

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    lookup_prove(&shared, lookup_params(6, 2, 2));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lookup_free(&shared);
    return rmdir(folder);
}

static void native_proofs_have_witnesses(void **state)
{
    /* FRI trees with and without paths, one to three layers, one and two pieces of an index */
    static const uint32_t shapes[][2] = {{6, 1}, {6, 3}, {7, 2}, {9, 1}, {12, 1}};
    p_err err;

    (void)state;
    if (!lookup_solves(&shared.key.vk, &shared.hash, shared.publics, &shared.proof, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        lookup l;

        lookup_prove(&l, lookup_params(shapes[i][0], shapes[i][1], 3));
        if (!lookup_solves(&l.key.vk, &l.hash, l.publics, &l.proof, &err))
            fail_msg("%" PRIu32 " rows (log2), blow-up %" PRIu32 " (log2): %s", shapes[i][0],
                     shapes[i][1], err.text);
        lookup_free(&l);
    }
}

/* Other trees: wider leaves than a permutation takes, no public column, no periodic one. */
static void wide_proofs_have_witnesses(void **state)
{
    static const demo_wide_shape shape = {.lanes = 6, .extra = 3};
    const air_definition definition = demo_wide_definition(&shape);
    const stark_params params = lookup_params(6, 1, 3);
    uint64_t publics[DEMO_WIDE_PUBLICS];
    stark_proof proof;
    wrap_hash hash;
    drv_matrix main;
    naive_key key;
    p_err err = {0};
    air *a;

    (void)state;
    must(air_create(&definition, &a, &err));
    naive_setup(&key, a, &params);
    main = naive_matrix(a, AIR_TREE_MAIN, params.log_rows);
    must(demo_wide_trace(a, params.log_rows, 9, NULL, &main, publics, &err));
    naive_prove(&key, &main, publics, NULL, &proof);
    must(wrap_hash_for_key(&key.vk, &hash, &err));
    if (!lookup_solves(&key.vk, &hash, publics, &proof, &err))
        fail_msg("%s", err.text);
    publics[0]++;
    assert_false(lookup_solves(&key.vk, &hash, publics, &proof, &err));
    wrap_hash_destroy(&hash);
    free(main.data);
    stark_proof_free(&proof);
    naive_key_free(&key);
    air_destroy(a);
}

/* ---- files ---- */

static uint8_t *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;
    long end;

    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    end = ftell(f);
    assert_true(end > 0);
    rewind(f);
    *size = (size_t)end;
    bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void assert_same_file(const char *x, const char *y)
{
    size_t x_size, y_size;
    uint8_t *a = read_all(x, &x_size), *b = read_all(y, &y_size);

    assert_int_equal(x_size, y_size);
    assert_true(memcmp(a, b, x_size) == 0);
    free(a);
    free(b);
}

static void files_do_not_depend_on_the_way(void **state)
{
    char path[4][128];
    uint64_t parts[WRAP_PARTS], sum = 0;
    r1cs_counts counts, again;
    p_err err = {0};

    (void)state;
    for (int i = 0; i < 4; i++)
        snprintf(path[i], sizeof(path[i]), "%s/%d", folder, i);
    must(wrap_write(&shared.key.vk, NULL, NULL, path[0], NULL, &counts, parts, &err));
    must(wrap_write(&shared.key.vk, shared.publics, &shared.proof, NULL, path[1], &again, NULL,
                    &err));
    assert_true(counts.constraints == again.constraints && counts.wires == again.wires);
    must(wrap_write(&shared.key.vk, shared.publics, &shared.proof, path[2], path[3], NULL, NULL,
                    &err));
    assert_same_file(path[0], path[2]);
    assert_same_file(path[1], path[3]);
    must(r1cs_check_files(path[0], path[1], NULL, &err));
    assert_int_equal(counts.publics, DEMO_LOOKUP_PUBLICS);
    for (int i = 0; i < WRAP_PARTS; i++) {
        assert_true(parts[i] > 0);
        sum += parts[i];
    }
    assert_true(sum == counts.constraints);
    for (int i = 0; i < 4; i++)
        unlink(path[i]);
    assert_int_equal(
        wrap_write(&shared.key.vk, shared.publics, &shared.proof, NULL, NULL, NULL, NULL, &err),
        P_EINVAL);
}

/* No file is left of a proof that does not hold. */
static void refused_proofs_leave_no_file(void **state)
{
    char r1cs[128], wtns[128];
    p_err err = {0};

    (void)state;
    snprintf(r1cs, sizeof(r1cs), "%s/r1cs", folder);
    snprintf(wtns, sizeof(wtns), "%s/wtns", folder);
    shared.publics[3] ^= 1;
    assert_int_equal(
        wrap_write(&shared.key.vk, shared.publics, &shared.proof, r1cs, wtns, NULL, NULL, &err),
        P_EINVAL);
    shared.publics[3] ^= 1;
    assert_int_equal(access(r1cs, F_OK), -1);
    assert_int_equal(access(wtns, F_OK), -1);
}

/* ---- statement ---- */

static void public_values_are_bound(void **state)
{
    p_err err;

    (void)state;
    for (int i = 0; i < DEMO_LOOKUP_PUBLICS; i++) {
        uint64_t was = shared.publics[i];

        shared.publics[i] = was + 1;
        assert_false(
            lookup_solves(&shared.key.vk, &shared.hash, shared.publics, &shared.proof, &err));
        assert_true(was < GL_EPSILON); /* so that it has another form in 64 bits */
        shared.publics[i] = was + GL_P;
        assert_false(
            lookup_solves(&shared.key.vk, &shared.hash, shared.publics, &shared.proof, &err));
        assert_non_null(strstr(err.text, "public values"));
        shared.publics[i] = was;
    }
}

/* The circuit of a key that differs in what changes no length of a proof. */
static void keys_are_constants(void **state)
{
    uint64_t cap_count = UINT64_C(1) << shared.shape.tree_cap_log2;
    stark_vk other = shared.key.vk;
    p_err err;

    (void)state;
    other.fixed_cap = malloc(cap_count * DRV_DIGEST_WORDS * sizeof(uint64_t));
    assert_non_null(other.fixed_cap);
    for (int change = 0; change < 3; change++) {
        memcpy(other.fixed_cap, shared.key.vk.fixed_cap,
               cap_count * DRV_DIGEST_WORDS * sizeof(uint64_t));
        other.params = shared.key.vk.params;
        if (change == 0)
            other.fixed_cap[4 * (cap_count - 1)] ^= 1;
        else if (change == 1)
            other.params.grinding_bits--;
        else
            other.params.cap_log2++; /* not looked at by trees with this hash */
        stark_vk_digest(&other.params, other.air, other.fixed_cap, &shared.hash.native,
                        other.digest);
        assert_false(lookup_solves(&other, &shared.hash, shared.publics, &shared.proof, &err));
    }
    free(other.fixed_cap);
}

static p_status make(const stark_vk *vk, const uint64_t *publics, const stark_proof *proof,
                     p_err *err)
{
    r1cs_builder *b;
    p_status s;

    *err = (p_err){0};
    assert_int_equal(r1cs_create(R1CS_SOLVE, NULL, 0, vk->air->definition.publics, &b, err), P_OK);
    s = wrap_circuit(b, vk, publics, proof, NULL, err);
    r1cs_destroy(b);
    return s;
}

static void wrong_arguments_are_told(void **state)
{
    stark_vk vk = shared.key.vk;
    stark_proof proof = shared.proof;
    p_err err;

    (void)state;
    vk.params.hash = DRV_HASH_GL;
    assert_int_equal(make(&vk, shared.publics, &proof, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "Goldilocks"));
    vk = shared.key.vk;
    vk.digest[0] ^= 1;
    assert_int_equal(make(&vk, shared.publics, &proof, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "digest"));
    vk = shared.key.vk;
    vk.fixed_cap = NULL;
    assert_int_equal(make(&vk, shared.publics, &proof, &err), P_EINVAL);
    assert_int_equal(make(&shared.key.vk, NULL, &proof, &err), P_EINVAL);
    assert_int_equal(make(&shared.key.vk, shared.publics, NULL, &err), P_EINVAL);
    proof.count--;
    assert_int_equal(make(&shared.key.vk, shared.publics, &proof, &err), P_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_proofs_have_witnesses),
        cmocka_unit_test(wide_proofs_have_witnesses),
        cmocka_unit_test(files_do_not_depend_on_the_way),
        cmocka_unit_test(refused_proofs_leave_no_file),
        cmocka_unit_test(public_values_are_bound),
        cmocka_unit_test(keys_are_constants),
        cmocka_unit_test(wrong_arguments_are_told),
    };

    return cmocka_run_group_tests_name("wrap circuit", tests, setup, teardown);
}
