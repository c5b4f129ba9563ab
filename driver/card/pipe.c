/* Pieces of work through one kernel. While piece i is at work on the card, piece i + 1 is staged
 * and uploaded, piece i - 1 downloaded and piece i - 2 checked. */
#include "driver/card/internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SLOTS (CARD_MAX_UNITS + 3)

/* A piece under way. */
typedef struct slot {
    card_rows *in, *out; /* out: in, if the kernel works in place */
    hls_row *staged, *result;
    uint64_t rows;
    card_command command;
} slot;

typedef struct flow {
    card_run *run;
    const card_pipe *pipe;
    uint64_t in_bytes, out_bytes; /* on the host */
    unsigned slots, units;
    slot slot[MAX_SLOTS];
    card_rows *tmp[CARD_MAX_UNITS];
} flow;

static unsigned units_of(const card_device *d, const card_pipe *p)
{
    return (unsigned)card_min(card_units(d, p->kernel), p->pieces);
}

static uint64_t bytes_of(const card_pipe *p, unsigned units, unsigned slots)
{
    return slots *
               (card_rows_bytes(p->in_rows) + (p->out_rows ? card_rows_bytes(p->out_rows) : 0)) +
           units * (p->tmp_rows ? card_rows_bytes(p->tmp_rows) : 0);
}

/* As many slots as keep all stages busy, or one where the device has no room for them. */
static unsigned slots_of(const card_device *d, const card_pipe *p)
{
    unsigned units = units_of(d, p), slots = (unsigned)card_min(units + 3, p->pieces);

    return bytes_of(p, units, slots) <= d->info.memory_bytes ? slots : 1;
}

uint64_t card_pipe_bytes(const card_pipe *p)
{
    return bytes_of(p, 1, 1);
}

static void end_flow(flow *f)
{
    card_device *d = f->run->device;

    for (unsigned i = 0; i < MAX_SLOTS; i++) {
        slot *s = &f->slot[i];

        if (s->out != s->in)
            card_rows_free(d, s->out);
        card_rows_free(d, s->in);
        if (f->pipe->secret && s->staged)
            memset(s->staged, 0, f->in_bytes);
        p_memory_free(&d->host, s->staged, f->in_bytes, 1);
        p_memory_free(&d->host, s->result, f->out_bytes, 1);
        *s = (slot){0};
    }
    for (unsigned i = 0; i < CARD_MAX_UNITS; i++) {
        card_rows_free(d, f->tmp[i]);
        f->tmp[i] = NULL;
    }
}

static p_status make_slot(flow *f, slot *s, p_err *err)
{
    card_device *d = f->run->device;
    const card_pipe *p = f->pipe;
    void *memory = NULL;
    p_status status = card_rows_alloc(d, CARD_SIDE_A, p->in_rows, &s->in, err);

    if (status == P_OK && p->out_rows)
        status = card_rows_alloc(d, CARD_SIDE_A, p->out_rows, &s->out, err);
    else
        s->out = s->in;
    if (status == P_OK)
        status = card_host_alloc(d, f->in_bytes, 1, "staging", &memory, err);
    if (status == P_OK) {
        s->staged = memory;
        status = card_host_alloc(d, f->out_bytes, 1, "staging", &memory, err);
    }
    if (status == P_OK)
        s->result = memory;
    return status;
}

static p_status make_flow(flow *f, unsigned units, unsigned slots, p_err *err)
{
    card_device *d = f->run->device;
    p_status status = P_OK;

    f->units = units;
    f->slots = slots;
    for (unsigned i = 0; i < slots && status == P_OK; i++)
        status = make_slot(f, &f->slot[i], err);
    for (unsigned i = 0; i < units && f->pipe->tmp_rows && status == P_OK; i++)
        status = card_rows_alloc(d, CARD_SIDE_B, f->pipe->tmp_rows, &f->tmp[i], err);
    if (status != P_OK)
        end_flow(f);
    return status;
}

/* ---- the stages ---- */

static slot *slot_of(flow *f, uint64_t piece)
{
    return &f->slot[piece % f->slots];
}

static p_status upload(flow *f, uint64_t piece, p_err *err)
{
    const card_pipe *p = f->pipe;
    slot *s = slot_of(f, piece);
    p_status status = p->stage(p->context, f->run, piece, s->staged, &s->rows, err);

    return status == P_OK ? card_write(f->run, &s->command, s->in, 0, s->rows, s->staged, err)
                          : status;
}

static p_status work(flow *f, uint64_t piece, p_err *err)
{
    const card_pipe *p = f->pipe;
    slot *s = slot_of(f, piece);
    uint32_t unit = (uint32_t)(piece % f->units);
    p_status status = card_finish(f->run, &s->command, err);

    return status == P_OK ? p->start(p->context, f->run, piece, unit, s->in, s->out, f->tmp[unit],
                                     &s->command, err)
                          : status;
}

static p_status download(flow *f, uint64_t piece, p_err *err)
{
    slot *s = slot_of(f, piece);
    p_status status = card_finish(f->run, &s->command, err);

    return status == P_OK
               ? card_read(f->run, &s->command, s->out, 0,
                           f->pipe->out_rows ? f->pipe->out_rows : s->rows, s->result, err)
               : status;
}

static p_status take_over(flow *f, uint64_t piece, p_err *err)
{
    const card_pipe *p = f->pipe;
    slot *s = slot_of(f, piece);
    p_status status = card_finish(f->run, &s->command, err);

    return status == P_OK ? p->accept(p->context, f->run, piece, s->staged, s->result, err)
                          : status;
}

/* At step t piece t is staged, t - 1 starts on the card, t - 1 - units is downloaded, and the one
 * before that is checked, while the card is at work. */
static p_status stream(flow *f, p_err *err)
{
    uint64_t n = f->pipe->pieces, u = f->units;
    p_status s = P_OK;

    for (uint64_t t = 0; t < n + u + 2 && s == P_OK; t++) {
        if (t >= u + 1 && t - u - 1 < n)
            s = download(f, t - u - 1, err);
        if (s == P_OK && t >= 1 && t - 1 < n)
            s = work(f, t - 1, err);
        if (s == P_OK && t < n)
            s = upload(f, t, err);
        if (s == P_OK && t >= u + 2)
            s = take_over(f, t - u - 2, err);
    }
    return s;
}

static p_status one_by_one(flow *f, p_err *err)
{
    p_status s = P_OK;

    for (uint64_t i = 0; i < f->pipe->pieces && s == P_OK; i++) {
        s = upload(f, i, err);
        if (s == P_OK)
            s = work(f, i, err);
        if (s == P_OK)
            s = download(f, i, err);
        if (s == P_OK)
            s = take_over(f, i, err);
    }
    return s;
}

/* Inputs on the card are overwritten with zeros, whatever became of the job. */
static p_status wipe(flow *f, p_err *err)
{
    card_run quiet = {.device = f->run->device};
    p_status status = P_OK;

    for (unsigned i = 0; i < f->slots && status == P_OK; i++) {
        slot *s = &f->slot[i];

        memset(s->staged, 0, f->in_bytes);
        status = card_write(&quiet, &s->command, s->in, 0, f->pipe->in_rows, s->staged, err);
    }
    for (unsigned i = 0; i < f->slots && status == P_OK; i++)
        status = card_finish(&quiet, &f->slot[i].command, err);
    return status;
}

p_status card_pipe_run(card_run *run, const card_pipe *pipe, p_err *err)
{
    card_device *d = run->device;
    unsigned slots = slots_of(d, pipe), units = slots > 1 ? units_of(d, pipe) : 1;
    flow f = {.run = run,
              .pipe = pipe,
              .in_bytes = pipe->in_rows * HLS_ROW_BYTES,
              .out_bytes = (pipe->out_rows ? pipe->out_rows : pipe->in_rows) * HLS_ROW_BYTES};
    p_status s;

    if (pipe->pieces == 0)
        return P_OK;
    s = make_flow(&f, units, slots, err);
    if (s == P_EEXHAUSTED && slots > 1)
        s = make_flow(&f, 1, 1, err);
    if (s != P_OK)
        return s;
    s = f.slots >= f.units + 3 || f.slots >= pipe->pieces ? stream(&f, err) : one_by_one(&f, err);
    s = card_end(run, s, err);
    if (s != P_EDEVICE && pipe->secret) {
        p_err why = {P_OK, ""};
        p_status wiped = wipe(&f, &why);

        wiped = card_end(run, wiped, &why);
        if (wiped != P_OK) {
            s = wiped;
            if (err)
                *err = why;
        }
    }
    end_flow(&f);
    return s;
}
