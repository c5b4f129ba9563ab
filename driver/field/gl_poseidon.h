/** Poseidon over Goldilocks: width 12, rate 8, capacity 4, x^7, 8 full and 22 partial rounds; the
 * permutation of plonky2 and of the Polygon zkEVM state tree (eprint 2019/458; round constants
 * derived by scripts/gen-poseidon-goldilocks.py).
 *
 * Choose a set of operations once with gl_poseidon_select and keep the pointer: the tables are
 * constant, so any thread may use any of them. gl_poseidon_permute_portable and the two hash
 * helpers are freestanding (they also run in the RISC-V guest). Permutations take any 64-bit word
 * for its residue; results are canonical. */
#ifndef ZKP_DRIVER_FIELD_GL_POSEIDON_H
#define ZKP_DRIVER_FIELD_GL_POSEIDON_H

#include "driver/base/isa.h"
#include "driver/field/goldilocks.h"

#include <stddef.h>

#define GL_POSEIDON_WIDTH 12
#define GL_POSEIDON_RATE 8
#define GL_POSEIDON_CAPACITY 4

/** One permutation in place, plain C. */
void gl_poseidon_permute_portable(gl_t state[GL_POSEIDON_WIDTH]);

/** One implementation. */
typedef struct gl_poseidon_ops {
    const char *isa; /**< what it runs on: a name of p_isa_name */
    /** One permutation in place, for the lowest latency of a single state. */
    void (*permute)(gl_t state[GL_POSEIDON_WIDTH]);
    /** count independent permutations in place, states one after the other (count * 12 elements),
     * for the highest throughput; any count, also 0. */
    void (*permute_many)(gl_t *states, size_t count);
    /** The step of sponges and trees, count times: out[4i ..] = the first four elements of the
     * permutation of in[8i .. 8i+7] || capacity[4i .. 4i+3]. capacity NULL: zeros. out may be
     * capacity (in place) and overlaps nothing else. Any count, any alignment to 8 bytes. */
    void (*compress)(gl_t *out, const uint64_t *in, const gl_t *capacity, size_t count);
    /** The step of a sponge that another block follows, count times: capacity[4i ..] = the last
     * four elements of the permutation of in[8i .. 8i+7] || capacity[4i .. 4i+3]. As compress else.
     */
    void (*absorb)(gl_t *capacity, const uint64_t *in, size_t count);
} gl_poseidon_ops;

/** The best implementation of a level or below it that this CPU runs; never NULL. */
const gl_poseidon_ops *gl_poseidon_for(p_isa isa);

/** The same by the level's name; NULL or "auto" gives the best. Returns NULL for an unknown name or
 * a level that this CPU (or this build) lacks. ops->isa says what was found: perhaps a level below.
 */
const gl_poseidon_ops *gl_poseidon_select(const char *isa);

/** All implementations that this CPU can run, portable first; returns how many were written to out
 * (at most max). */
size_t gl_poseidon_list(const gl_poseidon_ops **out, size_t max);

/** How the linear hash of a byte string lays it out: bytes || 0x01 || zeros to a multiple of 56,
 * last byte |= 0x80, seven little-endian bytes an element, eight elements a block. Writes block
 * number index (0-based) to in. The number of blocks is gl_poseidon_bytes_blocks(len).
 * Freestanding. */
void gl_poseidon_bytes_block(gl_t in[GL_POSEIDON_RATE], const uint8_t *bytes, size_t len,
                             size_t index);

static inline size_t gl_poseidon_bytes_blocks(size_t len)
{
    return len / 56 + 1;
}

/** Linear hash of a byte string (the code hash of the state tree): the capacity starts at 0 and
 * takes the first four outputs of each block. permute is any function of the form above.
 * Freestanding. */
void gl_poseidon_hash_bytes(gl_t out[4], const uint8_t *bytes, size_t len,
                            void (*permute)(gl_t state[GL_POSEIDON_WIDTH]));

#endif
