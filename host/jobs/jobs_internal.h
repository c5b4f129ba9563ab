/** What the files of the queue share. Private to host/jobs.
 *
 *  One lock guards everything and is never held while the disk is waited for. Instead, who writes
 *  the fate of a job to the store marks its entry busy, and whoever else wants to decide about that
 *  job waits for `changed` and looks again: the entry may be gone by then. */
#ifndef ZKP_HOST_JOBS_JOBS_INTERNAL_H
#define ZKP_HOST_JOBS_JOBS_INTERNAL_H

#include "driver/base/clock.h"
#include "host/jobs/jobs.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct job_entry job_entry;
typedef struct watch watch;

typedef enum watch_place {
    WATCH_ATTACHED, /**< in the heap, and in the list of its entry */
    WATCH_READY,    /**< in jobs.ready */
    WATCH_LOOKUP,   /**< in jobs.lookups */
    WATCH_TAKEN,    /**< being answered */
} watch_place;

/** Somebody who waits for a job. */
struct watch {
    job_id id;
    jobs_watch_fn *fn;
    void *ctx;
    uint64_t deadline_ms; /**< monotonic */
    jobs_why why;         /**< while READY */
    watch_place place;
    size_t heap_index;      /**< while ATTACHED */
    uint32_t slot;          /**< index in jobs.slots */
    job_entry *entry;       /**< while ATTACHED */
    watch *previous, *next; /**< in the list of its place */
};

typedef struct watch_list {
    watch *first, *last;
} watch_list;

/** A ticket is generation << 32 | slot. */
typedef struct watch_slot {
    watch *watch; /**< NULL: free */
    uint32_t generation;
    uint32_t next_free;
} watch_slot;

/** A job that has not ended. */
struct job_entry {
    job_id id;
    uint64_t sequence;
    job_state state; /**< JOB_PENDING or JOB_RUNNING */
    uint64_t created_ms, started_ms;
    unsigned attempts;
    bool busy;                  /**< somebody writes its fate to the store */
    job_entry *previous, *next; /**< in the queue, while pending */
    job_entry *bucket_next;
    watch_list watches;
};

struct job_task {
    jobs *owner;
    job_id id;
    atomic_bool stop;
    unsigned attempt;
    uint8_t *request; /**< of the worker thread alone */
    size_t request_len;
    /* under owner->lock: */
    job_entry *entry; /**< NULL once the job was cancelled */
    uint64_t started_ms;
    char stage[JOB_STAGE_BYTES];
    unsigned percent;
    double stage_began; /**< monotonic seconds */
};

struct jobs {
    jobs_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;    /**< worker, cancel, drain_wait: anything above changed */
    pthread_cond_t timer_wake; /**< heap or ready changed */
    pthread_cond_t reader_wake;
    pthread_t worker, timer, reader;
    bool worker_started, timer_started, reader_started;
    bool draining, halted;
    bool refusal_told; /**< that the store takes no submission or cancellation, until it does */
    bool timer_ending, reader_ending;
    p_err halt_reason;

    job_entry **buckets;
    size_t n_buckets; /**< a power of two */
    job_entry *first, *last;
    size_t n_entries, n_pending, n_reserved;
    bool working;   /**< the worker has taken a job and is not through with it */
    job_task *task; /**< what runs now */

    watch_slot *slots;
    size_t n_slots; /**< in use or on the free list */
    size_t slots_capacity;
    uint32_t free_slot; /**< UINT32_MAX: none */
    size_t n_watches;
    watch **heap; /**< by deadline; room for slots_capacity */
    size_t heap_n;
    watch_list ready;   /**< answered by the timer thread from memory */
    watch_list lookups; /**< answered by the reader thread from the store */
    bool retain_due;

    bool has_last;
    job_id last_id;
    uint64_t last_ended_ms;
    uint64_t submitted, ended[JOB_STATES];
};

/* ---- jobs.c ---- */

static inline uint64_t jobs_wall_ms(void)
{
    return (uint64_t)p_clock_ms(CLOCK_REALTIME);
}

static inline double jobs_monotonic(void)
{
    return p_clock_seconds(CLOCK_MONOTONIC);
}
/** Waits on a condition of this object for at most ms. */
void jobs_wait_ms(jobs *j, pthread_cond_t *cond, uint64_t ms);

job_entry *jobs_find(jobs *j, const job_id *id);
/** In the queue by its sequence. */
void jobs_enqueue(jobs *j, job_entry *e);
void jobs_dequeue(jobs *j, job_entry *e);
/** The entry of a job that has ended durably leaves: its watches go to the store, it is freed. */
void jobs_retire(jobs *j, job_entry *e, job_state state, uint64_t ended_ms, bool computed);
/** Whether a failed write means the end of the service. */
bool jobs_is_fatal(p_status status);
/** Lock held; does nothing the second time. The caller calls jobs_tell_halt afterwards, unlocked,
 *  if it returns true. */
bool jobs_halt_locked(jobs *j, p_status status, const char *text);
void jobs_tell_halt(jobs *j);
void jobs_tell(jobs *j, const jobs_event *event);
/** What is known of an entry. */
void jobs_view_entry(const jobs *j, const job_entry *e, job_view *out);
/** A record of the store as a view, which takes it over. P_EEXHAUSTED frees it. */
p_status jobs_view_record(job_record *r, job_view *out, p_err *err);

/* ---- watch.c ---- */

/** Lock held. */
void jobs_watches_ended(jobs *j, job_entry *e);
void jobs_watches_all(jobs *j, jobs_why why);
void *jobs_timer_thread(void *arg);
void *jobs_reader_thread(void *arg);

/* ---- worker.c ---- */

void *jobs_worker_thread(void *arg);

#endif
