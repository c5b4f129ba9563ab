/* Between prover.c, quotient.c and sums.c: one proof under way. */
#ifndef ZKP_HOST_GROTH16_PROVER_INTERNAL_H
#define ZKP_HOST_GROTH16_PROVER_INTERNAL_H

#include "host/groth16/prover.h"

#define GROTH16_WORDS 4 /* of an element of Fr */
#define GROTH16_ELEMENT_BYTES 32

typedef struct groth16_points groth16_points; /* sums.c */

typedef struct groth16_run {
    const zkey *key;
    const groth16_options *o;
    const uint64_t *witness;
    groth16_report report;
    groth16_phase phase;
    double since;
    uint64_t rows;      /* of the domain */
    uint64_t *quotient; /* rows elements, Montgomery form; groth16_quotient makes it */
    bn_g1 sum_a, sum_b1, sum_c, sum_h;
    bn_g2 sum_b2;
} groth16_run;

/* The time since the last call was the phase's before. */
void groth16_enter(groth16_run *r, groth16_phase phase, unsigned percent);

/* Runs a job on the device, or on the CPU if that one does not do it. */
p_status groth16_run_job(const groth16_run *r, drv_device *device, const drv_job *job, p_err *err);

/* The values of (A w)(B w) - C w on the coset that the H points belong to. */
p_status groth16_quotient(groth16_run *r, drv_device *device, p_err *err);
void groth16_quotient_free(groth16_run *r);
/* Bytes while it runs, and those of its result. */
p_status groth16_quotient_memory(const zkey *key, const groth16_options *o, uint64_t *bytes,
                                 uint64_t *kept, p_err *err);

/* Begins to read the points, in a thread of its own, a portion or two ahead of the sums. */
p_status groth16_points_begin(const groth16_run *r, groth16_points **out, p_err *err);
/* The five sums; frees the quotient as soon as it is used. */
p_status groth16_sums(groth16_run *r, drv_device *device, groth16_points *points, p_err *err);
/* NULL is allowed. */
void groth16_points_end(groth16_points *points);
/* Bytes of the points, and of the largest sum's job. */
p_status groth16_sums_memory(const zkey *key, const groth16_options *o, uint64_t *points,
                             uint64_t *sum, p_err *err);

#endif
