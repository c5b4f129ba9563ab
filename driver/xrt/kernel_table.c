#include "driver/xrt/kernel_table.h"

#include <string.h>

#define ARGUMENT_ROWS(n)                                                                           \
    {                                                                                              \
        .name = #n, .kind = 'R'                                                                    \
    }
#define ARGUMENT_U32(n)                                                                            \
    {                                                                                              \
        .name = #n, .kind = 'W'                                                                    \
    }
#define ARGUMENT_U64(n)                                                                            \
    {                                                                                              \
        .name = #n, .kind = 'D'                                                                    \
    }
#define DEFINE(name, ARGUMENTS)                                                                    \
    static const xrt_argument name##_arguments[] = {                                               \
        ARGUMENTS(ARGUMENT_ROWS, ARGUMENT_U32, ARGUMENT_U64)};                                     \
    _Static_assert(sizeof name##_arguments / sizeof name##_arguments[0] <= CARD_MAX_ARGS, #name);
#define ROW(kernel, ARGUMENTS)                                                                     \
    {#kernel, sizeof kernel##_arguments / sizeof kernel##_arguments[0], kernel##_arguments},

HLS_KERNELS(DEFINE)

static const xrt_kernel KERNELS[] = {HLS_KERNELS(ROW)};

const xrt_kernel *xrt_kernel_get(card_kernel kernel)
{
    return &KERNELS[kernel];
}

card_kernel xrt_kernel_find(const char *name, size_t length)
{
    unsigned i = 0;

    while (i < CARD_KERNELS &&
           (strncmp(KERNELS[i].name, name, length) != 0 || KERNELS[i].name[length] != '\0'))
        i++;
    return (card_kernel)i;
}

card_side xrt_argument_side(const xrt_argument *argument)
{
    return strcmp(argument->name, "tmp") == 0 ? CARD_SIDE_B : CARD_SIDE_A;
}

uint32_t xrt_kernel_parameter(const xrt_kernel *kernel, uint32_t index, uint32_t channels_log2)
{
    uint32_t parameter = 0;

    for (uint32_t i = 0; i < index; i++)
        parameter += kernel->arguments[i].kind == 'R' ? 1u << channels_log2 : 1;
    return parameter;
}

uint32_t xrt_kernel_argument(const xrt_kernel *kernel, uint32_t parameter, uint32_t channels_log2,
                             uint32_t *channel)
{
    uint32_t i = 0;

    while (i + 1 < kernel->count && xrt_kernel_parameter(kernel, i + 1, channels_log2) <= parameter)
        i++;
    *channel = parameter - xrt_kernel_parameter(kernel, i, channels_log2);
    return i;
}

uint32_t xrt_kernel_register(const xrt_kernel *kernel, uint32_t parameter, uint32_t channels_log2)
{
    uint32_t at = 0x10;

    for (uint32_t p = 0, channel; p < parameter; p++) {
        uint32_t i = xrt_kernel_argument(kernel, p, channels_log2, &channel);
        at += kernel->arguments[i].kind == 'W' ? 8 : 12;
    }
    return at;
}
