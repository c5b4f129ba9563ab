#include "host/air/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((uint64_t)AIR_MAX_INTERACTIONS << AIR_MAX_LOG_ROWS < GL_P,
               "a message's multiplicities must not reach p");

void air_builder_fail(air_builder *b, p_status status, const char *format, ...)
{
    char text[P_ERR_TEXT_BYTES / 2];
    va_list args;

    if (b->err.status != P_OK)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    p_err_set(&b->err, status, "AIR %s: %s", b->a->definition.name, text);
}

static bool failed(const air_builder *b)
{
    return b->err.status != P_OK;
}

bool air_builder_grow(air_builder *b, void **array, uint32_t count, uint32_t *capacity, size_t size)
{
    uint32_t larger = *capacity ? 2 * *capacity : 64;
    void *p;

    if (count < *capacity)
        return true;
    p = count < AIR_MAX_NODES ? realloc(*array, larger * size) : NULL;
    if (!p) {
        air_builder_fail(b, P_EEXHAUSTED, "no memory for the graph");
        return false;
    }
    *array = p;
    *capacity = larger;
    return true;
}

static bool name_copy(air_builder *b, char out[AIR_NAME_BYTES], const char *what, const char *name)
{
    if (!name || !*name || strlen(name) >= AIR_NAME_BYTES) {
        air_builder_fail(b, P_EINVAL, "%s '%s': a name has 1 to %d bytes", what, name ? name : "",
                         AIR_NAME_BYTES - 1);
        return false;
    }
    strcpy(out, name);
    return true;
}

/* ---- nodes ---- */

static uint64_t node_hash(const air_node *n)
{
    uint64_t h = n->op;

    h = (h ^ n->a) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ n->b ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ n->value ^ h >> 32) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 31;
}

static bool node_same(const air_node *x, const air_node *y)
{
    return x->op == y->op && x->a == y->a && x->b == y->b && x->value == y->value;
}

/* The place in the table of a node or of its absence. */
static uint32_t *node_find(air_builder *b, const air_node *n)
{
    uint32_t mask = (UINT32_C(1) << b->table_log2) - 1, at = (uint32_t)node_hash(n) & mask;

    while (b->table[at] && !node_same(&b->a->nodes[b->table[at] - 1], n))
        at = (at + 1) & mask;
    return &b->table[at];
}

static bool table_room(air_builder *b)
{
    if (b->table && b->a->node_count < UINT32_C(1) << (b->table_log2 - 1))
        return true;
    free(b->table);
    b->table_log2 = b->table_log2 ? b->table_log2 + 1 : 10;
    b->table = calloc(UINT32_C(1) << b->table_log2, sizeof(*b->table));
    if (!b->table) {
        air_builder_fail(b, P_EEXHAUSTED, "no memory for the graph");
        return false;
    }
    for (uint32_t i = 0; i < b->a->node_count; i++)
        *node_find(b, &b->a->nodes[i]) = i + 1;
    return true;
}

static air_expr node_add(air_builder *b, air_node n)
{
    uint32_t *at;

    if (failed(b) || !table_room(b))
        return AIR_NO_EXPR;
    at = node_find(b, &n);
    if (!*at) {
        if (!air_builder_grow(b, (void **)&b->a->nodes, b->a->node_count, &b->node_capacity,
                              sizeof(n)))
            return AIR_NO_EXPR;
        b->a->nodes[b->a->node_count++] = n;
        *at = b->a->node_count;
    }
    return (air_expr){*at - 1};
}

static const air_node *node_of(air_builder *b, air_expr x)
{
    if (!failed(b) && x.node >= b->a->node_count)
        air_builder_fail(b, P_EINVAL, "an expression that does not exist is used");
    return failed(b) ? NULL : &b->a->nodes[x.node];
}

air_expr air_constant(air_builder *b, uint64_t value)
{
    if (!gl_is_canonical(value))
        air_builder_fail(b, P_EINVAL, "constant %#llx is not below p (write -x as p - x)",
                         (unsigned long long)value);
    return node_add(b, (air_node){.op = AIR_CONSTANT, .value = value});
}

static bool is_constant(const air_node *n, gl_t value)
{
    return n->op == AIR_CONSTANT && n->value == value;
}

static air_expr operation(air_builder *b, air_op op, air_expr x, air_expr y)
{
    const air_node *p = node_of(b, x), *q = node_of(b, y);
    air_node n = {.op = (uint8_t)op, .a = x.node, .b = y.node};
    unsigned degree;

    if (!p || !q)
        return AIR_NO_EXPR;
    if (p->op == AIR_CONSTANT && q->op == AIR_CONSTANT) {
        gl_t v = op == AIR_ADD   ? gl_add(p->value, q->value)
                 : op == AIR_SUB ? gl_sub(p->value, q->value)
                                 : gl_mul(p->value, q->value);
        return air_constant(b, v);
    }
    switch (op) {
    case AIR_ADD:
        if (is_constant(p, 0))
            return y;
        if (is_constant(q, 0))
            return x;
        break;
    case AIR_SUB:
        if (is_constant(q, 0))
            return x;
        if (x.node == y.node)
            return air_constant(b, 0);
        break;
    default:
        if (is_constant(p, 1))
            return y;
        if (is_constant(q, 1))
            return x;
        if (is_constant(p, 0) || is_constant(q, 0))
            return air_constant(b, 0);
        break;
    }
    if (op != AIR_SUB && n.a > n.b) {
        n.a = y.node;
        n.b = x.node;
    }
    n.ext = p->ext | q->ext;
    degree = op == AIR_MUL           ? (unsigned)p->degree + q->degree
             : p->degree > q->degree ? p->degree
                                     : q->degree;
    n.degree = (uint8_t)(degree < UINT8_MAX ? degree : UINT8_MAX);
    return node_add(b, n);
}

air_expr air_add(air_builder *b, air_expr x, air_expr y)
{
    return operation(b, AIR_ADD, x, y);
}

air_expr air_sub(air_builder *b, air_expr x, air_expr y)
{
    return operation(b, AIR_SUB, x, y);
}

air_expr air_mul(air_builder *b, air_expr x, air_expr y)
{
    return operation(b, AIR_MUL, x, y);
}

air_expr air_scale(air_builder *b, uint64_t value, air_expr x)
{
    return operation(b, AIR_MUL, air_constant(b, value), x);
}

air_expr air_first(air_builder *b)
{
    return node_add(b, (air_node){.op = AIR_FIRST, .degree = 1});
}

air_expr air_last(air_builder *b)
{
    return node_add(b, (air_node){.op = AIR_LAST, .degree = 1});
}

air_expr air_public(air_builder *b, uint32_t index)
{
    if (index >= b->a->definition.publics)
        air_builder_fail(b, P_EINVAL, "public value %u of %u is read", index,
                         b->a->definition.publics);
    return node_add(b, (air_node){.op = AIR_PUBLIC, .a = index});
}

air_expr air_public_column(air_builder *b, uint32_t first, uint32_t count)
{
    uint32_t publics = b->a->definition.publics;

    if (count == 0 || first > publics || count > publics - first)
        air_builder_fail(b, P_EINVAL, "public column of values %u to %llu, there are %u", first,
                         (unsigned long long)first + count, publics);
    return node_add(b, (air_node){.op = AIR_PUBLIC_COLUMN, .degree = 1, .a = first, .b = count});
}

air_expr air_random(air_builder *b, air_challenge which)
{
    if ((unsigned)which >= AIR_CHALLENGES)
        air_builder_fail(b, P_EINVAL, "challenge %u does not exist", (unsigned)which);
    return node_add(b, (air_node){.op = AIR_RANDOM, .ext = 1, .a = (uint32_t)which});
}

/* ---- columns ---- */

uint32_t air_builder_column(air_builder *b, const char *name, air_tree tree, uint32_t width)
{
    air *a = b->a;
    air_column_info c = {.tree = tree, .width = width};

    if (failed(b) || !name_copy(b, c.name, "column", name))
        return UINT32_MAX;
    for (uint32_t i = 0; i < a->column_count; i++)
        if (strcmp(a->columns[i].name, name) == 0)
            air_builder_fail(b, P_EINVAL, "column '%s' is defined twice", name);
    for (uint32_t i = 0; i < a->periodic_count; i++)
        if (strcmp(a->periodic[i].name, name) == 0)
            air_builder_fail(b, P_EINVAL, "column '%s' is defined twice", name);
    if (failed(b) ||
        !air_builder_grow(b, (void **)&b->boolean, a->column_count, &b->boolean_capacity,
                          sizeof(*b->boolean)) ||
        !air_builder_grow(b, (void **)&a->columns, a->column_count, &b->column_capacity, sizeof(c)))
        return UINT32_MAX;
    b->boolean[a->column_count] = false;
    a->columns[a->column_count] = c;
    return a->column_count++;
}

air_column air_fixed(air_builder *b, const char *name)
{
    return (air_column){air_builder_column(b, name, AIR_TREE_FIXED, 1)};
}

air_column air_main(air_builder *b, const char *name)
{
    return (air_column){air_builder_column(b, name, AIR_TREE_MAIN, 1)};
}

air_column air_aux(air_builder *b, const char *name)
{
    return (air_column){air_builder_column(b, name, AIR_TREE_AUX, 3)};
}

air_column air_main_boolean(air_builder *b, const char *name)
{
    air_column c = air_main(b, name);
    air_expr x = air_here(b, c);
    char text[AIR_NAME_BYTES];

    if (failed(b))
        return AIR_NO_COLUMN;
    if (snprintf(text, sizeof(text), "%s is boolean", name) >= (int)sizeof(text))
        air_builder_fail(b, P_EINVAL, "column '%s': a boolean column's name has at most %zu bytes",
                         name, sizeof(text) - sizeof(" is boolean"));
    air_constrain(b, text, air_mul(b, x, air_sub(b, x, air_constant(b, 1))));
    if (!failed(b))
        b->boolean[c.index] = true;
    return c;
}

static air_expr read_column(air_builder *b, air_column column, uint32_t next)
{
    if (!failed(b) && column.index >= b->a->column_count)
        air_builder_fail(b, P_EINVAL, "a column that does not exist is read");
    if (failed(b))
        return AIR_NO_EXPR;
    return node_add(b, (air_node){.op = AIR_COLUMN,
                                  .ext = b->a->columns[column.index].width == 3,
                                  .degree = 1,
                                  .a = column.index,
                                  .b = next});
}

air_expr air_here(air_builder *b, air_column column)
{
    return read_column(b, column, 0);
}

air_expr air_next(air_builder *b, air_column column)
{
    return read_column(b, column, 1);
}

air_expr air_periodic(air_builder *b, const char *name, const gl_t *values, uint32_t period)
{
    air *a = b->a;
    struct air_periodic_info *p;

    if (!failed(b) && (period == 0 || period > AIR_MAX_PERIOD || (period & (period - 1))))
        air_builder_fail(b, P_EINVAL, "periodic column '%s' has period %u: a power of two up to %d",
                         name ? name : "", period, AIR_MAX_PERIOD);
    if (failed(b) || !air_builder_grow(b, (void **)&a->periodic, a->periodic_count,
                                       &b->periodic_capacity, sizeof(*a->periodic)))
        return AIR_NO_EXPR;
    p = &a->periodic[a->periodic_count];
    memset(p, 0, sizeof(*p));
    if (!name_copy(b, p->name, "periodic column", name))
        return AIR_NO_EXPR;
    p->period = period;
    for (uint32_t i = 0; i < period; i++) {
        if (!gl_is_canonical(values[i]))
            air_builder_fail(b, P_EINVAL, "periodic column '%s': value %u is not below p", name, i);
        p->values[i] = values[i];
    }
    for (uint32_t i = 0; i < a->column_count; i++)
        if (strcmp(a->columns[i].name, name) == 0)
            air_builder_fail(b, P_EINVAL, "column '%s' is defined twice", name);
    for (uint32_t i = 0; i < a->periodic_count; i++)
        if (strcmp(a->periodic[i].name, name) == 0)
            air_builder_fail(b, P_EINVAL, "column '%s' is defined twice", name);
    if (failed(b))
        return AIR_NO_EXPR;
    return node_add(b, (air_node){.op = AIR_PERIODIC, .degree = 1, .a = a->periodic_count++});
}

/* ---- constraints ---- */

void air_constrain(air_builder *b, const char *name, air_expr value)
{
    air *a = b->a;
    const air_node *n = node_of(b, value);
    air_constraint c = {.node = value.node};

    if (!n || !name_copy(b, c.name, "constraint", name))
        return;
    for (uint32_t i = 0; i < a->constraint_count; i++)
        if (strcmp(a->constraints[i].name, name) == 0)
            air_builder_fail(b, P_EINVAL, "constraint '%s' is defined twice", name);
    if (n->op == AIR_CONSTANT)
        air_builder_fail(b, P_EINVAL, "constraint '%s' is the constant %llu", name,
                         (unsigned long long)n->value);
    if (n->degree > a->definition.max_degree)
        air_builder_fail(b, P_EINVAL, "constraint '%s' has degree %u, the limit is %u", name,
                         n->degree, a->definition.max_degree);
    if (!failed(b) && air_builder_grow(b, (void **)&a->constraints, a->constraint_count,
                                       &b->constraint_capacity, sizeof(c)))
        a->constraints[a->constraint_count++] = c;
}

/* ---- buses ---- */

air_bus air_bus_define(air_builder *b, const char *name, uint32_t id, uint32_t arity)
{
    air *a = b->a;
    struct air_bus_info bus = {.id = id, .arity = arity};

    if (failed(b) || !name_copy(b, bus.name, "bus", name))
        return (air_bus){UINT32_MAX};
    if (id == 0)
        air_builder_fail(b, P_EINVAL, "bus '%s' has id 0", name);
    if (arity == 0 || arity > AIR_MAX_ARITY)
        air_builder_fail(b, P_EINVAL, "bus '%s' has messages of %u values, 1 to %d are possible",
                         name, arity, AIR_MAX_ARITY);
    for (uint32_t i = 0; i < a->bus_count; i++) {
        if (a->buses[i].id == id)
            air_builder_fail(b, P_EINVAL, "buses '%s' and '%s' have the same id %u",
                             a->buses[i].name, name, id);
        if (strcmp(a->buses[i].name, name) == 0)
            air_builder_fail(b, P_EINVAL, "bus '%s' is defined twice", name);
    }
    if (failed(b) ||
        !air_builder_grow(b, (void **)&b->sides, a->bus_count, &b->sides_capacity, 1) ||
        !air_builder_grow(b, (void **)&a->buses, a->bus_count, &b->bus_capacity, sizeof(bus)))
        return (air_bus){UINT32_MAX};
    b->sides[a->bus_count] = 0;
    a->buses[a->bus_count] = bus;
    return (air_bus){a->bus_count++};
}

/* Whether everything below a node is known to the verifier without the prover: fixed and periodic
 * columns, first, last, constants. */
static bool is_key_only(const air *a, uint32_t node)
{
    const air_node *n = &a->nodes[node];

    switch ((air_op)n->op) {
    case AIR_COLUMN:
        return a->columns[n->a].tree == AIR_TREE_FIXED;
    case AIR_PERIODIC:
    case AIR_FIRST:
    case AIR_LAST:
    case AIR_CONSTANT:
        return true;
    case AIR_PUBLIC:
    case AIR_PUBLIC_COLUMN:
    case AIR_RANDOM:
        return false;
    case AIR_ADD:
    case AIR_SUB:
    case AIR_MUL:
        /* messages and selectors have degree 1 at most, so their graphs are small */
        return is_key_only(a, n->a) && is_key_only(a, n->b);
    }
    return false;
}

/* A selector is 0 or 1 where that can be seen here: a periodic or fixed column (whose values
 * air_check_fixed looks at), first, last, or the constant 1. */
static bool is_selector(const air *a, uint32_t node)
{
    const air_node *n = &a->nodes[node];

    switch ((air_op)n->op) {
    case AIR_COLUMN:
        return a->columns[n->a].tree == AIR_TREE_FIXED;
    case AIR_PERIODIC:
        for (uint32_t i = 0; i < a->periodic[n->a].period; i++)
            if (a->periodic[n->a].values[i] > 1)
                return false;
        return true;
    case AIR_FIRST:
    case AIR_LAST:
        return true;
    case AIR_CONSTANT:
        return n->value == 1;
    default:
        return false;
    }
}

static bool interaction_message(air_builder *b, air_bus bus, const air_expr *message, bool table,
                                air_interaction *out)
{
    air *a = b->a;

    if (!failed(b) && bus.index >= a->bus_count)
        air_builder_fail(b, P_EINVAL, "a bus that does not exist is used");
    if (failed(b))
        return false;
    out->bus = bus.index;
    for (uint32_t i = 0; i < a->buses[bus.index].arity; i++) {
        const air_node *n = node_of(b, message[i]);
        const char *name = a->buses[bus.index].name;

        if (!n)
            return false;
        if (n->ext)
            air_builder_fail(b, P_EINVAL, "bus '%s': value %u of a message is over K", name, i);
        if (n->degree > 1)
            air_builder_fail(b, P_EINVAL, "bus '%s': value %u of a message has degree %u, not 1",
                             name, i, n->degree);
        if (!failed(b) && table && !is_key_only(a, message[i].node))
            air_builder_fail(b, P_EINVAL,
                             "bus '%s': value %u of a table's message is not made of fixed and "
                             "periodic columns only: its free multiplicity would prove nothing",
                             name, i);
        out->message[i] = message[i].node;
    }
    return !failed(b);
}

static void interaction_add(air_builder *b, air_interaction x, air_expr multiplicity, bool negative)
{
    air *a = b->a;
    const air_node *n;

    if (negative)
        multiplicity = air_sub(b, air_constant(b, 0), multiplicity);
    n = node_of(b, multiplicity);
    if (!n)
        return;
    /* two columns multiplied at most: is asserted by the callers' checks, the bound is for the
     * degree of the packed fractions */
    if (n->ext || n->degree > 2)
        air_builder_fail(b, P_EINVAL, "bus '%s': a multiplicity has degree %u, the limit is 2",
                         a->buses[x.bus].name, n->degree);
    if (a->interaction_count >= AIR_MAX_INTERACTIONS)
        air_builder_fail(b, P_EINVAL, "more than %d interactions", AIR_MAX_INTERACTIONS);
    x.multiplicity = multiplicity.node;
    if (!failed(b) && air_builder_grow(b, (void **)&a->interactions, a->interaction_count,
                                       &b->interaction_capacity, sizeof(x)))
        a->interactions[a->interaction_count++] = x;
    b->sides[x.bus] |= negative ? 2 : 1;
}

static void flagged(air_builder *b, air_bus bus, air_column flag, air_expr selector,
                    const air_expr *message, bool negative)
{
    air *a = b->a;
    air_interaction x = {0};
    air_expr m = selector;

    if (!interaction_message(b, bus, message, false, &x))
        return;
    if (flag.index == UINT32_MAX && selector.node == UINT32_MAX) {
        air_builder_fail(b, P_EINVAL, "bus '%s': an interaction without flag and selector",
                         a->buses[bus.index].name);
        return;
    }
    if (selector.node != UINT32_MAX && node_of(b, selector) && !is_selector(a, selector.node))
        air_builder_fail(b, P_EINVAL,
                         "bus '%s': a selector is not a fixed column, nor a periodic one of zeros "
                         "and ones",
                         a->buses[bus.index].name);
    if (flag.index != UINT32_MAX) {
        m = air_here(b, flag);
        if (!failed(b) && !b->boolean[flag.index] && a->columns[flag.index].tree != AIR_TREE_FIXED)
            air_builder_fail(b, P_EINVAL,
                             "bus '%s': the flag '%s' is neither a fixed column nor made by "
                             "air_main_boolean",
                             a->buses[bus.index].name, a->columns[flag.index].name);
        if (selector.node != UINT32_MAX)
            m = air_mul(b, m, selector);
    }
    interaction_add(b, x, m, negative);
}

void air_send(air_builder *b, air_bus bus, air_column flag, air_expr selector,
              const air_expr *message)
{
    flagged(b, bus, flag, selector, message, false);
}

void air_receive(air_builder *b, air_bus bus, air_column flag, air_expr selector,
                 const air_expr *message)
{
    flagged(b, bus, flag, selector, message, true);
}

void air_receive_table(air_builder *b, air_bus bus, air_column multiplicity,
                       const air_expr *message)
{
    air_interaction x = {0};
    air_expr m = air_here(b, multiplicity);

    if (!interaction_message(b, bus, message, true, &x))
        return;
    if (b->a->columns[multiplicity.index].tree != AIR_TREE_MAIN)
        air_builder_fail(b, P_EINVAL, "bus '%s': the multiplicity '%s' is not a main column",
                         b->a->buses[bus.index].name, b->a->columns[multiplicity.index].name);
    interaction_add(b, x, m, true);
}

/* ---- LogUp ---- */

/* beta + id + sum of alpha^i x_i, i from 1: power 0 carries only the id, so that no two buses'
 * messages meet. */
static air_expr denominator(air_builder *b, const air_interaction *x)
{
    const struct air_bus_info *bus = &b->a->buses[x->bus];
    air_expr alpha = air_random(b, AIR_ALPHA), power = alpha;
    air_expr d = air_add(b, air_random(b, AIR_BETA), air_constant(b, bus->id));

    for (uint32_t i = 0; i < bus->arity; i++) {
        if (i > 0)
            power = air_mul(b, power, alpha);
        d = air_add(b, d, air_mul(b, power, (air_expr){x->message[i]}));
    }
    return d;
}

/* phi prod d_i - sum_i m_i prod_{j != i} d_j */
static air_expr packed(air_builder *b, const air_interaction *x, uint32_t count, air_expr phi)
{
    air_expr d[AIR_MAX_DEGREE], sum = air_constant(b, 0), all = phi;

    for (uint32_t i = 0; i < count; i++) {
        d[i] = denominator(b, &x[i]);
        all = air_mul(b, all, d[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        air_expr term = {x[i].multiplicity};

        for (uint32_t j = 0; j < count; j++)
            if (j != i)
                term = air_mul(b, term, d[j]);
        sum = air_add(b, sum, term);
    }
    return air_sub(b, all, sum);
}

void air_builder_buses(air_builder *b)
{
    air *a = b->a;
    uint32_t each = a->definition.max_degree - 1, columns;
    air_expr s, total;
    char name[AIR_NAME_BYTES];

    a->sum_column = UINT32_MAX;
    for (uint32_t i = 0; i < a->bus_count; i++) {
        if (b->sides[i] != 3)
            air_builder_fail(b, P_EINVAL, "bus '%s' has no %s", a->buses[i].name,
                             b->sides[i] & 1 ? "receiver" : "sender");
    }
    if (failed(b) || a->interaction_count == 0)
        return;
    columns = (a->interaction_count + each - 1) / each;
    for (uint32_t k = 0; k < columns; k++) {
        snprintf(name, sizeof(name), "logup %u", k);
        if (air_builder_column(b, name, AIR_TREE_AUX, 3) == UINT32_MAX)
            return;
    }
    a->sum_column = air_builder_column(b, "logup sum", AIR_TREE_AUX, 3);
    if (failed(b))
        return;
    s = air_here(b, (air_column){a->sum_column});
    total = s;
    for (uint32_t k = 0; k < columns; k++) {
        uint32_t first = k * each, left = a->interaction_count - first;
        air_column phi = {a->sum_column - columns + k};
        uint32_t count = left < each ? left : each;

        for (uint32_t i = 0; i < count; i++)
            a->interactions[first + i].column = phi.index;
        snprintf(name, sizeof(name), "logup fractions %u", k);
        air_constrain(b, name, packed(b, &a->interactions[first], count, air_here(b, phi)));
        total = air_add(b, total, air_here(b, phi));
    }
    air_constrain(b, "logup running sum",
                  air_sub(b, air_next(b, (air_column){a->sum_column}), total));
    air_constrain(b, "logup first sum", air_mul(b, air_first(b), s));
}
