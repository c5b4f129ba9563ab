/** Public key recovery on secp256k1 over MULMOD and hints. Compiled for the guest and natively. */
#ifndef ZKP_HOST_GUEST_RECOVER_H
#define ZKP_HOST_GUEST_RECOVER_H

#include "host/executor/host.h"
#include "host/guest/io.h"

/** What exec_host.recover promises; ctx is the guest_io. */
exec_recovery guest_recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                            const uint8_t s[32], bool odd_y, uint8_t public_key[64]);

#endif
