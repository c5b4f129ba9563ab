#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/field/gl_poseidon.h"
#include "driver/field/gl_poseidon_constants.h"
#include "tests/unit/field/random.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH GL_POSEIDON_WIDTH
#define MANY_MAX 41
#define RANDOM_STATES 10000

/* The specification as it stands: 30 rounds, the whole matrix, remainders by division. */
static void slow_permute(gl_t x[WIDTH])
{
    static const uint64_t circ[WIDTH] = {17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20};

    for (int r = 0; r < 30; r++) {
        gl_t y[WIDTH];

        for (int i = 0; i < WIDTH; i++) {
            y[i] = (gl_t)(((gl_u128)x[i] + GL_POSEIDON_ROUND[r][i]) % GL_P);
            if (r < 4 || r >= 26 || i == 0) {
                gl_t base = y[i];

                for (int k = 1; k < 7; k++)
                    y[i] = (gl_t)((gl_u128)y[i] * base % GL_P);
            }
        }
        for (int i = 0; i < WIDTH; i++) {
            gl_u128 sum = i == 0 ? (gl_u128)8 * y[0] : 0;

            for (int j = 0; j < WIDTH; j++)
                sum += (gl_u128)circ[(j - i + WIDTH) % WIDTH] * y[j];
            x[i] = (gl_t)(sum % GL_P);
        }
    }
}

static const gl_poseidon_ops *list[8];
static size_t list_count;

static int find_implementations(void **state)
{
    (void)state;
    list_count = gl_poseidon_list(list, 8);
    return 0;
}

static void known_answers(void **state)
{
    (void)state;
    /* outputs of plonky2's own test of this permutation: 0.., 0 1 2 .., p-1 .. */
    static const gl_t zeros[4] = {0x3c18a9786cb0b359, 0xc4055e3364a246c3, 0x7953db0ab48808f4,
                                  0xc71603f33a1144ca};
    static const gl_t counting[4] = {0xd64e1e3efc5b8e9e, 0x53666633020aaa47, 0xd40285597c6a8825,
                                     0x613a4f81e81231d2};
    static const gl_t minus_ones[4] = {0xbe0085cfc57a8357, 0xd95af71847d05c09, 0xcf55a13d33c1c953,
                                       0x95803a74f4530e82};

    for (size_t n = 0; n < list_count; n++) {
        gl_t x[3][WIDTH];

        for (int i = 0; i < WIDTH; i++) {
            x[0][i] = 0;
            x[1][i] = (gl_t)i;
            x[2][i] = GL_P - 1;
        }
        for (int k = 0; k < 3; k++)
            list[n]->permute(x[k]);
        assert_memory_equal(x[0], zeros, sizeof(zeros));
        assert_memory_equal(x[1], counting, sizeof(counting));
        assert_memory_equal(x[2], minus_ones, sizeof(minus_ones));
    }
}

/* both functions of every implementation on count states */
static void check_states(const gl_t *in, size_t count)
{
    size_t bytes = count * WIDTH * sizeof(gl_t);
    gl_t *expected = malloc(bytes), *out = malloc(bytes);

    assert_non_null(expected);
    assert_non_null(out);
    memcpy(expected, in, bytes);
    for (size_t i = 0; i < count; i++)
        slow_permute(expected + i * WIDTH);
    for (size_t n = 0; n < list_count; n++) {
        memcpy(out, in, bytes);
        for (size_t i = 0; i < count; i++)
            list[n]->permute(out + i * WIDTH);
        assert_memory_equal(out, expected, bytes);
        memcpy(out, in, bytes);
        list[n]->permute_many(out, count);
        assert_memory_equal(out, expected, bytes);
    }
    free(expected);
    free(out);
}

static void edge_states(void **state)
{
    (void)state;
    /* 0 and p-1 in every position, alone, in pairs, and among each other: all 4096 patterns; and
     * words at whose halves carries begin */
    static const gl_t edges[] = {1,          0xfffffffe,         0xffffffff,        0x100000000,
                                 0x80000000, 0xfffffffeffffffff, 0xffffffff00000000};
    gl_t *x = malloc(4096 * WIDTH * sizeof(gl_t));
    uint64_t seed = 4;

    assert_non_null(x);
    for (size_t k = 0; k < 4096; k++)
        for (size_t i = 0; i < WIDTH; i++)
            x[k * WIDTH + i] = k >> i & 1 ? GL_P - 1 : 0;
    check_states(x, 4096);
    for (size_t k = 0; k < 4096 * WIDTH; k++)
        x[k] = edges[test_random(&seed) % 7];
    check_states(x, 4096);
    free(x);
}

/* states that reach the first S-box as chosen words: 0, p-1 and the words around them */
static void edge_states_behind_constants(void **state)
{
    (void)state;
    static const gl_t edges[] = {0,          1,          0xffffffff,         0x100000000,
                                 0xfffffffe, 0x80000000, 0xfffffffeffffffff, 0xffffffff00000000};
    gl_t x[64 * WIDTH];
    uint64_t seed = 5;

    for (size_t k = 0; k < 64 * WIDTH; k++)
        x[k] = gl_sub(k < 8 * WIDTH ? edges[k / WIDTH] : edges[test_random(&seed) % 8],
                      GL_POSEIDON_ROUND[0][k % WIDTH]);
    check_states(x, 64);
}

static void random_states(void **state)
{
    (void)state;
    gl_t *x = malloc(RANDOM_STATES * WIDTH * sizeof(gl_t));
    uint64_t seed = 6;

    assert_non_null(x);
    for (size_t i = 0; i < RANDOM_STATES * WIDTH; i++)
        x[i] = test_random(&seed) % GL_P;
    check_states(x, RANDOM_STATES);
    free(x);
}

/* every count, every alignment to 8 bytes, and nothing written outside */
static void every_count(void **state)
{
    (void)state;
    uint64_t seed = 7;
    gl_t *in = malloc(MANY_MAX * WIDTH * sizeof(gl_t)), *expected, *buffer;

    assert_non_null(in);
    for (size_t i = 0; i < MANY_MAX * WIDTH; i++)
        in[i] = test_random(&seed) % GL_P;
    expected = malloc(MANY_MAX * WIDTH * sizeof(gl_t));
    assert_non_null(expected);
    memcpy(expected, in, MANY_MAX * WIDTH * sizeof(gl_t));
    for (size_t i = 0; i < MANY_MAX; i++)
        slow_permute(expected + i * WIDTH);
    for (size_t n = 0; n < list_count; n++)
        for (size_t count = 0; count < MANY_MAX; count++)
            for (size_t shift = 0; shift < 8; shift++) {
                size_t words = count * WIDTH;

                buffer = malloc((shift + words + 1) * sizeof(gl_t));
                assert_non_null(buffer);
                memset(buffer, 0xa5, (shift + words + 1) * sizeof(gl_t));
                memcpy(buffer + shift, in, words * sizeof(gl_t));
                list[n]->permute_many(buffer + shift, count);
                assert_memory_equal(buffer + shift, expected, words * sizeof(gl_t));
                for (size_t i = 0; i < shift; i++)
                    assert_int_equal(buffer[i], 0xa5a5a5a5a5a5a5a5);
                assert_int_equal(buffer[shift + words], 0xa5a5a5a5a5a5a5a5);
                free(buffer);
            }
    free(expected);
    free(in);
}

static void choosing(void **state)
{
    (void)state;
    const gl_poseidon_ops *one[1] = {NULL};

    assert_true(list_count >= 1);
    assert_string_equal(list[0]->isa, "portable");
    assert_ptr_equal(gl_poseidon_select("portable"), list[0]);
    assert_ptr_equal(gl_poseidon_select(NULL), list[list_count - 1]);
    assert_ptr_equal(gl_poseidon_select("auto"), list[list_count - 1]);
    assert_null(gl_poseidon_select("sse9"));
    assert_null(gl_poseidon_select(""));
    assert_int_equal(gl_poseidon_list(one, 1), 1);
    assert_ptr_equal(one[0], list[0]);
    assert_int_equal(gl_poseidon_list(NULL, 0), 0);
    for (size_t i = 0; i < list_count; i++) {
        print_message("implementation: %s\n", list[i]->isa);
        assert_ptr_equal(gl_poseidon_select(list[i]->isa), list[i]);
    }
    /* every level of the CPU has a name that works, and gets what is best at or below it */
    for (p_isa isa = P_ISA_PORTABLE; isa < P_ISA_COUNT; isa++) {
        const gl_poseidon_ops *ops = gl_poseidon_select(p_isa_name(isa));
        p_isa runs = P_ISA_COUNT;

        assert_int_equal(ops != NULL, p_isa_supported(isa));
        assert_non_null(gl_poseidon_for(isa));
        assert_true(p_isa_parse(gl_poseidon_for(isa)->isa, &runs));
        assert_true(runs <= isa && p_isa_supported(runs));
        if (ops)
            assert_ptr_equal(ops, gl_poseidon_for(isa));
        else
            print_message("skipped, this CPU lacks it: %s\n", p_isa_name(isa));
    }
    assert_ptr_equal(gl_poseidon_for(P_ISA_COUNT), gl_poseidon_select(NULL));
    assert_ptr_equal(gl_poseidon_select(p_isa_name(p_isa_best())), gl_poseidon_select(NULL));
}

/* The steps of sponges and trees: every count, in place and not, with and without capacity, and
 * nothing written outside. Half the words are not canonical. */
static void compress_every_count(void **state)
{
    (void)state;
    uint64_t seed = 9;
    uint64_t in[MANY_MAX * 8], capacity[MANY_MAX * 4];
    gl_t expected[3][MANY_MAX * 4]; /* without capacity, with, and what absorb leaves */

    for (size_t i = 0; i < MANY_MAX * 8; i++)
        in[i] = test_random(&seed) | (i % 2 ? GL_P : 0);
    for (size_t i = 0; i < MANY_MAX * 4; i++)
        capacity[i] = test_random(&seed) | (i % 3 ? 0 : GL_P - 1);
    for (size_t i = 0; i < MANY_MAX; i++)
        for (int with = 0; with < 2; with++) {
            gl_t x[WIDTH] = {0};

            for (size_t k = 0; k < 8; k++)
                x[k] = in[i * 8 + k] % GL_P;
            for (size_t k = 0; k < 4 && with; k++)
                x[8 + k] = capacity[i * 4 + k] % GL_P;
            slow_permute(x);
            memcpy(expected[with] + i * 4, x, 4 * sizeof(gl_t));
            memcpy(expected[2] + i * 4, x + 8, 4 * sizeof(gl_t));
        }
    for (size_t n = 0; n < list_count; n++)
        for (size_t count = 0; count < MANY_MAX; count++)
            for (int kind = 0; kind < 4; kind++) {
                gl_t *buffer = malloc((count * 4 + 2) * sizeof(gl_t)), *out = buffer + 1;

                assert_non_null(buffer);
                memset(buffer, 0xa5, (count * 4 + 2) * sizeof(gl_t));
                if (kind >= 2)
                    memcpy(out, capacity, count * 4 * sizeof(gl_t));
                if (kind == 3)
                    list[n]->absorb(out, in, count);
                else
                    list[n]->compress(out, in,
                                      kind == 0   ? NULL
                                      : kind == 1 ? capacity
                                                  : out,
                                      count);
                assert_memory_equal(out, expected[kind == 3 ? 2 : kind > 0],
                                    count * 4 * sizeof(gl_t));
                assert_int_equal(buffer[0], 0xa5a5a5a5a5a5a5a5);
                assert_int_equal(out[count * 4], 0xa5a5a5a5a5a5a5a5);
                free(buffer);
            }
}

/* Any word stands for its residue, in all of a state's places at once and alone. */
static void words_above_p(void **state)
{
    (void)state;
    static const uint64_t edges[] = {GL_P,       GL_P + 1,           UINT64_MAX - 1,
                                     UINT64_MAX, 0xffffffff80000000, 0xffffffff00000002};
    gl_t x[256 * WIDTH], expected[256 * WIDTH], out[256 * WIDTH];
    uint64_t seed = 10;

    for (size_t i = 0; i < 256 * WIDTH; i++) {
        size_t k = i / WIDTH;

        x[i] = k < 6     ? edges[k]
               : k < 128 ? edges[test_random(&seed) % 6]
                         : test_random(&seed) | GL_P;
        expected[i] = x[i] % GL_P;
    }
    for (size_t k = 0; k < 256; k++)
        slow_permute(expected + k * WIDTH);
    for (size_t n = 0; n < list_count; n++) {
        memcpy(out, x, sizeof(out));
        list[n]->permute_many(out, 256);
        assert_memory_equal(out, expected, sizeof(out));
        memcpy(out, x, sizeof(out));
        for (size_t k = 0; k < 256; k++)
            list[n]->permute(out + k * WIDTH);
        assert_memory_equal(out, expected, sizeof(out));
    }
}

/* The padded string as a whole, then cut up. */
static void slow_hash_bytes(gl_t out[4], const uint8_t *bytes, size_t len)
{
    size_t padded = len + 1;
    gl_t cap[4] = {0};
    uint8_t *text;

    while (padded % 56 != 0)
        padded++;
    text = calloc(1, padded);
    assert_non_null(text);
    if (len)
        memcpy(text, bytes, len);
    text[len] = 1;
    text[padded - 1] |= 0x80;
    assert_int_equal(gl_poseidon_bytes_blocks(len), padded / 56);
    for (size_t block = 0; block < padded; block += 56) {
        gl_t x[WIDTH] = {0}, in[8];

        for (size_t i = 0; i < 56; i++)
            x[i / 7] |= (gl_t)text[block + i] << 8 * (i % 7);
        gl_poseidon_bytes_block(in, bytes, len, block / 56);
        assert_memory_equal(in, x, sizeof(in));
        memcpy(x + 8, cap, sizeof(cap));
        slow_permute(x);
        memcpy(cap, x, sizeof(cap));
    }
    memcpy(out, cap, sizeof(cap));
    free(text);
}

static void hash_of_every_length(void **state)
{
    (void)state;
    uint64_t seed = 8;

    /* 0, 1, 55, 56, 57, 111, 112 and what lies between */
    for (size_t len = 0; len <= 170; len++) {
        uint8_t *bytes = malloc(len + 1);
        gl_t expected[4], out[4];

        assert_non_null(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)test_random(&seed) | (len % 3 == 0 ? 0xff : 0);
        slow_hash_bytes(expected, bytes, len);
        for (size_t n = 0; n < list_count; n++) {
            gl_poseidon_hash_bytes(out, len ? bytes : NULL, len, list[n]->permute);
            assert_memory_equal(out, expected, sizeof(out));
        }
        free(bytes);
    }
}

static json_t *load_vector(const char *name)
{
    const char *folder = getenv("ZKPROVER_VECTORS");
    char path[4096];
    int n;

    n = snprintf(path, sizeof(path), "%s/%s", folder ? folder : ZKP_DEFAULT_VECTORS, name);
    assert_true(n > 0 && (size_t)n < sizeof(path));
    return json_load_file(path, 0, NULL);
}

static void hash_of_bytecode_vectors(void **state)
{
    (void)state;
    int found = 0;

    for (int number = 0; number < 32; number++) {
        char name[64], hex[2 + 64 + 1] = "0x";
        json_t *root;
        const char *code, *hash;
        size_t len;
        uint8_t *bytes;
        gl_t out[4];

        snprintf(name, sizeof(name), "smt/smt-hash-bytecode/smt-hash-bytecode_%d.json", number);
        root = load_vector(name);
        if (!root)
            continue;
        found++;
        code = json_string_value(json_object_get(root, "bytecode"));
        hash = json_string_value(json_object_get(root, "expectedHash"));
        assert_non_null(code);
        assert_non_null(hash);
        if (strncmp(code, "0x", 2) == 0)
            code += 2;
        len = strlen(code) / 2;
        bytes = malloc(len + 1);
        assert_non_null(bytes);
        for (size_t i = 0; i < len; i++) {
            unsigned byte;

            assert_int_equal(sscanf(code + 2 * i, "%2x", &byte), 1);
            bytes[i] = (uint8_t)byte;
        }
        for (size_t n = 0; n < list_count; n++) {
            gl_poseidon_hash_bytes(out, bytes, len, list[n]->permute);
            snprintf(hex + 2, sizeof(hex) - 2, "%016llx%016llx%016llx%016llx",
                     (unsigned long long)out[3], (unsigned long long)out[2],
                     (unsigned long long)out[1], (unsigned long long)out[0]);
            assert_string_equal(hex, hash);
        }
        free(bytes);
        json_decref(root);
    }
    if (!found) {
        print_message("no smt/smt-hash-bytecode vectors: set ZKPROVER_VECTORS to their folder\n");
        skip();
    }
}

static void permutation_vectors(void **state)
{
    (void)state;
    json_t *root = load_vector("kat/poseidon-goldilocks-permutation.json"), *one;
    size_t index;

    if (!root) {
        print_message("no kat/poseidon-goldilocks-permutation.json: set ZKPROVER_VECTORS\n");
        skip();
    }
    assert_true(json_array_size(root) > 0);
    json_array_foreach(root, index, one)
    {
        const json_t *in = json_object_get(one, "state_in"),
                     *to = json_object_get(one, "state_out");

        if (!to) /* some give only the first elements */
            to = json_object_get(one, "state_out_first4");
        assert_int_equal(json_array_size(in), WIDTH);
        assert_true(json_array_size(to) >= 4);
        for (size_t n = 0; n < list_count; n++) {
            gl_t x[WIDTH];

            for (size_t i = 0; i < WIDTH; i++)
                x[i] = strtoull(json_string_value(json_array_get(in, i)), NULL, 16);
            list[n]->permute(x);
            for (size_t i = 0; i < json_array_size(to); i++)
                assert_int_equal(x[i],
                                 strtoull(json_string_value(json_array_get(to, i)), NULL, 16));
        }
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choosing),
        cmocka_unit_test(known_answers),
        cmocka_unit_test(edge_states),
        cmocka_unit_test(edge_states_behind_constants),
        cmocka_unit_test(random_states),
        cmocka_unit_test(every_count),
        cmocka_unit_test(compress_every_count),
        cmocka_unit_test(words_above_p),
        cmocka_unit_test(hash_of_every_length),
        cmocka_unit_test(hash_of_bytecode_vectors),
        cmocka_unit_test(permutation_vectors),
    };

    return cmocka_run_group_tests(tests, find_implementations, NULL);
}
