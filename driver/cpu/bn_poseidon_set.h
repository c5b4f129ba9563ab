/** The constants of Poseidon-BN254 that a device has derived so far: each width when it is first
 * asked for (some milliseconds), kept until the device closes. All zeros is the empty set. */
#ifndef ZKP_DRIVER_CPU_BN_POSEIDON_SET_H
#define ZKP_DRIVER_CPU_BN_POSEIDON_SET_H

#include "driver/field/bn_poseidon.h"

#include <stdatomic.h>

typedef struct cpu_bn_poseidon_set {
    _Atomic(bn_poseidon *) width[BN_POSEIDON_MAX_WIDTH + 1];
} cpu_bn_poseidon_set;

/** The constants of a width, valid until the set is cleared; errors as bn_poseidon_create. Any
 * thread. */
p_status cpu_bn_poseidon_get(cpu_bn_poseidon_set *set, unsigned width, const bn_poseidon **out,
                             p_err *err);

/** Frees what the set holds; no other call uses it. */
void cpu_bn_poseidon_clear(cpu_bn_poseidon_set *set);

#endif
