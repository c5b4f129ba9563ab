/* The air's graph at z, node by node over K, and the quotient's identity.
 *
 * Bounds: a node below 2^64 in each coefficient takes part in a product as it is, any other is
 * reduced by the product if it has to be; sums grow freely. Constraints are summed with powers of
 * lambda in blocks, so that a reduction is needed for each block only. */
#include "host/wrap/gadgets.h"

#include <stdlib.h>

#define MAX_PERIOD_LOG2 6 /* AIR_MAX_PERIOD */
/* Constraints of a block: a block costs one reduction of K and one product, a power of lambda the
 * same once for all blocks. */
#define BLOCK 16

typedef struct rows {
    uint64_t row;
    r1cs_ext inverse; /* of z - omega^row */
    struct rows *next;
} rows;

typedef struct evaluation {
    r1cs_builder *b;
    const wrap_values *v;
    const air *air;
    r1cs_ext *nodes;
    r1cs_ext square[AIR_MAX_LOG_ROWS + 1]; /* z^(2^i), i <= log_rows */
    r1cs_ext vanish;                       /* z^N - 1, and that divided by N */
    r1cs_ext scaled;
    r1cs_ext *powers[MAX_PERIOD_LOG2 + 1]; /* of z^(N / period) */
    rows *rows;
} evaluation;

static r1cs_ext from_word(const evaluation *e, gl_t x)
{
    return r1cs_ext_constant(e->b, gl_ext_from_base(x));
}

/* 1 / (z - omega^row), made once for each row. */
static r1cs_ext row_inverse(evaluation *e, uint64_t row)
{
    uint32_t log = e->v->vk->params.log_rows;
    rows *r = e->rows;
    gl_t point = gl_pow_var(gl_root_of_unity(log), row);

    while (r && r->row != row)
        r = r->next;
    if (r)
        return r->inverse;
    r = malloc(sizeof(*r));
    if (!r) {
        r1cs_fail(e->b, P_EEXHAUSTED, "no memory for the inverse of a row");
        return from_word(e, 0);
    }
    r->row = row;
    r->inverse = r1cs_ext_inverse(e->b, r1cs_ext_sub(e->b, e->v->z, from_word(e, point)));
    r->next = e->rows;
    e->rows = r;
    return r->inverse;
}

/* omega^row (z^N - 1) / (N (z - omega^row)) */
static r1cs_ext lagrange(evaluation *e, uint64_t row)
{
    gl_t point = gl_pow_var(gl_root_of_unity(e->v->vk->params.log_rows), row);
    r1cs_ext x = r1cs_ext_mul(e->b, row_inverse(e, row), e->scaled);

    return r1cs_ext_reduce(e->b, r1cs_ext_scale(e->b, x, point));
}

static r1cs_ext public_column(evaluation *e, uint32_t first, uint32_t count)
{
    gl_t root = gl_root_of_unity(e->v->vk->params.log_rows), point = 1;
    r1cs_ext sum = from_word(e, 0);

    for (uint32_t i = 0; i < count; i++, point = gl_mul(point, root)) {
        r1cs_gl x = r1cs_gl_scale(e->b, e->v->publics[first + i], point);

        sum = r1cs_ext_add(e->b, sum, r1cs_ext_mul_gl(e->b, row_inverse(e, i), x));
    }
    return r1cs_ext_reduce(e->b, r1cs_ext_mul(e->b, r1cs_ext_reduce(e->b, sum), e->scaled));
}

/* Coefficients of the polynomial of degree < 2^log2 through values on <omega>. */
static void interpolate(const gl_t *values, uint32_t log2, gl_t *out)
{
    uint32_t n = 1u << log2;
    gl_t root = gl_inv(gl_root_of_unity(log2)), scale = gl_inv(n);

    for (uint32_t k = 0; k < n; k++) {
        gl_t step = gl_pow_var(root, k), x = scale, sum = 0;

        for (uint32_t i = 0; i < n; i++, x = gl_mul(x, step))
            sum = gl_add(sum, gl_mul(values[i], x));
        out[k] = sum;
    }
}

/* Powers 0 .. 2^half - 1 of w = z^(N / period), then w^(2^half j) for j < 2^(log2 - half). */
static const r1cs_ext *period_powers(evaluation *e, uint32_t log2, uint32_t half)
{
    uint32_t log_rows = e->v->vk->params.log_rows;
    r1cs_ext *p = e->powers[log2];

    if (p)
        return p;
    p = malloc(((1u << half) + (1u << (log2 - half))) * sizeof(*p));
    e->powers[log2] = p;
    if (!p) {
        r1cs_fail(e->b, P_EEXHAUSTED, "no memory for powers of z");
        return NULL;
    }
    wrap_ext_powers(e->b, e->square[log_rows - log2], 1u << half, p);
    wrap_ext_powers(e->b, e->square[log_rows - log2 + half], 1u << (log2 - half), p + (1u << half));
    return p;
}

static r1cs_ext periodic(evaluation *e, const struct air_periodic_info *info)
{
    uint32_t log2 = 0, half;
    gl_t c[1u << MAX_PERIOD_LOG2];
    const r1cs_ext *p;
    r1cs_ext sum = from_word(e, 0);

    while (1u << log2 < info->period)
        log2++;
    half = (log2 + 1) / 2;
    p = period_powers(e, log2, half);
    if (!p)
        return sum;
    interpolate(info->values, log2, c);
    for (uint32_t j = 0; j < 1u << (log2 - half); j++) {
        r1cs_ext inner = r1cs_ext_sum(e->b, p, c + ((size_t)j << half), 1u << half);

        sum = r1cs_ext_add(e->b, sum, r1cs_ext_mul(e->b, inner, p[(1u << half) + j]));
    }
    return r1cs_ext_reduce(e->b, sum);
}

/* A column over K is v0 + v1 X + v2 X^2 of its three columns. */
static r1cs_ext column(const evaluation *e, const air_node *n)
{
    const r1cs_ext *v =
        (n->b ? e->v->at_next : e->v->at_z) + air_opening_index(e->air, n->a, n->b != 0);
    r1cs_ext x = v[0];

    for (uint32_t k = 1; k < e->air->columns[n->a].width; k++)
        x = r1cs_ext_add(e->b, x, wrap_ext_shift(e->b, v[k], k));
    return x;
}

static r1cs_ext node(evaluation *e, const air_node *n)
{
    switch ((air_op)n->op) {
    case AIR_COLUMN:
        return column(e, n);
    case AIR_PERIODIC:
        return periodic(e, &e->air->periodic[n->a]);
    case AIR_FIRST:
        return lagrange(e, 0);
    case AIR_LAST:
        return lagrange(e, (UINT64_C(1) << e->v->vk->params.log_rows) - 1);
    case AIR_PUBLIC:
        return r1cs_ext_from_gl(e->b, e->v->publics[n->a]);
    case AIR_PUBLIC_COLUMN:
        return public_column(e, n->a, n->b);
    case AIR_RANDOM:
        return e->v->random[n->a];
    case AIR_CONSTANT:
        return from_word(e, n->value);
    case AIR_ADD:
        return r1cs_ext_add(e->b, e->nodes[n->a], e->nodes[n->b]);
    case AIR_SUB:
        return r1cs_ext_sub(e->b, e->nodes[n->a], e->nodes[n->b]);
    case AIR_MUL:
        return r1cs_ext_mul(e->b, e->nodes[n->a], e->nodes[n->b]);
    }
    r1cs_fail(e->b, P_EINVAL, "the graph has a node of operation %u", (unsigned)n->op);
    return from_word(e, 0);
}

/* sum of lambda^i C_i: blocks from the last one on. */
static r1cs_ext constraints(const evaluation *e)
{
    uint32_t count = e->air->constraint_count;
    r1cs_ext lambda[BLOCK + 1], values[BLOCK], sum = from_word(e, 0);

    wrap_ext_powers(e->b, e->v->lambda, (count < BLOCK ? count : BLOCK) + 1, lambda);
    for (uint32_t end = (count + BLOCK - 1) / BLOCK * BLOCK; end > 0; end -= BLOCK) {
        uint32_t n = 0;

        for (uint32_t i = end - BLOCK; i < end && i < count; i++)
            values[n++] = e->nodes[e->air->constraints[i].node];
        if (end < count)
            sum = r1cs_ext_mul(e->b, r1cs_ext_reduce(e->b, sum), lambda[BLOCK]);
        sum = r1cs_ext_add(e->b, sum, r1cs_ext_dot(e->b, values, lambda, n));
    }
    return sum;
}

/* Q(z) = sum of z^(jN) Q_j(z); the quotient's columns are the last evaluations. */
static r1cs_ext quotient(const evaluation *e)
{
    uint32_t pieces = air_quotients(e->air);
    const r1cs_ext *v = e->v->at_z + e->v->shape->at_z_count - 3 * (size_t)pieces;
    r1cs_ext sum = from_word(e, 0), zn = e->square[e->v->vk->params.log_rows];

    for (uint32_t j = pieces; j-- > 0;) {
        r1cs_ext q = v[3 * j];

        q = r1cs_ext_add(e->b, q, wrap_ext_shift(e->b, v[3 * j + 1], 1));
        q = r1cs_ext_add(e->b, q, wrap_ext_shift(e->b, v[3 * j + 2], 2));
        sum = r1cs_ext_add(e->b, j + 1 < pieces ? r1cs_ext_mul(e->b, sum, zn) : sum, q);
        sum = r1cs_ext_reduce(e->b, sum);
    }
    return sum;
}

/* Powers of z, and that z is in neither domain: these inverses exist. */
static void powers_of_z(evaluation *e)
{
    const stark_params *p = &e->v->vk->params;
    r1cs_ext one = from_word(e, 1), x;
    gl_t shift = 7;

    r1cs_label(e->b, "z is not in the trace's domain");
    e->square[0] = e->v->z;
    for (uint32_t i = 0; i < p->log_rows; i++)
        e->square[i + 1] = r1cs_ext_reduce(e->b, r1cs_ext_mul(e->b, e->square[i], e->square[i]));
    e->vanish = r1cs_ext_reduce(e->b, r1cs_ext_sub(e->b, e->square[p->log_rows], one));
    e->scaled =
        r1cs_ext_reduce(e->b, r1cs_ext_scale(e->b, e->vanish, gl_inv(gl_pow_var(2, p->log_rows))));
    (void)r1cs_ext_inverse(e->b, e->vanish);

    r1cs_label(e->b, "z is not in the evaluation domain");
    x = e->square[p->log_rows];
    for (uint32_t i = 0; i < p->log_rows + p->log_blowup; i++)
        shift = gl_sqr(shift);
    for (uint32_t i = 0; i < p->log_blowup; i++)
        x = r1cs_ext_reduce(e->b, r1cs_ext_mul(e->b, x, x));
    (void)r1cs_ext_inverse(e->b, r1cs_ext_sub(e->b, x, from_word(e, shift)));
}

static void check(evaluation *e)
{
    r1cs_ext left, right;

    powers_of_z(e);
    r1cs_label(e->b, "constraints at z");
    for (uint32_t i = 0; i < e->air->node_count && !r1cs_failed(e->b); i++)
        e->nodes[i] = node(e, &e->air->nodes[i]);
    if (r1cs_failed(e->b))
        return;
    left = constraints(e);
    right = r1cs_ext_mul(e->b, e->vanish, quotient(e));
    r1cs_label(e->b, "the quotient at z");
    r1cs_ext_equal(e->b, left, right);
}

void wrap_identity(r1cs_builder *b, const wrap_values *v)
{
    evaluation e = {.b = b, .v = v, .air = v->vk->air};

    e.nodes = malloc(((size_t)e.air->node_count + 1) * sizeof(*e.nodes));
    if (e.nodes)
        check(&e);
    else
        r1cs_fail(b, P_EEXHAUSTED, "no memory for the graph of constraints");
    while (e.rows) {
        rows *next = e.rows->next;

        free(e.rows);
        e.rows = next;
    }
    for (uint32_t i = 0; i <= MAX_PERIOD_LOG2; i++)
        free(e.powers[i]);
    free(e.nodes);
}
