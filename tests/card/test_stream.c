/* Large jobs stream through the emulated card: a commitment of 2^16 x 64 columns with openings, and
 * a sum of 2^12 points. The card model's log shows that the kernels ran, and that upload, transform
 * and hashing went on at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/field/bn_curve.h"
#include "tests/card/card_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG "ZKP_CARDMODEL_LOG"
#define MAX_SPANS 65536

typedef struct span {
    uint64_t begin, end; /* microseconds */
} span;

typedef struct spans {
    span *list;
    size_t count;
} spans;

enum { UPLOAD, TRANSFORM, HASH, KINDS };

static char path[64];
static const char *const KERNELS[] = {"row_gather", "gl_lde",    "gl_merkle",
                                      "fr_ntt",     "bn_msm_g1", "bn_poseidon"};

static void add(spans *s, uint64_t end, uint64_t took)
{
    assert_in_range(s->count, 0, MAX_SPANS - 1);
    s->list[s->count++] = (span){end - took, end};
}

/* Reads the log: runs of each kernel, and when uploads, transforms and hashing took place. */
static void read_log(unsigned runs[6], spans all[KINDS])
{
    FILE *f = fopen(path, "r");
    char line[512];

    assert_non_null(f);
    memset(runs, 0, 6 * sizeof *runs);
    while (fgets(line, sizeof line, f)) {
        uint64_t at, took, size;
        char event[32], kernel[64];
        char *rest = strstr(line, "took=");
        if (sscanf(line, "%" SCNu64 " %*d %31s", &at, event) != 2)
            continue;
        assert_string_not_equal(event, "refused");
        if (!rest || sscanf(rest, "took=%" SCNu64, &took) != 1)
            continue;
        rest = strstr(line, "size=");
        if (strcmp(event, "h2d") == 0 && rest && sscanf(rest, "size=%" SCNu64, &size) == 1)
            add(&all[UPLOAD], at, took);
        rest = strstr(line, "kernel=");
        if (strcmp(event, "end") != 0 || !rest || sscanf(rest, "kernel=%63s", kernel) != 1)
            continue;
        for (unsigned k = 0; k < 6; k++)
            runs[k] += strcmp(kernel, KERNELS[k]) == 0;
        if (strcmp(kernel, "gl_lde") == 0)
            add(&all[TRANSFORM], at, took);
        if (strcmp(kernel, "gl_merkle") == 0)
            add(&all[HASH], at, took);
    }
    fclose(f);
}

static spans *new_spans(void)
{
    spans *all = calloc(KINDS, sizeof *all);

    assert_non_null(all);
    for (unsigned i = 0; i < KINDS; i++) {
        all[i].list = malloc(MAX_SPANS * sizeof(span));
        assert_non_null(all[i].list);
    }
    return all;
}

static void free_spans(spans *all)
{
    for (unsigned i = 0; i < KINDS; i++)
        free(all[i].list);
    free(all);
}

static int by_begin(const void *a, const void *b)
{
    const span *x = a, *y = b;

    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Makes a set of spans one without overlaps, in order. */
static void unite(spans *s)
{
    size_t n = 0;

    qsort(s->list, s->count, sizeof *s->list, by_begin);
    for (size_t i = 0; i < s->count; i++) {
        if (n > 0 && s->list[i].begin <= s->list[n - 1].end) {
            if (s->list[i].end > s->list[n - 1].end)
                s->list[n - 1].end = s->list[i].end;
        } else {
            s->list[n++] = s->list[i];
        }
    }
    s->count = n;
}

static uint64_t length(const spans *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->count; i++)
        sum += s->list[i].end - s->list[i].begin;
    return sum;
}

/* What two united sets have in common; out has room. */
static void intersect(const spans *a, const spans *b, spans *out)
{
    out->count = 0;
    for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
        const span *x = &a->list[i], *y = &b->list[k];
        uint64_t begin = x->begin > y->begin ? x->begin : y->begin;
        uint64_t end = x->end < y->end ? x->end : y->end;
        if (begin < end && out->count < MAX_SPANS)
            out->list[out->count++] = (span){begin, end};
        if (x->end < y->end)
            i++;
        else
            k++;
    }
}

static drv_device *open_logged(void)
{
    snprintf(path, sizeof path, "/tmp/zkp-test-stream-%ld.log", (long)getpid());
    unlink(path);
    setenv(LOG, path, 1);
    drv_device *device = card_test_open("xrt:0");
    /* the self test is not what is looked at */
    assert_int_equal(truncate(path, 0), 0);
    return device;
}

static void close_logged(drv_device *device)
{
    bool found;

    assert_int_equal(card_test_log(NULL, &found), 0); /* the card did it, without a failure */
    card_test_close(device);
    unsetenv(LOG);
    unlink(path);
}

static void a_commitment(void **state)
{
    card_test t;
    unsigned runs[6];
    spans *all = new_spans(), *common = new_spans();

    (void)state;
    card_test_make(&t, 64, 16, 1);
    drv_device *device = open_logged();
    card_test_check(&t, device);
    read_log(runs, all);
    for (unsigned i = 0; i < KINDS; i++)
        unite(&all[i]);
    intersect(&all[UPLOAD], &all[TRANSFORM], &common[0]);
    intersect(&all[TRANSFORM], &all[HASH], &common[1]);
    intersect(&common[0], &all[HASH], &common[2]);
    printf("runs: gl_lde %u, gl_merkle %u, row_gather %u\n", runs[1], runs[2], runs[0]);
    printf("milliseconds: upload %.1f, transform %.1f, hashing %.1f; upload with transform %.1f, "
           "transform with hashing %.1f, all three %.1f\n",
           (double)length(&all[UPLOAD]) / 1e3, (double)length(&all[TRANSFORM]) / 1e3,
           (double)length(&all[HASH]) / 1e3, (double)length(&common[0]) / 1e3,
           (double)length(&common[1]) / 1e3, (double)length(&common[2]) / 1e3);
    assert_in_range(runs[1], 8, 64); /* a block of eight columns each */
    assert_in_range(runs[2], 9, 64); /* and the levels of the tree */
    assert_in_range(runs[0], 1, 1000);
    assert_true(length(&common[0]) > length(&all[UPLOAD]) / 10);
    assert_true(length(&common[1]) > length(&all[TRANSFORM]) / 10);
    assert_true(common[2].count >= 3);
    close_logged(device);
    free_spans(all);
    free_spans(common);
    card_test_free(&t);
}

#define POINTS 4096

static void sum(drv_device *device, uint64_t *points, uint64_t *scalars, uint64_t out[8])
{
    drv_handle *handle = NULL;
    drv_job load = {
        .op = DRV_MSM_LOAD,
        .msm_load = {.group = DRV_G1, .points = points, .count = POINTS, .out = &handle}};
    drv_job job = {.op = DRV_MSM,
                   .msm = {.scalars = scalars, .form = DRV_CANONICAL, .count = POINTS, .out = out}};
    p_err err = {P_OK, ""};

    if (drv_run(device, &load, CARD_TEST_MS, &err) != P_OK)
        fail_msg("load: %s", err.text);
    job.msm.points = handle;
    if (drv_run(device, &job, CARD_TEST_MS, &err) != P_OK)
        fail_msg("sum: %s", err.text);
    drv_release(handle);
}

static void a_sum(void **state)
{
    static uint64_t points[POINTS * 8], scalars[POINTS * 4];
    uint64_t expected[8], found[8], seed = 11;
    unsigned runs[6];
    bn_g1 generator;
    bn_g1x *each = malloc(POINTS * sizeof *each);
    bn_g1 *affine = malloc(POINTS * sizeof *affine);
    bn_fp *scratch = malloc(2 * POINTS * sizeof *scratch);
    spans *all = new_spans();

    (void)state;
    assert_true(each && affine && scratch);
    bn_g1_generator(&generator);
    for (unsigned i = 0; i < POINTS; i++) {
        uint64_t k[4] = {0};
        for (unsigned w = 0; w < 4; w++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            scalars[4 * i + w] = seed >> (w == 3 ? 8 : 0); /* below 2^248 */
            k[w] = w < 2 ? seed ^ i : 0;
        }
        bn_g1_mul_var(&each[i], &generator, k);
    }
    bn_g1x_get_batch(affine, each, scratch, POINTS);
    memcpy(points, affine, sizeof points);
    drv_device *cpu = card_test_open("cpu"), *device = open_logged();
    sum(cpu, points, scalars, expected);
    sum(device, points, scalars, found);
    assert_memory_equal(found, expected, sizeof found);
    read_log(runs, all);
    printf("runs: bn_msm_g1 %u\n", runs[4]);
    assert_in_range(runs[4], 1, 100);
    close_logged(device);
    card_test_close(cpu);
    free_spans(all);
    free(each);
    free(affine);
    free(scratch);
}

/* The self test of a device runs each of the six kernels. */
static void every_kernel(void **state)
{
    unsigned runs[6];
    spans *all = new_spans();

    (void)state;
    snprintf(path, sizeof path, "/tmp/zkp-test-stream-%ld.log", (long)getpid());
    unlink(path);
    setenv(LOG, path, 1);
    drv_device *device = card_test_open("xrt:0");
    read_log(runs, all);
    for (unsigned k = 0; k < 6; k++)
        assert_in_range(runs[k], 1, 1000);
    close_logged(device);
    free_spans(all);
}

int main(void)
{
    card_test_mark();
    int descriptors = card_test_descriptors();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel),
        cmocka_unit_test(a_commitment),
        cmocka_unit_test(a_sum),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed != 0 ? failed : card_test_descriptors() != descriptors;
}
