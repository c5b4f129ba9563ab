/* Jobs as rows. Every writing function has the same shape: lock, begin, files, rows, commit, then
 * delete the files that nothing names any more. */
#include "host/store/store_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS_STEP 1024

/* ---- writing ---- */

/** One transaction, and what is to be done with files after it. */
typedef struct write_txn {
    job_store *s;
    const char *what;
    store_hash_list added;     /**< files written in it: deleted again if it fails */
    store_hash_list dropped;   /**< files that the commit forgets */
    uint64_t artefacts, bytes; /**< totals before it */
} write_txn;

/** Takes the lock, also on failure; write_end gives it back. */
static p_status write_begin(write_txn *t, job_store *s, const char *what, p_err *err)
{
    *t = (write_txn){.s = s, .what = what};
    pthread_mutex_lock(&s->writer.lock);
    t->artefacts = s->artefacts;
    t->bytes = s->artefact_bytes;
    if (s->failed.status != P_OK)
        return p_err_set(err, s->failed.status, "%s", s->failed.text);
    return store_run_plain(&s->writer, SQL_BEGIN, what, err);
}

/** Whether a file has a row; also true when nobody can say. */
static bool is_named(job_store *s, const char *hash)
{
    sqlite3_stmt *st;
    if (store_statement(&s->writer, SQL_HAS_ARTEFACT, &st, NULL) != P_OK)
        return true;
    sqlite3_bind_text(st, 1, hash, -1, SQLITE_STATIC);
    bool named = sqlite3_step(st) != SQLITE_DONE;
    sqlite3_reset(st);
    return named;
}

/** Deletes files that no row names. */
static void drop_without_row(job_store *s, const store_hash_list *files)
{
    for (size_t i = 0; i < files->n; i++)
        if (!is_named(s, files->items[i].text))
            store_drop_file(s, files->items[i].text);
}

/** After a commit that failed: its rows may be in the write-ahead log all the same (if only the
 * sync failed), and come back if the process ends now. The next commit writes over them; until then
 *  their files stay. A list that cannot grow leaves the file to the next opening. */
static void keep_in_doubt(job_store *s, const store_hash_list *files)
{
    for (size_t i = 0; i < files->n; i++)
        store_hash_list_add(&s->in_doubt, (const unsigned char *)files->items[i].text);
}

static p_status write_end(write_txn *t, p_status status, p_err *err)
{
    job_store *s = t->s;
    p_err local = {0};
    if (s->failed.status == P_OK) {
        const bool committing = status == P_OK;
        if (status != P_OK && err)
            local = *err;
        p_status ended = store_end_transaction(&s->writer, status, t->what, &local);
        if (status == P_OK && ended != P_OK)
            p_err_set(err, ended, "%s", local.text);
        status = ended;
        if (status == P_OK) {
            for (size_t i = 0; i < t->dropped.n; i++)
                store_drop_file(s, t->dropped.items[i].text);
            drop_without_row(s, &s->in_doubt);
            s->in_doubt.n = 0;
        } else {
            s->artefacts = t->artefacts;
            s->artefact_bytes = t->bytes;
            if (status == P_EIO || status == P_ECORRUPT)
                p_err_set(&s->failed, status, "%s",
                          local.text[0] ? local.text : p_status_text(status));
            else if (committing)
                keep_in_doubt(s, &t->added);
            else
                drop_without_row(s, &t->added);
        }
    }
    free(t->added.items);
    free(t->dropped.items);
    pthread_mutex_unlock(&s->writer.lock);
    return status;
}

static p_status no_memory(const job_store *s, p_err *err)
{
    return p_err_set(err, P_EEXHAUSTED, "job store %s: no memory", s->dir);
}

/** Writes a file and its row. limited: the limit on all files together applies. */
static p_status put_artefact(write_txn *t, const uint8_t *bytes, size_t len, bool limited,
                             store_hash *hash, p_err *err)
{
    job_store *s = t->s;
    const job_store_options *o = &s->options;
    if (o->max_artefact_bytes && len > o->max_artefact_bytes)
        return p_err_set(
            err, P_EEXHAUSTED,
            "job store %s: a piece of %zu bytes is above the limit of %zu for one file", s->dir,
            len, o->max_artefact_bytes);
    if (limited && o->max_total_bytes &&
        (s->artefact_bytes >= o->max_total_bytes || len > o->max_total_bytes - s->artefact_bytes))
        return p_err_set(err, P_EEXHAUSTED,
                         "job store %s: holds %" PRIu64 " bytes of files, and %zu more would be "
                         "above its limit of %" PRIu64 "; raise the limit or shorten retention",
                         s->dir, s->artefact_bytes, len, o->max_total_bytes);
    p_status status = store_put_file(s, bytes, len, hash, err);
    if (status != P_OK)
        return status;
    if (!store_hash_list_add(&t->added, (const unsigned char *)hash->text)) {
        if (!is_named(s, hash->text))
            store_drop_file(s, hash->text);
        return no_memory(s, err);
    }
    sqlite3_stmt *st;
    status = store_statement(&s->writer, SQL_PUT_ARTEFACT, &st, err);
    if (status != P_OK)
        return status;
    sqlite3_bind_text(st, 1, hash->text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)len);
    int inserted;
    status = store_run(&s->writer, st, "naming a file", &inserted, err);
    if (status == P_OK && inserted) {
        s->artefacts++;
        s->artefact_bytes += len;
    }
    return status;
}

/** Forgets those files of the list that no row names any more. */
static p_status drop_unnamed(write_txn *t, const store_hash_list *candidates, p_err *err)
{
    job_store *s = t->s;
    p_status status = P_OK;
    for (size_t i = 0; status == P_OK && i < candidates->n; i++) {
        const char *hash = candidates->items[i].text;
        sqlite3_stmt *st;
        status = store_statement(&s->writer, SQL_HAS_ARTEFACT, &st, err);
        if (status != P_OK)
            break;
        sqlite3_bind_text(st, 1, hash, -1, SQLITE_STATIC);
        uint64_t bytes = 0;
        if (sqlite3_step(st) == SQLITE_ROW)
            bytes = (uint64_t)sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
        status = store_statement(&s->writer, SQL_DROP_ARTEFACT, &st, err);
        if (status != P_OK)
            break;
        sqlite3_bind_text(st, 1, hash, -1, SQLITE_STATIC);
        int dropped;
        status = store_run(&s->writer, st, "forgetting a file", &dropped, err);
        if (status == P_OK && dropped) {
            s->artefacts--;
            s->artefact_bytes -= bytes;
            if (!store_hash_list_add(&t->dropped, (const unsigned char *)hash))
                status = no_memory(s, err);
        }
    }
    return status;
}

static void bind_id(sqlite3_stmt *st, const job_id *id)
{
    sqlite3_bind_text(st, 1, id->text, JOB_ID_CHARS, SQLITE_STATIC);
}

p_status job_store_insert(job_store *s, const job_id *id, const uint8_t *request, size_t len,
                          uint64_t created_ms, uint64_t *sequence, p_err *err)
{
    write_txn t;
    store_hash hash;
    sqlite3_stmt *st;
    *sequence = 0;
    p_status status = write_begin(&t, s, "storing a job", err);
    if (status == P_OK)
        status = put_artefact(&t, request, len, true, &hash, err);
    if (status == P_OK)
        status = store_statement(&s->writer, SQL_INSERT, &st, err);
    if (status == P_OK) {
        bind_id(st, id);
        sqlite3_bind_int64(st, 2, (sqlite3_int64)created_ms);
        sqlite3_bind_text(st, 3, hash.text, -1, SQLITE_STATIC);
        sqlite3_bind_int64(st, 4, (sqlite3_int64)len);
        int rc = sqlite3_step(st);
        if (rc == SQLITE_CONSTRAINT_UNIQUE)
            status = p_err_set(err, P_EINVAL, "job store %s: there is a job %s already", s->dir,
                               id->text);
        else if (rc != SQLITE_DONE)
            status = store_sql_error(&s->writer, rc, "storing a job", err);
        else
            *sequence = (uint64_t)sqlite3_last_insert_rowid(s->writer.db);
        sqlite3_reset(st);
    }
    status = write_end(&t, status, err);
    if (status != P_OK)
        *sequence = 0;
    return status;
}

/** A statement that changes the state of one job by its id, and perhaps a time. */
static p_status change(job_store *s, store_sql which, const job_id *id, bool has_time,
                       uint64_t now_ms, const char *what, const char *expected, p_err *err)
{
    write_txn t;
    sqlite3_stmt *st;
    int changed = 0;
    p_status status = write_begin(&t, s, what, err);
    if (status == P_OK)
        status = store_statement(&s->writer, which, &st, err);
    if (status == P_OK) {
        bind_id(st, id);
        if (has_time)
            sqlite3_bind_int64(st, 2, (sqlite3_int64)now_ms);
        status = store_run(&s->writer, st, what, &changed, err);
    }
    if (status == P_OK && !changed)
        status = p_err_set(err, P_ENOTFOUND, "job store %s: %s: no %s job %s", s->dir, what,
                           expected, id->text);
    return write_end(&t, status, err);
}

p_status job_store_start(job_store *s, const job_id *id, uint64_t now_ms, p_err *err)
{
    return change(s, SQL_START, id, true, now_ms, "starting a job", "pending", err);
}

p_status job_store_give_back(job_store *s, const job_id *id, p_err *err)
{
    return change(s, SQL_GIVE_BACK, id, false, 0, "giving a job back", "running", err);
}

/** The files of a job's stages. */
static p_status collect_stages(job_store *s, const job_id *id, store_hash_list *out, p_err *err)
{
    sqlite3_stmt *st;
    p_status status = store_statement(&s->writer, SQL_STAGES, &st, err);
    if (status != P_OK)
        return status;
    bind_id(st, id);
    int rc;
    while (status == P_OK && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW)
            status = store_sql_error(&s->writer, rc, "reading stages", err);
        else if (!store_hash_list_add(out, sqlite3_column_text(st, 0)))
            status = no_memory(s, err);
    }
    sqlite3_reset(st);
    return status;
}

static p_status drop_stages(write_txn *t, const job_id *id, p_err *err)
{
    store_hash_list files = {0};
    sqlite3_stmt *st;
    p_status status = collect_stages(t->s, id, &files, err);
    if (status == P_OK && files.n) {
        status = store_statement(&t->s->writer, SQL_DELETE_STAGES, &st, err);
        if (status == P_OK) {
            bind_id(st, id);
            status = store_run(&t->s->writer, st, "dropping stages", NULL, err);
        }
        if (status == P_OK)
            status = drop_unnamed(t, &files, err);
    }
    free(files.items);
    return status;
}

p_status job_store_finish(job_store *s, const job_id *id, const job_store_end *end, uint64_t now_ms,
                          p_err *err)
{
    write_txn t;
    store_hash proof, publics;
    sqlite3_stmt *st;
    int changed = 0;
    p_status status = write_begin(&t, s, "ending a job", err);
    if (status == P_OK && !job_state_is_final(end->state))
        status = p_err_set(err, P_EINTERNAL, "job store: a job cannot end as %s",
                           job_state_text(end->state));
    if (status == P_OK && end->proof)
        status = put_artefact(&t, end->proof, end->proof_len, false, &proof, err);
    if (status == P_OK && end->publics)
        status = put_artefact(&t, end->publics, end->publics_len, false, &publics, err);
    if (status == P_OK)
        status = store_statement(&s->writer, SQL_FINISH, &st, err);
    if (status == P_OK) {
        bind_id(st, id);
        sqlite3_bind_int(st, 2, (int)end->state);
        sqlite3_bind_int64(st, 3, (sqlite3_int64)now_ms);
        if (end->text)
            sqlite3_bind_text(st, 4, end->text, -1, SQLITE_STATIC);
        if (end->proof)
            sqlite3_bind_text(st, 5, proof.text, -1, SQLITE_STATIC);
        if (end->publics)
            sqlite3_bind_text(st, 6, publics.text, -1, SQLITE_STATIC);
        status = store_run(&s->writer, st, "ending a job", &changed, err);
    }
    if (status == P_OK && !changed)
        status =
            p_err_set(err, P_ENOTFOUND, "job store %s: no unfinished job %s", s->dir, id->text);
    if (status == P_OK)
        status = drop_stages(&t, id, err);
    return write_end(&t, status, err);
}

/** The file of a stage, added to the list if there is one. */
static p_status find_stage(job_store *s, store_conn *c, const job_id *id, const char *stage,
                           store_hash_list *out, p_err *err)
{
    sqlite3_stmt *st;
    p_status status = store_statement(c, SQL_STAGE, &st, err);
    if (status != P_OK)
        return status;
    bind_id(st, id);
    sqlite3_bind_text(st, 2, stage, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        if (!store_hash_list_add(out, sqlite3_column_text(st, 0)))
            status = no_memory(s, err);
    } else if (rc != SQLITE_DONE) {
        status = store_sql_error(c, rc, "reading a stage", err);
    }
    sqlite3_reset(st);
    return status;
}

p_status job_store_checkpoint(job_store *s, const job_id *id, const char *stage,
                              const uint8_t *bytes, size_t len, uint64_t now_ms, p_err *err)
{
    write_txn t;
    store_hash hash;
    sqlite3_stmt *st;
    store_hash_list old = {0};
    int changed = 0;
    if (!stage[0] || strlen(stage) >= JOB_STAGE_BYTES)
        return p_err_set(err, P_EINVAL, "job store: a stage's name has 1 to %d bytes, found %zu",
                         JOB_STAGE_BYTES - 1, strlen(stage));
    p_status status = write_begin(&t, s, "storing a stage", err);
    if (status == P_OK)
        status = find_stage(s, &s->writer, id, stage, &old, err);
    if (status == P_OK)
        status = put_artefact(&t, bytes, len, true, &hash, err);
    if (status == P_OK)
        status = store_statement(&s->writer, SQL_PUT_STAGE, &st, err);
    if (status == P_OK) {
        bind_id(st, id);
        sqlite3_bind_text(st, 2, stage, -1, SQLITE_STATIC);
        sqlite3_bind_text(st, 3, hash.text, -1, SQLITE_STATIC);
        sqlite3_bind_int64(st, 4, (sqlite3_int64)now_ms);
        status = store_run(&s->writer, st, "storing a stage", &changed, err);
    }
    if (status == P_OK && !changed)
        status = p_err_set(err, P_ENOTFOUND, "job store %s: no running job %s", s->dir, id->text);
    if (status == P_OK)
        status = drop_unnamed(&t, &old, err);
    free(old.items);
    return write_end(&t, status, err);
}

/** Deletes one ended job, the current row of st; its files become candidates. */
static p_status delete_ended(write_txn *t, int64_t sequence, p_err *err)
{
    sqlite3_stmt *st;
    p_status status = store_statement(&t->s->writer, SQL_DELETE_JOB, &st, err);
    if (status != P_OK)
        return status;
    sqlite3_bind_int64(st, 1, sequence);
    return store_run(&t->s->writer, st, "deleting a job", NULL, err);
}

/** The oldest ended jobs that have to go, at most JOB_STORE_RETAIN_STEP. */
static p_status choose_ended(job_store *s, uint64_t older_than_ms, uint64_t surplus,
                             int64_t *sequences, size_t *n, store_hash_list *files, p_err *err)
{
    sqlite3_stmt *st;
    p_status status = store_statement(&s->writer, SQL_OLDEST_ENDED, &st, err);
    if (status != P_OK)
        return status;
    sqlite3_bind_int(st, 1, JOB_STORE_RETAIN_STEP);
    int rc = SQLITE_DONE;
    while (status == P_OK && *n < JOB_STORE_RETAIN_STEP && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        if ((uint64_t)sqlite3_column_int64(st, 1) >= older_than_ms && *n >= surplus)
            break;
        sequences[(*n)++] = sqlite3_column_int64(st, 0);
        for (int i = 2; i < 5; i++)
            if (!store_hash_list_add(files, sqlite3_column_text(st, i)))
                status = no_memory(s, err);
    }
    if (status == P_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
        status = store_sql_error(&s->writer, rc, "looking for old jobs", err);
    sqlite3_reset(st);
    return status;
}

/** How many ended jobs there are beyond keep_max. */
static p_status count_surplus(job_store *s, uint64_t keep_max, uint64_t *surplus, p_err *err)
{
    sqlite3_stmt *st;
    *surplus = 0;
    if (!keep_max)
        return P_OK;
    p_status status = store_statement(&s->writer, SQL_COUNT_ENDED, &st, err);
    if (status != P_OK)
        return status;
    int rc = sqlite3_step(st);
    if (rc != SQLITE_ROW)
        status = store_sql_error(&s->writer, rc, "counting jobs", err);
    else if ((uint64_t)sqlite3_column_int64(st, 0) > keep_max)
        *surplus = (uint64_t)sqlite3_column_int64(st, 0) - keep_max;
    sqlite3_reset(st);
    return status;
}

p_status job_store_retain(job_store *s, uint64_t older_than_ms, uint64_t keep_max,
                          uint64_t *deleted, p_err *err)
{
    write_txn t;
    int64_t sequences[JOB_STORE_RETAIN_STEP];
    size_t n = 0;
    uint64_t surplus = 0;
    store_hash_list files = {0};
    *deleted = 0;
    p_status status = write_begin(&t, s, "deleting old jobs", err);
    if (status == P_OK)
        status = count_surplus(s, keep_max, &surplus, err);
    if (status == P_OK)
        status = choose_ended(s, older_than_ms, surplus, sequences, &n, &files, err);
    for (size_t i = 0; status == P_OK && i < n; i++)
        status = delete_ended(&t, sequences[i], err);
    if (status == P_OK)
        status = drop_unnamed(&t, &files, err);
    free(files.items);
    status = write_end(&t, status, err);
    if (status == P_OK)
        *deleted = n;
    return status;
}

/* ---- reading ---- */

static void read_row(sqlite3_stmt *st, job_row *out)
{
    memset(out, 0, sizeof *out);
    out->sequence = (uint64_t)sqlite3_column_int64(st, 0);
    const char *id = (const char *)sqlite3_column_text(st, 1);
    if (id && strlen(id) == JOB_ID_CHARS)
        memcpy(out->id.text, id, JOB_ID_CHARS + 1);
    int state = sqlite3_column_int(st, 2);
    out->state = state >= 0 && state < JOB_STATES ? (job_state)state : JOB_INTERNAL_ERROR;
    out->created_ms = (uint64_t)sqlite3_column_int64(st, 3);
    out->started_ms = (uint64_t)sqlite3_column_int64(st, 4);
    out->ended_ms = (uint64_t)sqlite3_column_int64(st, 5);
    out->attempts = (uint32_t)sqlite3_column_int64(st, 6);
    out->request_bytes = (size_t)sqlite3_column_int64(st, 7);
}

/** One job with the names of its files and, if text is not NULL, what it ended with. */
typedef struct found_job {
    job_row row;
    store_hash request, proof, publics; /**< "" if there is none */
    char *text;
} found_job;

static void copy_hash(store_hash *out, const unsigned char *text)
{
    size_t n = text ? strlen((const char *)text) : 0;
    memset(out, 0, sizeof *out);
    if (n == STORE_HASH_CHARS)
        memcpy(out->text, text, n);
}

static p_status find_job(job_store *s, const job_id *id, found_job *out, bool with_text, p_err *err)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->reader.lock);
    sqlite3_stmt *st;
    p_status status = store_statement(&s->reader, SQL_ROW, &st, err);
    if (status == P_OK) {
        bind_id(st, id);
        int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) {
            read_row(st, &out->row);
            copy_hash(&out->request, sqlite3_column_text(st, 8));
            copy_hash(&out->proof, sqlite3_column_text(st, 10));
            copy_hash(&out->publics, sqlite3_column_text(st, 11));
            const char *text = (const char *)sqlite3_column_text(st, 9);
            if (with_text && text && !(out->text = strdup(text)))
                status = no_memory(s, err);
        } else if (rc == SQLITE_DONE) {
            status = P_ENOTFOUND;
        } else {
            status = store_sql_error(&s->reader, rc, "reading a job", err);
        }
        sqlite3_reset(st);
    }
    pthread_mutex_unlock(&s->reader.lock);
    return status;
}

p_status job_store_get(job_store *s, const job_id *id, job_row *out, p_err *err)
{
    found_job found;
    p_status status = find_job(s, id, &found, false, err);
    *out = found.row;
    return status;
}

/** A file of a job; where it is missing, the job may have been deleted meanwhile. */
static p_status job_file(job_store *s, const job_id *id, const store_hash *hash, uint8_t **bytes,
                         size_t *len, p_err *err)
{
    found_job again;
    p_err local = {0};
    *bytes = NULL;
    *len = 0;
    if (!hash->text[0])
        return P_OK;
    p_status status = store_get_file(s, hash->text, bytes, len, &local);
    if (status == P_ENOTFOUND) {
        status = find_job(s, id, &again, false, err);
        if (status == P_OK)
            return p_err_set(err, P_ECORRUPT,
                             "%s although job %s needs it; restore it from a backup, or submit the "
                             "batch again",
                             local.text, id->text);
        return status;
    }
    if (status != P_OK)
        p_err_set(err, status, "%s", local.text);
    return status;
}

p_status job_store_read(job_store *s, const job_id *id, job_record *out, p_err *err)
{
    found_job found;
    memset(out, 0, sizeof *out);
    p_status status = find_job(s, id, &found, true, err);
    out->row = found.row;
    out->text = found.text;
    if (status == P_OK)
        status = job_file(s, id, &found.proof, &out->proof, &out->proof_len, err);
    if (status == P_OK)
        status = job_file(s, id, &found.publics, &out->publics, &out->publics_len, err);
    if (status != P_OK)
        job_record_free(out);
    return status;
}

void job_record_free(job_record *r)
{
    free(r->text);
    free(r->proof);
    free(r->publics);
    r->text = NULL;
    r->proof = r->publics = NULL;
    r->proof_len = r->publics_len = 0;
}

p_status job_store_request(job_store *s, const job_id *id, uint8_t **bytes, size_t *len, p_err *err)
{
    found_job found;
    *bytes = NULL;
    *len = 0;
    p_status status = find_job(s, id, &found, false, err);
    return status == P_OK ? job_file(s, id, &found.request, bytes, len, err) : status;
}

p_status job_store_checkpoint_read(job_store *s, const job_id *id, const char *stage,
                                   uint8_t **bytes, size_t *len, p_err *err)
{
    store_hash_list found = {0};
    *bytes = NULL;
    *len = 0;
    pthread_mutex_lock(&s->reader.lock);
    p_status status = find_stage(s, &s->reader, id, stage, &found, err);
    pthread_mutex_unlock(&s->reader.lock);
    if (status == P_OK)
        status = found.n ? job_file(s, id, &found.items[0], bytes, len, err) : P_ENOTFOUND;
    free(found.items);
    return status;
}

/** All rows of a bound statement of the reader, whose lock is held. */
static p_status collect_rows(job_store *s, sqlite3_stmt *st, job_row **rows, size_t *n, p_err *err)
{
    size_t capacity = 0;
    int rc;
    p_status status = P_OK;
    while (status == P_OK && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            status = store_sql_error(&s->reader, rc, "listing jobs", err);
            break;
        }
        if (*n == capacity) {
            size_t more = capacity < MAX_ROWS_STEP ? 2 * capacity + 16 : capacity + MAX_ROWS_STEP;
            job_row *p = realloc(*rows, more * sizeof *p);
            if (!p) {
                status = no_memory(s, err);
                break;
            }
            *rows = p;
            capacity = more;
        }
        read_row(st, &(*rows)[(*n)++]);
    }
    sqlite3_reset(st);
    if (status != P_OK) {
        free(*rows);
        *rows = NULL;
        *n = 0;
    }
    return status;
}

p_status job_store_queue(job_store *s, job_row **rows, size_t *n, p_err *err)
{
    sqlite3_stmt *st;
    *rows = NULL;
    *n = 0;
    pthread_mutex_lock(&s->reader.lock);
    p_status status = store_statement(&s->reader, SQL_QUEUE, &st, err);
    if (status == P_OK)
        status = collect_rows(s, st, rows, n, err);
    pthread_mutex_unlock(&s->reader.lock);
    return status;
}

p_status job_store_list(job_store *s, unsigned states, uint64_t before, size_t limit,
                        job_row **rows, size_t *n, p_err *err)
{
    sqlite3_stmt *st;
    *rows = NULL;
    *n = 0;
    pthread_mutex_lock(&s->reader.lock);
    p_status status = store_statement(&s->reader, SQL_LIST, &st, err);
    if (status == P_OK) {
        sqlite3_bind_int64(st, 1, before && before < INT64_MAX ? (int64_t)before : INT64_MAX);
        sqlite3_bind_int64(st, 2, states ? states : (1u << JOB_STATES) - 1);
        sqlite3_bind_int64(st, 3, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
        status = collect_rows(s, st, rows, n, err);
    }
    pthread_mutex_unlock(&s->reader.lock);
    return status;
}

p_status job_store_last_ended(job_store *s, job_row *out, p_err *err)
{
    sqlite3_stmt *st;
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&s->reader.lock);
    p_status status = store_statement(&s->reader, SQL_LAST_ENDED, &st, err);
    if (status == P_OK) {
        int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
            read_row(st, out);
        else
            status = rc == SQLITE_DONE
                         ? P_ENOTFOUND
                         : store_sql_error(&s->reader, rc, "looking for the last job", err);
        sqlite3_reset(st);
    }
    pthread_mutex_unlock(&s->reader.lock);
    return status;
}
