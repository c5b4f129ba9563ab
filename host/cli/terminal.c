#include "host/cli/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_COLUMNS 80
#define DEFAULT_ROWS 24

bool terminal_can_redraw(FILE *stream)
{
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && term && strcmp(term, "dumb") != 0;
}

/* Async-signal-safe. SA_RESETHAND has restored the default, so the raised signal, which is blocked
 * until the handler returns, ends the process as if there had been none. */
static void on_signal(int number)
{
    static const char clear[] = "\r\033[K";
    ssize_t ignored = write(STDERR_FILENO, clear, sizeof clear - 1);
    (void)ignored;
    raise(number);
}

void terminal_guard(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    if (!terminal_can_redraw(stderr)) /* nothing to clear */
        return;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static struct winsize size_of(FILE *stream)
{
    struct winsize w = {0};
    if (ioctl(fileno(stream), TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0) {
        w.ws_col = DEFAULT_COLUMNS;
        w.ws_row = DEFAULT_ROWS;
    }
    return w;
}

size_t terminal_cut(const char *text, size_t columns)
{
    size_t n = 0, used = 0;
    while (text[n] && text[n] != '\n') {
        bool starts = ((unsigned char)text[n] & 0xc0) != 0x80;
        if (starts && used == columns)
            break;
        used += starts;
        n++;
    }
    return n;
}

void terminal_line(FILE *stream, const char *text)
{
    /* one column stays free: a full line would move the cursor on some terminals */
    fprintf(stream, "\r\033[K%.*s", (int)terminal_cut(text, size_of(stream).ws_col - 1U), text);
    fflush(stream);
}

void terminal_draw(terminal_frame *frame, FILE *stream, const char *text)
{
    struct winsize size = size_of(stream);
    size_t max = size.ws_row > 2 ? size.ws_row - 1U : 1, total = 0;
    for (const char *p = text; *p; p++)
        total += *p == '\n';
    if (frame->lines > 0)
        fprintf(stream, "\033[%zuA", frame->lines);
    fputs("\r\033[J", stream);
    size_t shown = total > max ? max - 1 : total;
    for (size_t i = 0; i < shown; i++) {
        fprintf(stream, "%.*s\n", (int)terminal_cut(text, size.ws_col - 1U), text);
        text = strchr(text, '\n') + 1;
    }
    if (shown < total)
        fprintf(stream, "... %zu more lines\n", total - shown);
    frame->lines = shown + (shown < total);
    fflush(stream);
}
