/* hls/kernels/gl_merkle.c: sponges, trees and permutations against driver/field's portable
 * permutation */
#include "tests/unit/hls/kernel_buffer.h"

#include "driver/field/gl_poseidon.h"
#include "hls/kernels/gl_merkle.c"

static uint64_t tree_rows(unsigned log_leaves)
{
    uint64_t rows = 0;

    for (unsigned l = 0; l <= log_leaves; l++)
        rows += (((uint64_t)1 << l) + 1) / 2;
    return rows;
}

static uint64_t *digest(const test_buffer *b, uint64_t level_row, uint64_t i)
{
    return &test_buffer_row(b, level_row + i / 2)->w[4 * (i % 2)];
}

static uint64_t *digest_before(const test_buffer *b, uint64_t level_row, uint64_t i)
{
    return &test_buffer_before(b, level_row + i / 2)->w[4 * (i % 2)];
}

static void check_second_half(const test_buffer *tree, uint64_t row)
{
    for (unsigned k = 4; k < 8; k++)
        assert_int_equal(test_buffer_row(tree, row)->w[k], 0);
}

/* flags of one HLS_ABSORB */
static void absorb(unsigned log_leaves, uint32_t flags, uint64_t src_row, uint64_t tree_row,
                   uint64_t *seed)
{
    test_buffer src, tree;
    uint64_t leaves = (uint64_t)1 << log_leaves;

    test_buffer_create(&src, src_row + leaves, seed);
    test_buffer_create(&tree, tree_row + tree_rows(log_leaves), seed);
    gl_merkle(TEST_ROWS(&src), TEST_ROWS(&tree), HLS_ABSORB, flags, log_leaves, 77, src_row,
              tree_row);
    for (uint64_t i = 0; i < leaves; i++) {
        uint64_t x[12] = {0};

        memcpy(x, test_buffer_row(&src, src_row + i), 64);
        if (flags & HLS_FIRST)
            x[8] = 1;
        else
            memcpy(x + 8, digest_before(&tree, tree_row, i), 32);
        gl_poseidon_permute_portable(x);
        assert_memory_equal(digest(&tree, tree_row, i), flags & HLS_LAST ? x : x + 8, 32);
    }
    if (leaves == 1)
        check_second_half(&tree, tree_row);
    test_buffer_only(&src, 0, 0);
    test_buffer_only(&tree, tree_row, (leaves + 1) / 2);
    test_buffer_destroy(&src);
    test_buffer_destroy(&tree);
}

static void absorbs(void **state)
{
    uint64_t seed = 12;

    (void)state;
    for (unsigned log = 0; log <= 11; log++)
        for (uint32_t flags = 0; flags < 4; flags++)
            absorb(log, flags, (log + flags) % 3 * HLS_ROW_ALIGN, (log ^ flags) % 4 * HLS_ROW_ALIGN,
                   &seed);
}

static void nodes(unsigned log_leaves, uint32_t levels, uint64_t tree_row, uint64_t *seed)
{
    test_buffer src, tree;
    uint64_t from = tree_row, to = tree_row, start = tree_row + ((1U << log_leaves) + 1) / 2;

    test_buffer_create(&src, 1, seed);
    test_buffer_create(&tree, tree_row + tree_rows(log_leaves), seed);
    gl_merkle(TEST_ROWS(&src), TEST_ROWS(&tree), HLS_NODES, 3, log_leaves, levels, 0, tree_row);
    for (uint32_t level = 1; level <= levels; level++) {
        uint64_t count = (uint64_t)1 << (log_leaves - level);

        to = from + count; /* the level below has 2 count digests */
        for (uint64_t i = 0; i < count; i++) {
            uint64_t x[12] = {0};

            memcpy(x, test_buffer_row(&tree, from + i), 64);
            gl_poseidon_permute_portable(x);
            assert_memory_equal(digest(&tree, to, i), x, 32);
        }
        if (count == 1)
            check_second_half(&tree, to);
        from = to;
    }
    test_buffer_only(&tree, start,
                     levels ? to + (((uint64_t)1 << (log_leaves - levels)) + 1) / 2 - start : 0);
    test_buffer_destroy(&src);
    test_buffer_destroy(&tree);
}

static void trees(void **state)
{
    uint64_t seed = 13;

    (void)state;
    for (unsigned log = 0; log <= 8; log++)
        for (uint32_t levels = 0; levels <= log; levels++)
            nodes(log, levels, (log + levels) % 3 * HLS_ROW_ALIGN, &seed);
    nodes(11, 11, 5 * HLS_ROW_ALIGN, &seed);
    nodes(12, 3, 0, &seed);
    nodes(12, 12, 3 * HLS_ROW_ALIGN, &seed);
}

static void permutations(void **state)
{
    static const uint32_t COUNTS[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 127, 128, 129, 300, 1025};
    uint64_t seed = 14;

    (void)state;
    for (size_t c = 0; c < sizeof(COUNTS) / sizeof(COUNTS[0]); c++) {
        uint64_t row = c % 3 * HLS_ROW_ALIGN;
        test_buffer src, tree;

        test_buffer_create(&src, 1, &seed);
        test_buffer_create(&tree, row + 2 * (uint64_t)COUNTS[c] + 1, &seed);
        gl_merkle(TEST_ROWS(&src), TEST_ROWS(&tree), HLS_PERMUTE, 0, COUNTS[c], 0, 0, row);
        for (uint64_t i = 0; i < COUNTS[c]; i++) {
            uint64_t x[12], *high = test_buffer_row(&tree, row + 2 * i + 1)->w;

            memcpy(x, test_buffer_before(&tree, row + 2 * i), 64);
            memcpy(x + 8, test_buffer_before(&tree, row + 2 * i + 1), 32);
            gl_poseidon_permute_portable(x);
            assert_memory_equal(test_buffer_row(&tree, row + 2 * i), x, 64);
            assert_memory_equal(high, x + 8, 32);
            assert_memory_equal(high + 4, test_buffer_before(&tree, row + 2 * i + 1)->w + 4, 32);
        }
        test_buffer_only(&tree, row, 2 * (uint64_t)COUNTS[c]);
        test_buffer_destroy(&src);
        test_buffer_destroy(&tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absorbs),
        cmocka_unit_test(trees),
        cmocka_unit_test(permutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
