#include "host/cli/value.h"

#include "driver/base/hex.h"

#include <stdlib.h>
#include <string.h>

/* *x = *x * m + a; false on overflow */
static bool muladd(u256 *x, uint64_t m, uint64_t a)
{
    unsigned __int128 carry = a;
    for (int i = 0; i < 4; i++) {
        carry += (unsigned __int128)x->limb[i] * m;
        x->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return carry == 0;
}

bool value_parse(u256 *out, const char *text)
{
    size_t len = strlen(text), prefix = p_hex_prefix(text, len);
    uint64_t base = prefix ? 16 : 10;
    *out = (u256){{0, 0, 0, 0}};
    if (len == 0)
        return false;
    for (const char *p = text + prefix; *p; p++) {
        uint64_t digit = 99;
        if (*p >= '0' && *p <= '9')
            digit = (uint64_t)(*p - '0');
        else if (*p >= 'a' && *p <= 'f')
            digit = (uint64_t)(*p - 'a') + 10;
        else if (*p >= 'A' && *p <= 'F')
            digit = (uint64_t)(*p - 'A') + 10;
        if (digit >= base || !muladd(out, base, digit))
            return false;
    }
    return true;
}

u256 value_from_be(const uint8_t *bytes, size_t len)
{
    u256 x = {{0, 0, 0, 0}};
    for (size_t i = 0; i < len; i++)
        x.limb[(len - 1 - i) / 8] |= (uint64_t)bytes[i] << (8 * ((len - 1 - i) % 8));
    return x;
}

void value_to_be(uint8_t out[32], const u256 *x)
{
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t)(x->limb[3 - i / 8] >> (56 - 8 * (i % 8)));
}

char *value_hex(char out[VALUE_HEX_BYTES], const u256 *x)
{
    uint8_t be[32];
    value_to_be(be, x);
    return value_hex_bytes(out, be, 32);
}

char *value_hex_short(char out[VALUE_HEX_BYTES], const u256 *x)
{
    value_hex(out, x);
    size_t skip = 2;
    while (skip < 65 && out[skip] == '0')
        skip++;
    memmove(out + 2, out + skip, VALUE_HEX_BYTES - skip);
    return out;
}

char *value_hex_bytes(char *out, const uint8_t *bytes, size_t len)
{
    out[0] = '0';
    out[1] = 'x';
    p_hex_encode(out + 2, bytes, len);
    out[2 + 2 * len] = 0;
    return out;
}

p_status value_json_number(u256 *out, const json_t *value, const char *what, p_err *err)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = (u256){{(uint64_t)json_integer_value(value), 0, 0, 0}};
        return P_OK;
    }
    if (json_is_string(value) && value_parse(out, json_string_value(value)))
        return P_OK;
    return p_err_set(err, P_EINVAL,
                     "field '%s': expected a number below 2^256 (integer, decimal or 0x text), "
                     "found %s%.80s",
                     what,
                     !value                  ? "nothing"
                     : json_is_string(value) ? "'"
                                             : "another type",
                     json_is_string(value) ? json_string_value(value) : "");
}

p_status value_json_field(u256 *out, const json_t *object, const char *name, p_err *err)
{
    return value_json_number(out, json_object_get(object, name), name, err);
}

p_status value_json_u64(uint64_t *out, const json_t *object, const char *name, p_err *err)
{
    u256 x;
    p_status s = value_json_field(&x, object, name, err);
    if (s != P_OK)
        return s;
    if (x.limb[1] | x.limb[2] | x.limb[3])
        return p_err_set(err, P_EINVAL, "field '%s': expected a number below 2^64", name);
    *out = x.limb[0];
    return P_OK;
}

p_status value_json_bytes(uint8_t **out, size_t *len, const json_t *value, const char *what,
                          p_err *err)
{
    *out = NULL;
    *len = 0;
    if (!json_is_string(value))
        return p_err_set(err, P_EINVAL, "field '%s': expected a text of hexadecimal digits, %s",
                         what, value ? "found another type" : "found nothing");
    const char *text = json_string_value(value);
    size_t n = json_string_length(value), prefix = p_hex_prefix(text, n);
    text += prefix;
    n -= prefix;
    uint8_t *bytes = malloc(n / 2 + 1);
    if (!bytes)
        return p_err_set(err, P_EEXHAUSTED, "field '%s': out of memory", what);
    if (n % 2 || !p_hex_decode(bytes, n / 2, text, n)) {
        free(bytes);
        return p_err_set(err, P_EINVAL,
                         "field '%s': expected an even number of hexadecimal digits, found '%.80s'",
                         what, text);
    }
    *out = bytes;
    *len = n / 2;
    return P_OK;
}

p_status value_text_address(exec_address *out, const char *text, const char *what, p_err *err)
{
    size_t len = strlen(text), prefix = p_hex_prefix(text, len);
    if (!p_hex_decode(out->bytes, 20, text + prefix, len - prefix))
        return p_err_set(err, P_EINVAL,
                         "field '%s': expected an address (0x and 40 hexadecimal digits), found "
                         "'%.80s'",
                         what, text);
    return P_OK;
}

p_status value_json_address(exec_address *out, const json_t *object, const char *name, p_err *err)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text)
        return p_err_set(err, P_EINVAL, "field '%s': expected an address, found nothing", name);
    return value_text_address(out, text, name, err);
}
