#include "driver/field/gl_poseidon.h"

#include "driver/field/gl_loose.h"
#include "driver/field/gl_poseidon_constants.h"
#include "driver/field/gl_poseidon_linear.h"

#include <string.h>

#define WIDTH GL_POSEIDON_WIDTH
#define BLOCK_BYTES 56
#define ELEMENT_BYTES 7

GL_POSEIDON_DEFINE_LINEAR(linear_half, uint64_t, )

/* S-box, then matrix: loose in, loose out, and constants of the next round (canonical) added */
static inline void full_round(uint64_t x[WIDTH], const uint64_t next[WIDTH])
{
    uint64_t lo[WIDTH], hi[WIDTH];

    for (int i = 0; i < WIDTH; i++) {
        uint64_t y = gl_loose_pow7(x[i]);

        lo[i] = y & GL_EPSILON;
        hi[i] = y >> 32;
    }
    linear_half(lo);
    linear_half(hi);
    for (int i = 0; i < WIDTH; i++) {
        x[i] = gl_loose_fold(((gl_u128)hi[i] << 32) + lo[i] + next[i]);
    }
}

/* x[0] <- 25 * y + row . x[1..11], x[i] <- x[i] + column[i] * y for y = sbox(x[0] + constant) */
static inline void partial_round(uint64_t x[WIDTH], uint64_t constant,
                                 const uint64_t row[WIDTH - 1], const uint64_t column[WIDTH - 1])
{
    uint64_t y = gl_loose_pow7(gl_loose_add(x[0], constant));
    /* eleven products of at most 2^64 * p exceed 128 bits: low and high words are summed apart */
    gl_u128 low = (gl_u128)y * 25, high = 0;

    for (int i = 0; i < WIDTH - 1; i++) {
        gl_u128 product = (gl_u128)row[i] * x[i + 1];

        low += (uint64_t)product;
        high += (uint64_t)(product >> 64);
        /* (2^64-1) * p + 2^64 - 1 < 2^128 */
        x[i + 1] = gl_loose_reduce128((gl_u128)column[i] * y + x[i + 1]);
    }
    /* low + 2^64 * high, high < 2^68: 2^128 = -2^32 (mod p) */
    high += (uint64_t)(low >> 64);
    x[0] = gl_sub(gl_reduce128((gl_u128)(uint64_t)high << 64 | (uint64_t)low),
                  (uint64_t)(high >> 64) << 32);
}

/* elements 1..11 times the dense matrix that the sparse rounds leave over */
static inline void initial_matrix(uint64_t x[WIDTH])
{
    uint64_t out[WIDTH - 1];

    for (int i = 0; i < WIDTH - 1; i++) {
        gl_u128 low = 0, high = 0;

        for (int j = 0; j < WIDTH - 1; j++) {
            gl_u128 product = (gl_u128)GL_POSEIDON_INITIAL[i][j] * x[j + 1];

            low += (uint64_t)product;
            high += (uint64_t)(product >> 64);
        }
        high += (uint64_t)(low >> 64);
        out[i] = gl_sub(gl_reduce128((gl_u128)(uint64_t)high << 64 | (uint64_t)low),
                        (uint64_t)(high >> 64) << 32);
    }
    memcpy(x + 1, out, sizeof(out));
}

void gl_poseidon_permute_portable(gl_t state[GL_POSEIDON_WIDTH])
{
    static const uint64_t none[WIDTH] = {0};
    uint64_t x[WIDTH];

    for (int i = 0; i < WIDTH; i++)
        x[i] = gl_loose_add(state[i], GL_POSEIDON_FULL[0][i]);
    for (int r = 1; r < GL_POSEIDON_HALF_FULL_ROUNDS; r++)
        full_round(x, GL_POSEIDON_FULL[r]);
    full_round(x, none);
    initial_matrix(x);
    for (int r = 0; r < GL_POSEIDON_PARTIAL_ROUNDS; r++)
        partial_round(x, GL_POSEIDON_FIRST[r], GL_POSEIDON_SPARSE_ROW[r],
                      GL_POSEIDON_SPARSE_COLUMN[r]);
    for (int i = 0; i < WIDTH; i++)
        x[i] = gl_loose_add(x[i], GL_POSEIDON_FULL[GL_POSEIDON_HALF_FULL_ROUNDS][i]);
    for (int r = GL_POSEIDON_HALF_FULL_ROUNDS + 1; r < 2 * GL_POSEIDON_HALF_FULL_ROUNDS; r++)
        full_round(x, GL_POSEIDON_FULL[r]);
    full_round(x, none);
    for (int i = 0; i < WIDTH; i++)
        state[i] = gl_from_u64(x[i]);
}

void gl_poseidon_bytes_block(gl_t in[GL_POSEIDON_RATE], const uint8_t *bytes, size_t len,
                             size_t index)
{
    uint8_t block[BLOCK_BYTES] = {0};
    size_t start = index * BLOCK_BYTES, blocks = gl_poseidon_bytes_blocks(len);

    /* the padding byte may fall on the last byte of a block: then both marks share it */
    if (index < blocks) {
        size_t left = len - start;

        if (left >= BLOCK_BYTES) {
            memcpy(block, bytes + start, BLOCK_BYTES);
        } else {
            if (left > 0)
                memcpy(block, bytes + start, left);
            block[left] = 0x01;
        }
    }
    if (index + 1 == blocks)
        block[BLOCK_BYTES - 1] |= 0x80;
    for (size_t i = 0; i < GL_POSEIDON_RATE; i++) {
        uint64_t word = 0;

        for (size_t k = 0; k < ELEMENT_BYTES; k++)
            word |= (uint64_t)block[i * ELEMENT_BYTES + k] << (8 * k);
        in[i] = word;
    }
}

void gl_poseidon_hash_bytes(gl_t out[4], const uint8_t *bytes, size_t len,
                            void (*permute)(gl_t state[GL_POSEIDON_WIDTH]))
{
    gl_t state[WIDTH] = {0};
    size_t blocks = gl_poseidon_bytes_blocks(len);

    for (size_t i = 0; i < blocks; i++) {
        if (i > 0)
            memcpy(state + GL_POSEIDON_RATE, state, GL_POSEIDON_CAPACITY * sizeof(gl_t));
        gl_poseidon_bytes_block(state, bytes, len, i);
        permute(state);
    }
    memcpy(out, state, 4 * sizeof(gl_t));
}
