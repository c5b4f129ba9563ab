/** bitstreams/manifest.json (bitstreams/README.md): which images there are, and the check of an
 * image before a card gets it.
 *
 * xrt_manifest_load -> xrt_manifest_find or xrt_manifest_fit -> xrt_image_load -> xrt_image_free. A
 * manifest is plain data. Any thread. */
#ifndef ZKP_DRIVER_XRT_MANIFEST_H
#define ZKP_DRIVER_XRT_MANIFEST_H

#include "driver/field/sha256.h"
#include "driver/xrt/xclbin.h"

#define XRT_MANIFEST_NAME "manifest.json"
#define XRT_MANIFEST_VERSION 1
#define XRT_MAX_IMAGES 64
#define XRT_IMAGE_NAME_BYTES 33
#define XRT_IMAGE_FILE_BYTES 128
#define XRT_FOLDER_BYTES 512
#define XRT_MAX_IMAGE_BYTES ((uint64_t)1 << 30)

typedef struct xrt_image {
    char name[XRT_IMAGE_NAME_BYTES];
    char file[XRT_IMAGE_FILE_BYTES]; /**< without a folder */
    uint8_t sha256[SHA256_BYTES];
    char uuid[XRT_UUID_TEXT_BYTES];
    char platform[XRT_PLATFORM_BYTES];
    xrt_mode mode;
    uint32_t channels_log2, channel_mib, clock_mhz;
    uint32_t units[CARD_KERNELS];
} xrt_image;

typedef struct xrt_manifest {
    char folder[XRT_FOLDER_BYTES];
    uint32_t kernel_abi;
    size_t count;
    xrt_image images[XRT_MAX_IMAGES];
} xrt_manifest;

/** Reads text of length bytes, strictly: keys, types and values as the schema has them, no key
 * twice. P_ECORRUPT names the place, what was expected and what was found. */
p_status xrt_manifest_parse(xrt_manifest *out, const char *text, size_t length, p_err *err);

/** The same for folder/manifest.json. P_EMISSING if there is none. */
p_status xrt_manifest_load(xrt_manifest *out, const char *folder, p_err *err);

/** Where the manifest is: given (may be NULL), else $ZKP_BITSTREAMS, else the installed one, whose
 * path is written to installed. */
const char *xrt_manifest_folder(const char *given, char installed[XRT_FOLDER_BYTES]);

/** By name; P_EMISSING names what there is. */
p_status xrt_manifest_find(const xrt_manifest *m, const char *name, const xrt_image **out,
                           p_err *err);
/** The first whose platform and mode are the card's. P_EMISSING names what there is. */
p_status xrt_manifest_fit(const xrt_manifest *m, const char *platform, xrt_mode mode,
                          const xrt_image **out, p_err *err);

/** Reads the image's file and holds it against its entry (size, SHA-256, UUID, platform, mode,
 * kernels with their arguments, units and banks), the manifest against this program (kernel ABI),
 * and the entry against the card. platform: the card's. *out: the bytes, which were checked.
 * P_EMISSING without the file or for another card or ABI, P_ECORRUPT for a file that is not what it
 * should be; the text says what was expected, found, and what to do. */
p_status xrt_image_load(const xrt_manifest *m, const xrt_image *image, const char *platform,
                        xrt_mode mode, uint8_t **out, size_t *size, p_err *err);
void xrt_image_free(uint8_t *bytes);

#endif
