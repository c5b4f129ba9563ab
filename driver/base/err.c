#include "driver/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the UTF-8 character that starts with this byte. A byte that starts none counts as one:
 * damaged text is passed on, not judged. */
static size_t utf8_length(unsigned char lead)
{
    if (lead >= 0xf0 && lead < 0xf8)
        return 4;
    if (lead >= 0xe0 && lead < 0xf0)
        return 3;
    return lead >= 0xc0 && lead < 0xe0 ? 2 : 1;
}

/* Drops a character whose end was cut off from the end of text[0..len). */
static size_t utf8_whole(const char *text, size_t len)
{
    for (size_t back = 1; back <= 4 && back <= len; back++) {
        unsigned char c = (unsigned char)text[len - back];

        if ((c & 0xc0) != 0x80)
            return utf8_length(c) > back ? len - back : len;
    }
    return len;
}

/* Formats into a full-size buffer and returns the length kept. */
__attribute__((format(printf, 2, 0))) static size_t format_text(char out[P_ERR_TEXT_BYTES],
                                                                const char *format, va_list args)
{
    int wanted = vsnprintf(out, P_ERR_TEXT_BYTES, format, args);
    size_t len;

    if (wanted < 0) { /* the C library could not format it: the bare format still says something */
        len = strlen(format);
        if (len >= P_ERR_TEXT_BYTES)
            len = P_ERR_TEXT_BYTES - 1;
        memcpy(out, format, len);
        wanted = P_ERR_TEXT_BYTES;
    } else {
        len = (size_t)wanted < P_ERR_TEXT_BYTES ? (size_t)wanted : P_ERR_TEXT_BYTES - 1;
    }
    if ((size_t)wanted >= P_ERR_TEXT_BYTES)
        len = utf8_whole(out, len);
    out[len] = '\0';
    return len;
}

p_status p_err_set(p_err *err, p_status status, const char *format, ...)
{
    char text[P_ERR_TEXT_BYTES]; /* not err->text: an argument may point there */
    va_list args;
    size_t len;

    if (!err)
        return status;
    va_start(args, format);
    len = format_text(text, format, args);
    va_end(args);
    err->status = status;
    memcpy(err->text, text, len + 1);
    return status;
}

void p_err_prefix(p_err *err, const char *format, ...)
{
    char text[P_ERR_TEXT_BYTES];
    const size_t room = P_ERR_TEXT_BYTES - 1;
    va_list args;
    size_t len, more;

    if (!err || err->status == P_OK)
        return;
    va_start(args, format);
    len = format_text(text, format, args);
    va_end(args);
    if (len + 2 <= room) {
        memcpy(text + len, ": ", 2);
        len += 2;
        more = strlen(err->text);
        if (more > room - len) {
            memcpy(text + len, err->text, room - len);
            len = utf8_whole(text, room);
        } else {
            memcpy(text + len, err->text, more);
            len += more;
        }
    }
    memcpy(err->text, text, len);
    err->text[len] = '\0';
}

void p_err_clear(p_err *err)
{
    if (!err)
        return;
    err->status = P_OK;
    err->text[0] = '\0';
}
