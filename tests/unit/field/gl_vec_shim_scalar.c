#include "driver/field/gl_scalar.h"

#define SHIM gl_vec_shim_scalar
#include "tests/unit/field/gl_vec_shim_impl.h"
