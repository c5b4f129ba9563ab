/* The tables of both fields at one level, which the including file names: LEVEL for the tables'
 * names, LABEL for people, ISA. */
#include "driver/field/bn_fp2.h"
#include "driver/field/bn_fr.h"
#include "tests/unit/field/bn_ops.h"

#define BN_OPS_JOIN_(a, b) a##b
#define BN_OPS_JOIN(a, b) BN_OPS_JOIN_(a, b)

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
#define OPS BN_OPS_JOIN(bn_fp_ops_, LEVEL)
#define NAME "Fp, " LABEL
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
#define OPS BN_OPS_JOIN(bn_fr_ops_, LEVEL)
#define NAME "Fr, " LABEL
#include "tests/unit/field/bn_ops_impl.h"
