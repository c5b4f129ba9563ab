#include "tests/unit/driver/toy.h"

#include "driver/base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

toy toy_state;

/* an object tells what it stands for */
typedef struct toy_object {
    drv_op op;
} toy_object;

static size_t toy_probe(const drv_options *options, drv_info *out, size_t max)
{
    (void)options;
    if (max > 0)
        *out = (drv_info){.name = "toy", .about = "a toy", .usable = true, .jobs = 1};
    return 1;
}

static p_status toy_open_device(const char *unit, const drv_options *options, void **device,
                                p_err *err)
{
    if (toy_state.open_status != P_OK)
        return p_err_set(err, toy_state.open_status, "the toy does not open");
    strncpy(toy_state.unit, unit, sizeof toy_state.unit - 1);
    toy_state.options = *options;
    atomic_fetch_add(&toy_state.opened, 1);
    *device = &toy_state;
    return P_OK;
}

static void toy_close_device(void *device)
{
    atomic_fetch_add(&((toy *)device)->closed, 1);
}

static void toy_info(void *device, drv_info *out)
{
    const toy *t = device;
    *out = (drv_info){.about = "a toy", .memory_bytes = t->memory, .jobs = t->jobs};
}

static p_status toy_supports(void *device, const drv_job *job, p_err *err)
{
    (void)job;
    if (((toy *)device)->supports_status != P_OK)
        return p_err_set(err, ((toy *)device)->supports_status, "a toy cannot do this");
    return P_OK;
}

static uint64_t toy_estimate(void *device, const drv_job *job)
{
    (void)job;
    return ((toy *)device)->estimate;
}

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

static bool makes_object(drv_op op)
{
    return op == DRV_COMMIT || op == DRV_MSM_LOAD;
}

static p_status work(toy *t, const drv_job *job, void **object, const p_cancel *cancel, p_err *err)
{
    const toy_object *o = *object;

    if (makes_object(job->op) ? o != NULL
        : job->op == DRV_OPEN || job->op == DRV_READ
            ? !o || o->op != DRV_COMMIT
            : job->op == DRV_MSM && (!o || o->op != DRV_MSM_LOAD))
        atomic_fetch_add(&t->wrong, 1);
    if (job->op == DRV_POSEIDON)
        atomic_store(&t->last, job->poseidon.count);
    while (atomic_load(&t->hold)) {
        if (p_cancel_requested(cancel) && !atomic_load(&t->deaf)) {
            if (atomic_load(&t->done))
                break;
            return P_ECANCELLED;
        }
        pause_briefly();
    }
    p_status s = (p_status)atomic_load(&t->run_status);
    if (s != P_OK) {
        if (t->run_text)
            p_err_set(err, s, "%s", t->run_text);
        return s;
    }
    if (makes_object(job->op) && !t->no_object) {
        toy_object *made = malloc(sizeof *made);
        if (!made)
            return P_EEXHAUSTED;
        made->op = job->op;
        atomic_fetch_add(&t->objects, 1);
        *object = made;
    }
    if (o && o->op != DRV_COMMIT && o->op != DRV_MSM_LOAD) /* freed under us */
        atomic_fetch_add(&t->wrong, 1);
    return P_OK;
}

static p_status toy_run(void *device, const drv_job *job, void **object, const p_cancel *cancel,
                        p_err *err)
{
    toy *t = device;
    int active = atomic_fetch_add(&t->active, 1) + 1, most = atomic_load(&t->most_active);

    while (most < active && !atomic_compare_exchange_weak(&t->most_active, &most, active))
        ;
    atomic_fetch_add(&t->runs, 1);
    p_status s = work(t, job, object, cancel, err);
    atomic_fetch_sub(&t->active, 1);
    return s;
}

static void toy_object_free(void *device, drv_op op, void *object)
{
    toy *t = device;
    toy_object *o = object;

    if (o->op != op)
        atomic_fetch_add(&t->wrong, 1);
    o->op = DRV_OP_COUNT;
    free(o);
    atomic_fetch_add(&t->freed, 1);
    atomic_fetch_sub(&t->objects, 1);
}

const drv_backend toy_backend = {
    .abi = DRV_BACKEND_ABI,
    .name = "toy",
    .probe = toy_probe,
    .open = toy_open_device,
    .close = toy_close_device,
    .info = toy_info,
    .supports = toy_supports,
    .estimate = toy_estimate,
    .run = toy_run,
    .object_free = toy_object_free,
};

void toy_reset(void)
{
    memset(&toy_state, 0, sizeof toy_state);
    toy_state.jobs = 1;
    toy_state.memory = UINT64_MAX;
}

drv_device *toy_open(void)
{
    drv_device *d;
    p_err err = {P_OK, ""};

    if (drv_open_backend(&toy_backend, "", NULL, &d, &err) != P_OK)
        fail_msg("%s", err.text);
    assert_non_null(d);
    return d;
}

void toy_await(atomic_int *counter, int value)
{
    int64_t end = p_clock_ms(CLOCK_MONOTONIC) + 10000;

    while (atomic_load(counter) != value) {
        if (p_clock_ms(CLOCK_MONOTONIC) > end)
            fail_msg("the counter is %d after ten seconds; expected %d", atomic_load(counter),
                     value);
        pause_briefly();
    }
}

/* ---- jobs ---- */

#define WORDS 4096

static _Alignas(64) uint64_t words[WORDS];
static uint64_t outputs[WORDS], more_outputs[WORDS];
static const uint64_t ROWS[] = {0, 15, 7, 7};

drv_job toy_poseidon(uint64_t count)
{
    return (drv_job){
        .op = DRV_POSEIDON,
        .poseidon = {.field = DRV_GOLDILOCKS, .width = 12, .count = count, .states = words}};
}

drv_job toy_commit(drv_handle **out)
{
    return (drv_job){.op = DRV_COMMIT,
                     .commit = {.in = {.data = words, .columns = 11, .log_rows = 3},
                                .input = DRV_VALUES,
                                .hash = DRV_HASH_GL,
                                .log_blowup = 1,
                                .cap_log2 = 1,
                                .cap = outputs,
                                .out = out}};
}

drv_job toy_msm_load(drv_handle **out)
{
    return (drv_job){.op = DRV_MSM_LOAD,
                     .msm_load = {.group = DRV_G2, .points = words, .count = 100, .out = out}};
}

drv_job toy_open_rows(drv_handle *commitment)
{
    return (drv_job){.op = DRV_OPEN,
                     .open = {.commitment = commitment,
                              .rows = ROWS,
                              .count = 4,
                              .values = outputs,
                              .paths = more_outputs}};
}

drv_job toy_read(drv_handle *commitment)
{
    return (drv_job){.op = DRV_READ,
                     .read = {.commitment = commitment,
                              .row = 3,
                              .rows = 13,
                              .column = 1,
                              .columns = 10,
                              .out = outputs}};
}

drv_job toy_msm(drv_handle *points)
{
    return (drv_job){.op = DRV_MSM,
                     .msm = {.points = points,
                             .scalars = more_outputs,
                             .form = DRV_CANONICAL,
                             .first = 10,
                             .count = 90,
                             .out = outputs}};
}

drv_job toy_ntt(drv_field field)
{
    return (drv_job){
        .op = DRV_NTT,
        .ntt = {.field = field, .log_n = 4, .columns = 3, .data = words, .shift = {1, 0, 0, 0}}};
}
