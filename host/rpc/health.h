/** grpc.health.v1.Health: whether the server serves, for load balancers and orchestrators.
 *
 *  One status for the server as a whole ("") and for zkprover.v1.ZKProverService; other services
 *  are unknown (Check: NOT_FOUND; Watch: SERVICE_UNKNOWN). NOT_SERVING at first. The methods are
 *  also served while the server drains, so that clients see the change. Order: create,
 *  rpc_server_create with the methods; destroy after the server was stopped. Any thread. */
#ifndef ZKP_HOST_RPC_HEALTH_H
#define ZKP_HOST_RPC_HEALTH_H

#include "host/rpc/server.h"

typedef struct rpc_health rpc_health;

/** *out is NULL on failure. */
p_status rpc_health_create(rpc_health **out, p_err *err);

#define RPC_HEALTH_METHODS 2
/** The table; its entries borrow h. */
void rpc_health_methods(rpc_health *h, rpc_method out[RPC_HEALTH_METHODS]);

/** SERVING from now on, unless rpc_health_end came before. Who watches is told. */
void rpc_health_serve(rpc_health *h);
/** NOT_SERVING from now on, for good. Who watches is told. */
void rpc_health_end(rpc_health *h);

void rpc_health_destroy(rpc_health *h); /**< NULL is allowed */

#endif
