#include "driver/field/bn_poseidon_table.h"

#if defined(__x86_64__)

#include <stddef.h>
#include <string.h>

/* One row of a product: t4 t3 t2 t1 t0 = t3 t2 t1 t0 + a[i] c; two carry chains, and no carry comes
 * out of t4 (portable's dot says why). */
#define MUL_ROW(i, t0, t1, t2, t3, t4)                                                             \
    "movq 72(%[s]), %%rdx\n\t"                                                                     \
    "movq " #i "*8(%%rdx), %%rdx\n\t"                                                              \
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
    "adcq $0, %[" #t4 "]\n\t"

/* Nine words of a sum, and what the loop has no registers for: unoptimised code and the sanitizers
 * leave it thirteen. The assembly has the offsets. */
typedef struct sum {
    uint64_t s[9];
    const bn_fr *a;
    size_t n;
} sum;

_Static_assert(offsetof(sum, a) == 72 && offsetof(sum, n) == 80, "offsets of the assembly");

/* s += sum of a[i] c[i], n >= 1: each product is added to the low four words of the sum as it is
 * made, and its upper half then to the five words above. */
static inline void accumulate(sum *s, const bn_fr *c)
{
    uint64_t t4, t5, t6, t7, lo, hi, s0 = s->s[0], s1 = s->s[1], s2 = s->s[2], s3 = s->s[3];

    __asm__("1:\n\t" MUL_ROW(0, s0, s1, s2, s3, t4) MUL_ROW(1, s1, s2, s3, t4, t5)
                MUL_ROW(2, s2, s3, t4, t5, t6)
                    MUL_ROW(3, s3, t4, t5, t6, t7) "addq $32, %[c]\n\t"
                                                   "addq $32, 72(%[s])\n\t"
                                                   "addq %[t4], 32(%[s])\n\t"
                                                   "adcq %[t5], 40(%[s])\n\t"
                                                   "adcq %[t6], 48(%[s])\n\t"
                                                   "adcq %[t7], 56(%[s])\n\t"
                                                   "adcq $0, 64(%[s])\n\t"
                                                   "decq 80(%[s])\n\t"
                                                   "jnz 1b"
            : [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3), [t4] "=&r"(t4),
              [t5] "=&r"(t5), [t6] "=&r"(t6), [t7] "=&r"(t7), [lo] "=&r"(lo), [hi] "=&r"(hi),
              [c] "+&r"(c)
            : [s] "r"(s)
            : "rdx", "cc", "memory");
    s->s[0] = s0;
    s->s[1] = s1;
    s->s[2] = s2;
    s->s[3] = s3;
}

/* One row of the reduction: with m = t0 * -1/r, (t4 t3 t2 t1 t0) + m r, of which t0 becomes 0. */
#define REDUCE_ROW(t0, t1, t2, t3, t4)                                                             \
    "movq %[inverse], %%rdx\n\t"                                                                   \
    "imulq %[" #t0 "], %%rdx\n\t"                                                                  \
    "xorl %k[lo], %k[lo]\n\t"                                                                      \
    "mulxq %[p0], %[lo], %[hi]\n\t"                                                                \
    "adcxq %[lo], %[" #t0 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t1 "]\n\t"                                                                  \
    "mulxq %[p1], %[lo], %[hi]\n\t"                                                                \
    "adcxq %[lo], %[" #t1 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t2 "]\n\t"                                                                  \
    "mulxq %[p2], %[lo], %[hi]\n\t"                                                                \
    "adcxq %[lo], %[" #t2 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t3 "]\n\t"                                                                  \
    "mulxq %[p3], %[lo], %[hi]\n\t"                                                                \
    "adcxq %[lo], %[" #t3 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t4 "]\n\t"                                                                  \
    "adcxq %[" #t0 "], %[" #t4 "]\n\t"

/* r = (s + m r) / 2^320 with the m < 2^320 that makes it divide. Words 0 .. 4 of s are reduced on
 * their own, to at most r, and words 5 .. 8 added. The first row may carry out of its five words
 * (2^320 + 2^64 r), which t0, 0 by then, takes; in the others the sum is below 2^257 + 2^64 r. */
static inline void reduce(bn_fr *r, const uint64_t s[9])
{
    static const uint64_t p[5] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3, BN_FR_NEG_INV};
    uint64_t t0 = s[0], t1 = s[1], t2 = s[2], t3 = s[3], t4 = s[4], lo, hi;
    unsigned char carry;

    __asm__(REDUCE_ROW(t0, t1, t2, t3, t4) "movl $0, %k[lo]\n\t"
                                           "adoxq %[lo], %[t0]\n\t"
                                           "adcxq %[lo], %[t0]\n\t" REDUCE_ROW(t1, t2, t3, t4, t0)
                                               REDUCE_ROW(t2, t3, t4, t0, t1)
                                                   REDUCE_ROW(t3, t4, t0, t1, t2)
                                                       REDUCE_ROW(t4, t0, t1, t2, t3)
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [t4] "+&r"(t4),
              [lo] "=&r"(lo), [hi] "=&r"(hi)
            : [p0] "m"(p[0]), [p1] "m"(p[1]), [p2] "m"(p[2]), [p3] "m"(p[3]), [inverse] "m"(p[4])
            : "rdx", "cc");
    carry = bn254_add(&r->l[0], t0, s[5], 0);
    carry = bn254_add(&r->l[1], t1, s[6], carry);
    carry = bn254_add(&r->l[2], t2, s[7], carry);
    r->l[3] = t3 + s[8] + carry;
}

static inline void dot(bn_fr *r, const bn_fr *summand, const bn_fr *a, const bn_fr *c, size_t n)
{
    sum s = {.s = {0, 0, 0, 0, 0, summand->l[0], summand->l[1], summand->l[2], summand->l[3]},
             .a = a,
             .n = n};

    accumulate(&s, c);
    reduce(r, s.s);
}

#define BN_POSEIDON_OPS bn_poseidon_ops_avx2
#define BN_POSEIDON_ISA P_ISA_AVX2

#include "driver/field/bn_poseidon_impl.h"

#else

typedef int bn_poseidon_no_avx2;

#endif
