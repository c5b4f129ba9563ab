/* Speed of the evaluators of a constraint system, CPU time of one thread: bench_air [log2 of the
 * rows of the trace, 12 .. 20 [instruction set]]. A multiplication is one of the base field; those
 * in K count 9, or 3 by a base element. */
#include "driver/base/clock.h"
#include "host/air/eval.h"
#include "host/stark/demo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BLOWUP 1

static int fail(const p_err *err)
{
    fprintf(stderr, "bench_air: %s\n", err->text);
    return 1;
}

static gl_t random_gl(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return gl_from_u64(x ^ x >> 31);
}

/* Of one row, what combines the constraints included. */
static uint64_t multiplications(const air *a)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < a->node_count; i++) {
        const air_node *n = &a->nodes[i];

        if (n->op == AIR_MUL && n->degree > 0)
            sum += !n->ext ? 1 : a->nodes[n->a].ext && a->nodes[n->b].ext ? 9 : 3;
    }
    for (uint32_t i = 0; i < a->constraint_count; i++)
        sum += a->nodes[a->constraints[i].node].ext ? 9 : 3;
    return sum;
}

static drv_matrix matrix(uint32_t columns, uint32_t log_rows)
{
    drv_matrix m = {.columns = columns, .log_rows = log_rows};
    size_t bytes = drv_matrix_words(columns, log_rows) * sizeof(uint64_t);

    m.data = bytes ? aligned_alloc(64, bytes) : NULL;
    if (bytes && !m.data) {
        fprintf(stderr, "bench_air: no memory for %zu bytes\n", bytes);
        exit(1);
    }
    if (bytes)
        memset(m.data, 0, bytes);
    return m;
}

/* only: a p_isa, or P_ISA_COUNT for all */
static int bench_rows(const air *a, const air_instance *in, uint32_t log_rows, p_isa only,
                      drv_device *device)
{
    uint64_t n = UINT64_C(1) << (log_rows + LOG_BLOWUP), seed = 1, muls = multiplications(a);
    drv_matrix m[AIR_TREE_QUOTIENT];
    air_rows here[AIR_TREE_QUOTIENT] = {{0}}, next[AIR_TREE_QUOTIENT] = {{0}};
    gl_ext lambda = {{random_gl(&seed), random_gl(&seed), random_gl(&seed)}};
    uint64_t *out = malloc(3 * n * sizeof(*out));
    uint64_t *const place[3] = {out, out + n, out + 2 * n};
    air_evaluator *e;
    p_err err = {0};

    for (int t = 0; t < AIR_TREE_QUOTIENT; t++) {
        m[t] = matrix(a->trees[t].columns, log_rows + LOG_BLOWUP);
        for (uint64_t i = 0; i < drv_matrix_words(m[t].columns, m[t].log_rows); i++)
            m[t].data[i] = random_gl(&seed);
        here[t] = (air_rows){m[t].data, 8, 8 * n};
        next[t] = (air_rows){m[t].data ? m[t].data + (8 << LOG_BLOWUP) : NULL, 8, 8 * n};
    }
    if (!out || air_evaluator_create(a, in, log_rows, LOG_BLOWUP, lambda, 1, device, &e, &err))
        return fail(&err);
    for (int mode = 0; mode < 2 * (P_ISA_AVX512 + 1); mode++) {
        uint64_t count = n - (1 << LOG_BLOWUP);
        double seconds;

        if (!p_isa_supported((p_isa)(mode / 2)) ||
            (only != P_ISA_COUNT && (p_isa)(mode / 2) != only))
            continue;
        air_evaluator_select(e, (p_isa)(mode / 2), mode % 2);
        if (mode % 2 && strstr(air_evaluator_about(e), "interpreted"))
            continue;
        seconds = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID);
        air_eval_rows(e, 0, here, next, 0, count, true, place);
        seconds = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - seconds;
        printf("%-14s rows   %-22s %7.3f s  %6.2f M rows/s  %7.1f M mul/s\n", a->definition.name,
               air_evaluator_about(e), seconds, (double)count / seconds * 1e-6,
               (double)(count * muls) / seconds * 1e-6);
    }
    air_evaluator_destroy(e);
    for (int t = 0; t < AIR_TREE_QUOTIENT; t++)
        free(m[t].data);
    free(out);
    return 0;
}

static int bench_fill(const air *a, const air_instance *in, uint32_t log_rows, gl_t *publics)
{
    air_trace t = {.log_rows = log_rows,
                   .fixed = matrix(a->trees[AIR_TREE_FIXED].columns, log_rows),
                   .main = matrix(a->trees[AIR_TREE_MAIN].columns, log_rows),
                   .aux = matrix(a->trees[AIR_TREE_AUX].columns, log_rows)};
    uint64_t rows = UINT64_C(1) << log_rows;
    p_err err = {0};
    double start = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID), seconds[2];
    p_status s;

    if (a->definition.context)
        s = demo_wide_trace(a, log_rows, 1, NULL, &t.main, publics, &err);
    else
        s = demo_lookup_trace(a, log_rows, 3, 17, rows - 5, &t.main, publics, &err);
    if (s == P_OK)
        s = air_fill_fixed(a, NULL, NULL, &t.fixed, &err);
    seconds[0] = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    start = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    if (s == P_OK)
        s = air_fill_aux(a, in, &t, NULL, NULL, NULL, &err);
    seconds[1] = p_clock_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    if (s != P_OK)
        return fail(&err);
    printf("%-14s trace  %.3f s; aux columns %.3f s, %.2f M interactions/s\n", a->definition.name,
           seconds[0], seconds[1], (double)(rows * a->interaction_count) / seconds[1] * 1e-6);
    free(t.fixed.data);
    free(t.main.data);
    free(t.aux.data);
    return 0;
}

int main(int argc, char **argv)
{
    const air_definition *all[] = {&demo_lookup, &demo_wide_100};
    uint32_t log_rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 16;
    p_isa only = P_ISA_COUNT;
    drv_device *device;
    p_err err = {0};

    if (argc > 2 && !p_isa_parse(argv[2], &only)) {
        fprintf(stderr, "bench_air: no instruction set %s\n", argv[2]);
        return 1;
    }
    if (log_rows < 12 || log_rows > 20) {
        fprintf(stderr, "bench_air: 2^%u rows, 12 to 20 are possible\n", log_rows);
        return 1;
    }
    if (drv_open(NULL, NULL, &device, &err))
        return fail(&err);
    for (int k = 0; k < 2; k++) {
        gl_t publics[16] = {0};
        air_instance in = {.publics = publics};
        uint64_t seed = 3;
        air *a;

        for (int i = 0; i < AIR_CHALLENGES; i++)
            for (int c = 0; c < 3; c++)
                in.challenges[i].c[c] = random_gl(&seed);
        if (air_create(all[k], &a, &err))
            return fail(&err);
        printf("%-14s 2^%u rows, %u + %u + %u columns, %u constraints, %u interactions, %" PRIu64
               " multiplications a row\n",
               a->definition.name, log_rows, a->trees[0].real, a->trees[1].real, a->trees[2].real,
               a->constraint_count, a->interaction_count, multiplications(a));
        if (bench_fill(a, &in, log_rows, publics) || bench_rows(a, &in, log_rows, only, device))
            return 1;
        air_destroy(a);
    }
    return drv_close(device, 60000, &err) ? fail(&err) : 0;
}
