/* A second prover, written from docs/stark.md alone, slow and obvious: polynomials are coefficient
 * arrays, every point is computed from the definition, layers of FRI are folded by their
 * coefficients. It shares the transcript and the hashes with the real one (test_transcript.c), and
 * no other code. It is the oracle for stark_prove, and the cheating prover for stark_verify: it
 * proves whatever trace it is given, and lies where it is told to. */
#ifndef ZKP_TESTS_UNIT_STARK_NAIVE_PROVER_H
#define ZKP_TESTS_UNIT_STARK_NAIVE_PROVER_H

#include "host/stark/vk.h"

typedef struct naive_key {
    stark_vk vk;
    stark_hash hash;
    drv_matrix fixed; /* data NULL without fixed columns */
} naive_key;

/* Fails the test if anything does. vk.air is borrowed. */
void naive_setup(naive_key *out, const air *a, const stark_params *params);
void naive_key_free(naive_key *key);

typedef struct naive_cheat {
    /* Changes the aux columns after they were filled, before they are committed. */
    void (*aux)(const air *a, drv_matrix *aux);
    gl_ext quotient_lambda; /* the quotient is that of lambda plus this */
    bool lie_at_z;          /* the first piece's value at z is made up so that the identity holds */
    uint32_t wrong_fold;    /* 1 + layer that is folded with another challenge */
    bool wrong_nonce;       /* the first that does not do */
    bool wrong_final;       /* the final polynomial's constant is another */
    uint32_t deep_overlap;  /* 1: the sums at omega z take the powers of gamma from 0 again */
    const drv_matrix *fixed; /* fixed columns other than the key's, under the key's name */
} naive_cheat;

/* main: as stark_prove takes it, valid or not. cheat: NULL for none. */
void naive_prove(const naive_key *key, const drv_matrix *main, const uint64_t *publics,
                 const naive_cheat *cheat, stark_proof *out);

/* A zeroed matrix of a tree; data is freed by the caller. */
drv_matrix naive_matrix(const air *a, air_tree tree, uint32_t log_rows);

#endif
