#include "driver/field/goldilocks.h"

gl_t gl_pow_var(gl_t a, uint64_t e)
{
    gl_t result = 1;

    for (; e != 0; e >>= 1) {
        if (e & 1)
            result = gl_mul(result, a);
        a = gl_sqr(a);
    }
    return result;
}

gl_t gl_inv(gl_t a)
{
    return gl_pow_var(a, GL_P - 2); /* the exponent is public: only it decides the timing */
}
