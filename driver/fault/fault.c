#include "driver/fault/fault.h"

#include "driver/base/clock.h"
#include "driver/fault/rules.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS 5

typedef struct fault_device {
    const drv_backend *inner;
    void *device; /* the inner one */
    fault_rules rules;
    fault_rule rule[DRV_FAULT_MAX_RULES];
    atomic_uint_least64_t runs;
} fault_device;

static size_t fault_probe(const drv_options *options, drv_info *out, size_t max)
{
    (void)options;
    (void)out;
    (void)max;
    return 0;
}

static p_status fault_open(const char *unit, const drv_options *options, void **device, p_err *err)
{
    size_t length = strcspn(unit, ":");
    char name[DRV_NAME_BYTES];
    drv_options passed = {0};
    fault_device *d = NULL;
    p_status status;

    *device = NULL;
    if (!length || length >= sizeof(name))
        return p_err_set(err, P_ENOTFOUND,
                         "device 'fault:%.64s': the name of the device to wrap is missing, for "
                         "example fault:cpu",
                         unit);
    memcpy(name, unit, length);
    name[length] = 0;
    d = calloc(1, sizeof(*d));
    if (!d)
        return p_err_set(err, P_EEXHAUSTED, "device 'fault:%.64s': out of memory", unit);
    d->inner = drv_backend_find(name);
    if (!d->inner || d->inner == &drv_backend_fault) {
        status = p_err_set(err, P_ENOTFOUND,
                           "device 'fault:%.64s': there is no back end '%s' to wrap", unit, name);
        goto out;
    }
    d->rules = (fault_rules){.rule = d->rule, .max = DRV_FAULT_MAX_RULES};
    status = fault_rules_parse(options ? options->fault : NULL, &d->rules, err);
    if (status != P_OK)
        goto out;
    if (options)
        passed = *options;
    passed.fault = NULL;
    status = d->inner->open(unit + length + (unit[length] == ':'), &passed, &d->device, err);
    if (status != P_OK)
        goto out;
    atomic_init(&d->runs, 0);
    *device = d;
    return P_OK;
out:
    free(d);
    return status;
}

static void fault_close(void *device)
{
    fault_device *d = device;

    d->inner->close(d->device);
    free(d);
}

static void fault_info(void *device, drv_info *out)
{
    fault_device *d = device;
    char about[DRV_TEXT_BYTES];

    d->inner->info(d->device, out);
    memcpy(about, out->about, sizeof(about));
    about[sizeof(about) - 1] = 0;
    /* the rules are what whoever reads a log has to know first */
    snprintf(out->about, sizeof(out->about), "with %zu injected faults: %.400s", d->rules.count,
             about);
}

static p_status fault_supports(void *device, const drv_job *job, p_err *err)
{
    fault_device *d = device;

    return d->inner->supports(d->device, job, err);
}

static uint64_t fault_estimate(void *device, const drv_job *job)
{
    fault_device *d = device;

    return d->inner->estimate(d->device, job);
}

/* until the time is over (UINT32_MAX: for ever) or the run is cancelled; true if cancelled */
static bool pause_ms(uint32_t ms, const p_cancel *cancel)
{
    int64_t start = p_clock_ms(CLOCK_MONOTONIC);

    for (;;) {
        int64_t gone = p_clock_ms(CLOCK_MONOTONIC) - start;
        int64_t left = ms == UINT32_MAX ? POLL_MS : (int64_t)ms - gone;
        struct timespec nap = {.tv_nsec = (left < POLL_MS ? left : POLL_MS) * 1000000L};

        if (p_cancel_requested(cancel))
            return true;
        if (left <= 0)
            return false;
        nanosleep(&nap, NULL);
    }
}

/* splitmix64's mixing function */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void flip_word(uint64_t *words, uint64_t count, uint64_t choice)
{
    if (words && count)
        words[mix(choice) % count] ^= UINT64_C(1) << (mix(choice + 1) & 63);
}

static void flip_ntt(const drv_ntt_job *job, uint64_t choice)
{
    uint64_t row, column, words = job->field == DRV_BN254_FR ? 4 : 1;

    if (job->layout == DRV_COLUMNS) {
        flip_word(job->data, ((uint64_t)job->columns << job->log_n) * words, choice);
        return;
    }
    /* not one of the columns that only fill up the block */
    row = mix(choice) & ((UINT64_C(1) << job->log_n) - 1);
    column = mix(choice + 1) % job->columns;
    flip_word(job->data + ((column / DRV_BLOCK_COLUMNS << job->log_n) + row) * DRV_BLOCK_COLUMNS +
                  column % DRV_BLOCK_COLUMNS,
              1, choice);
}

static void flip(const drv_job *job, uint64_t choice)
{
    drv_commitment shape;
    drv_points points;

    switch (job->op) {
    case DRV_COMMIT:
        flip_word(job->commit.cap, (uint64_t)DRV_DIGEST_WORDS << job->commit.cap_log2, choice);
        break;
    case DRV_OPEN:
        if (drv_commitment_info(job->open.commitment, &shape) != P_OK)
            break;
        /* one time a value, one time a path, where there is one */
        if ((mix(choice + 2) & 1) && shape.path_digests)
            flip_word(job->open.paths,
                      (uint64_t)job->open.count * shape.path_digests * DRV_DIGEST_WORDS, choice);
        else
            flip_word(job->open.values, (uint64_t)job->open.count * shape.columns, choice);
        break;
    case DRV_READ:
        flip_word(job->read.out, job->read.rows * job->read.columns, choice);
        break;
    case DRV_NTT:
        flip_ntt(&job->ntt, choice);
        break;
    case DRV_MSM:
        if (drv_points_info(job->msm.points, &points) == P_OK)
            flip_word(job->msm.out, points.group == DRV_G2 ? 16 : 8, choice);
        break;
    case DRV_POSEIDON:
        flip_word(job->poseidon.states,
                  job->poseidon.count * job->poseidon.width *
                      (job->poseidon.field == DRV_BN254_FR ? 4 : 1),
                  choice);
        break;
    case DRV_MSM_LOAD:
    case DRV_OP_COUNT:
        break;
    }
}

static p_status fault_run(void *device, const drv_job *job, void **object, const p_cancel *cancel,
                          p_err *err)
{
    fault_device *d = device;
    uint64_t run = atomic_fetch_add(&d->runs, 1) + 1;
    unsigned long long shown = run;
    const fault_rule *rule;
    p_status status;

    if (fault_rules_find(&d->rules, FAULT_ERROR, run))
        return p_err_set(err, P_EDEVICE, "injected error in run %llu", shown);
    if (fault_rules_find(&d->rules, FAULT_TIMEOUT, run)) {
        if (pause_ms(DRV_FAULT_TIMEOUT_MS, cancel))
            return p_err_set(err, P_ECANCELLED, "cancelled in an injected time-out");
        return p_err_set(err, P_EDEADLINE, "injected time-out of the device in run %llu", shown);
    }
    if (fault_rules_find(&d->rules, FAULT_MEMORY, run))
        return p_err_set(err, P_EEXHAUSTED, "injected lack of memory in run %llu", shown);
    if (fault_rules_find(&d->rules, FAULT_DIE, run))
        return p_err_set(err, P_EDEVICE, "injected death of the device, seen in run %llu", shown);
    rule = fault_rules_find(&d->rules, FAULT_SLOW, run);
    if (rule && pause_ms(rule->ms, cancel))
        return p_err_set(err, P_ECANCELLED, "cancelled in an injected delay");
    if (fault_rules_find(&d->rules, FAULT_HANG, run)) {
        pause_ms(UINT32_MAX, cancel);
        return p_err_set(err, P_ECANCELLED, "cancelled in an injected hang");
    }
    status = d->inner->run(d->device, job, object, cancel, err);
    if (status != P_OK)
        return status;
    if (fault_rules_find(&d->rules, FAULT_FLIP, run))
        flip(job, mix(d->rules.seed) ^ run);
    if (fault_rules_find(&d->rules, FAULT_LATE, run)) {
        if (job->op == DRV_COMMIT || job->op == DRV_MSM_LOAD) {
            d->inner->object_free(d->device, job->op, *object);
            *object = NULL;
        }
        return p_err_set(err, P_EDEVICE, "injected error at the end of run %llu", shown);
    }
    return P_OK;
}

static void fault_object_free(void *device, drv_op op, void *object)
{
    fault_device *d = device;

    d->inner->object_free(d->device, op, object);
}

static p_status fault_buffer_alloc(void *device, uint64_t bytes, void **out, p_err *err)
{
    fault_device *d = device;

    if (d->inner->buffer_alloc)
        return d->inner->buffer_alloc(d->device, bytes, out, err);
    *out = NULL;
    if (bytes > SIZE_MAX - 4095)
        return p_err_set(err, P_EEXHAUSTED, "a buffer of that size cannot exist");
    *out = aligned_alloc(4096, (bytes + 4095) & ~UINT64_C(4095));
    if (!*out)
        return p_err_set(err, P_EEXHAUSTED, "the system has no %llu bytes",
                         (unsigned long long)bytes);
    memset(*out, 0, bytes);
    return P_OK;
}

static void fault_buffer_free(void *device, void *buffer, uint64_t bytes)
{
    fault_device *d = device;

    if (d->inner->buffer_free)
        d->inner->buffer_free(d->device, buffer, bytes);
    else
        free(buffer);
}

const drv_backend drv_backend_fault = {
    .abi = DRV_BACKEND_ABI,
    .name = "fault",
    .probe = fault_probe,
    .open = fault_open,
    .close = fault_close,
    .info = fault_info,
    .supports = fault_supports,
    .estimate = fault_estimate,
    .run = fault_run,
    .object_free = fault_object_free,
    .buffer_alloc = fault_buffer_alloc,
    .buffer_free = fault_buffer_free,
};
