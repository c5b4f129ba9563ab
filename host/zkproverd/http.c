#include "host/zkproverd/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 2 /* one may wait for a disk in a collector while the other answers /healthz */
#define DEFAULT_CONNECTIONS 32
#define DEFAULT_IDLE_SECONDS 10
#define CONNECTION_BYTES 16384 /* request line and headers; more is refused by the library */

struct http_server {
    http_options options;
    struct MHD_Daemon *daemon;
};

bool http_address_parse(http_address *out, const char *text)
{
    char host[64];
    unsigned long port = 0;
    memset(out, 0, sizeof *out);
    const char *colon = strrchr(text, ':');
    if (!colon || !colon[1] || strlen(colon + 1) > 5 || (size_t)(colon - text) >= sizeof host)
        return false;
    for (const char *p = colon + 1; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        port = port * 10 + (unsigned long)(*p - '0');
    }
    if (port > 65535)
        return false;
    size_t n = (size_t)(colon - text);
    memcpy(host, text, n);
    host[n] = 0;
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = 0;
        out->u.v6.sin6_family = AF_INET6;
        out->u.v6.sin6_port = htons((uint16_t)port);
        if (inet_pton(AF_INET6, host + 1, &out->u.v6.sin6_addr) != 1)
            return false;
        out->loopback = IN6_IS_ADDR_LOOPBACK(&out->u.v6.sin6_addr);
        return true;
    }
    out->u.v4.sin_family = AF_INET;
    out->u.v4.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, host, &out->u.v4.sin_addr) != 1)
        return false;
    out->loopback = ntohl(out->u.v4.sin_addr.s_addr) >> 24 == 127;
    return true;
}

/* ---- answers ---- */

/** Takes the response over. */
static enum MHD_Result answer(struct MHD_Connection *c, unsigned code,
                              struct MHD_Response *response, const char *type, const char *allow)
{
    if (!response)
        return MHD_NO; /* no memory: the connection is closed */
    enum MHD_Result r = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (r == MHD_YES)
        r = MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (r == MHD_YES)
        r = MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (r == MHD_YES && allow)
        r = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
    if (r == MHD_YES)
        r = MHD_queue_response(c, code, response);
    MHD_destroy_response(response);
    return r;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned code, const char *text,
                                   const char *allow)
{
    return answer(c, code,
                  MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                                  MHD_RESPMEM_MUST_COPY),
                  "text/plain; charset=utf-8", allow);
}

static enum MHD_Result answer_metrics(const http_server *h, struct MHD_Connection *c)
{
    char *text;
    size_t len;
    p_err err = {0};
    if (metrics_render(h->options.metrics, &text, &len, &err) != P_OK) {
        log_event(h->options.log, LOG_ERROR, "http", "{s:s}", "text", err.text);
        return answer_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory\n", NULL);
    }
    struct MHD_Response *r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
    if (!r)
        free(text);
    return answer(c, MHD_HTTP_OK, r, METRICS_CONTENT_TYPE, NULL);
}

static enum MHD_Result answer_ready(const http_server *h, struct MHD_Connection *c)
{
    char reasons[HTTP_REASON_BYTES] = "";
    if (h->options.ready(h->options.ready_ctx, reasons))
        return answer_text(c, MHD_HTTP_OK, "ready\n", NULL);
    return answer_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, reasons, NULL);
}

/** A body would follow. */
static bool has_body(struct MHD_Connection *c)
{
    const char *length =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return (length && strcmp(length, "0")) ||
           MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/** The library calls it when the headers have arrived and again at the end of the request. An
 * answer at the first call makes it close the connection, which is what a request with a body gets:
 * nothing of the body is read. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    const http_server *h = ctx;
    (void)version;
    (void)upload;
    (void)upload_size;
    if (!*state && !has_body(c)) {
        *state = c; /* anything that is not NULL: the headers were seen */
        return MHD_YES;
    }
    static const char *const paths[] = {"/metrics", "/healthz", "/readyz"};
    size_t n = sizeof paths / sizeof paths[0], i = 0;
    while (i < n && strcmp(url, paths[i]))
        i++;
    if (i == n)
        return answer_text(c, MHD_HTTP_NOT_FOUND,
                           "not found; there is: /metrics, /healthz, /readyz\n", NULL);
    if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
        return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n", "GET, HEAD");
    switch (i) {
    case 0:
        return answer_metrics(h, c);
    case 1:
        return answer_text(c, MHD_HTTP_OK, "ok\n", NULL);
    default:
        return answer_ready(h, c);
    }
}

/** The library's own complaints: of clients mostly, so they are for debugging. */
static void on_library_log(void *ctx, const char *format, va_list args)
{
    const http_server *h = ctx;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\r\n")] = 0;
    log_event(h->options.log, LOG_DEBUG, "http", "{s:s}", "text", text);
}

/* ---- the port ---- */

/** A listening socket, so that a failure has its reason. */
static p_status listen_at(const char *listen_text, int *fd, unsigned *port, p_err *err)
{
    http_address a;
    if (!http_address_parse(&a, listen_text))
        return p_err_set(err, P_EINVAL,
                         "http.listen: '%.128s' is no numeric address with a port, as "
                         "127.0.0.1:9464 or [::1]:9464",
                         listen_text);
    socklen_t size = a.u.any.sa_family == AF_INET6 ? sizeof a.u.v6 : sizeof a.u.v4;
    int one = 1;
    *fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = *fd >= 0 && !setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
                (a.u.any.sa_family != AF_INET6 ||
                 !setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one)) &&
                !bind(*fd, &a.u.any, size) && !listen(*fd, 64) &&
                !getsockname(*fd, &a.u.any, &size);
    if (good) { /* the port is at the same place in both forms */
        *port = ntohs(a.u.v4.sin_port);
        return P_OK;
    }
    p_err_set(err, P_EUNAVAILABLE, "http.listen: cannot listen on %.128s: %s", listen_text,
              strerror(errno));
    if (*fd >= 0)
        close(*fd);
    return P_EUNAVAILABLE;
}

p_status http_start(http_server **out, const http_options *options, unsigned *port, p_err *err)
{
    int fd = -1;
    *out = NULL;
    http_server *h = calloc(1, sizeof *h);
    if (!h)
        return p_err_set(err, P_EEXHAUSTED, "no memory for the HTTP port");
    h->options = *options;
    h->options.listen = NULL; /* only borrowed for the start */
    p_status s = listen_at(options->listen, &fd, port, err);
    if (s != P_OK) {
        free(h);
        return s;
    }
    unsigned connections =
        options->max_connections ? options->max_connections : DEFAULT_CONNECTIONS;
    unsigned idle = options->idle_seconds ? options->idle_seconds : DEFAULT_IDLE_SECONDS;
    h->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, h,
        MHD_OPTION_EXTERNAL_LOGGER, on_library_log, h, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_TIMEOUT, idle, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_END);
    if (!h->daemon) {
        close(fd);
        free(h);
        return p_err_set(err, P_EEXHAUSTED, "the HTTP port's threads could not be started");
    }
    *out = h;
    return P_OK;
}

void http_stop(http_server *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->daemon); /* closes the socket too */
    free(h);
}
