#include "host/guest/image.h"

__asm__(".section .rodata\n"
        ".balign 8\n"
        ".globl zkp_guest_elf, zkp_guest_elf_end\n"
        "zkp_guest_elf:\n"
        ".incbin \"" ZKP_GUEST_IMAGE "\"\n"
        "zkp_guest_elf_end:\n"
        ".byte 0\n"
        ".text\n");

extern const uint8_t zkp_guest_elf[] __attribute__((visibility("hidden")));
extern const uint8_t zkp_guest_elf_end[] __attribute__((visibility("hidden")));

const uint8_t *guest_image_elf(size_t *len)
{
    *len = (size_t)(zkp_guest_elf_end - zkp_guest_elf);
    return zkp_guest_elf;
}

p_status guest_image(vm_image **out, p_err *err)
{
    size_t len;
    const uint8_t *elf = guest_image_elf(&len);
    return vm_image_parse(out, "the guest's image", elf, len, err);
}
