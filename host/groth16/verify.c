#include "host/groth16/verify.h"

#include "driver/field/bn_fr.h"
#include "driver/field/bn_pairing.h"

#include <inttypes.h>

p_status groth16_verify(const groth16_vk *vk, const groth16_proof *proof, const uint64_t *publics,
                        p_err *err)
{
    bn_g1x sum, term;
    bn_g1 g1[4];
    bn_g2 g2[4] = {proof->b, vk->beta2, vk->gamma2, vk->delta2};
    bool holds = false;

    if (!bn_g1_on_curve(&proof->a) || !bn_g1_on_curve(&proof->c))
        return p_err_set(err, P_EINVAL, "the proof's A or C is not on its curve");
    if (!bn_g2_on_curve(&proof->b) || !bn_g2_in_subgroup_var(&proof->b))
        return p_err_set(err, P_EINVAL, "the proof's B is not in its group");
    bn_g1x_set(&sum, &vk->ic[0]);
    for (uint32_t i = 0; i < vk->n_public; i++) {
        const uint64_t *v = publics + 4 * (uint64_t)i;
        const bn_fr number = {{v[0], v[1], v[2], v[3]}};

        if (!bn_fr_is_canonical(&number))
            return p_err_set(err, P_EINVAL, "public value %" PRIu32 " is not below r", i);
        bn_g1_mul_var(&term, &vk->ic[i + 1], v);
        bn_g1x_add(&sum, &sum, &term);
    }
    bn_g1_neg(&g1[0], &proof->a);
    g1[1] = vk->alpha1;
    bn_g1x_get(&g1[2], &sum);
    g1[3] = proof->c;
    if (!bn_pairing_check(&holds, g1, g2, 4))
        return p_err_set(err, P_EINVAL, "a point of the proof or the key is not in its group");
    if (!holds)
        return p_err_set(err, P_EINVAL, "the proof does not hold for this key and these values");
    return P_OK;
}
