/** What the benchmarks share (cmd_bench.c, bench_service.c). */
#ifndef ZKP_HOST_CLI_BENCH_H
#define ZKP_HOST_CLI_BENCH_H

#include "host/cli/service.h"

#include "driver/base/clock.h"
#include "driver/field/gl_poseidon.h"

#define BENCH_MAX_THREADS 256
#define BENCH_MAX_L2_DATA (((size_t)1 << 24) - 1)

/** One result. */
typedef struct bench_line {
    const char *name, *unit, *isa;
    double value, wall_s, cpu_s;
    unsigned threads;
    int log_n; /**< -1: none */
} bench_line;

void bench_print(const bench_line *l, bool as_json);

/** Runs body on n jobs of `size` bytes each, one a thread. */
bool bench_run_threads(void *(*body)(void *), void *jobs, size_t size, unsigned n);

/** A file through an open service, with that many clients at once, and in this process
 *  with as many threads, in turns: a line for each way, and one with the ratio. */
p_status bench_service(const service *at, const char *path, unsigned clients,
                       const gl_poseidon_ops *poseidon, bool as_json, p_err *err);

#endif
