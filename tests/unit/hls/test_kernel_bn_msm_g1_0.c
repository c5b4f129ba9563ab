/* the same with 2^0 channels, and other sizes than a card has */
#define HLS_CHANNELS_LOG2 0
#define HLS_MSM_ADDERS 2
#define HLS_MSM_WINDOWS_PER_PASS 3
#define HLS_MSM_LATENCY 9
#define HLS_MSM_TILE 32
#define HLS_MSM_SEGMENTS_LOG2 2
#include "tests/unit/hls/test_kernel_bn_msm_g1.c"
