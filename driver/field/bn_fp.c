#include "driver/field/bn_fp.h"

#define BN_T bn_fp
#define BN_F(name) bn_fp_##name
#define BN_P(i) BN_FP_P##i
#define BN_HALF_ORDER BN_FP_HALF_ORDER

#include "driver/field/bn254_field_impl.h"

bool bn_fp_sqrt_var(bn_fp *r, const bn_fp *a)
{
    static const uint64_t e[4] = BN_FP_SQRT_EXPONENT; /* p = 3 mod 4 */
    bn_fp s, check;

    bn_fp_pow_var(&s, a, e);
    bn_fp_sqr(&check, &s);
    if (!bn_fp_eq(&check, a))
        return false;
    bn_fp_even_root(r, &s);
    return true;
}
