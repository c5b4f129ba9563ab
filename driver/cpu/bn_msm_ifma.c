/* Eight lanes: the template bn_msm_impl.h over bn8 (bn_ifma.h).
 *
 * Own form is Montgomery with 2^260, below 1.022 p (tidy). The caller's points become that by the
 * factor of 16 that their loading puts in: below 16 p then, and after a change of sign, too.
 * Negative numbers are avoided by adding multiples of p, all within the 84 p that bn_ifma.h takes:
 *
 *   d = x2 - x1 + 2 p and y2 - y1 + 2 p         below 18 p
 *   products of many d (chain, pre)             C: see mul below
 *   l^2 - 2 x1 - d + 32 p = l^2 + 32 p - (x1 + x2 + 2 p), as x1 + x2 + 2 p < 19.03 p
 *                                               positive, below 34 p, made tidy
 *   l (x1 - x3 + 2 p) - y1 + 2 p                positive, below 5 p, made tidy
 *
 * G1: a product of a < x p and b < y p is below (x y / 84 + 1.127) p. C = 18 C / 84 + 1.127 = 1.44;
 * 1 / d < 1.16 p, l < 1.38 p, l^2 < 1.16 p, l (x1 - x3 + 2 p) < 1.18 p.
 *
 * G2: (a0 + a1 u)(b0 + b1 u) is a0 b0 + (4 p - a1) b1 and a0 b1 + a1 b0, each reduced once. For
 * a <= x p, x <= 4, b <= y p this is below ((x + 4) y / 84 + 1.127) p; so the first factor is the
 * smaller one. C = (C + 4) 18 / 84 + 1.127 = 2.53; 1 / d < 1.33 p, l < 2.27 p; squares (a0 + a1)
 * (a0 - a1 + 4 p) and 2 a0 a1 below 1.47 p for l; l (x1 - x3 + 2 p) < 1.36 p. The inverse that
 * starts the way back is below 16.4 p, times a chain that is below 2.41 p. */
#if defined(__x86_64__)

#include "driver/cpu/bn_msm_internal.h"
#include "driver/field/bn_curve.h"
#include "driver/field/bn_ifma.h"

#include <string.h>

#define FP (&bn8_fp)
#define LANES_LOG2 3
#define LANES 8

/* ---- one coordinate of G1, one half of one of G2 ---- */

/* loose in */
BN8_INLINE void tidy(bn8 *r, const bn8 *a)
{
    bn8_carry(r, a);
    bn8_reduce(r, r, FP);
}

BN8_INLINE void load(bn8 *r, const uint64_t *const at[8], size_t offset, bool own)
{
    const uint64_t *const a[8] = {at[0] + offset, at[1] + offset, at[2] + offset, at[3] + offset,
                                  at[4] + offset, at[5] + offset, at[6] + offset, at[7] + offset};

    if (own)
        bn8_gather(r, a);
    else
        bn8_gather_x16(r, a);
}

BN8_INLINE void store(uint64_t *const at[8], size_t offset, const bn8 *a, unsigned inf)
{
    uint64_t *const r[8] = {at[0] + offset, at[1] + offset, at[2] + offset, at[3] + offset,
                            at[4] + offset, at[5] + offset, at[6] + offset, at[7] + offset};
    bn8 t;

    for (int j = 0; j < 5; j++)
        t.l[j] = _mm512_mask_mov_epi64(a->l[j], (__mmask8)inf, _mm512_setzero_si512());
    bn8_scatter(r, &t);
}

/* 16 p - a in the lanes of sign: loose */
BN8_INLINE void change_sign(bn8 *r, unsigned sign)
{
    for (int j = 0; j < 5; j++)
        r->l[j] =
            _mm512_mask_sub_epi64(r->l[j], (__mmask8)sign, bn8_row(FP->shifted[4][j]), r->l[j]);
}

BN8_INLINE unsigned zero_lanes(const bn8 *a)
{
    bn8 t;

    bn8_canon(&t, a, FP);
    return bn8_is_zero(&t);
}

/* The lanes, read as if with 2^256: of 16 a. */
BN8_INLINE void get(bn_fp v[8], const bn8 *a)
{
    uint64_t w[32];
    bn8 t;

    bn8_canon(&t, a, FP);
    bn8_store(w, &t);
    memcpy(v, w, sizeof w);
}

/* 16 times too small after get and an inversion, and 16 times since with 2^256. */
BN8_INLINE void set_inverse(bn8 *r, const bn_fp v[8])
{
    uint64_t w[32];

    memcpy(w, v, sizeof w);
    bn8_load_x16(r, w);
    bn8_reduce(r, r, FP);
    for (int i = 0; i < 4; i++)
        bn8_dbl(r, r);
}

/* n points from own form to the caller's */
static void finish(uint64_t *points, size_t n, size_t words)
{
    for (size_t all = n * words, i = 0; i < all; i += 32) {
        uint64_t w[32] = {0};
        size_t some = all - i < 32 ? all - i : 32;
        bn8 a;

        memcpy(w, points + i, some * 8);
        bn8_load(&a, w);
        bn8_div16(&a, &a, FP);
        bn8_sub_if(&a, &a, 0, FP);
        bn8_store(w, &a);
        memcpy(points + i, w, some * 8);
    }
}

/* Lanes of a coordinate of the caller's, loaded times 16, that are below p, that is below 16 p. */
BN8_INLINE unsigned below_p(const bn8 *a)
{
    bn8 t;

    for (int j = 0; j < 5; j++)
        t.l[j] = _mm512_sub_epi64(a->l[j], bn8_row(FP->shifted[4][j]));
    bn8_carry(&t, &t); /* the sign of the difference is that of its top limb */
    return _mm512_movepi64_mask(t.l[4]);
}

/* The first of n points, not all in order, eight at a time: good says which lanes are, slow looks
 * at one by one. */
static size_t check(const uint64_t *points, size_t n, size_t words,
                    unsigned (*good)(const uint64_t *const at[8]),
                    size_t (*slow)(const uint64_t *points, size_t n))
{
    for (size_t i = 0; i < n; i += 8) {
        const uint64_t *at[8];
        size_t some = n - i < 8 ? n - i : 8;

        for (size_t k = 0; k < 8; k++)
            at[k] = points + (i + (k < some ? k : 0)) * words;
        if (__builtin_expect(good(at) != 0xff, 0)) {
            size_t bad = slow(points + i * words, some);

            if (bad < some)
                return i + bad;
        }
    }
    return n;
}

/* ---- G1 ---- */

BN8_INLINE void g1_mul(bn8 *r, const bn8 *a, const bn8 *b)
{
    bn8_mul(r, a, b, FP);
}

BN8_INLINE void g1_mul_loose(bn8 *r, const bn8 *a, const bn8 *b)
{
    bn8_mul_loose(r, a, b, FP);
}

BN8_INLINE void g1_sqr_loose(bn8 *r, const bn8 *a)
{
    bn8_sqr_loose(r, a, FP);
}

BN8_INLINE void g1_sub(bn8 *r, const bn8 *a, const bn8 *b)
{
    bn8_sub(r, a, b, 1, FP);
}

BN8_INLINE void g1_x3(bn8 *r, const bn8 *l2, const bn8 *x1, const bn8 *dx)
{
    bn8 t;

    bn8_sub_loose(&t, l2, dx);
    bn8_sub_loose(&t, &t, x1);
    bn8_sub_loose(&t, &t, x1);
    bn8_add_p(&t, &t, 5, FP);
    tidy(r, &t);
}

BN8_INLINE void g1_y3(bn8 *r, const bn8 *a, const bn8 *y1)
{
    bn8 t;

    bn8_sub_loose(&t, a, y1);
    bn8_add_p(&t, &t, 1, FP);
    tidy(r, &t);
}

BN8_INLINE void g1_one(bn8 *r)
{
    bn8_constant(r, FP->one);
}

BN8_INLINE void g1_null(bn8 *r)
{
    bn8_zero(r);
}

BN8_INLINE void g1_tidy(bn8 *r, const bn8 *a)
{
    tidy(r, a);
}

BN8_INLINE void g1_dbl(bn8 *r, const bn8 *a)
{
    bn8_dbl(r, a);
}

BN8_INLINE void g1_triple(bn8 *r, const bn8 *a)
{
    bn8 t;

    bn8_add_loose(&t, a, a);
    bn8_add(r, &t, a);
}

BN8_INLINE void g1_select(bn8 *r, unsigned mask, const bn8 *yes, const bn8 *no)
{
    bn8_select(r, (__mmask8)mask, yes, no);
}

BN8_INLINE unsigned g1_is_zero(const bn8 *a)
{
    return zero_lanes(a);
}

BN8_INLINE unsigned g1_gather(bn8 *x, bn8 *y, const uint64_t *const at[8], unsigned sign, bool own)
{
    unsigned inf;

    load(x, at, 0, own);
    load(y, at, 4, own);
    inf = own ? bn8_is_zero(y) : 0;
    change_sign(y, sign);
    return inf;
}

BN8_INLINE void g1_scatter(uint64_t *const at[8], const bn8 *x, const bn8 *y, unsigned inf)
{
    store(at, 0, x, inf);
    store(at, 4, y, inf);
}

BN8_INLINE void g1_get(bn_fp v[8], const bn8 *a)
{
    get(v, a);
}

BN8_INLINE void g1_set_inverse(bn8 *r, const bn_fp v[8])
{
    set_inverse(r, v);
}

#define MSM_BATCH                                                                                  \
    1024 /* 2 MB: from the second-level cache on, what streams is prefetched by itself */
#define FE bn8
#define FS bn_fp
#define FS_(name) bn_fp_##name
#define WORDS 8
#define F(name) g1_##name
#define M(name) g1_msm_##name
#include "driver/cpu/bn_msm_impl.h"

/* Lanes at infinity, or canonical and with x^3 + 3 = y^2. Of others the numbers may be anything
 * below 2^260, of which the products then are nothing in particular. */
static unsigned g1_good(const uint64_t *const at[8])
{
    bn8 x, y, t, three;
    unsigned inf, canonical;

    load(&x, at, 0, false);
    load(&y, at, 4, false);
    inf = bn8_is_zero(&x) & bn8_is_zero(&y);
    canonical = below_p(&x) & below_p(&y);
    tidy(&x, &x);
    tidy(&y, &y);
    bn8_sqr(&t, &x, FP);
    bn8_mul_loose(&t, &t, &x, FP); /* below 1.15 p, as are squares */
    bn8_sqr_loose(&y, &y, FP);
    g1_one(&three);
    bn8_add_loose(&t, &t, &three);
    bn8_add_loose(&t, &t, &three);
    bn8_add_loose(&t, &t, &three);
    bn8_sub(&t, &t, &y, 1, FP);
    return inf | (canonical & zero_lanes(&t));
}

static size_t g1_check(const uint64_t *points, size_t n)
{
    return check(points, n, WORDS, g1_good, msm_g1_check_avx2);
}

static void g1_finish(uint64_t *points, size_t n)
{
    finish(points, n, WORDS);
}

const msm_ops msm_g1_ifma = {
    .lanes_log2 = LANES_LOG2,
    .work_bytes = MSM_WORK_BYTES,
    .octet_bytes = sizeof(g1_msm_pt) + 1,
    .sum = g1_msm_sum,
    .fold = g1_msm_fold,
    .finish = g1_finish,
    .check = g1_check,
};

#undef MSM_BATCH
#undef FE
#undef FS
#undef FS_
#undef WORDS
#undef F
#undef M

/* ---- G2 ---- */

typedef struct fe2 {
    bn8 c0, c1;
} fe2;

BN8_INLINE void g2_mul_loose(fe2 *r, const fe2 *a, const fe2 *b)
{
    bn8w w;
    bn8 n;
    fe2 t;

    bn8_neg(&n, &a->c1, 2, FP);
    bn8w_mul(&w, &a->c0, &b->c0);
    bn8w_mac(&w, &n, &b->c1);
    bn8w_redc_loose(&t.c0, &w, FP);
    bn8w_mul(&w, &a->c0, &b->c1);
    bn8w_mac(&w, &a->c1, &b->c0);
    bn8w_redc_loose(&t.c1, &w, FP);
    *r = t;
}

BN8_INLINE void g2_mul(fe2 *r, const fe2 *a, const fe2 *b)
{
    g2_mul_loose(r, a, b);
    bn8_carry(&r->c0, &r->c0);
    bn8_carry(&r->c1, &r->c1);
}

BN8_INLINE void g2_sqr_loose(fe2 *r, const fe2 *a)
{
    bn8 s, d, t;

    bn8_add(&s, &a->c0, &a->c1);
    bn8_sub(&d, &a->c0, &a->c1, 2, FP);
    bn8_dbl(&t, &a->c0);
    bn8_mul_loose(&r->c1, &t, &a->c1, FP);
    bn8_mul_loose(&r->c0, &s, &d, FP);
}

BN8_INLINE void g2_sub(fe2 *r, const fe2 *a, const fe2 *b)
{
    g1_sub(&r->c0, &a->c0, &b->c0);
    g1_sub(&r->c1, &a->c1, &b->c1);
}

BN8_INLINE void g2_x3(fe2 *r, const fe2 *l2, const fe2 *x1, const fe2 *dx)
{
    g1_x3(&r->c0, &l2->c0, &x1->c0, &dx->c0);
    g1_x3(&r->c1, &l2->c1, &x1->c1, &dx->c1);
}

BN8_INLINE void g2_y3(fe2 *r, const fe2 *a, const fe2 *y1)
{
    g1_y3(&r->c0, &a->c0, &y1->c0);
    g1_y3(&r->c1, &a->c1, &y1->c1);
}

BN8_INLINE void g2_one(fe2 *r)
{
    g1_one(&r->c0);
    bn8_zero(&r->c1);
}

BN8_INLINE void g2_null(fe2 *r)
{
    bn8_zero(&r->c0);
    bn8_zero(&r->c1);
}

BN8_INLINE void g2_tidy(fe2 *r, const fe2 *a)
{
    tidy(&r->c0, &a->c0);
    tidy(&r->c1, &a->c1);
}

BN8_INLINE void g2_dbl(fe2 *r, const fe2 *a)
{
    bn8_dbl(&r->c0, &a->c0);
    bn8_dbl(&r->c1, &a->c1);
}

BN8_INLINE void g2_triple(fe2 *r, const fe2 *a)
{
    g1_triple(&r->c0, &a->c0);
    g1_triple(&r->c1, &a->c1);
}

BN8_INLINE void g2_select(fe2 *r, unsigned mask, const fe2 *yes, const fe2 *no)
{
    g1_select(&r->c0, mask, &yes->c0, &no->c0);
    g1_select(&r->c1, mask, &yes->c1, &no->c1);
}

BN8_INLINE unsigned g2_is_zero(const fe2 *a)
{
    return zero_lanes(&a->c0) & zero_lanes(&a->c1);
}

BN8_INLINE unsigned g2_gather(fe2 *x, fe2 *y, const uint64_t *const at[8], unsigned sign, bool own)
{
    unsigned inf;

    load(&x->c0, at, 0, own);
    load(&x->c1, at, 4, own);
    load(&y->c0, at, 8, own);
    load(&y->c1, at, 12, own);
    inf = own ? (unsigned)(bn8_is_zero(&y->c0) & bn8_is_zero(&y->c1)) : 0;
    change_sign(&y->c0, sign);
    change_sign(&y->c1, sign);
    return inf;
}

BN8_INLINE void g2_scatter(uint64_t *const at[8], const fe2 *x, const fe2 *y, unsigned inf)
{
    store(at, 0, &x->c0, inf);
    store(at, 4, &x->c1, inf);
    store(at, 8, &y->c0, inf);
    store(at, 12, &y->c1, inf);
}

static void g2_get(bn_fp2 v[8], const fe2 *a)
{
    bn_fp c0[8], c1[8];

    get(c0, &a->c0);
    get(c1, &a->c1);
    for (int i = 0; i < 8; i++)
        v[i] = (bn_fp2){c0[i], c1[i]};
}

static void g2_set_inverse(fe2 *r, const bn_fp2 v[8])
{
    bn_fp c0[8], c1[8];

    for (int i = 0; i < 8; i++) {
        c0[i] = v[i].c0;
        c1[i] = v[i].c1;
    }
    set_inverse(&r->c0, c0);
    set_inverse(&r->c1, c1);
}

#define MSM_BATCH 512
#define FE fe2
#define FS bn_fp2
#define FS_(name) bn_fp2_##name
#define WORDS 16
#define F(name) g2_##name
#define M(name) g2_msm_##name
#include "driver/cpu/bn_msm_impl.h"

/* The same with x^3 + 3 / (9 + u) = y^2. */
static unsigned g2_good(const uint64_t *const at[8])
{
    static const bn_fp2 curve_b = BN_G2_B_INIT;
    const uint64_t *b_words = (const uint64_t *)&curve_b;
    const uint64_t *const b_at[8] = {b_words, b_words, b_words, b_words,
                                     b_words, b_words, b_words, b_words};
    fe2 x, y, t, b;
    unsigned inf, canonical;

    load(&x.c0, at, 0, false);
    load(&x.c1, at, 4, false);
    load(&y.c0, at, 8, false);
    load(&y.c1, at, 12, false);
    inf = bn8_is_zero(&x.c0) & bn8_is_zero(&x.c1) & bn8_is_zero(&y.c0) & bn8_is_zero(&y.c1);
    canonical = below_p(&x.c0) & below_p(&x.c1) & below_p(&y.c0) & below_p(&y.c1);
    load(&b.c0, b_at, 0, false);
    load(&b.c1, b_at, 4, false);
    g2_tidy(&b, &b);
    g2_tidy(&x, &x);
    g2_tidy(&y, &y);
    g2_sqr_loose(&t, &x);
    bn8_carry(&t.c0, &t.c0);
    bn8_carry(&t.c1, &t.c1);
    g2_mul_loose(&t, &x, &t); /* below 1.3 p, squares below 1.2 p */
    g2_sqr_loose(&y, &y);
    bn8_add_loose(&t.c0, &t.c0, &b.c0);
    bn8_add_loose(&t.c1, &t.c1, &b.c1);
    bn8_sub(&t.c0, &t.c0, &y.c0, 1, FP);
    bn8_sub(&t.c1, &t.c1, &y.c1, 1, FP);
    return inf | (canonical & g2_is_zero(&t));
}

static size_t g2_check(const uint64_t *points, size_t n)
{
    return check(points, n, WORDS, g2_good, msm_g2_check_avx2);
}

static void g2_finish(uint64_t *points, size_t n)
{
    finish(points, n, WORDS);
}

const msm_ops msm_g2_ifma = {
    .lanes_log2 = LANES_LOG2,
    .work_bytes = MSM_WORK_BYTES,
    .octet_bytes = sizeof(g2_msm_pt) + 1,
    .sum = g2_msm_sum,
    .fold = g2_msm_fold,
    .finish = g2_finish,
    .check = g2_check,
};

#endif
