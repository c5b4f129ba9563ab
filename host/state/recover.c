#include "host/state/recover.h"

#include <string.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

/** Whether r is the x coordinate of a point: libsecp256k1 decompresses no other. */
static bool is_x_coordinate(const uint8_t r[32], bool odd_y)
{
    uint8_t compressed[33];
    secp256k1_pubkey point;
    compressed[0] = odd_y ? 0x03 : 0x02;
    memcpy(compressed + 1, r, 32);
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, compressed,
                                     sizeof compressed) == 1;
}

exec_recovery state_recover(void *ctx, const uint8_t hash[32], const uint8_t r[32],
                            const uint8_t s[32], bool odd_y, uint8_t public_key[64])
{
    (void)ctx;
    secp256k1_ecdsa_recoverable_signature signature;
    secp256k1_pubkey key;
    uint8_t compact[64], plain[65];
    size_t plain_len = sizeof plain;
    memcpy(compact, r, 32);
    memcpy(compact + 32, s, 32);
    /* recovery ids 0 and 1 are x(R) = r; 2 and 3 would be r + n */
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(secp256k1_context_static, &signature,
                                                             compact, odd_y))
        return EXEC_RECOVERY_NONE;
    if (!secp256k1_ecdsa_recover(secp256k1_context_static, &key, &signature, hash)) {
        /* with r and s in range it fails for two reasons, and does not say for which */
        static const uint8_t zero[32];
        if (memcmp(r, zero, 32) == 0 || memcmp(s, zero, 32) == 0 || !is_x_coordinate(r, odd_y))
            return EXEC_RECOVERY_NONE;
        return EXEC_RECOVERY_INFINITY;
    }
    if (!secp256k1_ec_pubkey_serialize(secp256k1_context_static, plain, &plain_len, &key,
                                       SECP256K1_EC_UNCOMPRESSED))
        return EXEC_RECOVERY_NONE; /* cannot happen: the key was just made */
    memcpy(public_key, plain + 1, 64);
    return EXEC_RECOVERY_OK;
}
