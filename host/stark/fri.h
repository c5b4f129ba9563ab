/** Private to host/stark: folding by eight (docs/stark.md, FRI). */
#ifndef ZKP_HOST_STARK_FRI_H
#define ZKP_HOST_STARK_FRI_H

#include "driver/driver.h"
#include "driver/field/gl_ext.h"

#define FRI_SLOT_WORDS 4 /**< of a value in a leaf: c0, c1, c2, 0 */

/** Where value i of a layer with so many leaves (an eighth of its points) lies in its matrix of 32
 * columns. */
static inline uint64_t fri_place(uint64_t leaves, uint64_t i)
{
    uint64_t slot = i / leaves, leaf = i % leaves;

    return (slot / 2 * leaves + leaf) * DRV_BLOCK_COLUMNS + slot % 2 * FRI_SLOT_WORDS;
}

/** A layer that is folded: 2^log_points values at shift <omega>, in their places. */
typedef struct fri_layer {
    const uint64_t *data;
    uint32_t log_points; /**< at least 3 */
    gl_t shift;
} fri_layer;

/** The next layer's values first .. first + count - 1, into their places in out (a layer of an
 * eighth of the points, of which there are at least eight; the fourth words are not touched). */
void fri_fold(const fri_layer *layer, gl_ext beta, uint64_t first, uint64_t count, uint64_t *out);

/** The 2^log_count coefficients, lowest first, of the polynomial of that degree bound through
 * values at shift <omega>; log_count at most 5. */
void fri_interpolate(const gl_ext *values, uint32_t log_count, gl_t shift, gl_ext *coefficients);

#endif
