#include "host/executor/ecrecover.h"

#include <string.h>

#include "host/executor/bytes.h"
#include "host/executor/u256.h"

/** The order of secp256k1 (SEC 2, section 2.4.1). */
static const u256 order = {
    {0xbfd25e8cd0364141u, 0xbaaedce6af48a03bu, 0xfffffffffffffffeu, 0xffffffffffffffffu}};
/** floor(order / 2), the largest s of a transaction (EIP-2). */
static const u256 half_order = {
    {0xdfe92f46681b20a0u, 0x5d576e7357a4501du, 0xffffffffffffffffu, 0x7fffffffffffffffu}};

exec_fault exec_ecrecover(exec_context *x, const uint8_t hash[32], const u256 *v, const u256 *r,
                          const u256 *s, bool low_s, bool *ok, exec_address *signer)
{
    *ok = false;
    x->counters.ecrecover++;
    exec_fault fault = counters_need_arith(&x->counters, COUNTERS_SIGNATURE_ARITH);
    if (fault == EXEC_FAULT_NONE)
        fault = counters_need_steps(&x->counters, COUNTERS_SIGNATURE_STEPS);
    if (fault == EXEC_FAULT_NONE)
        fault = counters_need_keccak(&x->counters, 1);
    if (fault != EXEC_FAULT_NONE)
        return fault;

    if (!u256_fits_u64(v) || (v->limb[0] != 27 && v->limb[0] != 28))
        return EXEC_FAULT_NONE;
    if (u256_is_zero(r) || !u256_lt(r, &order))
        return EXEC_FAULT_NONE;
    if (u256_is_zero(s) || !u256_lt(s, &order) || (low_s && u256_lt(&half_order, s)))
        return EXEC_FAULT_NONE;

    uint8_t r_be[32], s_be[32], key[64], digest[32];
    bytes_store_u256(r_be, r);
    bytes_store_u256(s_be, s);
    switch (x->host->recover(x->host->ctx, hash, r_be, s_be, v->limb[0] == 28, key)) {
    case EXEC_RECOVERY_OK:
        break;
    case EXEC_RECOVERY_INFINITY:
        if (!x->rules.recover_infinity)
            return EXEC_FAULT_NONE;
        memset(key, 0, sizeof key);
        break;
    case EXEC_RECOVERY_NONE:
    default:
        return EXEC_FAULT_NONE;
    }
    x->host->keccak(digest, key, sizeof key);
    counters_add_keccak(&x->counters, sizeof key);
    x->counters.steps_least += COUNTERS_SIGNATURE_LEAST_STEPS;
    x->counters.arith_least += COUNTERS_SIGNATURE_LEAST_ARITH;
    memcpy(signer->bytes, digest + 12, sizeof signer->bytes);
    *ok = true;
    return EXEC_FAULT_NONE;
}
