#include "host/groth16/beyond.h"

#include <string.h>

/* Any four words. */
typedef struct raw {
    uint64_t l[4];
} raw;

static const uint64_t Q[4] = {BN_FP_P0, BN_FP_P1, BN_FP_P2, BN_FP_P3};

static unsigned char subtract(uint64_t r[4], const uint64_t a[4], const uint64_t b[4])
{
    unsigned char c = 0;

    for (int i = 0; i < 4; i++)
        c = bn254_sub(&r[i], a[i], b[i], c);
    return c;
}

static unsigned char sum(uint64_t r[4], const uint64_t a[4], const uint64_t b[4])
{
    unsigned char c = 0;

    for (int i = 0; i < 4; i++)
        c = bn254_add(&r[i], a[i], b[i], c);
    return c;
}

/* One subtraction of q if there is a carry or the sum is not below q, wherever that leads. */
static raw add(raw a, raw b)
{
    raw s, d;
    unsigned char carry = sum(s.l, a.l, b.l);
    unsigned char below = subtract(d.l, s.l, Q);

    return carry || !below ? d : s;
}

static raw sub(raw a, raw b)
{
    raw d;

    if (subtract(d.l, a.l, b.l))
        sum(d.l, d.l, Q);
    return d;
}

/* (a b + m q) / 2^256, and one subtraction as in add: the high half plus what the low half, at most
 * q, becomes. */
static raw mul(raw a, raw b)
{
    bn_fp_wide w;
    bn_fp x, y, t;
    raw high, low;

    memcpy(x.l, a.l, sizeof x.l);
    memcpy(y.l, b.l, sizeof y.l);
    bn_fp_wide_mul(&w, &x, &y);
    memcpy(high.l, w.l + 4, sizeof high.l);
    memset(w.l + 4, 0, sizeof high.l);
    bn_fp_wide_redc(&t, &w);
    memcpy(low.l, t.l, sizeof low.l);
    return add(high, low);
}

/* modulo q: 2^256 < 6 q */
static void canonical(bn_fp *r, raw a)
{
    for (int i = 0; i < 5; i++) {
        bn_fp_reduce_once(r, a.l);
        memcpy(a.l, r->l, sizeof a.l);
    }
}

static raw raw_of(const bn_fp *a)
{
    raw r;

    memcpy(r.l, a->l, sizeof r.l);
    return r;
}

void groth16_beyond(bn_g1 *r, const uint8_t bytes[64], const bn_g1 *b)
{
    bn_g1 negative;
    bn_fp x, y, z, t;
    raw x1, y1, x2, y2, h, i, j, slope, v, x3, y3;

    bn_g1_neg(&negative, b);
    memcpy(x1.l, bytes, sizeof x1.l);
    memcpy(y1.l, bytes + 32, sizeof y1.l);
    x2 = raw_of(&negative.x);
    y2 = raw_of(&negative.y);
    /* affine plus affine in Jacobian coordinates, "mmadd-2007-bl" of the Explicit-Formulas
     * Database, Z = 2 H */
    h = sub(x2, x1);
    slope = sub(y2, y1);
    i = mul(h, h);
    i = add(i, i);
    i = add(i, i);
    j = mul(h, i);
    slope = add(slope, slope);
    v = mul(x1, i);
    x3 = sub(sub(mul(slope, slope), j), add(v, v));
    j = mul(y1, j);
    y3 = sub(mul(sub(v, x3), slope), add(j, j));
    /* from here on products have one factor below q: they are products modulo q */
    canonical(&x, x3);
    canonical(&y, y3);
    canonical(&z, add(h, h));
    bn_fp_inv(&z, &z);
    bn_fp_sqr(&t, &z);
    bn_fp_mul(&r->x, &x, &t);
    bn_fp_mul(&t, &t, &z);
    bn_fp_mul(&r->y, &y, &t);
}
