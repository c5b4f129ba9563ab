/** Works that are jobs of a device: what one is (bench_gl.c, bench_bn.c) and how it is measured
 * (bench_work.c). Main thread. */
#ifndef ZKP_HOST_CLI_BENCH_WORK_H
#define ZKP_HOST_CLI_BENCH_WORK_H

#include "host/cli/bench.h"

#define BENCH_CAP_MAX_LOG2 5
#define BENCH_TIMEOUT_MS 1800000

typedef struct bench_work bench_work;

/** One size of one work on one device. */
typedef struct bench_load {
    const bench_setup *setup;
    const bench_work *work;
    drv_device *device;
    p_isa isa;
    uint32_t log_n, columns, width;
    /* set by shape */
    drv_job job;
    uint64_t data_words, more_words; /**< arrays that the job takes */
    double units;                    /**< what is counted of one run */
    double gl_muls, bn_muls; /**< multiplications that no known way does without; 0: no number */
    double moved_bytes;      /**< read once and written once */
    uint64_t run_bytes;      /**< of the device for a run, set by fill where shape could not know */
    /* from then on */
    uint64_t *data, *more;
    drv_handle *handle;                                   /**< what the last run left */
    uint64_t cap[DRV_DIGEST_WORDS << BENCH_CAP_MAX_LOG2]; /**< or a point */
    void *own;                                            /**< the work's */
} bench_load;

struct bench_work {
    const char *name, *unit, *rate_unit;
    double scale;  /**< value = seconds * scale, ... */
    bool per_unit; /**< ... divided by units */
    bool has_columns, uses_width;
    uint32_t min_log_n, max_log_n;
    uint32_t log_n, columns;             /**< default size */
    uint32_t quick_log_n, quick_columns; /**< for tests */
    uint32_t check_log_n;                /**< at most, where two devices are compared bit by bit */
    const char *checked;                 /**< what verify compares with */
    p_status (*shape)(bench_load *l, p_err *err);
    p_status (*fill)(bench_load *l, p_err *err);
    /** What a repetition does after the job, and whose time is taken away from it; NULL: nothing.
     */
    p_status (*minus)(bench_load *l, p_err *err);
    uint64_t (*digest)(bench_load *l); /**< of all results of the first run after fill */
    p_status (*verify)(bench_load *l, p_err *err); /**< the same against slow code, a sample */
    void (*release)(bench_load *l);                /**< what fill and run left; may be NULL */
};

/** The works of each file, in the order of the table. */
extern const bench_work bench_gl_works[], bench_bn_works[];
extern const size_t bench_gl_works_count, bench_bn_works_count;

/** Checks one work, measures it and prints the line. Opens the devices of b when it is the first.
 */
p_status bench_work_measure(bench_setup *b, const bench_work *w, p_err *err);

void bench_close(bench_setup *b);

/** Word i of the inputs: the same for all devices, sizes and runs. */
static inline uint64_t bench_word(uint64_t i)
{
    uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/** A hash of words, for comparing results. */
static inline uint64_t bench_digest(const uint64_t *words, uint64_t count)
{
    uint64_t h = count;

    for (uint64_t i = 0; i < count; i++) {
        h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h;
}

p_status bench_wrong(const bench_load *l, const char *what, p_err *err);

#endif
