/** The server's log: one JSON object a line, written with one write(2). Any thread; holds no state
 *  but its level and file descriptor. Never give it a request's content below LOG_DEBUG. */
#ifndef ZKP_HOST_ZKPROVERD_LOG_H
#define ZKP_HOST_ZKPROVERD_LOG_H

typedef enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } log_level;

typedef struct logger {
    log_level level; /**< less is dropped */
    int fd;
} logger;

/** Writes {"time": ..., "level": ..., "event": event, fields...}. fields is a format of jansson's
 *  json_pack for one object ("{s:s, s:i}"), or NULL. A line that cannot be
 *  made or written is lost. */
void log_event(const logger *log, log_level level, const char *event, const char *fields, ...);

const char *log_level_name(log_level level);

#endif
