/** The container that iden3's binary formats share (.r1cs, .wtns, .zkey, .ptau): four letters, a
 * version, and typed sections with their lengths, little-endian.
 *
 * Reading: binfile_open checks the list of sections once; after that binfile_read and the cursors
 * read parts of a section with pread, so that keys of gigabytes are never in memory as a whole and
 * a file that shrinks meanwhile is an error and no signal. Writing: binfile_create, then for each
 * section begin, append, end; binfile_commit syncs and renames, so that a file is there whole or
 * not at all. Every error names the file, the section and the offset in the file.
 *
 * An object is used by one thread at a time, but binfile_read by any number. */
#ifndef ZKP_HOST_IDEN3_BINFILE_H
#define ZKP_HOST_IDEN3_BINFILE_H

#include "driver/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BINFILE_MAX_SECTIONS 32
#define BINFILE_PATH_BYTES 512 /**< of a path in error texts; longer ones are cut there */

typedef struct binfile_section {
    uint32_t type;
    uint64_t offset, size; /**< of the contents, within the file */
} binfile_section;

typedef struct binfile {
    int fd;
    char path[BINFILE_PATH_BYTES];
    uint64_t size;
    uint32_t version, count;
    binfile_section section[BINFILE_MAX_SECTIONS];
} binfile;

/** Opens a file of this magic (four letters) and a version of 1 .. max_version. P_ENOTFOUND if it
 * is not there, P_ECORRUPT for contents, P_EIO. Close it also after a failure (nothing happens). */
p_status binfile_open(binfile *out, const char *path, const char *magic, uint32_t max_version,
                      p_err *err);
/** The same for an open file, which is taken over; path is for error texts. */
p_status binfile_adopt(binfile *out, int fd, const char *path, const char *magic,
                       uint32_t max_version, p_err *err);
void binfile_close(binfile *file);

/** The section of a type, which has to be there once; name is for error texts. P_ECORRUPT. */
p_status binfile_find(const binfile *file, uint32_t type, const char *name,
                      const binfile_section **out, p_err *err);

/** Checks a section's length. */
p_status binfile_expect(const binfile *file, const binfile_section *section, const char *name,
                        uint64_t bytes, p_err *err);

/** bytes of the section from at; P_ECORRUPT if it ends before. */
p_status binfile_read(const binfile *file, const binfile_section *section, uint64_t at, void *out,
                      uint64_t bytes, p_err *err);

/** An error about a place of a section: "FILE: section TYPE, offset N: TEXT", P_ECORRUPT. */
p_status binfile_damaged(const binfile *file, const binfile_section *section, uint64_t at,
                         p_err *err, const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Reads a section from its start through a buffer. */
typedef struct binfile_cursor {
    const binfile *file;
    const binfile_section *section;
    uint64_t at;            /**< of the next byte, in the section */
    uint64_t filled, taken; /**< of the buffer */
    uint8_t buffer[1 << 16];
} binfile_cursor;

void binfile_cursor_init(binfile_cursor *c, const binfile *file, const binfile_section *section);
/** The next bytes, at most sizeof buffer, valid until the next call; P_ECORRUPT at the end. */
p_status binfile_next(binfile_cursor *c, uint64_t bytes, const uint8_t **out, p_err *err);
p_status binfile_next_u32(binfile_cursor *c, uint32_t *out, p_err *err);
/** P_ECORRUPT unless the section has been read to its end. */
p_status binfile_finish(const binfile_cursor *c, p_err *err);

static inline uint32_t binfile_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t binfile_u64(const uint8_t *p)
{
    return binfile_u32(p) | (uint64_t)binfile_u32(p + 4) << 32;
}

/* ---- writing ---- */

typedef struct binfile_writer {
    FILE *stream;
    char path[BINFILE_PATH_BYTES], temporary[BINFILE_PATH_BYTES + 8];
    uint64_t section_start; /**< of the section being written; 0: none */
    uint32_t sections;
} binfile_writer;

/** Begins PATH.tmp. P_EIO with the system's reason, P_EINVAL if the path is too long. */
p_status binfile_create(binfile_writer *out, const char *path, const char *magic, uint32_t version,
                        uint32_t sections, p_err *err);
p_status binfile_begin(binfile_writer *w, uint32_t type, p_err *err);
p_status binfile_append(binfile_writer *w, const void *data, size_t bytes, p_err *err);
p_status binfile_append_u32(binfile_writer *w, uint32_t value, p_err *err);
p_status binfile_end(binfile_writer *w, p_err *err);
/** Syncs and renames; P_EINTERNAL if the number of sections is not what was announced. */
p_status binfile_commit(binfile_writer *w, p_err *err);
/** Removes what was begun; nothing after a commit. */
void binfile_abandon(binfile_writer *w);

#endif
