#include "host/rpc/accept.h"

#include <grpc/support/log.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_ACCEPT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_ACCEPT 0
#endif
#endif
#ifndef HAS_ACCEPT
#define HAS_ACCEPT 1
#endif

#define SAY_EVERY_SECONDS 10

/* The process's, as the limit of open files and the function's name are. Under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int spare = -1;

static void open_spare(void)
{
    if (spare < 0)
        spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void rpc_accept_prepare(void)
{
    pthread_mutex_lock(&lock);
    open_spare();
    pthread_mutex_unlock(&lock);
}

#if HAS_ACCEPT

static int system_accept(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    return (int)syscall(SYS_accept4, fd, address, len, flags);
}

/** Closes the connections that wait. Returns their number; the lock is held. */
static unsigned refuse_waiting(int fd)
{
    unsigned n = 0;
    int flags = fcntl(fd, F_GETFL);
    open_spare();
    if (flags < 0 || !(flags & O_NONBLOCK)) /* there the last accept would wait */
        return 0;
    while (spare >= 0) {
        close(spare);
        spare = -1;
        int s = system_accept(fd, NULL, NULL, SOCK_CLOEXEC);
        if (s >= 0)
            close(s);
        open_spare();
        if (s < 0)
            break;
        n++;
    }
    return n;
}

/** In place of the C library's. */
__attribute__((visibility("default"))) int accept4(int fd, struct sockaddr *address, socklen_t *len,
                                                   int flags);
int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    static time_t said; /* under the lock */
    int s = system_accept(fd, address, len, flags);
    int e = errno;
    if (s >= 0 || (e != EMFILE && e != ENFILE))
        return s;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&lock);
    unsigned n = refuse_waiting(fd);
    bool say = !said || now.tv_sec - said >= SAY_EVERY_SECONDS;
    if (say)
        said = now.tv_sec;
    pthread_mutex_unlock(&lock);
    if (say)
        gpr_log(GPR_ERROR, "%u new connections were refused: %s; raise the limit of open files", n,
                strerror(e));
    errno = EAGAIN;
    return -1;
}

#endif
