/** Private to host/stark: the coset that the quotient is computed on. */
#ifndef ZKP_HOST_STARK_QUOTIENT_H
#define ZKP_HOST_STARK_QUOTIENT_H

#include "host/air/air.h"

/** log2 of its points over N: the smallest power of two that is at least max_degree - 1 (and 2). */
uint32_t quotient_log_blowup(const air *a);

#endif
