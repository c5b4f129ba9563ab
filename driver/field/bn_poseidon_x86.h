/** Private to driver/field: the implementations, for bn_poseidon_select.c. */
#ifndef ZKP_DRIVER_FIELD_BN_POSEIDON_X86_H
#define ZKP_DRIVER_FIELD_BN_POSEIDON_X86_H

#include "driver/field/bn_poseidon.h"

extern const bn_poseidon_ops bn_poseidon_ops_portable;

#if defined(__x86_64__)
extern const bn_poseidon_ops bn_poseidon_ops_avx2; /**< needs BMI2 and ADX */
extern const bn_poseidon_ops bn_poseidon_ops_ifma;
#endif

#endif
