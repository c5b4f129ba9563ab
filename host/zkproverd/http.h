/** The HTTP port of the operators: GET or HEAD of
 *
 *      /metrics   the metrics as Prometheus text
 *      /healthz   liveness: 200 as long as the process answers at all
 *      /readyz    readiness: 200 if requests are being served, else 503 with the reasons
 *
 * Anything else is 404, another method 405. Plain HTTP without authentication: nothing here
 * changes anything or shows a request's content. Connections, their memory and their idle time are
 * bounded; request bodies are not read. Order: start, stop. It has threads of its own. */
#ifndef ZKP_HOST_ZKPROVERD_HTTP_H
#define ZKP_HOST_ZKPROVERD_HTTP_H

#include "driver/base/err.h"
#include "host/metrics/metrics.h"
#include "host/zkproverd/log.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct http_server http_server;

#define HTTP_REASON_BYTES 2048

typedef struct http_options {
    const char *listen;       /**< ADDRESS:PORT, see http_address_parse; copied */
    metrics *metrics;         /**< borrowed until http_stop */
    unsigned max_connections; /**< 2..1000; 0: 32 */
    unsigned idle_seconds;    /**< a connection on which nothing happens is closed; 0: 10 */
    /** Whether requests are being served; if not, reasons is filled with one line for each reason.
     *  Any thread of this object; must not block. */
    bool (*ready)(void *ctx, char reasons[HTTP_REASON_BYTES]);
    void *ready_ctx;
    const logger *log; /**< borrowed */
} http_options;

/** *port is the real one if the address has port 0. P_EINVAL for an address that cannot be read,
 *  P_EUNAVAILABLE if it cannot be bound. */
p_status http_start(http_server **out, const http_options *options, unsigned *port, p_err *err);

/** Closes every connection and waits for the threads. NULL is allowed. */
void http_stop(http_server *h);

/** A numeric address with a port. */
typedef struct http_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    bool loopback;
} http_address;

/** Reads "127.0.0.1:9464" or "[::1]:9464"; false for anything else. */
bool http_address_parse(http_address *out, const char *text);

#endif
