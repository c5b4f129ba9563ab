/** Sums of elements of K times lines: a line is eight words of Goldilocks side by side, a row of a
 * block of drv_matrix.
 *
 * Both sums of a STARK over its committed matrices are of this kind: over rows with a weight each
 * (columns at a point) and over columns with a weight each (rows combined into one value). Products
 * are added up unreduced, in pieces that do not overflow, so a product costs six 32-bit
 * multiplications and six additions of vectors.
 *
 * Words of lines are any 64-bit words and stand for their residue; results are canonical. Choose a
 * set of operations with gl_lines_for and keep the pointer. Any thread. */
#ifndef ZKP_DRIVER_FIELD_GL_LINES_H
#define ZKP_DRIVER_FIELD_GL_LINES_H

#include "driver/base/isa.h"
#include "driver/field/gl_ext.h"

#define GL_LINE 8
#define GL_LINE_LIMBS 6

/** An element w of K as a factor: for each of its three parts c the limbs of 22 bits of c, lowest
 * first, then those of 2^32 c mod p. */
typedef struct gl_line_weight {
    uint64_t limb[3][GL_LINE_LIMBS];
} gl_line_weight;

/** The weights of the eight columns of a block, limb by limb. */
typedef struct gl_line_columns {
    uint64_t limb[3][GL_LINE_LIMBS][GL_LINE];
} gl_line_columns;

void gl_line_weight_set(gl_line_weight *out, gl_ext w);
void gl_line_columns_set(gl_line_columns *out, unsigned column, gl_ext w);

typedef struct gl_lines_ops {
    const char *isa;
    /** out[l] += sum over i < count of weights[i] * lines[i * stride + l], l < 8. stride in words,
     * at least 8. */
    void (*sum)(gl_ext out[GL_LINE], const uint64_t *lines, size_t stride,
                const gl_line_weight *weights, size_t count);
    /** out[i] += sum over b < blocks, l < 8 of weights[b] (l) * lines[b * block_words + 8 i + l],
     * i < count. out and lines do not overlap. */
    void (*dot)(gl_ext *out, const uint64_t *lines, size_t block_words,
                const gl_line_columns *weights, size_t blocks, size_t count);
} gl_lines_ops;

/** The best implementation of a level or below it that this CPU runs; never NULL. */
const gl_lines_ops *gl_lines_for(p_isa isa);

#endif
