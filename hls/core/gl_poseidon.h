/* Poseidon over Goldilocks, width 12, x^7, 4 + 22 + 4 rounds, for synthesis.
 *
 * A permutation is 118 S-boxes of four products (472) and 30 linear layers of shifts and additions;
 * the partial rounds keep the plain matrix, since its layer costs no product and a sparse matrix
 * would cost 22. Elements are any words between the steps, canonical at the end. Everything is
 * unrolled and feed-forward: a caller that is pipelined with II=1 has one pipe of 472 multipliers
 * and one permutation a cycle, with II=2 half of them; a caller with few DSPs calls
 * hls_gl_poseidon_round in a loop over rounds instead (the bodies of full and partial rounds are
 * the same circuit but for eleven S-boxes). */
#ifndef ZKP_HLS_CORE_GL_POSEIDON_H
#define ZKP_HLS_CORE_GL_POSEIDON_H

#include "hls/core/gl.h"
#include "hls/include/gl_poseidon_rc.h"

#define HLS_GL_POSEIDON_WIDTH 12

/* x^7 of any word; returns any word. Three products deep. */
static inline uint64_t hls_gl_poseidon_pow7(uint64_t x)
{
    uint64_t x2 = hls_gl_mul_loose(x, x);
    uint64_t x3 = hls_gl_mul_loose(x2, x), x4 = hls_gl_mul_loose(x2, x2);

    HLS_INLINE()
    return hls_gl_mul_loose(x3, HLS_FAULTY(11, x4, x3));
}

/* The matrix times twelve halves x of 32 bits, exactly: y below 264 * 2^32 < 2^41, x and y apart.
 *
 * The matrix is a circulant, plus 8 at (0,0): y = k x modulo X^12 - 1 with k = 17 + 20 X + 34 X^2 +
 * 18 X^3 + 39 X^4 + 13 X^5 + 13 X^6 + 28 X^7 + 2 X^8 + 16 X^9 + 41 X^10 + 15 X^11. With k = lo +
 * X^6 hi and x likewise, (lo + hi)(x_lo + x_hi) modulo X^6 - 1  and  (lo - hi)(x_lo - x_hi) modulo
 * X^6 + 1 are the sum and the difference of y's halves; (lo - hi) / 2 = 2 - 4 X + 16 X^2 + X^3 -
 * X^4 - X^5. The first product splits again at X^3; of 15 + 24 X + 18 X^2 + 17 X^3 + 40 X^4 + 14
 * X^5 half the sum is 16 + 32 X + 16 X^2 and half the difference -1 - 8 X + 2 X^2. All coefficients
 * are powers of two: multiplications below are shifts. Halves of x are below 2^32, sums of four
 * below 2^34, and no intermediate value leaves -2^41 .. 2^41: signed, so that a tool finds 42 bits
 * and not 64. */
static inline void hls_gl_poseidon_matrix(int64_t y[HLS_GL_POSEIDON_WIDTH],
                                          const int64_t x[HLS_GL_POSEIDON_WIDTH])
{
    int64_t s[6], d[6], e[3], o[3], even[3], odd[3], minus[6];

    HLS_INLINE()
    HLS_REGISTERS(s)
    HLS_REGISTERS(d)
    HLS_REGISTERS(e)
    HLS_REGISTERS(o)
    HLS_REGISTERS(even)
    HLS_REGISTERS(odd)
    HLS_REGISTERS(minus)

    /* II=1, unrolled: twelve adders, since the whole layer is one stage of a pipe */
    HLS_LOOP(split_six)
    for (unsigned j = 0; j < 6; j++) {
        HLS_UNROLL()
        s[j] = x[j] + x[j + 6];
        d[j] = x[j] - x[j + 6];
    }
    /* II=1, unrolled: six adders, for the same reason */
    HLS_LOOP(split_three)
    for (unsigned j = 0; j < 3; j++) {
        HLS_UNROLL()
        e[j] = s[j] + s[j + 3];
        o[j] = s[j] - s[j + 3];
    }
    /* (16 + 32 X + 16 X^2) e modulo X^3 - 1: all 16, and 16 more for the element before */
    even[0] = (e[0] + e[1] + e[2] + e[2]) * 16;
    even[1] = (e[0] + e[1] + e[2] + e[0]) * 16;
    even[2] = (e[0] + e[1] + e[2] + e[1]) * 16;
    /* (-1 - 8 X + 2 X^2) o modulo X^3 + 1 */
    odd[0] = o[2] * 8 - o[1] * 2 - o[0];
    odd[1] = -o[0] * 8 - o[2] * 2 - o[1];
    odd[2] = o[0] * 2 - o[1] * 8 - o[2];
    /* (2 - 4 X + 16 X^2 + X^3 - X^4 - X^5) d modulo X^6 + 1: what wraps around changes its sign */
    minus[0] = d[0] * 2 + d[1] + d[2] - d[3] - d[4] * HLS_FAULTY(12, 16, 8) + d[5] * 4;
    minus[1] = d[1] * 2 - d[0] * 4 + d[2] + d[3] - d[4] - d[5] * 16;
    minus[2] = d[2] * 2 - d[1] * 4 + d[0] * 16 + d[3] + d[4] - d[5];
    minus[3] = d[3] * 2 - d[2] * 4 + d[1] * 16 + d[0] + d[4] + d[5];
    minus[4] = d[4] * 2 - d[3] * 4 + d[2] * 16 + d[1] - d[0] + d[5];
    minus[5] = d[5] * 2 - d[4] * 4 + d[3] * 16 + d[2] - d[1] - d[0];
    /* II=1, unrolled: eighteen adders, as above */
    HLS_LOOP(join)
    for (unsigned j = 0; j < 3; j++) {
        int64_t plus_low = even[j] + odd[j], plus_high = even[j] - odd[j];

        HLS_UNROLL()
        y[j] = plus_low + minus[j];
        y[j + 3] = plus_high + minus[j + 3];
        y[j + 6] = plus_low - minus[j];
        y[j + 9] = plus_high - minus[j + 3];
    }
    y[0] += HLS_FAULTY(13, x[0] * 8, 0);
}

/* x <- matrix x + add; x any words, add canonical; any words. The two halves of the words go
 * through the matrix apart and give l + 2^32 h with l, h <= 264 (2^32 - 1) < 2^40.05. With h = h0 +
 * 2^32 h1, h1 < 2^9, and 2^64 = 2^32 - 1, h1 leaves column 0 and enters column 1. Column 0 stays
 * positive by 2^32 that column 1 lends, and column 1 by p, which has 2^32 - 1 there: column 0 is
 * below 2^40.05 + 2^33 + 1, column 1 below 2^34, as hls_gl_columns wants. */
static inline void hls_gl_poseidon_linear(uint64_t x[HLS_GL_POSEIDON_WIDTH],
                                          HLS_TABLE uint64_t add[HLS_GL_POSEIDON_WIDTH])
{
    int64_t low[HLS_GL_POSEIDON_WIDTH], high[HLS_GL_POSEIDON_WIDTH];
    int64_t l[HLS_GL_POSEIDON_WIDTH], h[HLS_GL_POSEIDON_WIDTH];

    HLS_INLINE()
    HLS_REGISTERS(low)
    HLS_REGISTERS(high)
    HLS_REGISTERS(l)
    HLS_REGISTERS(h)

    /* II=1, unrolled: wires */
    HLS_LOOP(halves)
    for (unsigned i = 0; i < HLS_GL_POSEIDON_WIDTH; i++) {
        HLS_UNROLL()
        low[i] = (int64_t)(x[i] & HLS_GL_LOW);
        high[i] = (int64_t)(x[i] >> 32);
    }
    hls_gl_poseidon_matrix(l, low);
    hls_gl_poseidon_matrix(h, high);
    /* II=1, unrolled: twelve independent reductions, one stage of a pipe */
    HLS_LOOP(fold)
    for (unsigned i = 0; i < HLS_GL_POSEIDON_WIDTH; i++) {
        uint64_t top = (uint64_t)h[i] >> 32;
        uint64_t c0 = (UINT64_C(1) << 32) + (uint64_t)l[i] + (add[i] & HLS_GL_LOW) - top;
        uint64_t c1 = ((uint64_t)h[i] & HLS_GL_LOW) + (add[i] >> 32) + top;

        HLS_UNROLL()
        /* plus p, minus what column 1 lent */
        x[i] = hls_gl_columns(c0 + 1, c1 + HLS_FAULTY(14, HLS_GL_LOW - 1, HLS_GL_LOW));
    }
}

/* One round: S-boxes, matrix, the next round's constants. full: all S-boxes, else that of element
 * 0. Any words. */
static inline void hls_gl_poseidon_round(uint64_t x[HLS_GL_POSEIDON_WIDTH], int full,
                                         HLS_TABLE uint64_t next[HLS_GL_POSEIDON_WIDTH])
{
    HLS_INLINE()
    x[0] = hls_gl_poseidon_pow7(x[0]);
    if (full) {
        /* II=1, unrolled: a full round is one stage of a pipe, with 48 multipliers */
        HLS_LOOP(boxes)
        for (unsigned i = 1; i < HLS_GL_POSEIDON_WIDTH; i++) {
            HLS_UNROLL()
            x[i] = hls_gl_poseidon_pow7(x[i]);
        }
    }
    hls_gl_poseidon_linear(x, next);
}

/* The permutation in place; any words, canonical at the end. */
static inline void hls_gl_poseidon_permute(uint64_t state[HLS_GL_POSEIDON_WIDTH])
{
    uint64_t x[HLS_GL_POSEIDON_WIDTH];

    HLS_INLINE()
    HLS_REGISTERS(x)

    /* II=1, unrolled: the first constants, twelve adders in front of the pipe */
    HLS_LOOP(first)
    for (unsigned i = 0; i < HLS_GL_POSEIDON_WIDTH; i++) {
        uint64_t add = HLS_GL_POSEIDON_ADD[0][i];

        HLS_UNROLL()
        x[i] = hls_gl_columns((state[i] & HLS_GL_LOW) + (add & HLS_GL_LOW),
                              (state[i] >> 32) + (add >> 32));
    }
    /* II=1 of the caller, unrolled: round r+1 needs all of round r, so a rolled loop would have the
     * round's whole latency as its II; unrolled, its constants are wires and zeros vanish */
    HLS_LOOP(rounds)
    for (unsigned r = 0; r < HLS_GL_POSEIDON_ROUNDS; r++) {
        HLS_UNROLL()
        hls_gl_poseidon_round(
            x, r < HLS_GL_POSEIDON_HALF || r >= HLS_GL_POSEIDON_ROUNDS - HLS_GL_POSEIDON_HALF,
            HLS_GL_POSEIDON_ADD[HLS_FAULTY(15, r + 1, r == 12 ? r : r + 1)]);
    }
    /* II=1, unrolled: the last reduction, behind the pipe */
    HLS_LOOP(last)
    for (unsigned i = 0; i < HLS_GL_POSEIDON_WIDTH; i++) {
        HLS_UNROLL()
        state[i] = hls_gl_canonical(x[i]);
    }
}

#endif
