/* The transforms' inner loops for AVX512. */
#include "driver/cpu/gl_ntt_step.h"

#if defined(__x86_64__)
#include "driver/field/gl_avx512.h"
#include "driver/field/gl_vec.h"

#define GL_NTT_OPS gl_ntt_ops_avx512
#include "driver/cpu/gl_ntt_vec.h"
#else
const gl_ntt_ops *gl_ntt_ops_avx512(void)
{
    return NULL;
}
#endif
