/** What the tests of hls/ share: edge values, random words, and a check that prints what differs.
 */
#ifndef ZKP_TESTS_UNIT_HLS_HLS_TEST_H
#define ZKP_TESTS_UNIT_HLS_HLS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/field/random.h"

static const uint64_t HLS_EDGES[] = {
    0,
    1,
    2,
    7,
    0x7fffffff,
    0x80000000,
    0xfffffffe,
    0xffffffff,
    0x100000000,
    0x100000001,
    0x7fffffff80000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xfffffffe00000001,
    0xfffffffeffffffff,
    0xffffffff00000000, /* p - 1 */
    0xffffffff00000001, /* p */
    0xffffffff00000002,
    0xffffffff80000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};
#define HLS_EDGE_COUNT (sizeof(HLS_EDGES) / sizeof(HLS_EDGES[0]))

/** How many random cases: ZKP_TEST_CASES, else (and at most) the test's own number. */
static inline long hls_test_cases(long most)
{
    const char *text = getenv("ZKP_TEST_CASES");
    long cases = text ? strtol(text, NULL, 10) : most;

    return cases < 1 || cases > most ? most : cases;
}

/** An edge value now and then, else uniform or with long runs of equal bits. */
static inline uint64_t hls_test_word(uint64_t *seed)
{
    uint64_t kind = test_random(seed), word = test_random(seed);

    switch (kind % 8) {
    case 0:
        return HLS_EDGES[word % HLS_EDGE_COUNT];
    case 1:
        return word & test_random(seed) & test_random(seed);
    case 2:
        return word | test_random(seed) | test_random(seed);
    default:
        return word;
    }
}

#endif
