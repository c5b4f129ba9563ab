#if defined(__x86_64__)
#define LEVEL avx2
#define LABEL "avx2"
#define ISA P_ISA_AVX2
#include "tests/unit/field/bn_ops_level.h"
#endif
