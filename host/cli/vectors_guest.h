/** `zkprover vectors --guest`: a batch that was executed natively is run by the guest in the
 * machine, from a tape recorded natively, and the public words are compared. One thread. */
#ifndef ZKP_HOST_CLI_VECTORS_GUEST_H
#define ZKP_HOST_CLI_VECTORS_GUEST_H

#include "host/state/run.h"

typedef struct vec_guest vec_guest;

p_status vec_guest_create(vec_guest **out, p_err *err);
void vec_guest_destroy(vec_guest *g); /**< NULL is allowed */

/** P_OK if all agree; else what does not. Both runs enforce the counters and have the rollup's
 * block gas limit, whatever the request says. verbose: prints a line with the counts. */
p_status vec_guest_run(vec_guest *g, state_runner *runner, state_request *req, bool verbose,
                       const char *name, p_err *err);

/** Prints how many batches ran, and how long. */
void vec_guest_summary(const vec_guest *g);

#endif
