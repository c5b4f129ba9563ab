/* For the tests that prove: a demonstration AIR with its trace and a key on a device. */
#ifndef ZKP_TESTS_UNIT_STARK_PROVE_TEST_H
#define ZKP_TESTS_UNIT_STARK_PROVE_TEST_H

#include "host/stark/demo.h"
#include "host/stark/stark.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLOSE_MS 60000

/* Sanitizers make code slow and take memory of their own: the same tests with less of each. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define expect_ok(call)                                                                            \
    do {                                                                                           \
        p_status expect_status = (call);                                                           \
        if (expect_status != P_OK)                                                                 \
            fail_msg("%s: %s: %s", #call, p_status_name(expect_status), err.text);                 \
    } while (0)

/* An AIR with a matrix for its main columns. */
typedef struct proving {
    air *a;
    drv_matrix main;
    gl_t *publics;
    stark_params params;
} proving;

static inline stark_params proving_params(drv_hash hash, uint32_t log_rows, uint32_t log_blowup)
{
    return (stark_params){.level = STARK_TEST,
                          .hash = hash,
                          .log_rows = log_rows,
                          .log_blowup = log_blowup,
                          .queries = 5,
                          .grinding_bits = 3,
                          .cap_log2 = 2};
}

/* Columns are zero; the caller fills them. */
static inline void proving_open(proving *t, const air_definition *d, stark_params params)
{
    p_err err = {P_OK, ""};
    uint64_t words;

    t->params = params;
    expect_ok(air_create(d, &t->a, &err));
    t->main =
        (drv_matrix){.columns = t->a->trees[AIR_TREE_MAIN].columns, .log_rows = params.log_rows};
    words = drv_matrix_words(t->main.columns, t->main.log_rows);
    t->main.data = aligned_alloc(64, words * sizeof *t->main.data);
    t->publics = calloc(d->publics + 1, sizeof *t->publics);
    assert_true(t->main.data && t->publics);
    memset(t->main.data, 0, words * sizeof *t->main.data);
}

static inline void proving_close(proving *t)
{
    free(t->main.data);
    free(t->publics);
    air_destroy(t->a);
}

/* demo_lookup with all columns filled. */
static inline void proving_lookup(proving *t, stark_params params)
{
    p_err err = {P_OK, ""};
    uint64_t rows = UINT64_C(1) << params.log_rows;

    proving_open(t, &demo_lookup, params);
    expect_ok(demo_lookup_trace(t->a, params.log_rows, 3, 5, rows - 7, &t->main, t->publics, &err));
}

static inline uint64_t *proving_cell(proving *t, uint32_t column, uint64_t row)
{
    uint64_t rows = UINT64_C(1) << t->main.log_rows;

    return t->main.data + (column / 8 * rows + row) * 8 + column % 8;
}

static inline drv_device *proving_device(const char *name, unsigned threads, const char *fault)
{
    drv_options options = {.threads = threads, .fault = fault};
    drv_device *device;
    p_err err = {P_OK, ""};

    expect_ok(drv_open(name, &options, &device, &err));
    return device;
}

static inline void proving_device_close(drv_device *device)
{
    p_err err = {P_OK, ""};

    expect_ok(drv_close(device, CLOSE_MS, &err)); /* P_EINVAL if a handle or a buffer is left */
}

#endif
