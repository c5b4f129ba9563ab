#define LEVEL portable
#define LABEL "portable"
#define ISA P_ISA_PORTABLE
#include "tests/unit/field/bn_ops_level.h"
