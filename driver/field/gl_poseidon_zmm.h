/** Private to driver/field: eight states between memory (one after the other) and vectors of eight
 * words (one state in each lane). For files compiled with AVX-512 F. */
#ifndef ZKP_DRIVER_FIELD_GL_POSEIDON_ZMM_H
#define ZKP_DRIVER_FIELD_GL_POSEIDON_ZMM_H

#if defined(__AVX512F__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

static inline void gl_zmm_transpose_8(__m512i r[8])
{
    __m512i t[8], u[8];

    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
        t[i + 4] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
    }
    for (int k = 0; k < 8; k += 4) {
        u[k] = _mm512_shuffle_i64x2(t[k], t[k + 1], 0x88);
        u[k + 1] = _mm512_shuffle_i64x2(t[k], t[k + 1], 0xdd);
        u[k + 2] = _mm512_shuffle_i64x2(t[k + 2], t[k + 3], 0x88);
        u[k + 3] = _mm512_shuffle_i64x2(t[k + 2], t[k + 3], 0xdd);
        r[k / 4] = _mm512_shuffle_i64x2(u[k], u[k + 2], 0x88);
        r[k / 4 + 4] = _mm512_shuffle_i64x2(u[k], u[k + 2], 0xdd);
        r[k / 4 + 2] = _mm512_shuffle_i64x2(u[k + 1], u[k + 3], 0x88);
        r[k / 4 + 6] = _mm512_shuffle_i64x2(u[k + 1], u[k + 3], 0xdd);
    }
}

/* both 256-bit halves as 4x4 */
static inline void gl_zmm_transpose_4(__m512i r[4])
{
    const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13),
                  odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    __m512i a = _mm512_unpacklo_epi64(r[0], r[1]), b = _mm512_unpackhi_epi64(r[0], r[1]);
    __m512i c = _mm512_unpacklo_epi64(r[2], r[3]), d = _mm512_unpackhi_epi64(r[2], r[3]);

    r[0] = _mm512_permutex2var_epi64(a, even, c);
    r[1] = _mm512_permutex2var_epi64(b, even, d);
    r[2] = _mm512_permutex2var_epi64(a, odd, c);
    r[3] = _mm512_permutex2var_epi64(b, odd, d);
}

/** x[i], lane s = p[s * stride + i], i < 8. */
static inline void gl_zmm_load_8(__m512i x[8], const uint64_t *p, size_t stride)
{
    for (size_t s = 0; s < 8; s++)
        x[s] = _mm512_loadu_si512(p + s * stride);
    gl_zmm_transpose_8(x);
}

/** The same for i < 4. */
static inline void gl_zmm_load_4(__m512i x[4], const uint64_t *p, size_t stride)
{
    for (size_t s = 0; s < 4; s++) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(p + s * stride)),
                high = _mm256_loadu_si256((const __m256i *)(p + (s + 4) * stride));

        x[s] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    gl_zmm_transpose_4(x);
}

/** p[s * stride + i] = x[i], lane s, i < 8. x is used up. */
static inline void gl_zmm_store_8(uint64_t *p, __m512i x[8], size_t stride)
{
    gl_zmm_transpose_8(x);
    for (size_t s = 0; s < 8; s++)
        _mm512_storeu_si512(p + s * stride, x[s]);
}

/** The same for i < 4. */
static inline void gl_zmm_store_4(uint64_t *p, __m512i x[4], size_t stride)
{
    gl_zmm_transpose_4(x);
    for (size_t s = 0; s < 4; s++) {
        _mm256_storeu_si256((__m256i *)(p + s * stride), _mm512_castsi512_si256(x[s]));
        _mm256_storeu_si256((__m256i *)(p + (s + 4) * stride), _mm512_extracti64x4_epi64(x[s], 1));
    }
}

#endif
#endif
