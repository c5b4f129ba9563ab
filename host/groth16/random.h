/** Secret scalars. */
#ifndef ZKP_HOST_GROTH16_RANDOM_H
#define ZKP_HOST_GROTH16_RANDOM_H

#include "driver/base/err.h"

#include <stdint.h>

/** A uniform element of Fr from the system's generator, canonical; P_EIO. The caller wipes it. */
p_status groth16_draw(uint64_t out[4], p_err *err);

#endif
