/** Multi-scalar multiplication, between its files.
 *
 * The sum of s_i P_i is taken in passes over at most MSM_MAX_PASS points. A pass writes every
 * scalar in digits of c bits with signs (bn_msm_recode.c), sorts the points of each of the windows
 * (digit positions) by the magnitude of their digit (buckets), sums every bucket, and then the
 * buckets times their magnitudes (bn_msm.c). All sums are affine additions, whose inversions are
 * shared by thousands of additions at a time (bn_msm_impl.h); that needs additions that do not
 * depend on each other, and so a bucket is cut in segments of bounded length that are summed side
 * by side, their sums again, and so on: any scalars, all equal ones, too, make many independent
 * sums.
 *
 * What is in between (digits, entries, buckets) tells the scalars, which may be a witness: it is
 * all in one allocation, which is wiped before it is freed.
 *
 * Points are read in random order, so they are reached faster in huge pages, such as memory of
 * drv_buffer_alloc.
 *
 * Scalars are looked at before: how many are how long decides about c and the number of windows,
 * and the points of ones are summed on their own, without buckets.
 *
 * The points' endomorphism is not used: it would halve the buckets, whose summing is a sixteenth of
 * the additions of a large sum, and costs a multiplication in every second addition. */
#ifndef ZKP_DRIVER_CPU_BN_MSM_INTERNAL_H
#define ZKP_DRIVER_CPU_BN_MSM_INTERNAL_H

#include "driver/cpu/kernels.h"

#define MSM_MAX_PASS ((uint64_t)1 << 20)
#define MSM_BLOCK 4096 /**< scalars of one item of recoding */
#define MSM_MIN_C 4    /**< eight buckets, which is the most lanes */
#define MSM_MAX_C 16   /**< digits have 16 bits */
#define MSM_LONGEST 64 /**< segment */
#define MSM_PARTIAL UINT32_C(0x80000000)

/** A run of entries to be summed into point out of its destination: buckets, or (MSM_PARTIAL) sums
 * that are to be summed again. */
typedef struct msm_seg {
    uint32_t start, len, out;
} msm_seg;

/** What depends on the instruction set and the group. Points in memory are affine, infinity all
 * zeros, in one of two forms: as the caller's (driver.h), never infinity, or "own": as the
 * instruction set likes it, but of the same size. */
typedef struct msm_ops {
    unsigned lanes_log2;
    size_t work_bytes;  /**< of mem below, a multiple of 64 */
    size_t octet_bytes; /**< of v below, for 2^lanes_log2 buckets */

    /** Sums n segments, which are ordered by falling length (1 .. MSM_LONGEST). An entry is twice
     * the index of a point of src plus its sign; src is in the caller's form or own. dst: own form.
     */
    p_status (*sum)(void *mem, const uint64_t *src, bool own, const uint32_t *entries,
                    const msm_seg *segs, size_t n, uint64_t *const dst[2], const p_cancel *cancel);

    /** Of each of `windows` runs of N = 2^log_n buckets b_0 .. b_(N-1), own form: out gets
     * (log_n - lanes_log2 + 1) times 2^lanes_log2 points, first the sums of all b_i with the same i
     * modulo lanes, then of those whose i has bit log_n - 1, then log_n - 2, down to bit
     * lanes_log2. v: windows * N / lanes * octet_bytes bytes. */
    p_status (*fold)(void *mem, void *v, const uint64_t *buckets, unsigned log_n, unsigned windows,
                     uint64_t *out, const p_cancel *cancel);

    /** n points from own form to the caller's. */
    void (*finish)(uint64_t *points, size_t n);

    /** Index of the first of n points that is not canonical or not on the curve; n if there is
     * none. */
    size_t (*check)(const uint64_t *points, size_t n);
} msm_ops;

extern const msm_ops msm_g1_portable, msm_g2_portable;
size_t msm_g1_check_portable(const uint64_t *points, size_t n);
size_t msm_g2_check_portable(const uint64_t *points, size_t n);
#if defined(__x86_64__)
extern const msm_ops msm_g1_avx2, msm_g2_avx2;
extern const msm_ops msm_g1_ifma, msm_g2_ifma;
size_t msm_g1_check_avx2(const uint64_t *points, size_t n);
size_t msm_g2_check_avx2(const uint64_t *points, size_t n);
#endif

/** How a pass recodes: its windows and where digits go. Block b's digits of window w are the
 * MSM_BLOCK at digits + (b * windows + w) * MSM_BLOCK: a digit plus 2^(c-1). */
typedef struct msm_recoding {
    unsigned c, windows;
    bool halve; /**< take r - s and the negative point for s > r / 2: for G1, all of whose points
                   have order r */
    uint16_t *digits;
    uint32_t *ids; /**< blocks * MSM_BLOCK: an entry (see sum) for each digit */
    struct msm_block {
        uint32_t large; /**< scalars at the front of a block, with digits in every window */
        uint32_t ones;  /**< scalars that follow: 1 and (halve) -1; ids only */
        uint32_t small; /**< scalars at its end, with a digit in window 0 only */
    } * blocks;
} msm_recoding;

/** How many scalars there are of each length in bits (halve: of the shorter one of s and r - s),
 * those of length 1 being ones. Witnesses are mostly bits. */
#define MSM_MAX_BITS 254
typedef struct msm_survey {
    uint64_t bits[MSM_MAX_BITS + 1];
} msm_survey;

/** Adds n scalars, any words, canonical form. */
void msm_survey_add(msm_survey *v, const uint64_t *scalars, uint64_t n, bool halve);

/** Recodes scalars block * MSM_BLOCK .. of count; those of 0 and of points at infinity are left
 * out. No scalar is longer than c * windows - 2 bits, or both are as for the longest ones. Returns
 * the index of the first scalar that is not below r, or count. */
uint64_t msm_recode(const msm_recoding *r, const uint64_t *scalars, drv_form form,
                    const uint64_t *points, size_t point_words, uint64_t count, uint64_t block);

/** Sorts window w's entries by bucket: entries of magnitude m >= 1 are starts[m] .. starts[m+1]-1.
 * starts: 2^(c-1) + 2 numbers. cursor: 2^(c-1) + 1 numbers of scratch. entries: as many as scalars.
 */
void msm_sort(const msm_recoding *r, uint64_t blocks, unsigned w, uint32_t *entries,
              uint32_t *starts, uint32_t *cursor);

#endif
