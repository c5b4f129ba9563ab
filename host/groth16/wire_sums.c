#include "host/groth16/wire_sums.h"

#include <stdlib.h>
#include <string.h>

#define MAX_READERS 8 /* each reads everything and adds up for its wires */
#define POINTS 512    /* read at a time */
#define SHORT_BITS 64 /* up to here doubling is faster than the endomorphism */

static unsigned length_of(const uint64_t k[4])
{
    for (int i = 3; i >= 0; i--)
        if (k[i] != 0)
            return 64 * (unsigned)i + 64 - (unsigned)__builtin_clzll(k[i]);
    return 0;
}

#define A bn_g1
#define X bn_g1x
#define AF(name) bn_g1_##name
#define XF(name) bn_g1x_##name
#define WS(name) g1_##name
#include "host/groth16/wire_sums_impl.h"
#undef A
#undef X
#undef AF
#undef XF
#undef WS

#define A bn_g2
#define X bn_g2x
#define AF(name) bn_g2_##name
#define XF(name) bn_g2x_##name
#define WS(name) g2_##name
#include "host/groth16/wire_sums_impl.h"
#undef A
#undef X
#undef AF
#undef XF
#undef WS

typedef struct summing {
    const groth16_circuit *circuit;
    const ptau *ptau;
    const wire_sums_plan *plan;
    const p_cancel *cancel;
    void *out;
    unsigned readers;
    p_err err[MAX_READERS];
} summing;

/* One thread's. */
typedef struct reader {
    const summing *s;
    unsigned number;
    uint64_t first[3]; /* row of the first point that is there; none: UINT64_MAX */
    uint8_t *points[3];
} reader;

/* The point of a row, which does not fall from call to call. */
static p_status point_of(reader *r, groth16_matrix matrix, uint32_t row, const void **out,
                         p_err *err)
{
    ptau_series series = r->s->plan->series[matrix];
    uint32_t log2 = r->s->circuit->domain_log2, bytes = ptau_point_bytes(series);

    if (r->first[matrix] == UINT64_MAX || row >= r->first[matrix] + POINTS) {
        uint64_t first = row - row % POINTS, rows = UINT64_C(1) << log2;
        uint64_t count = rows - first < POINTS ? rows - first : POINTS;
        p_status s =
            ptau_read_lagrange(r->s->ptau, series, log2, first, count, r->points[matrix], err);

        if (s != P_OK)
            return s;
        r->first[matrix] = first;
    }
    *out = r->points[matrix] + (row - r->first[matrix]) * bytes;
    return P_OK;
}

static p_status visit(void *arg, const groth16_term *t, p_err *err)
{
    reader *r = arg;
    const void *point;
    p_status s;

    if (r->s->plan->series[t->matrix] == PTAU_SERIES || t->wire % r->s->readers != r->number)
        return P_OK;
    s = point_of(r, t->matrix, t->row, &point, err);
    if (s != P_OK)
        return s;
    if (r->s->plan->series[t->matrix] == PTAU_TAU_G2)
        g2_add((bn_g2x *)r->s->out + t->wire, point, &t->factor);
    else
        g1_add((bn_g1x *)r->s->out + t->wire, point, &t->factor);
    return P_OK;
}

static p_status read_item(void *arg, size_t item, unsigned worker)
{
    summing *s = arg;
    reader r = {.s = s, .number = (unsigned)item};
    p_status status = P_OK;

    (void)worker;
    for (int i = 0; i < 3; i++) {
        r.first[i] = UINT64_MAX;
        r.points[i] = malloc((size_t)POINTS * sizeof(bn_g2));
        if (!r.points[i])
            status = p_err_set(&s->err[item], P_EEXHAUSTED, "no memory to read points");
    }
    if (status == P_OK)
        status = groth16_circuit_each(s->circuit, visit, &r, s->cancel, &s->err[item]);
    for (int i = 0; i < 3; i++)
        free(r.points[i]);
    return status;
}

p_status wire_sums(const groth16_circuit *c, const ptau *p, const wire_sums_plan *plan,
                   p_pool *pool, void *out, const p_cancel *cancel, p_err *err)
{
    unsigned threads = p_pool_threads(pool);
    summing s = {.circuit = c,
                 .ptau = p,
                 .plan = plan,
                 .cancel = cancel,
                 .out = out,
                 .readers = threads < MAX_READERS ? threads : MAX_READERS};
    p_status status = p_pool_run(pool, s.readers, read_item, &s, cancel);

    for (unsigned i = 0; i < s.readers && status != P_OK; i++)
        if (s.err[i].status == status)
            return p_err_set(err, status, "%s", s.err[i].text);
    return status == P_OK ? status : p_err_set(err, status, "%s", p_status_text(status));
}
