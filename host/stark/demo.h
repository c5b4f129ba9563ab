/** Two AIRs to show and to measure the STARK with.
 *
 * demo_lookup has one of everything: a small machine of bytes-like numbers whose operations an
 * arithmetic table proves (LogUp bus), a range table with free multiplicities, a commit bus to
 * public values, next-row constraints, a periodic and a public column, an aux column of its own,
 * padding. demo_wide is for benchmarks: many columns with products, next rows and buses.
 *
 * Generators take a matrix of the main tree's columns (air.trees), zeroed, and fill it. Any thread.
 */
#ifndef ZKP_HOST_STARK_DEMO_H
#define ZKP_HOST_STARK_DEMO_H

#include "driver/base/pool.h"
#include "driver/driver.h"
#include "host/air/air.h"

/* ---- demo_lookup ---- */

/** Statement: from (a, b) = (publics[0], publics[1]), publics[2] steps of (a, b) -> (b, c) with c =
 * a + b, or a b in the rows that a pattern of period 8 names, all modulo 32, give publics[3] as the
 * last c, and publics[4..11] as the first eight. */
#define DEMO_LOOKUP_PUBLICS 12
#define DEMO_LOOKUP_COMMITS 8
#define DEMO_LOOKUP_RANGE 32

extern const air_definition demo_lookup;

/** Columns of demo_lookup, in the order of air.columns. */
typedef enum demo_lookup_column {
    DEMO_CLK,        /**< fixed: row + 1 */
    DEMO_RANGE,      /**< fixed: 0 .. 31, then 0 */
    DEMO_COMMIT_ROW, /**< fixed: 1 in the first eight rows */
    DEMO_RUN,        /**< the machine: 1 in rows below the number of steps */
    DEMO_A,
    DEMO_B,
    DEMO_C,
    DEMO_OP,     /**< 1: multiply */
    DEMO_COMMIT, /**< 1: c is one of the public outputs */
    DEMO_COPY,   /**< c once more, tied to it by the aux column */
    DEMO_T_RUN,  /**< the arithmetic table, its used rows at the end, last step first */
    DEMO_T_OP,
    DEMO_T_A,
    DEMO_T_B,
    DEMO_T_C,
    DEMO_T_HIGH,      /**< the result's part above 32 */
    DEMO_RANGE_COUNT, /**< free multiplicity of the range table */
    DEMO_LINK,        /**< aux: running difference of c and copy in powers of rho */
    DEMO_LOOKUP_COLUMNS
} demo_lookup_column;

/** A valid trace. a, b below 32; steps 8 .. 2^log_rows; P_EINVAL else. publics out:
 * DEMO_LOOKUP_PUBLICS values. */
p_status demo_lookup_trace(const air *a, uint32_t log_rows, uint32_t first_a, uint32_t first_b,
                           uint64_t steps, drv_matrix *main, gl_t *publics, p_err *err);

/* ---- demo_wide ---- */

/** lanes of eight main columns and two interactions, extra further main columns: main + aux +
 * quotient are 13 + 11 lanes + extra base columns in all. */
typedef struct demo_wide_shape {
    uint32_t lanes; /**< 1 .. 256 */
    uint32_t extra; /**< at most 64 */
} demo_wide_shape;

#define DEMO_WIDE_PUBLICS 2

/** 100 columns in all: 67 main, 27 aux, 6 quotient. */
extern const demo_wide_shape demo_wide_100_shape;
extern const air_definition demo_wide_100;

/** A definition with another shape, which must outlive it. */
air_definition demo_wide_definition(const demo_wide_shape *shape);

/** A valid trace of an air of demo_wide. pool may be NULL. */
p_status demo_wide_trace(const air *a, uint32_t log_rows, uint64_t seed, p_pool *pool,
                         drv_matrix *main, gl_t *publics, p_err *err);

#endif
