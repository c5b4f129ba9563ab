#if defined(__x86_64__)
#include "driver/field/bn_fp2.h"
#include "driver/field/bn_fr.h"
#include "tests/unit/field/bn_ops.h"

#define ISA P_ISA_AVX2

static void fp2_mul(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    bn_fp2_mul((bn_fp2 *)r, (const bn_fp2 *)a, (const bn_fp2 *)b);
}

static void fp2_sqr(uint64_t *r, const uint64_t *a)
{
    bn_fp2_sqr((bn_fp2 *)r, (const bn_fp2 *)a);
}

#define F(name) bn_fp_##name
#define FP2_MUL fp2_mul
#define FP2_SQR fp2_sqr
#define T bn_fp
#define W bn_fp_wide
#define OPS bn_fp_ops_avx2
#define NAME "Fp, avx2"
#include "tests/unit/field/bn_ops_impl.h"
#undef F
#undef FP2_MUL
#undef FP2_SQR
#undef T
#undef W
#undef OPS
#undef NAME

#define F(name) bn_fr_##name
#define FP2_MUL NULL
#define FP2_SQR NULL
#define T bn_fr
#define W bn_fr_wide
#define OPS bn_fr_ops_avx2
#define NAME "Fr, avx2"
#include "tests/unit/field/bn_ops_impl.h"
#endif
