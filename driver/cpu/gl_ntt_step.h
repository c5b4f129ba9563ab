/** Private to driver/cpu: the inner loops of the Goldilocks transforms, one set for each
 * instruction set, and the small transforms made of them.
 *
 * Everything works on rows: eight words side by side, one from each of eight columns, that get the
 * same factors. A step is one radix-2, -4 or -8 layer over many rows: it takes R rows (the
 * members), multiplies them by their twiddles, transforms them and stores R rows. A sub-transform
 * is 2^log_r rows through a few steps inside a buffer that fits a cache; a pass (gl_ntt.c) applies
 * one to every tile of a matrix. Between the steps of one transform words have a form of their own,
 * which depends on the instruction set; "raw" words are any 64-bit words that stand for their
 * residues. Any thread. */
#ifndef ZKP_DRIVER_CPU_GL_NTT_STEP_H
#define ZKP_DRIVER_CPU_GL_NTT_STEP_H

#include "driver/base/isa.h"
#include "driver/field/goldilocks.h"

#include <stddef.h>

#define GL_NTT_LANES 8

/** A factor w as the vector kernels want it: signed 32-bit digits of w and of 2^32 w, low digit in
 * the low half (gl_ntt_factor). An array of factors is followed by one unused one, because the
 * kernels read eight bytes for every digit. */
typedef struct gl_ntt_tw {
    uint64_t w, shifted;
} gl_ntt_tw;

/** One call of a step. Strides and offsets count words for rows and factors for tw. For each group
 * and each row of its run, with the offsets of both added up:
 *   dst[out[c']] = sum over c of (2^(192/R))^(c c') * tw[member[c]] * src[in[c]]
 * All members are read before the first is written; steps in place are legal if every row is
 * stored where it was read by the same group and row. */
typedef struct gl_ntt_step {
    const uint64_t *src;
    uint64_t *dst;
    const gl_ntt_tw *tw;
    size_t in[8], out[8], member[8];
    size_t groups, src_group, dst_group, tw_group;
    size_t run, src_row, dst_row, tw_row;
    size_t ahead; /**< first steps, all but SOME: the rows so many words on are needed soon */
} gl_ntt_step;

typedef enum gl_ntt_mode {
    GL_NTT_PLAIN_RAW,   /**< no twiddles, raw input */
    GL_NTT_ALL_RAW,     /**< twiddles for all members, raw input */
    GL_NTT_ALL,         /**< twiddles for all members */
    GL_NTT_SOME,        /**< member 0 has none */
    GL_NTT_SOME_STREAM, /**< the same; the output goes past the caches */
    GL_NTT_MODES
} gl_ntt_mode;

typedef void gl_ntt_kernel(const gl_ntt_step *step);

typedef struct gl_ntt_ops {
    /** [log2 R - 1][mode][canonical output, else the form between steps] */
    gl_ntt_kernel *step[3][GL_NTT_MODES][2];
    /** dst[8 slots[t] + lane] = start[lane] * step[lane]^t for t < count; slots NULL: t. start and
     * step are canonical. */
    void (*geometric)(gl_ntt_tw *dst, const uint32_t *slots, size_t count, const gl_t start[8],
                      const gl_t step[8]);
    /** For a single column, whose rows are eight adjacent elements. For each group g of eight rows
     * at src (row by row) and each row of it: element l is multiplied by w^l, w = base[g] *
     * lane[row]; the eight-point transform of the elements is y[0..7]. stride != 0: y[k] of row is
     * stored at dst[8 g + k * stride + row]; 0: at dst[64 g + 8 row + reversed k]. Canonical on
     * input and output; sign as in gl_ntt_place. */
    void (*lanes_last)(const uint64_t *src, uint64_t *dst, size_t stride, size_t groups,
                       const gl_t *base, const gl_t lane[8], bool inverse);
    /** The other way round, in place: element reversed l is multiplied by before[l], transformed,
     * and y[k] times w^k is stored at place k of its row. Raw input, canonical output. */
    void (*lanes_first)(uint64_t *data, size_t groups, const gl_t *base, const gl_t lane[8],
                        const gl_t before[8], bool inverse);
    /** rows rows: row i times factor[i], in place; canonical output. */
    void (*scale)(uint64_t *data, size_t rows, const gl_t *factor);
} gl_ntt_ops;

const gl_ntt_ops *gl_ntt_ops_portable(void);
const gl_ntt_ops *gl_ntt_ops_avx2(void);
const gl_ntt_ops *gl_ntt_ops_avx512(void);

static inline gl_ntt_tw gl_ntt_factor(gl_t w)
{
    uint64_t v[2] = {w, gl_mul(w, UINT64_C(1) << 32)};

    /* A number in [-2^63, 2^63 - 2^31) has the signed digits low and high of low + 2^32 high. */
    for (int i = 0; i < 2; i++) {
        if (v[i] >= UINT64_C(0x7fffffff80000000))
            v[i] += GL_EPSILON; /* minus p */
        v[i] += (v[i] & UINT64_C(0x80000000)) << 1;
    }
    return (gl_ntt_tw){v[0], v[1]};
}

static inline uint32_t gl_ntt_reverse(uint32_t x, unsigned bits)
{
    uint32_t r = 0;

    for (unsigned i = 0; i < bits; i++)
        r |= (x >> i & 1) << (bits - 1 - i);
    return r;
}

/** Where a step's output c' of a transform of 2^log_r points is in natural order: omega_8 = 2^120 =
 * (2^24)^5 with generator 7. */
static inline unsigned gl_ntt_place(unsigned c, unsigned log_r, bool inverse)
{
    /* the output k has c' = 5 k (-5 k); 5 * 5 = 1 and 3 * 3 = 1 modulo 8 */
    return c * (inverse ? 3 : 5) & ((1U << log_r) - 1);
}

/** omega_k of driver.h, or its inverse. log_order at most 32. */
gl_t gl_ntt_root(unsigned log_order, bool inverse);

/* ---- sub-transforms ---- */

#define GL_NTT_MAX_STEPS 12

/** How 2^log_r rows are transformed: decimation in frequency (natural to bit-reversed or, with
 * natural set in the tile, to natural order) or in time (bit-reversed to natural). expand, in time
 * only: every row of the input stands for 2^expand equal ones, a polynomial padded with zeros. */
typedef struct gl_ntt_sub {
    bool in_time, inverse;
    unsigned log_r, expand;
    unsigned steps;
    unsigned log[GL_NTT_MAX_STEPS], level[GL_NTT_MAX_STEPS];
    gl_ntt_tw *tw[GL_NTT_MAX_STEPS];
} gl_ntt_sub;

/** How many factors gl_ntt_sub_init writes to tables. */
size_t gl_ntt_sub_factors(unsigned log_r, unsigned expand);

/** shift, in time only: the values are at shift * omega^i. factor: the first step multiplies by it
 * (used by tiles whose first mode is one of the ALL without own twiddles). */
void gl_ntt_sub_init(gl_ntt_sub *sub, bool in_time, bool inverse, unsigned log_r, unsigned expand,
                     gl_t shift, gl_t factor, gl_ntt_tw *tables);

/** inner sub-transforms side by side: element a of number i is the row at src + a * src_member + i
 * * src_inner, and dst likewise. */
typedef struct gl_ntt_tile {
    const uint64_t *src;
    uint64_t *dst;
    uint64_t *buf; /**< inner << log_r rows; may be dst if that is dense (dst_inner is a row,
                      dst_member inner rows), may be src if that is */
    size_t inner;
    size_t src_member, src_inner, dst_member, dst_inner;
    gl_ntt_mode first;
    const gl_ntt_tw *tw; /**< ALL modes: the first step's factors; NULL: those of the sub */
    size_t tw_member, tw_inner;
    bool natural, canonical;
    bool stream; /**< dst is large and not used again soon */
} gl_ntt_tile;

void gl_ntt_tile_run(const gl_ntt_ops *ops, const gl_ntt_sub *sub, const gl_ntt_tile *tile);

#endif
