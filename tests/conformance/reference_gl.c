#include "tests/conformance/reference_gl.h"

#include "driver/field/gl_poseidon_constants.h"

#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

uint64_t ref_gl_add(uint64_t a, uint64_t b)
{
    return (uint64_t)(((u128)a + b) % REF_GL_P);
}

uint64_t ref_gl_sub(uint64_t a, uint64_t b)
{
    return (uint64_t)(((u128)a + 2 * (u128)REF_GL_P - b) % REF_GL_P);
}

uint64_t ref_gl_mul(uint64_t a, uint64_t b)
{
    return (uint64_t)((u128)a * b % REF_GL_P);
}

uint64_t ref_gl_pow(uint64_t a, uint64_t e)
{
    uint64_t r = 1;

    for (; e; e >>= 1, a = ref_gl_mul(a, a))
        if (e & 1)
            r = ref_gl_mul(r, a);
    return r;
}

uint64_t ref_gl_inv(uint64_t a)
{
    return ref_gl_pow(a, REF_GL_P - 2);
}

uint64_t ref_gl_root(unsigned k)
{
    return ref_gl_pow(7, (REF_GL_P - 1) >> k);
}

void ref_gl_dft(uint64_t *out, const uint64_t *in, unsigned log_n, uint64_t shift, bool inverse)
{
    uint64_t n = UINT64_C(1) << log_n, omega = ref_gl_root(log_n);

    for (uint64_t k = 0; k < n; k++) {
        uint64_t sum = 0;

        for (uint64_t j = 0; j < n; j++) {
            /* forward: y[k] = sum of x[j] (shift omega^k)^j; back: x[k] = shift^-k / n * sum of
             * y[j] omega^(-jk) */
            uint64_t x = inverse ? ref_gl_inv(ref_gl_pow(omega, j * k % n))
                                 : ref_gl_pow(ref_gl_mul(shift, ref_gl_pow(omega, k)), j);
            sum = ref_gl_add(sum, ref_gl_mul(in[j], x));
        }
        if (inverse)
            sum = ref_gl_mul(sum, ref_gl_inv(ref_gl_mul(n, ref_gl_pow(shift, k))));
        out[k] = sum;
    }
}

/* b is scratch of the same size */
static void recurse(uint64_t *a, uint64_t n, uint64_t omega, uint64_t *b)
{
    uint64_t x = 1;

    if (n == 1)
        return;
    for (uint64_t i = 0; i < n / 2; i++) {
        b[i] = a[2 * i];
        b[n / 2 + i] = a[2 * i + 1];
    }
    recurse(b, n / 2, ref_gl_mul(omega, omega), a);
    recurse(b + n / 2, n / 2, ref_gl_mul(omega, omega), a + n / 2);
    for (uint64_t i = 0; i < n / 2; i++, x = ref_gl_mul(x, omega)) {
        uint64_t odd = ref_gl_mul(x, b[n / 2 + i]);

        a[i] = ref_gl_add(b[i], odd);
        a[n / 2 + i] = ref_gl_sub(b[i], odd);
    }
}

void ref_gl_ntt(uint64_t *a, unsigned log_n, uint64_t shift, bool inverse)
{
    uint64_t n = UINT64_C(1) << log_n, omega = ref_gl_root(log_n), x = 1, step;
    uint64_t *scratch = malloc(n * sizeof(*scratch));

    if (!scratch)
        abort();
    step = inverse ? ref_gl_inv(shift) : shift % REF_GL_P;
    if (inverse) {
        x = ref_gl_inv(n);
        omega = ref_gl_inv(omega);
    }
    for (uint64_t i = 0; i < n; i++) {
        a[i] %= REF_GL_P;
        if (!inverse) {
            a[i] = ref_gl_mul(a[i], x);
            x = ref_gl_mul(x, step);
        }
    }
    recurse(a, n, omega, scratch);
    if (inverse)
        for (uint64_t i = 0; i < n; i++, x = ref_gl_mul(x, step))
            a[i] = ref_gl_mul(a[i], x);
    free(scratch);
}

uint64_t ref_gl_horner(const uint64_t *coefficients, uint64_t n, uint64_t x)
{
    uint64_t sum = 0;

    while (n)
        sum = ref_gl_add(ref_gl_mul(sum, x), coefficients[--n]);
    return sum;
}

void ref_gl_poseidon(uint64_t state[12])
{
    /* the circulant's first row and what is added to its upper left corner (plonky2's choice; the
     * permutation's published answers are tests of driver/field) */
    static const uint64_t ROW[12] = {17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20};

    for (unsigned round = 0; round < 30; round++) {
        uint64_t mixed[12];

        for (unsigned i = 0; i < 12; i++)
            state[i] = ref_gl_add(state[i], GL_POSEIDON_ROUND[round][i]);
        for (unsigned i = 0; i < (round < 4 || round >= 26 ? 12u : 1u); i++) {
            uint64_t x2 = ref_gl_mul(state[i], state[i]);

            state[i] = ref_gl_mul(ref_gl_mul(x2, x2), ref_gl_mul(x2, state[i]));
        }
        for (unsigned i = 0; i < 12; i++) {
            u128 sum = i ? 0 : (u128)8 * state[0]; /* coefficients add up to 264 at most */

            for (unsigned j = 0; j < 12; j++)
                sum += (u128)ROW[j] * state[(i + j) % 12];
            mixed[i] = (uint64_t)(sum % REF_GL_P);
        }
        memcpy(state, mixed, sizeof(mixed));
    }
}

void ref_gl_leaf(uint64_t digest[4], const uint64_t *row, unsigned columns)
{
    uint64_t state[12] = {[8] = 1};

    for (unsigned c = 0; c < columns; c += 8) {
        for (unsigned i = 0; i < 8; i++)
            state[i] = c + i < columns ? row[c + i] : 0;
        ref_gl_poseidon(state);
    }
    memcpy(digest, state, 32);
}

void ref_gl_node(uint64_t digest[4], const uint64_t left[4], const uint64_t right[4])
{
    uint64_t state[12] = {0};

    memcpy(state, left, 32);
    memcpy(state + 4, right, 32);
    ref_gl_poseidon(state);
    memcpy(digest, state, 32);
}
