/** One job of each kind that can be run again and again, on any device, with the same input. */
#ifndef ZKP_TESTS_CONFORMANCE_WORK_H
#define ZKP_TESTS_CONFORMANCE_WORK_H

#include "tests/conformance/suite.h"

typedef enum work_kind {
    WORK_COMMIT_GL,
    WORK_COMMIT_BN,
    WORK_OPEN,
    WORK_READ,
    WORK_NTT_GL,
    WORK_NTT_FR,
    WORK_POSEIDON_GL,
    WORK_POSEIDON_FR,
    WORK_LOAD_G1,
    WORK_MSM_G1,
    WORK_MSM_G2,
    WORK_KINDS
} work_kind;

const char *work_name(work_kind kind);

typedef struct work {
    work_kind kind;
    unsigned log2; /**< its size */
    drv_device *device;
    drv_job job;
    drv_handle *uses; /**< what the job needs, or NULL */
    drv_handle *made; /**< what the job made; work_reset releases it */
    uint64_t *out;
    uint64_t out_words;
    uint64_t *pristine; /**< for jobs in place: what out holds before */
    uint64_t *input;    /**< else, where there is an array */
} work;

/** Makes a job of about 2^log2 elements for a device (it runs a commit or loads points where the
 * job needs some). False: the device does not support it at this size. All memory is the suite's
 * (suite_free_all). */
bool work_make(suite *s, work *w, drv_device *device, work_kind kind, unsigned log2);

/** As work_make with the largest size from most downwards that the device supports. */
bool work_make_largest(suite *s, work *w, drv_device *device, work_kind kind, unsigned most);

/** Before each run: restores data in place, releases what the last run made. */
void work_reset(work *w);

/** Releases all handles. */
void work_end(work *w);

#endif
