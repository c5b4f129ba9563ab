#include "tests/unit/field/gl_vec_shim.h"

#if defined(__x86_64__)
#include "driver/field/gl_avx512.h"

#define SHIM gl_vec_shim_avx512
#include "tests/unit/field/gl_vec_shim_impl.h"
#else
#include <stddef.h>

const gl_vec_shim *gl_vec_shim_avx512(void)
{
    return NULL;
}
#endif
