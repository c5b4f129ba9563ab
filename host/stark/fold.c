#include "host/stark/fri.h"

#include "host/stark/params.h"

#include <string.h>

#define POINTS STARK_FOLD

/* In place: x[m] = sum over s of w^(m s) x[s], w of order 8; powers: w^0 .. w^3. Decimation in
 * frequency leaves the results in bit-reversed places, which the last loop undoes. */
static void transform8(gl_ext x[POINTS], const gl_t powers[POINTS / 2])
{
    static const unsigned swaps[2][2] = {{1, 4}, {3, 6}};

    for (unsigned half = POINTS / 2; half > 0; half /= 2)
        for (unsigned start = 0; start < POINTS; start += 2 * half)
            for (unsigned i = 0; i < half; i++) {
                gl_ext a = x[start + i], b = x[start + half + i];
                unsigned power = i * (POINTS / 2 / half);
                gl_ext d = gl_ext_sub(a, b);

                x[start + i] = gl_ext_add(a, b);
                x[start + half + i] = power ? gl_ext_scale(d, powers[power]) : d;
            }
    for (unsigned i = 0; i < 2; i++) {
        gl_ext t = x[swaps[i][0]];

        x[swaps[i][0]] = x[swaps[i][1]];
        x[swaps[i][1]] = t;
    }
}

void fri_fold(const fri_layer *layer, gl_ext beta, uint64_t first, uint64_t count, uint64_t *out)
{
    uint64_t leaves = (UINT64_C(1) << layer->log_points) / POINTS;
    gl_t step = gl_inv(gl_root_of_unity(layer->log_points)),
         zeta = gl_inv(gl_root_of_unity(STARK_FOLD_LOG2));
    gl_t x = gl_mul(gl_inv(layer->shift), gl_pow_var(step, first)); /* 1 / point */
    gl_t eighth = gl_inv(POINTS), powers[POINTS / 2] = {1};

    for (unsigned i = 1; i < POINTS / 2; i++)
        powers[i] = gl_mul(powers[i - 1], zeta);
    for (uint64_t j = first; j < first + count; j++, x = gl_mul(x, step)) {
        gl_ext t = gl_ext_scale(beta, x), sum, u[POINTS];

        for (unsigned s = 0; s < POINTS; s++)
            memcpy(u[s].c, layer->data + fri_place(leaves, j + s * leaves), sizeof u[s].c);
        transform8(u, powers);
        sum = u[POINTS - 1];
        for (unsigned m = POINTS - 1; m-- > 0;)
            sum = gl_ext_add(gl_ext_mul(sum, t), u[m]);
        sum = gl_ext_scale(sum, eighth);
        memcpy(out + fri_place(leaves / POINTS, j), sum.c, sizeof sum.c);
    }
}

void fri_interpolate(const gl_ext *values, uint32_t log_count, gl_t shift, gl_ext *coefficients)
{
    uint64_t n = UINT64_C(1) << log_count;
    gl_t inverse = gl_inv(gl_root_of_unity(log_count)), over = gl_inv(n), unshift = gl_inv(shift);

    for (uint64_t k = 0; k < n; k++, over = gl_mul(over, unshift)) {
        gl_t x = gl_pow_var(inverse, k);
        gl_ext sum = {{0, 0, 0}};

        for (uint64_t i = n; i-- > 0;)
            sum = gl_ext_add(gl_ext_scale(sum, x), values[i]);
        coefficients[k] = gl_ext_scale(sum, over);
    }
}
