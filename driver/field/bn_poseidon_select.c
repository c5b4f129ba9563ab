#include "driver/field/bn_poseidon_x86.h"

const bn_poseidon_ops *bn_poseidon_select(p_isa isa)
{
#if defined(__x86_64__)
    /* a level that the CPU lacks is one that the caller may have read from its options */
    while (isa > P_ISA_PORTABLE && !p_isa_supported(isa))
        isa--;
#else
    (void)isa;
#endif
    return &bn_poseidon_ops_portable;
}
