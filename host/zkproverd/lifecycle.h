/** The life of the server: starting -> serving -> draining -> stopped, one function for each
 *  transition, called in that order by one thread.
 *
 *  SIGTERM and SIGINT must be blocked in every thread (lifecycle_block_signals, before any thread
 * is created): lifecycle_serve takes them with sigwaitinfo, so no code runs in a signal handler. */
#ifndef ZKP_HOST_ZKPROVERD_LIFECYCLE_H
#define ZKP_HOST_ZKPROVERD_LIFECYCLE_H

#include "driver/base/err.h"
#include "host/zkproverd/config.h"

typedef enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILURE = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_CONFIG = 3,
    EXIT_CODE_MISSING = 4, /**< artefact or device */
    EXIT_CODE_SIZE = 5,    /**< refused for size */
} exit_code;

typedef struct lifecycle lifecycle;

void lifecycle_block_signals(void);

/** What the machine lacks for this configuration (device, vector unit, data directory), without
 *  starting anything or leaving anything behind; problems are added. */
void lifecycle_check(const config *c, config_problems *problems);

/** Starts everything and listens. config is borrowed until lifecycle_stop. On failure (logged) *out
 *  is NULL and *code says which exit code fits. */
p_status lifecycle_start(lifecycle **out, const config *c, exit_code *code, p_err *err);

/** Waits for SIGTERM or SIGINT. */
void lifecycle_serve(lifecycle *l);

/** Takes no new calls, lets the running ones finish within the drain time, then cancels them. A
 *  second signal meanwhile ends the process at once with EXIT_CODE_FAILURE. */
void lifecycle_drain(lifecycle *l);

/** Ends everything and frees it. A signal from here on ends the process by its default action. */
void lifecycle_stop(lifecycle *l);

#endif
