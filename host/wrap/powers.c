/* Powers of a constant whose exponent is the number in some bits. */
#include "host/wrap/gadgets.h"

#include <assert.h>
#include <stdlib.h>

/* A number of up to so many bits is chosen from its table at once; more bits in two or three pieces
 * whose product is cheaper, its reduction included. */
#define ONE_PIECE 10
#define TWO_PIECES 18
/* Without a reduction a product costs less than a table of more than so many bits. */
#define WIDE_PIECE 4

static uint32_t pieces(uint32_t bits, bool wide)
{
    if (wide)
        return bits <= WIDE_PIECE ? 1 : 2;
    return bits <= ONE_PIECE ? 1 : bits <= TWO_PIECES ? 2 : 3;
}

/* out[m] = (shift * root^i)^(m + 1), i the number in n bits. What is chosen is one of the table's
 * numbers, since the bits are boolean: below p without a check. */
static void choose(r1cs_builder *b, const r1cs_lc *bits, uint32_t n, gl_t shift, gl_t root,
                   uint32_t count, r1cs_gl *out)
{
    bn_fr *table = calloc((size_t)count << n, sizeof(*table));
    r1cs_lc *chosen = calloc(count, sizeof(*chosen));

    if (table && chosen) {
        for (uint32_t m = 0; m < count; m++) {
            gl_t step = gl_pow_var(root, m + 1), x = gl_pow_var(shift, m + 1);

            for (size_t i = 0; i < (size_t)1 << n; i++, x = gl_mul(x, step))
                bn_fr_set_u64(&table[((size_t)m << n) + i], x);
        }
        r1cs_choose_constant(b, bits, n, table, count, chosen);
        for (uint32_t m = 0; m < count; m++)
            out[m] = r1cs_gl_assume(chosen[m], 64);
    } else {
        r1cs_fail(b, P_EEXHAUSTED, "no memory for a table of powers");
        for (uint32_t m = 0; m < count; m++)
            out[m] = r1cs_gl_constant(b, 0);
    }
    free(table);
    free(chosen);
}

void wrap_powers(r1cs_builder *b, const r1cs_lc *bits, uint32_t n, gl_t shift, gl_t root, bool wide,
                 uint32_t count, r1cs_gl *out)
{
    uint32_t parts = pieces(n, wide), each = n / parts, first = n - each * (parts - 1);
    r1cs_gl factor[WRAP_MAX_POWERS];

    assert(n <= STARK_MAX_DOMAIN_LOG2 && count > 0 && count <= WRAP_MAX_POWERS);
    choose(b, bits, first, shift, root, count, out);
    for (; first < n; first += each) {
        choose(b, bits + first, each, 1, gl_pow_var(root, UINT64_C(1) << first), count, factor);
        for (uint32_t m = 0; m < count; m++)
            out[m] = r1cs_gl_mul(b, out[m], factor[m]);
    }
    if (!wide)
        for (uint32_t m = 0; m < count; m++)
            out[m] = r1cs_gl_reduce(b, out[m]);
}
