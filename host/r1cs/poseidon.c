#include "host/r1cs/poseidon.h"

#include "host/r1cs/builder_internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_T BN_POSEIDON_MAX_WIDTH
#define HALF (BN_POSEIDON_FULL_ROUNDS / 2)
#define MAX_PARTIAL 80
#define MAX_ROUNDS (BN_POSEIDON_FULL_ROUNDS + MAX_PARTIAL)

/* Rounds: x are the inputs of a round's S-boxes, after its constants were added, y the outputs, so
 * that the next x = matrix y + constants. In the partial rounds x[0] is a wire in each, the other
 * lanes are combinations of what comes later: of the x[0] of later rounds and of all lanes of the
 * first full round behind. These wires are the locals: number q is x[0] of partial round q, number
 * partial + i is x[i] behind them. */
struct r1cs_poseidon {
    bn_poseidon *native;
    unsigned t, partial, locals;
    bn_fr *constants, *matrix; /* copies of the textbook form */
    bn_fr inverse[MAX_T * MAX_T];
    /* y[j] of a full round = sum of inverse[j][i] next x[i] + shift[round][j] */
    bn_fr shift[BN_POSEIDON_FULL_ROUNDS][MAX_T];
    bn_fr *before; /* y of the last full round before the partial ones: locals + 1 factors a lane,
                      the constant last */
    bn_fr *lane;   /* y[0] of partial round q: the same, q * (locals + 1) */
    /* for k outputs: y[i], i < k, of the last round from out[0 .. k-1], y[k .. t-1] */
    bn_fr *last; /* at k * t * t */
};

/* ---- the forms of a width ---- */

/* Gauss-Jordan; the matrix is MDS, every pivot of the order is not zero. */
static void invert(bn_fr *out, const bn_fr *matrix, unsigned t)
{
    bn_fr m[MAX_T * MAX_T], f, d;

    memcpy(m, matrix, (size_t)t * t * sizeof *m);
    for (unsigned i = 0; i < t * t; i++)
        out[i] = i % (t + 1) == 0 ? r1cs_fr_one() : r1cs_fr_zero();
    for (unsigned p = 0; p < t; p++) {
        bn_fr_inv(&f, &m[p * t + p]);
        for (unsigned j = 0; j < t; j++) {
            bn_fr_mul(&m[p * t + j], &m[p * t + j], &f);
            bn_fr_mul(&out[p * t + j], &out[p * t + j], &f);
        }
        for (unsigned i = 0; i < t; i++) {
            bn_fr c = m[i * t + p];

            if (i == p)
                continue;
            for (unsigned j = 0; j < t; j++) {
                bn_fr_mul(&d, &c, &m[p * t + j]);
                bn_fr_sub(&m[i * t + j], &m[i * t + j], &d);
                bn_fr_mul(&d, &c, &out[p * t + j]);
                bn_fr_sub(&out[i * t + j], &out[i * t + j], &d);
            }
        }
    }
}

/* out = matrix y; k exchanges of out[p] with y[p] give the first y from the first out and the other
 * y. */
static void exchange(bn_fr *last, const bn_fr *matrix, unsigned t)
{
    bn_fr m[MAX_T * MAX_T], f, d;

    memcpy(m, matrix, (size_t)t * t * sizeof *m);
    for (unsigned p = 0; p < t; p++) {
        bn_fr_inv(&f, &m[p * t + p]);
        for (unsigned i = 0; i < t; i++) {
            if (i == p)
                continue;
            bn_fr_mul(&m[i * t + p], &m[i * t + p], &f);
            for (unsigned j = 0; j < t; j++) {
                if (j == p)
                    continue;
                bn_fr_mul(&d, &m[i * t + p], &m[p * t + j]);
                bn_fr_sub(&m[i * t + j], &m[i * t + j], &d);
            }
        }
        for (unsigned j = 0; j < t; j++) {
            bn_fr_mul(&m[p * t + j], &m[p * t + j], &f);
            bn_fr_neg(&m[p * t + j], &m[p * t + j]);
        }
        m[p * t + p] = f;
        memcpy(last + (size_t)(p + 1) * t * t, m, (size_t)t * t * sizeof *m);
    }
}

/* out = row of the inverse matrix times (lanes - constants); a lane is locals + 1 factors. */
static void step_back(const r1cs_poseidon *p, bn_fr *out, const bn_fr *row, const bn_fr *lanes,
                      const bn_fr *constants)
{
    size_t n = p->locals + 1;
    bn_fr d;

    memset(out, 0, n * sizeof *out);
    for (unsigned i = 0; i < p->t; i++) {
        for (size_t k = 0; k < n; k++) {
            if (bn_fr_is_zero(&lanes[i * n + k]))
                continue;
            bn_fr_mul(&d, &row[i], &lanes[i * n + k]);
            bn_fr_add(&out[k], &out[k], &d);
        }
        bn_fr_mul(&d, &row[i], &constants[i]);
        bn_fr_sub(&out[n - 1], &out[n - 1], &d);
    }
}

static void derive_partial(r1cs_poseidon *p, bn_fr *lanes, bn_fr *next)
{
    size_t n = p->locals + 1, t = p->t;

    memset(lanes, 0, t * n * sizeof *lanes);
    for (size_t i = 0; i < t; i++)
        lanes[i * n + p->partial + i] = r1cs_fr_one();
    for (unsigned q = p->partial; q-- > 0;) {
        const bn_fr *constants = p->constants + (HALF + q + 1) * t;

        step_back(p, p->lane + q * n, p->inverse, lanes, constants);
        for (size_t i = 1; i < t; i++)
            step_back(p, next + i * n, p->inverse + i * t, lanes, constants);
        memset(next, 0, n * sizeof *next);
        next[q] = r1cs_fr_one();
        memcpy(lanes, next, t * n * sizeof *lanes);
    }
    for (size_t i = 0; i < t; i++)
        step_back(p, p->before + i * n, p->inverse + i * t, lanes, p->constants + HALF * t);
}

static void derive_shifts(r1cs_poseidon *p)
{
    bn_fr d;

    for (unsigned f = 0; f < BN_POSEIDON_FULL_ROUNDS - 1; f++) {
        unsigned next = (f < HALF ? f : f + p->partial) + 1;

        for (unsigned j = 0; j < p->t; j++) {
            p->shift[f][j] = r1cs_fr_zero();
            for (unsigned i = 0; i < p->t; i++) {
                bn_fr_mul(&d, &p->inverse[j * p->t + i], &p->constants[next * p->t + i]);
                bn_fr_sub(&p->shift[f][j], &p->shift[f][j], &d);
            }
        }
    }
}

p_status r1cs_poseidon_create(unsigned width, r1cs_poseidon **out, p_err *err)
{
    bn_poseidon_plain plain;
    r1cs_poseidon *p = calloc(1, sizeof *p);
    bn_fr *lanes = NULL;
    size_t n, t = width;
    p_status s;

    *out = NULL;
    if (!p)
        return p_err_set(err, P_EEXHAUSTED, "Poseidon-BN254: no memory");
    s = bn_poseidon_create(width, &p->native, err);
    if (s != P_OK) {
        free(p);
        return s;
    }
    bn_poseidon_get_plain(p->native, &plain);
    p->t = width;
    p->partial = plain.partial_rounds;
    p->locals = p->partial + width;
    n = p->locals + 1;
    p->constants = malloc((BN_POSEIDON_FULL_ROUNDS + p->partial) * t * sizeof(bn_fr));
    p->matrix = malloc(t * t * sizeof(bn_fr));
    p->before = malloc(t * n * sizeof(bn_fr));
    p->lane = malloc(p->partial * n * sizeof(bn_fr));
    p->last = malloc((t + 1) * t * t * sizeof(bn_fr));
    lanes = malloc(2 * t * n * sizeof(bn_fr));
    if (p->partial > MAX_PARTIAL || !p->constants || !p->matrix || !p->before || !p->lane ||
        !p->last || !lanes) {
        free(lanes);
        r1cs_poseidon_destroy(p);
        return p_err_set(err, P_EEXHAUSTED, "Poseidon-BN254: no memory");
    }
    memcpy(p->constants, plain.constants,
           (BN_POSEIDON_FULL_ROUNDS + p->partial) * t * sizeof(bn_fr));
    memcpy(p->matrix, plain.matrix, t * t * sizeof(bn_fr));
    bn_poseidon_destroy(p->native);
    p->native = NULL;
    invert(p->inverse, p->matrix, width);
    exchange(p->last, p->matrix, width);
    derive_shifts(p);
    derive_partial(p, lanes, lanes + t * n);
    free(lanes);
    *out = p;
    return P_OK;
}

void r1cs_poseidon_destroy(r1cs_poseidon *p)
{
    if (!p)
        return;
    bn_poseidon_destroy(p->native);
    free(p->constants);
    free(p->matrix);
    free(p->before);
    free(p->lane);
    free(p->last);
    free(p);
}

unsigned r1cs_poseidon_width(const r1cs_poseidon *p)
{
    return p->t;
}

/* ---- a permutation ---- */

typedef struct sbox {
    r1cs_lc x, x2, x4; /* x: not set in the first two rounds, where it is no wire */
    bn_fr y;           /* the output's value */
    bool constant;
} sbox;

typedef struct permutation {
    r1cs_builder *b;
    const r1cs_poseidon *p;
    sbox full[BN_POSEIDON_FULL_ROUNDS][MAX_T], partial[MAX_PARTIAL];
    r1cs_lc first[MAX_T]; /* y of the first round */
    r1cs_lc last[MAX_T];  /* of the last round: outputs, then y */
    r1cs_lc locals[MAX_PARTIAL + MAX_T + 1];
} permutation;

/* The powers of an S-box whose input has the value x. */
static void make_powers(permutation *m, sbox *s, const bn_fr *x)
{
    bn_fr x2, x4;

    bn_fr_sqr(&x2, x);
    bn_fr_sqr(&x4, &x2);
    bn_fr_mul(&s->y, &x4, x);
    s->x2 = r1cs_wire(m->b, x2);
    s->x4 = r1cs_wire(m->b, x4);
}

static void multiply(const r1cs_poseidon *p, bn_fr *state)
{
    bn_fr next[MAX_T];

    for (unsigned i = 0; i < p->t; i++) {
        bn_fr_wide w;

        bn_fr_wide_zero(&w);
        for (unsigned j = 0; j < p->t; j++) /* at most 17: below the 22 that fit */
            bn_fr_wide_mac(&w, &p->matrix[i * p->t + j], &state[j]);
        bn_fr_wide_reduce(&next[i], &w);
    }
    memcpy(state, next, p->t * sizeof *state);
}

/* All wires, round after round, with their values. */
static void make_wires(permutation *m, const r1cs_lc *in, unsigned outputs)
{
    const r1cs_poseidon *p = m->p;
    bn_fr state[MAX_T];
    unsigned round = 0;

    for (unsigned i = 0; i < p->t; i++)
        state[i] = in[i].value;
    for (unsigned f = 0; f < BN_POSEIDON_FULL_ROUNDS; f++) {
        for (unsigned q = 0; f == HALF && q < p->partial; q++, round++) {
            for (unsigned i = 0; i < p->t; i++)
                bn_fr_add(&state[i], &state[i], &p->constants[round * p->t + i]);
            m->partial[q].x = m->locals[q] = r1cs_wire(m->b, state[0]);
            make_powers(m, &m->partial[q], &state[0]);
            state[0] = m->partial[q].y;
            multiply(p, state);
        }
        for (unsigned i = 0; i < p->t; i++) {
            bn_fr_add(&state[i], &state[i], &p->constants[round * p->t + i]);
            if (f > 1)
                m->full[f][i].x = r1cs_wire(m->b, state[i]);
            if (f == HALF)
                m->locals[p->partial + i] = m->full[f][i].x;
        }
        for (unsigned i = 0; i < p->t; i++) {
            sbox *s = &m->full[f][i];

            s->constant = f == 0 && in[i].constant;
            if (s->constant) {
                bn_fr_sqr(&s->y, &state[i]);
                bn_fr_sqr(&s->y, &s->y);
                bn_fr_mul(&s->y, &s->y, &state[i]);
            } else {
                make_powers(m, s, &state[i]);
            }
            if (f == 0)
                m->first[i] = s->constant ? r1cs_constant(m->b, s->y) : r1cs_wire(m->b, s->y);
            state[i] = s->y;
        }
        multiply(p, state);
        round++;
    }
    for (unsigned i = 0; i < p->t; i++)
        m->last[i] =
            r1cs_wire(m->b, i < outputs ? state[i] : m->full[BN_POSEIDON_FULL_ROUNDS - 1][i].y);
}

static void constrain_powers(permutation *m, const sbox *s, r1cs_lc x, r1cs_lc y)
{
    r1cs_constrain(m->b, x, x, s->x2);
    r1cs_constrain(m->b, s->x2, s->x2, s->x4);
    r1cs_constrain(m->b, s->x4, x, y);
}

/* constant + sum of factors[i] x[i], the constant first: in the order of wires. */
static r1cs_lc affine(r1cs_builder *b, const r1cs_lc *x, const bn_fr *factors, unsigned count,
                      const bn_fr *constant)
{
    r1cs_lc parts[MAX_PARTIAL + MAX_T + 1];
    bn_fr all[MAX_PARTIAL + MAX_T + 1];

    parts[0] = r1cs_constant(b, *constant);
    all[0] = r1cs_fr_one();
    memcpy(parts + 1, x, count * sizeof *x);
    memcpy(all + 1, factors, count * sizeof *factors);
    return r1cs_sum(b, parts, all, count + 1);
}

/* y[j] of a full round. */
static r1cs_lc output(permutation *m, unsigned f, unsigned j, unsigned outputs)
{
    const r1cs_poseidon *p = m->p;
    unsigned t = p->t, n = p->locals + 1;
    const bn_fr zero = r1cs_fr_zero();
    r1cs_lc next[MAX_T];

    if (f == 0)
        return m->first[j];
    if (f == HALF - 1)
        return affine(m->b, m->locals, p->before + (size_t)j * n, p->locals,
                      p->before + (size_t)j * n + p->locals);
    if (f == BN_POSEIDON_FULL_ROUNDS - 1)
        return j < outputs
                   ? affine(m->b, m->last, p->last + ((size_t)outputs * t + j) * t, t, &zero)
                   : m->last[j];
    for (unsigned i = 0; i < t; i++)
        next[i] = m->full[f + 1][i].x;
    return affine(m->b, next, p->inverse + (size_t)j * t, t, &p->shift[f][j]);
}

static void constrain_all(permutation *m, const r1cs_lc *in, unsigned outputs)
{
    const r1cs_poseidon *p = m->p;
    unsigned t = p->t, n = p->locals + 1, sboxes = BN_POSEIDON_FULL_ROUNDS * t + p->partial;

    if (!r1cs_building(m->b)) { /* the values are those of the permutation */
        for (unsigned i = 0; i < t; i++)
            sboxes -= m->full[0][i].constant;
        r1cs_count_solved(m->b, 3 * (uint64_t)sboxes);
        return;
    }
    for (unsigned f = 0; f < BN_POSEIDON_FULL_ROUNDS; f++) {
        for (unsigned q = 0; f == HALF && q < p->partial; q++) {
            r1cs_scope scope = r1cs_scope_begin(m->b);
            const bn_fr *row = p->lane + (size_t)q * n;

            /* nothing that comes before the next round has a part in it */
            constrain_powers(
                m, &m->partial[q], m->partial[q].x,
                affine(m->b, m->locals + q + 1, row + q + 1, p->locals - q - 1, row + p->locals));
            r1cs_scope_end(m->b, scope);
        }
        for (unsigned i = 0; i < t; i++) {
            const bn_fr one = r1cs_fr_one();
            r1cs_scope scope = r1cs_scope_begin(m->b);
            const sbox *s = &m->full[f][i];
            r1cs_lc x = s->x;

            if (f == 0)
                x = affine(m->b, &in[i], &one, 1, &p->constants[i]);
            else if (f == 1)
                x = affine(m->b, m->first, p->matrix + (size_t)i * t, t, &p->constants[t + i]);
            if (!s->constant)
                constrain_powers(m, s, x, output(m, f, i, outputs));
            r1cs_scope_end(m->b, scope);
        }
    }
}

static void permute_constants(r1cs_builder *b, const r1cs_poseidon *p, const r1cs_lc *in,
                              r1cs_lc *out, unsigned outputs)
{
    bn_fr state[MAX_T], fourth;

    for (unsigned i = 0; i < p->t; i++)
        state[i] = in[i].value;
    for (unsigned round = 0; round < BN_POSEIDON_FULL_ROUNDS + p->partial; round++) {
        bool full = round < HALF || round >= HALF + p->partial;

        for (unsigned i = 0; i < p->t; i++) {
            bn_fr_add(&state[i], &state[i], &p->constants[round * p->t + i]);
            if (i > 0 && !full)
                continue;
            bn_fr_sqr(&fourth, &state[i]);
            bn_fr_sqr(&fourth, &fourth);
            bn_fr_mul(&state[i], &state[i], &fourth);
        }
        multiply(p, state);
    }
    for (unsigned i = 0; i < outputs; i++)
        out[i] = r1cs_constant(b, state[i]);
}

void r1cs_poseidon_permute(r1cs_builder *b, const r1cs_poseidon *p, const r1cs_lc *in, r1cs_lc *out,
                           unsigned outputs)
{
    permutation m;
    bool constant = true;

    if (outputs < 1 || outputs > p->t) {
        r1cs_fail(b, P_EINTERNAL, "%u outputs of a permutation of width %u", outputs, p->t);
        for (unsigned i = 0; i < outputs; i++)
            out[i] = r1cs_constant(b, r1cs_fr_zero());
        return;
    }
    for (unsigned i = 0; i < p->t; i++)
        constant = constant && in[i].constant;
    if (constant) {
        permute_constants(b, p, in, out, outputs);
        return;
    }
    m.b = b;
    m.p = p;
    make_wires(&m, in, outputs);
    constrain_all(&m, in, outputs);
    for (unsigned i = 0; i < outputs; i++)
        out[i] = m.last[i];
}

r1cs_lc r1cs_poseidon_hash(r1cs_builder *b, const r1cs_poseidon *p, r1cs_lc initial,
                           const r1cs_lc *in)
{
    r1cs_lc all[MAX_T];

    all[0] = initial;
    memcpy(all + 1, in, (p->t - 1) * sizeof *in);
    r1cs_poseidon_permute(b, p, all, all, 1);
    return all[0];
}
