/* What the machine can do at most, with all of the threads asked for: independent multiplications
 * in registers, and copying between arrays that no cache holds. */
#include "host/cli/bench_limit.h"

#include "host/cli/bench.h"

#include "driver/field/gl_loose.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOP_SECONDS 0.1
#define QUICK_LOOP_SECONDS 0.005
#define TRIES 3
#define LOOP_ROUNDS 2048
#define COPY_BYTES ((size_t)64 << 20) /* each of two arrays of each thread */
#define QUICK_COPY_BYTES ((size_t)1 << 20)

static void gl_loop_portable(uint64_t x[BENCH_CHAINS], uint64_t factor, uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++)
        for (int k = 0; k < BENCH_CHAINS; k++)
            x[k] = gl_loose_mul(x[k], factor);
}

static void bn_loop_portable(bn_fr x[BENCH_CHAINS], const bn_fr *factor, uint64_t rounds)
{
    bn_fr f = *factor;

    for (uint64_t i = 0; i < rounds; i++)
        for (int k = 0; k < BENCH_CHAINS; k++)
            bn_fr_mul(&x[k], &x[k], &f);
}

bench_loops bench_loops_for(p_isa isa)
{
    bench_loops loops = {gl_loop_portable, bn_loop_portable};

#if defined(__x86_64__)
    if (isa >= P_ISA_AVX2 && p_isa_supported(P_ISA_AVX2))
        loops = (bench_loops){bench_gl_loop_avx2, bench_bn_loop_avx2};
    if (isa >= P_ISA_AVX512 && p_isa_supported(P_ISA_AVX512))
        loops.gl = bench_gl_loop_avx512;
    if (isa >= P_ISA_AVX512IFMA && p_isa_supported(P_ISA_AVX512IFMA))
        loops.bn = bench_bn_loop_ifma;
#else
    (void)isa;
#endif
    return loops;
}

typedef struct limit_job {
    bench_loops loops;
    enum { GL_MUL, BN_MUL, COPY } kind;
    size_t copy_bytes;
    double seconds;
    clockid_t clock; /* see bench_work.c: CPU time of a single thread, else wall time */
    double spent, wall_s, cpu_s, done; /* of the best try: operations or bytes */
    uint64_t digest;                   /* so that nothing is left out as unused */
    bool failed;
} limit_job;

static double operate(limit_job *j, uint64_t *gl, bn_fr *bn, char *from, char *to)
{
    switch (j->kind) {
    case GL_MUL:
        j->loops.gl(gl, UINT64_C(0x123456789abcdef1), LOOP_ROUNDS);
        j->digest ^= gl[0];
        return (double)LOOP_ROUNDS * BENCH_CHAINS;
    case BN_MUL:
        j->loops.bn(bn, &bn[BENCH_CHAINS], LOOP_ROUNDS / 8);
        j->digest ^= bn[0].l[0];
        return (double)LOOP_ROUNDS / 8 * BENCH_CHAINS;
    case COPY:
        memcpy(to, from, j->copy_bytes);
        j->digest ^= (uint64_t)to[j->digest % j->copy_bytes];
        return 2.0 * (double)j->copy_bytes;
    }
    return 0;
}

static void *limit_main(void *arg)
{
    limit_job *j = arg;
    uint64_t gl[BENCH_CHAINS];
    bn_fr bn[BENCH_CHAINS + 1];
    char *from = j->kind == COPY ? malloc(j->copy_bytes) : NULL,
         *to = j->kind == COPY ? malloc(j->copy_bytes) : NULL;

    j->failed = j->kind == COPY && (!from || !to);
    for (uint64_t i = 0; i < BENCH_CHAINS; i++)
        gl[i] = i + 2;
    for (uint64_t i = 0; i <= BENCH_CHAINS; i++)
        (void)bn_fr_set_words(&bn[i], (const uint64_t[4]){i + 2, i, 0, 0});
    if (from && to) {
        memset(from, 1, j->copy_bytes);
        memset(to, 2, j->copy_bytes);
    }
    for (int k = 0; k < TRIES && !j->failed; k++) {
        double wall = p_clock_seconds(CLOCK_MONOTONIC), start = p_clock_seconds(j->clock);
        double cpu = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID), spent = 0, done = 0;

        while (spent < j->seconds) {
            done += operate(j, gl, bn, from, to);
            spent = p_clock_seconds(j->clock) - start;
        }
        if (k == 0 || done / spent > j->done / j->spent) {
            j->done = done;
            j->spent = spent;
            j->wall_s = p_clock_seconds(CLOCK_MONOTONIC) - wall;
            j->cpu_s = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
        }
    }
    free(to);
    free(from);
    return NULL;
}

/* Operations or bytes per second of all threads. */
static p_status limit(const bench_setup *b, limit_job job, bench_line *line, double *out,
                      p_err *err)
{
    limit_job *jobs = calloc(b->threads, sizeof *jobs);

    *out = 0;
    for (unsigned i = 0; jobs && i < b->threads; i++)
        jobs[i] = job;
    bool ok = jobs && bench_run_threads(limit_main, jobs, sizeof *jobs, b->threads);
    line->wall_s = line->cpu_s = 0;
    for (unsigned i = 0; ok && i < b->threads; i++) {
        ok = !jobs[i].failed;
        if (ok)
            *out += jobs[i].done / jobs[i].spent;
        line->cpu_s += jobs[i].cpu_s;
        if (jobs[i].wall_s > line->wall_s)
            line->wall_s = jobs[i].wall_s;
    }
    free(jobs);
    return ok ? P_OK
              : p_err_set(err, P_EEXHAUSTED, "no memory for the limits of %u threads", b->threads);
}

p_status bench_limits_measure(bench_setup *b, p_err *err)
{
    static const char *const names[] = {"limit:gl_mul", "limit:bn_mul", "limit:copy"};
    limit_job job = {.loops = bench_loops_for(b->isa),
                     .copy_bytes = b->quick ? QUICK_COPY_BYTES : COPY_BYTES,
                     .clock = b->threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
                     .seconds = b->quick ? QUICK_LOOP_SECONDS : LOOP_SECONDS};

    for (int k = 0; k < 3; k++) {
        bench_line line = {.name = names[k],
                           .unit = k < 2 ? "ns" : "GB/s",
                           .isa = p_isa_name(b->isa),
                           .threads = b->threads,
                           .clock = b->threads == 1 ? "cpu" : "wall",
                           .log_n = -1};
        double rate;
        p_status s;

        job.kind = k == 0 ? GL_MUL : k == 1 ? BN_MUL : COPY;
        s = limit(b, job, &line, &rate, err);
        if (s != P_OK)
            return s;
        line.value = k < 2 ? 1e9 / rate : rate / 1e9;
        bench_print(&line, b->json);
        if (k == 0)
            b->limits.gl_mul_s = 1 / rate;
        else if (k == 1)
            b->limits.bn_mul_s = 1 / rate;
        else
            b->limits.copy_bps = rate;
    }
    return P_OK;
}
