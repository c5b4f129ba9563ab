/* The trivial guest program: takes a flat block (flat.h) on standard input and prints the report,
 * under qemu's user mode. No C library: the four memory functions, the entry point and the system
 * calls are here. */
#include "tests/guest/report.h"

#include <string.h>

/* ---- memory functions: slow and obvious ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    while (len--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t <= f) {
        while (len--)
            *t++ = *f++;
    } else {
        while (len--)
            t[len] = f[len];
    }
    return to;
}

void *memset(void *to, int byte, size_t len)
{
    unsigned char *t = to;
    while (len--)
        *t++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a, *y = b;
    for (; len--; x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

/* ---- Linux system calls (asm-generic numbers) ---- */

#define SYS_READ 63
#define SYS_WRITE 64
#define SYS_EXIT 93
#define SYS_MMAP 222
#define PROT_READ_WRITE 3
#define MAP_PRIVATE_ANONYMOUS_NORESERVE 0x4022

static long syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return a0;
}

static void *map(size_t len)
{
    long p =
        syscall6(SYS_MMAP, 0, (long)len, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
    return p < 0 && p > -4096 ? NULL : (void *)p;
}

static void write_all(const char *text, size_t len)
{
    while (len) {
        long n = syscall6(SYS_WRITE, 1, (long)text, (long)len, 0, 0, 0);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static int fail(const char *text)
{
    size_t len = 0;
    while (text[len])
        len++;
    write_all(text, len);
    write_all("\n", 1);
    return 1;
}

#define INPUT_BYTES ((size_t)64 << 20)
#define REPORT_BYTES ((size_t)1 << 20)

static int run(void)
{
    uint8_t *input = map(INPUT_BYTES);
    report_text text = {.at = map(REPORT_BYTES), .size = REPORT_BYTES};
    void *arenas[3];
    if (!input || !text.at)
        return fail("no memory for the input");
    for (int i = 0; i < 3; i++) {
        arenas[i] = map(REPORT_ARENA_BYTES);
        if (!arenas[i])
            return fail("no memory for the arenas");
    }
    size_t len = 0;
    for (;;) {
        long n = syscall6(SYS_READ, 0, (long)(input + len), (long)(INPUT_BYTES - len), 0, 0, 0);
        if (n < 0)
            return fail("the input cannot be read");
        if (n == 0)
            break;
        len += (size_t)n;
        if (len == INPUT_BYTES)
            return fail("the input is too long");
    }

    flat_file file;
    const char *wrong = flat_parse(&file, input, len);
    if (wrong)
        return fail(wrong);
    exec_host host = flat_host(&file);
    exec_memory memory;
    exec_arena_init(&memory.tree, arenas[0], REPORT_ARENA_BYTES);
    exec_arena_init(&memory.tx, arenas[1], REPORT_ARENA_BYTES);
    exec_arena_init(&memory.frame, arenas[2], REPORT_ARENA_BYTES);
    bool ok = report_run(&text, &file, &host, &memory, NULL);
    write_all(text.at, text.len);
    return ok && !text.overflow ? 0 : 1;
}

void guest_main(void);

__attribute__((used, noreturn)) void guest_main(void)
{
    syscall6(SYS_EXIT, run(), 0, 0, 0, 0, 0);
    __builtin_unreachable();
}

/* no linker relaxation against gp before gp is set, and none after: the program never uses gp */
__asm__(".globl _start\n"
        "_start:\n"
        "    andi sp, sp, -16\n"
        "    call guest_main\n");
