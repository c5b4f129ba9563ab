#include "host/store/store_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** "zkpj": says whose database this is (PRAGMA application_id). */
#define APPLICATION_ID 0x7a6b706a

static const char *const sql_text[SQL_COUNT] = {
#define STORE_SQL_TEXT(name, text) [SQL_##name] = text,
    STORE_SQL_ROWS(STORE_SQL_TEXT)
#undef STORE_SQL_TEXT
};

/* Hashes are hex text, so that a person with the sqlite3 command can find the file. The states are
 * job_state. Indexes on every column that names an artefact: deleting one looks all of them up. */
const store_migration store_schema[JOB_STORE_SCHEMA] = {
    {"CREATE TABLE artefacts ("
     "  hash TEXT PRIMARY KEY CHECK (length(hash) = 64),"
     "  bytes INTEGER NOT NULL"
     ") STRICT, WITHOUT ROWID;"
     "CREATE TABLE jobs ("
     "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
     "  id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),"
     "  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),"
     "  created_ms INTEGER NOT NULL,"
     "  started_ms INTEGER NOT NULL DEFAULT 0,"
     "  ended_ms INTEGER NOT NULL DEFAULT 0,"
     "  attempts INTEGER NOT NULL DEFAULT 0,"
     "  request TEXT NOT NULL REFERENCES artefacts (hash),"
     "  request_bytes INTEGER NOT NULL,"
     "  text TEXT,"
     "  proof TEXT REFERENCES artefacts (hash),"
     "  publics TEXT REFERENCES artefacts (hash)"
     ") STRICT;"
     "CREATE INDEX jobs_state ON jobs (state, seq);"
     "CREATE INDEX jobs_ended ON jobs (ended_ms, seq) WHERE state >= 2;"
     "CREATE INDEX jobs_request ON jobs (request);"
     "CREATE INDEX jobs_proof ON jobs (proof);"
     "CREATE INDEX jobs_publics ON jobs (publics);"
     "CREATE TABLE checkpoints ("
     "  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,"
     "  stage TEXT NOT NULL,"
     "  artefact TEXT NOT NULL REFERENCES artefacts (hash),"
     "  made_ms INTEGER NOT NULL,"
     "  PRIMARY KEY (job, stage)"
     ") STRICT, WITHOUT ROWID;"
     "CREATE INDEX checkpoints_artefact ON checkpoints (artefact);"},
};

/** The errno behind an error of input or output, 0 if SQLite does not know: its connection forgets
 *  that of a failed commit, but its files remember. */
static int system_error(sqlite3 *db, int rc)
{
    int e = sqlite3_system_errno(db);
    if (e || (rc & 0xff) != SQLITE_IOERR)
        return e;
    sqlite3_file *log = NULL;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log && log->pMethods)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &e);
    if (!e)
        sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &e);
    return e;
}

p_status store_sql_error(const store_conn *c, int rc, const char *what, p_err *err)
{
    int e = c->db ? system_error(c->db, rc) : 0;
    const char *text = c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return p_err_set(err, P_EEXHAUSTED,
                         "job store %s: %s: the disk is full (%s); make room, then try again",
                         c->dir, what, text);
    case SQLITE_NOMEM:
        return p_err_set(err, P_EEXHAUSTED, "job store %s: %s: no memory", c->dir, what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return p_err_set(
            err, P_ECORRUPT,
            "job store %s: %s: jobs.db is damaged (%s); stop the server, keep a copy "
            "of the folder, then restore it from a backup, recover it with the sqlite3 "
            "command (.recover), or move the whole folder away to start without jobs",
            c->dir, what, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return p_err_set(err, P_EUNAVAILABLE,
                         "job store %s: %s: another program holds a lock on jobs.db; end it (a "
                         "backup or an sqlite3 command?), then try again",
                         c->dir, what);
    default:
        break;
    }
    if (e == ENOSPC || e == EDQUOT || e == EFBIG)
        return p_err_set(err, P_EEXHAUSTED,
                         "job store %s: %s: the disk is full (%s); make room, then try again",
                         c->dir, what, strerror(e));
    /* SQLite says CANTOPEN for whatever open() said */
    if (e == EMFILE || e == ENFILE)
        return p_err_set(err, P_EEXHAUSTED, "job store %s: %s: %s; raise the limit of open files",
                         c->dir, what, strerror(e));
    return p_err_set(err, P_EIO, "job store %s: %s: %s (SQLite code %d%s%s)", c->dir, what, text,
                     rc, e ? ", " : "", e ? strerror(e) : "");
}

p_status store_statement(store_conn *c, store_sql which, sqlite3_stmt **out, p_err *err)
{
    if (!c->statements[which]) {
        int rc = sqlite3_prepare_v3(c->db, sql_text[which], -1, SQLITE_PREPARE_PERSISTENT,
                                    &c->statements[which], NULL);
        if (rc != SQLITE_OK)
            return store_sql_error(c, rc, "preparing a statement", err);
    }
    *out = c->statements[which];
    sqlite3_clear_bindings(*out);
    return P_OK;
}

p_status store_run(store_conn *c, sqlite3_stmt *st, const char *what, int *changed, p_err *err)
{
    int rc = sqlite3_step(st);
    p_status status =
        rc == SQLITE_DONE || rc == SQLITE_ROW ? P_OK : store_sql_error(c, rc, what, err);
    if (changed)
        *changed = status == P_OK ? sqlite3_changes(c->db) : 0;
    sqlite3_reset(st);
    return status;
}

p_status store_run_plain(store_conn *c, store_sql which, const char *what, p_err *err)
{
    sqlite3_stmt *st;
    p_status status = store_statement(c, which, &st, err);
    return status == P_OK ? store_run(c, st, what, NULL, err) : status;
}

p_status store_end_transaction(store_conn *c, p_status status, const char *what, p_err *err)
{
    if (status == P_OK)
        status = store_run_plain(c, SQL_COMMIT, what, err);
    /* some errors end the transaction by themselves */
    if (status != P_OK && !sqlite3_get_autocommit(c->db))
        store_run_plain(c, SQL_ROLLBACK, what, NULL);
    return status;
}

p_status store_number(store_conn *c, const char *sql, int64_t *out, p_err *err)
{
    sqlite3_stmt *st;
    *out = 0;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return store_sql_error(c, rc, sql, err);
    rc = sqlite3_step(st);
    p_status status = P_OK;
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    else if (rc != SQLITE_DONE)
        status = store_sql_error(c, rc, sql, err);
    sqlite3_finalize(st);
    return status;
}

static p_status execute(store_conn *c, const char *sql, const char *what, p_err *err)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? P_OK : store_sql_error(c, rc, what, err);
}

/** The first text that a PRAGMA returns; "" if it returns no row. */
static p_status pragma_text(store_conn *c, const char *sql, char *out, size_t cap, p_err *err)
{
    sqlite3_stmt *st;
    out[0] = 0;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return store_sql_error(c, rc, sql, err);
    rc = sqlite3_step(st);
    p_status status = P_OK;
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        snprintf(out, cap, "%s", text ? text : "?");
        for (char *p = out; *p; p++) /* SQLite breaks its lines */
            if (*p == '\n')
                *p = ' ';
    } else if (rc != SQLITE_DONE) {
        status = store_sql_error(c, rc, sql, err);
    }
    sqlite3_finalize(st);
    return status;
}

p_status store_conn_open(store_conn *c, const char *dir, bool writer, unsigned busy_ms, p_err *err)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/jobs.db", dir);
    c->dir = dir;
    int rc = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return store_sql_error(c, rc, "opening jobs.db", err);
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, (int)busy_ms);
    p_status status = execute(c,
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA foreign_keys = ON;"
                              "PRAGMA temp_store = MEMORY;",
                              "setting up", err);
    if (status == P_OK && !writer)
        status = execute(c, "PRAGMA query_only = ON", "setting up", err);
    return status;
}

p_status store_conn_durable(store_conn *c, p_err *err)
{
    int64_t level;
    char mode[32];
    p_status status = pragma_text(c, "PRAGMA journal_mode = WAL", mode, sizeof mode, err);
    if (status == P_OK && strcmp(mode, "wal") != 0)
        return p_err_set(
            err, P_EIO,
            "job store %s: SQLite cannot use its write-ahead log here (its journal mode "
            "stays %s); put the folder on a local disk",
            c->dir, mode);
    if (status == P_OK)
        status = execute(c,
                         "PRAGMA synchronous = FULL;"
                         "PRAGMA journal_size_limit = 16777216;",
                         "setting up", err);
    if (status == P_OK)
        status = store_number(c, "PRAGMA synchronous", &level, err);
    if (status == P_OK && level != 2)
        status =
            p_err_set(err, P_EINTERNAL,
                      "job store %s: SQLite does not take synchronous = FULL (it says %" PRId64 ")",
                      c->dir, level);
    return status;
}

void store_conn_close(store_conn *c)
{
    for (unsigned i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(c->statements[i]);
        c->statements[i] = NULL;
    }
    sqlite3_close(c->db);
    c->db = NULL;
}

p_status store_identify(store_conn *c, unsigned newest, unsigned *found, p_err *err)
{
    int64_t version, application, tables;
    *found = 0;
    p_status status = store_number(c, "PRAGMA user_version", &version, err);
    if (status == P_OK)
        status = store_number(c, "PRAGMA application_id", &application, err);
    if (status == P_OK)
        status = store_number(c, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (status != P_OK)
        return status;
    if (application != APPLICATION_ID && (application || version || tables))
        return p_err_set(err, P_EUNSUPPORTED,
                         "job store %s: jobs.db belongs to another program (application id %" PRId64
                         ", expected %d); choose another folder",
                         c->dir, application, APPLICATION_ID);
    if (version < 0 || version > newest)
        return p_err_set(err, P_EUNSUPPORTED,
                         "job store %s: jobs.db has schema version %" PRId64
                         ", and this program knows versions up to %u: it was written by a newer "
                         "program; use that one, or restore the backup made before the upgrade",
                         c->dir, version, newest);
    *found = (unsigned)version;
    return P_OK;
}

p_status store_migrate(store_conn *c, const store_migration *steps, unsigned n_steps, p_err *err)
{
    unsigned version;
    p_status status = store_identify(c, n_steps, &version, err);
    if (status != P_OK)
        return status;
    for (unsigned i = version; i < n_steps; i++) {
        char mark[96];
        snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %u",
                 APPLICATION_ID, i + 1);
        status = store_run_plain(c, SQL_BEGIN, "upgrading the schema", err);
        if (status != P_OK)
            return status;
        status = execute(c, steps[i].sql, "upgrading the schema", err);
        if (status == P_OK)
            status = execute(c, mark, "upgrading the schema", err);
        status = store_end_transaction(c, status, "upgrading the schema", err);
        if (status != P_OK) {
            p_err_prefix(err, "schema version %u", i + 1);
            return status;
        }
    }
    return P_OK;
}

p_status store_check(store_conn *c, p_err *err)
{
    char finding[256];
    p_status status = pragma_text(c, "PRAGMA quick_check(1)", finding, sizeof finding, err);
    bool bad = status == P_OK && strcmp(finding, "ok") != 0;
    if (status == P_OK && !bad) {
        status = pragma_text(c, "PRAGMA foreign_key_check", finding, sizeof finding, err);
        bad = status == P_OK && finding[0];
    }
    if (bad)
        return p_err_set(err, P_ECORRUPT,
                         "job store %s: jobs.db is damaged (%s); keep a copy of the folder, then "
                         "restore it from a backup, recover it with the sqlite3 command "
                         "(.recover), or move the whole folder away to start without jobs",
                         c->dir, finding);
    return status;
}
