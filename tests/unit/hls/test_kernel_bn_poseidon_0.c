/* the same with 2^0 channels, and batches of a few permutations */
#define HLS_CHANNELS_LOG2 0
#define HLS_BN_POSEIDON_LANES 3u
#define HLS_BN_POSEIDON_DEPTH 72u
#define HLS_BN_POSEIDON_LATENCY 60u
#include "tests/unit/hls/test_kernel_bn_poseidon.c"
