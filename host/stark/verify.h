/** Parts of stark_verify, for those who verify often and for tests that put challenges in. Any
 * thread. */
#ifndef ZKP_HOST_STARK_VERIFY_H
#define ZKP_HOST_STARK_VERIFY_H

#include "host/stark/replay.h"

/** stark_verify with permutations that were made before, of the key's hash. */
p_status stark_verify_with(const stark_hash *hash, const stark_vk *vk, const uint64_t *publics,
                           const stark_proof *proof, bool allow_test, p_err *err);

/** What follows when the challenges are known: grinding, z, the identity, the queries. Key, publics
 * and proof were checked, the challenges are those of stark_replay. */
p_status stark_verify_challenges(const stark_hash *hash, const stark_vk *vk,
                                 const uint64_t *publics, const stark_proof *proof,
                                 const stark_challenges *challenges, p_err *err);

#endif
