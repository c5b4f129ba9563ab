/* Columns that are computed: fixed ones by the definition, those of the buses from the trace. */
#include "host/air/kernels.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_ROWS                                                                                  \
    1024 /* of one item of a parallel loop; AIR_MIN_LOG_ROWS gives at least one block */

static p_status run_items(p_pool *pool, size_t count, p_pool_item *item, void *arg,
                          const p_cancel *cancel)
{
    if (pool)
        return p_pool_run(pool, count, item, arg, cancel);
    for (size_t i = 0; i < count; i++) {
        p_status s = p_cancel_requested(cancel) ? P_ECANCELLED : item(arg, i, 0);

        if (s != P_OK)
            return s;
    }
    return P_OK;
}

static uint64_t *cell(const drv_matrix *m, uint64_t row, uint32_t column)
{
    return &m->data[(((uint64_t)(column / 8) << m->log_rows) + row) * 8 + column % 8];
}

/* ---- fixed columns ---- */

typedef struct fixed_loop {
    const air *a;
    drv_matrix *out;
    uint64_t rows, each;
} fixed_loop;

static p_status fixed_item(void *arg, size_t item, unsigned worker)
{
    const fixed_loop *l = arg;
    const air_definition *d = &l->a->definition;
    uint32_t number = 0;

    (void)worker;
    for (uint32_t i = 0; i < l->a->column_count; i++) {
        const air_column_info *c = &l->a->columns[i];

        if (c->tree != AIR_TREE_FIXED)
            continue;
        for (uint64_t row = item * l->each; row < (item + 1) * l->each; row++)
            *cell(l->out, row, c->position) =
                gl_from_u64(d->fixed(d->context, number, row, l->out->log_rows));
        number++;
    }
    return P_OK;
}

p_status air_fill_fixed(const air *a, p_pool *pool, const p_cancel *cancel, drv_matrix *out,
                        p_err *err)
{
    uint64_t rows = UINT64_C(1) << out->log_rows;
    fixed_loop l = {a, out, rows, rows < ITEM_ROWS ? rows : ITEM_ROWS};
    p_status s;

    if (out->columns != a->trees[AIR_TREE_FIXED].columns)
        return p_err_set(err, P_EINVAL, "AIR %s: a matrix of %u fixed columns, there are %u",
                         a->definition.name, out->columns, a->trees[AIR_TREE_FIXED].columns);
    s = run_items(pool, rows / l.each, fixed_item, &l, cancel);
    return s == P_OK ? P_OK : p_err_set(err, s, "fixed columns: %s", p_status_text(s));
}

/* ---- LogUp ---- */

typedef struct logup_worker {
    gl_t *scratch;      /* of the program */
    gl_t *d, *inverse;  /* of each interaction: three arrays of AIR_BLOCK rows */
    gl_t *multiplicity; /* one array */
} logup_worker;

typedef struct logup_loop {
    const air *a;
    const air_instance *instance;
    const air_trace *trace;
    drv_matrix aux;
    const air_kernels *kernels;
    air_program program; /* roots: interaction k's multiplicity, then its message */
    uint32_t *root_interaction, *root_value; /* value 0: multiplicity, i: x_i */
    gl_ext powers[AIR_MAX_ARITY + 1];
    logup_worker *workers;
    gl_ext *sums; /* of an item's fractions, then of all items before */
    uint64_t rows, each;
    uint32_t fractions; /* first column of them */
} logup_loop;

typedef struct logup_block {
    air_trace_block trace; /* first: what air_trace_leaf takes */
    const logup_loop *l;
    logup_worker *w;
} logup_block;

static void logup_root(const air_block *block, uint32_t root, bool ext, const gl_t *v, gl_ext u)
{
    const logup_block *b = block->context;
    uint32_t k = b->l->root_interaction[root], value = b->l->root_value[root];
    gl_t *m = b->w->multiplicity + (size_t)k * AIR_BLOCK;

    if (value > 0) {
        b->l->kernels->combine(b->w->d + 3 * (size_t)k * AIR_BLOCK, b->l->powers[value], ext, v, u);
        return;
    }
    for (uint32_t i = 0; i < block->rows; i++)
        m[i] = v ? v[i] : u.c[0];
}

static void put_ext(const drv_matrix *m, uint64_t row, uint32_t column, gl_ext v)
{
    for (uint32_t c = 0; c < 3; c++)
        *cell(m, row, column + c) = v.c[c];
}

static gl_ext get_ext(const drv_matrix *m, uint64_t row, uint32_t column)
{
    return (gl_ext){{*cell(m, row, column), *cell(m, row, column + 1), *cell(m, row, column + 2)}};
}

/* The fractions of an item's rows; the sum column gets each row's own sum, which sum_item turns
 * into running sums. */
static p_status fraction_item(void *arg, size_t item, unsigned worker)
{
    const logup_loop *l = arg;
    const air *a = l->a;
    logup_block b = {.trace = {.a = a, .trace = l->trace, .publics = l->instance->publics}, .l = l};
    air_block block = {
        .rows = AIR_BLOCK, .leaf = air_trace_leaf, .root = logup_root, .context = &b};
    gl_ext all = gl_ext_from_base(0);

    b.w = &l->workers[worker];
    for (uint64_t row = item * l->each; row < (item + 1) * l->each; row += AIR_BLOCK) {
        b.trace.first = row;
        for (uint32_t k = 0; k < a->interaction_count; k++) {
            uint32_t id = a->buses[a->interactions[k].bus].id;
            gl_ext start = gl_ext_add(l->instance->challenges[AIR_BETA], gl_ext_from_base(id));

            for (uint32_t i = 0; i < 3 * AIR_BLOCK; i++)
                b.w->d[3 * (size_t)k * AIR_BLOCK + i] = start.c[i / AIR_BLOCK];
        }
        air_program_run(&l->program, l->kernels, b.w->scratch, &block);
        l->kernels->inverses(b.w->inverse, b.w->d, a->interaction_count);
        for (uint32_t i = 0; i < AIR_BLOCK; i++) {
            gl_ext sum = gl_ext_from_base(0);

            for (uint32_t k = 0; k < a->interaction_count;) {
                uint32_t column = a->interactions[k].column;
                gl_ext phi = gl_ext_from_base(0);

                for (; k < a->interaction_count && a->interactions[k].column == column; k++) {
                    const gl_t *v = b.w->inverse + 3 * (size_t)k * AIR_BLOCK + i;
                    gl_ext inverse = {{v[0], v[AIR_BLOCK], v[2 * AIR_BLOCK]}};
                    gl_t m = b.w->multiplicity[(size_t)k * AIR_BLOCK + i];

                    phi = gl_ext_add(phi, gl_ext_scale(inverse, m));
                }
                put_ext(&l->aux, row + i, a->columns[column].position, phi);
                sum = gl_ext_add(sum, phi);
            }
            put_ext(&l->aux, row + i, a->columns[a->sum_column].position, sum);
            all = gl_ext_add(all, sum);
        }
    }
    l->sums[item] = all;
    return P_OK;
}

static p_status sum_item(void *arg, size_t item, unsigned worker)
{
    const logup_loop *l = arg;
    uint32_t position = l->a->columns[l->a->sum_column].position;
    gl_ext sum = l->sums[item];

    (void)worker;
    for (uint64_t row = item * l->each; row < (item + 1) * l->each; row++) {
        gl_ext own = get_ext(&l->aux, row, position);

        put_ext(&l->aux, row, position, sum);
        sum = gl_ext_add(sum, own);
    }
    return P_OK;
}

static p_status logup_memory(logup_loop *l, unsigned workers, p_err *err)
{
    const air *a = l->a;
    size_t cells = (size_t)a->interaction_count * AIR_BLOCK;
    uint32_t count = 0, *roots;
    p_status s = P_EEXHAUSTED;

    l->root_interaction = malloc(a->interaction_count * (AIR_MAX_ARITY + 1) * sizeof(uint32_t));
    l->root_value = malloc(a->interaction_count * (AIR_MAX_ARITY + 1) * sizeof(uint32_t));
    roots = malloc(a->interaction_count * (AIR_MAX_ARITY + 1) * sizeof(*roots));
    l->workers = calloc(workers, sizeof(*l->workers));
    l->sums = calloc(l->rows / l->each, sizeof(*l->sums));
    if (!l->root_interaction || !l->root_value || !roots || !l->workers || !l->sums)
        goto out;
    for (uint32_t k = 0; k < a->interaction_count; k++)
        for (uint32_t i = 0; i <= a->buses[a->interactions[k].bus].arity; i++, count++) {
            l->root_interaction[count] = k;
            l->root_value[count] = i;
            roots[count] = i ? a->interactions[k].message[i - 1] : a->interactions[k].multiplicity;
        }
    s = air_program_create(a, l->instance, roots, count, &l->program, err);
    if (s != P_OK)
        goto out;
    for (unsigned w = 0; w < workers; w++) {
        l->workers[w].scratch = malloc(air_program_scratch(&l->program) + 1);
        l->workers[w].d = malloc(6 * cells * sizeof(gl_t));
        l->workers[w].multiplicity = malloc(cells * sizeof(gl_t));
        if (!l->workers[w].scratch || !l->workers[w].d || !l->workers[w].multiplicity)
            s = P_EEXHAUSTED;
        else
            l->workers[w].inverse = l->workers[w].d + 3 * cells;
    }
out:
    free(roots);
    return s == P_OK
               ? P_OK
               : p_err_set(err, s, "AIR %s: no memory for the buses' columns", a->definition.name);
}

static void logup_free(logup_loop *l, unsigned workers)
{
    for (unsigned w = 0; l->workers && w < workers; w++) {
        free(l->workers[w].scratch);
        free(l->workers[w].d);
        free(l->workers[w].multiplicity);
    }
    if (l->program.a)
        air_program_destroy(&l->program);
    free(l->workers);
    free(l->sums);
    free(l->root_interaction);
    free(l->root_value);
}

static p_status check_trace(const air *a, const air_trace *t, p_err *err)
{
    const drv_matrix *m[] = {&t->fixed, &t->main, &t->aux};

    if (t->log_rows < a->min_log_rows || t->log_rows > AIR_MAX_LOG_ROWS)
        return p_err_set(err, P_EINVAL, "AIR %s: 2^%u rows, 2^%u to 2^%d are possible",
                         a->definition.name, t->log_rows, a->min_log_rows, AIR_MAX_LOG_ROWS);
    for (uint32_t i = 0; i < AIR_TREE_QUOTIENT; i++)
        if (a->trees[i].columns &&
            (!m[i]->data || m[i]->columns != a->trees[i].columns || m[i]->log_rows != t->log_rows))
            return p_err_set(err, P_EINVAL,
                             "AIR %s: tree %u of the trace has 2^%u x %u, expected 2^%u x %u",
                             a->definition.name, i, m[i]->log_rows, m[i]->columns, t->log_rows,
                             a->trees[i].columns);
    return P_OK;
}

p_status air_logup_fill(const air *a, const air_instance *instance, const air_trace *trace,
                        p_pool *pool, const p_cancel *cancel, gl_ext *total, p_err *err)
{
    unsigned workers = pool ? p_pool_threads(pool) : 1;
    logup_loop l = {.a = a, .instance = instance, .trace = trace, .aux = trace->aux};
    gl_ext sum = gl_ext_from_base(0);
    p_status s = check_trace(a, trace, err);

    if (total)
        *total = sum;
    if (s != P_OK || a->interaction_count == 0)
        return s;
    l.rows = UINT64_C(1) << trace->log_rows;
    l.each = l.rows < ITEM_ROWS ? l.rows : ITEM_ROWS;
    l.kernels = air_kernels_for(P_ISA_AVX512);
    l.powers[0] = gl_ext_from_base(1);
    for (uint32_t i = 1; i <= AIR_MAX_ARITY; i++)
        l.powers[i] = gl_ext_mul(l.powers[i - 1], instance->challenges[AIR_ALPHA]);
    s = logup_memory(&l, workers, err);
    if (s != P_OK)
        goto out;
    s = run_items(pool, l.rows / l.each, fraction_item, &l, cancel);
    for (uint64_t i = 0; i < l.rows / l.each; i++) {
        gl_ext own = l.sums[i];

        l.sums[i] = sum;
        sum = gl_ext_add(sum, own);
    }
    if (s == P_OK)
        s = run_items(pool, l.rows / l.each, sum_item, &l, cancel);
    if (s != P_OK)
        p_err_set(err, s, "columns of buses: %s", p_status_text(s));
    if (s == P_OK && total)
        *total = sum;
out:
    logup_free(&l, workers);
    return s;
}

p_status air_fill_aux(const air *a, const air_instance *instance, const air_trace *trace,
                      p_pool *pool, const p_cancel *cancel, gl_ext *total, p_err *err)
{
    const air_definition *d = &a->definition;
    p_status s = check_trace(a, trace, err);

    if (s == P_OK && d->aux) {
        drv_matrix aux = trace->aux;

        s = d->aux(d->context, a, trace->log_rows, &trace->fixed, &trace->main,
                   instance->challenges, &aux, err);
    }
    return s == P_OK ? air_logup_fill(a, instance, trace, pool, cancel, total, err) : s;
}
