/* The builder: modes, errors, scopes, public wires, names, files. */
#include "host/r1cs/builder.h"

#include "circuit.h"

static bn_fr fr(uint64_t v)
{
    return r1cs_fr_u64(v);
}

/* ---- arithmetic ---- */

static void arithmetic(r1cs_builder *b, void *context)
{
    r1cs_lc x = r1cs_public(b, fr(6)), y = r1cs_public(b, fr(7)), one = r1cs_constant_u64(b, 1);
    r1cs_lc product = r1cs_mul(b, x, y), cancelled, list[4];
    r1cs_lc factors_of_two;
    bn_fr factors[4] = {fr(3), fr(0), fr(5), fr(2)};

    (void)context;
    r1cs_equal(b, product, r1cs_constant_u64(b, 42));
    r1cs_equal(b, r1cs_sub(b, r1cs_add(b, x, y), one), r1cs_constant_u64(b, 12));
    /* terms that cancel, and a wire twice, out of order */
    cancelled = r1cs_sub(b, r1cs_add(b, y, x), y);
    assert_false(cancelled.constant);
    r1cs_equal(b, cancelled, x);
    cancelled = r1cs_sub(b, x, x);
    assert_false(cancelled.constant);
    assert_int_equal(cancelled.count, 0);
    r1cs_equal(b, cancelled, r1cs_constant_u64(b, 0));
    list[0] = product;
    list[1] = y;
    list[2] = r1cs_add(b, product, x);
    list[3] = one;
    r1cs_equal(b, r1cs_sum(b, list, factors, 4), r1cs_constant_u64(b, 3 * 42 + 5 * 48 + 2));
    factors_of_two = r1cs_scale(b, r1cs_scale(b, y, fr(2)), fr(4));
    r1cs_equal(b, r1cs_to_wire(b, factors_of_two), r1cs_constant_u64(b, 56));
    assert_true(r1cs_to_wire(b, x).serial == x.serial);
    /* constants stay constants, without constraints */
    assert_true(r1cs_mul(b, r1cs_constant_u64(b, 3), r1cs_constant_u64(b, 5)).constant);
    assert_true(r1cs_inverse(b, r1cs_constant_u64(b, 3)).constant);
    assert_true(r1cs_scale(b, x, fr(0)).constant);
    assert_true(r1cs_select(b, one, r1cs_constant_u64(b, 5), x).count <= 1);
    r1cs_equal(b, r1cs_mul(b, r1cs_inverse(b, x), x), one);
    r1cs_boolean(b, one);
    r1cs_equal(b, r1cs_select(b, r1cs_sub(b, y, x), x, product), x);
    r1cs_equal(b, r1cs_select(b, r1cs_sub(b, x, x), x, product), product);
    r1cs_equal(b, r1cs_select(b, r1cs_constant_u64(b, 0), x, product), product);
}

static void test_arithmetic(void **state)
{
    circuit c;

    (void)state;
    circuit_make(&c, arithmetic, NULL, 1, 1);
    assert_int_equal(c.header.outputs, 1);
    assert_int_equal(c.header.inputs, 1);
    assert_int_equal(c.header.wires, c.counts.wires);
    assert_int_equal(c.header.constraints, c.counts.constraints);
    assert_int_equal(c.values[0], 1);
    assert_int_equal(c.values[4], 6);
    assert_int_equal(c.values[8], 7);
    assert_int_equal(circuit_free_wires(&c, 3, 5), 0);
    circuit_free(&c);
}

/* Many terms, in all orders: sums against additions one by one. */
static void sums(r1cs_builder *b, void *context)
{
    uint64_t seed = *(uint64_t *)context;
    r1cs_lc wires[40], parts[60], chain, sum;
    bn_fr factors[60];

    for (int i = 0; i < 40; i++)
        wires[i] = r1cs_wire(b, fr(test_random(&seed)));
    for (int i = 0; i < 60; i++) {
        parts[i] = wires[test_random(&seed) % 40];
        if (i % 3 == 0)
            parts[i] = r1cs_add(b, parts[i], wires[test_random(&seed) % 40]);
        if (i % 7 == 0)
            parts[i] = r1cs_sub(b, parts[i], r1cs_constant_u64(b, test_random(&seed)));
        factors[i] = fr(test_random(&seed) % 3);
    }
    chain = r1cs_constant_u64(b, 0);
    for (int i = 0; i < 60; i++)
        chain = r1cs_add(b, chain, r1cs_scale(b, parts[i], factors[i]));
    sum = r1cs_sum(b, parts, factors, 60);
    assert_int_equal(sum.count, chain.count);
    for (uint32_t i = 0; i < sum.count && sum.count > 1; i++) {
        assert_int_equal(sum.terms[i].wire, chain.terms[i].wire);
        assert_true(bn_fr_eq(&sum.terms[i].factor, &chain.terms[i].factor));
    }
    assert_true(!r1cs_solving(b) || bn_fr_eq(&sum.value, &chain.value));
    r1cs_equal(b, sum, chain);
}

static void test_sums(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        circuit c;

        circuit_make(&c, sums, &seed, 0, 0);
        circuit_free(&c);
    }
}

/* ---- errors ---- */

static void wrong_value(r1cs_builder *b, void *context)
{
    r1cs_lc x = r1cs_public(b, fr(3));

    r1cs_equal(b, x, r1cs_constant_u64(b, 3));
    r1cs_label(b, context);
    r1cs_equal(b, x, r1cs_constant_u64(b, 4));
    r1cs_label(b, "later");
    r1cs_equal(b, x, r1cs_constant_u64(b, 5));
    assert_true(!r1cs_solving(b) || r1cs_failed(b));
}

static void not_boolean(r1cs_builder *b, void *context)
{
    (void)context;
    r1cs_boolean(b, r1cs_public(b, fr(2)));
}

static void inverse_of_zero(r1cs_builder *b, void *context)
{
    (void)context;
    (void)r1cs_inverse(b, r1cs_public(b, fr(0)));
}

static void public_missing(r1cs_builder *b, void *context)
{
    (void)b;
    (void)context;
}

static void public_late(r1cs_builder *b, void *context)
{
    (void)context;
    (void)r1cs_wire(b, fr(1));
    (void)r1cs_public(b, fr(1));
}

static void public_more(r1cs_builder *b, void *context)
{
    (void)context;
    (void)r1cs_public(b, fr(1));
    (void)r1cs_public(b, fr(1));
}

static void test_errors(void **state)
{
    r1cs_builder *b = NULL;
    p_err err = {0};

    (void)state;
    circuit_refused(wrong_value, (void *)"the second", 0, 1, P_EINVAL,
                    "constraint 1 (the second): the values do not satisfy it");
    circuit_refused(not_boolean, NULL, 0, 1, P_EINVAL, "constraint 0");
    circuit_refused(inverse_of_zero, NULL, 0, 1, P_EINVAL, "do not satisfy");
    circuit_refused(public_missing, NULL, 1, 1, P_EINTERNAL, "0 public wires were made of 2");
    circuit_refused(public_late, NULL, 0, 1, P_EINTERNAL, "these come first");
    circuit_refused(public_more, NULL, 0, 1, P_EINTERNAL, "more than the 1 public");
    assert_int_equal(r1cs_create(0, NULL, 0, 0, &b, &err), P_EINVAL);
    assert_int_equal(r1cs_create(R1CS_BUILD, NULL, 0, 0, &b, &err), P_EINVAL);
    assert_int_equal(r1cs_create(R1CS_SOLVE, "x", 0, 0, &b, &err), P_EINVAL);
    assert_int_equal(r1cs_create(R1CS_SOLVE, NULL, UINT32_MAX, 1, &b, &err), P_EINVAL);
    assert_int_equal(r1cs_create(R1CS_BUILD, "/nonexistent/x.r1cs", 0, 0, &b, &err), P_EIO);
    assert_null(b);
}

/* A combination that is used after its scope: an error when its memory has been used again. */
static void test_scopes(void **state)
{
    char path[64];
    r1cs_builder *b;
    r1cs_scope outer, inner;
    r1cs_lc x, y, kept, gone;
    p_err err = {0};

    (void)state;
    circuit_path(path, "r1cs");
    assert_int_equal(r1cs_create(R1CS_BUILD, path, 0, 0, &b, &err), P_OK);
    x = r1cs_wire(b, fr(0));
    y = r1cs_wire(b, fr(0));
    outer = r1cs_scope_begin(b);
    kept = r1cs_add(b, x, y);
    inner = r1cs_scope_begin(b);
    gone = r1cs_sub(b, x, y);
    r1cs_scope_end(b, inner);
    for (int i = 0; i < 3; i++) {
        kept = r1cs_add(b, kept, x);
        r1cs_equal(b, kept, x);
    }
    assert_false(r1cs_failed(b));
    r1cs_equal(b, gone, x);
    assert_true(r1cs_failed(b));
    r1cs_scope_end(b, outer);
    assert_int_equal(r1cs_finish(b, NULL, NULL, &err), P_EINTERNAL);
    assert_non_null(strstr(err.text, "after its scope has ended"));
    r1cs_destroy(b);
    assert_int_equal(access(path, F_OK), -1);
}

/* Large combinations and many scopes: memory goes from piece to piece and back. */
static void test_scope_memory(void **state)
{
    char path[64];
    r1cs_builder *b;
    r1cs_lc *wires = malloc(60000 * sizeof *wires);
    p_err err = {0};

    (void)state;
    circuit_path(path, "r1cs");
    assert_int_equal(r1cs_create(R1CS_BUILD, path, 0, 0, &b, &err), P_OK);
    for (int i = 0; i < 60000; i++)
        wires[i] = r1cs_wire(b, fr(0));
    for (int k = 0; k < 8; k++) {
        r1cs_scope scope = r1cs_scope_begin(b);
        r1cs_lc small = r1cs_add(b, wires[k], wires[k + 1]);
        r1cs_lc large = r1cs_sum(b, wires, NULL, k % 2 ? 60000 : 20000);
        r1cs_lc both = r1cs_sub(b, large, small);

        assert_int_equal(large.count, k % 2 ? 60000 : 20000);
        assert_int_equal(both.count, large.count - 2);
        assert_int_equal(both.terms[0].wire, k == 0 ? 3 : 1);
        r1cs_equal(b, both, small);
        r1cs_scope_end(b, scope);
    }
    if (r1cs_finish(b, NULL, NULL, &err) != P_OK)
        fail_msg("%s", err.text);
    r1cs_destroy(b);
    unlink(path);
    free(wires);
}

/* ---- names ---- */

static void test_names(void **state)
{
    char path[64], name[R1CS_FILE_NAME_BYTES];
    static const char *const expected[] = {"", "first", "first", "third", "third"};
    r1cs_builder *b;
    r1cs_file f;
    r1cs_file_counts counts;
    r1cs_violation v;
    r1cs_lc x;
    const uint64_t wrong[8] = {1, 0, 0, 0, 9, 0, 0, 0};
    p_err err = {0};

    (void)state;
    circuit_path(path, "r1cs");
    assert_int_equal(r1cs_create(R1CS_BUILD, path, 0, 0, &b, &err), P_OK);
    x = r1cs_wire(b, fr(0));
    r1cs_boolean(b, x);
    r1cs_label(b, "first");
    r1cs_boolean(b, x);
    r1cs_label(b, "first");
    r1cs_boolean(b, x);
    r1cs_label(b, "second, of nothing");
    r1cs_label(b, "third");
    r1cs_equal(b, x, r1cs_constant_u64(b, 9));
    r1cs_boolean(b, x);
    r1cs_label(b, "fourth, of nothing");
    assert_int_equal(r1cs_finish(b, NULL, NULL, &err), P_OK);
    r1cs_destroy(b);
    assert_int_equal(r1cs_file_open(&f, path, &err), P_OK);
    assert_int_equal(r1cs_file_check(&f, &counts, &err), P_OK);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(r1cs_file_name(&f, i, name, &err), P_OK);
        assert_string_equal(name, expected[i]);
    }
    assert_int_equal(r1cs_check(&f, wrong, &v, &err), P_EINVAL);
    assert_true(v.found);
    assert_int_equal(v.constraint, 0);
    assert_non_null(strstr(err.text, "constraint 0 does not hold"));
    assert_int_equal(r1cs_check(&f, (const uint64_t[8]){1, 0, 0, 0, 1, 0, 0, 0}, &v, &err),
                     P_EINVAL);
    assert_int_equal(v.constraint, 3);
    assert_string_equal(v.name, "third");
    assert_non_null(strstr(err.text, "constraint 3 (third) does not hold"));
    r1cs_file_close(&f);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),   cmocka_unit_test(test_sums),
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_scope_memory), cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
