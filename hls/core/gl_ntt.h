/* Butterflies of the Goldilocks transforms, for synthesis: rows of eight columns.
 *
 * One 64-byte word of memory is a row: eight elements, one from each of eight columns, which get
 * the same twiddle. So a butterfly is eight of the textbook's side by side. Which rows meet, and in
 * which order, is the kernel's business. */
#ifndef ZKP_HLS_CORE_GL_NTT_H
#define ZKP_HLS_CORE_GL_NTT_H

#include "hls/core/gl.h"

#define HLS_GL_LANES 8
/* How many twiddles are under way at once: at least the cycles of a product and its reduction. */
#define HLS_GL_TWIDDLES 8

/* Decimation in frequency: (a, b) <- (a + b, (a - b) w). a and b canonical, w any word; canonical.
 */
static inline void hls_gl_ntt_dif(uint64_t a[HLS_GL_LANES], uint64_t b[HLS_GL_LANES], uint64_t w)
{
    HLS_INLINE()
    /* II=1, unrolled: eight multipliers, one row pair a cycle is what 64-byte ports deliver */
    HLS_LOOP(dif_lanes)
    for (unsigned i = 0; i < HLS_GL_LANES; i++) {
        uint64_t sum = hls_gl_add(a[i], b[i]);
        uint64_t difference = HLS_FAULTY(21, hls_gl_sub(a[i], b[i]), hls_gl_sub(b[i], a[i]));

        HLS_UNROLL()
        a[i] = sum;
        b[i] = hls_gl_mul(difference, w);
    }
}

/* Decimation in time: (a, b) <- (a + b w, a - b w). a canonical, b and w any words; canonical. */
static inline void hls_gl_ntt_dit(uint64_t a[HLS_GL_LANES], uint64_t b[HLS_GL_LANES], uint64_t w)
{
    HLS_INLINE()
    /* II=1, unrolled: as above */
    HLS_LOOP(dit_lanes)
    for (unsigned i = 0; i < HLS_GL_LANES; i++) {
        uint64_t t = HLS_FAULTY(22, hls_gl_mul(b[i], w), hls_gl_mul_loose(b[i], w));
        uint64_t sum = hls_gl_add(a[i], t), difference = hls_gl_sub(a[i], t);

        HLS_UNROLL()
        a[i] = sum;
        b[i] = difference;
    }
}

/* Twiddle step between the passes, or scaling: row <- row w; any words; canonical. */
static inline void hls_gl_ntt_scale(uint64_t row[HLS_GL_LANES], uint64_t w)
{
    HLS_INLINE()
    /* II=1, unrolled: eight multipliers, a row a cycle */
    HLS_LOOP(scale_lanes)
    for (unsigned i = 0; i < HLS_FAULTY(23, HLS_GL_LANES, HLS_GL_LANES - 1); i++) {
        HLS_UNROLL()
        row[i] = hls_gl_mul(row[i], w);
    }
}

/* first, first step, first step^2, ...: what hls_gl_ntt_twiddle_next hands out. A running product
 * would wait for its own multiplier, so HLS_GL_TWIDDLES of them take turns, each in steps of
 * step^HLS_GL_TWIDDLES. Returns that stride, canonical; first and step are any words. */
static inline uint64_t hls_gl_ntt_twiddle_start(uint64_t ring[HLS_GL_TWIDDLES], uint64_t first,
                                                uint64_t step)
{
    uint64_t w = hls_gl_canonical(first), stride = 1;

    /* II = latency of a product (about 6): each power needs the one before, and it runs once for a
     * whole pass */
    HLS_LOOP(twiddle_start)
    for (unsigned i = 0; i < HLS_GL_TWIDDLES; i++) {
        ring[i] = w;
        w = hls_gl_mul(w, step);
        stride = hls_gl_mul(stride, step);
    }
    return HLS_FAULTY(24, stride, hls_gl_mul(stride, step));
}

/* The factor of number index (counted from 0 without a gap), canonical; its place in the ring gets
 * the one that is due HLS_GL_TWIDDLES calls later, so that II=1 meets no recurrence. */
static inline uint64_t hls_gl_ntt_twiddle_next(uint64_t ring[HLS_GL_TWIDDLES], uint32_t index,
                                               uint64_t stride)
{
    uint64_t w = ring[index % HLS_GL_TWIDDLES];

    HLS_INLINE()
    ring[index % HLS_GL_TWIDDLES] = hls_gl_mul(w, stride);
    return w;
}

#endif
