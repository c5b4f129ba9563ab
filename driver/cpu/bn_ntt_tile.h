/* The transforms of one tile, for a file that defines before
 *     row                               eight elements
 *     row_load(r, words)                from eight adjacent elements
 *     row_gather(r, lanes, offset)      lane i from lanes[i] + offset
 *     row_store, row_scatter            the same in the other direction
 *     row_from_fr(r, fr)                lane i from fr[i]
 *     row_mul(r, a, b), row_scale(r, f) lane by lane; all lanes by one factor
 *     row_finish(r, small, last)        makes r what may be stored; small: r was just multiplied
 *     row_pair(x, y, f)                 (x, y) = (x + f y, x - f y); f NULL: 1
 *     row_four(a, b, c, d, f, g, h)     pairs (a, c), (b, d) with f, then (a, b) with g, (c, d)
 *                                       with h; f NULL: f and g are 1
 * Recursion keeps a block in the first-level cache once it fits, two stages a step. */
#ifndef ZKP_DRIVER_CPU_BN_NTT_TILE_H
#define ZKP_DRIVER_CPU_BN_NTT_TILE_H

#include "driver/cpu/bn_ntt_kernel.h"

/* Block i of the stage that splits blocks of 2^log rows, log even, of which there are count. The
 * block is a polynomial modulo X^(2^log) - c; its two halves become those modulo X^(2^log / 2) -+
 * the factor, a square root of c. So one factor serves a block. */
static void tile_down(row *r, unsigned log, size_t count, size_t i, const bn_ntt_table *t)
{
    const size_t quarter = (size_t)1 << log >> 2;
    const bool ones = t->plain && i == 0;
    const bn_ntt_factor *f = &t->factor[count + i], *g = &t->factor[2 * count + 2 * i];

    if (log == 0)
        return;
    for (size_t j = 0; j < quarter; j++)
        row_four(&r[j], &r[j + quarter], &r[j + 2 * quarter], &r[j + 3 * quarter], ones ? NULL : f,
                 g, g + 1);
    if (log == 2)
        return;
    for (size_t k = 0; k < 4; k++)
        tile_down(r + k * quarter, log - 2, 4 * count, 4 * i + k, t);
}

/* The other direction: joins what are transforms of the even and odd elements. */
static void tile_up(row *r, unsigned log, const bn_ntt_table *t)
{
    const size_t quarter = (size_t)1 << log >> 2;

    if (log == 0)
        return;
    if (log == 1) {
        row_pair(&r[0], &r[1], t->plain ? NULL : &t->factor[1]);
        return;
    }
    if (log > 2)
        for (size_t k = 0; k < 4; k++)
            tile_up(r + k * quarter, log - 2, t);
    for (size_t j = 0; j < quarter; j++) {
        const bn_ntt_factor *f = &t->factor[quarter + j], *g = &t->factor[2 * quarter + j];

        row_four(&r[j], &r[j + 2 * quarter], &r[j + quarter], &r[j + 3 * quarter],
                 t->plain && j == 0 ? NULL : f, g, g + quarter);
    }
}

static void tile_transform(row *r, const bn_ntt_tile *t)
{
    const size_t half = (size_t)1 << t->log_n >> 1;

    if (t->up) {
        tile_up(r, t->log_n, &t->table);
    } else if (t->log_n & 1) { /* the single stage where its factor is 1 */
        for (size_t j = 0; j < half; j++)
            row_pair(&r[j], &r[j + half], t->table.plain ? NULL : &t->table.factor[1]);
        tile_down(r, t->log_n - 1, 2, 0, &t->table);
        tile_down(r + half, t->log_n - 1, 2, 1, &t->table);
    } else {
        tile_down(r, t->log_n, 1, 0, &t->table);
    }
}

static size_t tile_reverse(size_t i, unsigned bits)
{
    size_t r = 0;

    for (unsigned b = 0; b < bits; b++)
        r |= (i >> b & 1) << (bits - 1 - b);
    return r;
}

static void tile_run(const bn_ntt_tile *t, void *scratch)
{
    const size_t n = (size_t)1 << t->log_n;
    row *r = scratch, power, step;

    if (t->twist) {
        row_from_fr(&power, t->start);
        row_from_fr(&step, t->step);
    }
    for (size_t j = 0; j < n; j++) {
        if (t->adjacent)
            row_load(&r[j], t->lane[0] + j * t->distance);
        else
            row_gather(&r[j], t->lane, j * t->distance);
        if (t->twist && !t->up) {
            row_mul(&r[j], &r[j], &power);
            row_mul(&power, &power, &step);
        }
    }
    tile_transform(r, t);
    for (size_t j = 0; j < n; j++) {
        const size_t place = t->swap ? tile_reverse(j, t->log_n) : j;
        row x = r[j];

        if (t->twist && t->up) {
            row_mul(&x, &x, &power);
            row_mul(&power, &power, &step);
        }
        if (t->out)
            row_scale(&x, &t->out[j]);
        row_finish(&x, (t->twist && t->up) || t->out, t->last);
        if (t->adjacent)
            row_store(t->lane[0] + place * t->distance, &x);
        else
            row_scatter(t->lane, place * t->distance, &x);
    }
}

#endif
