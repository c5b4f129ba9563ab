/** Secret scalars. */
#ifndef ZKP_HOST_GROTH16_RANDOM_H
#define ZKP_HOST_GROTH16_RANDOM_H

#include "driver/base/err.h"
#include "driver/field/bn_fr.h"

#include <stdint.h>

/** A uniform element of Fr from the system's generator, canonical; P_EIO. The caller wipes it. */
p_status groth16_draw(uint64_t out[4], p_err *err);

/** count of them in Montgomery form, none of them 0. given: canonical, four words each, for tests
 * (P_EINVAL for one that is 0 or not below r), or NULL: from the system. */
p_status groth16_draw_secrets(bn_fr *out, size_t count, const uint64_t *given, p_err *err);

#endif
