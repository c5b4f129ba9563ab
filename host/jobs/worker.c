/* The worker: takes the oldest job, runs it, stores its end. */
#include "host/jobs/jobs_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Between attempts to store something on a full disk. */
#define RETRY_MS 1000

/* ---- the task as the run function sees it ---- */

bool job_task_should_stop(const job_task *task)
{
    return atomic_load_explicit(&task->stop, memory_order_relaxed);
}

bool job_task_should_stop_fn(void *task)
{
    return job_task_should_stop(task);
}

const job_id *job_task_id(const job_task *task)
{
    return &task->id;
}

const uint8_t *job_task_request(const job_task *task, size_t *len)
{
    *len = task->request_len;
    return task->request;
}

void job_task_drop_request(job_task *task)
{
    free(task->request);
    task->request = NULL;
    task->request_len = 0;
}

unsigned job_task_attempt(const job_task *task)
{
    return task->attempt;
}

/** Begins a stage, or ends the last one (stage NULL); tells how long the previous one took. */
static void set_stage(job_task *task, const char *stage, unsigned percent)
{
    jobs *j = task->owner;
    char ended[JOB_STAGE_BYTES] = "";
    double now = jobs_monotonic();
    jobs_event event = {.kind = JOBS_EVENT_STAGE,
                        .id = task->id,
                        .state = JOB_RUNNING,
                        .stage = ended,
                        .attempt = task->attempt};
    pthread_mutex_lock(&j->lock);
    if (!stage || strncmp(stage, task->stage, JOB_STAGE_BYTES - 1) != 0) {
        memcpy(ended, task->stage, sizeof ended);
        event.seconds = now - task->stage_began;
        snprintf(task->stage, sizeof task->stage, "%s", stage ? stage : "");
        task->stage_began = now;
    }
    task->percent = percent < 100 ? percent : 100;
    pthread_mutex_unlock(&j->lock);
    if (ended[0])
        jobs_tell(j, &event);
}

void job_task_progress(job_task *task, const char *stage, unsigned percent)
{
    set_stage(task, stage, percent);
}

static bool task_cancelled(job_task *task)
{
    jobs *j = task->owner;
    pthread_mutex_lock(&j->lock);
    bool cancelled = !task->entry;
    pthread_mutex_unlock(&j->lock);
    return cancelled;
}

/** Halts after a failed write, if that was fatal. Unlocked. */
static void failed(jobs *j, p_status status, const p_err *err)
{
    pthread_mutex_lock(&j->lock);
    bool first = jobs_is_fatal(status) && jobs_halt_locked(j, status, err->text);
    pthread_mutex_unlock(&j->lock);
    if (first)
        jobs_tell_halt(j);
}

p_status job_task_checkpoint(job_task *task, const char *stage, const uint8_t *bytes, size_t len,
                             p_err *err)
{
    jobs *j = task->owner;
    p_err local = {0};
    p_status status = job_store_checkpoint(j->options.store, &task->id, stage, bytes, len,
                                           jobs_wall_ms(), &local);
    if (status == P_OK)
        return P_OK;
    if (status == P_ENOTFOUND && (job_task_should_stop(task) || task_cancelled(task)))
        return p_err_set(err, P_ECANCELLED, "job %s was cancelled", task->id.text);
    failed(j, status, &local);
    return p_err_set(err, status, "%s", local.text);
}

p_status job_task_resume(job_task *task, const char *stage, uint8_t **bytes, size_t *len,
                         p_err *err)
{
    return job_store_checkpoint_read(task->owner->options.store, &task->id, stage, bytes, len, err);
}

/* ---- running ---- */

static void trouble(jobs *j, const job_entry *e, const p_err *err)
{
    jobs_event event = {
        .kind = JOBS_EVENT_TROUBLE, .id = e->id, .state = e->state, .text = err->text};
    jobs_tell(j, &event);
}

/** Stores the end of an entry that this thread has marked busy; lock held before and after. True:
 *  the entry is gone. While the disk is full it tries again, and lets others (cancel) decide in
 *  between; false: it was decided otherwise (halt, drain), the entry is not busy. */
static bool store_end(jobs *j, const job_id *id, const job_store_end *end, bool computed,
                      jobs_event *event)
{
    bool told = false;
    for (;;) {
        job_entry *e = jobs_find(j, id); /* busy, so it is there */
        uint64_t now = jobs_wall_ms();
        p_err err = {0};
        pthread_mutex_unlock(&j->lock);
        p_status status = job_store_finish(j->options.store, id, end, now, &err);
        if (status != P_OK && !jobs_is_fatal(status) && !told)
            trouble(j, e, &err);
        told = true;
        if (status != P_OK)
            failed(j, status, &err);
        pthread_mutex_lock(&j->lock);
        e->busy = false;
        pthread_cond_broadcast(&j->changed);
        if (status == P_OK) {
            if (computed && now > e->started_ms)
                event->seconds = (double)(now - e->started_ms) / 1e3;
            jobs_retire(j, e, end->state, now, computed);
            return true;
        }
        if (j->halted || j->draining)
            return false;
        double until = jobs_monotonic() + RETRY_MS / 1e3;
        for (double t;
             !j->halted && (t = jobs_monotonic()) < until && jobs_find(j, id) && !j->draining;)
            jobs_wait_ms(j, &j->changed, (uint64_t)((until - t) * 1e3) + 1);
        while ((e = jobs_find(j, id)) && e->busy)
            pthread_cond_wait(&j->changed, &j->lock);
        if (!e || j->halted)
            return false;
        e->busy = true; /* once more, also when draining has begun meanwhile */
    }
}

/** pending -> running in the store. Lock held before and after; false: not now. */
static bool start_entry(jobs *j, job_entry *e, bool *told)
{
    p_err err = {0};
    uint64_t now = jobs_wall_ms();
    e->busy = true;
    pthread_mutex_unlock(&j->lock);
    p_status status = job_store_start(j->options.store, &e->id, now, &err);
    if (status != P_OK && !jobs_is_fatal(status) && !*told)
        trouble(j, e, &err);
    *told = status != P_OK;
    if (status != P_OK)
        failed(j, status, &err);
    pthread_mutex_lock(&j->lock);
    e->busy = false;
    pthread_cond_broadcast(&j->changed);
    if (status != P_OK)
        return false;
    jobs_dequeue(j, e);
    e->state = JOB_RUNNING;
    e->started_ms = now;
    e->attempts++;
    return true;
}

/** A job that has brought the process down too often. Lock held; the entry is not busy. */
static void give_up(jobs *j, job_entry *e)
{
    char text[160];
    job_id id = e->id;
    unsigned attempts = e->attempts;
    snprintf(
        text, sizeof text,
        "the server ended %u times while it worked on this job, and does not try it again; see "
        "its log",
        attempts);
    job_store_end end = {.state = JOB_INTERNAL_ERROR, .text = text};
    jobs_event event = {.kind = JOBS_EVENT_ENDED,
                        .id = id,
                        .state = JOB_INTERNAL_ERROR,
                        .text = text,
                        .attempt = attempts};
    e->busy = true;
    if (store_end(j, &id, &end, false, &event)) {
        pthread_mutex_unlock(&j->lock);
        jobs_tell(j, &event);
        pthread_mutex_lock(&j->lock);
    }
}

/** Loads the request and calls the run function. Unlocked. */
static job_end execute(jobs *j, job_task *task, job_result *result)
{
    p_err err = {0};
    p_status status =
        job_store_request(j->options.store, &task->id, &task->request, &task->request_len, &err);
    if (status != P_OK) {
        if (status == P_ENOTFOUND)
            p_err_set(&err, status, "the job is gone");
        p_err_prefix(&err, "the stored request cannot be read");
        snprintf(result->text, sizeof result->text, "%s", err.text);
        return JOB_END_INTERNAL_ERROR;
    }
    job_end end = j->options.run(j->options.run_ctx, task, result);
    result->text[sizeof result->text - 1] = 0;
    if (end == JOB_END_COMPLETED_OK && (!result->proof || !result->publics)) {
        snprintf(result->text, sizeof result->text,
                 "the prover reported success without a proof and its public inputs");
        end = JOB_END_INTERNAL_ERROR;
    }
    if (end == JOB_END_STOPPED && !job_task_should_stop(task)) {
        snprintf(result->text, sizeof result->text, "the prover stopped although nobody asked");
        end = JOB_END_INTERNAL_ERROR;
    }
    return end;
}

/** Puts a stopped job back. Lock held before and after; its entry is running and not busy. */
static void give_back(jobs *j, job_entry *e)
{
    p_err err = {0};
    jobs_event event = {
        .kind = JOBS_EVENT_RETURNED, .id = e->id, .state = JOB_PENDING, .attempt = e->attempts};
    e->busy = true;
    bool halted = j->halted;
    pthread_mutex_unlock(&j->lock);
    /* if it cannot be stored, the next opening does the same */
    p_status status = halted ? P_EUNAVAILABLE : job_store_give_back(j->options.store, &e->id, &err);
    if (!halted && status != P_OK) {
        trouble(j, e, &err);
        failed(j, status, &err);
    }
    pthread_mutex_lock(&j->lock);
    e->busy = false;
    e->state = JOB_PENDING;
    e->started_ms = 0;
    e->attempts -= e->attempts ? 1 : 0;
    if (j->task)
        j->task->entry = NULL;
    jobs_enqueue(j, e);
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
    jobs_tell(j, &event);
    pthread_mutex_lock(&j->lock);
}

static job_state state_of(job_end end)
{
    switch (end) {
    case JOB_END_COMPLETED_OK:
        return JOB_COMPLETED_OK;
    case JOB_END_COMPLETED_ERROR:
        return JOB_COMPLETED_ERROR;
    default:
        return JOB_INTERNAL_ERROR;
    }
}

/** Stores what a run ended with, unless the job was cancelled meanwhile. Lock held. */
static void conclude(jobs *j, job_task *task, job_end how, const job_result *result)
{
    while (task->entry && task->entry->busy)
        pthread_cond_wait(&j->changed, &j->lock);
    job_entry *e = task->entry;
    if (!e)
        return;
    if (how == JOB_END_STOPPED) {
        give_back(j, e);
        return;
    }
    if (j->halted) /* it cannot be stored; the next start runs the job again */
        return;
    bool ok = how == JOB_END_COMPLETED_OK;
    job_store_end end = {.state = state_of(how),
                         .text = result->text[0] ? result->text : NULL,
                         .proof = ok ? result->proof : NULL,
                         .proof_len = ok ? result->proof_len : 0,
                         .publics = ok ? result->publics : NULL,
                         .publics_len = ok ? result->publics_len : 0};
    jobs_event event = {.kind = JOBS_EVENT_ENDED,
                        .id = task->id,
                        .state = end.state,
                        .text = end.text,
                        .attempt = task->attempt};
    e->busy = true;
    if (store_end(j, &task->id, &end, true, &event)) {
        j->task = NULL; /* whoever has the answer sees no job computed any more */
        pthread_mutex_unlock(&j->lock);
        jobs_tell(j, &event);
        pthread_mutex_lock(&j->lock);
    }
}

/** One started job from its request to its end. Lock held before and after. */
static void run_entry(jobs *j, job_entry *e)
{
    job_task task = {.owner = j,
                     .id = e->id,
                     .attempt = e->attempts,
                     .entry = e,
                     .started_ms = e->started_ms,
                     .stage_began = jobs_monotonic()};
    job_result result = {.text = ""};
    jobs_event event = {
        .kind = JOBS_EVENT_STARTED, .id = e->id, .state = JOB_RUNNING, .attempt = e->attempts};
    atomic_init(&task.stop, j->draining || j->halted);
    j->task = &task;
    pthread_mutex_unlock(&j->lock);
    jobs_tell(j, &event);
    job_end end = execute(j, &task, &result);
    job_task_drop_request(&task);
    set_stage(&task, NULL, 0);
    pthread_mutex_lock(&j->lock);
    conclude(j, &task, end, &result);
    j->task = NULL;
    free(result.proof);
    free(result.publics);
}

void *jobs_worker_thread(void *arg)
{
    jobs *j = arg;
    bool told = false;
    pthread_mutex_lock(&j->lock);
    while (!j->draining && !j->halted) {
        job_entry *e = j->first;
        if (!e || e->busy) { /* busy: being cancelled, so it will leave or become free */
            pthread_cond_wait(&j->changed, &j->lock);
            continue;
        }
        j->working = true;
        if (j->options.max_attempts && e->attempts >= j->options.max_attempts)
            give_up(j, e);
        else if (start_entry(j, e, &told))
            run_entry(j, e);
        else if (!j->halted && !j->draining)
            jobs_wait_ms(j, &j->changed, RETRY_MS);
        j->working = false;
        pthread_cond_broadcast(&j->changed);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}
