/** Additions of bn254_field.h in x86-64's add and adc, and its multiplication in mulx, adcx and
 * adox for files compiled with -mbmi2 -madx: compilers (gcc above all) do not keep carries in the
 * flags. BN254_NO_ASM: nothing but C (for tests).
 *
 * The multiplication has two carry chains side by side (CF and OF). Its bounds are those of
 * BN_F(mul_step): every sum fits its words, so both chains end with no carry. */
#ifndef ZKP_DRIVER_FIELD_BN254_X86_H
#define ZKP_DRIVER_FIELD_BN254_X86_H

#if defined(__x86_64__) && !defined(BN254_NO_ASM)
#define BN254_X86 1

/* clang-format off */

/* (s3, ..., s0) = itself - p unless that is negative; p is a static array */
#define BN254_ASM_REDUCE(s, p)                                                                     \
    do {                                                                                           \
        uint64_t d0_, d1_, d2_, d3_;                                                               \
                                                                                                   \
        __asm__("movq %[s0], %[d0]\n\t"                                                            \
                "movq %[s1], %[d1]\n\t"                                                            \
                "movq %[s2], %[d2]\n\t"                                                            \
                "movq %[s3], %[d3]\n\t"                                                            \
                "subq %[p0], %[d0]\n\t"                                                            \
                "sbbq %[p1], %[d1]\n\t"                                                            \
                "sbbq %[p2], %[d2]\n\t"                                                            \
                "sbbq %[p3], %[d3]\n\t"                                                            \
                "cmovncq %[d0], %[s0]\n\t"                                                         \
                "cmovncq %[d1], %[s1]\n\t"                                                         \
                "cmovncq %[d2], %[s2]\n\t"                                                         \
                "cmovncq %[d3], %[s3]\n\t"                                                         \
                : [s0] "+&r"((s)[0]), [s1] "+&r"((s)[1]), [s2] "+&r"((s)[2]), [s3] "+&r"((s)[3]),  \
                  [d0] "=&r"(d0_), [d1] "=&r"(d1_), [d2] "=&r"(d2_), [d3] "=&r"(d3_)               \
                : [p0] "m"((p)[0]), [p1] "m"((p)[1]), [p2] "m"((p)[2]), [p3] "m"((p)[3])           \
                : "cc");                                                                           \
    } while (0)

/* (s3, ..., s0) += b */
#define BN254_ASM_ADD(s, b)                                                                        \
    __asm__("addq %[b0], %[s0]\n\t"                                                                \
            "adcq %[b1], %[s1]\n\t"                                                                \
            "adcq %[b2], %[s2]\n\t"                                                                \
            "adcq %[b3], %[s3]\n\t"                                                                \
            : [s0] "+&r"((s)[0]), [s1] "+&r"((s)[1]), [s2] "+&r"((s)[2]), [s3] "+&r"((s)[3])       \
            : [b0] "rm"((b)[0]), [b1] "rm"((b)[1]), [b2] "rm"((b)[2]), [b3] "rm"((b)[3])           \
            : "cc")

/* (s3, ..., s0) -= b, and p more if that is negative */
#define BN254_ASM_SUB(s, b, p)                                                                     \
    do {                                                                                           \
        uint64_t d0_, d1_, d2_, d3_;                                                               \
                                                                                                   \
        __asm__("subq %[b0], %[s0]\n\t"                                                            \
                "sbbq %[b1], %[s1]\n\t"                                                            \
                "sbbq %[b2], %[s2]\n\t"                                                            \
                "sbbq %[b3], %[s3]\n\t"                                                            \
                "sbbq %[d0], %[d0]\n\t"                                                            \
                : [s0] "+&r"((s)[0]), [s1] "+&r"((s)[1]), [s2] "+&r"((s)[2]), [s3] "+&r"((s)[3]),  \
                  [d0] "=&r"(d0_)                                                                  \
                : [b0] "rm"((b)[0]), [b1] "rm"((b)[1]), [b2] "rm"((b)[2]), [b3] "rm"((b)[3])       \
                : "cc");                                                                           \
        d1_ = d0_ & (p)[1];                                                                        \
        d2_ = d0_ & (p)[2];                                                                        \
        d3_ = d0_ & (p)[3];                                                                        \
        d0_ &= (p)[0];                                                                             \
        __asm__("addq %[d0], %[s0]\n\t"                                                            \
                "adcq %[d1], %[s1]\n\t"                                                            \
                "adcq %[d2], %[s2]\n\t"                                                            \
                "adcq %[d3], %[s3]\n\t"                                                            \
                : [s0] "+&r"((s)[0]), [s1] "+&r"((s)[1]), [s2] "+&r"((s)[2]), [s3] "+&r"((s)[3])   \
                : [d0] "r"(d0_), [d1] "r"(d1_), [d2] "r"(d2_), [d3] "r"(d3_)                       \
                : "cc");                                                                           \
    } while (0)

/* w op= v, eight words; the carry or borrow becomes all ones in mask */
#define BN254_ASM_WIDE(first, next, to, from, mask)                                                \
    do {                                                                                           \
        uint64_t *w_ = to;                                                                         \
        const uint64_t *v_ = from;                                                                 \
        uint64_t x_;                                                                               \
                                                                                                   \
        __asm__("" : "+r"(w_), "+r"(v_));                                                          \
        __asm__("movq (%[v]), %[x]\n\t" first " %[x], (%[w])\n\t"                                  \
                "movq 8(%[v]), %[x]\n\t" next " %[x], 8(%[w])\n\t"                                 \
                "movq 16(%[v]), %[x]\n\t" next " %[x], 16(%[w])\n\t"                               \
                "movq 24(%[v]), %[x]\n\t" next " %[x], 24(%[w])\n\t"                               \
                "movq 32(%[v]), %[x]\n\t" next " %[x], 32(%[w])\n\t"                               \
                "movq 40(%[v]), %[x]\n\t" next " %[x], 40(%[w])\n\t"                               \
                "movq 48(%[v]), %[x]\n\t" next " %[x], 48(%[w])\n\t"                               \
                "movq 56(%[v]), %[x]\n\t" next " %[x], 56(%[w])\n\t"                               \
                "sbbq %[x], %[x]\n\t"                                                              \
                : [x] "=&r"(x_), "+m"(*(uint64_t(*)[8])w_)                                         \
                : [w] "r"(w_), [v] "r"(v_), "m"(*(const uint64_t(*)[8])v_)                         \
                : "cc");                                                                           \
        (mask) = x_;                                                                               \
    } while (0)
/* clang-format on */

#if defined(__ADX__) && defined(__BMI2__)
#define BN254_ADX 1

/* clang-format off */

/* (t4, ..., t0) = a * b[0] */
#define BN254_ROW_FIRST(t0, t1, t2, t3, t4)                                                        \
    "movq (%[b]), %%rdx\n\t"                                                                       \
    "mulxq (%[a]), %[" #t0 "], %[" #t1 "]\n\t"                                                     \
    "mulxq 8(%[a]), %[lo], %[" #t2 "]\n\t"                                                         \
    "addq %[lo], %[" #t1 "]\n\t"                                                                   \
    "mulxq 16(%[a]), %[lo], %[" #t3 "]\n\t"                                                        \
    "adcq %[lo], %[" #t2 "]\n\t"                                                                   \
    "mulxq 24(%[a]), %[lo], %[" #t4 "]\n\t"                                                        \
    "adcq %[lo], %[" #t3 "]\n\t"                                                                   \
    "adcq $0, %[" #t4 "]\n\t"

/* (t4, ..., t0) += x * rdx for the four words x at the operands, but for what CF and OF carry out
 * of t3 and t4; both are 0 before */
#define BN254_ROW_ADD(x0, x1, x2, x3, t0, t1, t2, t3, t4)                                          \
    "mulxq " x0 ", %[lo], %[hi]\n\t"                                                               \
    "adcxq %[lo], %[" #t0 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t1 "]\n\t"                                                                  \
    "mulxq " x1 ", %[lo], %[hi]\n\t"                                                               \
    "adcxq %[lo], %[" #t1 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t2 "]\n\t"                                                                  \
    "mulxq " x2 ", %[lo], %[hi]\n\t"                                                               \
    "adcxq %[lo], %[" #t2 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t3 "]\n\t"                                                                  \
    "mulxq " x3 ", %[lo], %[hi]\n\t"                                                               \
    "adcxq %[lo], %[" #t3 "]\n\t"                                                                  \
    "adoxq %[hi], %[" #t4 "]\n\t"

/* (t4, ..., t0) = (t3, ..., t0) + a * b[i]; every xor starts both chains anew, so that they need
 * not wait for the end of the row before */
#define BN254_ROW(offset, t0, t1, t2, t3, t4)                                                      \
    "movq " #offset "(%[b]), %%rdx\n\t"                                                            \
    "xorl %k[" #t4 "], %k[" #t4 "]\n\t"                                                            \
    BN254_ROW_ADD("(%[a])", "8(%[a])", "16(%[a])", "24(%[a])", t0, t1, t2, t3, t4)                 \
    "adcq $0, %[" #t4 "]\n\t"

/* (t5, ..., t2) = ((t5, ..., t0) + m p) / 2^128; t0 and t1 become 0. m = (t1, t0) * -p^-1 mod
 * 2^128: two words at once, because the way from t0 over m back to t0 is what takes time. carry:
 * what adds CF and OF above t5, where something is. */
#define BN254_REDUCE2_CARRY(t0, t1, t2, t3, t4, t5, carry)                                         \
    "movq %[" #t0 "], %%rdx\n\t"                                                                   \
    "movq %[i1], %[m]\n\t"                                                                         \
    "imulq %[" #t0 "], %[m]\n\t"                                                                   \
    "mulxq %[i0], %[lo], %[hi]\n\t"                                                                \
    "addq %[hi], %[m]\n\t"                                                                         \
    "movq %[i0], %[hi]\n\t"                                                                        \
    "imulq %[" #t1 "], %[hi]\n\t"                                                                  \
    "addq %[hi], %[m]\n\t"                                                                         \
    "movq %[lo], %%rdx\n\t"                                                                        \
    "xorl %k[lo], %k[lo]\n\t"                                                                      \
    BN254_ROW_ADD("%[p0]", "%[p1]", "%[p2]", "%[p3]", t0, t1, t2, t3, t4)                          \
    "adcxq %[" #t0 "], %[" #t4 "]\n\t"                                                             \
    "adoxq %[" #t0 "], %[" #t5 "]\n\t"                                                             \
    "adcxq %[" #t0 "], %[" #t5 "]\n\t"                                                             \
    carry                                                                                          \
    "movq %[m], %%rdx\n\t"                                                                         \
    "xorl %k[lo], %k[lo]\n\t"                                                                      \
    BN254_ROW_ADD("%[p0]", "%[p1]", "%[p2]", "%[p3]", t1, t2, t3, t4, t5)                          \
    "adcxq %[" #t0 "], %[" #t5 "]\n\t"                                                             \
    carry

#define BN254_REDUCE2(t0, t1, t2, t3, t4, t5) BN254_REDUCE2_CARRY(t0, t1, t2, t3, t4, t5, "")

/* (t3, ..., t0) -= p unless that is negative; u is a free register */
#define BN254_SUBTRACT(t0, t1, t2, t3, u)                                                          \
    "movq %[" #t0 "], %[lo]\n\t"                                                                   \
    "subq %[p0], %[lo]\n\t"                                                                        \
    "movq %[" #t1 "], %[hi]\n\t"                                                                   \
    "sbbq %[p1], %[hi]\n\t"                                                                        \
    "movq %[" #t2 "], %[" #u "]\n\t"                                                               \
    "sbbq %[p2], %[" #u "]\n\t"                                                                    \
    "movq %[" #t3 "], %%rdx\n\t"                                                                   \
    "sbbq %[p3], %%rdx\n\t"                                                                        \
    "cmovncq %[lo], %[" #t0 "]\n\t"                                                                \
    "cmovncq %[hi], %[" #t1 "]\n\t"                                                                \
    "cmovncq %[" #u "], %[" #t2 "]\n\t"                                                            \
    "cmovncq %%rdx, %[" #t3 "]\n\t"

/* the result is in t4, t5, t0, t1 */
#define BN254_MUL                                                                                  \
    BN254_ROW_FIRST(t0, t1, t2, t3, t4)                                                            \
    BN254_ROW(8, t1, t2, t3, t4, t5)                                                               \
    BN254_REDUCE2(t0, t1, t2, t3, t4, t5)                                                          \
    BN254_ROW(16, t2, t3, t4, t5, t0)                                                              \
    BN254_ROW(24, t3, t4, t5, t0, t1)                                                              \
    BN254_REDUCE2(t2, t3, t4, t5, t0, t1)

#define BN254_MUL_REDUCED BN254_MUL BN254_SUBTRACT(t4, t5, t0, t1, t2)
/* clang-format on */

/** One multiplication of T: code is one of the two above, p a static array: the modulus (4 words)
 * and -p^-1 mod 2^128 (2 words). The empty statement puts either address into one register, of the
 * 14 that there are. */
#define BN254_ASM_MUL(code, T, out, x, y, p)                                                       \
    do {                                                                                           \
        const T *a_ = x, *b_ = y;                                                                  \
        uint64_t t0_, t1_, t2_, t3_, t4_, t5_, m_, lo_, hi_, d_;                                   \
                                                                                                   \
        __asm__("" : "+r"(a_), "+r"(b_));                                                          \
        __asm__(                                                                                   \
            code                                                                                   \
            : [t0] "=&r"(t0_), [t1] "=&r"(t1_), [t2] "=&r"(t2_), [t3] "=&r"(t3_), [t4] "=&r"(t4_), \
              [t5] "=&r"(t5_), [m] "=&r"(m_), [lo] "=&r"(lo_), [hi] "=&r"(hi_), "=&d"(d_)          \
            : [a] "r"(a_), [b] "r"(b_), "m"(*a_), "m"(*b_), [p0] "m"((p)[0]), [p1] "m"((p)[1]),    \
              [p2] "m"((p)[2]), [p3] "m"((p)[3]), [i0] "m"((p)[4]), [i1] "m"((p)[5])               \
            : "cc");                                                                               \
        (out)->l[0] = t4_;                                                                         \
        (out)->l[1] = t5_;                                                                         \
        (out)->l[2] = t0_;                                                                         \
        (out)->l[3] = t1_;                                                                         \
    } while (0)

/* clang-format off */
/* a word of the product is stored as soon as it is complete */
#define BN254_STORE(offset, t) "movq %[" #t "], " #offset "(%[r])\n\t"

#define BN254_WIDE_MUL                                                                             \
    BN254_ROW_FIRST(t0, t1, t2, t3, t4)                                                            \
    BN254_STORE(0, t0)                                                                             \
    BN254_ROW(8, t1, t2, t3, t4, t0)                                                               \
    BN254_STORE(8, t1)                                                                             \
    BN254_ROW(16, t2, t3, t4, t0, t1)                                                              \
    BN254_STORE(16, t2)                                                                            \
    BN254_ROW(24, t3, t4, t0, t1, t2)                                                              \
    BN254_STORE(24, t3)                                                                            \
    BN254_STORE(32, t4)                                                                            \
    BN254_STORE(40, t0)                                                                            \
    BN254_STORE(48, t1)                                                                            \
    BN254_STORE(56, t2)
/* clang-format on */

/** r (eight words, apart from a and b) = a b. */
#define BN254_ASM_WIDE_MUL(T, to, x, y)                                                            \
    do {                                                                                           \
        const T *a_ = x, *b_ = y;                                                                  \
        uint64_t *r_ = to, t0_, t1_, t2_, t3_, t4_, lo_, hi_, d_;                                  \
                                                                                                   \
        __asm__("" : "+r"(a_), "+r"(b_), "+r"(r_));                                                \
        __asm__(BN254_WIDE_MUL                                                                     \
                : [t0] "=&r"(t0_), [t1] "=&r"(t1_), [t2] "=&r"(t2_), [t3] "=&r"(t3_),              \
                  [t4] "=&r"(t4_), [lo] "=&r"(lo_), [hi] "=&r"(hi_), "=&d"(d_),                    \
                  "=m"(*(uint64_t(*)[8])r_)                                                        \
                : [a] "r"(a_), [b] "r"(b_), [r] "r"(r_), "m"(*a_), "m"(*b_)                        \
                : "cc");                                                                           \
    } while (0)

/* clang-format off */
/* the low half reduced, to which the high half is added: the result is in t4, t5, t0, t1 */
#define BN254_WIDE_REDC                                                                            \
    "movq (%[a]), %[t0]\n\t"                                                                       \
    "movq 8(%[a]), %[t1]\n\t"                                                                      \
    "movq 16(%[a]), %[t2]\n\t"                                                                     \
    "movq 24(%[a]), %[t3]\n\t"                                                                     \
    "xorl %k[t4], %k[t4]\n\t"                                                                      \
    "xorl %k[t5], %k[t5]\n\t"                                                                      \
    BN254_REDUCE2(t0, t1, t2, t3, t4, t5)                                                          \
    BN254_REDUCE2(t2, t3, t4, t5, t0, t1)                                                          \
    "addq 32(%[a]), %[t4]\n\t"                                                                     \
    "adcq 40(%[a]), %[t5]\n\t"                                                                     \
    "adcq 48(%[a]), %[t0]\n\t"                                                                     \
    "adcq 56(%[a]), %[t1]\n\t"

#define BN254_WIDE_REDUCED BN254_WIDE_REDC BN254_SUBTRACT(t4, t5, t0, t1, t2)
/* clang-format on */

/* clang-format off */
/* (t7, ..., t0) = a^2: the six products of different words, then twice that and the four squares */
#define BN254_SQUARE                                                                               \
    "movq (%[a]), %%rdx\n\t"                                                                       \
    "mulxq 8(%[a]), %[t1], %[t2]\n\t"                                                              \
    "mulxq 16(%[a]), %[lo], %[t3]\n\t"                                                             \
    "addq %[lo], %[t2]\n\t"                                                                        \
    "mulxq 24(%[a]), %[lo], %[t4]\n\t"                                                             \
    "adcq %[lo], %[t3]\n\t"                                                                        \
    "adcq $0, %[t4]\n\t"                                                                           \
    "movq 8(%[a]), %%rdx\n\t"                                                                      \
    "xorl %k[t6], %k[t6]\n\t"                                                                      \
    "mulxq 16(%[a]), %[lo], %[hi]\n\t"                                                             \
    "adcxq %[lo], %[t3]\n\t"                                                                       \
    "adoxq %[hi], %[t4]\n\t"                                                                       \
    "mulxq 24(%[a]), %[lo], %[t5]\n\t"                                                             \
    "adcxq %[lo], %[t4]\n\t"                                                                       \
    "movq 16(%[a]), %%rdx\n\t"                                                                     \
    "adoxq %[t6], %[t5]\n\t"                                                                       \
    "mulxq 24(%[a]), %[lo], %[hi]\n\t"                                                             \
    "adcxq %[lo], %[t5]\n\t"                                                                       \
    "adcxq %[hi], %[t6]\n\t"                                                                       \
    "xorl %k[t7], %k[t7]\n\t"                                                                      \
    "movq (%[a]), %%rdx\n\t"                                                                       \
    "mulxq %%rdx, %[t0], %[hi]\n\t"                                                                \
    "adcxq %[t1], %[t1]\n\t"                                                                       \
    "adoxq %[hi], %[t1]\n\t"                                                                       \
    "movq 8(%[a]), %%rdx\n\t"                                                                      \
    "mulxq %%rdx, %[lo], %[hi]\n\t"                                                                \
    "adcxq %[t2], %[t2]\n\t"                                                                       \
    "adoxq %[lo], %[t2]\n\t"                                                                       \
    "adcxq %[t3], %[t3]\n\t"                                                                       \
    "adoxq %[hi], %[t3]\n\t"                                                                       \
    "movq 16(%[a]), %%rdx\n\t"                                                                     \
    "mulxq %%rdx, %[lo], %[hi]\n\t"                                                                \
    "adcxq %[t4], %[t4]\n\t"                                                                       \
    "adoxq %[lo], %[t4]\n\t"                                                                       \
    "adcxq %[t5], %[t5]\n\t"                                                                       \
    "adoxq %[hi], %[t5]\n\t"                                                                       \
    "movq 24(%[a]), %%rdx\n\t"                                                                     \
    "mulxq %%rdx, %[lo], %[hi]\n\t"                                                                \
    "adcxq %[t6], %[t6]\n\t"                                                                       \
    "adoxq %[lo], %[t6]\n\t"                                                                       \
    "adcxq %[t7], %[t7]\n\t"                                                                       \
    "adoxq %[hi], %[t7]\n\t"

#define BN254_CARRY                                                                                \
    "adcxq %[t0], %[t6]\n\t"                                                                       \
    "adoxq %[t0], %[t6]\n\t"                                                                       \
    "adcxq %[t0], %[t7]\n\t"                                                                       \
    "adoxq %[t0], %[t7]\n\t"

/* the result is in t4, t5, t6, t7 */
#define BN254_SQUARE_REDUCED                                                                       \
    BN254_SQUARE                                                                                   \
    BN254_REDUCE2_CARRY(t0, t1, t2, t3, t4, t5, BN254_CARRY)                                       \
    BN254_REDUCE2(t2, t3, t4, t5, t6, t7)                                                          \
    BN254_SUBTRACT(t4, t5, t6, t7, t0)
/* clang-format on */

/** out = x^2 / 2^256 mod p; p as above. */
#define BN254_ASM_SQUARE(T, out, x, p)                                                             \
    do {                                                                                           \
        const T *a_ = x;                                                                           \
        uint64_t t0_, t1_, t2_, t3_, t4_, t5_, t6_, t7_, m_, lo_, hi_, d_;                         \
                                                                                                   \
        __asm__("" : "+r"(a_));                                                                    \
        __asm__(BN254_SQUARE_REDUCED                                                               \
                : [t0] "=&r"(t0_), [t1] "=&r"(t1_), [t2] "=&r"(t2_), [t3] "=&r"(t3_),              \
                  [t4] "=&r"(t4_), [t5] "=&r"(t5_), [t6] "=&r"(t6_), [t7] "=&r"(t7_),              \
                  [m] "=&r"(m_), [lo] "=&r"(lo_), [hi] "=&r"(hi_), "=&d"(d_)                       \
                : [a] "r"(a_), "m"(*a_), [p0] "m"((p)[0]), [p1] "m"((p)[1]), [p2] "m"((p)[2]),     \
                  [p3] "m"((p)[3]), [i0] "m"((p)[4]), [i1] "m"((p)[5])                             \
                : "cc");                                                                           \
        (out)->l[0] = t4_;                                                                         \
        (out)->l[1] = t5_;                                                                         \
        (out)->l[2] = t6_;                                                                         \
        (out)->l[3] = t7_;                                                                         \
    } while (0)

#endif
#endif
#endif
