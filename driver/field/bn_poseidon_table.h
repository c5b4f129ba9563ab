/** What the kernels of bn_poseidon.h multiply and add, derived by bn_poseidon.c; for driver/field
 * and driver/card, whose kernels have the same recurrence, alone.
 *
 * Full rounds: S-box on every element, then new = matrix * old with the next round's constants
 * added to the unreduced sums.
 *
 * Partial rounds: with n = width - 1, the n elements without an S-box are a linear system whose one
 * input is y, the S-box's output, and whose one output is a, the S-box's input. By Cayley-Hamilton
 * such a system obeys a recurrence with constant coefficients, so that instead of a state of n
 * elements (n multiply-adds and a dot product a round) the kernels keep the last n values of a and
 * y, and a round is one dot product with one reduction:
 *
 *   a(q+1) = sum_{i=0..n} beta_i y(q-i) - sum_{k=1..n} alpha_k a(q+1-k) + added(q),
 *
 * alpha the characteristic polynomial of the system's matrix A (the matrix without row and column
 * 0), sums cut off at y(0) and a(1) while q < n. added(q) is a round constant; for q < n it also
 * has what the state at the start contributes, which is linear in it and so comes out of the
 * multiplication by a matrix (enter instead of matrix) that the last full round does anyhow. After
 * the last partial round its state is a linear map (leave) of the last n + 1 values of y and n of
 * a. Layout of the values: a(0), y(0), a(1), y(1), ..., so every sum is over 2 n + 1 neighbours
 * that end with y(q), and a cut-off one is over the last 2 q + 1 of them. */
#ifndef ZKP_DRIVER_FIELD_BN_POSEIDON_TABLE_H
#define ZKP_DRIVER_FIELD_BN_POSEIDON_TABLE_H

#include "driver/field/bn_poseidon.h"

#define BN_POSEIDON_HALF (BN_POSEIDON_FULL_ROUNDS / 2)
#define BN_POSEIDON_MAX_PARTIAL 70
#define BN_POSEIDON_MAX_WINDOW (2 * BN_POSEIDON_MAX_WIDTH - 1)

/** Where a table's parts begin, in elements; t is the width. Factors are what is multiplied with,
 * summands go into the unreduced sums. */
typedef struct bn_poseidon_layout {
    uint32_t first;  /**< t summands: constants of round 0 */
    uint32_t matrix; /**< t * t factors, row by row */
    uint32_t full;   /**< 6 * t summands: of full rounds 1, 2, 3 and, in the second half, 5, 6, 7 */
    uint32_t enter;  /**< t * t factors: a(0), then what the state adds to a(1) .. a(n) */
    uint32_t entered; /**< t summands for them */
    uint32_t step;    /**< 2 n + 1 factors: of a partial round, the last one is y(q)'s */
    uint32_t steps;   /**< partial - t summands: of a(n+1), a(n+2), ... */
    uint32_t leave;   /**< t * (2 n + 1) factors: the state after the partial rounds */
    uint32_t left;    /**< t summands: constants of full round 4 and what is left of the partial
                         rounds' */
    uint32_t count;
} bn_poseidon_layout;

struct bn_poseidon {
    unsigned width, partial;
    bn_fr *constants, *matrix; /**< as in bn_poseidon_plain */
    bn_poseidon_layout at;
    /** The table for scalar kernels. Factors are times 2^320, since a reduction of five words takes
     * that away and leaves sums of any length below r + 1; summands are times 2^256. */
    bn_fr *words;
    /** The table for IFMA, five limbs of 52 bits an element; everything times 2^260. */
    uint64_t *limbs;
};

#endif
