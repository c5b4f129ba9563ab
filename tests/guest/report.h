/** Runs a flat batch and writes what came out as text: the same text natively and in the guest, so
 * that comparing two texts compares two runs. Freestanding. */
#ifndef ZKP_TESTS_GUEST_REPORT_H
#define ZKP_TESTS_GUEST_REPORT_H

#include "tests/guest/flat.h"

typedef struct report_text {
    char *at;
    size_t len, size;
    bool overflow; /**< something was cut off */
} report_text;

/** Address space for each arena of a run. */
#define REPORT_ARENA_BYTES ((size_t)1 << 30)

/** Runs f over the host. memory's arenas are the caller's. Returns true, or false with a line that
 * says why. *root may be NULL. */
bool report_run(report_text *out, flat_file *f, const exec_host *host, exec_memory *memory,
                u256 *root);

#endif
