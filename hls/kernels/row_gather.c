/* row_gather of kernel_abi.h: copies rows that an index names. */
#include "hls/include/kernel_ports.h"

#include "hls/core/rows.h"

HLS_TOP_ROWS_ONE(src, rows)
HLS_TOP_ROWS_ONE(index, rows)
HLS_TOP_ROWS_ONE(dst, rows)
void row_gather(HLS_ROW_GATHER_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    hls_row numbers = {{0}}, row = {{0}};

    HLS_INTERFACE_ROWS_ONE(src, rows)
    HLS_INTERFACE_ROWS_ONE(index, rows)
    HLS_INTERFACE_ROWS_ONE(dst, rows)
    HLS_INTERFACE_NUMBER(count)
    HLS_INTERFACE_NUMBER(src_row)
    HLS_INTERFACE_NUMBER(index_row)
    HLS_INTERFACE_NUMBER(dst_row)
    HLS_INTERFACE_CONTROL()

    /* II=2: the rows come and go through one port for all channels, so that the image has ports
     * left for the kernels that need them; openings are some hundred rows at random places, where
     * the memory's latency is what counts and not this loop. count < 2^32 of the argument. */
    HLS_LOOP(gather)
    for (uint32_t i = 0; i < count; i++) {
        HLS_PIPELINE(2)
        HLS_TRIP(1, 4096)
        if (i % HLS_ROW_WORDS == 0)
            hls_rows_read(HLS_PASS_ROWS(index), index_row + HLS_FAULTY(80, i / HLS_ROW_WORDS, 0),
                          &numbers);
        hls_rows_read(HLS_PASS_ROWS(src), HLS_FAULTY(81, src_row, 0) + numbers.w[i % HLS_ROW_WORDS],
                      &row);
        hls_rows_write(HLS_PASS_ROWS(dst), HLS_FAULTY(82, dst_row, 0) + i, &row);
    }
}
