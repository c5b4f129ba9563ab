/* The transforms' inner loops: gl_ntt_portable.c, gl_ntt_avx2.c and gl_ntt_avx512.c include this
 * after GL_NTT_OPS, the name of their gl_ntt_ops function, and driver/field/gl_vec.h. Between steps
 * words are pairs of digits (gl_vec.h). A row is one vector or several. */
#include "driver/cpu/gl_ntt_step.h"

GLV_INLINE glv_split multiplied(glv x, const gl_ntt_tw *tw)
{
    return glv_mul_factor(x, glv_factor_at(tw));
}

GLV_INLINE void step(const gl_ntt_step *k, unsigned log_r, gl_ntt_mode mode, bool canonical)
{
    const unsigned r = 1U << log_r;
    const bool raw = mode == GL_NTT_PLAIN_RAW || mode == GL_NTT_ALL_RAW;
    const bool all = mode == GL_NTT_ALL_RAW || mode == GL_NTT_ALL;
    const bool some = mode == GL_NTT_SOME || mode == GL_NTT_SOME_STREAM;
    /* Added to x[0], so to every output. Digits of x[0] that are not multiplied are taken as
     * unsigned halves with both offsets already in; outputs that will be digits want them. */
    const uint64_t want = canonical ? 0 : GLV_DIGITS_OFFSET;
    const uint64_t have = some ? GLV_DIGITS_OFFSET : 0;
    /* the constant that every multiplied member brings; x[0] brings it, too, so that it cancels in
     * all outputs but number 0, where it stands r times */
    const uint64_t sign = mode == GL_NTT_PLAIN_RAW ? 0 : GLV_SIGN_OFFSET, own = all ? 0 : sign;

    for (size_t g = 0; g < k->groups; g++) {
        const uint64_t *src = k->src + g * k->src_group;
        uint64_t *dst = k->dst + g * k->dst_group;
        const gl_ntt_tw *tw = k->tw + g * k->tw_group;

        for (size_t i = 0; i < k->run; i++) {
            if (!some)
#pragma GCC unroll 8
                for (unsigned c = 0; c < r; c++)
                    __builtin_prefetch(src + k->in[c] + k->ahead, 0, 0);
            for (unsigned half = 0; half < GL_NTT_LANES; half += GLV_LANES) {
                glv_split x[8];

#pragma GCC unroll 8
                for (unsigned c = 0; c < r; c++) {
                    glv word = glv_load(src + k->in[c] + half);

                    if (mode == GL_NTT_PLAIN_RAW)
                        x[c] = glv_word_split(word);
                    else if (c == 0 && !all)
                        x[c] = glv_word_split(glv_word_flip(word));
                    else
                        x[c] = multiplied(raw ? glv_word_to_digits(word) : word, tw + k->member[c]);
                }
                x[0] = glv_split_plus(x[0], GLV_BIAS_A + want - have - own,
                                      GLV_BIAS_B + want - have + own);
                if (log_r == 1)
                    glv_transform2(x);
                else if (log_r == 2)
                    glv_transform4(x);
                else
                    glv_transform8(x);
                if (sign)
                    x[0] = glv_split_plus(x[0], r * sign, -(r * sign));
#pragma GCC unroll 8
                for (unsigned c = 0; c < r; c++) {
                    glv word = glv_split_word(x[c]);

                    word = canonical ? glv_canonical(word) : glv_word_flip(word);
                    if (mode == GL_NTT_SOME_STREAM)
                        glv_stream(dst + k->out[c] + half, word);
                    else
                        glv_store(dst + k->out[c] + half, word);
                }
            }
            src += k->src_row;
            dst += k->dst_row;
            tw += k->tw_row;
        }
    }
    if (mode == GL_NTT_SOME_STREAM)
        glv_fence();
}

#define STEP(log_r, name, mode)                                                                    \
    static void step_##log_r##_##name##_between(const gl_ntt_step *k)                              \
    {                                                                                              \
        step(k, log_r, mode, false);                                                               \
    }                                                                                              \
    static void step_##log_r##_##name##_last(const gl_ntt_step *k)                                 \
    {                                                                                              \
        step(k, log_r, mode, true);                                                                \
    }
#define STEPS(log_r)                                                                               \
    STEP(log_r, plain, GL_NTT_PLAIN_RAW)                                                           \
    STEP(log_r, all_raw, GL_NTT_ALL_RAW)                                                           \
    STEP(log_r, all, GL_NTT_ALL)                                                                   \
    STEP(log_r, some, GL_NTT_SOME)                                                                 \
    STEP(log_r, stream, GL_NTT_SOME_STREAM)
STEPS(1)
STEPS(2)
STEPS(3)

#define CHAINS 4 /* independent products in flight */

static void geometric(gl_ntt_tw *dst, const uint32_t *slots, size_t count, const gl_t start[8],
                      const gl_t by[8])
{
    for (unsigned half = 0; half < GL_NTT_LANES; half += GLV_LANES) {
        glv ratio = glv_load(by + half), v[CHAINS], jump = ratio;

        v[0] = glv_load(start + half);
        for (unsigned i = 1; i < CHAINS; i++) {
            v[i] = glv_mul(v[i - 1], ratio);
            jump = glv_mul(jump, ratio);
        }
        for (size_t t = 0; t < count; t += CHAINS)
#pragma GCC unroll 4
            for (unsigned i = 0; i < CHAINS; i++) {
                glv w = glv_canonical(v[i]);

                v[i] = glv_mul(v[i], jump);
                if (t + i < count)
                    glv_store_pairs(&dst[8 * (slots ? slots[t + i] : t + i) + half].w,
                                    glv_to_digits(w), glv_to_digits(glv_times_f(w)));
            }
    }
}

/* Words (any) to the transform of eight, canonical, natural order. */
GLV_INLINE void transform_words(glv x[8], bool inverse)
{
    glv_split s[8];

#pragma GCC unroll 8
    for (unsigned c = 0; c < 8; c++)
        s[c] = glv_word_split(x[c]);
    s[0] = glv_split_plus(s[0], GLV_BIAS_A, GLV_BIAS_B);
    glv_transform8(s);
#pragma GCC unroll 8
    for (unsigned c = 0; c < 8; c++)
        x[gl_ntt_place(c, 3, inverse)] = glv_canonical(glv_split_word(s[c]));
}

/* x[l] times w^l, words */
GLV_INLINE void times_powers(glv x[8], glv w)
{
    glv w2 = glv_mul(w, w), w3 = glv_mul(w2, w), w4 = glv_mul(w2, w2);

    x[1] = glv_mul(x[1], w);
    x[2] = glv_mul(x[2], w2);
    x[3] = glv_mul(x[3], w3);
    x[4] = glv_mul(x[4], w4);
    x[5] = glv_mul(x[5], glv_mul(w4, w));
    x[6] = glv_mul(x[6], glv_mul(w3, w3));
    x[7] = glv_mul(x[7], glv_mul(w4, w3));
}

GLV_INLINE void exchange(glv x[8], int i, int j)
{
    glv t = x[i];

    x[i] = x[j];
    x[j] = t;
}

#define FAR ((size_t)1 << 17) /* columns of 8 MiB do not stay in the caches */

/* bit-reversed places of eight */
GLV_INLINE void reverse8(glv x[8])
{
    exchange(x, 1, 4);
    exchange(x, 3, 6);
}

GLV_INLINE void lanes_last_signed(const uint64_t *src, uint64_t *dst, size_t stride, size_t groups,
                                  const gl_t *base, const gl_t lane[8], bool inverse)
{
    const bool stream = stride >= FAR;

    for (size_t g = 0; g < groups; g++)
        for (unsigned half = 0; half < GL_NTT_LANES; half += GLV_LANES) {
            glv x[8];

            glv_load_rows(x, src + 64 * g + 8 * half);
            times_powers(x, glv_mul(glv_set1(base[g]), glv_load(lane + half)));
            transform_words(x, inverse);
            if (stride > 0) {
#pragma GCC unroll 8
                for (unsigned k = 0; k < 8; k++)
                    if (stream)
                        glv_stream(dst + 8 * g + k * stride + half, x[k]);
                    else
                        glv_store(dst + 8 * g + k * stride + half, x[k]);
            } else {
                reverse8(x);
                glv_store_rows(dst + 64 * g + 8 * half, x);
            }
        }
    if (stream)
        glv_fence();
}

static void lanes_last(const uint64_t *src, uint64_t *dst, size_t stride, size_t groups,
                       const gl_t *base, const gl_t lane[8], bool inverse)
{
    if (inverse)
        lanes_last_signed(src, dst, stride, groups, base, lane, true);
    else
        lanes_last_signed(src, dst, stride, groups, base, lane, false);
}

GLV_INLINE void lanes_first_signed(uint64_t *data, size_t groups, const gl_t *base,
                                   const gl_t lane[8], const gl_t before[8], bool inverse)
{
    for (size_t g = 0; g < groups; g++)
        for (unsigned half = 0; half < GL_NTT_LANES; half += GLV_LANES) {
            uint64_t *at = data + 64 * g + 8 * half;
            glv x[8];

            glv_load_rows(x, at);
            reverse8(x);
            if (before[1] != 1)
#pragma GCC unroll 8
                for (unsigned l = 1; l < 8; l++)
                    x[l] = glv_mul(x[l], glv_set1(before[l]));
            transform_words(x, inverse);
            times_powers(x, glv_mul(glv_set1(base[g]), glv_load(lane + half)));
#pragma GCC unroll 8
            for (unsigned k = 1; k < 8; k++)
                x[k] = glv_canonical(x[k]);
            glv_store_rows(at, x);
        }
}

static void lanes_first(uint64_t *data, size_t groups, const gl_t *base, const gl_t lane[8],
                        const gl_t before[8], bool inverse)
{
    if (inverse)
        lanes_first_signed(data, groups, base, lane, before, true);
    else
        lanes_first_signed(data, groups, base, lane, before, false);
}

static void scale(uint64_t *data, size_t rows, const gl_t *factor)
{
    for (size_t i = 0; i < rows; i++)
        for (unsigned half = 0; half < GL_NTT_LANES; half += GLV_LANES) {
            uint64_t *at = data + 8 * i + half;

            glv_store(at, glv_canonical(glv_mul(glv_load(at), glv_set1(factor[i]))));
        }
}

const gl_ntt_ops *GL_NTT_OPS(void)
{
#define BOTH(log_r, name)                                                                          \
    {                                                                                              \
        step_##log_r##_##name##_between, step_##log_r##_##name##_last                              \
    }
#define OPS(log_r)                                                                                 \
    {                                                                                              \
        BOTH(log_r, plain), BOTH(log_r, all_raw), BOTH(log_r, all), BOTH(log_r, some),             \
            BOTH(log_r, stream),                                                                   \
    }
    static const gl_ntt_ops ops = {
        .step = {OPS(1), OPS(2), OPS(3)},
        .geometric = geometric,
        .lanes_last = lanes_last,
        .lanes_first = lanes_first,
        .scale = scale,
    };
    return &ops;
}
