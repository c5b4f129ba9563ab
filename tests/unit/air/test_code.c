/* Interpreter and generated code, for every instruction set, against the evaluation at a point: a
 * row of the domain is the point x, the values of its columns are whatever they are. */
#include "tests/unit/air/fixture.h"

#include "host/air/code.h"
#include "host/air/generate.h"
#include "tests/unit/air/random_air.h"

#include <stdio.h>

enum { LOG = 6, BLOWUP = 2, ROWS = 1 << (LOG + BLOWUP) };

/* Values where carries happen, half of the time. */
static gl_t edge(uint64_t *seed)
{
    static const gl_t edges[] = {0,
                                 1,
                                 2,
                                 GL_EPSILON - 1,
                                 GL_EPSILON,
                                 GL_EPSILON + 1,
                                 UINT64_C(1) << 63,
                                 GL_P - GL_EPSILON,
                                 GL_P - GL_EPSILON - 1,
                                 GL_P - 2,
                                 GL_P - 1};
    uint64_t x = random_gl(seed);

    return x % 2 ? random_gl(seed) : edges[x / 2 % (sizeof(edges) / sizeof(edges[0]))];
}

typedef struct data {
    air *a;
    gl_t publics[16];
    air_instance in;
    gl_ext lambda;
    uint64_t
        *rows[AIR_TREE_QUOTIENT]; /* ROWS rows of `width` words, and 2^BLOWUP more: the first */
    uint64_t width[AIR_TREE_QUOTIENT];
    drv_matrix m[AIR_TREE_QUOTIENT]; /* the same as a matrix */
    gl_ext expected[ROWS];
} data;

static void set_up(data *d, const air_definition *definition, uint64_t seed)
{
    p_err err = {0};
    gl_ext *here = calloc(1000, sizeof(*here)), *next = calloc(1000, sizeof(*next));

    assert_int_equal(air_create(definition, &d->a, &err), P_OK);
    for (int i = 0; i < 16; i++)
        d->publics[i] = edge(&seed);
    d->in.publics = d->publics;
    for (int i = 0; i < AIR_CHALLENGES; i++)
        d->in.challenges[i] = random_ext(&seed);
    d->lambda = random_ext(&seed);
    for (int t = 0; t < AIR_TREE_QUOTIENT; t++) {
        uint64_t w = d->width[t] = d->a->trees[t].columns;

        d->m[t] = matrix(d->a->trees[t].columns, LOG + BLOWUP);
        if (!w)
            continue;
        d->rows[t] = calloc((ROWS + (1 << BLOWUP)) * w, 8);
        for (uint64_t i = 0; i < ROWS * w; i++) {
            d->rows[t][i] = edge(&seed);
            *cell(&d->m[t], i / w, (uint32_t)(i % w)) = d->rows[t][i];
        }
        memcpy(d->rows[t] + ROWS * w, d->rows[t], w * (8 << BLOWUP));
    }
    for (uint64_t i = 0; i < ROWS; i++) {
        gl_ext x = gl_ext_from_base(gl_mul(7, gl_pow_var(root(LOG + BLOWUP), i)));
        uint32_t n = 0, k = 0;

        for (int t = 0; t < AIR_TREE_QUOTIENT; t++)
            for (uint32_t c = 0; c < d->width[t]; c++) {
                const air_tree_info *info = &d->a->trees[t];
                const uint64_t *row = d->rows[t] + i * d->width[t];

                if (c >= info->next && c < info->next_padded)
                    continue;
                here[n++] = gl_ext_from_base(row[c]);
                if (c < info->next)
                    next[k++] = gl_ext_from_base(row[(d->width[t] << BLOWUP) + c]);
            }
        assert_int_equal(air_eval_point(d->a, &d->in, LOG, x, d->lambda, here, next, NULL,
                                        &d->expected[i], &err),
                         P_OK);
    }
    free(here);
    free(next);
}

static void compare(const data *d, const air_evaluator *e, bool blocked, uint64_t first,
                    uint64_t count, bool divide)
{
    air_rows here[AIR_TREE_QUOTIENT] = {{0}}, next[AIR_TREE_QUOTIENT] = {{0}};
    uint64_t *out = malloc(3 * ROWS * sizeof(*out));
    uint64_t *const place[3] = {out, out + ROWS, out + 2 * ROWS};

    for (int t = 0; t < AIR_TREE_QUOTIENT; t++) {
        uint64_t w = d->width[t], ahead = (first + (1 << BLOWUP)) % ROWS;

        if (!w)
            continue;
        if (blocked) {
            here[t] = (air_rows){d->m[t].data + 8 * first, 8, 8 * ROWS};
            next[t] = (air_rows){d->m[t].data + 8 * ahead, 8, 8 * ROWS};
        } else {
            here[t] = (air_rows){d->rows[t] + first * w, w, 8};
            next[t] = (air_rows){d->rows[t] + (first + (1 << BLOWUP)) * w, w, 8};
        }
    }
    air_eval_rows(e, 1, here, next, first, count, divide, place);
    for (uint64_t i = 0; i < count; i++) {
        gl_ext v = {{place[0][i], place[1][i], place[2][i]}};
        gl_t x = gl_mul(7, gl_pow_var(root(LOG + BLOWUP), first + i));

        if (divide)
            v = gl_ext_scale(v, gl_sub(gl_pow_var(x, 1 << LOG), 1));
        if (!gl_ext_eq(v, d->expected[first + i]))
            fail_msg("%s, %s: row %llu is wrong", d->a->definition.name, air_evaluator_about(e),
                     (unsigned long long)(first + i));
    }
    free(out);
}

static void check_definition(const air_definition *definition, uint64_t seed)
{
    data *d = calloc(1, sizeof(*d));
    unsigned compiled = 0;
    drv_device *device;
    p_err err = {0};

    set_up(d, definition, seed);
    assert_int_equal(drv_open(NULL, NULL, &device, &err), P_OK);
    for (int mode = 0; mode < 2 * (P_ISA_AVX512 + 1); mode++) {
        air_evaluator *e;

        assert_int_equal(
            air_evaluator_create(d->a, &d->in, LOG, BLOWUP, d->lambda, 2, device, &e, &err), P_OK);
        air_evaluator_select(e, (p_isa)(mode / 2), mode % 2);
        if (!p_isa_supported((p_isa)(mode / 2))) {
            air_evaluator_destroy(e);
            continue;
        }
        compiled += strstr(air_evaluator_about(e), "interpreted") == NULL;
        assert_non_null(strstr(air_evaluator_about(e), p_isa_name((p_isa)(mode / 2))));
        compare(d, e, false, 0, ROWS, false);
        compare(d, e, true, 0, ROWS - (1 << BLOWUP), true);
        compare(d, e, true, ROWS - 4, 4, false); /* the next rows are the first */
        compare(d, e, true, 64, 64, false);
        compare(d, e, false, 3, 65, true);
        compare(d, e, false, 129, 9, false);
        compare(d, e, true, 77, 1, false);
        air_evaluator_destroy(e);
    }
    if (definition->code) {
        unsigned levels = 0;

        for (int i = 0; i <= P_ISA_AVX512; i++)
            levels += p_isa_supported((p_isa)i);
        assert_int_equal(compiled, levels);
    } else {
        assert_int_equal(compiled, 0);
    }
    drv_close(device, 60000, &err);
    for (int t = 0; t < AIR_TREE_QUOTIENT; t++) {
        free(d->rows[t]);
        free(d->m[t].data);
    }
    air_destroy(d->a);
    free(d);
}

static void test_demo_lookup(void **state)
{
    (void)state;
    check_definition(&demo_lookup, 1);
}

static void test_demo_wide(void **state)
{
    static const demo_wide_shape small = {.lanes = 2, .extra = 1};
    air_definition interpreted = demo_wide_definition(&small);

    (void)state;
    check_definition(&demo_wide_100, 2);
    check_definition(&interpreted, 3);
}

static void test_random(void **state)
{
    (void)state;
    check_definition(&random_air, 4);
    check_definition(&random_air, 5);
}

/* Code of another graph is refused; what the generator writes depends on the graph alone. */
static void test_other_code(void **state)
{
    air_definition d = demo_lookup;
    p_err err = {0};
    air *a;

    (void)state;
    d.code = random_air.code;
    assert_int_equal(air_create(&d, &a, &err), P_EINTERNAL);
    assert_non_null(strstr(err.text, "another graph"));
}

static void test_generator(void **state)
{
    char *text[4];
    size_t size[4];
    p_err err = {0};
    unsigned functions = 0;
    air *a;

    (void)state;
    assert_int_equal(air_create(&random_air, &a, &err), P_OK);
    for (int i = 0; i < 4; i += 2) {
        FILE *body = open_memstream(&text[i], &size[i]);
        FILE *table = open_memstream(&text[i + 1], &size[i + 1]);

        assert_int_equal(air_generate(a, "x", 3, body, table, &err), P_OK);
        fclose(body);
        fclose(table);
    }
    assert_string_equal(text[0], text[2]);
    assert_string_equal(text[1], text[3]);
    /* many functions, none of them long */
    for (const char *p = text[0]; (p = strstr(p, "#if AIRV_PART")) != NULL; functions++) {
        const char *end = strstr(p, "#endif");
        unsigned lines = 0;

        for (; p < end; p++)
            lines += *p == '\n';
        assert_true(lines < 400);
    }
    assert_true(functions > 5);
    assert_non_null(strstr(text[0], "TEMP3("));
    assert_non_null(strstr(text[0], "TEMP("));
    assert_non_null(strstr(text[0], "airv_base_sub_ext"));
    assert_non_null(strstr(text[0], "airv_ext_sub_base"));
    assert_non_null(strstr(text[0], "airv_ext_add_base"));
    for (int i = 0; i < 4; i++)
        free(text[i]);
    air_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo_lookup), cmocka_unit_test(test_demo_wide),
        cmocka_unit_test(test_random),      cmocka_unit_test(test_other_code),
        cmocka_unit_test(test_generator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
