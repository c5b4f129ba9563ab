/* The client's thread: starts zkp-card, sends what is queued, copies, takes answers, and notices
 * when the process or its card is lost. */
#define _GNU_SOURCE /* memfd_create, F_ADD_SEALS */
#include "driver/xrt/client_internal.h"

#include "driver/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define START_MS 60000 /* a card that is programmed anew takes seconds */
#define LOOK_MS 200    /* how often the process itself is looked at: see watch */
#define CLOSE_MS 3000
#define BATCH 16 /* messages sent or taken before the other direction has its turn */

void xrt_io_wake(xrt_client *c)
{
    uint64_t one = 1;

    if (c->wake >= 0) /* the counter cannot overflow, and a full one wakes as well */
        while (write(c->wake, &one, sizeof one) < 0 && errno == EINTR)
            ;
}

/* ---- tickets; the lock is held ---- */

static void end_ticket(xrt_client *c, card_ticket *t, p_status status)
{
    if (t->all_last)
        t->all_last->all_next = t->all_next;
    else
        c->all = t->all_next;
    if (t->all_next)
        t->all_next->all_last = t->all_last;
    t->ended = true;
    t->status = status;
    pthread_cond_broadcast(&c->changed);
}

/* The card is lost: whoever waits is told. Nothing touches the arrays of the host any more. */
static void lose(xrt_client *c, const char *what, const char *why)
{
    if (c->state == XRT_LOST)
        return;
    p_err_set(&c->lost, P_EDEVICE, "%s%s%s", what, why[0] ? ": " : "", why);
    c->state = XRT_LOST;
    while (c->all)
        end_ticket(c, c->all, P_EDEVICE);
    c->writes = c->reads = c->runs = (xrt_queue){0};
    memset(c->slots, 0, sizeof c->slots);
    memset(c->open_runs, 0, sizeof c->open_runs);
    c->free_count = 0;
    pthread_cond_broadcast(&c->changed);
}

/* ---- sending ---- */

typedef enum sent { SENT, FULL, BROKEN } sent;

static sent send_message(xrt_client *c, const xrt_message *m)
{
    ssize_t n;

    do
        n = send(c->socket, m, sizeof *m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)sizeof *m)
        return SENT;
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) ? FULL : BROKEN;
}

static void drop_first(xrt_queue *q)
{
    q->first = q->first->next;
    if (!q->first)
        q->last = NULL;
}

static xrt_slot *free_slot(xrt_client *c, bool is_write)
{
    uint32_t half = c->slot_count / 2, from = is_write ? 0 : half;
    uint32_t to = is_write ? half : c->slot_count;

    for (uint32_t i = from; i < to; i++)
        if (c->slots[i].id == 0)
            return &c->slots[i];
    return NULL;
}

/* The next piece of a transfer; called and returns with the lock held. *did: something was sent. */
static sent send_piece(xrt_client *c, xrt_queue *q, bool *did)
{
    card_ticket *t = q->first;
    xrt_slot *slot = t ? free_slot(c, t->is_write) : NULL;
    xrt_message m;

    if (!slot)
        return SENT;
    /* pieces end at aligned rows, so that all channels have equal parts */
    uint64_t row = t->row + t->sent, rows = t->rows - t->sent;
    uint64_t room = c->slot_rows - row % HLS_ROW_ALIGN;
    uint32_t number = (uint32_t)(slot - c->slots);
    rows = rows < room ? rows : room;
    *slot = (xrt_slot){c->next_id++, t, t->sent, rows};
    xrt_message_init(&m, t->is_write ? XRT_WRITE : XRT_READ, slot->id);
    m.transfer.buffer = t->buffer;
    m.transfer.row = row;
    m.transfer.rows = rows;
    m.transfer.slot = number;
    pthread_mutex_unlock(&c->lock); /* a ticket lives until this thread ends it */
    if (t->is_write)
        memcpy(c->staging + number * c->slot_rows * HLS_ROW_BYTES,
               t->data + t->sent * HLS_ROW_BYTES, rows * HLS_ROW_BYTES);
    sent result = send_message(c, &m);
    pthread_mutex_lock(&c->lock);
    if (result != SENT) {
        slot->id = 0;
        return result;
    }
    *did = true;
    t->sent += rows;
    t->pieces++;
    if (t->sent == t->rows)
        drop_first(q);
    return SENT;
}

static sent send_run(xrt_client *c, bool *did)
{
    card_ticket *t = c->runs.first;
    unsigned i = 0;

    while (i < XRT_MAX_RUNS && c->open_runs[i].id != 0)
        i++;
    if (!t || i == XRT_MAX_RUNS)
        return SENT;
    t->run.id = c->next_id++;
    sent result = send_message(c, &t->run);
    if (result == SENT) {
        *did = true;
        c->open_runs[i].id = t->run.id;
        c->open_runs[i].ticket = t;
        drop_first(&c->runs);
    }
    return result;
}

static sent send_free(xrt_client *c, bool *did)
{
    xrt_message m;

    if (c->free_count == 0)
        return SENT;
    xrt_message_init(&m, XRT_FREE, c->next_id++);
    m.free.buffer = c->frees[c->free_count - 1];
    sent result = send_message(c, &m);
    if (result == SENT) {
        *did = true;
        c->free_count--;
    }
    return result;
}

static sent send_alloc(xrt_client *c, bool *did)
{
    if (c->alloc.sent || c->free_count > 0) /* what is freed may be what it needs */
        return SENT;
    sent result = send_message(c, &c->alloc.message);
    *did = *did || result == SENT;
    c->alloc.sent = result == SENT;
    return result;
}

/* Sends what can be sent; the lock is held. FULL: the socket has no room. SENT: nothing is left
 * that could go now. */
static sent send_all(xrt_client *c, bool *more)
{
    sent result = SENT;
    bool did = true;

    for (unsigned i = 0; i < BATCH && did && result == SENT; i++) {
        did = false;
        result = send_run(c, &did);
        if (result == SENT)
            result = send_free(c, &did);
        if (result == SENT)
            result = send_alloc(c, &did);
        if (result == SENT)
            result = send_piece(c, &c->reads, &did);
        if (result == SENT)
            result = send_piece(c, &c->writes, &did);
    }
    *more = did && result == SENT;
    return result;
}

/* ---- answers ---- */

/* The lock is held, and given up while data are copied. */
static void piece_done(xrt_client *c, xrt_slot *slot)
{
    card_ticket *t = slot->ticket;
    uint64_t number = (uint64_t)(slot - c->slots), at = slot->at, rows = slot->rows;

    if (!t->is_write) {
        pthread_mutex_unlock(&c->lock);
        memcpy(t->data + at * HLS_ROW_BYTES, c->staging + number * c->slot_rows * HLS_ROW_BYTES,
               rows * HLS_ROW_BYTES);
        pthread_mutex_lock(&c->lock);
    }
    slot->id = 0;
    if (--t->pieces == 0 && t->sent == t->rows)
        end_ticket(c, t, P_OK);
}

static void take_done(xrt_client *c, const xrt_message *m)
{
    static const char FAILED[] = "the card failed";

    if (!c->alloc.answered && c->alloc.sent && m->id == c->alloc.message.id) {
        p_err_clear(&c->alloc.answer);
        if (m->done.status != P_OK)
            p_err_set(&c->alloc.answer, (p_status)m->done.status, "%s", m->done.text);
        c->alloc.answered = true;
        if (m->done.status != P_OK && m->done.status != P_EEXHAUSTED)
            lose(c, FAILED, m->done.text);
        pthread_cond_broadcast(&c->changed);
        return;
    }
    for (unsigned i = 0; i < XRT_MAX_RUNS; i++)
        if (c->open_runs[i].id == m->id) {
            c->open_runs[i].id = 0;
            if (m->done.status == P_OK)
                end_ticket(c, c->open_runs[i].ticket, P_OK);
            else
                lose(c, FAILED, m->done.text);
            return;
        }
    for (uint32_t i = 0; i < c->slot_count; i++)
        if (c->slots[i].id == m->id) {
            if (m->done.status == P_OK)
                piece_done(c, &c->slots[i]);
            else
                lose(c, FAILED, m->done.text);
            return;
        }
    lose(c, "zkp-card answered a command that it did not get", "");
}

/* Takes what has come; the lock is held. */
static void receive_all(xrt_client *c)
{
    for (unsigned i = 0; i < BATCH && c->state == XRT_RUNNING; i++) {
        static const xrt_limits ANY = {0};
        xrt_message m;
        p_err err = {P_OK, ""};
        ssize_t n;

        do
            n = recv(c->socket, &m, sizeof m, MSG_DONTWAIT | MSG_TRUNC);
        while (n < 0 && errno == EINTR);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0)
            lose(c, "zkp-card has closed the connection", "");
        else if (xrt_answer_check(&m, (size_t)n, &ANY, &err) != P_OK)
            lose(c, err.text, "");
        else
            take_done(c, &m);
    }
}

/* ---- the thread ---- */

/* Descriptors that zkp-card's own children may hold keep the socket open after its death, so the
 * process is looked at, too. */
static void watch(xrt_client *c)
{
    char how[80];

    if (c->pid > 0 && xrt_spawn_ended(c->pid, how, sizeof how)) {
        receive_all(c); /* what it said last may say why */
        c->pid = -1;
        lose(c, "zkp-card has died", how);
    }
}

static void serve(xrt_client *c)
{
    int64_t looked = p_clock_ms(CLOCK_MONOTONIC);

    pthread_mutex_lock(&c->lock);
    while (!c->stop && c->state == XRT_RUNNING) {
        bool more;
        sent result = send_all(c, &more);
        if (result == BROKEN)
            watch(c);
        if (result == BROKEN)
            lose(c, "zkp-card does not take commands any more", "");
        struct pollfd fds[2] = {{.fd = c->socket, .events = POLLIN},
                                {.fd = c->wake, .events = POLLIN}};
        if (result == FULL)
            fds[0].events |= POLLOUT;
        pthread_mutex_unlock(&c->lock);
        int ready = poll(fds, 2, more ? 0 : LOOK_MS);
        uint64_t count;
        if (ready > 0 && fds[1].revents && read(c->wake, &count, sizeof count) < 0)
            count = 0;
        pthread_mutex_lock(&c->lock);
        if (ready > 0 && fds[0].revents)
            receive_all(c);
        if (p_clock_ms(CLOCK_MONOTONIC) - looked >= LOOK_MS) {
            looked = p_clock_ms(CLOCK_MONOTONIC);
            watch(c);
        }
    }
    lose(c, "the card was reset", "");
    pthread_mutex_unlock(&c->lock);
}

/* Whether zkp-card has ended; with force it has then. */
static bool take_end(xrt_client *c, bool force, char *how, size_t size)
{
    bool ended = c->pid > 0 && (force ? xrt_spawn_end(c->pid, LOOK_MS, how, size)
                                      : xrt_spawn_ended(c->pid, how, size));

    if (ended) {
        pthread_mutex_lock(&c->lock);
        c->pid = -1;
        pthread_mutex_unlock(&c->lock);
    }
    return ended;
}

static p_status take_answer(const xrt_message *m, size_t received, uint64_t id, p_err *err)
{
    p_status s = xrt_answer_check(m, received, NULL, err);

    if (s != P_OK)
        return s;
    if (m->id != id)
        return p_err_set(err, P_EDEVICE, "zkp-card answered another command");
    return m->type == XRT_WELCOME ? P_OK
                                  : p_err_set(err, (p_status)m->done.status, "%s", m->done.text);
}

/* The first message and its answer. No lock is held. */
static p_status handshake(xrt_client *c, xrt_message *welcome, p_err *err)
{
    int64_t until = p_clock_ms(CLOCK_MONOTONIC) + START_MS;
    xrt_message hello;
    char how[80] = "";

    xrt_message_init(&hello, XRT_HELLO, 1);
    hello.hello.slots = c->slot_count;
    hello.hello.slot_rows = c->slot_rows;
    hello.hello.kernel_abi = HLS_KERNEL_ABI;
    if (send_message(c, &hello) != SENT)
        return p_err_set(err, P_EDEVICE, "%s does not take commands", c->program);
    for (bool ended = false;;) {
        struct pollfd fd = {.fd = c->socket, .events = POLLIN};
        /* after its end one more look: its last words say more than its exit code */
        if (poll(&fd, 1, ended ? 0 : LOOK_MS) > 0) {
            ssize_t n = recv(c->socket, welcome, sizeof *welcome, MSG_DONTWAIT | MSG_TRUNC);
            if (n > 0)
                return take_answer(welcome, (size_t)n, hello.id, err);
            if (n == 0)
                ended = ended || take_end(c, true, how, sizeof how);
            if (n == 0)
                return p_err_set(err, P_EDEVICE,
                                 "%s closed the connection before it had a card: %s", c->program,
                                 how[0] ? how : "it hangs");
        }
        if (ended)
            return p_err_set(err, P_EDEVICE, "%s has ended before it had a card: %s", c->program,
                             how);
        ended = take_end(c, false, how, sizeof how);
        if (!ended && p_clock_ms(CLOCK_MONOTONIC) >= until)
            return p_err_set(err, P_EDEVICE, "%s has not opened the card within %d s", c->program,
                             START_MS / 1000);
    }
}

static p_status spawn(xrt_client *c, int peer, p_err *err)
{
    char number[16], program[] = "zkp-card", serve_flag[] = "--serve", device[] = "--device";
    char image[] = "--image", bitstreams[] = "--bitstreams";
    char *argv[9] = {program, serve_flag, device, number, bitstreams, c->bitstreams};
    const int fds[2] = {peer, c->staging_fd}, targets[2] = {XRT_FD_SOCKET, XRT_FD_STAGING};
    pid_t pid;

    snprintf(number, sizeof number, "%" PRIu32, c->device);
    if (c->image[0]) {
        argv[6] = image;
        argv[7] = c->image;
    }
    p_status s = xrt_spawn(c->program, argv, fds, targets, 2, &pid, err);
    pthread_mutex_lock(&c->lock);
    c->pid = pid;
    pthread_mutex_unlock(&c->lock);
    return s;
}

/* What was known of the card has to hold after a reset, too: callers have sized their buffers by
 * it. The lock is held. */
static p_status take_welcome(xrt_client *c, const xrt_message *m, p_err *err)
{
    card_caps caps = {.channels_log2 = m->welcome.channels_log2, .patience = m->welcome.patience};

    memcpy(caps.units, m->welcome.units, sizeof caps.units);
    memcpy(caps.rows, m->welcome.rows, sizeof caps.rows);
    if (c->has_caps && (memcmp(caps.units, c->caps.units, sizeof caps.units) != 0 ||
                        memcmp(caps.rows, c->caps.rows, sizeof caps.rows) != 0 ||
                        caps.channels_log2 != c->caps.channels_log2))
        return p_err_set(err, P_EDEVICE, "the card came back with another image");
    c->caps = caps;
    c->has_caps = true;
    memcpy(c->about, m->welcome.about, sizeof m->welcome.about);
    return P_OK;
}

static void *thread_main(void *context)
{
    xrt_client *c = context;
    int peer[2];
    p_err err = {P_OK, ""};
    xrt_message welcome;
    p_status s = P_OK;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, peer) != 0)
        s = p_err_set(&err, P_EDEVICE, "cannot make a socket: %s", strerror(errno));
    if (s == P_OK) {
        c->socket = peer[0];
        s = spawn(c, peer[1], &err);
        close(peer[1]);
    }
    if (s == P_OK)
        s = handshake(c, &welcome, &err);
    pthread_mutex_lock(&c->lock);
    if (s == P_OK)
        s = take_welcome(c, &welcome, &err);
    if (s == P_OK) {
        c->state = XRT_RUNNING;
        pthread_cond_broadcast(&c->changed);
    } else {
        lose(c, err.text, "");
        c->lost.status = s; /* for open: the reason's own status */
    }
    pthread_mutex_unlock(&c->lock);
    if (s == P_OK)
        serve(c);
    if (c->socket >= 0)
        close(c->socket);
    c->socket = -1;
    pthread_mutex_lock(&c->lock);
    pid_t pid = c->pid;
    unsigned patience = c->polite ? CLOSE_MS : 0;
    pthread_mutex_unlock(&c->lock);
    bool ended = pid < 0 || xrt_spawn_end(pid, patience, NULL, 0);
    pthread_mutex_lock(&c->lock);
    if (ended)
        c->pid = -1;
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- start and stop ---- */

static p_status make_staging(xrt_client *c, p_err *err)
{
    uint64_t bytes = c->slot_count * c->slot_rows * HLS_ROW_BYTES;
    int fd = memfd_create("zkp-card staging", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *at = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        p_err_set(err, P_EEXHAUSTED, "cannot make %" PRIu64 " bytes of staging memory: %s", bytes,
                  strerror(errno));
        if (fd >= 0)
            close(fd);
        return P_EEXHAUSTED;
    }
    c->staging_fd = fd;
    c->staging = at;
    return P_OK;
}

static void release(xrt_client *c)
{
    if (c->staging)
        munmap(c->staging, c->slot_count * c->slot_rows * HLS_ROW_BYTES);
    if (c->staging_fd >= 0)
        close(c->staging_fd);
    if (c->wake >= 0)
        close(c->wake);
    c->staging = NULL;
    c->staging_fd = c->wake = -1;
}

static p_status start_thread(xrt_client *c, p_err *err)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all); /* signals are the program's other threads' business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&c->thread, NULL, thread_main, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    c->has_thread = rc == 0;
    return rc == 0 ? P_OK : p_err_set(err, P_EEXHAUSTED, "cannot start a thread: %s", strerror(rc));
}

p_status xrt_io_start(xrt_client *c, p_err *err)
{
    p_status s;

    if (c->pid > 0 && !xrt_spawn_end(c->pid, 0, NULL, 0))
        return p_err_set(
            err, P_EDEVICE,
            "zkp-card, process %d, hangs in the kernel and cannot be killed: reset the "
            "card (xbutil reset) or restart the machine",
            (int)c->pid);
    c->pid = -1;
    c->stop = c->polite = false;
    c->state = XRT_STARTING;
    c->generation++;
    c->alloc.sent = c->alloc.answered = true;
    p_err_clear(&c->lost);
    s = make_staging(c, err);
    if (s == P_OK) {
        c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->wake < 0)
            s = p_err_set(err, P_EEXHAUSTED, "cannot make an eventfd: %s", strerror(errno));
    }
    if (s == P_OK)
        s = start_thread(c, err);
    if (s == P_OK) {
        pthread_mutex_lock(&c->lock);
        while (c->state == XRT_STARTING) /* bounded by the thread */
            pthread_cond_wait(&c->changed, &c->lock);
        if (c->state == XRT_LOST)
            s = p_err_set(err, c->lost.status, "%s", c->lost.text);
        pthread_mutex_unlock(&c->lock);
    } else {
        p_err_set(&c->lost, P_EDEVICE, "the card could not be started again");
        c->state = XRT_LOST;
    }
    if (s != P_OK)
        xrt_io_stop(c, false);
    return s;
}

void xrt_io_stop(xrt_client *c, bool polite)
{
    if (c->has_thread) {
        pthread_mutex_lock(&c->lock);
        c->stop = true;
        c->polite = polite && c->state == XRT_RUNNING;
        xrt_io_wake(c);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
        c->has_thread = false;
    }
    release(c);
}
