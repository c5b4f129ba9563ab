#include "host/guest/recover.h"

#include <string.h>

/* Coordinates are four words, least significant first, always the smallest residue: equality of
 * words is equality. Points are affine, as a quotient costs one hint and one product: the slope is
 * fixed by slope * (x2 - x1) = y2 - y1 with x1 != x2, or by slope * 2y = 3x^2 with y != 0 (the
 * group's order is odd: no point has y = 0). */

/** 2^256 - p, SEC 2, section 2.4.1. */
#define P_COMPLEMENT UINT64_C(0x1000003d1)

static const uint64_t prime[4] = {0xfffffffefffffc2f, UINT64_MAX, UINT64_MAX, UINT64_MAX};
static const uint64_t order[4] = {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe,
                                  UINT64_MAX};
static const uint64_t one[4] = {1, 0, 0, 0}, two[4] = {2, 0, 0, 0}, three[4] = {3, 0, 0, 0};
/** -7: the curve is y^2 = x^3 + 7. */
static const uint64_t minus_seven[4] = {0xfffffffefffffc28, UINT64_MAX, UINT64_MAX, UINT64_MAX};

typedef struct point {
    uint64_t x[4], y[4];
    bool infinity;
} point;

static const point generator = {
    .x = {0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac},
    .y = {0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465},
};

static void copy4(uint64_t d[4], const uint64_t a[4])
{
    d[0] = a[0];
    d[1] = a[1];
    d[2] = a[2];
    d[3] = a[3];
}

static bool equal4(const uint64_t a[4], const uint64_t b[4])
{
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

static bool zero4(const uint64_t a[4])
{
    return (a[0] | a[1] | a[2] | a[3]) == 0;
}

/** a - b - *borrow, and the next borrow. */
static inline uint64_t sub_limb(uint64_t a, uint64_t b, uint64_t *borrow)
{
    uint64_t t = a - b, u = t - *borrow;
    *borrow = (uint64_t)(a < b) | (uint64_t)(t < *borrow);
    return u;
}

/** d = a - b, returns the borrow. Without a loop: most of a recovery is this. */
static inline uint64_t subtract(uint64_t d[4], const uint64_t a[4], const uint64_t b[4])
{
    uint64_t borrow = a[0] < b[0];
    d[0] = a[0] - b[0];
    d[1] = sub_limb(a[1], b[1], &borrow);
    d[2] = sub_limb(a[2], b[2], &borrow);
    d[3] = sub_limb(a[3], b[3], &borrow);
    return borrow;
}

/** d = a - b mod p; all smallest residues. */
static void sub_p(uint64_t d[4], const uint64_t a[4], const uint64_t b[4])
{
    uint64_t borrow = subtract(d, a, b);
    if (!borrow)
        return;
    /* + p = - (2^256 - p) mod 2^256; a borrow out of it cannot come, as d is above it then */
    uint64_t take = P_COMPLEMENT;
    for (unsigned i = 0; take && i < 4; i++) {
        uint64_t t = d[i] - take;
        take = t > d[i];
        d[i] = t;
    }
}

static void hint4(guest_io *io, uint64_t out[4])
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = guest_hint(io);
}

/** slope = num / den mod p, for den != 0: any word of the hint is good that the product fits. */
static void slope_of(guest_io *io, uint64_t slope[4], const uint64_t num[4], const uint64_t den[4])
{
    uint64_t check[4];
    (void)guest_ask_quotient_p(io, num, den);
    hint4(io, slope);
    guest_mulmod_p(check, slope, den);
    guest_require(io, equal4(check, num), GUEST_BAD_INVERSE);
}

/** out = the third point on the line through a (and b_x), reflected. out may be a. */
static void finish(point *out, const point *a, const uint64_t b_x[4], const uint64_t slope[4])
{
    uint64_t x[4], y[4];
    guest_mulmod_p(x, slope, slope);
    sub_p(x, x, a->x);
    sub_p(x, x, b_x);
    sub_p(y, a->x, x);
    guest_mulmod_p(y, y, slope);
    sub_p(out->y, y, a->y);
    copy4(out->x, x);
    out->infinity = false;
}

/** out = 2 a; out may be a. */
static void twice(guest_io *io, point *out, const point *a)
{
    if (a->infinity) {
        out->infinity = true;
        return;
    }
    uint64_t num[4], den[4], slope[4];
    guest_mulmod_p(num, a->x, a->x);
    guest_mulmod_p(num, num, three);
    guest_mulmod_p(den, a->y, two);
    slope_of(io, slope, num, den);
    finish(out, a, a->x, slope);
}

/** out = a + b; out may be a, not b. */
static void add(guest_io *io, point *out, const point *a, const point *b)
{
    if (b->infinity || a->infinity) {
        const point *sum = a->infinity ? b : a;
        if (out != sum)
            memcpy(out, sum, sizeof *out);
        return;
    }
    if (equal4(a->x, b->x)) {
        if (equal4(a->y, b->y))
            twice(io, out, a);
        else
            out->infinity = true;
        return;
    }
    uint64_t num[4], den[4], slope[4];
    sub_p(num, b->y, a->y);
    sub_p(den, b->x, a->x);
    slope_of(io, slope, num, den);
    finish(out, a, b->x, slope);
}

/** table[i] = i * a, i = 1..15. */
static void multiples(guest_io *io, point table[16], const point *a)
{
    table[1] = *a;
    twice(io, &table[2], a);
    for (unsigned i = 3; i < 16; i++)
        add(io, &table[i], &table[i - 1], a);
}

/** out = u * g + v * r. */
static void combine(guest_io *io, point *out, const uint64_t u[4], const uint64_t v[4],
                    const point *r)
{
    point g_table[16], r_table[16];
    multiples(io, g_table, &generator);
    multiples(io, r_table, r);
    memset(out, 0, sizeof *out);
    out->infinity = true;
    for (unsigned i = 64; i-- > 0;) {
        unsigned shift = 4 * (i % 16);
        unsigned g_digit = (unsigned)(u[i / 16] >> shift) & 15,
                 r_digit = (unsigned)(v[i / 16] >> shift) & 15;
        if (!out->infinity) {
            for (unsigned j = 0; j < 4; j++)
                twice(io, out, out);
        }
        if (g_digit)
            add(io, out, out, &g_table[g_digit]);
        if (r_digit)
            add(io, out, out, &r_table[r_digit]);
    }
}

static void load_be(uint64_t out[4], const uint8_t bytes[32])
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t w = 0;
        for (unsigned j = 0; j < 8; j++)
            w = w << 8 | bytes[8 * (3 - i) + j];
        out[i] = w;
    }
}

static void store_be(uint8_t bytes[32], const uint64_t in[4])
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < 8; j++)
            bytes[8 * (3 - i) + j] = (uint8_t)(in[i] >> (56 - 8 * j));
    }
}

/** The point with this x and the parity of y. False, proven: there is none. */
static bool lift(guest_io *io, point *out, const uint64_t x[4], bool odd_y)
{
    uint64_t t[4], y[4], square[4];
    guest_mulmod_p(t, x, x);
    guest_mulmod_p(t, t, x);
    sub_p(t, t, minus_seven);
    (void)guest_ask_root_p(io, t);
    hint4(io, y);
    guest_mulmod_p(square, y, y);
    if (!equal4(square, t)) {
        /* p = 3 mod 4: -1 is no square, so a root of -t proves that t != 0 has none */
        uint64_t minus_t[4];
        subtract(minus_t, prime, t);
        guest_require(io, equal4(square, minus_t), GUEST_BAD_ROOT);
        return false;
    }
    /* the parity is that of the smallest residue, which the hint need not be */
    guest_mulmod_p(y, y, one);
    if ((y[0] & 1) != odd_y)
        subtract(y, prime, y);
    copy4(out->x, x);
    copy4(out->y, y);
    out->infinity = false;
    return true;
}

exec_recovery guest_recover(void *ctx, const uint8_t hash[32], const uint8_t r_bytes[32],
                            const uint8_t s_bytes[32], bool odd_y, uint8_t public_key[64])
{
    guest_io *io = ctx;
    uint64_t r[4], s[4], z[4], inverse[4], check[4];
    point R, Q;
    load_be(r, r_bytes);
    load_be(s, s_bytes);
    load_be(z, hash);
    if (!lift(io, &R, r, odd_y)) /* r < n < p: it is its own residue */
        return EXEC_RECOVERY_NONE;

    (void)guest_ask_inverse_n(io, r);
    hint4(io, inverse);
    guest_mulmod_n(check, r, inverse);
    guest_require(io, equal4(check, one), GUEST_BAD_INVERSE);

    /* Q = (s R - z G) / r; products are smallest residues whatever form the inverse has */
    guest_mulmod_n(z, z, inverse);
    guest_mulmod_n(s, s, inverse);
    if (!zero4(z))
        subtract(z, order, z);
    combine(io, &Q, z, s, &R);
    if (Q.infinity)
        return EXEC_RECOVERY_INFINITY;
    store_be(public_key, Q.x);
    store_be(public_key + 32, Q.y);
    return EXEC_RECOVERY_OK;
}
