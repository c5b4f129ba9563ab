/* The CPU back end: complete, the reference for the others, on every thread that it is given. */
#include "driver/backend.h"
#include "driver/cpu/bn_poseidon_set.h"
#include "driver/cpu/commit.h"
#include "driver/cpu/kernels.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* Two jobs share the threads: one fills them while the other is in a part that is not parallel. */
#define JOBS 2

typedef struct cpu_device {
    p_pool *pool;
    p_memory memory;
    cpu_bn_poseidon_set bn_poseidon;
    p_isa isa;
    drv_info info;
} cpu_device;

/* ---- what this machine is ---- */

/* "AMD EPYC 9454P", or the architecture where the system does not say. */
static void cpu_model(char *out, size_t size)
{
    static const char KEY[] = "model name";
    char line[256];
    struct utsname machine;
    FILE *f = fopen("/proc/cpuinfo", "re");

    snprintf(out, size, "%s", uname(&machine) == 0 ? machine.machine : "unknown CPU");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, KEY, sizeof KEY - 1) == 0 && colon) {
            colon += 1 + strspn(colon + 1, " \t");
            snprintf(out, size, "%.*s", (int)strcspn(colon, "\n"), colon);
            break;
        }
    }
    if (f)
        fclose(f);
}

static void list_isas(char *out, size_t size)
{
    size_t at = 0;

    for (p_isa i = P_ISA_PORTABLE; i < P_ISA_COUNT && at < size; i++)
        if (p_isa_supported(i))
            at += (size_t)snprintf(out + at, size - at, "%s%s", at > 0 ? ", " : "", p_isa_name(i));
}

static void describe(drv_info *out, p_isa isa, unsigned threads, uint64_t memory)
{
    char model[128], bytes[64] = "memory not known";

    cpu_model(model, sizeof model);
    if (memory != UINT64_MAX)
        snprintf(bytes, sizeof bytes, "%" PRIu64 " MB", memory / 1000000);
    *out = (drv_info){
        .name = "cpu", .usable = true, .rank = DRV_RANK_CPU, .memory_bytes = memory, .jobs = JOBS};
    snprintf(out->about, sizeof out->about, "%s, %s, %u thread%s, %s", model, p_isa_name(isa),
             threads, threads == 1 ? "" : "s", bytes);
}

static size_t cpu_probe(const drv_options *options, drv_info *out, size_t max)
{
    (void)options;
    if (max > 0)
        describe(out, p_isa_best(), p_pool_usable_threads(), p_memory_available());
    return 1;
}

/* ---- open and close ---- */

static p_status choose_isa(const char *name, p_isa *out, p_err *err)
{
    char list[128] = "";

    if (p_isa_parse(name, out) && p_isa_supported(*out))
        return P_OK;
    list_isas(list, sizeof list);
    if (!p_isa_parse(name, out))
        return p_err_set(err, P_EINVAL, "instruction set '%.64s' is unknown; this CPU has %s", name,
                         list);
    return p_err_set(err, P_EMISSING, "this CPU or build lacks instruction set %s; it has %s", name,
                     list);
}

static p_status cpu_open(const char *unit, const drv_options *options, void **out, p_err *err)
{
    p_isa isa;
    p_status s;

    *out = NULL;
    if (unit[0] != '\0')
        return p_err_set(err, P_ENOTFOUND, "there is no device 'cpu:%.64s'; found cpu", unit);
    s = choose_isa(options->isa, &isa, err);
    if (s != P_OK)
        return s;
    cpu_device *d = calloc(1, sizeof *d);
    if (!d)
        return p_err_set(err, P_EEXHAUSTED, "no memory for device cpu");
    d->isa = isa;
    d->memory.limit = options->memory_bytes > 0 ? options->memory_bytes : p_memory_available();
    s = p_pool_create(options->threads, &d->pool, err);
    if (s != P_OK) {
        free(d);
        return s;
    }
    describe(&d->info, isa, p_pool_threads(d->pool), d->memory.limit);
    *out = d;
    return P_OK;
}

static void cpu_close(void *device)
{
    cpu_device *d = device;

    cpu_bn_poseidon_clear(&d->bn_poseidon);
    p_pool_destroy(d->pool);
    free(d);
}

static void cpu_info(void *device, drv_info *out)
{
    *out = ((const cpu_device *)device)->info;
}

/* ---- jobs ---- */

static cpu_run run_of(cpu_device *d, const p_cancel *cancel)
{
    return (cpu_run){.pool = d->pool,
                     .memory = &d->memory,
                     .cancel = cancel,
                     .isa = d->isa,
                     .bn_poseidon = &d->bn_poseidon};
}

static p_status cpu_supports(void *device, const drv_job *job, p_err *err)
{
    (void)device, (void)job, (void)err;
    return P_OK; /* every job that is valid */
}

static uint64_t cpu_estimate(void *device, const drv_job *job)
{
    cpu_run run = run_of(device, NULL);
    drv_points points;

    switch (job->op) {
    case DRV_COMMIT:
        return cpu_commit_bytes(&run, &job->commit);
    case DRV_NTT:
        return job->ntt.field == DRV_GOLDILOCKS ? cpu_gl_ntt_scratch(&run, &job->ntt)
                                                : cpu_bn_ntt_scratch(&run, &job->ntt);
    case DRV_MSM_LOAD:
        return cpu_msm_load_bytes(&job->msm_load);
    case DRV_MSM:
        return drv_points_info(job->msm.points, &points) == P_OK
                   ? cpu_msm_scratch(&run, points.group, job->msm.count)
                   : 0;
    case DRV_OPEN:
    case DRV_READ:
    case DRV_POSEIDON:
    case DRV_OP_COUNT:
        break;
    }
    return 0;
}

static p_status cpu_run_job(void *device, const drv_job *job, void **object, const p_cancel *cancel,
                            p_err *err)
{
    cpu_run run = run_of(device, cancel);
    cpu_commitment *commitment = NULL;
    cpu_msm_points *points = NULL;
    p_status s;

    switch (job->op) {
    case DRV_COMMIT:
        s = cpu_commit(&run, &job->commit, &commitment, err);
        *object = commitment;
        return s;
    case DRV_OPEN:
        return cpu_commit_open(&run, *object, &job->open, err);
    case DRV_READ:
        return cpu_commit_read(&run, *object, &job->read, err);
    case DRV_NTT:
        return job->ntt.field == DRV_GOLDILOCKS ? cpu_gl_ntt(&run, &job->ntt, err)
                                                : cpu_bn_ntt(&run, &job->ntt, err);
    case DRV_MSM_LOAD:
        s = cpu_msm_load(&run, &job->msm_load, &points, err);
        *object = s == P_OK ? points : NULL;
        return s;
    case DRV_MSM:
        return cpu_msm(&run, *object, &job->msm, err);
    case DRV_POSEIDON:
        return cpu_poseidon(&run, &job->poseidon, err);
    case DRV_OP_COUNT:
        break;
    }
    return p_err_set(err, P_EUNSUPPORTED, "job %d is unknown", (int)job->op);
}

static void cpu_object_free(void *device, drv_op op, void *object)
{
    cpu_device *d = device;

    if (op == DRV_COMMIT)
        cpu_commit_free(&d->memory, object);
    else
        cpu_msm_free(&d->memory, object);
}

static p_status cpu_buffer_alloc(void *device, uint64_t bytes, void **out, p_err *err)
{
    return p_memory_alloc(&((cpu_device *)device)->memory, bytes, 1, "a buffer", out, err);
}

static void cpu_buffer_free(void *device, void *buffer, uint64_t bytes)
{
    p_memory_free(&((cpu_device *)device)->memory, buffer, bytes, 1);
}

const drv_backend drv_backend_cpu = {
    .abi = DRV_BACKEND_ABI,
    .name = "cpu",
    .probe = cpu_probe,
    .open = cpu_open,
    .close = cpu_close,
    .info = cpu_info,
    .supports = cpu_supports,
    .estimate = cpu_estimate,
    .run = cpu_run_job,
    .object_free = cpu_object_free,
    .buffer_alloc = cpu_buffer_alloc,
    .buffer_free = cpu_buffer_free,
};
