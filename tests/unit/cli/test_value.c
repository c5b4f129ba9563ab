/* Numbers and byte strings as test vectors write them. */
#include "host/cli/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u256 value;
    } good[] = {
        {"0", {{0, 0, 0, 0}}},
        {"0x", {{0, 0, 0, 0}}},
        {"0x0", {{0, 0, 0, 0}}},
        {"007", {{7, 0, 0, 0}}},
        {"0xfF", {{255, 0, 0, 0}}},
        {"18446744073709551616", {{0, 1, 0, 0}}},
        {"0x010000000000000000", {{0, 1, 0, 0}}},
        {"115792089237316195423570985008687907853269984665640564039457584007913129639935",
         {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}},
        {"0x1000000000000000000000000000000000000000000000000", {{0, 0, 0, 1}}},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        u256 x;
        assert_true(value_parse(&x, good[i].text));
        assert_memory_equal(&x, &good[i].value, sizeof x);
        uint8_t be[32];
        value_to_be(be, &x);
        u256 y = value_from_be(be, 32);
        assert_memory_equal(&x, &y, sizeof x);
    }
    static const char *const bad[] = {
        "",
        "x",
        "-1",
        "1a",
        "0xg",
        " 1",
        "1 ",
        "0x0x1",
        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
        "0x10000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        u256 x;
        assert_false(value_parse(&x, bad[i]));
    }
}

static void test_text(void **state)
{
    (void)state;
    char out[VALUE_HEX_BYTES];
    u256 zero = {{0}}, x = {{0xabc, 0, 0, 1}};
    assert_string_equal(value_hex_short(out, &zero), "0x0");
    assert_string_equal(value_hex_short(out, &x),
                        "0x1000000000000000000000000000000000000000000000abc");
    assert_int_equal(strlen(value_hex(out, &x)), 66);
    assert_string_equal(value_hex_bytes(out, (const uint8_t *)"\x01\xff", 2), "0x01ff");
    assert_string_equal(value_hex_bytes(out, NULL, 0), "0x");
}

static void test_json(void **state)
{
    (void)state;
    json_t *o =
        json_pack("{s:i, s:s, s:s, s:i, s:s, s:s, s:n, s:s}", "i", 5, "s", "0x10", "d", "12", "neg",
                  -1, "odd", "0xabc", "addr", "0x00000000000000000000000000000000000000fF", "null",
                  "wide", "0x10000000000000000");
    assert_non_null(o);
    u256 x;
    uint64_t n;
    p_err err = {0};
    assert_int_equal(value_json_field(&x, o, "i", &err), P_OK);
    assert_int_equal(x.limb[0], 5);
    assert_int_equal(value_json_u64(&n, o, "s", &err), P_OK);
    assert_int_equal(n, 16);
    static const char *const bad[] = {"neg", "null", "missing", "addrx"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(value_json_field(&x, o, bad[i], &err), P_EINVAL);
        assert_non_null(strstr(err.text, bad[i]));
    }
    assert_int_equal(value_json_field(&x, o, "wide", &err), P_OK);
    assert_int_equal(value_json_u64(&n, o, "wide", &err), P_EINVAL);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(value_json_bytes(&bytes, &len, json_object_get(o, "s"), "s", &err), P_OK);
    assert_int_equal(len, 1);
    assert_int_equal(bytes[0], 0x10);
    free(bytes);
    assert_int_equal(value_json_bytes(&bytes, &len, json_object_get(o, "odd"), "odd", &err),
                     P_EINVAL);
    assert_null(bytes);
    assert_int_equal(value_json_bytes(&bytes, &len, NULL, "none", &err), P_EINVAL);
    exec_address a;
    assert_int_equal(value_json_address(&a, o, "addr", &err), P_OK);
    assert_int_equal(a.bytes[19], 0xff);
    assert_int_equal(value_json_address(&a, o, "s", &err), P_EINVAL);
    assert_int_equal(value_json_address(&a, o, "i", &err), P_EINVAL);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
