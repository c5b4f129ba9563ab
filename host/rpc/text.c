#include "host/rpc/text.h"

#include <stdbool.h>
#include <string.h>

static bool begins_word(const char *text, const char *at)
{
    return at == text || strchr(" '\"`(=", at[-1]);
}

/** Also for the NUL. */
static bool ends_name(char c)
{
    return strchr("/ :;,'\"`)\n", c) != NULL;
}

const char *rpc_text_hide_folder(char *out, size_t cap, const char *text, const char *folder)
{
    size_t len = folder ? strlen(folder) : 0, n = 0;
    while (len && folder[len - 1] == '/')
        len--;
    const char *p = text;
    while (*p && n + 1 < cap) {
        if (!len || strncmp(p, folder, len) != 0 || !begins_word(text, p) || !ends_name(p[len])) {
            out[n++] = *p++;
            continue;
        }
        size_t room = cap - 1 - n, word = sizeof RPC_TEXT_FOLDER - 1;
        memcpy(out + n, RPC_TEXT_FOLDER, word < room ? word : room);
        n += word < room ? word : room;
        p += len;
    }
    if ((*p & 0xc0) == 0x80) { /* cut within a character: away with its beginning */
        while (n && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
            n--;
        n -= n > 0;
    }
    out[n] = 0;
    return out;
}

const char *rpc_text_cut(char *out, size_t cap, const char *text)
{
    return rpc_text_hide_folder(out, cap, text, NULL);
}
