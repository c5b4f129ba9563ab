/** The guest's image as it is committed: built by Debian's gcc-riscv64-unknown-elf 12.2 from the
 * sources of this folder, of host/executor and of driver/field; the test guest.image builds it
 * again and compares. */
#ifndef ZKP_HOST_GUEST_IMAGE_H
#define ZKP_HOST_GUEST_IMAGE_H

#include "host/vm/image.h"

/** The ELF file's bytes, static. */
const uint8_t *guest_image_elf(size_t *len);

/** The same, read. The caller destroys it. */
p_status guest_image(vm_image **out, p_err *err);

#endif
