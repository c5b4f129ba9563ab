/* the same with 2^2 channels */
#define HLS_CHANNELS_LOG2 2
#include "tests/unit/hls/test_kernel_bn_poseidon.c"
