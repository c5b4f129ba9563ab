#if defined(__x86_64__)

#include "host/cli/bench_limit.h"

#include <immintrin.h>

#define LANES 8
#define VECTORS (BENCH_CHAINS / LANES)
#define INLINE static inline __attribute__((always_inline))

INLINE __m512i multiply(__m512i a, __m512i b, __m512i b_hi)
{
    const __m512i mask = _mm512_set1_epi64((long long)GL_EPSILON);
    __m512i a_hi = _mm512_srli_epi64(a, 32);
    __m512i ll = _mm512_mul_epu32(a, b), hl = _mm512_mul_epu32(a_hi, b);
    __m512i lh = _mm512_mul_epu32(a, b_hi), hh = _mm512_mul_epu32(a_hi, b_hi);
    __m512i t = _mm512_add_epi64(hl, _mm512_srli_epi64(ll, 32));
    __m512i u = _mm512_add_epi64(lh, _mm512_and_si512(t, mask));
    __m512i lo = _mm512_mask_blend_epi32(0xaaaa, ll, _mm512_slli_epi64(u, 32));
    __m512i hi =
        _mm512_add_epi64(hh, _mm512_add_epi64(_mm512_srli_epi64(t, 32), _mm512_srli_epi64(u, 32)));
    __m512i top = _mm512_srli_epi64(hi, 32), m = _mm512_mul_epu32(hi, mask);
    __m512i r = _mm512_sub_epi64(lo, top);

    r = _mm512_mask_sub_epi64(r, _mm512_cmplt_epu64_mask(lo, top), r, mask);
    __m512i s = _mm512_add_epi64(r, m);
    return _mm512_mask_add_epi64(s, _mm512_cmplt_epu64_mask(s, m), s, mask);
}

void bench_gl_loop_avx512(uint64_t x[BENCH_CHAINS], uint64_t factor, uint64_t rounds)
{
    __m512i v[VECTORS], f = _mm512_set1_epi64((long long)factor), f_hi = _mm512_srli_epi64(f, 32);

    for (int k = 0; k < VECTORS; k++)
        v[k] = _mm512_loadu_si512(x + k * LANES);
    for (uint64_t i = 0; i < rounds; i++)
        for (int k = 0; k < VECTORS; k++)
            v[k] = multiply(v[k], f, f_hi);
    for (int k = 0; k < VECTORS; k++)
        _mm512_storeu_si512(x + k * LANES, v[k]);
}

#endif
