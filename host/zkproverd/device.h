/** The device for heavy work: looked for, chosen and opened at the start, with a log line for each
 *  that was found and one that says what was chosen and why. */
#ifndef ZKP_HOST_ZKPROVERD_DEVICE_H
#define ZKP_HOST_ZKPROVERD_DEVICE_H

#include "driver/driver.h"
#include "host/zkproverd/config.h"

/** Whether the configured device exists and can be used, without claiming it. P_ENOTFOUND or
 *  P_EMISSING with what was found. "auto" is always there. */
p_status device_check(const config *c, p_err *err);

/** Opens it. log is kept until the device is closed: it is told what happens to a card. */
p_status device_open(const config *c, logger *log, drv_device **out, p_err *err);

/** Closes it; NULL is allowed. Nothing uses it any more. */
void device_close(drv_device *device, const logger *log);

#endif
