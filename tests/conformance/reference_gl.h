/** Goldilocks by slow, obvious code: the remainder of 128-bit integers, textbook transforms, and
 * Poseidon from its round constants with the dense matrix. It shares the constants' list with
 * driver/field and nothing else. Every function takes any 64-bit words for their residues and
 * returns canonical ones. Any thread. */
#ifndef ZKP_TESTS_CONFORMANCE_REFERENCE_GL_H
#define ZKP_TESTS_CONFORMANCE_REFERENCE_GL_H

#include <stdbool.h>
#include <stdint.h>

#define REF_GL_P UINT64_C(0xffffffff00000001)

uint64_t ref_gl_add(uint64_t a, uint64_t b);
uint64_t ref_gl_sub(uint64_t a, uint64_t b);
uint64_t ref_gl_mul(uint64_t a, uint64_t b);
uint64_t ref_gl_pow(uint64_t a, uint64_t e);
uint64_t ref_gl_inv(uint64_t a); /**< 0 for 0 */

/** omega_k = 7^((p-1)/2^k). */
uint64_t ref_gl_root(unsigned k);

/** Forward: out[k] = sum of in[j] * (shift * omega^k)^j by the double loop; inverse: its inverse,
 * also by a double loop. out and in do not overlap; 2^log_n elements each. */
void ref_gl_dft(uint64_t *out, const uint64_t *in, unsigned log_n, uint64_t shift, bool inverse);

/** The same in place by the textbook recursion into even and odd. */
void ref_gl_ntt(uint64_t *a, unsigned log_n, uint64_t shift, bool inverse);

/** Value at x of the polynomial with n coefficients. */
uint64_t ref_gl_horner(const uint64_t *coefficients, uint64_t n, uint64_t x);

void ref_gl_poseidon(uint64_t state[12]);

/** Digest of a leaf, DRV_HASH_GL. */
void ref_gl_leaf(uint64_t digest[4], const uint64_t *row, unsigned columns);

/** Digest of a node. digest may be one of the children. */
void ref_gl_node(uint64_t digest[4], const uint64_t left[4], const uint64_t right[4]);

#endif
