/* Device opencl:N: any OpenCL 1.2 device as a card of driver/card. */
#include "driver/card/card_device.h"
#include "driver/opencl/ocl_card.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Accelerators are preferred to the CPU. GPUs were never measured, and an OpenCL CPU device is the
 * same CPU by a slower way: both only by name. */
static uint32_t rank_of(const ocl_found *found)
{
    return found->type & CL_DEVICE_TYPE_ACCELERATOR ? DRV_RANK_ACCELERATOR : DRV_RANK_NAMED_ONLY;
}

static size_t opencl_probe(const drv_options *options, drv_info *out, size_t max)
{
    ocl_found found[OCL_MAX_DEVICES];
    char why[DRV_TEXT_BYTES];
    size_t n = ocl_find(found, OCL_MAX_DEVICES, why);

    (void)options;
    n = n < OCL_MAX_DEVICES ? n : OCL_MAX_DEVICES;
    for (size_t i = 0; i < n && i < max; i++) {
        memset(&out[i], 0, sizeof out[i]);
        snprintf(out[i].name, sizeof out[i].name, "opencl:%zu", i);
        memcpy(out[i].about, found[i].about, sizeof out[i].about);
        out[i].usable = found[i].usable;
        out[i].rank = rank_of(&found[i]);
        out[i].memory_bytes = found[i].memory_bytes;
        out[i].jobs = 1;
    }
    if (n == 0 && max > 0) {
        memset(&out[0], 0, sizeof out[0]);
        snprintf(out[0].name, sizeof out[0].name, "opencl:0");
        memcpy(out[0].about, why, sizeof why);
        out[0].jobs = 1;
    }
    return n > 0 ? n : 1;
}

static p_status opencl_open(const char *unit, const drv_options *options, void **device, p_err *err)
{
    ocl_found found[OCL_MAX_DEVICES];
    char why[DRV_TEXT_BYTES], name[DRV_NAME_BYTES];
    size_t n = ocl_find(found, OCL_MAX_DEVICES, why), number = 0;
    ocl_card *card = NULL;
    card_device *made = NULL;
    p_status s;

    *device = NULL;
    for (size_t i = 0; unit[i]; i++) {
        if (unit[i] < '0' || unit[i] > '9' || i >= 3)
            return p_err_set(err, P_ENOTFOUND,
                             "device 'opencl:%.32s': expected a number, as in opencl:0", unit);
        number = number * 10 + (size_t)(unit[i] - '0');
    }
    if (n == 0)
        return p_err_set(err, P_EMISSING, "device opencl: %s", why);
    n = n < OCL_MAX_DEVICES ? n : OCL_MAX_DEVICES;
    if (number >= n)
        return p_err_set(err, P_ENOTFOUND,
                         "device 'opencl:%.32s': there are opencl:0 to opencl:%zu", unit, n - 1);
    snprintf(name, sizeof name, "opencl:%zu", number);
    s = ocl_card_create(&found[number], options, NULL, &card, err);
    if (s == P_OK)
        s = card_device_open(&OCL_CARD_OPS, card, name, found[number].about, options, &made, err);
    if (s != P_OK) {
        p_err_prefix(err, "device %s", name);
        return s;
    }
    *device = made;
    return P_OK;
}

static void opencl_info(void *device, drv_info *out)
{
    card_device_info(device, out);
    out->rank = DRV_RANK_NAMED_ONLY;
}

const drv_backend drv_backend_opencl = {
    .abi = DRV_BACKEND_ABI,
    .name = "opencl",
    .probe = opencl_probe,
    .open = opencl_open,
    .close = card_device_close,
    .info = opencl_info,
    .supports = card_device_supports,
    .estimate = card_device_estimate,
    .run = card_device_run,
    .object_free = card_device_object_free,
};
