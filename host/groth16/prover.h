/** Groth16 proofs (eprint 2016/260) with snarkjs' keys.
 *
 * Large work goes to a device: three transforms there and back and five multi-scalar
 * multiplications, points of which are read from the key in portions, ahead of the sums. What the
 * device does not do (groups or sizes) goes to a CPU device. Each proof is verified before it is
 * handed out; one that does not hold is made once more on the CPU device, so that a device that
 * computes wrongly costs time and nothing else. */
#ifndef ZKP_HOST_GROTH16_PROVER_H
#define ZKP_HOST_GROTH16_PROVER_H

#include "driver/base/cancel.h"
#include "driver/driver.h"
#include "host/groth16/verify.h"

typedef enum groth16_phase {
    GROTH16_READ,      /**< waiting for points from the file */
    GROTH16_EVALUATE,  /**< the matrices times the witness */
    GROTH16_TRANSFORM, /**< the quotient's values */
    GROTH16_MSM_G1,
    GROTH16_MSM_G2,
    GROTH16_FINISH, /**< the last sums, and the verification */
    GROTH16_PHASES
} groth16_phase;

const char *groth16_phase_name(groth16_phase phase);

typedef struct groth16_options {
    drv_device *device; /**< for what it supports */
    drv_device *cpu;    /**< for the rest; may be the same */
    unsigned threads;   /**< of the host's own loops; 0: all this process may use */
    /** For tests: r and s, canonical; NULL: from the system, as it has to be (a proof with known
     * ones tells about the witness). */
    const uint64_t *randomness;
    bool production; /**< refuse a key that zkey_check_production does: P_EINVAL */
    uint64_t
        portion_bytes; /**< points that are read at once; 0: 64 MB. Two of these are in memory */
    const p_cancel *cancel; /**< may be NULL; polled every 100 ms at least */
    void (*progress)(void *context, groth16_phase phase, unsigned percent); /**< may be NULL */
    void *context;
} groth16_options;

typedef struct groth16_report {
    double seconds[GROTH16_PHASES]; /**< wall time */
    uint64_t memory_bytes;          /**< groth16_memory */
    bool repeated;                  /**< the first proof did not hold */
} groth16_report;

/** Bytes that a proof takes at most beside the witness: the arrays here, the transforms and the
 * sums on the CPU device. What else a process has (program, libraries) is not counted. */
p_status groth16_memory(const zkey *key, const groth16_options *o, uint64_t *bytes, p_err *err);

/** Proves. witness: key->n_wires * 4 words, canonical, as wtns_read gives them. P_EINVAL if the
 * witness does not satisfy the circuit (the proof does not hold on the CPU either), P_ECORRUPT for
 * a damaged key, P_EEXHAUSTED, P_ECANCELLED. report may be NULL. */
p_status groth16_prove(const zkey *key, const uint64_t *witness, const groth16_options *o,
                       groth16_proof *out, groth16_report *report, p_err *err);

#endif
