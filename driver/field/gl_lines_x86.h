/* Private to driver/field: the implementations of gl_lines.h for x86-64. */
#ifndef ZKP_DRIVER_FIELD_GL_LINES_X86_H
#define ZKP_DRIVER_FIELD_GL_LINES_X86_H

#include "driver/field/gl_lines.h"

#if defined(__x86_64__)
#define GL_LINES_HAVE_X86 1
extern const gl_lines_ops gl_lines_avx2, gl_lines_avx512;
#else
#define GL_LINES_HAVE_X86 0
#endif

#endif
