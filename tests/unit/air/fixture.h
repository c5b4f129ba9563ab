/* Traces of the demonstration AIRs, with everything filled, for tests of host/air. */
#ifndef ZKP_TESTS_UNIT_AIR_FIXTURE_H
#define ZKP_TESTS_UNIT_AIR_FIXTURE_H

#include "host/air/eval.h"
#include "host/stark/demo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline gl_t random_gl(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return gl_from_u64(x ^ x >> 31);
}

static inline gl_ext random_ext(uint64_t *state)
{
    gl_ext r;

    for (int i = 0; i < 3; i++)
        r.c[i] = random_gl(state);
    return r;
}

static inline gl_t root(uint32_t log)
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

static inline drv_matrix matrix(uint32_t columns, uint32_t log_rows)
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

static inline gl_t *cell(const drv_matrix *m, uint64_t row, uint32_t column)
{
    return &m->data[(((uint64_t)(column / 8) << m->log_rows) + row) * 8 + column % 8];
}

/* steps: of demo_lookup; 0: some padding */
static inline void build(fixture *f, const air_definition *d, uint32_t log_rows, uint64_t steps)
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
        s = demo_lookup_trace(f->a, log_rows, 3, 17, steps ? steps : (UINT64_C(1) << log_rows) - 9,
                              &f->t.main, f->publics, &err);
    else
        s = demo_wide_trace(f->a, log_rows, 1, NULL, &f->t.main, f->publics, &err);
    assert_int_equal(s, P_OK);
    s = air_fill_aux(f->a, &f->in, &f->t, NULL, NULL, &f->total, &err);
    assert_int_equal(s, P_OK);
}

static inline void tear_down(fixture *f)
{
    air_destroy(f->a);
    free(f->t.fixed.data);
    free(f->t.main.data);
    free(f->t.aux.data);
}

#endif
