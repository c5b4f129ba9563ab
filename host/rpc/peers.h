/** Running calls and their bytes by client address. Private to host/rpc.
 *
 *  A client is an IPv4 address, or the /64 network of an IPv6 address (which one host can have
 *  whole); all local sockets are one. The table holds only clients with running calls. The caller's
 *  lock guards all but `inflight`. */
#ifndef ZKP_HOST_RPC_PEERS_H
#define ZKP_HOST_RPC_PEERS_H

#include "driver/base/err.h"

#include <stdatomic.h>
#include <stddef.h>

typedef struct rpc_peers rpc_peers;

typedef struct rpc_peer {
    atomic_size_t inflight; /**< bytes of requests and answers of its calls */
    unsigned calls;
    struct rpc_peer *next;
    char name[64];
} rpc_peer;

/** NULL when there is no memory. max_calls of one client; 0: no limit. */
rpc_peers *rpc_peers_create(unsigned max_calls);
void rpc_peers_destroy(rpc_peers *p); /**< NULL is allowed; no call may run */

/** One more call of the client with this gRPC peer name ("ipv4:127.0.0.1:4711"; NULL counts as one
 *  client). P_EEXHAUSTED, with the text in why, when it has too many, or without memory. */
p_status rpc_peers_enter(rpc_peers *p, const char *peer, rpc_peer **out, char *why,
                         size_t why_size);
void rpc_peers_leave(rpc_peers *p, rpc_peer *peer); /**< NULL is allowed */

/** The client's name for a peer name, such as "192.0.2.1" or "2001:db8::/64". */
void rpc_peers_name(char out[64], const char *peer);

#endif
