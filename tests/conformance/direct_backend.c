/* Device "direct": the schedule of driver/card over direct_card.c, as the suite's back end. */
#include "driver/card/card_device.h"
#include "tests/conformance/direct_card.h"

#include <string.h>

static size_t list(const char *name, drv_info *out, size_t max)
{
    if (max > 0) {
        *out = (drv_info){.about = "the kernels of cards in this process",
                          .usable = true,
                          .memory_bytes = UINT64_MAX,
                          .jobs = 1};
        memcpy(out->name, name, strlen(name) + 1);
    }
    return 1;
}

static p_status open_card(const char *name, uint32_t channels_log2, const char *unit,
                          const drv_options *options, void **out, p_err *err)
{
    direct_options o = direct_card_default(channels_log2);
    card_device *device;
    direct_card *card;
    p_status s;

    *out = NULL;
    if (unit[0] != '\0')
        return p_err_set(err, P_ENOTFOUND, "there is no device '%s:%.64s'", name, unit);
    o.threads = channels_log2 != 0;
    card = direct_card_create(&o);
    direct_card_owned_by_close(card);
    s = card_device_open(&direct_card_ops, card, name, "the kernels of cards in this process",
                         options, &device, err);
    *out = device;
    return s;
}

#define BACKEND(NAME, CHANNELS_LOG2)                                                               \
    static size_t NAME##_probe(const drv_options *options, drv_info *out, size_t max)              \
    {                                                                                              \
        (void)options;                                                                             \
        return list(#NAME, out, max);                                                              \
    }                                                                                              \
    static p_status NAME##_open(const char *unit, const drv_options *options, void **device,       \
                                p_err *err)                                                        \
    {                                                                                              \
        return open_card(#NAME, CHANNELS_LOG2, unit, options, device, err);                        \
    }                                                                                              \
    const drv_backend drv_backend_##NAME = {                                                       \
        .abi = DRV_BACKEND_ABI,                                                                    \
        .name = #NAME,                                                                             \
        .probe = NAME##_probe,                                                                     \
        .open = NAME##_open,                                                                       \
        .close = card_device_close,                                                                \
        .info = card_device_info,                                                                  \
        .supports = card_device_supports,                                                          \
        .estimate = card_device_estimate,                                                          \
        .run = card_device_run,                                                                    \
        .object_free = card_device_object_free,                                                    \
    };

BACKEND(direct, 2)
BACKEND(direct1, 0)
BACKEND(direct16, 4)
