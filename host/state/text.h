/** Pieces of foreign text in error messages. Private to host/state. Any thread. */
#ifndef ZKP_HOST_STATE_TEXT_H
#define ZKP_HOST_STATE_TEXT_H

#include <stddef.h>

/** Room for 66 characters (a hash with its prefix), an ellipsis, and a NUL. */
#define STATE_SHOWN_BYTES 72

/** The text with everything but printable ASCII replaced by '?', cut after 66 characters. Returns
 * out. */
const char *state_text_shown(char out[STATE_SHOWN_BYTES], const char *text, size_t len);

/** Offset of the first character that is no hex digit; len if there is none. */
size_t state_text_bad(const char *text, size_t len);

/** That character, or its code as \xNN if it is not printable. Returns out. */
const char *state_text_char(char out[8], const char *text, size_t len);

#endif
