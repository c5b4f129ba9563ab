/** Poseidon over BN254's Fr with circomlib's parameters: width t = 2 .. 17, x^5, 8 full rounds, 56
 * to 70 partial ones (eprint 2019/458; scripts/gen-poseidon-bn254.py derives and checks the
 * constants).
 *
 * Order of calls: bn_poseidon_create for a width (some milliseconds: it derives every constant) and
 * bn_poseidon_select for an instruction set, then any number of permutations and hashes by any
 * number of threads; the created object is constant until bn_poseidon_destroy.
 *
 * Elements are four little-endian words, in the form that a call names: bn_fr's Montgomery form or
 * the number itself. Any four words stand for their residue on input; outputs are canonical.
 * Nothing here branches on an element. */
#ifndef ZKP_DRIVER_FIELD_BN_POSEIDON_H
#define ZKP_DRIVER_FIELD_BN_POSEIDON_H

#include "driver/base/err.h"
#include "driver/base/isa.h"
#include "driver/field/bn_fr.h"

#include <stddef.h>

#define BN_POSEIDON_MIN_WIDTH 2
#define BN_POSEIDON_MAX_WIDTH 17
#define BN_POSEIDON_FULL_ROUNDS 8

typedef struct bn_poseidon bn_poseidon;

/** Derives the constants of one width; P_EINVAL for another width than 2 .. 17, P_EEXHAUSTED
 * without memory (200 KiB at most). *out is NULL on failure. */
p_status bn_poseidon_create(unsigned width, bn_poseidon **out, p_err *err);

/** NULL is allowed. */
void bn_poseidon_destroy(bn_poseidon *poseidon);

/** The textbook form, for circuits and tests: the round constants, round after round, width in each
 * of the 8 + partial rounds, and the matrix, row by row: new[i] = sum of matrix[i][j] old[j]. Valid
 * until destroy. */
typedef struct bn_poseidon_plain {
    unsigned width, partial_rounds;
    const bn_fr *constants, *matrix;
} bn_poseidon_plain;

void bn_poseidon_get_plain(const bn_poseidon *poseidon, bn_poseidon_plain *out);

/** What words stand for an element. */
typedef enum bn_form {
    BN_CANONICAL, /**< the number itself */
    BN_MONTGOMERY /**< the number times 2^256 mod r */
} bn_form;

/** One implementation. */
typedef struct bn_poseidon_ops {
    p_isa isa;
    size_t lanes; /**< permutations done side by side: batches of a multiple are the cheapest */
    /** count independent permutations in place: count * width elements, aligned to 8 bytes, a state
     * after the other; any count, also 0. */
    void (*permute)(const bn_poseidon *poseidon, bn_form form, uint64_t *states, size_t count);
    /** count independent hashes of width - 1 elements each, as circomlib's PoseidonEx with one
     * output: out[i] = first element of the permutation of (initial[i], in[i * (width - 1)] ...).
     * initial: count elements, or NULL for zeros. out may be initial or in. */
    void (*hash)(const bn_poseidon *poseidon, bn_form form, const uint64_t *initial,
                 const uint64_t *in, uint64_t *out, size_t count);
} bn_poseidon_ops;

/** The best implementation at or below isa that this CPU runs; never NULL. */
const bn_poseidon_ops *bn_poseidon_select(p_isa isa);

#endif
