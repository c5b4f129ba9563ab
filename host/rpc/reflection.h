/** grpc.reflection.v1 and v1alpha ServerReflection: what services and messages this server speaks,
 *  so that general clients (grpcurl and the like) need no .proto files. It tells what the public
 *  .proto files of the folder proto say, and nothing else. Any thread. */
#ifndef ZKP_HOST_RPC_REFLECTION_H
#define ZKP_HOST_RPC_REFLECTION_H

#include "host/rpc/server.h"

#define RPC_REFLECTION_METHODS 2
/** The table; its entries borrow nothing. */
void rpc_reflection_methods(rpc_method out[RPC_REFLECTION_METHODS]);

/** A longer request ends its stream. */
#define RPC_REFLECTION_REQUEST_MAX 4096

/** One answer: a packed ServerReflectionResponse, malloc'ed. What is not known is told in the
 *  answer itself; P_EINVAL for bytes that are no request. */
p_status rpc_reflection_answer(const uint8_t *request, size_t len, uint8_t **answer,
                               size_t *answer_len, p_err *err);

#endif
