/** Public key recovery on secp256k1 through libsecp256k1: the host's answer to exec_host.recover.
 *
 * There is no state: libsecp256k1's static context serves everything that handles no secret. Any
 * thread. Timing depends on the values, which are public. */
#ifndef ZKP_HOST_STATE_RECOVER_H
#define ZKP_HOST_STATE_RECOVER_H

#include "host/executor/host.h"

/** Recovers Q = (s * R - z * G) / r, where R is the point with x(R) = r (never r + n) whose y is
 * odd if odd_y, and z is hash mod n. It has the form of exec_host.recover. ctx         not looked
 * at r, s        big-endian, 1..n-1: the caller has checked; anything else is EXEC_RECOVERY_NONE
 * public_key  x || y of Q for EXEC_RECOVERY_OK, untouched otherwise
 * EXEC_RECOVERY_NONE      r is no x coordinate of the curve
 * EXEC_RECOVERY_INFINITY  Q is the point at infinity */
exec_recovery state_recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                            const uint8_t s[32], bool odd_y, uint8_t public_key[64]);

#endif
