/** What the files of driver.c share; nobody else includes this.
 *
 * One lock for a device guards its queue, its events and the reference counts of its handles: each
 * is touched a few times in a job that takes milliseconds at least. The back end is never called
 * under it. */
#ifndef ZKP_DRIVER_DRIVER_INTERNAL_H
#define ZKP_DRIVER_DRIVER_INTERNAL_H

#include "driver/backend.h"
#include "driver/base/memory.h"

#include <pthread.h>

#define DRV_MAX_WAITING 1024

/** What a handle's job lent to the device: outputs of later jobs must not lie there. */
typedef struct drv_borrowed {
    const void *data;
    uint64_t bytes; /**< 0: nothing */
} drv_borrowed;

struct drv_handle {
    drv_device *device;
    void *object;  /**< the back end's */
    drv_op op;     /**< DRV_COMMIT or DRV_MSM_LOAD */
    unsigned refs; /**< the user's and one for each job; under the device's lock */
    drv_borrowed borrowed;
    union {
        drv_commitment commitment;
        drv_points points;
    };
};

typedef enum drv_state { DRV_WAITING, DRV_RUNNING, DRV_ENDED } drv_state;

struct drv_event {
    drv_device *device;
    drv_event *previous, *next; /**< in the device's list of its state */
    drv_job job;
    drv_handle *uses;  /**< the handle that the job names, or NULL; one reference */
    drv_handle *makes; /**< the handle that the job is to make, or NULL */
    p_cancel cancel;
    pthread_cond_t ended; /**< state became DRV_ENDED */
    drv_state state;
    bool orphan; /**< drv_close ended it */
    p_err err;   /**< err.status is the job's once it has ended */
};

typedef struct drv_event_list {
    drv_event *first, *last;
    unsigned count;
} drv_event_list;

struct drv_device {
    const drv_backend *backend;
    void *impl;
    drv_info info;
    p_memory ordinary; /**< buffers, for a back end that has none of its own */

    pthread_mutex_t lock;
    pthread_cond_t work; /**< a job waits, or stop was set */
    pthread_cond_t idle; /**< a job ended or an object was freed: drv_close looks again */
    drv_event_list waiting, running;
    uint64_t refs;    /**< drv_open's and one for each event; the last one frees */
    uint64_t ended;   /**< events that ended, are not released, and were not drv_close's doing */
    uint64_t handles; /**< that the user has not released */
    uint64_t objects; /**< of the back end that live */
    uint64_t buffers;
    bool closing, stop;
    unsigned runners;
    pthread_t runner[];
};

/* ---- job_check.c ---- */

/** What the checked job needs from the queue. */
typedef struct drv_checked {
    drv_handle *uses; /**< the handle that the job names, or NULL */
    bool makes;       /**< it makes a handle, with what follows */
    drv_borrowed borrowed;
    drv_commitment commitment;
    drv_points points;
} drv_checked;

/** P_EINVAL with the field, what was expected and what was found. shape_only: arrays are not looked
 * at. Reads the arrays of row indices, no other. */
p_status drv_check_job(const drv_device *device, const drv_job *job, bool shape_only,
                       drv_checked *out, p_err *err);

/** "commit", "msm_load" and so on. */
const char *drv_op_name(drv_op op);

/* ---- queue.c ---- */

/** Sets up the lock and starts info.jobs threads. On failure nothing is left running. */
p_status drv_queue_start(drv_device *device, p_err *err);

/** Ends all jobs and threads; see drv_close. P_OK: only drv_device_unref is left to do. */
p_status drv_queue_stop(drv_device *device, uint32_t timeout_ms, p_err *err);

/** Under no lock. Frees the device's own memory with the last reference. */
void drv_device_unref(drv_device *device);

/** The checks that drv_submit and drv_estimate share. */
p_status drv_ask(drv_device *device, const drv_job *job, bool shape_only, drv_checked *checked,
                 uint64_t *bytes, p_err *err);

/** Index of the usable device of the highest rank below `below`, the first of several; n if there
 * is none. */
size_t drv_best(const drv_info *found, size_t n, uint32_t below);

#endif
