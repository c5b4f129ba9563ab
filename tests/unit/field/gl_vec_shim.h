/** The vector arithmetic of driver/field/gl_vec.h as functions on arrays of one vector's elements,
 * for test_gl_vec.c: gl_vec_shim_scalar.c, gl_vec_shim_avx2.c and
 * gl_vec_shim_avx512.c. */
#ifndef ZKP_TESTS_UNIT_FIELD_GL_VEC_SHIM_H
#define ZKP_TESTS_UNIT_FIELD_GL_VEC_SHIM_H

#include <stdint.h>

typedef struct gl_vec_shim {
    unsigned lanes;
    uint64_t sign_offset;
    void (*mul)(uint64_t *out, const uint64_t *a, const uint64_t *b);
    void (*canonical)(uint64_t *out, const uint64_t *a);
    void (*digits)(uint64_t *out, const uint64_t *a);
    void (*times_f)(uint64_t *out, const uint64_t *a);
    /** limbs[0..lanes-1] = a, then b: digits times a factor of 16 bytes */
    void (*mul_factor)(uint64_t *limbs, const uint64_t *digits, const void *factor);
    /** limbs of a split number to a word */
    void (*split_word)(uint64_t *out, const uint64_t *limbs);
    /** limbs of 2^log_r split numbers, each as above, transformed */
    void (*transform)(uint64_t *limbs, unsigned log_r);
    /** 8 * lanes words: rows of eight to columns and back */
    void (*load_rows)(uint64_t *out, const uint64_t *rows);
    void (*store_rows)(uint64_t *rows, const uint64_t *in);
    void (*store_pairs)(uint64_t *out, const uint64_t *a, const uint64_t *b);
} gl_vec_shim;

const gl_vec_shim *gl_vec_shim_scalar(void);
const gl_vec_shim *gl_vec_shim_avx2(void);
const gl_vec_shim *gl_vec_shim_avx512(void);

#endif
