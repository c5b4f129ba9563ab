/** BN254's Fp, the field of the curve's coordinates.
 *
 * A bn_fp is four little-endian words in Montgomery form (times 2^256), canonical (below the
 * modulus) on input and output wherever a function does not say otherwise (_lazy, wide_). Outputs
 * come first and may be the inputs. No branch or look-up depends on a value, except in _var
 * functions. Freestanding. Any thread. What the functions are is said in bn254_field.h, the
 * template. */
#ifndef ZKP_DRIVER_FIELD_BN_FP_H
#define ZKP_DRIVER_FIELD_BN_FP_H

#include "driver/field/bn254_constants.h"
#include "driver/field/bn254_words.h"
#include "driver/field/bn254_x86.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BN_T bn_fp
#define BN_W bn_fp_wide
#define BN_F(name) bn_fp_##name
#define BN_P(i) BN_FP_P##i
#define BN_NEG_INV BN_FP_NEG_INV
#define BN_NEG_INV_HIGH BN_FP_NEG_INV_HIGH
#define BN_R BN_FP_R_INIT
#define BN_R2 BN_FP_R2_INIT

#include "driver/field/bn254_field.h"

#undef BN_T
#undef BN_W
#undef BN_F
#undef BN_P
#undef BN_NEG_INV
#undef BN_NEG_INV_HIGH
#undef BN_R
#undef BN_R2

#endif
