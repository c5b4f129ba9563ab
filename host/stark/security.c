/* What parameters are worth (params.h says where each term is from). */
#include "host/stark/params.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OPENINGS 2 /* points of one column: z and omega z */

typedef struct counts {
    double rows, points, rho, field; /* N, n, N / n, |K| */
    double interactions;             /* sum of N * arity */
    double constraints, degree, batch;
    double linking; /* degree in the challenges of what own aux columns show */
} counts;

/* ---- degrees in the challenges ---- */

typedef struct growth {
    uint32_t challenges, aux; /* degrees */
    bool next;                /* an own aux column's next row is in it */
} growth;

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Own aux columns are those that no bus has. */
static bool mark_own(const air *a, bool *own)
{
    bool any = false;

    for (uint32_t i = 0; i < a->column_count; i++)
        own[i] = a->columns[i].tree == AIR_TREE_AUX && i != a->sum_column;
    for (uint32_t i = 0; i < a->interaction_count; i++)
        if (a->interactions[i].column < a->column_count)
            own[a->interactions[i].column] = false;
    for (uint32_t i = 0; i < a->column_count; i++)
        any |= own[i];
    return any;
}

/* Degrees saturate, so that a graph of many products stays a number. */
static uint32_t plus(uint32_t a, uint32_t b)
{
    return a + b < 1u << 20 ? a + b : 1u << 20;
}

static growth node_growth(const air_node *n, const growth *all, const bool *own)
{
    growth g = {0};

    switch ((air_op)n->op) {
    case AIR_COLUMN:
        g.aux = own[n->a];
        g.next = own[n->a] && n->b;
        break;
    case AIR_RANDOM:
        g.challenges = 1;
        break;
    case AIR_ADD:
    case AIR_SUB:
    case AIR_MUL:
        g.next = all[n->a].next || all[n->b].next;
        if (n->op == AIR_MUL) {
            g.challenges = plus(all[n->a].challenges, all[n->b].challenges);
            g.aux = plus(all[n->a].aux, all[n->b].aux);
        } else {
            g.challenges = larger(all[n->a].challenges, all[n->b].challenges);
            g.aux = larger(all[n->a].aux, all[n->b].aux);
        }
        break;
    default:
        break;
    }
    return g;
}

/* *out: degree in the challenges of what own aux columns show; 0 without such columns. */
static p_status linking_degree(const air *a, double rows, double *out, p_err *err)
{
    bool *own = calloc((size_t)a->column_count + 1, sizeof *own);
    growth *all = calloc((size_t)a->node_count + 1, sizeof *all);
    p_status s = P_OK;

    *out = 0;
    if (!own || !all)
        s = p_err_set(err, P_EEXHAUSTED, "no memory for the degrees of %" PRIu32 " nodes",
                      a->node_count);
    else if (mark_own(a, own)) {
        *out = rows + 1;
        for (uint32_t i = 0; i < a->node_count; i++)
            all[i] = node_growth(&a->nodes[i], all, own);
        for (uint32_t i = 0; s == P_OK && i < a->constraint_count; i++) {
            const growth *g = &all[a->constraints[i].node];

            if (g->aux == 0)
                continue;
            if (g->next && g->aux > 1)
                s = p_err_set(err, P_EINVAL,
                              "constraint %s: the next row of an aux column is not linear in aux "
                              "columns, so its error has no bound",
                              a->constraints[i].name);
            *out = fmax(*out, (rows + 1) * fmax(1, g->challenges) * g->aux);
        }
    }
    free(own);
    free(all);
    return s;
}

static p_status count(const stark_params *p, const air *a, counts *c, p_err *err)
{
    memset(c, 0, sizeof *c);
    c->rows = ldexp(1, (int)p->log_rows);
    c->points = ldexp(c->rows, (int)p->log_blowup);
    c->rho = ldexp(1, -(int)p->log_blowup);
    c->field = pow((double)GL_P, 3);
    c->degree = a->definition.max_degree;
    c->constraints = a->constraint_count;
    for (uint32_t i = 0; i < a->interaction_count; i++)
        c->interactions += c->rows * fmax(1, a->buses[a->interactions[i].bus].arity);
    for (int t = 0; t < AIR_TREES; t++)
        c->batch += (double)((a->trees[t].columns + DRV_BLOCK_COLUMNS - 1) / DRV_BLOCK_COLUMNS *
                             DRV_BLOCK_COLUMNS) +
                    a->trees[t].next_padded;
    return linking_degree(a, c->rows, &c->linking, err);
}

/* ---- terms ---- */

/* A regime: radius, list, and e(n) = slope n + offset. */
typedef struct regime {
    const char *name;
    double theta, list, slope, offset;
} regime;

static regime unique_decoding(const counts *c)
{
    const double theta = (1 - c->rho) / 2;

    return (regime){"unique decoding", theta, 1, theta / c->field, 1 / c->field};
}

static regime johnson(const counts *c, uint32_t m)
{
    const double root = sqrt(c->rho), gap = root / m, theta = 1 - root - gap;
    /* m is ceil(root / gap), and at least 3 in the theorem */
    const double half = fmax(m, 3) + 0.5;

    return (regime){"Johnson bound", theta, 1 / (2 * gap * root),
                    (2 * pow(half, 5) + 3 * half * theta * c->rho) / (3 * c->rho * root) / c->field,
                    half / root / c->field};
}

static double bits(double error)
{
    return error > 0 ? -log2(error) : INFINITY;
}

static p_status terms(const stark_params *p, const counts *c, const regime *r, stark_bits *out,
                      p_err *err)
{
    const double logup = r->list * 2 * c->interactions / c->field;
    const double linking = r->list * c->linking / c->field;
    const double ali = r->list * c->constraints / c->field;
    const double deep =
        r->list * (c->degree * (c->rows + 1) + c->rows) / (c->field - c->rows - c->points);
    const double batching = (r->slope * c->points + r->offset) * (c->batch - 1);
    const double folding = (r->slope * c->points + r->offset) * (STARK_FOLD - 1);
    const double queries = exp2(p->queries * log2(1 - r->theta) - (double)p->grinding_bits);
    double sum = logup + linking + ali + deep + batching + queries;

    if (r->theta <= 0 || c->rows + OPENINGS >= (1 - r->theta) * c->points)
        return p_err_set(err, P_EINVAL,
                         "%s: N + 2 = %.0f is not below (1 - theta) n = %.0f, so two points of a "
                         "column cannot be opened",
                         r->name, c->rows + OPENINGS, (1 - r->theta) * c->points);
    for (uint32_t k = 0; k < stark_layers(p); k++)
        sum += (r->slope * ldexp(c->points, -(int)(STARK_FOLD_LOG2 * k)) + r->offset) *
               (STARK_FOLD - 1);
    *out = (stark_bits){.logup = bits(logup),
                        .linking = bits(linking),
                        .ali = bits(ali),
                        .deep = bits(deep),
                        .batching = bits(batching),
                        .folding = bits(folding),
                        .queries = bits(queries),
                        .sum = bits(sum),
                        .theta = r->theta};
    out->total = fmin(fmin(fmin(out->logup, out->linking), fmin(out->ali, out->deep)),
                      fmin(fmin(out->batching, out->folding), out->queries));
    return P_OK;
}

p_status stark_security_johnson(const stark_params *p, const air *a, uint32_t m, stark_bits *out,
                                p_err *err)
{
    regime r;
    counts c;
    p_status s = stark_params_check(p, a, err);

    if (s == P_OK && m == 0)
        s = p_err_set(err, P_EINVAL, "the multiplicity is 0");
    if (s == P_OK)
        s = count(p, a, &c, err);
    if (s != P_OK)
        return s;
    r = johnson(&c, m);
    return terms(p, &c, &r, out, err);
}

static double hash_bits(drv_hash hash)
{
    /* half of a digest's bits: four words of F, or one element of Fr (log2 r = 253.597) */
    return hash == DRV_HASH_GL ? 2 * log2((double)GL_P) : 253.597 / 2;
}

p_status stark_security_compute(const stark_params *p, const air *a, stark_security *out,
                                p_err *err)
{
    regime r;
    counts c;
    p_status s;

    memset(out, 0, sizeof *out);
    s = stark_params_check(p, a, err);
    if (s == P_OK)
        s = count(p, a, &c, err);
    if (s != P_OK)
        return s;
    r = unique_decoding(&c);
    s = terms(p, &c, &r, &out->unique, err);
    if (s == P_OK) {
        r = johnson(&c, STARK_JOHNSON_M);
        s = terms(p, &c, &r, &out->johnson, err);
    }
    out->hash = hash_bits(p->hash);
    out->level = fmin(fmax(out->unique.total, out->johnson.total), out->hash);
    return s;
}

double stark_level_bits(stark_level level)
{
    return level == STARK_P128 ? 128 : level == STARK_P100 ? 100 : 0;
}

p_status stark_params_hold(const stark_params *p, const air *a, p_err *err)
{
    stark_security security;
    p_status s = stark_security_compute(p, a, &security, err);
    const double need = stark_level_bits(p->level);

    if (s != P_OK || fmax(security.unique.total, security.johnson.total) >= need)
        return s;
    return p_err_set(
        err, P_EINVAL,
        "%" PRIu32 " queries and %" PRIu32 " bits of grinding for 2^%" PRIu32
        " rows, blow-up %u prove %.1f bits (Johnson bound) and %.1f (unique decoding), "
        "%.0f are declared: the least is that of %s",
        p->queries, p->grinding_bits, p->log_rows, 1u << p->log_blowup, security.johnson.total,
        security.unique.total, need,
        security.johnson.queries <= security.johnson.total ? "the queries" : "another round");
}
