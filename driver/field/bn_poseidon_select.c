#include "driver/field/bn_poseidon_x86.h"

const bn_poseidon_ops *bn_poseidon_select(p_isa isa)
{
#if defined(__x86_64__)
    /* AVX-512 without IFMA multiplies 32 bits: nothing over the scalar mulx */
    if (isa >= P_ISA_AVX512IFMA && p_isa_supported(P_ISA_AVX512IFMA))
        return &bn_poseidon_ops_ifma;
    if (isa >= P_ISA_AVX2 && p_isa_supported(P_ISA_AVX2))
        return &bn_poseidon_ops_avx2;
#else
    (void)isa;
#endif
    return &bn_poseidon_ops_portable;
}
