#include "host/rpc/descriptors.h"

#include <stdio.h>
#include <string.h>

/* Field numbers of descriptor.proto. */
enum {
    SET_FILE = 1,
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_IMPORT = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    FILE_EXTENSION = 7,
    ANY_NAME = 1, /* of a message, field, enum, value, service and method */
    MESSAGE_FIELD = 2,
    MESSAGE_MESSAGE = 3,
    MESSAGE_ENUM = 4,
    MESSAGE_EXTENSION = 6,
    ENUM_VALUE = 2,
    SERVICE_METHOD = 2,
};

/** Messages nested deeper than this are not looked into. */
#define DEPTH_MAX 32

static bool read_varint(rpc_bytes *in, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->len; shift += 7) {
        uint8_t b = *in->data++;
        in->len--;
        *out |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return true;
    }
    return false;
}

/** The next field; *value is empty unless it is length-delimited. False at the end, or where the
 * bytes stop making sense. */
static bool next_field(rpc_bytes *in, uint64_t *number, rpc_bytes *value)
{
    uint64_t tag, n = 0;
    *value = (rpc_bytes){NULL, 0};
    if (!read_varint(in, &tag))
        return false;
    *number = tag >> 3;
    switch (tag & 7) {
    case 0:
        return read_varint(in, &n);
    case 1:
        n = 8;
        break;
    case 2:
        if (!read_varint(in, &n) || n > in->len)
            return false;
        *value = (rpc_bytes){in->data, (size_t)n};
        break;
    case 5:
        n = 4;
        break;
    default:
        return false;
    }
    if (n > in->len)
        return false;
    in->data += n;
    in->len -= (size_t)n;
    return true;
}

/** Occurrence i of a length-delimited field; false if there are fewer. */
static bool find_field(rpc_bytes in, uint64_t wanted, size_t i, rpc_bytes *out)
{
    uint64_t number;
    while (next_field(&in, &number, out))
        if (number == wanted && i-- == 0)
            return true;
    *out = (rpc_bytes){NULL, 0};
    return false;
}

static rpc_bytes field(rpc_bytes in, uint64_t wanted, size_t i)
{
    rpc_bytes out;
    (void)find_field(in, wanted, i, &out);
    return out;
}

/** If rest is name, or begins with "name.": true, and what is behind (NULL: nothing). */
static bool strip(const char *rest, rpc_bytes name, const char **behind)
{
    if (!name.len || strlen(rest) < name.len || memcmp(rest, name.data, name.len) != 0)
        return false;
    rest += name.len;
    if (*rest && *rest != '.')
        return false;
    *behind = *rest ? rest + 1 : NULL;
    return true;
}

/** True if one of the fields `number` declares the name rest (all of it). */
static bool has_member(rpc_bytes in, uint64_t wanted, const char *rest)
{
    rpc_bytes member;
    const char *behind;
    for (size_t i = 0; find_field(in, wanted, i, &member); i++)
        if (strip(rest, field(member, ANY_NAME, 0), &behind) && !behind)
            return true;
    return false;
}

/** Values of an enum are named beside it, not in it. */
static bool has_enum(rpc_bytes in, uint64_t wanted, const char *rest)
{
    rpc_bytes declared;
    if (has_member(in, wanted, rest))
        return true;
    for (size_t i = 0; find_field(in, wanted, i, &declared); i++)
        if (has_member(declared, ENUM_VALUE, rest))
            return true;
    return false;
}

static bool has_in_messages(rpc_bytes in, uint64_t wanted, const char *rest, bool messages_only,
                            unsigned depth)
{
    rpc_bytes m;
    const char *behind;
    for (size_t i = 0; depth < DEPTH_MAX && find_field(in, wanted, i, &m); i++) {
        if (!strip(rest, field(m, ANY_NAME, 0), &behind))
            continue;
        if (!behind || has_in_messages(m, MESSAGE_MESSAGE, behind, messages_only, depth + 1))
            return true;
        if (!messages_only &&
            (has_member(m, MESSAGE_FIELD, behind) || has_member(m, MESSAGE_EXTENSION, behind) ||
             has_enum(m, MESSAGE_ENUM, behind)))
            return true;
    }
    return false;
}

/** The symbol without the file's package; NULL if it is of another one. */
static const char *in_package(rpc_bytes file, const char *symbol)
{
    rpc_bytes package = field(file, FILE_PACKAGE, 0);
    const char *behind = symbol;
    if (package.len && !strip(symbol, package, &behind))
        return NULL;
    return behind;
}

static bool declares(rpc_bytes file, const char *symbol)
{
    const char *rest = in_package(file, symbol), *behind;
    rpc_bytes service;
    if (!rest)
        return false;
    for (size_t i = 0; find_field(file, FILE_SERVICE, i, &service); i++)
        if (strip(rest, field(service, ANY_NAME, 0), &behind) &&
            (!behind || has_member(service, SERVICE_METHOD, behind)))
            return true;
    return has_in_messages(file, FILE_MESSAGE, rest, false, 0) || has_enum(file, FILE_ENUM, rest) ||
           has_member(file, FILE_EXTENSION, rest);
}

size_t rpc_descriptors_count(rpc_bytes set)
{
    size_t n = 0;
    rpc_bytes file;
    while (find_field(set, SET_FILE, n, &file))
        n++;
    return n;
}

rpc_bytes rpc_descriptors_file(rpc_bytes set, size_t i)
{
    return field(set, SET_FILE, i);
}

rpc_bytes rpc_descriptors_name(rpc_bytes file)
{
    return field(file, FILE_NAME, 0);
}

size_t rpc_descriptors_by_name(rpc_bytes set, rpc_bytes name)
{
    rpc_bytes file;
    size_t i = 0;
    for (; find_field(set, SET_FILE, i, &file); i++) {
        rpc_bytes own = field(file, FILE_NAME, 0);
        if (own.len && own.len == name.len && !memcmp(own.data, name.data, own.len))
            break;
    }
    return i;
}

size_t rpc_descriptors_by_symbol(rpc_bytes set, const char *symbol)
{
    rpc_bytes file;
    size_t i = 0;
    while (find_field(set, SET_FILE, i, &file) && !declares(file, symbol))
        i++;
    return i;
}

bool rpc_descriptors_has_message(rpc_bytes file, const char *symbol)
{
    const char *rest = in_package(file, symbol);
    return rest && has_in_messages(file, FILE_MESSAGE, rest, true, 0);
}

rpc_bytes rpc_descriptors_import(rpc_bytes file, size_t i)
{
    return field(file, FILE_IMPORT, i);
}

bool rpc_descriptors_service(rpc_bytes file, size_t i, char *out, size_t out_size)
{
    rpc_bytes service, package = field(file, FILE_PACKAGE, 0);
    if (!find_field(file, FILE_SERVICE, i, &service))
        return false;
    rpc_bytes name = field(service, ANY_NAME, 0);
    if (package.len > 1000 || name.len > 1000)
        return false;
    int n = snprintf(out, out_size, "%.*s%s%.*s", (int)package.len,
                     package.len ? (const char *)package.data : "", package.len ? "." : "",
                     (int)name.len, name.len ? (const char *)name.data : "");
    return n > 0 && (size_t)n < out_size;
}
