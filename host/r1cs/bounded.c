#include "host/r1cs/bounded.h"

#include "host/r1cs/bits.h"
#include "host/r1cs/builder_internal.h"

#include <string.h>

#define SUM_PIECE 32

/* ---- bounds: numbers of four words; what would exceed 2^252 is no bound ---- */

static const r1cs_bound ONE = {{1, 0, 0, 0}};
static const r1cs_bound WORD = {{0, 1, 0, 0}}; /* 2^64 */

static int compare(const r1cs_bound *x, const r1cs_bound *y)
{
    for (int i = 4; i-- > 0;)
        if (x->w[i] != y->w[i])
            return x->w[i] < y->w[i] ? -1 : 1;
    return 0;
}

static bool within_limit(const r1cs_bound *x)
{
    static const r1cs_bound limit = {{0, 0, 0, (uint64_t)1 << (R1CS_BOUND_LOG2 - 192)}};

    return compare(x, &limit) <= 0;
}

/* x - 1 for a bound: the largest value. */
static r1cs_bound largest(const r1cs_bound *x)
{
    r1cs_bound r = *x;

    for (int i = 0; i < 4 && r.w[i]-- == 0; i++)
        ;
    return r;
}

/* x + y for two numbers within the limit: no carry out. */
static r1cs_bound plus(const r1cs_bound *x, const r1cs_bound *y)
{
    r1cs_bound r;
    unsigned char c = 0;

    for (int i = 0; i < 4; i++)
        c = bn254_add(&r.w[i], x->w[i], y->w[i], c);
    return r;
}

/* x y; false if it is above the limit. */
static bool times(r1cs_bound *out, const r1cs_bound *x, const r1cs_bound *y)
{
    bn_fr a, b;
    bn_fr_wide w;

    memcpy(a.l, x->w, sizeof a.l);
    memcpy(b.l, y->w, sizeof b.l);
    bn_fr_wide_mul(&w, &a, &b);
    memcpy(out->w, w.l, sizeof out->w);
    return (w.l[4] | w.l[5] | w.l[6] | w.l[7]) == 0 && within_limit(out);
}

/* floor(x / p); *rest: x mod p. */
static r1cs_bound divide(const uint64_t x[4], uint64_t *rest)
{
    r1cs_bound q;
    gl_u128 r = 0;

    for (int i = 4; i-- > 0;) {
        r = r << 64 | x[i];
        q.w[i] = (uint64_t)(r / GL_P);
        r %= GL_P;
    }
    *rest = (uint64_t)r;
    return q;
}

static unsigned bit_length(const r1cs_bound *x)
{
    for (int i = 4; i-- > 0;)
        if (x->w[i])
            return 64 * (unsigned)i + 64 - (unsigned)__builtin_clzll(x->w[i]);
    return 0;
}

/* The smallest multiple of p that is not below the bound's values. */
static r1cs_bound cover(const r1cs_bound *bound)
{
    r1cs_bound m = largest(bound), r;
    uint64_t rest;

    m = divide(m.w, &rest);
    if (rest != 0)
        m = plus(&m, &ONE);
    /* below 2^252 + p */
    (void)times(&r, &m, &(r1cs_bound){{GL_P, 0, 0, 0}});
    return r;
}

bool r1cs_quotient_bits(const r1cs_bound *bound, bool residue, unsigned *bits)
{
    static const r1cs_bound r_bn = {{BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3}};
    r1cs_bound k = largest(bound), top = {{0, 0, 0, 0}}, most;
    uint64_t rest;
    bn_fr a, b = {{GL_P, 0, 0, 0}};
    bn_fr_wide w;

    k = divide(k.w, &rest);
    *bits = bit_length(&k);
    for (unsigned i = 0; i < *bits; i++)
        top.w[i / 64] |= (uint64_t)1 << i % 64;
    memcpy(a.l, top.w, sizeof a.l);
    bn_fr_wide_mul(&w, &a, &b);
    memcpy(most.w, w.l, sizeof most.w);
    if ((w.l[4] | w.l[5] | w.l[6] | w.l[7]) != 0)
        return false;
    if (residue) {
        unsigned char c = bn254_add(&most.w[0], most.w[0], UINT64_MAX, 0);

        for (int i = 1; i < 4; i++)
            c = bn254_add(&most.w[i], most.w[i], 0, c);
        if (c)
            return false;
    }
    return compare(&most, &r_bn) < 0;
}

/* ---- values ---- */

static bool usable(r1cs_builder *b, const r1cs_gl *x)
{
    if (within_limit(&x->bound) && (x->bound.w[0] | x->bound.w[1] | x->bound.w[2] | x->bound.w[3]))
        return true;
    r1cs_fail(b, P_EINTERNAL, "a value without a bound of at most 2^%d", R1CS_BOUND_LOG2);
    return false;
}

static r1cs_gl zero_constant(r1cs_builder *b)
{
    return (r1cs_gl){.lc = r1cs_constant(b, r1cs_fr_zero()), .bound = ONE};
}

static bool is_zero_constant(const r1cs_gl *x)
{
    return x->lc.constant && bn_fr_is_zero(&x->lc.value);
}

gl_t r1cs_gl_value(const r1cs_builder *b, const r1cs_gl *x)
{
    uint64_t words[4], rest;

    (void)b;
    bn_fr_get_words(words, &x->lc.value);
    divide(words, &rest);
    return rest;
}

r1cs_gl r1cs_gl_assume(r1cs_lc lc, unsigned bits)
{
    r1cs_gl r = {.lc = lc};

    if (bits <= R1CS_BOUND_LOG2)
        r.bound.w[bits / 64] = (uint64_t)1 << bits % 64;
    return r;
}

r1cs_gl r1cs_gl_input(r1cs_builder *b, uint64_t value)
{
    r1cs_lc wire = r1cs_wire(b, r1cs_fr_u64(value));

    r1cs_bits(b, wire, 64, NULL);
    return (r1cs_gl){.lc = wire, .bound = WORD};
}

r1cs_gl r1cs_gl_constant(r1cs_builder *b, gl_t value)
{
    r1cs_gl r = {.lc = r1cs_constant_u64(b, value), .bound = {{value, 0, 0, 0}}};

    r.bound = plus(&r.bound, &ONE);
    return r;
}

static bn_fr to_fr(const r1cs_bound *x)
{
    bn_fr r = r1cs_fr_zero();

    (void)bn_fr_set_words(&r, x->w); /* bounds are below r_BN */
    return r;
}

/* ---- reduction ---- */

/* v / p, for the quotient of v: exact where v is a multiple of p as an integer. */
static r1cs_lc quotient(r1cs_builder *b, r1cs_lc v)
{
    static const bn_fr p_inverse = {{UINT64_C(0x38a1763cd630e087), UINT64_C(0xcc53e9b4743e5ff8),
                                     UINT64_C(0x416db3f60f90c082), UINT64_C(0x1833f981777e9d6b)}};

    return r1cs_scale(b, v, p_inverse);
}

/* The residue of x as one wire below 2^64, with its bits (or NULL): v = k p + r, k as a combination
 * of v and r, whose bits say that it is small. */
static r1cs_lc residue(r1cs_builder *b, const r1cs_gl *x, r1cs_lc *bits)
{
    r1cs_lc r = r1cs_wire(b, r1cs_fr_u64(r1cs_gl_value(b, x)));
    r1cs_scope scope;
    unsigned k_bits;

    if (!usable(b, x) || !r1cs_quotient_bits(&x->bound, true, &k_bits)) {
        r1cs_fail(b, P_EINTERNAL, "a reduction whose equation could wrap around r");
        return r;
    }
    r1cs_bits(b, r, 64, bits);
    scope = r1cs_scope_begin(b);
    r1cs_bits(b, quotient(b, r1cs_sub(b, x->lc, r)), k_bits, NULL);
    r1cs_scope_end(b, scope);
    return r;
}

r1cs_gl r1cs_gl_reduce(r1cs_builder *b, r1cs_gl x)
{
    r1cs_lc made;

    if (x.lc.constant)
        return r1cs_gl_constant(b, r1cs_gl_value(b, &x));
    if (!usable(b, &x) || compare(&x.bound, &WORD) <= 0)
        return x;
    if (!r1cs_memo_find(b, x.lc.serial, &made)) {
        made = residue(b, &x, NULL);
        r1cs_memo_keep(b, x.lc.serial, made);
    }
    return (r1cs_gl){.lc = made, .bound = WORD};
}

r1cs_gl r1cs_gl_canonical(r1cs_builder *b, r1cs_gl x, r1cs_lc *bits)
{
    r1cs_lc own[64], *bit = bits ? bits : own, r, less, inverse, top;
    r1cs_scope scope;
    bn_fr value = r1cs_fr_zero();

    if (x.lc.constant) {
        r1cs_gl c = r1cs_gl_constant(b, r1cs_gl_value(b, &x));

        if (bits)
            r1cs_bits(b, c.lc, 64, bits);
        return c;
    }
    scope = r1cs_scope_begin(b);
    r = residue(b, &x, bit);
    if (!r1cs_failed(b)) {
        /* r = 2^32 high + low is below p unless high = 2^32 - 1 and low is not 0. top: whether high
         * = 2^32 - 1, less (2^32 - 1 - high) inverse = 1 - top and less top = 0 */
        r1cs_lc low = r1cs_from_bits(b, bit, 32), one = r1cs_constant(b, r1cs_fr_one());

        less = r1cs_sub(b, r1cs_constant_u64(b, UINT32_MAX), r1cs_from_bits(b, bit + 32, 32));
        if (r1cs_solving(b))
            bn_fr_inv(&value, &less.value);
        inverse = r1cs_wire(b, value);
        top = r1cs_sub(b, one, r1cs_mul(b, less, inverse));
        r1cs_constrain(b, less, top, (r1cs_lc){.constant = true});
        r1cs_constrain(b, low, top, (r1cs_lc){.constant = true});
    }
    if (!bits)
        r1cs_scope_end(b, scope);
    return (r1cs_gl){.lc = r, .bound = {{GL_P, 0, 0, 0}}};
}

void r1cs_gl_zero(r1cs_builder *b, r1cs_gl x)
{
    r1cs_scope scope = r1cs_scope_begin(b);
    unsigned k_bits;

    if (!usable(b, &x) || !r1cs_quotient_bits(&x.bound, false, &k_bits))
        r1cs_fail(b, P_EINTERNAL, "a quotient whose equation could wrap around r");
    else if (x.lc.constant && r1cs_gl_value(b, &x) != 0)
        r1cs_fail(b, P_EINVAL, "a constant that is not zero was to be zero");
    else if (!x.lc.constant)
        r1cs_bits(b, quotient(b, x.lc), k_bits, NULL);
    r1cs_scope_end(b, scope);
}

void r1cs_gl_equal(r1cs_builder *b, r1cs_gl x, r1cs_gl y)
{
    r1cs_scope scope = r1cs_scope_begin(b);

    r1cs_gl_zero(b, r1cs_gl_sub(b, x, y));
    r1cs_scope_end(b, scope);
}

/* ---- sums: a list of combinations that is added up piece by piece ---- */

typedef struct sum {
    r1cs_lc part[SUM_PIECE + 1];
    bn_fr factor[SUM_PIECE + 1];
    uint32_t count;
    r1cs_bound most; /* the largest value */
} sum;

static r1cs_gl sum_end(r1cs_builder *b, sum *s)
{
    r1cs_gl r = {.lc = s->count == 1 && bn_fr_eq(&s->factor[0], &(bn_fr)BN_FR_R_INIT)
                           ? s->part[0]
                           : r1cs_sum(b, s->part, s->factor, s->count)};

    r.bound = plus(&s->most, &ONE);
    return r;
}

/* Adds factor * x whose largest value is most (at most 2^252). */
static void sum_put(r1cs_builder *b, sum *s, const r1cs_lc *x, const bn_fr *factor,
                    const r1cs_bound *most)
{
    r1cs_bound next = plus(&s->most, most), bound = plus(&next, &ONE);

    if (!within_limit(&bound)) {
        r1cs_gl so_far = r1cs_gl_reduce(b, sum_end(b, s));

        s->part[0] = so_far.lc;
        s->factor[0] = r1cs_fr_one();
        s->count = 1;
        s->most = largest(&so_far.bound);
        next = plus(&s->most, most);
        bound = plus(&next, &ONE);
        if (!within_limit(&bound))
            r1cs_fail(b, P_EINTERNAL, "a term of a sum that no reduction makes fit");
    }
    if (s->count == SUM_PIECE) {
        s->part[0] = r1cs_sum(b, s->part, s->factor, s->count);
        s->factor[0] = r1cs_fr_one();
        s->count = 1;
    }
    s->part[s->count] = *x;
    s->factor[s->count] = *factor;
    s->count++;
    s->most = next;
}

static void sum_put_constant(r1cs_builder *b, sum *s, const r1cs_bound *value)
{
    r1cs_lc c = r1cs_constant(b, to_fr(value));
    bn_fr one = r1cs_fr_one();

    sum_put(b, s, &c, &one, value);
}

/* Adds factor * x, or a multiple of p less (p - factor) * x. Half of the limit is left to others,
 * so that every sum goes on after a reduction. */
static void sum_put_scaled(r1cs_builder *b, sum *s, r1cs_gl x, gl_t factor)
{
    static const r1cs_bound half = {{0, 0, 0, (uint64_t)1 << (R1CS_BOUND_LOG2 - 193)}};
    r1cs_bound plain = {{0}}, negative = {{0}};

    if (factor == 0 || !usable(b, &x) || is_zero_constant(&x))
        return;
    if (x.lc.constant) {
        r1cs_bound value = {{gl_mul(r1cs_gl_value(b, &x), factor), 0, 0, 0}};

        sum_put_constant(b, s, &value);
        return;
    }
    for (int tries = 0;; tries++) {
        r1cs_bound most = largest(&x.bound);
        bool fits = times(&plain, &most, &(r1cs_bound){{factor, 0, 0, 0}}),
             fits_negative = times(&negative, &most, &(r1cs_bound){{GL_P - factor, 0, 0, 0}});
        r1cs_bound covered;

        fits_negative = fits_negative && compare(&negative, &half) <= 0;
        fits = fits && compare(&plain, &half) <= 0;
        if (fits_negative) {
            negative = plus(&negative, &ONE);
            covered = cover(&negative);
        }
        if (fits && (!fits_negative || compare(&plain, &covered) <= 0)) {
            bn_fr f = r1cs_fr_u64(factor);

            sum_put(b, s, &x.lc, &f, &plain);
            return;
        }
        if (fits_negative) {
            bn_fr f = r1cs_fr_u64(GL_P - factor);

            bn_fr_neg(&f, &f);
            /* the multiple first: no part of the sum is negative */
            sum_put_constant(b, s, &covered);
            sum_put(b, s, &x.lc, &f, &(r1cs_bound){{0, 0, 0, 0}});
            return;
        }
        if (tries > 0) {
            r1cs_fail(b, P_EINTERNAL, "a term of a sum that no reduction makes fit");
            return;
        }
        x = r1cs_gl_reduce(b, x);
    }
}

r1cs_gl r1cs_gl_sum(r1cs_builder *b, const r1cs_gl *x, const gl_t *factors, uint32_t count)
{
    sum s = {.count = 0};

    for (uint32_t i = 0; i < count; i++)
        sum_put_scaled(b, &s, x[i], factors[i]);
    return s.count ? sum_end(b, &s) : zero_constant(b);
}

r1cs_gl r1cs_gl_add(r1cs_builder *b, r1cs_gl x, r1cs_gl y)
{
    const r1cs_gl parts[2] = {x, y};
    const gl_t ones[2] = {1, 1};

    if (is_zero_constant(&x))
        return y;
    if (is_zero_constant(&y))
        return x;
    return r1cs_gl_sum(b, parts, ones, 2);
}

r1cs_gl r1cs_gl_sub(r1cs_builder *b, r1cs_gl x, r1cs_gl y)
{
    const r1cs_gl parts[2] = {x, y};
    const gl_t factors[2] = {1, GL_P - 1};

    if (is_zero_constant(&y))
        return x;
    return r1cs_gl_sum(b, parts, factors, 2);
}

r1cs_gl r1cs_gl_scale(r1cs_builder *b, r1cs_gl x, gl_t factor)
{
    if (factor == 1)
        return x;
    return r1cs_gl_sum(b, &x, &factor, 1);
}

/* ---- products ---- */

/* Reduces the larger of two factors until their product is at most half of the limit. */
static void fit(r1cs_builder *b, r1cs_gl *x, r1cs_gl *y)
{
    static const r1cs_bound half = {{0, 0, 0, (uint64_t)1 << (R1CS_BOUND_LOG2 - 193)}};

    for (int tries = 0; tries < 2; tries++) {
        r1cs_bound product, a = largest(&x->bound), c = largest(&y->bound);

        if (times(&product, &a, &c) && compare(&product, &half) <= 0)
            return;
        if (compare(&x->bound, &y->bound) >= 0)
            *x = r1cs_gl_reduce(b, *x);
        else
            *y = r1cs_gl_reduce(b, *y);
    }
}

static void sum_put_product(r1cs_builder *b, sum *s, r1cs_gl x, r1cs_gl y)
{
    r1cs_bound most, a, c;
    bn_fr one = r1cs_fr_one();
    r1cs_lc product;

    if (!usable(b, &x) || !usable(b, &y))
        return;
    if (x.lc.constant || y.lc.constant) {
        const r1cs_gl *constant = x.lc.constant ? &x : &y;

        sum_put_scaled(b, s, x.lc.constant ? y : x, r1cs_gl_value(b, constant));
        return;
    }
    fit(b, &x, &y);
    a = largest(&x.bound);
    c = largest(&y.bound);
    if (!times(&most, &a, &c))
        r1cs_fail(b, P_EINTERNAL, "a product that no reduction makes fit");
    product = r1cs_mul(b, x.lc, y.lc);
    sum_put(b, s, &product, &one, &most);
}

r1cs_gl r1cs_gl_dot(r1cs_builder *b, const r1cs_gl *x, const r1cs_gl *y, uint32_t count)
{
    sum s = {.count = 0};

    for (uint32_t i = 0; i < count; i++)
        sum_put_product(b, &s, x[i], y[i]);
    return s.count ? sum_end(b, &s) : zero_constant(b);
}

r1cs_gl r1cs_gl_mul(r1cs_builder *b, r1cs_gl x, r1cs_gl y)
{
    return r1cs_gl_dot(b, &x, &y, 1);
}

/* ---- K ---- */

r1cs_ext r1cs_ext_input(r1cs_builder *b, gl_ext value)
{
    r1cs_ext r;

    for (int i = 0; i < 3; i++)
        r.c[i] = r1cs_gl_input(b, value.c[i]);
    return r;
}

r1cs_ext r1cs_ext_constant(r1cs_builder *b, gl_ext value)
{
    r1cs_ext r;

    for (int i = 0; i < 3; i++)
        r.c[i] = r1cs_gl_constant(b, value.c[i]);
    return r;
}

r1cs_ext r1cs_ext_from_gl(r1cs_builder *b, r1cs_gl x)
{
    return (r1cs_ext){{x, zero_constant(b), zero_constant(b)}};
}

r1cs_ext r1cs_ext_add(r1cs_builder *b, r1cs_ext x, r1cs_ext y)
{
    for (int i = 0; i < 3; i++)
        x.c[i] = r1cs_gl_add(b, x.c[i], y.c[i]);
    return x;
}

r1cs_ext r1cs_ext_sub(r1cs_builder *b, r1cs_ext x, r1cs_ext y)
{
    for (int i = 0; i < 3; i++)
        x.c[i] = r1cs_gl_sub(b, x.c[i], y.c[i]);
    return x;
}

r1cs_ext r1cs_ext_scale(r1cs_builder *b, r1cs_ext x, gl_t factor)
{
    for (int i = 0; i < 3; i++)
        x.c[i] = r1cs_gl_scale(b, x.c[i], factor);
    return x;
}

r1cs_ext r1cs_ext_sum(r1cs_builder *b, const r1cs_ext *x, const gl_t *factors, uint32_t count)
{
    r1cs_ext r;

    for (int k = 0; k < 3; k++) {
        sum s = {.count = 0};

        for (uint32_t i = 0; i < count; i++)
            sum_put_scaled(b, &s, x[i].c[k], factors[i]);
        r.c[k] = s.count ? sum_end(b, &s) : zero_constant(b);
    }
    return r;
}

r1cs_ext r1cs_ext_reduce(r1cs_builder *b, r1cs_ext x)
{
    for (int i = 0; i < 3; i++)
        x.c[i] = r1cs_gl_reduce(b, x.c[i]);
    return x;
}

gl_ext r1cs_ext_value(const r1cs_builder *b, const r1cs_ext *x)
{
    return (gl_ext){
        {r1cs_gl_value(b, &x->c[0]), r1cs_gl_value(b, &x->c[1]), r1cs_gl_value(b, &x->c[2])}};
}

static bool is_constant(const r1cs_ext *x)
{
    return x->c[0].lc.constant && x->c[1].lc.constant && x->c[2].lc.constant;
}

static bool in_base_field(const r1cs_ext *x)
{
    return is_zero_constant(&x->c[1]) && is_zero_constant(&x->c[2]);
}

/* X^3 = X + 1, X^4 = X^2 + X: which of the coefficients of 1, X, X^2 the product's coefficient of
 * X^k is added to. */
static const unsigned char fold[5][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {1, 2}};

static void put_folded(r1cs_builder *b, sum s[3], unsigned k, const r1cs_lc *x,
                       const r1cs_bound *most)
{
    bn_fr one = r1cs_fr_one();

    sum_put(b, &s[fold[k][0]], x, &one, most);
    if (fold[k][1] != fold[k][0])
        sum_put(b, &s[fold[k][1]], x, &one, most);
}

/* Reduces the larger coefficients until the sum of three products is at most a quarter of the
 * limit. */
static void fit_ext(r1cs_builder *b, r1cs_ext *x, r1cs_ext *y)
{
    static const r1cs_bound small = {{0, 0, 0, (uint64_t)1 << (R1CS_BOUND_LOG2 - 196)}};

    for (int tries = 0; tries < 6; tries++) {
        r1cs_gl *a = &x->c[0], *c = &y->c[0];
        r1cs_bound product, a_most, c_most;

        for (int i = 1; i < 3; i++) {
            a = compare(&x->c[i].bound, &a->bound) > 0 ? &x->c[i] : a;
            c = compare(&y->c[i].bound, &c->bound) > 0 ? &y->c[i] : c;
        }
        a_most = largest(&a->bound);
        c_most = largest(&c->bound);
        if (times(&product, &a_most, &c_most) && compare(&product, &small) <= 0)
            return;
        if (compare(&a->bound, &c->bound) >= 0)
            *a = r1cs_gl_reduce(b, *a);
        else
            *c = r1cs_gl_reduce(b, *c);
    }
}

/* The values at the points 0, 1, -1, 2 and infinity of a polynomial with 3 or 5 coefficients. */
#define POINTS 5
static r1cs_lc at_point(r1cs_builder *b, const r1cs_lc *c, unsigned n, unsigned point)
{
    bn_fr factors[5], minus, f = r1cs_fr_one();

    if (point == 0)
        return c[0];
    if (point == POINTS - 1)
        return c[n - 1];
    bn_fr_neg(&minus, &f);
    for (unsigned i = 0; i < n; i++) {
        factors[i] = f;
        if (point == 2)
            bn_fr_mul(&f, &f, &minus);
        if (point == 3)
            bn_fr_dbl(&f, &f);
    }
    return r1cs_sum(b, c, factors, n);
}

/* The product as a polynomial of degree 4: its five coefficients are wires, which five values
 * determine. As integers they are sums of at most three products; nothing wraps in them, and what
 * the equations add up besides need not be a small integer. */
static void put_ext_product(r1cs_builder *b, sum s[3], r1cs_ext x, r1cs_ext y)
{
    r1cs_lc left[3], right[3], product[5];
    r1cs_bound most[5] = {{{0}}};
    r1cs_scope scope;

    fit_ext(b, &x, &y);
    for (unsigned k = 0; k < 5; k++) {
        bn_fr value = r1cs_fr_zero();

        for (unsigned i = k < 3 ? 0 : k - 2; i <= k && i < 3; i++) {
            r1cs_bound part, a = largest(&x.c[i].bound), c = largest(&y.c[k - i].bound);
            bn_fr v;

            if (!times(&part, &a, &c))
                r1cs_fail(b, P_EINTERNAL, "a product that no reduction makes fit");
            most[k] = plus(&most[k], &part);
            bn_fr_mul(&v, &x.c[i].lc.value, &y.c[k - i].lc.value);
            bn_fr_add(&value, &value, &v);
        }
        product[k] = r1cs_wire(b, value);
    }
    for (unsigned i = 0; i < 3; i++) {
        left[i] = x.c[i].lc;
        right[i] = y.c[i].lc;
    }
    scope = r1cs_scope_begin(b);
    for (unsigned p = 0; p < POINTS; p++)
        r1cs_constrain(b, at_point(b, left, 3, p), at_point(b, right, 3, p),
                       at_point(b, product, 5, p));
    r1cs_scope_end(b, scope);
    for (unsigned k = 0; k < 5; k++)
        put_folded(b, s, k, &product[k], &most[k]);
}

/* x y with y constant, or in the base field: three products, or none. */
static void put_simple_product(r1cs_builder *b, sum s[3], const r1cs_ext *x, const r1cs_ext *y)
{
    if (!is_constant(y)) {
        for (unsigned i = 0; i < 3; i++)
            sum_put_product(b, &s[i], x->c[i], y->c[0]);
        return;
    }
    for (unsigned i = 0; i < 3; i++)
        for (unsigned j = 0; j < 3; j++) {
            gl_t factor = r1cs_gl_value(b, &y->c[j]);
            const unsigned char *f = fold[i + j];

            sum_put_scaled(b, &s[f[0]], x->c[i], factor);
            if (f[1] != f[0])
                sum_put_scaled(b, &s[f[1]], x->c[i], factor);
        }
}

static void put_product(r1cs_builder *b, sum s[3], const r1cs_ext *x, const r1cs_ext *y)
{
    for (int i = 0; i < 3; i++)
        if (!usable(b, &x->c[i]) || !usable(b, &y->c[i]))
            return;
    if (is_constant(y) || (in_base_field(y) && !is_constant(x)))
        put_simple_product(b, s, x, y);
    else if (is_constant(x) || in_base_field(x))
        put_simple_product(b, s, y, x);
    else
        put_ext_product(b, s, *x, *y);
}

r1cs_ext r1cs_ext_dot(r1cs_builder *b, const r1cs_ext *x, const r1cs_ext *y, uint32_t count)
{
    sum s[3] = {{.count = 0}, {.count = 0}, {.count = 0}};
    r1cs_ext r;

    for (uint32_t i = 0; i < count; i++)
        put_product(b, s, &x[i], &y[i]);
    for (int k = 0; k < 3; k++)
        r.c[k] = s[k].count ? sum_end(b, &s[k]) : zero_constant(b);
    return r;
}

r1cs_ext r1cs_ext_dot_gl(r1cs_builder *b, const r1cs_ext *x, const r1cs_gl *y, uint32_t count)
{
    r1cs_ext r;

    for (int k = 0; k < 3; k++) {
        sum s = {.count = 0};

        for (uint32_t i = 0; i < count; i++)
            sum_put_product(b, &s, x[i].c[k], y[i]);
        r.c[k] = s.count ? sum_end(b, &s) : zero_constant(b);
    }
    return r;
}

r1cs_ext r1cs_ext_mul(r1cs_builder *b, r1cs_ext x, r1cs_ext y)
{
    return r1cs_ext_dot(b, &x, &y, 1);
}

r1cs_ext r1cs_ext_mul_gl(r1cs_builder *b, r1cs_ext x, r1cs_gl y)
{
    return r1cs_ext_dot_gl(b, &x, &y, 1);
}

r1cs_ext r1cs_ext_inverse(r1cs_builder *b, r1cs_ext x)
{
    gl_ext value = {{0, 0, 0}};
    r1cs_ext y;
    r1cs_scope scope;

    if (is_constant(&x) || r1cs_solving(b))
        value = gl_ext_inv(r1cs_ext_value(b, &x));
    if (is_constant(&x)) {
        if (gl_ext_is_zero(value))
            r1cs_fail(b, P_EINVAL, "the inverse of the constant zero");
        return r1cs_ext_constant(b, value);
    }
    y = r1cs_ext_input(b, value);
    scope = r1cs_scope_begin(b);
    r1cs_ext_equal(b, r1cs_ext_mul(b, x, y), r1cs_ext_constant(b, gl_ext_from_base(1)));
    r1cs_scope_end(b, scope);
    return y;
}

void r1cs_ext_equal(r1cs_builder *b, r1cs_ext x, r1cs_ext y)
{
    for (int i = 0; i < 3; i++)
        r1cs_gl_equal(b, x.c[i], y.c[i]);
}
