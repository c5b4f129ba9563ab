/** The verifier of a STARK as a circuit, so that a Groth16 proof says that a STARK proof is known.
 *
 * The circuit is made from a verifying key alone (its air's graph, parameters, fixed cap): every
 * check of stark_verify, in the same order, over bounded integers. Only keys with the hash
 * Poseidon-BN254. Its public inputs are the STARK's public values, in order; the key itself is
 * constant in the circuit, so that its Groth16 key speaks of this STARK key and no other. */
#ifndef ZKP_HOST_WRAP_WRAP_H
#define ZKP_HOST_WRAP_WRAP_H

#include "host/r1cs/builder.h"
#include "host/stark/stark.h"

/** What constraints are for. */
typedef enum wrap_part {
    WRAP_TRANSCRIPT, /**< absorbing and squeezing */
    WRAP_VALUES,     /**< ranges of publics, evaluations, final coefficients */
    WRAP_GRAPH,      /**< the air's graph and the quotient at z */
    WRAP_POWERS,     /**< of gamma and beta, and sums that all queries share */
    WRAP_ROWS,       /**< ranges of the queries' words */
    WRAP_LEAVES,     /**< hashes of leaves */
    WRAP_PATHS,      /**< Merkle paths and caps */
    WRAP_DEEP,
    WRAP_FOLDS,
    WRAP_FINAL, /**< the final polynomial at the queries' points */
    WRAP_PARTS
} wrap_part;

const char *wrap_part_name(wrap_part part);

/** Makes the circuit in the builder (public inputs: the key's number of publics). publics and
 * proof: NULL in R1CS_BUILD; in R1CS_SOLVE the proof whose witness is wanted: a proof that does not
 * hold makes r1cs_finish fail, naming the check. parts: constraints of each part; may be NULL.
 * P_EINVAL for a key with another hash, or whose digest is not that of its contents. */
p_status wrap_circuit(r1cs_builder *b, const stark_vk *vk, const uint64_t *publics,
                      const stark_proof *proof, uint64_t parts[WRAP_PARTS], p_err *err);

/** Both files, r1cs (wtns_path NULL) or witness (r1cs_path NULL), or both at once. counts, parts:
 * may be NULL. */
p_status wrap_write(const stark_vk *vk, const uint64_t *publics, const stark_proof *proof,
                    const char *r1cs_path, const char *wtns_path, r1cs_counts *counts,
                    uint64_t parts[WRAP_PARTS], p_err *err);

#endif
