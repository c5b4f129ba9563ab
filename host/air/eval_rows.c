#include "host/air/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Eight columns of a tree that are loaded at once: place of each in the leaves, or NONE. */
typedef struct column_load {
    air_tree tree;
    bool next;
    uint32_t block, slot[8];
} column_load;

#define NONE UINT32_MAX

struct air_evaluator {
    const air *a;
    air_program program;
    const air_kernels *kernels;
    const air_code_set *code; /* NULL: interpreted */
    char about[32];
    column_load *loads;
    uint32_t load_count;
    air_leaf *others; /* leaves that are no columns */
    uint32_t other_count;
    air_weight *weights; /* of the words of all constraints, for code */
    uint32_t log_rows, log_blowup;
    gl_t omega, last;     /* of order n; the trace's last point */
    gl_t *vanishing;      /* x^N - 1 at row i mod 2^log_blowup, then the inverses */
    gl_t *factor;         /* the same over N */
    gl_t **periodic;      /* of each, period << log_blowup values */
    gl_t **public_column; /* by node; NULL for others */
    gl_ext *powers;       /* lambda^i by constraint */
    gl_t *scratch;        /* of each worker */
    size_t scratch_words;
    unsigned workers;
};

/* ---- tables ---- */

/* A column of period P on the domain: its polynomial at (7 omega_n^i)^(N/P), which has period
 * P 2^log_blowup in i. */
static gl_t *periodic_table(const air_evaluator *e, const struct air_periodic_info *p)
{
    uint32_t log = (uint32_t)__builtin_ctz(p->period), count = p->period << e->log_blowup;
    gl_t *out = malloc(count * sizeof(*out)), coefficient[AIR_MAX_PERIOD];
    gl_t inverse = gl_inv(gl_root_of_unity(log)), over = gl_inv(p->period), step, at;

    if (!out)
        return NULL;
    for (uint32_t k = 0; k < p->period; k++) {
        gl_t x = gl_pow_var(inverse, k), sum = 0;

        for (uint32_t i = p->period; i-- > 0;)
            sum = gl_add(gl_mul(sum, x), p->values[i]);
        coefficient[k] = gl_mul(sum, over);
    }
    at = gl_pow_var(7, UINT64_C(1) << (e->log_rows - log));
    step = gl_root_of_unity(log + e->log_blowup);
    for (uint32_t i = 0; i < count; i++, at = gl_mul(at, step)) {
        out[i] = 0;
        for (uint32_t k = p->period; k-- > 0;)
            out[i] = gl_add(gl_mul(out[i], at), coefficient[k]);
    }
    return out;
}

static p_status public_table(const air_evaluator *e, const air_instance *in, const air_node *n,
                             drv_device *device, gl_t *values, p_err *err)
{
    drv_job job = {.op = DRV_NTT};
    p_status s;

    job.ntt = (drv_ntt_job){.field = DRV_GOLDILOCKS,
                            .layout = DRV_COLUMNS,
                            .inverse = true,
                            .log_n = e->log_rows,
                            .columns = 1,
                            .data = values,
                            .shift = {1}};
    memcpy(values, in->publics + n->a, n->b * sizeof(*values));
    s = drv_run(device, &job, 600000, err);
    if (s != P_OK)
        return s;
    job.ntt.inverse = false;
    job.ntt.log_n += e->log_blowup;
    job.ntt.shift[0] = 7;
    return drv_run(device, &job, 600000, err);
}

static p_status tables(air_evaluator *e, const air_instance *in, drv_device *device, p_err *err)
{
    const air *a = e->a;
    uint32_t blowup = UINT32_C(1) << e->log_blowup;
    gl_t at = gl_pow_var(7, UINT64_C(1) << e->log_rows), step = gl_root_of_unity(e->log_blowup);
    gl_t over = gl_inv(UINT64_C(1) << e->log_rows);

    for (uint32_t i = 0; i < blowup; i++, at = gl_mul(at, step)) {
        /* not 0: 7 is no power of a root of unity of order 2^k */
        e->vanishing[i] = gl_sub(at, 1);
        e->vanishing[blowup + i] = gl_inv(e->vanishing[i]);
        e->factor[i] = gl_mul(e->vanishing[i], over);
    }
    for (uint32_t i = 0; i < a->periodic_count; i++) {
        e->periodic[i] = periodic_table(e, &a->periodic[i]);
        if (!e->periodic[i])
            return p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory for periodic columns",
                             a->definition.name);
    }
    for (uint32_t i = 0; i < a->node_count; i++) {
        p_status s;
        void *p;

        if (a->nodes[i].op != AIR_PUBLIC_COLUMN)
            continue;
        if (!device)
            return p_err_set(err, P_EINVAL, "AIR %s: its public columns need a device",
                             a->definition.name);
        p = aligned_alloc(64, sizeof(gl_t) << (e->log_rows + e->log_blowup));
        if (!p)
            return p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory for public columns",
                             a->definition.name);
        memset(p, 0, sizeof(gl_t) << (e->log_rows + e->log_blowup));
        e->public_column[i] = p;
        s = public_table(e, in, &a->nodes[i], device, e->public_column[i], err);
        if (s != P_OK) {
            p_err_prefix(err, "AIR %s: public columns", a->definition.name);
            return s;
        }
    }
    return P_OK;
}

/* ---- plan ---- */

static column_load *load_of(air_evaluator *e, const air_column_info *c, uint32_t column, bool next)
{
    column_load *x;

    for (uint32_t i = 0; i < e->load_count; i++)
        if (e->loads[i].tree == c->tree && e->loads[i].next == next &&
            e->loads[i].block == column / 8)
            return &e->loads[i];
    x = &e->loads[e->load_count++];
    *x = (column_load){.tree = c->tree, .next = next, .block = column / 8};
    for (int k = 0; k < 8; k++)
        x->slot[k] = NONE;
    return x;
}

static p_status plan(air_evaluator *e, p_err *err)
{
    const air_program *p = &e->program;
    uint32_t blocks = 0;

    for (uint32_t t = 0; t < AIR_TREE_QUOTIENT; t++)
        blocks += 2 * (uint32_t)drv_blocks(e->a->trees[t].columns);
    if (e->a->definition.code && e->a->definition.code->leaves != p->leaf_slots)
        return p_err_set(err, P_EINTERNAL,
                         "AIR %s: its code reads %u values of a row, there are %u",
                         e->a->definition.name, e->a->definition.code->leaves, p->leaf_slots);
    e->loads = calloc(blocks, sizeof(*e->loads));
    e->others = calloc((size_t)p->leaf_count + 1, sizeof(*e->others));
    if (!e->loads || !e->others)
        return p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory for evaluation",
                         e->a->definition.name);
    for (uint32_t i = 0; i < p->leaf_count; i++) {
        const air_node *n = &e->a->nodes[p->leaves[i].node];
        const air_column_info *c = &e->a->columns[n->a];

        if (n->op != AIR_COLUMN) {
            e->others[e->other_count++] = p->leaves[i];
            continue;
        }
        for (uint32_t k = 0; k < c->width; k++) {
            uint32_t column = c->position + k;

            load_of(e, c, column, n->b != 0)->slot[column % 8] = p->leaves[i].slot + k;
        }
    }
    return P_OK;
}

static size_t scratch_words(const air_evaluator *e)
{
    const air_code *code = e->a->definition.code;
    size_t words = (size_t)air_program_scratch(&e->program) / sizeof(gl_t);
    size_t compiled = code ? ((size_t)code->leaves + code->temps) * AIR_BLOCK : 0;

    return words > compiled ? words : compiled;
}

static void set_weights(air_evaluator *e)
{
    air_weight *w = e->weights;

    for (uint32_t i = 0; i < e->a->constraint_count; i++) {
        gl_ext power = e->powers[i], x = {{0, 1, 0}};
        uint32_t words = e->a->nodes[e->a->constraints[i].node].ext ? 3 : 1;

        for (uint32_t k = 0; k < words; k++, w++, power = gl_ext_mul(power, x)) {
            gl_line_weight_set(&w->limbs, power);
            memcpy(w->word, power.c, sizeof(w->word));
        }
    }
}

void air_evaluator_select(air_evaluator *e, p_isa isa, bool compiled)
{
    const air_code *code = e->a->definition.code;
    p_isa level = isa < P_ISA_AVX512 ? isa : P_ISA_AVX512;

    e->kernels = air_kernels_for(level);
    e->code = NULL;
    while (compiled && code && !(p_isa_supported(level) && code->set[level])) {
        if (level == P_ISA_PORTABLE)
            compiled = false;
        else
            level--;
    }
    if (compiled && code)
        e->code = code->set[level];
    snprintf(e->about, sizeof(e->about), "%s%s", e->code ? p_isa_name(level) : e->kernels->isa,
             e->code ? "" : ", interpreted");
}

const char *air_evaluator_about(const air_evaluator *e)
{
    return e->about;
}

p_status air_evaluator_create(const air *a, const air_instance *instance, uint32_t log_rows,
                              uint32_t log_blowup, gl_ext lambda, unsigned workers,
                              drv_device *device, air_evaluator **out, p_err *err)
{
    air_evaluator *e;
    uint32_t *roots;
    p_status s;

    *out = NULL;
    if (log_rows < a->min_log_rows || log_rows > AIR_MAX_LOG_ROWS || log_blowup < 1 ||
        log_blowup > 8 || workers == 0)
        return p_err_set(err, P_EINVAL, "AIR %s: 2^%u rows (2^%u to 2^%d), blow-up 2^%u (to 2^8)",
                         a->definition.name, log_rows, a->min_log_rows, AIR_MAX_LOG_ROWS,
                         log_blowup);
    e = calloc(1, sizeof(*e));
    roots = malloc(a->constraint_count * sizeof(*roots));
    if (!e || !roots) {
        s = p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory", a->definition.name);
        goto fail;
    }
    e->a = a;
    e->log_rows = log_rows;
    e->log_blowup = log_blowup;
    e->workers = workers;
    e->omega = gl_root_of_unity(log_rows + log_blowup);
    e->last = gl_inv(gl_root_of_unity(log_rows));
    for (uint32_t i = 0; i < a->constraint_count; i++)
        roots[i] = a->constraints[i].node;
    s = air_program_create(a, instance, roots, a->constraint_count, &e->program, err);
    if (s != P_OK)
        goto fail;
    s = plan(e, err);
    if (s != P_OK)
        goto fail;
    e->scratch_words = scratch_words(e);
    e->vanishing = malloc((sizeof(gl_t) * 2) << log_blowup);
    e->factor = malloc(sizeof(gl_t) << log_blowup);
    e->periodic = calloc(a->periodic_count + 1, sizeof(*e->periodic));
    e->public_column = calloc(a->node_count, sizeof(*e->public_column));
    e->powers = malloc(a->constraint_count * sizeof(*e->powers));
    e->weights = malloc(3 * (size_t)a->constraint_count * sizeof(*e->weights));
    e->scratch = aligned_alloc(64, workers * e->scratch_words * sizeof(gl_t));
    if (!e->vanishing || !e->factor || !e->periodic || !e->public_column || !e->powers ||
        !e->weights || !e->scratch) {
        s = p_err_set(err, P_EEXHAUSTED, "AIR %s: no memory for evaluation", a->definition.name);
        goto fail;
    }
    for (uint32_t i = 0; i < a->constraint_count; i++)
        e->powers[i] = i ? gl_ext_mul(e->powers[i - 1], lambda) : gl_ext_from_base(1);
    set_weights(e);
    air_evaluator_select(e, P_ISA_AVX512, true);
    s = tables(e, instance, device, err);
    if (s != P_OK)
        goto fail;
    free(roots);
    *out = e;
    return P_OK;
fail:
    free(roots);
    air_evaluator_destroy(e);
    return s;
}

void air_evaluator_destroy(air_evaluator *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; e->periodic && i < e->a->periodic_count; i++)
        free(e->periodic[i]);
    for (uint32_t i = 0; e->public_column && i < e->a->node_count; i++)
        free(e->public_column[i]);
    if (e->program.a)
        air_program_destroy(&e->program);
    free(e->vanishing);
    free(e->factor);
    free(e->periodic);
    free(e->public_column);
    free(e->powers);
    free(e->weights);
    free(e->loads);
    free(e->others);
    free(e->scratch);
    free(e);
}

uint64_t air_evaluator_bytes(const air *a, uint32_t log_rows, uint32_t log_blowup, unsigned workers)
{
    /* as if no slot were used twice; small beside the public columns and the matrices */
    uint64_t bytes = (uint64_t)a->node_count * (workers * UINT64_C(3) * AIR_BLOCK * sizeof(gl_t) +
                                                2 * sizeof(air_instr) + sizeof(gl_ext));

    for (uint32_t i = 0; i < a->node_count; i++)
        if (a->nodes[i].op == AIR_PUBLIC_COLUMN)
            bytes += sizeof(gl_t) << (log_rows + log_blowup);
    return bytes;
}

/* ---- rows ---- */

typedef struct rows_block {
    const air_evaluator *e;
    const air_rows *here, *next;
    uint64_t first, offset; /* row of the domain; of the call's arrays */
    gl_t x[AIR_BLOCK], selector_first[AIR_BLOCK], selector_last[AIR_BLOCK];
    gl_t sum[3 * AIR_BLOCK];
} rows_block;

/* A leaf that is no column. */
static void leaf(const rows_block *b, uint32_t rows, const air_node *n, gl_t *out)
{
    const air_evaluator *e = b->e;

    switch ((air_op)n->op) {
    case AIR_PERIODIC: {
        uint64_t mask = (e->a->periodic[n->a].period << e->log_blowup) - 1;

        for (uint32_t i = 0; i < rows; i++)
            out[i] = e->periodic[n->a][(b->first + i) & mask];
        break;
    }
    case AIR_FIRST:
        memcpy(out, b->selector_first, rows * sizeof(*out));
        break;
    case AIR_LAST:
        memcpy(out, b->selector_last, rows * sizeof(*out));
        break;
    default: /* AIR_PUBLIC_COLUMN */
        memcpy(out, e->public_column[n - e->a->nodes] + b->first, rows * sizeof(*out));
        break;
    }
}

/* The last block of a matrix with row-major rows may have fewer columns than eight: then it is read
 * column by column. */
static void load(const air_evaluator *e, const column_load *x, const uint64_t *from,
                 uint64_t stride, uint32_t rows, gl_t *const out[8])
{
    uint32_t width = e->a->trees[x->tree].columns - 8 * x->block;

    if (width >= 8 || stride % 8 == 0) {
        e->kernels->columns(out, from, stride, rows);
        return;
    }
    for (uint32_t c = 0; c < width; c++)
        for (uint32_t i = 0; out[c] && i < rows; i++)
            out[c][i] = from[i * stride + c];
}

static void leaves(const rows_block *b, gl_t *scratch, uint32_t rows)
{
    const air_evaluator *e = b->e;

    if (rows < AIR_BLOCK)
        memset(scratch, 0, (size_t)e->program.leaf_slots * AIR_BLOCK * sizeof(*scratch));
    for (uint32_t i = 0; i < e->load_count; i++) {
        const column_load *x = &e->loads[i];
        const air_rows *from = (x->next ? b->next : b->here) + x->tree;
        gl_t *out[8];

        for (int c = 0; c < 8; c++)
            out[c] = x->slot[c] == NONE ? NULL : scratch + (size_t)x->slot[c] * AIR_BLOCK;
        load(e, x, from->data + b->offset * from->row_stride + x->block * from->block_stride,
             from->row_stride, rows, out);
    }
    for (uint32_t i = 0; i < e->other_count; i++)
        leaf(b, rows, &e->a->nodes[e->others[i].node],
             scratch + (size_t)e->others[i].slot * AIR_BLOCK);
}

static void combine(const air_block *block, uint32_t root, bool ext, const gl_t *v, gl_ext u)
{
    rows_block *b = block->context;

    b->e->kernels->combine(b->sum, b->e->powers[root], ext, v, u);
}

static void run(const air_evaluator *e, gl_t *scratch, const air_block *block, gl_t *sum)
{
    air_code_args x = {.leaves = scratch,
                       .temps = scratch + (size_t)e->program.leaf_slots * AIR_BLOCK,
                       .uniforms = e->program.uniform,
                       .weights = e->weights,
                       .sum = sum};

    if (!e->code)
        e->kernels->run(&e->program, scratch, block);
    for (uint32_t i = 0; e->code && i < e->code->count; i++)
        e->code->functions[i](&x);
}

/* L_0 and L_{N-1} on the block: (x^N - 1) / (N (x - 1)) and omega^-1 (x^N - 1) / (N (x -
 * omega^-1)). x is no power of omega. */
static void selectors(rows_block *b, uint32_t rows)
{
    const air_evaluator *e = b->e;
    gl_t last = e->last, run = 1, inverse;
    gl_t before[AIR_BLOCK], at = gl_mul(7, gl_pow_var(e->omega, b->first));

    for (uint32_t i = 0; i < rows; i++, at = gl_mul(at, e->omega)) {
        b->x[i] = at;
        before[i] = run;
        run = gl_mul(run, gl_mul(gl_sub(at, 1), gl_sub(at, last)));
    }
    inverse = gl_inv(run);
    for (uint32_t i = rows; i-- > 0;) {
        gl_t x_1 = gl_sub(b->x[i], 1), x_last = gl_sub(b->x[i], last);
        gl_t both = gl_mul(inverse, before[i]); /* 1 / (x_1 x_last) */
        gl_t factor = e->factor[(b->first + i) & ((UINT64_C(1) << e->log_blowup) - 1)];

        b->selector_first[i] = gl_mul(factor, gl_mul(both, x_last));
        b->selector_last[i] = gl_mul(gl_mul(factor, last), gl_mul(both, x_1));
        inverse = gl_mul(inverse, gl_mul(x_1, x_last));
    }
}

void air_eval_rows(const air_evaluator *e, unsigned worker, const air_rows here[AIR_TREE_QUOTIENT],
                   const air_rows next[AIR_TREE_QUOTIENT], uint64_t first, uint64_t count,
                   bool divide, uint64_t *const out[3])
{
    rows_block b = {.e = e, .here = here, .next = next};
    air_block block = {.root = combine, .context = &b};
    gl_t *scratch = e->scratch + worker * e->scratch_words;
    uint64_t blowup = UINT64_C(1) << e->log_blowup;

    for (uint64_t at = 0; at < count; at += block.rows) {
        block.rows = (uint32_t)(count - at < AIR_BLOCK ? count - at : AIR_BLOCK);
        b.first = first + at;
        b.offset = at;
        selectors(&b, block.rows);
        memset(b.sum, 0, sizeof(b.sum));
        leaves(&b, scratch, block.rows);
        run(e, scratch, &block, b.sum);
        for (uint32_t i = 0; i < block.rows; i++) {
            gl_t over = divide ? e->vanishing[blowup + ((b.first + i) & (blowup - 1))] : 1;

            for (unsigned c = 0; c < 3; c++)
                out[c][at + i] = gl_mul(b.sum[c * AIR_BLOCK + i], over);
        }
    }
}
