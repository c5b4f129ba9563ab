/* Products of numbers of 256 bits, and Montgomery's reduction as a function of its own: a sum of
 * products is reduced once.
 *
 * hls_bn: eight limbs of 32 bits, the lowest first; words in memory are the same as the driver's
 * four words of 64 bits. "Canonical" is below the modulus p, "any limbs" any number below 2^256.
 * 2^253 < p < 2^254, p^2 < 0.5718 * 2^508 and p < 0.189031 * 2^256 for both fields. hls_bn_wide:
 * eight words of 64 bits, a number below 2^512. Outputs come first and may be inputs.
 *
 * Products are Karatsuba's, two levels, nine products of 64 bits: 108 DSPs at 12 each instead of
 * 160 (ten by sixteen tiles of 26 by 17 bits). The middle term is low + high - (a1 - a0)(b1 - b0)
 * with the differences' absolute values, so that every factor keeps 64 bits and no product needs a
 * 65th. A square has nine squares of 64 bits, ten DSPs each.
 *
 * The reduction has no product in front of its multiples, but for the last: it does not add
 * multiples of p but of p' = p (-1/p mod 2^64), which is -1 mod 2^64, so the word that is to vanish
 * is its own factor. Each step is a product of a word and a constant of 254 bits, a constant that
 * LUTs multiply by (HLS_BIND_FABRIC) in three steps, and DSPs in the last: about what a U55C has
 * of both.
 *
 * As HLS_BN_FP and the other tables are constant, functions that take them become circuits for one
 * modulus where they are inlined. */
#ifndef ZKP_HLS_CORE_BN_MUL_H
#define ZKP_HLS_CORE_BN_MUL_H

#include "hls/include/bn_limbs.h"
#include "hls/include/hls_fault.h"
#include "hls/include/hls_language.h"
#include "hls/include/hls_pragma.h"

/* DSPs by the number of tiles (DSP48E2: 26 by 17 bits without sign); hls/model counts with them */
#define HLS_MUL64_DSP 12
#define HLS_SQUARE64_DSP 10
#define HLS_BN_PRODUCT_DSP (9 * HLS_MUL64_DSP)
#define HLS_BN_SQUARE_DSP (9 * HLS_SQUARE64_DSP)
/* 19 products of 32 bits, the last step's; by tiles */
#define HLS_BN_REDUCE_DSP (19 * 4)

#define HLS_BN_LIMBS 8
#define HLS_BN_ANY_FACTOR 6
#define HLS_BN_MOST_PRODUCTS 18
#define HLS_BN_WORDS 4

typedef struct hls_bn {
    uint32_t l[HLS_BN_LIMBS];
} hls_bn;

typedef struct hls_bn_wide {
    uint64_t w[2 * HLS_BN_WORDS];
} hls_bn_wide;

/* r = a + b + carry; returns the carry, 0 or 1 as the one it takes. Sums of 33 bits, whose carry is
 * a wire: a comparison (r < a) would be a circuit as large as the addition. */
static inline uint64_t hls_add_carry(uint64_t *r, uint64_t a, uint64_t b, uint64_t carry)
{
    uint64_t low = (uint64_t)(uint32_t)a + (uint32_t)b + carry;
    uint64_t high = (a >> 32) + (b >> 32) + (low >> 32);

    HLS_INLINE()
    *r = high << 32 | (uint32_t)low;
    return high >> 32;
}

/* r = a - b - 1 + carry, by the complement; returns the carry, 0 if there is a borrow. */
static inline uint64_t hls_sub_carry(uint64_t *r, uint64_t a, uint64_t b, uint64_t carry)
{
    HLS_INLINE()
    return hls_add_carry(r, a, b ^ UINT64_C(0xffffffffffffffff), carry);
}

/* t = a b: any words. */
#if defined(HLS_MUL64_BLACKBOX)
/* RTL of twelve tiles and six cycles (hls/rtl), for a tool that takes black boxes. */
void gl_mul64_blackbox(uint64_t a, uint64_t b, uint64_t *low, uint64_t *high);
static inline void hls_mul64(uint64_t t[2], uint64_t a, uint64_t b)
{
    HLS_INLINE()
    gl_mul64_blackbox(a, b, &t[0], &t[1]);
}
#elif defined(HLS_MUL64_TILES)
/* Twelve tiles, a in pieces of 26, 26 and 12 bits, b in three of 17 and one of 13: each is one DSP,
 * since its factors' widths can be seen. The tiles of a row are summed by their place: below 2^26 *
 * 2^64 / 1 = 2^90, so in two halves: pieces 0 and 1 of b (2^17 apart) make less than 2^26 * 2^34 =
 * 2^60, as do pieces 2 and 3. */
static inline void hls_mul64(uint64_t t[2], uint64_t a, uint64_t b)
{
    uint64_t carry;

    HLS_INLINE()
    t[0] = t[1] = 0;
    /* II=1 of the caller, unrolled: twelve products side by side */
    HLS_LOOP(tile_rows)
    for (unsigned i = 0; i < 3; i++) {
        uint64_t piece = a >> 26 * i & 0x3ffffff, low, high;

        HLS_UNROLL()
        low = piece * (b & 0x1ffff) + (piece * (b >> 17 & 0x1ffff) << 17);
        high = piece * (b >> 34 & 0x1ffff) + (piece * (b >> 51) << 17);
        /* places 26 i = 0, 26, 52 and 34 + 26 i = 34, 60, 86 */
        carry = hls_add_carry(&t[0], t[0], low << 26 * i, 0);
        t[1] += (i == 0 ? 0 : low >> (64 - 26 * i) % 64) + carry;
        carry = hls_add_carry(&t[0], t[0], i < 2 ? high << (34 + 26 * i) % 64 : 0, 0);
        t[1] += (i < 2 ? high >> (64 - 34 - 26 * i) % 64 : high << 22) + carry;
    }
}
#elif defined(__OPENCL_C_VERSION__)
static inline void hls_mul64(uint64_t t[2], uint64_t a, uint64_t b)
{
    t[1] = mul_hi(a, b);
    t[0] = a * b;
}
#else
/* Four products of 32 bits: fewer for a processor, and 16 DSPs if a tool makes them of tiles. */
static inline void hls_mul64(uint64_t t[2], uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, one = a1 * b0, other = a0 * b1;
    /* three numbers below 2^32 */
    uint64_t middle = (low >> 32) + (uint32_t)one + (uint32_t)other;

    HLS_INLINE()
    t[0] = middle << 32 | (uint32_t)low;
    t[1] = a1 * b1 + (one >> 32) + (other >> 32) + HLS_FAULTY(130, middle >> 32, 0);
}
#endif

/* t = a^2: any word. Three products of 32 bits. */
static inline void hls_square64(uint64_t t[2], uint64_t a)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, low = a0 * a0, cross = a0 * a1;
    uint64_t carry;

    HLS_INLINE()
    /* 2 cross 2^32 */
    carry = hls_add_carry(&t[0], low, cross << 33, 0);
    t[1] = a1 * a1 + HLS_FAULTY(131, cross >> 31, (uint32_t)(cross >> 31)) + carry;
}

/* d = |a - b|, returns whether a < b. The negative is the complement and 1. */
static inline uint64_t hls_distance64(uint64_t *d, uint64_t a, uint64_t b)
{
    uint64_t x, less = hls_sub_carry(&x, a, b, 1) ^ 1;

    HLS_INLINE()
    *d = (x ^ (0 - less)) + less;
    return less;
}

static inline uint64_t hls_distance128(uint64_t d[2], const uint64_t a[2], const uint64_t b[2])
{
    uint64_t less, x[2], mask, carry;

    HLS_INLINE()
    carry = hls_sub_carry(&x[0], a[0], b[0], 1);
    less = hls_sub_carry(&x[1], a[1], b[1], carry) ^ 1;
    mask = 0 - less;
    carry = hls_add_carry(&d[0], x[0] ^ mask, 0, less);
    d[1] = (x[1] ^ mask) + HLS_FAULTY(132, carry, 0);
    return less;
}

/* Karatsuba's end for halves of 64 bits: low = a0 b0, high = a1 b1, cross = |a1 - a0| |b1 - b0|,
 * negative: whether the differences have different signs. The middle a0 b1 + a1 b0 = low + high -+
 * cross is below 2^129. */
static inline void hls_join128(uint64_t t[4], const uint64_t low[2], const uint64_t high[2],
                               const uint64_t cross[2], uint64_t negative)
{
    uint64_t mask = negative - 1, middle[3], carry, less; /* of ones: cross is subtracted */

    HLS_INLINE()
    carry = hls_add_carry(&middle[0], low[0], high[0], 0);
    middle[2] = hls_add_carry(&middle[1], low[1], high[1], carry);
    carry = hls_add_carry(&middle[0], middle[0], cross[0] ^ mask, mask & 1);
    less = hls_add_carry(&middle[1], middle[1], cross[1] ^ mask, carry);
    middle[2] += mask + less;
    t[0] = low[0];
    carry = hls_add_carry(&t[1], low[1], middle[0], 0);
    carry = hls_add_carry(&t[2], high[0], middle[1], carry);
    t[3] = high[1] + HLS_FAULTY(133, middle[2], 0) + carry;
}

/* The same for halves of 128 bits: the middle is below 2^257. */
static inline void hls_join256(uint64_t t[8], const uint64_t low[4], const uint64_t high[4],
                               const uint64_t cross[4], uint64_t negative)
{
    uint64_t mask = negative - 1, middle[5], carry = 0, more = mask & 1;

    HLS_INLINE()
    HLS_REGISTERS(middle)
    /* II=1, unrolled: a carry chain of 256 bits, as the next ones */
    HLS_LOOP(join_ends)
    for (unsigned i = 0; i < 4; i++) {
        HLS_UNROLL()
        carry = hls_add_carry(&middle[i], low[i], high[i], carry);
    }
    /* II=1, unrolled */
    HLS_LOOP(join_cross)
    for (unsigned i = 0; i < 4; i++) {
        HLS_UNROLL()
        more = hls_add_carry(&middle[i], middle[i], cross[i] ^ mask, more);
    }
    middle[4] = carry + mask + more;
    carry = 0;
    t[0] = low[0];
    t[1] = low[1];
    t[6] = high[2];
    t[7] = high[3];
    /* II=1, unrolled */
    HLS_LOOP(join_middle)
    for (unsigned i = 0; i < 4; i++) {
        HLS_UNROLL()
        carry = hls_add_carry(&t[2 + i], i < 2 ? low[2 + i] : high[i - 2], middle[i], carry);
    }
    carry = hls_add_carry(&t[6], t[6], middle[4], carry);
    t[7] += HLS_FAULTY(134, carry, 0);
}

/* t = a b, two words each: three products. */
static inline void hls_mul128(uint64_t t[4], const uint64_t a[2], const uint64_t b[2])
{
    uint64_t low[2], high[2], cross[2], d, e, negative;

    HLS_INLINE()
    negative = hls_distance64(&d, a[1], a[0]);
    negative ^= hls_distance64(&e, b[1], b[0]);
    hls_mul64(low, a[0], b[0]);
    hls_mul64(high, a[1], b[1]);
    hls_mul64(cross, d, e);
    hls_join128(t, low, high, cross, negative);
}

static inline void hls_square128(uint64_t t[4], const uint64_t a[2])
{
    uint64_t low[2], high[2], cross[2], d;

    HLS_INLINE()
    (void)hls_distance64(&d, a[1], a[0]);
    hls_square64(low, a[0]);
    hls_square64(high, a[1]);
    hls_square64(cross, d);
    hls_join128(t, low, high, cross, 0);
}

/* Limbs as words and back: wires. */
static inline uint64_t hls_bn_word(const hls_bn *a, unsigned i)
{
    HLS_INLINE()
    return (uint64_t)a->l[2 * i + 1] << 32 | a->l[2 * i];
}

/* t = a b; any limbs. */
static inline void hls_bn_product(hls_bn_wide *t, const hls_bn *a, const hls_bn *b)
{
    uint64_t a0[2] = {hls_bn_word(a, 0), hls_bn_word(a, 1)}, b0[2];
    uint64_t a1[2] = {hls_bn_word(a, 2), hls_bn_word(a, 3)}, b1[2];
    uint64_t low[4], high[4], cross[4], d[2], e[2], negative;

    /* II=1: feed-forward, a product each cycle */
    HLS_PIPELINE(1)
    b0[0] = hls_bn_word(b, 0);
    b0[1] = hls_bn_word(b, 1);
    b1[0] = hls_bn_word(b, 2);
    b1[1] = hls_bn_word(b, 3);
    negative = hls_distance128(d, a1, a0);
    negative ^= hls_distance128(e, b1, b0);
    hls_mul128(low, a0, b0);
    hls_mul128(high, a1, b1);
    hls_mul128(cross, d, e);
    hls_join256(t->w, low, high, cross, HLS_FAULTY(135, negative, 0));
}

/* t = a^2; any limbs. */
static inline void hls_bn_square(hls_bn_wide *t, const hls_bn *a)
{
    uint64_t a0[2] = {hls_bn_word(a, 0), hls_bn_word(a, 1)};
    uint64_t a1[2] = {hls_bn_word(a, 2), hls_bn_word(a, 3)};
    uint64_t low[4], high[4], cross[4], d[2];

    /* II=1: feed-forward */
    HLS_PIPELINE(1)
    (void)hls_distance128(d, a1, a0);
    hls_square128(low, a0);
    hls_square128(high, a1);
    hls_square128(cross, d);
    hls_join256(t->w, low, high, cross, 0);
}

/* t = t + u; the sum has to be below 2^512. */
static inline void hls_bn_accumulate(hls_bn_wide *t, const hls_bn_wide *u)
{
    uint64_t carry = 0;

    HLS_INLINE()
    /* II=1, unrolled: a carry chain of 512 bits, which the tool may cut into stages */
    HLS_LOOP(accumulate_words)
    for (unsigned i = 0; i < 2 * HLS_BN_WORDS; i++) {
        HLS_UNROLL()
        carry = hls_add_carry(&t->w[i], t->w[i], u->w[i], carry);
    }
}

/* r = a - k p if that is not negative, else a, k = 2^shift = 1, 2, 4; any limbs. */
static inline void hls_bn_reduce_once(hls_bn *r, const hls_bn *a,
                                      HLS_TABLE uint32_t p[HLS_BN_LIMBS], unsigned shift)
{
    uint32_t d[HLS_BN_LIMBS];
    uint64_t carry = 1; /* the complement, and 1: a subtraction */

    HLS_INLINE()
    HLS_REGISTERS(d)
    /* II=1, unrolled: a carry chain of 256 bits, which the tool may cut into stages. 4 p < 2^256 */
    HLS_LOOP(reduce_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        uint64_t pair = (uint64_t)p[i] << 32 | (i > 0 ? p[i - 1] : 0);
        uint64_t t =
            (uint64_t)a->l[i] + ((uint32_t)(pair << shift >> 32) ^ UINT32_C(0xffffffff)) + carry;

        HLS_UNROLL()
        d[i] = (uint32_t)t;
        carry = t >> 32;
    }
    /* II=1, unrolled: a multiplexer */
    HLS_LOOP(reduce_select)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        r->l[i] = HLS_FAULTY(31, carry == 0, 1) ? a->l[i] : d[i];
    }
}

/* Column at, at + 1, at + 2 += m c by halves, without carries; low, high: the products of c and the
 * halves of m. */
static inline void hls_bn_columns(uint64_t column[2 * HLS_BN_LIMBS + 1], unsigned at, uint64_t low,
                                  uint64_t high)
{
    HLS_INLINE()
    column[at] += (uint32_t)low;
    column[at + 1] += (low >> 32) + (uint32_t)high;
    column[at + 2] += high >> 32;
}

/* Columns from at += m c, m of two halves below 2^32: products by constants, in LUTs or in DSPs. */
static inline void hls_bn_step(uint64_t column[2 * HLS_BN_LIMBS + 1], unsigned at, uint64_t m0,
                               uint64_t m1, HLS_TABLE uint32_t c[HLS_BN_LIMBS])
{
    HLS_INLINE()
    /* II=1 of the caller, unrolled: eight limbs of a constant times two of a number */
    HLS_LOOP(step_limbs)
    for (unsigned j = 0; j < HLS_BN_LIMBS; j++) {
        uint64_t low = m0 * c[j], high = m1 * c[j];

        HLS_UNROLL()
        HLS_BIND_FABRIC(low)
        HLS_BIND_FABRIC(high)
        hls_bn_columns(column, at + j, low, high);
    }
}

static inline void hls_bn_step_dsp(uint64_t column[2 * HLS_BN_LIMBS + 1], unsigned at, uint64_t m0,
                                   uint64_t m1, HLS_TABLE uint32_t c[HLS_BN_LIMBS])
{
    HLS_INLINE()
    /* II=1 of the caller, unrolled: the same */
    HLS_LOOP(step_dsp_limbs)
    for (unsigned j = 0; j < HLS_BN_LIMBS; j++) {
        HLS_UNROLL()
        hls_bn_columns(column, at + j, m0 * c[j], m1 * c[j]);
    }
}

/* r = t / 2^256 mod p, canonical; t < most p^2 and t < 2^512, most = 1 ..
 * HLS_BN_MOST_PRODUCTS: a sum of so many
 * products of canonical numbers; HLS_BN_ANY_FACTOR covers one of a canonical number and any limbs
 * (2^256 < 5.3 p). step: (p' + 1) / 2^64, neg_inv: -1/p mod 2^64, i < 1 its part of 2^64 (0.531 for
 * Fp, 0.762 for Fr), so p' <= i 2^64 p.
 *
 * Three steps t = (t + m p') / 2^64, m < 2^64: t <= t0 / 2^192 + p' (1 - 2^-64) (1 + 2^-64 +
 * 2^-128) < t0 / 2^192 + i 2^64 p; the last with p and m = t neg_inv mod 2^64: t < t0 / 2^256 + (i
 * + 1) p < (0.189031 most + 1.762) p. That is below 2 p, 4 p, 5.17 p for most = 1, 11, 18: so p
 * alone, 2 p and p, or 4 p, 2 p and p are taken off. 5.17 p < 2^256, and before the last step t <
 * 2^319.4 + 2^318 < 2^320: nothing is lost above eight words. */
static inline void hls_bn_reduce(hls_bn *r, const hls_bn_wide *t,
                                 HLS_TABLE uint32_t p[HLS_BN_LIMBS],
                                 HLS_TABLE uint32_t step[HLS_BN_LIMBS], uint64_t neg_inv,
                                 unsigned most)
{
    uint64_t column[2 * HLS_BN_LIMBS + 1], m0, m1;
    hls_bn s;

    /* II=1: feed-forward */
    HLS_PIPELINE(1)
    HLS_REGISTERS(column)
    HLS_REGISTERS(s.l)
    /* II=1, unrolled: wires */
    HLS_LOOP(wide_limbs)
    for (unsigned i = 0; i < 2 * HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        column[i] = (uint32_t)(t->w[i / 2] >> 32 * (i % 2));
    }
    column[2 * HLS_BN_LIMBS] = 0;
    /* II=1, unrolled: three steps, each needs the one before. A step is m p' = m (p' + 1) - m: the
     * word goes but for what it carries, and the constant lies one word higher */
    HLS_LOOP(reduce_steps)
    for (unsigned i = 0; i < 2 * (HLS_BN_WORDS - 1); i += 2) {
        HLS_UNROLL()
        m0 = (uint32_t)column[i];
        column[i + 1] += column[i] >> 32;
        m1 = (uint32_t)column[i + 1];
        column[i + 2] += HLS_FAULTY(136, column[i + 1] >> 32, 0);
        hls_bn_step(column, i + 2, m0, m1, step);
    }
    /* the last: m = word * neg_inv mod 2^64 */
    column[7] += column[6] >> 32;
    column[6] = (uint32_t)column[6];
    m0 = column[6] * (uint32_t)HLS_FAULTY(137, neg_inv, neg_inv + 2);
    m1 = (uint32_t)(column[6] * (uint32_t)(neg_inv >> 32));
    m1 += (uint32_t)((uint32_t)column[7] * (uint64_t)(uint32_t)neg_inv);
    m1 = (uint32_t)(m1 + (m0 >> 32));
    hls_bn_step_dsp(column, 6, (uint32_t)m0, m1, p);
    column[7] += column[6] >> 32;
    /* II=1, unrolled: a carry chain, from the word that is now 0 */
    HLS_LOOP(narrow_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        column[8 + i] += column[7 + i] >> 32;
        s.l[i] = (uint32_t)column[8 + i];
    }
    if (most > 11)
        hls_bn_reduce_once(&s, &s, p, HLS_FAULTY(138, 2, 0));
    if (most > 1)
        hls_bn_reduce_once(&s, &s, p, HLS_FAULTY(139, 1, 0));
    hls_bn_reduce_once(r, &s, p, 0);
}

#endif
