/* The queue of a device, its threads, events and handles. */
#include "driver/base/clock.h"
#include "driver/driver_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists of events ---- */

static void list_push(drv_event_list *l, drv_event *e)
{
    e->next = NULL;
    e->previous = l->last;
    *(l->last ? &l->last->next : &l->first) = e;
    l->last = e;
    l->count++;
}

static void list_remove(drv_event_list *l, drv_event *e)
{
    *(e->previous ? &e->previous->next : &l->first) = e->next;
    *(e->next ? &e->next->previous : &l->last) = e->previous;
    e->previous = e->next = NULL;
    l->count--;
}

/* Takes a job out of the queue for whoever ends it: a runner, drv_cancel, drv_close. Locked. */
static void take(drv_event *e)
{
    list_remove(&e->device->waiting, e);
    e->state = DRV_RUNNING;
    list_push(&e->device->running, e);
}

/* ---- time ---- */

static struct timespec deadline_after(uint32_t ms)
{
    int64_t ns = p_clock_ns(CLOCK_MONOTONIC) + (int64_t)ms * 1000000;
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static p_status monotonic_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    if (pthread_condattr_init(&attr) != 0)
        return P_EEXHAUSTED;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int code = pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
    return code == 0 ? P_OK : P_EEXHAUSTED;
}

/* ---- handles ---- */

/* Drops one reference. Under no lock: the last one calls the back end. */
static void handle_unref(drv_handle *h)
{
    drv_device *d = h->device;

    pthread_mutex_lock(&d->lock);
    bool last = --h->refs == 0;
    pthread_mutex_unlock(&d->lock);
    if (!last)
        return;
    d->backend->object_free(d->impl, h->op, h->object);
    free(h);
    pthread_mutex_lock(&d->lock);
    d->objects--;
    pthread_cond_broadcast(&d->idle);
    pthread_mutex_unlock(&d->lock);
}

void drv_release(drv_handle *handle)
{
    if (!handle)
        return;
    pthread_mutex_lock(&handle->device->lock);
    handle->device->handles--;
    pthread_mutex_unlock(&handle->device->lock);
    handle_unref(handle);
}

p_status drv_commitment_info(const drv_handle *commitment, drv_commitment *out)
{
    if (!commitment || !out || commitment->op != DRV_COMMIT)
        return P_EINVAL;
    *out = commitment->commitment;
    return P_OK;
}

p_status drv_points_info(const drv_handle *points, drv_points *out)
{
    if (!points || !out || points->op != DRV_MSM_LOAD)
        return P_EINVAL;
    *out = points->points;
    return P_OK;
}

/* Where the job wants its handle, or NULL: it makes none, or the caller gave no place. */
static drv_handle **handle_out(const drv_job *job)
{
    switch (job->op) {
    case DRV_COMMIT:
        return job->commit.out;
    case DRV_MSM_LOAD:
        return job->msm_load.out;
    default:
        return NULL;
    }
}

/* ---- the end of a job ---- */

/* e is in the list of running jobs and belongs to the calling thread. object: what the job made,
 * or NULL. */
static void finish(drv_event *e, p_status status, void *object, const p_err *err)
{
    drv_device *d = e->device;
    drv_handle *made = e->makes, *uses = e->uses;

    if (uses) /* first, so that whoever sees the end sees the handle gone, too */
        handle_unref(uses);

    pthread_mutex_lock(&d->lock);
    while (made && status == P_OK && d->closing) { /* nobody could release the handle in time */
        d->objects++;
        pthread_mutex_unlock(&d->lock);
        d->backend->object_free(d->impl, e->job.op, object);
        status = P_ECANCELLED;
        pthread_mutex_lock(&d->lock);
        d->objects--;
    }
    if (made && status == P_OK) {
        made->object = object;
        made->refs = 1;
        d->objects++;
        d->handles++;
        *handle_out(&e->job) = made;
    } else {
        free(made);
    }
    e->uses = e->makes = NULL;
    e->err.status = status;
    if (status == P_OK)
        e->err.text[0] = '\0';
    else
        p_err_set(&e->err, status, "%s on %s: %s", drv_op_name(e->job.op), d->info.name,
                  err->text[0] ? err->text : p_status_text(status));
    list_remove(&d->running, e);
    e->state = DRV_ENDED;
    e->orphan = d->closing;
    if (!e->orphan)
        d->ended++;
    pthread_cond_broadcast(&e->ended);
    pthread_cond_broadcast(&d->idle);
    pthread_mutex_unlock(&d->lock); /* e may be gone from here on */
}

static void finish_cancelled(drv_event *e)
{
    static const p_err none = {P_OK, ""};
    finish(e, P_ECANCELLED, NULL, &none);
}

static void run(drv_event *e)
{
    drv_device *d = e->device;
    void *object = e->uses ? e->uses->object : NULL;
    p_err err = {P_OK, ""};
    p_status s;

    if (p_cancel_requested(&e->cancel)) {
        finish_cancelled(e);
        return;
    }
    s = d->backend->run(d->impl, &e->job, &object, &e->cancel, &err);
    if ((unsigned)s > P_EINTERNAL)
        s = p_err_set(&err, P_EINTERNAL, "the back end answered %d, which is no status", (int)s);
    if (s == P_OK && e->makes && !object)
        s = p_err_set(&err, P_EINTERNAL, "the back end answered P_OK without an object");
    finish(e, s, object, &err);
}

static void *runner_main(void *arg)
{
    drv_device *d = arg;

    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        drv_event *e = d->waiting.first;
        if (!e) {
            pthread_cond_wait(&d->work, &d->lock);
            continue;
        }
        take(e);
        pthread_mutex_unlock(&d->lock);
        run(e);
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* ---- start and stop ---- */

static void join_runners(drv_device *d)
{
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_broadcast(&d->work);
    pthread_mutex_unlock(&d->lock);
    for (unsigned i = 0; i < d->runners; i++)
        pthread_join(d->runner[i], NULL);
}

static void destroy_locks(drv_device *d)
{
    pthread_cond_destroy(&d->idle);
    pthread_cond_destroy(&d->work);
    pthread_mutex_destroy(&d->lock);
}

p_status drv_queue_start(drv_device *d, p_err *err)
{
    if (monotonic_cond(&d->idle) != P_OK)
        return p_err_set(err, P_EEXHAUSTED, "no memory for device %s", d->info.name);
    pthread_cond_init(&d->work, NULL);
    pthread_mutex_init(&d->lock, NULL);
    d->refs = 1;
    for (; d->runners < d->info.jobs; d->runners++) {
        int code = pthread_create(&d->runner[d->runners], NULL, runner_main, d);
        if (code != 0) {
            join_runners(d);
            destroy_locks(d);
            return p_err_set(err, P_EEXHAUSTED, "device %s: thread %u of %" PRIu32 ": %s",
                             d->info.name, d->runners + 1, d->info.jobs, strerror(code));
        }
    }
    return P_OK;
}

p_status drv_queue_stop(drv_device *d, uint32_t timeout_ms, p_err *err)
{
    struct timespec deadline = deadline_after(timeout_ms);
    int code = 0;

    pthread_mutex_lock(&d->lock);
    if (d->handles > 0 || d->ended > 0 || d->buffers > 0) {
        p_status s = p_err_set(err, P_EINVAL,
                               "device %s cannot be closed: %" PRIu64 " handles and %" PRIu64
                               " events are not released, %" PRIu64 " buffers not freed",
                               d->info.name, d->handles, d->ended, d->buffers);
        pthread_mutex_unlock(&d->lock);
        return s;
    }
    d->closing = true;
    for (drv_event *e = d->running.first; e; e = e->next)
        p_cancel_request(&e->cancel);
    while (d->waiting.first) {
        drv_event *e = d->waiting.first;
        p_cancel_request(&e->cancel);
        take(e);
        pthread_mutex_unlock(&d->lock);
        finish_cancelled(e);
        pthread_mutex_lock(&d->lock);
    }
    while ((d->running.count > 0 || d->objects > 0) && code == 0)
        code = pthread_cond_timedwait(&d->idle, &d->lock, &deadline);
    if (d->running.count > 0 || d->objects > 0) {
        p_status s = p_err_set(err, P_EDEADLINE,
                               "device %s: %u jobs have not ended within %" PRIu32
                               " ms of their cancellation; close it again later",
                               d->info.name, d->running.count, timeout_ms);
        pthread_mutex_unlock(&d->lock);
        return s;
    }
    pthread_mutex_unlock(&d->lock);
    join_runners(d);
    return P_OK;
}

void drv_device_unref(drv_device *d)
{
    pthread_mutex_lock(&d->lock);
    bool last = --d->refs == 0;
    pthread_mutex_unlock(&d->lock);
    if (!last)
        return;
    destroy_locks(d);
    free(d);
}

/* ---- submitting ---- */

static p_status make_event(drv_device *d, const drv_job *job, const drv_checked *checked,
                           drv_event **out, p_err *err)
{
    drv_event *e = calloc(1, sizeof *e);
    drv_handle *h = checked->makes ? calloc(1, sizeof *h) : NULL;

    *out = NULL;
    if (!e || (checked->makes && !h) || monotonic_cond(&e->ended) != P_OK) {
        free(e);
        free(h);
        return p_err_set(err, P_EEXHAUSTED, "no memory for a job of device %s", d->info.name);
    }
    e->device = d;
    e->job = *job;
    e->uses = checked->uses;
    e->makes = h;
    if (h) {
        h->device = d;
        h->op = job->op;
        h->borrowed = checked->borrowed;
        if (h->op == DRV_COMMIT)
            h->commitment = checked->commitment;
        else
            h->points = checked->points;
    }
    *out = e;
    return P_OK;
}

static void free_event(drv_event *e)
{
    pthread_cond_destroy(&e->ended);
    free(e->makes);
    free(e);
}

p_status drv_submit(drv_device *device, const drv_job *job, drv_event **event, p_err *err)
{
    drv_checked checked;
    drv_event *e;
    uint64_t bytes;

    if (!event)
        return p_err_set(err, P_EINVAL, "drv_submit: event is NULL");
    *event = NULL;
    if (!device || !job)
        return p_err_set(err, P_EINVAL, "drv_submit: %s is NULL", device ? "job" : "device");
    if (handle_out(job))
        *handle_out(job) = NULL;
    p_status s = drv_ask(device, job, false, &checked, &bytes, err);
    if (s != P_OK)
        return s;
    if (bytes > device->info.memory_bytes)
        return p_err_set(err, P_EEXHAUSTED,
                         "%s on %s needs %" PRIu64 " bytes; the device has %" PRIu64,
                         drv_op_name(job->op), device->info.name, bytes, device->info.memory_bytes);
    s = make_event(device, job, &checked, &e, err);
    if (s != P_OK)
        return s;

    pthread_mutex_lock(&device->lock);
    if (device->closing)
        s = p_err_set(err, P_EUNAVAILABLE, "device %s is being closed", device->info.name);
    else if (device->waiting.count >= DRV_MAX_WAITING)
        s = p_err_set(err, P_EEXHAUSTED, "%u jobs wait for device %s; expected fewer than %d",
                      device->waiting.count, device->info.name, DRV_MAX_WAITING);
    if (s == P_OK) {
        if (e->uses)
            e->uses->refs++;
        device->refs++;
        list_push(&device->waiting, e);
        pthread_cond_signal(&device->work);
        *event = e;
    }
    pthread_mutex_unlock(&device->lock);
    if (s != P_OK)
        free_event(e);
    return s;
}

/* ---- events ---- */

p_status drv_wait(drv_event *event, uint32_t timeout_ms, p_err *err)
{
    if (!event)
        return p_err_set(err, P_EINVAL, "drv_wait: event is NULL");
    struct timespec deadline = deadline_after(timeout_ms);
    drv_device *d = event->device;
    int code = 0;
    p_status s;

    pthread_mutex_lock(&d->lock);
    while (event->state != DRV_ENDED && timeout_ms > 0 && code == 0)
        code = pthread_cond_timedwait(&event->ended, &d->lock, &deadline);
    if (event->state != DRV_ENDED)
        s = p_err_set(err, P_EDEADLINE, "%s on %s goes on after %" PRIu32 " ms",
                      drv_op_name(event->job.op), d->info.name, timeout_ms);
    else if ((s = event->err.status) != P_OK && err)
        *err = event->err;
    pthread_mutex_unlock(&d->lock);
    return s;
}

bool drv_ended(drv_event *event)
{
    if (!event)
        return true;
    pthread_mutex_lock(&event->device->lock);
    bool ended = event->state == DRV_ENDED;
    pthread_mutex_unlock(&event->device->lock);
    return ended;
}

void drv_cancel(drv_event *event)
{
    if (!event)
        return;
    drv_device *d = event->device;

    p_cancel_request(&event->cancel);
    pthread_mutex_lock(&d->lock);
    bool waits = event->state == DRV_WAITING;
    if (waits)
        take(event);
    pthread_mutex_unlock(&d->lock);
    if (waits) /* at once, not when a runner gets to it */
        finish_cancelled(event);
}

p_status drv_event_release(drv_event *event)
{
    if (!event)
        return P_OK;
    drv_device *d = event->device;

    pthread_mutex_lock(&d->lock);
    bool ended = event->state == DRV_ENDED;
    if (ended && !event->orphan)
        d->ended--;
    pthread_mutex_unlock(&d->lock);
    if (!ended)
        return P_EINVAL;
    free_event(event);
    drv_device_unref(d);
    return P_OK;
}

p_status drv_run(drv_device *device, const drv_job *job, uint32_t timeout_ms, p_err *err)
{
    drv_event *event;
    p_err given_up = {P_OK, ""};
    p_status s = drv_submit(device, job, &event, err);

    if (s != P_OK)
        return s;
    s = drv_wait(event, timeout_ms, err);
    if (s == P_EDEADLINE && !drv_ended(event)) {
        drv_cancel(event);
        do
            s = drv_wait(event, UINT32_MAX, &given_up);
        while (s == P_EDEADLINE && !drv_ended(event));
        if (s == P_ECANCELLED)
            s = p_err_set(err, P_EDEADLINE, "%s on %s was cancelled after %" PRIu32 " ms",
                          drv_op_name(job->op), drv_device_info(device)->name, timeout_ms);
        else if (s == P_OK)
            p_err_clear(err);
        else if (err)
            *err = given_up;
    }
    drv_event_release(event);
    return s;
}
