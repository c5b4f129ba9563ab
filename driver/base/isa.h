/** Instruction sets that kernels are written for, in rising order.
 *
 * A kernel has one implementation for some of them; asked for a level that it has none for, it
 * takes its best one below. Freestanding but for the CPU query. Any thread. */
#ifndef ZKP_DRIVER_BASE_ISA_H
#define ZKP_DRIVER_BASE_ISA_H

#include <stdbool.h>

typedef enum p_isa {
    P_ISA_PORTABLE,   /**< plain C: every machine */
    P_ISA_AVX2,       /**< AVX2, BMI2 and ADX (Broadwell 2014, Zen 2017) */
    P_ISA_AVX512,     /**< and AVX-512 F, DQ, BW, VL (Skylake server 2017) */
    P_ISA_AVX512IFMA, /**< and AVX-512 IFMA (Ice Lake 2019, Zen 4 2022) */
    P_ISA_COUNT
} p_isa;

/** "portable", "avx2", "avx512", "avx512ifma"; never NULL. */
const char *p_isa_name(p_isa isa);

/** Whether this build and this CPU (and its operating system) run it. */
bool p_isa_supported(p_isa isa);

/** The highest supported. */
p_isa p_isa_best(void);

/** A name as above, or NULL or "auto" for the best; false if unknown (out untouched). The caller
 * asks p_isa_supported. */
bool p_isa_parse(const char *name, p_isa *out);

#endif
