/* Fr with late reductions, for synthesis: sums of products in columns, and a reduction that knows
 * the modulus r.
 *
 * "Columns" are 32 bits apart and up to 64 bits wide: their value is the sum of c[i] 2^(32 i), and
 * adding to one never carries into the next, so that a sum of products is as many independent short
 * additions. "Loose" is below 4 r, which is below 2^256 = 5.29 r.
 *
 * r = 1 + 2^28 k: so -1 / r mod 2^32 is -(1 + 2^28), and the multiple of r that clears a column
 * takes one short addition to find; of its eight products with limbs of r the lowest is shifts. The
 * other seven are by constants, which LUTs do as well as DSPs: HLS_FR_DSP_LIMBS of them are left to
 * DSPs (four each), so that a kernel of many products uses up neither. hls_bn_reduce of bn_mul.h
 * serves both fields and has 67 products of 32 bits, all in LUTs, where this one has 56 (canonical
 * results, sums up to 18 products); this one also has sums of 64. */
#ifndef ZKP_HLS_CORE_BN_FR_H
#define ZKP_HLS_CORE_BN_FR_H

#include "hls/core/bn.h"

/* in a reduction, limbs of r whose products are in DSPs, of seven; and the DSPs that makes: of a
 * reduction of eight columns (a product's) and of nine (a sum's) */
#define HLS_FR_DSP_LIMBS 2
#define HLS_FR_REDUCE_DSP (8 * 4 * HLS_FR_DSP_LIMBS)
#define HLS_FR_SUM_REDUCE_DSP (9 * 4 * HLS_FR_DSP_LIMBS)

/* a sum of up to 64 products, and the carry of the column below the top */
#define HLS_FR_COLUMNS 17

typedef struct hls_fr_sum {
    uint64_t c[HLS_FR_COLUMNS];
} hls_fr_sum;

/* s = a 2^288, what a sum starts with to which a is added after its reduction; any limbs. */
static inline void hls_fr_sum_start(hls_fr_sum *s, const hls_bn *a)
{
    HLS_INLINE()
    /* II=1, unrolled: registers */
    HLS_LOOP(sum_start)
    for (unsigned k = 0; k < HLS_FR_COLUMNS; k++) {
        HLS_UNROLL()
        s->c[k] = k > HLS_BN_LIMBS ? a->l[k - HLS_BN_LIMBS - 1] : 0;
    }
}

/* s = 0 */
static inline void hls_fr_sum_clear(hls_fr_sum *s)
{
    HLS_INLINE()
    /* II=1, unrolled: registers */
    HLS_LOOP(sum_clear)
    for (unsigned k = 0; k < HLS_FR_COLUMNS; k++) {
        HLS_UNROLL()
        s->c[k] = 0;
    }
}

/* s += t. A column gets 32 bits: after 64 products it is below 2^38, and the sum below 2^518. */
static inline void hls_fr_sum_wide(hls_fr_sum *s, const hls_bn_wide *t)
{
    HLS_INLINE()
    /* II=1, unrolled: sixteen independent additions, so a sum takes a product each cycle */
    HLS_LOOP(sum_columns)
    for (unsigned i = 0; i < 2 * HLS_BN_WORDS; i++) {
        HLS_UNROLL()
        s->c[2 * i] += (uint32_t)t->w[i];
        s->c[2 * i + 1] += t->w[i] >> 32;
    }
}

/* s += a b; any limbs. */
static inline void hls_fr_sum_add(hls_fr_sum *s, const hls_bn *a, const hls_bn *b)
{
    hls_bn_wide t;

    HLS_INLINE()
    hls_bn_product(&t, a, b);
    hls_fr_sum_wide(s, &t);
}

/* Adds a multiple of 2^(32 at) r that makes column at zero, and its carry to the next column.
 * Columns at .. at + 8 are below 2^63; they grow by less than 2^34. */
static inline void hls_fr_clear_column(uint64_t c[HLS_FR_COLUMNS], unsigned at)
{
    uint32_t low = (uint32_t)c[at], m = 0 - low - HLS_FAULTY(95, low << 28, low << 27);
    uint32_t some = low != 0, borrow = m < m << 28;
    uint64_t carry = (c[at] >> 32) + some, product;

    HLS_INLINE()
    /* m r[0] = m 2^32 - m 2^28 + m: its lower half is 2^32 - low, or 0 like low; its upper half is
     * m - m / 16, less one if the lower half borrows */
    carry += m - (m >> 4) - borrow;
    /* II=1, unrolled: products by constants, in DSPs */
    HLS_LOOP(clear_dsp)
    for (unsigned j = 1; j < 1 + HLS_FR_DSP_LIMBS; j++) {
        HLS_UNROLL()
        product = (uint64_t)m * HLS_BN_FR[j];
        c[at + j] += (uint32_t)product;
        c[at + j + 1] += product >> 32;
    }
    /* II=1, unrolled: products by constants, in LUTs */
    HLS_LOOP(clear_fabric)
    for (unsigned j = 1 + HLS_FR_DSP_LIMBS; j < HLS_BN_LIMBS; j++) {
        uint64_t sum = (uint64_t)m * HLS_BN_FR[j];

        HLS_UNROLL()
        HLS_BIND_FABRIC(sum)
        c[at + j] += (uint32_t)sum;
        c[at + j + 1] += sum >> 32;
    }
    c[at + 1] += HLS_FAULTY(96, carry, carry + borrow);
}

/* r = columns from .. from + 7 as limbs; what they add up to is below 2^256. */
static inline void hls_fr_carry(hls_bn *r, const uint64_t c[HLS_FR_COLUMNS], unsigned from)
{
    uint64_t carry = 0;

    HLS_INLINE()
    /* II=1, unrolled: a carry chain */
    HLS_LOOP(carry_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        carry += c[from + i];
        r->l[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* r = a b / 2^256 mod r, below a b / 2^256 + r: loose factors give less than 4.02 r, factors below
 * 3.02 r less than 2.73 r, one of which is below 2.52 r less than 2.44 r. */
static inline void hls_fr_mul_loose(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    hls_fr_sum s;

    /* II=1: feed-forward */
    HLS_PIPELINE(1)
    HLS_REGISTERS(s.c)
    hls_fr_sum_clear(&s);
    hls_fr_sum_add(&s, a, b);
    /* II=1 of the caller, unrolled: feed-forward */
    HLS_LOOP(mul_columns)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        hls_fr_clear_column(s.c, i);
    }
    hls_fr_carry(r, s.c, HLS_BN_LIMBS);
}

/* r = a^2 / 2^256 mod r, with hls_fr_mul_loose's bounds and fewer additions. */
static inline void hls_fr_sqr_loose(hls_bn *r, const hls_bn *a)
{
    hls_bn_wide t;
    hls_fr_sum s;

    /* II=1: feed-forward */
    HLS_PIPELINE(1)
    HLS_REGISTERS(s.c)
    hls_bn_square(&t, a);
    hls_fr_sum_clear(&s);
    hls_fr_sum_wide(&s, &t);
    /* II=1 of the caller, unrolled: feed-forward */
    HLS_LOOP(sqr_columns)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        hls_fr_clear_column(s.c, i);
    }
    hls_fr_carry(r, s.c, HLS_BN_LIMBS);
}

/* hls_fr_mul_loose for products that have time: a row of eight products of limbs at a time, and a
 * fifth of the multipliers. HLS_FR_ROUNDS_CYCLES: a target, eight rounds one after the other. */
#define HLS_FR_ROUNDS_CYCLES 120
static inline void hls_fr_mul_rounds(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    uint64_t c[HLS_FR_COLUMNS];

    HLS_NO_INLINE()
    HLS_REGISTERS(c)
    /* II=1, unrolled: registers */
    HLS_LOOP(rounds_clear)
    for (unsigned k = 0; k < HLS_FR_COLUMNS; k++) {
        HLS_UNROLL()
        c[k] = 0;
    }
    /* no II: a round takes 15 cycles, and the next needs its columns. They stay below 2^37 */
    HLS_LOOP(rounds)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        /* II of a round, unrolled: eight products */
        HLS_LOOP(round_products)
        for (unsigned j = 0; j < HLS_BN_LIMBS; j++) {
            uint64_t product = (uint64_t)a->l[i] * b->l[j];

            HLS_UNROLL()
            c[j] += (uint32_t)product;
            c[j + 1] += product >> 32;
        }
        hls_fr_clear_column(c, 0);
        /* II of a round, unrolled: wires */
        HLS_LOOP(round_shift)
        for (unsigned j = 0; j < HLS_BN_LIMBS; j++) {
            HLS_UNROLL()
            c[j] = c[j + 1];
        }
        c[HLS_BN_LIMBS] = 0;
    }
    hls_fr_carry(r, c, 0);
}

/* r = s / 2^288 mod r, below s / 2^288 + r: for a sum of up to 64 products of numbers below 2^256
 * below r (1 + 2^-26 * 5.3). Nine columns instead of eight, because a sum divided by 2^256 would
 * not be small. Destroys s. */
static inline void hls_fr_sum_reduce(hls_bn *r, hls_fr_sum *s)
{
    /* II=1: feed-forward */
    HLS_PIPELINE(1)
    /* II=1 of the caller, unrolled: feed-forward */
    HLS_LOOP(reduce_columns)
    for (unsigned i = 0; i < HLS_BN_LIMBS + 1; i++) {
        HLS_UNROLL()
        hls_fr_clear_column(s->c, i);
    }
    hls_fr_carry(r, s->c, HLS_BN_LIMBS + 1);
}

/* r = a + b without a reduction; what they add up to is below 2^256. */
static inline void hls_fr_add_loose(hls_bn *r, const hls_bn *a, const hls_bn *b)
{
    uint64_t carry = 0;

    HLS_INLINE()
    /* II=1, unrolled: a carry chain */
    HLS_LOOP(add_loose_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        carry += (uint64_t)a->l[i] + b->l[i];
        r->l[i] = (uint32_t)carry;
        carry = HLS_FAULTY(97, carry >> 32, i == 5 ? 0 : carry >> 32);
    }
}

#endif
