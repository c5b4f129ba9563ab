#include "driver/field/gl_poseidon_x86.h"

#include <string.h>

static void permute_many_portable(gl_t *states, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gl_poseidon_permute_portable(states + i * GL_POSEIDON_WIDTH);
}

static const gl_poseidon_ops PORTABLE = {
    .isa = "portable",
    .permute = gl_poseidon_permute_portable,
    .permute_many = permute_many_portable,
};

#if GL_POSEIDON_HAVE_X86

static const gl_poseidon_ops AVX2 = {
    .isa = "avx2",
    .permute = gl_poseidon_permute_portable,
    .permute_many = gl_poseidon_permute_many_avx2,
};

static bool runs_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static const gl_poseidon_ops AVX512 = {
    .isa = "avx512",
    .permute = gl_poseidon_permute_avx512,
    .permute_many = gl_poseidon_permute_many_avx512,
};

static bool runs_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma");
}

#endif

/* In rising order of speed. */
static const struct {
    const gl_poseidon_ops *ops;
    bool (*runs_here)(void); /* NULL: everywhere */
} ALL[] = {
    {&PORTABLE, NULL},
#if GL_POSEIDON_HAVE_X86
    {&AVX2, runs_avx2},
    {&AVX512, runs_avx512},
#endif
};

#define ALL_COUNT (sizeof(ALL) / sizeof(ALL[0]))

size_t gl_poseidon_list(const gl_poseidon_ops **out, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < ALL_COUNT && count < max; i++)
        if (!ALL[i].runs_here || ALL[i].runs_here())
            out[count++] = ALL[i].ops;
    return count;
}

const gl_poseidon_ops *gl_poseidon_select(const char *isa)
{
    const gl_poseidon_ops *list[ALL_COUNT];
    size_t count = gl_poseidon_list(list, ALL_COUNT);

    if (!isa || strcmp(isa, "auto") == 0)
        return list[count - 1];
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i]->isa, isa) == 0)
            return list[i];
    return NULL;
}
