/* Private to driver/field: gl_lines.h on vectors. A file includes gl_scalar.h, gl_avx2.h or
 * gl_avx512.h before this, and gets LINES(sum) and LINES(dot).
 *
 * x w with x = x0 + x1 F, F = 2^32, is x0 w + x1 (F w), and w and F w are canonical numbers in
 * three limbs of 22 bits: sums S_k, k < 3, of products x0 w_k and x1 (F w)_k, each below 2^54.
 * LINES_MAX such pairs of products stay below 2^64: 504 * 2^55 < 2^64. */
#include "driver/field/gl_lines.h"
#include "driver/field/gl_vec.h"

#define LIMB_BITS 22
#define LINES_MAX 504
#define PARTS 9 /* three sums for each of K's three parts */

/* S_0 + 2^22 S_1 + 2^44 S_2 for any words, canonical. */
GLV_INLINE glv LINES(value)(glv s0, glv s1, glv s2)
{
    const glv epsilon = glv_set1(GL_EPSILON);
    glv low, high, t;

    /* 2^22 S_1 = low + 2^64 high, high < 2^22: high (2^32 - 1) < 2^54 */
    low = glv_left(s1, LIMB_BITS);
    t = glv_mul_low(glv_right(s1, 64 - LIMB_BITS), epsilon);
    low = glv_plus(low, t);
    low = glv_plus_epsilon_if(low, low, t); /* a carry leaves low < 2^54 */
    t = glv_canonical(s0);
    s0 = glv_plus(low, t);
    /* loose + canonical: after a carry at most 2^64 - 2^32 - 1 */
    s0 = glv_plus_epsilon_if(s0, s0, t);
    /* 2^44 S_2 = low + 2^64 h0 + 2^96 h1, h0 < 2^32, h1 < 2^12, 2^96 = -1 */
    low = glv_left(s2, 2 * LIMB_BITS);
    high = glv_right(s2, 64 - 2 * LIMB_BITS);
    t = glv_mul_low(high, epsilon);
    low = glv_plus(low, t);
    low = glv_plus_epsilon_if(low, low, t); /* t < 2^64 - 2^33 + 2: carries once */
    high = glv_right(high, 32);
    t = glv_minus(low, high);
    t = glv_canonical(glv_minus_epsilon_if(t, low, high));
    s0 = glv_plus(s0, t);
    return glv_canonical(glv_plus_epsilon_if(s0, s0, t));
}

/* One line's vector against limbs at w (stride words apart). */
#define LINES_STEP(S, X0, X1, LIMB)                                                                \
    for (int c = 0; c < 3; c++)                                                                    \
        for (int k = 0; k < 3; k++) {                                                              \
            (S)[3 * c + k] = glv_plus((S)[3 * c + k], glv_mul_low((X0), LIMB(c, k)));              \
            (S)[3 * c + k] = glv_plus((S)[3 * c + k], glv_mul_low((X1), LIMB(c, k + 3)));          \
        }

static void LINES(sum)(gl_ext out[GL_LINE], const uint64_t *lines, size_t stride,
                       const gl_line_weight *weights, size_t count)
{
    while (count > 0) {
        size_t now = count < LINES_MAX ? count : LINES_MAX;

        for (int part = 0; part < GL_LINE; part += GLV_LANES) {
            const uint64_t *line = lines + part;
            glv s[PARTS];

            for (int j = 0; j < PARTS; j++)
                s[j] = glv_set1(0);
            for (size_t i = 0; i < now; i++, line += stride) {
                const gl_line_weight *w = weights + i;
                glv x = glv_load(line), x1 = glv_right(x, 32);

#define ROW_LIMB(c, k) glv_set1(w->limb[c][k])
                LINES_STEP(s, x, x1, ROW_LIMB)
#undef ROW_LIMB
            }
            for (int c = 0; c < 3; c++) {
                uint64_t v[GLV_LANES];

                glv_store(v, LINES(value)(s[3 * c], s[3 * c + 1], s[3 * c + 2]));
                for (int l = 0; l < GLV_LANES; l++)
                    out[part + l].c[c] = gl_add(out[part + l].c[c], v[l]);
            }
        }
        lines += now * stride;
        weights += now;
        count -= now;
    }
}

/* The sums of one row over all lanes' columns, lane by lane: s[PARTS] vectors. */
GLV_INLINE void LINES(row)(glv s[PARTS], const uint64_t *lines, size_t block_words,
                           const gl_line_columns *weights, size_t blocks)
{
    for (int j = 0; j < PARTS; j++)
        s[j] = glv_set1(0);
    for (size_t b = 0; b < blocks; b++, lines += block_words)
        for (int part = 0; part < GL_LINE; part += GLV_LANES) {
            const gl_line_columns *w = weights + b;
            glv x = glv_load(lines + part), x1 = glv_right(x, 32);

#define COLUMN_LIMB(c, k) glv_load(w->limb[c][k] + part)
            LINES_STEP(s, x, x1, COLUMN_LIMB)
#undef COLUMN_LIMB
        }
}

#if GLV_LANES == 8
/* Two rows at once: a limb that was loaded serves both. */
GLV_INLINE void LINES(row2)(glv s[PARTS], glv t[PARTS], const uint64_t *lines, size_t block_words,
                            const gl_line_columns *weights, size_t blocks)
{
    for (int j = 0; j < PARTS; j++)
        s[j] = t[j] = glv_set1(0);
    for (size_t b = 0; b < blocks; b++, lines += block_words) {
        const gl_line_columns *w = weights + b;
        glv x = glv_load(lines), x1 = glv_right(x, 32);
        glv y = glv_load(lines + GL_LINE), y1 = glv_right(y, 32);

        for (int c = 0; c < 3; c++)
            for (int k = 0; k < 3; k++) {
                glv low = glv_load(w->limb[c][k]), high = glv_load(w->limb[c][k + 3]);
                int j = 3 * c + k;

                s[j] = glv_plus(s[j], glv_mul_low(x, low));
                t[j] = glv_plus(t[j], glv_mul_low(y, low));
                s[j] = glv_plus(s[j], glv_mul_low(x1, high));
                t[j] = glv_plus(t[j], glv_mul_low(y1, high));
            }
    }
}
#endif

/* Rows are taken GLV_LANES at a time; their sums, a line each, are added across by a transposing
 * load. A chunk of blocks has at most LINES_MAX columns, so that these sums fit as well. */
static void LINES(dot)(gl_ext *out, const uint64_t *lines, size_t block_words,
                       const gl_line_columns *weights, size_t blocks, size_t count)
{
    const size_t most = LINES_MAX / GL_LINE;

    for (size_t first = 0; first < blocks; first += most) {
        size_t n = blocks - first < most ? blocks - first : most;
        const gl_line_columns *w = weights + first;
        const uint64_t *from = lines + first * block_words;

        for (size_t i = 0; i < count; i += GLV_LANES) {
            size_t rows = count - i < GLV_LANES ? count - i : GLV_LANES;
            uint64_t sums[PARTS][GLV_LANES][GL_LINE];
            glv total[PARTS];

            for (size_t r = 0; r < rows; r++) {
                const uint64_t *row = from + (i + r) * GL_LINE;
                glv s[PARTS];

#if GLV_LANES == 8
                if (r + 1 < rows) {
                    glv t[PARTS];

                    LINES(row2)(s, t, row, block_words, w, n);
                    for (int j = 0; j < PARTS; j++) {
                        glv_store(sums[j][r], s[j]);
                        glv_store(sums[j][r + 1], t[j]);
                    }
                    r++;
                    continue;
                }
#endif
                LINES(row)(s, row, block_words, w, n);
                for (int j = 0; j < PARTS; j++) {
                    glv_store(sums[j][r], s[j]);
                    for (int part = GLV_LANES; part < GL_LINE; part += GLV_LANES)
                        glv_store(sums[j][r] + part, glv_set1(0));
                }
            }
            for (size_t r = rows; r < GLV_LANES; r++)
                for (int j = 0; j < PARTS; j++)
                    memset(sums[j][r], 0, sizeof sums[j][r]);
            for (int j = 0; j < PARTS; j++) {
                glv x[GL_LINE];

                glv_load_rows(x, sums[j][0]);
                total[j] = x[0];
                for (int l = 1; l < GL_LINE; l++)
                    total[j] = glv_plus(total[j], x[l]);
            }
            for (int c = 0; c < 3; c++) {
                uint64_t v[GLV_LANES];

                glv_store(v, LINES(value)(total[3 * c], total[3 * c + 1], total[3 * c + 2]));
                for (size_t r = 0; r < rows; r++)
                    out[i + r].c[c] = gl_add(out[i + r].c[c], v[r]);
            }
        }
    }
}

#define LINES_OPS(name)                                                                            \
    {                                                                                              \
        .isa = (name), .sum = LINES(sum), .dot = LINES(dot)                                        \
    }
