/** The arguments of the kernels of hls/include/kernel_abi.h as data: names, kinds, sides, and where
 * an argument stands among the registers and in an xclbin. Pure functions, any thread. */
#ifndef ZKP_DRIVER_XRT_KERNEL_TABLE_H
#define ZKP_DRIVER_XRT_KERNEL_TABLE_H

#include "driver/card/card.h"

typedef struct xrt_argument {
    const char *name;
    char kind; /**< 'R' rows, 'W' 32 bits, 'D' 64 bits */
} xrt_argument;

typedef struct xrt_kernel {
    const char *name;
    uint32_t count; /**< of arguments, a buffer counted once; at most CARD_MAX_ARGS */
    const xrt_argument *arguments;
} xrt_kernel;

/** kernel < CARD_KERNELS. */
const xrt_kernel *xrt_kernel_get(card_kernel kernel);

/** CARD_KERNELS if there is no such kernel. */
card_kernel xrt_kernel_find(const char *name, size_t length);

/** The side of memory that a buffer argument lies on. */
card_side xrt_argument_side(const xrt_argument *argument);

/** The number of an argument's first port among the kernel's parameters (a buffer has one for each
 * channel); index = count: the number of parameters. */
uint32_t xrt_kernel_parameter(const xrt_kernel *kernel, uint32_t index, uint32_t channels_log2);

/** The offset of a parameter's register: from 0x10 on, 12 bytes for 64 bits, 8 bytes for 32. */
uint32_t xrt_kernel_register(const xrt_kernel *kernel, uint32_t parameter, uint32_t channels_log2);

/** The argument that a parameter belongs to, and its channel. */
uint32_t xrt_kernel_argument(const xrt_kernel *kernel, uint32_t parameter, uint32_t channels_log2,
                             uint32_t *channel);

#endif
