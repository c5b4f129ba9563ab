/** A back end that wraps another and injects faults, to show that what stands above survives them.
 *
 * Its devices are "fault:NAME": everything goes to the device NAME of driver.c's table, except for
 * what drv_options.fault asks for (NULL or "": nothing, the wrapper is transparent): rules
 * separated by commas, each KIND@WHEN. WHEN is the number of a run since drv_open in the order in
 * which runs start (1 is the first), N+ for run N and all later ones, or * for every run.
 *
 *   error@WHEN      the run answers P_EDEVICE and does nothing
 *   timeout@WHEN    the run answers P_EDEADLINE after DRV_FAULT_TIMEOUT_MS and does nothing
 *   memory@WHEN     the run answers P_EEXHAUSTED and does nothing
 *   die@N           run N and all later ones answer P_EDEVICE and do nothing
 *   late@WHEN       the run is done in full, then answers P_EDEVICE (its handle is lost)
 *   slow@WHEN:MS    the run takes MS milliseconds longer (polls cancel meanwhile)
 *   hang@WHEN       the run ends only when it is cancelled
 *   flip@WHEN       one bit of the run's output is inverted after it was done: of a cap, of an
 *                   opened value or path, of what was read, of a column's datum, of a point's
 *                   coordinate, of a state. DRV_MSM_LOAD has no output and stays right
 *   seed=S          which bit flip inverts, together with the run's number; 0 if absent
 *
 * At most DRV_FAULT_MAX_RULES; all rules that fit a run apply, in the order of the table above, the
 * first failure ends it. P_EINVAL at drv_open names the rule that cannot be understood.
 *
 * For tests; drv_list never offers it. */
#ifndef ZKP_DRIVER_FAULT_FAULT_H
#define ZKP_DRIVER_FAULT_FAULT_H

#include "driver/backend.h"

#define DRV_FAULT_MAX_RULES 64
#define DRV_FAULT_TIMEOUT_MS 20

/* drv_backend_fault is declared in driver/backend.h */

#endif
