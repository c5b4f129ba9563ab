/** The conformance suite: what every back end of the driver has to pass (docs/adding-a-backend.md).
 *
 * conformance_run opens a device, puts it through every operation of driver/driver.h and through
 * misuse, cancellation, parallel jobs and lack of memory, and compares each answer with slow
 * obvious code (reference_gl.h, reference_bn.h). Findings are printed with the job's shape; the
 * same seed gives the same jobs. One run at a time in a process; it may start threads. It ends the
 * process (exit code 2) only if the machine has no memory for the test itself. */
#ifndef ZKP_TESTS_CONFORMANCE_CONFORMANCE_H
#define ZKP_TESTS_CONFORMANCE_CONFORMANCE_H

#include "driver/backend.h"

#include <stdio.h>

/** The parts of the suite: one for each group of jobs, then the behaviour of the interface. */
typedef enum conformance_part {
    CONFORMANCE_GL_NTT,
    CONFORMANCE_BN_NTT,
    CONFORMANCE_POSEIDON,
    CONFORMANCE_COMMIT_GL, /**< with DRV_OPEN and DRV_READ */
    CONFORMANCE_COMMIT_BN,
    CONFORMANCE_MSM_G1,
    CONFORMANCE_MSM_G2,
    CONFORMANCE_MISUSE,
    CONFORMANCE_LIFE,  /**< cancelling, waiting, parallel jobs, lifetime, memory */
    CONFORMANCE_FAULT, /**< fault:NAME around the device; only for devices that drv_open finds */
    CONFORMANCE_PARTS
} conformance_part;

/** "gl_ntt" and so on; never NULL. */
const char *conformance_part_name(conformance_part part);

typedef struct conformance_options {
    const char *device;         /**< for drv_open; NULL: backend */
    const drv_backend *backend; /**< for drv_open_backend, if device is NULL */
    drv_options options;        /**< of the device */
    const drv_options *compare; /**< options of a device "cpu" whose answers to large jobs must be
                                   the same bits; NULL: none */
    uint32_t parts;             /**< bit set of conformance_part; 0: all */
    unsigned min_log2;          /**< jobs of the first seven parts below this log2 of rows are left
                                   out */
    unsigned max_log2;          /**< largest log2 of rows, 0 .. 24 */
    unsigned effort;            /**< 0: a few jobs of each kind; 1: the usual; 2: the whole grid of
                                   shapes */
    bool complete;              /**< P_EUNSUPPORTED for a job is a failure */
    unsigned patience;          /**< by what the allowed times are multiplied; 0 as 1 */
    uint64_t seed;
    FILE *log; /**< findings and one line for each part; NULL: stderr */
} conformance_options;

typedef struct conformance_result {
    uint64_t checks, failures;
    uint64_t jobs, unsupported; /**< jobs asked for; those answered P_EUNSUPPORTED among them */
    /** For each part a digest of all outputs in order, the same on every device that does all of
     * its jobs. */
    uint64_t digest[CONFORMANCE_PARTS];
    bool digest_valid[CONFORMANCE_PARTS]; /**< false: not run, nothing to compare, or a job was not
                                             done */
} conformance_result;

/** 0 if there were no failures, 1 if there were, 2 if the device could not be opened. */
int conformance_run(const conformance_options *options, conformance_result *result);

#endif
