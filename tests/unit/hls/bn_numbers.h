/** Numbers for the tests of Fr's cores: canonical ones with edges, and what loose results are. */
#ifndef ZKP_TESTS_UNIT_HLS_BN_NUMBERS_H
#define ZKP_TESTS_UNIT_HLS_BN_NUMBERS_H

#include "tests/unit/hls/bn_words.h"
#include "tests/unit/hls/hls_test.h"

#include "driver/field/bn_fr.h"

/** Any four words. */
static inline bn_fr test_any(uint64_t *seed)
{
    bn_fr r;

    for (int i = 0; i < 4; i++)
        r.l[i] = test_random(seed) % 8 == 0 ? UINT64_MAX : hls_test_word(seed);
    return r;
}

/** The residue of four words. */
static inline bn_fr test_residue(const bn_fr *a)
{
    bn_fr r = *a;

    for (int i = 0; i < 6; i++)
        bn_fr_reduce_once(&r, r.l);
    return r;
}

/** Canonical; 0, 1 and r - 1 often. */
static inline bn_fr test_canonical(uint64_t *seed)
{
    static const bn_fr minus_one = {{BN_FR_P0 - 1, BN_FR_P1, BN_FR_P2, BN_FR_P3}};
    bn_fr r = {{test_random(seed) % 2, 0, 0, 0}};
    uint64_t kind = test_random(seed) % 8;

    if (kind == 0)
        return r;
    if (kind == 1)
        return minus_one;
    r = test_any(seed);
    return test_residue(&r);
}

/** Whether a number is a residue plus at most most - 1 times r. */
static inline void test_check_loose(const hls_bn *a, const bn_fr *residue, unsigned most)
{
    bn_fr r;

    hls_to_words(r.l, a);
    for (unsigned i = 1; i < most; i++)
        bn_fr_reduce_once(&r, r.l);
    assert_memory_equal(r.l, residue->l, sizeof(r.l));
}

#endif
