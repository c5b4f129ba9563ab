/** Signature recovery with the range rules of the executor (specification, sections 3.1, 4 and 13):
 * shared by transaction signatures and the precompile at address 1. */
#ifndef ZKP_HOST_EXECUTOR_ECRECOVER_H
#define ZKP_HOST_EXECUTOR_ECRECOVER_H

#include "host/executor/context.h"

/** Recovers the signer. v is the whole word as found (27 or 28 are legal); low_s demands s <= n/2
 * (transactions). *ok is false for an invalid signature. Counts one ecrecover, one Keccak block if
 * it succeeds, and checks the Keccak budget of one block first. */
exec_fault exec_ecrecover(exec_context *x, const uint8_t hash[32], const u256 *v, const u256 *r,
                          const u256 *s, bool low_s, bool *ok, exec_address *signer);

#endif
