/** STARKs over Goldilocks: keys, proofs, proving through a device, verifying (docs/stark.md).
 *
 * Order of calls: air_create -> stark_setup (or stark_vk_read and stark_key_open) -> stark_prove
 * any number of times -> stark_verify with the verifying key alone. Keys do not change after they
 * are made and may be used by any thread; a proving key's fixed commitment lives on the device it
 * was made for. */
#ifndef ZKP_HOST_STARK_STARK_H
#define ZKP_HOST_STARK_STARK_H

#include "driver/base/cancel.h"
#include "driver/base/pool.h"
#include "host/stark/params.h"
#include "host/stark/proof.h"
#include "host/stark/transcript.h"

/** The verifying key: with the air it is all that a verifier needs. */
typedef struct stark_vk {
    stark_params params;
    const air *air;      /**< borrowed */
    uint64_t *fixed_cap; /**< 2^stark_cap_log2 digests; NULL without fixed columns */
    uint64_t digest[DRV_DIGEST_WORDS];
} stark_vk;

typedef struct stark_key {
    stark_vk vk;
    drv_device *device;
    drv_handle *fixed;     /**< commitment; NULL without fixed columns */
    drv_matrix fixed_rows; /**< the plain values, for aux columns; data NULL without */
} stark_key;

/** What a proof needs beside the key. */
typedef struct stark_options {
    p_pool *pool;           /**< for the host's loops; NULL: this thread alone */
    const p_cancel *cancel; /**< may be NULL; polled every 100 ms at least */
    void (*progress)(void *context, unsigned phase, unsigned percent); /**< may be NULL */
    void *context;
    uint64_t memory_bytes; /**< refuse above; 0: what the device and system have */
} stark_options;

typedef enum stark_phase {
    STARK_PHASE_MAIN,     /**< commit the main trace */
    STARK_PHASE_AUX,      /**< fill and commit aux columns */
    STARK_PHASE_QUOTIENT, /**< constraints on the domain, commit */
    STARK_PHASE_EVALUATE, /**< columns at z */
    STARK_PHASE_DEEP,
    STARK_PHASE_FRI,
    STARK_PHASE_GRIND,
    STARK_PHASE_OPEN,
    STARK_PHASE_VERIFY, /**< no proof is handed out unverified */
    STARK_PHASES
} stark_phase;

const char *stark_phase_name(stark_phase phase);

typedef struct stark_report {
    double seconds[STARK_PHASES];
    uint64_t memory_bytes; /**< the computed need */
    uint64_t peak_bytes;   /**< what was in use, host arrays and device together */
} stark_report;

/** Commits the fixed columns and makes both keys; P_EINVAL for parameters below their level. Free
 * with stark_key_free, also after a failure. */
p_status stark_setup(const air *a, const stark_params *params, drv_device *device,
                     const stark_options *o, stark_key *out, p_err *err);
void stark_key_free(stark_key *key);
/** The proving key that belongs to a verifying key: stark_setup once more; P_ECORRUPT if the
 * digests differ. vk is not kept, its air is. Free as above. */
p_status stark_key_open(const stark_vk *vk, drv_device *device, const stark_options *o,
                        stark_key *out, p_err *err);

/** Bytes that a proof needs at its peak, host and device together, without the trace of the caller.
 */
p_status stark_memory(const stark_key *key, const stark_options *o, uint64_t *bytes, p_err *err);

/** Proves. main: the trace, positions as in air.columns, zero columns zero, canonical; unchanged.
 * publics: canonical. The proof is verified before it is handed out: P_EINVAL if the trace does not
 * satisfy the constraints. Free *out with stark_proof_free. report may be NULL. */
p_status stark_prove(const stark_key *key, const drv_matrix *main, const uint64_t *publics,
                     const stark_options *o, stark_proof *out, stark_report *report, p_err *err);

/** P_OK if the proof holds for these publics; P_EINVAL, with what does not hold, else. allow_test:
 * whether a key of level STARK_TEST is accepted at all. Any thread. */
p_status stark_verify(const stark_vk *vk, const uint64_t *publics, const stark_proof *proof,
                      bool allow_test, p_err *err);

#endif
