/** The metrics of the server (docs/operations.md lists them): what is counted when something
 *  happens, and what is set from the parts' own figures before a scrape. Any thread, except create
 *  and destroy. Nothing here waits. */
#ifndef ZKP_HOST_ZKPROVERD_TELEMETRY_H
#define ZKP_HOST_ZKPROVERD_TELEMETRY_H

#include "host/jobs/jobs.h"
#include "host/metrics/metrics.h"
#include "host/rpc/server.h"
#include "host/rpc/service.h"
#include "host/state/store.h"

typedef struct telemetry telemetry;

/** Registers everything in m (borrowed), the process_* metrics too. Figures of parts that are not
 *  set later are not shown. */
p_status telemetry_create(telemetry **out, metrics *m, p_err *err);
void telemetry_destroy(telemetry *t); /**< before m; NULL is allowed */

/* ---- once ---- */
typedef struct telemetry_build {
    const char *version, *protocol, *isa, *device, *grpc_core;
    unsigned fork_id;
} telemetry_build;
void telemetry_set_build(telemetry *t, const telemetry_build *b);

/* ---- when something happens ---- */
void telemetry_executed(telemetry *t, const rpc_execute_event *e);
/** method: "/package.Service/Method", or NULL if the call was for none that this server has (so
 *  that strangers cannot make names). code: the number of a gRPC status. */
void telemetry_call_ended(telemetry *t, const char *method, int code);
void telemetry_job_event(telemetry *t, const jobs_event *e);

/* ---- before a scrape ---- */
void telemetry_set_ready(telemetry *t, bool ready);
void telemetry_set_server(telemetry *t, const rpc_server_stats *s);
void telemetry_set_jobs(telemetry *t, const jobs_status *s);
void telemetry_set_job_store(telemetry *t, const job_store_info *i);     /**< NULL: unknown now */
void telemetry_set_state_store(telemetry *t, const state_store_info *i); /**< NULL: unknown now */

#endif
