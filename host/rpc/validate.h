/** The checks of a batch that arrives over gRPC (docs/protocol.md): from a message to a request
 * that can be executed. Any thread. */
#ifndef ZKP_HOST_RPC_VALIDATE_H
#define ZKP_HOST_RPC_VALIDATE_H

#include "host/state/request.h"

#include "zkprover/v1/zk_prover.pb-c.h"

typedef struct rpc_validate_options {
    uint32_t fork_id;
    bool enforce_counters;
    bool need_aggregator; /**< aggregator_addr must be there (GenProof); else it may be empty */
} rpc_validate_options;

/** Checks every field but the hashes of the witness (state_request_verify) and copies what is
 *  needed: the message may be freed afterwards. *out is NULL on failure;
 *  P_EINVAL names the field. */
p_status rpc_validate_input(const Zkprover__V1__InputProver *input,
                            const rpc_validate_options *options, state_request **out, p_err *err);

/** "0x" and 40 hex digits, either case; field is for the error. */
p_status rpc_validate_address(const char *field, const char *text, exec_address *out, p_err *err);

#endif
