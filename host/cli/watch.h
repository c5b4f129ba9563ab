/** Showing something again and again: in place on a terminal, else only what has changed. Main
 *  thread. */
#ifndef ZKP_HOST_CLI_WATCH_H
#define ZKP_HOST_CLI_WATCH_H

#include "host/cli/service.h"

/** --watch, for the table of options. */
#define WATCH_OPTION                                                                               \
    {                                                                                              \
        "watch", "[S]", "show it again every S seconds (default 1) until interrupted"              \
    }

/** What a command shows of one status. */
typedef struct watch_view {
    /** Writes the whole, lines of text, for people. */
    void (*frame)(service *s, const service_status *m, FILE *out);
    /** Writes the same as lines that stand alone: JSON, or short text. With --watch only lines that
     *  were not there the last time are printed. */
    void (*lines)(service *s, const service_status *m, bool as_json, FILE *out);
} watch_view;

/** Runs a command that shows the status, with the options --json and --watch and those of the
 *  service. */
cli_exit watch_run(const cli_command *command, const cli_args *args, const watch_view *view);

/** "2026-01-31 12:00:00 UTC", or "-" for 0. */
#define WATCH_TIME_BYTES 40
const char *watch_time(char out[WATCH_TIME_BYTES], uint64_t unix_seconds);

#endif
