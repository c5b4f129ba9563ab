/* Sums over lines against the same sums one product after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/field/gl_lines.h"
#include "tests/unit/field/random.h"

static uint64_t seed = 1;

static const uint64_t EDGES[] = {
    0, 1, GL_P - 1, GL_P, GL_P + 1, UINT64_MAX, GL_EPSILON, UINT64_C(1) << 32, UINT64_C(1) << 63};

/* All words the same edge, or random ones with edges in between. */
static uint64_t word(int kind, uint64_t i)
{
    const size_t n = sizeof EDGES / sizeof EDGES[0];

    if (kind < (int)n)
        return EDGES[kind];
    return i % 5 == 0 ? EDGES[i / 5 % n] : test_random(&seed);
}

static gl_ext weight(int kind, uint64_t i)
{
    return (gl_ext){{gl_from_u64(word(kind, i)), gl_from_u64(word(kind, i + 1)),
                     gl_from_u64(word(kind, i + 2))}};
}

static void sum_over(const gl_lines_ops *ops, int kind, size_t stride, size_t count)
{
    uint64_t *lines = malloc((count * stride + 8) * sizeof *lines);
    gl_ext *w = malloc((count + 1) * sizeof *w), out[GL_LINE], expected[GL_LINE];
    gl_line_weight *prepared = malloc((count + 1) * sizeof *prepared);

    assert_true(lines && w && prepared);
    for (size_t i = 0; i < count * stride + 8; i++)
        lines[i] = word(kind, i);
    for (size_t i = 0; i < count; i++) {
        w[i] = weight(kind, i);
        gl_line_weight_set(&prepared[i], w[i]);
    }
    for (unsigned l = 0; l < GL_LINE; l++) {
        out[l] = expected[l] = weight(kind, l);
        for (size_t i = 0; i < count; i++)
            expected[l] =
                gl_ext_add(expected[l], gl_ext_scale(w[i], gl_from_u64(lines[i * stride + l])));
    }
    ops->sum(out, lines, stride, prepared, count);
    assert_memory_equal(out, expected, sizeof out);
    free(lines);
    free(w);
    free(prepared);
}

static void dot_over(const gl_lines_ops *ops, int kind, size_t blocks, size_t count)
{
    size_t block_words = count * GL_LINE + 24;
    uint64_t *lines = malloc((blocks + 1) * block_words * sizeof *lines);
    gl_ext *w = malloc((blocks + 1) * GL_LINE * sizeof *w);
    gl_ext *out = malloc((count + 1) * sizeof *out), *expected = malloc((count + 1) * sizeof *out);
    gl_line_columns *prepared = malloc((blocks + 1) * sizeof *prepared);

    assert_true(lines && w && prepared && out && expected);
    for (size_t i = 0; i < blocks * block_words; i++)
        lines[i] = word(kind, i);
    for (size_t i = 0; i < blocks * GL_LINE; i++) {
        w[i] = weight(kind, i);
        gl_line_columns_set(&prepared[i / GL_LINE], i % GL_LINE, w[i]);
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = expected[i] = weight(kind, i);
        for (size_t j = 0; j < blocks * GL_LINE; j++) {
            uint64_t x = lines[j / GL_LINE * block_words + i * GL_LINE + j % GL_LINE];

            expected[i] = gl_ext_add(expected[i], gl_ext_scale(w[j], gl_from_u64(x)));
        }
    }
    out[count] = expected[count] = gl_ext_from_base(7); /* and nothing behind is touched */
    ops->dot(out, lines, block_words, prepared, blocks, count);
    assert_memory_equal(out, expected, (count + 1) * sizeof *out);
    free(lines);
    free(w);
    free(prepared);
    free(out);
    free(expected);
}

/* Every implementation, lengths around the vectors' and the largest sums' (504 products). */
static void sums(void **state)
{
    static const size_t COUNTS[] = {0, 1, 2, 7, 8, 9, 503, 504, 505, 1009};
    static const size_t BLOCKS[] = {0, 1, 2, 13, 62, 63, 64, 127};

    (void)state;
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
        const gl_lines_ops *ops = gl_lines_for(isa);

        for (int kind = 0; kind <= (int)(sizeof EDGES / sizeof EDGES[0]); kind++) {
            for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
                sum_over(ops, kind, GL_LINE << i % 3, COUNTS[i]);
                dot_over(ops, kind, 1 + i % 3, COUNTS[i] % 100);
            }
            for (size_t i = 0; i < sizeof BLOCKS / sizeof BLOCKS[0]; i++)
                dot_over(ops, kind, BLOCKS[i], 9 + i);
        }
    }
}

static void levels(void **state)
{
    (void)state;
    assert_string_equal(gl_lines_for(P_ISA_PORTABLE)->isa, "portable");
    for (p_isa isa = P_ISA_AVX2; isa <= P_ISA_AVX512; isa++)
        if (p_isa_supported(isa))
            assert_string_equal(gl_lines_for(isa)->isa, p_isa_name(isa));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
