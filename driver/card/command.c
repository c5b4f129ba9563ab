/* Commands: started, waited for within a limit, ended by force with the card. */
#include "driver/card/internal.h"

#include "driver/base/clock.h"

#include <inttypes.h>
#include <string.h>

/* A transfer of a byte at 1 GB/s, an eighth of what PCIe gives. */
#define BYTE_NS 1
/* After a reset all tickets have ended: this is for a transport that breaks its word. */
#define END_MS 10000

static void link_command(card_device *d, card_command *c, const char *what, uint64_t work_ns)
{
    c->what = what;
    c->work_ns = work_ns;
    c->previous = NULL;
    c->next = d->commands;
    if (d->commands)
        d->commands->previous = c;
    d->commands = c;
    d->work_ns += work_ns;
}

static void unlink_command(card_device *d, card_command *c)
{
    *(c->previous ? &c->previous->next : &d->commands) = c->next;
    if (c->next)
        c->next->previous = c->previous;
    d->work_ns -= c->work_ns;
    c->ticket = NULL;
}

/* What a transport answers is P_OK, a lack of memory, or a failure of the card. */
static p_status judge(p_status s, const char *what, p_err *err)
{
    if (s == P_OK)
        return s;
    if (s != P_EEXHAUSTED && err)
        err->status = s = P_EDEVICE;
    p_err_prefix(err, "%s", what);
    return s == P_EEXHAUSTED ? s : P_EDEVICE;
}

static p_status started(card_run *run, card_command *c, p_status s, const char *what,
                        uint64_t work_ns, p_err *err)
{
    if (s == P_OK)
        link_command(run->device, c, what, work_ns);
    else
        c->ticket = NULL;
    return judge(s, what, err);
}

p_status card_start(card_run *run, card_command *c, card_kernel kernel, uint32_t unit,
                    const card_arg *args, size_t count, uint64_t work_ns, p_err *err)
{
    const char *name = card_kernel_name(kernel), *letters = card_kernel_args(kernel);
    card_device *d = run->device;
    p_status s = card_poll(run, err);
    p_err why = {P_OK, ""};

    if (s != P_OK)
        return s;
    if (count != strlen(letters) || unit >= d->caps.units[kernel])
        return p_err_set(err, P_EINTERNAL, "%s: %zu arguments for unit %" PRIu32, name, count,
                         unit);
    for (size_t i = 0; i < count; i++)
        if ((letters[i] == 'R') != (args[i].rows != NULL) ||
            (letters[i] == 'W' && args[i].value > UINT32_MAX))
            return p_err_set(err, P_EINTERNAL, "%s: argument %zu is not of the kind %c", name, i,
                             letters[i]);
    s = d->ops->start_run(d->card, kernel, unit, args, count, &c->ticket, &why);
    s = started(run, c, s, name, work_ns, &why);
    if (s != P_OK && err)
        *err = why;
    return s;
}

static p_status move(card_run *run, card_command *c, const card_rows *rows, uint64_t row,
                     uint64_t count, const void *from, void *to, p_err *err)
{
    card_device *d = run->device;
    p_status s = card_poll(run, err);
    p_err why = {P_OK, ""};

    if (s != P_OK)
        return s;
    if (!rows->buffer || count == 0 || row >= rows->rows || count > rows->rows - row)
        return p_err_set(err, P_EINTERNAL, "rows %" PRIu64 " + %" PRIu64 " of a buffer of %" PRIu64,
                         row, count, rows->buffer ? rows->rows : 0);
    s = to ? d->ops->start_read(d->card, rows->buffer, row, count, to, &c->ticket, &why)
           : d->ops->start_write(d->card, rows->buffer, row, count, from, &c->ticket, &why);
    s = started(run, c, s, to ? "a download" : "an upload", count * HLS_ROW_BYTES * BYTE_NS, &why);
    if (s != P_OK && err)
        *err = why;
    return s;
}

p_status card_write(card_run *run, card_command *c, const card_rows *rows, uint64_t row,
                    uint64_t count, const void *data, p_err *err)
{
    return move(run, c, rows, row, count, data, NULL, err);
}

p_status card_read(card_run *run, card_command *c, const card_rows *rows, uint64_t row,
                   uint64_t count, void *data, p_err *err)
{
    return move(run, c, rows, row, count, NULL, data, err);
}

/* ---- waiting ---- */

/* Everything under way may stand before the command that is waited for. */
static int64_t limit_ms(const card_device *d)
{
    uint64_t ms = d->patience.base_ms + d->work_ns / 1000000;
    uint64_t factor = card_max(d->caps.patience, 1);

    return ms > (uint64_t)INT64_MAX / 4 / factor ? INT64_MAX / 4 : (int64_t)(ms * factor);
}

static p_status finish(card_device *d, const p_cancel *cancel, card_command *c, int64_t limit,
                       p_err *err)
{
    int64_t start = p_clock_ms(CLOCK_MONOTONIC), gone = 0;
    const char *what = c->what;
    p_err why = {P_OK, ""};
    p_status s;

    for (;;) {
        int64_t left = limit - gone;

        if (p_cancel_requested(cancel))
            return p_err_set(err, P_ECANCELLED, "cancelled");
        s = d->ops->wait(d->card, c->ticket,
                         left <= 0 ? 0 : (uint32_t)card_min((uint64_t)left, CARD_POLL_MS), &why);
        if (s != P_EDEADLINE)
            break;
        gone = p_clock_ms(CLOCK_MONOTONIC) - start;
        if (left <= 0)
            return p_err_set(err, P_EDEVICE, "%s did not end within %" PRId64 " ms", what, limit);
    }
    unlink_command(d, c);
    s = judge(s == P_EEXHAUSTED ? P_EDEVICE : s, what, &why); /* it was started, so it failed */
    if (s != P_OK && err)
        *err = why;
    return s;
}

p_status card_finish(card_run *run, card_command *c, p_err *err)
{
    p_status s = card_poll(run, err);

    if (s != P_OK || !c->ticket)
        return s;
    return finish(run->device, run->cancel, c, limit_ms(run->device), err);
}

p_status card_settle(card_device *d, p_err *err)
{
    p_status status = P_OK;

    while (d->commands && status == P_OK)
        status = finish(d, NULL, d->commands, limit_ms(d), err);
    return status;
}

p_status card_end(card_run *run, p_status status, p_err *err)
{
    card_device *d = run->device;
    p_err why = {P_OK, ""};

    if (status != P_EDEVICE && card_settle(d, &why) != P_OK) {
        status = P_EDEVICE;
        if (err)
            *err = why;
    }
    if (status == P_EDEVICE && !d->recovered)
        card_recover(d, NULL);
    return status;
}

p_status card_recover(card_device *d, p_err *err)
{
    p_status s = d->ops->reset(d->card, err);

    d->recovered = true;

    while (d->commands) {
        card_command *c = d->commands;

        finish(d, NULL, c, END_MS, NULL);
        if (c->ticket) /* a ticket that never ends: nothing more can be done about it */
            unlink_command(d, c);
    }
    for (unsigned width = 0; width <= BN_POSEIDON_MAX_WIDTH; width++) {
        card_rows_free(d, d->table[width]);
        d->table[width] = NULL;
    }
    card_rows_lose(d);
    d->lost = s != P_OK;
    return s;
}

/* splitmix64; begins with what getrandom gave */
uint64_t card_random(card_device *d)
{
    uint64_t x = d->random += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}
