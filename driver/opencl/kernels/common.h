/* What every program of the OpenCL back end starts with.
 *
 * OCL_LANES (from the build's options): how many independent small problems a work item does side
 * by side, innermost. 8 on a CPU, where a loop over lanes becomes vector instructions; 1 elsewhere,
 * where the hardware puts work items side by side by itself. Loops over lanes hold nothing else, so
 * that a compiler can see it.
 *
 * The first part is read by the host, too. */
#ifndef ZKP_DRIVER_OPENCL_KERNELS_COMMON_H
#define ZKP_DRIVER_OPENCL_KERNELS_COMMON_H

#include "hls/include/kernel_abi.h"

#ifndef OCL_LANES
#define OCL_LANES 1
#endif

/* Transforms: a table of roots has omega^e for e < OCL_ROOTS and then omega^(OCL_ROOTS e), omega of
 * order OCL_ROOTS^2 = 2^24. */
#define OCL_ROOTS_LOG2 12
#define OCL_ROOTS (1u << OCL_ROOTS_LOG2)

/* Flags of a transform's pass. */
#define OCL_INVERSE 1u   /* by omega^-1 */
#define OCL_SCALE_IN 2u  /* element i times factor base^i as it is read: first pass only */
#define OCL_SCALE_OUT 4u /* and as it is written: last pass only */

/* The radix of a pass: how many rows, or elements, a work item holds. */
#define OCL_GL_MAX_RADIX_LOG2 6
#define OCL_FR_MAX_RADIX_LOG2 4

#endif
