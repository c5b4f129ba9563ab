#include "host/rpc/peers.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static void names(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"ipv4:127.0.0.1:4711", "127.0.0.1"},
        {"ipv4:192.0.2.7:1", "192.0.2.7"},
        {"ipv6:[::1]:50051", "::/64"},
        {"ipv6:%5B2001:db8:1:2:3:4:5:6%5D:99", "2001:db8:1:2::/64"},
        {"ipv6:[2001:db8:1:2:ffff::1]:99", "2001:db8:1:2::/64"},
        {"ipv6:[2001:db8:1:3::1]:99", "2001:db8:1:3::/64"},
        {"ipv6:[fe80::1%25eth0]:99", "fe80::/64"},
        {"ipv6:[::ffff:192.0.2.7]:99", "192.0.2.7"},
        {"unix:/run/x", "local"},
        {"", "local"},
        {"ipv4:", "local"},
        {"ipv4:999.1.1.1:1", "local"},
        {"ipv6:[zz]:1", "local"},
    };
    char name[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rpc_peers_name(name, rows[i][0]);
        assert_string_equal(name, rows[i][1]);
    }
    rpc_peers_name(name, NULL);
    assert_string_equal(name, "local");
    char longest[400];
    memset(longest, 'f', sizeof longest);
    memcpy(longest, "ipv6:", 5);
    longest[sizeof longest - 1] = 0;
    rpc_peers_name(name, longest);
    assert_string_equal(name, "local");
}

static void limit(void **state)
{
    (void)state;
    rpc_peers *p = rpc_peers_create(2);
    rpc_peer *a, *b, *c, *d;
    char why[256] = "";
    assert_non_null(p);
    assert_int_equal(rpc_peers_enter(p, "ipv4:10.0.0.1:1", &a, why, sizeof why), P_OK);
    assert_int_equal(rpc_peers_enter(p, "ipv4:10.0.0.1:2", &b, why, sizeof why), P_OK);
    assert_ptr_equal(a, b);
    assert_int_equal(rpc_peers_enter(p, "ipv4:10.0.0.1:3", &c, why, sizeof why), P_EEXHAUSTED);
    assert_null(c);
    assert_non_null(strstr(why, "2 calls"));
    assert_int_equal(rpc_peers_enter(p, "ipv4:10.0.0.2:1", &d, why, sizeof why), P_OK);
    assert_ptr_not_equal(a, d);
    rpc_peers_leave(p, a);
    assert_int_equal(rpc_peers_enter(p, "ipv4:10.0.0.1:3", &c, why, sizeof why), P_OK);
    rpc_peers_leave(p, b);
    rpc_peers_leave(p, c);
    rpc_peers_leave(p, d);
    rpc_peers_leave(p, NULL);
    rpc_peers_destroy(p);
}

/* More clients than buckets, entered and left in another order: none is mixed up or left behind. */
static void many(void **state)
{
    (void)state;
    enum { N = 5000 };
    static rpc_peer *peers[N];
    rpc_peers *p = rpc_peers_create(0);
    char text[64], why[64];
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < N; i++) {
            rpc_peer *now;
            snprintf(text, sizeof text, "ipv4:10.0.%d.%d:%d", i / 250, i % 250, round);
            assert_int_equal(rpc_peers_enter(p, text, &now, why, sizeof why), P_OK);
            if (round)
                assert_ptr_equal(now, peers[i]);
            peers[i] = now;
            assert_int_equal(now->calls, round + 1);
        }
    for (int i = 0; i < N; i++)
        for (int round = 0; round < 3; round++)
            rpc_peers_leave(p, peers[(i * 7) % N]);
    rpc_peer *again;
    assert_int_equal(rpc_peers_enter(p, "ipv4:10.0.0.0:1", &again, why, sizeof why), P_OK);
    assert_int_equal(again->calls, 1);
    rpc_peers_leave(p, again);
    rpc_peers_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(limit),
                                       cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
