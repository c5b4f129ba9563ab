#include "driver/cpu/bn_poseidon_set.h"

p_status cpu_bn_poseidon_get(cpu_bn_poseidon_set *set, unsigned width, const bn_poseidon **out,
                             p_err *err)
{
    bn_poseidon *found = NULL, *made;
    p_status s;

    *out = NULL;
    if (width <= BN_POSEIDON_MAX_WIDTH)
        found = atomic_load_explicit(&set->width[width], memory_order_acquire);
    if (!found) {
        s = bn_poseidon_create(width, &made, err);
        if (s != P_OK)
            return s;
        /* the first of several threads wins */
        if (atomic_compare_exchange_strong(&set->width[width], &found, made))
            found = made;
        else
            bn_poseidon_destroy(made);
    }
    *out = found;
    return P_OK;
}

void cpu_bn_poseidon_clear(cpu_bn_poseidon_set *set)
{
    for (unsigned t = 0; t <= BN_POSEIDON_MAX_WIDTH; t++) {
        bn_poseidon_destroy(atomic_load(&set->width[t]));
        atomic_store(&set->width[t], NULL);
    }
}
