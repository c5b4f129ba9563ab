/** Sums of points for each wire: sum over a matrix's entries (row, wire) of factor times point of
 * the row, the points being Lagrange's of a file of powers of tau.
 *
 * Memory is one projective point a wire; circuit and points are read as streams, by each thread for
 * the wires of its own. */
#ifndef ZKP_HOST_GROTH16_WIRE_SUMS_H
#define ZKP_HOST_GROTH16_WIRE_SUMS_H

#include "driver/base/memory.h"
#include "driver/base/pool.h"
#include "host/groth16/circuit.h"
#include "host/iden3/ptau.h"

/** Which series of points goes with a matrix; PTAU_SERIES: the matrix does not count. All are of
 * one group. */
typedef struct wire_sums_plan {
    ptau_series series[3];
} wire_sums_plan;

/** out: one bn_g1x or bn_g2x a wire, zeroed. P_ECORRUPT for a damaged file, P_ECANCELLED. */
p_status wire_sums(const groth16_circuit *c, const ptau *p, const wire_sums_plan *plan,
                   p_pool *pool, void *out, const p_cancel *cancel, p_err *err);

#endif
