/* The transforms' inner loops in plain C. */
#include "driver/field/gl_scalar.h"
#include "driver/field/gl_vec.h"

#define GL_NTT_OPS gl_ntt_ops_portable
#include "driver/cpu/gl_ntt_vec.h"
