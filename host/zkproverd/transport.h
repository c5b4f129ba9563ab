/** How the gRPC port is secured: certificates from configuration, and what there is to say of them.
 *  One thread; what it makes reports from any. */
#ifndef ZKP_HOST_ZKPROVERD_TRANSPORT_H
#define ZKP_HOST_ZKPROVERD_TRANSPORT_H

#include "driver/base/err.h"
#include "host/rpc/tls.h"
#include "host/zkproverd/config.h"
#include "host/zkproverd/log.h"

/** Adds every problem and warning of the files that tls.* name (for --check). */
void transport_check(const config *c, config_problems *problems);

/** Loads the certificates; *out is NULL without tls.cert. Warnings, errors and later changes go to
 *  the log (borrowed until *out is destroyed) as events "tls". P_EMISSING: a file cannot be used;
 *  the log has every reason, err the first. */
p_status transport_open(rpc_tls **out, const config *c, const logger *log, p_err *err);

/** Says in the log who can reach the port, if that is more than this machine. */
void transport_log_reach(const config *c, const logger *log);

#endif
