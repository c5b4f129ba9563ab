/** What a back end implements; only driver.c, the back ends and the conformance suite include this.
 *
 * driver.c validates every job against driver.h before a back end sees it, runs the queue, the
 * events and the handles' reference counts, and calls the entries below. A back end only does the
 * work: run is called on a thread of the device, blocks until the job has ended, polls cancel at
 * least every 100 ms, and bounds every wait for hardware by itself. Up to info.jobs calls of run
 * happen at once; the other entries may be called at any time. docs/adding-a-backend.md walks
 * through one. */
#ifndef ZKP_DRIVER_BACKEND_H
#define ZKP_DRIVER_BACKEND_H

#include "driver/base/cancel.h"
#include "driver/driver.h"

#define DRV_BACKEND_ABI 1
#define DRV_MAX_JOBS 64 /**< of drv_info.jobs */

typedef struct drv_backend {
    uint32_t abi;     /**< DRV_BACKEND_ABI */
    const char *name; /**< before the colon of a device's name */

    /** Mandatory. Writes at most max of the devices found, usable or not; returns how many there
     * are. options may be NULL. */
    size_t (*probe)(const drv_options *options, drv_info *out, size_t max);
    /** Mandatory. unit: what follows the colon of the name, "" if nothing does. */
    p_status (*open)(const char *unit, const drv_options *options, void **device, p_err *err);
    /** Mandatory. No run is active and no handle is left. */
    void (*close)(void *device);
    /** Mandatory. Fills out; constant while the device is open. */
    void (*info)(void *device, drv_info *out);
    /** Mandatory. P_OK, or P_EUNSUPPORTED with what is missing. The job's shape is valid, its
     * arrays may be NULL (drv_estimate asks, too). */
    p_status (*supports)(void *device, const drv_job *job, p_err *err);
    /** Mandatory. See drv_estimate: the job's shape is valid, its arrays may be NULL. What the
     * job's handle is: drv_commitment_info, drv_points_info. */
    uint64_t (*estimate)(void *device, const drv_job *job);
    /** Mandatory. Does the job. For DRV_COMMIT and DRV_MSM_LOAD it sets *object to what the handle
     * will stand for, not NULL, or leaves it NULL when it fails; for jobs that name a handle,
     * *object is that object. (The handle pointers inside job are driver.c's business; only
     * drv_commitment_info and drv_points_info may be asked about them.) */
    p_status (*run)(void *device, const drv_job *job, void **object, const p_cancel *cancel,
                    p_err *err);
    /** Mandatory. Frees the object of DRV_COMMIT or DRV_MSM_LOAD; no run uses it. */
    void (*object_free)(void *device, drv_op op, void *object);
    /** Optional, both or none; NULL: ordinary memory. */
    p_status (*buffer_alloc)(void *device, uint64_t bytes, void **out, p_err *err);
    void (*buffer_free)(void *device, void *buffer, uint64_t bytes);
} drv_backend;

/** drv_open for a back end that is not in driver.c's table (tests, wrappers). unit as in the back
 * end's open, NULL for "". The device's name is the back end's, with ":" and the unit if there is
 * one. P_EUNSUPPORTED for another ABI version, P_EINTERNAL for a back end without a mandatory entry
 * or with an impossible drv_info. */
p_status drv_open_backend(const drv_backend *backend, const char *unit, const drv_options *options,
                          drv_device **out, p_err *err);

/** A back end of driver.c's table by its name, or NULL. */
const drv_backend *drv_backend_find(const char *name);

/** The table, in the order in which drv_list shows it; what drv_open prefers is drv_info.rank. The
 * wrapper comes last and offers nothing by itself. */
extern const drv_backend drv_backend_xrt;
extern const drv_backend drv_backend_opencl;
extern const drv_backend drv_backend_cpu;
extern const drv_backend drv_backend_fault;

#endif
