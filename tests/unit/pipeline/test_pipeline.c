#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/pipeline/pipeline_test.h"

typedef struct hooks {
    unsigned stop_after, asked, dropped;
    char stages[256];
} hooks;

static bool should_stop(void *ctx)
{
    hooks *h = ctx;
    return ++h->asked > h->stop_after;
}

static void progress(void *ctx, const char *stage, unsigned percent)
{
    hooks *h = ctx;
    size_t n = strlen(h->stages);
    snprintf(h->stages + n, sizeof h->stages - n, "%s %u;", stage, percent);
}

static void drop_request(void *ctx)
{
    ((hooks *)ctx)->dropped++;
}

static pipeline *make(uint64_t limit, unsigned *decoded)
{
    pipeline_options o = {.poseidon = gl_poseidon_select(NULL),
                          .decode = test_decode,
                          .decode_ctx = decoded,
                          .memory_limit_bytes = limit};
    pipeline *p;
    assert_int_equal(pipeline_create(&p, &o, NULL), P_OK);
    return p;
}

static pipeline_end run(pipeline *p, const char *bytes, hooks *h, p_err *err)
{
    pipeline_hooks all = {
        .ctx = h, .should_stop = should_stop, .progress = progress, .drop_request = drop_request};
    p_err_clear(err);
    return pipeline_run(p, (const uint8_t *)bytes, strlen(bytes), h ? &all : NULL, err);
}

static void expect(const p_err *err, const char *text)
{
    if (!strstr(err->text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, err->text);
}

static void test_ends(void **state)
{
    (void)state;
    p_err err = {0};
    unsigned decoded = 0;
    hooks h = {.stop_after = 1000000};
    pipeline *p = make(0, &decoded);
    assert_int_equal(run(p, "empty", &h, &err), PIPELINE_INTERNAL_ERROR);
    expect(&err, "this build has no prover");
    assert_int_equal(h.dropped, 1);
    assert_string_equal(h.stages, PIPELINE_STAGE_READ " 0;" PIPELINE_STAGE_EXECUTE
                                                      " 0;" PIPELINE_STAGE_EXECUTE " 100;");
    assert_int_equal(run(p, "lost", &h, &err), PIPELINE_COMPLETED_ERROR);
    expect(&err, "old_state_root");
    expect(&err, "5");
    assert_int_equal(run(p, "rubbish", &h, &err), PIPELINE_COMPLETED_ERROR);
    expect(&err, "no request");
    assert_int_equal(run(p, "empty", NULL, &err), PIPELINE_INTERNAL_ERROR);
    expect(&err, "this build has no prover");
    assert_int_equal(pipeline_run(p, (const uint8_t *)"empty", 5, NULL, NULL),
                     PIPELINE_INTERNAL_ERROR);
    assert_int_equal(decoded, 5);
    pipeline_destroy(p);
}

static void test_stop(void **state)
{
    (void)state;
    p_err err = {0};
    pipeline *p = make(0, NULL);
    hooks before = {.stop_after = 0}, during = {.stop_after = 1};
    assert_int_equal(run(p, "empty", &before, &err), PIPELINE_STOPPED);
    assert_null(strstr(before.stages, PIPELINE_STAGE_EXECUTE));
    assert_int_equal(run(p, "transfer", &during, &err), PIPELINE_STOPPED);
    assert_non_null(strstr(during.stages, PIPELINE_STAGE_EXECUTE " 0;"));
    assert_null(strstr(during.stages, " 100;"));
    hooks never = {.stop_after = 1000000}; /* and the runner is fit for the next one */
    assert_int_equal(run(p, "transfer", &never, &err), PIPELINE_INTERNAL_ERROR);
    expect(&err, "this build has no prover");
    assert_null(strstr(err.text, "(0 of")); /* it did execute */
    pipeline_destroy(p);
}

static void test_memory(void **state)
{
    (void)state;
    p_err err = {0};
    char number[32];
    state_request *req;
    assert_int_equal(test_decode(NULL, (const uint8_t *)"empty", 5, &req, &err), P_OK);
    uint64_t need = pipeline_estimate(req, 5);
    assert_true(need >= PIPELINE_RUN_BYTES + 5);
    assert_int_equal(pipeline_estimate(req, 1005), need + 1000);
    assert_int_equal(pipeline_admit(req, 5, 0, &err), P_OK);
    assert_int_equal(pipeline_admit(req, 5, need, &err), P_OK);
    assert_int_equal(pipeline_admit(req, 5, need - 1, &err), P_EEXHAUSTED);
    snprintf(number, sizeof number, "%llu", (unsigned long long)need);
    expect(&err, number);
    snprintf(number, sizeof number, "%llu", (unsigned long long)need - 1);
    expect(&err, number);
    state_request_destroy(req);

    pipeline *p = make(need - 1, NULL);
    hooks h = {.stop_after = 1000};
    assert_int_equal(run(p, "empty", &h, &err), PIPELINE_INTERNAL_ERROR);
    expect(&err, number);
    assert_null(strstr(h.stages, PIPELINE_STAGE_EXECUTE)); /* refused before it begins */
    pipeline_destroy(p);
    p = make(need, NULL);
    assert_int_equal(run(p, "empty", &h, &err), PIPELINE_INTERNAL_ERROR);
    expect(&err, "this build has no prover");
    pipeline_destroy(p);
}

static void test_options(void **state)
{
    (void)state;
    p_err err = {0};
    pipeline *p;
    pipeline_options o = {.poseidon = gl_poseidon_select(NULL)};
    assert_int_equal(pipeline_create(&p, &o, &err), P_EINVAL);
    o.decode = test_decode;
    o.persist = true;
    assert_int_equal(pipeline_create(&p, &o, &err), P_EINVAL);
    assert_null(p);
    pipeline_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
