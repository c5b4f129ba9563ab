/* The same with the multiplication of bn_fp.h by mulx and adx. */
#if defined(__x86_64__)
#define MSM_NAME(name) name##_avx2
#include "driver/cpu/bn_msm_scalar.h"
#endif
