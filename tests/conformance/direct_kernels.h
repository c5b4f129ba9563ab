/** The kernels as C, in the order of card_kernel: direct_kernels.c, built for 1, 4 and 16 channels.
 * Arguments in the order of the kernel's list, a buffer being as many addresses as there are
 * channels. */
#ifndef ZKP_TESTS_CONFORMANCE_DIRECT_KERNELS_H
#define ZKP_TESTS_CONFORMANCE_DIRECT_KERNELS_H

#include <stdint.h>

typedef void direct_call(const uint64_t *args);

extern direct_call *const direct_calls_k0[], *const direct_calls_k2[], *const direct_calls_k4[];

#endif
