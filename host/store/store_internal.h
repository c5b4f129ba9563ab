/** What the files of the store share. Private to host/store (and its tests). */
#ifndef ZKP_HOST_STORE_STORE_INTERNAL_H
#define ZKP_HOST_STORE_STORE_INTERNAL_H

#include "host/store/store.h"

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>

/* ---- database.c: SQLite made bearable ---- */

/** Every statement that the store runs, prepared once for each connection that needs it. */
/* clang-format off */
#define STORE_SQL_ROWS(X)                                                                          \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(RESUME, "UPDATE jobs SET state = 0, started_ms = 0 WHERE state = 1")                         \
    X(INSERT, "INSERT INTO jobs (id, state, created_ms, request, request_bytes)"                   \
              " VALUES (?1, 0, ?2, ?3, ?4)")                                                       \
    X(START, "UPDATE jobs SET state = 1, started_ms = ?2, attempts = attempts + 1"                 \
             " WHERE id = ?1 AND state = 0")                                                       \
    X(GIVE_BACK, "UPDATE jobs SET state = 0, started_ms = 0, attempts = max(attempts - 1, 0)"      \
                 " WHERE id = ?1 AND state = 1")                                                   \
    X(FINISH, "UPDATE jobs SET state = ?2, ended_ms = ?3, text = ?4, proof = ?5, publics = ?6"     \
              " WHERE id = ?1 AND state < 2")                                                      \
    X(ROW, "SELECT seq, id, state, created_ms, started_ms, ended_ms, attempts, request_bytes,"     \
           " request, text, proof, publics FROM jobs WHERE id = ?1")                               \
    X(QUEUE, "SELECT seq, id, state, created_ms, started_ms, ended_ms, attempts, request_bytes"    \
             " FROM jobs WHERE state < 2 ORDER BY seq")                                            \
    X(LIST, "SELECT seq, id, state, created_ms, started_ms, ended_ms, attempts, request_bytes"     \
            " FROM jobs WHERE seq < ?1 AND (?2 >> state) & 1 ORDER BY seq DESC LIMIT ?3")          \
    X(LAST_ENDED, "SELECT seq, id, state, created_ms, started_ms, ended_ms, attempts,"             \
                  " request_bytes FROM jobs WHERE state >= 2 AND started_ms > 0 ORDER BY ended_ms DESC, seq DESC"     \
                  " LIMIT 1")                                                                      \
    X(COUNT_STATES, "SELECT state, count(*) FROM jobs GROUP BY state")                             \
    X(COUNT_ENDED, "SELECT count(*) FROM jobs WHERE state >= 2")                                   \
    X(OLDEST_ENDED, "SELECT seq, ended_ms, request, proof, publics FROM jobs WHERE state >= 2"     \
                    " ORDER BY ended_ms, seq LIMIT ?1")                                            \
    X(DELETE_JOB, "DELETE FROM jobs WHERE seq = ?1")                                               \
    X(STAGES, "SELECT c.artefact FROM checkpoints c JOIN jobs j ON j.seq = c.job WHERE j.id = ?1") \
    X(DELETE_STAGES, "DELETE FROM checkpoints WHERE job = (SELECT seq FROM jobs WHERE id = ?1)")   \
    X(STAGE, "SELECT c.artefact FROM checkpoints c JOIN jobs j ON j.seq = c.job"                   \
             " WHERE j.id = ?1 AND c.stage = ?2")                                                  \
    X(PUT_STAGE, "INSERT INTO checkpoints (job, stage, artefact, made_ms)"                         \
                 " SELECT seq, ?2, ?3, ?4 FROM jobs WHERE id = ?1 AND state = 1"                   \
                 " ON CONFLICT (job, stage) DO UPDATE"                                             \
                 " SET artefact = excluded.artefact, made_ms = excluded.made_ms")                  \
    X(PUT_ARTEFACT, "INSERT INTO artefacts (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING")  \
    X(HAS_ARTEFACT, "SELECT bytes FROM artefacts WHERE hash = ?1")                                 \
    X(DROP_ARTEFACT, "DELETE FROM artefacts WHERE hash = ?1"                                       \
                     " AND NOT EXISTS (SELECT 1 FROM jobs WHERE request = ?1)"                     \
                     " AND NOT EXISTS (SELECT 1 FROM jobs WHERE proof = ?1)"                       \
                     " AND NOT EXISTS (SELECT 1 FROM jobs WHERE publics = ?1)"                     \
                     " AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE artefact = ?1)")            \
    X(SUM_ARTEFACTS, "SELECT count(*), coalesce(sum(bytes), 0) FROM artefacts")
/* clang-format on */

typedef enum store_sql {
#define STORE_SQL_ENUM(name, text) SQL_##name,
    STORE_SQL_ROWS(STORE_SQL_ENUM)
#undef STORE_SQL_ENUM
        SQL_COUNT
} store_sql;

typedef struct store_conn {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT];
    pthread_mutex_t lock; /**< one thread at a time uses the connection and what it returns */
    const char *dir;      /**< for texts */
} store_conn;

/** What SQLite's result code means to us, with a text that says what to do. */
p_status store_sql_error(const store_conn *c, int rc, const char *what, p_err *err);

/** Opens jobs.db (which is there, perhaps empty) without changing it. */
p_status store_conn_open(store_conn *c, const char *dir, bool writer, unsigned busy_ms, p_err *err);
/** Write-ahead log, and a sync at each commit. Writes to the file: identify and check it before. */
p_status store_conn_durable(store_conn *c, p_err *err);
void store_conn_close(store_conn *c);

/** A statement with no parameter bound, ready to step. */
p_status store_statement(store_conn *c, store_sql which, sqlite3_stmt **out, p_err *err);
/** Steps a statement that returns no rows, and resets it. *changed (may be NULL): rows changed. */
p_status store_run(store_conn *c, sqlite3_stmt *st, const char *what, int *changed, p_err *err);
/** Runs a statement without parameters. */
p_status store_run_plain(store_conn *c, store_sql which, const char *what, p_err *err);
/** Ends a transaction: commits if status is P_OK, else (or if that fails) takes all back. */
p_status store_end_transaction(store_conn *c, p_status status, const char *what, p_err *err);
/** One number that a text of SQL yields. */
p_status store_number(store_conn *c, const char *sql, int64_t *out, p_err *err);

/** Makes a schema of version n from one of version n - 1. */
typedef struct store_migration {
    const char *sql;
} store_migration;

/** Whether the database is ours and not newer than version newest: P_EUNSUPPORTED if not. *found is
 *  its version, 0 if it is empty. Changes nothing. */
p_status store_identify(store_conn *c, unsigned newest, unsigned *found, p_err *err);

/** Brings the schema to version n_steps: step i makes version i + 1. Each step is a transaction of
 *  its own with the version number in it. P_EUNSUPPORTED if the database is newer, or of another
 *  program. */
p_status store_migrate(store_conn *c, const store_migration *steps, unsigned n_steps, p_err *err);
extern const store_migration store_schema[JOB_STORE_SCHEMA];

/** SQLite's own check of the file; P_ECORRUPT with its first finding. */
p_status store_check(store_conn *c, p_err *err);

/* ---- artefact.c: files named by their hash ---- */

#define STORE_HASH_CHARS 64
typedef struct store_hash {
    char text[STORE_HASH_CHARS + 1];
} store_hash;

/** Hashes that stop being named; grows. */
typedef struct store_hash_list {
    store_hash *items;
    size_t n, capacity;
} store_hash_list;
/** text NULL adds nothing. */
bool store_hash_list_add(store_hash_list *l, const unsigned char *text);

struct job_store {
    char dir[PATH_MAX];
    int dir_fd, artefact_fd, lock_fd; /**< -1: not open */
    job_store_options options;
    store_conn writer, reader; /**< their locks are never held together */
    /* under writer.lock: */
    uint64_t artefacts, artefact_bytes;
    uint64_t temporary;       /**< names of files being written */
    store_hash_list in_doubt; /**< files of commits that failed, until the next one that does not */
    p_err failed;             /**< P_OK while writing is allowed */
    /* set by the opening: */
    uint64_t swept, resumed;
};

/** A failed system call. */
p_status store_errno(const job_store *s, int e, const char *what, const char *name, p_err *err);

/** Writes the bytes to a synced file with the name of its hash (also over one that is there, which
 *  repairs it). writer.lock held. */
p_status store_put_file(job_store *s, const uint8_t *bytes, size_t len, store_hash *out,
                        p_err *err);
/** *bytes malloc'ed. P_ENOTFOUND if there is no such file, P_ECORRUPT if it is not what its name
 *  says. */
p_status store_get_file(const job_store *s, const char *hash, uint8_t **bytes, size_t *len,
                        p_err *err);
/** Deletes it if it is there. A failure is left to the next opening. */
void store_drop_file(job_store *s, const char *hash);
/** Whether any file with the name of a hash is there. */
p_status store_any_file(const job_store *s, bool *any, p_err *err);
/** Deletes temporary files and those that the table of artefacts does not have. */
p_status store_sweep(job_store *s, p_err *err);

#endif
