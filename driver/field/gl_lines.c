#include "driver/field/gl_scalar.h"

#define LINES(f) lines_##f
#include "driver/field/gl_lines_impl.h"

#include "driver/field/gl_lines_x86.h"

void gl_line_weight_set(gl_line_weight *out, gl_ext w)
{
    const uint64_t mask = (UINT64_C(1) << LIMB_BITS) - 1;

    for (int c = 0; c < 3; c++) {
        gl_t both[2] = {w.c[c], gl_mul(w.c[c], UINT64_C(1) << 32)};

        for (int k = 0; k < GL_LINE_LIMBS; k++)
            out->limb[c][k] = both[k / 3] >> k % 3 * LIMB_BITS & mask;
    }
}

void gl_line_columns_set(gl_line_columns *out, unsigned column, gl_ext w)
{
    gl_line_weight one;

    gl_line_weight_set(&one, w);
    for (int c = 0; c < 3; c++)
        for (int k = 0; k < GL_LINE_LIMBS; k++)
            out->limb[c][k][column] = one.limb[c][k];
}

/* By level. */
const gl_lines_ops *gl_lines_for(p_isa isa)
{
    static const gl_lines_ops portable = LINES_OPS("portable");

#if GL_LINES_HAVE_X86
    if (isa >= P_ISA_AVX512 && p_isa_supported(P_ISA_AVX512))
        return &gl_lines_avx512;
    if (isa >= P_ISA_AVX2 && p_isa_supported(P_ISA_AVX2))
        return &gl_lines_avx2;
#endif
    (void)isa;
    return &portable;
}
