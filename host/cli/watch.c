#include "host/cli/watch.h"

#include "host/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *watch_time(char out[WATCH_TIME_BYTES], uint64_t unix_seconds)
{
    time_t t = (time_t)unix_seconds;
    struct tm tm;
    if (unix_seconds == 0 || !gmtime_r(&t, &tm) ||
        strftime(out, WATCH_TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        memcpy(out, "-", 2);
    return out;
}

/* Whether text has this line. */
static bool has_line(const char *text, const char *line, size_t len)
{
    while (text && *text) {
        size_t n = strcspn(text, "\n");
        if (n == len && memcmp(text, line, n) == 0)
            return true;
        text += n + (text[n] == '\n');
    }
    return false;
}

static void print_new(const char *text, const char *before)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        if (!has_line(before, p, n))
            printf("%.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    fflush(stdout);
}

static char *text_of(const watch_view *view, service *s, const service_status *m, bool framed,
                     bool as_json)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    if (framed)
        view->frame(s, m, f);
    else
        view->lines(s, m, as_json, f);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

cli_exit watch_run(const cli_command *command, const cli_args *args, const watch_view *view)
{
    p_err err = {0};
    uint64_t seconds = 1;
    bool as_json = cli_args_get(command, args, "json") != NULL;
    bool watch = cli_args_get(command, args, "watch") != NULL;
    if (args->n_operands > 0)
        p_err_set(&err, P_EINVAL, "expected no argument, found '%s'", args->operands[0]);
    else
        (void)cli_args_number(command, args, "watch", 1, 86400, &seconds, &err);
    if (err.status != P_OK)
        return cli_usage(command, &err);
    service s;
    service_status *m = NULL;
    terminal_frame frame = {0};
    char *before = NULL;
    bool framed = !as_json && (!watch || terminal_can_redraw(stdout));
    cli_exit code = service_open(&s, command, args, &m);
    if (watch)
        terminal_guard();
    while (code == CLI_OK) {
        char *text = text_of(view, &s, m, framed, as_json);
        if (!text) {
            p_err_set(&err, P_EEXHAUSTED, "no memory for the answer");
        } else if (framed && watch) {
            terminal_draw(&frame, stdout, text);
        } else if (framed) {
            fputs(text, stdout);
        } else {
            print_new(text, before);
        }
        free(before);
        before = text;
        service_status_free(m);
        m = NULL;
        if (!watch || ferror(stdout))
            break;
        struct timespec pause = {.tv_sec = (time_t)seconds};
        nanosleep(&pause, NULL);
        if (err.status != P_OK || service_get_status(&s, &m, &err) != P_OK)
            code = cli_fail(&err);
    }
    free(before);
    service_status_free(m);
    service_close(&s);
    return code;
}
