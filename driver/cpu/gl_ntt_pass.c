/* How a transform becomes passes.
 *
 * With n = R0 R1 .. Rk, index j = j0 M0 + j1 M1 + .. (Mi rows remain after i passes) in frequency:
 * pass i transforms the digit ji, R rows at a distance of Mi, of every block of R Mi rows, and the
 * rest of the transform, modulo X^Mi - c, becomes one modulo X^Mi - 1 when row J of a block is
 * multiplied by gamma^J, gamma = omega^(the digit's output index). That factor is part of the next
 * pass's first step, which else has none. In time it is the same backwards. So the only tables are
 * those of the sub-transforms, a few thousand factors; the factors between passes are geometric
 * sequences, computed for each tile: about one vector multiplication for eight rows. */
#include "driver/cpu/gl_ntt_pass.h"

#include <string.h>

#define ROW GL_NTT_LANES
#define LOG_CHUNK 12  /* rows of a tile that is contiguous: 256 KiB */
#define LOG_STRIDED 9 /* of one that is not, times ADJACENT: 256 KiB */
#define ADJACENT 8    /* rows that a tile takes side by side: 512 bytes */
#define LOG_LARGE 17  /* rows of a block that is more than a cache: 8 MiB */

typedef struct pass {
    unsigned log_r;
    unsigned log_m; /* rows between elements */
    gl_ntt_sub sub;
} pass;

struct gl_ntt_plan {
    gl_ntt_shape shape;
    const gl_ntt_ops *ops;
    unsigned passes;              /* of one block */
    unsigned split;               /* passes in frequency (EXTEND: their last one starts in time) */
    pass pass[GL_NTT_MAX_PASSES]; /* in frequency order: the last is contiguous */
    pass time[GL_NTT_MAX_PASSES]; /* the same splitting in time: the first is contiguous */
    /* 2^k + t: t reversed, k bits; for the strided passes in time */
    uint32_t slots[2 << LOG_STRIDED];
    uint64_t bytes, worker_bytes, buffer_rows, factors;
    unsigned workers;
    bool large; /* a block does not stay in the caches from one pass to the next */
    gl_ntt_tw *tables;
    char *buffers;
};

/* In frequency order: strided passes of up to 2^9 rows, then the contiguous one. */
static unsigned split(const gl_ntt_shape *s, unsigned log_r[GL_NTT_MAX_PASSES])
{
    unsigned chunk = LOG_CHUNK - s->expand, l = s->log_n, n, a;

    if (l <= chunk) {
        log_r[0] = l;
        return 1;
    }
    n = (l - chunk + LOG_STRIDED - 1) / LOG_STRIDED;
    a = (l - chunk + n - 1) / n;
    a = (a + 2) / 3 * 3; /* radix 8 only */
    if (n == 1 && a < l / 6 * 3)
        a = l / 6 * 3;
    if (a > LOG_STRIDED)
        a = LOG_STRIDED;
    for (unsigned i = 0; i < n; i++)
        log_r[i] = a;
    log_r[n] = l - n * a;
    while (log_r[n] < 3 || log_r[n] > l) { /* at least ADJACENT rows are contiguous */
        log_r[n]++;
        log_r[n - 1]--;
    }
    return n + 1;
}

unsigned gl_ntt_plan_passes(const gl_ntt_shape *shape)
{
    unsigned log_r[GL_NTT_MAX_PASSES], n = split(shape, log_r);

    return shape->kind == GL_NTT_EXTEND ? (shape->inverse ? 2 * n - 1 : n) : n;
}

static uint64_t pages(uint64_t bytes)
{
    return (bytes + P_MEMORY_ALIGN - 1) / P_MEMORY_ALIGN * P_MEMORY_ALIGN;
}

/* Sets the sizes in p; the caller allocates. */
static void measure(gl_ntt_plan *p, const gl_ntt_shape *shape, unsigned workers)
{
    unsigned log_r[GL_NTT_MAX_PASSES], below = shape->log_n, rows_log = 3;
    bool extend = shape->kind == GL_NTT_EXTEND;

    memset(p, 0, sizeof(*p));
    p->shape = *shape;
    p->split = split(shape, log_r);
    p->passes = gl_ntt_plan_passes(shape);
    p->workers = workers;
    p->large = shape->log_n >= LOG_LARGE;
    for (unsigned i = 0; i < p->split; i++) {
        pass *f = &p->pass[i], *t = &p->time[p->split - 1 - i];
        bool chunk = i + 1 == p->split;
        unsigned rows = chunk ? log_r[i] : log_r[i] + 3;

        below -= log_r[i];
        f->log_r = t->log_r = log_r[i];
        f->log_m = below;
        t->log_m = below > 0 ? below + (extend ? shape->expand : 0) : 0;
        if (chunk && shape->kind == GL_NTT_NATURAL && p->split > 1)
            rows = rows + 3 > 13 ? 13 : rows + 3;
        if (rows > rows_log)
            rows_log = rows;
        if (shape->kind != GL_NTT_TIME)
            p->factors += gl_ntt_sub_factors(log_r[i], 0);
        if (shape->kind == GL_NTT_TIME || extend)
            p->factors += gl_ntt_sub_factors(log_r[i], chunk && extend ? shape->expand : 0);
    }
    p->buffer_rows = (uint64_t)1 << rows_log;
    p->worker_bytes =
        pages(p->buffer_rows * (ROW * sizeof(uint64_t) + sizeof(gl_ntt_tw)) + sizeof(gl_ntt_tw));
    p->bytes =
        pages(sizeof(*p)) + pages(p->factors * sizeof(gl_ntt_tw)) + p->worker_bytes * workers;
}

uint64_t gl_ntt_plan_bytes(const gl_ntt_shape *shape, unsigned workers)
{
    gl_ntt_plan p;

    measure(&p, shape, workers);
    return p.bytes;
}

static const gl_ntt_ops *choose(p_isa isa)
{
    const gl_ntt_ops *ops = NULL;

    if (isa >= P_ISA_AVX512)
        ops = gl_ntt_ops_avx512();
    if (!ops && isa >= P_ISA_AVX2)
        ops = gl_ntt_ops_avx2();
    return ops ? ops : gl_ntt_ops_portable();
}

static gl_t squared(gl_t a, unsigned times)
{
    while (times-- > 0)
        a = gl_sqr(a);
    return a;
}

static gl_t power_of_half(unsigned k)
{
    gl_t half = (GL_P + 1) / 2;

    return gl_pow_var(half, k);
}

static void make_tables(gl_ntt_plan *p)
{
    const gl_ntt_shape *s = &p->shape;
    gl_ntt_tw *to = p->tables;
    unsigned log_top = s->log_n + (s->kind == GL_NTT_EXTEND ? s->expand : 0);

    if (s->kind != GL_NTT_TIME)
        for (unsigned i = 0; i < p->split; i++) {
            gl_ntt_sub_init(&p->pass[i].sub, false, s->inverse, p->pass[i].log_r, 0, 1, 1, to);
            to += gl_ntt_sub_factors(p->pass[i].log_r, 0);
        }
    if (s->kind == GL_NTT_TIME || s->kind == GL_NTT_EXTEND)
        for (unsigned i = 0; i < p->split; i++) {
            bool inverse = s->kind == GL_NTT_TIME && s->inverse;
            pass *t = &p->time[i];
            unsigned expand = i == 0 && s->kind == GL_NTT_EXTEND ? s->expand : 0;
            gl_t factor = s->factor, shift = 1;

            if (s->kind == GL_NTT_EXTEND && s->inverse)
                factor = gl_mul(factor, power_of_half(s->log_n));
            /* the strided ones get their shift from the factors between passes */
            if (i == 0)
                shift = squared(s->shift, log_top - t->log_r - expand);
            gl_ntt_sub_init(&t->sub, true, inverse, t->log_r, expand, shift, i == 0 ? factor : 1,
                            to);
            to += gl_ntt_sub_factors(t->log_r, expand);
        }
}

p_status gl_ntt_plan_create(const cpu_run *run, const gl_ntt_shape *shape, gl_ntt_plan **out,
                            p_err *err)
{
    gl_ntt_plan size, *p;
    void *memory;
    p_status s;

    *out = NULL;
    measure(&size, shape, p_pool_threads(run->pool));
    s = p_memory_alloc(run->memory, size.bytes, 1, "Goldilocks transform: tables and tiles",
                       &memory, err);
    if (s != P_OK)
        return s;
    p = memory;
    *p = size;
    p->ops = choose(run->isa);
    p->tables = (gl_ntt_tw *)((char *)memory + pages(sizeof(*p)));
    p->buffers = (char *)memory + p->bytes - p->worker_bytes * p->workers;
    make_tables(p);
    for (unsigned k = 0; k <= LOG_STRIDED; k++)
        for (uint32_t t = 0; t < 1U << k; t++)
            p->slots[(1U << k) + t] = gl_ntt_reverse(t, k);
    *out = p;
    return P_OK;
}

void gl_ntt_plan_destroy(const cpu_run *run, gl_ntt_plan *plan)
{
    if (plan)
        p_memory_free(run->memory, plan, plan->bytes, 1);
}

const gl_ntt_ops *gl_ntt_plan_ops(const gl_ntt_plan *plan)
{
    return plan->ops;
}

/* Pass number of a plan to the pass, and whether it runs in time. EXTEND from values: the last pass
 * in frequency also is the first one in time. */
static bool runs_in_time(const gl_ntt_plan *p, unsigned number, unsigned *index)
{
    unsigned before = p->shape.kind == GL_NTT_TIME ? 0 : p->split;

    if (p->shape.kind == GL_NTT_EXTEND)
        before = p->shape.inverse ? p->split - 1 : 0;
    *index = number < before ? number : number - before;
    return number >= before;
}

/* Rows that a natural-order contiguous pass takes side by side. */
static size_t natural_inner(const gl_ntt_plan *p)
{
    size_t t = ADJACENT, r = (size_t)1 << p->pass[p->split - 1].log_r;

    while (t * r > p->buffer_rows)
        t /= 2;
    return t;
}

size_t gl_ntt_plan_tiles(const gl_ntt_plan *p, unsigned number)
{
    unsigned i;
    bool time = runs_in_time(p, number, &i);
    const pass *a = time ? &p->time[i] : &p->pass[i];
    unsigned log_rows = p->shape.log_n;

    if (a->log_m == 0) {
        size_t tiles = (size_t)1 << (log_rows - a->log_r);

        if (p->shape.kind == GL_NTT_NATURAL && p->split > 1)
            tiles /= natural_inner(p);
        return tiles;
    }
    if (time && p->shape.kind == GL_NTT_EXTEND)
        log_rows += p->shape.expand;
    return ((size_t)1 << (log_rows - a->log_r)) / ADJACENT;
}

static uint64_t *buffer(const gl_ntt_plan *p, unsigned worker, gl_ntt_tw **tw)
{
    char *b = p->buffers + worker * p->worker_bytes;

    *tw = (gl_ntt_tw *)(b + p->buffer_rows * ROW * sizeof(uint64_t));
    return (uint64_t *)b;
}

static void clear_columns(uint64_t *dst, size_t rows, size_t stride, size_t inner, unsigned columns)
{
    if (columns >= ROW)
        return;
    for (size_t a = 0; a < rows; a++)
        for (size_t i = 0; i < inner; i++)
            memset(dst + a * stride + i * ROW + columns, 0, (ROW - columns) * sizeof(uint64_t));
}

/* v[l] = first * ratio^l, and ratio^8 */
static gl_t eight(gl_t v[8], gl_t first, gl_t ratio)
{
    for (int l = 0; l < 8; l++) {
        v[l] = first;
        first = gl_mul(first, ratio);
    }
    return gl_pow_var(ratio, 8);
}

static void same(gl_t v[8], gl_t a)
{
    for (int l = 0; l < 8; l++)
        v[l] = a;
}

/* dst[j] = first * gamma^j, j < count rounded up to eight */
static void sequence(const gl_ntt_plan *p, gl_ntt_tw *dst, size_t count, gl_t first, gl_t gamma)
{
    gl_t start[8], step[8];

    same(step, eight(start, first, gamma));
    p->ops->geometric(dst, NULL, (count + 7) / 8, start, step);
}

/* What a block of the pass before multiplies row J by, gamma^J: its output index is the digit. */
static gl_t gamma_of(const gl_ntt_plan *p, unsigned i, size_t digit)
{
    const pass *before = &p->pass[i - 1];

    return gl_pow_var(gl_ntt_root(before->log_m + before->log_r, p->shape.inverse), digit);
}

/* In frequency, elements at a distance. spread: rows of dst for one of the block, in chunks. */
static void strided_frequency(const gl_ntt_plan *p, unsigned i, size_t number,
                              const gl_ntt_block *b, unsigned worker)
{
    const pass *a = &p->pass[i];
    const gl_ntt_shape *s = &p->shape;
    size_t m = (size_t)1 << a->log_m, tiles = m / ADJACENT;
    size_t block = number / tiles, j = number % tiles * ADJACENT;
    size_t at = (block << (a->log_m + a->log_r)) + j;
    bool natural = s->kind == GL_NTT_NATURAL, first = i == 0;
    gl_ntt_tw *tw;
    gl_ntt_tile t = {.buf = buffer(p, worker, &tw), .inner = ADJACENT, .natural = natural};
    gl_t gamma = 1, one = 1;

    t.src_inner = t.dst_inner = ROW;
    t.src_member = t.dst_member = m * ROW;
    t.src = (first ? b->in : natural ? b->scratch : b->out) + at * ROW;
    t.dst = (natural ? b->scratch : b->out) + at * ROW;
    if (s->kind == GL_NTT_EXTEND) {
        unsigned log_chunk = p->pass[p->split - 1].log_r;
        size_t spread = (((at >> log_chunk) << (log_chunk + s->expand)) |
                         (at & (((size_t)1 << log_chunk) - 1)));

        t.dst = b->out + spread * ROW;
        t.dst_member = t.src_member << s->expand;
        if (!first) {
            t.src = t.dst;
            t.src_member = t.dst_member;
        }
    }
    t.stream = t.src != t.dst && p->large;
    t.first = first ? GL_NTT_PLAIN_RAW : GL_NTT_ALL;
    if (first && s->kind != GL_NTT_EXTEND && s->shift != 1) {
        t.first = GL_NTT_ALL_RAW;
        gamma = s->shift;
    } else if (!first) {
        const pass *before = &p->pass[i - 1];
        size_t digit = block & (((size_t)1 << before->log_r) - 1);

        if (!natural)
            digit = gl_ntt_reverse((uint32_t)digit, before->log_r);
        gamma = gamma_of(p, i, digit);
        if (i == 1 && s->kind != GL_NTT_EXTEND)
            one = s->factor;
    }
    if (t.first != GL_NTT_PLAIN_RAW) {
        gl_t start[8], step[8];

        eight(start, gl_mul(one, gl_pow_var(gamma, j)), gamma);
        same(step, squared(gamma, a->log_m));
        p->ops->geometric(tw, NULL, (size_t)1 << a->log_r, start, step);
        t.tw = tw, t.tw_member = ADJACENT, t.tw_inner = 1;
    }
    gl_ntt_tile_run(p->ops, &a->sub, &t);
}

/* The factors of a contiguous tile, the last in frequency: first mode and, if needed, t->tw. */
static void chunk_factors(const gl_ntt_plan *p, size_t block, gl_ntt_tile *t, gl_ntt_tw *tw)
{
    const gl_ntt_shape *s = &p->shape;
    unsigned i = p->split - 1;
    const pass *a = &p->pass[i];
    gl_t one = s->kind == GL_NTT_EXTEND || i > 1 ? 1 : s->factor;

    if (i > 0) {
        const pass *before = &p->pass[i - 1];
        size_t digit = block & (((size_t)1 << before->log_r) - 1);

        t->first = GL_NTT_ALL;
        sequence(p, tw, (size_t)1 << a->log_r, one,
                 gamma_of(p, i, gl_ntt_reverse((uint32_t)digit, before->log_r)));
    } else if (s->kind != GL_NTT_EXTEND && (s->shift != 1 || s->factor != 1)) {
        t->first = GL_NTT_ALL_RAW;
        sequence(p, tw, (size_t)1 << a->log_r, one, s->shift);
    } else {
        t->first = GL_NTT_PLAIN_RAW;
        return;
    }
    t->tw = tw, t->tw_member = 1, t->tw_inner = 0;
}

static void chunk_frequency(const gl_ntt_plan *p, size_t number, const gl_ntt_block *b,
                            unsigned worker)
{
    const pass *a = &p->pass[p->split - 1];
    size_t at = (number << a->log_r) * ROW;
    gl_ntt_tw *tw;
    uint64_t *buf = buffer(p, worker, &tw);
    gl_ntt_tile t = {.src = b->in + at, .dst = b->out + at, .buf = b->out + at, .inner = 1};

    if (p->split > 1)
        t.src = b->out + at;
    t.src_member = t.src_inner = t.dst_member = t.dst_inner = ROW;
    t.canonical = true;
    if (p->shape.kind == GL_NTT_NATURAL) { /* of a single pass */
        t.natural = true;
        t.buf = buf;
    }
    chunk_factors(p, number, &t, tw);
    gl_ntt_tile_run(p->ops, &a->sub, &t);
    clear_columns(t.dst, (size_t)1 << a->log_r, ROW, 1, b->columns);
}

/* The last pass of a natural-order transform of several: chunks whose outputs are neighbours. Index
 * k = k0 + R0 (k1 + R1 (k2 ..)), chunk (k0, k1, ..) of the scratch buffer. */
static void natural_last(const gl_ntt_plan *p, size_t number, const gl_ntt_block *b,
                         unsigned worker)
{
    unsigned last = p->split - 1;
    const pass *a = &p->pass[last], *f = &p->pass[0];
    size_t inner = natural_inner(p), r = (size_t)1 << a->log_r;
    size_t tiles = ((size_t)1 << f->log_r) / inner;
    size_t k0 = number % tiles * inner, rest = number / tiles, digit = k0;
    size_t from = k0 << f->log_m, to = k0 + (rest << f->log_r);
    gl_ntt_tw *tw;
    gl_ntt_tile t = {.buf = buffer(p, worker, &tw), .inner = inner, .first = GL_NTT_ALL};

    for (unsigned i = 1; i < last; i++) {
        digit = rest & (((size_t)1 << p->pass[i].log_r) - 1);
        rest >>= p->pass[i].log_r;
        from += digit << p->pass[i].log_m;
    }
    t.src = b->scratch + from * ROW;
    t.src_member = ROW, t.src_inner = ROW << f->log_m;
    t.dst = b->out + to * ROW;
    t.dst_inner = ROW, t.dst_member = ROW << (p->shape.log_n - a->log_r);
    t.natural = t.canonical = true;
    t.stream = p->large;
    t.tw = tw, t.tw_member = 1, t.tw_inner = last == 1 ? r : 0;
    for (size_t i = 0; i < (last == 1 ? inner : 1); i++)
        sequence(p, tw + i * r, r, last == 1 ? p->shape.factor : 1, gamma_of(p, last, digit + i));
    gl_ntt_tile_run(p->ops, &a->sub, &t);
    clear_columns(t.dst, r, t.dst_member, inner, b->columns);
}

static void strided_time(const gl_ntt_plan *p, unsigned i, size_t number, const gl_ntt_block *b,
                         unsigned worker)
{
    const pass *a = &p->time[i];
    const gl_ntt_shape *s = &p->shape;
    bool extend = s->kind == GL_NTT_EXTEND;
    unsigned log_top = s->log_n + (extend ? s->expand : 0), log_full = a->log_m + a->log_r;
    size_t h = (size_t)1 << a->log_m, tiles = h / ADJACENT, r = (size_t)1 << a->log_r;
    size_t j = number % tiles * ADJACENT;
    size_t at = (number / tiles << log_full) + j;
    gl_t root = gl_ntt_root(log_full, s->kind == GL_NTT_TIME && s->inverse), start[8], step[8];
    gl_ntt_tw *tw;
    gl_ntt_tile t = {.buf = buffer(p, worker, &tw), .inner = ADJACENT, .first = GL_NTT_ALL};

    t.src = t.dst = b->out + at * ROW;
    t.src_inner = t.dst_inner = ROW;
    t.src_member = t.dst_member = h * ROW;
    t.canonical = i + 1 == p->split;
    /* element C of the reversed order: (shift' root^j)^C; the first pass's table has the factor */
    same(start, 1);
    eight(step, gl_mul(squared(s->shift, log_top - log_full), gl_pow_var(root, j)), root);
    p->ops->geometric(tw, p->slots + r, r, start, step);
    t.tw = tw, t.tw_member = ADJACENT, t.tw_inner = 1;
    gl_ntt_tile_run(p->ops, &a->sub, &t);
    if (t.canonical)
        clear_columns(t.dst, r, t.dst_member, ADJACENT, b->columns);
}

static void chunk_time(const gl_ntt_plan *p, size_t number, const gl_ntt_block *b)
{
    const pass *a = &p->time[0];
    uint64_t *at = b->out + (number << a->log_r) * ROW;
    gl_ntt_tile t = {.src = at, .dst = at, .buf = at, .inner = 1};

    t.src_member = t.src_inner = t.dst_member = t.dst_inner = ROW;
    t.first = p->shape.shift != 1 || p->shape.factor != 1 ? GL_NTT_ALL_RAW : GL_NTT_PLAIN_RAW;
    t.canonical = p->split == 1;
    gl_ntt_tile_run(p->ops, &a->sub, &t);
    if (t.canonical)
        clear_columns(at, (size_t)1 << a->log_r, ROW, 1, b->columns);
}

/* Row i of dst is row reversed i of src, whose rows are stride words apart. Sixteen rows at a time,
 * after the next sixteen were asked for. */
static void gather_reversed(uint64_t *dst, const uint64_t *src, unsigned log_rows, size_t stride)
{
    unsigned log_few = log_rows < 4 ? log_rows : 4, log_groups = log_rows - log_few;
    size_t few = (size_t)1 << log_few, groups = (size_t)1 << log_groups;
    size_t now = 0;

    for (size_t g = 0; g < groups; g++) {
        size_t next = gl_ntt_reverse((uint32_t)((g + 1) & (groups - 1)), log_groups);

        for (size_t i = 0; i < few; i++)
            __builtin_prefetch(src + (next + (i << log_groups)) * stride, 0, 0);
        for (size_t i = 0; i < few; i++)
            memcpy(dst + (g * few + i) * ROW,
                   src + (now + ((size_t)gl_ntt_reverse((uint32_t)i, log_few) << log_groups)) *
                             stride,
                   ROW * sizeof(uint64_t));
        now = next;
    }
}

/* A chunk of coefficients, the rest of the inverse transform or a look-up of its bit-reversed rows,
 * then the first pass in time of 2^expand times as many rows. */
static void chunk_extend(const gl_ntt_plan *p, size_t number, const gl_ntt_block *b,
                         unsigned worker)
{
    const pass *f = &p->pass[p->split - 1], *a = &p->time[0];
    unsigned log_chunks = p->shape.log_n - f->log_r;
    size_t r = (size_t)1 << f->log_r;
    uint64_t *out = b->out + (number << (f->log_r + p->shape.expand)) * ROW;
    gl_ntt_tw *tw;
    uint64_t *buf = buffer(p, worker, &tw);
    gl_ntt_tile t = {.src = buf, .dst = out, .buf = out, .inner = 1, .first = GL_NTT_ALL};

    t.src_member = t.src_inner = t.dst_member = t.dst_inner = ROW;
    t.canonical = p->split == 1;
    if (p->shape.inverse) {
        gl_ntt_tile u = {.src = p->split > 1 ? out : b->in, .dst = buf, .buf = buf, .inner = 1};

        u.src_member = u.src_inner = u.dst_member = u.dst_inner = ROW;
        chunk_factors(p, number, &u, tw);
        gl_ntt_tile_run(p->ops, &f->sub, &u);
    } else {
        gather_reversed(buf, b->in + gl_ntt_reverse((uint32_t)number, log_chunks) * ROW, f->log_r,
                        (size_t)ROW << log_chunks);
        t.first = GL_NTT_ALL_RAW;
    }
    gl_ntt_tile_run(p->ops, &a->sub, &t);
    if (t.canonical)
        clear_columns(out, r << p->shape.expand, ROW, 1, b->columns);
}

void gl_ntt_pass_tile(const gl_ntt_plan *p, unsigned number, size_t tile, const gl_ntt_block *block,
                      unsigned worker)
{
    unsigned i;
    bool time = runs_in_time(p, number, &i);

    if (time && i > 0)
        strided_time(p, i, tile, block, worker);
    else if (time && p->shape.kind == GL_NTT_EXTEND)
        chunk_extend(p, tile, block, worker);
    else if (time)
        chunk_time(p, tile, block);
    else if (i + 1 < p->split)
        strided_frequency(p, i, tile, block, worker);
    else if (p->shape.kind == GL_NTT_NATURAL && p->split > 1)
        natural_last(p, tile, block, worker);
    else
        chunk_frequency(p, tile, block, worker);
}
