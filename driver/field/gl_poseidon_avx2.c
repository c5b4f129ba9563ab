/* Four states at a time with AVX2. */
#if defined(__x86_64__)

#include "driver/field/goldilocks.h"

#include <immintrin.h>
#include <stddef.h>

#define LANES 4
#define IDLE_LANES_FROM 2
#define NAME(f) gl_poseidon_##f##_avx2
#define SHARED static inline __attribute__((always_inline))

typedef unsigned long long vec __attribute__((vector_size(32)));

SHARED vec set1(uint64_t x)
{
    return (vec)_mm256_set1_epi64x((long long)x);
}

SHARED vec mul32(vec a, vec b)
{
    return (vec)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}

/* GL_EPSILON where a < b, else 0; AVX2 compares signed words only */
SHARED vec epsilon_if_less(vec a, vec b)
{
    const vec sign = set1(UINT64_C(1) << 63);

    return (vec)_mm256_cmpgt_epi64((__m256i)(b ^ sign), (__m256i)(a ^ sign)) >> 32;
}

SHARED vec add_if_less(vec x, vec a, vec b)
{
    return x + epsilon_if_less(a, b);
}

SHARED vec sub_if_less(vec x, vec a, vec b)
{
    return x - epsilon_if_less(a, b);
}

/* x >= p: adding GL_EPSILON takes p away */
SHARED vec canonical(vec x)
{
    return x + (~(vec)_mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)(GL_P ^ UINT64_C(1) << 63)),
                                         (__m256i)(x ^ set1(UINT64_C(1) << 63))) >>
                32);
}

/* rows and columns of four words exchanged */
SHARED void transpose(vec r[4])
{
    __m256i a = _mm256_unpacklo_epi64((__m256i)r[0], (__m256i)r[1]);
    __m256i b = _mm256_unpackhi_epi64((__m256i)r[0], (__m256i)r[1]);
    __m256i c = _mm256_unpacklo_epi64((__m256i)r[2], (__m256i)r[3]);
    __m256i d = _mm256_unpackhi_epi64((__m256i)r[2], (__m256i)r[3]);

    r[0] = (vec)_mm256_permute2x128_si256(a, c, 0x20);
    r[1] = (vec)_mm256_permute2x128_si256(b, d, 0x20);
    r[2] = (vec)_mm256_permute2x128_si256(a, c, 0x31);
    r[3] = (vec)_mm256_permute2x128_si256(b, d, 0x31);
}

SHARED void load_4(vec x[4], const uint64_t *p, size_t stride)
{
    for (size_t s = 0; s < LANES; s++)
        x[s] = (vec)_mm256_loadu_si256((const __m256i *)(p + s * stride));
    transpose(x);
}

SHARED void load_8(vec x[8], const uint64_t *p, size_t stride)
{
    load_4(x, p, stride);
    load_4(x + 4, p + 4, stride);
}

SHARED void store_4(uint64_t *p, vec x[4], size_t stride)
{
    transpose(x);
    for (size_t s = 0; s < LANES; s++)
        _mm256_storeu_si256((__m256i *)(p + s * stride), (__m256i)x[s]);
}

SHARED void store_8(uint64_t *p, vec x[8], size_t stride)
{
    store_4(p, x, stride);
    store_4(p + 4, x + 4, stride);
}

#include "driver/field/gl_poseidon_vec.h"

#endif
