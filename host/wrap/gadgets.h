/** The parts of the circuit of wrap.h, each made beside its native twin in host/stark.
 *
 * Everything takes and gives linear combinations of one builder, in its scope of the moment. An
 * r1cs_gl of 64 bits stands for a word of a proof: range-checked, not canonical. What a cheating
 * prover may choose is said with each function; what is not said there is forced. */
#ifndef ZKP_HOST_WRAP_GADGETS_H
#define ZKP_HOST_WRAP_GADGETS_H

#include "host/r1cs/bits.h"
#include "host/r1cs/bounded.h"
#include "host/r1cs/poseidon.h"
#include "host/stark/stark.h"
#include "host/wrap/wrap.h"

#define WRAP_ARITY_LOG2 4 /**< of a node */
#define WRAP_ARITY 16
#define WRAP_CHUNK 16  /**< elements of a permutation that absorbs or hashes */
#define WRAP_PACKED 3  /**< words of an element */
#define WRAP_SQUEEZE 2 /**< elements of the squeezing permutation besides the state */

/* ---- powers by bits (powers.c) ---- */

#define WRAP_MAX_POWERS (1u << STARK_MAX_FINAL_LOG2)

/** out[m] = (shift * root^i)^(m + 1), m < count, as residues; i is the number in n bits, lowest
 * first, known to be boolean. Below 2^64; wide: products of two such numbers, which saves the
 * reductions. */
void wrap_powers(r1cs_builder *b, const r1cs_lc *bits, uint32_t n, gl_t shift, gl_t root, bool wide,
                 uint32_t count, r1cs_gl *out);

/* ---- hashes (merkle.c) ---- */

/** Permutations: as constraints, of the widths that are needed (NULL else), and natively. */
typedef struct wrap_hash {
    r1cs_poseidon *width[BN_POSEIDON_MAX_WIDTH + 1];
    stark_hash native;
} wrap_hash;

/** Those of the transcript and of nodes, and those of leaves of so many words. */
p_status wrap_hash_create(const uint32_t *leaf_words, uint32_t count, wrap_hash *out, p_err *err);
void wrap_hash_destroy(wrap_hash *h);

/** Words of 64 bits, three to an element; out: (count + 2) / 3 elements. */
void wrap_pack(r1cs_builder *b, const r1cs_gl *words, uint32_t count, r1cs_lc *out);
r1cs_lc wrap_leaf(r1cs_builder *b, const wrap_hash *h, const r1cs_gl *words, uint32_t count);
/** The node over children that a prover chooses: the one at the place in four bits is digest. */
r1cs_lc wrap_node(r1cs_builder *b, const wrap_hash *h, r1cs_lc digest, const r1cs_lc *bits,
                  const r1cs_lc in[WRAP_ARITY]);
/** That digest is the one at the place in bits (lowest first) below a cap of 2^cap_log2 digests,
 * bits_count - cap_log2 a multiple of 4. path: the proof's words in SOLVE, NULL else. The nodes'
 * other children are free; the place is not: at each level the child that the index's bits select
 * has to be the node below. */
void wrap_path(r1cs_builder *b, const wrap_hash *h, r1cs_lc digest, const r1cs_lc *bits,
               uint32_t bits_count, const r1cs_lc *cap, uint32_t cap_log2, const uint64_t *path);
/** Digests from words: constants, or wires that nothing constrains. Words that are no element make
 * the builder fail. words NULL: zeros. */
void wrap_digests(r1cs_builder *b, const uint64_t *words, uint64_t count, bool constant,
                  r1cs_lc *out);

/* ---- transcript (transcript.c) ---- */

typedef struct wrap_transcript {
    r1cs_builder *b;
    const wrap_hash *hash;
    r1cs_lc state;
} wrap_transcript;

/** state: of a native transcript, canonical words: what was absorbed so far is constant. */
void wrap_transcript_init(wrap_transcript *t, r1cs_builder *b, const wrap_hash *hash,
                          const uint64_t state[4]);
void wrap_absorb_words(wrap_transcript *t, const r1cs_gl *words, uint64_t count);
void wrap_absorb_digests(wrap_transcript *t, const r1cs_lc *digests, uint64_t count);
/** Coefficients of 64 bits. */
r1cs_ext wrap_squeeze_ext(wrap_transcript *t);
/** The element e0: its lowest bits are zero. */
void wrap_squeeze_grinding(wrap_transcript *t, uint32_t grinding_bits);
/** out: count * log_n bits, an index after the other. */
void wrap_squeeze_indices(wrap_transcript *t, uint32_t log_n, uint32_t count, r1cs_lc *out);

/* ---- fields ---- */

/** The word that is on a wire: one that is not below p has no witness. */
r1cs_gl wrap_canonical(r1cs_builder *b, r1cs_lc wire);
/** x times X^k, k = 0, 1, 2: no constraint. */
r1cs_ext wrap_ext_shift(r1cs_builder *b, r1cs_ext x, uint32_t k);
/** out[i] = base^i, i < count, coefficients of 64 bits from out[1] on. */
void wrap_ext_powers(r1cs_builder *b, r1cs_ext base, uint32_t count, r1cs_ext *out);

/* ---- checks (graph.c, deep.c, fri.c) ---- */

/** What the transcript gives, and the proof's values that are not a query's. */
typedef struct wrap_values {
    const stark_vk *vk;
    const stark_shape *shape;
    const r1cs_gl *publics;
    r1cs_ext random[AIR_CHALLENGES], lambda, z, gamma, beta[STARK_MAX_LAYERS];
    const r1cs_ext *at_z, *at_next, *final;
} wrap_values;

/** The quotient's identity at z; z in H or in D has no witness. */
void wrap_identity(r1cs_builder *b, const wrap_values *v);

/** What the queries share. */
typedef struct wrap_deep {
    r1cs_ext *power_z, *power_next; /**< of gamma, for the columns of at_z and at_next */
    r1cs_ext value_z, value_next;   /**< sums of the evaluations with them */
    r1cs_ext z, next, sum, product; /**< z, omega z, their sum and product; 64 bits */
} wrap_deep;

bool wrap_deep_create(r1cs_builder *b, const wrap_values *v, wrap_deep *out);
void wrap_deep_destroy(wrap_deep *d);
/** That slot is f_0 at the point whose number is in bits. words: the row of each tree, real
 * columns.
 */
void wrap_deep_check(r1cs_builder *b, const wrap_values *v, const wrap_deep *d, const r1cs_lc *bits,
                     r1cs_gl *const words[AIR_TREES], r1cs_ext slot);

typedef struct wrap_fri {
    r1cs_ext powers[STARK_MAX_LAYERS][STARK_FOLD]; /**< of each beta */
} wrap_fri;

void wrap_fri_init(r1cs_builder *b, const wrap_values *v, wrap_fri *out);
/** Eight times the next layer's value at the leaf's point, whose number is in leaf_log2 bits;
 * shift: of the layer's domain of 2^(leaf_log2 + 3) points. */
r1cs_ext wrap_fold(r1cs_builder *b, const r1cs_ext powers[STARK_FOLD], const r1cs_lc *bits,
                   uint32_t leaf_log2, gl_t shift, const r1cs_ext values[STARK_FOLD]);
/** That it is eight times the final polynomial's value at the last domain's point. */
void wrap_final_check(r1cs_builder *b, const wrap_values *v, const r1cs_lc *bits, r1cs_ext folded);

/* ---- the whole (circuit.c) ---- */

/** Those that a key's circuit needs. */
p_status wrap_hash_for_key(const stark_vk *vk, wrap_hash *out, p_err *err);
/** wrap_circuit with what wrap_hash_for_key made for this key: to make several of its circuits. */
p_status wrap_circuit_with(r1cs_builder *b, const stark_vk *vk, const wrap_hash *hash,
                           const uint64_t *publics, const stark_proof *proof,
                           uint64_t parts[WRAP_PARTS], p_err *err);

#endif
