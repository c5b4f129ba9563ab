/* without the assembly that x86-64 uses at every level: what other machines compile */
#define BN254_NO_ASM
#include "driver/field/bn_fp.h"
#include "driver/field/bn_fr.h"
#include "tests/unit/field/bn_ops.h"

#define ISA P_ISA_PORTABLE

#define F(name) bn_fp_##name
#define T bn_fp
#define W bn_fp_wide
#define OPS bn_fp_ops_plain
#define NAME "Fp, plain C"
#include "tests/unit/field/bn_ops_impl.h"
#undef F
#undef T
#undef W
#undef OPS
#undef NAME

#define F(name) bn_fr_##name
#define T bn_fr
#define W bn_fr_wide
#define OPS bn_fr_ops_plain
#define NAME "Fr, plain C"
#include "tests/unit/field/bn_ops_impl.h"
