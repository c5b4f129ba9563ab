/** Queue and worker: jobs survive everything, run one at a time in the order of submission, and can
 *  be watched and cancelled.
 *
 *  Order: create, start, anything, drain, destroy. Any thread may call anything, except destroy.
 *  Which calls wait for the disk stands at each; those that do not are fit for a completion-queue
 *  thread. Callbacks run on threads of this object without any of its locks held: they may call
 *  back in (but for jobs_destroy), and must not block long, because others wait behind them.
 *
 *  Threads: one worker, one for time-outs, one for what must be read from the store; however many
 *  jobs wait and however many clients watch. Requests are on disk, not in memory, until they run.
 *
 *  What happens when:
 *    submit     durable before it returns P_OK.
 *    cancel     durable before it returns P_OK. A job has exactly one end: whichever of its result
 *               and its cancellation is decided first under the lock is it, and is what every later
 *               question hears.
 *    crash      at the next start running jobs are in front of the queue again, acknowledged ones
 *               are all there, none twice; cancelled ones stay cancelled.
 *    drain      nothing is taken from the queue any more; the running job is told to stop, and is
 *               pending again for the next start; every watch is answered at once.
 *    disk full  submit and cancel answer P_EEXHAUSTED and change nothing. A job that has ended
 *               while the disk is full keeps its result in memory, and storing it is tried again
 *               every few seconds.
 *    store dead P_EIO or P_ECORRUPT from a write: HALT. Nothing is taken any more, the running job
 *               is told to stop, every watch is answered with the last known state, submit and
 *               cancel answer P_EUNAVAILABLE with the reason; reading goes on as far as it can. */
#ifndef ZKP_HOST_JOBS_JOBS_H
#define ZKP_HOST_JOBS_JOBS_H

#include "host/store/store.h"

typedef struct jobs jobs;

/* ---- what runs ---- */

typedef struct job_task job_task; /**< the running job as its run function sees it */

/** Whether to stop: the job was cancelled, the server drains or halts. Poll it at least every
 *  100 ms. Cheap: one atomic load. Any thread. */
bool job_task_should_stop(const job_task *task);
/** The same with a context, for interfaces that want a function. */
bool job_task_should_stop_fn(void *task);

/** Shown by GetProof and in metrics. stage (at most 63 bytes) is copied; a new stage name ends the
 *  previous stage. percent 0..100 of that stage. Cheap, any thread, never touches the disk. */
void job_task_progress(job_task *task, const char *stage, unsigned percent);

/** The result of a finished stage, kept until the job ends, so that a restart goes on after it.
 *  Waits for the disk. P_ECANCELLED if the job has been cancelled meanwhile; other errors are those
 *  of the store. */
p_status job_task_checkpoint(job_task *task, const char *stage, const uint8_t *bytes, size_t len,
                             p_err *err);
/** What an earlier attempt has kept; malloc'ed, the caller frees it. P_ENOTFOUND if nothing. */
p_status job_task_resume(job_task *task, const char *stage, uint8_t **bytes, size_t *len,
                         p_err *err);

const job_id *job_task_id(const job_task *task);
/** The request as submitted; valid until the run function returns, or until job_task_drop_request,
 *  which frees it early. */
const uint8_t *job_task_request(const job_task *task, size_t *len);
void job_task_drop_request(job_task *task);
unsigned job_task_attempt(const job_task *task); /**< 1 for the first */

/** How a run ended. */
typedef enum job_end {
    JOB_END_STOPPED,         /**< because job_task_should_stop said so */
    JOB_END_COMPLETED_OK,    /**< proof and publics are there (else it counts as INTERNAL_ERROR) */
    JOB_END_COMPLETED_ERROR, /**< the batch cannot be proven as given */
    JOB_END_INTERNAL_ERROR,
} job_end;

typedef struct job_result {
    char text[P_ERR_TEXT_BYTES]; /**< for the client; "" for a proof */
    uint8_t *proof, *publics;    /**< malloc'ed by the run function, freed by jobs; else NULL */
    size_t proof_len, publics_len;
} job_result;

/** Runs one job on the worker thread. result is zeroed before. */
typedef job_end job_run_fn(void *ctx, job_task *task, job_result *result);

/* ---- the object ---- */

typedef enum jobs_event_kind {
    JOBS_EVENT_SUBMITTED,
    JOBS_EVENT_STARTED,
    JOBS_EVENT_STAGE,    /**< a stage has ended; stage and seconds are its own */
    JOBS_EVENT_ENDED,    /**< state says how; seconds since its start (0 if it never ran) */
    JOBS_EVENT_RETURNED, /**< stopped by drain or halt, pending again */
    JOBS_EVENT_RETAINED, /**< count ended jobs were deleted by retention; no id */
    JOBS_EVENT_TROUBLE,  /**< storing something failed and is tried again, was refused to a client
                            (said once until it works again), or retention failed; text */
    JOBS_EVENT_HALTED,   /**< text says why; no id */
} jobs_event_kind;

typedef struct jobs_event {
    jobs_event_kind kind;
    job_id id;         /**< "" if it is about no single job */
    job_state state;   /**< after the event */
    const char *stage; /**< NULL: none */
    const char *text;  /**< NULL: none; of an end it can quote the request: not for the default
                          log level */
    double seconds;
    uint64_t count;
    unsigned attempt;
} jobs_event;

typedef struct jobs_options {
    job_store *store;    /**< borrowed; closed by the caller after jobs_destroy */
    size_t max_queue;    /**< pending jobs, at least 1; those found in the store are kept anyhow */
    size_t max_watches;  /**< at least 1 */
    uint64_t retain_ms;  /**< ended jobs older than this are deleted; 0: never */
    uint64_t retain_max; /**< at most so many ended jobs are kept; 0: any number */
    unsigned max_attempts; /**< a job that was started so often and never ended (the process died
                                each time) ends as INTERNAL_ERROR; 0: no limit */
    job_run_fn *run;
    void *run_ctx;
    void (*event)(void *ctx, const jobs_event *event); /**< for log and metrics; NULL: none */
    void *event_ctx;
} jobs_options;

/** Reads the queue from the store; *out is NULL on failure. Waits for the disk. submit, cancel, get
 *  and watch work from here on; nothing runs before jobs_start. */
p_status jobs_create(jobs **out, const jobs_options *options, p_err *err);
p_status jobs_start(jobs *j, p_err *err);

/** Begins to drain and returns at once: see above. submit answers P_EUNAVAILABLE from now on.
 *  Idempotent. Does not wait for the disk. */
void jobs_drain(jobs *j);
/** True when no job runs any more, waiting at most max_ms. */
bool jobs_drain_wait(jobs *j, unsigned max_ms);

/** Drains, waits for the run function to return (which it does within its promise to poll) and for
 *  the last callback; then frees all. NULL is allowed. No other call may be running. */
void jobs_destroy(jobs *j);

/* ---- requests ---- */

/** A new job. request: the serialised zkprover.v1.InputProver, which the caller has validated
 *  (copied). *id is a fresh random UUID (version 4). Waits for the disk.
 *  P_EEXHAUSTED    the queue, the store or the disk is full, with the numbers
 *  P_EUNAVAILABLE  draining or halted
 *  P_EIO, P_ECORRUPT  the store has just died: this halts the object */
p_status jobs_submit(jobs *j, const uint8_t *request, size_t len, job_id *id, p_err *err);

/** P_OK: the job is cancelled, durably, by this call or an earlier one; if it was running, its run
 *  function is being told. Waits for the disk.
 *  P_ENOTFOUND     no such job (RESULT_CANCEL_ERROR)
 *  P_EINVAL        it has ended otherwise (RESULT_CANCEL_ERROR)
 *  P_EEXHAUSTED    disk full: nothing has changed, and the job goes on
 *  P_EUNAVAILABLE  halted */
p_status jobs_cancel(jobs *j, const job_id *id, p_err *err);

/** A job at one moment. */
typedef struct job_view {
    job_id id;
    job_state state;
    uint64_t created_ms, started_ms, ended_ms; /**< unix milliseconds, 0: not yet */
    unsigned attempt;                          /**< of a running job */
    size_t position;             /**< of a pending job: jobs in front of it, the running one too */
    char stage[JOB_STAGE_BYTES]; /**< of a running job; "" before the first */
    unsigned percent;            /**< of the stage */
    const char *text;            /**< of an ended job; never NULL */
    const uint8_t *proof, *publics; /**< of JOB_COMPLETED_OK; else NULL */
    size_t proof_len, publics_len;
    void *owner; /**< private */
} job_view;

/** P_ENOTFOUND if there is no such job; P_ECORRUPT or P_EIO if its result cannot be read. Waits for
 *  the disk if the job has ended. The caller calls job_view_free. */
p_status jobs_get(jobs *j, const job_id *id, job_view *out, p_err *err);
void job_view_free(job_view *v);

/** Why a watch is answered. */
typedef enum jobs_why {
    JOBS_WHY_ENDED,   /**< the job has ended: view holds its end */
    JOBS_WHY_TIMEOUT, /**< it has not: view is pending or running */
    JOBS_WHY_DRAIN,   /**< it has not, and will not before a restart */
    JOBS_WHY_HALT,    /**< the store is dead; err says why; view is the last known state */
    JOBS_WHY_DROPPED, /**< jobs_watch_drop; view is NULL */
    JOBS_WHY_UNKNOWN, /**< there is no such job; view is NULL */
    JOBS_WHY_FAILED,  /**< the job's result cannot be read; view is NULL, err says why */
} jobs_why;

/** The answer of a watch. view and err are borrowed for the length of the call; err is NULL unless
 *  said above. */
typedef void jobs_watch_fn(void *ctx, jobs_why why, const job_view *view, const p_err *err);

/** Calls fn exactly once, from a thread of this object: when the job has ended, or timeout_ms have
 *  passed (0: at once), or one of the other reasons of jobs_why applies. Never calls it from within
 *  jobs_watch. Does not wait for the disk (if the store must be read, another thread does that), so
 *  it is fit for a completion-queue thread.
 *  ticket  NULL, or where the name of the watch is written before fn can run: for jobs_watch_drop
 *  P_EEXHAUSTED  too many watches (fn is not called then). Works while draining and halted. */
p_status jobs_watch(jobs *j, const job_id *id, uint64_t timeout_ms, jobs_watch_fn *fn, void *ctx,
                    uint64_t *ticket, p_err *err);

/** The watch is answered soon with JOBS_WHY_DROPPED, unless it is being answered already: nobody
 *  waits for it any more, but fn is still called exactly once. A ticket whose watch was answered
 *  does nothing. Does not wait; any thread, also from within a callback. */
void jobs_watch_drop(jobs *j, uint64_t ticket);

/* ---- status ---- */

typedef enum jobs_mode {
    JOBS_IDLE,      /**< nothing runs or waits */
    JOBS_COMPUTING, /**< a job runs or waits */
    JOBS_DRAINING,
    JOBS_HALTED,
} jobs_mode;

typedef struct jobs_status {
    jobs_mode mode;
    bool has_current, has_last;
    job_id current; /**< runs now; also while a cancelled one is still stopping */
    uint64_t current_started_ms;
    char stage[JOB_STAGE_BYTES];
    unsigned percent;
    job_id last; /**< of those that ran, the one that ended last, also before a restart */
    uint64_t last_ended_ms;
    size_t pending; /**< all of them, also if the caller's array has no room */
    size_t watches;
    uint64_t submitted, ended[JOB_STATES]; /**< since jobs_create; ended by job_state */
    char halt_reason[P_ERR_TEXT_BYTES];    /**< "" unless halted */
} jobs_status;

/** Never waits for the disk nor for a running job: a copy under a short lock. ids[0..capacity):
 *  pending jobs in order (NULL if capacity is 0); returns how many were written. */
size_t jobs_get_status(jobs *j, jobs_status *out, job_id *ids, size_t capacity);

#endif
