/** Images of the emulated card: xclbin files of kernels compiled for the host, as XRT's emulation
 * takes them, and their entries in a manifest (bitstreams/README.md).
 *
 * The card has 32 HBM channels like a U55C; channels 0 .. 2^k - 1 are side A, 16 .. 16 + 2^k - 1
 * side B. What is written depends on the arguments alone: the UUID is derived from the content.
 * Any thread. */
#ifndef ZKP_DRIVER_CARDMODEL_IMAGE_H
#define ZKP_DRIVER_CARDMODEL_IMAGE_H

#include "driver/base/err.h"
#include "driver/field/sha256.h"
#include "hls/include/kernel_abi.h"

#include <stddef.h>
#include <stdint.h>

#define IMAGE_CHANNELS 32
#define IMAGE_SIDE_B 16 /**< first channel of side B */
#define IMAGE_UUID_BYTES 16
#define IMAGE_PLATFORM "xilinx_u55c_gen3x16_xdma_3_202210_1"
#define IMAGE_FIRST_UNIT 0x1800000
#define IMAGE_UNIT_STEP 0x10000
#define IMAGE_MAX_UNITS 16 /**< of a kernel */

/* clang-format off */
enum {
#define IMAGE_ENUM(name, arguments) IMAGE_##name,
    HLS_KERNELS(IMAGE_ENUM)
#undef IMAGE_ENUM
    IMAGE_KERNELS
};
/* clang-format on */

typedef enum image_mode { IMAGE_HW, IMAGE_HW_EMU, IMAGE_SW_EMU } image_mode;

/** An argument as kernel_abi.h has it. */
typedef struct image_arg {
    const char *name;
    char type; /**< 'R' rows, 'W' 32 bits, 'D' 64 bits */
} image_arg;

typedef struct image_kernel {
    const char *name;
    const image_arg *args;
    uint32_t count;
} image_kernel;

typedef struct image_spec {
    const char *name;     /**< in the manifest */
    const char *platform; /**< VBNV in the file's header; at most 63 bytes */
    image_mode mode;      /**< not IMAGE_HW */
    uint32_t channels_log2;
    uint32_t channel_mib; /**< memory of each channel */
    uint32_t clock_mhz;   /**< 0: none */
    uint32_t units[IMAGE_KERNELS];
    const image_kernel *extra; /**< a kernel that kernel_abi.h does not have, one unit; or NULL */
} image_spec;

/** "hw", "hw_emu", "sw_emu". */
const char *image_mode_name(image_mode mode);
/** Kernel IMAGE_... of kernel_abi.h. */
const image_kernel *image_kernel_get(uint32_t kernel);

/** The metadata that tells XRT of kernels, arguments and units: NUL-terminated, to be freed.
 * P_EINVAL names what is out of range, P_EEXHAUSTED. */
p_status image_xml(const image_spec *spec, char **out, size_t *size, p_err *err);

/** The whole file around the kernels (a shared object), to be freed. */
p_status image_make(const image_spec *spec, const void *kernels, size_t kernels_size, uint8_t **out,
                    size_t *size, p_err *err);

/** What a manifest says of a file. */
typedef struct image_about {
    uint8_t sha256[SHA256_BYTES];
    uint8_t uuid[IMAGE_UUID_BYTES];
    char platform[64];
    image_mode mode;
} image_about;

/** Reads the header of an xclbin of any origin; P_ECORRUPT says what is wrong with it. */
p_status image_read(const uint8_t *bytes, size_t size, image_about *out, p_err *err);

#endif
