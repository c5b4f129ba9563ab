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

/* a 2^shift for any word a and shift below 192; canonical. 2 is a 192nd root of unity, so these are
 * the products by 64th roots, omega_64 = 7^((p-1)/64) = 2^39, and need no multiplier. 2^96 = -1
 * leaves a shift t below 96, of which 32 (t / 32) only moves limbs: y0 .. y2 become limbs 0 .. 2, 1
 * .. 3 or 2 .. 4 of columns w0 - w2 - w3 and w1 + w2 - w4, both within 2^33 of zero. 4 p, with 2^34
 * moved from column 1 to column 0, keeps them positive and below 2^35. */
static inline uint64_t hls_gl_shift(uint64_t a, uint32_t shift)
{
    uint32_t negative = shift >= 96, t = negative ? shift - 96 : shift;
    uint64_t low = a << (t % 32), y2 = (a >> 1) >> (63 - t % 32);
    uint64_t y0 = low & HLS_GL_LOW, y1 = low >> 32;
    uint64_t c0 = t < 32 ? y0 - y2 : t < 64 ? 0 - y1 - y2 : HLS_FAULTY(60, 0 - y0 - y1, 0 - y0);
    uint64_t c1 = t < 32 ? y1 + y2 : t < 64 ? y0 + y1 : y0 - y2;

    HLS_INLINE()
    c0 = (UINT64_C(4) << 32) + 4 + (negative ? 0 - c0 : c0);
    c1 = (UINT64_C(4) << 32) - 8 + (HLS_FAULTY(61, negative, 0) ? 0 - c1 : c1);
    return hls_gl_canonical(hls_gl_columns(c0, c1));
}

#define HLS_GL_RADIX 8
/* Lanes of a row that the wide butterflies take at a time. */
#define HLS_GL_QUAD 4

/* (a, b) <- (a + b, (a - b) 2^shift) in four lanes; canonical. */
static inline void hls_gl_ntt_shift_dif(uint64_t a[HLS_GL_QUAD], uint64_t b[HLS_GL_QUAD],
                                        uint32_t shift)
{
    HLS_INLINE()
    /* II=1, unrolled: four lanes side by side */
    HLS_LOOP(shift_lanes)
    for (unsigned i = 0; i < HLS_GL_QUAD; i++) {
        uint64_t sum = hls_gl_add(a[i], b[i]), difference = hls_gl_sub(a[i], b[i]);

        HLS_UNROLL()
        a[i] = sum;
        b[i] = shift ? hls_gl_shift(difference, shift) : difference;
    }
}

/* Four lanes of a row times w; any words; canonical. */
static inline void hls_gl_ntt_scale_quad(uint64_t x[HLS_GL_QUAD], uint64_t w)
{
    HLS_INLINE()
    /* II=1, unrolled: four multipliers */
    HLS_LOOP(quad_lanes)
    for (unsigned i = 0; i < HLS_GL_QUAD; i++) {
        HLS_UNROLL()
        x[i] = hls_gl_mul(x[i], w);
    }
}

/* Transforms of eight rows, in place: digit = 3: one of eight points, 2: two of four, 1: four of
 * two, 0: nothing. Natural order in; the result of index q lies at the place with q's digit bits in
 * reverse. Rows canonical. Forward; an inverse transform has its results at -q instead.
 * omega_8 = 2^120, omega_8^2 = 2^48, omega_8^3 = 2^168: constant shifts. */
static inline void hls_gl_ntt_eight(uint64_t x[HLS_GL_RADIX][HLS_GL_QUAD], uint32_t digit)
{
    HLS_INLINE()
    if (digit == 3) {
        hls_gl_ntt_shift_dif(x[0], x[4], 0);
        hls_gl_ntt_shift_dif(x[1], x[5], 120);
        hls_gl_ntt_shift_dif(x[2], x[6], 48);
        hls_gl_ntt_shift_dif(x[3], x[7], HLS_FAULTY(62, 168, 72));
    }
    if (digit >= 2) {
        hls_gl_ntt_shift_dif(x[0], x[2], 0);
        hls_gl_ntt_shift_dif(x[1], x[3], 48);
        hls_gl_ntt_shift_dif(x[4], x[6], 0);
        hls_gl_ntt_shift_dif(x[5], x[7], 48);
    }
    if (digit >= 1) {
        hls_gl_ntt_shift_dif(x[0], x[1], 0);
        hls_gl_ntt_shift_dif(x[2], x[3], 0);
        hls_gl_ntt_shift_dif(x[4], x[5], 0);
        hls_gl_ntt_shift_dif(x[6], x[7], 0);
    }
}

#endif
