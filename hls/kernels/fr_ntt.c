/* Transforms over BN254's Fr: hls/include/kernel_abi.h says what it takes and writes. */
#include "hls/core/bn_ntt.h"
#include "hls/include/kernel_ports.h"

#define ROOT_LOG2 28

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

static void load_element(hls_bn *r, uint64_t row0, uint64_t element, HLS_PARAM_ROWS(buffer))
{
    hls_row row;

    load_row(&row, row0 + element / 2, HLS_PASS_ROWS(buffer));
    /* II=1, unrolled: wires */
    HLS_LOOP(row_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        HLS_UNROLL()
        r->l[i] = (uint32_t)(row.w[4 * (element % 2) + i / 2] >> 32 * (i % 2));
    }
}

static void store_element(uint64_t row0, uint64_t element, const hls_bn *a, HLS_PARAM_ROWS(buffer))
{
    hls_row row;

    load_row(&row, row0 + element / 2, HLS_PASS_ROWS(buffer));
    /* II=1, unrolled: wires */
    HLS_LOOP(limb_words)
    for (unsigned i = 0; i < HLS_BN_LIMBS / 2; i++) {
        HLS_UNROLL()
        row.w[4 * (element % 2) + i] = (uint64_t)a->l[2 * i + 1] << 32 | a->l[2 * i];
    }
    store_row(row0 + element / 2, &row, HLS_PASS_ROWS(buffer));
}

static uint64_t reversed(uint64_t i, uint32_t bits)
{
    uint64_t r = 0;

    /* II=1, unrolled: wires */
    HLS_LOOP(reverse)
    for (unsigned k = 0; k < HLS_FR_NTT_MAX_LOG2; k++) {
        HLS_UNROLL()
        r |= k < bits ? (i >> k & 1) << (bits - 1 - k) : 0;
    }
    return r;
}

void fr_ntt(HLS_FR_NTT_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64));

void fr_ntt(HLS_FR_NTT_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64))
{
    hls_bn shift[HLS_FR_NTT_MAX_LOG2], root[ROOT_LOG2 + 1], a, b;
    uint64_t scale[4], size = (uint64_t)1 << log_n;
    uint32_t inverse = mode == HLS_INVERSE;

    if (log_n > HLS_FR_NTT_MAX_LOG2 || mode > HLS_INVERSE)
        return;
    scale[0] = scale_0;
    scale[1] = scale_1;
    scale[2] = scale_2;
    scale[3] = scale_3;
    /* shift[i] = s^(2^(log_n - 1 - i)), root[k] of order 2^k; no II, once a run */
    HLS_LOOP(shift_limbs)
    for (unsigned i = 0; i < HLS_BN_LIMBS; i++) {
        shift[log_n ? log_n - 1 : 0].l[i] = (uint32_t)(scale[i / 2] >> 32 * (i % 2));
        root[ROOT_LOG2].l[i] = inverse ? HLS_BN_FR_ROOT_INV[i] : HLS_BN_FR_ROOT[i];
    }
    /* II: a product */
    HLS_LOOP(shifts)
    for (uint32_t i = 1; i < log_n; i++)
        hls_bn_ntt_mul(&shift[log_n - 1 - i], &shift[log_n - i], &shift[log_n - i]);
    /* II: a product */
    HLS_LOOP(roots)
    for (uint32_t i = ROOT_LOG2; i > 0; i--)
        hls_bn_ntt_mul(&root[i - 1], &root[i], &root[i]);
    /* II=1 */
    HLS_LOOP(load)
    for (uint64_t i = 0; i < size; i++) {
        load_element(&a, src_row, inverse ? i : reversed(i, log_n), HLS_PASS_ROWS(src));
        store_element(tmp_row, i, &a, HLS_PASS_ROWS(tmp));
    }
    /* no II: layers follow each other */
    HLS_LOOP(layers)
    for (uint32_t step = 0; step < log_n; step++) {
        uint32_t layer = inverse ? log_n - 1 - step : step;
        uint64_t half = (uint64_t)1 << layer;
        hls_bn w = shift[layer];

        /* II: a product */
        HLS_LOOP(twiddles)
        for (uint64_t j = 0; j < half; j++) {
            /* II=2: a butterfly's elements one after the other */
            HLS_LOOP(blocks)
            for (uint64_t block = 0; block < size; block += 2 * half) {
                load_element(&a, tmp_row, block + j, HLS_PASS_ROWS(tmp));
                load_element(&b, tmp_row, block + j + half, HLS_PASS_ROWS(tmp));
                hls_bn_ntt_butterfly(&a, &b, &w, inverse);
                store_element(tmp_row, block + j, &a, HLS_PASS_ROWS(tmp));
                store_element(tmp_row, block + j + half, &b, HLS_PASS_ROWS(tmp));
            }
            hls_bn_ntt_mul(&w, &w, &root[layer + 1]);
        }
    }
    /* II=1 */
    HLS_LOOP(store)
    for (uint64_t i = 0; i < size; i++) {
        load_element(&a, tmp_row, inverse ? reversed(i, log_n) : i, HLS_PASS_ROWS(tmp));
        store_element(dst_row, i, &a, HLS_PASS_ROWS(dst));
    }
    if (log_n == 0) {
        /* II=1, unrolled: registers */
        HLS_LOOP(clear)
        for (unsigned i = 0; i < HLS_BN_LIMBS; i++)
            b.l[i] = 0;
        store_element(dst_row, 1, &b, HLS_PASS_ROWS(dst));
    }
}
