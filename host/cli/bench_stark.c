/* A whole STARK: demo_wide with as many columns as asked for, at the parameters that ship. */
#include "host/cli/bench.h"

#include "driver/base/memory.h"
#include "host/stark/demo.h"
#include "host/stark/stark.h"

#include <stdlib.h>
#include <string.h>

#define CLOSE_MS 60000
#define SEED 1
#define COLUMNS 100 /* committed in all, without the fixed one */
#define QUICK_COLUMNS 24
#define QUICK_LOG_ROWS 8

/* What a hash is measured at. */
typedef struct choice {
    const char *name;
    drv_hash hash;
    uint32_t log_rows, log_blowup;
} choice;

static const choice choices[] = {
    {"gl", DRV_HASH_GL, 20, 1},
    {"bn254", DRV_HASH_BN254, 13, 4},
};

/* demo_wide has 13 columns and 11 for each lane (host/stark/demo.h). */
#define BASE_COLUMNS 13
#define LANE_COLUMNS 11
#define MAX_LANES 256
#define MIN_COLUMNS (BASE_COLUMNS + LANE_COLUMNS)
#define MAX_COLUMNS (BASE_COLUMNS + MAX_LANES * LANE_COLUMNS)

/* One proof's times. */
typedef struct times {
    double wall, cpu, phase_wall[STARK_PHASES], phase_cpu[STARK_PHASES];
    double started; /* CPU time at the start of the phase */
    unsigned phase;
} times;

typedef struct measure {
    const bench_setup *b;
    const choice *hash;
    uint32_t columns;
    stark_params params;
    demo_wide_shape shape;
    air_definition definition;
    air *a;
    drv_device *device;
    p_pool *pool;
    p_memory memory;
    drv_matrix main;
    uint64_t words;
    gl_t publics[DEMO_WIDE_PUBLICS];
    stark_key key;
    stark_report report;
    times now, best;
} measure;

static void phase_told(void *context, unsigned phase, unsigned percent)
{
    measure *m = context;
    double now = p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID);

    (void)percent;
    if (phase != m->now.phase) {
        m->now.started = now;
        m->now.phase = phase;
    }
    m->now.phase_cpu[phase] = now - m->now.started; /* the last call of a phase is at its end */
}

static p_status prepare(measure *m, p_err *err)
{
    drv_options options = {.threads = m->b->threads, .isa = p_isa_name(m->b->isa)};
    stark_options o = {0};
    void *data;
    p_status s;

    m->definition = demo_wide_definition(&m->shape);
    m->memory.limit = UINT64_MAX;
    s = air_create(&m->definition, &m->a, err);
    if (s == P_OK)
        s = stark_params_choose(STARK_P128, m->hash->hash,
                                m->b->log_n >= 0 ? (uint32_t)m->b->log_n
                                : m->b->quick    ? QUICK_LOG_ROWS
                                                 : m->hash->log_rows,
                                m->hash->log_blowup, &m->params, err);
    if (m->b->quick) { /* all of the code, little of the work */
        m->params.level = STARK_TEST;
        m->params.queries = 8;
        m->params.grinding_bits = 4;
    }
    if (s == P_OK)
        s = drv_open(m->b->device_name ? m->b->device_name : "cpu", &options, &m->device, err);
    if (s == P_OK)
        s = p_pool_create(m->b->threads, &m->pool, err);
    if (s != P_OK)
        return s;
    o.pool = m->pool;
    m->main =
        (drv_matrix){.columns = m->a->trees[AIR_TREE_MAIN].columns, .log_rows = m->params.log_rows};
    m->words = drv_matrix_words(m->main.columns, m->main.log_rows);
    s = p_memory_alloc(&m->memory, m->words, sizeof(uint64_t), "the trace", &data, err);
    if (s != P_OK)
        return s;
    m->main.data = data;
    s = demo_wide_trace(m->a, m->params.log_rows, SEED, m->pool, &m->main, m->publics, err);
    return s == P_OK ? stark_setup(m->a, &m->params, m->device, &o, &m->key, err) : s;
}

static p_status prove(measure *m, p_err *err)
{
    stark_options o = {.pool = m->pool, .progress = phase_told, .context = m};
    double wall = p_clock_seconds(CLOCK_MONOTONIC), cpu = p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    stark_proof proof;
    p_status s;

    m->now = (times){.phase = STARK_PHASES};
    s = stark_prove(&m->key, &m->main, m->publics, &o, &proof, &m->report, err);
    m->now.wall = p_clock_seconds(CLOCK_MONOTONIC) - wall;
    m->now.cpu = p_clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    memcpy(m->now.phase_wall, m->report.seconds, sizeof m->now.phase_wall);
    stark_proof_free(&proof);
    if (s == P_OK && (m->best.wall == 0 || m->now.wall < m->best.wall))
        m->best = m->now;
    return s;
}

static bench_line line_of(const measure *m, const char *name)
{
    return (bench_line){.name = name,
                        .unit = "s",
                        .isa = p_isa_name(m->b->isa),
                        .device = drv_device_info(m->device)->name,
                        .threads = m->b->threads,
                        .log_n = (int)m->params.log_rows,
                        .columns = m->columns,
                        .clock = "wall"};
}

static void print(const measure *m, unsigned reps, double median)
{
    bench_line l = line_of(m, m->params.hash == DRV_HASH_GL ? "stark" : "stark_bn254");
    char name[64];

    l.value = l.wall_s = m->best.wall;
    l.cpu_s = m->best.cpu;
    l.reps = reps;
    l.median = median;
    l.rate = (double)(UINT64_C(1) << m->params.log_rows) / m->best.wall;
    l.rate_unit = "rows";
    l.device_mb = (double)m->report.memory_bytes / 1e6;
    l.checked = "stark_verify";
    bench_print(&l, m->b->json);
    for (unsigned i = 0; i < STARK_PHASES; i++) {
        snprintf(name, sizeof name, "stark:%s", stark_phase_name((stark_phase)i));
        l = line_of(m, name);
        l.value = l.wall_s = m->best.phase_wall[i];
        l.cpu_s = m->best.phase_cpu[i];
        bench_print(&l, m->b->json);
    }
    l = line_of(m, "stark:memory computed");
    l.unit = "MB";
    l.clock = NULL;
    l.value = (double)m->report.memory_bytes / 1e6;
    bench_print(&l, m->b->json);
    l.name = "stark:memory peak";
    l.value = (double)m->report.peak_bytes / 1e6;
    bench_print(&l, m->b->json);
}

static void release(measure *m)
{
    stark_key_free(&m->key);
    p_memory_free(&m->memory, m->main.data, m->words, sizeof(uint64_t));
    p_pool_destroy(m->pool);
    (void)drv_close(m->device, CLOSE_MS, NULL);
    air_destroy(m->a);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* NULL: there is no such hash. */
static const choice *choice_of(const char *hash)
{
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        if (strcmp(choices[i].name, hash ? hash : choices[0].name) == 0)
            return &choices[i];
    return NULL;
}

p_status bench_stark_check(const bench_setup *b, const char *hash, p_err *err)
{
    if (!choice_of(hash))
        return p_err_set(err, P_EINVAL, "option --hash: expected gl or bn254, found '%s'", hash);
    if (b->columns && (b->columns < MIN_COLUMNS || b->columns > MAX_COLUMNS))
        return p_err_set(err, P_EINVAL, "option --columns: expected %d to %d for stark, found %u",
                         MIN_COLUMNS, MAX_COLUMNS, b->columns);
    return P_OK;
}

p_status bench_stark(const bench_setup *b, const char *hash, p_err *err)
{
    measure m = {.b = b, .columns = b->columns ? b->columns : b->quick ? QUICK_COLUMNS : COLUMNS};
    unsigned reps = b->reps ? b->reps : b->quick ? 2 : 1;
    double seconds[BENCH_MAX_REPS];
    p_status s = bench_stark_check(b, hash, err);

    if (s != P_OK)
        return s;
    m.hash = choice_of(hash);
    m.shape.lanes = (m.columns - BASE_COLUMNS) / LANE_COLUMNS;
    m.shape.extra = (m.columns - BASE_COLUMNS) % LANE_COLUMNS;
    bench_peak_reset();
    s = prepare(&m, err);
    for (unsigned i = 0; i < reps && s == P_OK; i++) {
        s = prove(&m, err);
        seconds[i] = m.now.wall;
    }
    if (s == P_OK) {
        qsort(seconds, reps, sizeof seconds[0], ascending);
        print(&m, reps, seconds[reps / 2]);
    }
    release(&m);
    return s;
}
