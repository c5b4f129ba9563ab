/** Circuits as rank-1 constraints over BN254's Fr, written as C functions.
 *
 * A circuit is a function that makes wires and constraints with the calls below. It is run with a
 * builder in one of two modes, or both: R1CS_BUILD writes constraints to a .r1cs file as they come
 * (so that memory does not grow with them), R1CS_SOLVE computes every wire's value from the inputs,
 * for a .wtns file. The circuit must make the same calls in both: nothing but values may depend on
 * values.
 *
 * Wires: 0 is the constant 1, then the public ones (outputs first), then all others in the order of
 * making. The number of public wires is said in the beginning; r1cs_public makes them, before any
 * other wire.
 *
 * A linear combination (r1cs_lc) is a value type; its terms are in the builder's memory until the
 * innermost scope that was open when it was made ends (single wires and constants live on; use of
 * one that is gone is an error, no wrong circuit). Errors are sticky: the first one is kept, later
 * calls do nothing harmful, r1cs_finish reports it. A builder is used by one thread. */
#ifndef ZKP_HOST_R1CS_BUILDER_H
#define ZKP_HOST_R1CS_BUILDER_H

#include "driver/base/err.h"
#include "driver/field/bn_fr.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct r1cs_builder r1cs_builder;

enum { R1CS_BUILD = 1, R1CS_SOLVE = 2 };

typedef struct r1cs_term {
    uint32_t wire;
    bn_fr factor; /**< Montgomery form */
} r1cs_term;

/** What a combination is made of, constant and single, is the same in both modes: it follows from
 * the calls, not from terms that cancel. */
typedef struct r1cs_lc {
    uint64_t serial;        /**< tells combinations apart, in either mode; 0: a constant */
    uint32_t count;         /**< terms: distinct wires, rising; factors not zero. SOLVE alone: 0 */
    bool constant;          /**< made of wire 0 alone */
    bool single;            /**< a wire as it was made */
    const r1cs_term *terms; /**< NULL for count <= 1 */
    r1cs_term one;          /**< the term if count is 1 */
    bn_fr value;            /**< Montgomery form; SOLVE, and constants in either mode */
} r1cs_lc;

/** path: of the .r1cs (R1CS_BUILD), NULL else. publics: public wires without wire 0. */
p_status r1cs_create(unsigned modes, const char *path, uint32_t public_outputs,
                     uint32_t public_inputs, r1cs_builder **out, p_err *err);
/** Also without finish: what was begun is removed. NULL is allowed. */
void r1cs_destroy(r1cs_builder *b);

typedef struct r1cs_counts {
    uint32_t wires, publics;     /**< wires: with wire 0; publics: without */
    uint64_t constraints, terms; /**< terms: of A, B and C together; BUILD only */
} r1cs_counts;

/** Completes the file. *values (SOLVE; may be NULL): wires * 4 words, canonical, for wtns_write;
 * borrowed until destroy, which wipes them. The first error of the circuit is reported here:
 * P_EINVAL "constraint N (LABEL): ..." if SOLVE met a constraint that its values do not satisfy. */
p_status r1cs_finish(r1cs_builder *b, r1cs_counts *counts, const uint64_t **values, p_err *err);

bool r1cs_solving(const r1cs_builder *b);
bool r1cs_failed(const r1cs_builder *b);
/** Records an error if there is none yet. */
void r1cs_fail(r1cs_builder *b, p_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
r1cs_counts r1cs_count(const r1cs_builder *b);
/** Names what follows, for errors and in the file (R1CS_FILE_NAME_BYTES); copied. */
void r1cs_label(r1cs_builder *b, const char *label);

/** Memory of linear combinations. */
typedef struct r1cs_scope {
    uint64_t place;
} r1cs_scope;
r1cs_scope r1cs_scope_begin(r1cs_builder *b);
void r1cs_scope_end(r1cs_builder *b, r1cs_scope scope);

/* ---- wires and combinations ---- */

/** A new wire; value counts in SOLVE only. The caller constrains it. */
r1cs_lc r1cs_wire(r1cs_builder *b, bn_fr value);
r1cs_lc r1cs_public(r1cs_builder *b, bn_fr value);

r1cs_lc r1cs_constant(r1cs_builder *b, bn_fr value);
r1cs_lc r1cs_constant_u64(r1cs_builder *b, uint64_t value);
r1cs_lc r1cs_add(r1cs_builder *b, r1cs_lc x, r1cs_lc y);
r1cs_lc r1cs_sub(r1cs_builder *b, r1cs_lc x, r1cs_lc y);
r1cs_lc r1cs_scale(r1cs_builder *b, r1cs_lc x, bn_fr factor);
/** sum of factors[i] x[i] (factors NULL: all 1); better than a chain of r1cs_add. */
r1cs_lc r1cs_sum(r1cs_builder *b, const r1cs_lc *x, const bn_fr *factors, uint32_t count);

/* ---- constraints ---- */

/** x y = z. */
void r1cs_constrain(r1cs_builder *b, r1cs_lc x, r1cs_lc y, r1cs_lc z);
void r1cs_equal(r1cs_builder *b, r1cs_lc x, r1cs_lc y);
/** The product: a new wire with its constraint, or none if x or y is constant. */
r1cs_lc r1cs_mul(r1cs_builder *b, r1cs_lc x, r1cs_lc y);
/** The same value as one wire (no constraint if it already is one). */
r1cs_lc r1cs_to_wire(r1cs_builder *b, r1cs_lc x);
/** 1 / x; x = 0 does not satisfy. */
r1cs_lc r1cs_inverse(r1cs_builder *b, r1cs_lc x);
void r1cs_boolean(r1cs_builder *b, r1cs_lc x);
/** bit ? x : y; bit is known to be boolean. One constraint, none if two of the three or bit are
 * constant. */
r1cs_lc r1cs_select(r1cs_builder *b, r1cs_lc bit, r1cs_lc x, r1cs_lc y);

#endif
