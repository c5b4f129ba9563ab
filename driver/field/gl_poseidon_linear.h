/** Private to driver/field: the linear layer of gl_poseidon on one 32-bit half of the elements, for
 * scalars and for compiler vectors alike. Freestanding.
 *
 * The matrix is a circulant plus 8 at (0,0), so the circulant part multiplies polynomials modulo
 * X^12 - 1. With Y = X^3 and Y^4 - 1 = (Y-1)(Y+1)(Y^2+1) it falls apart into three products of
 * length 3 whose coefficients are sums of one or two powers of two: no multiplication is left
 * (tests/unit/field/test_gl_poseidon.c compares with the plain matrix).
 *
 * Rows of the matrix sum to at most 264 < 2^8.05: inputs below 2^k give outputs below 2^(k+8.05).
 * Intermediate values wrap around modulo 2^64, which the exact result does not notice. */
#ifndef ZKP_DRIVER_FIELD_GL_POSEIDON_LINEAR_H
#define ZKP_DRIVER_FIELD_GL_POSEIDON_LINEAR_H

/** Defines `static inline attributes void name(type x[12])`, which multiplies x by the matrix in
 * place, where type is uint64_t or a vector of uint64_t. */
#define GL_POSEIDON_DEFINE_LINEAR(name, type, attributes)                                          \
    static inline attributes void name(type x[12])                                                 \
    {                                                                                              \
        type a[3], c[3], r[3], s[3], first = x[0] << 3;                                            \
        type a_sum, u[3], v[3], re[3], im[3];                                                      \
                                                                                                   \
        /* Y = 1: a;  Y = -1: c;  Y = i: r + i*s */                                                \
        for (int j = 0; j < 3; j++) {                                                              \
            type even = x[j] + x[j + 6], odd = x[j + 3] + x[j + 9];                                \
                                                                                                   \
            a[j] = even + odd;                                                                     \
            c[j] = even - odd;                                                                     \
            r[j] = x[j] - x[j + 6];                                                                \
            s[j] = x[j + 3] - x[j + 9];                                                            \
        }                                                                                          \
        /* times (16, 32, 16) modulo X^3 - 1 */                                                    \
        a_sum = a[0] + a[1] + a[2];                                                                \
        u[0] = (a_sum + a[2]) << 4;                                                                \
        u[1] = (a_sum + a[0]) << 4;                                                                \
        u[2] = (a_sum + a[1]) << 4;                                                                \
        /* times (-1, -8, 2) modulo X^3 + 1 */                                                     \
        v[0] = (c[2] << 3) - (c[1] << 1) - c[0];                                                   \
        v[1] = -(c[0] << 3) - (c[2] << 1) - c[1];                                                  \
        v[2] = (c[0] << 1) - (c[1] << 3) - c[2];                                                   \
        /* times (2+i, -4-i, 16-i) modulo X^3 - i */                                               \
        re[0] = (r[0] << 1) - s[0] + r[1] - (s[1] << 4) + r[2] + (s[2] << 2);                      \
        im[0] = r[0] + (s[0] << 1) + (r[1] << 4) + s[1] + s[2] - (r[2] << 2);                      \
        re[1] = s[0] - (r[0] << 2) + (r[1] << 1) - s[1] + r[2] - (s[2] << 4);                      \
        im[1] = r[1] + (s[1] << 1) + (r[2] << 4) + s[2] - r[0] - (s[0] << 2);                      \
        re[2] = (r[0] << 4) + s[0] - (r[1] << 2) + s[1] + (r[2] << 1) - s[2];                      \
        im[2] = (s[0] << 4) - r[0] - r[1] - (s[1] << 2) + r[2] + (s[2] << 1);                      \
        for (int j = 0; j < 3; j++) {                                                              \
            type even = u[j] + v[j], odd = u[j] - v[j];                                            \
                                                                                                   \
            x[j] = even + re[j];                                                                   \
            x[j + 3] = odd + im[j];                                                                \
            x[j + 6] = even - re[j];                                                               \
            x[j + 9] = odd - im[j];                                                                \
        }                                                                                          \
        x[0] += first;                                                                             \
    }

#endif
