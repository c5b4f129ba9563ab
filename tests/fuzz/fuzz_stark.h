/* The key that the fuzz targets of STARKs read proofs and files for, and that seeds are made with:
 * demo_lookup at its smallest. */
#ifndef ZKP_TESTS_FUZZ_FUZZ_STARK_H
#define ZKP_TESTS_FUZZ_FUZZ_STARK_H

#include "host/stark/demo.h"
#include "host/stark/vk.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct fuzz_stark {
    drv_device *device;
    air *a;
    stark_key key;
} fuzz_stark;

/* One query: a mutation of any part is soon reached. Aborts on failure. */
static inline void fuzz_stark_open(fuzz_stark *f)
{
    const stark_params params = {.level = STARK_TEST,
                                 .hash = DRV_HASH_GL,
                                 .log_rows = AIR_MIN_LOG_ROWS,
                                 .log_blowup = 1,
                                 .queries = 1,
                                 .cap_log2 = 1};
    const stark_options options = {0};
    p_err err = {0};

    if (air_create(&demo_lookup, &f->a, &err) != P_OK ||
        drv_open("cpu", NULL, &f->device, &err) != P_OK ||
        stark_setup(f->a, &params, f->device, &options, &f->key, &err) != P_OK) {
        fprintf(stderr, "fuzz: no key: %s\n", err.text);
        abort();
    }
}

#endif
