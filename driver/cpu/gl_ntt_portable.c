/* The transforms' inner loops in plain C. Between steps words are loose (gl_loose.h). */
#include "driver/cpu/gl_ntt_step.h"
#include "driver/field/gl_loose.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* x[0..R-1] to the transform with the root 2^(192/R), all canonical, log_r at most 3 */
INLINE void transform(gl_t x[8], unsigned log_r)
{
    const gl_t q = UINT64_C(1) << 24, i = UINT64_C(1) << 48, qi = gl_reduce128((gl_u128)1 << 72);
    gl_t a, b, e[4], o[4];

    if (log_r == 1) {
        a = x[0], b = x[1];
        x[0] = gl_add(a, b), x[1] = gl_sub(a, b);
        return;
    }
    if (log_r == 2) {
        e[0] = gl_add(x[0], x[2]), e[1] = gl_sub(x[0], x[2]);
        o[0] = gl_add(x[1], x[3]), o[1] = gl_mul(gl_sub(x[1], x[3]), i);
        x[0] = gl_add(e[0], o[0]), x[2] = gl_sub(e[0], o[0]);
        x[1] = gl_add(e[1], o[1]), x[3] = gl_sub(e[1], o[1]);
        return;
    }
    for (int j = 0; j < 4; j++)
        e[j] = gl_add(x[j], x[j + 4]), o[j] = gl_sub(x[j], x[j + 4]);
    o[1] = gl_mul(o[1], q), o[2] = gl_mul(o[2], i), o[3] = gl_mul(o[3], qi);
    for (int h = 0; h < 2; h++) {
        gl_t *v = h ? o : e;
        gl_t s0 = gl_add(v[0], v[2]), d0 = gl_sub(v[0], v[2]);
        gl_t s1 = gl_add(v[1], v[3]), d1 = gl_mul(gl_sub(v[1], v[3]), i);

        x[h] = gl_add(s0, s1), x[h + 4] = gl_sub(s0, s1);
        x[h + 2] = gl_add(d0, d1), x[h + 6] = gl_sub(d0, d1);
    }
}

INLINE void step(const gl_ntt_step *k, unsigned log_r, gl_ntt_mode mode)
{
    const unsigned r = 1U << log_r;

    for (size_t g = 0; g < k->groups; g++)
        for (size_t i = 0; i < k->run; i++) {
            const uint64_t *src = k->src + g * k->src_group + i * k->src_row;
            uint64_t *dst = k->dst + g * k->dst_group + i * k->dst_row;
            const gl_ntt_tw *tw = k->tw + g * k->tw_group + i * k->tw_row;
            gl_t y[8][GL_NTT_LANES], w[8];

            for (unsigned c = 0; c < r && mode != GL_NTT_PLAIN_RAW; c++)
                w[c] = gl_ntt_factor_value(tw[k->member[c]]);
            for (unsigned l = 0; l < GL_NTT_LANES; l++) {
                gl_t x[8];

                for (unsigned c = 0; c < r; c++) {
                    x[c] = src[k->in[c] + l];
                    if (mode == GL_NTT_PLAIN_RAW || (mode == GL_NTT_SOME && c == 0))
                        x[c] = gl_from_u64(x[c]);
                    else
                        x[c] = gl_mul(x[c], w[c]);
                }
                transform(x, log_r);
                for (unsigned c = 0; c < r; c++)
                    y[c][l] = x[c];
            }
            for (unsigned c = 0; c < r; c++)
                memcpy(dst + k->out[c], y[c], sizeof(y[c]));
        }
}

#define STEP(log_r, name, mode)                                                                    \
    static void step_##log_r##_##name(const gl_ntt_step *k)                                        \
    {                                                                                              \
        step(k, log_r, mode);                                                                      \
    }
#define STEPS(log_r)                                                                               \
    STEP(log_r, plain, GL_NTT_PLAIN_RAW)                                                           \
    STEP(log_r, all, GL_NTT_ALL)                                                                   \
    STEP(log_r, some, GL_NTT_SOME)
STEPS(1)
STEPS(2)
STEPS(3)

static void geometric(gl_ntt_tw *dst, const uint32_t *slots, size_t count, const gl_t start[8],
                      const gl_t by[8])
{
    gl_t v[8];

    memcpy(v, start, sizeof(v));
    for (size_t t = 0; t < count; t++) {
        gl_ntt_tw *to = dst + 8 * (slots ? slots[t] : t);

        for (int l = 0; l < 8; l++) {
            to[l] = gl_ntt_factor(v[l]);
            v[l] = gl_mul(v[l], by[l]);
        }
    }
}

static void transform_signed(gl_t x[8], bool inverse)
{
    gl_t y[8];

    transform(x, 3);
    for (unsigned c = 0; c < 8; c++)
        y[gl_ntt_place(c, 3, inverse)] = x[c];
    memcpy(x, y, sizeof(y));
}

static void lanes_last(const uint64_t *src, uint64_t *dst, size_t stride, size_t groups,
                       const gl_t *base, const gl_t lane[8], bool inverse)
{
    for (size_t g = 0; g < groups; g++)
        for (unsigned row = 0; row < 8; row++) {
            gl_t w = gl_mul(base[g], lane[row]), power = 1, x[8];

            for (unsigned l = 0; l < 8; l++) {
                x[l] = gl_mul(src[64 * g + 8 * row + l], power);
                power = gl_mul(power, w);
            }
            transform_signed(x, inverse);
            for (unsigned k = 0; k < 8; k++)
                if (stride > 0)
                    dst[8 * g + k * stride + row] = x[k];
                else
                    dst[64 * g + 8 * row + gl_ntt_reverse(k, 3)] = x[k];
        }
}

static void lanes_first(uint64_t *data, size_t groups, const gl_t *base, const gl_t lane[8],
                        const gl_t before[8], bool inverse)
{
    for (size_t g = 0; g < groups; g++)
        for (unsigned row = 0; row < 8; row++) {
            gl_t w = gl_mul(base[g], lane[row]), power = 1, x[8];
            uint64_t *at = data + 64 * g + 8 * row;

            for (unsigned l = 0; l < 8; l++)
                x[l] = gl_mul(at[gl_ntt_reverse(l, 3)], before[l]);
            transform_signed(x, inverse);
            for (unsigned k = 0; k < 8; k++) {
                at[k] = gl_mul(x[k], power);
                power = gl_mul(power, w);
            }
        }
}

static void scale(uint64_t *data, size_t rows, const gl_t *factor)
{
    for (size_t i = 0; i < rows; i++)
        for (unsigned l = 0; l < 8; l++)
            data[8 * i + l] = gl_mul(data[8 * i + l], factor[i]);
}

const gl_ntt_ops *gl_ntt_ops_portable(void)
{
#define OPS(log_r)                                                                                 \
    {                                                                                              \
        {step_##log_r##_plain, step_##log_r##_plain}, {step_##log_r##_all, step_##log_r##_all},    \
            {step_##log_r##_all, step_##log_r##_all}, {step_##log_r##_some, step_##log_r##_some},  \
            {step_##log_r##_some, step_##log_r##_some},                                            \
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
