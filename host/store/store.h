/** The durable side of the jobs: rows in SQLite, large pieces in files named by their SHA-256.
 *
 *  A directory of its own, mode 0700, files 0600:
 *      lock                 held by the one process that has the store open; contains its pid
 *      jobs.db (-wal, -shm) SQLite, WAL, synchronous FULL
 *      artefacts/HEX        requests, proofs, results of finished stages; the name is the SHA-256
 *      artefacts/tmp-*      being written; removed at the next opening
 *
 *  What returns P_OK is on disk: an artefact is written under another name, synced, renamed and the
 *  directory synced before the row that names it is committed; a file is deleted after the commit
 *  that forgets it. What returns anything else did not happen, and with one exception never will:
 *  when it was the disk's sync that failed, a crash before the next write can bring it back. After
 *  P_EIO nobody knows what the disk has kept, so the store refuses to write from then on, and a new
 *  opening finds out.
 *
 *  Order: open, anything, close. Any thread; writes wait for one another, reads do not wait for
 *  writes. Every call can wait for the disk.
 *
 *  Errors of every function: P_EEXHAUSTED the disk (or a limit of the options, or memory) is full;
 *  nothing is damaged, and the store works again when there is room. P_ECORRUPT something stored is
 *  damaged. P_EIO reading or writing failed. P_EUNAVAILABLE another process locks the database. */
#ifndef ZKP_HOST_STORE_STORE_H
#define ZKP_HOST_STORE_STORE_H

#include "driver/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct job_store job_store;

/** A job's name: a UUID in lower case, with its NUL. */
#define JOB_ID_CHARS 36
typedef struct job_id {
    char text[JOB_ID_CHARS + 1];
} job_id;

/** Reads 36 characters of a UUID of any version, digits of either case; false for anything else. A
 *  client's text that is no UUID is simply an unknown job. */
bool job_id_parse(job_id *out, const char *text, size_t len);
bool job_id_equal(const job_id *a, const job_id *b);

/** The values are stored: never change one. */
typedef enum job_state {
    JOB_PENDING = 0,
    JOB_RUNNING = 1,
    JOB_COMPLETED_OK = 2,    /**< proved and verified; has a proof and public inputs */
    JOB_COMPLETED_ERROR = 3, /**< the batch cannot be proven as given; text says why */
    JOB_INTERNAL_ERROR = 4,  /**< the prover's fault; text says why */
    JOB_CANCELLED = 5,
} job_state;
#define JOB_STATES 6

/** "pending", "running", "completed_ok", ...; never NULL. */
const char *job_state_text(job_state state);
static inline bool job_state_is_final(job_state state)
{
    return state >= JOB_COMPLETED_OK;
}

typedef struct job_store_options {
    size_t max_artefact_bytes; /**< of one file; 0: no limit but the disk's */
    uint64_t max_total_bytes; /**< of all files together, when a job or a stage is added (the end of
                                 a job is always taken); 0: no limit but the disk's */
    unsigned busy_timeout_ms; /**< how long to wait for a foreign lock on the database */
} job_store_options;

/** Opens or makes the store in dir (its parent must be there). options may be NULL: no limits, five
 *  seconds.
 *  P_EUNAVAILABLE  another process has it open; the text names its pid
 *  P_ECORRUPT      the database is damaged or lost while its files are still there; the text says
 *                  what to do. Nothing is repaired or made anew behind the operator's back
 *  P_EUNSUPPORTED  the database is of a newer version of this program, or of another program
 *  Jobs that were running are pending again, in front (their order is that of submission). Files
 *  that no job names are deleted. */
p_status job_store_open(job_store **out, const char *dir, const job_store_options *options,
                        p_err *err);
void job_store_close(job_store *s); /**< NULL is allowed; no other call may be running */

/** Schema version that this build reads and writes. */
#define JOB_STORE_SCHEMA 1

typedef struct job_store_info {
    uint64_t jobs[JOB_STATES]; /**< by job_state */
    uint64_t artefacts;        /**< files */
    uint64_t artefact_bytes;   /**< of these */
    uint64_t database_bytes;   /**< jobs.db and its -wal */
    uint64_t swept_files;      /**< deleted by this opening because no job named them */
    uint64_t resumed_jobs;     /**< were running when this opening found them */
    unsigned schema;           /**< version of the database on disk */
} job_store_info;
p_status job_store_stat(job_store *s, job_store_info *out, p_err *err);

/** One row. Times are unix milliseconds, 0 if not yet. */
typedef struct job_row {
    job_id id;
    uint64_t sequence; /**< order of submission: larger is later, never used twice */
    job_state state;
    uint64_t created_ms, started_ms, ended_ms;
    uint32_t attempts; /**< how often it was started and not given back */
    size_t request_bytes;
} job_row;

/** A new pending job with its request (copied). created_ms is the caller's clock. *sequence is its
 *  place in the order. P_EINVAL if the id is taken. */
p_status job_store_insert(job_store *s, const job_id *id, const uint8_t *request, size_t len,
                          uint64_t created_ms, uint64_t *sequence, p_err *err);

/** pending -> running: sets started_ms, attempts + 1. P_ENOTFOUND if it is not pending. */
p_status job_store_start(job_store *s, const job_id *id, uint64_t now_ms, p_err *err);

/** running -> pending, for a job that is put back unharmed: attempts - 1, started_ms 0. P_ENOTFOUND
 *  if it is not running. */
p_status job_store_give_back(job_store *s, const job_id *id, p_err *err);

/** What a job ends with. text may be NULL; proof and publics are NULL or opaque bytes. */
typedef struct job_store_end {
    job_state state; /**< a final one */
    const char *text;
    const uint8_t *proof;
    size_t proof_len;
    const uint8_t *publics;
    size_t publics_len;
} job_store_end;

/** pending or running -> a final state, with everything in one transaction; the stages' results of
 *  the job are dropped. P_ENOTFOUND if there is no such job or it has ended already. */
p_status job_store_finish(job_store *s, const job_id *id, const job_store_end *end, uint64_t now_ms,
                          p_err *err);

/** The result of a finished stage of a running job (replaces one of the same stage). stage: 1 to 63
 *  bytes of text. P_ENOTFOUND if the job does not run (it was cancelled, for example). */
#define JOB_STAGE_BYTES 64
p_status job_store_checkpoint(job_store *s, const job_id *id, const char *stage,
                              const uint8_t *bytes, size_t len, uint64_t now_ms, p_err *err);
/** *bytes is malloc'ed, the caller frees it; P_ENOTFOUND if the stage has left nothing. */
p_status job_store_checkpoint_read(job_store *s, const job_id *id, const char *stage,
                                   uint8_t **bytes, size_t *len, p_err *err);

/** P_ENOTFOUND (err is left alone then) if there is no such job. */
p_status job_store_get(job_store *s, const job_id *id, job_row *out, p_err *err);

/** Everything that a job ended with. */
typedef struct job_record {
    job_row row;
    char *text;               /**< NULL: none */
    uint8_t *proof, *publics; /**< NULL: none */
    size_t proof_len, publics_len;
} job_record;
/** As job_store_get, with text and files; the caller calls job_record_free. P_ECORRUPT if a file is
 *  missing or has another hash than its name (out->row is valid then, and the rest empty). */
p_status job_store_read(job_store *s, const job_id *id, job_record *out, p_err *err);
void job_record_free(job_record *r);

/** The request as it was submitted. *bytes is malloc'ed, the caller frees
 * it. P_ECORRUPT as above. */
p_status job_store_request(job_store *s, const job_id *id, uint8_t **bytes, size_t *len,
                           p_err *err);

/** Pending and running jobs in order. *rows is malloc'ed (NULL if there is none), the caller frees
 *  it. */
p_status job_store_queue(job_store *s, job_row **rows, size_t *n, p_err *err);

/** Jobs from the newest on, before a sequence number (0: from the newest), at most limit; states is
 *  a mask of 1 << job_state (0: all). *rows is malloc'ed (NULL if there is none). */
p_status job_store_list(job_store *s, unsigned states, uint64_t before, size_t limit,
                        job_row **rows, size_t *n, p_err *err);

/** Of those jobs that ran, the one that ended last; P_ENOTFOUND (err is left alone) if there is
 *  none. */
p_status job_store_last_ended(job_store *s, job_row *out, p_err *err);

/** Deletes ended jobs: those that ended before older_than_ms (0: none), and the oldest so that at
 *  most keep_max stay (0: no limit). At most 256 in one call, so that nobody waits long: call again
 *  while *deleted is 256. */
#define JOB_STORE_RETAIN_STEP 256
p_status job_store_retain(job_store *s, uint64_t older_than_ms, uint64_t keep_max,
                          uint64_t *deleted, p_err *err);

/** Whether the store refuses to write since something went wrong; err (may be NULL) says what. */
bool job_store_failed(job_store *s, p_err *err);

#endif
