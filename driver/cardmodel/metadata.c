#define _GNU_SOURCE /* memmem */
#include "driver/cardmodel/metadata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct span {
    const char *at, *end;
} span;

/* The next "<name " in text: its attributes up to '>' in tag, text then begins behind it. */
static bool next_tag(span *text, const char *name, span *tag)
{
    size_t length = strlen(name);

    while (text->at < text->end) {
        const char *open = memchr(text->at, '<', (size_t)(text->end - text->at)), *close;

        if (!open)
            return false;
        close = memchr(open, '>', (size_t)(text->end - open));
        if (!close)
            return false;
        text->at = close + 1;
        if ((size_t)(close - open) > length + 1 && !memcmp(open + 1, name, length) &&
            open[length + 1] == ' ') {
            *tag = (span){open + 1 + length, close};
            return true;
        }
    }
    return false;
}

static bool attribute(span tag, const char *name, char *out, size_t capacity)
{
    char key[40];
    size_t length = strlen(name);
    const char *at, *end;

    key[0] = ' ';
    memcpy(key + 1, name, length);
    memcpy(key + 1 + length, "=\"", 2);
    at = memmem(tag.at, (size_t)(tag.end - tag.at), key, length + 3);
    if (!at)
        return false;
    at += length + 3;
    end = memchr(at, '"', (size_t)(tag.end - at));
    if (!end || (size_t)(end - at) >= capacity)
        return false;
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = 0;
    return true;
}

static bool name_attribute(span tag, const char *name, char out[METADATA_NAME_BYTES])
{
    if (!attribute(tag, name, out, METADATA_NAME_BYTES) || !out[0])
        return false;
    for (const char *c = out; *c; c++) {
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') &&
            *c != '_')
            return false;
    }
    return true;
}

static bool number_attribute(span tag, const char *name, uint64_t *out)
{
    char text[32], *end;

    if (!attribute(tag, name, text, sizeof text) || text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return errno == 0 && *end == 0;
}

static p_status read_args(span text, metadata_kernel *kernel, p_err *err)
{
    uint64_t free_from = METADATA_FIRST_ARG;
    span tag;

    while (next_tag(&text, "arg", &tag)) {
        uint64_t id, qualifier, size, offset;

        if (!number_attribute(tag, "id", &id))
            continue; /* an argument without an id has no register (v++ writes such for printf) */
        if (!number_attribute(tag, "addressQualifier", &qualifier) || qualifier > 1 ||
            !number_attribute(tag, "size", &size) || (size != 4 && size != 8) ||
            (qualifier == 1 && size != 8) || !number_attribute(tag, "offset", &offset) ||
            offset % 4 != 0 || id != kernel->args || id == METADATA_MAX_ARGS)
            return p_err_set(err, P_EINVAL,
                             "metadata: kernel %s, argument %u: expected id, addressQualifier 0 or "
                             "1, size 4 or 8, an offset, at most %d arguments in order",
                             kernel->name, kernel->args, METADATA_MAX_ARGS);
        if (offset < free_from || offset > METADATA_UNIT_BYTES - size)
            return p_err_set(err, P_EINVAL,
                             "metadata: kernel %s, argument %u: register 0x%llx is not free or "
                             "beyond 0x%x",
                             kernel->name, kernel->args, (unsigned long long)offset,
                             METADATA_UNIT_BYTES);
        free_from = offset + size;
        kernel->arg[kernel->args++] =
            (metadata_arg){(uint32_t)offset, (uint32_t)size, qualifier == 1};
    }
    return P_OK;
}

static p_status read_units(span text, metadata *out, p_err *err)
{
    const metadata_kernel *kernel = &out->kernel[out->kernels];
    span tag;

    while (next_tag(&text, "instance", &tag)) {
        metadata_unit *unit = &out->unit[out->units];
        span remap;

        if (out->units == METADATA_MAX_UNITS)
            return p_err_set(err, P_EINVAL, "metadata: more than %d compute units",
                             METADATA_MAX_UNITS);
        if (!name_attribute(tag, "name", unit->name) || !next_tag(&text, "addrRemap", &remap) ||
            !number_attribute(remap, "base", &unit->base) ||
            unit->base % METADATA_UNIT_BYTES != 0 || unit->base >> 32 != 0)
            return p_err_set(err, P_EINVAL,
                             "metadata: kernel %s: a compute unit without a name or an address "
                             "(a multiple of 0x%x below 2^32)",
                             kernel->name, METADATA_UNIT_BYTES);
        unit->kernel = out->kernels;
        for (uint32_t i = 0; i < out->units; i++) {
            if (out->unit[i].base == unit->base || !strcmp(out->unit[i].name, unit->name))
                return p_err_set(err, P_EINVAL, "metadata: compute units %s and %s are the same",
                                 out->unit[i].name, unit->name);
        }
        out->units++;
    }
    return P_OK;
}

p_status metadata_read(const char *text, size_t size, metadata *out, p_err *err)
{
    span rest = {text, text + size}, tag;
    p_status status = P_OK;

    memset(out, 0, sizeof *out);
    if (size > METADATA_MAX_BYTES)
        return p_err_set(err, P_EINVAL, "metadata: %zu bytes, at most %zu are read", size,
                         METADATA_MAX_BYTES);
    while (status == P_OK && next_tag(&rest, "kernel", &tag)) {
        metadata_kernel *kernel = &out->kernel[out->kernels];
        span body = {rest.at, NULL};

        if (out->kernels == METADATA_MAX_KERNELS)
            return p_err_set(err, P_EINVAL, "metadata: more than %d kernels", METADATA_MAX_KERNELS);
        body.end = memmem(rest.at, (size_t)(rest.end - rest.at), "</kernel>", 9);
        if (!body.end || !name_attribute(tag, "name", kernel->name))
            return p_err_set(err, P_EINVAL, "metadata: a kernel without a name or an end");
        rest.at = body.end;
        status = read_args(body, kernel, err);
        if (status == P_OK)
            status = read_units(body, out, err);
        out->kernels++;
    }
    if (status == P_OK && out->units == 0)
        status = p_err_set(err, P_EINVAL, "metadata: no compute units");
    return status;
}
