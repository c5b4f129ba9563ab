#include "host/store/store_internal.h"

#include "driver/base/hex.h"
#include "driver/field/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_PREFIX "tmp-"

p_status store_errno(const job_store *s, int e, const char *what, const char *name, p_err *err)
{
    switch (e) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return p_err_set(err, P_EEXHAUSTED,
                         "job store %s: %s %s: the disk is full (%s); make room, then try again",
                         s->dir, what, name, strerror(e));
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return p_err_set(err, P_EEXHAUSTED, "job store %s: %s %s: %s", s->dir, what, name,
                         strerror(e));
    default:
        return p_err_set(err, P_EIO, "job store %s: %s %s: %s", s->dir, what, name, strerror(e));
    }
}

bool store_hash_list_add(store_hash_list *l, const unsigned char *text)
{
    if (!text)
        return true;
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 8;
        store_hash *items = realloc(l->items, capacity * sizeof *items);
        if (!items)
            return false;
        l->items = items;
        l->capacity = capacity;
    }
    snprintf(l->items[l->n++].text, sizeof l->items[0].text, "%s", (const char *)text);
    return true;
}

static p_status hash_bytes(const job_store *s, const uint8_t *bytes, size_t len, store_hash *out,
                           p_err *err)
{
    uint8_t digest[SHA256_BYTES];
    if (!sha256_bytes(digest, bytes, len))
        return p_err_set(err, P_EINTERNAL, "job store %s: libcrypto has no SHA-256", s->dir);
    p_hex_encode(out->text, digest, sizeof digest);
    out->text[STORE_HASH_CHARS] = 0;
    return P_OK;
}

static bool is_hash(const char *name)
{
    size_t n = strspn(name, "0123456789abcdef");
    return n == STORE_HASH_CHARS && !name[n];
}

/** 0, or errno. */
static int write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len < (1u << 30) ? len : 1u << 30);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

p_status store_put_file(job_store *s, const uint8_t *bytes, size_t len, store_hash *out, p_err *err)
{
    p_status status = hash_bytes(s, bytes, len, out, err);
    if (status != P_OK)
        return status;
    char name[sizeof TEMPORARY_PREFIX + 20];
    snprintf(name, sizeof name, TEMPORARY_PREFIX "%" PRIu64, s->temporary++);
    int fd =
        openat(s->artefact_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return store_errno(s, errno, "making the file", name, err);
    int e = write_all(fd, bytes, len);
    if (!e && fsync(fd) != 0)
        e = errno;
    if (close(fd) != 0 && !e)
        e = errno;
    if (!e && renameat(s->artefact_fd, name, s->artefact_fd, out->text) != 0)
        e = errno;
    if (e)
        unlinkat(s->artefact_fd, name, 0);
    else if (fsync(s->artefact_fd) != 0)
        e = errno; /* the file stays: a job may name it already */
    return e ? store_errno(s, e, "writing the file", out->text, err) : P_OK;
}

p_status store_get_file(const job_store *s, const char *hash, uint8_t **bytes, size_t *len,
                        p_err *err)
{
    *bytes = NULL;
    *len = 0;
    int fd = openat(s->artefact_fd, hash, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return p_err_set(err, P_ENOTFOUND, "job store %s: the file artefacts/%s is missing", s->dir,
                         hash);
    if (fd < 0)
        return store_errno(s, errno, "opening the file", hash, err);
    struct stat st;
    uint8_t *p = NULL;
    size_t n = 0, size = 0;
    int e = fstat(fd, &st) != 0 ? errno : 0;
    if (!e) {
        size = (size_t)st.st_size;
        p = malloc(size ? size : 1);
        e = p ? 0 : ENOMEM;
    }
    while (!e && n < size) {
        ssize_t got = read(fd, p + n, size - n < (1u << 30) ? size - n : 1u << 30);
        if (got < 0 && errno != EINTR)
            e = errno;
        if (got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (e) {
        free(p);
        return store_errno(s, e, "reading the file", hash, err);
    }
    store_hash found;
    p_status status = hash_bytes(s, p, n, &found, err);
    if (status == P_OK && strcmp(found.text, hash) != 0)
        status = p_err_set(err, P_ECORRUPT,
                           "job store %s: the file artefacts/%s is damaged: its SHA-256 is %s; "
                           "restore it from a backup, or submit the batch again",
                           s->dir, hash, found.text);
    if (status != P_OK) {
        free(p);
        return status;
    }
    *bytes = p;
    *len = n;
    return P_OK;
}

void store_drop_file(job_store *s, const char *hash)
{
    unlinkat(s->artefact_fd, hash, 0);
}

/** A stream over the folder with a descriptor of its own; NULL with errno. */
static DIR *list_files(const job_store *s)
{
    int fd = openat(s->artefact_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    return d;
}

p_status store_any_file(const job_store *s, bool *any, p_err *err)
{
    *any = false;
    DIR *d = list_files(s);
    if (!d)
        return store_errno(s, errno, "listing", "artefacts", err);
    for (struct dirent *e; !*any && (e = readdir(d));)
        *any = is_hash(e->d_name);
    closedir(d);
    return P_OK;
}

/** Whether a file of this name is to be kept. */
static p_status wanted(job_store *s, const char *name, bool *keep, p_err *err)
{
    *keep = strncmp(name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) != 0;
    if (!is_hash(name)) /* what we did not make, we do not delete */
        return P_OK;
    sqlite3_stmt *st;
    p_status status = store_statement(&s->writer, SQL_HAS_ARTEFACT, &st, err);
    if (status != P_OK)
        return status;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    *keep = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        status = store_sql_error(&s->writer, rc, "looking a file up", err);
    sqlite3_reset(st);
    return status;
}

p_status store_sweep(job_store *s, p_err *err)
{
    DIR *d = list_files(s);
    if (!d)
        return store_errno(s, errno, "listing", "artefacts", err);
    p_status status = P_OK;
    for (struct dirent *e; status == P_OK && (e = readdir(d));) {
        bool keep = true;
        status = wanted(s, e->d_name, &keep, err);
        if (status == P_OK && !keep && unlinkat(s->artefact_fd, e->d_name, 0) == 0)
            s->swept++;
    }
    closedir(d);
    return status;
}
