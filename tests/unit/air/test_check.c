/* The checker and the bus balancer: every cell of a valid trace, changed in several ways, is
 * caught, and so are traces that break one constraint by many cells that fit each other. */
#include "host/air/check.h"
#include "tests/unit/air/fixture.h"

#include <stdio.h>

/* Cells that may have any value: none. */

enum { RANDOM, PLUS_ONE, NEGATED, SHIFTED, MUTATIONS };

static gl_t mutate(gl_t x, int how, uint64_t *seed)
{
    switch (how) {
    case RANDOM:
        return random_gl(seed);
    case PLUS_ONE:
        return gl_add(x, 1);
    case NEGATED:
        return gl_neg(x);
    default:
        return gl_add(x, UINT64_C(1) << 32);
    }
}

/* What the checkers and, beside them, the running sum say. */
static bool accepted(fixture *f)
{
    p_err err = {0};
    gl_ext total;
    p_status constraints = air_check_constraints(f->a, &f->in, &f->t, NULL, &err);
    p_status buses = air_check_buses(f->a, &f->in, &f->t, NULL, NULL, &err);

    assert_true(constraints == P_OK || constraints == P_EINVAL);
    assert_true(buses == P_OK || buses == P_EINVAL);
    assert_int_equal(air_logup_fill(f->a, &f->in, &f->t, NULL, NULL, &total, &err), P_OK);
    assert_int_equal(gl_ext_is_zero(total), buses == P_OK);
    return constraints == P_OK && buses == P_OK;
}

static void every_cell(uint64_t steps)
{
    fixture f = {0};
    uint64_t seed = 11;
    unsigned caught = 0;

    build(&f, &demo_lookup, 6, steps);
    assert_true(accepted(&f));
    for (uint32_t c = 0; c < f.a->column_count; c++) {
        if (f.a->columns[c].tree != AIR_TREE_MAIN)
            continue;
        for (uint64_t row = 0; row < 64; row++)
            for (int how = 0; how < MUTATIONS; how++) {
                gl_t *x = cell(&f.t.main, row, f.a->columns[c].position), old = *x;

                *x = mutate(old, how, &seed);
                if (*x == old) /* 0 negated */
                    continue;
                if (accepted(&f))
                    fail_msg("column '%s' row %llu: %llu instead of %llu was not caught",
                             f.a->columns[c].name, (unsigned long long)row, (unsigned long long)*x,
                             (unsigned long long)old);
                *x = old;
                caught++;
            }
    }
    assert_true(caught > 14 * 64 * 3);
    for (int i = 0; i < DEMO_LOOKUP_PUBLICS; i++) {
        f.publics[i] = gl_add(f.publics[i], 1);
        assert_false(accepted(&f));
        f.publics[i] = gl_sub(f.publics[i], 1);
    }
    assert_true(accepted(&f));
    tear_down(&f);
}

static void test_every_cell(void **state)
{
    (void)state;
    every_cell(50); /* padding rows in both tables */
}

static void test_every_cell_full(void **state)
{
    (void)state;
    every_cell(64);
}

static void test_every_cell_short(void **state)
{
    (void)state;
    every_cell(8); /* the table's rows and the machine's never side by side */
}

/* ---- traces of a cheating prover: many cells, one constraint ---- */

static gl_t *at(fixture *f, demo_lookup_column c, uint64_t row)
{
    return cell(&f->t.main, row, f->a->columns[c].position);
}

static void count_step(fixture *f, uint64_t row, gl_t one)
{
    const gl_t seen[] = {*at(f, DEMO_A, row), *at(f, DEMO_B, row), *at(f, DEMO_C, row),
                         *at(f, DEMO_T_HIGH, 63 - row), *at(f, DEMO_A, row)};

    for (int i = 0; i < (row % 4 == 2 ? 5 : 4); i++)
        *at(f, DEMO_RANGE_COUNT, seen[i]) = gl_add(*at(f, DEMO_RANGE_COUNT, seen[i]), one);
}

/* The machine goes on from (x, y) in a row, whatever was there before: all else fits. */
static void jump(fixture *f, uint64_t row, gl_t x, gl_t y)
{
    for (; row < f->publics[2]; row++) {
        gl_t full = *at(f, DEMO_OP, row) ? x * y : x + y;

        count_step(f, row, GL_P - 1);
        *at(f, DEMO_A, row) = *at(f, DEMO_T_A, 63 - row) = x;
        *at(f, DEMO_B, row) = *at(f, DEMO_T_B, 63 - row) = y;
        *at(f, DEMO_C, row) = *at(f, DEMO_T_C, 63 - row) = *at(f, DEMO_COPY, row) = full % 32;
        *at(f, DEMO_T_HIGH, 63 - row) = full / 32;
        count_step(f, row, 1);
        x = y;
        y = full % 32;
    }
    f->publics[3] = y;
}

/* One constraint, in one row, is all that a forged trace breaks. */
static void only(fixture *f, const char *constraint, uint64_t row)
{
    air_faults faults;
    p_err err = {0};

    assert_int_equal(air_check_buses(f->a, &f->in, &f->t, NULL, NULL, &err), P_OK);
    assert_int_equal(air_check_constraints(f->a, &f->in, &f->t, &faults, &err), P_EINVAL);
    assert_string_equal(f->a->constraints[faults.constraint].name, constraint);
    assert_int_equal(faults.row, row);
    assert_int_equal(faults.count, 1);
}

static void test_forged(void **state)
{
    const gl_t over = gl_inv(32); /* the table's equation is x = c + 32 high */
    fixture f = {0};

    (void)state;
    build(&f, &demo_lookup, 6, 50);
    jump(&f, 20, (*at(&f, DEMO_A, 20) + 1) % 32, *at(&f, DEMO_B, 20));
    only(&f, "next a", 19);
    jump(&f, 20, *at(&f, DEMO_B, 19), *at(&f, DEMO_C, 19));
    assert_true(accepted(&f));
    jump(&f, 49, *at(&f, DEMO_A, 49), (*at(&f, DEMO_B, 49) + 31) % 32);
    only(&f, "next b", 48);
    jump(&f, 49, *at(&f, DEMO_B, 48), *at(&f, DEMO_C, 48));
    assert_true(accepted(&f));
    *at(&f, DEMO_C, 60) = *at(&f, DEMO_COPY, 60) = 7;
    only(&f, "idle c", 60);
    *at(&f, DEMO_C, 60) = *at(&f, DEMO_COPY, 60) = 0;
    /* rows of the table that nobody asked for */
    *at(&f, DEMO_T_HIGH, 3) = gl_mul(over, *at(&f, DEMO_T_A, 3) = 9);
    only(&f, "idle t a", 3);
    *at(&f, DEMO_T_A, 3) = 0;
    *at(&f, DEMO_T_B, 3) = 9;
    only(&f, "idle t b", 3);
    *at(&f, DEMO_T_B, 3) = 0;
    *at(&f, DEMO_T_C, 3) = gl_neg(9);
    only(&f, "idle t c", 3);
    *at(&f, DEMO_T_C, 3) = *at(&f, DEMO_T_HIGH, 3) = 0;
    assert_true(accepted(&f));
    /* a machine that never runs and commits to zeros */
    for (int c = DEMO_RUN; c <= DEMO_RANGE_COUNT; c++)
        for (uint64_t row = 0; row < 64; row++)
            *at(&f, (demo_lookup_column)c, row) =
                c == DEMO_COMMIT && row < DEMO_LOOKUP_COMMITS ? 1 : 0;
    memset(f.publics, 0, sizeof(f.publics));
    only(&f, "runs in the first row", 0);
    tear_down(&f);
}

/* Rows and names in the texts. */
static void test_names(void **state)
{
    fixture f = {0};
    p_err err = {0};
    air_faults faults;
    gl_t *x;

    (void)state;
    build(&f, &demo_lookup, 7, 0);
    x = cell(&f.t.main, 100, f.a->columns[DEMO_T_HIGH].position);
    ++*x;
    assert_int_equal(air_check_constraints(f.a, &f.in, &f.t, &faults, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "'arithmetic'"));
    assert_non_null(strstr(err.text, "row 100"));
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.row, 100);
    assert_string_equal(f.a->constraints[faults.constraint].name, "arithmetic");
    --*x;
    x = cell(&f.t.main, 40, f.a->columns[DEMO_RANGE_COUNT].position);
    *x = 3; /* a padding row of the table: one more way to receive 0 */
    assert_int_equal(air_check_constraints(f.a, &f.in, &f.t, &faults, &err), P_OK);
    assert_int_equal(air_check_buses(f.a, &f.in, &f.t, NULL, NULL, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "bus 'range' (0) 3 more received"));
    *x = 0;
    x = cell(&f.t.main, 3, f.a->columns[DEMO_COMMIT].position);
    *x = 0;
    assert_int_equal(air_check_buses(f.a, &f.in, &f.t, NULL, NULL, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "bus 'commit' (4, "));
    assert_non_null(strstr(err.text, "1 more received"));
    *x = 1;
    /* a word that stands for the same residue is another trace */
    x = cell(&f.t.main, 127, f.a->columns[DEMO_A].position);
    *x += GL_P;
    assert_int_equal(air_check_constraints(f.a, &f.in, &f.t, NULL, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "not canonical"));
    *x -= GL_P;
    *cell(&f.t.main, 5, f.a->trees[AIR_TREE_MAIN].next) = 1;
    assert_int_equal(air_check_constraints(f.a, &f.in, &f.t, NULL, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "zero column"));
    tear_down(&f);
}

/* The machine's table shifted by a row against itself in two cells: multisets, not sequences. */
static void test_permuted(void **state)
{
    fixture f = {0};

    (void)state;
    build(&f, &demo_lookup, 6, 64);
    for (int c = DEMO_T_RUN; c <= DEMO_T_HIGH; c++) {
        gl_t *x = cell(&f.t.main, 10, f.a->columns[c].position);
        gl_t *y = cell(&f.t.main, 33, f.a->columns[c].position), old = *x;

        *x = *y;
        *y = old;
    }
    assert_true(accepted(&f));
    tear_down(&f);
}

static void test_wide(void **state)
{
    fixture f = {0};
    p_err err = {0};
    uint32_t lanes[] = {1, 2, 3, 6};

    (void)state;
    build(&f, &demo_wide_100, 7, 0);
    assert_true(accepted(&f));
    assert_int_equal(f.a->trees[AIR_TREE_MAIN].real + f.a->trees[AIR_TREE_AUX].real +
                         f.a->trees[AIR_TREE_QUOTIENT].real,
                     100);
    tear_down(&f);
    for (int i = 0; i < 4; i++) {
        demo_wide_shape shape = {.lanes = lanes[i], .extra = 2};
        air_definition d = demo_wide_definition(&shape);

        memset(&f, 0, sizeof(f));
        build(&f, &d, 6, 0);
        assert_true(accepted(&f));
        assert_int_equal(f.a->trees[AIR_TREE_MAIN].real + f.a->trees[AIR_TREE_AUX].real +
                             f.a->trees[AIR_TREE_QUOTIENT].real,
                         13 + 11 * shape.lanes + shape.extra);
        ++*cell(&f.t.main, 9, f.a->columns[2].position);
        assert_int_equal(air_check_constraints(f.a, &f.in, &f.t, NULL, &err), P_EINVAL);
        tear_down(&f);
    }
}

/* ---- fixed columns ---- */

static void test_fixed(void **state)
{
    fixture f = {0};
    p_err err = {0};
    uint32_t range = DEMO_RANGE;
    gl_t *x;

    (void)state;
    build(&f, &demo_lookup, 7, 0);
    assert_int_equal(air_check_table(f.a, &f.t.fixed, &range, 1, 1, DEMO_LOOKUP_RANGE, &err), P_OK);
    assert_int_equal(air_check_selectors(f.a, &f.t.fixed, &err), P_OK);
    x = cell(&f.t.fixed, 90, f.a->columns[DEMO_RANGE].position);
    *x = 32;
    assert_int_equal(air_check_table(f.a, &f.t.fixed, &range, 1, 1, DEMO_LOOKUP_RANGE, &err),
                     P_EINVAL);
    assert_non_null(strstr(err.text, "padding row 90"));
    *x = 0;
    x = cell(&f.t.fixed, 7, f.a->columns[DEMO_RANGE].position);
    *x = 12;
    assert_int_equal(air_check_table(f.a, &f.t.fixed, &range, 1, 1, DEMO_LOOKUP_RANGE, &err),
                     P_EINVAL);
    assert_non_null(strstr(err.text, "same key"));
    *x = 7;
    assert_int_equal(air_check_table(f.a, &f.t.fixed, &range, 1, 1, 129, &err), P_EINVAL);
    range = DEMO_A;
    assert_int_equal(air_check_table(f.a, &f.t.fixed, &range, 1, 1, 32, &err), P_EINVAL);
    *cell(&f.t.fixed, 4, f.a->columns[DEMO_COMMIT_ROW].position) = 2;
    assert_int_equal(air_check_selectors(f.a, &f.t.fixed, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "'commit row'"));
    tear_down(&f);
    memset(&f, 0, sizeof(f));
    range = 0;
    build(&f, &demo_wide_100, 6, 0);
    assert_int_equal(air_check_table(f.a, &f.t.fixed, &range, 1, 1, 64, &err), P_OK);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_every_cell_full),
        cmocka_unit_test(test_every_cell_short),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_permuted),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_fixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
