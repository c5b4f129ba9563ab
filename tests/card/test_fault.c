/* A card model that dies, crashes, garbles or hangs at one of its requests or runs, over and over
 * or once: jobs come out right all the same, with the reason in the log, or the card does not open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/base/clock.h"
#include "tests/card/card_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT "ZKP_CARDMODEL_FAULT"

static card_test test;

/* The fault strikes each zkp-card that is started: those of this open, and of each reset. */
static bool survives(const char *fault)
{
    drv_device *device;
    bool found;
    p_err err;

    setenv(FAULT, fault, 1);
    card_test_log(NULL, &found);
    int64_t begin = p_clock_ms(CLOCK_MONOTONIC);
    p_status s = card_test_try("xrt:0/stark", &device, &err);
    if (s == P_OK) {
        card_test_check(&test, device);
        card_test_check(&test, device);
        printf("%s: open, then %u lines in the log", fault, card_test_log(NULL, &found));
        card_test_close(device);
    } else {
        printf("%s: %s", fault, err.text);
        assert_int_equal(s, P_EDEVICE);
        assert_true(err.text[0] != '\0');
    }
    unsetenv(FAULT);
    printf(" (%.1f s)\n", (double)(p_clock_ms(CLOCK_MONOTONIC) - begin) / 1e3);
    return s == P_OK;
}

static void at_any_request(void **state)
{
    static const char *const faults[] = {"exit@1",    "garble@200",  "crash@700",
                                         "exit@1500", "garble@1700", "crash@1900"};
    int descriptors = card_test_descriptors();
    unsigned opened = 0;

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        opened += survives(faults[i]);
    assert_in_range(opened, 1, 5); /* some before, some behind the self test */
    card_test_clean(descriptors);
}

static void at_a_run(void **state)
{
    int descriptors = card_test_descriptors();

    (void)state;
    assert_false(survives("exit-run@1"));
    survives("crash-run@20");
    card_test_clean(descriptors);
}

static void once(void **state)
{
    int descriptors = card_test_descriptors();
    bool found;

    (void)state;
    /* behind the self test and some jobs, then never again: the card goes on */
    setenv(FAULT, "exit@4000", 1);
    drv_device *device = card_test_open("xrt:0/stark");
    unsetenv(FAULT);
    card_test_log(NULL, &found);
    for (unsigned i = 0; i < 40 && card_test_log(NULL, &found) == 0; i++)
        card_test_check(&test, device);
    card_test_check(&test, device);
    assert_int_equal(card_test_log(NULL, &found), 0); /* as if nothing had been */
    assert_true(card_test_card() > 0);
    card_test_close(device);
    card_test_clean(descriptors);
}

static void a_run_that_hangs(void **state)
{
    int descriptors = card_test_descriptors();
    int64_t begin;
    bool found;

    (void)state;
    setenv(FAULT, "hang=gl_merkle@9", 1);
    drv_device *device = card_test_open("xrt:0/stark");
    unsetenv(FAULT);
    card_test_log(NULL, &found);
    begin = p_clock_ms(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < 10 && card_test_log("did not end within", &found) == 0; i++)
        card_test_check(&test, device);
    assert_true(found);
    assert_in_range(p_clock_ms(CLOCK_MONOTONIC) - begin, 1500, 60000);
    card_test_check(&test, device);
    assert_true(card_test_card() > 0);
    card_test_close(device);
    card_test_clean(descriptors);
}

int main(void)
{
    card_test_mark();
    /* the usual patience with kernels as C would be a minute each time */
    setenv("ZKP_EMULATION_PATIENCE", "4", 1);
    card_test_make(&test, 20, 9, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_any_request),
        cmocka_unit_test(at_a_run),
        cmocka_unit_test(once),
        cmocka_unit_test(a_run_that_hangs),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    card_test_free(&test);
    return failed;
}
