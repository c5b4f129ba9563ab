/** A Solidity contract that verifies the proofs of one verifying key.
 *
 * It has one function, with the order of arguments that `snarkjs zkey export soliditycalldata`
 * writes (an element of Fp2 as [c1, c0]):
 *
 *     verifyProof(uint[2] a, uint[2][2] b, uint[2] c, uint[N] publicSignals) view returns (bool)
 *
 * N = 0: without the last argument. It answers false, and never reverts, for coordinates that are
 * not below q, public values that are not below r (other forms of the same statement), points off
 * their curves or outside of G2's subgroup (the precompile of EIP-197 looks), and proofs that do
 * not hold. */
#ifndef ZKP_HOST_GROTH16_SOLIDITY_H
#define ZKP_HOST_GROTH16_SOLIDITY_H

#include "host/groth16/zkey.h"

/** Public values a contract may have: about a hundred bytes of code each, and EIP-170 allows
 * 24,576 bytes. */
#define GROTH16_SOLIDITY_MAX_PUBLICS 128

/** *out: the text, NUL-terminated, the caller's to free. warning: a line for the head of the file
 * (no line breaks), or NULL. P_EUNSUPPORTED for too many public values, P_EEXHAUSTED. */
p_status groth16_solidity(const groth16_vk *vk, const char *warning, char **out, p_err *err);

#endif
