/* Elements of F and K beyond what host/r1cs/bounded.h has. */
#include "host/wrap/gadgets.h"

/* The canonical residue of the wire is the wire: then it is below p, and the bound that the residue
 * was made under holds. */
r1cs_gl wrap_canonical(r1cs_builder *b, r1cs_lc wire)
{
    r1cs_gl word = r1cs_gl_canonical(b, r1cs_gl_assume(wire, 64), NULL);

    r1cs_equal(b, word.lc, wire);
    return word;
}

r1cs_ext wrap_ext_shift(r1cs_builder *b, r1cs_ext x, uint32_t k)
{
    for (; k > 0; k--) /* X (c0 + c1 X + c2 X^2) = c2 + (c0 + c2) X + c1 X^2 */
        x = (r1cs_ext){{x.c[2], r1cs_gl_add(b, x.c[0], x.c[2]), x.c[1]}};
    return x;
}

void wrap_ext_powers(r1cs_builder *b, r1cs_ext base, uint32_t count, r1cs_ext *out)
{
    for (uint32_t i = 0; i < count; i++)
        if (i == 0)
            out[i] = r1cs_ext_constant(b, gl_ext_from_base(1));
        else if (i == 1)
            out[i] = r1cs_ext_reduce(b, base);
        else
            out[i] = r1cs_ext_reduce(b, r1cs_ext_mul(b, out[i / 2], out[i - i / 2]));
}
