/* The curves of reference_bn.h. */
#include "tests/conformance/reference_bn.h"

#include <stdlib.h>
#include <string.h>

static void add2(ref_n2 *r, const ref_n2 *a, const ref_n2 *b)
{
    ref_add(&r->c0, &a->c0, &b->c0, &REF_FP);
    ref_add(&r->c1, &a->c1, &b->c1, &REF_FP);
}

static void sub2(ref_n2 *r, const ref_n2 *a, const ref_n2 *b)
{
    ref_sub(&r->c0, &a->c0, &b->c0, &REF_FP);
    ref_sub(&r->c1, &a->c1, &b->c1, &REF_FP);
}

/* (a0 + a1 u)(b0 + b1 u) with u^2 = -1 */
static void mul2(ref_n2 *r, const ref_n2 *a, const ref_n2 *b)
{
    ref_n c0, c1, t;

    ref_mul(&c0, &a->c0, &b->c0, &REF_FP);
    if (ref_is_zero(&a->c1) && ref_is_zero(&b->c1)) { /* G1 */
        r->c0 = c0;
        r->c1 = ref_small(0);
        return;
    }
    ref_mul(&t, &a->c1, &b->c1, &REF_FP);
    ref_sub(&c0, &c0, &t, &REF_FP);
    ref_mul(&c1, &a->c0, &b->c1, &REF_FP);
    ref_mul(&t, &a->c1, &b->c0, &REF_FP);
    ref_add(&r->c1, &c1, &t, &REF_FP);
    r->c0 = c0;
}

/* (a0 - a1 u) / (a0^2 + a1^2) */
static void inv2(ref_n2 *r, const ref_n2 *a)
{
    ref_n norm, t, zero = ref_small(0);

    ref_mul(&norm, &a->c0, &a->c0, &REF_FP);
    ref_mul(&t, &a->c1, &a->c1, &REF_FP);
    ref_add(&norm, &norm, &t, &REF_FP);
    ref_inv(&norm, &norm, &REF_FP);
    ref_mul(&r->c0, &a->c0, &norm, &REF_FP);
    ref_sub(&t, &zero, &a->c1, &REF_FP);
    ref_mul(&r->c1, &t, &norm, &REF_FP);
}

static bool equal2(const ref_n2 *a, const ref_n2 *b)
{
    return ref_equal(&a->c0, &b->c0) && ref_equal(&a->c1, &b->c1);
}

static bool zero2(const ref_n2 *a)
{
    return ref_is_zero(&a->c0) && ref_is_zero(&a->c1);
}

ref_point ref_generator(bool g2)
{
    /* EIP-197, real parts first */
    static const ref_point G2 = {
        .x = {{{0x46debd5cd992f6ed, 0x674322d4f75edadd, 0x426a00665e5c4479, 0x1800deef121f1e76}},
              {{0x97e485b7aef312c2, 0xf1aa493335a9e712, 0x7260bfb731fb5d25, 0x198e9393920d483a}}},
        .y = {{{0x4ce6cc0166fa7daa, 0xe3d1e7690c43d37b, 0x4aab71808dcb408f, 0x12c85ea5db8c6deb}},
              {{0x55acdadcd122975b, 0xbc4b313370b38ef3, 0xec9e99ad690c3395, 0x090689d0585ff075}}},
    };

    if (g2)
        return G2;
    return (ref_point){.x = {.c0 = {{1, 0, 0, 0}}}, .y = {.c0 = {{2, 0, 0, 0}}}};
}

/* y^2 = x^3 + 3, on the twist x^3 + 3 / (9 + u) */
bool ref_on_curve(const ref_point *p, bool g2)
{
    ref_n2 left, right, b = {.c0 = {{3, 0, 0, 0}}}, xi = {{{9, 0, 0, 0}}, {{1, 0, 0, 0}}};

    if (p->infinite)
        return true;
    if (g2) {
        inv2(&xi, &xi);
        mul2(&b, &b, &xi);
    }
    mul2(&left, &p->y, &p->y);
    mul2(&right, &p->x, &p->x);
    mul2(&right, &right, &p->x);
    add2(&right, &right, &b);
    return equal2(&left, &right);
}

void ref_point_neg(ref_point *r, const ref_point *a)
{
    ref_n2 zero = {{{0}}, {{0}}};

    *r = *a;
    sub2(&r->y, &zero, &a->y);
}

/* the third intersection of the line with slope numerator * inverse, mirrored */
static void chord(ref_point *r, const ref_point *a, const ref_point *b, const ref_n2 *numerator,
                  const ref_n2 *inverse)
{
    ref_n2 slope, x, y;

    mul2(&slope, numerator, inverse);
    mul2(&x, &slope, &slope);
    sub2(&x, &x, &a->x);
    sub2(&x, &x, &b->x);
    sub2(&y, &a->x, &x);
    mul2(&y, &y, &slope);
    sub2(&y, &y, &a->y);
    *r = (ref_point){.x = x, .y = y};
}

void ref_point_add(ref_point *r, const ref_point *a, const ref_point *b)
{
    ref_n2 numerator, denominator;

    if (a->infinite || b->infinite) {
        *r = a->infinite ? *b : *a;
        return;
    }
    if (equal2(&a->x, &b->x)) {
        if (!equal2(&a->y, &b->y) || zero2(&a->y)) {
            *r = (ref_point){.infinite = true};
            return;
        }
        mul2(&denominator, &a->x, &a->x);
        add2(&numerator, &denominator, &denominator);
        add2(&numerator, &numerator, &denominator);
        add2(&denominator, &a->y, &a->y);
    } else {
        sub2(&numerator, &b->y, &a->y);
        sub2(&denominator, &b->x, &a->x);
    }
    inv2(&denominator, &denominator);
    chord(r, a, b, &numerator, &denominator);
}

void ref_point_mul(ref_point *r, const ref_point *a, const ref_n *scalar)
{
    ref_point sum = {.infinite = true}, base = *a;

    for (unsigned i = 256; i-- > 0;) {
        ref_point_add(&sum, &sum, &sum);
        if (scalar->l[i / 64] >> i % 64 & 1)
            ref_point_add(&sum, &sum, &base);
    }
    *r = sum;
}

void ref_point_add_many(ref_point *r, const ref_point *a, const ref_point *b, uint64_t count)
{
    ref_n2 *product = malloc((count + 1) * sizeof(*product)), inverse, difference, numerator;

    if (!product)
        abort();
    product[0] = (ref_n2){.c0 = {{1, 0, 0, 0}}};
    for (uint64_t i = 0; i < count; i++) {
        sub2(&difference, &b[i].x, &a[i].x);
        mul2(&product[i + 1], &product[i], &difference);
    }
    inv2(&inverse, &product[count]);
    for (uint64_t i = count; i-- > 0;) {
        ref_n2 own;

        sub2(&difference, &b[i].x, &a[i].x);
        mul2(&own, &inverse, &product[i]);
        mul2(&inverse, &inverse, &difference);
        sub2(&numerator, &b[i].y, &a[i].y);
        chord(&r[i], &a[i], &b[i], &numerator, &own);
    }
    free(product);
}

void ref_point_words(uint64_t *words, const ref_point *p, bool g2)
{
    const ref_n *coordinate[4] = {&p->x.c0, &p->x.c1, &p->y.c0, &p->y.c1};
    unsigned at = 0;

    memset(words, 0, g2 ? 128 : 64);
    if (p->infinite)
        return;
    for (unsigned i = 0; i < 4; i++)
        if (g2 || i % 2 == 0)
            ref_to_mont(words + 4 * at++, coordinate[i], &REF_FP);
}

bool ref_point_parse(ref_point *p, const uint64_t *words, bool g2)
{
    ref_n *coordinate[4] = {&p->x.c0, &p->x.c1, &p->y.c0, &p->y.c1};
    unsigned at = 0;
    bool zero = true;

    memset(p, 0, sizeof(*p));
    for (unsigned i = 0; i < 4; i++) {
        ref_n raw;

        if (!g2 && i % 2)
            continue;
        memcpy(raw.l, words + 4 * at++, 32);
        if (!ref_less(&raw, &REF_FP))
            return false;
        zero = zero && ref_is_zero(&raw);
        ref_from_mont(coordinate[i], raw.l, &REF_FP);
    }
    p->infinite = zero;
    return true;
}
