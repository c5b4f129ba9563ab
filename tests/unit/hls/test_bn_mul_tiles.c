/* the same with the products of 64 bits cut into the tiles of DSPs, as a card's tool gets them */
#define HLS_MUL64_TILES
#include "tests/unit/hls/test_bn_mul.c"
