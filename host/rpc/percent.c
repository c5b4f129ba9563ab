#include "host/rpc/percent.h"

#include <stdbool.h>
#include <stdint.h>

static bool stays(uint8_t c)
{
    return c >= 0x20 && c <= 0x7e && c != '%' && c != ',';
}

size_t rpc_percent_encode(char *out, size_t cap, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *p = (const uint8_t *)text;
    size_t n = 0;
    while (*p) {
        /* one character: a lead byte and the continuation bytes after it */
        size_t chars = 1;
        if (*p >= 0xc0)
            while (chars < 4 && (p[chars] & 0xc0) == 0x80)
                chars++;
        bool edge = *p == ' ' && (n == 0 || p[1] == 0);
        size_t need = stays(*p) && !edge ? 1 : 3 * chars;
        if (n + need + 1 > cap)
            break;
        if (need == 1) {
            out[n++] = (char)*p;
        } else {
            for (size_t i = 0; i < chars; i++) {
                out[n++] = '%';
                out[n++] = digits[p[i] >> 4];
                out[n++] = digits[p[i] & 15];
            }
        }
        p += chars;
    }
    /* a cut can leave a space at the end */
    while (*p && n && out[n - 1] == ' ')
        n--;
    out[n] = 0;
    return n;
}
