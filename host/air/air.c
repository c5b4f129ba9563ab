#include "host/air/builder.h"
#include "host/air/code.h"

#include "driver/driver.h"
#include "driver/field/sha256.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is left of the graph ---- */

static bool *reached_nodes(const air *a)
{
    bool *reached = calloc(a->node_count ? a->node_count : 1, sizeof(*reached));

    if (!reached)
        return NULL;
    for (uint32_t i = 0; i < a->constraint_count; i++)
        reached[a->constraints[i].node] = true;
    for (uint32_t i = 0; i < a->interaction_count; i++) {
        reached[a->interactions[i].multiplicity] = true;
        for (uint32_t k = 0; k < a->buses[a->interactions[i].bus].arity; k++)
            reached[a->interactions[i].message[k]] = true;
    }
    for (uint32_t i = a->node_count; i-- > 0;)
        if (reached[i] && a->nodes[i].op >= AIR_ADD)
            reached[a->nodes[i].a] = reached[a->nodes[i].b] = true;
    return reached;
}

/* Something that nothing reads was forgotten, or its constraint was never wired. */
static void refuse_unread(air_builder *b)
{
    air *a = b->a;
    bool *seen = calloc((size_t)a->column_count + a->periodic_count + a->definition.publics + 1,
                        sizeof(*seen));
    bool *periodic = seen + a->column_count, *public = periodic + a->periodic_count;

    if (!seen) {
        air_builder_fail(b, P_EEXHAUSTED, "no memory for the graph");
        return;
    }
    for (uint32_t i = 0; i < a->node_count; i++) {
        const air_node *n = &a->nodes[i];

        if (n->op == AIR_COLUMN)
            seen[n->a] = true;
        else if (n->op == AIR_PERIODIC)
            periodic[n->a] = true;
        else if (n->op == AIR_PUBLIC)
        public[n->a] = true;
        else if (n->op == AIR_PUBLIC_COLUMN) memset(&public[n->a], true, n->b);
    }
    for (uint32_t i = 0; i < a->column_count; i++)
        if (!seen[i])
            air_builder_fail(b, P_EINVAL, "no constraint reads column '%s'", a->columns[i].name);
    for (uint32_t i = 0; i < a->periodic_count; i++)
        if (!periodic[i])
            air_builder_fail(b, P_EINVAL, "no constraint reads column '%s'", a->periodic[i].name);
    for (uint32_t i = 0; i < a->definition.publics; i++)
        if (!public[i])
            air_builder_fail(b, P_EINVAL, "no constraint reads public value %u", i);
    free(seen);
}

static void prune(air_builder *b)
{
    air *a = b->a;
    bool *reached = reached_nodes(a);
    uint32_t *place = malloc((a->node_count ? a->node_count : 1) * sizeof(*place)), count = 0;

    if (!reached || !place) {
        air_builder_fail(b, P_EEXHAUSTED, "no memory for the graph");
        goto out;
    }
    for (uint32_t i = 0; i < a->node_count; i++) {
        air_node n = a->nodes[i];

        if (!reached[i])
            continue;
        if (n.op >= AIR_ADD) {
            n.a = place[n.a];
            n.b = place[n.b];
        }
        place[i] = count;
        a->nodes[count++] = n;
    }
    a->node_count = count;
    for (uint32_t i = 0; i < a->constraint_count; i++)
        a->constraints[i].node = place[a->constraints[i].node];
    for (uint32_t i = 0; i < a->interaction_count; i++) {
        air_interaction *x = &a->interactions[i];

        x->multiplicity = place[x->multiplicity];
        for (uint32_t k = 0; k < a->buses[x->bus].arity; k++)
            x->message[k] = place[x->message[k]];
    }
out:
    free(reached);
    free(place);
}

/* ---- places of columns ---- */

static void layout(air_builder *b)
{
    air *a = b->a;

    for (uint32_t i = 0; i < a->node_count; i++)
        if (a->nodes[i].op == AIR_COLUMN && a->nodes[i].b)
            a->columns[a->nodes[i].a].next = true;
    for (uint32_t t = 0; t < AIR_TREE_QUOTIENT; t++) {
        air_tree_info *tree = &a->trees[t];
        uint32_t at_next = 0, at_other;

        for (uint32_t i = 0; i < a->column_count; i++)
            if ((uint32_t)a->columns[i].tree == t) {
                tree->real += a->columns[i].width;
                tree->next += a->columns[i].next ? a->columns[i].width : 0;
            }
        tree->next_padded = (tree->next + 7) / 8 * 8;
        tree->columns = tree->next_padded + tree->real - tree->next;
        if (tree->columns > DRV_MAX_COLUMNS)
            air_builder_fail(b, P_EINVAL, "a tree has %u columns, the limit is %d", tree->columns,
                             DRV_MAX_COLUMNS);
        at_other = tree->next_padded;
        for (uint32_t i = 0; i < a->column_count; i++) {
            air_column_info *c = &a->columns[i];

            if ((uint32_t)c->tree != t)
                continue;
            c->position = c->next ? at_next : at_other;
            *(c->next ? &at_next : &at_other) += c->width;
        }
    }
    a->trees[AIR_TREE_QUOTIENT].real = 3 * air_quotients(a);
    a->trees[AIR_TREE_QUOTIENT].columns = 3 * air_quotients(a);
    a->min_log_rows = AIR_MIN_LOG_ROWS;
    for (uint32_t i = 0; i < a->node_count; i++)
        while (a->nodes[i].op == AIR_PUBLIC_COLUMN && a->nodes[i].b > UINT64_C(1)
                                                                          << a->min_log_rows)
            a->min_log_rows++;
    if (a->min_log_rows > AIR_MAX_LOG_ROWS)
        air_builder_fail(b, P_EINVAL, "a public column needs 2^%u rows, the limit is 2^%d",
                         a->min_log_rows, AIR_MAX_LOG_ROWS);
}

/* ---- hash ---- */

typedef struct writer {
    uint8_t *bytes; /* NULL: only counts */
    size_t at;
} writer;

static void put(writer *w, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++, w->at++)
        if (w->bytes)
            w->bytes[w->at] = (uint8_t)(value >> 8 * i);
}

/* docs/formats.md, Constraint graph */
static void serialise(const air *a, writer *w)
{
    put(w, UINT64_C(0x524941504b5a)); /* "ZKPAIR" */
    put(w, 1);
    put(w, a->definition.max_degree);
    put(w, a->definition.publics);
    put(w, a->column_count);
    for (uint32_t i = 0; i < a->column_count; i++) {
        put(w, a->columns[i].tree);
        put(w, a->columns[i].width);
        put(w, a->columns[i].next);
        put(w, a->columns[i].position);
    }
    put(w, a->periodic_count);
    for (uint32_t i = 0; i < a->periodic_count; i++) {
        put(w, a->periodic[i].period);
        for (uint32_t k = 0; k < a->periodic[i].period; k++)
            put(w, a->periodic[i].values[k]);
    }
    put(w, a->node_count);
    for (uint32_t i = 0; i < a->node_count; i++) {
        put(w, a->nodes[i].op);
        put(w, a->nodes[i].a);
        put(w, a->nodes[i].b);
        put(w, a->nodes[i].value);
    }
    put(w, a->constraint_count);
    for (uint32_t i = 0; i < a->constraint_count; i++)
        put(w, a->constraints[i].node);
    put(w, a->bus_count);
    for (uint32_t i = 0; i < a->bus_count; i++) {
        put(w, a->buses[i].id);
        put(w, a->buses[i].arity);
    }
    put(w, a->interaction_count);
    for (uint32_t i = 0; i < a->interaction_count; i++) {
        const air_interaction *x = &a->interactions[i];

        put(w, x->bus);
        put(w, x->multiplicity);
        for (uint32_t k = 0; k < a->buses[x->bus].arity; k++)
            put(w, x->message[k]);
        put(w, x->column);
    }
    put(w, a->sum_column);
}

static void hash(air_builder *b)
{
    writer w = {NULL, 0};
    size_t size;

    serialise(b->a, &w);
    size = w.at;
    w = (writer){malloc(size), 0};
    if (w.bytes)
        serialise(b->a, &w);
    if (!w.bytes || !sha256_bytes(b->a->hash, w.bytes, size))
        air_builder_fail(b, P_EEXHAUSTED, "no memory for the graph's hash");
    free(w.bytes);
}

/* ---- air ---- */

static void refuse_missing(air_builder *b)
{
    const air *a = b->a;
    bool main = false;

    if (a->constraint_count == 0)
        air_builder_fail(b, P_EINVAL, "there is no constraint");
    for (uint32_t i = 0; i < a->column_count; i++) {
        main |= a->columns[i].tree == AIR_TREE_MAIN;
        if (a->columns[i].tree == AIR_TREE_FIXED && !a->definition.fixed)
            air_builder_fail(b, P_EINVAL, "nothing gives the values of fixed column '%s'",
                             a->columns[i].name);
        if (a->columns[i].tree == AIR_TREE_AUX && !a->definition.aux)
            air_builder_fail(b, P_EINVAL, "nothing fills aux column '%s'", a->columns[i].name);
    }
    if (!main)
        air_builder_fail(b, P_EINVAL, "there is no main column");
}

p_status air_create(const air_definition *definition, air **out, p_err *err)
{
    air_builder b = {0};
    p_status s;

    *out = NULL;
    if (!definition->name || !definition->define)
        return p_err_set(err, P_EINVAL, "an AIR has a name and a function that defines it");
    b.a = calloc(1, sizeof(*b.a));
    if (!b.a)
        return p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory", definition->name);
    b.a->definition = *definition;
    if (definition->max_degree < 2 || definition->max_degree > AIR_MAX_DEGREE)
        air_builder_fail(&b, P_EINVAL, "degree %u is not 2 to %d", definition->max_degree,
                         AIR_MAX_DEGREE);
    else
        definition->define(&b, definition->context);
    if (b.err.status == P_OK)
        refuse_missing(&b);
    if (b.err.status == P_OK)
        air_builder_buses(&b);
    if (b.err.status == P_OK)
        prune(&b);
    if (b.err.status == P_OK)
        refuse_unread(&b);
    if (b.err.status == P_OK)
        layout(&b);
    if (b.err.status == P_OK)
        hash(&b);
    if (b.err.status == P_OK && definition->code &&
        memcmp(definition->code->hash, b.a->hash, sizeof(b.a->hash)) != 0)
        air_builder_fail(&b, P_EINTERNAL, "its code was generated from another graph");
    s = b.err.status;
    free(b.table);
    free(b.boolean);
    free(b.sides);
    if (s != P_OK) {
        air_destroy(b.a);
        return p_err_set(err, s, "%s", b.err.text);
    }
    *out = b.a;
    return P_OK;
}

void air_destroy(air *a)
{
    if (!a)
        return;
    free(a->nodes);
    free(a->columns);
    free(a->constraints);
    free(a->buses);
    free(a->interactions);
    free(a->periodic);
    free(a);
}
