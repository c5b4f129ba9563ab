#define MSM_NAME(name) name##_portable
#include "driver/cpu/bn_msm_scalar.h"
