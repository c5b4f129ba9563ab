/* The multiplier of gl_mul64.v as a function, which Vitis HLS replaces by the RTL if it is given
 * gl_mul64_blackbox.json (add_files -blackbox). */
#ifndef ZKP_HLS_RTL_GL_MUL64_BLACKBOX_H
#define ZKP_HLS_RTL_GL_MUL64_BLACKBOX_H

#include "hls/include/hls_language.h"

/* low + 2^64 high = a b; any words. */
void gl_mul64_blackbox(uint64_t a, uint64_t b, uint64_t *low, uint64_t *high);

#endif
