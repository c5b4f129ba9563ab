/* Eight states at a time with AVX-512 F and DQ, for processors without IFMA. */
#if defined(__x86_64__)

#include "driver/field/gl_poseidon_zmm.h"
#include "driver/field/goldilocks.h"

#define LANES 8
#define IDLE_LANES_FROM 2
#define NAME(f) gl_poseidon_##f##_avx512
#define SHARED static inline __attribute__((always_inline))

typedef unsigned long long vec __attribute__((vector_size(64)));

SHARED vec set1(uint64_t x)
{
    return (vec)_mm512_set1_epi64((long long)x);
}

SHARED vec mul32(vec a, vec b)
{
    return (vec)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}

SHARED vec add_if_less(vec x, vec a, vec b)
{
    return (vec)_mm512_mask_add_epi64((__m512i)x, _mm512_cmplt_epu64_mask((__m512i)a, (__m512i)b),
                                      (__m512i)x, _mm512_set1_epi64((long long)GL_EPSILON));
}

SHARED vec sub_if_less(vec x, vec a, vec b)
{
    return (vec)_mm512_mask_sub_epi64((__m512i)x, _mm512_cmplt_epu64_mask((__m512i)a, (__m512i)b),
                                      (__m512i)x, _mm512_set1_epi64((long long)GL_EPSILON));
}

/* x - p wraps around where x < p */
SHARED vec canonical(vec x)
{
    return (vec)_mm512_min_epu64((__m512i)x, (__m512i)(x - set1(GL_P)));
}

SHARED void load_8(vec x[8], const uint64_t *p, size_t stride)
{
    gl_zmm_load_8((__m512i *)x, p, stride);
}

SHARED void load_4(vec x[4], const uint64_t *p, size_t stride)
{
    gl_zmm_load_4((__m512i *)x, p, stride);
}

SHARED void store_8(uint64_t *p, vec x[8], size_t stride)
{
    gl_zmm_store_8(p, (__m512i *)x, stride);
}

SHARED void store_4(uint64_t *p, vec x[4], size_t stride)
{
    gl_zmm_store_4(p, (__m512i *)x, stride);
}

#include "driver/field/gl_poseidon_vec.h"

#endif
