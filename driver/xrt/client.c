/* The calls of card_ops: they queue for the thread of client_io.c and wait. */
#include "driver/xrt/client_internal.h"

#include "driver/base/clock.h"
#include "driver/xrt/kernel_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 8
#define SLOT_ROWS ((uint64_t)1 << 16) /* 4 MiB: one block of eight columns of 2^16 rows */
#define ALLOC_MS 20000                /* the system may have to find many GiB of pages for XRT */

/* ---- life ---- */

static p_status copy_text(char *out, size_t size, const char *text, const char *what, p_err *err)
{
    if (strlen(text) >= size)
        return p_err_set(err, P_EINVAL, "%s has %zu bytes, expected at most %zu", what,
                         strlen(text), size - 1);
    memcpy(out, text, strlen(text) + 1);
    return P_OK;
}

static void init_sync(xrt_client *c)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void destroy(xrt_client *c)
{
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c->frees);
    free(c);
}

p_status xrt_client_open(const xrt_client_options *options, xrt_client **out, p_err *err)
{
    xrt_client *c = calloc(1, sizeof *c);

    *out = NULL;
    if (!c)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a card");
    c->device = options->device;
    c->slot_count = options->slots ? options->slots : SLOTS;
    c->slot_rows = options->slot_rows ? options->slot_rows : SLOT_ROWS;
    c->socket = c->staging_fd = c->wake = -1;
    c->pid = -1;
    c->next_id = c->next_buffer = 1;
    p_status s = copy_text(c->program, sizeof c->program, options->program, "zkp-card's path", err);
    if (s == P_OK)
        s = copy_text(c->bitstreams, sizeof c->bitstreams, options->bitstreams,
                      "the folder of images", err);
    if (s == P_OK)
        s = copy_text(c->image, sizeof c->image, options->image ? options->image : "",
                      "an image's name", err);
    if (s != P_OK) {
        free(c);
        return s;
    }
    init_sync(c);
    s = xrt_io_start(c, err);
    if (s != P_OK) {
        destroy(c);
        return s;
    }
    *out = c;
    return P_OK;
}

static void card_close(void *card)
{
    xrt_io_stop(card, true);
    destroy(card);
}

static p_status card_reset(void *card, p_err *err)
{
    xrt_client *c = card;

    xrt_io_stop(c, false);
    return xrt_io_start(c, err);
}

static void card_caps_get(void *card, card_caps *out)
{
    xrt_client *c = card;

    *out = c->caps; /* constant once open */
}

const char *xrt_client_about(const xrt_client *client)
{
    return client->about;
}

int xrt_client_pid(xrt_client *c)
{
    pthread_mutex_lock(&c->lock);
    int pid = (int)c->pid;
    pthread_mutex_unlock(&c->lock);
    return pid;
}

/* ---- waiting ---- */

static struct timespec deadline(uint64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* The lock is held. */
static p_status lost(const xrt_client *c, p_err *err)
{
    return p_err_set(err, P_EDEVICE, "%s", c->lost.text);
}

static p_status card_wait(void *card, card_ticket *t, uint32_t timeout_ms, p_err *err)
{
    xrt_client *c = card;
    struct timespec until = deadline(timeout_ms);
    int rc = 0;

    pthread_mutex_lock(&c->lock);
    while (!t->ended && rc == 0)
        rc = timeout_ms > 0 ? pthread_cond_timedwait(&c->changed, &c->lock, &until) : ETIMEDOUT;
    bool ended = t->ended;
    p_status s = !ended ? p_err_set(err, P_EDEADLINE, "the card is still at it") : t->status;
    if (ended && s != P_OK)
        s = lost(c, err);
    pthread_mutex_unlock(&c->lock);
    if (ended)
        free(t);
    return s;
}

/* ---- buffers ---- */

static p_status card_alloc(void *card, card_side side, uint64_t rows, card_buffer **out, p_err *err)
{
    xrt_client *c = card;
    card_buffer *b = calloc(1, sizeof *b);
    p_status s = P_OK;
    int rc = 0;

    *out = NULL;
    if (!b)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a card's buffer");
    if (rows == 0 || rows > XRT_MAX_ROWS) {
        free(b);
        return p_err_set(err, P_EINVAL, "a card's buffer of %" PRIu64 " rows", rows);
    }
    pthread_mutex_lock(&c->lock);
    *b = (card_buffer){c->next_buffer++, rows, side, c->generation};
    struct timespec until = deadline(ALLOC_MS);
    if (c->state == XRT_RUNNING) {
        xrt_message_init(&c->alloc.message, XRT_ALLOC, c->next_id++);
        c->alloc.message.alloc.buffer = b->id;
        c->alloc.message.alloc.rows = rows;
        c->alloc.message.alloc.side = (uint32_t)side;
        c->alloc.sent = c->alloc.answered = false;
        xrt_io_wake(c);
    }
    while (c->state == XRT_RUNNING && !c->alloc.answered && rc == 0)
        rc = pthread_cond_timedwait(&c->changed, &c->lock, &until);
    if (c->state != XRT_RUNNING)
        s = lost(c, err);
    else if (!c->alloc.answered)
        s = p_err_set(err, P_EDEVICE, "zkp-card does not answer");
    else if (c->alloc.answer.status != P_OK)
        s = p_err_set(err, c->alloc.answer.status, "%s", c->alloc.answer.text);
    c->alloc.sent = true;
    pthread_mutex_unlock(&c->lock);
    if (s == P_OK)
        *out = b;
    else
        free(b);
    return s;
}

static void card_free(void *card, card_buffer *b)
{
    xrt_client *c = card;

    if (!b)
        return;
    pthread_mutex_lock(&c->lock);
    if (c->state == XRT_RUNNING && b->generation == c->generation) {
        if (c->free_count == c->free_room) {
            size_t room = c->free_room ? 2 * c->free_room : 64;
            uint64_t *more = realloc(c->frees, room * sizeof *more);
            if (more) {
                c->frees = more;
                c->free_room = room;
            }
        }
        /* without memory for the list the rows stay taken until the next reset */
        if (c->free_count < c->free_room)
            c->frees[c->free_count++] = b->id;
        xrt_io_wake(c);
    }
    pthread_mutex_unlock(&c->lock);
    free(b);
}

/* ---- commands ---- */

static p_status start(xrt_client *c, xrt_queue *queue, card_ticket *t, card_ticket **out,
                      p_err *err)
{
    p_status s = P_OK;

    pthread_mutex_lock(&c->lock);
    if (c->state != XRT_RUNNING) {
        s = lost(c, err);
    } else {
        if (queue->last)
            queue->last->next = t;
        else
            queue->first = t;
        queue->last = t;
        t->all_next = c->all;
        if (c->all)
            c->all->all_last = t;
        c->all = t;
        xrt_io_wake(c);
    }
    pthread_mutex_unlock(&c->lock);
    if (s == P_OK)
        *out = t;
    else
        free(t);
    return s;
}

static p_status transfer(xrt_client *c, card_buffer *b, uint64_t row, uint64_t rows, void *data,
                         bool is_write, card_ticket **out, p_err *err)
{
    *out = NULL;
    if (rows == 0 || row > b->rows || rows > b->rows - row)
        return p_err_set(err, P_EINVAL, "rows %" PRIu64 " + %" PRIu64 " of a buffer of %" PRIu64,
                         row, rows, b->rows);
    card_ticket *t = calloc(1, sizeof *t);
    if (!t)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a transfer");
    t->buffer = b->id;
    t->row = row;
    t->rows = rows;
    t->data = data;
    t->is_write = is_write;
    return start(c, is_write ? &c->writes : &c->reads, t, out, err);
}

static p_status card_start_write(void *card, card_buffer *b, uint64_t row, uint64_t rows,
                                 const void *data, card_ticket **out, p_err *err)
{
    return transfer(card, b, row, rows, (void *)(uintptr_t)data, true, out, err);
}

static p_status card_start_read(void *card, card_buffer *b, uint64_t row, uint64_t rows, void *data,
                                card_ticket **out, p_err *err)
{
    return transfer(card, b, row, rows, data, false, out, err);
}

static p_status card_start_run(void *card, card_kernel kernel, uint32_t unit, const card_arg *args,
                               size_t count, card_ticket **out, p_err *err)
{
    xrt_client *c = card;

    *out = NULL;
    if (kernel >= CARD_KERNELS || unit >= c->caps.units[kernel] ||
        count != xrt_kernel_get(kernel)->count)
        return p_err_set(err, P_EINVAL, "a run of unit %" PRIu32 " of kernel %d with %zu arguments",
                         unit, (int)kernel, count);
    const xrt_kernel *k = xrt_kernel_get(kernel);
    card_ticket *t = calloc(1, sizeof *t);
    if (!t)
        return p_err_set(err, P_EEXHAUSTED, "no memory for a run");
    xrt_message_init(&t->run, XRT_RUN, 0);
    t->run.run.kernel = (uint32_t)kernel;
    t->run.run.unit = unit;
    t->run.run.count = (uint32_t)count;
    t->is_run = true;
    for (size_t i = 0; i < count; i++) {
        bool rows = k->arguments[i].kind == 'R';
        if (rows ? !args[i].rows || args[i].rows->side != xrt_argument_side(&k->arguments[i])
                 : args[i].rows || (k->arguments[i].kind == 'W' && args[i].value > UINT32_MAX)) {
            free(t);
            return p_err_set(err, P_EINVAL, "argument %s of kernel %s", k->arguments[i].name,
                             k->name);
        }
        t->run.run.values[i] = rows ? args[i].rows->id : args[i].value;
    }
    return start(c, &c->runs, t, out, err);
}

const card_ops xrt_client_ops = {
    .caps = card_caps_get,
    .alloc = card_alloc,
    .free = card_free,
    .start_write = card_start_write,
    .start_read = card_start_read,
    .start_run = card_start_run,
    .wait = card_wait,
    .reset = card_reset,
    .close = card_close,
};
