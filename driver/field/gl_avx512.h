/** Private to driver: what driver/field/gl_vec.h needs of AVX-512 F, DQ, BW and VL. Eight elements
 * a vector. Only for sources that are compiled for it (suffix _avx512) and reached after a check of
 * p_isa. */
#ifndef ZKP_DRIVER_FIELD_GL_AVX512_H
#define ZKP_DRIVER_FIELD_GL_AVX512_H

#include <immintrin.h>
#include <stdint.h>

typedef __m512i glv;
#define GLV_LANES 8
#define GLV_INLINE static inline __attribute__((always_inline))

GLV_INLINE glv glv_load(const uint64_t *p)
{
    return _mm512_loadu_si512(p);
}

GLV_INLINE void glv_store(uint64_t *p, glv x)
{
    _mm512_storeu_si512(p, x);
}

/** Past the caches; p aligned to the vector. glv_fence before another thread reads it. */
GLV_INLINE void glv_stream(uint64_t *p, glv x)
{
    _mm512_stream_si512((__m512i *)(void *)p, x);
}

GLV_INLINE void glv_fence(void)
{
    _mm_sfence();
}

GLV_INLINE glv glv_set1(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

#define glv_plus _mm512_add_epi64
#define glv_minus _mm512_sub_epi64
#define glv_and _mm512_and_si512
#define glv_xor _mm512_xor_si512
#define glv_left _mm512_slli_epi64
#define glv_right _mm512_srli_epi64
#define glv_mul_low _mm512_mul_epu32        /* of the low halves, unsigned */
#define glv_mul_low_signed _mm512_mul_epi32 /* and signed */

/** Arithmetic shift by 32, plus this constant. */
#define GLV_SIGN_OFFSET 0
GLV_INLINE glv glv_right32_offset(glv x)
{
    return _mm512_srai_epi64(x, 32);
}

/** The low halves of lo, and those of hi above them. */
GLV_INLINE glv glv_halves(glv lo, glv hi)
{
    return _mm512_mask_shuffle_epi32(lo, 0xaaaa, hi, _MM_PERM_CCAA);
}

/** x + 2^32 - 1 (x - 2^32 + 1) in the lanes where a < b, unsigned. */
GLV_INLINE glv glv_plus_epsilon_if(glv x, glv a, glv b)
{
    return _mm512_mask_add_epi64(x, _mm512_cmplt_epu64_mask(a, b), x, glv_set1(0xffffffff));
}

GLV_INLINE glv glv_minus_epsilon_if(glv x, glv a, glv b)
{
    return _mm512_mask_sub_epi64(x, _mm512_cmplt_epu64_mask(a, b), x, glv_set1(0xffffffff));
}

GLV_INLINE glv glv_min(glv a, glv b)
{
    return _mm512_min_epu64(a, b);
}

/** p[2 i] = a[i], p[2 i + 1] = b[i]. */
GLV_INLINE void glv_store_pairs(uint64_t *p, glv a, glv b)
{
    const glv first = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    const glv second = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);

    glv_store(p, _mm512_permutex2var_epi64(a, first, b));
    glv_store(p + 8, _mm512_permutex2var_epi64(a, second, b));
}

/** x as a matrix of eight rows to its transpose. */
GLV_INLINE void glv_transpose(glv x[8])
{
    glv t[8], u[8];

    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            u[i + j] = _mm512_shuffle_i64x2(t[i + j], t[i + j + 2], 0x88);
            u[i + j + 2] = _mm512_shuffle_i64x2(t[i + j], t[i + j + 2], 0xdd);
        }
    for (int j = 0; j < 4; j++) {
        x[j] = _mm512_shuffle_i64x2(u[j], u[j + 4], 0x88);
        x[j + 4] = _mm512_shuffle_i64x2(u[j], u[j + 4], 0xdd);
    }
}

/** x[l], lane r = p[8 r + l] for the GLV_LANES rows r; and back. */
GLV_INLINE void glv_load_rows(glv x[8], const uint64_t *p)
{
    for (int i = 0; i < 8; i++)
        x[i] = glv_load(p + 8 * i);
    glv_transpose(x);
}

GLV_INLINE void glv_store_rows(uint64_t *p, glv x[8])
{
    glv_transpose(x);
    for (int i = 0; i < 8; i++)
        glv_store(p + 8 * i, x[i]);
}

#endif
