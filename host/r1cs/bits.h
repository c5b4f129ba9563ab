/** Bits of wires: range checks, decompositions, and choices by bits.
 *
 * A range check of n bits costs n constraints, which is the least that quadratic equations can do;
 * the highest bit is no wire but a combination of the number and the other bits. */
#ifndef ZKP_HOST_R1CS_BITS_H
#define ZKP_HOST_R1CS_BITS_H

#include "host/r1cs/builder.h"

#define R1CS_MAX_BITS 253 /**< 2^253 < r: one decomposition only */
#define R1CS_FR_BITS 254
#define R1CS_MAX_CHOICE_BITS 12

/** x is below 2^n; n <= R1CS_MAX_BITS. bits (may be NULL): n of them, lowest first. n constraints
 * (one for n = 0), n - 1 wires; none if x is constant. */
void r1cs_bits(r1cs_builder *b, r1cs_lc x, unsigned n, r1cs_lc *bits);

/** The bits of x as the number below r that it is, R1CS_FR_BITS of them, lowest first: no other
 * decomposition satisfies, x + r neither. 353 constraints. */
void r1cs_bits_strict(r1cs_builder *b, r1cs_lc x, r1cs_lc bits[R1CS_FR_BITS]);

/** sum of 2^i bits[i]; n <= R1CS_FR_BITS. */
r1cs_lc r1cs_from_bits(r1cs_builder *b, const r1cs_lc *bits, unsigned n);

/** x[i], i the number of the n bits (lowest first; boolean), 2^n values; n <= R1CS_MAX_CHOICE_BITS.
 * At most 2^n - 1 constraints. */
r1cs_lc r1cs_choose(r1cs_builder *b, const r1cs_lc *bits, unsigned n, const r1cs_lc *x);

/** The same for constants, tables of them at once: out[t] = table[t * 2^n + i]. For 6 bits 8
 * constraints and 7 for each table. */
void r1cs_choose_constant(r1cs_builder *b, const r1cs_lc *bits, unsigned n, const bn_fr *table,
                          unsigned tables, r1cs_lc *out);

/** out[i] = 1 for the number i of the n bits, else 0; 2^n of them, whose sum is 1. At most 2^n - 2
 * constraints. */
void r1cs_one_hot(r1cs_builder *b, const r1cs_lc *bits, unsigned n, r1cs_lc *out);

/** The and, the exclusive or of two bits. */
r1cs_lc r1cs_and(r1cs_builder *b, r1cs_lc x, r1cs_lc y);
r1cs_lc r1cs_xor(r1cs_builder *b, r1cs_lc x, r1cs_lc y);

#endif
