/* One lane: the template bn_msm_impl.h over bn_fp and bn_fp2, for bn_msm_portable.c and
 * bn_msm_avx2.c, which define MSM_NAME(name). Every coordinate is canonical, own form and the
 * caller's are the same. */
#include "driver/cpu/bn_msm_internal.h"
#include "driver/field/bn_curve.h"

#include <string.h>

#define MSM_BATCH 2048
#define LANES_LOG2 0
#define LANES 1

#define FE bn_fp
#define FS bn_fp
#define FS_(name) bn_fp_##name
#define A bn_g1
#define AF(name) bn_g1_##name
#define CURVE_B BN_G1_B_INIT
#define WORDS 8
#define F(name) g1_##name
#define M(name) g1_msm_##name
#define OPS MSM_NAME(msm_g1)
#define CHECK MSM_NAME(msm_g1_check)
#include "driver/cpu/bn_msm_scalar_impl.h"

#define FE bn_fp2
#define FS bn_fp2
#define FS_(name) bn_fp2_##name
#define A bn_g2
#define AF(name) bn_g2_##name
#define CURVE_B BN_G2_B_INIT
#define WORDS 16
#define F(name) g2_##name
#define M(name) g2_msm_##name
#define OPS MSM_NAME(msm_g2)
#define CHECK MSM_NAME(msm_g2_check)
#include "driver/cpu/bn_msm_scalar_impl.h"
