/* What gl_mul64.v computes, for simulation in C. */
#include "hls/rtl/gl_mul64_blackbox.h"

#undef HLS_MUL64_BLACKBOX /* the function itself */
#include "hls/core/bn_mul.h"

void gl_mul64_blackbox(uint64_t a, uint64_t b, uint64_t *low, uint64_t *high)
{
    uint64_t t[2];

    hls_mul64(t, a, b);
    *low = t[0];
    *high = t[1];
}
