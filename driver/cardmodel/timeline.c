#include "driver/cardmodel/timeline.h"

#include "driver/base/clock.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

timeline timeline_open(const char *path)
{
    timeline to = {-1};

    if (path && path[0])
        to.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return to;
}

void timeline_close(timeline *to)
{
    if (to->fd >= 0)
        close(to->fd);
    to->fd = -1;
}

uint64_t timeline_now_us(void)
{
    return (uint64_t)p_clock_ns(CLOCK_MONOTONIC) / 1000;
}

void timeline_write(const timeline *to, const char *format, ...)
{
    char line[512];
    va_list args;
    int head, body;
    size_t size;
    ssize_t done;

    if (to->fd < 0)
        return;
    head = snprintf(line, sizeof line, "%llu %ld ", (unsigned long long)timeline_now_us(),
                    (long)getpid());
    va_start(args, format);
    body = vsnprintf(line + head, sizeof line - (size_t)head, format, args);
    va_end(args);
    if (head < 0 || body < 0)
        return;
    size = (size_t)head + (size_t)body;
    if (size > sizeof line - 1)
        size = sizeof line - 1;
    line[size++] = '\n';
    done = write(to->fd, line, size); /* a full disk costs the line, nothing else */
    (void)done;
}
