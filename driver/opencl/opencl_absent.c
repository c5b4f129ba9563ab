/* Device opencl where the build found no OpenCL. */
#include "driver/backend.h"

#include <stdio.h>
#include <string.h>

#define WHY                                                                                        \
    "this build has no OpenCL: install ocl-icd-opencl-dev and opencl-c-headers, then configure "   \
    "and build again"

static size_t absent_probe(const drv_options *options, drv_info *out, size_t max)
{
    (void)options;
    if (max > 0) {
        memset(&out[0], 0, sizeof out[0]);
        snprintf(out[0].name, sizeof out[0].name, "opencl:0");
        snprintf(out[0].about, sizeof out[0].about, "%s", WHY);
        out[0].jobs = 1;
    }
    return 1;
}

static p_status absent_open(const char *unit, const drv_options *options, void **device, p_err *err)
{
    (void)unit;
    (void)options;
    *device = NULL;
    return p_err_set(err, P_EMISSING, "device opencl: %s", WHY);
}

/* The table needs all entries, but without a device nobody calls these. */

static void absent_close(void *device)
{
    (void)device;
}

static void absent_info(void *device, drv_info *out)
{
    (void)device;
    memset(out, 0, sizeof *out);
}

static p_status absent_supports(void *device, const drv_job *job, p_err *err)
{
    (void)device;
    (void)job;
    return p_err_set(err, P_EUNSUPPORTED, "%s", WHY);
}

static uint64_t absent_estimate(void *device, const drv_job *job)
{
    (void)device;
    (void)job;
    return 0;
}

static p_status absent_run(void *device, const drv_job *job, void **object, const p_cancel *cancel,
                           p_err *err)
{
    (void)object;
    (void)cancel;
    return absent_supports(device, job, err);
}

static void absent_object_free(void *device, drv_op op, void *object)
{
    (void)device;
    (void)op;
    (void)object;
}

const drv_backend drv_backend_opencl = {
    .abi = DRV_BACKEND_ABI,
    .name = "opencl",
    .probe = absent_probe,
    .open = absent_open,
    .close = absent_close,
    .info = absent_info,
    .supports = absent_supports,
    .estimate = absent_estimate,
    .run = absent_run,
    .object_free = absent_object_free,
};
