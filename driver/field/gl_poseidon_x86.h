/** Private to driver/field: the vector implementations, for gl_poseidon_select.c, and what they
 * share. Each is compiled for the level of driver/base/isa.h in its name and needs that level. */
#ifndef ZKP_DRIVER_FIELD_GL_POSEIDON_X86_H
#define ZKP_DRIVER_FIELD_GL_POSEIDON_X86_H

#include "driver/field/gl_poseidon.h"

#include <string.h>

#if defined(__x86_64__)
#define GL_POSEIDON_HAVE_X86 1

void gl_poseidon_permute_many_avx2(gl_t *states, size_t count);
void gl_poseidon_compress_avx2(gl_t *out, const uint64_t *in, const gl_t *capacity, size_t count);
void gl_poseidon_absorb_avx2(gl_t *capacity, const uint64_t *in, size_t count);

void gl_poseidon_permute_many_avx512(gl_t *states, size_t count);
void gl_poseidon_compress_avx512(gl_t *out, const uint64_t *in, const gl_t *capacity, size_t count);
void gl_poseidon_absorb_avx512(gl_t *capacity, const uint64_t *in, size_t count);

void gl_poseidon_permute_ifma(gl_t state[GL_POSEIDON_WIDTH]);
void gl_poseidon_permute_many_ifma(gl_t *states, size_t count);
void gl_poseidon_compress_ifma(gl_t *out, const uint64_t *in, const gl_t *capacity, size_t count);
void gl_poseidon_absorb_ifma(gl_t *capacity, const uint64_t *in, size_t count);

#else
#define GL_POSEIDON_HAVE_X86 0
#endif

/** What is left of a call of compress, or of absorb, for which out is capacity. */
typedef struct gl_poseidon_step {
    gl_t *out;
    const uint64_t *in;
    const gl_t *capacity; /**< NULL: zeros */
    size_t count;
    unsigned from; /**< which four elements are wanted: 0 for compress, 8 for absorb */
} gl_poseidon_step;

static inline void gl_poseidon_step_advance(gl_poseidon_step *s, size_t count)
{
    s->out += 4 * count;
    s->in += GL_POSEIDON_RATE * count;
    if (s->capacity)
        s->capacity += GL_POSEIDON_CAPACITY * count;
    s->count -= count;
}

/** The inputs of all that is left, to arrays of zeros with place for them. */
static inline void gl_poseidon_step_gather(const gl_poseidon_step *s, uint64_t *in, gl_t *capacity)
{
    memcpy(in, s->in, s->count * GL_POSEIDON_RATE * sizeof(*in));
    if (s->capacity)
        memcpy(capacity, s->capacity, s->count * GL_POSEIDON_CAPACITY * sizeof(*capacity));
}

/** The first of what is left. */
static inline void gl_poseidon_step_single(const gl_poseidon_step *s,
                                           void (*permute)(gl_t state[GL_POSEIDON_WIDTH]))
{
    gl_t state[GL_POSEIDON_WIDTH] = {0};

    memcpy(state, s->in, GL_POSEIDON_RATE * sizeof(gl_t));
    if (s->capacity)
        memcpy(state + GL_POSEIDON_RATE, s->capacity, GL_POSEIDON_CAPACITY * sizeof(gl_t));
    permute(state);
    memcpy(s->out, state + s->from, 4 * sizeof(gl_t));
}

#endif
