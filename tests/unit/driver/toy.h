/** A back end that computes nothing: it waits at a gate, answers what the test tells it to, and
 * counts. One for each program; the tests run one after the other. */
#ifndef ZKP_TESTS_UNIT_DRIVER_TOY_H
#define ZKP_TESTS_UNIT_DRIVER_TOY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/backend.h"

#include <stdatomic.h>

typedef struct toy {
    /* what the test sets */
    uint32_t jobs;
    uint64_t memory, estimate;
    p_status open_status, supports_status;
    atomic_bool hold;      /**< runs wait until this is false */
    atomic_bool deaf;      /**< and do not listen to cancellation */
    atomic_bool done;      /**< a cancelled run ends as if it had not heard */
    atomic_int run_status; /**< of runs that are not cancelled */
    const char *run_text;  /**< their text, or NULL for none */
    bool no_object;        /**< P_OK without an object */
    /* what it counts */
    atomic_int opened, closed, runs, active, most_active, objects, freed, buffers;
    atomic_int wrong;           /**< objects that were not what they had to be */
    atomic_uint_least64_t last; /**< count of the poseidon job that started last */
    drv_options options;        /**< of the last open */
    char unit[DRV_NAME_BYTES];
} toy;

extern toy toy_state;
extern const drv_backend toy_backend;

/** Back to one job at once, no limit, all well. */
void toy_reset(void);

/** Opens a device of the toy; fails the test if that fails. */
drv_device *toy_open(void);

/** Waits until the counter has the value; fails the test after ten seconds. */
void toy_await(atomic_int *counter, int value);

/** Valid jobs on arrays of this file. count tells poseidon jobs apart. */
drv_job toy_poseidon(uint64_t count);
drv_job toy_commit(drv_handle **out);
drv_job toy_msm_load(drv_handle **out);
drv_job toy_open_rows(drv_handle *commitment);
drv_job toy_read(drv_handle *commitment);
drv_job toy_msm(drv_handle *points);
drv_job toy_ntt(drv_field field);

#endif
