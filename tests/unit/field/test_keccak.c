#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/field/keccak.h"
#include "tests/unit/field/random.h"

#include <stdlib.h>
#include <string.h>

/* The specification bit by bit: a state of 1600 bits, constants from their own recurrences. */
typedef struct bits {
    uint8_t at[5][5][64]; /* x, y, z */
} bits;

static uint8_t lfsr_bit(unsigned t)
{
    unsigned r = 1;

    for (t %= 255; t > 0; t--)
        r = r << 1 ^ (r >> 7) * 0x171;
    return r & 1;
}

static void slow_f1600(bits *a)
{
    for (unsigned round = 0; round < 24; round++) {
        bits b = *a;

        for (int x = 0; x < 5; x++)
            for (int z = 0; z < 64; z++) {
                uint8_t parity = 0;

                for (int y = 0; y < 5; y++)
                    parity ^= a->at[(x + 4) % 5][y][z] ^ a->at[(x + 1) % 5][y][(z + 63) % 64];
                for (int y = 0; y < 5; y++)
                    b.at[x][y][z] ^= parity;
            }
        *a = b;
        for (int t = 0, x = 1, y = 0; t < 24; t++) {
            int next = (2 * x + 3 * y) % 5;

            for (int z = 0; z < 64; z++)
                a->at[x][y][(z + (t + 1) * (t + 2) / 2) % 64] = b.at[x][y][z];
            x = y;
            y = next;
        }
        for (int x = 0; x < 5; x++)
            for (int y = 0; y < 5; y++)
                memcpy(b.at[y][(2 * x + 3 * y) % 5], a->at[x][y], 64);
        for (int x = 0; x < 5; x++)
            for (int y = 0; y < 5; y++)
                for (int z = 0; z < 64; z++)
                    a->at[x][y][z] =
                        b.at[x][y][z] ^ ((b.at[(x + 1) % 5][y][z] ^ 1) & b.at[(x + 2) % 5][y][z]);
        for (unsigned j = 0; j <= 6; j++)
            a->at[0][0][(1u << j) - 1] ^= lfsr_bit(j + 7 * round);
    }
}

static uint8_t *bit_of(bits *a, size_t index)
{
    return &a->at[index / 64 % 5][index / 320][index % 64];
}

static void slow_keccak(uint8_t out[32], const uint8_t *in, size_t len)
{
    size_t padded = (len / 136 + 1) * 136;
    uint8_t *text = calloc(1, padded);
    bits a;

    assert_non_null(text);
    memset(&a, 0, sizeof(a));
    if (len)
        memcpy(text, in, len);
    text[len] ^= 0x01;
    text[padded - 1] ^= 0x80;
    for (size_t block = 0; block < padded; block += 136) {
        for (size_t i = 0; i < 8 * 136; i++)
            *bit_of(&a, i) ^= text[block + i / 8] >> i % 8 & 1;
        slow_f1600(&a);
    }
    memset(out, 0, 32);
    for (size_t i = 0; i < 256; i++)
        out[i / 8] |= (uint8_t)(*bit_of(&a, i) << i % 8);
    free(text);
}

static void known_answers(void **state)
{
    (void)state;
    static const uint8_t empty[32] = {0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c,
                                      0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
                                      0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b,
                                      0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70};
    static const uint8_t abc[32] = {0x4e, 0x03, 0x65, 0x7a, 0xea, 0x45, 0xa9, 0x4f,
                                    0xc7, 0xd4, 0x7b, 0xa8, 0x26, 0xc8, 0xd6, 0x67,
                                    0xc0, 0xd1, 0xe6, 0xe3, 0x3a, 0x64, 0xa0, 0x36,
                                    0xec, 0x44, 0xf5, 0x8f, 0xa1, 0x2d, 0x6c, 0x45};
    uint8_t out[32];

    keccak_256(out, NULL, 0);
    assert_memory_equal(out, empty, 32);
    keccak_256(out, (const uint8_t *)"abc", 3);
    assert_memory_equal(out, abc, 32);
}

static void permutation_on_random_states(void **state)
{
    (void)state;
    uint64_t seed = 2;

    for (int n = 0; n < 20; n++) {
        uint64_t lanes[25], back[25] = {0};
        bits a;

        for (int i = 0; i < 25; i++)
            lanes[i] = n == 0 ? 0 : n == 1 ? UINT64_MAX : test_random(&seed);
        for (size_t i = 0; i < 1600; i++)
            *bit_of(&a, i) = lanes[i / 64] >> i % 64 & 1;
        slow_f1600(&a);
        for (size_t i = 0; i < 1600; i++)
            back[i / 64] |= (uint64_t)*bit_of(&a, i) << i % 64;
        keccak_f1600(lanes);
        assert_memory_equal(lanes, back, sizeof(lanes));
    }
}

static void every_length_and_split(void **state)
{
    (void)state;
    uint64_t seed = 3;

    for (size_t len = 0; len <= 300; len++) {
        uint8_t *in = malloc(len + 1); /* exactly sized, so that reading too far is noticed */
        uint8_t expected[32], out[32];

        assert_non_null(in);
        for (size_t i = 0; i < len; i++)
            in[i] = (uint8_t)test_random(&seed);
        slow_keccak(expected, in, len);
        keccak_256(out, in, len);
        assert_memory_equal(out, expected, 32);
        assert_int_equal(keccak_256_blocks(len), len / 136 + 1);
        for (int n = 0; n < 20; n++) { /* in pieces, cut anywhere, also empty ones */
            keccak_ctx ctx;

            keccak_256_init(&ctx);
            for (size_t at = 0; at < len;) {
                size_t piece = test_random(&seed) % (n < 10 ? 20 : len + 1);

                piece = piece > len - at ? len - at : piece;
                keccak_256_update(&ctx, in + at, piece);
                at += piece;
            }
            keccak_256_update(&ctx, NULL, 0);
            keccak_256_final(&ctx, out);
            assert_memory_equal(out, expected, 32);
        }
        if (len >= 32) { /* the digest may overwrite the text */
            keccak_256(in, in, len);
            assert_memory_equal(in, expected, 32);
        }
        free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(permutation_on_random_states),
        cmocka_unit_test(every_length_and_split),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
