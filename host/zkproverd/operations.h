/** What an operator sees of the server besides gRPC: metrics, the HTTP port, the service manager,
 *  and log lines of jobs.
 *
 *  Order: create, then the others in any order while the server lives, stop, destroy. Parts are
 *  handed in as they come to life and must live until operations_stop. Any thread, except create,
 *  listen, stop and destroy. */
#ifndef ZKP_HOST_ZKPROVERD_OPERATIONS_H
#define ZKP_HOST_ZKPROVERD_OPERATIONS_H

#include "host/zkproverd/log.h"
#include "host/zkproverd/telemetry.h"

typedef struct operations operations;

/** log is borrowed. notify_socket: the value of NOTIFY_SOCKET or NULL (copied). */
p_status operations_create(operations **out, const logger *log, const char *notify_socket,
                           p_err *err);

/** Opens the HTTP port (http.h); "" or "off" opens none, and *port is 0 then. */
p_status operations_listen(operations *o, const char *address, unsigned *port, p_err *err);

telemetry *operations_telemetry(operations *o);
metrics *operations_metrics(operations *o);

void operations_set_server(operations *o, rpc_server *server);
void operations_set_state_store(operations *o, state_store *store);
void operations_set_jobs(operations *o, jobs *j, job_store *store);

/** From starting (after create) on: tells the service manager, and /readyz. */
typedef enum operations_phase {
    OPERATIONS_STARTING,
    OPERATIONS_SERVING,
    OPERATIONS_DRAINING,
    OPERATIONS_STOPPED,
} operations_phase;
void operations_set_phase(operations *o, operations_phase phase);

/** For jobs_options.event, with the object as event_ctx: counts, and logs with the job's id. */
void operations_job_event(void *operations, const jobs_event *e);

/** Closes the HTTP port; afterwards no part is touched any more. Idempotent. NULL is allowed. */
void operations_stop(operations *o);
void operations_destroy(operations *o); /**< stops first; NULL is allowed */

/** One line for an event of a job: event "job", "job" its id, "what" the kind. */
void operations_log_job(const logger *log, const jobs_event *e);

#endif
