#include "host/air/generate.h"

#include "host/air/code.h"

#include <stdlib.h>
#include <string.h>

/* Multiplications of a function, at least: about a second of compiling at most. */
#define CHUNK_COST 80
/* Roots' words of a function: the sums of code_body.h take 504. */
#define CHUNK_WORDS 300

#define NONE UINT32_MAX

/* One step: a node to compute, or a constraint's value to add up. */
typedef struct step {
    uint32_t node, root; /* root: constraint, or NONE */
    uint32_t chunk;
} step;

typedef struct generator {
    const air *a;
    FILE *out;
    const char *name;
    step *steps;
    uint32_t count, chunks;
    uint32_t *scheduled; /* of a node: its step + 1 */
    uint32_t *last;      /* the last chunk that uses it */
    uint32_t *place;     /* leaf: place of its array; else of its temp, or NONE */
    uint32_t *seen;      /* the chunk that has a name for it, + 1 */
    bool *canonical;     /* and whether that value is canonical */
    uint32_t *word;      /* first word of a constraint */
    uint32_t *stack;
    uint32_t leaves, temps;
    uint32_t *free1, *free3, free1_count, free3_count;
} generator;

static const air_node *node(const generator *g, uint32_t i)
{
    return &g->a->nodes[i];
}

static bool is_leaf(const air_node *n)
{
    return n->op < AIR_ADD && n->degree > 0;
}

static bool is_step(const air_node *n)
{
    return n->op >= AIR_ADD && n->degree > 0;
}

/* ---- order ---- */

static int compare_numbers(const void *x, const void *y)
{
    uint32_t p = *(const uint32_t *)x, q = *(const uint32_t *)y;

    return p < q ? -1 : p > q;
}

/* What a constraint needs and nobody before it needed, operands first, then the constraint. */
static void schedule(generator *g, uint32_t constraint)
{
    uint32_t root = g->a->constraints[constraint].node, top = 0, found = 0;
    uint32_t *list = g->stack + 2 * (size_t)g->a->node_count + 2;

    g->stack[top++] = root;
    while (top > 0) {
        uint32_t i = g->stack[--top];

        if (!is_step(node(g, i)) || g->scheduled[i])
            continue;
        g->scheduled[i] = 1; /* the step's number comes below */
        list[found++] = i;
        g->stack[top++] = node(g, i)->a;
        g->stack[top++] = node(g, i)->b;
    }
    qsort(list, found, sizeof(*list), compare_numbers);
    for (uint32_t k = 0; k < found; k++) {
        g->scheduled[list[k]] = g->count + 1;
        g->steps[g->count++] = (step){.node = list[k], .root = NONE};
    }
    g->steps[g->count++] = (step){.node = root, .root = constraint};
}

static uint32_t cost(const generator *g, const step *s)
{
    const air_node *n = node(g, s->node);

    if (s->root != NONE)
        return n->ext ? 9 : 3;
    if (n->op != AIR_MUL)
        return 0;
    return !n->ext ? 1 : node(g, n->a)->ext && node(g, n->b)->ext ? 9 : 3;
}

static void cut(generator *g)
{
    uint32_t spent = 0, words = 0, chunk = 0;

    for (uint32_t i = 0; i < g->count; i++) {
        step *s = &g->steps[i];
        const air_node *n = node(g, s->node);

        s->chunk = chunk;
        if (s->root != NONE) {
            g->last[s->node] = chunk;
            words += n->ext ? 3 : 1;
        } else {
            g->last[n->a] = g->last[n->b] = chunk;
        }
        /* additions count a little, so that a long sum is cut, too */
        spent += 4 * cost(g, s) + 1;
        if ((spent >= 4 * CHUNK_COST || words >= CHUNK_WORDS) && i + 1 < g->count) {
            chunk++;
            spent = words = 0;
        }
    }
    g->chunks = chunk + 1;
}

/* Temps for what is used after its chunk; places are given again when a chunk is the last one. */
static uint32_t temp_take(generator *g, bool ext)
{
    if (ext ? g->free3_count : g->free1_count)
        return ext ? g->free3[--g->free3_count] : g->free1[--g->free1_count];
    g->temps += ext ? 3 : 1;
    return g->temps - (ext ? 3 : 1);
}

static void place_temps(generator *g)
{
    uint32_t first = 0;

    for (uint32_t chunk = 0; chunk < g->chunks; chunk++) {
        uint32_t i = first;

        for (; i < g->count && g->steps[i].chunk == chunk; i++) {
            uint32_t at = g->steps[i].node;

            if (g->steps[i].root == NONE && g->last[at] > chunk)
                g->place[at] = temp_take(g, node(g, at)->ext);
        }
        first = i;
        /* what was used for the last time in this chunk */
        for (uint32_t k = 0; k < first; k++) {
            uint32_t at = g->steps[k].node;

            if (g->steps[k].root != NONE || g->place[at] == NONE || g->last[at] != chunk)
                continue;
            if (node(g, at)->ext)
                g->free3[g->free3_count++] = g->place[at];
            else
                g->free1[g->free1_count++] = g->place[at];
        }
    }
}

/* ---- text ---- */

/* Declares a value's name in this chunk, if it has none there yet. */
static void declare(generator *g, uint32_t chunk, uint32_t i)
{
    const air_node *n = node(g, i);
    const char *type = n->ext ? "airv_ext" : "glv", *suffix = n->ext ? "3" : "";

    if (g->seen[i] == chunk + 1)
        return;
    g->seen[i] = chunk + 1;
    g->canonical[i] = true;
    if (n->degree == 0) {
        fprintf(g->out, "        const %s v%u = UNIFORM%s(%u);\n", type, i, suffix, i);
    } else if (is_leaf(n)) {
        fprintf(g->out, "        const %s v%u = LEAF%s(%u);\n", type, i, suffix, g->place[i]);
    } else {
        fprintf(g->out, "        const %s v%u = TEMP%s(%u);\n", type, i, suffix, g->place[i]);
        g->canonical[i] = false;
    }
}

/* A value as a canonical one. */
static void canonical(generator *g, uint32_t i)
{
    if (g->canonical[i])
        fprintf(g->out, "v%u", i);
    else
        fprintf(g->out, "%s(v%u)", node(g, i)->ext ? "airv_ext_canonical" : "glv_canonical", i);
}

static void emit_sum(generator *g, uint32_t a, uint32_t b)
{
    bool swap =
        node(g, a)->ext == node(g, b)->ext ? g->canonical[a] && !g->canonical[b] : !node(g, a)->ext;
    uint32_t x = swap ? b : a, y = swap ? a : b;

    fprintf(g->out, "%s(v%u, ",
            !node(g, x)->ext  ? "airv_add"
            : node(g, y)->ext ? "airv_ext_add"
                              : "airv_ext_add_base",
            x);
    canonical(g, y);
}

static void emit_step(generator *g, const step *s)
{
    const air_node *n = node(g, s->node);
    const air_node *x = node(g, n->a), *y = node(g, n->b);

    declare(g, s->chunk, n->a);
    declare(g, s->chunk, n->b);
    fprintf(g->out, "        const %s v%u = ", n->ext ? "airv_ext" : "glv", s->node);
    switch ((air_op)n->op) {
    case AIR_ADD:
        emit_sum(g, n->a, n->b);
        break;
    case AIR_SUB:
        fprintf(g->out, "%s(v%u, ",
                !n->ext            ? "airv_sub"
                : x->ext && y->ext ? "airv_ext_sub"
                : x->ext           ? "airv_ext_sub_base"
                                   : "airv_base_sub_ext",
                n->a);
        canonical(g, n->b);
        break;
    default:
        if (!n->ext)
            fprintf(g->out, "glv_mul(v%u, v%u", n->a, n->b);
        else if (x->ext && y->ext)
            fprintf(g->out, "airv_ext_mul(v%u, v%u", n->a, n->b);
        else
            fprintf(g->out, "airv_ext_scale(v%u, v%u", x->ext ? n->a : n->b, x->ext ? n->b : n->a);
        break;
    }
    fprintf(g->out, ");\n");
    g->seen[s->node] = s->chunk + 1;
    g->canonical[s->node] = false;
    if (g->place[s->node] != NONE)
        fprintf(g->out, "        KEEP%s(%u, v%u);\n", n->ext ? "3" : "", g->place[s->node],
                s->node);
}

static void emit_root(generator *g, const step *s)
{
    const air_node *n = node(g, s->node);

    declare(g, s->chunk, s->node);
    for (uint32_t c = 0; c < (n->ext ? 3u : 1u); c++) {
        fprintf(g->out, "        airv_root(&sum, x->weights + %u, v%u", g->word[s->root] + c,
                s->node);
        if (n->ext)
            fprintf(g->out, ".c[%u]", c);
        fprintf(g->out, ");\n");
    }
}

static void emit_body(generator *g, uint32_t parts)
{
    uint32_t i = 0;

    fprintf(g->out, "/* Generated from the constraints of %s: not to be edited. */\n", g->name);
    for (uint32_t chunk = 0; chunk < g->chunks; chunk++) {
        fprintf(g->out,
                "\n#if AIRV_PART == %u\nAIRV_FUNCTION(%u);\nAIRV_FUNCTION(%u)\n{\n    AIRV_ROWS\n"
                "    {\n        airv_sum sum = airv_sum_zero();\n",
                chunk % parts, chunk, chunk);
        for (; i < g->count && g->steps[i].chunk == chunk; i++)
            if (g->steps[i].root == NONE)
                emit_step(g, &g->steps[i]);
            else
                emit_root(g, &g->steps[i]);
        fprintf(g->out, "        airv_sum_add(&sum, x->sum + i);\n    }\n}\n#endif\n");
    }
}

static void emit_table(const generator *g, FILE *out)
{
    static const char *const guard[AIR_CODE_LEVELS] = {NULL, "__x86_64__", "__x86_64__"};

    fprintf(out,
            "/* Generated from the constraints of %s: not to be edited. */\n"
            "#include \"host/air/code.h\"\n\n",
            g->name);
    for (int level = 0; level < AIR_CODE_LEVELS; level++) {
        const char *isa = p_isa_name((p_isa)level);

        if (guard[level])
            fprintf(out, "#if defined(%s)\n", guard[level]);
        fprintf(out, "air_code_function");
        for (uint32_t k = 0; k < g->chunks; k++)
            fprintf(out, "%s %s_%s_%u", k ? "," : "", g->name, isa, k);
        fprintf(out, ";\nstatic air_code_function *const functions_%s[] = {", isa);
        for (uint32_t k = 0; k < g->chunks; k++)
            fprintf(out, "%s%s_%s_%u", k ? ", " : "", g->name, isa, k);
        fprintf(out, "};\nstatic const air_code_set set_%s = {functions_%s, %u};\n", isa, isa,
                g->chunks);
        if (guard[level])
            fprintf(out, "#endif\n");
        fprintf(out, "\n");
    }
    fprintf(out, "extern const air_code %s_code;\nconst air_code %s_code = {\n    .hash = {",
            g->name, g->name);
    for (int i = 0; i < 32; i++)
        fprintf(out, "%s0x%02x", i ? ", " : "", g->a->hash[i]);
    fprintf(out, "},\n    .leaves = %u,\n    .temps = %u,\n    .set = {", g->leaves, g->temps);
    for (int level = 0; level < AIR_CODE_LEVELS; level++) {
        if (guard[level])
            fprintf(out, "\n#if defined(%s)\n", guard[level]);
        fprintf(out, "[%d] = &set_%s,", level, p_isa_name((p_isa)level));
        if (guard[level])
            fprintf(out, "\n#endif");
    }
    fprintf(out, "\n    },\n};\n");
}

/* ---- all ---- */

static bool allocate(generator *g)
{
    size_t nodes = g->a->node_count, constraints = g->a->constraint_count;
    uint32_t *p = calloc(8 * nodes + nodes + constraints + 2, sizeof(*p));

    g->scheduled = p;
    g->steps = calloc(nodes + constraints, sizeof(*g->steps));
    g->canonical = calloc(nodes, sizeof(*g->canonical));
    g->stack = calloc(3 * nodes + 2, sizeof(*g->stack));
    if (!p || !g->steps || !g->canonical || !g->stack)
        return false;
    g->last = p + nodes;
    g->place = p + 2 * nodes;
    g->seen = p + 3 * nodes;
    g->free1 = p + 4 * nodes;
    g->free3 = p + 5 * nodes;
    g->word = p + 6 * nodes;
    return true;
}

/* Places of the leaves that constraints reach, as air_program_create gives them. */
static void place_leaves(generator *g)
{
    bool *need = g->canonical; /* free until the text is written */

    for (uint32_t i = 0; i < g->a->constraint_count; i++)
        need[g->a->constraints[i].node] = true;
    for (uint32_t i = g->a->node_count; i-- > 0;)
        if (need[i] && node(g, i)->op >= AIR_ADD)
            need[node(g, i)->a] = need[node(g, i)->b] = true;
    for (uint32_t i = 0; i < g->a->node_count; i++) {
        g->place[i] = NONE;
        if (!need[i] || !is_leaf(node(g, i)))
            continue;
        g->place[i] = g->leaves;
        g->leaves += node(g, i)->ext ? 3 : 1;
    }
}

p_status air_generate(const air *a, const char *name, uint32_t parts, FILE *body, FILE *table,
                      p_err *err)
{
    generator g = {.a = a, .out = body, .name = name};
    uint32_t words = 0;
    p_status s = P_EEXHAUSTED;

    if (!allocate(&g)) {
        p_err_set(err, s, "AIR %s: no memory to generate its code", a->definition.name);
        goto out;
    }
    place_leaves(&g);
    for (uint32_t i = 0; i < a->constraint_count; i++) {
        g.word[i] = words;
        words += node(&g, a->constraints[i].node)->ext ? 3 : 1;
        schedule(&g, i);
    }
    cut(&g);
    place_temps(&g);
    emit_body(&g, parts ? parts : 1);
    emit_table(&g, table);
    s = ferror(body) || ferror(table) ? P_EIO : P_OK;
    if (s != P_OK)
        p_err_set(err, s, "AIR %s: its code could not be written", a->definition.name);
out:
    free(g.scheduled);
    free(g.steps);
    free(g.canonical);
    free(g.stack);
    return s;
}
