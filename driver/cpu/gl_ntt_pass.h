/** Private to driver/cpu: whole transforms of one block (2^log_n rows) as passes of tiles.
 *
 * A pass reads and writes the block once. It cuts it into tiles that one thread carries through a
 * buffer of its own; the tiles of a pass are independent. Order of calls: gl_ntt_plan_create ->
 * gl_ntt_pass_tile for every tile of pass 0, then of pass 1, ... -> gl_ntt_plan_destroy. A plan is
 * constant after its creation: any thread; each worker has its own buffers (gl_ntt_buffers). */
#ifndef ZKP_DRIVER_CPU_GL_NTT_PASS_H
#define ZKP_DRIVER_CPU_GL_NTT_PASS_H

#include "driver/cpu/gl_ntt_step.h"
#include "driver/cpu/kernels.h"

#define GL_NTT_MAX_PASSES 6

typedef enum gl_ntt_kind {
    GL_NTT_FREQUENCY, /**< natural to bit-reversed, in place */
    GL_NTT_TIME,      /**< bit-reversed to natural, in place */
    GL_NTT_NATURAL,   /**< natural to natural; scratch of the block's size if passes > 1 */
    GL_NTT_EXTEND     /**< values or coefficients, natural, to 2^expand times as many values */
} gl_ntt_kind;

typedef struct gl_ntt_shape {
    gl_ntt_kind kind;
    bool inverse;    /**< EXTEND: from values (else from coefficients) */
    unsigned log_n;  /**< at least 1 */
    unsigned expand; /**< EXTEND */
    gl_t shift;      /**< forward: y[k] at shift * omega^k; 1 for inverse (not EXTEND) */
    gl_t factor;     /**< the result's; EXTEND: 1/n is added by the plan */
} gl_ntt_shape;

typedef struct gl_ntt_plan gl_ntt_plan;

/** Scratch bytes of a plan with the buffers of so many workers. */
uint64_t gl_ntt_plan_bytes(const gl_ntt_shape *shape, unsigned workers);

p_status gl_ntt_plan_create(const cpu_run *run, const gl_ntt_shape *shape, gl_ntt_plan **out,
                            p_err *err);
void gl_ntt_plan_destroy(const cpu_run *run, gl_ntt_plan *plan);

unsigned gl_ntt_plan_passes(const gl_ntt_shape *shape);
size_t gl_ntt_plan_tiles(const gl_ntt_plan *plan, unsigned pass);
const gl_ntt_ops *gl_ntt_plan_ops(const gl_ntt_plan *plan);

/** Where the data of a block is. */
typedef struct gl_ntt_block {
    const uint64_t *in; /**< FREQUENCY, TIME: the same as out; EXTEND: does not overlap out */
    uint64_t *out;
    uint64_t *scratch; /**< NATURAL with several passes: the block's size */
    unsigned columns;  /**< columns from here on become 0 in the last pass; 8: none */
} gl_ntt_block;

void gl_ntt_pass_tile(const gl_ntt_plan *plan, unsigned pass, size_t tile,
                      const gl_ntt_block *block, unsigned worker);

#endif
