#include "host/iden3/binfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 12  /* magic, version, number of sections */
#define ENTRY_BYTES 12 /* type, size */

/* ---- reading ---- */

static p_status read_at(const binfile *file, uint64_t at, void *out, uint64_t bytes, p_err *err)
{
    uint8_t *to = out;

    while (bytes > 0) {
        size_t piece = bytes < (1u << 30) ? (size_t)bytes : 1u << 30;
        ssize_t got = pread(file->fd, to, piece, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return p_err_set(err, P_EIO, "%s: offset %" PRIu64 ": cannot be read: %s", file->path,
                             at, strerror(errno));
        if (got == 0)
            return p_err_set(err, P_ECORRUPT,
                             "%s: offset %" PRIu64 ": the file ends here; %" PRIu64
                             " more bytes were expected (was it cut?)",
                             file->path, at, bytes);
        to += got;
        at += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return P_OK;
}

static p_status read_sections(binfile *f, const char *magic, uint32_t max_version, p_err *err)
{
    uint8_t head[HEAD_BYTES];
    uint64_t at = HEAD_BYTES;
    p_status s = read_at(f, 0, head, sizeof head, err);

    if (s != P_OK)
        return s;
    if (memcmp(head, magic, 4) != 0)
        return p_err_set(err, P_ECORRUPT,
                         "%s: offset 0: expected a file that begins with '%.4s', found %02x %02x "
                         "%02x %02x",
                         f->path, magic, head[0], head[1], head[2], head[3]);
    f->version = binfile_u32(head + 4);
    if (f->version < 1 || f->version > max_version)
        return p_err_set(err, P_EUNSUPPORTED,
                         "%s: offset 4: version %" PRIu32 " of the format; expected 1 .. %" PRIu32,
                         f->path, f->version, max_version);
    f->count = binfile_u32(head + 8);
    if (f->count > BINFILE_MAX_SECTIONS)
        return p_err_set(err, P_ECORRUPT, "%s: offset 8: %" PRIu32 " sections; expected at most %d",
                         f->path, f->count, BINFILE_MAX_SECTIONS);
    for (uint32_t i = 0; i < f->count; i++) {
        uint8_t entry[ENTRY_BYTES];

        s = read_at(f, at, entry, sizeof entry, err);
        if (s != P_OK)
            return s;
        f->section[i].type = binfile_u32(entry);
        f->section[i].size = binfile_u64(entry + 4);
        f->section[i].offset = at + ENTRY_BYTES;
        if (f->section[i].size > f->size - f->section[i].offset)
            return p_err_set(err, P_ECORRUPT,
                             "%s: section %" PRIu32 ", offset %" PRIu64 ": %" PRIu64
                             " bytes are announced, %" PRIu64 " are left in the file",
                             f->path, f->section[i].type, at, f->section[i].size,
                             f->size - f->section[i].offset);
        at = f->section[i].offset + f->section[i].size;
    }
    if (at != f->size)
        return p_err_set(err, P_ECORRUPT,
                         "%s: offset %" PRIu64 ": the last section ends here, %" PRIu64
                         " bytes before the file does",
                         f->path, at, f->size - at);
    return P_OK;
}

p_status binfile_adopt(binfile *out, int fd, const char *path, const char *magic,
                       uint32_t max_version, p_err *err)
{
    struct stat st;
    p_status s;

    memset(out, 0, sizeof *out);
    out->fd = fd;
    snprintf(out->path, sizeof out->path, "%s", path);
    if (fstat(fd, &st) != 0)
        s = p_err_set(err, P_EIO, "%s: %s", out->path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        s = p_err_set(err, P_EINVAL, "%s: expected a regular file", out->path);
    else {
        out->size = (uint64_t)st.st_size;
        s = read_sections(out, magic, max_version, err);
    }
    if (s != P_OK)
        binfile_close(out);
    return s;
}

p_status binfile_open(binfile *out, const char *path, const char *magic, uint32_t max_version,
                      p_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        p_status s = errno == ENOENT ? P_ENOTFOUND : P_EIO;

        memset(out, 0, sizeof *out);
        out->fd = -1;
        return p_err_set(err, s, "%.*s: %s", BINFILE_PATH_BYTES, path, strerror(errno));
    }
    return binfile_adopt(out, fd, path, magic, max_version, err);
}

void binfile_close(binfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

p_status binfile_find(const binfile *file, uint32_t type, const char *name,
                      const binfile_section **out, p_err *err)
{
    *out = NULL;
    for (uint32_t i = 0; i < file->count; i++) {
        if (file->section[i].type != type)
            continue;
        if (*out)
            return p_err_set(err, P_ECORRUPT,
                             "%s: section %" PRIu32 " (%s) is there twice, at offsets %" PRIu64
                             " and %" PRIu64,
                             file->path, type, name, (*out)->offset, file->section[i].offset);
        *out = &file->section[i];
    }
    if (!*out)
        return p_err_set(err, P_ECORRUPT, "%s: section %" PRIu32 " (%s) is missing", file->path,
                         type, name);
    return P_OK;
}

p_status binfile_expect(const binfile *file, const binfile_section *section, const char *name,
                        uint64_t bytes, p_err *err)
{
    if (section->size == bytes)
        return P_OK;
    return binfile_damaged(file, section, 0, err,
                           "%s: expected %" PRIu64 " bytes, found a section of %" PRIu64, name,
                           bytes, section->size);
}

p_status binfile_read(const binfile *file, const binfile_section *section, uint64_t at, void *out,
                      uint64_t bytes, p_err *err)
{
    if (at > section->size || bytes > section->size - at)
        return binfile_damaged(file, section, at, err,
                               "%" PRIu64 " bytes were expected, the section has %" PRIu64 " left",
                               bytes, at > section->size ? 0 : section->size - at);
    return read_at(file, section->offset + at, out, bytes, err);
}

p_status binfile_damaged(const binfile *file, const binfile_section *section, uint64_t at,
                         p_err *err, const char *format, ...)
{
    char text[P_ERR_TEXT_BYTES / 2];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return p_err_set(err, P_ECORRUPT, "%s: section %" PRIu32 ", offset %" PRIu64 ": %s", file->path,
                     section->type, section->offset + at, text);
}

void binfile_cursor_init(binfile_cursor *c, const binfile *file, const binfile_section *section)
{
    c->file = file;
    c->section = section;
    c->at = c->filled = c->taken = 0;
}

p_status binfile_next(binfile_cursor *c, uint64_t bytes, const uint8_t **out, p_err *err)
{
    if (c->filled - c->taken < bytes) {
        uint64_t kept = c->filled - c->taken, left = c->section->size - c->at - kept;
        uint64_t more = sizeof c->buffer - kept < left ? sizeof c->buffer - kept : left;
        p_status s;

        if (bytes > kept + left || bytes > sizeof c->buffer)
            return binfile_damaged(c->file, c->section, c->at, err,
                                   "%" PRIu64 " bytes were expected, the section has %" PRIu64
                                   " left",
                                   bytes, kept + left);
        memmove(c->buffer, c->buffer + c->taken, (size_t)kept);
        s = binfile_read(c->file, c->section, c->at + kept, c->buffer + kept, more, err);
        if (s != P_OK)
            return s;
        c->taken = 0;
        c->filled = kept + more;
    }
    *out = c->buffer + c->taken;
    c->taken += bytes;
    c->at += bytes;
    return P_OK;
}

p_status binfile_next_u32(binfile_cursor *c, uint32_t *out, p_err *err)
{
    const uint8_t *p;
    p_status s = binfile_next(c, 4, &p, err);

    *out = s == P_OK ? binfile_u32(p) : 0;
    return s;
}

p_status binfile_finish(const binfile_cursor *c, p_err *err)
{
    if (c->at == c->section->size)
        return P_OK;
    return binfile_damaged(c->file, c->section, c->at, err,
                           "the contents end here, %" PRIu64 " bytes before the section does",
                           c->section->size - c->at);
}

/* ---- writing ---- */

static p_status failed(const binfile_writer *w, const char *what, p_err *err)
{
    return p_err_set(err, P_EIO, "%s: %s: %s", w->temporary, what, strerror(errno));
}

static void put_u32(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

p_status binfile_create(binfile_writer *out, const char *path, const char *magic, uint32_t version,
                        uint32_t sections, p_err *err)
{
    uint8_t head[HEAD_BYTES];
    int fd;

    memset(out, 0, sizeof *out);
    if (strlen(path) >= sizeof out->path)
        return p_err_set(err, P_EINVAL, "%.100s...: a path of at most %zu bytes was expected", path,
                         sizeof out->path - 1);
    strcpy(out->path, path);
    snprintf(out->temporary, sizeof out->temporary, "%s.tmp", path);
    out->sections = sections;
    fd = open(out->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return failed(out, "cannot be created", err);
    out->stream = fdopen(fd, "wb");
    if (!out->stream) {
        close(fd);
        return failed(out, "cannot be created", err);
    }
    memcpy(head, magic, 4);
    put_u32(head + 4, version);
    put_u32(head + 8, sections);
    return binfile_append(out, head, sizeof head, err);
}

p_status binfile_begin(binfile_writer *w, uint32_t type, p_err *err)
{
    uint8_t entry[ENTRY_BYTES] = {0};
    off_t at;
    p_status s;

    put_u32(entry, type);
    s = binfile_append(w, entry, sizeof entry, err);
    if (s != P_OK)
        return s;
    at = ftello(w->stream);
    if (at < 0)
        return failed(w, "cannot be written", err);
    w->section_start = (uint64_t)at;
    return P_OK;
}

p_status binfile_append(binfile_writer *w, const void *data, size_t bytes, p_err *err)
{
    return fwrite(data, 1, bytes, w->stream) == bytes ? P_OK : failed(w, "cannot be written", err);
}

p_status binfile_append_u32(binfile_writer *w, uint32_t value, p_err *err)
{
    uint8_t bytes[4];

    put_u32(bytes, value);
    return binfile_append(w, bytes, sizeof bytes, err);
}

p_status binfile_end(binfile_writer *w, p_err *err)
{
    off_t end = ftello(w->stream);
    uint64_t size = (uint64_t)end - w->section_start;
    uint8_t bytes[8];

    put_u32(bytes, (uint32_t)size);
    put_u32(bytes + 4, (uint32_t)(size >> 32));
    if (end < 0 || fseeko(w->stream, (off_t)w->section_start - 8, SEEK_SET) != 0 ||
        fwrite(bytes, 1, sizeof bytes, w->stream) != sizeof bytes ||
        fseeko(w->stream, end, SEEK_SET) != 0)
        return failed(w, "cannot be written", err);
    w->section_start = 0;
    w->sections--;
    return P_OK;
}

p_status binfile_commit(binfile_writer *w, p_err *err)
{
    if (w->sections != 0 || w->section_start != 0)
        return p_err_set(err, P_EINTERNAL, "%s: %" PRIu32 " sections were not written", w->path,
                         w->sections);
    if (fflush(w->stream) != 0 || fsync(fileno(w->stream)) != 0)
        return failed(w, "cannot be written", err);
    if (fclose(w->stream) != 0) {
        w->stream = NULL;
        return failed(w, "cannot be written", err);
    }
    w->stream = NULL;
    if (rename(w->temporary, w->path) != 0)
        return failed(w, "cannot be renamed", err);
    w->temporary[0] = '\0';
    return P_OK;
}

void binfile_abandon(binfile_writer *w)
{
    if (w->stream)
        fclose(w->stream);
    w->stream = NULL;
    if (w->temporary[0] != '\0')
        unlink(w->temporary);
    w->temporary[0] = '\0';
}
