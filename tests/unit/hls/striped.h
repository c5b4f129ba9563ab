/** Buffers of kernels for their tests: striped over the channels of the program, each channel
 * exactly as long as it has to be (so a sanitizer sees what reaches beyond), filled with a pattern
 * in which a stray write shows. */
#ifndef ZKP_TESTS_UNIT_HLS_STRIPED_H
#define ZKP_TESTS_UNIT_HLS_STRIPED_H

#include "hls/include/kernel_ports.h"
#include "tests/unit/hls/hls_test.h"

#define STRIPED_PATTERN UINT64_C(0xa5a5a5a5a5a5a5a5)

typedef struct striped {
    uint64_t rows;
    hls_row *channel[16];
} striped;

#define STRIPED_CHANNEL(buffer, of) (buffer).channel[of]
/** A buffer as a kernel's arguments. */
#define STRIPED_PASS(buffer) HLS_EACH(STRIPED_CHANNEL, buffer)

static inline striped striped_create(uint64_t rows)
{
    striped b = {.rows = rows};
    size_t n = (size_t)hls_stripe_rows(rows, HLS_CHANNELS_LOG2);

    for (unsigned c = 0; c < HLS_CHANNELS; c++) {
        b.channel[c] = (hls_row *)malloc(n * sizeof(hls_row));
        assert_non_null(b.channel[c]);
        memset(b.channel[c], 0xa5, n * sizeof(hls_row));
    }
    return b;
}

static inline void striped_destroy(striped *b)
{
    for (unsigned c = 0; c < HLS_CHANNELS; c++)
        free(b->channel[c]);
}

/** The eight words of a row. */
static inline uint64_t *striped_row(const striped *b, uint64_t row)
{
    assert_true(row < b->rows);
    return b
        ->channel[hls_stripe_channel(row, HLS_CHANNELS_LOG2)]
                 [hls_stripe_row(row, HLS_CHANNELS_LOG2)]
        .w;
}

/** The four words of element i from a row on. */
static inline uint64_t *striped_element(const striped *b, uint64_t row, uint64_t i)
{
    return striped_row(b, row + i / 2) + 4 * (i % 2);
}

/** Nothing but rows first .. first + count - 1 was ever written, the rest of the channels' last
 * pieces included. */
static inline void striped_check_rest(const striped *b, uint64_t first, uint64_t count)
{
    uint64_t n = hls_stripe_rows(b->rows, HLS_CHANNELS_LOG2) << HLS_CHANNELS_LOG2;

    for (uint64_t row = 0; row < n; row++) {
        const uint64_t *w = b->channel[hls_stripe_channel(row, HLS_CHANNELS_LOG2)]
                                      [hls_stripe_row(row, HLS_CHANNELS_LOG2)]
                                          .w;

        if (row >= first && row - first < count)
            continue;
        for (int i = 0; i < HLS_ROW_WORDS; i++)
            assert_int_equal(w[i], STRIPED_PATTERN);
    }
}

#endif
