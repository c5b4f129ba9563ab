#include "driver/cpu/gl_ntt_step.h"

const gl_ntt_ops *gl_ntt_ops_avx2(void)
{
    return NULL;
}
