#include "driver/base/isa.h"

#include <stddef.h>
#include <string.h>

static const char *const NAMES[P_ISA_COUNT] = {"portable", "avx2", "avx512", "avx512ifma"};

const char *p_isa_name(p_isa isa)
{
    return (unsigned)isa < P_ISA_COUNT ? NAMES[isa] : "unknown";
}

bool p_isa_supported(p_isa isa)
{
#if defined(__x86_64__)
    /* GCC and clang look at CPUID and at XGETBV, so a register file the system does not save counts
     * as absent; ADX has no name in older compilers' lists and is implied by no other */
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    unsigned a, b = 0, c, d;

    __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
#ifndef ZKP_ASSUME_ADX /* Valgrind 3.19 runs adcx and adox, and its CPUID does not say so */
    avx2 = avx2 && (b >> 19 & 1) != 0;
#endif
    switch (isa) {
    case P_ISA_PORTABLE:
        return true;
    case P_ISA_AVX2:
        return avx2;
    case P_ISA_AVX512:
        return avx2 && avx512;
    case P_ISA_AVX512IFMA:
        return avx2 && avx512 && __builtin_cpu_supports("avx512ifma");
    case P_ISA_COUNT:
        break;
    }
    return false;
#else
    return isa == P_ISA_PORTABLE;
#endif
}

p_isa p_isa_best(void)
{
    p_isa best = P_ISA_PORTABLE;

    for (p_isa i = P_ISA_AVX2; i < P_ISA_COUNT; i++)
        if (p_isa_supported(i))
            best = i;
    return best;
}

bool p_isa_parse(const char *name, p_isa *out)
{
    if (!name || strcmp(name, "auto") == 0) {
        *out = p_isa_best();
        return true;
    }
    for (p_isa i = P_ISA_PORTABLE; i < P_ISA_COUNT; i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}
