/* The wrapper around device cpu: what each rule does to which run, and what flip inverts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/clock.h"
#include "driver/fault/fault.h"

#include <stdio.h>
#include <string.h>

#define JOB_MS 60000
#define COLUMNS 3
#define LOG_ROWS 4
#define LEAVES (2u << LOG_ROWS)
#define OPENED 2
#define LEVELS 3 /* of 2^5 leaves and a cap of 2^2 */

/* inputs and outputs of one job of each kind */
typedef struct set {
    _Alignas(64) uint64_t in[8 << LOG_ROWS];
    _Alignas(64) uint64_t data[8 << LOG_ROWS];
    _Alignas(64) uint64_t states[3 * 12];
    uint64_t cap[4 * 4];
    uint64_t values[OPENED * COLUMNS], paths[OPENED * LEVELS * 4];
    uint64_t read[LEAVES * COLUMNS];
    uint64_t scalars[2 * 4];
    uint64_t sum[8];
} set;

/* (1, 2) in Montgomery form, twice: the generator of G1 */
static const uint64_t POINTS[2 * 8] = {
    0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f,
    0xa6ba871b8b1e1b3a, 0x14f1d651eb8e167b, 0xccdd46def0f28c58, 0x1c14ef83340fbe5e,
    0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f,
    0xa6ba871b8b1e1b3a, 0x14f1d651eb8e167b, 0xccdd46def0f28c58, 0x1c14ef83340fbe5e,
};

static drv_device *open_device(const char *name, const char *rules)
{
    drv_options options = {.threads = 1, .fault = rules};
    drv_device *device = NULL;
    p_err err = {0};

    if (drv_open(name, &options, &device, &err) != P_OK)
        fail_msg("%s with '%s': %s", name, rules ? rules : "", err.text);
    return device;
}

static void close_device(drv_device *device)
{
    assert_int_equal(drv_close(device, JOB_MS, NULL), P_OK);
}

static void fill(set *s)
{
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 8 << LOG_ROWS; i++)
        s->in[i] = s->data[i] = i * UINT64_C(0x0123456789abcdef) + 1;
    for (unsigned i = 0; i < 6; i++)
        s->scalars[i] = i + 3;
}

static drv_job commit_job(set *s, drv_handle **out)
{
    return (drv_job){.op = DRV_COMMIT,
                     .commit = {.in = {s->in, COLUMNS, LOG_ROWS},
                                .log_blowup = 1,
                                .cap_log2 = 2,
                                .cap = s->cap,
                                .out = out}};
}

static drv_job poseidon_job(set *s)
{
    return (drv_job){.op = DRV_POSEIDON,
                     .poseidon = {.width = 12, .count = 3, .states = s->states}};
}

static p_status run_poseidon(drv_device *device, uint32_t ms, p_err *err)
{
    set s;
    drv_job job;

    fill(&s);
    job = poseidon_job(&s);
    p_err_clear(err);
    return drv_run(device, &job, ms, err);
}

/* ---- opening ---- */

static void names(void **state)
{
    static const struct {
        const char *name, *rules;
        p_status status;
        const char *text;
    } BAD[] = {
        {"fault", NULL, P_ENOTFOUND, "fault:cpu"},
        {"fault:", NULL, P_ENOTFOUND, "fault:cpu"},
        {"fault:nothing", NULL, P_ENOTFOUND, "'nothing'"},
        {"fault:fault:cpu", NULL, P_ENOTFOUND, "'fault'"},
        {"fault:cpu:7", NULL, P_ENOTFOUND, "cpu:7"},
        {"fault:cpu", "error@1,boom@2", P_EINVAL, "'boom@2'"},
        {"fault:cpu", "error@0", P_EINVAL, "'error@0'"},
    };
    drv_info list[16];
    size_t found = drv_list(NULL, list, 16);
    drv_device *device;

    (void)state;
    for (size_t i = 0; i < found && i < 16; i++)
        assert_null(strstr(list[i].name, "fault"));
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        drv_options options = {.fault = BAD[i].rules};
        p_err err = {0};

        device = (drv_device *)&options;
        assert_int_equal(drv_open(BAD[i].name, &options, &device, &err), BAD[i].status);
        assert_null(device);
        assert_non_null(strstr(err.text, BAD[i].text));
    }
    device = open_device("fault:cpu", NULL);
    assert_string_equal(drv_device_info(device)->name, "fault:cpu");
    assert_non_null(strstr(drv_device_info(device)->about, "with 0 injected faults"));
    close_device(device);
    device = open_device("fault:cpu", "late@1,seed=3,hang@9");
    assert_non_null(strstr(drv_device_info(device)->about, "with 2 injected faults"));
    close_device(device);
}

/* ---- what the rules do to which runs ---- */

static void failing_rules(void **state)
{
    static const struct {
        const char *rules;
        p_status run[4];
    } CASE[] = {
        {"error@2", {P_OK, P_EDEVICE, P_OK, P_OK}},
        {"error@2+", {P_OK, P_EDEVICE, P_EDEVICE, P_EDEVICE}},
        {"error@*", {P_EDEVICE, P_EDEVICE, P_EDEVICE, P_EDEVICE}},
        {"die@3", {P_OK, P_OK, P_EDEVICE, P_EDEVICE}},
        {"memory@1", {P_EEXHAUSTED, P_OK, P_OK, P_OK}},
        {"timeout@4", {P_OK, P_OK, P_OK, P_EDEADLINE}},
        {"late@1,memory@3", {P_EDEVICE, P_OK, P_EEXHAUSTED, P_OK}},
        {"late@2,error@2,slow@2:1", {P_OK, P_EDEVICE, P_OK, P_OK}},
        {"flip@1,slow@*:1", {P_OK, P_OK, P_OK, P_OK}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(CASE) / sizeof(CASE[0]); i++) {
        drv_device *device = open_device("fault:cpu", CASE[i].rules);

        for (unsigned run = 0; run < 4; run++) {
            p_err err = {0};

            assert_int_equal(run_poseidon(device, JOB_MS, &err), CASE[i].run[run]);
            if (CASE[i].run[run] != P_OK)
                assert_non_null(strstr(err.text, "injected"));
        }
        close_device(device);
    }
}

static void late_leaves_no_handle(void **state)
{
    drv_device *device = open_device("fault:cpu", "late@*");
    drv_handle *handle = NULL;
    set s;
    drv_job commit,
        load = {.op = DRV_MSM_LOAD, .msm_load = {.points = POINTS, .count = 2, .out = &handle}};

    (void)state;
    fill(&s);
    commit = commit_job(&s, &handle);
    assert_int_equal(drv_run(device, &commit, JOB_MS, NULL), P_EDEVICE);
    assert_null(handle);
    assert_int_equal(drv_run(device, &load, JOB_MS, NULL), P_EDEVICE);
    assert_null(handle);
    close_device(device); /* would refuse if a handle were left */
}

static void slow_and_hang(void **state)
{
    drv_device *device = open_device("fault:cpu", "slow@1:120,slow@2:60000,hang@3");
    int64_t start = p_clock_ms(CLOCK_MONOTONIC);
    drv_event *event = NULL;
    p_err err = {0};
    set s;
    drv_job job;

    (void)state;
    assert_int_equal(run_poseidon(device, JOB_MS, &err), P_OK);
    assert_true(p_clock_ms(CLOCK_MONOTONIC) - start >= 119); /* clocks are cut, not rounded */
    /* a delay listens to cancellation: drv_run gives it up after 50 ms */
    assert_int_equal(run_poseidon(device, 50, &err), P_EDEADLINE);
    assert_true(p_clock_ms(CLOCK_MONOTONIC) - start < 30000);
    fill(&s);
    job = poseidon_job(&s);
    assert_int_equal(drv_submit(device, &job, &event, &err), P_OK);
    assert_int_equal(drv_wait(event, 200, &err), P_EDEADLINE);
    assert_false(drv_ended(event));
    drv_cancel(event);
    assert_int_equal(drv_wait(event, JOB_MS, &err), P_ECANCELLED);
    assert_int_equal(drv_event_release(event), P_OK);
    assert_int_equal(run_poseidon(device, JOB_MS, &err), P_OK);
    close_device(device);
}

/* ---- flip ---- */

#define RUNS 7

/* all jobs once; the fifth is DRV_MSM_LOAD, which has nothing to invert */
static void run_all(drv_device *device, set *s)
{
    drv_handle *commitment = NULL, *points = NULL;
    const uint64_t rows[OPENED] = {5, 30};
    drv_job job;

    fill(s);
    job = commit_job(s, &commitment);
    assert_int_equal(drv_run(device, &job, JOB_MS, NULL), P_OK);
    job = (drv_job){.op = DRV_OPEN, .open = {commitment, rows, OPENED, s->values, s->paths}};
    assert_int_equal(drv_run(device, &job, JOB_MS, NULL), P_OK);
    job = (drv_job){.op = DRV_READ, .read = {commitment, 0, LEAVES, 0, COLUMNS, s->read}};
    assert_int_equal(drv_run(device, &job, JOB_MS, NULL), P_OK);
    drv_release(commitment);
    job = (drv_job){.op = DRV_NTT,
                    .ntt = {.layout = DRV_BLOCKED,
                            .log_n = LOG_ROWS,
                            .columns = COLUMNS,
                            .data = s->data,
                            .shift = {1}}};
    assert_int_equal(drv_run(device, &job, JOB_MS, NULL), P_OK);
    job = (drv_job){.op = DRV_MSM_LOAD, .msm_load = {.points = POINTS, .count = 2, .out = &points}};
    assert_int_equal(drv_run(device, &job, JOB_MS, NULL), P_OK);
    job = (drv_job){.op = DRV_MSM, .msm = {points, s->scalars, DRV_CANONICAL, 0, 1, s->sum}};
    assert_int_equal(drv_run(device, &job, JOB_MS, NULL), P_OK);
    drv_release(points);
    job = poseidon_job(s);
    assert_int_equal(drv_run(device, &job, JOB_MS, NULL), P_OK);
}

static unsigned bits_apart(const uint64_t *a, const uint64_t *b, size_t bytes)
{
    unsigned n = 0;

    for (size_t i = 0; i < bytes / 8; i++)
        n += (unsigned)__builtin_popcountll(a[i] ^ b[i]);
    return n;
}

#define APART(field) bits_apart(truth.field, other.field, sizeof(truth.field))
#define SEEDS 24

static void flip_inverts_one_bit(void **state)
{
    drv_device *plain = open_device("cpu", NULL);
    static set truth, other;
    unsigned values = 0, paths = 0, place[SEEDS] = {0}, same = 0;
    char rules[64];

    (void)state;
    run_all(plain, &truth);
    close_device(plain);
    for (unsigned run = 1; run <= RUNS; run++)
        for (unsigned seed = 0; seed < SEEDS; seed++) {
            drv_device *device;

            snprintf(rules, sizeof(rules), "seed=%u,flip@%u", seed, run);
            device = open_device("fault:cpu", rules);
            run_all(device, &other);
            close_device(device);
            assert_int_equal(APART(cap), run == 1);
            assert_int_equal(APART(values) + APART(paths), run == 2);
            assert_int_equal(APART(read), run == 3);
            assert_int_equal(APART(data), run == 4);
            assert_int_equal(APART(sum), run == 6);
            assert_int_equal(APART(states), run == 7);
            assert_int_equal(APART(in), 0);
            assert_int_equal(APART(scalars), 0);
            values += APART(values);
            paths += APART(paths);
            for (unsigned i = 0; i < 8 << LOG_ROWS; i++)
                if (truth.data[i] != other.data[i]) {
                    assert_true(i % 8 < COLUMNS); /* the others only fill up the block */
                    place[seed] = i;
                }
        }
    assert_true(values > 3 && paths > 3);
    for (unsigned seed = 1; seed < SEEDS; seed++)
        same += place[seed] == place[0];
    assert_true(same < SEEDS / 2); /* the seed chooses */
}

static void flip_is_repeatable(void **state)
{
    static set first, second;

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        drv_device *device = open_device("fault:cpu", "flip@*,seed=77");

        run_all(device, round ? &second : &first);
        close_device(device);
    }
    assert_memory_equal(&first, &second, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(failing_rules),
        cmocka_unit_test(slow_and_hang),
        cmocka_unit_test(late_leaves_no_handle),
        cmocka_unit_test(flip_inverts_one_bit),
        cmocka_unit_test(flip_is_repeatable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
