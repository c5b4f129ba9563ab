/* The transforms' inner loops for AVX2. */
#include "driver/cpu/gl_ntt_step.h"

#if defined(__x86_64__)
#include "driver/field/gl_avx2.h"
#include "driver/field/gl_vec.h"

#define GL_NTT_OPS gl_ntt_ops_avx2
#include "driver/cpu/gl_ntt_vec.h"
#else
const gl_ntt_ops *gl_ntt_ops_avx2(void)
{
    return NULL;
}
#endif
