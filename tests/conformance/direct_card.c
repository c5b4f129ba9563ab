#include "tests/conformance/direct_card.h"

#include "driver/base/clock.h"
#include "tests/conformance/direct_kernels.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CHANNELS (1u << HLS_MAX_CHANNELS_LOG2)
#define MAX_UNITS 8 /* of a kernel */
#define WRITER (CARD_KERNELS * MAX_UNITS)
#define READER (WRITER + 1)
#define ENGINES (READER + 1)

struct card_buffer {
    card_side side;
    uint64_t rows;
    hls_row *channel[MAX_CHANNELS];
};

typedef enum state { QUEUED, RUNNING, ENDED } state;

struct card_ticket {
    card_ticket *next; /* of its engine */
    state state;
    p_status status;
    uint32_t what;
    unsigned engine;
    direct_fault_kind fault;
    uint64_t seed;
    size_t event; /* DIRECT_MAX_EVENTS: not recorded */
    card_buffer *buffer;
    uint64_t row, rows;
    const hls_row *from;
    hls_row *to;
    card_arg args[CARD_MAX_ARGS];
};

typedef struct engine {
    direct_card *card;
    pthread_t thread;
    bool started;
    card_ticket *first, *last;
    card_ticket *hanging; /* nothing behind it runs */
    pthread_cond_t work;
} engine;

struct direct_card {
    direct_options options;
    pthread_mutex_t lock;
    pthread_cond_t change; /* a ticket has ended */
    engine engine[ENGINES];
    bool stop, lost, destroy_on_close;
    atomic_bool called; /* a call of card_ops goes on */
    uint32_t running;
    direct_counts counts;
    direct_fault fault;
    uint64_t seen; /* commands that count for the fault */
    uint32_t failing_resets;
    uint64_t failing_allocation;
    uint64_t hook_in; /* commands; 0: never */
    void (*hook)(void *context);
    void *hook_context;
    direct_event event[DIRECT_MAX_EVENTS];
    size_t events;
    uint64_t calls; /* of start and wait */
};

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "direct card: this machine has no memory for the test\n");
        exit(2);
    }
    return p;
}

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Calls for one card come one at a time: who breaks that ends the test. */
static void enter(direct_card *c)
{
    if (atomic_exchange(&c->called, true)) {
        fprintf(stderr, "direct card: two calls at the same time\n");
        abort();
    }
}

static void leave(direct_card *c)
{
    atomic_store(&c->called, false);
}

/* ---- memory ---- */

static hls_row *row_of(const direct_card *c, const card_buffer *b, uint64_t row)
{
    uint32_t k = c->options.caps.channels_log2;

    return b->channel[hls_stripe_channel(row, k)] + hls_stripe_row(row, k);
}

static p_status direct_alloc(void *card, card_side side, uint64_t rows, card_buffer **out,
                             p_err *err)
{
    direct_card *c = card;
    uint32_t k = c->options.caps.channels_log2;
    uint64_t each = hls_stripe_rows(rows, k);
    p_status s = P_OK;

    *out = NULL;
    enter(c);
    pthread_mutex_lock(&c->lock);
    c->counts.allocations++;
    if (c->failing_allocation > 0 && --c->failing_allocation == 0) {
        c->failing_allocation = 1;
        s = p_err_set(err, P_EEXHAUSTED, "the card was told to have no memory");
    } else if (c->lost) {
        s = p_err_set(err, P_EDEVICE, "the card is lost");
    } else if (rows == 0 || rows > c->options.caps.rows[side] ||
               c->counts.rows[side] > c->options.caps.rows[side] - rows) {
        s = p_err_set(err, P_EEXHAUSTED, "side %c of the card has no %llu rows", "AB"[side],
                      (unsigned long long)rows);
    } else {
        c->counts.rows[side] += rows;
        c->counts.buffers++;
    }
    pthread_mutex_unlock(&c->lock);
    leave(c);
    if (s != P_OK)
        return s;
    card_buffer *b = need(calloc(1, sizeof *b));
    b->side = side;
    b->rows = rows;
    for (uint32_t i = 0; i >> k == 0; i++) {
        b->channel[i] = need(malloc(each * sizeof(hls_row)));
        memset(b->channel[i], 0xa5, each * sizeof(hls_row)); /* whoever relies on zeros is wrong */
    }
    *out = b;
    return P_OK;
}

static void direct_free(void *card, card_buffer *b)
{
    direct_card *c = card;

    if (!b)
        return;
    enter(c);
    pthread_mutex_lock(&c->lock);
    c->counts.rows[b->side] -= b->rows;
    c->counts.buffers--;
    pthread_mutex_unlock(&c->lock);
    leave(c);
    for (uint32_t i = 0; i < MAX_CHANNELS; i++)
        free(b->channel[i]);
    free(b);
}

/* ---- what commands do ---- */

/* A kernel's memory is the process's (HLS_MEMORY), so its units take turns. */
#define UNLOCKED(name, arguments) PTHREAD_MUTEX_INITIALIZER,
#define LOCKS                                                                                      \
    {                                                                                              \
        HLS_KERNELS(UNLOCKED)                                                                      \
    }

static void call(const direct_card *c, const card_ticket *t)
{
    static pthread_mutex_t turn[][CARD_KERNELS] = {LOCKS, LOCKS, LOCKS};
    static direct_call *const *const CALLS[] = {direct_calls_k0, direct_calls_k2, direct_calls_k4};
    uint32_t k = c->options.caps.channels_log2;
    const char *letters = card_kernel_args((card_kernel)t->what);
    uint64_t args[CARD_MAX_ARGS * MAX_CHANNELS];
    size_t n = 0;

    for (size_t i = 0; letters[i]; i++) {
        if (letters[i] != 'R') {
            args[n++] = t->args[i].value;
            continue;
        }
        for (uint32_t channel = 0; channel >> k == 0; channel++)
            args[n++] = (uintptr_t)t->args[i].rows->channel[channel];
    }
    pthread_mutex_lock(&turn[k / 2][t->what]);
    CALLS[k / 2][t->what](args);
    pthread_mutex_unlock(&turn[k / 2][t->what]);
}

typedef struct region {
    card_buffer *buffer;
    uint64_t row, rows;
} region;

/* What a kernel writes, but for row_gather's and digests' neighbours in a row. The numbers are the
 * arguments' places in kernel_abi.h. */
static region written(const card_ticket *t)
{
    const card_arg *a = t->args;
    uint64_t n;

    switch (t->what) {
    case CARD_row_gather: /* src index dst count src_row index_row dst_row */
        return (region){a[2].rows, a[6].value, a[3].value};
    case CARD_gl_lde: /* src tmp dst mode log_in log_out src_row tmp_row dst_row scale */
        return (region){a[2].rows, a[8].value, UINT64_C(1) << a[5].value};
    case CARD_gl_merkle: /* src tree op flags log_leaves levels src_row tree_row */
        n = a[2].value == HLS_PERMUTE ? 2 * a[4].value : (UINT64_C(1) << a[4].value) / 2;
        n += !n;
        if (a[2].value == HLS_NODES) /* its first level: the others follow from it */
            return (region){a[1].rows, a[7].value + n, n / 2 + (n == 1)};
        return (region){a[1].rows, a[7].value, n};
    case CARD_fr_ntt: /* src tmp dst mode log_n src_row tmp_row dst_row scale_0 .. scale_3 */
        n = (UINT64_C(1) << a[4].value) / 2;
        return (region){a[2].rows, a[7].value, n + !n};
    case CARD_bn_msm_g1: /* points scalars sums count window_bits points_row scalars_row sums_row */
        return (region){a[2].rows, a[7].value, 2 * (uint64_t)HLS_MSM_WINDOWS(a[4].value)};
    default: /* bn_poseidon: src table dst op flags width columns count src_row stride table_row
                dst_row */
        n = a[7].value * (a[3].value == HLS_PERMUTE ? a[5].value : 1);
        return (region){a[2].rows, a[11].value, (n + 1) / 2};
    }
}

static void damage(const direct_card *c, const card_ticket *t)
{
    region r = {t->buffer, t->row, t->rows};
    uint64_t chosen = mix(t->seed);

    if (t->what < CARD_KERNELS)
        r = written(t);
    for (uint64_t i = 0; i < r.rows; i++) {
        hls_row *row = t->to ? t->to + i : row_of(c, r.buffer, r.row + i);
        /* not the words of a permutation's state that carry nothing */
        uint64_t words = t->what == CARD_gl_merkle && t->args[2].value == HLS_PERMUTE ? 4 : 8;
        uint64_t bit = mix(t->seed + i + 1);

        if (t->fault == DIRECT_SPOIL)
            for (uint64_t w = bit / 64 % 4; w < words; w += 4) /* both digests of a row */
                row->w[w] ^= UINT64_C(1) << bit % 64;
        else if (i == chosen % r.rows)
            row->w[bit / 64 % words] ^= UINT64_C(1) << bit % 64;
    }
}

static void perform(const direct_card *c, const card_ticket *t)
{
    if (t->what < CARD_KERNELS)
        call(c, t);
    else
        for (uint64_t i = 0; i < t->rows; i++) {
            hls_row *row = row_of(c, t->buffer, t->row + i);

            if (t->to)
                t->to[i] = *row;
            else
                *row = t->from[i];
        }
    if (t->fault == DIRECT_FLIP || t->fault == DIRECT_SPOIL)
        damage(c, t);
}

/* ---- engines: all locked, but for what a command does ---- */

static void end(direct_card *c, card_ticket *t, p_status status)
{
    t->state = ENDED;
    t->status = status;
    if (t->event < DIRECT_MAX_EVENTS)
        c->event[t->event].ended_ns = p_clock_ns(CLOCK_MONOTONIC);
    pthread_cond_broadcast(&c->change);
}

static void lose(direct_card *c)
{
    c->lost = true;
    for (unsigned i = 0; i < ENGINES; i++) {
        engine *e = &c->engine[i];

        if (e->hanging)
            end(c, e->hanging, P_EDEVICE);
        for (; e->first; e->first = e->first->next)
            end(c, e->first, P_EDEVICE);
        e->last = e->hanging = NULL;
    }
}

/* takes the first command of an engine and does it */
static void step(direct_card *c, engine *e)
{
    card_ticket *t = e->first;
    int64_t start, least_ns = 1000 * (int64_t)(t->what < CARD_KERNELS ? c->options.least_us
                                                                      : c->options.move_us);

    e->first = t->next;
    if (!e->first)
        e->last = NULL;
    start = p_clock_ns(CLOCK_MONOTONIC);
    if (t->event < DIRECT_MAX_EVENTS)
        c->event[t->event].started_ns = start;
    if (t->fault == DIRECT_HANG) {
        t->state = RUNNING;
        e->hanging = t;
        return;
    }
    if (t->fault == DIRECT_FAIL) {
        end(c, t, P_EDEVICE);
        lose(c);
        return;
    }
    t->state = RUNNING;
    c->running++;
    pthread_mutex_unlock(&c->lock);
    perform(c, t);
    least_ns -= p_clock_ns(CLOCK_MONOTONIC) - start;
    if (least_ns > 0)
        nanosleep(
            &(struct timespec){.tv_sec = least_ns / 1000000000, .tv_nsec = least_ns % 1000000000},
            NULL);
    pthread_mutex_lock(&c->lock);
    c->running--;
    end(c, t, c->lost ? P_EDEVICE : P_OK);
}

static void *engine_main(void *arg)
{
    engine *e = arg;
    direct_card *c = e->card;

    pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        if (e->first && !e->hanging)
            step(c, e);
        else
            pthread_cond_wait(&e->work, &c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- commands ---- */

static p_status start(direct_card *c, card_ticket *t, card_ticket **out, p_err *err)
{
    engine *e = &c->engine[t->engine];
    const direct_fault *f = &c->fault;
    p_status s = P_OK;

    *out = NULL;
    enter(c);
    pthread_mutex_lock(&c->lock);
    c->counts.commands[t->what]++;
    c->counts.commands[DIRECT_ANY]++;
    if (c->hook_in > 0 && --c->hook_in == 0)
        c->hook(c->hook_context);
    if (f->kind != DIRECT_SOUND && (f->what == DIRECT_ANY || f->what == t->what)) {
        c->seen++;
        if (c->seen >= f->at && c->seen - f->at < f->count) {
            t->fault = f->kind;
            t->seed = f->seed + c->seen;
            c->counts.faults++;
        }
    }
    if (t->fault == DIRECT_REFUSE)
        lose(c);
    if (c->lost)
        s = p_err_set(err, P_EDEVICE, "the card is lost");
    if (s == P_OK) {
        t->event = c->events;
        if (c->events < DIRECT_MAX_EVENTS)
            c->event[c->events++] = (direct_event){
                .what = t->what,
                .unit = t->engine < WRITER ? t->engine % MAX_UNITS : 0,
                .submitted_ns = p_clock_ns(CLOCK_MONOTONIC),
                .started_by = ++c->calls,
            };
        *(e->last ? &e->last->next : &e->first) = t;
        e->last = t;
        c->counts.tickets++;
        if (c->options.threads && !e->started) {
            e->card = c;
            if (pthread_create(&e->thread, NULL, engine_main, e) != 0)
                need(NULL);
            e->started = true;
        }
        pthread_cond_signal(&e->work);
        *out = t;
    }
    pthread_mutex_unlock(&c->lock);
    leave(c);
    if (s != P_OK)
        free(t);
    return s;
}

static p_status move(direct_card *c, card_buffer *b, uint64_t row, uint64_t rows, const void *from,
                     void *to, card_ticket **out, p_err *err)
{
    card_ticket *t;

    *out = NULL;
    if (rows == 0 || row >= b->rows || rows > b->rows - row)
        return p_err_set(err, P_EINTERNAL, "rows %llu + %llu of a buffer of %llu",
                         (unsigned long long)row, (unsigned long long)rows,
                         (unsigned long long)b->rows);
    t = need(calloc(1, sizeof *t));
    t->what = to ? DIRECT_READ : DIRECT_WRITE;
    t->engine = to ? READER : WRITER;
    t->buffer = b;
    t->row = row;
    t->rows = rows;
    t->from = from;
    t->to = to;
    return start(c, t, out, err);
}

static p_status direct_start_write(void *card, card_buffer *b, uint64_t row, uint64_t rows,
                                   const void *data, card_ticket **out, p_err *err)
{
    return move(card, b, row, rows, data, NULL, out, err);
}

static p_status direct_start_read(void *card, card_buffer *b, uint64_t row, uint64_t rows,
                                  void *data, card_ticket **out, p_err *err)
{
    return move(card, b, row, rows, NULL, data, out, err);
}

static p_status direct_start_run(void *card, card_kernel kernel, uint32_t unit,
                                 const card_arg *args, size_t count, card_ticket **out, p_err *err)
{
    direct_card *c = card;
    const char *letters = card_kernel_args(kernel);
    card_ticket *t;
    bool ok = (unsigned)kernel < CARD_KERNELS && count == strlen(letters) &&
              unit < c->options.caps.units[kernel];

    *out = NULL;
    for (size_t i = 0; ok && i < count; i++) {
        ok = letters[i] == 'R' ? args[i].rows != NULL : !args[i].rows;
        if (ok && letters[i] == 'R') {
            /* the second buffer of a transform is on side B, all others on side A */
            bool tmp = i == 1 && (kernel == CARD_gl_lde || kernel == CARD_fr_ntt);
            ok = args[i].rows->side == (tmp ? CARD_SIDE_B : CARD_SIDE_A);
        } else if (ok && letters[i] == 'W') {
            ok = args[i].value <= UINT32_MAX;
        }
    }
    if (!ok)
        return p_err_set(err, P_EINTERNAL, "the arguments are not those of %s, unit %u",
                         card_kernel_name(kernel), unit);
    t = need(calloc(1, sizeof *t));
    t->what = kernel;
    t->engine = (unsigned)kernel * MAX_UNITS + unit;
    memcpy(t->args, args, count * sizeof *args);
    return start(c, t, out, err);
}

static p_status direct_wait(void *card, card_ticket *t, uint32_t timeout_ms, p_err *err)
{
    direct_card *c = card;
    int64_t ns = p_clock_ns(CLOCK_MONOTONIC) + (int64_t)timeout_ms * 1000000;
    struct timespec deadline = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    p_status s;
    int code = 0;

    enter(c);
    pthread_mutex_lock(&c->lock);
    if (!c->options.threads)
        while (t->state == QUEUED && !c->engine[t->engine].hanging)
            step(c, &c->engine[t->engine]);
    while (t->state != ENDED && timeout_ms > 0 && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&c->change, &c->lock, &deadline);
    if (t->state != ENDED) {
        s = p_err_set(err, P_EDEADLINE, "it goes on");
    } else {
        s = t->status;
        if (t->event < DIRECT_MAX_EVENTS)
            c->event[t->event].told_by = ++c->calls;
        if (s != P_OK)
            p_err_set(err, s, t->fault == DIRECT_FAIL ? "injected failure" : "the card was lost");
        c->counts.tickets--;
        free(t);
    }
    pthread_mutex_unlock(&c->lock);
    leave(c);
    return s;
}

static p_status direct_reset(void *card, p_err *err)
{
    direct_card *c = card;
    p_status s = P_OK;

    enter(c);
    pthread_mutex_lock(&c->lock);
    c->counts.resets++;
    lose(c);
    while (c->running > 0) /* C code cannot be stopped */
        pthread_cond_wait(&c->change, &c->lock);
    if (c->failing_resets > 0) {
        c->failing_resets--;
        s = p_err_set(err, P_EDEVICE, "the reset was told to fail");
    } else {
        c->lost = false;
    }
    pthread_mutex_unlock(&c->lock);
    leave(c);
    return s;
}

static void direct_close(void *card)
{
    direct_card *c = card;

    pthread_mutex_lock(&c->lock);
    c->stop = true;
    for (unsigned i = 0; i < ENGINES; i++)
        pthread_cond_signal(&c->engine[i].work);
    pthread_mutex_unlock(&c->lock);
    for (unsigned i = 0; i < ENGINES; i++)
        if (c->engine[i].started)
            pthread_join(c->engine[i].thread, NULL);
    c->counts.closed = true;
    if (c->destroy_on_close)
        direct_card_destroy(c);
}

static void direct_caps(void *card, card_caps *out)
{
    *out = ((const direct_card *)card)->options.caps;
}

const card_ops direct_card_ops = {
    .caps = direct_caps,
    .alloc = direct_alloc,
    .free = direct_free,
    .start_write = direct_start_write,
    .start_read = direct_start_read,
    .start_run = direct_start_run,
    .wait = direct_wait,
    .reset = direct_reset,
    .close = direct_close,
};

/* ---- for tests ---- */

direct_card *direct_card_create(const direct_options *options)
{
    direct_card *c = need(calloc(1, sizeof *c));
    pthread_condattr_t attr;

    c->options = *options;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->change, &attr);
    pthread_condattr_destroy(&attr);
    for (unsigned i = 0; i < ENGINES; i++)
        pthread_cond_init(&c->engine[i].work, NULL);
    return c;
}

void direct_card_destroy(direct_card *c)
{
    for (unsigned i = 0; i < ENGINES; i++)
        pthread_cond_destroy(&c->engine[i].work);
    pthread_cond_destroy(&c->change);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void direct_card_fault(direct_card *c, const direct_fault *fault)
{
    pthread_mutex_lock(&c->lock);
    c->fault = *fault;
    c->seen = 0;
    pthread_mutex_unlock(&c->lock);
}

void direct_card_fail_resets(direct_card *c, uint32_t number)
{
    pthread_mutex_lock(&c->lock);
    c->failing_resets = number;
    pthread_mutex_unlock(&c->lock);
}

void direct_card_fail_allocations(direct_card *c, uint64_t at)
{
    pthread_mutex_lock(&c->lock);
    c->failing_allocation = at;
    pthread_mutex_unlock(&c->lock);
}

void direct_card_hook(direct_card *c, uint64_t at, void (*hook)(void *context), void *context)
{
    pthread_mutex_lock(&c->lock);
    c->hook_in = at;
    c->hook = hook;
    c->hook_context = context;
    pthread_mutex_unlock(&c->lock);
}

void direct_card_counts(direct_card *c, direct_counts *out)
{
    pthread_mutex_lock(&c->lock);
    *out = c->counts;
    pthread_mutex_unlock(&c->lock);
}

void direct_card_clear_events(direct_card *c)
{
    pthread_mutex_lock(&c->lock);
    c->events = 0;
    pthread_mutex_unlock(&c->lock);
}

size_t direct_card_events(direct_card *c, direct_event *out)
{
    size_t n;

    pthread_mutex_lock(&c->lock);
    n = c->events;
    memcpy(out, c->event, n * sizeof *out);
    pthread_mutex_unlock(&c->lock);
    return n;
}

direct_options direct_card_default(uint32_t channels_log2)
{
    direct_options o = {.caps = {.channels_log2 = channels_log2,
                                 .rows = {UINT64_C(1) << 24, UINT64_C(1) << 24},
                                 .patience = 200},
                        .threads = true};

    for (unsigned i = 0; i < CARD_KERNELS; i++)
        o.caps.units[i] = i == CARD_gl_lde || i == CARD_gl_merkle || i == CARD_bn_msm_g1 ? 2 : 1;
    return o;
}

void direct_card_owned_by_close(direct_card *c)
{
    c->destroy_on_close = true;
}
