/* the same with 2^2 channels, and other sizes than a card has */
#define HLS_CHANNELS_LOG2 2
#define HLS_MSM_ADDERS 1
#define HLS_MSM_WINDOWS_PER_PASS 4
#define HLS_MSM_LATENCY 36
#define HLS_MSM_TILE 128
#define HLS_MSM_SEGMENTS_LOG2 1
#include "tests/unit/hls/test_kernel_bn_msm_g1.c"
