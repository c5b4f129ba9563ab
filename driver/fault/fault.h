/** A back end that wraps another and injects faults, to show that what stands above survives them.
 *
 * Its devices are "fault:NAME": everything goes to the device NAME, except for what
 * drv_options.fault asks for: rules separated by commas, each KIND@WHEN with WHEN the number of a
 * run since drv_open (1 is the first), or * for every run.
 *
 *   error@N      the run answers P_EDEVICE and does nothing
 *   timeout@N    the run answers P_EDEADLINE after a short wait
 *   slow@N:MS    the run takes MS milliseconds longer (polls cancel meanwhile)
 *   hang@N       the run ends only when it is cancelled
 *   flip@N       one bit of the run's output is inverted, chosen by N and by seed=S
 *   die@N        the run and all later ones answer P_EDEVICE
 *   memory@N     the run answers P_EEXHAUSTED
 *
 * For tests; drv_list never offers it. */
#ifndef ZKP_DRIVER_FAULT_FAULT_H
#define ZKP_DRIVER_FAULT_FAULT_H

#include "driver/backend.h"

extern const drv_backend drv_backend_fault;

#endif
