#include "host/store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_BUSY_MS 5000

/** Opens a folder below at (made with mode 0700 if it is missing, closed to others if it is not),
 *  and makes its name durable. *fd is -1 on failure. */
static p_status open_folder(const job_store *s, int at, const char *name, int *fd, p_err *err)
{
    struct stat st;
    *fd = -1;
    if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
        return store_errno(s, errno, "making the folder", name, err);
    int f = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f < 0 && errno == ENOTDIR)
        return p_err_set(err, P_EINVAL, "job store %s: %s is a file, expected a folder", s->dir,
                         name);
    if (f < 0)
        return store_errno(s, errno, "opening the folder", name, err);
    int e = 0, parent = -1;
    if (fstat(f, &st) != 0 || ((st.st_mode & 077) && fchmod(f, 0700) != 0) ||
        (parent = openat(f, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(parent) != 0)
        e = errno;
    if (parent >= 0)
        close(parent);
    if (e) {
        close(f);
        return store_errno(s, e, "setting up the folder", name, err);
    }
    *fd = f;
    return P_OK;
}

/** Keeps other processes (and other handles of this one) out. */
static p_status take_lock(job_store *s, p_err *err)
{
    char pid[32] = "";
    s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return store_errno(s, errno, "opening the file", "lock", err);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return store_errno(s, errno, "locking the file", "lock", err);
        ssize_t n = pread(s->lock_fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = 0;
        pid[strspn(pid, "0123456789")] = 0;
        return p_err_set(err, P_EUNAVAILABLE,
                         "job store %s: is in use by process %s; stop it, or give this one another "
                         "folder",
                         s->dir, pid[0] ? pid : "(unknown)");
    }
    /* only information: the lock is what counts, so a full disk does not matter */
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, pid, (size_t)n, 0) != n)
        return P_OK;
    return P_OK;
}

/** Makes an empty jobs.db in a new store, with a mode that SQLite then uses for its other files
 *  too; refuses to begin anew next to files of jobs. */
static p_status claim_database(job_store *s, p_err *err)
{
    struct stat st;
    int fd = openat(s->dir_fd, "jobs.db", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return store_errno(s, errno, "opening the file", "jobs.db", err);
    int e = 0;
    if (fstat(fd, &st) != 0 || ((st.st_mode & 077) && fchmod(fd, 0600) != 0) ||
        fsync(s->dir_fd) != 0)
        e = errno;
    close(fd);
    if (e)
        return store_errno(s, e, "setting up the file", "jobs.db", err);
    if (st.st_size > 0)
        return P_OK;
    bool any;
    p_status status = store_any_file(s, &any, err);
    if (status == P_OK && any)
        return p_err_set(err, P_ECORRUPT,
                         "job store %s: jobs.db is missing or empty while artefacts holds files of "
                         "jobs; restore jobs.db from a backup, or move the whole folder away to "
                         "start without jobs",
                         s->dir);
    return status;
}

static p_status resume_jobs(job_store *s, p_err *err)
{
    sqlite3_stmt *st;
    int changed = 0;
    p_status status = store_statement(&s->writer, SQL_RESUME, &st, err);
    if (status == P_OK)
        status = store_run(&s->writer, st, "resuming jobs", &changed, err);
    s->resumed = (uint64_t)changed;
    return status;
}

static p_status count_files(job_store *s, p_err *err)
{
    sqlite3_stmt *st;
    p_status status = store_statement(&s->writer, SQL_SUM_ARTEFACTS, &st, err);
    if (status != P_OK)
        return status;
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        s->artefacts = (uint64_t)sqlite3_column_int64(st, 0);
        s->artefact_bytes = (uint64_t)sqlite3_column_int64(st, 1);
    } else {
        status = store_sql_error(&s->writer, rc, "counting files", err);
    }
    sqlite3_reset(st);
    return status;
}

static p_status open_all(job_store *s, p_err *err)
{
    unsigned version;
    p_status status = open_folder(s, AT_FDCWD, s->dir, &s->dir_fd, err);
    if (status == P_OK)
        status = take_lock(s, err);
    if (status == P_OK)
        status = open_folder(s, s->dir_fd, "artefacts", &s->artefact_fd, err);
    if (status == P_OK)
        status = claim_database(s, err);
    if (status == P_OK)
        status = store_conn_open(&s->writer, s->dir, true, s->options.busy_timeout_ms, err);
    if (status == P_OK)
        status = store_identify(&s->writer, JOB_STORE_SCHEMA, &version, err);
    if (status == P_OK)
        status = store_check(&s->writer, err);
    if (status == P_OK)
        status = store_conn_durable(&s->writer, err);
    if (status == P_OK)
        status = store_migrate(&s->writer, store_schema, JOB_STORE_SCHEMA, err);
    if (status == P_OK)
        status = resume_jobs(s, err);
    if (status == P_OK)
        status = store_sweep(s, err);
    if (status == P_OK)
        status = count_files(s, err);
    if (status == P_OK)
        status = store_conn_open(&s->reader, s->dir, false, s->options.busy_timeout_ms, err);
    return status;
}

p_status job_store_open(job_store **out, const char *dir, const job_store_options *options,
                        p_err *err)
{
    *out = NULL;
    if (strlen(dir) >= PATH_MAX - 16)
        return p_err_set(err, P_EINVAL,
                         "job store: the path of the folder has %zu bytes, at most "
                         "%d are possible",
                         strlen(dir), PATH_MAX - 17);
    job_store *s = calloc(1, sizeof *s);
    if (!s)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the job store");
    snprintf(s->dir, sizeof s->dir, "%s", dir);
    s->dir_fd = s->artefact_fd = s->lock_fd = -1;
    if (options)
        s->options = *options;
    if (!s->options.busy_timeout_ms || s->options.busy_timeout_ms > INT_MAX)
        s->options.busy_timeout_ms = DEFAULT_BUSY_MS;
    pthread_mutex_init(&s->writer.lock, NULL);
    pthread_mutex_init(&s->reader.lock, NULL);
    p_status status = open_all(s, err);
    if (status != P_OK) {
        job_store_close(s);
        return status;
    }
    *out = s;
    return P_OK;
}

void job_store_close(job_store *s)
{
    if (!s)
        return;
    store_conn_close(&s->reader);
    store_conn_close(&s->writer);
    pthread_mutex_destroy(&s->reader.lock);
    pthread_mutex_destroy(&s->writer.lock);
    if (s->artefact_fd >= 0)
        close(s->artefact_fd);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd); /* and with it the lock, after everything else */
    free(s->in_doubt.items);
    free(s);
}

p_status job_store_stat(job_store *s, job_store_info *out, p_err *err)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->writer.lock);
    out->artefacts = s->artefacts;
    out->artefact_bytes = s->artefact_bytes;
    pthread_mutex_unlock(&s->writer.lock);
    out->swept_files = s->swept;
    out->resumed_jobs = s->resumed;

    pthread_mutex_lock(&s->reader.lock);
    sqlite3_stmt *st;
    int64_t schema = 0;
    p_status status = store_statement(&s->reader, SQL_COUNT_STATES, &st, err);
    if (status == P_OK) {
        int rc;
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
            int state = sqlite3_column_int(st, 0);
            if (state >= 0 && state < JOB_STATES)
                out->jobs[state] = (uint64_t)sqlite3_column_int64(st, 1);
        }
        if (rc != SQLITE_DONE)
            status = store_sql_error(&s->reader, rc, "counting jobs", err);
        sqlite3_reset(st);
    }
    if (status == P_OK)
        status = store_number(&s->reader, "PRAGMA user_version", &schema, err);
    pthread_mutex_unlock(&s->reader.lock);
    out->schema = (unsigned)schema;

    static const char *const files[] = {"jobs.db", "jobs.db-wal"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct stat file;
        if (fstatat(s->dir_fd, files[i], &file, 0) == 0)
            out->database_bytes += (uint64_t)file.st_size;
    }
    return status;
}

bool job_store_failed(job_store *s, p_err *err)
{
    pthread_mutex_lock(&s->writer.lock);
    bool failed = s->failed.status != P_OK;
    if (failed)
        p_err_set(err, s->failed.status, "%s", s->failed.text);
    pthread_mutex_unlock(&s->writer.lock);
    return failed;
}

const char *job_state_text(job_state state)
{
    static const char *const texts[JOB_STATES] = {
        "pending", "running", "completed_ok", "completed_error", "internal_error", "cancelled"};
    return (unsigned)state < JOB_STATES ? texts[state] : "unknown";
}

bool job_id_parse(job_id *out, const char *text, size_t len)
{
    if (len != JOB_ID_CHARS)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-')
                return false;
        } else if (c >= 'A' && c <= 'F') {
            c = (char)(c - 'A' + 'a');
        } else if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
        out->text[i] = c;
    }
    out->text[JOB_ID_CHARS] = 0;
    return true;
}

bool job_id_equal(const job_id *a, const job_id *b)
{
    return memcmp(a->text, b->text, JOB_ID_CHARS) == 0;
}
