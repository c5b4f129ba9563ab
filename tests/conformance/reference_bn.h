/** BN254 by slow, obvious code on GMP's integers: the two fields, the transform over Fr, the curves
 * in affine coordinates, and Poseidon with constants that are derived here from the Grain sequence
 * of its paper, so that nothing is shared with driver/field.
 *
 * A ref_n is a canonical number, little-endian words, not in Montgomery form. A point's coordinates
 * are in Fp2; those of G1 have c1 = 0. Any thread. */
#ifndef ZKP_TESTS_CONFORMANCE_REFERENCE_BN_H
#define ZKP_TESTS_CONFORMANCE_REFERENCE_BN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ref_n {
    uint64_t l[4];
} ref_n;

extern const ref_n REF_FR, REF_FP; /**< the moduli */

void ref_add(ref_n *r, const ref_n *a, const ref_n *b, const ref_n *modulus);
void ref_sub(ref_n *r, const ref_n *a, const ref_n *b, const ref_n *modulus);
void ref_mul(ref_n *r, const ref_n *a, const ref_n *b, const ref_n *modulus);
void ref_inv(ref_n *r, const ref_n *a, const ref_n *modulus); /**< 0 for 0 */
void ref_pow(ref_n *r, const ref_n *a, uint64_t e, const ref_n *modulus);
/** Any 256-bit number to its residue. */
void ref_reduce(ref_n *r, const uint64_t words[4], const ref_n *modulus);
bool ref_is_zero(const ref_n *a);
bool ref_equal(const ref_n *a, const ref_n *b);
bool ref_less(const ref_n *a, const ref_n *b);
ref_n ref_small(uint64_t a);
/** Times 2^256, and back. */
void ref_to_mont(uint64_t words[4], const ref_n *a, const ref_n *modulus);
void ref_from_mont(ref_n *r, const uint64_t words[4], const ref_n *modulus);

/* ---- transform over Fr ---- */

/** omega_k = 5^((r-1)/2^k). */
ref_n ref_fr_root(unsigned k);
void ref_fr_dft(ref_n *out, const ref_n *in, unsigned log_n, const ref_n *shift, bool inverse);
void ref_fr_ntt(ref_n *a, unsigned log_n, const ref_n *shift, bool inverse);
ref_n ref_fr_horner(const ref_n *coefficients, uint64_t n, const ref_n *x);

/* ---- curves ---- */

typedef struct ref_n2 {
    ref_n c0, c1;
} ref_n2;

typedef struct ref_point {
    ref_n2 x, y;
    bool infinite;
} ref_point;

/** The usual generators: (1, 2), and that of EIP-197. */
ref_point ref_generator(bool g2);
bool ref_on_curve(const ref_point *p, bool g2);
/** r may be a or b. */
void ref_point_add(ref_point *r, const ref_point *a, const ref_point *b);
void ref_point_neg(ref_point *r, const ref_point *a);
/** Double and add; scalar is any 256-bit number. */
void ref_point_mul(ref_point *r, const ref_point *a, const ref_n *scalar);
/** r[i] = a[i] + b[i] for points of which no two in a pair have the same x and none is infinite;
 * one inversion for all. */
void ref_point_add_many(ref_point *r, const ref_point *a, const ref_point *b, uint64_t count);
/** The words that the driver's jobs carry: 8 or 16. */
void ref_point_words(uint64_t *words, const ref_point *p, bool g2);
bool ref_point_parse(ref_point *p, const uint64_t *words, bool g2); /**< false: a word too large */

/* ---- Poseidon ---- */

typedef struct ref_poseidon {
    unsigned width, rounds, partial;
    ref_n *constant; /**< rounds * width */
    ref_n *matrix;   /**< width * width */
} ref_poseidon;

/** width 2 .. 17. */
void ref_poseidon_make(ref_poseidon *p, unsigned width);
void ref_poseidon_free(ref_poseidon *p);
void ref_poseidon_permute(const ref_poseidon *p, ref_n *state);

/** All widths, for the hashes of commitments. */
typedef struct ref_bn_hash {
    ref_poseidon width[18]; /**< 2 .. 17 are set */
} ref_bn_hash;

void ref_bn_hash_make(ref_bn_hash *h);
void ref_bn_hash_free(ref_bn_hash *h);
/** Digest of a leaf of Goldilocks elements, DRV_HASH_BN254. */
void ref_bn_leaf(const ref_bn_hash *h, uint64_t digest[4], const uint64_t *row, unsigned columns);
/** Digest of a node of sixteen children, 4 words each. digest may be one of them. */
void ref_bn_node(const ref_bn_hash *h, uint64_t digest[4], const uint64_t *children);

#endif
