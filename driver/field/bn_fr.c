#include "driver/field/bn_fr.h"

#define BN_T bn_fr
#define BN_F(name) bn_fr_##name
#define BN_P(i) BN_FR_P##i
#define BN_HALF_ORDER BN_FR_HALF_ORDER

#include "driver/field/bn254_field_impl.h"

/* Tonelli and Shanks: r - 1 = 2^28 q. s^2 = a b holds throughout, where b's order 2^k falls. */
bool bn_fr_sqrt_var(bn_fr *r, const bn_fr *a)
{
    static const uint64_t e[4] = BN_FR_SQRT_EXPONENT; /* (q - 1) / 2 */
    static const bn_fr root = BN_FR_ROOT_INIT;
    bn_fr w, s, b, z = root, one, t;
    unsigned order = BN_FR_TWO_ADICITY; /* of z: 2^order */

    if (bn_fr_is_zero(a)) {
        bn_fr_set_zero(r);
        return true;
    }
    bn_fr_set_one(&one);
    bn_fr_pow_var(&w, a, e);
    bn_fr_mul(&s, a, &w);
    bn_fr_mul(&b, &s, &w);
    while (!bn_fr_eq(&b, &one)) {
        unsigned k = 0;

        t = b;
        while (!bn_fr_eq(&t, &one) && k < order) {
            bn_fr_sqr(&t, &t);
            k++;
        }
        if (k >= order) /* b has z's whole order: a is no square */
            return false;
        for (t = z; order > k + 1; order--)
            bn_fr_sqr(&t, &t);
        bn_fr_mul(&s, &s, &t);
        bn_fr_sqr(&z, &t);
        bn_fr_mul(&b, &b, &z);
        order = k;
    }
    bn_fr_even_root(r, &s);
    return true;
}
