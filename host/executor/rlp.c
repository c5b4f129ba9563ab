#include "host/executor/rlp.h"

#include <string.h>

#include "host/executor/bytes.h"

#define STRING_BASE 0x80u
#define LIST_BASE 0xc0u
/* a payload up to here has its length in the first byte, one above has a length of its own */
#define SHORT_MAX 55u

void rlp_reader_init(rlp_reader *r, const uint8_t *bytes, size_t len, size_t pos)
{
    r->bytes = bytes;
    r->len = len;
    r->pos = pos;
    r->list_end = SIZE_MAX;
    r->fault = NULL;
    r->fault_offset = 0;
}

bool rlp_fail(rlp_reader *r, size_t offset, const char *reason)
{
    if (r->fault == NULL) {
        r->fault = reason;
        r->fault_offset = offset;
    }
    return false;
}

bool rlp_read_raw(rlp_reader *r, size_t n, const uint8_t **out)
{
    if (r->fault != NULL)
        return false;
    /* pos is at most both bounds, so neither difference wraps */
    if (n > r->list_end - r->pos)
        return rlp_fail(r, r->pos, "an item reads past the end of its list");
    if (n > r->len - r->pos)
        return rlp_fail(r, r->len, "the data ends inside a transaction");
    *out = r->bytes + r->pos;
    r->pos += n;
    return true;
}

/** n big-endian bytes (1..3) of a long form's length. */
static bool read_long_length(rlp_reader *r, unsigned n, size_t *out)
{
    size_t at = r->pos;
    const uint8_t *b;
    if (!rlp_read_raw(r, n, &b))
        return false;
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len = len << 8 | b[i];
    if (len <= SHORT_MAX)
        return rlp_fail(r, at, "the long form of a length is used for less than 56 bytes");
    if (b[0] == 0)
        return rlp_fail(r, at, "a length has a leading zero byte");
    *out = len;
    return true;
}

bool rlp_read_list(rlp_reader *r)
{
    size_t at = r->pos, len = 0;
    const uint8_t *b;
    if (!rlp_read_raw(r, 1, &b))
        return false;
    unsigned prefix = *b;
    if (prefix < LIST_BASE)
        return rlp_fail(r, at, "a transaction must begin with a list (first byte 0xc0 or above)");
    if (prefix <= LIST_BASE + SHORT_MAX)
        len = prefix - LIST_BASE;
    else if (prefix - (LIST_BASE + SHORT_MAX) > RLP_LENGTH_BYTES_MAX)
        return rlp_fail(r, at, "the length of a list has more than three bytes");
    else if (!read_long_length(r, prefix - (LIST_BASE + SHORT_MAX), &len))
        return false;
    r->list_end = r->pos + len; /* len < 2^24 and pos <= the length of an object: no wrap */
    return true;
}

bool rlp_end_list(rlp_reader *r)
{
    if (r->fault != NULL)
        return false;
    if (r->pos != r->list_end)
        return rlp_fail(r, r->pos, "the list is longer than its items");
    r->list_end = SIZE_MAX;
    return true;
}

bool rlp_read_u256(rlp_reader *r, unsigned max_bytes, u256 *out)
{
    size_t at = r->pos;
    const uint8_t *b;
    if (!rlp_read_raw(r, 1, &b))
        return false;
    unsigned prefix = *b;
    if (prefix < STRING_BASE) {
        *out = (u256){{prefix, 0, 0, 0}};
        return true;
    }
    if (prefix > STRING_BASE + max_bytes)
        return rlp_fail(r, at, "an integer is too long for its field, or is not a string");
    unsigned n = prefix - STRING_BASE;
    if (!rlp_read_raw(r, n, &b))
        return false;
    if (n == 1 && *b < STRING_BASE)
        return rlp_fail(r, at, "a byte below 0x80 has a length prefix");
    if (n != 0 && *b == 0)
        return rlp_fail(r, at + 1, "an integer has a leading zero byte");
    *out = bytes_load_u256_short(b, n);
    return true;
}

bool rlp_read_u64(rlp_reader *r, uint64_t *out)
{
    u256 wide;
    if (!rlp_read_u256(r, 8, &wide))
        return false;
    *out = wide.limb[0];
    return true;
}

bool rlp_read_string(rlp_reader *r, const uint8_t **out, size_t *out_len)
{
    size_t at = r->pos, len = 0;
    const uint8_t *b;
    if (!rlp_read_raw(r, 1, &b))
        return false;
    unsigned prefix = *b;
    if (prefix < STRING_BASE) {
        *out = b;
        *out_len = 1;
        return true;
    }
    if (prefix <= STRING_BASE + SHORT_MAX)
        len = prefix - STRING_BASE;
    else if (prefix >= LIST_BASE)
        return rlp_fail(r, at, "a list stands where a string is expected");
    else if (prefix - (STRING_BASE + SHORT_MAX) > RLP_LENGTH_BYTES_MAX)
        return rlp_fail(r, at, "the length of a string has more than three bytes");
    else if (!read_long_length(r, prefix - (STRING_BASE + SHORT_MAX), &len))
        return false;
    if (!rlp_read_raw(r, len, &b))
        return false;
    if (len == 1 && *b < STRING_BASE)
        return rlp_fail(r, at, "a byte below 0x80 has a length prefix");
    *out = b;
    *out_len = len;
    return true;
}

/** How many bytes the length itself takes in the long form. */
static size_t length_bytes(size_t len)
{
    size_t n = 0;
    for (; len != 0; len >>= 8)
        n++;
    return n;
}

size_t rlp_header_size(size_t len)
{
    return len <= SHORT_MAX ? 1 : 1 + length_bytes(len);
}

size_t rlp_string_size(const uint8_t *bytes, size_t len)
{
    if (len == 1 && bytes[0] < STRING_BASE)
        return 1;
    return rlp_header_size(len) + len;
}

static size_t leading_zeros(const uint8_t *be, size_t len)
{
    size_t n = 0;
    while (n < len && be[n] == 0)
        n++;
    return n;
}

size_t rlp_integer_size(const uint8_t *be, size_t len)
{
    size_t skip = leading_zeros(be, len);
    return rlp_string_size(be + skip, len - skip);
}

static uint8_t *put_header(uint8_t *out, unsigned base, size_t len)
{
    if (len <= SHORT_MAX) {
        *out = (uint8_t)(base + len);
        return out + 1;
    }
    size_t n = length_bytes(len);
    *out++ = (uint8_t)(base + SHORT_MAX + n);
    for (size_t i = n; i-- > 0;)
        *out++ = (uint8_t)(len >> (8 * i));
    return out;
}

uint8_t *rlp_put_list_header(uint8_t *out, size_t payload_len)
{
    return put_header(out, LIST_BASE, payload_len);
}

uint8_t *rlp_put_string(uint8_t *out, const uint8_t *bytes, size_t len)
{
    if (len != 1 || bytes[0] >= STRING_BASE)
        out = put_header(out, STRING_BASE, len);
    if (len != 0)
        memcpy(out, bytes, len);
    return out + len;
}

uint8_t *rlp_put_integer(uint8_t *out, const uint8_t *be, size_t len)
{
    size_t skip = leading_zeros(be, len);
    return rlp_put_string(out, be + skip, len - skip);
}
