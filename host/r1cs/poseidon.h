/** Poseidon over BN254's Fr (circomlib's parameters, driver/field/bn_poseidon.h) as constraints:
 * three for each S-box, none for the linear layers.
 *
 * Create an object for a width once; circuits use it any number of times, by any number of threads.
 * Constraints of a permutation, all elements wires: 3 (8 width + partial rounds), that is 216 for
 * width 2, 243 for 3, 300 for 5, 405 for 9, 612 for 17; three less for each element of the input
 * that is a constant (not if all are: then there is none).
 *
 * The wires of an S-box are its input x, x^2 and x^4. Its output x^5 is a combination of the next
 * round's inputs (the matrix inverted), which so stands in C alone: A and B stay as thin as they
 * can, whose terms are what Groth16 pays for. The first round has outputs as wires instead. */
#ifndef ZKP_HOST_R1CS_POSEIDON_H
#define ZKP_HOST_R1CS_POSEIDON_H

#include "driver/field/bn_poseidon.h"
#include "host/r1cs/builder.h"

typedef struct r1cs_poseidon r1cs_poseidon;

/** width: 2 .. 17, else P_EINVAL. *out is NULL on failure. */
p_status r1cs_poseidon_create(unsigned width, r1cs_poseidon **out, p_err *err);
/** NULL is allowed. */
void r1cs_poseidon_destroy(r1cs_poseidon *p);
unsigned r1cs_poseidon_width(const r1cs_poseidon *p);

/** The first outputs (1 .. width) of the permutation of the width elements in, single wires. out
 * may be in. */
void r1cs_poseidon_permute(r1cs_builder *b, const r1cs_poseidon *p, const r1cs_lc *in, r1cs_lc *out,
                           unsigned outputs);

/** The first output of the permutation of (initial, in[0], .. in[width - 2]): circomlib's
 * PoseidonEx with one output; a hash, a node, a link of a leaf's chain. */
r1cs_lc r1cs_poseidon_hash(r1cs_builder *b, const r1cs_poseidon *p, r1cs_lc initial,
                           const r1cs_lc *in);

#endif
