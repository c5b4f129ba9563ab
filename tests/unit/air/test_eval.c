/* Evaluators against each other, through what they have in common: the polynomials of a trace. */
#include "host/air/eval.h"
#include "host/stark/demo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static gl_t random_gl(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return gl_from_u64(x ^ x >> 31);
}

static gl_ext random_ext(uint64_t *state)
{
    gl_ext r;

    for (int i = 0; i < 3; i++)
        r.c[i] = random_gl(state);
    return r;
}

static gl_t root(uint32_t log)
{
    return gl_pow_var(7, (GL_P - 1) >> log);
}

typedef struct fixture {
    air *a;
    air_instance in;
    air_trace t;
    gl_t publics[16];
    gl_ext total;
} fixture;

static drv_matrix matrix(uint32_t columns, uint32_t log_rows)
{
    drv_matrix m = {.columns = columns, .log_rows = log_rows};
    size_t bytes = drv_matrix_words(columns, log_rows) * 8;

    if (columns) {
        m.data = aligned_alloc(64, bytes);
        assert_non_null(m.data);
        memset(m.data, 0, bytes);
    }
    return m;
}

static gl_t cell(const drv_matrix *m, uint64_t row, uint32_t column)
{
    return m->data[(((uint64_t)(column / 8) << m->log_rows) + row) * 8 + column % 8];
}

static void build(fixture *f, const air_definition *d, uint32_t log_rows)
{
    p_err err = {0};
    uint64_t seed = 5;
    p_status s = air_create(d, &f->a, &err);

    if (s != P_OK)
        print_error("%s\n", err.text);
    assert_int_equal(s, P_OK);
    f->t.log_rows = log_rows;
    f->t.fixed = matrix(f->a->trees[AIR_TREE_FIXED].columns, log_rows);
    f->t.main = matrix(f->a->trees[AIR_TREE_MAIN].columns, log_rows);
    f->t.aux = matrix(f->a->trees[AIR_TREE_AUX].columns, log_rows);
    for (int i = 0; i < AIR_CHALLENGES; i++)
        f->in.challenges[i] = random_ext(&seed);
    f->in.publics = f->publics;
    assert_int_equal(air_fill_fixed(f->a, NULL, NULL, &f->t.fixed, &err), P_OK);
    if (d->define == demo_lookup.define)
        s = demo_lookup_trace(f->a, log_rows, 3, 17, (UINT64_C(1) << log_rows) - 9, &f->t.main,
                              f->publics, &err);
    else
        s = demo_wide_trace(f->a, log_rows, 1, NULL, &f->t.main, f->publics, &err);
    assert_int_equal(s, P_OK);
    s = air_fill_aux(f->a, &f->in, &f->t, NULL, NULL, &f->total, &err);
    assert_int_equal(s, P_OK);
}

static void tear_down(fixture *f)
{
    air_destroy(f->a);
    free(f->t.fixed.data);
    free(f->t.main.data);
    free(f->t.aux.data);
}

/* The value at x of the polynomial through a column: sum of v_i L_i(x), the definition. */
static gl_ext at_point(const drv_matrix *m, uint32_t column, gl_ext x)
{
    uint64_t rows = UINT64_C(1) << m->log_rows;
    gl_t omega = root(m->log_rows), at = 1;
    gl_ext sum = gl_ext_from_base(0), v;

    for (uint64_t i = 0; i < rows; i++, at = gl_mul(at, omega)) {
        gl_ext d = gl_ext_inv(gl_ext_sub(x, gl_ext_from_base(at)));

        sum = gl_ext_add(sum, gl_ext_scale(d, gl_mul(at, cell(m, i, column))));
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

/* C(z) from the openings is what the quotient's evaluations on the domain say. */
static void check_identity(const air_definition *d)
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

    build(&f, d, LOG);
    assert_true(gl_ext_is_zero(f.total));
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
    assert_true(gl_ext_eq(c, gl_ext_mul(v, sum)));
    assert_false(gl_ext_is_zero(c));
    air_evaluator_destroy(e);
    drv_close(device, 60000, &err);
    for (int i = 0; i < 3; i++) {
        free(out[i]);
        free(lde[i].data);
    }
    tear_down(&f);
}

static void test_identity_lookup(void **state)
{
    (void)state;
    check_identity(&demo_lookup);
}

static void test_identity_wide(void **state)
{
    (void)state;
    check_identity(&demo_wide_100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_lookup),
        cmocka_unit_test(test_identity_wide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
