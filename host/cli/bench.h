/** What the benchmarks share: cmd_bench.c chooses, bench_print.c prints, bench_work.c measures
 * works of the driver (bench_gl.c, bench_bn.c), bench_host.c what runs on the host, bench_stark.c
 * proofs, bench_service.c the service, bench_limit*.c what the machine could do at most. Main
 * thread only, but for what a benchmark starts itself. */
#ifndef ZKP_HOST_CLI_BENCH_H
#define ZKP_HOST_CLI_BENCH_H

#include "host/cli/service.h"

#include "driver/base/clock.h"
#include "driver/driver.h"
#include "driver/field/gl_poseidon.h"

#define BENCH_MAX_THREADS 256
#define BENCH_MAX_REPS 1000
#define BENCH_MAX_L2_DATA (((size_t)1 << 24) - 1)

/** The machine's limits, measured with as many threads as the works; 0: not measured. */
typedef struct bench_limits {
    double gl_mul_s; /**< seconds for one of many independent multiplications modulo Goldilocks */
    double bn_mul_s; /**< the same for a Montgomery multiplication of BN254 */
    double copy_bps; /**< bytes per second read and written by memcpy between large arrays */
} bench_limits;

/** What was asked for, and what is open for it. */
typedef struct bench_setup {
    p_isa isa;
    const gl_poseidon_ops *poseidon; /**< of isa, for host code */
    const char *device_name;         /**< NULL: "cpu" */
    unsigned threads;
    int log_n;                      /**< -1: each work's own */
    unsigned columns;               /**< 0: each work's own */
    unsigned width;                 /**< of Poseidon over BN254 */
    unsigned reps;                  /**< 0: as many as make a good measurement */
    bool quick, json;               /**< quick: small sizes, for tests */
    drv_device *device, *reference; /**< opened with the first work; reference NULL: none to compare
                                         with */
    const char *reference_isa;
    bench_limits limits;
} bench_setup;

/** One result. Fields that a benchmark does not have stay 0 or NULL. */
typedef struct bench_line {
    const char *name, *unit, *isa;
    const char *device; /**< NULL: "cpu" */
    double value;       /**< of the best repetition */
    double wall_s, cpu_s;
    unsigned threads;
    int log_n; /**< -1: none */
    unsigned columns;
    const char *clock; /**< of value, median and rate: "cpu" or "wall" */
    unsigned reps;
    double median;         /**< in unit */
    double rate;           /**< rate_unit per second, best repetition */
    const char *rate_unit; /**< "butterflies" ... */
    double device_mb;      /**< memory of the device: the arrays and what the job takes */
    double muls;           /**< the time of one unit, in multiplications at the machine's limit */
    double limit;          /**< share of the machine's limit that was reached */
    const char *limit_by;  /**< "gl_mul", "bn_mul" or "copy" */
    const char *checked;   /**< what the result was compared with */
} bench_line;

/** Heads the table, or nothing with json. */
void bench_print_head(bool as_json);
void bench_print(const bench_line *l, bool as_json);

/** Forgets the process's peak memory so far, where the system allows it. */
void bench_peak_reset(void);

/** Runs body on n jobs of `size` bytes each, one a thread. */
bool bench_run_threads(void *(*body)(void *), void *jobs, size_t size, unsigned n);

/* ---- host ---- */

p_status bench_keccak(const bench_setup *b, p_err *err);
p_status bench_tree(const bench_setup *b, p_err *err);
/** A file through execution, or through the check of its witness alone. */
p_status bench_file(const bench_setup *b, const char *path, bool witness_only, p_err *err);

/** A file through an open service, with that many clients at once, and in this process
 *  with as many threads, in turns: a line for each way, and one with the ratio. */
p_status bench_service(const service *at, const char *path, unsigned clients,
                       const gl_poseidon_ops *poseidon, bool as_json, p_err *err);

/* ---- proofs ---- */

/** A STARK of demo_wide at the parameters of P128: the whole, its phases, its memory. hash: "gl"
 * (or NULL) or "bn254". */
p_status bench_stark(const bench_setup *b, const char *hash, p_err *err);
/** P_EINVAL for a hash or a number of columns that it cannot have. */
p_status bench_stark_check(const bench_setup *b, const char *hash, p_err *err);

/* ---- the machine ---- */

/** Measures the limits and prints them. */
p_status bench_limits_measure(bench_setup *b, p_err *err);

#endif
