/** Words with carries, for bn254_field.h. Freestanding. BN254_NO_ASM: nothing but C (for tests). */
#ifndef ZKP_DRIVER_FIELD_BN254_WORDS_H
#define ZKP_DRIVER_FIELD_BN254_WORDS_H

#include <stdint.h>

__extension__ typedef unsigned __int128 bn254_u128;

/** *r = a + b + carry; returns the carry. */
static inline unsigned char bn254_add(uint64_t *r, uint64_t a, uint64_t b, unsigned char carry)
{
    bn254_u128 t = (bn254_u128)a + b + carry;

    *r = (uint64_t)t;
    return (unsigned char)(t >> 64);
}

/** *r = a - b - borrow; returns the borrow. */
static inline unsigned char bn254_sub(uint64_t *r, uint64_t a, uint64_t b, unsigned char borrow)
{
    bn254_u128 t = (bn254_u128)a - b - borrow;

    *r = (uint64_t)t;
    return (unsigned char)(t >> 64) & 1;
}

/** t + a b + carry: returns the low word, the high one becomes the carry. It fits: (2^64 - 1)^2 +
 * 2 (2^64 - 1) = 2^128 - 1. */
static inline uint64_t bn254_mac(uint64_t t, uint64_t a, uint64_t b, uint64_t *carry)
{
#if defined(__x86_64__) && !defined(__clang__) && !defined(BN254_NO_ASM)
    uint64_t high; /* gcc 12 takes a third longer for the C below, clang 14 has the best of it */

    __asm__("mulq %[b]\n\t"
            "addq %[t], %%rax\n\t"
            "adcq $0, %%rdx\n\t"
            "addq %[c], %%rax\n\t"
            "adcq $0, %%rdx"
            : "+&a"(a), "=&d"(high)
            : [b] "rm"(b), [t] "rm"(t), [c] "rm"(*carry)
            : "cc");
    *carry = high;
    return a;
#else
    bn254_u128 s = (bn254_u128)a * b + t + *carry;

    *carry = (uint64_t)(s >> 64);
    return (uint64_t)s;
#endif
}

#endif
