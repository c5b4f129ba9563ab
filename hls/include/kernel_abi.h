/* What kernels and driver agree on: rows, striping, every kernel's arguments and what it does with
 * them. The only header of hls/ that driver/ includes. C99 and OpenCL C 1.2.
 *
 * Memory is rows of 64 bytes. A matrix block of eight Goldilocks columns has one matrix row in each
 * (word i: column i); elements of BN254 take four words, little-endian, so a row has two of them; a
 * G1 point is one row, x then y; two digests of a tree share a row. A buffer is a number of rows
 * and is striped over 2^k channels of the card's memory (k: a property of the image, 0 .. 4) in
 * pieces of 16 rows, 1 KiB. Which channel has a piece is the exclusive or of the k-bit digits of
 * its number: so both 2^k neighbouring pieces and 2^k pieces that are any power of two apart (all
 * from an aligned start) lie in different channels, and a transform's column pass is as fast as its
 * row pass.
 *
 * Offsets (..._row) count rows of a buffer. They are multiples of HLS_ROW_ALIGN, those of a
 * transform also of its number of rows, which keeps the property above. */
#ifndef ZKP_HLS_INCLUDE_KERNEL_ABI_H
#define ZKP_HLS_INCLUDE_KERNEL_ABI_H

#include "hls/include/hls_language.h"

/* Changes whenever an argument, a layout or a meaning below does; images carry it. */
#define HLS_KERNEL_ABI 1

#define HLS_ROW_WORDS 8
#define HLS_ROW_BYTES 64
#define HLS_PIECE_LOG2 4 /* rows of a piece */
#define HLS_MAX_CHANNELS_LOG2 4
#define HLS_ROW_ALIGN 256 /* rows: 2^HLS_PIECE_LOG2 in each of 2^HLS_MAX_CHANNELS_LOG2 channels */

typedef struct hls_row {
    uint64_t w[HLS_ROW_WORDS];
} hls_row;

/* The channel of a row below 2^36; k: log2 of the channels. Folded by halves: after the last line
 * the lowest digit is the exclusive or of all (2^32 pieces have 32 digits at most, 8 for k = 4). */
static inline uint32_t hls_stripe_channel(uint64_t row, uint32_t k)
{
    uint64_t piece = row >> HLS_PIECE_LOG2;

    piece ^= k < 4 ? piece >> (16 * k) : 0;
    piece ^= piece >> (8 * k);
    piece ^= piece >> (4 * k);
    piece ^= piece >> (2 * k);
    piece ^= piece >> k;
    return (uint32_t)piece & ((1u << k) - 1);
}

/* The row's place inside its channel. */
static inline uint64_t hls_stripe_row(uint64_t row, uint32_t k)
{
    return row >> (HLS_PIECE_LOG2 + k) << HLS_PIECE_LOG2 |
           (row & (((uint64_t)1 << HLS_PIECE_LOG2) - 1));
}

/* Rows that each channel keeps of a buffer. */
static inline uint64_t hls_stripe_rows(uint64_t rows, uint32_t k)
{
    uint64_t group = (uint64_t)1 << (HLS_PIECE_LOG2 + k);

    return (rows + group - 1) / group << HLS_PIECE_LOG2;
}

/* ---- kernels and their arguments, in the order of their registers ----
 *
 * ROWS(name): a buffer, one pointer for each channel (name_0, name_1, ...; each on an m_axi port of
 * its own). U32(name), U64(name): a number. Buffers of one call do not overlap unless it says so.
 * tmp lies on side B of the card's memory, all others on side A: a pass reads one side and writes
 * the other. Unused arguments may be anything valid. What a kernel does not say it writes, it does
 * not write. */

/* Copies rows: dst[dst_row + i] = src[src_row + index], where index is word i % 8 of row index_row
 * + i / 8 of index. i < count. For openings. */
#define HLS_ROW_GATHER_ARGS(ROWS, U32, U64)                                                        \
    ROWS(src), ROWS(index), ROWS(dst), U32(count), U64(src_row), U64(index_row), U64(dst_row)

/* Transforms one block of eight columns; any words in, canonical out, natural order in and out.
 * omega as in driver.h; s is scale, any word.
 *   HLS_FORWARD  log_in = log_out = n: y[k] = sum of x[j] (s omega^k)^j
 *   HLS_INVERSE  log_in = log_out = n: x[j] = s^j / 2^n sum of y[k] omega^(-jk)
 *   HLS_EXTEND   inverse of 2^log_in rows with s = 1, zeros up to 2^log_out rows, forward with s
 *   HLS_EXTEND_COEFFICIENTS  zeros up to 2^log_out rows, forward with s
 * src has 2^log_in rows and is unchanged unless src and src_row are dst and dst_row, which is
 * allowed if log_in = log_out; dst and tmp have 2^log_out rows. 0 <= log_in <= log_out <=
 * HLS_GL_LDE_MAX_LOG2. */
#define HLS_GL_LDE_ARGS(ROWS, U32, U64)                                                            \
    ROWS(src), ROWS(tmp), ROWS(dst), U32(mode), U32(log_in), U32(log_out), U64(src_row),           \
        U64(tmp_row), U64(dst_row), U64(scale)
#define HLS_GL_LDE_MAX_LOG2 24
#define HLS_FORWARD 0
#define HLS_INVERSE 1
#define HLS_EXTEND 2
#define HLS_EXTEND_COEFFICIENTS 3

/* Poseidon-Goldilocks trees (DRV_HASH_GL in driver.h). In tree, level 0 starts at tree_row with
 * 2^log_leaves digests, two a row; each further level starts where the one before ends, a level of
 * one digest takes a row (its second half is written as zeros).
 *   HLS_ABSORB  leaf i takes in row src_row + i of src (any words): with HLS_FIRST from the initial
 *       state, else from the four words that an earlier HLS_ABSORB left at its digest's place (the
 *       capacity); writes the digest there with HLS_LAST, else the capacity
 *   HLS_NODES   levels 1 .. levels from level 0; src is unused. levels <= log_leaves */
#define HLS_GL_MERKLE_ARGS(ROWS, U32, U64)                                                         \
    ROWS(src), ROWS(tree), U32(op), U32(flags), U32(log_leaves), U32(levels), U64(src_row),        \
        U64(tree_row)
#define HLS_ABSORB 0
#define HLS_NODES 1
#define HLS_PERMUTE 2
#define HLS_FIRST 1u
#define HLS_LAST 2u

/* HLS_PERMUTE (gl_merkle): in place, state i is the rows tree_row + 2 i and the first four words of
 * tree_row + 2 i + 1; log_leaves holds their count, up to 2^28. Any words in, canonical out. */

/* Transforms one column of BN254 Fr, canonical residues in any form (the map is linear), natural
 * order. HLS_FORWARD and HLS_INVERSE as gl_lde; element i is half i % 2 of row i / 2; scale_0 ..
 * scale_3 are s in Montgomery form, canonical. src may be dst at the same offset. 0 <= log_n <=
 * HLS_FR_NTT_MAX_LOG2; a transform of one element writes zeros beside it. */
#define HLS_FR_NTT_ARGS(ROWS, U32, U64)                                                            \
    ROWS(src), ROWS(tmp), ROWS(dst), U32(mode), U32(log_n), U64(src_row), U64(tmp_row),            \
        U64(dst_row), U64(scale_0), U64(scale_1), U64(scale_2), U64(scale_3)
#define HLS_FR_NTT_MAX_LOG2 24

/* Sums of points of G1 (affine, Montgomery form, canonical, infinity all zeros; on the curve) by
 * signed windows of window_bits = 2 .. HLS_MSM_MAX_WINDOW: S_w = sum over i of digit_w(scalar i)
 * point i, the result being the sum of 2^(w window_bits) S_w. Scalars are canonical numbers below
 * r, two a row; scalar i belongs to point i. Writes S_w as two rows, X Y and ZZ ZZZ (XYZZ,
 * Montgomery form, canonical, infinity ZZ = 0), for w < HLS_MSM_WINDOWS(window_bits). count = 1 ..
 * 2^26. */
#define HLS_BN_MSM_G1_ARGS(ROWS, U32, U64)                                                         \
    ROWS(points), ROWS(scalars), ROWS(sums), U32(count), U32(window_bits), U64(points_row),        \
        U64(scalars_row), U64(sums_row)
#define HLS_MSM_MAX_WINDOW 16
/* Digits are -2^(b-1) .. 2^(b-1); r < 2^254, and one bit more for the last carry. */
#define HLS_MSM_WINDOWS(bits) ((254 + (bits)) / (bits))

/* Poseidon-BN254 (bn_poseidon.h in driver/field has the parameters) of a width t = 2 .. 17. table:
 * constants of this width as hls/include/bn_poseidon_layout.h lays them out.
 *   HLS_PERMUTE  count states of t elements in place in dst, element e of state s at number s t + e
 *       (two a row); HLS_MONTGOMERY: in Montgomery form, else canonical numbers
 *   HLS_ABSORB   leaf i < count: t - 1 elements, made of columns Goldilocks columns, three each
 *       (columns = 3 (t - 1), or one or two less; the missing are zero, and so is what lies beyond
 *       columns in the last block; any words, taken modulo p), from ceil(columns / 8) blocks, block
 *       b in the rows src_row + b src_stride + i. c = 1 with HLS_FIRST, else digest i of dst;
 *       digest i becomes the first output of the permutation of (c, elements)
 *   HLS_NODES    t = 17: digest i < count of dst (from dst_row, two a row) = first output of the
 *       permutation of (0, digests 16 i .. 16 i + 15 of src, from src_row, two a row)
 * Digests are canonical numbers. An odd count writes zeros into the last row's second half. src and
 * dst may be the same buffer where the rows do not overlap. */
#define HLS_BN_POSEIDON_ARGS(ROWS, U32, U64)                                                       \
    ROWS(src), ROWS(table), ROWS(dst), U32(op), U32(flags), U32(width), U32(columns), U64(count),  \
        U64(src_row), U64(src_stride), U64(table_row), U64(dst_row)
#define HLS_MONTGOMERY 4u

/* All kernels: X(name, ARGUMENTS). */
#define HLS_KERNELS(X)                                                                             \
    X(row_gather, HLS_ROW_GATHER_ARGS)                                                             \
    X(gl_lde, HLS_GL_LDE_ARGS)                                                                     \
    X(gl_merkle, HLS_GL_MERKLE_ARGS)                                                               \
    X(fr_ntt, HLS_FR_NTT_ARGS)                                                                     \
    X(bn_msm_g1, HLS_BN_MSM_G1_ARGS)                                                               \
    X(bn_poseidon, HLS_BN_POSEIDON_ARGS)

#endif
