/* f_0 at a query's point, without a division: with A the sum over all columns of gamma's powers
 * times f(x) - v, and B that over the columns also opened at omega z,
 *
 *     slot (x - z) (x - omega z) = A (x - omega z) + B (x - z).
 *
 * Neither factor is 0: x is a point of D, and z is not (graph.c refuses z^n = 7^n, which is the
 * same as (omega z)^n = 7^n). The powers of gamma are made once for all queries; A and B are sums
 * of products of words, below 2^142, and nothing but x is reduced. */
#include "host/wrap/gadgets.h"

#include <stdlib.h>

static gl_t row_root(const wrap_values *v)
{
    return gl_root_of_unity(v->vk->params.log_rows);
}

/* Number of columns with the zero ones, up to a multiple of 8. */
static uint32_t padded(const air_tree_info *t)
{
    return (uint32_t)drv_blocks(t->columns) * DRV_BLOCK_COLUMNS;
}

/* Powers of gamma in rising order. Zero columns have none: a step over them takes a small power. */
#define MAX_STEP 15
typedef struct climb {
    r1cs_builder *b;
    uint32_t exponent;
    r1cs_ext power, small[MAX_STEP + 1];
    bool made[MAX_STEP + 1];
} climb;

static void climb_begin(climb *c, r1cs_builder *b, r1cs_ext gamma)
{
    *c = (climb){.b = b, .power = r1cs_ext_constant(b, gl_ext_from_base(1))};
    c->small[1] = gamma;
    c->made[1] = true;
}

static r1cs_ext small_power(climb *c, uint32_t step)
{
    if (!c->made[step]) {
        r1cs_ext x = small_power(c, step / 2), y = small_power(c, step - step / 2);

        c->small[step] = r1cs_ext_reduce(c->b, r1cs_ext_mul(c->b, x, y));
        c->made[step] = true;
    }
    return c->small[step];
}

static r1cs_ext climb_to(climb *c, uint32_t exponent)
{
    while (c->exponent < exponent) {
        uint32_t step = exponent - c->exponent < MAX_STEP ? exponent - c->exponent : MAX_STEP;

        c->power = r1cs_ext_reduce(c->b, r1cs_ext_mul(c->b, c->power, small_power(c, step)));
        c->exponent += step;
    }
    return c->power;
}

bool wrap_deep_create(r1cs_builder *b, const wrap_values *v, wrap_deep *out)
{
    const air_tree_info *trees = v->vk->air->trees;
    uint32_t off = 0, at = 0, at_next = 0;
    climb c;

    *out = (wrap_deep){0};
    out->power_z = malloc(((size_t)v->shape->at_z_count + 1) * sizeof(*out->power_z));
    out->power_next = malloc(((size_t)v->shape->at_next_count + 1) * sizeof(*out->power_next));
    if (!out->power_z || !out->power_next) {
        wrap_deep_destroy(out);
        return false;
    }
    /* a column at place p of a tree's W has gamma^(off + W - 1 - p): from the last one on */
    climb_begin(&c, b, v->gamma);
    for (int t = 0; t < AIR_TREES; t++) {
        const air_tree_info *i = &trees[t];

        for (uint32_t k = i->real; k-- > 0;) {
            uint32_t place = k < i->next ? k : i->next_padded + k - i->next;

            out->power_z[at + k] = climb_to(&c, off + padded(i) - 1 - place);
        }
        at += i->real;
        off += padded(i);
    }
    for (int t = 0; t < AIR_TREES; t++) {
        for (uint32_t k = trees[t].next; k-- > 0;)
            out->power_next[at_next + k] = climb_to(&c, off + trees[t].next_padded - 1 - k);
        at_next += trees[t].next;
        off += trees[t].next_padded;
    }

    out->value_z = r1cs_ext_reduce(b, r1cs_ext_dot(b, out->power_z, v->at_z, at));
    out->value_next = r1cs_ext_reduce(b, r1cs_ext_dot(b, out->power_next, v->at_next, at_next));
    out->z = v->z;
    out->next = r1cs_ext_reduce(b, r1cs_ext_scale(b, v->z, row_root(v)));
    out->sum = r1cs_ext_reduce(b, r1cs_ext_add(b, out->z, out->next));
    out->product = r1cs_ext_reduce(b, r1cs_ext_mul(b, out->z, out->next));
    return true;
}

void wrap_deep_destroy(wrap_deep *d)
{
    free(d->power_z);
    free(d->power_next);
    *d = (wrap_deep){0};
}

void wrap_deep_check(r1cs_builder *b, const wrap_values *v, const wrap_deep *d, const r1cs_lc *bits,
                     r1cs_gl *const words[AIR_TREES], r1cs_ext slot)
{
    const air_tree_info *trees = v->vk->air->trees;
    uint32_t log_n = v->vk->params.log_rows + v->vk->params.log_blowup;
    uint32_t count = v->shape->at_z_count, at = 0, at_next = 0;
    gl_t root = gl_root_of_unity(log_n);
    r1cs_gl *all = malloc(2 * ((size_t)count + 1) * sizeof(*all));
    r1cs_gl *opened, x;
    r1cs_ext a, e, left, right;

    if (!all) {
        r1cs_fail(b, P_EEXHAUSTED, "no memory for a query's row");
        return;
    }
    opened = all + count + 1;
    for (int t = 0; t < AIR_TREES; t++)
        for (uint32_t c = 0; c < trees[t].real; c++) {
            all[at++] = words[t][c];
            if (c < trees[t].next)
                opened[at_next++] = words[t][c];
        }
    a = r1cs_ext_sub(b, r1cs_ext_dot_gl(b, d->power_z, all, at), d->value_z);
    e = r1cs_ext_sub(b, r1cs_ext_dot_gl(b, d->power_next, opened, at_next), d->value_next);
    free(all);

    wrap_powers(b, bits, log_n, 7, root, false, 1, &x);
    /* (x - z) (x - omega z) = x^2 - (z + omega z) x + z omega z */
    left = r1cs_ext_sub(b, d->product, r1cs_ext_mul_gl(b, d->sum, x));
    left = r1cs_ext_add(b, left, r1cs_ext_from_gl(b, r1cs_gl_mul(b, x, x)));
    left = r1cs_ext_mul(b, slot, left);
    /* A (x - omega z) + B (x - z) = (A + B) x - (A omega z + B z) */
    right = r1cs_ext_mul_gl(b, r1cs_ext_add(b, a, e), x);
    left = r1cs_ext_add(b, left, r1cs_ext_mul(b, a, d->next));
    left = r1cs_ext_add(b, left, r1cs_ext_mul(b, e, d->z));
    r1cs_ext_equal(b, left, right);
}
