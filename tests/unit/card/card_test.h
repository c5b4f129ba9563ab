/** What the tests of driver/card share: a device over a direct card that fails on command, and
 * scenarios, sequences of jobs whose outputs are the same on every sound device. */
#ifndef ZKP_TESTS_UNIT_CARD_CARD_TEST_H
#define ZKP_TESTS_UNIT_CARD_CARD_TEST_H

#include "driver/card/internal.h"
#include "tests/conformance/direct_card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST_MAX_WORDS 32768
#define TEST_LOG_BYTES 65536

typedef struct test_card {
    direct_options options; /**< of the card; direct_card_default with changes */
    card_patience patience; /**< of the device; base_ms 0: as it is */
    uint64_t memory_bytes;  /**< limit; 0: none */
    direct_card *card;
    card_device *internal;
    drv_device *device;
    unsigned logged; /**< lines */
    char log[TEST_LOG_BYTES];
} test_card;

/** A card without threads, one channel, one unit of each kernel. */
void test_card_defaults(test_card *t);
/** Fails the test if the device does not open. */
void test_card_open(test_card *t);
p_status test_card_try_open(test_card *t, p_err *err);
/** Everything has been given back: buffers, tickets, host memory. */
void test_card_close(test_card *t);

void test_card_fault(test_card *t, direct_fault_kind kind, uint32_t what, uint64_t at,
                     uint64_t count, uint64_t seed);
direct_counts test_card_counts(test_card *t);

/** Runs jobs on a device and writes their outputs, always as many words. */
typedef struct test_scenario {
    const char *name;
    p_status (*run)(drv_device *device, uint64_t *out, size_t *words, p_err *err);
} test_scenario;

extern const test_scenario TEST_SCENARIOS[];
extern const size_t TEST_SCENARIO_COUNT;
/** A sum that two units of bn_msm_g1 share. */
extern const test_scenario TEST_MSM_PIECES;
const test_scenario *test_scenario_find(const char *name);

/** The outputs of device cpu. */
typedef struct test_truth {
    size_t words;
    uint64_t out[TEST_MAX_WORDS];
} test_truth;

void test_truth_make(test_truth *truth, const test_scenario *scenario);
/** Runs a scenario and compares. */
void test_card_expect(test_card *t, const test_scenario *scenario, const test_truth *truth,
                      const char *what, uint64_t number);

/** Numbers that are the same each time. */
void test_fill(uint64_t *words, size_t count, uint64_t seed);
void test_fill_fr(uint64_t *words, size_t elements, uint64_t seed);

#endif
