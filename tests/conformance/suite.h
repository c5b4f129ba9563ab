/** What the parts of the suite share: the device, jobs, guarded buffers, findings. */
#ifndef ZKP_TESTS_CONFORMANCE_SUITE_H
#define ZKP_TESTS_CONFORMANCE_SUITE_H

#include "tests/conformance/conformance.h"

#define SUITE_MAX_BUFFERS 64
#define SUITE_GUARD_WORDS 16

typedef struct suite_buffer {
    uint64_t *block; /**< as allocated */
    uint64_t words;  /**< between the guards */
    uint64_t *copy;  /**< contents that must not change, or NULL */
} suite_buffer;

typedef struct suite {
    const conformance_options *o;
    conformance_result *result;
    FILE *log;
    drv_device *device;
    drv_device *compare; /**< or NULL */
    conformance_part part;
    uint64_t seed;   /**< state of suite_random */
    bool partial;    /**< a job of this part was not done */
    bool outputs;    /**< this part has added to its digest */
    uint32_t job_ms; /**< the longest that a job of the suite may take */
    char where[256]; /**< the shape that is at work, for findings */
    suite_buffer buffer[SUITE_MAX_BUFFERS];
    unsigned buffers;
} suite;

/* ---- findings ---- */

/** Says what is at work, for findings that follow. */
void suite_at(suite *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Counts a check; prints the text if it failed (only the first of many). Returns ok. */
bool suite_check(suite *s, bool ok, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Checks that words are the same; names the first that is not. */
bool suite_same(suite *s, const uint64_t *found, const uint64_t *expected, uint64_t words,
                const char *what);

/** Adds outputs to the part's digest. */
void suite_digest(suite *s, const uint64_t *words, uint64_t count);

/** No memory for the test itself: ends the process. */
void *suite_need(void *p);

/* ---- numbers ---- */

uint64_t suite_random(suite *s);
uint64_t suite_below(suite *s, uint64_t bound); /**< 0 .. bound - 1 */
/** A word that is an edge value one time in four: 0, 1, p - 1, p, 2^64 - 1 and others. */
uint64_t suite_gl(suite *s);
/** Four words below the modulus, an edge value one time in eight. */
void suite_fr(suite *s, uint64_t words[4]);
void suite_fill_gl(suite *s, uint64_t *words, uint64_t count);
void suite_fill_fr(suite *s, uint64_t *words, uint64_t count);

/* ---- buffers ---- */

/** words of memory aligned to 64 bytes, between guard words, filled with junk. Until
 * suite_free_all. */
uint64_t *suite_words(suite *s, uint64_t words);
/** The contents of a buffer of suite_words may not change any more. */
void suite_keep(suite *s, const uint64_t *data);
/** Checks all guards and what was kept. */
void suite_check_buffers(suite *s);
/** The same, then frees all buffers. */
void suite_free_all(suite *s);

/* ---- jobs ---- */

/** Opens another device like the one under test with these options. */
p_status suite_open(suite *s, const drv_options *options, drv_device **out, p_err *err);

/** Closes a device that has nothing left; a finding if that fails. */
void suite_close(suite *s, drv_device *device);

/** Runs a job to its end on the device under test; anything but P_OK is a finding, except
 * P_EUNSUPPORTED where that is allowed. True: P_OK. */
bool suite_run(suite *s, const drv_job *job);

/** The same on another device, where only P_OK will do. */
bool suite_run_on(suite *s, drv_device *device, const drv_job *job);

/** Submits where P_EUNSUPPORTED is counted and no finding; NULL: not started. */
drv_event *suite_submit(suite *s, const drv_job *job);

/** Waits for the end of a job and releases its event; answers the job's status. */
p_status suite_finish(suite *s, drv_event *event, p_err *err);

/* ---- the parts ---- */

void suite_gl_ntt(suite *s);
void suite_bn_ntt(suite *s);
void suite_poseidon(suite *s);
void suite_commit_gl(suite *s);
void suite_commit_bn(suite *s);
void suite_msm_g1(suite *s);
void suite_msm_g2(suite *s);
void suite_misuse(suite *s);
void suite_life(suite *s);
void suite_fault(suite *s);

#endif
