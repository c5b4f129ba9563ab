/* The Fr NTT's tiles in plain C. */
#include "driver/cpu/bn_ntt_impl.h"

const bn_ntt_kernel bn_ntt_portable = {make_factors, tile_run};
