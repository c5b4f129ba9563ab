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

/** Makes the circuit in the builder (public inputs: the key's number of publics). publics and
 * proof: NULL in R1CS_BUILD; in R1CS_SOLVE the proof whose witness is wanted: a proof that does not
 * hold makes r1cs_finish fail, naming the check. */
p_status wrap_circuit(r1cs_builder *b, const stark_vk *vk, const uint64_t *publics,
                      const stark_proof *proof, p_err *err);

/** Both files, r1cs (witness NULL) or witness (r1cs NULL), or both at once. */
p_status wrap_write(const stark_vk *vk, const uint64_t *publics, const stark_proof *proof,
                    const char *r1cs_path, const char *wtns_path, r1cs_counts *counts, p_err *err);

#endif
