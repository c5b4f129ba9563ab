/** Evaluators of an air: at a point, on rows of the evaluation domain, on the trace.
 *
 * All of them run the air's one graph. An evaluator is made for one proof (its publics and
 * challenges) and used by any number of threads, each under its own worker number. Borrowed
 * pointers stay valid until the evaluator is destroyed. */
#ifndef ZKP_HOST_AIR_EVAL_H
#define ZKP_HOST_AIR_EVAL_H

#include "driver/base/cancel.h"
#include "driver/base/pool.h"
#include "driver/driver.h"
#include "host/air/air.h"

/** What constraints depend on besides columns. Canonical. */
typedef struct air_instance {
    const gl_t *publics; /**< definition.publics values */
    gl_ext challenges[AIR_CHALLENGES];
} air_instance;

/** C(z) = sum of lambda^i C_i(z): the verifier's side.
 *  at_z     values of all real base columns at z: fixed, main, aux, in their order in the tree (the
 *           start of the proof's evaluations; air_opening_index)
 *  at_next  values at omega_N z of those also opened there, in the same order
 *  parts    out, may be NULL: each constraint's value, constraint_count elements
 * P_EINVAL if z^N = 1, or 2^log_rows rows are too few for a public column; P_EEXHAUSTED without
 * memory. Any thread. */
p_status air_eval_point(const air *a, const air_instance *instance, uint32_t log_rows, gl_ext z,
                        gl_ext lambda, const gl_ext *at_z, const gl_ext *at_next, gl_ext *parts,
                        gl_ext *out, p_err *err);

/** Rows of one tree's matrix: element (row, column) is data[row * row_stride + (column / 8) *
 * block_stride + column % 8]. Row-major rows of w columns, as DRV_READ writes them: row_stride w,
 * block_stride 8. A drv_matrix: row_stride 8, block_stride 8 * its rows. Canonical. */
typedef struct air_rows {
    const uint64_t *data;
    uint64_t row_stride, block_stride;
} air_rows;

typedef struct air_evaluator air_evaluator;

/** For the quotient on the domain 7 <omega_n>, n = 2^(log_rows + log_blowup).
 *  workers  that use it at once: one area of scratch memory for each
 *  device   for the transforms of public columns; may be NULL if the air has none
 * *out is NULL on failure. */
p_status air_evaluator_create(const air *a, const air_instance *instance, uint32_t log_rows,
                              uint32_t log_blowup, gl_ext lambda, unsigned workers,
                              drv_device *device, air_evaluator **out, p_err *err);
void air_evaluator_destroy(air_evaluator *e);

/** For tests and benchmarks: another instruction set than the best (a level that this CPU does not
 * run is lowered), and whether code that was generated for the graph is used where there is some
 * (it is, else). Before the first air_eval_rows. */
void air_evaluator_select(air_evaluator *e, p_isa isa, bool compiled);
/** "avx512", or "avx512, interpreted"; never NULL. */
const char *air_evaluator_about(const air_evaluator *e);

/** Bytes that air_evaluator_create allocates. */
uint64_t air_evaluator_bytes(const air *a, uint32_t log_rows, uint32_t log_blowup,
                             unsigned workers);

/** Rows first .. first + count - 1 of the domain (first + count <= n): the constraints' combination
 * C, or with divide its quotient by x^N - 1.
 *  here, next  by tree (fixed, main, aux): here[t] begins with row first, next[t] with the row of
 *              the next trace point, (first + 2^log_blowup) mod n; count rows each. A tree without
 *              columns, or without columns read from the next row, is not looked at. next[t] may be
 *              of a matrix that only has the tree's first next_padded columns.
 *  out         the three coefficients of row first + i at out[c][i] */
void air_eval_rows(const air_evaluator *e, unsigned worker, const air_rows here[AIR_TREE_QUOTIENT],
                   const air_rows next[AIR_TREE_QUOTIENT], uint64_t first, uint64_t count,
                   bool divide, uint64_t *const out[3]);

/** A trace: matrices of 2^log_rows rows as the trees lay them out, zero columns zero, canonical.
 * fixed.data is NULL without fixed columns, aux.data before it is filled. */
typedef struct air_trace {
    uint32_t log_rows;
    drv_matrix fixed, main, aux;
} air_trace;

/** Writes the fixed columns: out->columns is the tree's, out->data the caller's, zeroed. */
p_status air_fill_fixed(const air *a, p_pool *pool, const p_cancel *cancel, drv_matrix *out,
                        p_err *err);

/** Fills aux (zeroed by the caller): the definition's own columns by its function, then those of
 * the buses. total, may be NULL: what the running sum comes to after the last row, zero if the
 * buses balance (said, not refused: a proof of an unbalanced trace does not verify). pool may be
 * NULL. */
p_status air_fill_aux(const air *a, const air_instance *instance, const air_trace *trace,
                      p_pool *pool, const p_cancel *cancel, gl_ext *total, p_err *err);

/** Columns of buses only. */
p_status air_logup_fill(const air *a, const air_instance *instance, const air_trace *trace,
                        p_pool *pool, const p_cancel *cancel, gl_ext *total, p_err *err);

#endif
