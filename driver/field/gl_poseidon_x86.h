/** Private to driver/field: the vector implementations, for gl_poseidon_select.c. */
#ifndef ZKP_DRIVER_FIELD_GL_POSEIDON_X86_H
#define ZKP_DRIVER_FIELD_GL_POSEIDON_X86_H

#include "driver/field/gl_poseidon.h"

#if defined(__x86_64__)
#define GL_POSEIDON_HAVE_X86 1

/** Needs AVX2. */
void gl_poseidon_permute_many_avx2(gl_t *states, size_t count);

/** Both need AVX-512 F, DQ, VL and IFMA. */
void gl_poseidon_permute_avx512(gl_t state[GL_POSEIDON_WIDTH]);
void gl_poseidon_permute_many_avx512(gl_t *states, size_t count);

#else
#define GL_POSEIDON_HAVE_X86 0
#endif

#endif
