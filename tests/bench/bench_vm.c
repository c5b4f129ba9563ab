/* Instructions a second of the machine without tracing: a loop of the usual mix (arithmetic, loads,
 * stores, a product, a call, branches).
 *
 *   bench_vm [MILLIONS]      default 500 */
#include "driver/base/clock.h"
#include "tests/unit/vm/asm.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    uint64_t millions = argc > 1 ? strtoull(argv[1], NULL, 10) : 500;
    const uint32_t code[] = {
        ASM_LUI(10, (uint32_t)ASM_DATA), /* the loop is from the next on, and has no end */
        ASM_LD(1, 10, 0),
        asm_r(0x33, 0, 1, 2, 1, 3), /* mul */
        ASM_ADDI(3, 3, 13),
        asm_r(0x33, 4, 0, 4, 2, 4),      /* xor */
        asm_i(0x13, 5, 5, 4, 7),         /* srli */
        asm_i(0x13, 7, 6, 5, 0xf8),      /* andi */
        asm_r(0x33, 0, 0, 7, 10, 6),     /* add: somewhere in 256 bytes */
        ASM_SD(7, 4, 0),                 /* sd */
        asm_i(0x03, 6, 8, 7, 4),         /* lwu */
        asm_r(0x3b, 0, 0, 9, 8, 9),      /* addw */
        asm_r(0x33, 3, 0, 11, 9, 4),     /* sltu */
        asm_b(0, 11, 0, 8),              /* beq: half the time */
        asm_r(0x33, 0, 0x20, 12, 12, 9), /* sub */
        asm_j(13, 12),                   /* a call */
        asm_j(0, -56),
        ASM_HALT(0),
        asm_i(0x67, 0, 0, 13, 0),
    };
    uint64_t data[33] = {0x9e3779b97f4a7c15};
    p_err err = {0};
    vm *m = NULL;
    vm_result r;
    vm_image *image = asm_image(code, sizeof code / sizeof code[0], data, 33, &err);
    int exit_code = 1;
    if (image && vm_create(&m, image, &err) == P_OK) {
        for (unsigned i = 0; i < 3; i++) {
            double start = p_clock_seconds(CLOCK_MONOTONIC);
            if (vm_run(m, &(vm_run_options){.max_cycles = millions * 1000000}, &r, &err) != P_OK)
                break;
            double seconds = p_clock_seconds(CLOCK_MONOTONIC) - start;
            if (r.end != VM_END_LIMIT) {
                (void)vm_result_check(&r, &err);
                break;
            }
            printf("%.0f million instructions/s (%lu in %.2f s)\n",
                   (double)r.cycles / seconds * 1e-6, (unsigned long)r.cycles, seconds);
            exit_code = 0;
        }
    }
    if (exit_code)
        fprintf(stderr, "bench_vm: %s\n", err.text);
    vm_destroy(m);
    vm_image_destroy(image);
    return exit_code;
}
