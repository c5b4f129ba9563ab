#if defined(__x86_64__)

#include "host/cli/bench_limit.h"

#include <immintrin.h>

#define LANES 4
#define VECTORS (BENCH_CHAINS / LANES)
#define INLINE static inline __attribute__((always_inline))

INLINE __m256i less(__m256i a, __m256i b)
{
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN);

    return _mm256_srli_epi64(
        _mm256_cmpgt_epi64(_mm256_xor_si256(b, sign), _mm256_xor_si256(a, sign)), 32);
}

/* four products of 32 bits, then 2^64 = 2^32 - 1 and 2^96 = -1; as in gl_reduce128 */
INLINE __m256i multiply(__m256i a, __m256i b, __m256i b_hi)
{
    const __m256i mask = _mm256_set1_epi64x((long long)GL_EPSILON);
    __m256i a_hi = _mm256_srli_epi64(a, 32);
    __m256i ll = _mm256_mul_epu32(a, b), hl = _mm256_mul_epu32(a_hi, b);
    __m256i lh = _mm256_mul_epu32(a, b_hi), hh = _mm256_mul_epu32(a_hi, b_hi);
    __m256i t = _mm256_add_epi64(hl, _mm256_srli_epi64(ll, 32));
    __m256i u = _mm256_add_epi64(lh, _mm256_and_si256(t, mask));
    __m256i lo = _mm256_blend_epi32(ll, _mm256_slli_epi64(u, 32), 0xaa);
    __m256i hi =
        _mm256_add_epi64(hh, _mm256_add_epi64(_mm256_srli_epi64(t, 32), _mm256_srli_epi64(u, 32)));
    __m256i top = _mm256_srli_epi64(hi, 32), m = _mm256_mul_epu32(hi, mask);
    __m256i r = _mm256_sub_epi64(_mm256_sub_epi64(lo, top), less(lo, top));
    __m256i s = _mm256_add_epi64(r, m);

    return _mm256_add_epi64(s, less(s, m));
}

void bench_gl_loop_avx2(uint64_t x[BENCH_CHAINS], uint64_t factor, uint64_t rounds)
{
    __m256i v[VECTORS], f = _mm256_set1_epi64x((long long)factor), f_hi = _mm256_srli_epi64(f, 32);

    for (int k = 0; k < VECTORS; k++)
        v[k] = _mm256_loadu_si256((const __m256i *)(x + k * LANES));
    for (uint64_t i = 0; i < rounds; i++)
        for (int k = 0; k < VECTORS; k++)
            v[k] = multiply(v[k], f, f_hi);
    for (int k = 0; k < VECTORS; k++)
        _mm256_storeu_si256((__m256i *)(x + k * LANES), v[k]);
}

/* mulx and adcx, by bn_fr.h in a file that is compiled for them */
void bench_bn_loop_avx2(bn_fr x[BENCH_CHAINS], const bn_fr *factor, uint64_t rounds)
{
    bn_fr f = *factor;

    for (uint64_t i = 0; i < rounds; i++)
        for (int k = 0; k < BENCH_CHAINS; k++)
            bn_fr_mul(&x[k], &x[k], &f);
}

#endif
