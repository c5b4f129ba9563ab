/* What a builder makes of a definition, and what it refuses. */
#include "tests/unit/air/fixture.h"

#include <stdio.h>

/* ---- refusals: each case is a definition that is fine but for one thing ---- */

enum refusal {
    GOOD,
    COLUMN_TWICE,
    PERIODIC_TWICE,
    NAME_EMPTY,
    NAME_LONG,
    DEGREE,
    CONSTANT_ZERO,
    CONSTANT_BIG,
    CONSTRAINT_TWICE,
    NO_EXPRESSION,
    NO_COLUMN,
    UNREAD_COLUMN,
    UNREAD_FIXED,
    UNREAD_PERIODIC,
    UNREAD_PUBLIC,
    PUBLIC_BEYOND,
    PUBLIC_COLUMN_BEYOND,
    PUBLIC_COLUMN_OVERFLOW,
    PERIOD,
    PERIODIC_BIG,
    CHALLENGE,
    BUS_ID_ZERO,
    BUS_ID_TWICE,
    BUS_NAME_TWICE,
    BUS_ARITY_ZERO,
    BUS_ARITY_BIG,
    BUS_NO_SENDER,
    BUS_NO_RECEIVER,
    BUS_UNKNOWN,
    FLAG_NOT_BOOLEAN,
    FLAG_AUX,
    FLAG_NONE,
    SELECTOR_MAIN,
    SELECTOR_TWO,
    SELECTOR_PUBLIC,
    MESSAGE_QUADRATIC,
    MESSAGE_EXT,
    TABLE_OF_MAIN,
    TABLE_OF_PUBLIC,
    TABLE_DERIVED_FROM_MAIN,
    TABLE_FIXED_COUNT,
    REFUSALS
};

static const struct {
    const char *text;
} EXPECTED[REFUSALS] = {
    [COLUMN_TWICE] = {"column 'x' is defined twice"},
    [PERIODIC_TWICE] = {"column 'x' is defined twice"},
    [NAME_EMPTY] = {"a name has 1 to 63 bytes"},
    [NAME_LONG] = {"a name has 1 to 63 bytes"},
    [DEGREE] = {"constraint 'steep' has degree 4, the limit is 3"},
    [CONSTANT_ZERO] = {"constraint 'nothing' is the constant 0"},
    [CONSTANT_BIG] = {"is not below p"},
    [CONSTRAINT_TWICE] = {"constraint 'square' is defined twice"},
    [NO_EXPRESSION] = {"an expression that does not exist"},
    [NO_COLUMN] = {"a column that does not exist"},
    [UNREAD_COLUMN] = {"no constraint reads column 'lonely'"},
    [UNREAD_FIXED] = {"no constraint reads column 'lonely'"},
    [UNREAD_PERIODIC] = {"no constraint reads column 'lonely'"},
    [UNREAD_PUBLIC] = {"no constraint reads public value 1"},
    [PUBLIC_BEYOND] = {"public value 2 of 2"},
    [PUBLIC_COLUMN_BEYOND] = {"public column of values 1 to 3, there are 2"},
    [PUBLIC_COLUMN_OVERFLOW] = {"public column of values 1 to 4294967296, there are 2"},
    [PERIOD] = {"has period 3"},
    [PERIODIC_BIG] = {"value 1 is not below p"},
    [CHALLENGE] = {"challenge 3 does not exist"},
    [BUS_ID_ZERO] = {"bus 'more' has id 0"},
    [BUS_ID_TWICE] = {"have the same id 1"},
    [BUS_NAME_TWICE] = {"bus 'bus' is defined twice"},
    [BUS_ARITY_ZERO] = {"messages of 0 values"},
    [BUS_ARITY_BIG] = {"messages of 17 values"},
    [BUS_NO_SENDER] = {"bus 'more' has no sender"},
    [BUS_NO_RECEIVER] = {"bus 'more' has no receiver"},
    [BUS_UNKNOWN] = {"a bus that does not exist"},
    [FLAG_NOT_BOOLEAN] = {"the flag 'x' is neither a fixed column nor made by air_main_boolean"},
    [FLAG_AUX] = {"the flag 'own' is neither"},
    [FLAG_NONE] = {"without flag and selector"},
    [SELECTOR_MAIN] = {"a selector is not"},
    [SELECTOR_TWO] = {"a selector is not"},
    [SELECTOR_PUBLIC] = {"a selector is not"},
    [MESSAGE_QUADRATIC] = {"value 1 of a message has degree 2"},
    [MESSAGE_EXT] = {"value 0 of a message is over K"},
    [TABLE_OF_MAIN] = {"free multiplicity would prove nothing"},
    [TABLE_OF_PUBLIC] = {"free multiplicity would prove nothing"},
    [TABLE_DERIVED_FROM_MAIN] = {"free multiplicity would prove nothing"},
    [TABLE_FIXED_COUNT] = {"the multiplicity 'table' is not a main column"},
};

static void define_refused(air_builder *b, const void *context)
{
    enum refusal bad = *(const enum refusal *)context;
    static const gl_t periodic[4] = {0, 1, 0, 1}, two[2] = {1, 2}, big[2] = {0, GL_P};
    char long_name[AIR_NAME_BYTES + 1];
    air_column x = air_main(b, "x"), flag = air_main_boolean(b, "flag");
    air_column table = air_fixed(b, "table"), count = air_main(b, "count");
    air_expr here = air_here(b, x), entry = air_here(b, table);
    air_expr square = air_mul(b, here, here), p = air_periodic(b, "p", periodic, 4);
    air_expr message[2] = {here, air_next(b, x)}, entries[2] = {entry, air_scale(b, 2, entry)};
    air_bus bus = air_bus_define(b, "bus", 1, 2), more;
    const air_column none = AIR_NO_COLUMN;
    const air_expr no_selector = AIR_NO_EXPR;

    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = 0;
    air_constrain(
        b, "square",
        air_mul(b, p, air_sub(b, square, bad == UNREAD_PUBLIC ? here : air_public(b, 1))));
    air_constrain(b, "public", air_mul(b, air_first(b), air_sub(b, here, air_public(b, 0))));
    air_send(b, bus, flag, p, message);
    air_receive_table(b, bus, count, entries);
    switch (bad) {
    case COLUMN_TWICE:
        air_fixed(b, "x");
        break;
    case PERIODIC_TWICE:
        air_periodic(b, "x", periodic, 4);
        break;
    case NAME_EMPTY:
        air_main(b, "");
        break;
    case NAME_LONG:
        air_main(b, long_name);
        break;
    case DEGREE:
        air_constrain(b, "steep", air_mul(b, square, square));
        break;
    case CONSTANT_ZERO:
        air_constrain(b, "nothing", air_sub(b, square, air_mul(b, here, here)));
        break;
    case CONSTANT_BIG:
        air_constant(b, GL_P);
        break;
    case CONSTRAINT_TWICE:
        air_constrain(b, "square", here);
        break;
    case NO_EXPRESSION:
        air_add(b, here, AIR_NO_EXPR);
        break;
    case NO_COLUMN:
        air_here(b, none);
        break;
    case UNREAD_COLUMN:
        air_here(b, air_main(b, "lonely"));
        break;
    case UNREAD_FIXED:
        air_fixed(b, "lonely");
        break;
    case UNREAD_PERIODIC:
        air_mul(b, here, air_periodic(b, "lonely", periodic, 4));
        break;
    case PUBLIC_BEYOND:
        air_public(b, 2);
        break;
    case PUBLIC_COLUMN_BEYOND:
        air_public_column(b, 1, 2);
        break;
    case PUBLIC_COLUMN_OVERFLOW:
        air_public_column(b, 1, UINT32_MAX);
        break;
    case PERIOD:
        air_periodic(b, "three", periodic, 3);
        break;
    case PERIODIC_BIG:
        air_periodic(b, "big", big, 2);
        break;
    case CHALLENGE:
        air_random(b, AIR_CHALLENGES);
        break;
    case BUS_ID_ZERO:
        air_bus_define(b, "more", 0, 2);
        break;
    case BUS_ID_TWICE:
        air_bus_define(b, "more", 1, 2);
        break;
    case BUS_NAME_TWICE:
        air_bus_define(b, "bus", 2, 2);
        break;
    case BUS_ARITY_ZERO:
        air_bus_define(b, "more", 2, 0);
        break;
    case BUS_ARITY_BIG:
        air_bus_define(b, "more", 2, AIR_MAX_ARITY + 1);
        break;
    case BUS_NO_SENDER:
        more = air_bus_define(b, "more", 2, 2);
        air_receive(b, more, flag, no_selector, message);
        break;
    case BUS_NO_RECEIVER:
        more = air_bus_define(b, "more", 2, 2);
        air_send(b, more, table, no_selector, message);
        break;
    case BUS_UNKNOWN:
        air_send(b, (air_bus){1}, flag, no_selector, message);
        break;
    case FLAG_NOT_BOOLEAN:
        air_send(b, bus, x, no_selector, message);
        break;
    case FLAG_AUX:
        air_receive(b, bus, air_aux(b, "own"), no_selector, message);
        break;
    case FLAG_NONE:
        air_send(b, bus, none, no_selector, message);
        break;
    case SELECTOR_MAIN:
        air_send(b, bus, flag, here, message);
        break;
    case SELECTOR_TWO:
        air_send(b, bus, none, air_periodic(b, "two", two, 2), message);
        break;
    case SELECTOR_PUBLIC:
        air_receive(b, bus, flag, air_public(b, 0), message);
        break;
    case MESSAGE_QUADRATIC:
        message[1] = square;
        air_send(b, bus, flag, no_selector, message);
        break;
    case MESSAGE_EXT:
        message[0] = air_random(b, AIR_ALPHA);
        air_send(b, bus, flag, no_selector, message);
        break;
    case TABLE_OF_MAIN:
        air_receive_table(b, bus, count, message);
        break;
    case TABLE_OF_PUBLIC:
        entries[1] = air_public(b, 0);
        air_receive_table(b, bus, count, entries);
        break;
    case TABLE_DERIVED_FROM_MAIN:
        entries[1] = air_add(b, entry, air_sub(b, entries[1], here));
        air_receive_table(b, bus, count, entries);
        break;
    case TABLE_FIXED_COUNT:
        air_receive_table(b, bus, table, entries);
        break;
    default:
        break;
    }
    /* the first mistake is the one that is told */
    if (bad != GOOD && bad != UNREAD_COLUMN && bad != UNREAD_FIXED && bad != UNREAD_PERIODIC &&
        bad != UNREAD_PUBLIC && bad != BUS_NO_SENDER && bad != BUS_NO_RECEIVER)
        air_constrain(b, "late", air_mul(b, air_mul(b, square, square), square));
}

static gl_t no_fixed(const void *context, uint32_t column, uint64_t row, uint32_t log_rows)
{
    (void)context;
    (void)column;
    (void)row;
    (void)log_rows;
    return 0;
}

static p_status create(air_definition d, air **out, p_err *err)
{
    p_err_clear(err);
    return air_create(&d, out, err);
}

static void test_refusals(void **state)
{
    (void)state;
    for (int k = 0; k < REFUSALS; k++) {
        enum refusal bad = (enum refusal)k;
        air_definition d = {.name = "refused",
                            .max_degree = 3,
                            .publics = 2,
                            .define = define_refused,
                            .fixed = no_fixed,
                            .context = &bad};
        p_err err = {0};
        air *a;
        p_status s = create(d, &a, &err);

        if (bad == GOOD) {
            assert_int_equal(s, P_OK);
        } else {
            if (s != P_EINVAL || !strstr(err.text, EXPECTED[k].text))
                fail_msg("case %d: '%s', expected '%s'", k, err.text, EXPECTED[k].text);
            assert_null(a);
        }
        air_destroy(a);
    }
}

static void define_nothing(air_builder *b, const void *context)
{
    (void)context;
    air_main(b, "x");
}

static void define_no_main(air_builder *b, const void *context)
{
    (void)context;
    air_constrain(b, "fixed", air_mul(b, air_first(b), air_here(b, air_fixed(b, "f"))));
}

static void define_own_aux(air_builder *b, const void *context)
{
    air_column own = air_aux(b, "own");

    (void)context;
    air_constrain(b, "own", air_sub(b, air_here(b, own), air_here(b, air_main(b, "x"))));
}

static void define_many_rows(air_builder *b, const void *context)
{
    (void)context;
    air_constrain(b, "x", air_sub(b, air_here(b, air_main(b, "x")), air_public_column(b, 0, 65)));
}

static void test_definitions(void **state)
{
    air_definition d = {.name = "d", .max_degree = 2, .define = define_nothing};
    p_err err = {0};
    air *a;

    (void)state;
    assert_int_equal(create(d, &a, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "there is no constraint"));
    d.define = define_no_main;
    assert_int_equal(create(d, &a, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "nothing gives the values of fixed column 'f'"));
    d.fixed = no_fixed;
    assert_int_equal(create(d, &a, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "there is no main column"));
    d.define = define_own_aux;
    assert_int_equal(create(d, &a, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "nothing fills aux column 'own'"));
    d.max_degree = 1;
    assert_int_equal(create(d, &a, &err), P_EINVAL);
    d.max_degree = AIR_MAX_DEGREE + 1;
    assert_int_equal(create(d, &a, &err), P_EINVAL);
    d.max_degree = 2;
    d.name = NULL;
    assert_int_equal(create(d, &a, &err), P_EINVAL);
    d.name = "d";
    d.define = define_many_rows;
    d.publics = 65;
    assert_int_equal(create(d, &a, &err), P_OK);
    assert_int_equal(a->min_log_rows, 7);
    air_destroy(a);
}

/* ---- what is recorded ---- */

static void test_layout(void **state)
{
    p_err err = {0};
    air *a;

    (void)state;
    assert_int_equal(create(demo_lookup, &a, &err), P_OK);
    for (uint32_t t = 0; t < AIR_TREE_QUOTIENT; t++) {
        const air_tree_info *tree = &a->trees[t];
        uint32_t next = 0, other = tree->next_padded, opened = 0;

        for (uint32_t k = 0; k < t; k++)
            opened += a->trees[k].real;
        for (uint32_t i = 0; i < a->column_count; i++) {
            const air_column_info *c = &a->columns[i];

            if (c->tree != (air_tree)t)
                continue;
            assert_int_equal(c->position, c->next ? next : other);
            assert_int_equal(air_opening_index(a, i, false) - opened,
                             c->next ? next : other - tree->next_padded + tree->next);
            *(c->next ? &next : &other) += c->width;
        }
        assert_int_equal(next, tree->next);
        assert_int_equal(other, tree->columns);
        assert_int_equal(tree->next_padded % 8, 0);
        assert_true(tree->next_padded - tree->next < 8);
        assert_int_equal(tree->columns - tree->next_padded + tree->next, tree->real);
    }
    assert_int_equal(a->trees[AIR_TREE_AUX].next, 6); /* the running sum, the link */
    assert_int_equal(a->trees[AIR_TREE_QUOTIENT].columns, 6);
    assert_int_equal(a->trees[AIR_TREE_AUX].real, 3 * (1 + 5 + 1));
    assert_true(a->columns[a->sum_column].next);
    assert_int_equal(a->sum_column, a->column_count - 1);
    for (uint32_t i = 0; i < a->constraint_count; i++)
        assert_true(a->nodes[a->constraints[i].node].degree <= 3);
    for (uint32_t i = 0; i < a->node_count; i++) {
        const air_node *n = &a->nodes[i];

        if (n->op >= AIR_ADD)
            assert_true(n->a < i && n->b < i);
        for (uint32_t k = 0; k < i; k++)
            assert_false(n->op == a->nodes[k].op && n->a == a->nodes[k].a &&
                         n->b == a->nodes[k].b && n->value == a->nodes[k].value);
    }
    air_destroy(a);
}

/* ---- the hash ---- */

typedef struct variant {
    uint64_t constant, periodic, id;
    uint32_t degree, publics, arity;
    bool next, swap, name, dead, receive, boolean;
} variant;

static void define_variant(air_builder *b, const void *context)
{
    const variant *v = context;
    gl_t values[2] = {0, v->periodic};
    air_column x = air_main(b, v->name ? "other" : "x");
    air_column y = v->boolean ? air_main_boolean(b, "y") : air_main(b, "y");
    air_column flag = air_main_boolean(b, "flag");
    air_expr here = air_here(b, x), second = v->next ? air_next(b, y) : air_here(b, y);
    air_expr p = air_periodic(b, "p", values, 2), c = air_constant(b, v->constant);
    air_expr one = air_add(b, here, air_mul(b, p, c)), message[3] = {here, second, here};
    air_bus bus = air_bus_define(b, "bus", v->id, v->arity);

    if (v->dead)
        air_mul(b, here, second);
    air_constrain(b, "one", v->swap ? second : one);
    air_constrain(b, "two", v->swap ? one : second);
    for (uint32_t i = 0; i < v->publics; i++) {
        char name[AIR_NAME_BYTES];

        snprintf(name, sizeof(name), "public %u", i);
        air_constrain(b, name, air_sub(b, here, air_public(b, i)));
    }
    air_send(b, bus, flag, AIR_NO_EXPR, message);
    if (v->receive)
        air_receive(b, bus, flag, AIR_NO_EXPR, message);
    air_receive(b, bus, flag, AIR_NO_EXPR, message);
}

static void test_hash(void **state)
{
    const variant good = {
        .constant = 5, .periodic = 1, .id = 1, .degree = 3, .publics = 1, .arity = 2};
    variant all[14];
    uint8_t hash[14][32];
    p_err err = {0};

    (void)state;
    for (int i = 0; i < 14; i++)
        all[i] = good;
    all[1].name = true; /* texts are not in it, nor is what nobody reads */
    all[2].dead = true;
    all[3].constant = 6;
    all[4].periodic = 2;
    all[5].id = 2;
    all[6].degree = 4;
    all[7].publics = 2;
    all[8].arity = 3;
    all[9].next = true;
    all[10].swap = true;
    all[11].receive = true;
    all[12].boolean = true;
    all[13].publics = 3;
    for (int i = 0; i < 14; i++) {
        air_definition d = {.name = "variant",
                            .max_degree = all[i].degree,
                            .publics = all[i].publics,
                            .define = define_variant,
                            .context = &all[i]};
        air *a;

        assert_int_equal(create(d, &a, &err), P_OK);
        memcpy(hash[i], a->hash, 32);
        air_destroy(a);
    }
    for (int i = 1; i < 14; i++)
        for (int k = 0; k < i; k++)
            assert_int_equal(memcmp(hash[i], hash[k], 32) == 0, i <= 2);
}

/* ---- buses ---- */

static gl_ext fingerprint(const air_instance *in, uint64_t id, const gl_t *x, uint32_t arity)
{
    gl_ext sum = gl_ext_add(in->challenges[AIR_BETA], gl_ext_from_base(id));

    for (uint32_t i = 0; i < arity; i++)
        sum = gl_ext_add(sum, gl_ext_scale(gl_ext_pow_var(in->challenges[AIR_ALPHA], i + 1), x[i]));
    return sum;
}

/* The first fraction's column times its denominators, by the formula of docs/stark.md: what the
 * builder made of the message is this fingerprint, x_1 with power 1. */
static void test_fingerprint(void **state)
{
    fixture f = {0};

    (void)state;
    build(&f, &demo_lookup, 6, 0);
    for (uint64_t row = 0; row < 64; row++) {
        const air_column_info *c = f.a->columns;
        uint32_t phi = c[f.a->interactions[0].column].position;
        gl_t sent[4], received[4];
        gl_ext d[2], v, value;

        for (int i = 0; i < 4; i++) {
            static const int order[4] = {DEMO_OP, DEMO_A, DEMO_B, DEMO_C};

            sent[i] = *cell(&f.t.main, row, c[order[i]].position);
            received[i] = *cell(&f.t.main, row, c[DEMO_T_OP + i].position);
        }
        for (int i = 0; i < 3; i++)
            v.c[i] = *cell(&f.t.aux, row, phi + (uint32_t)i);
        d[0] = fingerprint(&f.in, 1, sent, 4);
        d[1] = fingerprint(&f.in, 1, received, 4);
        value = gl_ext_sub(gl_ext_scale(d[1], *cell(&f.t.main, row, c[DEMO_RUN].position)),
                           gl_ext_scale(d[0], *cell(&f.t.main, row, c[DEMO_T_RUN].position)));
        assert_true(gl_ext_eq(gl_ext_mul(v, gl_ext_mul(d[0], d[1])), value));
    }
    tear_down(&f);
}

/* No two buses' messages match: not shifted by one value, not with ids that differ by a value
 * (with the powers from 0, id 3 and x = 5 were id 4 and x = 4). */
static void test_buses_apart(void **state)
{
    air_instance in;
    uint64_t seed = 9;

    (void)state;
    for (int i = 0; i < AIR_CHALLENGES; i++)
        in.challenges[i] = random_ext(&seed);
    for (int k = 0; k < 2000; k++) {
        uint64_t id[2] = {1 + random_gl(&seed) % 5, 1 + random_gl(&seed) % 5};
        uint32_t arity[2] = {1 + (uint32_t)(random_gl(&seed) % 3),
                             1 + (uint32_t)(random_gl(&seed) % 3)};
        gl_t x[4], y[4] = {0};

        for (int i = 0; i < 4; i++)
            x[i] = random_gl(&seed) % 4;
        if (id[0] == id[1])
            continue;
        memcpy(y, x + k % 2, 3 * sizeof(*y));
        y[0] = k % 3 ? y[0] : gl_sub(gl_add(x[0], id[0]), id[1]);
        assert_false(
            gl_ext_eq(fingerprint(&in, id[0], x, arity[0]), fingerprint(&in, id[1], y, arity[1])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_definitions),
        cmocka_unit_test(test_layout),      cmocka_unit_test(test_hash),
        cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_buses_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
