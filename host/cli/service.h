/** The commands' connection to the service: its options, and the calls that several commands make.
 *
 *  Texts in answers come from the network: control characters in them are replaced by blanks before
 *  anyone sees them. Main thread. */
#ifndef ZKP_HOST_CLI_SERVICE_H
#define ZKP_HOST_CLI_SERVICE_H

#include "host/cli/cli.h"
#include "host/rpc/client.h"

#include "zkprover/v1/zk_prover.pb-c.h"

/** What a command that talks to the service lists among its options. */
#define SERVICE_OPTIONS                                                                            \
    {"addr", "A:P", "address of the service (default 127.0.0.1:50051)"},                           \
        {"connect-timeout", "S", "give up connecting after S seconds (default 10)"},               \
        {"tls", NULL, "encrypt; trust the system's authorities"},                                  \
        {"tls-ca", "FILE", "encrypt; trust these authorities (PEM) instead"},                      \
        {"tls-cert", "FILE", "encrypt; client certificate (PEM), with --tls-key"},                 \
    {                                                                                              \
        "tls-key", "FILE", "its private key (PEM)"                                                 \
    }

#define SERVICE_REASON_BYTES 512

typedef Zkprover__V1__GetStatusResponse service_status;
typedef Zkprover__V1__GetProofResponse service_proof;

typedef struct service {
    rpc_client *client;
    bool encrypted;
    rpc_tls_files tls;   /**< if encrypted */
    const char *address; /**< borrowed from the arguments, the environment, or constant */
    uint64_t connect_seconds;
} service;

/** Connects by the command's options and asks for the status, so that a service that is not there
 *  is reported at once, whatever the command is about to do. Errors are printed. CLI_OK, or the
 *  exit code. status: NULL, or where the answer goes (the caller frees it with
 *  service_status_free). The caller closes in every case. */
cli_exit service_open(service *s, const cli_command *command, const cli_args *args,
                      service_status **status);
void service_close(service *s);

/** One more connection of an open service, for another thread. *out is NULL on failure. */
p_status service_connect(const service *s, rpc_client **out, p_err *err);

/** GetStatus. */
p_status service_get_status(service *s, service_status **out, p_err *err);
void service_status_free(service_status *m); /**< NULL is allowed */

/** One request on a GetProof stream; blocks for up to `seconds`. reason: of the answer
 *  RESULT_GET_PROOF_ERROR and the like; "" if the service gave none. */
p_status service_get_proof(service *s, const char *id, uint64_t seconds, service_proof **out,
                           char reason[SERVICE_REASON_BYTES], p_err *err);
void service_proof_free(service_proof *m); /**< NULL is allowed */

/** GenProof. request: as of request_load. *id is malloc'ed. P_EINVAL: the service refused the
 *  request. */
p_status service_gen_proof(service *s, const uint8_t *request, size_t len, char **id, p_err *err);

/** Cancel. P_EINVAL: the service answered that there is nothing to cancel. */
p_status service_cancel(service *s, const char *id, p_err *err);

#endif
