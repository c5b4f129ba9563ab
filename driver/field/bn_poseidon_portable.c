#include "driver/field/bn_poseidon_table.h"

#include <string.h>

/* Each product is added to the low four words of the sum as it is computed, (2^256 - 1)^2 + 2^256 -
 * 1 < 2^512, and its upper half then to the five words above. */
static inline void dot(bn_fr *r, const bn_fr *summand, const bn_fr *a, const bn_fr *c, size_t n)
{
    uint64_t s[9] = {0, 0, 0, 0, 0, summand->l[0], summand->l[1], summand->l[2], summand->l[3]};
    unsigned char waiting = 0;

    for (size_t k = 0; k < n; k++) {
        uint64_t t[8] = {s[0], s[1], s[2], s[3]};
        unsigned char carry = 0;

        for (int i = 0; i < 4; i++) {
            uint64_t up = 0;

            for (int j = 0; j < 4; j++)
                t[i + j] = bn254_mac(t[i + j], c[k].l[j], a[k].l[i], &up);
            t[i + 4] = up;
        }
        for (int i = 0; i < 4; i++) {
            s[i] = t[i];
            carry = bn254_add(&s[i + 4], s[i + 4], t[i + 4], carry);
        }
        s[8] += carry;
    }
    /* the total stays below 2^576: 3.02 * 2^320 r + 33 * 2^256 r + 2^320 r; what a row carries out
     * of its top word waits for the row that has the next one on top */
    for (int i = 0; i < 5; i++) {
        uint64_t m = s[i] * BN_FR_NEG_INV, up = 0;

        bn254_mac(s[i], m, BN_FR_P0, &up);
        s[i + 1] = bn254_mac(s[i + 1], m, BN_FR_P1, &up);
        s[i + 2] = bn254_mac(s[i + 2], m, BN_FR_P2, &up);
        s[i + 3] = bn254_mac(s[i + 3], m, BN_FR_P3, &up);
        waiting = bn254_add(&s[i + 4], s[i + 4], up, waiting);
    }
    memcpy(r->l, s + 5, sizeof(r->l));
}

#define BN_POSEIDON_OPS bn_poseidon_ops_portable
#define BN_POSEIDON_ISA P_ISA_PORTABLE

#include "driver/field/bn_poseidon_impl.h"
