/** Many multiples of a generator, by a table of its multiples.
 *
 * A scalar is cut into signed windows of w bits; the table has the 2^(w-1) positive multiples of
 * each window's unit, so that a product is one addition a window. Additions are made in affine
 * coordinates for a batch of products at once, with one inversion. Create, then multiply from any
 * thread, then destroy. The time depends on the scalars, and so do the places of the table that are
 * read: for setups that run where nobody watches, not for provers. */
#ifndef ZKP_HOST_GROTH16_FIXED_BASE_H
#define ZKP_HOST_GROTH16_FIXED_BASE_H

#include "driver/base/memory.h"
#include "driver/base/pool.h"
#include "driver/field/bn_curve.h"

#define FIXED_BASE_MAX_BITS 15 /**< of a window: 17.8 MB of a table in G1, 35.7 MB in G2 */
#define FIXED_BASE_BATCH 256

typedef struct fixed_base {
    unsigned bits, windows;
    bool g2;
    p_memory *memory;
    void *table; /**< bn_g1 or bn_g2: windows times 2^(bits-1) */
} fixed_base;

/** Bits of a window that take the least work for so many products, table included. */
unsigned fixed_base_bits(uint64_t products);
/** Bytes of a table and of what is needed while it is made. */
uint64_t fixed_base_bytes(unsigned bits, bool g2, unsigned threads);

/** The table of a generator (EIP-197), for scalars below 2^254. bits: 2 .. FIXED_BASE_MAX_BITS.
 * P_EEXHAUSTED, P_ECANCELLED. */
p_status fixed_base_create(fixed_base *out, p_memory *memory, p_pool *pool, unsigned bits, bool g2,
                           const p_cancel *cancel, p_err *err);
/** Also after a failure, and of one that is all zeros. */
void fixed_base_destroy(fixed_base *t);

/** out[i] = k[i] G for n scalars, at most FIXED_BASE_BATCH; out: bn_g1 or bn_g2 (the table's). */
void fixed_base_mul_var(const fixed_base *t, void *out, const bn_fr *k, size_t n);

#endif
