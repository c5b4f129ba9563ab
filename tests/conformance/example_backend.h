/** The worked example of docs/adding-a-backend.md: a complete back end for small jobs. */
#ifndef ZKP_TESTS_CONFORMANCE_EXAMPLE_BACKEND_H
#define ZKP_TESTS_CONFORMANCE_EXAMPLE_BACKEND_H

#include "driver/backend.h"

/** Device "slow": does every job with the code that the suite compares with, one at a time, and
 * answers P_EUNSUPPORTED beyond the sizes in slow_supports. */
extern const drv_backend drv_backend_slow;

#endif
