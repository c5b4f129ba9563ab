/** Private to the limits' files: loops of multiplications in chains that do not wait for each
 * other, so that they show what the machine does at most. Results do not depend on the instruction
 * set. */
#ifndef ZKP_HOST_CLI_BENCH_LIMIT_H
#define ZKP_HOST_CLI_BENCH_LIMIT_H

#include "driver/base/isa.h"
#include "driver/field/bn_fr.h"
#include "driver/field/goldilocks.h"

#define BENCH_CHAINS 32

/** x[i] = x[i] * factor, rounds times; loose words in and out. */
typedef void bench_gl_loop(uint64_t x[BENCH_CHAINS], uint64_t factor, uint64_t rounds);
/** The same in Montgomery form, canonical in and out. */
typedef void bench_bn_loop(bn_fr x[BENCH_CHAINS], const bn_fr *factor, uint64_t rounds);

typedef struct bench_loops {
    bench_gl_loop *gl;
    bench_bn_loop *bn;
} bench_loops;

/** The best loops at or below a level. */
bench_loops bench_loops_for(p_isa isa);

#if defined(__x86_64__)
bench_gl_loop bench_gl_loop_avx2, bench_gl_loop_avx512;
bench_bn_loop bench_bn_loop_avx2, bench_bn_loop_ifma;
#endif

#endif
