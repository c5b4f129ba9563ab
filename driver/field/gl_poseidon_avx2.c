/* Four states at a time, one in each lane. Between the steps an element is a loose 64-bit word
 * (any word that stands for its residue); the linear layer takes its 32-bit halves apart, and
 * elements that wait during partial rounds stay apart for three rounds: 32 + 3 * 8.05 bits. */
#include "driver/field/gl_poseidon_x86.h"

#if GL_POSEIDON_HAVE_X86

#include "driver/field/gl_poseidon_constants.h"
#include "driver/field/gl_poseidon_linear.h"

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) TARGET

#define WIDTH GL_POSEIDON_WIDTH
#define LANES 4

typedef unsigned long long v4 __attribute__((vector_size(32)));

GL_POSEIDON_DEFINE_LINEAR(linear_half, v4, __attribute__((always_inline)) TARGET)

INLINE v4 set1(uint64_t x)
{
    return (v4)_mm256_set1_epi64x((long long)x);
}

/* product of the low 32 bits */
INLINE v4 mul32(v4 a, v4 b)
{
    return (v4)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}

/* GL_EPSILON where a < b, else 0; AVX2 compares signed words only */
INLINE v4 epsilon_if_less(v4 a, v4 b)
{
    const v4 sign = set1(UINT64_C(1) << 63);

    return (v4)_mm256_cmpgt_epi64((__m256i)(b ^ sign), (__m256i)(a ^ sign)) >> 32;
}

/* hi * 2^64 + lo to a loose word, as in gl_reduce128 */
INLINE v4 reduce(v4 lo, v4 hi)
{
    v4 top = hi >> 32, t = lo - top, m = mul32(hi, set1(GL_EPSILON)), s;

    t -= epsilon_if_less(lo, top);
    s = t + m;
    return s + epsilon_if_less(s, m);
}

INLINE v4 multiply(v4 a, v4 b)
{
    const v4 mask = set1(GL_EPSILON);
    v4 a_hi = a >> 32, b_hi = b >> 32;
    v4 low = mul32(a, b), left = mul32(a_hi, b), right = mul32(a, b_hi), high = mul32(a_hi, b_hi);
    v4 t = left + (low >> 32), u = right + (t & mask);

    return reduce((low & mask) | u << 32, high + (t >> 32) + (u >> 32));
}

INLINE v4 sbox(v4 x)
{
    v4 x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);

    return multiply(x3, x4);
}

/* lo + 2^32 * hi to a loose word, both below 2^63 */
INLINE v4 join(v4 lo, v4 hi)
{
    v4 sum = hi + (lo >> 32), top = sum >> 32, fold = (top << 32) - top;
    v4 s = ((lo & set1(GL_EPSILON)) | sum << 32) + fold;

    return s + epsilon_if_less(s, fold);
}

INLINE void split(v4 *lo, v4 *hi, v4 x)
{
    *lo = x & set1(GL_EPSILON);
    *hi = x >> 32;
}

INLINE v4 join_constant(v4 lo, v4 hi, gl_t c)
{
    return join(lo + set1(c & GL_EPSILON), hi + set1(c >> 32));
}

static TARGET void full_round(v4 x[WIDTH], const gl_t next[WIDTH])
{
    v4 lo[WIDTH], hi[WIDTH];

    for (int i = 0; i < WIDTH; i++)
        split(&lo[i], &hi[i], sbox(x[i]));
    linear_half(lo);
    linear_half(hi);
    for (int i = 0; i < WIDTH; i++)
        x[i] = join_constant(lo[i], hi[i], next[i]);
}

static TARGET void partial_rounds(v4 x[WIDTH], const gl_t after[WIDTH])
{
    v4 lo[WIDTH], hi[WIDTH];

    for (int i = 0; i < WIDTH; i++)
        split(&lo[i], &hi[i], x[i]);
    for (int r = 0; r < GL_POSEIDON_PARTIAL_ROUNDS; r++) {
        split(&lo[0], &hi[0], sbox(join_constant(lo[0], hi[0], GL_POSEIDON_FIRST[r])));
        linear_half(lo);
        linear_half(hi);
        if (r % 3 == 2)
            for (int i = 1; i < WIDTH; i++)
                split(&lo[i], &hi[i], join(lo[i], hi[i]));
    }
    for (int i = 0; i < WIDTH; i++)
        x[i] = join_constant(lo[i], hi[i], after[i]);
}

/* rows and columns of four words exchanged */
INLINE void transpose(v4 r[4])
{
    __m256i a = _mm256_unpacklo_epi64((__m256i)r[0], (__m256i)r[1]);
    __m256i b = _mm256_unpackhi_epi64((__m256i)r[0], (__m256i)r[1]);
    __m256i c = _mm256_unpacklo_epi64((__m256i)r[2], (__m256i)r[3]);
    __m256i d = _mm256_unpackhi_epi64((__m256i)r[2], (__m256i)r[3]);

    r[0] = (v4)_mm256_permute2x128_si256(a, c, 0x20);
    r[1] = (v4)_mm256_permute2x128_si256(b, d, 0x20);
    r[2] = (v4)_mm256_permute2x128_si256(a, c, 0x31);
    r[3] = (v4)_mm256_permute2x128_si256(b, d, 0x31);
}

static TARGET void permute_4(gl_t *states)
{
    static const gl_t none[WIDTH] = {0};
    v4 x[WIDTH];

    for (int k = 0; k < WIDTH; k += 4) {
        for (int s = 0; s < LANES; s++)
            x[k + s] = (v4)_mm256_loadu_si256((const __m256i *)(states + s * WIDTH + k));
        transpose(x + k);
    }
    for (int i = 0; i < WIDTH; i++) {
        v4 lo, hi;

        split(&lo, &hi, x[i]);
        x[i] = join_constant(lo, hi, GL_POSEIDON_FULL[0][i]);
    }
    for (int r = 1; r <= 4; r++)
        full_round(x, r < 4 ? GL_POSEIDON_FULL[r] : none);
    partial_rounds(x, GL_POSEIDON_FULL[4]);
    for (int r = 5; r <= 8; r++)
        full_round(x, r < 8 ? GL_POSEIDON_FULL[r] : none);
    for (int i = 0; i < WIDTH; i++) /* x >= p: adding GL_EPSILON takes p away */
        x[i] += ~(v4)_mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)(GL_P ^ UINT64_C(1) << 63)),
                                        (__m256i)(x[i] ^ set1(UINT64_C(1) << 63))) >>
                32;
    for (int k = 0; k < WIDTH; k += 4) {
        transpose(x + k);
        for (int s = 0; s < LANES; s++)
            _mm256_storeu_si256((__m256i *)(states + s * WIDTH + k), (__m256i)x[k + s]);
    }
}

void gl_poseidon_permute_many_avx2(gl_t *states, size_t count)
{
    for (; count >= LANES; count -= LANES, states += LANES * WIDTH)
        permute_4(states);
    if (count >= 2) { /* faster with idle lanes than one after the other */
        gl_t batch[LANES * WIDTH] = {0};

        memcpy(batch, states, count * WIDTH * sizeof(gl_t));
        permute_4(batch);
        memcpy(states, batch, count * WIDTH * sizeof(gl_t));
    } else if (count == 1) {
        gl_poseidon_permute_portable(states);
    }
}

#endif
