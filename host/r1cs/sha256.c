#include "host/r1cs/sha256.h"

#include "host/r1cs/bits.h"
#include "host/r1cs/builder_internal.h"

#define WORD_BITS 32
#define BLOCK_WORDS 16
#define BLOCK_BITS (BLOCK_WORDS * WORD_BITS)
#define STATE_WORDS 8
#define ROUNDS 64
#define MAX_ADDENDS 7

/* Bits, the lowest first. */
typedef struct word {
    r1cs_lc bit[WORD_BITS];
} word;

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64
 * primes. */
static const uint32_t K[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* 5.3.3: of the square roots of the first eight. */
static const uint32_t INITIAL[STATE_WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static void set_constant(r1cs_builder *b, word *w, uint32_t value)
{
    for (unsigned i = 0; i < WORD_BITS; i++)
        w->bit[i] = r1cs_constant_u64(b, value >> i & 1);
}

/* The exclusive or of x rotated (or, the third, shifted) to the right by three amounts. */
static void sigma(r1cs_builder *b, word *out, const word *x, const unsigned by[3], bool shift)
{
    for (unsigned i = 0; i < WORD_BITS; i++) {
        unsigned third = i + by[2];

        out->bit[i] = r1cs_xor(b, x->bit[(i + by[0]) % WORD_BITS], x->bit[(i + by[1]) % WORD_BITS]);
        if (!shift || third < WORD_BITS)
            out->bit[i] = r1cs_xor(b, out->bit[i], x->bit[third % WORD_BITS]);
    }
}

/* Where e is set the bit of f, else of g. */
static void choose(r1cs_builder *b, word *out, const word *e, const word *f, const word *g)
{
    for (unsigned i = 0; i < WORD_BITS; i++)
        out->bit[i] = r1cs_select(b, e->bit[i], f->bit[i], g->bit[i]);
}

/* The majority of x, y and z; both: the bits of x and y. */
static void majority(r1cs_builder *b, word *out, const word *x, const word *y, const word *both,
                     const word *z)
{
    bn_fr factors[3] = {BN_FR_R_INIT, BN_FR_R_INIT, BN_FR_R_INIT};

    bn_fr_dbl(&factors[2], &factors[2]);
    bn_fr_neg(&factors[2], &factors[2]);
    for (unsigned i = 0; i < WORD_BITS; i++) {
        const r1cs_lc parts[3] = {x->bit[i], y->bit[i], both->bit[i]};
        r1cs_lc one_of_two = r1cs_sum(b, parts, factors, 3);

        out->bit[i] = r1cs_add(b, both->bit[i], r1cs_mul(b, one_of_two, z->bit[i]));
    }
}

/* out = the sum of words and a constant, modulo 2^32. With the constant at most 7 addends: three
 * more bits. */
static void add(r1cs_builder *b, word *out, const word *const *x, unsigned count, uint32_t constant)
{
    r1cs_lc parts[(MAX_ADDENDS - 1) * WORD_BITS + 1], bits[WORD_BITS + 3];
    bn_fr factors[(MAX_ADDENDS - 1) * WORD_BITS + 1], power = r1cs_fr_one();
    unsigned addends = count + (constant != 0), more = addends > 4 ? 3 : addends > 2 ? 2 : 1;

    parts[0] = r1cs_constant_u64(b, constant);
    factors[0] = r1cs_fr_one();
    for (unsigned i = 0; i < WORD_BITS; i++) {
        for (unsigned k = 0; k < count; k++) {
            parts[1 + k * WORD_BITS + i] = x[k]->bit[i];
            factors[1 + k * WORD_BITS + i] = power;
        }
        bn_fr_dbl(&power, &power);
    }
    r1cs_bits(b, r1cs_sum(b, parts, factors, 1 + count * WORD_BITS), WORD_BITS + more, bits);
    for (unsigned i = 0; i < WORD_BITS; i++)
        out->bit[i] = bits[i];
}

static void schedule(r1cs_builder *b, word w[ROUNDS])
{
    static const unsigned first[3] = {7, 18, 3}, second[3] = {17, 19, 10};

    for (unsigned t = BLOCK_WORDS; t < ROUNDS; t++) {
        word s0, s1;
        const word *const addends[] = {&s1, &w[t - 7], &s0, &w[t - 16]};

        sigma(b, &s0, &w[t - 15], first, true);
        sigma(b, &s1, &w[t - 2], second, true);
        add(b, &w[t], addends, 4, 0);
    }
}

/* w[0..15]: the block; the rest is room. */
static void compress(r1cs_builder *b, word state[STATE_WORDS], word w[ROUNDS])
{
    static const unsigned by_e[3] = {6, 11, 25}, by_a[3] = {2, 13, 22};
    word s[STATE_WORDS], both, maj, s0, s1, ch;
    bool have_both = false; /* of the second and the third, from the round before */

    schedule(b, w);
    for (unsigned i = 0; i < STATE_WORDS; i++)
        s[i] = state[i];
    for (unsigned t = 0; t < ROUNDS; t++) {
        const word *const to_e[] = {&s[3], &s[7], &s1, &ch, &w[t]};
        const word *const to_a[] = {&s[7], &s1, &ch, &w[t], &s0, &maj};
        word e, a;

        sigma(b, &s1, &s[4], by_e, false);
        choose(b, &ch, &s[4], &s[5], &s[6]);
        sigma(b, &s0, &s[0], by_a, false);
        if (have_both) {
            majority(b, &maj, &s[1], &s[2], &both, &s[0]);
        } else {
            for (unsigned i = 0; i < WORD_BITS; i++)
                both.bit[i] = r1cs_and(b, s[0].bit[i], s[1].bit[i]);
            majority(b, &maj, &s[0], &s[1], &both, &s[2]);
        }
        have_both = !have_both;
        add(b, &e, to_e, 5, K[t]);
        add(b, &a, to_a, 6, K[t]);
        for (unsigned i = STATE_WORDS - 1; i > 0; i--)
            s[i] = s[i - 1];
        s[4] = e;
        s[0] = a;
    }
    for (unsigned i = 0; i < STATE_WORDS; i++) {
        const word *const addends[] = {&state[i], &s[i]};
        word sum;

        add(b, &sum, addends, 2, 0);
        state[i] = sum;
    }
}

/* Bit i of the padded string: the string, a one, zeros, its length in 64 bits. */
static r1cs_lc padded_bit(r1cs_builder *b, const r1cs_lc *in, uint64_t bits, uint64_t all,
                          uint64_t i)
{
    if (i < bits)
        return in[i];
    return r1cs_constant_u64(b, i == bits || (i >= all - 64 && (bits >> (all - 1 - i) & 1)));
}

void r1cs_sha256(r1cs_builder *b, const r1cs_lc *in, uint64_t bytes, r1cs_lc out[R1CS_SHA256_BITS])
{
    uint64_t bits = bytes * 8, all = (bits + 1 + 64 + BLOCK_BITS - 1) / BLOCK_BITS * BLOCK_BITS;
    word state[STATE_WORDS], w[ROUNDS];

    for (unsigned i = 0; i < STATE_WORDS; i++)
        set_constant(b, &state[i], INITIAL[i]);
    if (bytes > R1CS_SHA256_MAX_BYTES) {
        r1cs_fail(b, P_EINTERNAL, "SHA-256 of more than 2^20 bytes");
        all = 0;
    }
    for (uint64_t block = 0; block < all; block += BLOCK_BITS) {
        r1cs_scope scope = r1cs_scope_begin(b);

        for (unsigned i = 0; i < BLOCK_BITS; i++)
            w[i / WORD_BITS].bit[WORD_BITS - 1 - i % WORD_BITS] =
                padded_bit(b, in, bits, all, block + i);
        compress(b, state, w);
        r1cs_scope_end(b, scope); /* the state's bits are single wires */
    }
    for (unsigned i = 0; i < R1CS_SHA256_BITS; i++)
        out[i] = state[i / WORD_BITS].bit[WORD_BITS - 1 - i % WORD_BITS];
}
