/** What an image says of its kernels (the section EMBEDDED_METADATA, which XRT writes into a file
 * for the model): names, arguments with their registers, compute units with their addresses.
 *
 * Reads a text that came from a peer: everything is bounded and checked. Any thread. */
#ifndef ZKP_DRIVER_CARDMODEL_METADATA_H
#define ZKP_DRIVER_CARDMODEL_METADATA_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METADATA_NAME_BYTES 64
#define METADATA_MAX_ARGS 64
#define METADATA_MAX_KERNELS 16
#define METADATA_MAX_UNITS 32
#define METADATA_MAX_BYTES ((size_t)4 << 20)
/** Addresses that the registers of a unit take. */
#define METADATA_UNIT_BYTES 0x1000
#define METADATA_FIRST_ARG 0x10

typedef struct metadata_arg {
    uint32_t offset; /**< register; a multiple of 4 */
    uint32_t bytes;  /**< 4 or 8 */
    bool pointer;
} metadata_arg;

typedef struct metadata_kernel {
    char name[METADATA_NAME_BYTES];
    uint32_t args;
    metadata_arg arg[METADATA_MAX_ARGS];
} metadata_kernel;

typedef struct metadata_unit {
    char name[METADATA_NAME_BYTES];
    uint32_t kernel; /**< index */
    uint64_t base;
} metadata_unit;

typedef struct metadata {
    uint32_t kernels, units;
    metadata_kernel kernel[METADATA_MAX_KERNELS];
    metadata_unit unit[METADATA_MAX_UNITS];
} metadata;

/** Reads size bytes of XML, as v++ and driver/cardmodel/image.h write it. P_EINVAL names what is
 * wrong. */
p_status metadata_read(const char *text, size_t size, metadata *out, p_err *err);

#endif
