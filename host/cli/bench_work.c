/* Measures one work of a device: compares a small size with another implementation, refuses what
 * does not fit into memory, runs once and checks a sample against slow code, then measures. */
#include "host/cli/bench_work.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPS_MIN 3
#define REPS_SECONDS 1.0 /* of all repetitions, unless REPS_MIN take longer */
#define QUICK_REPS 2
#define CHECK_COLUMNS 20
#define CLOSE_MS 60000

p_status bench_wrong(const bench_load *l, const char *what, p_err *err)
{
    return p_err_set(err, P_EINTERNAL,
                     "%s, 2^%" PRIu32 " x %" PRIu32
                     ", on device %s: the result is wrong (%s); nothing was measured",
                     l->work->name, l->log_n, l->columns, drv_device_info(l->device)->name, what);
}

/* ---- devices ---- */

static p_status open_devices(bench_setup *b, p_err *err)
{
    const char *name = b->device_name ? b->device_name : "cpu";
    drv_options options = {.threads = b->threads, .isa = p_isa_name(b->isa)};
    p_isa other = b->isa == P_ISA_PORTABLE ? p_isa_best() : P_ISA_PORTABLE;
    bool same = other == b->isa && strcmp(name, "cpu") == 0;
    p_status s;

    if (b->device)
        return P_OK;
    s = drv_open(name, &options, &b->device, err);
    if (s != P_OK || same) /* a machine that has plain C only: slow code is all there is */
        return s;
    options = (drv_options){.threads = 1, .isa = p_isa_name(other)};
    b->reference_isa = p_isa_name(other);
    return drv_open("cpu", &options, &b->reference, err);
}

void bench_close(bench_setup *b)
{
    (void)drv_close(b->reference, CLOSE_MS, NULL);
    (void)drv_close(b->device, CLOSE_MS, NULL);
    b->reference = b->device = NULL;
}

/* ---- one load ---- */

static void load_clear(bench_load *l)
{
    if (l->work->release)
        l->work->release(l);
    drv_release(l->handle);
    l->handle = NULL;
    if (l->data)
        drv_buffer_free(l->device, l->data, l->data_words * sizeof *l->data);
    if (l->more)
        drv_buffer_free(l->device, l->more, l->more_words * sizeof *l->more);
    l->data = l->more = NULL;
}

static p_status load_run(bench_load *l, p_err *err)
{
    drv_release(l->handle); /* of the run before */
    l->handle = NULL;
    return drv_run(l->device, &l->job, BENCH_TIMEOUT_MS, err);
}

/* Shape, memory, inputs. *bytes: what the device needs for arrays and job. */
static p_status load_make(bench_load *l, uint64_t *bytes, p_err *err)
{
    const drv_info *info = drv_device_info(l->device);
    uint64_t job_bytes = 0, arrays;
    p_status s = l->work->shape(l, err);

    if (s != P_OK)
        return s;
    arrays = (l->data_words + l->more_words) * sizeof *l->data;
    s = drv_estimate(l->device, &l->job, &job_bytes, err);
    if (s != P_OK)
        return s;
    *bytes = arrays + job_bytes;
    if (*bytes < arrays || *bytes > info->memory_bytes)
        return p_err_set(err, P_EEXHAUSTED,
                         "%s, 2^%" PRIu32 " x %" PRIu32
                         ": needs %.1f MB of memory, device %s has %.1f MB; choose a smaller "
                         "--log-n or --columns",
                         l->work->name, l->log_n, l->columns, (double)*bytes / 1e6, info->name,
                         (double)info->memory_bytes / 1e6);
    s = drv_buffer_alloc(l->device, l->data_words * sizeof *l->data, (void **)&l->data, err);
    if (s == P_OK && l->more_words > 0)
        s = drv_buffer_alloc(l->device, l->more_words * sizeof *l->more, (void **)&l->more, err);
    return s == P_OK ? l->work->fill(l, err) : s;
}

/* ---- the check ---- */

static p_status digest_on(bench_load *l, uint64_t *out, p_err *err)
{
    uint64_t bytes;
    p_status s = load_make(l, &bytes, err);

    if (s == P_OK)
        s = load_run(l, err);
    if (s == P_OK)
        *out = l->work->digest(l);
    load_clear(l);
    return s;
}

static p_status compare_devices(const bench_setup *b, const bench_load *shape, p_err *err)
{
    const bench_work *w = shape->work;
    bench_load small = *shape, other;
    uint64_t a = 0, c = 0;
    p_status s;

    if (small.log_n > w->check_log_n)
        small.log_n = w->check_log_n;
    if (small.columns > CHECK_COLUMNS)
        small.columns = CHECK_COLUMNS;
    other = small;
    other.device = b->reference;
    if (!p_isa_parse(b->reference_isa, &other.isa))
        other.isa = P_ISA_PORTABLE;
    s = digest_on(&small, &a, err);
    if (s == P_OK && b->reference)
        s = digest_on(&other, &c, err);
    if (s == P_OK && b->reference && a != c)
        s = bench_wrong(&small, b->reference_isa, err);
    return s;
}

/* ---- measuring ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

typedef struct timing {
    double spent[BENCH_MAX_REPS]; /* by the clock that counts */
    unsigned reps;
    double best, best_wall, best_cpu, median;
} timing;

/* Device cpu with one thread is measured in CPU time, which is its wall time on an idle machine and
 * does not grow with what else a busy one does; all else in wall time. */
static bool by_cpu_time(const bench_load *l)
{
    return l->setup->threads == 1 && strcmp(drv_device_info(l->device)->name, "cpu") == 0;
}

typedef struct span {
    double wall, cpu;
} span;

static p_status time_span(p_status (*run)(bench_load *l, p_err *err), bench_load *l, span *out,
                          p_err *err)
{
    double cpu = p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    double wall = p_clock_seconds(CLOCK_MONOTONIC);
    p_status s = run(l, err);

    *out = (span){p_clock_seconds(CLOCK_MONOTONIC) - wall,
                  p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu};
    return s;
}

static void keep_best(span *best, span x, bool first, bool cpu)
{
    if (first || (cpu ? x.cpu < best->cpu : x.wall < best->wall))
        *best = x;
}

/* Best: the fastest run, less the fastest of what is taken away; median: of the differences. */
static p_status repeat(bench_load *l, timing *t, p_err *err)
{
    const bench_setup *b = l->setup;
    unsigned want = b->reps ? b->reps : b->quick ? QUICK_REPS : 0;
    span best = {0}, best_minus = {0};
    bool cpu = by_cpu_time(l);
    double total = 0;
    p_status s = P_OK;

    for (t->reps = 0; s == P_OK && t->reps < BENCH_MAX_REPS; t->reps++) {
        span run, minus = {0};

        if (want ? t->reps == want : t->reps >= REPS_MIN && total >= REPS_SECONDS)
            break;
        drv_release(l->handle);
        l->handle = NULL;
        s = time_span(load_run, l, &run, err);
        if (s == P_OK && l->work->minus)
            s = time_span(l->work->minus, l, &minus, err);
        total += run.wall;
        t->spent[t->reps] = cpu ? run.cpu - minus.cpu : run.wall - minus.wall;
        keep_best(&best, run, t->reps == 0, cpu);
        keep_best(&best_minus, minus, t->reps == 0, cpu);
    }
    t->best_wall = best.wall - best_minus.wall;
    t->best_cpu = best.cpu - best_minus.cpu;
    t->best = cpu ? t->best_cpu : t->best_wall;
    qsort(t->spent, t->reps, sizeof t->spent[0], by_size);
    t->median = t->reps ? (t->spent[t->reps / 2] + t->spent[(t->reps - 1) / 2]) / 2 : 0;
    return s;
}

/* How far from what the machine can do: the slower of all multiplications at full speed, and all
 * bytes at full speed. */
static void compare_limit(const bench_load *l, const timing *t, bench_line *line)
{
    const bench_limits *m = &l->setup->limits;
    double mul = l->gl_muls * m->gl_mul_s + l->bn_muls * m->bn_mul_s;
    double copy = m->copy_bps > 0 ? l->moved_bytes / m->copy_bps : 0;
    double one = strncmp(l->work->name, "gl_", 3) == 0 ? m->gl_mul_s : m->bn_mul_s;

    if (one > 0)
        line->muls = t->best / l->units / one;
    if (mul <= 0) /* moving alone says nothing about work whose operations have no number */
        return;
    line->limit = (mul > copy ? mul : copy) / t->best;
    line->limit_by = mul > copy ? (l->gl_muls > 0 ? "gl_mul" : "bn_mul") : "copy";
}

static p_status measure(bench_load *l, p_err *err)
{
    const bench_setup *b = l->setup;
    const bench_work *w = l->work;
    char checked[128];
    uint64_t bytes = 0;
    timing *t = calloc(1, sizeof *t);
    p_status s = t ? load_make(l, &bytes, err) : p_err_set(err, P_EEXHAUSTED, "no memory");

    if (s == P_OK)
        s = load_run(l, err); /* touches all memory, and is what the sample is taken from */
    if (s == P_OK)
        s = w->verify(l, err);
    if (s == P_OK)
        s = repeat(l, t, err);
    if (s == P_OK && t->best <= 0) { /* a difference of times */
        fprintf(stderr,
                "zkprover bench: left out %s: the size is too small, or the machine too busy: what "
                "is taken away took longer than the whole\n",
                w->name);
    } else if (s == P_OK) {
        double scale = w->per_unit ? w->scale / l->units : w->scale;
        bench_line line = {.name = w->name,
                           .unit = w->unit,
                           .isa = p_isa_name(b->isa),
                           .device = drv_device_info(l->device)->name,
                           .value = t->best * scale,
                           .median = t->median * scale,
                           .clock = by_cpu_time(l) ? "cpu" : "wall",
                           .wall_s = t->best_wall,
                           .cpu_s = t->best_cpu,
                           .threads = b->threads,
                           .log_n = (int)l->log_n,
                           .columns = w->has_columns ? l->columns : 0,
                           .reps = t->reps,
                           .rate = l->units / t->best,
                           .rate_unit = w->rate_unit,
                           .device_mb = (double)(bytes + l->run_bytes) / 1e6,
                           .checked = checked};
        snprintf(checked, sizeof checked, "%s%s%s", w->checked,
                 b->reference ? "; all bits of a smaller one with cpu, " : "",
                 b->reference ? b->reference_isa : "");
        compare_limit(l, t, &line);
        bench_print(&line, b->json);
    }
    load_clear(l);
    free(t);
    return s;
}

p_status bench_work_measure(bench_setup *b, const bench_work *w, p_err *err)
{
    bench_load l = {.setup = b, .work = w, .isa = b->isa, .width = b->width};
    bool shaped = !w->has_columns;
    p_status s;

    l.log_n = b->log_n >= 0 ? (uint32_t)b->log_n : b->quick ? w->quick_log_n : w->log_n;
    l.columns = shaped ? 1 : b->columns ? b->columns : b->quick ? w->quick_columns : w->columns;
    s = open_devices(b, err);
    if (s == P_OK && b->limits.copy_bps == 0)
        s = bench_limits_measure(b, err);
    l.device = b->device;
    bench_peak_reset();
    if (s == P_OK)
        s = compare_devices(b, &l, err);
    return s == P_OK ? measure(&l, err) : s;
}
