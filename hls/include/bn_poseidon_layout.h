/* What the table buffer of bn_poseidon holds for a width t = 2 .. 17: where its parts begin, in
 * elements of four words, two a row. The driver writes it, the kernel copies it once a run. C99.
 *
 * Poseidon has 8 full rounds and R = HLS_BN_POSEIDON_PARTIAL(t) partial ones. Full rounds are the
 * textbook's, S-boxes, then the matrix M, then the next round's constants. Partial rounds are a
 * recurrence: with n = t - 1, the n elements without an S-box are a linear system whose one input
 * is y(q), what the S-box of partial round q puts out, and whose one output is a(q), what it takes
 * in. By Cayley and Hamilton such a system obeys a recurrence of order n with constant
 * coefficients:
 *
 *   a(q+1) = added(q+1) + sum_{i=0..n} beta_i y(q-i) - sum_{k=1..n} alpha_k a(q+1-k)
 *
 * alpha: the characteristic polynomial of M without row and column 0. So a round is one sum of
 * 2 n + 1 products with one reduction, where the textbook has t^2 products and the form with sparse
 * matrices 2 n + 1 products with t reductions. While q < n the sum is cut off at y(0) and a(1), and
 * what the state before the partial rounds contributes comes out of the last full round's matrix
 * (enter, in the place of M). The state after them is a linear map (leave) of the last n + 1 values
 * of y and n of a. For t = 17: 5,424 products and 832 reductions; textbook 22,576 and 1,904, sparse
 * matrices 5,168 and 1,904. Values are kept in the order a(0), y(0), a(1), y(1), ...; every sum
 * is over neighbours that end with y(q), and a cut-off one over the last 2 q + 1.
 *
 * Factors (what values are multiplied with) are f 2^288 mod r, summands (what is added to a sum of
 * products after its reduction, which divides by 2^288) are s 2^256 mod r: so values stay in
 * Montgomery form. Two more matrices take the place of conversions for states that are canonical
 * numbers. matrix_in: without conversion x^5 comes out as x^5 2^-1024, so its factors are
 * M 2^(288 + 1024 + 256). matrix_out: M 2^32, whose sums are reduced to canonical numbers. first_in
 * are the first round's constants as numbers. */
#ifndef ZKP_HLS_INCLUDE_BN_POSEIDON_LAYOUT_H
#define ZKP_HLS_INCLUDE_BN_POSEIDON_LAYOUT_H

#include "hls/include/hls_language.h"

#define HLS_BN_POSEIDON_MIN_WIDTH 2
#define HLS_BN_POSEIDON_MAX_WIDTH 17
#define HLS_BN_POSEIDON_MAX_PARTIAL 70
/* log2 of what the factors are times, beyond Montgomery form's 256 */
#define HLS_BN_POSEIDON_FACTOR_LOG2 288

/* Partial rounds by width. */
static HLS_TABLE uint8_t HLS_BN_POSEIDON_PARTIAL[HLS_BN_POSEIDON_MAX_WIDTH + 1] = {
    0, 0, 56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68};

typedef struct hls_bn_poseidon_layout {
    uint32_t first;      /* t summands: constants of round 0 */
    uint32_t first_in;   /* t numbers: the same */
    uint32_t matrix;     /* t * t factors, row by row: new[i] = sum of M[i][j] old[j] */
    uint32_t matrix_in;  /* t * t factors for round 0 of canonical states */
    uint32_t matrix_out; /* t * t factors for round 7 of canonical states */
    uint32_t full;       /* 6 * t summands: constants of full rounds 1, 2, 3, 5, 6, 7 */
    uint32_t enter;      /* t * t factors: a(0), then what the state adds to a(1) .. a(n) */
    uint32_t entered;    /* t summands for them */
    uint32_t step;       /* 2 n + 1 factors of a partial round, the last one is y(q)'s */
    uint32_t steps;      /* R - t summands: of a(n+1), a(n+2), ..., a(R-1) */
    uint32_t leave;      /* t * (2 n + 1) factors: the state after the partial rounds */
    uint32_t left; /* t summands: constants of full round 4 and what waits of the partial ones */
    uint32_t count;
} hls_bn_poseidon_layout;

/* The most elements of any width (17: 1,971), as a bound for memories. */
#define HLS_BN_POSEIDON_MAX_COUNT 2048

/* t: 2 .. HLS_BN_POSEIDON_MAX_WIDTH. */
static inline void hls_bn_poseidon_lay_out(hls_bn_poseidon_layout *at, uint32_t t)
{
    at->first = 0;
    at->first_in = at->first + t;
    at->matrix = at->first_in + t;
    at->matrix_in = at->matrix + t * t;
    at->matrix_out = at->matrix_in + t * t;
    at->full = at->matrix_out + t * t;
    at->enter = at->full + 6 * t;
    at->entered = at->enter + t * t;
    at->step = at->entered + t;
    at->steps = at->step + 2 * t - 1;
    at->leave = at->steps + HLS_BN_POSEIDON_PARTIAL[t] - t;
    at->left = at->leave + t * (2 * t - 1);
    at->count = at->left + t;
}

/* Rows of the table; t as above. */
static inline uint32_t hls_bn_poseidon_rows(uint32_t t)
{
    hls_bn_poseidon_layout at;

    hls_bn_poseidon_lay_out(&at, t);
    return (at.count + 1) / 2;
}

#endif
