/* without the assembly that x86-64 uses at every level: what other machines compile */
#define BN254_NO_ASM
#define LEVEL plain
#define LABEL "plain C"
#define ISA P_ISA_PORTABLE
#include "tests/unit/field/bn_ops_level.h"
