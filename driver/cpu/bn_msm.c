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
    unsigned c, windows, wave;
    size_t buckets; /* of a window */
    size_t slices;
    unsigned windows_per_fold;
    uint32_t longest; /* segment */
    size_t raw, segs; /* most runs of entries and segments of a task */
    size_t partial;   /* and of sums that are summed again */
    size_t parts;     /* points that fold leaves of a window */
    uint64_t shared_bytes, worker_bytes;
} msm_plan;

static unsigned windows_of(unsigned c, drv_group group)
{
    return (c + (group == DRV_G1 ? 254 : 255) - 1) / c;
}

/* The c with the fewest additions; a window costs about 64 more in the end. */
static unsigned best_c(uint64_t n, drv_group group)
{
    uint64_t least = UINT64_MAX;
    unsigned best = MSM_MIN_C;

    for (unsigned c = MSM_MIN_C; c <= MSM_MAX_C; c++) {
        uint64_t cost = windows_of(c, group) * (n + ((uint64_t)1 << c) + 64);

        if (cost < least) {
            least = cost;
            best = c;
        }
    }
    return best;
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
    s->entries = take(base, &at, p->wave * p->pass * sizeof(uint32_t));
    s->starts = take(base, &at, p->wave * (p->buckets + 2) * sizeof(uint32_t));
    s->buckets = take(base, &at, p->wave * p->buckets * point);
    s->bits = take(base, &at, p->windows * p->c * point);
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

static void make_plan(msm_plan *p, p_isa isa, unsigned threads, drv_group group, uint64_t count)
{
    uint64_t passes = (count + MSM_MAX_PASS - 1) / MSM_MAX_PASS, entries;
    unsigned waves;
    msm_shared s;
    msm_worker w;

    memset(p, 0, sizeof *p);
    p->ops = choose(isa, group);
    p->words = point_words(group);
    p->threads = threads;
    p->pass = (count + passes - 1) / passes;
    p->blocks = (p->pass + MSM_BLOCK - 1) / MSM_BLOCK;
    p->c = best_c(p->pass, group);
    p->windows = windows_of(p->c, group);
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
    entries = p->wave * p->pass;
    /* twice what a bucket has on average: few are cut when scalars are random */
    p->longest = 16;
    while (p->longest < MSM_LONGEST && p->longest * p->buckets < 2 * p->pass)
        p->longest *= 2;
    p->parts = (p->c - p->ops->lanes_log2) << p->ops->lanes_log2;
    p->raw =
        most_of(p->wave * ((p->buckets + p->slices - 1) / p->slices), p->windows_per_fold * p->c);
    /* a run of len > longest makes ceil(len / longest) < 2 len / longest segments */
    p->partial = 2 * entries / p->longest + 1;
    p->segs = p->raw + p->partial;
    p->shared_bytes = place_shared(p, &s, NULL);
    p->worker_bytes = place_worker(p, &w, NULL);
}

uint64_t cpu_msm_scratch(const cpu_run *run, drv_group group, uint64_t count)
{
    msm_plan p;
    uint64_t bytes;

    make_plan(&p, run->isa, p_pool_threads(run->pool), group, count);
    bytes = p.shared_bytes + p.threads * p.worker_bytes;
    return (bytes + P_MEMORY_ALIGN - 1) & ~(uint64_t)(P_MEMORY_ALIGN - 1);
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
             l->shared.entries + item * p->pass, l->shared.starts + item * (p->buckets + 2),
             w.cursor);
    return P_OK;
}

static p_status bucket_item(void *arg, size_t item, unsigned worker)
{
    msm_loop *l = arg;
    const msm_plan *p = l->plan;
    size_t first = p->buckets * item / p->slices;
    size_t last = p->buckets * (item + 1) / p->slices, n = 0;
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
                w.raw[n++] = (msm_seg){(uint32_t)(window * p->pass + start), len, (uint32_t)out};
        }
    }
    for (size_t i = 0; i < p->partial; i++)
        w.identity[i] = (uint32_t)i << 1;
    return sum_runs(p, &w, n, l->points, false, l->shared.entries, l->shared.buckets, l->cancel);
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
    for (l->from = 0; l->from < p->windows && status == P_OK; l->from = l->to) {
        l->to = least_of(l->from + p->wave, p->windows);
        status = wave(run, l);
    }
    if (status == P_OK)
        p->ops->finish(l->shared.bits, (size_t)p->windows * p->c);
    return status;
}

p_status cpu_msm(const cpu_run *run, const cpu_msm_points *points, const drv_msm_job *job,
                 p_err *err)
{
    msm_plan plan;
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
    make_plan(&plan, run->isa, p_pool_threads(run->pool), points->group, job->count);
    l.bytes = plan.shared_bytes + plan.threads * plan.worker_bytes;
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
        if (points->group == DRV_G1)
            add_bits_g1(&plan, l.shared.bits, &g1);
        else
            add_bits_g2(&plan, l.shared.bits, &g2);
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
