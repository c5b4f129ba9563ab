/* The guest's entry and memory; only compiled for RV64IM. */
#include "host/guest/run.h"

/* The map of the address space: the image from 0x10000 (guest.ld), the stack below 0x1ffff000, then
 * the arenas. What nobody touches costs nothing. */
#define TREE_START UINT64_C(0x20000000)
#define TX_START UINT64_C(0x60000000)
#define FRAME_START UINT64_C(0x80000000)
#define ADVICE_START UINT64_C(0xa0000000)
#define ADVICE_END UINT64_C(0xc0000000)

void guest_main(void);

__attribute__((used, noreturn)) void guest_main(void)
{
    guest_memory memory;
    exec_arena_init(&memory.exec.tree, (void *)TREE_START, TX_START - TREE_START);
    exec_arena_init(&memory.exec.tx, (void *)TX_START, FRAME_START - TX_START);
    exec_arena_init(&memory.exec.frame, (void *)FRAME_START, ADVICE_START - FRAME_START);
    exec_arena_init(&memory.advice, (void *)ADVICE_START, ADVICE_END - ADVICE_START);
    guest_halt((uint64_t)guest_run(NULL, &memory));
}

/* registers are 0; gp stays so, as the linker does not relax */
__asm__(".section .text.start, \"ax\"\n"
        ".globl _start\n"
        "_start:\n"
        "    lui sp, 0x1ffff\n"
        "    call guest_main\n"
        ".text\n");
