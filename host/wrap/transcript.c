/* The transcript over Poseidon-BN254 (docs/stark.md). */
#include "host/wrap/gadgets.h"

#include <assert.h>

#define FR_BITS 254
#define WORD_BITS 64
#define INDEX_STRIDE 21 /* three indices of a word */
#define INDICES_A_WORD 3
#define WORDS_AN_ELEMENT 3

void wrap_transcript_init(wrap_transcript *t, r1cs_builder *b, const wrap_hash *hash,
                          const uint64_t state[4])
{
    bn_fr s;
    bool ok = bn_fr_set_words(&s, state);

    assert(ok);
    (void)ok;
    *t = (wrap_transcript){b, hash, r1cs_constant(b, s)};
}

/* An absorbing phase: the number of items, then elements. */
typedef struct absorption {
    wrap_transcript *t;
    r1cs_lc chunk[WRAP_CHUNK];
    uint32_t filled;
} absorption;

static void permute(absorption *a)
{
    a->t->state =
        r1cs_poseidon_hash(a->t->b, a->t->hash->width[WRAP_CHUNK + 1], a->t->state, a->chunk);
    a->filled = 0;
}

static void push(absorption *a, r1cs_lc element)
{
    a->chunk[a->filled++] = element;
    if (a->filled == WRAP_CHUNK)
        permute(a);
}

static absorption begin(wrap_transcript *t, uint64_t count)
{
    absorption a = {.t = t};

    push(&a, r1cs_constant_u64(t->b, count));
    return a;
}

static void end(absorption *a)
{
    while (a->filled > 0)
        push(a, r1cs_constant_u64(a->t->b, 0));
}

void wrap_absorb_words(wrap_transcript *t, const r1cs_gl *words, uint64_t count)
{
    absorption a = begin(t, count);

    for (uint64_t i = 0; i < count; i += WRAP_PACKED) {
        uint64_t left = count - i;
        r1cs_lc element;

        wrap_pack(t->b, words + i, left < WRAP_PACKED ? (uint32_t)left : WRAP_PACKED, &element);
        push(&a, element);
    }
    end(&a);
}

void wrap_absorb_digests(wrap_transcript *t, const r1cs_lc *digests, uint64_t count)
{
    absorption a = begin(t, count);

    for (uint64_t i = 0; i < count; i++)
        push(&a, digests[i]);
    end(&a);
}

/* A squeezed element's bits. The decomposition has to be the strict one: the bits of e + r, where
 * that is below 2^254, would be other challenges for the same transcript. */
static void squeeze(wrap_transcript *t, r1cs_lc bits[FR_BITS])
{
    r1cs_lc zero = r1cs_constant_u64(t->b, 0), in[WRAP_SQUEEZE + 1] = {t->state, zero, zero},
            out[2];

    r1cs_poseidon_permute(t->b, t->hash->width[WRAP_SQUEEZE + 1], in, out, 2);
    t->state = out[0];
    r1cs_bits_strict(t->b, out[1], bits);
}

r1cs_ext wrap_squeeze_ext(wrap_transcript *t)
{
    r1cs_lc bits[FR_BITS];
    r1cs_ext x;

    squeeze(t, bits);
    for (uint32_t i = 0; i < 3; i++)
        x.c[i] = r1cs_gl_assume(
            r1cs_to_wire(t->b, r1cs_from_bits(t->b, bits + i * WORD_BITS, WORD_BITS)), WORD_BITS);
    return x;
}

void wrap_squeeze_grinding(wrap_transcript *t, uint32_t grinding_bits)
{
    r1cs_lc bits[FR_BITS];

    squeeze(t, bits);
    /* fewer than 254 bits: their number is 0 only if each is */
    if (grinding_bits > 0)
        r1cs_equal(t->b, r1cs_from_bits(t->b, bits, grinding_bits), r1cs_constant_u64(t->b, 0));
}

void wrap_squeeze_indices(wrap_transcript *t, uint32_t log_n, uint32_t count, r1cs_lc *out)
{
    const uint32_t each = WORDS_AN_ELEMENT * INDICES_A_WORD;
    r1cs_lc bits[FR_BITS];

    assert(log_n <= INDEX_STRIDE);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = i % each;

        if (k == 0)
            squeeze(t, bits);
        for (uint32_t j = 0; j < log_n; j++)
            out[i * log_n + j] =
                bits[k / INDICES_A_WORD * WORD_BITS + k % INDICES_A_WORD * INDEX_STRIDE + j];
    }
}
