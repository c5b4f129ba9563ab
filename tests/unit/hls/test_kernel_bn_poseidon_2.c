/* the same with 2^2 channels, and batches of a few permutations */
#define HLS_CHANNELS_LOG2 2
#define HLS_BN_POSEIDON_LANES 4u
#define HLS_BN_POSEIDON_DEPTH 112u
#define HLS_BN_POSEIDON_LATENCY 60u
#include "tests/unit/hls/test_kernel_bn_poseidon.c"
