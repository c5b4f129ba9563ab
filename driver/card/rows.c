/* The card's memory: counted against the device's limit, and kept for the next job where it is
 * likely to ask for the same. */
#include "driver/card/internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define MAX_CACHED 32
#define ROUNDED_ROWS ((uint64_t)1 << 20) /* below this sizes are rounded, so that more fit */

static void push(card_rows_list *l, card_rows *r)
{
    r->previous = NULL;
    r->next = l->first;
    *(l->first ? &l->first->previous : &l->last) = r;
    l->first = r;
    l->count++;
}

static void drop(card_rows_list *l, card_rows *r)
{
    *(r->previous ? &r->previous->next : &l->first) = r->next;
    *(r->next ? &r->next->previous : &l->last) = r->previous;
    l->count--;
}

/* Four sizes to a power of two; large ones only to whole pieces of each channel. */
uint64_t card_rows_size(uint64_t rows)
{
    uint64_t step = HLS_ROW_ALIGN;

    while (rows < ROUNDED_ROWS && step * 8 <= rows)
        step *= 2;
    return (card_max(rows, 1) + step - 1) / step * step;
}

static void give_back(card_device *d, card_rows *r)
{
    d->ops->free(d->card, r->buffer);
    d->used_bytes -= r->rows * HLS_ROW_BYTES;
    r->buffer = NULL;
}

static void evict(card_device *d)
{
    card_rows *r = d->cached.last;

    drop(&d->cached, r);
    give_back(d, r);
    free(r);
}

/* Constants are kept between jobs as long as there is room. */
static bool evict_table(card_device *d)
{
    for (unsigned width = 0; width <= BN_POSEIDON_MAX_WIDTH; width++)
        if (d->table[width] && !d->pinned[width]) {
            card_rows_free(d, d->table[width]);
            d->table[width] = NULL;
            return true;
        }
    return false;
}

void card_rows_trim(card_device *d)
{
    while (d->cached.last)
        evict(d);
}

p_status card_rows_alloc(card_device *d, card_side side, uint64_t rows, card_rows **out, p_err *err)
{
    uint64_t size = card_rows_size(rows), bytes = size * HLS_ROW_BYTES;
    uint64_t limit = d->info.memory_bytes;
    card_rows *r;
    p_status s;

    *out = NULL;
    for (r = d->cached.first; r; r = r->next)
        if (r->side == side && r->rows == size) {
            drop(&d->cached, r);
            push(&d->live, r);
            *out = r;
            return P_OK;
        }
    if (size > UINT64_MAX / HLS_ROW_BYTES || bytes > limit)
        return p_err_set(err, P_EEXHAUSTED,
                         "%" PRIu64 " rows of 64 bytes on the card; the device has %" PRIu64
                         " bytes",
                         rows, limit);
    while (d->used_bytes > limit - bytes && (d->cached.last || evict_table(d)))
        if (d->cached.last)
            evict(d);
    if (d->used_bytes > limit - bytes)
        return p_err_set(err, P_EEXHAUSTED,
                         "%" PRIu64 " bytes on the card, of whose %" PRIu64 " bytes %" PRIu64
                         " are in use: release handles",
                         bytes, limit, d->used_bytes);
    r = calloc(1, sizeof *r);
    if (!r)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the record of a buffer");
    *r = (card_rows){.side = side, .rows = size};
    s = d->ops->alloc(d->card, side, size, &r->buffer, err);
    if (s == P_EEXHAUSTED) {
        while (evict_table(d))
            ;
        card_rows_trim(d);
        s = d->ops->alloc(d->card, side, size, &r->buffer, err);
    }
    if (s != P_OK) {
        free(r);
        return s == P_EEXHAUSTED ? s
                                 : p_err_set(err, P_EDEVICE, "no buffer of %" PRIu64 " rows", size);
    }
    d->used_bytes += bytes;
    push(&d->live, r);
    *out = r;
    return P_OK;
}

void card_rows_free(card_device *d, card_rows *r)
{
    if (!r)
        return;
    drop(&d->live, r);
    if (!r->buffer) {
        free(r);
        return;
    }
    push(&d->cached, r);
    if (d->cached.count > MAX_CACHED)
        evict(d);
}

void card_rows_lose(card_device *d)
{
    card_rows_trim(d);
    for (card_rows *r = d->live.first; r; r = r->next)
        if (r->buffer)
            give_back(d, r);
}
