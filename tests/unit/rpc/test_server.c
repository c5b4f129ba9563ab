/* What of the server core needs no client; the rest is in tests/integration. */
#include "host/rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const rpc_server_options good = {.threads = 2,
                                        .max_message_bytes = 1 << 20,
                                        .max_inflight_bytes = 1 << 22,
                                        .max_transport_bytes = 1 << 26,
                                        .max_calls = 10,
                                        .max_streams = 10};
static const rpc_method method = {.name = "/a.B/C", .kind = RPC_UNARY, .unimplemented = "not here"};

static void options(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        rpc_server_options o = good;
        switch (i) {
        case 0:
            o.threads = 0;
            break;
        case 1:
            o.threads = 65;
            break;
        case 2:
            o.max_message_bytes = 1023;
            break;
        case 3:
            o.max_message_bytes = (size_t)INT32_MAX + 1;
            o.max_inflight_bytes = SIZE_MAX;
            break;
        case 4:
            o.max_inflight_bytes = o.max_message_bytes - 1;
            break;
        case 5:
            o.max_calls = 0;
            break;
        case 6:
            o.max_streams = 0;
            break;
        default:
            o.max_streams = (unsigned)INT32_MAX + 1;
            break;
        }
        rpc_server *s = (rpc_server *)1;
        p_err err = {0};
        assert_int_equal(rpc_server_create(&s, &o, &method, 1, &err), P_EINVAL);
        assert_null(s);
        assert_true(err.text[0] != 0);
    }
}

static void life(void **state)
{
    (void)state;
    rpc_server *s, *other;
    p_err err = {0};
    unsigned port = 0, again = 0;
    /* created only; bound only; started; stopped twice */
    assert_int_equal(rpc_server_create(&s, &good, &method, 1, &err), P_OK);
    assert_int_equal(rpc_server_start(s, &err), P_EINTERNAL);
    rpc_server_destroy(s);
    assert_int_equal(rpc_server_create(&s, &good, &method, 1, &err), P_OK);
    assert_int_equal(rpc_server_listen(s, "127.0.0.1:0", NULL, &port, &err), P_OK);
    assert_true(port > 0 && port < 65536);
    rpc_server_destroy(s);
    assert_int_equal(rpc_server_create(&s, &good, &method, 1, &err), P_OK);
    assert_int_equal(rpc_server_listen(s, "127.0.0.1:0", NULL, &port, &err), P_OK);
    assert_int_equal(rpc_server_start(s, &err), P_OK);
    assert_false(rpc_server_draining(s));

    /* the port is taken */
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    assert_int_equal(rpc_server_create(&other, &good, &method, 1, &err), P_OK);
    assert_int_equal(rpc_server_listen(other, address, NULL, &again, &err), P_EUNAVAILABLE);
    assert_non_null(strstr(err.text, address));
    rpc_server_destroy(other);

    rpc_server_drain(s);
    assert_true(rpc_server_draining(s));
    assert_true(rpc_server_drain_wait(s, 1000));
    rpc_server_cancel_calls(s);
    rpc_server_stop(s);
    rpc_server_stop(s);
    rpc_server_stats stats;
    rpc_server_get_stats(s, &stats);
    assert_int_equal(stats.calls_accepted, 0);
    assert_int_equal(stats.inflight_bytes, 0);
    rpc_server_destroy(s);
    rpc_server_destroy(NULL);
}

static void silent(bool is_error, const char *text)
{
    (void)is_error;
    (void)text;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(options), cmocka_unit_test(life)};
    rpc_core_log_redirect(silent); /* the taken port */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
