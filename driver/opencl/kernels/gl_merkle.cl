/* gl_merkle: a work item does OCL_LANES leaves, nodes or states side by side, x[element][lane]. The
 * rounds stay a loop; what is inside is hls_gl_poseidon_round with its two halves lane by lane. */
#define HLS_OPENCL_UNROLL /* else a compiler sees no loop over lanes: twice as slow under PoCL */
#include "driver/opencl/kernels/common.h"
#include "hls/core/gl_poseidon.h"

#define OCL_WIDTH HLS_GL_POSEIDON_WIDTH

static inline void ocl_gl_permute(uint64_t x[OCL_WIDTH][OCL_LANES])
{
    for (uint32_t i = 0; i < OCL_WIDTH; i++) {
        for (uint32_t lane = 0; lane < OCL_LANES; lane++) {
            uint64_t add = HLS_GL_POSEIDON_ADD[0][i];
            x[i][lane] = hls_gl_columns((x[i][lane] & HLS_GL_LOW) + (add & HLS_GL_LOW),
                                        (x[i][lane] >> 32) + (add >> 32));
        }
    }
#pragma unroll 1
    for (uint32_t r = 0; r < HLS_GL_POSEIDON_ROUNDS; r++) {
        uint32_t full =
            r < HLS_GL_POSEIDON_HALF || r >= HLS_GL_POSEIDON_ROUNDS - HLS_GL_POSEIDON_HALF;
#pragma unroll 1
        for (uint32_t i = 0; i < (full ? OCL_WIDTH : 1); i++)
            for (uint32_t lane = 0; lane < OCL_LANES; lane++)
                x[i][lane] = hls_gl_poseidon_pow7(x[i][lane]);
        for (uint32_t lane = 0; lane < OCL_LANES; lane++) {
            uint64_t state[OCL_WIDTH];
            for (uint32_t i = 0; i < OCL_WIDTH; i++)
                state[i] = x[i][lane];
            hls_gl_poseidon_linear(state,
                                   HLS_GL_POSEIDON_ADD[HLS_FAULTY(15, r + 1, r == 12 ? r : r + 1)]);
            for (uint32_t i = 0; i < OCL_WIDTH; i++)
                x[i][lane] = state[i];
        }
    }
    for (uint32_t i = 0; i < OCL_WIDTH; i++)
        for (uint32_t lane = 0; lane < OCL_LANES; lane++)
            x[i][lane] = hls_gl_canonical(x[i][lane]);
}

/* Leaves first + lane; those beyond count are done on leaf count - 1's input and not written. */
__kernel void ocl_gl_absorb(__global const hls_row *src, __global hls_row *tree, uint32_t flags,
                            uint32_t count, uint64_t src_row, uint64_t tree_row)
{
    uint64_t x[OCL_WIDTH][OCL_LANES];
    uint32_t first = (uint32_t)get_global_id(0) * OCL_LANES;

    if (first >= count)
        return;
    for (uint32_t lane = 0; lane < OCL_LANES; lane++) {
        uint32_t leaf = min(first + lane, count - 1);
        for (uint32_t i = 0; i < HLS_ROW_WORDS; i++)
            x[i][lane] = src[src_row + leaf].w[i];
        for (uint32_t i = 0; i < 4; i++)
            x[HLS_ROW_WORDS + i][lane] =
                flags & HLS_FIRST ? (i == 0) : tree[tree_row + leaf / 2].w[leaf % 2 * 4 + i];
    }
    ocl_gl_permute(x);
    uint32_t at = flags & HLS_LAST ? 0 : HLS_ROW_WORDS;
    for (uint32_t lane = 0; lane < OCL_LANES && first + lane < count; lane++) {
        uint32_t leaf = first + lane;
        for (uint32_t i = 0; i < 4; i++)
            tree[tree_row + leaf / 2].w[leaf % 2 * 4 + i] = x[at + i][lane];
        if (count == 1)
            for (uint32_t i = 4; i < HLS_ROW_WORDS; i++)
                tree[tree_row].w[i] = 0;
    }
}

/* One level: node i < count from row from_row + i to digest i behind to_row. */
__kernel void ocl_gl_nodes(__global hls_row *tree, uint32_t count, uint64_t from_row,
                           uint64_t to_row)
{
    uint64_t x[OCL_WIDTH][OCL_LANES];
    uint32_t first = (uint32_t)get_global_id(0) * OCL_LANES;

    if (first >= count)
        return;
    for (uint32_t lane = 0; lane < OCL_LANES; lane++) {
        uint32_t node = min(first + lane, count - 1);
        for (uint32_t i = 0; i < OCL_WIDTH; i++)
            x[i][lane] = i < HLS_ROW_WORDS ? tree[from_row + node].w[i] : 0;
    }
    ocl_gl_permute(x);
    for (uint32_t lane = 0; lane < OCL_LANES && first + lane < count; lane++) {
        uint32_t node = first + lane;
        for (uint32_t i = 0; i < 4; i++)
            tree[to_row + node / 2].w[node % 2 * 4 + i] = x[i][lane];
        if (count == 1)
            for (uint32_t i = 4; i < HLS_ROW_WORDS; i++)
                tree[to_row].w[i] = 0;
    }
}

/* States in place: rows 2 i and the first half of 2 i + 1 from tree_row on. */
__kernel void ocl_gl_permute_states(__global hls_row *tree, uint32_t count, uint64_t tree_row)
{
    uint64_t x[OCL_WIDTH][OCL_LANES];
    uint32_t first = (uint32_t)get_global_id(0) * OCL_LANES;

    if (first >= count)
        return;
    for (uint32_t lane = 0; lane < OCL_LANES; lane++) {
        uint64_t row = tree_row + 2 * (uint64_t)min(first + lane, count - 1);
        for (uint32_t i = 0; i < OCL_WIDTH; i++)
            x[i][lane] = tree[row + i / HLS_ROW_WORDS].w[i % HLS_ROW_WORDS];
    }
    ocl_gl_permute(x);
    for (uint32_t lane = 0; lane < OCL_LANES && first + lane < count; lane++) {
        uint64_t row = tree_row + 2 * (uint64_t)(first + lane);
        for (uint32_t i = 0; i < OCL_WIDTH; i++)
            tree[row + i / HLS_ROW_WORDS].w[i % HLS_ROW_WORDS] = x[i][lane];
    }
}
