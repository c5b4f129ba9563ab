/** Private to driver: what driver/field/gl_vec.h needs of AVX2. Four elements a vector. Only for
 * sources that are compiled for it (suffix _avx2) and reached after a check of p_isa. */
#ifndef ZKP_DRIVER_FIELD_GL_AVX2_H
#define ZKP_DRIVER_FIELD_GL_AVX2_H

#include <immintrin.h>
#include <stdint.h>

typedef __m256i glv;
#define GLV_LANES 4
#define GLV_INLINE static inline __attribute__((always_inline))

GLV_INLINE glv glv_load(const uint64_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

GLV_INLINE void glv_store(uint64_t *p, glv x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, x);
}

/** Past the caches; p aligned to the vector. glv_fence before another thread reads it. */
GLV_INLINE void glv_stream(uint64_t *p, glv x)
{
    _mm256_stream_si256((__m256i *)(void *)p, x);
}

GLV_INLINE void glv_fence(void)
{
    _mm_sfence();
}

GLV_INLINE glv glv_set1(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

#define glv_plus _mm256_add_epi64
#define glv_minus _mm256_sub_epi64
#define glv_and _mm256_and_si256
#define glv_xor _mm256_xor_si256
#define glv_left _mm256_slli_epi64
#define glv_right _mm256_srli_epi64
#define glv_mul_low _mm256_mul_epu32        /* of the low halves, unsigned */
#define glv_mul_low_signed _mm256_mul_epi32 /* and signed */

/** Arithmetic shift by 32, plus this constant: there is no arithmetic shift of 64 bits. */
#define GLV_SIGN_OFFSET 0x80000000
GLV_INLINE glv glv_right32_offset(glv x)
{
    return _mm256_srli_epi64(_mm256_xor_si256(x, glv_set1(UINT64_C(1) << 63)), 32);
}

/** The low halves of lo, and those of hi above them. */
GLV_INLINE glv glv_halves(glv lo, glv hi)
{
    return _mm256_blend_epi32(lo, _mm256_slli_epi64(hi, 32), 0xaa);
}

/* all ones where a < b, unsigned: there only is a signed comparison */
GLV_INLINE glv glv_less(glv a, glv b)
{
    const glv top = glv_set1(UINT64_C(1) << 63);

    return _mm256_cmpgt_epi64(_mm256_xor_si256(b, top), _mm256_xor_si256(a, top));
}

/** x + 2^32 - 1 (x - 2^32 + 1) in the lanes where a < b, unsigned. */
GLV_INLINE glv glv_plus_epsilon_if(glv x, glv a, glv b)
{
    return _mm256_add_epi64(x, _mm256_srli_epi64(glv_less(a, b), 32));
}

GLV_INLINE glv glv_minus_epsilon_if(glv x, glv a, glv b)
{
    return _mm256_sub_epi64(x, _mm256_srli_epi64(glv_less(a, b), 32));
}

GLV_INLINE glv glv_min(glv a, glv b)
{
    return _mm256_blendv_epi8(b, a, glv_less(a, b));
}

/** p[2 i] = a[i], p[2 i + 1] = b[i]. */
GLV_INLINE void glv_store_pairs(uint64_t *p, glv a, glv b)
{
    glv even = _mm256_unpacklo_epi64(a, b), odd = _mm256_unpackhi_epi64(a, b);

    glv_store(p, _mm256_permute2x128_si256(even, odd, 0x20));
    glv_store(p + 4, _mm256_permute2x128_si256(even, odd, 0x31));
}

GLV_INLINE void glv_transpose4(glv x[4])
{
    glv a = _mm256_unpacklo_epi64(x[0], x[1]), b = _mm256_unpackhi_epi64(x[0], x[1]);
    glv c = _mm256_unpacklo_epi64(x[2], x[3]), d = _mm256_unpackhi_epi64(x[2], x[3]);

    x[0] = _mm256_permute2x128_si256(a, c, 0x20);
    x[1] = _mm256_permute2x128_si256(b, d, 0x20);
    x[2] = _mm256_permute2x128_si256(a, c, 0x31);
    x[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

/** x[l], lane r = p[8 r + l] for the GLV_LANES rows r; and back. */
GLV_INLINE void glv_load_rows(glv x[8], const uint64_t *p)
{
    for (int i = 0; i < 4; i++) {
        x[i] = glv_load(p + 8 * i);
        x[i + 4] = glv_load(p + 8 * i + 4);
    }
    glv_transpose4(x);
    glv_transpose4(x + 4);
}

GLV_INLINE void glv_store_rows(uint64_t *p, glv x[8])
{
    glv_transpose4(x);
    glv_transpose4(x + 4);
    for (int i = 0; i < 4; i++) {
        glv_store(p + 8 * i, x[i]);
        glv_store(p + 8 * i + 4, x[i + 4]);
    }
}

#endif
