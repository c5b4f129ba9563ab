/* Rows of striped buffers (kernel_abi.h) through a kernel's ports, for synthesis.
 *
 * A buffer is HLS_CHANNELS pointers; which one has a row is known only when the row is, so every
 * access is a choice among all ports, and one access at a time. That is right for single rows.
 * Whole tiles go through all ports side by side: a loop over pieces whose body is unrolled over the
 * channels, each with its own row, by HLS_REPEAT. */
#ifndef ZKP_HLS_CORE_ROWS_H
#define ZKP_HLS_CORE_ROWS_H

#include "hls/include/kernel_ports.h"

#include "hls/include/hls_fault.h"
#include "hls/include/hls_pragma.h"

#define HLS_ROWS_READ_CASE(buffer, out, channel)                                                   \
    case channel:                                                                                  \
        *(out) = buffer##_##channel[at];                                                           \
        break;
#define HLS_ROWS_WRITE_CASE(buffer, in, channel)                                                   \
    case channel:                                                                                  \
        buffer##_##channel[at] = *(in);                                                            \
        break;

/* out <- row of the buffer. */
static inline void hls_rows_read(HLS_PARAM_ROWS(buffer), uint64_t row, hls_row *out)
{
    uint64_t at = hls_stripe_row(row, HLS_CHANNELS_LOG2);

    HLS_INLINE()
    switch (hls_stripe_channel(row, HLS_CHANNELS_LOG2)) {
        HLS_REPEAT(HLS_ROWS_READ_CASE, buffer, out)
    }
}

/* row of the buffer <- in. */
static inline void hls_rows_write(HLS_PARAM_ROWS(buffer), uint64_t row, const hls_row *in)
{
    uint64_t at = hls_stripe_row(row, HLS_CHANNELS_LOG2);

    HLS_INLINE()
    switch (hls_stripe_channel(row, HLS_CHANNELS_LOG2)) {
        HLS_REPEAT(HLS_ROWS_WRITE_CASE, buffer, in)
    }
}

#endif
