/* The NTT over Fr: large transforms out of tiles that fit the second-level cache.
 *
 * With n = R C, element j1 C + j0 of a column is (j1, j0) of a matrix of R rows. One way ("down")
 * the columns of the matrix are transformed first, eight adjacent ones a tile (a strip), then the
 * rows, eight of them a tile; the elements are multiplied by powers of the root in between
 * (twisted) as the rows are read. Every transform leaves its result in bit-reversed order where its
 * input was, and so does the whole. The other way ("up") does the inverse steps in the opposite
 * order, from bit-reversed to natural. A row that does not fit a tile is cut again in the same way:
 * at most three levels.
 *
 * Powers. Down computes y[k] = c^k sum of x[j] e^j w^(jk), up y[j] = e^j sum of x[k] c^k w^(jk),
 * the index in natural order being j, and k the one that is bit-reversed. Row a of the matrix has
 * to do with k = rev(a) modulo R only: it is the same problem of size C with e w^rev(a) for e and
 * c^R for c, and the factor c^rev(a) for all of it. For block A of M elements on any level that
 * makes e w^rev(A), rev over all its bits, and c^(n/M). Strips take care of their block's e: down
 * it is in the tables (x[j] e^j is the transform at other points), up it is multiplied to what is
 * written. Rows have their e in the twist, and c the other way about. */
#include "driver/cpu/bn_ntt_kernel.h"

#include <string.h>

#define LEVELS_MAX 3
#define LANES BN_NTT_LANES
#define WORDS 4            /* of an element */
#define TWO_LEVELS_MIN 6   /* below this log_n the rows or columns would be fewer than the lanes */
#define ITEM_ELEMENTS 4096 /* an item is worth 50 to 500 microseconds */
#define ITEM_ELEMENTS_INNER 32768 /* where an item makes a table, that should not count */
#define PERMUTE_BLOCKS 64

typedef struct level {
    unsigned log_n;  /* of the tiles' transforms */
    unsigned before; /* sum of log_n of the levels before */
    bn_ntt_table table;
    bn_ntt_factor *factor;         /* what table points to */
    bn_ntt_factor *out;            /* 2^log_n */
    const bn_ntt_factor *out_used; /* out or NULL */
    bn_fr *half;                   /* 2^(log_n - 1) roots, see table_fill */
    bn_fr *block_e;                /* 2^log_n: w_M^rev(a) */
    bn_fr *block_c;                /* 2^log_n: c^(2^before rev(a)); not for the last level */
} level;

typedef struct plan {
    const cpu_run *run;
    const drv_ntt_job *job;
    const bn_ntt_kernel *kernel;
    unsigned log_n, levels;
    bool up, permute, e_is_one, c_is_one;
    bn_fr e, c, scale, root;
    level level[LEVELS_MAX];
    unsigned char *scratch; /* of the threads */
    size_t scratch_bytes;   /* of one */
    unsigned tile_log;      /* of the largest tile */
} plan;

/* What a thread has to itself: rows of a tile, a table and the elements it is made from, and a
 * column that nobody asked for. */
typedef struct own {
    void *rows;
    bn_ntt_factor *factor;
    bn_fr *element;
    uint64_t *column;
} own;

/* ---- powers ---- */

/* out[j] = first * base^j */
static void powers(bn_fr *out, unsigned log, const bn_fr *base, const bn_fr *first)
{
    bn_fr p = *first;

    for (size_t j = 0; j < (size_t)1 << log; j++) {
        out[j] = p;
        bn_fr_mul(&p, &p, base);
    }
}

/* r = a^(2^log) */
static void square_often(bn_fr *r, const bn_fr *a, unsigned log)
{
    *r = *a;
    for (unsigned i = 0; i < log; i++)
        bn_fr_sqr(r, r);
}

/* out[j] = first * base^rev(j) */
static void powers_reversed(bn_fr *out, unsigned log, const bn_fr *base, const bn_fr *first)
{
    out[0] = *first;
    for (unsigned s = 0; s < log; s++) {
        bn_fr step;

        square_often(&step, base, log - 1 - s);
        for (size_t j = 0; j < (size_t)1 << s; j++)
            bn_fr_mul(&out[((size_t)1 << s) + j], &out[j], &step);
    }
}

static bool is_one(const bn_fr *a)
{
    bn_fr one;

    bn_fr_set_one(&one);
    return bn_fr_eq(a, &one);
}

/* The factors of a bn_ntt_table with g, entries 1 .. 2^log - 1, from the powers of the 2^log-th
 * root of unity 0 .. 2^(log-1) - 1, natural for up, bit-reversed for down. element: 2^log. */
static void table_fill(const plan *p, bn_ntt_factor *factor, bn_fr *element, const bn_fr *half,
                       unsigned log, const bn_fr *g)
{
    bn_fr power = *g;

    bn_fr_set_zero(&element[0]); /* not used */
    for (unsigned s = log; s-- > 0;) {
        const size_t h = (size_t)1 << s;

        for (size_t j = 0; j < h; j++)
            bn_fr_mul(&element[h + j], &half[p->up ? j << (log - 1 - s) : j], &power);
        bn_fr_sqr(&power, &power);
    }
    p->kernel->factors(factor, element, (size_t)1 << log);
}

static own own_scratch(const plan *p, unsigned worker)
{
    unsigned char *at = p->scratch + worker * p->scratch_bytes;
    own o;

    o.rows = at;
    at += (size_t)BN_NTT_ROW_BYTES << p->tile_log;
    o.factor = (bn_ntt_factor *)(void *)at;
    at += sizeof(bn_ntt_factor) << p->tile_log;
    o.element = (bn_fr *)(void *)at;
    at += sizeof(bn_fr) << p->tile_log;
    o.column = (uint64_t *)(void *)at;
    return o;
}

/* ---- passes ---- */

typedef struct pass {
    const plan *p;
    const level *l;
    size_t group, groups; /* tiles of an item; items of a block (of a column) */
} pass;

static uint64_t *column_data(const plan *p, size_t column)
{
    return p->job->data + (column << p->log_n) * WORDS;
}

/* e and c of block number a of level l; a's bits are those of the levels before. */
static void block_powers(const plan *p, const level *l, size_t a, bn_fr *e, bn_fr *c)
{
    const level *last = l;

    *e = p->e;
    *c = p->scale;
    while (last != p->level) {
        size_t row;

        last--;
        row = a & (((size_t)1 << last->log_n) - 1);
        a >>= last->log_n;
        bn_fr_mul(e, e, &last->block_e[row]);
        if (!p->c_is_one)
            bn_fr_mul(c, c, &last->block_c[row]);
    }
}

/* Item: column, block, group of strips of a level that is not the last. */
static p_status strips_item(void *arg, size_t item, unsigned worker)
{
    const pass *s = arg;
    const plan *p = s->p;
    const level *l = s->l;
    const size_t group = item % s->groups, rest = item / s->groups;
    const size_t block = rest & (((size_t)1 << l->before) - 1), column = rest >> l->before;
    const unsigned log_block = p->log_n - l->before, log_row = log_block - l->log_n;
    uint64_t *data = column_data(p, column) + (block << log_block) * WORDS;
    const own o = own_scratch(p, worker);
    bn_ntt_tile t = {.distance = WORDS << log_row,
                     .adjacent = true,
                     .log_n = l->log_n,
                     .up = p->up,
                     .last = p->up && l == p->level,
                     .table = l->table,
                     .out = l->out_used};

    if (l != p->level) {
        bn_fr e, c;

        block_powers(p, l, block, &e, &c);
        square_often(&e, &e, log_row);
        if (p->up) {
            bn_fr one;

            bn_fr_set_one(&one);
            powers(o.element, l->log_n, &e, &one);
            p->kernel->factors(o.factor, o.element, (size_t)1 << l->log_n);
            t.out = o.factor;
        } else {
            table_fill(p, o.factor, o.element, l->half, l->log_n, &e);
            t.table = (bn_ntt_table){o.factor, false};
        }
    }
    for (size_t i = 0; i < s->group; i++) {
        uint64_t *at = data + (group * s->group + i) * LANES * WORDS;

        for (size_t k = 0; k < LANES; k++)
            t.lane[k] = at + k * WORDS;
        p->kernel->tile(&t, o.rows);
    }
    return P_OK;
}

/* Item: column, group of tiles of eight rows each, of the last level. */
static p_status rows_item(void *arg, size_t item, unsigned worker)
{
    const pass *s = arg;
    const plan *p = s->p;
    const level *l = s->l;
    const size_t group = item % s->groups, column = item / s->groups;
    const own o = own_scratch(p, worker);
    bn_ntt_tile t = {.distance = WORDS,
                     .log_n = l->log_n,
                     .up = p->up,
                     .last = !p->up,
                     .table = l->table,
                     .out = l->out_used,
                     .twist = true};

    for (size_t i = 0; i < s->group; i++) {
        const size_t first = (group * s->group + i) * LANES;

        for (size_t k = 0; k < LANES; k++) {
            t.lane[k] = column_data(p, column) + ((first + k) << l->log_n) * WORDS;
            block_powers(p, l, first + k, &t.step[k], &t.start[k]);
        }
        p->kernel->tile(&t, o.rows);
    }
    return P_OK;
}

/* Item: group of tiles of eight whole columns each. */
static p_status columns_item(void *arg, size_t item, unsigned worker)
{
    const pass *s = arg;
    const plan *p = s->p;
    const level *l = s->l;
    const own o = own_scratch(p, worker);
    bn_ntt_tile t = {.distance = WORDS,
                     .log_n = l->log_n,
                     .up = p->up,
                     .swap = p->permute,
                     .last = true,
                     .table = l->table,
                     .out = l->out_used};

    for (size_t i = 0; i < s->group; i++) {
        const size_t first = (item * s->group + i) * LANES;

        if (first >= p->job->columns)
            break;
        for (size_t k = 0; k < LANES; k++)
            t.lane[k] = first + k < p->job->columns ? column_data(p, first + k) : o.column;
        p->kernel->tile(&t, o.rows);
    }
    return P_OK;
}

static size_t reverse(size_t i, unsigned bits)
{
    size_t r = 0;

    for (unsigned b = 0; b < bits; b++)
        r |= (i >> b & 1) << (bits - 1 - b);
    return r;
}

/* The places whose middle bits are m, as a square: the top three bits are the row, the low three
 * the column. */
static void square_read(uint64_t square[LANES][LANES][WORDS], const uint64_t *data, size_t m,
                        unsigned log_n)
{
    for (size_t i = 0; i < LANES; i++)
        memcpy(square[i], data + (i << (log_n - 3) | m << 3) * WORDS, sizeof square[i]);
}

/* Writes it where it belongs when all bits are reversed: at the middle bits rev(m), transposed,
 * rows and columns reversed. */
static void square_write(uint64_t *data, size_t to, unsigned log_n,
                         const uint64_t square[LANES][LANES][WORDS])
{
    for (size_t i = 0; i < LANES; i++) {
        uint64_t *row = data + (reverse(i, 3) << (log_n - 3) | to << 3) * WORDS;

        for (size_t k = 0; k < LANES; k++)
            memcpy(row + reverse(k, 3) * WORDS, square[k][i], sizeof square[k][i]);
    }
}

/* Item: column, group of middle bits. */
static p_status permute_item(void *arg, size_t item, unsigned worker)
{
    const pass *s = arg;
    const plan *p = s->p;
    const unsigned log_n = p->log_n;
    uint64_t *data = column_data(p, item / s->groups);
    const size_t first = item % s->groups * s->group;
    uint64_t one[LANES][LANES][WORDS], two[LANES][LANES][WORDS];

    (void)worker;
    for (size_t m = first; m < first + s->group; m++) {
        const size_t other = reverse(m, log_n - 6);

        if (m > other)
            continue;
        square_read(one, data, m, log_n);
        if (m != other) {
            square_read(two, data, other, log_n);
            square_write(data, m, log_n, (const uint64_t(*)[LANES][WORDS])two);
        }
        square_write(data, other, log_n, (const uint64_t(*)[LANES][WORDS])one);
    }
    return P_OK;
}

/* The number of tiles, a power of two that divides all, that are worth an item. */
static size_t group_size(size_t all, unsigned tile_log, size_t elements)
{
    size_t group = 1;

    while (group < all && (group * LANES << tile_log) < elements)
        group *= 2;
    return group;
}

static p_status run_level(const plan *p, const level *l)
{
    const bool is_last = l == p->level + p->levels - 1;
    const size_t blocks = (size_t)1 << l->before; /* before this level */
    const size_t tiles =
        is_last ? blocks / LANES : ((size_t)1 << (p->log_n - l->before - l->log_n)) / LANES;
    pass s = {.p = p, .l = l};
    size_t items;

    s.group =
        group_size(tiles, l->log_n, l == p->level || is_last ? ITEM_ELEMENTS : ITEM_ELEMENTS_INNER);
    s.groups = tiles / s.group;
    items = s.groups * p->job->columns * (is_last ? 1 : blocks);
    return p_pool_run(p->run->pool, items, is_last ? rows_item : strips_item, &s, p->run->cancel);
}

static p_status run_columns(const plan *p)
{
    const size_t tiles = ((size_t)p->job->columns + LANES - 1) / LANES;
    pass s = {.p = p, .l = p->level};

    s.group = group_size(tiles, p->log_n, ITEM_ELEMENTS);
    s.groups = (tiles + s.group - 1) / s.group;
    return p_pool_run(p->run->pool, s.groups, columns_item, &s, p->run->cancel);
}

static p_status run_permute(const plan *p)
{
    const size_t middles = (size_t)1 << (p->log_n - 6);
    pass s = {.p = p};

    s.group = middles < PERMUTE_BLOCKS ? middles : PERMUTE_BLOCKS;
    s.groups = middles / s.group;
    return p_pool_run(p->run->pool, s.groups * p->job->columns, permute_item, &s, p->run->cancel);
}

static p_status run_all(const plan *p)
{
    p_status status = P_OK;

    if (p->levels == 1)
        return run_columns(p);
    for (unsigned i = 0; i < p->levels && status == P_OK; i++)
        status = run_level(p, &p->level[p->up ? p->levels - 1 - i : i]);
    if (status == P_OK && p->permute)
        status = run_permute(p);
    return status;
}

/* ---- planning ---- */

static const bn_ntt_kernel *choose(p_isa isa)
{
#if defined(__x86_64__)
    if (isa >= P_ISA_AVX512IFMA)
        return &bn_ntt_ifma;
    if (isa >= P_ISA_AVX2)
        return &bn_ntt_avx2;
#else
    (void)isa;
#endif
    return &bn_ntt_portable;
}

/* Sizes only; tile_log: of the largest tile that may be used. */
static void plan_levels(plan *p, const cpu_run *run, const drv_ntt_job *job, unsigned tile_log)
{
    unsigned rest = job->log_n, before = 0;

    memset(p, 0, sizeof *p);
    p->run = run;
    p->job = job;
    p->log_n = job->log_n;
    if (job->log_n < TWO_LEVELS_MIN || (job->log_n <= tile_log && job->columns >= BN_NTT_LANES))
        p->levels = 1;
    else
        p->levels = job->log_n <= 2 * tile_log ? 2 : 3;
    for (unsigned i = 0; i < p->levels; i++) {
        level *l = &p->level[i];

        l->before = before;
        l->log_n = rest / (p->levels - i);
        before += l->log_n;
        rest -= l->log_n;
        if (l->log_n > p->tile_log)
            p->tile_log = l->log_n;
    }
    p->scratch_bytes = ((size_t)BN_NTT_ROW_BYTES + sizeof(bn_ntt_factor) + sizeof(bn_fr) +
                        WORDS * sizeof(uint64_t))
                       << p->tile_log;
    p->scratch_bytes = (p->scratch_bytes + 63) & ~(size_t)63;
}

static uint64_t plan_bytes(const plan *p)
{
    uint64_t bytes = (uint64_t)p->scratch_bytes * p_pool_threads(p->run->pool);

    for (unsigned i = 0; i < p->levels; i++)
        bytes += (2 * sizeof(bn_ntt_factor) + 3 * sizeof(bn_fr)) << p->level[i].log_n;
    return (bytes + P_MEMORY_ALIGN - 1) &
           ~(uint64_t)(P_MEMORY_ALIGN - 1); /* what p_memory counts */
}

static void plan_pointers(plan *p, void *memory)
{
    unsigned char *at = memory;

    p->scratch = at;
    at += p->scratch_bytes * p_pool_threads(p->run->pool);
    for (unsigned i = 0; i < p->levels; i++) {
        level *l = &p->level[i];
        const size_t n = (size_t)1 << l->log_n;

        l->factor = (bn_ntt_factor *)(void *)at;
        l->out = l->factor + n;
        at += 2 * n * sizeof(bn_ntt_factor);
        l->half = (bn_fr *)(void *)at;
        l->block_e = l->half + n;
        l->block_c = l->block_e + n;
        at += 3 * n * sizeof(bn_fr);
    }
}

/* The numbers e, c, scale and root. */
static p_status plan_numbers(plan *p, p_err *err)
{
    static const bn_fr root = BN_FR_ROOT_INIT;
    const drv_ntt_job *job = p->job;
    bn_fr shift, one;

    if (!bn_fr_set_words(&shift, job->shift) || bn_fr_is_zero(&shift))
        return p_err_set(err, P_EINVAL,
                         "the shift of an NTT over Fr is not between 1 and the modulus - 1");
    bn_fr_set_one(&one);
    p->up = job->in_order == DRV_BIT_REVERSED;
    p->permute = job->in_order == DRV_NATURAL && job->out_order == DRV_NATURAL;
    square_often(&p->root, &root, BN_FR_TWO_ADICITY - p->log_n);
    p->scale = one;
    p->e = p->c = one;
    if (job->inverse) {
        bn_fr_inv(&p->root, &p->root);
        bn_fr_inv(p->up ? &p->e : &p->c, &shift);
        bn_fr_set_u64(&p->scale, UINT64_C(1) << p->log_n);
        bn_fr_inv(&p->scale, &p->scale);
    } else {
        *(p->up ? &p->c : &p->e) = shift;
    }
    p->e_is_one = is_one(&p->e);
    p->c_is_one = is_one(&p->c);
    return P_OK;
}

static void plan_tables(plan *p)
{
    const own o = own_scratch(p, 0);

    for (unsigned i = 0; i < p->levels; i++) {
        level *l = &p->level[i];
        const unsigned log_row = p->log_n - l->before - l->log_n;
        const bool is_last = i + 1 == p->levels;
        bn_fr root, small_root, c, in, out, one;

        bn_fr_set_one(&one);
        square_often(&root, &p->root, l->before);
        square_often(&small_root, &root, log_row);
        square_often(&c, &p->c, l->before);
        if (p->up)
            powers(l->half, l->log_n - 1, &small_root, &one);
        else
            powers_reversed(l->half, l->log_n - 1, &small_root, &one);
        if (!is_last) {
            powers_reversed(l->block_e, l->log_n, &root, &one);
            powers_reversed(l->block_c, l->log_n, &c, &one);
        }
        /* what x[j] is multiplied by within this level's transforms, and what y[k] is */
        in = out = one;
        if (is_last)
            *(p->up ? &in : &out) = c;
        if (i == 0)
            square_often(p->up ? &out : &in, &p->e, log_row);
        table_fill(p, l->factor, o.element, l->half, l->log_n, &in);
        l->table = (bn_ntt_table){l->factor, is_one(&in)};
        if (p->levels == 1 ? !is_one(&out) || !is_one(&p->scale) : !is_one(&out)) {
            const bn_fr *first = p->levels == 1 ? &p->scale : &one;

            if (p->up)
                powers(o.element, l->log_n, &out, first);
            else
                powers_reversed(o.element, l->log_n, &out, first);
            p->kernel->factors(l->out, o.element, (size_t)1 << l->log_n);
            l->out_used = l->out;
        }
    }
}

uint64_t cpu_bn_ntt_scratch(const cpu_run *run, const drv_ntt_job *job)
{
    plan p;

    if (job->log_n == 0)
        return 0;
    plan_levels(&p, run, job, BN_NTT_TILE_LOG);
    return plan_bytes(&p);
}

p_status cpu_bn_ntt(const cpu_run *run, const drv_ntt_job *job, p_err *err)
{
    return bn_ntt_tiled(run, job, BN_NTT_TILE_LOG, err);
}

p_status bn_ntt_tiled(const cpu_run *run, const drv_ntt_job *job, unsigned tile_log, p_err *err)
{
    plan p;
    void *memory;
    uint64_t bytes;
    p_status status;

    if (job->log_n == 0)
        return P_OK; /* one point: the element itself */
    plan_levels(&p, run, job, tile_log);
    p.kernel = choose(run->isa);
    bytes = plan_bytes(&p);
    status = p_memory_alloc(run->memory, bytes, 1, "tables of an NTT over Fr", &memory, err);
    if (status != P_OK)
        return status;
    plan_pointers(&p, memory);
    status = plan_numbers(&p, err);
    if (status == P_OK) {
        plan_tables(&p);
        status = run_all(&p);
        if (status == P_ECANCELLED)
            p_err_set(err, status, "the NTT over Fr was cancelled");
    }
    p_memory_free(run->memory, memory, bytes, 1);
    return status;
}
