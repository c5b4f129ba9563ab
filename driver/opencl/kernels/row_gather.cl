/* row_gather of kernel_abi.h, one work item a row. src_rows is how many rows src has from src_row
 * on: an index beyond gives zeros, whatever the index buffer holds. */
#include "driver/opencl/kernels/common.h"

__kernel void ocl_row_gather(__global const hls_row *src, __global const hls_row *index,
                             __global hls_row *dst, uint32_t count, uint64_t src_row,
                             uint64_t index_row, uint64_t dst_row, uint64_t src_rows)
{
    uint64_t i = get_global_id(0);

    if (i >= count)
        return;
    uint64_t from = index[index_row + i / HLS_ROW_WORDS].w[i % HLS_ROW_WORDS];
    bool inside = from < src_rows;
    for (uint32_t k = 0; k < HLS_ROW_WORDS; k++)
        dst[dst_row + i].w[k] = inside ? src[src_row + from].w[k] : 0;
}
