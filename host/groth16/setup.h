/** Proving keys out of circuits: .zkey files as snarkjs writes them.
 *
 * groth16_setup_dev makes one alone: it draws the secrets tau, alpha, beta, gamma and delta, and
 * whoever could read them could prove anything with the key. So it is for development; the key is
 * marked (zkey.h, ZKEY_SETUP_DEV_INSECURE). groth16_setup_ptau makes the initial key of phase 2
 * from a prepared file of powers of tau, byte for byte what `snarkjs zkey new` makes of the same
 * files; it is safe after contributions (`snarkjs zkey contribute`) of which one is honest.
 *
 * Both read the circuit several times from the file; memory grows with its wires, not with its
 * constraints' terms. */
#ifndef ZKP_HOST_GROTH16_SETUP_H
#define ZKP_HOST_GROTH16_SETUP_H

#include "driver/base/cancel.h"
#include "driver/base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct groth16_setup_options {
    unsigned threads; /**< 0: all this process may use */
    /** For tests: tau, alpha, beta, gamma, delta, canonical, four words each; NULL: from the
     * system. Development setup only. */
    const uint64_t *secrets;
    const p_cancel *cancel; /**< may be NULL */
    /** May be NULL; what: "read", or the section being made. */
    void (*progress)(void *context, const char *what, unsigned percent);
    void *context;
} groth16_setup_options;

typedef struct groth16_setup_report {
    uint64_t constraints; /**< of the circuit */
    uint32_t wires, publics, domain_log2;
    bool dev;              /**< the key carries the mark of a development setup */
    uint64_t memory_bytes; /**< most that was in use at once, as counted here */
    double seconds;
} groth16_setup_report;

/** Bytes that groth16_setup_dev takes at most, without the threads' stacks. */
p_status groth16_setup_memory(const char *r1cs, const groth16_setup_options *o, uint64_t *bytes,
                              p_err *err);

/** Writes the file out, or nothing. P_ENOTFOUND, P_ECORRUPT, P_EUNSUPPORTED for the circuit;
 * P_EEXHAUSTED, with both numbers, if the memory is not there; P_ECANCELLED, P_EIO. report may be
 * NULL. Any thread. */
p_status groth16_setup_dev(const char *r1cs, const char *out, const groth16_setup_options *o,
                           groth16_setup_report *report, p_err *err);

/** The same from powers of tau; P_EINVAL if there are too few for the circuit, or if the file is
 * not prepared for phase 2. */
p_status groth16_setup_ptau(const char *r1cs, const char *powers, const char *out,
                            const groth16_setup_options *o, groth16_setup_report *report,
                            p_err *err);

#endif
