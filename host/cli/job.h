/** A proof job as the commands show it: waiting for it, its state in words, its JSON, its proof as
 * a file. Main thread. */
#ifndef ZKP_HOST_CLI_JOB_H
#define ZKP_HOST_CLI_JOB_H

#include "host/cli/service.h"

#include <jansson.h>

/** Waits for ever. */
#define JOB_NO_LIMIT UINT64_MAX

/** A word for a RESULT_GET_PROOF_*: "pending", "proved", "failed", "cancelled", "unknown". */
const char *job_word(int result);
/** Its name in the protocol without the prefix, such as "COMPLETED_OK". */
const char *job_result_name(int result);

/** The per cent in a text of the service such as "execute, 43 %"; -1 if there is none. */
int job_percent(const char *result_string);

/** Asks until the job has ended, or `seconds` (0: asks once; JOB_NO_LIMIT) have passed. A service
 *  that goes away meanwhile is looked for again for as long as connecting may take, since jobs
 *  survive its restart. On a terminal a line of progress is drawn on standard error and cleared
 *  at the end. *out is NULL on failure. */
p_status job_wait(service *s, const char *id, uint64_t seconds, service_proof **out,
                  char reason[SERVICE_REASON_BYTES], p_err *err);

/** Prints the answer for id, as text or as one line of JSON; writes the proof to `file` if it is
 *  there and file is not NULL. CLI_OK only for a finished proof. */
cli_exit job_report(const char *id, const service_proof *m, const char *reason, bool as_json,
                    const char *file);

/** The proof in the form of snarkjs' proof.json; NULL with P_EINTERNAL if it has not its shape
 *  (2, 2 x 2 and 2 decimal numbers). */
json_t *job_proof_json(const Zkprover__V1__Proof *proof, p_err *err);

#endif
