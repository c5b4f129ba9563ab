/* Jobs that go through the real pipeline. */
#include "tests/unit/jobs/jobs_test.h"
#include "tests/unit/pipeline/pipeline_test.h"

#include "host/jobs/run_pipeline.h"

static void test_through_pipeline(void **state)
{
    fixture *f = *state;
    p_err err = {0};
    pipeline *p;
    pipeline_options o = {.poseidon = gl_poseidon_select(NULL), .decode = test_decode};
    test_ok(pipeline_create(&p, &o, &err), &err);
    test_end(f);
    f->options.run = jobs_run_pipeline;
    f->options.run_ctx = p;
    test_begin(f, true);
    job_id good = test_submit(f, "empty"), lost = test_submit(f, "lost"), bad = test_submit(f, "?");
    waiter w;
    assert_int_equal(test_await(f, &good, &w), JOB_INTERNAL_ERROR);
    assert_non_null(strstr(w.text, "this build has no prover"));
    assert_int_equal(test_await(f, &lost, &w), JOB_COMPLETED_ERROR);
    assert_non_null(strstr(w.text, "old_state_root"));
    assert_int_equal(test_await(f, &bad, &w), JOB_COMPLETED_ERROR);
    assert_int_equal(test_events(f, JOBS_EVENT_STAGE), 2 + 2 + 1);
    test_end(f);
    pipeline_destroy(p);
    f->options.run = test_run;
    f->options.run_ctx = f;
    test_begin(f, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_through_pipeline, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
