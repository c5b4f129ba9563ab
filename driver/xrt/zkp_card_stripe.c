/* Striping: see hls/include/kernel_abi.h. */
#include "driver/xrt/zkp_card.h"

#include <string.h>

#define PIECE ((uint64_t)1 << HLS_PIECE_LOG2)

/* Each group of 2^k pieces has one in each channel, so a range of rows is a range of rows in each
 * channel: only its first and last group can miss some. */
void zc_split(uint64_t row, uint64_t rows, uint32_t channels_log2, zc_part parts[ZC_CHANNELS])
{
    uint64_t group = PIECE << channels_log2, end = row + rows;

    memset(parts, 0, ZC_CHANNELS * sizeof *parts);
    for (uint64_t at = row; at < end;) {
        uint64_t next = (at / PIECE + 1) * PIECE;
        zc_part *part = &parts[hls_stripe_channel(at, channels_log2)];
        uint64_t place = hls_stripe_row(at, channels_log2);

        next = next < end ? next : end;
        if (part->rows == 0)
            part->first = place;
        part->rows = place + (next - at) - part->first;
        at = next;
        /* whole groups between the first and the last two add a piece to each channel */
        if (at % group == 0 && at != row && end - at > 2 * group) {
            uint64_t skip = (end - at) / group - 1;
            bool all = true;
            for (uint32_t c = 0; c < 1u << channels_log2; c++)
                all = all && parts[c].rows > 0;
            if (all)
                at += skip * group;
        }
    }
}

void zc_copy(const zc_buffer *buffer, uint64_t row, uint64_t rows, uint32_t channels_log2,
             uint8_t *linear, bool to_buffer)
{
    for (uint64_t at = row, end = row + rows; at < end;) {
        uint64_t next = (at / PIECE + 1) * PIECE;

        next = next < end ? next : end;
        uint8_t *place = buffer->host[hls_stripe_channel(at, channels_log2)] +
                         hls_stripe_row(at, channels_log2) * HLS_ROW_BYTES;
        if (to_buffer)
            memcpy(place, linear, (next - at) * HLS_ROW_BYTES);
        else
            memcpy(linear, place, (next - at) * HLS_ROW_BYTES);
        linear += (next - at) * HLS_ROW_BYTES;
        at = next;
    }
}
