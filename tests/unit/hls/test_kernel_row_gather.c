/* hls/kernels/row_gather.c: openings against the rows themselves */
#include "tests/unit/hls/kernel_buffer.h"

#include "hls/kernels/row_gather.c"

static void gather(uint32_t count, uint64_t src_row, uint64_t src_rows, uint64_t index_row,
                   uint64_t dst_row, uint64_t *seed)
{
    test_buffer src, index, dst;
    uint64_t indices = (count + HLS_ROW_WORDS - 1) / HLS_ROW_WORDS;

    test_buffer_create(&src, src_row + src_rows, seed);
    test_buffer_create(&index, index_row + indices + 1, seed);
    test_buffer_create(&dst, dst_row + count + 3, seed);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *at = &test_buffer_row(&index, index_row + i / 8)->w[i % 8];

        *at = i == 0 ? 0 : i == 1 ? src_rows - 1 : test_random(seed) % src_rows;
    }
    test_buffer_snapshot(&index);
    row_gather(TEST_ROWS(&src), TEST_ROWS(&index), TEST_ROWS(&dst), count, src_row, index_row,
               dst_row);
    test_buffer_only(&src, 0, 0);
    test_buffer_only(&index, 0, 0);
    test_buffer_only(&dst, dst_row, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t from = test_buffer_row(&index, index_row + i / 8)->w[i % 8];

        assert_memory_equal(test_buffer_row(&dst, dst_row + i),
                            test_buffer_row(&src, src_row + from), sizeof(hls_row));
    }
    test_buffer_destroy(&src);
    test_buffer_destroy(&index);
    test_buffer_destroy(&dst);
}

static void counts(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (uint32_t count = 0; count < 35; count++)
        gather(count, count % 3 * HLS_ROW_ALIGN, 700, count % 2 * HLS_ROW_ALIGN,
               (count + 1) % 3 * HLS_ROW_ALIGN, &seed);
    gather(1, 0, 1, 0, 0, &seed);
    gather(3000, 5 * HLS_ROW_ALIGN, 5000, 7 * HLS_ROW_ALIGN, 3 * HLS_ROW_ALIGN, &seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
