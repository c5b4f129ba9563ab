#include "host/jobs/jobs_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MIN_BUCKETS 64
#define MAX_BUCKETS 65536

void jobs_wait_ms(jobs *j, pthread_cond_t *cond, uint64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    pthread_cond_timedwait(cond, &j->lock, &t);
}

void jobs_tell(jobs *j, const jobs_event *event)
{
    if (j->options.event)
        j->options.event(j->options.event_ctx, event);
}

/* ---- entries ---- */

static job_entry **bucket_of(jobs *j, const job_id *id)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < JOB_ID_CHARS; i++)
        h = (h ^ (uint8_t)id->text[i]) * UINT64_C(0x100000001b3);
    return &j->buckets[(h ^ h >> 32) & (j->n_buckets - 1)];
}

job_entry *jobs_find(jobs *j, const job_id *id)
{
    job_entry *e = *bucket_of(j, id);
    while (e && !job_id_equal(&e->id, id))
        e = e->bucket_next;
    return e;
}

static void add_entry(jobs *j, job_entry *e)
{
    job_entry **b = bucket_of(j, &e->id);
    e->bucket_next = *b;
    *b = e;
    j->n_entries++;
}

static void remove_entry(jobs *j, job_entry *e)
{
    job_entry **b = bucket_of(j, &e->id);
    while (*b != e)
        b = &(*b)->bucket_next;
    *b = e->bucket_next;
    j->n_entries--;
}

void jobs_enqueue(jobs *j, job_entry *e)
{
    /* nearly always the last place, or the first for a job that is given back */
    job_entry *before = j->last;
    while (before && before->sequence > e->sequence)
        before = before->previous;
    e->previous = before;
    e->next = before ? before->next : j->first;
    *(e->previous ? &e->previous->next : &j->first) = e;
    *(e->next ? &e->next->previous : &j->last) = e;
    j->n_pending++;
}

void jobs_dequeue(jobs *j, job_entry *e)
{
    *(e->previous ? &e->previous->next : &j->first) = e->next;
    *(e->next ? &e->next->previous : &j->last) = e->previous;
    e->previous = e->next = NULL;
    j->n_pending--;
}

void jobs_retire(jobs *j, job_entry *e, job_state state, uint64_t ended_ms, bool computed)
{
    if (e->state == JOB_PENDING)
        jobs_dequeue(j, e);
    if (j->task && j->task->entry == e)
        j->task->entry = NULL;
    jobs_watches_ended(j, e);
    remove_entry(j, e);
    if (computed) {
        j->has_last = true;
        j->last_id = e->id;
        j->last_ended_ms = ended_ms;
    }
    j->ended[state]++;
    j->retain_due = true;
    pthread_cond_signal(&j->reader_wake);
    pthread_cond_broadcast(&j->changed);
    free(e);
}

static job_entry *entry_create(const job_row *row)
{
    job_entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->id = row->id;
    e->sequence = row->sequence;
    e->state = JOB_PENDING;
    e->created_ms = row->created_ms;
    e->attempts = row->attempts;
    return e;
}

/* ---- halt ---- */

bool jobs_is_fatal(p_status status)
{
    /* P_ENOTFOUND of a write: the store's rows are not what we left there */
    return status == P_EIO || status == P_ECORRUPT || status == P_EINTERNAL ||
           status == P_ENOTFOUND;
}

bool jobs_halt_locked(jobs *j, p_status status, const char *text)
{
    if (j->halted)
        return false;
    j->halted = true;
    p_err_set(&j->halt_reason, status, "%s", text);
    if (j->task)
        atomic_store(&j->task->stop, true);
    jobs_watches_all(j, JOBS_WHY_HALT);
    pthread_cond_broadcast(&j->changed);
    return true;
}

void jobs_tell_halt(jobs *j)
{
    jobs_event event = {.kind = JOBS_EVENT_HALTED, .text = j->halt_reason.text};
    jobs_tell(j, &event);
}

/** A write for a client has failed: halts if that was fatal. Otherwise it is said once, until one
 *  succeeds: the client learns it, but whoever could mend it would not. Unlocked. */
static void write_failed(jobs *j, p_status status, const p_err *err)
{
    bool fatal = jobs_is_fatal(status);
    pthread_mutex_lock(&j->lock);
    bool first = fatal ? jobs_halt_locked(j, status, err->text) : !j->refusal_told;
    j->refusal_told = true;
    pthread_mutex_unlock(&j->lock);
    if (first && fatal) {
        jobs_tell_halt(j);
    } else if (first) {
        jobs_event event = {.kind = JOBS_EVENT_TROUBLE, .text = err->text};
        jobs_tell(j, &event);
    }
}

static p_status halted_error(const jobs *j, p_err *err)
{
    return p_err_set(err, P_EUNAVAILABLE,
                     "the prover has halted because its job store failed: %s; restart the server "
                     "when that is mended",
                     j->halt_reason.text);
}

/* ---- life ---- */

static p_status load_queue(jobs *j, p_err *err)
{
    job_row *rows, last;
    size_t n;
    p_status status = job_store_queue(j->options.store, &rows, &n, err);
    if (status != P_OK)
        return status;
    for (size_t i = 0; status == P_OK && i < n; i++) {
        job_entry *e = entry_create(&rows[i]);
        if (e) {
            add_entry(j, e);
            jobs_enqueue(j, e);
        } else {
            status = p_err_set(err, P_EEXHAUSTED, "no memory for a queue of %zu jobs", n);
        }
    }
    free(rows);
    if (status != P_OK)
        return status;
    status = job_store_last_ended(j->options.store, &last, err);
    if (status == P_OK) {
        j->has_last = true;
        j->last_id = last.id;
        j->last_ended_ms = last.ended_ms;
    }
    return status == P_ENOTFOUND ? P_OK : status;
}

static p_status start_thread(pthread_t *thread, void *(*run)(void *), jobs *j, bool *started,
                             p_err *err)
{
    pthread_mutex_lock(&j->lock); /* threads that run already read what lies beside the flag */
    int e = pthread_create(thread, NULL, run, j);
    *started = !e;
    pthread_mutex_unlock(&j->lock);
    if (!e)
        return P_OK;
    return p_err_set(err, P_EEXHAUSTED, "a thread for jobs cannot be started: %s", strerror(e));
}

p_status jobs_create(jobs **out, const jobs_options *options, p_err *err)
{
    *out = NULL;
    if (!options->store || !options->run || !options->max_queue || !options->max_watches ||
        options->max_watches >= UINT32_MAX)
        return p_err_set(err, P_EINVAL,
                         "jobs: a store, a run function, and limits of at least 1 for queue and "
                         "watches are needed");
    jobs *j = calloc(1, sizeof *j);
    if (!j)
        return p_err_set(err, P_EEXHAUSTED, "no memory for jobs");
    j->options = *options;
    j->free_slot = UINT32_MAX;
    j->retain_due = true;
    for (j->n_buckets = MIN_BUCKETS;
         j->n_buckets < MAX_BUCKETS && j->n_buckets < options->max_queue;)
        j->n_buckets *= 2;
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->changed, &attr);
    pthread_cond_init(&j->timer_wake, &attr);
    pthread_cond_init(&j->reader_wake, &attr);
    pthread_condattr_destroy(&attr);
    j->buckets = calloc(j->n_buckets, sizeof(job_entry *));
    p_status status =
        j->buckets ? P_OK : p_err_set(err, P_EEXHAUSTED, "no memory for the queue of jobs");
    if (status == P_OK)
        status = load_queue(j, err);
    if (status == P_OK)
        status = start_thread(&j->timer, jobs_timer_thread, j, &j->timer_started, err);
    if (status == P_OK)
        status = start_thread(&j->reader, jobs_reader_thread, j, &j->reader_started, err);
    if (status != P_OK) {
        jobs_destroy(j);
        return status;
    }
    *out = j;
    return P_OK;
}

p_status jobs_start(jobs *j, p_err *err)
{
    if (j->worker_started)
        return p_err_set(err, P_EINTERNAL, "jobs: started twice");
    return start_thread(&j->worker, jobs_worker_thread, j, &j->worker_started, err);
}

void jobs_drain(jobs *j)
{
    pthread_mutex_lock(&j->lock);
    if (!j->draining) {
        j->draining = true;
        if (j->task)
            atomic_store(&j->task->stop, true);
        jobs_watches_all(j, JOBS_WHY_DRAIN);
        pthread_cond_broadcast(&j->changed);
    }
    pthread_mutex_unlock(&j->lock);
}

bool jobs_drain_wait(jobs *j, unsigned max_ms)
{
    double end = jobs_monotonic() + max_ms / 1e3;
    pthread_mutex_lock(&j->lock);
    for (double now; j->working && (now = jobs_monotonic()) < end;)
        jobs_wait_ms(j, &j->changed, (uint64_t)((end - now) * 1e3) + 1);
    bool done = !j->working;
    pthread_mutex_unlock(&j->lock);
    return done;
}

static void end_thread(jobs *j, pthread_t thread, bool started, bool *ending, pthread_cond_t *wake)
{
    pthread_mutex_lock(&j->lock);
    *ending = true;
    pthread_cond_broadcast(wake);
    pthread_mutex_unlock(&j->lock);
    if (started)
        pthread_join(thread, NULL);
}

void jobs_destroy(jobs *j)
{
    if (!j)
        return;
    jobs_drain(j);
    if (j->worker_started)
        pthread_join(j->worker, NULL);
    /* the timer first: it can hand a last watch to the reader */
    end_thread(j, j->timer, j->timer_started, &j->timer_ending, &j->timer_wake);
    end_thread(j, j->reader, j->reader_started, &j->reader_ending, &j->reader_wake);
    for (size_t i = 0; j->buckets && i < j->n_buckets; i++)
        for (job_entry *e = j->buckets[i], *next; e; e = next) {
            next = e->bucket_next;
            free(e);
        }
    free(j->buckets);
    free(j->slots);
    free(j->heap);
    pthread_cond_destroy(&j->reader_wake);
    pthread_cond_destroy(&j->timer_wake);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

/* ---- submit and cancel ---- */

/** A random UUID: version 4, variant 1 (RFC 9562). */
static p_status fresh_id(job_id *out, p_err *err)
{
    uint8_t b[16];
    size_t n = 0;
    while (n < sizeof b) {
        ssize_t got = getrandom(b + n, sizeof b - n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return p_err_set(err, P_EINTERNAL, "the system gives no random bytes for an id: %s",
                             strerror(errno));
        n += (size_t)got;
    }
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    char *p = out->text;
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = "0123456789abcdef"[b[i] >> 4];
        *p++ = "0123456789abcdef"[b[i] & 15];
    }
    *p = 0;
    return P_OK;
}

/** Takes a place in the queue before the disk is waited for. */
static p_status reserve_place(jobs *j, p_err *err)
{
    p_status status = P_OK;
    pthread_mutex_lock(&j->lock);
    if (j->halted)
        status = halted_error(j, err);
    else if (j->draining)
        status = p_err_set(err, P_EUNAVAILABLE, "the server is shutting down");
    else if (j->n_pending + j->n_reserved >= j->options.max_queue)
        status = p_err_set(err, P_EEXHAUSTED,
                           "%zu jobs are waiting, and the queue takes %zu; try again later",
                           j->n_pending + j->n_reserved, j->options.max_queue);
    else
        j->n_reserved++;
    pthread_mutex_unlock(&j->lock);
    return status;
}

p_status jobs_submit(jobs *j, const uint8_t *request, size_t len, job_id *id, p_err *err)
{
    p_err local = {0};
    job_row row = {.created_ms = jobs_wall_ms()};
    memset(id, 0, sizeof *id);
    p_status status = fresh_id(&row.id, err);
    job_entry *e = status == P_OK ? entry_create(&row) : NULL;
    if (status == P_OK && !e)
        status = p_err_set(err, P_EEXHAUSTED, "no memory for a job");
    if (status == P_OK)
        status = reserve_place(j, err);
    if (status != P_OK) {
        free(e);
        return status;
    }
    status = job_store_insert(j->options.store, &row.id, request, len, row.created_ms, &e->sequence,
                              &local);
    pthread_mutex_lock(&j->lock);
    j->n_reserved--;
    if (status == P_OK) {
        add_entry(j, e);
        jobs_enqueue(j, e);
        j->refusal_told = false;
        j->submitted++;
        *id = row.id;
        pthread_cond_broadcast(&j->changed);
    }
    pthread_mutex_unlock(&j->lock);
    if (status != P_OK) {
        free(e);
        write_failed(j, status, &local);
        return p_err_set(err, status, "%s", local.text);
    }
    jobs_event event = {.kind = JOBS_EVENT_SUBMITTED, .id = row.id, .state = JOB_PENDING};
    jobs_tell(j, &event);
    return P_OK;
}

/** Cancel of a job that is not in the queue. */
static p_status cancel_ended(jobs *j, const job_id *id, p_err *err)
{
    job_row row;
    p_status status = job_store_get(j->options.store, id, &row, err);
    if (status == P_ENOTFOUND)
        return p_err_set(err, P_ENOTFOUND, "there is no job %s", id->text);
    if (status != P_OK || row.state == JOB_CANCELLED)
        return status;
    if (job_state_is_final(row.state))
        return p_err_set(err, P_EINVAL, "job %s has ended already (%s)", id->text,
                         job_state_text(row.state));
    return p_err_set(err, P_EUNAVAILABLE, "job %s is just being submitted; try again", id->text);
}

p_status jobs_cancel(jobs *j, const job_id *id, p_err *err)
{
    static const job_store_end end = {.state = JOB_CANCELLED, .text = "cancelled"};
    p_err local = {0};
    job_entry *e;
    pthread_mutex_lock(&j->lock);
    while ((e = jobs_find(j, id)) && e->busy)
        pthread_cond_wait(&j->changed, &j->lock);
    p_status status = e && j->halted ? halted_error(j, err) : P_OK;
    if (e && status == P_OK)
        e->busy = true; /* nobody else frees it now */
    pthread_mutex_unlock(&j->lock);
    if (!e)
        return cancel_ended(j, id, err);
    if (status != P_OK)
        return status;

    uint64_t now = jobs_wall_ms();
    status = job_store_finish(j->options.store, id, &end, now, &local);
    pthread_mutex_lock(&j->lock);
    e->busy = false;
    jobs_event event = {.kind = JOBS_EVENT_ENDED, .id = e->id, .state = JOB_CANCELLED};
    if (status == P_OK) {
        bool runs = e->state == JOB_RUNNING;
        j->refusal_told = false;
        event.attempt = e->attempts;
        if (runs && now > e->started_ms)
            event.seconds = (double)(now - e->started_ms) / 1e3;
        if (j->task && j->task->entry == e)
            atomic_store(&j->task->stop, true);
        jobs_retire(j, e, JOB_CANCELLED, now, runs);
    }
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
    if (status == P_OK) {
        jobs_tell(j, &event);
        return P_OK;
    }
    write_failed(j, status, &local);
    return p_err_set(err, status == P_ENOTFOUND ? P_EINTERNAL : status, "%s", local.text);
}

/* ---- looking ---- */

void jobs_view_entry(const jobs *j, const job_entry *e, job_view *out)
{
    *out = (job_view){.id = e->id, .state = e->state, .created_ms = e->created_ms, .text = ""};
    if (e->state == JOB_RUNNING) {
        out->started_ms = e->started_ms;
        out->attempt = e->attempts;
        if (j->task && j->task->entry == e) {
            memcpy(out->stage, j->task->stage, sizeof out->stage);
            out->percent = j->task->percent;
        }
        return;
    }
    out->position = j->task ? 1 : 0;
    for (const job_entry *p = e->previous; p; p = p->previous)
        out->position++;
}

p_status jobs_view_record(job_record *r, job_view *out, p_err *err)
{
    job_record *owner = malloc(sizeof *owner);
    memset(out, 0, sizeof *out);
    if (!owner) {
        job_record_free(r);
        return p_err_set(err, P_EEXHAUSTED, "no memory for the answer");
    }
    *owner = *r;
    *out = (job_view){.id = r->row.id,
                      .state = r->row.state,
                      .created_ms = r->row.created_ms,
                      .started_ms = r->row.started_ms,
                      .ended_ms = r->row.ended_ms,
                      .attempt = r->row.attempts,
                      .text = r->text ? r->text : "",
                      .proof = r->proof,
                      .proof_len = r->proof_len,
                      .publics = r->publics,
                      .publics_len = r->publics_len,
                      .owner = owner};
    return P_OK;
}

p_status jobs_get(jobs *j, const job_id *id, job_view *out, p_err *err)
{
    job_record r;
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&j->lock);
    const job_entry *e = jobs_find(j, id);
    if (e)
        jobs_view_entry(j, e, out);
    pthread_mutex_unlock(&j->lock);
    if (e)
        return P_OK;
    p_status status = job_store_read(j->options.store, id, &r, err);
    if (status == P_ENOTFOUND)
        return p_err_set(err, P_ENOTFOUND, "there is no job %s", id->text);
    return status == P_OK ? jobs_view_record(&r, out, err) : status;
}

void job_view_free(job_view *v)
{
    if (v->owner) {
        job_record_free(v->owner);
        free(v->owner);
    }
    memset(v, 0, sizeof *v);
}

size_t jobs_get_status(jobs *j, jobs_status *out, job_id *ids, size_t capacity)
{
    size_t n = 0;
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&j->lock);
    out->mode = j->halted                 ? JOBS_HALTED
                : j->draining             ? JOBS_DRAINING
                : j->n_entries || j->task ? JOBS_COMPUTING
                                          : JOBS_IDLE;
    if (j->task) {
        out->has_current = true;
        out->current = j->task->id;
        out->current_started_ms = j->task->started_ms;
        memcpy(out->stage, j->task->stage, sizeof out->stage);
        out->percent = j->task->percent;
    }
    out->has_last = j->has_last;
    out->last = j->last_id;
    out->last_ended_ms = j->last_ended_ms;
    out->pending = j->n_pending;
    out->watches = j->n_watches;
    out->submitted = j->submitted;
    memcpy(out->ended, j->ended, sizeof out->ended);
    if (j->halted)
        memcpy(out->halt_reason, j->halt_reason.text, sizeof out->halt_reason);
    for (const job_entry *e = j->first; e && n < capacity; e = e->next)
        ids[n++] = e->id;
    pthread_mutex_unlock(&j->lock);
    return n;
}
