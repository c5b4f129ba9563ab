/** Private to host/air and generated code: constraints as compiled functions on blocks of rows.
 *
 * The generator (generate.h) writes one source without includes for a graph; a build compiles it
 * once for each instruction set, after code_body.h, and lists the functions in an air_code. What
 * they read and write are arrays of AIR_BLOCK rows, one for each base value. */
#ifndef ZKP_HOST_AIR_CODE_H
#define ZKP_HOST_AIR_CODE_H

#include "driver/base/isa.h"
#include "driver/field/gl_ext.h"
#include "driver/field/gl_lines.h"
#include "host/air/air.h"

#define AIR_BLOCK 64 /**< rows at once; a multiple of all vectors' lanes */
#define AIR_CODE_LEVELS (P_ISA_AVX512 + 1)

/** lambda^i, or lambda^i X^j for coefficient j of a constraint over K: a weight for each word. */
typedef struct air_weight {
    gl_line_weight limbs;
    gl_t word[3];
} air_weight;

typedef struct air_code_args {
    const gl_t *leaves;        /**< value k of a leaf at leaves[k * AIR_BLOCK] */
    gl_t *temps;               /**< values that one function computes for later ones */
    const gl_ext *uniforms;    /**< by node */
    const air_weight *weights; /**< by word of a constraint, in order */
    gl_t *sum;                 /**< three arrays: the functions add up in them; canonical */
} air_code_args;

typedef void air_code_function(const air_code_args *x);

/** For one instruction set. */
typedef struct air_code_set {
    air_code_function *const *functions; /**< called in this order */
    uint32_t count;
} air_code_set;

struct air_code {
    uint8_t hash[32]; /**< of the graph it was made from */
    uint32_t leaves;  /**< arrays, as the program's plan has them */
    uint32_t temps;
    const air_code_set *set[AIR_CODE_LEVELS]; /**< by p_isa; NULL: not compiled */
};

#endif
