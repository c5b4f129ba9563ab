#include "driver/field/bn_poseidon_table.h"

#if defined(__x86_64__)

#include <string.h>

/* s[0 .. 8] += a c: the product is added to the low four words as it is made, (2^256 - 1)^2 + 2^256
 * - 1 < 2^512, so that its rows end without a carry, and its upper half then to the five words
 * above. */
static inline void mac(uint64_t s[9], const uint64_t a[4], const uint64_t c[4])
{
    uint64_t t4, t5, t6, t7, lo, hi;
    uint64_t s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];

#define ROW(i, t0, t1, t2, t3, t4)                                                                 \
    "movq " #i "*8(%[a]), %%rdx\n\t"                                                               \
    "xorl %k[" #t4 "], %k[" #t4 "]\n\t"                                                            \
    "mulxq 0(%[c]), %[lo], %[hi]\n\t"                                                              \
    "adcxq %[lo], %[" #t0 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t1 "]\n\t"                                                                  \
    "mulxq 8(%[c]), %[lo], %[hi]\n\t"                                                              \
    "adcxq %[lo], %[" #t1 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t2 "]\n\t"                                                                  \
    "mulxq 16(%[c]), %[lo], %[hi]\n\t"                                                             \
    "adcxq %[lo], %[" #t2 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t3 "]\n\t"                                                                  \
    "mulxq 24(%[c]), %[lo], %[hi]\n\t"                                                             \
    "adcxq %[lo], %[" #t3 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t4 "]\n\t"                                                                  \
    "movl $0, %k[lo]\n\t"                                                                          \
    "adcxq %[lo], %[" #t4 "]\n\t"

    __asm__(ROW(0, s0, s1, s2, s3, t4) ROW(1, s1, s2, s3, t4, t5) ROW(2, s2, s3, t4, t5, t6)
                ROW(3, s3, t4, t5, t6, t7)
            : [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3), [t4] "=&r"(t4),
              [t5] "=&r"(t5), [t6] "=&r"(t6), [t7] "=&r"(t7), [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [a] "r"(a), [c] "r"(c), "m"(*(const uint64_t(*)[4])a), "m"(*(const uint64_t(*)[4])c)
            : "rdx", "cc");
#undef ROW
    s[0] = s0;
    s[1] = s1;
    s[2] = s2;
    s[3] = s3;
    __asm__("addq %[t4], 32(%[s])\n\t"
            "adcq %[t5], 40(%[s])\n\t"
            "adcq %[t6], 48(%[s])\n\t"
            "adcq %[t7], 56(%[s])\n\t"
            "adcq $0, 64(%[s])\n\t"
            : "+m"(*(uint64_t(*)[9])s)
            : [s] "r"(s), [t4] "r"(t4), [t5] "r"(t5), [t6] "r"(t6), [t7] "r"(t7)
            : "cc");
}

static inline void dot(bn_fr *r, const bn_fr *summand, const bn_fr *a, const bn_fr *c, size_t n)
{
    uint64_t s[9] = {0, 0, 0, 0, 0, summand->l[0], summand->l[1], summand->l[2], summand->l[3]};

    for (size_t k = 0; k < n; k++)
        mac(s, a[k].l, c[k].l);
    for (int i = 0; i < 5; i++) {
        uint64_t m = s[i] * BN_FR_NEG_INV, up = 0;
        unsigned char carry;

        bn254_mac(s[i], m, BN_FR_P0, &up);
        s[i + 1] = bn254_mac(s[i + 1], m, BN_FR_P1, &up);
        s[i + 2] = bn254_mac(s[i + 2], m, BN_FR_P2, &up);
        s[i + 3] = bn254_mac(s[i + 3], m, BN_FR_P3, &up);
        carry = bn254_add(&s[i + 4], s[i + 4], up, 0);
        for (int j = i + 5; j < 9; j++)
            carry = bn254_add(&s[j], s[j], 0, carry);
    }
    memcpy(r->l, s + 5, sizeof(r->l));
}

#define BN_POSEIDON_OPS bn_poseidon_ops_avx2
#define BN_POSEIDON_ISA P_ISA_AVX2

#include "driver/field/bn_poseidon_impl.h"

#else

typedef int bn_poseidon_no_avx2;

#endif
