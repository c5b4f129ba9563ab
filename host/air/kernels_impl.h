/* Private to host/air: kernels.h on vectors. A file includes gl_scalar.h, gl_avx2.h or gl_avx512.h
 * and gl_vec.h before this, and gets KERNELS(name). All arrays hold canonical numbers. */
#include "host/air/kernels.h"
#include "host/air/vec.h"

#include <string.h>

_Static_assert(AIR_BLOCK % GLV_LANES == 0, "blocks are whole vectors");

static void columns(gl_t *const out[8], const uint64_t *rows, uint64_t stride, uint32_t count)
{
    uint32_t i = 0;

    for (; i + GLV_LANES <= count; i += GLV_LANES) {
        uint64_t line[8 * GLV_LANES];
        glv x[8];

        if (stride == 8) {
            glv_load_rows(x, rows + (uint64_t)i * 8);
        } else {
            for (int k = 0; k < GLV_LANES; k++)
                memcpy(line + 8 * k, rows + (i + (uint64_t)k) * stride, 64);
            glv_load_rows(x, line);
        }
        for (int c = 0; c < 8; c++)
            if (out[c])
                glv_store(out[c] + i, x[c]);
    }
    for (; i < count; i++)
        for (int c = 0; c < 8; c++)
            if (out[c])
                out[c][i] = rows[i * stride + (uint64_t)c];
}

/* ---- the interpreter ---- */

/* A value's arrays; a uniform one is a vector that is read again and again. */
typedef struct source {
    const gl_t *p;
    size_t part, step;
    gl_t fill[3 * GLV_LANES];
} source;

static void source_set(source *s, const air_program *p, const gl_t *scratch, air_operand x)
{
    if (!x.uniform) {
        s->p = scratch + (size_t)x.at * AIR_BLOCK;
        s->part = AIR_BLOCK;
        s->step = 1;
        return;
    }
    for (int c = 0; c < 3; c++)
        for (int l = 0; l < GLV_LANES; l++)
            s->fill[c * GLV_LANES + l] = p->uniform[x.at].c[c];
    s->p = s->fill;
    s->part = GLV_LANES;
    s->step = 0;
}

#define EACH_VECTOR(i) for (size_t i = 0; i < AIR_BLOCK; i += GLV_LANES)
#define BASE(s, i) glv_load((s).p + (i) * (s).step)
#define EXT(s, i) airv_ext_load((s).p + (i) * (s).step, (s).part)

static void run_base(air_instr_kind kind, gl_t *out, const source *a, const source *b)
{
    switch (kind) {
    case AIR_INSTR_ADD:
        EACH_VECTOR(i)
        glv_store(out + i, glv_canonical(airv_add(BASE(*a, i), BASE(*b, i))));
        break;
    case AIR_INSTR_SUB:
        EACH_VECTOR(i)
        glv_store(out + i, glv_canonical(airv_sub(BASE(*a, i), BASE(*b, i))));
        break;
    default:
        EACH_VECTOR(i)
        glv_store(out + i, glv_canonical(glv_mul(BASE(*a, i), BASE(*b, i))));
        break;
    }
}

static void run_ext(const air_instr *x, gl_t *out, const source *a, const source *b)
{
    const airv_ext zero = {{glv_set1(0), glv_set1(0), glv_set1(0)}};

    EACH_VECTOR(i)
    {
        airv_ext p = zero, q = zero, v;

        if (x->a.ext)
            p = EXT(*a, i);
        else
            p.c[0] = BASE(*a, i);
        if (x->b.ext)
            q = EXT(*b, i);
        else
            q.c[0] = BASE(*b, i);
        if (x->kind == AIR_INSTR_ADD)
            v = airv_ext_add(p, q);
        else if (x->kind == AIR_INSTR_SUB)
            v = airv_ext_sub(p, q);
        else if (!x->a.ext)
            v = airv_ext_scale(q, p.c[0]);
        else if (!x->b.ext)
            v = airv_ext_scale(p, q.c[0]);
        else
            v = airv_ext_mul(p, q);
        airv_ext_store(out + i, AIR_BLOCK, airv_ext_canonical(v));
    }
}

static void run(const air_program *p, gl_t *scratch, const air_block *block)
{
    source a, b;

    for (uint32_t k = 0; k < p->instr_count; k++) {
        const air_instr *x = &p->instr[k];
        gl_t *out = scratch + (size_t)x->out.at * AIR_BLOCK;

        if (x->kind == AIR_INSTR_ROOT) {
            block->root(block, x->node, x->a.ext,
                        x->a.uniform ? NULL : scratch + (size_t)x->a.at * AIR_BLOCK,
                        x->a.uniform ? p->uniform[x->a.at] : gl_ext_from_base(0));
            continue;
        }
        source_set(&a, p, scratch, x->a);
        source_set(&b, p, scratch, x->b);
        if (x->out.ext)
            run_ext(x, out, &a, &b);
        else
            run_base(x->kind, out, &a, &b);
    }
}

static void combine(gl_t *sum, gl_ext power, bool ext, const gl_t *v, gl_ext u)
{
    const airv_ext w = {{glv_set1(power.c[0]), glv_set1(power.c[1]), glv_set1(power.c[2])}};
    const airv_ext all = {{glv_set1(u.c[0]), glv_set1(u.c[1]), glv_set1(u.c[2])}};

    EACH_VECTOR(i)
    {
        airv_ext s = airv_ext_load(sum + i, AIR_BLOCK), x;

        if (ext)
            x = airv_ext_mul(w, v ? airv_ext_load(v + i, AIR_BLOCK) : all);
        else
            x = airv_ext_scale(w, v ? glv_load(v + i) : all.c[0]);
        airv_ext_store(sum + i, AIR_BLOCK, airv_ext_canonical(airv_ext_add(x, s)));
    }
}

/* ---- inverses ---- */

/* 1 in the rows where x is 0, so that the running product stays invertible */
static void no_zero(gl_t *x)
{
    for (size_t l = 0; l < GLV_LANES; l++)
        x[l] |= (x[l] | x[GLV_LANES + l] | x[2 * GLV_LANES + l]) == 0;
}

/* GLV_LANES chains of products beside each other, each with one inversion in the end. */
static void inverses(gl_t *out, const gl_t *in, size_t count)
{
    const size_t vectors = count * (AIR_BLOCK / GLV_LANES);
    airv_ext all = {{glv_set1(1), glv_set1(0), glv_set1(0)}};
    gl_t x[3 * GLV_LANES], y[3 * GLV_LANES];

#define PLACE(k)                                                                                   \
    (k) / (AIR_BLOCK / GLV_LANES) * 3 * AIR_BLOCK + (k) % (AIR_BLOCK / GLV_LANES) * GLV_LANES
    for (size_t k = 0; k < vectors; k++) {
        airv_ext_store(x, GLV_LANES, airv_ext_load(in + PLACE(k), AIR_BLOCK));
        no_zero(x);
        airv_ext_store(out + PLACE(k), AIR_BLOCK, airv_ext_canonical(all));
        all = airv_ext_mul(all, airv_ext_load(x, GLV_LANES));
    }
    airv_ext_store(x, GLV_LANES, airv_ext_canonical(all));
    for (size_t l = 0; l < GLV_LANES; l++) {
        gl_ext v = gl_ext_inv((gl_ext){{x[l], x[GLV_LANES + l], x[2 * GLV_LANES + l]}});

        for (size_t c = 0; c < 3; c++)
            x[c * GLV_LANES + l] = v.c[c];
    }
    all = airv_ext_load(x, GLV_LANES);
    for (size_t k = vectors; k-- > 0;) {
        airv_ext_store(x, GLV_LANES, airv_ext_load(in + PLACE(k), AIR_BLOCK));
        memcpy(y, x, sizeof(y));
        no_zero(x);
        airv_ext_store(
            out + PLACE(k), AIR_BLOCK,
            airv_ext_canonical(airv_ext_mul(all, airv_ext_load(out + PLACE(k), AIR_BLOCK))));
        for (size_t l = 0; l < GLV_LANES; l++)
            if (x[l] != y[l]) /* it was 0 */
                for (size_t c = 0; c < 3; c++)
                    out[PLACE(k) + c * AIR_BLOCK + l] = 0;
        all = airv_ext_mul(all, airv_ext_load(x, GLV_LANES));
    }
}

#define KERNELS(name)                                                                              \
    {                                                                                              \
        .isa = (name), .columns = columns, .run = run, .combine = combine, .inverses = inverses    \
    }
