#define _GNU_SOURCE /* POSIX_SPAWN_SETSID, posix_spawn_file_actions_addclosefrom_np */
#include "driver/xrt/spawn.h"

#include "driver/base/clock.h"
#include "driver/xrt/installed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILL_MS 2000
#define STEP_NS 2000000
#define FREE_FD 16 /* descriptors are moved above all targets first */

#if defined(__GLIBC__)
#define CAN_CLOSE_FROM __GLIBC_PREREQ(2, 34)
#else
#define CAN_CLOSE_FROM 0
#endif

extern char **environ;

/* ---- where it is ---- */

static bool usable(const char *path)
{
    return access(path, X_OK) == 0;
}

static void beside(char path[XRT_PATH_BYTES])
{
    ssize_t n = readlink("/proc/self/exe", path, XRT_PATH_BYTES - sizeof "zkp-card");

    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, "zkp-card");
}

p_status xrt_program_find(const char *given, char path[XRT_PATH_BYTES], p_err *err)
{
    const char *set = getenv("ZKP_CARD");
    bool chosen = given || (set && set[0]);

    if (chosen)
        snprintf(path, XRT_PATH_BYTES, "%s", given ? given : set);
    else
        beside(path);
    if (usable(path))
        return P_OK;
    if (chosen)
        return p_err_set(err, P_EMISSING, "the program %s named by %s cannot be run: %s", path,
                         given ? "the configuration" : "ZKP_CARD", strerror(errno));
    char installed[XRT_PATH_BYTES];

    xrt_installed_path(ZKP_CARD_INSTALLED, installed, sizeof installed);
    if (!usable(installed))
        return p_err_set(err, P_EMISSING,
                         "the program zkp-card is missing (looked for %.300s and %.300s): install "
                         "the package that has it, or build it with libxrt-dev",
                         path, installed);
    memcpy(path, installed, XRT_PATH_BYTES);
    return P_OK;
}

/* ---- starting ---- */

static int add_descriptors(posix_spawn_file_actions_t *actions, const int *fds, const int *targets,
                           size_t count)
{
    int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0), last = 2;

    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = posix_spawn_file_actions_adddup2(actions, fds[i], targets[i]);
        last = targets[i] > last ? targets[i] : last;
    }
#if CAN_CLOSE_FROM
    if (rc == 0) /* libraries of this program may have opened some without O_CLOEXEC */
        rc = posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
#endif
    return rc;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                      POSIX_SPAWN_SETSIGMASK);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attributes, &all);
    return rc == 0 ? posix_spawnattr_setsigmask(attributes, &none) : rc;
}

p_status xrt_spawn(const char *path, char *const argv[], const int *fds, const int *targets,
                   size_t count, pid_t *pid, p_err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int high[8], rc = count <= 8 ? 0 : EINVAL;
    size_t moved = 0;

    *pid = -1;
    for (; rc == 0 && moved < count; moved++) {
        high[moved] = fcntl(fds[moved], F_DUPFD_CLOEXEC, FREE_FD);
        if (high[moved] < 0) {
            rc = errno;
            break;
        }
    }
    if (rc == 0)
        rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0) {
        rc = posix_spawnattr_init(&attributes);
        if (rc == 0) {
            rc = add_descriptors(&actions, high, targets, count);
            if (rc == 0)
                rc = set_attributes(&attributes);
            if (rc == 0)
                rc = posix_spawn(pid, path, &actions, &attributes, argv, environ);
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    for (size_t i = 0; i < moved; i++)
        close(high[i]);
    if (rc != 0) {
        *pid = -1;
        return p_err_set(err, P_EDEVICE, "cannot start %s: %s", path, strerror(rc));
    }
    return P_OK;
}

/* ---- ending ---- */

bool xrt_spawn_ended(pid_t pid, char *how_ended, size_t size)
{
    int status = 0;
    pid_t got;

    do
        got = waitpid(pid, &status, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    if (!how_ended)
        return true;
    if (got < 0) /* somebody else has reaped it: a program that ignores SIGCHLD */
        snprintf(how_ended, size, "it has ended");
    else if (WIFSIGNALED(status))
        snprintf(how_ended, size, "it was ended by signal %d", WTERMSIG(status));
    else
        snprintf(how_ended, size, "it ended with code %d", WEXITSTATUS(status));
    return true;
}

static bool wait_ended(pid_t pid, unsigned ms, char *how_ended, size_t size)
{
    int64_t until = p_clock_ms(CLOCK_MONOTONIC) + ms;

    while (!xrt_spawn_ended(pid, how_ended, size)) {
        if (p_clock_ms(CLOCK_MONOTONIC) >= until)
            return false;
        nanosleep(&(struct timespec){0, STEP_NS}, NULL);
    }
    return true;
}

bool xrt_spawn_end(pid_t pid, unsigned patience_ms, char *how_ended, size_t size)
{
    bool ended = patience_ms > 0 && wait_ended(pid, patience_ms, how_ended, size);

    if (!ended) {
        kill(-pid, SIGKILL); /* whatever it has started; the number is ours until it is reaped */
        kill(pid, SIGKILL);
        ended = wait_ended(pid, KILL_MS, how_ended, size);
    }
    return ended;
}
