#define _GNU_SOURCE
#include "tests/fault/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* A test's tool: state of the process is what it is about. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fault_error;
static char fault_path[256], fault_when[256];
static unsigned after_calls, fail_count, calls, failures;
static bool active;
static char trace[16384];

void fault_set(int error, const char *path, unsigned after, unsigned count)
{
    pthread_mutex_lock(&lock);
    fault_error = error;
    snprintf(fault_path, sizeof fault_path, "%s", path ? path : "");
    after_calls = after;
    fail_count = count;
    calls = failures = 0;
    trace[0] = 0;
    active = true;
    pthread_mutex_unlock(&lock);
}

void fault_clear(void)
{
    pthread_mutex_lock(&lock);
    active = false;
    pthread_mutex_unlock(&lock);
}

unsigned fault_calls(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = calls;
    pthread_mutex_unlock(&lock);
    return n;
}

unsigned fault_failures(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = failures;
    pthread_mutex_unlock(&lock);
    return n;
}

__attribute__((constructor)) static void from_environment(void)
{
    const char *name = getenv("ZKP_FAULT_ERRNO"), *path = getenv("ZKP_FAULT_PATH"),
               *when = getenv("ZKP_FAULT_WHEN");
    if (!name)
        return;
    snprintf(fault_when, sizeof fault_when, "%s", when ? when : "");
    fault_set(!strcmp(name, "ENOSPC")   ? ENOSPC
              : !strcmp(name, "EDQUOT") ? EDQUOT
                                        : EIO,
              path, 0, 0);
}

void fault_trace(char *out, unsigned capacity)
{
    pthread_mutex_lock(&lock);
    snprintf(out, capacity, "%s", trace);
    pthread_mutex_unlock(&lock);
}

/** Appends a call, unless it only repeats the last one. */
static void note(const char *name, const char *target)
{
    char entry[320];
    const char *last = strrchr(target, '/'), *from = last ? last : target;
    while (from > target && from[-1] != '/')
        from--;
    bool hash = last && strlen(last + 1) == 64;
    snprintf(entry, sizeof entry, "%s %.*s%.200s;", name, last ? (int)(last + 1 - from) : 0, from,
             hash   ? "HASH"
             : last ? last + 1
                    : target);
    size_t have = strlen(trace), len = strlen(entry);
    if (have >= len && strcmp(trace + have - len, entry) == 0)
        return;
    if (have + len < sizeof trace)
        memcpy(trace + have, entry, len + 1);
}

/** Whether a call on this descriptor is to fail. */
static bool fails(int fd, const char *name)
{
    char link[64], target[512];
    struct stat st;
    int saved = errno;
    bool fail = false;
    pthread_mutex_lock(&lock);
    if (active && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, target, sizeof target - 1);
        target[n > 0 ? n : 0] = 0;
        if (strstr(target, fault_path) && (!fault_when[0] || access(fault_when, F_OK) == 0)) {
            fail = fault_error && calls >= after_calls &&
                   (!fail_count || calls < after_calls + fail_count);
            calls++;
            note(name, target);
            failures += fail;
        }
    }
    int error = fault_error;
    pthread_mutex_unlock(&lock);
    errno = fail ? error : saved;
    return fail;
}

/** The function that ours hides. */
#define NEXT(name)                                                                                 \
    __typeof__(name) *next;                                                                        \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *bytes, size_t n)
{
    NEXT(write);
    return fails(fd, "write") ? -1 : next(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    NEXT(pwrite);
    return fails(fd, "pwrite") ? -1 : next(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    NEXT(pwrite64);
    return fails(fd, "pwrite64") ? -1 : next(fd, bytes, n, at);
}

int fsync(int fd)
{
    NEXT(fsync);
    return fails(fd, "fsync") ? -1 : next(fd);
}

int fdatasync(int fd)
{
    NEXT(fdatasync);
    return fails(fd, "fdatasync") ? -1 : next(fd);
}

int ftruncate(int fd, off_t size)
{
    NEXT(ftruncate);
    return fails(fd, "ftruncate") ? -1 : next(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    NEXT(ftruncate64);
    return fails(fd, "ftruncate64") ? -1 : next(fd, size);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    NEXT(renameat);
    return fails(from_fd, "renameat") ? -1 : next(from_fd, from, to_fd, to);
}
