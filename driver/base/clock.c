#include "driver/base/clock.h"

int64_t p_clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t p_clock_ms(clockid_t clock)
{
    return p_clock_ns(clock) / 1000000;
}

double p_clock_seconds(clockid_t clock)
{
    return 1e-9 * (double)p_clock_ns(clock);
}
