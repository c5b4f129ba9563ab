#include "host/state/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *state_text_shown(char out[STATE_SHOWN_BYTES], const char *text, size_t len)
{
    size_t n = len < 66 ? len : 66;
    for (size_t i = 0; i < n; i++)
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    strcpy(out + n, len > 66 ? "..." : "");
    return out;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

size_t state_text_bad(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && is_hex(text[i]))
        i++;
    return i;
}

const char *state_text_char(char out[8], const char *text, size_t len)
{
    size_t i = state_text_bad(text, len);
    unsigned char c = i < len ? (unsigned char)text[i] : 0;
    if (c >= 0x20 && c < 0x7f)
        snprintf(out, 8, "%c", c);
    else
        snprintf(out, 8, "\\x%02x", c);
    return out;
}
