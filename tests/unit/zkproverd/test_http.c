#include "host/zkproverd/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good, loopback;
        int port;
    } cases[] = {
        {"127.0.0.1:9464", true, true, 9464},
        {"127.1.2.3:0", true, true, 0},
        {"0.0.0.0:65535", true, false, 65535},
        {"192.0.2.1:80", true, false, 80},
        {"[::1]:9464", true, true, 9464},
        {"[::]:9464", true, false, 9464},
        {"[2001:db8::1]:9464", true, false, 9464},
        {"", false, false, 0},
        {":", false, false, 0},
        {":80", false, false, 0},
        {"127.0.0.1", false, false, 0},
        {"127.0.0.1:", false, false, 0},
        {"127.0.0.1:65536", false, false, 0},
        {"127.0.0.1:655360", false, false, 0},
        {"127.0.0.1:-1", false, false, 0},
        {"127.0.0.1:+1", false, false, 0},
        {"127.0.0.1: 1", false, false, 0},
        {"127.0.0.1:1x", false, false, 0},
        {"127.0.0:1", false, false, 0},
        {"localhost:80", false, false, 0},
        {"::1:80", false, false, 0},
        {"[]:80", false, false, 0},
        {"[::1:80", false, false, 0},
        {"[127.0.0.1]:80", false, false, 0},
        {"[::1%lo]:80", false, false, 0},
        {"0000000000000000000000000000000000000000000000000000000000000000000000000:80", false,
         false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_address a;
        bool good = http_address_parse(&a, cases[i].text);
        if (good != cases[i].good)
            fail_msg("%s", cases[i].text);
        if (!good)
            continue;
        assert_int_equal(a.loopback, cases[i].loopback);
        assert_int_equal(ntohs(a.u.v4.sin_port), cases[i].port);
    }
}

static bool ready(void *ctx, char reasons[HTTP_REASON_BYTES])
{
    if (*(bool *)ctx)
        return true;
    snprintf(reasons, HTTP_REASON_BYTES, "halted: the disk\nis gone\n");
    return false;
}

typedef struct fixture {
    metrics *m;
    http_server *h;
    unsigned port;
    bool is_ready;
    logger log;
} fixture;

static void start(fixture *f, unsigned max_connections, unsigned idle_seconds)
{
    metrics_family *g;
    p_err err = {0};
    *f = (fixture){.is_ready = true, .log = {LOG_ERROR, STDERR_FILENO}};
    assert_int_equal(metrics_create(&f->m, &err), P_OK);
    assert_int_equal(
        metrics_family_create(f->m, &g, &(metrics_family_options){.name = "a_total", .help = "A."},
                              &err),
        P_OK);
    metrics_add(metrics_series_get(g, NULL), 3);
    http_options o = {.listen = "127.0.0.1:0",
                      .metrics = f->m,
                      .max_connections = max_connections,
                      .idle_seconds = idle_seconds,
                      .ready = ready,
                      .ready_ctx = &f->is_ready,
                      .log = &f->log};
    assert_int_equal(http_start(&f->h, &o, &f->port, &err), P_OK);
    assert_true(f->port > 0);
}

static void stop(fixture *f)
{
    http_stop(f->h);
    metrics_destroy(f->m);
}

static int dial(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval limit = {10, 0};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/** Reads until the connection is closed; -1 if that does not happen in time. */
static ssize_t read_all(int fd, char *out, size_t size)
{
    size_t at = 0;
    for (;;) {
        ssize_t n = recv(fd, out + at, size - 1 - at, 0);
        if (n < 0 && errno != ECONNRESET)
            return -1;
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    out[at] = 0;
    return (ssize_t)at;
}

/** Sends bytes on a new connection and returns all that comes back until it is closed. */
static const char *talk(const fixture *f, const char *request)
{
    static char answer[65536];
    int fd = dial(f->port);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    shutdown(fd, SHUT_WR);
    assert_true(read_all(fd, answer, sizeof answer) >= 0);
    close(fd);
    return answer;
}

static const char *get(const fixture *f, const char *method, const char *path)
{
    char request[256];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             method, path);
    return talk(f, request);
}

static void expect(const char *answer, const char *status, const char *header, const char *body)
{
    if (strncmp(answer, "HTTP/1.1 ", 9) || strncmp(answer + 9, status, strlen(status)))
        fail_msg("expected %s: %s", status, answer);
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    assert_string_equal(end + 4, body);
    if (header && (!strstr(answer, header) || strstr(answer, header) > end))
        fail_msg("expected %s: %s", header, answer);
}

#define METRICS_TEXT "# HELP a_total A.\n# TYPE a_total counter\na_total 3\n"

static void answers(void **state)
{
    (void)state;
    fixture f;
    start(&f, 0, 0);
    expect(get(&f, "GET", "/metrics"), "200",
           "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", METRICS_TEXT);
    expect(get(&f, "GET", "/metrics?name=x"), "200", NULL, METRICS_TEXT);
    expect(get(&f, "HEAD", "/metrics"), "200", "Content-Length: 51\r\n", "");
    assert_int_equal(strlen(METRICS_TEXT), 51);
    expect(get(&f, "GET", "/healthz"), "200", "Cache-Control: no-store\r\n", "ok\n");
    expect(get(&f, "GET", "/readyz"), "200", NULL, "ready\n");
    f.is_ready = false;
    expect(get(&f, "GET", "/readyz"), "503", NULL, "halted: the disk\nis gone\n");
    expect(get(&f, "HEAD", "/readyz"), "503", NULL, "");
    expect(get(&f, "GET", "/healthz"), "200", NULL, "ok\n"); /* alive, though not ready */
    const char *none = "not found; there is: /metrics, /healthz, /readyz\n";
    expect(get(&f, "GET", "/"), "404", NULL, none);
    expect(get(&f, "GET", "/metrics/"), "404", NULL, none);
    expect(get(&f, "GET", "/../../etc/passwd"), "404", NULL, none);
    expect(get(&f, "GET", "/%6detrics"), "200", NULL, METRICS_TEXT); /* the same path, encoded */
    expect(get(&f, "POST", "/metrics"), "405", "Allow: GET, HEAD\r\n", "only GET and HEAD\n");
    expect(get(&f, "BREW", "/readyz"), "405", "Allow: GET, HEAD\r\n", "only GET and HEAD\n");
    stop(&f);
    http_stop(NULL);
}

static void hostile(void **state)
{
    (void)state;
    fixture f;
    start(&f, 0, 1);
    /* a body is not read, and does not become a second request */
    expect(talk(&f, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc"),
           "405", NULL, "only GET and HEAD\n");
    expect(talk(&f, "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 27\r\n\r\n"
                    "GET /metrics HTTP/1.1\r\n\r\n"),
           "200", NULL, "ok\n");
    const char *rubbish = talk(&f, "rubbish\r\n\r\n"); /* an error, or nothing at all */
    assert_true(!rubbish[0] || !strncmp(rubbish, "HTTP/1.1 4", 10) || strstr(rubbish, "400"));
    /* headers above the limit end in an error, not in memory */
    char *big = malloc(100001);
    assert_non_null(big);
    memset(big, 'a', 100000);
    big[100000] = 0;
    memcpy(big, "GET /", 5);
    int fd = dial(f.port);
    char answer[4096];
    (void)!send(fd, big, 100000, MSG_NOSIGNAL);
    ssize_t n = read_all(fd, answer, sizeof answer);
    assert_true(n >= 0);
    assert_null(strstr(answer, "200 OK"));
    close(fd);
    free(big);
    /* one who says nothing is closed after the idle time */
    fd = dial(f.port);
    assert_int_equal(send(fd, "GET /hea", 8, MSG_NOSIGNAL), 8);
    assert_true(read_all(fd, answer, sizeof answer) >= 0);
    close(fd);
    expect(get(&f, "GET", "/healthz"), "200", NULL, "ok\n");
    stop(&f);
}

static void keeps_alive(void **state)
{
    (void)state;
    fixture f;
    start(&f, 0, 1);
    const char *both = talk(&f, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(both, "\r\n\r\nok\nHTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(both, "\r\n\r\nready\n"));
    stop(&f);
}

/** More connections than allowed: the first ones are served, nothing breaks, and when they go there
 *  is room again. */
static void many(void **state)
{
    (void)state;
    fixture f;
    start(&f, 4, 5);
    int fds[64];
    for (int i = 0; i < 64; i++)
        fds[i] = dial(f.port);
    for (int i = 0; i < 64; i++)
        close(fds[i]);
    bool served = false;
    for (int i = 0; !served && i < 50; i++) {
        served = strstr(get(&f, "GET", "/healthz"), "\r\n\r\nok\n") != NULL;
        if (!served)
            usleep(100000);
    }
    assert_true(served);
    int open = dial(f.port); /* is closed by the stop, which does not wait for it */
    stop(&f);
    char answer[64];
    assert_true(read_all(open, answer, sizeof answer) >= 0);
    close(open);
}

static void failures(void **state)
{
    (void)state;
    fixture f;
    start(&f, 0, 0);
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", f.port);
    http_server *h = f.h;
    unsigned port;
    p_err err = {0};
    http_options o = {.listen = taken, .metrics = f.m, .ready = ready, .log = &f.log};
    assert_int_equal(http_start(&h, &o, &port, &err), P_EUNAVAILABLE);
    assert_null(h);
    assert_non_null(strstr(err.text, taken));
    o.listen = "localhost:80";
    assert_int_equal(http_start(&h, &o, &port, &err), P_EINVAL);
    assert_non_null(strstr(err.text, "localhost:80"));
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),   cmocka_unit_test(answers), cmocka_unit_test(hostile),
        cmocka_unit_test(keeps_alive), cmocka_unit_test(many),    cmocka_unit_test(failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
