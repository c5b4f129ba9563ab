/* Watches: a heap of deadlines, a list at each job, and two threads that answer: one from memory
 * (time-outs, drain), one from the store (ends). No watch has a thread. */
#include "host/jobs/jobs_internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TIMEOUT_MS (UINT64_C(1000) * 86400 * 3650)
#define RETAIN_EVERY_MS 60000

static uint64_t now_ms(void)
{
    return (uint64_t)p_clock_ms(CLOCK_MONOTONIC);
}

/* ---- lists ---- */

static void list_push(watch_list *l, watch *w)
{
    w->next = NULL;
    w->previous = l->last;
    *(l->last ? &l->last->next : &l->first) = w;
    l->last = w;
}

static void list_remove(watch_list *l, watch *w)
{
    *(w->previous ? &w->previous->next : &l->first) = w->next;
    *(w->next ? &w->next->previous : &l->last) = w->previous;
    w->previous = w->next = NULL;
}

static watch *list_pop(watch_list *l)
{
    watch *w = l->first;
    if (w)
        list_remove(l, w);
    return w;
}

/* ---- the heap: a binary one, earliest deadline on top ---- */

static void heap_put(jobs *j, size_t i, watch *w)
{
    j->heap[i] = w;
    w->heap_index = i;
}

static void heap_up(jobs *j, size_t i, watch *w)
{
    while (i && j->heap[(i - 1) / 2]->deadline_ms > w->deadline_ms) {
        heap_put(j, i, j->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_put(j, i, w);
}

static void heap_down(jobs *j, size_t i, watch *w)
{
    for (size_t child; (child = 2 * i + 1) < j->heap_n; i = child) {
        if (child + 1 < j->heap_n && j->heap[child + 1]->deadline_ms < j->heap[child]->deadline_ms)
            child++;
        if (j->heap[child]->deadline_ms >= w->deadline_ms)
            break;
        heap_put(j, i, j->heap[child]);
    }
    heap_put(j, i, w);
}

static void heap_remove(jobs *j, watch *w)
{
    size_t i = w->heap_index;
    watch *last = j->heap[--j->heap_n];
    if (last == w)
        return;
    if (i && j->heap[(i - 1) / 2]->deadline_ms > last->deadline_ms)
        heap_up(j, i, last);
    else
        heap_down(j, i, last);
}

/* ---- where a watch is ---- */

static void attach(jobs *j, watch *w, job_entry *e)
{
    w->place = WATCH_ATTACHED;
    w->entry = e;
    list_push(&e->watches, w);
    heap_up(j, j->heap_n++, w);
    if (j->heap[0] == w)
        pthread_cond_signal(&j->timer_wake);
}

static void detach(jobs *j, watch *w)
{
    list_remove(&w->entry->watches, w);
    heap_remove(j, w);
    w->entry = NULL;
}

static void to_ready(jobs *j, watch *w, jobs_why why)
{
    w->place = WATCH_READY;
    w->why = why;
    list_push(&j->ready, w);
    pthread_cond_signal(&j->timer_wake);
}

static void to_lookups(jobs *j, watch *w)
{
    w->place = WATCH_LOOKUP;
    list_push(&j->lookups, w);
    pthread_cond_signal(&j->reader_wake);
}

/** Where a watch belongs whose job may be active. */
static void place(jobs *j, watch *w)
{
    job_entry *e = jobs_find(j, &w->id);
    if (!e)
        to_lookups(j, w);
    else if (j->halted)
        to_ready(j, w, JOBS_WHY_HALT);
    else if (j->draining)
        to_ready(j, w, JOBS_WHY_DRAIN);
    else if (w->deadline_ms == 0)
        to_ready(j, w, JOBS_WHY_TIMEOUT);
    else
        attach(j, w, e);
}

void jobs_watches_ended(jobs *j, job_entry *e)
{
    for (watch *w; (w = e->watches.first);) {
        detach(j, w);
        to_lookups(j, w);
    }
}

void jobs_watches_all(jobs *j, jobs_why why)
{
    while (j->heap_n) {
        watch *w = j->heap[j->heap_n - 1];
        detach(j, w);
        to_ready(j, w, why);
    }
}

/* ---- tickets ---- */

/** A slot for one more watch, with room for it in the heap. */
static bool take_slot(jobs *j, uint32_t *out)
{
    if (j->free_slot != UINT32_MAX) {
        *out = j->free_slot;
        j->free_slot = j->slots[*out].next_free;
        return true;
    }
    if (j->n_slots == j->slots_capacity) {
        size_t capacity = j->slots_capacity ? 2 * j->slots_capacity : 64;
        if (capacity > j->options.max_watches)
            capacity = j->options.max_watches;
        watch_slot *slots = realloc(j->slots, capacity * sizeof *slots);
        if (!slots)
            return false;
        j->slots = slots;
        watch **heap = realloc(j->heap, capacity * sizeof(watch *));
        if (!heap)
            return false;
        j->heap = heap;
        j->slots_capacity = capacity;
    }
    *out = (uint32_t)j->n_slots++;
    j->slots[*out] = (watch_slot){.generation = 1};
    return true;
}

static void release(jobs *j, watch *w)
{
    watch_slot *s = &j->slots[w->slot];
    s->watch = NULL;
    s->generation++;
    s->next_free = j->free_slot;
    j->free_slot = w->slot;
    j->n_watches--;
    free(w);
}

p_status jobs_watch(jobs *j, const job_id *id, uint64_t timeout_ms, jobs_watch_fn *fn, void *ctx,
                    uint64_t *ticket, p_err *err)
{
    watch *w = calloc(1, sizeof *w);
    if (!w)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a waiting request");
    *w = (watch){.id = *id, .fn = fn, .ctx = ctx};
    if (timeout_ms)
        w->deadline_ms = 1 + now_ms() + /* one more: the clock is cut to milliseconds */
                         (timeout_ms < MAX_TIMEOUT_MS ? timeout_ms : MAX_TIMEOUT_MS);
    pthread_mutex_lock(&j->lock);
    if (j->n_watches >= j->options.max_watches) {
        pthread_mutex_unlock(&j->lock);
        free(w);
        return p_err_set(err, P_EEXHAUSTED,
                         "%zu requests wait for jobs already, which is the limit; try again later",
                         j->options.max_watches);
    }
    if (!take_slot(j, &w->slot)) {
        pthread_mutex_unlock(&j->lock);
        free(w);
        return p_err_set(err, P_EEXHAUSTED, "no memory for a waiting request");
    }
    watch_slot *s = &j->slots[w->slot];
    s->watch = w;
    if (ticket)
        *ticket = (uint64_t)s->generation << 32 | w->slot;
    j->n_watches++;
    place(j, w);
    pthread_mutex_unlock(&j->lock);
    return P_OK;
}

void jobs_watch_drop(jobs *j, uint64_t ticket)
{
    uint32_t slot = (uint32_t)ticket;
    pthread_mutex_lock(&j->lock);
    if (slot < j->n_slots && j->slots[slot].generation == (uint32_t)(ticket >> 32)) {
        watch *w = j->slots[slot].watch;
        if (w && w->place == WATCH_ATTACHED) {
            detach(j, w);
            to_ready(j, w, JOBS_WHY_DROPPED);
        }
    }
    pthread_mutex_unlock(&j->lock);
}

/* ---- answering ---- */

/** Calls back without the lock and forgets the watch. */
static void answer(jobs *j, watch *w, jobs_why why, const job_view *view, const p_err *err)
{
    pthread_mutex_unlock(&j->lock);
    w->fn(w->ctx, why, view, err);
    pthread_mutex_lock(&j->lock);
    release(j, w);
}

/** Answers a watch of the ready list from memory. */
static void answer_ready(jobs *j, watch *w)
{
    job_view view;
    w->place = WATCH_TAKEN;
    if (w->why == JOBS_WHY_DROPPED) {
        answer(j, w, JOBS_WHY_DROPPED, NULL, NULL);
        return;
    }
    const job_entry *e = jobs_find(j, &w->id);
    if (!e) { /* ended in this moment: the better answer */
        to_lookups(j, w);
        return;
    }
    jobs_view_entry(j, e, &view);
    if (w->why == JOBS_WHY_HALT) {
        p_err reason = j->halt_reason;
        answer(j, w, JOBS_WHY_HALT, &view, &reason);
    } else {
        answer(j, w, w->why, &view, NULL);
    }
}

void *jobs_timer_thread(void *arg)
{
    jobs *j = arg;
    pthread_mutex_lock(&j->lock);
    for (;;) {
        uint64_t now = now_ms();
        while (j->heap_n && j->heap[0]->deadline_ms <= now) {
            watch *w = j->heap[0];
            detach(j, w);
            to_ready(j, w, JOBS_WHY_TIMEOUT);
        }
        watch *w = list_pop(&j->ready);
        if (w)
            answer_ready(j, w);
        else if (j->timer_ending)
            break;
        else if (j->heap_n)
            jobs_wait_ms(j, &j->timer_wake, j->heap[0]->deadline_ms - now);
        else
            pthread_cond_wait(&j->timer_wake, &j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/** Answers a watch of the lookup list from the store. */
static void answer_lookup(jobs *j, watch *w)
{
    job_record record;
    job_view view = {0};
    p_err err = {0};
    w->place = WATCH_TAKEN;
    pthread_mutex_unlock(&j->lock);
    p_status status = job_store_read(j->options.store, &w->id, &record, &err);
    if (status == P_OK)
        status = jobs_view_record(&record, &view, &err);
    pthread_mutex_lock(&j->lock);
    if (status == P_ENOTFOUND) {
        answer(j, w, JOBS_WHY_UNKNOWN, NULL, NULL);
    } else if (status != P_OK) {
        answer(j, w, JOBS_WHY_FAILED, NULL, &err);
    } else if (job_state_is_final(view.state)) {
        answer(j, w, JOBS_WHY_ENDED, &view, NULL);
    } else if (jobs_find(j, &w->id)) { /* submitted between the two looks */
        place(j, w);
    } else {
        answer(j, w, JOBS_WHY_TIMEOUT, &view, NULL);
    }
    job_view_free(&view);
}

/** Deletes what is older or more than configured; a step at a time while watches wait. */
static void retain(jobs *j, bool *in_trouble)
{
    const jobs_options *o = &j->options;
    uint64_t now = jobs_wall_ms(), deleted = 0;
    p_err err = {0};
    j->retain_due = false;
    if ((!o->retain_ms && !o->retain_max) || j->halted)
        return;
    pthread_mutex_unlock(&j->lock);
    uint64_t older = o->retain_ms && now > o->retain_ms ? now - o->retain_ms : 0;
    p_status status = job_store_retain(o->store, older, o->retain_max, &deleted, &err);
    if (deleted) {
        jobs_event event = {.kind = JOBS_EVENT_RETAINED, .count = deleted};
        jobs_tell(j, &event);
    }
    if (status != P_OK && !*in_trouble) { /* said once, until it works again */
        jobs_event event = {.kind = JOBS_EVENT_TROUBLE, .text = err.text};
        jobs_tell(j, &event);
    }
    *in_trouble = status != P_OK;
    pthread_mutex_lock(&j->lock);
    if (jobs_is_fatal(status) && jobs_halt_locked(j, status, err.text)) {
        pthread_mutex_unlock(&j->lock);
        jobs_tell_halt(j);
        pthread_mutex_lock(&j->lock);
    }
    if (deleted == JOB_STORE_RETAIN_STEP)
        j->retain_due = true;
}

void *jobs_reader_thread(void *arg)
{
    jobs *j = arg;
    bool in_trouble = false;
    double last = jobs_monotonic();
    pthread_mutex_lock(&j->lock);
    for (;;) {
        watch *w = list_pop(&j->lookups);
        if (w) {
            answer_lookup(j, w);
        } else if (j->reader_ending) {
            /* place() puts nothing into ready or the heap that stays there: the timer has ended,
             * so what answer_lookup gave back is answered here */
            if (!(w = list_pop(&j->ready)))
                break;
            answer_ready(j, w);
        } else if (j->retain_due || jobs_monotonic() - last > RETAIN_EVERY_MS / 1e3) {
            last = jobs_monotonic();
            retain(j, &in_trouble);
        } else {
            jobs_wait_ms(j, &j->reader_wake, RETAIN_EVERY_MS);
        }
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}
