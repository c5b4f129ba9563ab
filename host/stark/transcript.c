#include "host/stark/transcript.h"

#include <string.h>

#define RATE GL_POSEIDON_RATE
#define BN_CHUNK (BN_POSEIDON_MAX_WIDTH - 1)
#define BN_WORDS 3 /* that an element gives, and that are packed into one */

static void tell(const stark_transcript *t, const char *event, const char *what,
                 const uint64_t *words, uint64_t count)
{
    if (t->log)
        t->log(t->log_context, event, what, words, count);
}

void stark_transcript_init(stark_transcript *t, const stark_hash *hash)
{
    memset(t, 0, sizeof *t);
    t->hash = hash;
    if (hash->kind == DRV_HASH_GL)
        t->state.gl[RATE + 1] = 1;
    else
        t->state.bn[0] = 2;
}

/* The sequence (length, words...) with zeros up to whole blocks. */
static void absorb_gl(stark_transcript *t, const uint64_t *words, uint64_t count)
{
    uint64_t at = 0;
    unsigned place = 1;

    t->state.gl[0] = count;
    do {
        for (; place < RATE; place++)
            t->state.gl[place] = at < count ? words[at++] : 0;
        t->hash->gl->permute(t->state.gl);
        place = 0;
    } while (at < count);
}

/* items elements of 1 .. 4 words: item i has the words from i * step, at most step and up to
 * count. */
static void absorb_bn(stark_transcript *t, uint64_t length, const uint64_t *words, uint64_t count,
                      unsigned step)
{
    uint64_t chunk[BN_CHUNK][DRV_DIGEST_WORDS];
    uint64_t at = 0;
    unsigned place = 1;

    memset(chunk, 0, sizeof chunk);
    chunk[0][0] = length;
    do {
        for (; place < BN_CHUNK && at < count; place++)
            for (unsigned j = 0; j < step && at < count; j++)
                chunk[place][j] = words[at++];
        t->hash->bn->hash(t->hash->bn_width[BN_POSEIDON_MAX_WIDTH], BN_CANONICAL, t->state.bn,
                          chunk[0], t->state.bn, 1);
        memset(chunk, 0, sizeof chunk);
        place = 0;
    } while (at < count);
}

void stark_absorb_words(stark_transcript *t, const char *what, const uint64_t *words,
                        uint64_t count)
{
    tell(t, "absorb", what, words, count);
    if (t->hash->kind == DRV_HASH_GL)
        absorb_gl(t, words, count);
    else
        absorb_bn(t, count, words, count, BN_WORDS);
}

void stark_absorb_digests(stark_transcript *t, const char *what, const uint64_t *digests,
                          uint64_t count)
{
    tell(t, "absorb", what, digests, count * DRV_DIGEST_WORDS);
    if (t->hash->kind == DRV_HASH_GL)
        absorb_gl(t, digests, count * DRV_DIGEST_WORDS);
    else
        absorb_bn(t, count, digests, count * DRV_DIGEST_WORDS, DRV_DIGEST_WORDS);
}

void stark_squeeze_begin(stark_transcript *t)
{
    tell(t, "begin", "", NULL, 0);
    if (t->hash->kind == DRV_HASH_GL) {
        t->hash->gl->permute(t->state.gl);
        t->place = 0;
    } else
        t->place = BN_WORDS;
}

/* BN254: the next element, all four words of it. */
static void next_element(stark_transcript *t, uint64_t element[4])
{
    uint64_t state[3][4] = {{0}};

    memcpy(state[0], t->state.bn, sizeof state[0]);
    t->hash->bn->permute(t->hash->bn_width[3], BN_CANONICAL, state[0], 1);
    memcpy(t->state.bn, state[0], sizeof state[0]);
    memcpy(element, state[1], sizeof state[1]);
    memcpy(t->squeezed, state[1], sizeof t->squeezed);
    t->place = 0;
}

static uint64_t next_word(stark_transcript *t)
{
    uint64_t element[4];

    if (t->hash->kind == DRV_HASH_GL) {
        if (t->place == RATE) {
            t->hash->gl->permute(t->state.gl);
            t->place = 0;
        }
        return t->state.gl[t->place++];
    }
    if (t->place == BN_WORDS)
        next_element(t, element);
    return t->squeezed[t->place++];
}

gl_ext stark_squeeze_ext(stark_transcript *t, const char *what)
{
    gl_ext e;

    if (t->hash->kind == DRV_HASH_GL && t->place + 3 > RATE) {
        t->hash->gl->permute(t->state.gl);
        t->place = 0;
    }
    if (t->hash->kind == DRV_HASH_BN254)
        t->place = BN_WORDS; /* a new element for each */
    for (int i = 0; i < 3; i++)
        e.c[i] = gl_from_u64(next_word(t));
    tell(t, "squeeze", what, e.c, 3);
    return e;
}

void stark_squeeze_digest(stark_transcript *t, uint64_t digest[DRV_DIGEST_WORDS])
{
    stark_squeeze_begin(t);
    if (t->hash->kind == DRV_HASH_GL)
        for (int i = 0; i < DRV_DIGEST_WORDS; i++)
            digest[i] = next_word(t);
    else
        next_element(t, digest);
    tell(t, "squeeze", "digest", digest, DRV_DIGEST_WORDS);
}

uint64_t stark_squeeze_grinding(stark_transcript *t)
{
    uint64_t low;

    stark_squeeze_begin(t);
    low = next_word(t);
    if (t->hash->kind == DRV_HASH_BN254)
        t->place = BN_WORDS; /* what is left of the element is not used */
    tell(t, "squeeze", "grinding", &low, 1);
    return low;
}

void stark_squeeze_indices(stark_transcript *t, uint32_t log_n, uint64_t *out, uint32_t count)
{
    const uint64_t mask = (UINT64_C(1) << log_n) - 1;

    for (uint32_t i = 0; i < count;) {
        const uint64_t w = next_word(t);

        for (unsigned shift = 0; shift <= 42 && i < count; shift += 21)
            out[i++] = w >> shift & mask;
    }
    tell(t, "squeeze", "indices", out, count);
}
