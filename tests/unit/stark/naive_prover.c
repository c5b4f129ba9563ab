#include "tests/unit/stark/naive_prover.h"

#include "host/air/eval.h"
#include "tests/unit/stark/stark_test.h"

#define MAX_ALLOCATIONS 512
#define SHIFT 7

static const gl_ext zero = {{0}}, one = {{1, 0, 0}};

/* Everything that a proof takes while it is made. */
typedef struct arena {
    void *pointer[MAX_ALLOCATIONS];
    unsigned count;
} arena;

static void *take(arena *m, size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);

    assert_non_null(p);
    assert_true(m->count < MAX_ALLOCATIONS);
    return m->pointer[m->count++] = p;
}

static void release(arena *m)
{
    while (m->count)
        free(m->pointer[--m->count]);
}

static gl_t root(uint32_t log_n)
{
    return gl_pow_var(7, (GL_P - 1) >> log_n);
}

/* ---- polynomials over K: coefficients, lowest first; values at shift omega^i ---- */

static void transform(gl_ext *a, uint64_t n, gl_t omega, gl_ext *scratch)
{
    gl_t w = 1;

    if (n == 1)
        return;
    for (uint64_t i = 0; i < n / 2; i++) {
        scratch[i] = a[2 * i];
        scratch[n / 2 + i] = a[2 * i + 1];
    }
    memcpy(a, scratch, n * sizeof *a);
    transform(a, n / 2, gl_sqr(omega), scratch);
    transform(a + n / 2, n / 2, gl_sqr(omega), scratch);
    for (uint64_t i = 0; i < n / 2; i++, w = gl_mul(w, omega)) {
        const gl_ext e = a[i], o = gl_ext_scale(a[n / 2 + i], w);

        scratch[i] = gl_ext_add(e, o);
        scratch[n / 2 + i] = gl_ext_sub(e, o);
    }
    memcpy(a, scratch, n * sizeof *a);
}

static void scale_powers(gl_ext *a, uint64_t n, gl_t base)
{
    gl_t power = 1;

    for (uint64_t i = 0; i < n; i++, power = gl_mul(power, base))
        a[i] = gl_ext_scale(a[i], power);
}

static void interpolate(gl_ext *a, uint32_t log_n, gl_t shift)
{
    const uint64_t n = UINT64_C(1) << log_n;
    gl_ext *scratch = calloc(n, sizeof *scratch);

    assert_non_null(scratch);
    transform(a, n, gl_inv(root(log_n)), scratch);
    for (uint64_t i = 0; i < n; i++)
        a[i] = gl_ext_scale(a[i], gl_inv(n));
    scale_powers(a, n, gl_inv(shift));
    free(scratch);
}

static void evaluate(gl_ext *a, uint32_t log_n, gl_t shift)
{
    const uint64_t n = UINT64_C(1) << log_n;
    gl_ext *scratch = calloc(n, sizeof *scratch);

    assert_non_null(scratch);
    scale_powers(a, n, shift);
    transform(a, n, root(log_n), scratch);
    free(scratch);
}

static gl_ext at_point(const gl_ext *coefficients, uint64_t n, gl_ext x)
{
    gl_ext sum = zero;

    while (n-- > 0)
        sum = gl_ext_add(gl_ext_mul(sum, x), coefficients[n]);
    return sum;
}

/* ---- trees ---- */

typedef struct tree {
    uint32_t columns, log_leaves, cap_log2;
    uint64_t *rows;      /* leaf after leaf */
    uint64_t *level[32]; /* digests; the last is the cap */
    uint32_t levels;
} tree;

static void tree_make(arena *m, const stark_hash *h, const stark_params *p, uint32_t columns,
                      uint32_t log_leaves, uint64_t *rows, tree *t)
{
    const uint32_t arity = stark_hash_arity_log2(h->kind);
    uint64_t count = UINT64_C(1) << log_leaves;

    *t = (tree){.columns = columns, .log_leaves = log_leaves, .rows = rows};
    t->cap_log2 = stark_cap_log2(p, log_leaves);
    t->level[0] = take(m, count, 32);
    for (uint64_t i = 0; i < count; i++)
        stark_hash_leaf(h, rows + i * columns, columns, t->level[0] + 4 * i);
    for (; count >> arity >= UINT64_C(1) << t->cap_log2 && count != UINT64_C(1) << t->cap_log2;
         t->levels++) {
        count >>= arity;
        t->level[t->levels + 1] = take(m, count, 32);
        for (uint64_t i = 0; i < count; i++)
            stark_hash_node(h, t->level[t->levels] + (i << arity) * 4,
                            t->level[t->levels + 1] + 4 * i);
    }
    assert_int_equal(count, UINT64_C(1) << t->cap_log2);
}

static const uint64_t *tree_cap(const tree *t)
{
    return t->level[t->levels];
}

static uint64_t *put_path(const tree *t, drv_hash kind, uint64_t index, uint64_t *out)
{
    const uint64_t children = UINT64_C(1) << stark_hash_arity_log2(kind);

    for (uint32_t l = 0; l < t->levels; l++, index /= children)
        for (uint64_t c = 0; c < children; c++)
            if (c != index % children) {
                memcpy(out, t->level[l] + 4 * (index / children * children + c), 32);
                out += 4;
            }
    return out;
}

/* ---- a matrix and its extension ---- */

typedef struct committed {
    uint32_t columns;
    gl_ext **coefficients; /* of each column, rows of them; K, so that z may be put in */
    tree t;
} committed;

drv_matrix naive_matrix(const air *a, air_tree kind, uint32_t log_rows)
{
    drv_matrix m = {.columns = a->trees[kind].columns, .log_rows = log_rows};

    if (m.columns) {
        m.data = aligned_alloc(64, drv_matrix_words(m.columns, log_rows) * 8);
        assert_non_null(m.data);
        memset(m.data, 0, drv_matrix_words(m.columns, log_rows) * 8);
    }
    return m;
}

static uint64_t cell(const drv_matrix *m, uint64_t row, uint32_t column)
{
    return m->data[(((uint64_t)(column / 8) << m->log_rows) + row) * 8 + column % 8];
}

/* From each column's coefficients. */
static void commit(arena *m, const naive_key *key, uint32_t columns, gl_ext **coefficients,
                   committed *out)
{
    const stark_params *p = &key->vk.params;
    const uint32_t log_n = p->log_rows + p->log_blowup;
    const uint64_t n = UINT64_C(1) << log_n, rows = UINT64_C(1) << p->log_rows;
    uint64_t *leaves = take(m, n * columns, 8);
    gl_ext *values = take(m, n, sizeof *values);

    for (uint32_t c = 0; c < columns; c++) {
        memset(values, 0, n * sizeof *values);
        memcpy(values, coefficients[c], rows * sizeof *values);
        evaluate(values, log_n, SHIFT);
        for (uint64_t i = 0; i < n; i++) {
            assert_true(values[i].c[1] == 0 && values[i].c[2] == 0);
            leaves[i * columns + c] = values[i].c[0];
        }
    }
    out->columns = columns;
    out->coefficients = coefficients;
    tree_make(m, &key->hash, p, columns, log_n, leaves, &out->t);
}

static void commit_matrix(arena *m, const naive_key *key, const drv_matrix *in, committed *out)
{
    const uint64_t rows = UINT64_C(1) << in->log_rows;
    gl_ext **coefficients = take(m, in->columns, sizeof *coefficients);

    for (uint32_t c = 0; c < in->columns; c++) {
        coefficients[c] = take(m, rows, sizeof **coefficients);
        for (uint64_t i = 0; i < rows; i++)
            coefficients[c][i] = gl_ext_from_base(cell(in, i, c));
        interpolate(coefficients[c], in->log_rows, 1);
    }
    commit(m, key, in->columns, coefficients, out);
}

void naive_setup(naive_key *out, const air *a, const stark_params *params)
{
    arena m = {.count = 0};
    committed fixed;
    p_err err;

    memset(out, 0, sizeof *out);
    out->vk.params = *params;
    out->vk.air = a;
    assert_int_equal(stark_params_check(params, a, &err), P_OK);
    assert_int_equal(stark_hash_create(params->hash, &out->hash, &err), P_OK);
    if (a->trees[AIR_TREE_FIXED].columns) {
        out->fixed = naive_matrix(a, AIR_TREE_FIXED, params->log_rows);
        assert_int_equal(air_fill_fixed(a, NULL, NULL, &out->fixed, &err), P_OK);
        commit_matrix(&m, out, &out->fixed, &fixed);
        out->vk.fixed_cap = malloc((UINT64_C(32) << fixed.t.cap_log2));
        assert_non_null(out->vk.fixed_cap);
        memcpy(out->vk.fixed_cap, tree_cap(&fixed.t), UINT64_C(32) << fixed.t.cap_log2);
    }
    stark_vk_digest(params, a, out->vk.fixed_cap, &out->hash, out->vk.digest);
    release(&m);
}

void naive_key_free(naive_key *key)
{
    free(key->vk.fixed_cap);
    free(key->fixed.data);
    stark_hash_destroy(&key->hash);
}

/* ---- a proof ---- */

typedef struct proving {
    const naive_key *key;
    const air *a;
    const naive_cheat *cheat;
    arena memory;
    uint32_t log_rows, log_n;
    uint64_t rows, n;
    committed tree[AIR_TREES];
    air_instance instance;
    gl_ext lambda, z, gamma;
    gl_ext *at_z, *at_next;
    uint32_t at_z_count, at_next_count;
    uint64_t *out; /* the next word of the proof */
} proving;

static void put(proving *p, const void *words, uint64_t count)
{
    memcpy(p->out, words, 8 * count);
    p->out += count;
}

static gl_ext challenge(stark_transcript *t)
{
    stark_squeeze_begin(t);
    return stark_squeeze_ext(t, "");
}

static void put_cap(proving *p, stark_transcript *t, const tree *from)
{
    const uint64_t digests = UINT64_C(1) << from->cap_log2;

    stark_absorb_digests(t, "", tree_cap(from), digests);
    put(p, tree_cap(from), 4 * digests);
}

/* The real columns of a tree, in their order: their places in the matrix. */
static uint32_t real_column(const air_tree_info *t, uint32_t number)
{
    return number < t->next ? number : t->next_padded + number - t->next;
}

/* All columns' values at a point of the domain, real ones only; next: those that are opened there.
 */
static void row_values(const proving *p, uint64_t row, bool next, gl_ext *out)
{
    for (int t = 0; t < AIR_TREE_QUOTIENT; t++) {
        const air_tree_info *info = &p->a->trees[t];

        for (uint32_t i = 0; i < (next ? info->next : info->real); i++)
            *out++ =
                gl_ext_from_base(p->tree[t].t.rows[row * info->columns + real_column(info, i)]);
    }
}

/* Q on the domain, point by point, then its coefficients, cut into pieces of N; what does not fit
 * is left out (an honest quotient does). */
static void make_quotient(proving *p)
{
    const uint32_t pieces = air_quotients(p->a);
    const uint64_t blowup = p->n / p->rows;
    gl_ext *q = take(&p->memory, p->n, sizeof *q);
    gl_ext *here = take(&p->memory, p->at_z_count, sizeof *here);
    gl_ext *next = take(&p->memory, p->at_next_count, sizeof *next);
    gl_ext **columns = take(&p->memory, 3 * pieces, sizeof *columns);
    const gl_ext lambda = p->cheat ? gl_ext_add(p->lambda, p->cheat->quotient_lambda) : p->lambda;
    p_err err;

    for (uint64_t i = 0; i < p->n; i++) {
        const gl_t x = gl_mul(SHIFT, gl_pow_var(root(p->log_n), i));

        row_values(p, i, false, here);
        row_values(p, (i + blowup) % p->n, true, next);
        assert_int_equal(air_eval_point(p->a, &p->instance, p->log_rows, gl_ext_from_base(x),
                                        lambda, here, next, NULL, &q[i], &err),
                         P_OK);
        q[i] = gl_ext_scale(q[i], gl_inv(gl_sub(gl_pow_var(x, p->rows), 1)));
    }
    interpolate(q, p->log_n, SHIFT);
    for (uint32_t j = 0; j < pieces; j++)
        for (int c = 0; c < 3; c++) {
            columns[3 * j + c] = take(&p->memory, p->rows, sizeof **columns);
            for (uint64_t i = 0; i < p->rows; i++)
                columns[3 * j + c][i] = gl_ext_from_base(q[j * p->rows + i].c[c]);
        }
    commit(&p->memory, p->key, 3 * pieces, columns, &p->tree[AIR_TREE_QUOTIENT]);
}

static gl_ext join(const gl_ext *v)
{
    static const gl_ext x = {{0, 1, 0}}, xx = {{0, 0, 1}};

    return gl_ext_add(v[0], gl_ext_add(gl_ext_mul(x, v[1]), gl_ext_mul(xx, v[2])));
}

/* C(z) = (z^N - 1) sum of z^(jN) Q_j(z) is solved for the constant part of Q_0(z). */
static void lie_at_z(proving *p)
{
    const uint32_t pieces = air_quotients(p->a);
    gl_ext *q = p->at_z + p->at_z_count - 3 * pieces;
    const gl_ext zn = gl_ext_pow_var(p->z, p->rows);
    gl_ext want, power = one;
    p_err err;

    assert_int_equal(air_eval_point(p->a, &p->instance, p->log_rows, p->z, p->lambda, p->at_z,
                                    p->at_next, NULL, &want, &err),
                     P_OK);
    want = gl_ext_mul(want, gl_ext_inv(gl_ext_sub(zn, one)));
    for (uint32_t j = 0; j < pieces; j++, power = gl_ext_mul(power, zn))
        want = gl_ext_sub(want, gl_ext_mul(power, join(q + 3 * j)));
    q[0] = gl_ext_add(q[0], want);
}

static void open_at_z(proving *p)
{
    const gl_ext omega_z = gl_ext_scale(p->z, root(p->log_rows));
    gl_ext *z = p->at_z, *next = p->at_next;

    for (int t = 0; t < AIR_TREES; t++)
        for (uint32_t i = 0; i < p->a->trees[t].real; i++) {
            const gl_ext *column = p->tree[t].coefficients[real_column(&p->a->trees[t], i)];

            *z++ = at_point(column, p->rows, p->z);
            if (i < p->a->trees[t].next)
                *next++ = at_point(column, p->rows, omega_z);
        }
    if (p->cheat && p->cheat->lie_at_z)
        lie_at_z(p);
}

/* f_0 at every point, term by term: term number k of all has gamma^k, but for the order inside a
 * tree, where the first column has the highest power. */
static void make_deep(proving *p, gl_ext *f)
{
    const gl_ext omega_z = gl_ext_scale(p->z, root(p->log_rows));

    for (uint64_t i = 0; i < p->n; i++) {
        const gl_ext x = gl_ext_from_base(gl_mul(SHIFT, gl_pow_var(root(p->log_n), i)));
        const gl_ext over[2] = {gl_ext_inv(gl_ext_sub(x, p->z)),
                                gl_ext_inv(gl_ext_sub(x, omega_z))};
        uint64_t first = 0;

        f[i] = zero;
        for (int second = 0; second < 2; second++) {
            const gl_ext *v = second ? p->at_next : p->at_z;

            if (second && p->cheat && p->cheat->deep_overlap)
                first = 0;
            for (int t = 0; t < AIR_TREES; t++) {
                const air_tree_info *info = &p->a->trees[t];
                const uint64_t width =
                    second ? info->next_padded : (uint64_t)(info->columns + 7) / 8 * 8;

                for (uint32_t k = 0; k < (second ? info->next : info->real); k++) {
                    const uint32_t c = real_column(info, k);
                    const gl_ext value = gl_ext_from_base(p->tree[t].t.rows[i * info->columns + c]);
                    const gl_ext term = gl_ext_mul(gl_ext_sub(value, *v++), over[second]);

                    f[i] = gl_ext_add(
                        f[i], gl_ext_mul(term, gl_ext_pow_var(p->gamma, first + width - 1 - c)));
                }
                first += width;
            }
        }
    }
}

/* A layer's tree from its coefficients: leaf j has the points j + s n_k / 8. */
static void make_layer(proving *p, const gl_ext *coefficients, uint32_t log_points, gl_t shift,
                       tree *out)
{
    const uint64_t points = UINT64_C(1) << log_points, leaves = points / 8;
    gl_ext *values = take(&p->memory, points, sizeof *values);
    uint64_t *rows = take(&p->memory, leaves * 32, 8);

    memcpy(values, coefficients, points * sizeof *values);
    evaluate(values, log_points, shift);
    for (uint64_t j = 0; j < leaves; j++)
        for (uint64_t s = 0; s < 8; s++)
            memcpy(rows + 32 * j + 4 * s, values[j + s * leaves].c, 24);
    tree_make(&p->memory, &p->key->hash, &p->key->vk.params, 32, log_points - 3, rows, out);
}

static void put_query(proving *p, uint64_t index, const tree *layer, uint32_t layers)
{
    const drv_hash kind = p->key->hash.kind;

    for (int t = 0; t < AIR_TREES; t++) {
        const air_tree_info *info = &p->a->trees[t];
        const tree *from = &p->tree[t].t;

        if (info->real == 0)
            continue;
        for (uint32_t k = 0; k < info->real; k++)
            put(p, from->rows + index * from->columns + real_column(info, k), 1);
        p->out = put_path(from, kind, index, p->out);
    }
    for (uint32_t k = 0; k < layers; k++) {
        index %= UINT64_C(1) << layer[k].log_leaves;
        for (int s = 0; s < 8; s++)
            put(p, layer[k].rows + 32 * index + 4 * s, 3);
        p->out = put_path(&layer[k], kind, index, p->out);
    }
}

static uint64_t grind(const stark_transcript *t, uint32_t bits, bool wrong)
{
    for (uint64_t nonce = 0;; nonce++) {
        stark_transcript trial = *t;

        stark_absorb_words(&trial, "", &nonce, 1);
        if ((stark_squeeze_grinding(&trial) % (UINT64_C(1) << bits) != 0) == wrong)
            return nonce;
    }
}

/* FRI, grinding, queries. f: f_0 on the domain. */
static void prove_low_degree(proving *p, stark_transcript *t, gl_ext *f)
{
    const stark_params *params = &p->key->vk.params;
    uint32_t layers = 0, log_points = p->log_n, log_bound = p->log_rows;
    uint64_t indices[STARK_MAX_QUERIES], nonce;
    tree layer[STARK_MAX_LAYERS];
    gl_t shift = SHIFT;

    interpolate(f, p->log_n, SHIFT);
    for (; (1u << log_bound) > 32; log_bound -= 3, log_points -= 3, layers++) {
        gl_ext beta, power;

        make_layer(p, f, log_points, shift, &layer[layers]);
        put_cap(p, t, &layer[layers]);
        beta = challenge(t);
        if (p->cheat && p->cheat->wrong_fold == layers + 1)
            beta = gl_ext_add(beta, one);
        for (uint64_t i = 0; i < UINT64_C(1) << (log_points - 3); i++) {
            gl_ext sum = zero;

            power = one;
            for (int m = 0; m < 8; m++, power = gl_ext_mul(power, beta))
                sum = gl_ext_add(sum, gl_ext_mul(power, f[8 * i + m]));
            f[i] = sum;
        }
        shift = gl_pow_var(shift, 8);
    }
    if (p->cheat && p->cheat->wrong_final)
        f[0] = gl_ext_add(f[0], one);
    for (uint64_t i = 0; i < UINT64_C(1) << log_bound; i++)
        put(p, f[i].c, 3);
    stark_absorb_words(t, "", p->out - (UINT64_C(3) << log_bound), UINT64_C(3) << log_bound);
    nonce = grind(t, params->grinding_bits, p->cheat && p->cheat->wrong_nonce);
    put(p, &nonce, 1);
    stark_absorb_words(t, "", &nonce, 1);
    (void)stark_squeeze_grinding(t);
    stark_squeeze_indices(t, p->log_n, indices, params->queries);
    for (uint32_t q = 0; q < params->queries; q++)
        put_query(p, indices[q], layer, layers);
}

static void commit_trace(proving *p, stark_transcript *t, const drv_matrix *main)
{
    air_trace trace = {.log_rows = p->log_rows, .main = *main};
    p_err err;

    trace.fixed = p->cheat && p->cheat->fixed ? *p->cheat->fixed : p->key->fixed;
    if (trace.fixed.data)
        commit_matrix(&p->memory, p->key, &trace.fixed, &p->tree[AIR_TREE_FIXED]);
    commit_matrix(&p->memory, p->key, main, &p->tree[AIR_TREE_MAIN]);
    put_cap(p, t, &p->tree[AIR_TREE_MAIN].t);
    stark_squeeze_begin(t);
    for (int i = 0; i < AIR_CHALLENGES; i++)
        p->instance.challenges[i] = stark_squeeze_ext(t, "");
    if (p->a->trees[AIR_TREE_AUX].columns) {
        trace.aux = naive_matrix(p->a, AIR_TREE_AUX, p->log_rows);
        assert_int_equal(air_fill_aux(p->a, &p->instance, &trace, NULL, NULL, NULL, &err), P_OK);
        if (p->cheat && p->cheat->aux)
            p->cheat->aux(p->a, &trace.aux);
        commit_matrix(&p->memory, p->key, &trace.aux, &p->tree[AIR_TREE_AUX]);
        put_cap(p, t, &p->tree[AIR_TREE_AUX].t);
        free(trace.aux.data);
    }
}

void naive_prove(const naive_key *key, const drv_matrix *main, const uint64_t *publics,
                 const naive_cheat *cheat, stark_proof *out)
{
    const stark_params *params = &key->vk.params;
    proving p = {.key = key, .a = key->vk.air, .cheat = cheat, .log_rows = params->log_rows};
    stark_transcript t;
    stark_shape shape;
    gl_ext *f;

    stark_shape_compute(params, p.a, &shape);
    out->count = shape.words;
    out->words = p.out = malloc(8 * shape.words);
    assert_non_null(out->words);
    p.log_n = p.log_rows + params->log_blowup;
    p.rows = UINT64_C(1) << p.log_rows;
    p.n = UINT64_C(1) << p.log_n;
    p.instance.publics = publics;
    for (int i = 0; i < AIR_TREES; i++) {
        p.at_z_count += p.a->trees[i].real;
        p.at_next_count += p.a->trees[i].next;
    }
    p.at_z = take(&p.memory, p.at_z_count + p.at_next_count, sizeof *p.at_z);
    p.at_next = p.at_z + p.at_z_count;

    stark_transcript_init(&t, &key->hash);
    stark_absorb_digests(&t, "", key->vk.digest, 1);
    stark_absorb_words(&t, "", publics, p.a->definition.publics);
    commit_trace(&p, &t, main);
    p.lambda = challenge(&t);
    make_quotient(&p);
    put_cap(&p, &t, &p.tree[AIR_TREE_QUOTIENT].t);
    p.z = challenge(&t);
    open_at_z(&p);
    stark_absorb_words(&t, "", p.at_z[0].c, 3 * (uint64_t)(p.at_z_count + p.at_next_count));
    put(&p, p.at_z, 3 * (uint64_t)(p.at_z_count + p.at_next_count));
    p.gamma = challenge(&t);
    f = take(&p.memory, p.n, sizeof *f);
    make_deep(&p, f);
    prove_low_degree(&p, &t, f);
    assert_int_equal(p.out - out->words, out->count);
    release(&p.memory);
}
