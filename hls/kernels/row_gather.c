/* row_gather of kernel_abi.h: copies rows that an index names. */
#include "hls/include/kernel_ports.h"

#include "hls/core/rows.h"

HLS_TOP_ROWS(src, src)
HLS_TOP_ROWS(index, index)
HLS_TOP_ROWS(dst, dst)
void row_gather(HLS_ROW_GATHER_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    hls_row numbers = {{0}}, row = {{0}};

    HLS_INTERFACE_ROWS(src, src)
    HLS_INTERFACE_ROWS(index, index)
    HLS_INTERFACE_ROWS(dst, dst)
    HLS_INTERFACE_NUMBER(count)
    HLS_INTERFACE_NUMBER(src_row)
    HLS_INTERFACE_NUMBER(index_row)
    HLS_INTERFACE_NUMBER(dst_row)
    HLS_INTERFACE_CONTROL()

    /* II=1: a row is read somewhere each cycle; openings are some hundred rows at random places,
     * so the memory's latency is what counts and not this loop. count < 2^32 of the argument. */
    HLS_LOOP(gather)
    for (uint32_t i = 0; i < count; i++) {
        HLS_PIPELINE(1)
        HLS_TRIP(1, 4096)
        if (i % HLS_ROW_WORDS == 0)
            hls_rows_read(HLS_PASS_ROWS(index), index_row + HLS_FAULTY(80, i / HLS_ROW_WORDS, 0),
                          &numbers);
        hls_rows_read(HLS_PASS_ROWS(src), HLS_FAULTY(81, src_row, 0) + numbers.w[i % HLS_ROW_WORDS],
                      &row);
        hls_rows_write(HLS_PASS_ROWS(dst), HLS_FAULTY(82, dst_row, 0) + i, &row);
    }
}
