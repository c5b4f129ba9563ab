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
            bn_fr_reduce_double(&r->e[i], r->e[i].l);
            bn_fr_reduce_once(&r->e[i], r->e[i].l);
        }
}

static const uint64_t TWICE[4] = {BN_FR_P0 << 1, BN_FR_P1 << 1 | BN_FR_P0 >> 63,
                                  BN_FR_P2 << 1 | BN_FR_P1 >> 63, BN_FR_P3 << 1 | BN_FR_P2 >> 63};

/* x below 2 p, then (x, y) = (x + t, x - t + 2 p), t < 2 p. */
#if defined(__x86_64__) && defined(__ADX__)
static inline void element_cross(bn_fr *x, bn_fr *y, const bn_fr *t)
{
    uint64_t a0, a1, a2, a3, b0, b1, b2, b3;

    /* compilers keep carries in registers of their own */
    __asm__(
        "movq (%[x]), %[a0]\n\t"
        "movq 8(%[x]), %[a1]\n\t"
        "movq 16(%[x]), %[a2]\n\t"
        "movq 24(%[x]), %[a3]\n\t"
        "movq %[a0], %[b0]\n\t"
        "movq %[a1], %[b1]\n\t"
        "movq %[a2], %[b2]\n\t"
        "movq %[a3], %[b3]\n\t"
        "subq %[p0], %[b0]\n\t"
        "sbbq %[p1], %[b1]\n\t"
        "sbbq %[p2], %[b2]\n\t"
        "sbbq %[p3], %[b3]\n\t"
        "cmovncq %[b0], %[a0]\n\t"
        "cmovncq %[b1], %[a1]\n\t"
        "cmovncq %[b2], %[a2]\n\t"
        "cmovncq %[b3], %[a3]\n\t"
        "movq %[p0], %[b0]\n\t"
        "movq %[p1], %[b1]\n\t"
        "movq %[p2], %[b2]\n\t"
        "movq %[p3], %[b3]\n\t"
        "subq (%[t]), %[b0]\n\t"
        "sbbq 8(%[t]), %[b1]\n\t"
        "sbbq 16(%[t]), %[b2]\n\t"
        "sbbq 24(%[t]), %[b3]\n\t"
        "addq %[a0], %[b0]\n\t"
        "adcq %[a1], %[b1]\n\t"
        "adcq %[a2], %[b2]\n\t"
        "adcq %[a3], %[b3]\n\t"
        "addq (%[t]), %[a0]\n\t"
        "adcq 8(%[t]), %[a1]\n\t"
        "adcq 16(%[t]), %[a2]\n\t"
        "adcq 24(%[t]), %[a3]\n\t"
        : [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [a3] "=&r"(a3), [b0] "=&r"(b0),
          [b1] "=&r"(b1), [b2] "=&r"(b2), [b3] "=&r"(b3)
        : [x] "r"(x->l), [t] "r"(t->l), "m"(*x),
          "m"(*t), [p0] "m"(TWICE[0]), [p1] "m"(TWICE[1]), [p2] "m"(TWICE[2]), [p3] "m"(TWICE[3])
        : "cc");
    *x = (bn_fr){{a0, a1, a2, a3}};
    *y = (bn_fr){{b0, b1, b2, b3}};
}
#else
static inline void element_cross(bn_fr *x, bn_fr *y, const bn_fr *t)
{
    bn_fr d;
    unsigned char c;

    bn_fr_reduce_double(x, x->l);
    c = bn254_sub(&d.l[0], TWICE[0], t->l[0], 0);
    c = bn254_sub(&d.l[1], TWICE[1], t->l[1], c);
    c = bn254_sub(&d.l[2], TWICE[2], t->l[2], c);
    d.l[3] = TWICE[3] - t->l[3] - c;
    bn_fr_add_lazy(y, &d, x);
    bn_fr_add_lazy(x, x, t);
}
#endif

/* One pair of elements; f NULL: 1. */
static inline void element_pair(bn_fr *x, bn_fr *y, const bn_fr *f)
{
    bn_fr t;

    if (f)
        bn_fr_mul_lazy(&t, f, y);
    else
        bn_fr_reduce_double(&t, y->l);
    element_cross(x, y, &t);
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
