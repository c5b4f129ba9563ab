/** Elements of driver/field as limbs of hls/core/bn.h and back: the same Montgomery form. */
#ifndef ZKP_TESTS_UNIT_HLS_BN_WORDS_H
#define ZKP_TESTS_UNIT_HLS_BN_WORDS_H

#include "hls/core/bn.h"

#include <stdint.h>

static inline hls_bn hls_from_words(const uint64_t w[4])
{
    hls_bn r;

    for (int i = 0; i < HLS_BN_LIMBS; i++)
        r.l[i] = (uint32_t)(w[i / 2] >> 32 * (i % 2));
    return r;
}

static inline void hls_to_words(uint64_t w[4], const hls_bn *a)
{
    for (int i = 0; i < 4; i++)
        w[i] = (uint64_t)a->l[2 * i + 1] << 32 | a->l[2 * i];
}

#endif
