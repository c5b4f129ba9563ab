#include "host/stark/prover.h"

void point_inverse_set(point_inverse *out, gl_ext z)
{
    gl_ext z1 = gl_ext_frobenius(z), z2 = gl_ext_frobenius(z1);
    gl_ext sum = gl_ext_add(z1, z2), product = gl_ext_mul(z1, z2);

    out->linear = gl_ext_neg(sum);
    out->constant = product;
    /* the elementary symmetric functions of the three conjugates: they lie in F */
    out->norm[2] = gl_neg(gl_ext_add(sum, z).c[0]);
    out->norm[1] = gl_ext_add(product, gl_ext_mul(z, sum)).c[0];
    out->norm[0] = gl_neg(gl_ext_mul(z, product).c[0]);
}

void point_inverses(const point_inverse *z, gl_t first, gl_t step, size_t count, gl_ext *out)
{
    gl_t points[POINTS_MAX], norms[POINTS_MAX], run = 1;

    for (size_t i = 0; i < count; i++) {
        gl_t x = first;

        points[i] = x;
        norms[i] =
            gl_add(gl_mul(gl_add(gl_mul(gl_add(x, z->norm[2]), x), z->norm[1]), x), z->norm[0]);
        out[i].c[0] = run; /* the product of the norms before */
        run = gl_mul(run, norms[i]);
        first = gl_mul(first, step);
    }
    run = gl_inv(run); /* the norm of x - z, which is not 0 */
    for (size_t i = count; i-- > 0;) {
        gl_t inverse = gl_mul(out[i].c[0], run), x = points[i];
        gl_ext e = gl_ext_add(gl_ext_scale(z->linear, x), z->constant);

        run = gl_mul(run, norms[i]);
        e.c[0] = gl_add(e.c[0], gl_sqr(x));
        out[i] = gl_ext_scale(e, inverse);
    }
}
