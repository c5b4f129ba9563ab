/** A blocking gRPC client over the C core, for the command: unary calls, and streams on which each
 * request is answered before the next one is sent.
 *
 * Messages are packed protobuf bytes; this file knows no service. A client and its streams belong
 * to one thread. Order: rpc_client_create; rpc_client_unary, or rpc_stream_open, then send and
 * receive in turn, rpc_stream_finish, rpc_stream_destroy; rpc_client_destroy after its streams.
 *
 * A call that fails gives the p_status whose gRPC code the server sent (driver/base/status.h) and
 * a text with the server's address and message. */
#ifndef ZKP_HOST_RPC_CLIENT_H
#define ZKP_HOST_RPC_CLIENT_H

#include "driver/base/err.h"
#include "host/rpc/tls.h"

#include <stddef.h>
#include <stdint.h>

typedef struct rpc_client rpc_client;
typedef struct rpc_stream rpc_stream;

/** gRPC writes no lines of its own to standard error any more, since every failure is reported by
 *  its call; with GRPC_VERBOSITY in the environment it still does. For the whole process. */
void rpc_client_quiet(void);

/** address is "HOST:PORT"; nothing is connected yet. Messages of any size can be sent, up to
 *  max_message_bytes received. *out is NULL on failure. */
p_status rpc_client_create(rpc_client **out, const char *address, size_t max_message_bytes,
                           p_err *err);

/** The same over TLS; tls NULL: plain text. tls->ca: the certificates that the service's must lead
 *  to (NULL: the system's); tls->cert and tls->key: what a service that wants client certificates
 *  gets (both or neither). The files are read now. The host of address must be one of the names or
 *  addresses in the service's certificate. P_EMISSING: a file cannot be used; err says why. */
p_status rpc_client_create_tls(rpc_client **out, const char *address, const rpc_tls_files *tls,
                               size_t max_message_bytes, p_err *err);
void rpc_client_destroy(rpc_client *c); /**< NULL is allowed */

/** One call; method is "/package.Service/Method". *response is malloc'ed
 * (never NULL on success). */
p_status rpc_client_unary(rpc_client *c, const char *method, const uint8_t *request,
                          size_t request_len, double timeout_seconds, uint8_t **response,
                          size_t *response_len, p_err *err);
/** The reason that the server gave with the latest unary call (trailing metadata `zkprover-error`,
 *  decoded), or NULL. Lives until the next unary call. */
const char *rpc_client_reason(const rpc_client *c);

/** Opens a bidirectional stream; the time-out is for all of it. */
p_status rpc_stream_open(rpc_stream **out, rpc_client *c, const char *method,
                         double timeout_seconds, p_err *err);
p_status rpc_stream_send(rpc_stream *s, const uint8_t *bytes, size_t len, p_err *err);
/** The next answer, malloc'ed. P_ENOTFOUND: the server has ended the stream without one (what
 *  rpc_stream_finish says is why). */
p_status rpc_stream_receive(rpc_stream *s, uint8_t **bytes, size_t *len, p_err *err);
/** Half-closes, drops what still arrives, and waits for the end. P_OK if the server ended with
 *  status OK. Once. */
p_status rpc_stream_finish(rpc_stream *s, p_err *err);
/** After finish: the reason that the server gave for request number index (trailing metadata
 *  `zkprover-error`, decoded), or NULL. Lives as long as the stream. */
const char *rpc_stream_reason(const rpc_stream *s, uint64_t index);
void rpc_stream_destroy(rpc_stream *s); /**< cancels what still runs; NULL is allowed */

#endif
