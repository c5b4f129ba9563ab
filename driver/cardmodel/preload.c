/* Work-around for Debian 12's XRT emulation shims, for tests only; the launcher applies it after it
 * has seen that the shims are the ones it was made for.
 *
 * The function alloc_void of both shims, which holds the buffer for messages, drops what realloc
 * answers: as soon as the buffer moves, the shim writes into freed memory. Here the buffer is made
 * once, larger than any message, and realloc leaves it in place. What these allocations are is told
 * by who calls: the address that malloc returns to lies in alloc_void.
 *
 * The shims read from their socket without looking for its end: when the card's process is gone,
 * they would do so for ever. Here the end of the socket ends the program by SIGPIPE, as writing to
 * it does.
 *
 * hw_emu's shim sleeps for seconds where it waits for a simulator: its sleeps become short.
 *
 * Not for programs that the program starts: LD_PRELOAD is taken out of the environment. */
#define _GNU_SOURCE /* RTLD_NEXT, dladdr1 */
#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)64 << 20) /* the system commits what is used; messages have 8 MiB */

void *__libc_malloc(size_t size); /* glibc's own */
void *__libc_realloc(void *old, size_t size);

static _Atomic uintptr_t first, last; /* of alloc_void's code; 0, 0 while no shim is loaded */

static const struct {
    const char *library, *symbol;
} SHIMS[] = {
    {"libxrt_swemu", "_ZN12xclcpuemhal29CpuemShim10alloc_voidEm"},
    {"libxrt_hwemu", "_ZN11xclhwemhal28HwEmShim10alloc_voidEm"},
};

__attribute__((constructor)) static void forget_preload(void)
{
    unsetenv("LD_PRELOAD");
}

static int from_alloc_void(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;

    return at >= atomic_load_explicit(&first, memory_order_relaxed) &&
           at < atomic_load_explicit(&last, memory_order_relaxed);
}

void *malloc(size_t size)
{
    if (from_alloc_void(__builtin_return_address(0)))
        return size > BUFFER_BYTES ? NULL : __libc_malloc(BUFFER_BYTES);
    return __libc_malloc(size);
}

void *realloc(void *old, size_t size)
{
    if (from_alloc_void(__builtin_return_address(0))) {
        if (size > BUFFER_BYTES)
            abort(); /* it would go on with a buffer that is too small */
        return old;
    }
    return __libc_realloc(old, size);
}

static void look_for_shim(void *library, const char *file)
{
    for (size_t i = 0; i < sizeof SHIMS / sizeof *SHIMS; i++) {
        const ElfW(Sym) *symbol = NULL;
        void *at, *extra = NULL;
        Dl_info about;

        if (!strstr(file, SHIMS[i].library) || !(at = dlsym(library, SHIMS[i].symbol)) ||
            !dladdr1(at, &about, &extra, RTLD_DL_SYMENT) || !extra)
            continue;
        symbol = extra;
        atomic_store(&first, (uintptr_t)at);
        atomic_store(&last, (uintptr_t)at + symbol->st_size);
    }
}

void *dlopen(const char *file, int flags)
{
    void *(*next)(const char *, int), *at = dlsym(RTLD_NEXT, "dlopen"), *library;

    memcpy(&next, &at, sizeof next);
    library = next(file, flags);
    if (library && file)
        look_for_shim(library, file);
    return library;
}

static int from_library(const void *caller, const char *name)
{
    Dl_info about;

    return dladdr(caller, &about) && about.dli_fname && strstr(about.dli_fname, name);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    ssize_t got = syscall(SYS_read, fd, bytes, size);
    const void *caller = __builtin_return_address(0);
    struct stat about;

    if (got == 0 && size > 0 && fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode) &&
        (from_library(caller, "libxrt_swemu") || from_library(caller, "libxrt_hwemu"))) {
        raise(SIGPIPE);
        _exit(128 + SIGPIPE);
    }
    return got;
}

unsigned sleep(unsigned seconds)
{
    struct timespec left = {(time_t)seconds, 0};

    if (from_library(__builtin_return_address(0), "libxrt_hwemu")) {
        left.tv_sec = 0;
        left.tv_nsec = seconds >= 10 ? 2000000 : seconds > 0 ? 50000 : 0;
        nanosleep(&left, NULL);
        return 0;
    }
    return nanosleep(&left, &left) ? (unsigned)left.tv_sec + 1 : 0;
}
