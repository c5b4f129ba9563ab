/** What the tests on the emulated card share: opening device xrt:0 and device cpu, a commitment
 * with an opening on both, processes and descriptors that may be left, and what was logged.
 *
 * A program of these tests runs in a session of its own (CMakeLists.txt). Failures end the test by
 * cmocka's means; include after cmocka.h. */
#ifndef ZKP_TESTS_CARD_CARD_TEST_H
#define ZKP_TESTS_CARD_CARD_TEST_H

#include "driver/driver.h"

#include <sys/types.h>

#define CARD_TEST_OPENED 24
#define CARD_TEST_CAP_LOG2 3
#define CARD_TEST_MS 100000

/** A matrix, and what its commitment is on device cpu: made once, compared often. */
typedef struct card_test {
    drv_device *cpu;
    drv_matrix matrix;
    uint32_t log_blowup, path_digests;
    uint64_t rows[CARD_TEST_OPENED];
    uint64_t cap[DRV_DIGEST_WORDS << CARD_TEST_CAP_LOG2];
    uint64_t *values, *paths;
} card_test;

void card_test_make(card_test *t, uint32_t columns, uint32_t log_rows, uint32_t log_blowup);
void card_test_free(card_test *t);

/** Commits and opens on a device and compares every word. */
void card_test_check(const card_test *t, drv_device *device);

/** Opens a device by name; what the driver logs is kept for card_test_log. */
p_status card_test_try(const char *name, drv_device **out, p_err *err);
drv_device *card_test_open(const char *name);
void card_test_close(drv_device *device);

/** Lines that the driver logged since the last call of this function; how many there are and
 * whether one holds a text (NULL: only the count). */
unsigned card_test_log(const char *text, bool *found);

/** zkp-card as a child of this process; -1: none. */
pid_t card_test_card(void);

/** Marks this process, so that all that comes of it is found. Call first. */
void card_test_mark(void);
/** Waits up to ten seconds until no other process with the mark is left and this one has no zombie
 * and no more descriptors than it had. */
int card_test_descriptors(void);
void card_test_clean(int descriptors);

#endif
