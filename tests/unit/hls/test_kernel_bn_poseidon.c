/* hls/kernels/bn_poseidon.c, with the table that driver/card makes, against driver/field's
 * permutations and hashes and against published answers. Channels are those of the program that
 * includes this file. */
/* driver/field has a type of the kernel's name */
#define bn_poseidon bn_poseidon_kernel
#include "hls/kernels/bn_poseidon.c"
#undef bn_poseidon

#include "driver/card/bn_poseidon_table.c"
#include "driver/field/goldilocks.h"
#include "tests/unit/hls/striped.h"

#define MOST 264 /* states in a run: more than a batch of the wider ones */

static bn_poseidon *contexts[BN_POSEIDON_MAX_WIDTH + 1];
static const bn_poseidon_ops *ops;

static int create_all(void **state)
{
    (void)state;
    ops = bn_poseidon_select(P_ISA_PORTABLE);
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= BN_POSEIDON_MAX_WIDTH; t++)
        if (bn_poseidon_create(t, &contexts[t], NULL) != P_OK)
            return -1;
    return 0;
}

static int destroy_all(void **state)
{
    (void)state;
    for (unsigned t = 0; t <= BN_POSEIDON_MAX_WIDTH; t++)
        bn_poseidon_destroy(contexts[t]);
    return 0;
}

/* the constants of a width, from row at on, between rows of a pattern */
static striped table_create(unsigned t, uint64_t at)
{
    uint32_t rows = hls_bn_poseidon_rows(t);
    striped b = striped_create(at + rows + 1);
    hls_row *made = (hls_row *)malloc(rows * sizeof(hls_row));

    assert_non_null(made);
    card_bn_poseidon_table(contexts[t], made);
    for (uint32_t i = 0; i < rows; i++)
        memcpy(striped_row(&b, at + i), made[i].w, HLS_ROW_BYTES);
    free(made);
    return b;
}

static void set_element(uint64_t w[4], uint64_t *seed)
{
    static const uint64_t r[4] = {BN_FR_P0, BN_FR_P1, BN_FR_P2, BN_FR_P3};
    uint64_t kind = test_random(seed) % 8;
    bn_fr a = {{0, 0, 0, 0}};

    if (kind < 3) {
        memcpy(w, kind < 2 ? a.l : r, 32);
        w[0] = kind < 2 ? kind : r[0] - 1;
        return;
    }
    for (int i = 0; i < 4; i++)
        a.l[i] = hls_test_word(seed);
    for (int i = 0; i < 6; i++)
        bn_fr_reduce_once(&a, a.l);
    memcpy(w, a.l, 32);
}

/* rows that count elements take; a half row that is left over is zero */
static uint64_t element_rows(const striped *b, uint64_t row, uint64_t count)
{
    static const uint64_t zeros[4];

    if (count % 2)
        assert_memory_equal(striped_element(b, row, count), zeros, 32);
    return (count + 1) / 2;
}

static void check_permute(unsigned t, uint64_t count, bn_form form, uint64_t at, uint64_t *seed)
{
    static uint64_t states[MOST * BN_POSEIDON_MAX_WIDTH * 4];
    striped table = table_create(t, at), src = striped_create(1);
    striped dst = striped_create(at + (count * t + 1) / 2 + 16);

    assert_true(count <= MOST);
    for (uint64_t i = 0; i < count * t; i++) {
        set_element(states + 4 * i, seed);
        memcpy(striped_element(&dst, at, i), states + 4 * i, 32);
    }
    bn_poseidon_kernel(STRIPED_PASS(src), STRIPED_PASS(table), STRIPED_PASS(dst), HLS_PERMUTE,
                       form == BN_MONTGOMERY ? HLS_MONTGOMERY : 0, t, 0, count, 0, 0, at, at);
    ops->permute(contexts[t], form, states, count);
    for (uint64_t i = 0; i < count * t; i++)
        assert_memory_equal(striped_element(&dst, at, i), states + 4 * i, 32);
    striped_check_rest(&dst, at, element_rows(&dst, at, count * t));
    striped_check_rest(&src, 0, 0);
    striped_check_rest(&table, at, hls_bn_poseidon_rows(t));
    striped_destroy(&table);
    striped_destroy(&src);
    striped_destroy(&dst);
}

static void test_permute(void **state)
{
    uint64_t seed = 21;

    (void)state;
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= BN_POSEIDON_MAX_WIDTH; t++)
        for (int form = 0; form < 2; form++)
            for (uint64_t count = 1; count < 4; count++)
                check_permute(t, count, form ? BN_MONTGOMERY : BN_CANONICAL,
                              count % 2 ? 0 : HLS_ROW_ALIGN, &seed);
    /* several batches, the last one odd; too long for a program of each fault */
    if (getenv("ZKP_TEST_CASES"))
        return;
    check_permute(2, MOST, BN_CANONICAL, 0, &seed);
    check_permute(5, MOST - 1, BN_MONTGOMERY, 0, &seed);
    check_permute(17, MOST - 17, BN_CANONICAL, 0, &seed);
}

/* chains over columns with HLS_FIRST in the first chunk only */
static void check_absorb(unsigned t, uint32_t columns, uint64_t count, bool first, uint64_t *seed)
{
    unsigned blocks = (columns + 7) / 8;
    uint64_t stride = (count + HLS_ROW_ALIGN - 1) / HLS_ROW_ALIGN * HLS_ROW_ALIGN;
    uint64_t src_row = HLS_ROW_ALIGN, dst_row = 2 * HLS_ROW_ALIGN;
    uint64_t rows = src_row + (blocks - 1) * stride + count;
    striped table = table_create(t, 0), src = striped_create(rows);
    striped dst = striped_create(dst_row + (count + 1) / 2 + 3);
    uint64_t initial[MOST][4], elements[BN_POSEIDON_MAX_WIDTH * 4], hash[4];

    for (uint64_t i = 0; i < count; i++) {
        set_element(initial[i], seed);
        memcpy(striped_element(&dst, dst_row, i), initial[i], 32);
        if (first) {
            memset(initial[i], 0, 32);
            initial[i][0] = 1;
        }
        for (unsigned b = 0; b < blocks; b++)
            for (int k = 0; k < 8; k++)
                striped_row(&src, src_row + b * stride + i)[k] = hls_test_word(seed);
    }
    bn_poseidon_kernel(STRIPED_PASS(src), STRIPED_PASS(table), STRIPED_PASS(dst), HLS_ABSORB,
                       first ? HLS_FIRST : 0, t, columns, count, src_row, stride, 0, dst_row);
    for (uint64_t i = 0; i < count; i++) {
        memset(elements, 0, sizeof(elements));
        for (uint32_t c = 0; c < columns; c++)
            elements[c / 3 * 4 + c % 3] =
                gl_from_u64(striped_row(&src, src_row + c / 8 * stride + i)[c % 8]);
        ops->hash(contexts[t], BN_CANONICAL, initial[i], elements, hash, 1);
        assert_memory_equal(striped_element(&dst, dst_row, i), hash, 32);
    }
    striped_check_rest(&dst, dst_row, element_rows(&dst, dst_row, count));
    striped_destroy(&table);
    striped_destroy(&src);
    striped_destroy(&dst);
}

static void test_absorb(void **state)
{
    uint64_t seed = 22;

    (void)state;
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= BN_POSEIDON_MAX_WIDTH; t++)
        for (uint32_t missing = 0; missing < 3; missing++)
            check_absorb(t, 3 * (t - 1) - missing, 1 + (t + missing) % 4, (t + missing) % 2, &seed);
    check_absorb(6, 14, 47, false, &seed);
    if (getenv("ZKP_TEST_CASES"))
        return;
    check_absorb(16, 45, MOST, true, &seed);
    check_absorb(16, 44, MOST - 1, false, &seed);
}

/* same: src and dst are one buffer, as the levels of a tree are */
static void check_nodes(uint64_t count, bool same, uint64_t *seed)
{
    static uint64_t children[MOST * 16 * 4];
    uint64_t src_row = HLS_ROW_ALIGN, children_rows = 8 * count;
    uint64_t dst_row = 2 * HLS_ROW_ALIGN + children_rows / HLS_ROW_ALIGN * HLS_ROW_ALIGN;
    uint64_t hash[4];
    striped table = table_create(17, 0);
    striped dst = striped_create(dst_row + (count + 1) / 2);
    striped src = same ? dst : striped_create(src_row + children_rows);

    for (uint64_t i = 0; i < 16 * count; i++) {
        set_element(children + 4 * i, seed);
        memcpy(striped_element(&src, src_row, i), children + 4 * i, 32);
    }
    bn_poseidon_kernel(STRIPED_PASS(src), STRIPED_PASS(table), STRIPED_PASS(dst), HLS_NODES, 0, 17,
                       0, count, src_row, 0, 0, dst_row);
    for (uint64_t i = 0; i < count; i++) {
        ops->hash(contexts[17], BN_CANONICAL, NULL, children + 64 * i, hash, 1);
        assert_memory_equal(striped_element(&dst, dst_row, i), hash, 32);
    }
    for (uint64_t i = 0; i < 16 * count; i++)
        assert_memory_equal(striped_element(&src, src_row, i), children + 4 * i, 32);
    if (!same) {
        striped_check_rest(&dst, dst_row, element_rows(&dst, dst_row, count));
        striped_destroy(&src);
    }
    striped_destroy(&table);
    striped_destroy(&dst);
}

static void test_nodes(void **state)
{
    uint64_t seed = 23;

    (void)state;
    for (uint64_t count = 1; count < 4; count++) {
        check_nodes(count, false, &seed);
        check_nodes(count, true, &seed);
    }
    if (!getenv("ZKP_TEST_CASES"))
        check_nodes(MOST - 23, true, &seed);
}

/* circomlib's hash of 1 .. k for every k, as published (tests/unit/field/test_bn_poseidon.c says
 * where), as words */
static const uint64_t ANSWERS[BN_POSEIDON_MAX_WIDTH + 1][4] = {
    [2] = {UINT64_C(0x8b897dc502820133), UINT64_C(0x0e96a4d1168b3384), UINT64_C(0xc1fe6c654d6a3c13),
           UINT64_C(0x29176100eaa962bd)},
    [3] = {UINT64_C(0x9e19607a4417189a), UINT64_C(0x2a3617f274324551), UINT64_C(0x3df64c6b9662e9cf),
           UINT64_C(0x115cc0f5e7d69041)},
    [4] = {UINT64_C(0xf725df34ab36d732), UINT64_C(0xf3230e269dc5b968), UINT64_C(0xff03d5e58dab6302),
           UINT64_C(0x0e7732d89e6939c0)},
    [5] = {UINT64_C(0xbaa525df65250465), UINT64_C(0x37e60ebb1ce0663d), UINT64_C(0x9dcefa40e4510b98),
           UINT64_C(0x299c867db6c1fdd7)},
    [6] = {UINT64_C(0x18125f8feeb123c0), UINT64_C(0x8b2174d305a316c9), UINT64_C(0x15224c0b15a49d59),
           UINT64_C(0x0dab9449e4a1398a)},
    [7] = {UINT64_C(0x134a4cca2f6302e1), UINT64_C(0x38490a68b05f2239), UINT64_C(0x13c8ebf094dea475),
           UINT64_C(0x2d1a038500844428)},
    [8] = {UINT64_C(0x2e9df45b4921c318), UINT64_C(0x4a9a85fcfc6533ec), UINT64_C(0xebb9ada49abdbc37),
           UINT64_C(0x1c2f3482dbb140c4)},
    [9] = {UINT64_C(0x4d43b3d8d0c4d8d1), UINT64_C(0x337a4d54fbbecd9a), UINT64_C(0x98e40395c0fefb40),
           UINT64_C(0x2921ab9bd0140cbc)},
    [10] = {UINT64_C(0x204af32e60cd9078), UINT64_C(0x75b22bb3aaa4461d),
            UINT64_C(0x75e749d260330b76), UINT64_C(0x1e0b893aa2ad8022)},
    [11] = {UINT64_C(0x8db9ad07206fdc21), UINT64_C(0x59816fc60d6738b7),
            UINT64_C(0xcc0628461dacfb94), UINT64_C(0x0816126a09c29ecf)},
    [12] = {UINT64_C(0xdae0e07fc05b47a8), UINT64_C(0x2429e211f71cacdb),
            UINT64_C(0x8f30a6b785b6c5ae), UINT64_C(0x07e5b070aa2dba00)},
    [13] = {UINT64_C(0x94e856c1ef7693b5), UINT64_C(0x681cc08702c81684),
            UINT64_C(0xb248a01e7cc55b3d), UINT64_C(0x058814945232937d)},
    [14] = {UINT64_C(0x744e90a666887806), UINT64_C(0x828d4c3920d379cc),
            UINT64_C(0x6456a2fe6e65a124), UINT64_C(0x0f918939632fadca)},
    [15] = {UINT64_C(0xa7464d4f0e527776), UINT64_C(0xdb4683fb26591c85),
            UINT64_C(0x8bf573151005830c), UINT64_C(0x1278779aaafc5ca5)},
    [16] = {UINT64_C(0x11da4273ecf20f50), UINT64_C(0x22d078d96f7c36ea),
            UINT64_C(0x8abb55e917642d40), UINT64_C(0x094ae33b67a84599)},
    [17] = {UINT64_C(0xde2ffb96b919b765), UINT64_C(0xae08afd7f1f2ec06),
            UINT64_C(0x8281a48099fff949), UINT64_C(0x16159a551cbb6610)},
};

static void test_answers(void **state)
{
    (void)state;
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= BN_POSEIDON_MAX_WIDTH; t++) {
        striped table = table_create(t, 0), src = striped_create(1), dst = striped_create(9);

        for (unsigned i = 0; i < t; i++) {
            const uint64_t w[4] = {i};

            memcpy(striped_element(&dst, 0, i), w, 32);
        }
        bn_poseidon_kernel(STRIPED_PASS(src), STRIPED_PASS(table), STRIPED_PASS(dst), HLS_PERMUTE,
                           0, t, 0, 1, 0, 0, 0, 0);
        assert_memory_equal(striped_row(&dst, 0), ANSWERS[t], 32);
        striped_destroy(&table);
        striped_destroy(&src);
        striped_destroy(&dst);
    }
}

/* What the pipe counts on (and a sequential program does not show): a slot is read again no earlier
 * than HLS_BN_POSEIDON_LATENCY steps after its sums have ended. The other slots' sums of the same
 * operation lie between for the first slot, those of the next operation for the last one. And the
 * steps are as many as the operations make. */
static void test_schedule(void **state)
{
    (void)state;
    for (unsigned t = BN_POSEIDON_MIN_WIDTH; t <= BN_POSEIDON_MAX_WIDTH; t++) {
        job b = {.op = HLS_PERMUTE, .t = t};
        uint32_t steps = 0, between, before = UINT32_MAX;
        operation o;

        set_job(&b);
        assert_true(b.slots >= 2 && b.batch > 0 && b.batch % 2 == 0);
        assert_true(b.slots * (2 * t + 1) <= DEPTH && b.slots * t <= IN_DEPTH);
        first_operation(&o, &b);
        while (o.what != DRAIN) {
            between = (b.slots - 1) * o.rows * o.period;
            assert_true(before >= HLS_BN_POSEIDON_LATENCY && between >= HLS_BN_POSEIDON_LATENCY);
            assert_true(o.period >= LANES && o.period >= o.length);
            before = between;
            steps += b.slots * o.rows * o.period;
            next_operation(&o, &b, 1);
        }
        assert_int_equal(steps + LANES, count_steps(&b, b.slots, 1));
        print_message("width %u: %u slots, %u steps a permutation in each of %u lanes\n", t,
                      b.slots, steps / b.slots, LANES);
    }
}

/* what is not a job touches nothing */
static void test_refused(void **state)
{
    striped table = striped_create(1), src = striped_create(1), dst = striped_create(1);
    const uint32_t bad[][3] = {{HLS_PERMUTE, 0, 0},  {HLS_PERMUTE, 1, 0},  {HLS_PERMUTE, 18, 0},
                               {HLS_ABSORB, 17, 49}, {HLS_ABSORB, 17, 45}, {HLS_ABSORB, 2, 0},
                               {3, 17, 48}};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        bn_poseidon_kernel(STRIPED_PASS(src), STRIPED_PASS(table), STRIPED_PASS(dst), bad[i][0], 0,
                           bad[i][1], bad[i][2], 1, 0, 0, 0, 0);
    striped_check_rest(&dst, 0, 0);
    striped_destroy(&table);
    striped_destroy(&src);
    striped_destroy(&dst);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_permute),
        cmocka_unit_test(test_absorb),   cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_schedule), cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, create_all, destroy_all);
}
