/* Evaluators against each other, through what they have in common: the polynomials of a trace. */
#include "tests/unit/air/fixture.h"

/* The value at x of the polynomial through a column: sum of v_i L_i(x), the definition. */
static gl_ext at_point(const drv_matrix *m, uint32_t column, gl_ext x)
{
    uint64_t rows = UINT64_C(1) << m->log_rows;
    gl_t omega = root(m->log_rows), at = 1;
    gl_ext sum = gl_ext_from_base(0), v;

    for (uint64_t i = 0; i < rows; i++, at = gl_mul(at, omega)) {
        gl_ext d = gl_ext_inv(gl_ext_sub(x, gl_ext_from_base(at)));

        sum = gl_ext_add(sum, gl_ext_scale(d, gl_mul(at, *cell(m, i, column))));
    }
    v = gl_ext_sub(gl_ext_pow_var(x, rows), gl_ext_from_base(1));
    return gl_ext_scale(gl_ext_mul(sum, v), gl_inv(rows));
}

static gl_ext value_at(const fixture *f, gl_ext z, gl_ext lambda, gl_ext *parts)
{
    const drv_matrix *m[] = {&f->t.fixed, &f->t.main, &f->t.aux};
    gl_ext *here = calloc(1000, sizeof(*here)), *next = calloc(1000, sizeof(*next)), out;
    gl_ext z_next = gl_ext_scale(z, root(f->t.log_rows));
    uint32_t count = 0, count_next = 0;
    p_err err = {0};

    for (uint32_t t = 0; t < AIR_TREE_QUOTIENT; t++)
        for (uint32_t c = 0; c < f->a->trees[t].columns; c++) {
            const air_tree_info *info = &f->a->trees[t];

            if (c >= info->next && c < info->next_padded)
                continue;
            here[count++] = at_point(m[t], c, z);
            if (c < info->next)
                next[count_next++] = at_point(m[t], c, z_next);
        }
    assert_int_equal(
        air_eval_point(f->a, &f->in, f->t.log_rows, z, lambda, here, next, parts, &out, &err),
        P_OK);
    free(here);
    free(next);
    return out;
}

/* Whether C(z) from the openings is what the quotient's evaluations on the domain say. If the trace
 * breaks a constraint, these are not values of a polynomial of the quotient's degree. mutate: adds
 * 1 to this main column (UINT32_MAX: none) in the last row. */
static void check_identity(const air_definition *d, uint32_t mutate, void (*forge)(fixture *f),
                           bool holds)
{
    enum { LOG = 6, BLOWUP = 1 };
    fixture f = {0};
    uint64_t seed = 77, n = UINT64_C(1) << (LOG + BLOWUP);
    gl_ext lambda = random_ext(&seed), z = random_ext(&seed), c, v;
    air_evaluator *e;
    drv_device *device;
    p_err err = {0};
    drv_matrix lde[3];
    air_rows here[3] = {0}, next[3] = {0};
    const drv_matrix *m[3] = {&f.t.fixed, &f.t.main, &f.t.aux};
    gl_t *out[3];
    gl_ext sum = gl_ext_from_base(0);

    build(&f, d, LOG, 0);
    assert_true(gl_ext_is_zero(f.total));
    if (mutate != UINT32_MAX) {
        gl_t *x = cell(&f.t.main, (1u << LOG) - 1, f.a->columns[mutate].position);

        *x = gl_add(*x, 1);
        assert_int_equal(air_fill_aux(f.a, &f.in, &f.t, NULL, NULL, &f.total, &err), P_OK);
    }
    if (forge)
        forge(&f);
    assert_int_equal(drv_open(NULL, NULL, &device, &err), P_OK);
    assert_int_equal(air_evaluator_create(f.a, &f.in, LOG, BLOWUP, lambda, 1, device, &e, &err),
                     P_OK);
    for (uint32_t t = 0; t < 3; t++) {
        uint32_t columns = f.a->trees[t].columns;

        lde[t] = (drv_matrix){.columns = columns};
        if (!columns)
            continue;
        lde[t].data = calloc((n + 2) * columns, 8);
        for (uint64_t i = 0; i < n; i++) {
            gl_ext x = gl_ext_from_base(gl_mul(7, gl_pow_var(root(LOG + BLOWUP), i)));

            for (uint32_t k = 0; k < columns; k++)
                lde[t].data[i * columns + k] = at_point(m[t], k, x).c[0];
        }
        /* the next rows of the last two are the first two */
        memcpy(lde[t].data + n * columns, lde[t].data, 16 * columns);
    }
    for (int i = 0; i < 3; i++)
        out[i] = calloc(n, 8);
    for (uint64_t at = 0; at < n;) {
        uint64_t rows = at + 100 < n ? 100 : n - at;
        uint64_t *const place[3] = {out[0] + at, out[1] + at, out[2] + at};

        for (uint32_t t = 0; t < 3; t++) {
            uint64_t from = (at + 2) % n, w = lde[t].columns;

            if (!w)
                continue;
            here[t] = (air_rows){lde[t].data + at * w, w, 8};
            next[t] = (air_rows){lde[t].data + from * w, w, 8};
        }
        air_eval_rows(e, 0, here, next, at, rows, true, place);
        at += rows;
    }
    /* Q at z by Lagrange on the coset: sum of q_i x_i (z^n - 7^n) / (n 7^n (z - x_i)) */
    for (uint64_t i = 0; i < n; i++) {
        gl_t x = gl_mul(7, gl_pow_var(root(LOG + BLOWUP), i));
        gl_ext q = {{out[0][i], out[1][i], out[2][i]}};
        gl_ext inverse = gl_ext_inv(gl_ext_sub(z, gl_ext_from_base(x)));

        sum = gl_ext_add(sum, gl_ext_scale(gl_ext_mul(q, inverse), x));
    }
    v = gl_ext_sub(gl_ext_pow_var(z, n), gl_ext_from_base(gl_pow_var(7, n)));
    sum = gl_ext_scale(gl_ext_mul(sum, v), gl_inv(gl_mul(n, gl_pow_var(7, n))));
    c = value_at(&f, z, lambda, NULL);
    v = gl_ext_sub(gl_ext_pow_var(z, UINT64_C(1) << LOG), gl_ext_from_base(1));
    assert_int_equal(gl_ext_eq(c, gl_ext_mul(v, sum)), holds);
    assert_false(gl_ext_is_zero(c));
    air_evaluator_destroy(e);
    drv_close(device, 60000, &err);
    for (int i = 0; i < 3; i++) {
        free(out[i]);
        free(lde[i].data);
    }
    tear_down(&f);
}

static void test_identity(void **state)
{
    (void)state;
    check_identity(&demo_lookup, UINT32_MAX, NULL, true);
    check_identity(&demo_wide_100, UINT32_MAX, NULL, true);
}

/* One cell of the last row: of a column that only a bus pins (so that only the wrap-around of the
 * running sum shows it), of one that a constraint does. */
static void test_identity_broken(void **state)
{
    (void)state;
    check_identity(&demo_lookup, DEMO_RANGE_COUNT, NULL, false);
    check_identity(&demo_lookup, DEMO_COPY, NULL, false);
    check_identity(&demo_lookup, DEMO_C, NULL, false);
}

static gl_ext link_get(fixture *f, uint64_t row)
{
    uint32_t c = f->a->columns[DEMO_LINK].position;

    return (gl_ext){
        {*cell(&f->t.aux, row, c), *cell(&f->t.aux, row, c + 1), *cell(&f->t.aux, row, c + 2)}};
}

static void link_set(fixture *f, uint64_t row, gl_ext v)
{
    for (uint32_t k = 0; k < 3; k++)
        *cell(&f->t.aux, row, f->a->columns[DEMO_LINK].position + k) = v.c[k];
}

/* copy differs from c, and the running difference is moved by a multiple of rho^row that makes its
 * end 0: all but its start fits. */
static void forge_link_start(fixture *f)
{
    gl_ext rho = f->in.challenges[AIR_RHO], end, move;
    uint64_t rows = UINT64_C(1) << f->t.log_rows;
    p_err err = {0};

    *cell(&f->t.main, 5, f->a->columns[DEMO_COPY].position) = 31;
    assert_int_equal(air_fill_aux(f->a, &f->in, &f->t, NULL, NULL, NULL, &err), P_OK);
    end = gl_ext_mul(link_get(f, rows - 1), rho);
    assert_false(gl_ext_is_zero(end));
    move = gl_ext_neg(gl_ext_mul(end, gl_ext_inv(gl_ext_pow_var(rho, rows))));
    for (uint64_t row = 0; row < rows; row++, move = gl_ext_mul(move, rho))
        link_set(f, row, gl_ext_add(link_get(f, row), move));
    assert_true(gl_ext_is_zero(link_get(f, rows - 1)));
}

/* The same, and the difference is zero throughout: only its steps do not fit. */
static void forge_link_steps(fixture *f)
{
    *cell(&f->t.main, 5, f->a->columns[DEMO_COPY].position) = 31;
    for (uint64_t row = 0; row < UINT64_C(1) << f->t.log_rows; row++)
        link_set(f, row, gl_ext_from_base(0));
}

/* The running sum stands still. */
static void forge_sum_steps(fixture *f)
{
    uint32_t c = f->a->columns[f->a->sum_column].position;

    for (uint64_t row = 0; row < UINT64_C(1) << f->t.log_rows; row++)
        for (uint32_t k = 0; k < 3; k++)
            *cell(&f->t.aux, row, c + k) = 0;
}

/* A fraction that is off by what another row makes good: the sum fits, the fractions do not. */
static void forge_fraction(fixture *f)
{
    uint32_t phi = f->a->columns[f->a->interactions[0].column].position;
    uint32_t sum = f->a->columns[f->a->sum_column].position;

    *cell(&f->t.aux, 10, phi) = gl_add(*cell(&f->t.aux, 10, phi), 1);
    *cell(&f->t.aux, 11, sum) = gl_add(*cell(&f->t.aux, 11, sum), 1);
    *cell(&f->t.aux, 11, phi) = gl_sub(*cell(&f->t.aux, 11, phi), 1);
}

/* The whole running sum moved: the wrap-around still fits, the first row does not. */
static void forge_sum_start(fixture *f)
{
    uint32_t sum = f->a->columns[f->a->sum_column].position;

    for (uint64_t row = 0; row < UINT64_C(1) << f->t.log_rows; row++)
        *cell(&f->t.aux, row, sum) = gl_add(*cell(&f->t.aux, row, sum), 5);
}

static void test_identity_forged(void **state)
{
    (void)state;
    check_identity(&demo_lookup, UINT32_MAX, forge_link_start, false);
    check_identity(&demo_lookup, UINT32_MAX, forge_link_steps, false);
    check_identity(&demo_lookup, UINT32_MAX, forge_sum_steps, false);
    check_identity(&demo_lookup, UINT32_MAX, forge_sum_start, false);
    check_identity(&demo_lookup, UINT32_MAX, forge_fraction, false);
}

/* Every constraint is wired: none is 0 at a random point of a random "trace". */
static void test_wired(void **state)
{
    const air_definition *all[] = {&demo_lookup, &demo_wide_100};

    (void)state;
    for (int k = 0; k < 2; k++) {
        fixture f = {0};
        uint64_t seed = 3;
        gl_ext *parts, *v = calloc(2000, sizeof(*v)), out;
        p_err err = {0};

        build(&f, all[k], 6, 0);
        parts = calloc(f.a->constraint_count, sizeof(*parts));
        for (int i = 0; i < 2000; i++)
            v[i] = random_ext(&seed);
        assert_int_equal(air_eval_point(f.a, &f.in, 6, random_ext(&seed), random_ext(&seed), v,
                                        v + 1000, parts, &out, &err),
                         P_OK);
        for (uint32_t i = 0; i < f.a->constraint_count; i++)
            assert_false(gl_ext_is_zero(parts[i]));
        free(parts);
        free(v);
        tear_down(&f);
    }
}

/* z on the trace's domain has no quotient; too few rows for the public column. */
static void test_point_refused(void **state)
{
    fixture f = {0};
    gl_ext v[400] = {0}, out, z = gl_ext_from_base(root(6));
    p_err err = {0};

    (void)state;
    build(&f, &demo_lookup, 6, 0);
    assert_int_equal(air_eval_point(f.a, &f.in, 6, z, z, v, v, NULL, &out, &err), P_EINVAL);
    z.c[1] = 5;
    assert_int_equal(air_eval_point(f.a, &f.in, 6, z, z, v, v, NULL, &out, &err), P_OK);
    assert_int_equal(air_eval_point(f.a, &f.in, 5, z, z, v, v, NULL, &out, &err), P_EINVAL);
    assert_int_equal(air_eval_point(f.a, &f.in, 23, z, z, v, v, NULL, &out, &err), P_EINVAL);
    tear_down(&f);
}

/* Any split of the loops gives the same columns. */
static void test_fill_threads(void **state)
{
    fixture f = {0};
    p_pool *pool;
    p_err err = {0};
    drv_matrix again;
    gl_ext total;

    (void)state;
    build(&f, &demo_lookup, 13, 0);
    again = f.t.aux;
    f.t.aux = matrix(again.columns, 13);
    assert_int_equal(p_pool_create(3, &pool, &err), P_OK);
    assert_int_equal(air_fill_aux(f.a, &f.in, &f.t, pool, NULL, &total, &err), P_OK);
    assert_true(gl_ext_is_zero(total) && gl_ext_is_zero(f.total));
    assert_memory_equal(again.data, f.t.aux.data, drv_matrix_words(again.columns, 13) * 8);
    p_pool_destroy(pool);
    free(again.data);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),        cmocka_unit_test(test_identity_broken),
        cmocka_unit_test(test_identity_forged), cmocka_unit_test(test_wired),
        cmocka_unit_test(test_point_refused),   cmocka_unit_test(test_fill_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
