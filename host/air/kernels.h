/** Private to host/air: the loops over rows, for each instruction set. */
#ifndef ZKP_HOST_AIR_KERNELS_H
#define ZKP_HOST_AIR_KERNELS_H

#include "host/air/program.h"

typedef struct air_kernels {
    const char *isa;
    /** Eight columns of rows 0 .. count - 1 (at most AIR_BLOCK), row i at rows + i * stride, to
     * the arrays out[column], those that are not NULL. */
    void (*columns)(gl_t *const out[8], const uint64_t *rows, uint64_t stride, uint32_t count);
    /** A program's instructions; the leaves are in scratch. All AIR_BLOCK rows of values are
     * computed, roots are told for block->rows. */
    void (*run)(const air_program *p, gl_t *scratch, const air_block *block);
    /** sum (three arrays, canonical) += power times a root's value, AIR_BLOCK rows; v NULL: u. */
    void (*combine)(gl_t *sum, gl_ext power, bool ext, const gl_t *v, gl_ext u);
    /** out = in^-1 in each row (0 for 0): count values over K of AIR_BLOCK rows each, in three
     * arrays. out and in do not overlap. */
    void (*inverses)(gl_t *out, const gl_t *in, size_t count);
} air_kernels;

/** The best of a level or below that this CPU runs; never NULL. */
const air_kernels *air_kernels_for(p_isa isa);

extern const air_kernels air_kernels_portable;
#if defined(__x86_64__)
extern const air_kernels air_kernels_avx2, air_kernels_avx512;
#endif

#endif
