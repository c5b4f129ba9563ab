/* The Goldilocks jobs of kernels.h as plans over blocks: which threads take what, and the layouts
 * that are not rows of eight columns. */
#include "driver/cpu/gl_ntt_pass.h"

#include <string.h>

#define ROW GL_NTT_LANES
#define LOG_TOGETHER 14 /* up to so many rows a thread takes whole blocks */
#define LOG_GATHER 9    /* shorter columns are gathered into blocks of eight */
#define LOG_SCALE 10    /* rows of an item that only scales */

/* Blocks with one plan. */
typedef struct batch {
    const cpu_run *run;
    const gl_ntt_plan *plan;
    unsigned passes;
    uint64_t count;
    const uint64_t *in;
    uint64_t *out;
    uint64_t in_words, out_words; /* of a block */
    uint64_t *scratch;            /* NATURAL; one block, or one for each worker */
    uint64_t scratch_words;       /* from one worker's to the next */
    unsigned last_columns;        /* of the last block */
    /* the pass that runs over the tiles of one block */
    uint64_t block;
    unsigned pass;
} batch;

static gl_ntt_block block_of(const batch *b, uint64_t i, unsigned worker)
{
    return (gl_ntt_block){
        .in = b->in + i * b->in_words,
        .out = b->out + i * b->out_words,
        .scratch = b->scratch ? b->scratch + worker * b->scratch_words : NULL,
        .columns = i + 1 == b->count ? b->last_columns : ROW,
    };
}

static p_status one_tile(void *arg, size_t item, unsigned worker)
{
    const batch *b = arg;
    gl_ntt_block block = block_of(b, b->block, 0);
    size_t tiles = gl_ntt_plan_tiles(b->plan, b->pass), parts = p_pool_threads(b->run->pool);

    /* Threads that take neighbouring tiles would fetch each other's lines ahead. Tiles are a power
     * of two, so parts that are one, too, divide them. */
    parts = (size_t)1 << (63 - __builtin_clzll(parts));
    if (tiles > parts)
        item = item % parts * (tiles / parts) + item / parts;
    gl_ntt_pass_tile(b->plan, b->pass, item, &block, worker);
    return P_OK;
}

static p_status one_block(void *arg, size_t item, unsigned worker)
{
    const batch *b = arg;
    gl_ntt_block block = block_of(b, item, worker);

    for (unsigned pass = 0; pass < b->passes; pass++) {
        size_t tiles = gl_ntt_plan_tiles(b->plan, pass);

        for (size_t t = 0; t < tiles; t++)
            gl_ntt_pass_tile(b->plan, pass, t, &block, worker);
    }
    return P_OK;
}

/* Whole blocks for each thread: where a block is little work, unless that leaves threads idle. */
static bool whole_blocks(const cpu_run *run, unsigned log_rows, uint64_t count)
{
    return log_rows <= 10 ||
           (log_rows <= LOG_TOGETHER && count >= 4 * (uint64_t)p_pool_threads(run->pool));
}

/* Fresh memory becomes pages, two megabytes an item: in the passes all threads would meet at the
 * same pages, and the system clears a page for each of them to keep one. */
#define TOUCH_WORDS ((uint64_t)1 << 18)

typedef struct touching {
    uint64_t *data;
    uint64_t words;
} touching;

static p_status touch_item(void *arg, size_t item, unsigned worker)
{
    const touching *t = arg;
    uint64_t end = (item + 1) * TOUCH_WORDS;

    (void)worker;
    for (uint64_t i = item * TOUCH_WORDS; i < end && i < t->words; i += 4096 / sizeof(uint64_t))
        t->data[i] = 0;
    return P_OK;
}

/* What data holds is lost. */
static p_status touch(const cpu_run *run, uint64_t *data, uint64_t words)
{
    touching t = {data, words};

    if (words < 2 * TOUCH_WORDS || p_pool_threads(run->pool) == 1)
        return P_OK;
    return p_pool_run(run->pool, (words + TOUCH_WORDS - 1) / TOUCH_WORDS, touch_item, &t,
                      run->cancel);
}

static p_status run_batch(batch *b, bool whole)
{
    p_status s;

    if (whole)
        return p_pool_run(b->run->pool, b->count, one_block, b, b->run->cancel);
    for (b->block = 0; b->block < b->count; b->block++)
        for (b->pass = 0; b->pass < b->passes; b->pass++) {
            s = p_pool_run(b->run->pool, gl_ntt_plan_tiles(b->plan, b->pass), one_tile, b,
                           b->run->cancel);
            if (s != P_OK)
                return s;
        }
    return P_OK;
}

/* ---- extension ---- */

static gl_ntt_shape extension(drv_input input, uint32_t log_rows, uint32_t log_blowup)
{
    return (gl_ntt_shape){.kind = GL_NTT_EXTEND,
                          .inverse = input == DRV_VALUES,
                          .log_n = log_rows,
                          .expand = log_blowup,
                          .shift = 7,
                          .factor = 1};
}

/* Of one row: the polynomials are constants. */
static void extend_constants(const uint64_t *in, uint64_t *out, size_t rows, unsigned columns)
{
    for (size_t i = 0; i < rows; i++)
        for (unsigned l = 0; l < ROW; l++)
            out[i * ROW + l] = l < columns ? gl_from_u64(in[l]) : 0;
}

p_status cpu_gl_lde(const cpu_run *run, const drv_matrix *in, drv_input input, uint32_t log_blowup,
                    const drv_matrix *out, uint64_t first, uint64_t count, p_err *err)
{
    gl_ntt_shape shape = extension(input, in->log_rows, log_blowup);
    uint64_t blocks = drv_blocks(in->columns);
    batch b = {.run = run, .count = count};
    gl_ntt_plan *plan = NULL;
    p_status s;

    if (count == 0)
        return P_OK;
    b.in_words = (uint64_t)ROW << in->log_rows;
    b.out_words = b.in_words << log_blowup;
    b.in = in->data + first * b.in_words;
    b.out = out->data + first * b.out_words;
    b.last_columns = ROW;
    if (first + count == blocks)
        b.last_columns = in->columns - (unsigned)(blocks - 1) * ROW;
    if (in->log_rows == 0) {
        for (uint64_t i = 0; i < count; i++)
            extend_constants(b.in + i * b.in_words, b.out + i * b.out_words,
                             (size_t)1 << log_blowup, i + 1 == count ? b.last_columns : ROW);
        return P_OK;
    }
    s = gl_ntt_plan_create(run, &shape, &plan, err);
    if (s != P_OK)
        return s;
    b.plan = plan;
    b.passes = gl_ntt_plan_passes(&shape);
    s = run_batch(&b, whole_blocks(run, in->log_rows + log_blowup, count));
    gl_ntt_plan_destroy(run, plan);
    return s == P_OK ? P_OK : p_err_set(err, s, "Goldilocks extension: cancelled");
}

uint64_t cpu_gl_lde_scratch(const cpu_run *run, uint32_t log_rows, uint32_t log_blowup)
{
    gl_ntt_shape shape = extension(DRV_VALUES, log_rows, log_blowup);

    return log_rows == 0 ? 0 : gl_ntt_plan_bytes(&shape, p_pool_threads(run->pool));
}

/* ---- transforms ---- */

/* How a DRV_NTT job is carried out. */
typedef struct transform {
    const cpu_run *run;
    const drv_ntt_job *job;
    gl_ntt_shape shape;     /* of the rows */
    bool gather, lanes;     /* columns: eight at a time in a buffer, or one with its own elements */
    bool whole;             /* each thread takes whole blocks */
    uint64_t blocks;        /* of the batch */
    uint64_t scratch_words; /* of one worker, and for how many: */
    unsigned scratches;
    gl_t shift; /* of the result of an inverse, inverted */
    uint64_t *scratch;
    gl_ntt_plan *plan;
    gl_t *base; /* lanes: factors of each eight rows */
    uint64_t base_count;
} transform;

static transform describe(const cpu_run *run, const drv_ntt_job *job)
{
    transform t = {.run = run, .job = job, .scratches = 1, .shift = 1};
    bool columns = job->layout == DRV_COLUMNS;
    gl_t shift = gl_from_u64(job->shift[0]), n_inverse;

    t.gather = columns && job->log_n < LOG_GATHER;
    t.lanes = columns && !t.gather;
    t.shape.log_n = t.lanes ? job->log_n - 3 : job->log_n;
    t.shape.kind = job->in_order == DRV_BIT_REVERSED    ? GL_NTT_TIME
                   : job->out_order == DRV_BIT_REVERSED ? GL_NTT_FREQUENCY
                                                        : GL_NTT_NATURAL;
    t.shape.inverse = job->inverse;
    t.shape.shift = t.shape.factor = 1;
    if (job->inverse) {
        n_inverse = gl_inv(gl_pow_var(2, job->log_n));
        t.shape.factor = n_inverse;
        t.shift = shift == 1 ? 1 : gl_inv(shift);
    } else {
        /* lanes: element 8 r + l, so that rows in frequency have shift^(8 r); in time the rows
         * come after the lanes and have the values at shift * omega^k */
        t.shape.shift = t.lanes && t.shape.kind != GL_NTT_TIME ? gl_pow_var(shift, 8) : shift;
    }
    t.blocks = t.lanes ? job->columns : drv_blocks(job->columns);
    t.whole = t.gather || (!t.lanes && whole_blocks(run, t.shape.log_n, t.blocks));
    if (t.whole)
        t.scratches = p_pool_threads(run->pool);
    if (t.gather)
        t.scratch_words = (uint64_t)ROW << job->log_n;
    else if (t.shape.kind == GL_NTT_NATURAL && (t.lanes || gl_ntt_plan_passes(&t.shape) > 1))
        t.scratch_words = (uint64_t)ROW << t.shape.log_n;
    t.base_count = t.lanes ? (uint64_t)1 << (job->log_n - 6) : 0;
    return t;
}

uint64_t cpu_gl_ntt_scratch(const cpu_run *run, const drv_ntt_job *job)
{
    transform t = describe(run, job);
    uint64_t words = t.scratch_words * t.scratches + t.base_count;

    if (job->log_n == 0)
        return 0;
    return gl_ntt_plan_bytes(&t.shape, p_pool_threads(run->pool)) + words * sizeof(uint64_t) +
           2 * P_MEMORY_ALIGN;
}

/* base[g] for g below 2^bits: root^g at place g, or at g reversed; times first. */
static void fill_base(gl_t *base, unsigned bits, bool reversed, gl_t first, gl_t root)
{
    gl_t power[32];

    power[0] = root;
    for (unsigned i = 1; i < bits; i++)
        power[i] = gl_sqr(power[i - 1]);
    base[0] = first;
    for (unsigned i = 0; i < bits; i++)
        for (uint64_t g = 0; g < (uint64_t)1 << i; g++)
            base[g + ((uint64_t)1 << i)] = gl_mul(base[g], power[reversed ? bits - 1 - i : i]);
}

/* One pass of eight-point transforms along the rows of a column. */
typedef struct lane_pass {
    const transform *t;
    const uint64_t *in;
    uint64_t *out;
    gl_t lane[8], before[8];
    uint64_t groups, groups_item;
    uint64_t column_words;
} lane_pass;

static void lane_range(const lane_pass *l, const uint64_t *in, uint64_t *out, uint64_t first,
                       uint64_t count)
{
    const transform *t = l->t;
    const gl_ntt_ops *ops = gl_ntt_plan_ops(t->plan);
    const gl_t *base = t->base + first;

    if (t->shape.kind == GL_NTT_TIME)
        ops->lanes_first(out + 64 * first, count, base, l->lane, l->before, t->job->inverse);
    else if (t->shape.kind == GL_NTT_FREQUENCY)
        ops->lanes_last(in + 64 * first, out + 64 * first, 0, count, base, l->lane,
                        t->job->inverse);
    else
        ops->lanes_last(in + 64 * first, out + 8 * first, (size_t)1 << t->shape.log_n, count, base,
                        l->lane, t->job->inverse);
}

static p_status lane_item(void *arg, size_t item, unsigned worker)
{
    const lane_pass *l = arg;
    uint64_t first = item * l->groups_item;

    (void)worker;
    lane_range(l, l->in, l->out, first, l->groups_item);
    return P_OK;
}

/* What differs between the groups, rows and elements of a column of 2^log_n = 8 * rows. In
 * frequency element l of the row whose index among the results is u has the factor (shift
 * omega^u)^l; in time output l of the row that holds the coefficients u + rows * reversed element
 * has omega^(u l), and those coefficients come with shift^(rows * reversed element). */
static void lane_factors(const transform *t, gl_t shift, lane_pass *l)
{
    unsigned log_n = t->job->log_n;
    bool inverse = t->job->inverse, natural = t->shape.kind == GL_NTT_NATURAL;
    bool time = t->shape.kind == GL_NTT_TIME;
    gl_t root = gl_ntt_root(log_n, inverse), sixty_four = gl_ntt_root(6, inverse), s = shift;

    for (unsigned i = 0; i < t->shape.log_n; i++)
        s = gl_sqr(s);
    for (unsigned i = 0; i < 8; i++) {
        l->lane[i] = natural ? gl_pow_var(root, i) : gl_pow_var(sixty_four, gl_ntt_reverse(i, 3));
        l->before[i] = gl_pow_var(s, i);
    }
    fill_base(t->base, log_n - 6, !natural, time ? 1 : shift, natural ? gl_pow_var(root, 8) : root);
}

static p_status run_lanes(const transform *t)
{
    const drv_ntt_job *job = t->job;
    const cpu_run *run = t->run;
    gl_t shift = job->inverse ? 1 : gl_from_u64(job->shift[0]);
    uint64_t words = (uint64_t)1 << job->log_n;
    bool natural = t->shape.kind == GL_NTT_NATURAL, time = t->shape.kind == GL_NTT_TIME;
    p_status s = P_OK;
    lane_pass l = {.t = t, .groups = words / 64};

    l.groups_item = l.groups < 64 ? l.groups : 64;
    lane_factors(t, shift, &l);
    for (uint32_t c = 0; c < job->columns && s == P_OK; c++) {
        uint64_t *column = job->data + c * words;
        batch b = {.run = run,
                   .plan = t->plan,
                   .passes = gl_ntt_plan_passes(&t->shape),
                   .count = 1,
                   .in = column,
                   .out = column,
                   .scratch = column,
                   .last_columns = ROW};

        l.in = l.out = column;
        if (natural) /* the rows end in scratch, so that their eight-point transforms come back */
            l.in = b.out = t->scratch;
        if (time)
            s = p_pool_run(run->pool, l.groups / l.groups_item, lane_item, &l, run->cancel);
        if (s == P_OK)
            s = run_batch(&b, false);
        if (s == P_OK && !time)
            s = p_pool_run(run->pool, l.groups / l.groups_item, lane_item, &l, run->cancel);
    }
    return s;
}

/* Eight short columns in a block of a worker's. */
static p_status gather_item(void *arg, size_t item, unsigned worker)
{
    const transform *t = arg;
    uint64_t n = (uint64_t)1 << t->job->log_n, *rows = t->scratch + worker * t->scratch_words;
    uint64_t *data = t->job->data + item * ROW * n;
    uint64_t columns = t->job->columns - item * ROW;
    gl_ntt_block block = {.in = rows, .out = rows, .columns = ROW};

    if (columns > ROW)
        columns = ROW;
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t c = 0; c < ROW; c++)
            rows[i * ROW + c] = c < columns ? data[c * n + i] : 0;
    for (size_t tile = 0; tile < gl_ntt_plan_tiles(t->plan, 0); tile++)
        gl_ntt_pass_tile(t->plan, 0, tile, &block, worker);
    for (uint64_t c = 0; c < columns; c++)
        for (uint64_t i = 0; i < n; i++)
            data[c * n + i] = rows[i * ROW + c];
    return P_OK;
}

/* The result of an inverse times shift^-k: a pass of its own. */
typedef struct scaling {
    const transform *t;
    unsigned log_item; /* elements of an item */
    gl_t low[1 << LOG_SCALE];
} scaling;

static p_status scale_item(void *arg, size_t item, unsigned worker)
{
    const scaling *l = arg;
    const drv_ntt_job *job = l->t->job;
    unsigned high_bits = job->log_n - l->log_item;
    uint64_t n = (uint64_t)1 << l->log_item, block = item >> high_bits;
    uint32_t at = item & ((1U << high_bits) - 1);
    bool reversed = job->out_order == DRV_BIT_REVERSED;
    gl_t high = gl_pow_var(l->t->shift,
                           reversed ? gl_ntt_reverse(at, high_bits) : (uint64_t)at << l->log_item);
    gl_t factor[1 << LOG_SCALE];

    (void)worker;
    for (uint64_t i = 0; i < n; i++)
        factor[i] = gl_mul(high, l->low[i]);
    if (job->layout == DRV_BLOCKED) {
        gl_ntt_plan_ops(l->t->plan)
            ->scale(job->data + ((block << job->log_n) + ((uint64_t)at << l->log_item)) * ROW, n,
                    factor);
    } else {
        uint64_t *data = job->data + (block << job->log_n) + ((uint64_t)at << l->log_item);

        for (uint64_t i = 0; i < n; i++)
            data[i] = gl_mul(data[i], factor[i]);
    }
    return P_OK;
}

static p_status scale_result(const transform *t)
{
    const drv_ntt_job *job = t->job;
    uint64_t blocks = job->layout == DRV_BLOCKED ? drv_blocks(job->columns) : job->columns;
    scaling l = {.t = t, .log_item = job->log_n < LOG_SCALE ? job->log_n : LOG_SCALE};
    bool reversed = job->out_order == DRV_BIT_REVERSED;
    gl_t step = t->shift;

    for (unsigned i = 0; reversed && i < job->log_n - l.log_item; i++)
        step = gl_sqr(step);
    fill_base(l.low, l.log_item, reversed, 1, step);
    return p_pool_run(t->run->pool, blocks << (job->log_n - l.log_item), scale_item, &l,
                      t->run->cancel);
}

/* Length 1: the transform does nothing. */
static void canonical_only(const drv_ntt_job *job)
{
    uint64_t words = job->layout == DRV_BLOCKED ? drv_matrix_words(job->columns, 0) : job->columns;

    for (uint64_t i = 0; i < words; i++)
        job->data[i] = i < job->columns ? gl_from_u64(job->data[i]) : 0;
}

static p_status run_transform(transform *t)
{
    const drv_ntt_job *job = t->job;
    p_status s;

    if (t->gather) {
        s = p_pool_run(t->run->pool, t->blocks, gather_item, t, t->run->cancel);
    } else if (t->lanes) {
        s = run_lanes(t);
    } else {
        batch b = {.run = t->run,
                   .plan = t->plan,
                   .passes = gl_ntt_plan_passes(&t->shape),
                   .count = t->blocks,
                   .in = job->data,
                   .out = job->data,
                   .in_words = (uint64_t)ROW << job->log_n,
                   .out_words = (uint64_t)ROW << job->log_n,
                   .scratch = t->scratch,
                   .scratch_words = t->scratch_words,
                   .last_columns = job->columns - (unsigned)(t->blocks - 1) * ROW};

        s = run_batch(&b, t->whole);
    }
    if (s == P_OK && t->shift != 1)
        s = scale_result(t);
    return s;
}

p_status cpu_gl_ntt(const cpu_run *run, const drv_ntt_job *job, p_err *err)
{
    transform t = describe(run, job);
    uint64_t words = t.scratch_words * t.scratches;
    void *scratch = NULL, *base = NULL;
    p_status s;

    if (job->log_n == 0) {
        canonical_only(job);
        return P_OK;
    }
    s = gl_ntt_plan_create(run, &t.shape, &t.plan, err);
    if (s == P_OK)
        s = p_memory_alloc(run->memory, words, sizeof(uint64_t), "Goldilocks transform: copy",
                           &scratch, err);
    if (s == P_OK)
        s = p_memory_alloc(run->memory, t.base_count, sizeof(gl_t), "Goldilocks transform: factors",
                           &base, err);
    if (s == P_OK) {
        t.scratch = scratch;
        t.base = base;
        s = touch(run, scratch, words);
        if (s == P_OK)
            s = run_transform(&t);
        if (s != P_OK)
            p_err_set(err, s, "Goldilocks transform: cancelled");
    }
    p_memory_free(run->memory, base, t.base_count, sizeof(gl_t));
    p_memory_free(run->memory, scratch, words, sizeof(uint64_t));
    gl_ntt_plan_destroy(run, t.plan);
    return s;
}
