#include "driver/field/gl_poseidon_x86.h"

static void permute_many_portable(gl_t *states, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gl_poseidon_permute_portable(states + i * GL_POSEIDON_WIDTH);
}

static void compress_portable(gl_t *out, const uint64_t *in, const gl_t *capacity, size_t count)
{
    gl_poseidon_step at = {out, in, capacity, count, 0};

    for (; at.count > 0; gl_poseidon_step_advance(&at, 1))
        gl_poseidon_step_single(&at, gl_poseidon_permute_portable);
}

static void absorb_portable(gl_t *capacity, const uint64_t *in, size_t count)
{
    gl_poseidon_step at = {capacity, in, capacity, count, GL_POSEIDON_RATE};

    for (; at.count > 0; gl_poseidon_step_advance(&at, 1))
        gl_poseidon_step_single(&at, gl_poseidon_permute_portable);
}

/* By level; on x86-64 each level has an implementation. */
static const gl_poseidon_ops ALL[] = {
    [P_ISA_PORTABLE] = {.isa = "portable",
                        .permute = gl_poseidon_permute_portable,
                        .permute_many = permute_many_portable,
                        .compress = compress_portable,
                        .absorb = absorb_portable},
#if GL_POSEIDON_HAVE_X86
    [P_ISA_AVX2] = {.isa = "avx2",
                    .permute = gl_poseidon_permute_portable,
                    .permute_many = gl_poseidon_permute_many_avx2,
                    .compress = gl_poseidon_compress_avx2,
                    .absorb = gl_poseidon_absorb_avx2},
    [P_ISA_AVX512] = {.isa = "avx512",
                      .permute = gl_poseidon_permute_portable,
                      .permute_many = gl_poseidon_permute_many_avx512,
                      .compress = gl_poseidon_compress_avx512,
                      .absorb = gl_poseidon_absorb_avx512},
    [P_ISA_AVX512IFMA] = {.isa = "avx512ifma",
                          .permute = gl_poseidon_permute_ifma,
                          .permute_many = gl_poseidon_permute_many_ifma,
                          .compress = gl_poseidon_compress_ifma,
                          .absorb = gl_poseidon_absorb_ifma},
#endif
};

#define ALL_COUNT (sizeof(ALL) / sizeof(ALL[0]))

size_t gl_poseidon_list(const gl_poseidon_ops **out, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < ALL_COUNT && count < max; i++)
        if (p_isa_supported((p_isa)i))
            out[count++] = &ALL[i];
    return count;
}

const gl_poseidon_ops *gl_poseidon_for(p_isa isa)
{
    size_t i = (size_t)isa < ALL_COUNT ? (size_t)isa : ALL_COUNT - 1;

    while (!p_isa_supported((p_isa)i))
        i--; /* ends at portable */
    return &ALL[i];
}

const gl_poseidon_ops *gl_poseidon_select(const char *isa)
{
    p_isa level;

    if (!p_isa_parse(isa, &level) || !p_isa_supported(level))
        return NULL;
    return gl_poseidon_for(level);
}
