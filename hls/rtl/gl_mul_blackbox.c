/* What gl_mul.v computes, for simulation in C. */
#include "hls/rtl/gl_mul_blackbox.h"

#undef HLS_GL_MUL_BLACKBOX /* the function itself */
#include "hls/core/gl.h"

uint64_t gl_mul_blackbox(uint64_t a, uint64_t b)
{
    return hls_gl_mul(a, b);
}
