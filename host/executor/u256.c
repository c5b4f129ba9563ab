#include "host/executor/u256.h"

typedef unsigned __int128 u128;

u256 u256_mul(const u256 *a, const u256 *b)
{
    uint64_t a0 = a->limb[0], b0 = b->limb[0];
    if (u256_fits_u64(a) && u256_fits_u64(b)) {
        u128 p = (u128)a0 * b0;
        return (u256){{(uint64_t)p, (uint64_t)(p >> 64), 0, 0}};
    }
    uint64_t r[4] = {0, 0, 0, 0};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; i + j < 4; j++) {
            u128 t = (u128)a->limb[i] * b->limb[j] + r[i + j] + carry;
            r[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
    }
    return (u256){{r[0], r[1], r[2], r[3]}};
}

void u256_mul_wide(uint64_t out[8], const u256 *a, const u256 *b)
{
    uint64_t r[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < 4; j++) {
            u128 t = (u128)a->limb[i] * b->limb[j] + r[i + j] + carry;
            r[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        r[i + 4] = carry;
    }
    for (unsigned i = 0; i < 8; i++)
        out[i] = r[i];
}

/** floor((2^128 - 1) / d) - 2^64 for a d with its top bit set: the reciprocal of Möller and
 * Granlund, "Improved division by invariant integers" (2011). */
static uint64_t reciprocal(uint64_t d)
{
    return (uint64_t)((((u128)~d << 64) | UINT64_MAX) / d);
}

/** (high, low) / d with high < d, d normalised and v its reciprocal (algorithm 4 there). */
static inline uint64_t divide_2by1(uint64_t high, uint64_t low, uint64_t d, uint64_t v,
                                   uint64_t *remainder)
{
    u128 q = (u128)v * high + (((u128)high << 64) | low);
    uint64_t q1 = (uint64_t)(q >> 64) + 1, q0 = (uint64_t)q;
    uint64_t r = low - q1 * d;
    if (r > q0) {
        q1--;
        r += d;
    }
    if (r >= d) {
        q1++;
        r -= d;
    }
    *remainder = r;
    return q1;
}

/** Knuth's algorithm D (TAOCP 2, 4.3.1) with 64-bit digits.
 *  u  n_u + 1 limbs, the top one spare (any value); holds the remainder in its lowest n_d limbs
 *  q  n_u limbs, all written
 *  d  n_d >= 1 limbs, top limb not zero; n_u >= n_d <= 4 */
static inline __attribute__((always_inline)) void
divide_limbs_sized(uint64_t *q, uint64_t *u, unsigned n_u, const uint64_t *d, unsigned n_d)
{
    unsigned shift = (unsigned)__builtin_clzll(d[n_d - 1]);
    uint64_t dn[4];
    /* two shifts by at most 63 in place of one by 64 - shift, which may be 64 */
    for (unsigned i = n_d; i-- > 0;)
        dn[i] = d[i] << shift | (i > 0 ? d[i - 1] >> 1 >> (63 - shift) : 0);
    u[n_u] = u[n_u - 1] >> 1 >> (63 - shift);
    for (unsigned i = n_u; i-- > 0;)
        u[i] = u[i] << shift | (i > 0 ? u[i - 1] >> 1 >> (63 - shift) : 0);

    uint64_t top = dn[n_d - 1];
    uint64_t v = reciprocal(top);
    for (unsigned i = n_u - n_d + 1; i < n_u; i++)
        q[i] = 0;

    if (n_d == 1) {
        uint64_t r = u[n_u];
        for (unsigned i = n_u; i-- > 0;)
            q[i] = divide_2by1(r, u[i], top, v, &r);
        u[0] = r >> shift;
        return;
    }

    for (unsigned j = n_u - n_d + 1; j-- > 0;) {
        uint64_t u2 = u[j + n_d], u1 = u[j + n_d - 1], u0 = u[j + n_d - 2];
        uint64_t qhat;
        if (u2 >= top) {
            /* u2 == top here; the digit is then at most 2 too large */
            qhat = UINT64_MAX;
        } else {
            uint64_t rhat;
            qhat = divide_2by1(u2, u1, top, v, &rhat);
            while ((u128)qhat * dn[n_d - 2] > (((u128)rhat << 64) | u0)) {
                qhat--;
                rhat += top;
                if (rhat < top)
                    break;
            }
        }
        uint64_t borrow = 0;
        for (unsigned i = 0; i < n_d; i++) {
            u128 t = (u128)qhat * dn[i] + borrow;
            uint64_t low = (uint64_t)t;
            borrow = (uint64_t)(t >> 64) + (u[i + j] < low);
            u[i + j] -= low;
        }
        bool negative = u2 < borrow;
        u[j + n_d] = u2 - borrow;
        while (negative) {
            qhat--;
            uint64_t carry = 0;
            for (unsigned i = 0; i < n_d; i++) {
                u128 t = (u128)u[i + j] + dn[i] + carry;
                u[i + j] = (uint64_t)t;
                carry = (uint64_t)(t >> 64);
            }
            u[j + n_d] += carry;
            /* the carry out of the top limb is what makes the number non-negative again */
            negative = u[j + n_d] >= carry;
        }
        q[j] = qhat;
    }
    for (unsigned i = 0; i < n_d; i++)
        u[i] = u[i] >> shift | (u[i + 1] << 1 << (63 - shift));
}

/** The same with loops of constant length for full moduli, which arithmetic of curves and fields
 * divides by. */
static void divide_limbs(uint64_t *q, uint64_t *u, unsigned n_u, const uint64_t *d, unsigned n_d)
{
    if (n_d == 4)
        divide_limbs_sized(q, u, n_u, d, 4);
    else
        divide_limbs_sized(q, u, n_u, d, n_d);
}

static unsigned limb_count(const uint64_t *a, unsigned n)
{
    while (n > 0 && a[n - 1] == 0)
        n--;
    return n;
}

void u256_divmod(const u256 *a, const u256 *b, u256 *quotient, u256 *remainder)
{
    u256 q = u256_zero(), r = u256_zero();
    if (u256_fits_u64(a) && u256_fits_u64(b)) {
        if (b->limb[0] != 0) {
            q.limb[0] = a->limb[0] / b->limb[0];
            r.limb[0] = a->limb[0] % b->limb[0];
        }
    } else if (u256_is_zero(b)) {
        /* both stay 0 */
    } else if (u256_lt(a, b)) {
        r = *a;
    } else {
        unsigned n_a = limb_count(a->limb, 4), n_b = limb_count(b->limb, 4);
        uint64_t u[5] = {a->limb[0], a->limb[1], a->limb[2], a->limb[3], 0};
        divide_limbs(q.limb, u, n_a, b->limb, n_b);
        for (unsigned i = 0; i < n_b; i++)
            r.limb[i] = u[i];
    }
    if (quotient != NULL)
        *quotient = q;
    if (remainder != NULL)
        *remainder = r;
}

u256 u256_div(const u256 *a, const u256 *b)
{
    u256 q;
    u256_divmod(a, b, &q, NULL);
    return q;
}

u256 u256_mod(const u256 *a, const u256 *b)
{
    u256 r;
    u256_divmod(a, b, NULL, &r);
    return r;
}

static u256 magnitude(const u256 *a)
{
    return u256_is_negative(a) ? u256_negate(a) : *a;
}

u256 u256_sdiv(const u256 *a, const u256 *b)
{
    u256 ma = magnitude(a), mb = magnitude(b);
    u256 q = u256_div(&ma, &mb);
    return u256_is_negative(a) != u256_is_negative(b) ? u256_negate(&q) : q;
}

u256 u256_smod(const u256 *a, const u256 *b)
{
    u256 ma = magnitude(a), mb = magnitude(b);
    u256 r = u256_mod(&ma, &mb);
    return u256_is_negative(a) ? u256_negate(&r) : r;
}

/** The low n_wide <= 8 limbs of wide (with one spare limb above) modulo m; destroys wide. */
static u256 reduce(uint64_t *wide, unsigned n_wide, const u256 *m)
{
    u256 r = u256_zero();
    unsigned n_m = limb_count(m->limb, 4);
    if (n_m == 0)
        return r;
    unsigned n = limb_count(wide, n_wide);
    if (n < n_m) {
        for (unsigned i = 0; i < n; i++)
            r.limb[i] = wide[i];
        return r;
    }
    uint64_t q[8];
    divide_limbs(q, wide, n, m->limb, n_m);
    for (unsigned i = 0; i < n_m; i++)
        r.limb[i] = wide[i];
    return r;
}

u256 u256_addmod(const u256 *a, const u256 *b, const u256 *m)
{
    u256 sum;
    bool carry = u256_add_carry(&sum, a, b);
    if (u256_lt(a, m) && u256_lt(b, m)) { /* reduced operands: the sum is below 2 m */
        u256 less;
        bool below = u256_sub_borrow(&less, &sum, m);
        return carry || !below ? less : sum;
    }
    uint64_t wide[6] = {sum.limb[0], sum.limb[1], sum.limb[2], sum.limb[3], carry, 0};
    return reduce(wide, 5, m);
}

u256 u256_mulmod(const u256 *a, const u256 *b, const u256 *m)
{
    uint64_t wide[9];
    u256_mul_wide(wide, a, b);
    wide[8] = 0;
    return reduce(wide, 8, m);
}

u256 u256_exp(const u256 *base, const u256 *exponent)
{
    unsigned bits = u256_bit_length(exponent);
    u256 r = u256_from_u64(1);
    if (u256_fits_u64(base) && base->limb[0] == 2)
        return u256_shl(&r, u256_fits_u64(exponent) && exponent->limb[0] < 256
                                ? (unsigned)exponent->limb[0]
                                : 256);
    for (unsigned i = bits; i-- > 0;) {
        r = u256_mul(&r, &r);
        if (exponent->limb[i / 64] >> (i % 64) & 1)
            r = u256_mul(&r, base);
    }
    return r;
}
