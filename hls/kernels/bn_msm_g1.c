/* Multi-scalar multiplication over BN254's G1 by buckets: hls/include/kernel_abi.h says what it
 * takes and writes. */
#include "hls/core/bn_g1.h"
#include "hls/include/kernel_ports.h"

#define BUCKETS (1u << (HLS_MSM_MAX_WINDOW - 1))
/* a scalar and the constant that makes its digits signed: below 2^(windows * bits) <= 2^270 */
#define DIGIT_LIMBS 9

typedef struct digits {
    uint32_t l[DIGIT_LIMBS + 1];
} digits;

#define PICK(name, of) (channel == (of) ? (*out = name##_##of[at], 0) : 0)
#define STORE(name, of) (channel == (of) ? (name##_##of[at] = *row, 0) : 0)

static inline void load_row(hls_row *out, uint64_t row, HLS_PARAM_ROWS(buffer))
{
    uint32_t channel = hls_stripe_channel(row, HLS_CHANNELS_LOG2);
    uint64_t at = hls_stripe_row(row, HLS_CHANNELS_LOG2);

    HLS_INLINE()
    (void)(HLS_EACH(PICK, buffer));
}

static inline void store_row(uint64_t row_number, const hls_row *row, HLS_PARAM_ROWS(buffer))
{
    uint32_t channel = hls_stripe_channel(row_number, HLS_CHANNELS_LOG2);
    uint64_t at = hls_stripe_row(row_number, HLS_CHANNELS_LOG2);

    HLS_INLINE()
    (void)(HLS_EACH(STORE, buffer));
}

/* Four words of a row, from word at, as limbs. */
static inline void to_limbs(hls_bn *r, const hls_row *row, unsigned at)
{
    HLS_INLINE()
    /* II=1, unrolled: wires */
    HLS_LOOP(row_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        r->l[i] = (uint32_t)(row->w[at + i / 2] >> 32 * (i % 2));
    }
}

static inline void from_limbs(hls_row *row, unsigned at, const hls_bn *a)
{
    HLS_INLINE()
    /* II=1, unrolled: wires */
    HLS_LOOP(limb_words)
    for (unsigned i = 0; i < HLS_BN_LIMBS / 2; i++) {
        HLS_UNROLL()
        row->w[at + i] = (uint64_t)a->l[2 * i + 1] << 32 | a->l[2 * i];
    }
}

/* h = the sum of 2^(w bits + bits - 1) over all windows w: what is added to a scalar, so that its
 * window minus 2^(bits - 1) is a signed digit, without a carry from window to window. */
static void half_of_windows(digits *h, uint32_t bits)
{
    uint32_t next = bits - 1, end = HLS_MSM_WINDOWS(bits) * bits;

    /* II=1: bit by bit, 288 cycles once a run */
    HLS_LOOP(half_limbs)
    for (unsigned i = 0; i < 32 * DIGIT_LIMBS; i++) {
        HLS_PIPELINE(1)
        if (i % 32 == 0)
            h->l[i / 32] = 0;
        if (i == next && i < end) {
            h->l[i / 32] |= (uint32_t)1 << i % 32;
            next += bits;
        }
    }
    h->l[DIGIT_LIMBS] = 0;
}

/* The digit of window w of scalar + half: -2^(bits - 1) .. 2^(bits - 1) - 1. */
static inline int32_t digit_of(const hls_bn *scalar, const digits *half, uint32_t bits,
                               uint32_t window)
{
    digits s;
    uint64_t carry = 0, pair;
    uint32_t at = window * bits;

    HLS_INLINE()
    HLS_REGISTERS(s.l)
    /* II=1, unrolled: a carry chain */
    HLS_LOOP(digit_add)
    for (unsigned i = 0; i < DIGIT_LIMBS; i++) {
        uint64_t t = (uint64_t)half->l[i] + (i < HLS_BN_LIMBS ? scalar->l[i] : 0) + carry;

        HLS_UNROLL()
        s.l[i] = (uint32_t)t;
        carry = t >> 32;
    }
    s.l[DIGIT_LIMBS] = 0;
    pair = (uint64_t)s.l[at / 32 + 1] << 32 | s.l[at / 32];
    return (int32_t)((uint32_t)(pair >> at % 32) & ((1u << bits) - 1)) -
           (int32_t)(1u << (bits - 1));
}

/* r = a + b, every case. */
static inline void add_any(hls_g1_xyzz *r, const hls_g1_xyzz *a, const hls_g1_xyzz *b)
{
    if (hls_bn_is_zero(&b->zz))
        *r = *a;
    else if (hls_bn_is_zero(&a->zz))
        *r = *b;
    else if (hls_g1_add(r, a, b))
        hls_g1_dbl(r, a);
}

void bn_msm_g1(HLS_BN_MSM_G1_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64));

void bn_msm_g1(HLS_BN_MSM_G1_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    HLS_MEMORY hls_g1_xyzz bucket[BUCKETS];
    digits half;
    uint32_t used;

    if (window_bits < 2 || window_bits > HLS_MSM_MAX_WINDOW || count == 0 || count > 1u << 26)
        return;
    used = 1u << (window_bits - 1);
    half_of_windows(&half, window_bits);
    /* one pass over the points for each window; no II, passes follow each other */
    HLS_LOOP(windows)
    for (uint32_t w = 0; w < HLS_MSM_WINDOWS(window_bits); w++) {
        hls_g1_xyzz sum, run;
        hls_row row;

        /* II=1: one bucket a cycle */
        HLS_LOOP(clear)
        for (uint32_t i = 0; i < used; i++) {
            HLS_PIPELINE(1)
            hls_g1_set_zero(&bucket[i]);
        }
        /* II: the latency of an addition, since the next may need the same bucket */
        HLS_LOOP(accumulate)
        for (uint32_t i = 0; i < count; i++) {
            hls_g1_affine point;
            hls_bn scalar;
            int32_t d;
            uint32_t at;

            load_row(&row, scalars_row + i / 2, HLS_PASS_ROWS(scalars));
            to_limbs(&scalar, &row, 4 * (i % 2));
            d = digit_of(&scalar, &half, window_bits, w);
            load_row(&row, points_row + i, HLS_PASS_ROWS(points));
            to_limbs(&point.x, &row, 0);
            to_limbs(&point.y, &row, 4);
            if (d == 0)
                continue;
            if (d < 0) {
                hls_bn zero = {{0, 0, 0, 0, 0, 0, 0, 0}};

                hls_fp_sub(&point.y, &zero, &point.y);
            }
            at = (uint32_t)(d < 0 ? -d : d) - 1;
            if (hls_g1_add_affine(&bucket[at], &bucket[at], &point))
                hls_g1_dbl_affine(&bucket[at], &point);
        }
        hls_g1_set_zero(&sum);
        hls_g1_set_zero(&run);
        /* II: two additions, each needs the one before */
        HLS_LOOP(running_sums)
        for (uint32_t i = 0; i < used; i++) {
            add_any(&run, &run, &bucket[used - 1 - i]);
            add_any(&sum, &sum, &run);
        }
        from_limbs(&row, 0, &sum.x);
        from_limbs(&row, 4, &sum.y);
        store_row(sums_row + 2 * w, &row, HLS_PASS_ROWS(sums));
        from_limbs(&row, 0, &sum.zz);
        from_limbs(&row, 4, &sum.zzz);
        store_row(sums_row + 2 * w + 1, &row, HLS_PASS_ROWS(sums));
    }
}
