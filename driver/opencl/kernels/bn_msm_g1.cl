/* Steps of bn_msm_g1, a window at a time: the points' numbers are sorted by bucket (counting sort),
 * and the sorted list is cut into equal chunks, so that no distribution of scalars leaves the work
 * to one work item. Everything is deterministic: which work item adds which points in which order
 * depends on the arguments only.
 *
 *   ocl_msm_count    digits of each segment of the scalars, counted
 *   ocl_msm_offsets  where each bucket, and each segment's part of it, starts in the list
 *   ocl_msm_scatter  the list: point number and sign
 *   ocl_msm_chunks   sums of each chunk: of buckets that start in it to the bucket, the rest of one
 *                    that started before to the chunk's head
 *   ocl_msm_buckets  heads added to their buckets, empty buckets set to infinity
 *   ocl_msm_ranges   of each range of buckets from low to high: sum of (number times bucket)
 *   ocl_msm_sums     sum of the ranges: the window's
 *
 * Digits: with top = 2^(c-1) in each window but the last added to the scalar (bias), digit w is
 * window w of the sum minus top; the last window takes what is left. Buckets are 1 .. top; a
 * scalar that is not below r can have a last digit above, which counts as no digit.
 *
 * Memory, one such set for each window of the run (local_w = 0 .. windows - 1, the first being
 * window first_w): counts[segments][top + 1], starts[top + 2], list[count], buckets[top + 1],
 * heads[chunks], partial[ranges]. */
#include "driver/opencl/kernels/bn_rows.h"
#include "hls/core/bn_g1.h"

/* A point in memory is two rows, X Y and ZZ ZZZ. */
static void ocl_g1_load(hls_g1_xyzz *r, __global const hls_row *at)
{
    ocl_bn_load(&r->x, at[0].w);
    ocl_bn_load(&r->y, at[0].w + 4);
    ocl_bn_load(&r->zz, at[1].w);
    ocl_bn_load(&r->zzz, at[1].w + 4);
}

static void ocl_g1_store(__global hls_row *at, const hls_g1_xyzz *a)
{
    ocl_bn_store(at[0].w, &a->x);
    ocl_bn_store(at[0].w + 4, &a->y);
    ocl_bn_store(at[1].w, &a->zz);
    ocl_bn_store(at[1].w + 4, &a->zzz);
}

/* r = r + a, whatever they are. */
static void ocl_g1_accumulate(hls_g1_xyzz *r, const hls_g1_xyzz *a)
{
    if (hls_g1_add(r, r, a))
        hls_g1_dbl(r, a);
}

static void ocl_g1_accumulate_affine(hls_g1_xyzz *r, const hls_g1_affine *a)
{
    if (hls_g1_add_affine(r, r, a))
        hls_g1_dbl_affine(r, a);
}

/* The digit of window w as magnitude << 1 | negative; magnitude <= 2^(bits-1), 0 for none. */
static uint32_t ocl_msm_digit(__global const uint64_t *scalar, const uint64_t bias[4], uint32_t w,
                              uint32_t bits, uint32_t last)
{
    uint64_t sum[4], carry = 0;
    uint32_t from = w * bits, word = from / 64, shift = from % 64, top = 1u << (bits - 1);

    for (uint32_t i = 0; i < 4; i++) {
        uint64_t t = scalar[i] + carry;

        carry = t < carry;
        sum[i] = t + bias[i];
        carry += sum[i] < t;
    }
    uint64_t raw = sum[word] >> shift;
    if (shift != 0 && word < 3)
        raw |= sum[word + 1] << (64 - shift);
    if (w == last)
        return raw <= top ? (uint32_t)raw << 1 : 0;
    uint32_t digit = (uint32_t)raw & (2 * top - 1);
    return digit >= top ? (digit - top) << 1 : (top - digit) << 1 | 1;
}

/* Work item: (window, segment). */
__kernel void ocl_msm_count(__global const hls_row *scalars, __global uint32_t *counts,
                            uint64_t scalars_row, uint64_t bias_0, uint64_t bias_1, uint64_t bias_2,
                            uint64_t bias_3, uint32_t count, uint32_t bits, uint32_t first_w,
                            uint32_t windows, uint32_t segments, uint32_t last)
{
    uint32_t item = (uint32_t)get_global_id(0), top = 1u << (bits - 1);
    uint32_t w = item / segments, segment = item % segments;
    uint32_t length = (count + segments - 1) / segments;

    uint64_t bias[4] = {bias_0, bias_1, bias_2, bias_3};

    if (w >= windows)
        return;
    counts += (uint64_t)item * (top + 1);
    for (uint32_t b = 0; b <= top; b++)
        counts[b] = 0;
    for (uint32_t i = segment * length; i < count && i < (segment + 1) * length; i++) {
        uint32_t digit =
            ocl_msm_digit(ocl_bn_const_at(scalars, scalars_row, i), bias, first_w + w, bits, last);
        counts[digit >> 1]++;
    }
}

/* Work item: a window. starts[b] is where bucket b's points start, starts[top + 1] the end. */
__kernel void ocl_msm_offsets(__global uint32_t *counts, __global uint32_t *starts, uint32_t bits,
                              uint32_t windows, uint32_t segments)
{
    uint32_t w = (uint32_t)get_global_id(0), top = 1u << (bits - 1), at = 0;

    if (w >= windows)
        return;
    counts += (uint64_t)w * segments * (top + 1);
    starts += (uint64_t)w * (top + 2);
    starts[0] = 0;
    for (uint32_t b = 1; b <= top; b++) {
        starts[b] = at;
        for (uint32_t s = 0; s < segments; s++) {
            uint32_t here = counts[(uint64_t)s * (top + 1) + b];

            counts[(uint64_t)s * (top + 1) + b] = at;
            at += here;
        }
    }
    starts[top + 1] = at;
}

/* Work item: (window, segment), as ocl_msm_count. */
__kernel void ocl_msm_scatter(__global const hls_row *scalars, __global uint32_t *counts,
                              __global uint32_t *list, uint64_t scalars_row, uint64_t bias_0,
                              uint64_t bias_1, uint64_t bias_2, uint64_t bias_3, uint32_t count,
                              uint32_t bits, uint32_t first_w, uint32_t windows, uint32_t segments,
                              uint32_t last)
{
    uint32_t item = (uint32_t)get_global_id(0), top = 1u << (bits - 1);
    uint32_t w = item / segments, segment = item % segments;
    uint32_t length = (count + segments - 1) / segments;

    uint64_t bias[4] = {bias_0, bias_1, bias_2, bias_3};

    if (w >= windows)
        return;
    counts += (uint64_t)item * (top + 1);
    list += (uint64_t)w * count;
    for (uint32_t i = segment * length; i < count && i < (segment + 1) * length; i++) {
        uint32_t digit =
            ocl_msm_digit(ocl_bn_const_at(scalars, scalars_row, i), bias, first_w + w, bits, last);
        if (digit >> 1 != 0)
            list[counts[digit >> 1]++] = i << 1 | (digit & 1);
    }
}

/* Work item: (window, chunk). */
__kernel void ocl_msm_chunks(__global const hls_row *points, __global const uint32_t *starts,
                             __global const uint32_t *list, __global hls_row *buckets,
                             __global hls_row *heads, uint64_t points_row, uint32_t count,
                             uint32_t bits, uint32_t windows, uint32_t chunks,
                             uint32_t chunk_length)
{
    uint32_t item = (uint32_t)get_global_id(0), top = 1u << (bits - 1);
    uint32_t w = item / chunks, chunk = item % chunks;
    hls_g1_xyzz sum;

    if (w >= windows)
        return;
    starts += (uint64_t)w * (top + 2);
    list += (uint64_t)w * count;
    buckets += (uint64_t)w * (top + 1) * 2;
    heads += (uint64_t)item * 2;
    uint32_t from = chunk * chunk_length, to = min(from + chunk_length, starts[top + 1]);
    /* the bucket of place from: the last that starts there or before */
    uint32_t low = 1, high = top;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;

        if (starts[middle] <= from)
            low = middle;
        else
            high = middle - 1;
    }
    uint32_t bucket = low;
    hls_g1_set_zero(&sum);
    for (uint32_t i = from; i < to; i++) {
        uint32_t entry = list[i];
        hls_g1_affine point;
        hls_bn zero = {{0}};

        while (i == starts[bucket + 1]) { /* there is one more place, so the loop ends */
            ocl_g1_store(starts[bucket] >= from ? buckets + bucket * 2 : heads, &sum);
            hls_g1_set_zero(&sum);
            bucket++;
        }
        ocl_bn_load(&point.x, points[points_row + (entry >> 1)].w);
        ocl_bn_load(&point.y, points[points_row + (entry >> 1)].w + 4);
        if (entry & 1)
            hls_fp_sub(&point.y, &zero, &point.y);
        ocl_g1_accumulate_affine(&sum, &point);
    }
    if (from < to)
        ocl_g1_store(starts[bucket] >= from ? buckets + bucket * 2 : heads, &sum);
}

/* Work item: (window, bucket from 1 on). */
__kernel void ocl_msm_buckets(__global const uint32_t *starts, __global hls_row *buckets,
                              __global const hls_row *heads, uint32_t bits, uint32_t windows,
                              uint32_t chunks, uint32_t chunk_length)
{
    uint32_t item = (uint32_t)get_global_id(0), top = 1u << (bits - 1);
    uint32_t w = item / top, bucket = item % top + 1;
    hls_g1_xyzz sum, head;

    if (w >= windows)
        return;
    starts += (uint64_t)w * (top + 2);
    buckets += ((uint64_t)w * (top + 1) + bucket) * 2;
    heads += (uint64_t)w * chunks * 2;
    uint32_t from = starts[bucket], to = starts[bucket + 1];
    if (from == to) {
        hls_g1_set_zero(&sum);
        ocl_g1_store(buckets, &sum);
    } else if (from / chunk_length < (to - 1) / chunk_length) {
        ocl_g1_load(&sum, buckets);
        for (uint32_t chunk = from / chunk_length + 1; chunk <= (to - 1) / chunk_length; chunk++) {
            ocl_g1_load(&head, heads + (uint64_t)chunk * 2);
            ocl_g1_accumulate(&sum, &head);
        }
        ocl_g1_store(buckets, &sum);
    }
}

/* Work item: (window, range). From the top down: run is the sum of the buckets so far, total the
 * sum of all runs, so that bucket low + k counts k + 1 times; then (low - 1) run is added, bit by
 * bit. */
__kernel void ocl_msm_ranges(__global const hls_row *buckets, __global hls_row *partial,
                             uint32_t bits, uint32_t windows, uint32_t ranges)
{
    uint32_t item = (uint32_t)get_global_id(0), top = 1u << (bits - 1);
    uint32_t w = item / ranges, range = item % ranges;
    uint32_t length = (top + ranges - 1) / ranges;
    hls_g1_xyzz run, total, bucket;

    if (w >= windows)
        return;
    buckets += (uint64_t)w * (top + 1) * 2;
    uint32_t low = range * length + 1, high = min(low + length, top + 1);
    hls_g1_set_zero(&run);
    hls_g1_set_zero(&total);
    for (uint32_t b = high; b > low; b--) {
        ocl_g1_load(&bucket, buckets + (uint64_t)(b - 1) * 2);
        if (!hls_bn_is_zero(&bucket.zz))
            ocl_g1_accumulate(&run, &bucket);
        if (!hls_bn_is_zero(&run.zz))
            ocl_g1_accumulate(&total, &run);
    }
    hls_g1_set_zero(&bucket);
    for (uint32_t bit = bits; bit-- > 0;) {
        hls_g1_dbl(&bucket, &bucket);
        if ((low - 1) >> bit & 1)
            ocl_g1_accumulate(&bucket, &run);
    }
    ocl_g1_accumulate(&total, &bucket);
    ocl_g1_store(partial + (uint64_t)item * 2, &total);
}

/* Work item: a window. */
__kernel void ocl_msm_sums(__global const hls_row *partial, __global hls_row *sums,
                           uint64_t sums_row, uint32_t first_w, uint32_t windows, uint32_t ranges)
{
    uint32_t w = (uint32_t)get_global_id(0);
    hls_g1_xyzz total, part;

    if (w >= windows)
        return;
    hls_g1_set_zero(&total);
    for (uint32_t range = 0; range < ranges; range++) {
        ocl_g1_load(&part, partial + ((uint64_t)w * ranges + range) * 2);
        ocl_g1_accumulate(&total, &part);
    }
    ocl_g1_store(sums + sums_row + 2 * (uint64_t)(first_w + w), &total);
}
