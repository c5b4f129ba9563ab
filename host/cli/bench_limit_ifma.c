#if defined(__x86_64__)

#include "host/cli/bench_limit.h"

#include "driver/field/bn_ifma.h"

#define LANES 8
#define VECTORS (BENCH_CHAINS / LANES)

/* x stays in Montgomery form with 2^256: x * (16 f) / 2^260. From x below 2 p and 16 f below 16 p
 * to below (2 * 16 / 84 + 1.127) p < 2 p. */
void bench_bn_loop_ifma(bn_fr x[BENCH_CHAINS], const bn_fr *factor, uint64_t rounds)
{
    bn8 v[VECTORS], f;
    bn_fr factors[LANES];

    for (int k = 0; k < LANES; k++)
        factors[k] = *factor;
    bn8_load_x16(&f, factors[0].l);
    for (int k = 0; k < VECTORS; k++)
        bn8_load(&v[k], x[k * LANES].l);
    for (uint64_t i = 0; i < rounds; i++)
        for (int k = 0; k < VECTORS; k++)
            bn8_mul(&v[k], &v[k], &f, &bn8_fr);
    for (int k = 0; k < VECTORS; k++) {
        bn8_canon(&v[k], &v[k], &bn8_fr);
        bn8_store(x[k * LANES].l, &v[k]);
    }
}

#endif
