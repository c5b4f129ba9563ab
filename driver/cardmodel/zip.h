/** A zip archive without compression, for the images of hw_emu (XRT calls unzip on them). */
#ifndef ZKP_DRIVER_CARDMODEL_ZIP_H
#define ZKP_DRIVER_CARDMODEL_ZIP_H

#include "driver/base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct zip_entry {
    const char *name; /**< path in the archive */
    const void *bytes;
    size_t size;
    uint32_t mode; /**< permissions: 0644, 0755 */
} zip_entry;

/** An archive of at most 16 entries and 2 GiB, to be freed. P_EINVAL, P_EEXHAUSTED. */
p_status zip_make(const zip_entry *entries, size_t count, uint8_t **out, size_t *size, p_err *err);

#endif
