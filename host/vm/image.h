/** A program: what an ELF file puts into the machine's memory, and its identity.
 *
 * The file is RV64 (no compressed instructions, no floating point, no relocations): static, with
 * one executable segment, whose words are the program for good (a store into it changes the memory
 * and not the program). The image is one range of memory from the lowest segment to the last byte
 * that the file gives, in whole words; gaps are zeros. An image belongs to whoever made it, does
 * not change, and may be used by any number of machines and threads. */
#ifndef ZKP_HOST_VM_IMAGE_H
#define ZKP_HOST_VM_IMAGE_H

#include "driver/base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Largest image, and so the largest file that is read. */
#define VM_IMAGE_MAX_BYTES ((size_t)64 << 20)
#define VM_IDENTITY_BYTES 32

typedef struct vm_image {
    uint64_t base; /**< address of words[0], a multiple of 8 */
    uint64_t end;  /**< address after the last word, at most 2^32 */
    uint64_t *words;
    uint64_t program_base; /**< address of the first instruction, a multiple of 4 */
    size_t n_insns;
    uint64_t entry;
    /** Keccak-256 of base, end, program base, n_insns and entry as 8 bytes each, little-endian, and
     * of the words likewise: what a verifying key binds. */
    uint8_t identity[VM_IDENTITY_BYTES];
} vm_image;

/** Reads a file's bytes, which are not needed afterwards. name is for errors only, which say the
 * offset of the field. P_ECORRUPT: no such file; P_EEXHAUSTED. */
p_status vm_image_parse(vm_image **out, const char *name, const uint8_t *bytes, size_t len,
                        p_err *err);

/** The same from a file. Also P_ENOTFOUND and P_EIO. */
p_status vm_image_read(vm_image **out, const char *path, p_err *err);

void vm_image_destroy(vm_image *image); /**< NULL is allowed */

/** Instruction word number i < n_insns. */
uint32_t vm_image_insn(const vm_image *image, size_t i);

#endif
