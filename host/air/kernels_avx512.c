#if defined(__x86_64__)
#include "driver/field/gl_avx512.h"

#include "driver/field/gl_vec.h"
#include "host/air/kernels_impl.h"

const air_kernels air_kernels_avx512 = KERNELS("avx512");
#endif
