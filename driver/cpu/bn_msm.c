#include "driver/cpu/bn_msm_internal.h"
#include "driver/field/bn_curve.h"

#include <inttypes.h>
#include <string.h>

struct cpu_msm_points {
    drv_group group;
    const uint64_t *points;
    uint64_t count;
};

#define CHECK_POINTS 4096 /* of one item of cpu_msm_load */
#define WIPE_BYTES ((size_t)4 << 20)
#define WAVE_BUCKETS ((size_t)1 << 16)
#define TASK_BUCKETS ((size_t)1 << 15)   /* of one item, at most */
#define ENOUGH_BUCKETS ((size_t)1 << 13) /* that inversions are well shared by */
#define ONE_BLOCKS ((size_t)64)          /* whose ones are an item: shares inversions, too */

static size_t point_words(drv_group group)
{
    return group == DRV_G1 ? 8 : 16;
}

static const msm_ops *choose(p_isa isa, drv_group group)
{
#if defined(__x86_64__)
    if (isa >= P_ISA_AVX512IFMA)
        return group == DRV_G1 ? &msm_g1_ifma : &msm_g2_ifma;
    if (isa >= P_ISA_AVX2)
        return group == DRV_G1 ? &msm_g1_avx2 : &msm_g2_avx2;
#else
    (void)isa;
#endif
    return group == DRV_G1 ? &msm_g1_portable : &msm_g2_portable;
}

/* ---- points ---- */

typedef struct check_loop {
    const msm_ops *ops;
    const uint64_t *points;
    size_t words;
    uint64_t count;
    atomic_uint_least64_t bad; /* least index found */
} check_loop;

static void lower(atomic_uint_least64_t *least, uint64_t value)
{
    uint_least64_t now = atomic_load(least);

    while (value < now && !atomic_compare_exchange_weak(least, &now, value))
        ;
}

static p_status check_item(void *arg, size_t item, unsigned worker)
{
    check_loop *l = arg;
    uint64_t from = item * (uint64_t)CHECK_POINTS;
    uint64_t n = l->count - from < CHECK_POINTS ? l->count - from : CHECK_POINTS;
    uint64_t bad;

    (void)worker;
    if (from >= atomic_load(&l->bad))
        return P_OK;
    bad = l->ops->check(l->points + from * l->words, n);
    if (bad < n)
        lower(&l->bad, from + bad);
    return P_OK;
}

static p_status check_points(const cpu_run *run, const drv_msm_load_job *job, p_err *err)
{
    check_loop l = {choose(run->isa, job->group), job->points, point_words(job->group), job->count,
                    UINT64_MAX};
    p_status status = p_pool_run(run->pool, (job->count + CHECK_POINTS - 1) / CHECK_POINTS,
                                 check_item, &l, run->cancel);

    if (status != P_OK)
        return p_err_set(err, status, "checking %" PRIu64 " points of a key: %s", job->count,
                         p_status_text(status));
    if (l.bad < job->count)
        return p_err_set(err, P_EINVAL,
                         "point %" PRIu64 " of %" PRIu64
                         " is not a point of %s in Montgomery form: the key is damaged or of "
                         "another curve",
                         (uint64_t)l.bad, job->count, job->group == DRV_G1 ? "G1" : "G2");
    return P_OK;
}

p_status cpu_msm_load(const cpu_run *run, const drv_msm_load_job *job, cpu_msm_points **out,
                      p_err *err)
{
    void *p;
    p_status status;

    *out = NULL;
    if (!job->trusted) {
        status = check_points(run, job, err);
        if (status != P_OK)
            return status;
    }
    status = p_memory_alloc(run->memory, 1, sizeof **out, "points of a key", &p, err);
    if (status != P_OK)
        return status;
    *out = p;
    **out = (cpu_msm_points){job->group, job->points, job->count};
    return P_OK;
}

void cpu_msm_free(p_memory *memory, cpu_msm_points *points)
{
    p_memory_free(memory, points, 1, sizeof *points);
}

uint64_t cpu_msm_load_bytes(const drv_msm_load_job *job)
{
    (void)job;
    return P_MEMORY_ALIGN;
}

/* ---- how a sum is done ---- */

/* Windows go through sorting and summing in waves, some windows at a time, which keeps what is
 * between the steps small. A task is what one item of the pool sums up: one of the slices of the
 * buckets' numbers, in all windows of a wave. */
typedef struct msm_plan {
    const msm_ops *ops;
    size_t words;
    unsigned threads;
    uint64_t pass;   /* points of a pass, but for the last */
    uint64_t blocks; /* of recoding */
    uint64_t most;   /* entries of a window, at most */
    unsigned c, windows, wave;
    size_t buckets; /* of a window */
    size_t slices;
    size_t one_blocks; /* blocks whose ones are an item */
    unsigned windows_per_fold;
    uint32_t longest; /* segment */
    size_t raw, segs; /* most runs of entries and segments of a task */
    size_t partial;   /* and of sums that are summed again */
    size_t parts;     /* points that fold leaves of a window */
    uint64_t shared_bytes, worker_bytes;
} msm_plan;

/* Windows for scalars of a number of bits, see msm_recode. */
static unsigned windows_of(unsigned c, unsigned bits, drv_group group)
{
    unsigned all = (c + (group == DRV_G1 ? 254 : 255) - 1) / c, some = (bits + 2 + c - 1) / c;

    return some < all ? some : all;
}

/* The additions of c: those into buckets, and two for a bucket, and for a window about 64 more. */
static uint64_t additions(const msm_survey *v, unsigned c, unsigned bits, drv_group group)
{
    uint64_t sum = windows_of(c, bits, group) * (((uint64_t)1 << c) + 64);

    for (unsigned b = 2; b <= bits; b++)
        sum += v->bits[b] * (b < c ? 1 : windows_of(c, b - 1, group));
    return sum;
}

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most_of(size_t a, size_t b)
{
    return a > b ? a : b;
}

static uint64_t up64(uint64_t bytes)
{
    return (bytes + 63) & ~(uint64_t)63;
}

/* ---- memory ---- */

typedef struct msm_shared {
    msm_recoding recoding;
    uint32_t *entries; /* wave * pass */
    uint32_t *starts;  /* wave * (buckets + 2) */
    uint64_t *buckets; /* wave * buckets points, own form */
    uint64_t *bits;    /* windows * c points: see fold_item */
    uint64_t *ones;    /* blocks points: the sum of a block's ones */
} msm_shared;

typedef struct msm_worker {
    void *work; /* of ops */
    void *fold;
    msm_seg *raw, *segs;
    uint64_t *partial[2];
    uint32_t *identity; /* entries of partial */
    uint32_t *cursor;
    uint64_t *parts;
    uint32_t *part_entries;
} msm_worker;

/* Takes bytes at *at; base may be NULL, to count. */
static void *take(unsigned char *base, uint64_t *at, uint64_t bytes)
{
    void *p = base ? base + *at : NULL;

    *at += up64(bytes);
    return p;
}

static uint64_t place_shared(const msm_plan *p, msm_shared *s, void *base)
{
    uint64_t at = 0, point = p->words * 8;

    s->recoding.c = p->c;
    s->recoding.windows = p->windows;
    s->recoding.halve = p->words == 8;
    s->recoding.digits = take(base, &at, p->blocks * p->windows * MSM_BLOCK * sizeof(uint16_t));
    s->recoding.ids = take(base, &at, p->blocks * MSM_BLOCK * sizeof(uint32_t));
    s->recoding.blocks = take(base, &at, p->blocks * sizeof(struct msm_block));
    s->entries = take(base, &at, p->wave * p->most * sizeof(uint32_t));
    s->starts = take(base, &at, p->wave * (p->buckets + 2) * sizeof(uint32_t));
    s->buckets = take(base, &at, p->wave * p->buckets * point);
    s->bits = take(base, &at, p->windows * p->c * point);
    s->ones = take(base, &at, p->blocks * point);
    return at;
}

static uint64_t place_worker(const msm_plan *p, msm_worker *w, void *base)
{
    uint64_t at = 0, point = p->words * 8, parts = p->windows_per_fold * p->parts;

    w->work = take(base, &at, p->ops->work_bytes);
    w->fold = take(base, &at,
                   (p->windows_per_fold * p->buckets >> p->ops->lanes_log2) * p->ops->octet_bytes);
    w->raw = take(base, &at, p->raw * sizeof(msm_seg));
    w->segs = take(base, &at, p->segs * sizeof(msm_seg));
    w->partial[0] = take(base, &at, p->partial * point);
    w->partial[1] = take(base, &at, p->partial * point);
    w->identity = take(base, &at, p->partial * sizeof(uint32_t));
    w->cursor = take(base, &at, (p->buckets + 1) * sizeof(uint32_t));
    w->parts = take(base, &at, parts * point);
    w->part_entries = take(base, &at, parts * 3 * sizeof(uint32_t));
    return at;
}

/* The plan with this c for scalars of at most `bits` bits, p->most of which are not 0 or 1. */
static void plan_with(msm_plan *p, drv_group group, unsigned c, unsigned bits)
{
    uint64_t threads = p->threads, entries, ones;
    unsigned waves;
    msm_shared s;
    msm_worker w;

    p->c = c;
    p->windows = windows_of(c, bits, group);
    p->buckets = (size_t)1 << (p->c - 1);
    p->wave =
        (unsigned)least_of(most_of(WAVE_BUCKETS / p->buckets, 2 * (size_t)threads), p->windows);
    waves = (p->windows + p->wave - 1) / p->wave;
    p->wave = (p->windows + waves - 1) / waves;
    p->slices = p->wave * p->buckets / (threads > 1 ? ENOUGH_BUCKETS : TASK_BUCKETS);
    p->slices = least_of(p->slices, most_of(p->wave * p->buckets / TASK_BUCKETS, 16 * threads));
    p->slices = most_of(p->slices, 1);
    p->windows_per_fold = (unsigned)least_of(most_of(WAVE_BUCKETS / p->buckets, 1),
                                             (p->wave + threads - 1) / threads);
    p->one_blocks = most_of(least_of(ONE_BLOCKS, p->blocks / (2 * threads)), 1);
    entries = p->wave * p->most;
    ones = p->one_blocks * MSM_BLOCK;
    /* twice what a bucket has on average: few are cut when scalars are random */
    p->longest = 16;
    while (p->longest < MSM_LONGEST && p->longest * p->buckets < 2 * p->most)
        p->longest *= 2;
    p->parts = (p->c - p->ops->lanes_log2) << p->ops->lanes_log2;
    p->raw = most_of(most_of(p->wave * p->buckets, p->windows_per_fold * p->c), p->one_blocks);
    /* a run of len > longest makes ceil(len / longest) < 2 len / longest segments */
    p->partial = 2 * most_of(entries, ones) / p->longest + 1;
    p->segs = p->raw + p->partial;
    p->shared_bytes = place_shared(p, &s, NULL);
    p->worker_bytes = place_worker(p, &w, NULL);
}

static uint64_t plan_bytes(const msm_plan *p)
{
    return p->shared_bytes + p->threads * p->worker_bytes;
}

/* The plan for any scalars (v NULL), or for those of a survey, which takes no more memory. */
static void make_plan(msm_plan *p, p_isa isa, unsigned threads, drv_group group, uint64_t count,
                      const msm_survey *v)
{
    uint64_t passes = (count + MSM_MAX_PASS - 1) / MSM_MAX_PASS, limit, least = UINT64_MAX;
    msm_survey any = {{0}};
    unsigned bits = MSM_MAX_BITS, best = MSM_MIN_C;

    memset(p, 0, sizeof *p);
    p->ops = choose(isa, group);
    p->words = point_words(group);
    p->threads = threads;
    p->pass = (count + passes - 1) / passes;
    p->blocks = (p->pass + MSM_BLOCK - 1) / MSM_BLOCK;
    any.bits[bits] = p->pass;
    p->most = p->pass;
    for (unsigned c = MSM_MIN_C; c <= MSM_MAX_C; c++) {
        uint64_t cost = additions(&any, c, bits, group);

        if (cost < least) {
            least = cost;
            best = c;
        }
    }
    plan_with(p, group, best, bits);
    if (!v)
        return;
    limit = plan_bytes(p);
    p->most = 0;
    for (unsigned b = 2; b <= MSM_MAX_BITS; b++) {
        any.bits[b] = (v->bits[b] + passes - 1) / passes;
        p->most += v->bits[b];
    }
    p->most = most_of(least_of(p->most, p->pass), 1);
    while (bits > 2 && v->bits[bits] == 0)
        bits--;
    least = UINT64_MAX;
    for (unsigned c = MSM_MIN_C; c <= MSM_MAX_C; c++) {
        uint64_t cost = additions(&any, c, bits, group);

        if (cost >= least)
            continue;
        plan_with(p, group, c, bits);
        if (plan_bytes(p) > limit)
            continue;
        least = cost;
        best = c;
    }
    plan_with(p, group, best, bits);
}

uint64_t cpu_msm_scratch(const cpu_run *run, drv_group group, uint64_t count)
{
    msm_plan p;

    make_plan(&p, run->isa, p_pool_threads(run->pool), group, count, NULL);
    return (plan_bytes(&p) + P_MEMORY_ALIGN - 1) & ~(uint64_t)(P_MEMORY_ALIGN - 1);
}

/* ---- sums of runs ---- */

/* Cuts the runs into segments of almost equal length, ordered by falling length; the ones of runs
 * that had to be cut become runs over partial sums, of which *n are left. Returns the number of
 * segments. */
static size_t cut(const msm_plan *p, msm_worker *w, size_t *n)
{
    size_t at[MSM_LONGEST + 1] = {0}, segs = 0, again = 0, partial = 0;
    const uint32_t longest = p->longest;

    for (size_t i = 0; i < *n; i++) {
        uint32_t len = w->raw[i].len, pieces = (len + longest - 1) / longest;

        at[len / pieces] += pieces - len % pieces;
        if (len % pieces)
            at[len / pieces + 1] += len % pieces;
    }
    for (uint32_t len = longest; len > 0; len--) {
        size_t these = at[len];

        at[len] = segs;
        segs += these;
    }
    for (size_t i = 0; i < *n; i++) {
        msm_seg run = w->raw[i];
        uint32_t pieces = (run.len + longest - 1) / longest, start = run.start;

        for (uint32_t k = 0; k < pieces; k++) {
            uint32_t len = run.len / pieces + (k < run.len % pieces);
            uint32_t out = pieces == 1 ? run.out : MSM_PARTIAL | (uint32_t)(partial + k);

            w->segs[at[len]++] = (msm_seg){start, len, out};
            start += len;
        }
        if (pieces > 1) { /* again <= i */
            w->raw[again++] = (msm_seg){(uint32_t)partial, pieces, run.out};
            partial += pieces;
        }
    }
    *n = again;
    return segs;
}

/* Sums the n runs in w->raw (lengths >= 1) of entries of src into points of out. */
static p_status sum_runs(const msm_plan *p, msm_worker *w, size_t n, const uint64_t *src, bool own,
                         const uint32_t *entries, uint64_t *out, const p_cancel *cancel)
{
    for (unsigned level = 0; n > 0; level++) {
        uint64_t *dst[2] = {out, w->partial[level % 2]};
        size_t segs = cut(p, w, &n);
        p_status status = p->ops->sum(w->work, src, own, entries, w->segs, segs, dst, cancel);

        if (status != P_OK)
            return status;
        src = dst[1];
        own = true;
        entries = w->identity;
    }
    return P_OK;
}

/* The entries of partial sums. */
static void number(const msm_plan *p, msm_worker *w)
{
    for (size_t i = 0; i < p->partial; i++)
        w->identity[i] = (uint32_t)i << 1;
}

/* ---- the steps of a pass ---- */

typedef struct msm_loop {
    const msm_plan *plan;
    const p_cancel *cancel;
    msm_shared shared;
    unsigned char *memory; /* shared, then workers */
    uint64_t bytes;
    /* this pass */
    const uint64_t *scalars, *points;
    drv_form form;
    uint64_t count, blocks;
    size_t from, to; /* windows of this wave */
    atomic_uint_least64_t bad;
} msm_loop;

static void worker_of(const msm_loop *l, unsigned worker, msm_worker *w)
{
    place_worker(l->plan, w, l->memory + l->plan->shared_bytes + worker * l->plan->worker_bytes);
}

typedef struct survey_loop {
    const drv_msm_job *job;
    bool halve;
    atomic_uint_least64_t bits[MSM_MAX_BITS + 1];
} survey_loop;

static p_status survey_item(void *arg, size_t item, unsigned worker)
{
    survey_loop *l = arg;
    uint64_t from = item * (uint64_t)MSM_BLOCK;
    uint64_t n = l->job->count - from < MSM_BLOCK ? l->job->count - from : MSM_BLOCK;
    msm_survey v = {{0}};

    (void)worker;
    msm_survey_add(&v, l->job->scalars + 4 * from, n, l->halve);
    for (unsigned b = 0; b <= MSM_MAX_BITS; b++)
        if (v.bits[b])
            atomic_fetch_add(&l->bits[b], v.bits[b]);
    return P_OK;
}

/* Looks at the scalars; numbers in Montgomery form do not show how long they are. */
static p_status survey(const cpu_run *run, drv_group group, const drv_msm_job *job, msm_survey *out)
{
    survey_loop l = {.job = job, .halve = group == DRV_G1};
    p_status status = p_pool_run(run->pool, (job->count + MSM_BLOCK - 1) / MSM_BLOCK, survey_item,
                                 &l, run->cancel);

    for (unsigned b = 0; b <= MSM_MAX_BITS; b++)
        out->bits[b] = l.bits[b];
    return status;
}

static p_status recode_item(void *arg, size_t item, unsigned worker)
{
    msm_loop *l = arg;
    uint64_t bad = msm_recode(&l->shared.recoding, l->scalars, l->form, l->points, l->plan->words,
                              l->count, item);

    (void)worker;
    if (bad < l->count)
        lower(&l->bad, bad);
    return P_OK;
}

static p_status sort_item(void *arg, size_t item, unsigned worker)
{
    msm_loop *l = arg;
    const msm_plan *p = l->plan;
    msm_worker w;

    worker_of(l, worker, &w);
    msm_sort(&l->shared.recoding, l->blocks, (unsigned)(l->from + item),
             l->shared.entries + item * p->most, l->shared.starts + item * (p->buckets + 2),
             w.cursor);
    return P_OK;
}

/* How much the buckets before bucket b of all windows of the wave are to do. */
static uint64_t work_before(const msm_loop *l, size_t b)
{
    const msm_plan *p = l->plan;
    uint64_t sum = (l->to - l->from) * b;

    for (size_t window = 0; window < l->to - l->from; window++) {
        const uint32_t *starts = l->shared.starts + window * (p->buckets + 2);

        sum += starts[b + 1] - starts[1];
    }
    return sum;
}

/* The first bucket of a slice: slices are equal in what there is to do, as scalars may be alike. */
static size_t slice_start(const msm_loop *l, size_t slice)
{
    const msm_plan *p = l->plan;
    uint64_t all = work_before(l, p->buckets);
    size_t low = 0, high = p->buckets;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (work_before(l, middle) * p->slices < all * slice)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static p_status bucket_item(void *arg, size_t item, unsigned worker)
{
    msm_loop *l = arg;
    const msm_plan *p = l->plan;
    size_t first = slice_start(l, item), last = slice_start(l, item + 1), n = 0;
    msm_worker w;

    worker_of(l, worker, &w);
    for (size_t window = 0; window < l->to - l->from; window++) {
        const uint32_t *starts = l->shared.starts + window * (p->buckets + 2);

        for (size_t b = first; b < last; b++) { /* of magnitude b + 1 */
            uint32_t start = starts[b + 1], len = starts[b + 2] - start;
            size_t out = window * p->buckets + b;

            if (len == 0)
                memset(l->shared.buckets + out * p->words, 0, p->words * 8);
            else
                w.raw[n++] = (msm_seg){(uint32_t)(window * p->most + start), len, (uint32_t)out};
        }
    }
    number(p, &w);
    return sum_runs(p, &w, n, l->points, false, l->shared.entries, l->shared.buckets, l->cancel);
}

/* The sums of some blocks' ones. */
static p_status ones_item(void *arg, size_t item, unsigned worker)
{
    msm_loop *l = arg;
    const msm_plan *p = l->plan;
    size_t first = item * p->one_blocks, last = least_of(first + p->one_blocks, l->blocks), n = 0;
    msm_worker w;

    worker_of(l, worker, &w);
    for (size_t b = first; b < last; b++) {
        const struct msm_block *block = &l->shared.recoding.blocks[b];

        if (block->ones == 0)
            memset(l->shared.ones + b * p->words, 0, p->words * 8);
        else
            w.raw[n++] =
                (msm_seg){(uint32_t)(b * MSM_BLOCK + block->large), block->ones, (uint32_t)b};
    }
    number(p, &w);
    return sum_runs(p, &w, n, l->points, false, l->shared.recoding.ids, l->shared.ones, l->cancel);
}

/* Window w's sum of number times bucket in c points at bits + w * c: bit b's, b = 0 .. c - 2,
 * counts 2^b; bucket i is of magnitude i + 1, so the sum of all buckets, at c - 1, counts 1. */
static p_status fold_item(void *arg, size_t item, unsigned worker)
{
    msm_loop *l = arg;
    const msm_plan *p = l->plan;
    size_t from = item * p->windows_per_fold;
    size_t to = least_of(from + p->windows_per_fold, l->to - l->from), n = 0;
    uint32_t lanes = UINT32_C(1) << p->ops->lanes_log2, at = 0;
    msm_worker w;
    p_status status;

    worker_of(l, worker, &w);
    status = p->ops->fold(w.work, w.fold, l->shared.buckets + from * p->buckets * p->words,
                          p->c - 1, (unsigned)(to - from), w.parts, l->cancel);
    if (status != P_OK)
        return status;
    for (size_t window = from; window < to; window++) {
        uint32_t part = (uint32_t)((window - from) * p->parts);
        uint32_t out = (uint32_t)((l->from + window) * p->c);

        for (uint32_t b = 0; b < p->c; b++) {
            uint32_t start = at;

            for (uint32_t i = 0; i < lanes; i++)
                if (b == p->c - 1 || b >= p->ops->lanes_log2)
                    w.part_entries[at++] = (part + (p->c - 1 - b) * lanes + i) << 1;
                else if (i >> b & 1)
                    w.part_entries[at++] = (part + i) << 1;
            w.raw[n++] = (msm_seg){start, at - start, out + b};
        }
    }
    return sum_runs(p, &w, n, w.parts, true, w.part_entries, l->shared.bits, l->cancel);
}

static p_status wipe_item(void *arg, size_t item, unsigned worker)
{
    msm_loop *l = arg;
    size_t from = item * WIPE_BYTES;

    (void)worker;
    explicit_bzero(l->memory + from, least_of(l->bytes - from, WIPE_BYTES));
    return P_OK;
}

/* acc += the sum of the bits of all windows, by doubling. */
#define ADD_BITS(G)                                                                                \
    static void add_bits_##G(const msm_plan *p, const uint64_t *bits, bn_##G##x *acc)              \
    {                                                                                              \
        bn_##G##x sum;                                                                             \
        bn_##G a;                                                                                  \
                                                                                                   \
        bn_##G##x_set_zero(&sum);                                                                  \
        for (unsigned w = p->windows; w-- > 0;)                                                    \
            for (unsigned b = p->c; b-- > 0;) {                                                    \
                const uint64_t *window = bits + (size_t)w * p->c * p->words;                       \
                                                                                                   \
                bn_##G##x_dbl(&sum, &sum);                                                         \
                if (b < p->c - 1) {                                                                \
                    memcpy(&a, window + b * p->words, sizeof a);                                   \
                    bn_##G##x_add_affine(&sum, &sum, &a);                                          \
                }                                                                                  \
                if (b == 0) {                                                                      \
                    memcpy(&a, window + (p->c - 1) * p->words, sizeof a);                          \
                    bn_##G##x_add_affine(&sum, &sum, &a);                                          \
                }                                                                                  \
            }                                                                                      \
        bn_##G##x_add(acc, acc, &sum);                                                             \
    }                                                                                              \
                                                                                                   \
    static void add_ones_##G(const uint64_t *ones, uint64_t blocks, bn_##G##x *acc)                \
    {                                                                                              \
        for (uint64_t b = 0; b < blocks; b++) {                                                    \
            bn_##G a;                                                                              \
                                                                                                   \
            memcpy(&a, ones + b * (sizeof a / 8), sizeof a);                                       \
            bn_##G##x_add_affine(acc, acc, &a);                                                    \
        }                                                                                          \
    }

ADD_BITS(g1)
ADD_BITS(g2)

static p_status wave(const cpu_run *run, msm_loop *l)
{
    const msm_plan *p = l->plan;
    size_t n = l->to - l->from;
    size_t folds = (n + p->windows_per_fold - 1) / p->windows_per_fold;
    p_status status = p_pool_run(run->pool, n, sort_item, l, run->cancel);

    if (status == P_OK)
        status = p_pool_run(run->pool, p->slices, bucket_item, l, run->cancel);
    if (status == P_OK)
        status = p_pool_run(run->pool, folds, fold_item, l, run->cancel);
    return status;
}

static p_status pass(const cpu_run *run, msm_loop *l)
{
    const msm_plan *p = l->plan;
    p_status status = p_pool_run(run->pool, l->blocks, recode_item, l, run->cancel);

    if (status != P_OK || l->bad < l->count)
        return status;
    status = p_pool_run(run->pool, (l->blocks + p->one_blocks - 1) / p->one_blocks, ones_item, l,
                        run->cancel);
    for (l->from = 0; l->from < p->windows && status == P_OK; l->from = l->to) {
        l->to = least_of(l->from + p->wave, p->windows);
        status = wave(run, l);
    }
    if (status == P_OK)
        p->ops->finish(l->shared.bits, (size_t)p->windows * p->c);
    if (status == P_OK)
        p->ops->finish(l->shared.ones, (size_t)l->blocks);
    return status;
}

p_status cpu_msm(const cpu_run *run, const cpu_msm_points *points, const drv_msm_job *job,
                 p_err *err)
{
    msm_plan plan;
    msm_survey lengths;
    msm_loop l = {.plan = &plan, .cancel = run->cancel, .form = job->form};
    bn_g1x g1;
    bn_g2x g2;
    void *memory;
    p_status status;

    if (job->count < 1 || job->first > points->count || job->count > points->count - job->first)
        return p_err_set(err, P_EINVAL,
                         "scalars for the points %" PRIu64 " to %" PRIu64
                         " (exclusive), but there are %" PRIu64 " points",
                         job->first, job->first + job->count, points->count);
    if (job->form == DRV_CANONICAL && survey(run, points->group, job, &lengths) != P_OK)
        return p_err_set(err, P_ECANCELLED, "multi-scalar multiplication of %" PRIu64 " points: %s",
                         job->count, p_status_text(P_ECANCELLED));
    make_plan(&plan, run->isa, p_pool_threads(run->pool), points->group, job->count,
              job->form == DRV_CANONICAL ? &lengths : NULL);
    l.bytes = plan_bytes(&plan);
    status = p_memory_alloc(run->memory, l.bytes, 1, "buckets of a multi-scalar multiplication",
                            &memory, err);
    if (status != P_OK)
        return status;
    l.memory = memory;
    place_shared(&plan, &l.shared, memory);
    bn_g1x_set_zero(&g1);
    bn_g2x_set_zero(&g2);
    for (uint64_t from = 0; from < job->count; from += plan.pass) {
        l.scalars = job->scalars + 4 * from;
        l.points = points->points + (job->first + from) * plan.words;
        l.count = job->count - from < plan.pass ? job->count - from : plan.pass;
        l.blocks = (l.count + MSM_BLOCK - 1) / MSM_BLOCK;
        atomic_store(&l.bad, UINT64_MAX);
        status = pass(run, &l);
        if (status != P_OK) {
            p_err_set(err, status, "multi-scalar multiplication of %" PRIu64 " points: %s",
                      job->count, p_status_text(status));
            break;
        }
        if (l.bad < l.count) {
            status = p_err_set(err, P_EINVAL,
                               "scalar %" PRIu64 " of %" PRIu64
                               " is not below the order of the group: reduce it",
                               from + (uint64_t)l.bad, job->count);
            break;
        }
        if (points->group == DRV_G1) {
            add_bits_g1(&plan, l.shared.bits, &g1);
            add_ones_g1(l.shared.ones, l.blocks, &g1);
        } else {
            add_bits_g2(&plan, l.shared.bits, &g2);
            add_ones_g2(l.shared.ones, l.blocks, &g2);
        }
    }
    if (status == P_OK && points->group == DRV_G1) {
        bn_g1 sum;

        bn_g1x_get(&sum, &g1);
        memcpy(job->out, &sum, sizeof sum);
    } else if (status == P_OK) {
        bn_g2 sum;

        bn_g2x_get(&sum, &g2);
        memcpy(job->out, &sum, sizeof sum);
    }
    /* the digits are the scalars, which may be a witness; never cancelled */
    p_pool_run(run->pool, (l.bytes + WIPE_BYTES - 1) / WIPE_BYTES, wipe_item, &l, NULL);
    p_memory_free(run->memory, memory, l.bytes, 1);
    return status;
}
