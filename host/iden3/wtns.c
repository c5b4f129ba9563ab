#include "host/iden3/wtns.h"

#include "driver/field/bn_fr.h"
#include "host/iden3/field_header.h"

#include <inttypes.h>
#include <stdlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are read into words as they are");

#define MAGIC "wtns"
#define VERSION 2
#define VALUE_BYTES 32

enum { SECTION_HEADER = 1, SECTION_VALUES = 2 };

static p_status read_header(wtns *w, p_err *err)
{
    const binfile_section *header;
    binfile_cursor *c;
    p_status s = binfile_find(&w->file, SECTION_HEADER, "header", &header, err);

    if (s != P_OK)
        return s;
    c = malloc(sizeof *c);
    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "%s: no memory", w->file.path);
    binfile_cursor_init(c, &w->file, header);
    s = field_header_next(c, FIELD_HEADER_R, "r", err);
    if (s == P_OK)
        s = binfile_next_u32(c, &w->count, err);
    if (s == P_OK)
        s = binfile_finish(c, err);
    free(c);
    if (s == P_OK && w->count == 0)
        s = binfile_damaged(&w->file, header, FIELD_HEADER_BYTES, err,
                            "a witness has at least one value, this one has none");
    if (s == P_OK)
        s = binfile_find(&w->file, SECTION_VALUES, "values", &w->values, err);
    if (s == P_OK)
        s = binfile_expect(&w->file, w->values, "values", (uint64_t)w->count * VALUE_BYTES, err);
    return s;
}

p_status wtns_adopt(wtns *out, int fd, const char *path, p_err *err)
{
    p_status s = binfile_adopt(&out->file, fd, path, MAGIC, VERSION, err);

    if (s == P_OK)
        s = read_header(out, err);
    if (s != P_OK)
        wtns_close(out);
    return s;
}

p_status wtns_open(wtns *out, const char *path, p_err *err)
{
    p_status s = binfile_open(&out->file, path, MAGIC, VERSION, err);

    if (s == P_OK)
        s = read_header(out, err);
    if (s != P_OK)
        wtns_close(out);
    return s;
}

void wtns_close(wtns *w)
{
    binfile_close(&w->file);
}

p_status wtns_read(const wtns *w, uint64_t *values, p_err *err)
{
    p_status s =
        binfile_read(&w->file, w->values, 0, values, (uint64_t)w->count * VALUE_BYTES, err);

    if (s != P_OK)
        return s;
    for (uint32_t i = 0; i < w->count; i++) {
        const uint64_t *v = values + 4 * (uint64_t)i;
        bn_fr x = {{v[0], v[1], v[2], v[3]}};

        if (!bn_fr_is_canonical(&x))
            return binfile_damaged(&w->file, w->values, (uint64_t)i * VALUE_BYTES, err,
                                   "the value of wire %" PRIu32 " is not below r", i);
    }
    if (values[0] != 1 || (values[1] | values[2] | values[3]) != 0)
        return binfile_damaged(&w->file, w->values, 0, err, "the value of wire 0 is not 1");
    return P_OK;
}

static p_status write_all(binfile_writer *w, const uint64_t *values, uint32_t count, p_err *err)
{
    p_status s = binfile_begin(w, SECTION_HEADER, err);

    if (s == P_OK)
        s = field_header_append(w, FIELD_HEADER_R, err);
    if (s == P_OK)
        s = binfile_append_u32(w, count, err);
    if (s == P_OK)
        s = binfile_end(w, err);
    if (s == P_OK)
        s = binfile_begin(w, SECTION_VALUES, err);
    if (s == P_OK)
        s = binfile_append(w, values, (size_t)count * VALUE_BYTES, err);
    if (s == P_OK)
        s = binfile_end(w, err);
    return s == P_OK ? binfile_commit(w, err) : s;
}

p_status wtns_write(const char *path, const uint64_t *values, uint32_t count, p_err *err)
{
    binfile_writer w;
    p_status s = binfile_create(&w, path, MAGIC, VERSION, 2, err);

    if (s == P_OK)
        s = write_all(&w, values, count, err);
    binfile_abandon(&w);
    return s;
}
