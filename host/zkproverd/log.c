#include "host/zkproverd/log.h"

#include <jansson.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *log_level_name(log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return level <= LOG_ERROR ? names[level] : "error";
}

static void write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody to tell */
        text += n;
        len -= (size_t)n;
    }
}

static void time_text(char out[40])
{
    struct timespec now;
    struct tm parts;
    char seconds[24];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, 40, "%s.%03ldZ", seconds, now.tv_nsec / 1000000L);
}

void log_event(const logger *log, log_level level, const char *event, const char *fields, ...)
{
    if (level < log->level)
        return;
    char when[40];
    time_text(when);
    json_t *line =
        json_pack("{s:s, s:s, s:s}", "time", when, "level", log_level_name(level), "event", event);
    if (line && fields) {
        va_list args;
        va_start(args, fields);
        json_error_t error;
        json_t *more = json_vpack_ex(&error, 0, fields, args);
        va_end(args);
        if (more)
            json_object_update(line, more);
        else /* text that is no UTF-8, for example: say so rather than lose the event */
            json_object_set_new(line, "fields_lost", json_string(error.text));
        json_decref(more);
    }
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(line);
    if (!text)
        return;
    size_t len = strlen(text);
    text[len] = '\n'; /* the NUL is not needed any more */
    write_all(log->fd, text, len + 1);
    free(text);
}
