/* The multiplier of gl_mul.v as a function, which Vitis HLS replaces by the RTL if it is given
 * gl_mul_blackbox.json (add_files -blackbox). */
#ifndef ZKP_HLS_RTL_GL_MUL_BLACKBOX_H
#define ZKP_HLS_RTL_GL_MUL_BLACKBOX_H

#include "hls/include/hls_language.h"

/* a b mod p for any words; canonical. */
uint64_t gl_mul_blackbox(uint64_t a, uint64_t b);

#endif
