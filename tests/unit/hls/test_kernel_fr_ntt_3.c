/* the same with 2^3 channels, passes of the length that a card has, and a longer transform */
#define HLS_CHANNELS_LOG2 3
#define HLS_FR_NTT_PASS_LOG2 12
#define MAX_LOG 14
#include "tests/unit/hls/test_kernel_fr_ntt.c"
