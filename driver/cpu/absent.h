/** Whether this build has the kernels of a job: P_OK, or P_EUNSUPPORTED with the kernel's name. */
#ifndef ZKP_DRIVER_CPU_ABSENT_H
#define ZKP_DRIVER_CPU_ABSENT_H

#include "driver/driver.h"

p_status cpu_absent_check(const drv_job *job, p_err *err);

#endif
