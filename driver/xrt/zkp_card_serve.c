/* The service: commands from the socket, transfers and runs on threads of their own, so that
 * uploads, downloads and kernels go on side by side. */
#define _GNU_SOURCE /* F_GET_SEALS */
#include "driver/xrt/kernel_table.h"
#include "driver/xrt/zkp_card.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOVERS 2 /* threads for each direction: one copies while the other's DMA runs */
#define BUCKETS 1024
#define POLL_MIN_NS 20000  /* between two looks at the running units */
#define POLL_MAX_NS 500000 /* after a while without an end */
#define END_SECONDS 3      /* for the card to finish what runs, then the process ends by force */

enum { UP, DOWN };

typedef struct transfer {
    uint64_t id, row, rows;
    zc_buffer *buffer;
    uint32_t slot;
} transfer;

typedef struct run {
    uint64_t id;
    zc_buffer *buffers[CARD_MAX_ARGS];
    uint64_t values[CARD_MAX_ARGS];
    struct run *next;
} run;

/* runs of one compute unit in order; the first is the one that runs */
typedef struct unit {
    run *first, *last;
    bool started;
} unit;

typedef struct service {
    int socket;
    uint8_t *staging;
    size_t staging_bytes;
    xrt_limits limits;
    uint32_t channels_log2;
    zc_device *device;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t moves[2], runs;
    transfer queue[2][XRT_MAX_SLOTS];
    uint32_t head[2], count[2];
    bool slot_busy[XRT_MAX_SLOTS];
    unit units[CARD_KERNELS][XRT_MAX_UNITS];
    uint32_t open_runs, buffers;
    zc_buffer *table[BUCKETS];
    bool stop;
} service;

/* ---- answers ---- */

static void answer(service *s, const xrt_message *m)
{
    /* a driver that is gone is seen by the main thread's next read */
    while (send(s->socket, m, sizeof *m, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static void answer_done(service *s, uint64_t id, p_status status, const p_err *err)
{
    xrt_message m;

    xrt_message_done(&m, id, status, err->text);
    answer(s, &m);
}

/* ---- transfers ---- */

static p_status move(service *s, const transfer *t, bool up, p_err *err)
{
    uint8_t *slot = s->staging + t->slot * s->limits.slot_rows * HLS_ROW_BYTES;
    zc_part parts[ZC_CHANNELS];
    p_status status = P_OK;

    zc_split(t->row, t->rows, s->channels_log2, parts);
    if (up)
        zc_copy(t->buffer, t->row, t->rows, s->channels_log2, slot, true);
    for (uint32_t c = 0; status == P_OK && c < 1u << s->channels_log2; c++)
        if (parts[c].rows > 0)
            status = zc_sync(s->device, t->buffer, c, parts[c].first * HLS_ROW_BYTES,
                             parts[c].rows * HLS_ROW_BYTES, up, err);
    if (status == P_OK && !up)
        zc_copy(t->buffer, t->row, t->rows, s->channels_log2, slot, false);
    return status;
}

static void mover(service *s, unsigned way)
{
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (s->count[way] == 0) {
            pthread_cond_wait(&s->moves[way], &s->lock);
            continue;
        }
        transfer t = s->queue[way][s->head[way]];
        s->head[way] = (s->head[way] + 1) % XRT_MAX_SLOTS;
        s->count[way]--;
        pthread_mutex_unlock(&s->lock);
        p_err err = {P_OK, ""};
        p_status status = move(s, &t, way == UP, &err);
        pthread_mutex_lock(&s->lock);
        t.buffer->uses--;
        s->slot_busy[t.slot] = false;
        pthread_mutex_unlock(&s->lock);
        answer_done(s, t.id, status, &err);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

static void *upload_main(void *context)
{
    mover(context, UP);
    return NULL;
}

static void *download_main(void *context)
{
    mover(context, DOWN);
    return NULL;
}

/* ---- runs ---- */

/* Ends the first run of a unit; called and returns with the lock held. */
static void end_run(service *s, unit *u, p_status status, const p_err *err)
{
    run *r = u->first;

    u->first = r->next;
    u->last = u->first ? u->last : NULL;
    u->started = false;
    s->open_runs--;
    for (unsigned i = 0; i < CARD_MAX_ARGS; i++)
        if (r->buffers[i])
            r->buffers[i]->uses--;
    pthread_mutex_unlock(&s->lock);
    answer_done(s, r->id, status, err);
    free(r);
    pthread_mutex_lock(&s->lock);
}

/* One look at a unit: starts what waits, ends what has ended. Called with the lock held. Returns
 * whether something happened. */
static bool step_unit(service *s, card_kernel kernel, uint32_t number)
{
    unit *u = &s->units[kernel][number];
    run *r = u->first;
    bool started = u->started, ended = false;
    p_err err = {P_OK, ""};
    p_status status;

    if (!r)
        return false;
    pthread_mutex_unlock(&s->lock); /* only this thread takes runs away */
    if (started)
        status = zc_poll(s->device, kernel, number, &ended, &err);
    else
        status = zc_start(s->device, kernel, number, r->buffers, r->values, &err);
    pthread_mutex_lock(&s->lock);
    u->started = true;
    if (status != P_OK || ended)
        end_run(s, u, status, &err);
    return status != P_OK || ended || !started;
}

static void *run_main(void *context)
{
    service *s = context;
    long pause = POLL_MIN_NS;

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        bool active = false;
        if (s->open_runs == 0) {
            pthread_cond_wait(&s->runs, &s->lock);
            continue;
        }
        for (unsigned k = 0; k < CARD_KERNELS; k++)
            for (uint32_t n = 0; n < s->limits.units[k]; n++)
                active = step_unit(s, (card_kernel)k, n) || active;
        pause = active ? POLL_MIN_NS : pause + pause / 8;
        pause = pause < POLL_MAX_NS ? pause : POLL_MAX_NS;
        if (!active) {
            pthread_mutex_unlock(&s->lock);
            nanosleep(&(struct timespec){0, pause}, NULL);
            pthread_mutex_lock(&s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- commands; false: the driver broke the protocol, with why in err ---- */

static zc_buffer **find_buffer(service *s, uint64_t id)
{
    zc_buffer **at = &s->table[id % BUCKETS];

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static bool broken(p_err *err, const char *what, uint64_t number)
{
    p_err_set(err, P_EDEVICE, "the driver named %s %" PRIu64, what, number);
    return false;
}

static bool do_alloc(service *s, const xrt_message *m, p_err *err)
{
    p_err why = {P_OK, ""};
    p_status status;

    if (*find_buffer(s, m->alloc.buffer))
        return broken(err, "a buffer twice:", m->alloc.buffer);
    zc_buffer *b = calloc(1, sizeof *b);
    if (!b || s->buffers == XRT_MAX_BUFFERS) {
        status = p_err_set(&why, P_EEXHAUSTED, "zkp-card has no place for another buffer");
    } else {
        b->id = m->alloc.buffer;
        b->rows = m->alloc.rows;
        b->side = (card_side)m->alloc.side;
        status = zc_alloc(s->device, b, &why);
    }
    if (status == P_OK) {
        *find_buffer(s, b->id) = b; /* the end of its list */
        s->buffers++;
    } else {
        free(b);
    }
    answer_done(s, m->id, status, &why);
    return true;
}

static bool do_free(service *s, const xrt_message *m, p_err *err)
{
    zc_buffer **at = find_buffer(s, m->free.buffer), *b = *at;

    if (!b)
        return broken(err, "no buffer of its own:", m->free.buffer);
    pthread_mutex_lock(&s->lock);
    uint32_t uses = b->uses;
    pthread_mutex_unlock(&s->lock);
    if (uses > 0)
        return broken(err, "a buffer to be freed that commands use:", m->free.buffer);
    *at = b->next;
    s->buffers--;
    zc_free(s->device, b);
    free(b);
    return true;
}

static bool do_transfer(service *s, const xrt_message *m, p_err *err)
{
    unsigned way = m->type == XRT_WRITE ? UP : DOWN;
    zc_buffer *b = *find_buffer(s, m->transfer.buffer);

    if (!b)
        return broken(err, "no buffer of its own:", m->transfer.buffer);
    if (m->transfer.row > b->rows || m->transfer.rows > b->rows - m->transfer.row)
        return broken(err, "rows beyond the end of buffer", m->transfer.buffer);
    pthread_mutex_lock(&s->lock);
    bool busy = s->slot_busy[m->transfer.slot];
    if (!busy) {
        s->slot_busy[m->transfer.slot] = true;
        b->uses++;
        uint32_t at = (s->head[way] + s->count[way]++) % XRT_MAX_SLOTS;
        s->queue[way][at] =
            (transfer){m->id, m->transfer.row, m->transfer.rows, b, m->transfer.slot};
        pthread_cond_signal(&s->moves[way]);
    }
    pthread_mutex_unlock(&s->lock);
    return busy ? broken(err, "a slot that is in use:", m->transfer.slot) : true;
}

static bool do_run(service *s, const xrt_message *m, p_err *err)
{
    const xrt_kernel *kernel = xrt_kernel_get((card_kernel)m->run.kernel);
    run *r = calloc(1, sizeof *r);
    p_err why = {P_OK, ""};

    if (!r) {
        answer_done(s, m->id, p_err_set(&why, P_EEXHAUSTED, "zkp-card has no memory"), &why);
        return true;
    }
    r->id = m->id;
    memcpy(r->values, m->run.values, sizeof r->values);
    for (uint32_t i = 0; i < kernel->count; i++) {
        if (kernel->arguments[i].kind != 'R')
            continue;
        r->buffers[i] = *find_buffer(s, m->run.values[i]);
        if (!r->buffers[i] || r->buffers[i]->side != xrt_argument_side(&kernel->arguments[i])) {
            free(r);
            return broken(err, "no buffer of that side:", m->run.values[i]);
        }
    }
    pthread_mutex_lock(&s->lock);
    bool full = s->open_runs == XRT_MAX_RUNS;
    if (!full) {
        unit *u = &s->units[m->run.kernel][m->run.unit];
        for (uint32_t i = 0; i < kernel->count; i++)
            if (r->buffers[i])
                r->buffers[i]->uses++;
        if (u->last)
            u->last->next = r;
        else
            u->first = r;
        u->last = r;
        s->open_runs++;
        pthread_cond_signal(&s->runs);
    }
    pthread_mutex_unlock(&s->lock);
    if (full) {
        free(r);
        return broken(err, "more runs than are allowed at once:", XRT_MAX_RUNS);
    }
    return true;
}

static bool command(service *s, const xrt_message *m, p_err *err)
{
    switch (m->type) {
    case XRT_ALLOC:
        return do_alloc(s, m, err);
    case XRT_FREE:
        return do_free(s, m, err);
    case XRT_RUN:
        return do_run(s, m, err);
    default:
        return do_transfer(s, m, err);
    }
}

/* ---- the service's life ---- */

/* false: the driver is gone */
static bool receive(int socket, xrt_message *m, size_t *received)
{
    ssize_t n;

    do
        n = recv(socket, m, sizeof *m, MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    *received = n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* The staging memory must not shrink under us: a driver that lies cannot end us by SIGBUS. */
static p_status map_staging(service *s, int fd, p_err *err)
{
    uint64_t bytes = s->limits.slots * s->limits.slot_rows * HLS_ROW_BYTES;
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;

    if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) != 0 || st.st_size < 0 ||
        (uint64_t)st.st_size < bytes)
        return p_err_set(err, P_EDEVICE,
                         "the staging memory is no sealed memory file of %" PRIu64 " bytes", bytes);
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return p_err_set(err, P_EEXHAUSTED, "cannot map %" PRIu64 " bytes of staging memory: %s",
                         bytes, strerror(errno));
    s->staging = at;
    s->staging_bytes = bytes;
    return P_OK;
}

static bool work(service *s, p_err *err)
{
    static void *(*const mains[])(void *) = {run_main, upload_main, download_main, upload_main,
                                             download_main};
    pthread_t threads[1 + 2 * MOVERS];
    unsigned n = 0;
    xrt_message m;
    size_t received;
    bool fine = true;

    _Static_assert(sizeof mains / sizeof mains[0] == 1 + 2 * MOVERS, "one main for each thread");
    while (fine && n < 1 + 2 * MOVERS)
        if (pthread_create(&threads[n], NULL, mains[n], s) == 0)
            n++;
        else
            fine = p_err_set(err, P_EEXHAUSTED, "cannot start a thread") == P_OK;
    while (fine && receive(s->socket, &m, &received))
        fine = xrt_command_check(&m, received, &s->limits, err) == P_OK && command(s, &m, err);
    alarm(END_SECONDS); /* a thread may wait for a card that does not answer */
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    for (unsigned way = UP; way <= DOWN; way++)
        pthread_cond_broadcast(&s->moves[way]);
    pthread_cond_broadcast(&s->runs);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return fine;
}

static void free_all(service *s)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        while (s->table[i]) {
            zc_buffer *b = s->table[i];
            s->table[i] = b->next;
            zc_free(s->device, b);
            free(b);
        }
    for (unsigned k = 0; k < CARD_KERNELS; k++)
        for (unsigned n = 0; n < XRT_MAX_UNITS; n++)
            while (s->units[k][n].first) {
                run *r = s->units[k][n].first;
                s->units[k][n].first = r->next;
                free(r);
            }
}

bool zc_serve(int socket, int staging, const zc_options *options)
{
    service *s = calloc(1, sizeof *s);
    p_err err = {P_OK, ""};
    xrt_message hello, welcome;
    size_t received;

    if (!s || !receive(socket, &hello, &received)) {
        free(s);
        return true;
    }
    s->socket = socket;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->moves[UP], NULL);
    pthread_cond_init(&s->moves[DOWN], NULL);
    pthread_cond_init(&s->runs, NULL);
    p_status status = xrt_command_check(&hello, received, NULL, &err);
    bool fine = status == P_OK;
    if (fine) {
        s->limits.slots = hello.hello.slots;
        s->limits.slot_rows = hello.hello.slot_rows;
        status = map_staging(s, staging, &err);
    }
    if (status == P_OK) {
        xrt_message_init(&welcome, XRT_WELCOME, hello.id);
        status = zc_open(options, &s->device, &welcome, &err);
    }
    if (status == P_OK) {
        memcpy(s->limits.units, welcome.welcome.units, sizeof s->limits.units);
        memcpy(s->limits.rows, welcome.welcome.rows, sizeof s->limits.rows);
        s->channels_log2 = welcome.welcome.channels_log2;
        answer(s, &welcome);
        fine = work(s, &err);
        free_all(s);
        zc_close(s->device);
    } else if (received == sizeof hello && hello.id != 0) {
        answer_done(s, hello.id, status, &err);
    }
    if (!fine)
        fprintf(stderr, "zkp-card: %s\n", err.text);
    if (s->staging)
        munmap(s->staging, s->staging_bytes);
    pthread_cond_destroy(&s->moves[UP]);
    pthread_cond_destroy(&s->moves[DOWN]);
    pthread_cond_destroy(&s->runs);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return fine;
}
