#include "host/air/eval.h"

#include <stdlib.h>

typedef struct point {
    const air *a;
    const air_instance *instance;
    uint32_t log_rows;
    gl_ext z, vanishing; /* z^N - 1 */
    gl_ext factor;       /* (z^N - 1) / N */
    const gl_ext *at_z, *at_next;
} point;

/* v0 + v1 X + v2 X^2 of three base columns' values, each itself in K */
static gl_ext join(const gl_ext v[3])
{
    gl_ext x = {{0, 1, 0}};

    return gl_ext_add(gl_ext_mul(gl_ext_add(gl_ext_mul(v[2], x), v[1]), x), v[0]);
}

static gl_ext column(const point *p, const air_node *n)
{
    const gl_ext *v = (n->b ? p->at_next : p->at_z) + air_opening_index(p->a, n->a, n->b != 0);

    return p->a->columns[n->a].width == 3 ? join(v) : *v;
}

/* L_i(z) = omega^i (z^N - 1) / (N (z - omega^i)) */
static gl_ext lagrange(const point *p, gl_t omega_i)
{
    gl_ext d = gl_ext_sub(p->z, gl_ext_from_base(omega_i));

    return gl_ext_mul(gl_ext_scale(p->factor, omega_i), gl_ext_inv(d));
}

static gl_ext periodic(const point *p, const struct air_periodic_info *info)
{
    uint32_t log = (uint32_t)__builtin_ctz(info->period);
    gl_ext y = gl_ext_pow2k(p->z, p->log_rows - log), sum = gl_ext_from_base(0);
    gl_t omega = gl_root_of_unity(log), at = 1, over = gl_inv(info->period);
    /* y^P = z^N, so this is the same (z^N - 1), over P */
    gl_ext factor = gl_ext_scale(p->vanishing, over);

    for (uint32_t i = 0; i < info->period; i++, at = gl_mul(at, omega)) {
        gl_ext l = gl_ext_inv(gl_ext_sub(y, gl_ext_from_base(at)));

        sum = gl_ext_add(sum, gl_ext_scale(l, gl_mul(at, info->values[i])));
    }
    return gl_ext_mul(factor, sum);
}

/* d and inverse: count elements each */
static gl_ext public_column(const point *p, const air_node *n, gl_ext *d, gl_ext *inverse)
{
    gl_t omega = gl_root_of_unity(p->log_rows), at = 1;
    gl_ext sum = gl_ext_from_base(0);

    for (uint32_t i = 0; i < n->b; i++, at = gl_mul(at, omega))
        d[i] = gl_ext_sub(p->z, gl_ext_from_base(at));
    gl_ext_inv_batch(inverse, d, n->b);
    at = 1;
    for (uint32_t i = 0; i < n->b; i++, at = gl_mul(at, omega))
        sum = gl_ext_add(sum, gl_ext_scale(inverse[i], gl_mul(at, p->instance->publics[n->a + i])));
    return gl_ext_mul(p->factor, sum);
}

static gl_ext node_value(const point *p, const gl_ext *v, const air_node *n, gl_ext *d)
{
    switch ((air_op)n->op) {
    case AIR_COLUMN:
        return column(p, n);
    case AIR_PERIODIC:
        return periodic(p, &p->a->periodic[n->a]);
    case AIR_FIRST:
        return lagrange(p, 1);
    case AIR_LAST:
        return lagrange(p, gl_inv(gl_root_of_unity(p->log_rows)));
    case AIR_PUBLIC:
        return gl_ext_from_base(p->instance->publics[n->a]);
    case AIR_PUBLIC_COLUMN:
        return public_column(p, n, d, d + n->b);
    case AIR_RANDOM:
        return p->instance->challenges[n->a];
    case AIR_CONSTANT:
        return gl_ext_from_base(n->value);
    case AIR_ADD:
        return gl_ext_add(v[n->a], v[n->b]);
    case AIR_SUB:
        return gl_ext_sub(v[n->a], v[n->b]);
    case AIR_MUL:
        return gl_ext_mul(v[n->a], v[n->b]);
    }
    return gl_ext_from_base(0);
}

p_status air_eval_point(const air *a, const air_instance *instance, uint32_t log_rows, gl_ext z,
                        gl_ext lambda, const gl_ext *at_z, const gl_ext *at_next, gl_ext *parts,
                        gl_ext *out, p_err *err)
{
    point p = {.a = a, .instance = instance, .log_rows = log_rows, .z = z, .at_z = at_z};
    gl_ext one = gl_ext_from_base(1), sum = gl_ext_from_base(0), *v;

    if (log_rows < a->min_log_rows || log_rows > AIR_MAX_LOG_ROWS)
        return p_err_set(err, P_EINVAL, "AIR %s: 2^%u rows, 2^%u to 2^%d are possible",
                         a->definition.name, log_rows, a->min_log_rows, AIR_MAX_LOG_ROWS);
    p.at_next = at_next;
    p.vanishing = gl_ext_sub(gl_ext_pow2k(z, log_rows), one);
    if (gl_ext_is_zero(p.vanishing))
        return p_err_set(err, P_EINVAL, "AIR %s: the point is one of the trace",
                         a->definition.name);
    p.factor = gl_ext_scale(p.vanishing, gl_inv(UINT64_C(1) << log_rows));
    v = malloc(((size_t)a->node_count + 2 * (size_t)a->definition.publics) * sizeof(*v));
    if (!v)
        return p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory for %u values", a->definition.name,
                         a->node_count);
    for (uint32_t i = 0; i < a->node_count; i++)
        v[i] = node_value(&p, v, &a->nodes[i], v + a->node_count);
    for (uint32_t i = a->constraint_count; i-- > 0;) {
        gl_ext c = v[a->constraints[i].node];

        sum = gl_ext_add(gl_ext_mul(sum, lambda), c);
        if (parts)
            parts[i] = c;
    }
    free(v);
    *out = sum;
    return P_OK;
}
