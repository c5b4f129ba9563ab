/** A gRPC server core: with the client (client.h) the only part that includes gRPC's headers.
 *
 * It knows calls, messages and their order, nothing of any service. A service registers a table of
 * methods; for each request message the core calls the method's `message` entry on a
 * completion-queue thread, which must not block (it hands the work to workers.h, or answers at
 * once if the answer is ready), and later, from any thread, the service gives exactly one answer:
 * rpc_call_answer or rpc_call_fail. Nobody waits in between, so a thousand waiting streams cost a
 * thousand small records and no thread.
 *
 * Order: create, listen, start; then drain, drain_wait, stop, destroy. Back-pressure: a stream's
 * next message is read when the previous one has been answered and the answer has left; received
 * and unsent bytes of all calls together are limited (a call above that limit ends with
 * RESOURCE_EXHAUSTED).
 *
 * Statuses are p_status (their gRPC codes: driver/base/status.h). Texts that go to a client are
 * percent-encoded (percent.h). */
#ifndef ZKP_HOST_RPC_SERVER_H
#define ZKP_HOST_RPC_SERVER_H

#include "driver/base/err.h"
#include "host/rpc/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rpc_server rpc_server;
typedef struct rpc_call rpc_call; /**< valid while an answer is owed; not after it was given */

typedef enum rpc_kind {
    RPC_UNARY, /**< one request, one answer, and the call is over */
    RPC_BIDI,  /**< any number of requests, one answer for each, in order */
    /** One request, any number of answers: `message` is called again when an answer given with
     *  RPC_CONTINUE has left (or could not), and owes the next; rpc_call_index counts these. */
    RPC_SERVER_STREAM,
} rpc_kind;

typedef struct rpc_method {
    const char *name; /**< "/package.Service/Method"; borrowed until the server is destroyed */
    rpc_kind kind;
    bool while_draining; /**< also served while the server drains */
    /** Not NULL: every call ends at once with UNIMPLEMENTED and this text (printable ASCII,
     *  borrowed as name is); the entries below are not used then. */
    const char *unimplemented;
    /** A request has arrived and an answer is owed. Completion-queue thread; must not block. */
    void (*message)(void *ctx, rpc_call *call);
    /** The client went away, or the server gave up waiting, while an answer is owed (it is still
     *  owed, though nobody will read it). May be NULL: rpc_call_cancelled says the same to those
     *  who poll. Can run while another thread is answering. Must not block. */
    void (*cancelled)(void *ctx, rpc_call *call);
    void *ctx;
} rpc_method;

typedef struct rpc_server_options {
    unsigned threads;           /**< completion-queue threads, 1..64 */
    size_t max_message_bytes;   /**< of one message, both directions; at most INT32_MAX */
    size_t max_inflight_bytes;  /**< received and unsent messages of all calls together */
    size_t max_transport_bytes; /**< gRPC's own buffers of all connections together; 0: no limit */
    unsigned max_calls;         /**< running calls of all connections together */
    unsigned max_streams;       /**< running calls of one connection */
    unsigned max_client_calls;  /**< running calls of one client address (peers.h); 0: no limit */
    size_t max_client_inflight_bytes; /**< as max_inflight_bytes, of one address; 0: no limit */
    const char *hidden_folder; /**< borrowed; its name is left out of texts for clients (text.h);
                                  NULL: none */
    /** A call is over; NULL: nobody counts. method is its table's name, or NULL if it was for none
     *  of the methods; code the gRPC status that it ended with, CANCELLED if the client did not
     *  wait for it. Any thread, without locks; must not block nor call the server. */
    void (*ended)(void *ctx, const char *method, int code);
    void *ended_ctx;
} rpc_server_options;

/** A server with its methods (copied; names and ctx borrowed). *out is NULL on failure. */
p_status rpc_server_create(rpc_server **out, const rpc_server_options *options,
                           const rpc_method *methods, size_t n_methods, p_err *err);

/** Binds a port, with TLS if tls (borrowed until destroy) is not NULL, else plain text; address is
 * "HOST:PORT" with a numeric host ("[::1]:0" for IPv6), port 0 picks a free one. *port is the real
 * one. P_EUNAVAILABLE if the address cannot be bound. */
p_status rpc_server_listen(rpc_server *s, const char *address, rpc_tls *tls, unsigned *port,
                           p_err *err);

/** Starts the threads; calls arrive from now on. */
p_status rpc_server_start(rpc_server *s, p_err *err);

/** From now on new calls get UNAVAILABLE, but for methods with while_draining, and streams on which
 *  nothing is owed are ended with UNAVAILABLE after a moment. Requests that a running stream has
 *  already sent still reach their method (which asks rpc_server_draining). Any thread. */
void rpc_server_drain(rpc_server *s);
bool rpc_server_draining(const rpc_server *s);

/** One step of waiting for the end of the running calls, at most about max_ms milliseconds; true
 *  when none is left (calls of methods with while_draining do not count). One thread. */
bool rpc_server_drain_wait(rpc_server *s, unsigned max_ms);

/** Marks every running call as cancelled (rpc_call_cancelled, `cancelled`). Their answers are still
 *  owed and still sent. One thread at a time. */
void rpc_server_cancel_calls(rpc_server *s);

/** Ends everything: no new calls, running ones are cancelled. Every owed answer must be given
 *  before it returns, from other threads. Idempotent. */
void rpc_server_stop(rpc_server *s);
void rpc_server_destroy(rpc_server *s); /**< stops first; NULL is allowed */

typedef struct rpc_server_stats {
    uint64_t calls_accepted, calls_refused, messages, answers;
    unsigned calls_running;
    size_t inflight_bytes;
} rpc_server_stats;
void rpc_server_get_stats(rpc_server *s, rpc_server_stats *out);

/** The request as one malloc'ed block, which the caller frees; once for each request. Copies, so it
 *  belongs into a worker when messages are large. An empty message is a block of length 0 (still to
 *  be freed). P_EEXHAUSTED when there is no memory for it. */
p_status rpc_call_take(rpc_call *call, uint8_t **bytes, size_t *len, p_err *err);

/** Position of the current request on its stream, from 0. */
uint64_t rpc_call_index(const rpc_call *call);

/** Length of the current request, before it is taken. */
size_t rpc_call_request_bytes(const rpc_call *call);

/** True when nobody waits for the answer any more. Any thread, cheap. Set before `cancelled` is
 *  called. */
bool rpc_call_cancelled(const rpc_call *call);

/** A pointer of the service's own, NULL at first, so that `cancelled` finds what belongs to the
 *  call. The service guards it. */
void rpc_call_set_user(rpc_call *call, void *user);
void *rpc_call_user(const rpc_call *call);

/** How the call goes on after an answer. */
typedef enum rpc_next {
    RPC_CONTINUE, /**< the stream goes on with its next request (a unary call always ends) */
    RPC_END,      /**< the stream ends with status OK after this answer */
} rpc_next;

/** Gives the owed answer. bytes is malloc'ed and becomes the server's, also on failure. reason is
 *  NULL, or text for the trailing metadata `zkprover-error`, where it appears as "INDEX: text" on a
 *  stream and as "text" in a unary call; it is copied. A message above the limit ends the call with
 *  RESOURCE_EXHAUSTED instead. Afterwards the call must not be touched. */
void rpc_call_answer(rpc_call *call, uint8_t *bytes, size_t len, const char *reason, rpc_next next);

/** Ends the call with a status in place of the owed answer. text becomes the status message, and
 *  the reason in the trailing metadata. Afterwards the call must not be touched. */
void rpc_call_fail(rpc_call *call, p_status status, const char *text);

/** Sends what gRPC itself logs (rarely anything but socket errors) to a function instead of plain
 *  text on stderr; of more than 20 lines in 10 seconds the rest is only counted. Process-wide,
 * because gRPC's logger is; call it before any server is created. */
typedef void rpc_core_log_fn(bool is_error, const char *text);
void rpc_core_log_redirect(rpc_core_log_fn *fn);

/** "grpc 29.0.0"-like text of the library in use; static. */
const char *rpc_core_version(void);

#endif
