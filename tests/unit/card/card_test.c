#include "tests/unit/card/card_test.h"

#include "driver/field/bn_curve.h"

#include <stdio.h>

#define JOB_MS 60000

void test_fill(uint64_t *words, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t x = seed += UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        words[i] = x ^ x >> 31;
    }
}

void test_fill_fr(uint64_t *words, size_t elements, uint64_t seed)
{
    test_fill(words, 4 * elements, seed);
    for (size_t i = 0; i < elements; i++)
        words[4 * i + 3] >>= 3;
}

/* ---- the device ---- */

static void log_line(void *context, const char *text)
{
    test_card *t = context;
    size_t at = strlen(t->log);

    t->logged++;
    snprintf(t->log + at, sizeof t->log - at, "%s\n", text);
}

static size_t test_probe(const drv_options *options, drv_info *out, size_t max)
{
    (void)options, (void)out, (void)max;
    return 0;
}

static p_status test_open(const char *unit, const drv_options *options, void **device, p_err *err)
{
    test_card *t = options->log_context;
    p_status s;

    (void)unit;
    if (!t->card)
        t->card = direct_card_create(&t->options);
    s = card_device_open(&direct_card_ops, t->card, "test:0", "a card of the tests", options,
                         &t->internal, err);
    if (s == P_OK && t->patience.base_ms > 0)
        t->internal->patience = t->patience;
    *device = t->internal;
    return s;
}

static const drv_backend BACKEND = {
    .abi = DRV_BACKEND_ABI,
    .name = "test",
    .probe = test_probe,
    .open = test_open,
    .close = card_device_close,
    .info = card_device_info,
    .supports = card_device_supports,
    .estimate = card_device_estimate,
    .run = card_device_run,
    .object_free = card_device_object_free,
};

void test_card_defaults(test_card *t)
{
    memset(t, 0, sizeof *t);
    t->options = direct_card_default(0);
    t->options.threads = false;
    for (unsigned i = 0; i < CARD_KERNELS; i++)
        t->options.caps.units[i] = 1;
}

p_status test_card_try_open(test_card *t, p_err *err)
{
    drv_options options = {
        .threads = 1, .memory_bytes = t->memory_bytes, .log = log_line, .log_context = t};

    return drv_open_backend(&BACKEND, "0", &options, &t->device, err);
}

void test_card_open(test_card *t)
{
    p_err err = {P_OK, ""};

    if (test_card_try_open(t, &err) != P_OK)
        fail_msg("the device does not open: %s", err.text);
}

void test_card_close(test_card *t)
{
    direct_counts counts;
    p_err err = {P_OK, ""};

    assert_int_equal(t->internal->host.used, 0);
    card_rows_trim(t->internal);
    for (const card_rows *r = t->internal->live.first; r; r = r->next) {
        bool table = false;

        for (unsigned width = 0; width <= BN_POSEIDON_MAX_WIDTH; width++)
            table = table || t->internal->table[width] == r;
        assert_true(table); /* constants stay until the end */
    }
    if (drv_close(t->device, JOB_MS, &err) != P_OK)
        fail_msg("the device does not close: %s", err.text);
    direct_card_counts(t->card, &counts);
    assert_true(counts.closed);
    assert_int_equal(counts.buffers, 0);
    assert_int_equal(counts.rows[0] + counts.rows[1], 0);
    assert_int_equal(counts.tickets, 0);
    direct_card_destroy(t->card);
}

void test_card_fault(test_card *t, direct_fault_kind kind, uint32_t what, uint64_t at,
                     uint64_t count, uint64_t seed)
{
    direct_card_fault(
        t->card,
        &(direct_fault){.kind = kind, .what = what, .at = at, .count = count, .seed = seed});
}

direct_counts test_card_counts(test_card *t)
{
    direct_counts counts;

    direct_card_counts(t->card, &counts);
    return counts;
}

/* ---- scenarios ---- */

static uint64_t *words_of(size_t words)
{
    uint64_t *p = aligned_alloc(64, (words * 8 + 63) / 64 * 64);

    if (!p)
        abort();
    return p;
}

typedef struct commit_shape {
    drv_commit_job job; /* without arrays */
    uint32_t opened;
} commit_shape;

/* Commits, opens and reads a rectangle. */
static p_status commit_all(drv_device *device, const commit_shape *shape, uint64_t *out,
                           size_t *words, p_err *err)
{
    drv_job job = {.op = DRV_COMMIT, .commit = shape->job};
    size_t in_words = drv_matrix_words(shape->job.in.columns, shape->job.in.log_rows);
    uint64_t *in = words_of(in_words), rows[64], leaves, first = *words;
    drv_handle *handle = NULL;
    drv_commitment info;
    p_status s;

    test_fill(in, in_words, 1);
    job.commit.in.data = in;
    job.commit.cap = out + *words;
    job.commit.out = &handle;
    *words += (size_t)4 << shape->job.cap_log2;
    s = drv_run(device, &job, JOB_MS, err);
    if (s == P_OK && job.commit.input != DRV_LEAVES)
        memset(in, 0xee, in_words * 8); /* it was borrowed until the end of the job only */
    if (s == P_OK)
        s = drv_commitment_info(handle, &info);
    if (s == P_OK) {
        leaves = UINT64_C(1) << info.log_leaves;
        for (uint32_t i = 0; i < shape->opened; i++)
            rows[i] = (i * 29 + 3) % leaves;
        job = (drv_job){.op = DRV_OPEN,
                        .open = {handle, rows, shape->opened, out + *words,
                                 out + *words + shape->opened * info.columns}};
        *words += shape->opened * (info.columns + (size_t)4 * info.path_digests);
        s = drv_run(device, &job, JOB_MS, err);
    }
    if (s == P_OK) {
        uint32_t column = info.columns / 3;

        job = (drv_job){.op = DRV_READ,
                        .read = {handle, leaves / 4, leaves / 2 + 1, column, info.columns - column,
                                 out + *words}};
        *words += (leaves / 2 + 1) * (info.columns - column);
        s = drv_run(device, &job, JOB_MS, err);
    }
    if (*words > TEST_MAX_WORDS || first > *words)
        abort();
    drv_release(handle);
    free(in);
    return s;
}

#define COMMIT(NAME, COLUMNS, LOG_ROWS, INPUT, HASH, BLOWUP, CAP, OPENED)                          \
    static p_status NAME(drv_device *device, uint64_t *out, size_t *words, p_err *err)             \
    {                                                                                              \
        static const commit_shape SHAPE = {                                                        \
            .job = {.in = {.columns = COLUMNS, .log_rows = LOG_ROWS},                              \
                    .input = INPUT,                                                                \
                    .hash = HASH,                                                                  \
                    .log_blowup = BLOWUP,                                                          \
                    .cap_log2 = CAP},                                                              \
            .opened = OPENED};                                                                     \
        *words = 0;                                                                                \
        return commit_all(device, &SHAPE, out, words, err);                                        \
    }

COMMIT(commit_gl, 27, 5, DRV_VALUES, DRV_HASH_GL, 1, 2, 9)
COMMIT(commit_full, 19, 4, DRV_COEFFICIENTS, DRV_HASH_GL, 1, 5, 9)
COMMIT(commit_leaves, 19, 6, DRV_LEAVES, DRV_HASH_GL, 0, 1, 9)
COMMIT(commit_bn, 50, 3, DRV_VALUES, DRV_HASH_BN254, 1, 0, 2)
COMMIT(commit_bn_leaves, 50, 4, DRV_LEAVES, DRV_HASH_BN254, 0, 0, 2)

static p_status ntt(drv_device *device, drv_ntt_job shape, size_t count, bool fr, uint64_t *out,
                    size_t *words, p_err *err)
{
    drv_job job = {.op = DRV_NTT, .ntt = shape};
    uint64_t *data = words_of(count);
    p_status s;

    if (fr)
        test_fill_fr(data, count / 4, 2);
    else
        test_fill(data, count, 2);
    job.ntt.data = data;
    s = drv_run(device, &job, JOB_MS, err);
    memcpy(out, data, count * 8);
    *words = count;
    free(data);
    return s;
}

static p_status ntt_columns(drv_device *device, uint64_t *out, size_t *words, p_err *err)
{
    return ntt(
        device,
        (drv_ntt_job){
            .in_order = DRV_BIT_REVERSED, .inverse = true, .log_n = 4, .columns = 43, .shift = {7}},
        43 << 4, false, out, words, err);
}

static p_status ntt_blocked(drv_device *device, uint64_t *out, size_t *words, p_err *err)
{
    return ntt(device,
               (drv_ntt_job){.layout = DRV_BLOCKED,
                             .out_order = DRV_BIT_REVERSED,
                             .log_n = 5,
                             .columns = 43,
                             .shift = {3}},
               48 << 5, false, out, words, err);
}

static p_status ntt_fr(drv_device *device, uint64_t *out, size_t *words, p_err *err)
{
    return ntt(device,
               (drv_ntt_job){.field = DRV_BN254_FR,
                             .out_order = DRV_BIT_REVERSED,
                             .log_n = 4,
                             .columns = 6,
                             .shift = {5, 1}},
               (4 * 6) << 4, true, out, words, err);
}

static p_status poseidon_gl(drv_device *device, uint64_t *out, size_t *words, p_err *err)
{
    enum { COUNT = 8 };
    uint64_t *states = words_of(12 * COUNT);
    drv_job job = {.op = DRV_POSEIDON, .poseidon = {.width = 12, .count = COUNT, .states = states}};
    p_status s;

    test_fill(states, 12 * COUNT, 3);
    s = drv_run(device, &job, JOB_MS, err);
    memcpy(out, states, 12 * COUNT * 8);
    *words = 12 * COUNT;
    free(states);
    return s;
}

static p_status poseidon_fr(drv_device *device, uint64_t *out, size_t *words, p_err *err)
{
    enum { COUNT = 2, WIDTH = 5 };
    uint64_t *states = words_of(4 * WIDTH * COUNT);
    drv_job job = {
        .op = DRV_POSEIDON,
        .poseidon = {.field = DRV_BN254_FR, .width = WIDTH, .count = COUNT, .states = states}};
    p_status s;

    test_fill_fr(states, WIDTH * COUNT, 3);
    s = drv_run(device, &job, JOB_MS, err);
    memcpy(out, states, 4 * WIDTH * COUNT * 8);
    *words = 4 * WIDTH * COUNT;
    free(states);
    return s;
}

static p_status msm_of(drv_device *device, uint64_t count, uint64_t *out, size_t *words, p_err *err)
{
    const uint64_t first = 5, used = count - 10;
    uint64_t *points = words_of(8 * count), *scalars = words_of(4 * used);
    drv_handle *handle = NULL;
    drv_job job = {.op = DRV_MSM_LOAD,
                   .msm_load = {.points = points, .count = count, .out = &handle}};
    bn_g1x sum;
    bn_g1 g;
    p_status s;

    bn_g1_generator(&g);
    bn_g1x_set(&sum, &g);
    for (unsigned i = 0; i < count; i++) {
        bn_g1 affine;

        if (i < 16) { /* the others again */
            bn_g1x_get(&affine, &sum);
            memcpy(points + 8 * i, &affine, sizeof affine);
            bn_g1x_dbl(&sum, &sum);
            bn_g1x_add_affine(&sum, &sum, &g);
        } else {
            memcpy(points + 8 * i, points + 8 * (i % 16), 64);
        }
    }
    memset(points + 8 * 100, 0, 64); /* infinity */
    test_fill_fr(scalars, used, 4);
    s = drv_run(device, &job, JOB_MS, err);
    job = (drv_job){.op = DRV_MSM, .msm = {handle, scalars, DRV_CANONICAL, first, used, out}};
    if (s == P_OK)
        s = drv_run(device, &job, JOB_MS, err);
    job.msm.form = DRV_MONTGOMERY;
    job.msm.first = 1;
    job.msm.count = 3;
    job.msm.out = out + 8;
    if (s == P_OK)
        s = drv_run(device, &job, JOB_MS, err);
    *words = 16;
    drv_release(handle);
    free(points);
    free(scalars);
    return s;
}

static p_status msm(drv_device *device, uint64_t *out, size_t *words, p_err *err)
{
    return msm_of(device, 600, out, words, err);
}

static p_status msm_pieces(drv_device *device, uint64_t *out, size_t *words, p_err *err)
{
    return msm_of(device, 1300, out, words, err);
}

const test_scenario TEST_MSM_PIECES = {"msm_pieces", msm_pieces};

const test_scenario TEST_SCENARIOS[] = {
    {"commit_gl", commit_gl},
    {"commit_full", commit_full},
    {"commit_leaves", commit_leaves},
    {"commit_bn", commit_bn},
    {"commit_bn_leaves", commit_bn_leaves},
    {"ntt_columns", ntt_columns},
    {"ntt_blocked", ntt_blocked},
    {"ntt_fr", ntt_fr},
    {"poseidon_gl", poseidon_gl},
    {"poseidon_fr", poseidon_fr},
    {"msm", msm},
};
const size_t TEST_SCENARIO_COUNT = sizeof TEST_SCENARIOS / sizeof TEST_SCENARIOS[0];

const test_scenario *test_scenario_find(const char *name)
{
    for (size_t i = 0; i < TEST_SCENARIO_COUNT; i++)
        if (strcmp(TEST_SCENARIOS[i].name, name) == 0)
            return &TEST_SCENARIOS[i];
    abort();
}

void test_truth_make(test_truth *truth, const test_scenario *scenario)
{
    drv_device *cpu;
    drv_options options = {.threads = 1};
    p_err err = {P_OK, ""};

    if (drv_open("cpu", &options, &cpu, &err) != P_OK ||
        scenario->run(cpu, truth->out, &truth->words, &err) != P_OK)
        fail_msg("device cpu, %s: %s", scenario->name, err.text);
    assert_int_equal(drv_close(cpu, JOB_MS, NULL), P_OK);
}

void test_card_expect(test_card *t, const test_scenario *scenario, const test_truth *truth,
                      const char *what, uint64_t number)
{
    uint64_t *out = words_of(TEST_MAX_WORDS);
    size_t words = 0;
    p_err err = {P_OK, ""};
    p_status s = scenario->run(t->device, out, &words, &err);

    if (s != P_OK)
        fail_msg("%s, %s %llu: %s", scenario->name, what, (unsigned long long)number, err.text);
    if (words != truth->words || memcmp(out, truth->out, words * 8) != 0)
        fail_msg("%s, %s %llu: another result than device cpu", scenario->name, what,
                 (unsigned long long)number);
    free(out);
}
