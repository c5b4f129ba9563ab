/** Goldilocks inside of circuits: integers with a static bound that stand for their residue modulo
 * p = 2^64 - 2^32 + 1.
 *
 * A value is an integer in [0, bound) inside of Fr; additions and multiplications by constants are
 * free and let the bound grow, a product is one constraint, and a reduction finds the residue r <
 * 2^64 (not canonical) with v = k p + r. Everything is sound only while no sum wraps around r_BN,
 * so bounds are part of the type and each operation asserts its own: results stay at or below
 * 2^252; reduce uses kbits = bitlen(floor((bound - 1) / p)) bits for k, needs (2^kbits - 1) p +
 * 2^64 - 1 < r_BN (for a forgery otherwise see tests/unit/r1cs) and costs 64 + kbits constraints;
 * zero costs kbits and needs (2^kbits - 1) p < r_BN. Operands that would exceed a bound are reduced
 * first, and so is a combination only once: what was reduced before is found again. So a value that
 * is used in many products should be reduced by the caller only if most of them would reduce it.
 * The same holds for K = F[X]/(X^3 - X - 1), coefficient by coefficient. */
#ifndef ZKP_HOST_R1CS_BOUNDED_H
#define ZKP_HOST_R1CS_BOUNDED_H

#include "driver/field/gl_ext.h"
#include "host/r1cs/builder.h"

#define R1CS_BOUND_LOG2 252

/** Four words, little-endian: the number that values are below, 1 .. 2^252. */
typedef struct r1cs_bound {
    uint64_t w[4];
} r1cs_bound;

typedef struct r1cs_gl {
    r1cs_lc lc;
    r1cs_bound bound;
} r1cs_gl;

typedef struct r1cs_ext {
    r1cs_gl c[3];
} r1cs_ext;

/** A new wire of 64 bits, range-checked; value in SOLVE only. */
r1cs_gl r1cs_gl_input(r1cs_builder *b, uint64_t value);
/** The same for what is range-checked by the caller; bits <= 252, or what is made of it is an
 * error.
 */
r1cs_gl r1cs_gl_assume(r1cs_lc lc, unsigned bits);
r1cs_gl r1cs_gl_constant(r1cs_builder *b, gl_t value);
r1cs_gl r1cs_gl_add(r1cs_builder *b, r1cs_gl x, r1cs_gl y);
r1cs_gl r1cs_gl_sub(r1cs_builder *b, r1cs_gl x, r1cs_gl y); /**< plus a multiple of p */
r1cs_gl r1cs_gl_scale(r1cs_builder *b, r1cs_gl x, gl_t factor);
r1cs_gl r1cs_gl_mul(r1cs_builder *b, r1cs_gl x, r1cs_gl y);
/** sum of factors[i] x[i]: each factor or its negative, whichever lets the bound grow less. */
r1cs_gl r1cs_gl_sum(r1cs_builder *b, const r1cs_gl *x, const gl_t *factors, uint32_t count);
/** sum of x[i] y[i], reduced as late as possible. */
r1cs_gl r1cs_gl_dot(r1cs_builder *b, const r1cs_gl *x, const r1cs_gl *y, uint32_t count);
r1cs_gl r1cs_gl_reduce(r1cs_builder *b, r1cs_gl x); /**< below 2^64; nothing if it is */
/** x = 0 modulo p, and x = y: one quotient, no residue. */
void r1cs_gl_zero(r1cs_builder *b, r1cs_gl x);
void r1cs_gl_equal(r1cs_builder *b, r1cs_gl x, r1cs_gl y);
/** The canonical residue: below p, reduced and range-checked. bits (may be NULL): its 64 bits.
 * Three constraints more than a reduction. */
r1cs_gl r1cs_gl_canonical(r1cs_builder *b, r1cs_gl x, r1cs_lc *bits);
/** What it stands for, in SOLVE. */
gl_t r1cs_gl_value(const r1cs_builder *b, const r1cs_gl *x);

r1cs_ext r1cs_ext_input(r1cs_builder *b, gl_ext value);
r1cs_ext r1cs_ext_constant(r1cs_builder *b, gl_ext value);
r1cs_ext r1cs_ext_from_gl(r1cs_builder *b, r1cs_gl x);
r1cs_ext r1cs_ext_add(r1cs_builder *b, r1cs_ext x, r1cs_ext y);
r1cs_ext r1cs_ext_sub(r1cs_builder *b, r1cs_ext x, r1cs_ext y);
r1cs_ext r1cs_ext_scale(r1cs_builder *b, r1cs_ext x, gl_t factor);
/** Five constraints; none if a factor is constant. */
r1cs_ext r1cs_ext_mul(r1cs_builder *b, r1cs_ext x, r1cs_ext y);
r1cs_ext r1cs_ext_mul_gl(r1cs_builder *b, r1cs_ext x, r1cs_gl y);
/** sum of x[i] y[i]. */
r1cs_ext r1cs_ext_dot(r1cs_builder *b, const r1cs_ext *x, const r1cs_ext *y, uint32_t count);
r1cs_ext r1cs_ext_dot_gl(r1cs_builder *b, const r1cs_ext *x, const r1cs_gl *y, uint32_t count);
/** sum of factors[i] x[i]. */
r1cs_ext r1cs_ext_sum(r1cs_builder *b, const r1cs_ext *x, const gl_t *factors, uint32_t count);
r1cs_ext r1cs_ext_reduce(r1cs_builder *b, r1cs_ext x);
/** 1 / x with x times it equal to 1; x = 0 does not satisfy. */
r1cs_ext r1cs_ext_inverse(r1cs_builder *b, r1cs_ext x);
void r1cs_ext_equal(r1cs_builder *b, r1cs_ext x, r1cs_ext y);
gl_ext r1cs_ext_value(const r1cs_builder *b, const r1cs_ext *x);

/** The bits of the quotient of a reduction (residue: of a value that is not known to be a multiple
 * of p) under a bound; false if the quotient's range would let the equation wrap around r_BN. */
bool r1cs_quotient_bits(const r1cs_bound *bound, bool residue, unsigned *bits);

#endif
