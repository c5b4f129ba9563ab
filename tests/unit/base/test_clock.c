/* The clocks' three forms against the system's own, and against each other. */
#include "driver/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_units(void **state)
{
    (void)state;
    const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_THREAD_CPUTIME_ID};
    for (unsigned i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        int64_t ns = p_clock_ns(clocks[i]), ms = p_clock_ms(clocks[i]);
        double s = p_clock_seconds(clocks[i]);
        int64_t end = p_clock_ns(clocks[i]);
        /* each was read between the first and the last */
        assert_true(ms >= ns / 1000000 && ms <= end / 1000000);
        assert_true(s * 1e9 > (double)ns - 1e3 && s * 1e9 < (double)end + 1e3);
    }
}

static void test_date(void **state)
{
    (void)state;
    int64_t before = time(NULL), now = p_clock_ns(CLOCK_REALTIME) / 1000000000, after = time(NULL);
    /* time() may be one tick behind */
    assert_true(now >= before && now <= after + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
