/** The inline functions of bn_fp.h and bn_fr.h as tables, one for each way of compiling them. */
#ifndef ZKP_TESTS_UNIT_FIELD_BN_OPS_H
#define ZKP_TESTS_UNIT_FIELD_BN_OPS_H

#include "driver/base/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bn_ops {
    const char *name;
    p_isa isa; /**< what the CPU has to have */
    void (*add)(uint64_t *r, const uint64_t *a, const uint64_t *b);
    void (*sub)(uint64_t *r, const uint64_t *a, const uint64_t *b);
    void (*mul)(uint64_t *r, const uint64_t *a, const uint64_t *b);
    void (*mul_lazy)(uint64_t *r, const uint64_t *a, const uint64_t *b);
    void (*neg)(uint64_t *r, const uint64_t *a);
    void (*dbl)(uint64_t *r, const uint64_t *a);
    void (*half)(uint64_t *r, const uint64_t *a);
    void (*sqr)(uint64_t *r, const uint64_t *a);
    bool (*eq)(const uint64_t *a, const uint64_t *b);
    bool (*is_zero)(const uint64_t *a);
    bool (*is_canonical)(const uint64_t *a);
    bool (*set_words)(uint64_t *r, const uint64_t *w);
    void (*get_words)(uint64_t *w, const uint64_t *a);
    void (*set_u64)(uint64_t *r, uint64_t a);
    void (*wide_mul)(uint64_t *w, const uint64_t *a, const uint64_t *b);
    void (*wide_sqr)(uint64_t *w, const uint64_t *a);
    void (*wide_mac)(uint64_t *w, const uint64_t *a, const uint64_t *b);
    void (*wide_reduce)(uint64_t *r, const uint64_t *w);
    void (*wide_reduce5)(uint64_t *r, const uint64_t *w);
    void (*wide_sub)(uint64_t *w, const uint64_t *v);
    void (*inv)(uint64_t *r, const uint64_t *a);
    bool (*sqrt_var)(uint64_t *r, const uint64_t *a);
    int (*legendre)(const uint64_t *a);
    void (*inv_batch)(uint64_t *a, uint64_t *scratch, size_t n);
    void (*pow_var)(uint64_t *r, const uint64_t *a, const uint64_t *e);
    void (*fp2_mul)(uint64_t *r, const uint64_t *a, const uint64_t *b); /**< NULL for Fr */
    void (*fp2_sqr)(uint64_t *r, const uint64_t *a);
} bn_ops;

extern const bn_ops bn_fp_ops_plain, bn_fr_ops_plain, bn_fp_ops_portable, bn_fr_ops_portable;
#if defined(__x86_64__)
extern const bn_ops bn_fp_ops_avx2, bn_fr_ops_avx2;
#endif

#endif
