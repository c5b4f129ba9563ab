/** Striped buffers for tests of kernels: exactly the rows that a buffer of so many rows has on each
 * channel, a copy to compare with, and guards around each channel's memory. */
#ifndef ZKP_TESTS_UNIT_HLS_KERNEL_BUFFER_H
#define ZKP_TESTS_UNIT_HLS_KERNEL_BUFFER_H

#include "tests/unit/hls/hls_test.h"

#include "hls/include/kernel_ports.h"

#define TEST_GUARD 64 /* rows before and behind */

typedef struct test_buffer {
    uint64_t rows, per_channel;
    hls_row *base[HLS_CHANNELS], *channel[HLS_CHANNELS], *copy[HLS_CHANNELS];
} test_buffer;

/** An argument ROWS of a kernel. */
#define TEST_PORT(buffer, number) (buffer)->channel[number]
#define TEST_ROWS(buffer) HLS_EACH(TEST_PORT, buffer)

static inline hls_row *test_buffer_row(const test_buffer *b, uint64_t row)
{
    assert_true(row < b->rows);
    return &b->channel[hls_stripe_channel(row, HLS_CHANNELS_LOG2)]
                      [hls_stripe_row(row, HLS_CHANNELS_LOG2)];
}

static inline hls_row *test_buffer_before(const test_buffer *b, uint64_t row)
{
    assert_true(row < b->rows);
    return &b->copy[hls_stripe_channel(row, HLS_CHANNELS_LOG2)]
                   [TEST_GUARD + hls_stripe_row(row, HLS_CHANNELS_LOG2)];
}

/** Remembers what is there, guards included. */
static inline void test_buffer_snapshot(const test_buffer *b)
{
    for (unsigned c = 0; c < HLS_CHANNELS; c++)
        memcpy(b->copy[c], b->base[c], (size_t)(b->per_channel + 2 * TEST_GUARD) * sizeof(hls_row));
}

/** Random words with edges in every row. */
static inline void test_buffer_create(test_buffer *b, uint64_t rows, uint64_t *seed)
{
    b->rows = rows;
    b->per_channel = hls_stripe_rows(rows, HLS_CHANNELS_LOG2);
    for (unsigned c = 0; c < HLS_CHANNELS; c++) {
        size_t count = (size_t)b->per_channel + 2 * TEST_GUARD;

        b->base[c] = malloc(count * sizeof(hls_row));
        b->copy[c] = malloc(count * sizeof(hls_row));
        assert_non_null(b->base[c]);
        assert_non_null(b->copy[c]);
        b->channel[c] = b->base[c] + TEST_GUARD;
        for (size_t i = 0; i < count; i++)
            for (unsigned k = 0; k < HLS_ROW_WORDS; k++)
                b->base[c][i].w[k] = hls_test_word(seed);
    }
    test_buffer_snapshot(b);
}

static inline void test_buffer_destroy(test_buffer *b)
{
    for (unsigned c = 0; c < HLS_CHANNELS; c++) {
        free(b->base[c]);
        free(b->copy[c]);
    }
}

/** Nothing has changed since the snapshot but, perhaps, rows first .. first + count - 1. */
static inline void test_buffer_only(const test_buffer *b, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++)
        *test_buffer_before(b, i) = *test_buffer_row(b, i);
    for (unsigned c = 0; c < HLS_CHANNELS; c++)
        assert_memory_equal(b->base[c], b->copy[c],
                            (size_t)(b->per_channel + 2 * TEST_GUARD) * sizeof(hls_row));
}

#endif
