/** The system's clocks as one number. Any thread; cannot fail with a clock that exists. */
#ifndef ZKP_DRIVER_BASE_CLOCK_H
#define ZKP_DRIVER_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock: CLOCK_MONOTONIC for spans of time, CLOCK_REALTIME for dates (since 1970), and others. */
int64_t p_clock_ns(clockid_t clock);
int64_t p_clock_ms(clockid_t clock); /**< cut, not rounded */
double p_clock_seconds(clockid_t clock);

#endif
