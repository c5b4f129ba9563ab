/* the same with 2^0 channels */
#define HLS_CHANNELS_LOG2 0
#include "tests/unit/hls/test_kernel_bn_poseidon.c"
