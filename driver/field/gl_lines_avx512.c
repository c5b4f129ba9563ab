#if defined(__x86_64__)

#include "driver/field/gl_avx512.h"

#include "driver/field/gl_lines_x86.h"

#define LINES(f) lines_##f##_avx512
#include "driver/field/gl_lines_impl.h"

const gl_lines_ops gl_lines_avx512 = LINES_OPS("avx512");

#endif
