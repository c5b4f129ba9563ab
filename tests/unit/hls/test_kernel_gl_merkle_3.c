/* the same with 2^3 channels */
#define HLS_CHANNELS_LOG2 3
#include "tests/unit/hls/test_kernel_gl_merkle.c"
