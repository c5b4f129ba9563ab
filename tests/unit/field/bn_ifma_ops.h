/** The operations of driver/field/bn_ifma.h behind one function, for test_bn_ifma.c: only the file
 * that defines it is compiled for AVX-512 IFMA. */
#ifndef ZKP_TESTS_UNIT_FIELD_BN_IFMA_OPS_H
#define ZKP_TESTS_UNIT_FIELD_BN_IFMA_OPS_H

#include <stdint.h>

enum op {
    OP_MUL,
    OP_MUL_ALIAS, /* r = a, r = r b */
    OP_SQR,
    OP_MAC, /* (a^2 + a b + a b) / 2^260 */
    OP_ADD,
    OP_DBL,
    OP_SUB,
    OP_NEG,
    OP_SUB_IF,
    OP_REDUCE,
    OP_CANON,
    OP_TO_MONT,
    OP_FROM_MONT,
    OP_DIV16,
    OP_IS_ZERO,
    OP_SELECT,   /* b where a's limb 0 is odd, else a */
    OP_LOAD,     /* of the words of a, which is below 2^256 */
    OP_LOAD_X16, /* the same */
    OP_GATHER,   /* the same, lane i from element 7 - i */
    OP_GATHER_X16,
    OP_STORE,   /* r: four words */
    OP_SCATTER, /* r: four words, lane i to element 7 - i */
    OP_CHAIN,   /* (2 a - b + 2^s p) loose, then carried */
    OP_COUNT
};

/** r[i] = op(a[i], b[i]) for eight lanes; field 0: Fp, 1: Fr; s: where a function takes one. Limbs
 * of 52 bits, but four words of 64 bits where it says so; masks are 0 or 1 in r[i][0]. */
void test_bn_ifma_op(enum op op, int field, unsigned s, const uint64_t a[8][5],
                     const uint64_t b[8][5], uint64_t r[8][5]);

#endif
