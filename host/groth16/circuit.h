/** A .r1cs file as Groth16 sees it: the matrices' entries row by row, and with them the rows that
 * snarkjs adds, A[constraints + s] = wire s for the constant and every public wire s, without which
 * public values could be exchanged for others that give the same sums (eprint 2016/260, §3.2 needs
 * the public polynomials to be linearly independent). */
#ifndef ZKP_HOST_GROTH16_CIRCUIT_H
#define ZKP_HOST_GROTH16_CIRCUIT_H

#include "driver/base/cancel.h"
#include "driver/field/bn_fr.h"
#include "host/iden3/r1cs_file.h"

typedef struct groth16_circuit {
    r1cs_file file;
    uint32_t wires, publics, constraints; /**< publics: without wire 0 */
    uint32_t domain_log2; /**< of the least domain that has all rows, as snarkjs counts it */
} groth16_circuit;

/** P_ENOTFOUND, P_ECORRUPT, P_EUNSUPPORTED (another field, or too many constraints). Close it also
 * after a failure. */
p_status groth16_circuit_open(groth16_circuit *out, const char *path, p_err *err);
void groth16_circuit_close(groth16_circuit *c);

typedef enum groth16_matrix { GROTH16_A, GROTH16_B, GROTH16_C } groth16_matrix;

typedef struct groth16_term {
    groth16_matrix matrix;
    uint32_t row, wire;
    bn_fr factor; /**< Montgomery form */
} groth16_term;

typedef p_status groth16_visit(void *arg, const groth16_term *term, p_err *err);

/** Reads the file once and visits each entry: rows in order, in a row A's, B's, C's in the order of
 * the file, at last the added rows. Polls cancel. Any number of threads, each with its own call. */
p_status groth16_circuit_each(const groth16_circuit *c, groth16_visit *visit, void *arg,
                              const p_cancel *cancel, p_err *err);

#endif
