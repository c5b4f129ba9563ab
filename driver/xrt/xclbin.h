/** Reads what an xclbin file says about itself: UUID, platform, mode, kernels, their arguments,
 * compute units and banks. Nothing of XRT is needed: the format is that of its xclbin.h.
 *
 * The bytes stay the caller's and must outlive the xrt_xclbin, which points into them. They may be
 * anything: no function reads beyond them. Any thread. */
#ifndef ZKP_DRIVER_XRT_XCLBIN_H
#define ZKP_DRIVER_XRT_XCLBIN_H

#include "driver/card/card.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XRT_UUID_BYTES 16
#define XRT_UUID_TEXT_BYTES 37
#define XRT_PLATFORM_BYTES 65

typedef enum xrt_mode { XRT_MODE_HW, XRT_MODE_HW_EMU, XRT_MODE_SW_EMU, XRT_MODE_OTHER } xrt_mode;

/** "hw", "hw_emu", "sw_emu" or "another". */
const char *xrt_mode_name(xrt_mode mode);

typedef struct xrt_span {
    const uint8_t *bytes; /**< NULL: the section is absent */
    size_t size;
} xrt_span;

typedef struct xrt_xclbin {
    uint8_t uuid[XRT_UUID_BYTES];
    char platform[XRT_PLATFORM_BYTES]; /**< VBNV */
    xrt_mode mode;
    xrt_span metadata, ip_layout, connectivity, mem_topology;
} xrt_xclbin;

void xrt_uuid_text(char out[XRT_UUID_TEXT_BYTES], const uint8_t uuid[XRT_UUID_BYTES]);

/** The header and the places of the sections. P_ECORRUPT with what is wrong. */
p_status xrt_xclbin_read(xrt_xclbin *out, const uint8_t *bytes, size_t size, p_err *err);

/** Compute units of a kernel, by the IP layout. */
uint32_t xrt_xclbin_units(const xrt_xclbin *x, card_kernel kernel);

/** The image against kernel_abi.h: each kernel that units[] names has that many compute units,
 * called NAME_1, NAME_2, ..., and arguments with the names, order, sizes and registers of
 * kernel_abi.h for 2^channels_log2 channels; channel c of one side lies in the
 * same bank, or range of banks, for all kernels. P_ECORRUPT with kernel, expected and found. */
p_status xrt_xclbin_check(const xrt_xclbin *x, const uint32_t units[CARD_KERNELS],
                          uint32_t channels_log2, p_err *err);

#endif
