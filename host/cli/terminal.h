/** What the commands show on a terminal while something goes on: one line of progress, or a frame
 *  that is drawn again in place. Nothing here writes escape sequences to anything but a terminal,
 *  and no colour is used at all. Main thread. */
#ifndef ZKP_HOST_CLI_TERMINAL_H
#define ZKP_HOST_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Whether lines on this stream can be drawn over: it is a terminal, and TERM is not "dumb". */
bool terminal_can_redraw(FILE *stream);

/** From here on SIGINT and SIGTERM clear the line that the cursor is in before they end the
 *  process (by the signal, as without this). */
void terminal_guard(void);

/** Draws over the current line of a terminal, cut to its width; "" clears it. */
void terminal_line(FILE *stream, const char *text);

/** A frame on a terminal. Start with zeros. */
typedef struct terminal_frame {
    size_t lines; /**< drawn by the last call */
} terminal_frame;

/** Draws lines of text over the last frame, cut to the terminal's width and height. */
void terminal_draw(terminal_frame *frame, FILE *stream, const char *text);

/** The longest beginning of a line that takes at most `columns` columns, in bytes; characters of
 *  UTF-8 stay whole and count one column each. Stops at a newline. */
size_t terminal_cut(const char *text, size_t columns);

#endif
