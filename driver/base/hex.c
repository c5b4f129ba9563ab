#include "driver/base/hex.h"

/* 0..15, or -1 for a byte that is no digit. A table, because digits of hashes are random: a branch
 * on digit or letter is mispredicted half of the time, and requests are mostly hexadecimal text. */
static int digit_value(char c)
{
    static const unsigned char value_plus_1[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return value_plus_1[(unsigned char)c] - 1;
}

void p_hex_encode(char *out, const uint8_t *bytes, size_t len)
{
    static const char digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                    '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

bool p_hex_decode(uint8_t *out, size_t len, const char *text, size_t text_len)
{
    /* not text_len != 2 * len, which could wrap around */
    if (text_len % 2 != 0 || text_len / 2 != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

size_t p_hex_prefix(const char *text, size_t text_len)
{
    return text_len >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 2 : 0;
}

bool p_hex_decode_padded(uint8_t *out, size_t len, const char *text, size_t text_len)
{
    size_t used = text_len / 2 + text_len % 2;

    if (text_len == 0 || used > len)
        return false;
    for (size_t i = 0; i < len - used; i++)
        out[i] = 0;
    out += len - used;
    if (text_len % 2 != 0) {
        int low = digit_value(text[0]);

        if (low < 0)
            return false;
        *out++ = (uint8_t)low;
        text++;
        text_len--;
    }
    return p_hex_decode(out, text_len / 2, text, text_len);
}
