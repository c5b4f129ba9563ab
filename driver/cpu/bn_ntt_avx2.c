/* The Fr NTT's tiles with mulx, adcx and adox. */
#if defined(__x86_64__)

#include "driver/cpu/bn_ntt_impl.h"

const bn_ntt_kernel bn_ntt_avx2 = {make_factors, tile_run};

#endif
