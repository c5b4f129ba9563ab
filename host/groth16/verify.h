/** Groth16 proofs over BN254 and their verification. */
#ifndef ZKP_HOST_GROTH16_VERIFY_H
#define ZKP_HOST_GROTH16_VERIFY_H

#include "host/groth16/zkey.h"

#include <stdbool.h>

typedef struct groth16_proof {
    bn_g1 a, c;
    bn_g2 b;
} groth16_proof;

/** Whether a proof holds for these public values (n_public * 4 words; eprint 2016/260, §3.2):
 *
 *     e(A, B) = e(alpha, beta) e(IC_0 + sum of public_i IC_(i+1), gamma) e(C, delta)
 *
 * P_EINVAL, with the reason, if it does not: a public value that is not below r (a second form of
 * the same statement otherwise), a point off its curve or group, or the equation. P_OK if it holds.
 * Proofs are malleable: from one that holds, everyone can make others of the same statement, such
 * as
 * (-A, -B, C) and (A / s, s B + s t delta, C + t A). So a proof, or its hash, identifies nothing;
 * what must happen once is bound by a public value.
 *
 * The key's points must have been checked (zkey_open and vk_json_read do). Any thread. */
p_status groth16_verify(const groth16_vk *vk, const groth16_proof *proof, const uint64_t *publics,
                        p_err *err);

#endif
