/* One element after the other: bn_ntt_portable.c and bn_ntt_avx2.c differ in what bn_fr.h makes of
 * a multiplication.
 *
 * Within a tile elements are below 4 p, p = 0.189 * 2^256 (Harvey, J. Symb. Comp. 60, 2014). Of a
 * pair, x is brought below 2 p and f y < 4 p p / 2^256 + p < 2 p, so the sum and the difference
 * plus 2 p are below 4 p again. */
#ifndef ZKP_DRIVER_CPU_BN_NTT_IMPL_H
#define ZKP_DRIVER_CPU_BN_NTT_IMPL_H

#include "driver/cpu/bn_ntt_kernel.h"

#include <string.h>

typedef struct row {
    bn_fr e[BN_NTT_LANES];
} row;

_Static_assert(sizeof(row) <= BN_NTT_ROW_BYTES, "a row fits its scratch");

static inline void row_load(row *r, const uint64_t *a)
{
    memcpy(r, a, sizeof *r);
}

static inline void row_store(uint64_t *a, const row *r)
{
    memcpy(a, r, sizeof *r);
}

static inline void row_gather(row *r, uint64_t *const lane[BN_NTT_LANES], size_t offset)
{
    for (int i = 0; i < BN_NTT_LANES; i++)
        memcpy(&r->e[i], lane[i] + offset, sizeof r->e[i]);
}

static inline void row_scatter(uint64_t *const lane[BN_NTT_LANES], size_t offset, const row *r)
{
    for (int i = 0; i < BN_NTT_LANES; i++)
        memcpy(lane[i] + offset, &r->e[i], sizeof r->e[i]);
}

static inline void row_from_fr(row *r, const bn_fr a[BN_NTT_LANES])
{
    memcpy(r, a, sizeof *r);
}

static inline void factor_get(bn_fr *r, const bn_ntt_factor *f)
{
    memcpy(r, f->l, sizeof *r);
}

/* b is canonical, so a b / 2^256 + p < 2 p, and the result is canonical */
static inline void row_mul(row *r, const row *a, const row *b)
{
    for (int i = 0; i < BN_NTT_LANES; i++)
        bn_fr_mul(&r->e[i], &b->e[i], &a->e[i]);
}

static inline void row_scale(row *r, const bn_ntt_factor *f)
{
    bn_fr factor;

    factor_get(&factor, f);
    for (int i = 0; i < BN_NTT_LANES; i++)
        bn_fr_mul_lazy(&r->e[i], &factor, &r->e[i]);
}

static inline void row_finish(row *r, bool small, bool last)
{
    (void)small;
    if (last)
        for (int i = 0; i < BN_NTT_LANES; i++) {
            bn_fr_reduce_once(&r->e[i], r->e[i].l, 2);
            bn_fr_reduce_once(&r->e[i], r->e[i].l, 1);
        }
}

/* (x, y) = (x + y, x - y + 2 p) for x, y < 2 p. */
static inline void element_cross(bn_fr *x, bn_fr *y)
{
    static const uint64_t twice[4] = {BN_FR_P0 << 1, BN_FR_P1 << 1 | BN_FR_P0 >> 63,
                                      BN_FR_P2 << 1 | BN_FR_P1 >> 63,
                                      BN_FR_P3 << 1 | BN_FR_P2 >> 63};
    bn_fr d;
    unsigned char c;

    c = bn254_sub(&d.l[0], twice[0], y->l[0], 0);
    c = bn254_sub(&d.l[1], twice[1], y->l[1], c);
    c = bn254_sub(&d.l[2], twice[2], y->l[2], c);
    d.l[3] = twice[3] - y->l[3] - c;
    bn_fr_add_lazy(&d, &d, x);
    bn_fr_add_lazy(x, x, y);
    *y = d;
}

/* One pair of elements; f NULL: 1. */
static inline void element_pair(bn_fr *x, bn_fr *y, const bn_fr *f)
{
    bn_fr t;

    bn_fr_reduce_once(x, x->l, 2);
    if (f)
        bn_fr_mul_lazy(&t, f, y);
    else
        bn_fr_reduce_once(&t, y->l, 2);
    element_cross(x, &t);
    *y = t;
}

static inline void row_pair(row *x, row *y, const bn_ntt_factor *f)
{
    bn_fr ff;

    if (f)
        factor_get(&ff, f);
    for (int i = 0; i < BN_NTT_LANES; i++)
        element_pair(&x->e[i], &y->e[i], f ? &ff : NULL);
}

static inline void row_four(row *a, row *b, row *c, row *d, const bn_ntt_factor *f,
                            const bn_ntt_factor *g, const bn_ntt_factor *h)
{
    bn_fr hh;

    row_pair(a, c, f);
    row_pair(b, d, f);
    row_pair(a, b, f ? g : NULL);
    factor_get(&hh, h);
    for (int i = 0; i < BN_NTT_LANES; i++)
        element_pair(&c->e[i], &d->e[i], &hh);
}

static void make_factors(bn_ntt_factor *out, const bn_fr *in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(out[i].l, &in[i], sizeof in[i]);
        out[i].l[4] = 0;
    }
}

#include "driver/cpu/bn_ntt_tile.h"

#endif
