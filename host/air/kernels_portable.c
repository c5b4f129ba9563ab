#include "driver/field/gl_scalar.h"

#include "driver/field/gl_vec.h"
#include "host/air/kernels_impl.h"

const air_kernels air_kernels_portable = KERNELS("portable");

const air_kernels *air_kernels_for(p_isa isa)
{
#if defined(__x86_64__)
    if (isa >= P_ISA_AVX512 && p_isa_supported(P_ISA_AVX512))
        return &air_kernels_avx512;
    if (isa >= P_ISA_AVX2 && p_isa_supported(P_ISA_AVX2))
        return &air_kernels_avx2;
#endif
    (void)isa;
    return &air_kernels_portable;
}
